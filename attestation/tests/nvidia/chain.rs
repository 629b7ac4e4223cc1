//! Device chains that must be refused.

use std::sync::LazyLock;

use attestation::evidence::nvidia::{
    certificate::CertificateError,
    chain::ChainError,
    container::{self, ContainerError},
    device_chain::{DeviceChain, DeviceChainError, FWID_OID, Family, TCB_INFO_OID},
    report::{DeviceKind, Report},
    signature::{KeyError, SignatureError, Verified},
    synthetic::{
        device::{Device, hopper_extension, tcb_info_extension},
        encode::{bits, integer, oid, pem, sequence},
        pki::{CERT_SIGN, DEVICE_NOT_BEFORE, DIGITAL_SIGNATURE, Key, NEVER},
        world::NOW,
    },
};
use base64ct::{Base64, Encoding};
use der::asn1::ObjectIdentifier;
use proptest::prelude::*;

use crate::honest::{NONCE, world};

fn verify_pem(pem: &[u8], at: u64) -> Result<DeviceChain, DeviceChainError> {
    DeviceChain::verify(pem, &world().device_root.key.fingerprint(), at, &mut Verified::default())
}

fn verify(device: &Device) -> Result<DeviceChain, DeviceChainError> {
    verify_pem(&device.chain_pem(), NOW)
}

fn device(family: Family) -> Device {
    world().device(family, 0)
}

/// The error of a chain whose authorities signed it after this change.
fn authored(family: Family, change: impl FnOnce(&mut Device)) -> DeviceChainError {
    let mut device = device(family);
    change(&mut device);
    verify(&device).unwrap_err()
}

fn chain_error(family: Family, change: impl FnOnce(&mut Device)) -> ChainError {
    match authored(family, change) {
        DeviceChainError::Chain(error) => error,
        other => panic!("{other}"),
    }
}

fn concatenated(ders: &[Vec<u8>]) -> DeviceChainError {
    let pem: String = ders.iter().map(|der| pem(der)).collect();
    verify_pem(pem.as_bytes(), NOW).unwrap_err()
}

// negative 15
#[test]
fn other_numbers_and_orders_of_certificates() {
    let ders = device(Family::Gh100).certificates();
    let count = |got| DeviceChainError::Chain(ChainError::Count { expected: 5, got });
    assert_eq!(concatenated(&ders[..4]), count(4));
    assert_eq!(concatenated(&[&ders[..], &ders[4..]].concat()), count(6));
    assert_eq!(concatenated(&[]), count(0));
    let mut swapped = ders.clone();
    swapped.swap(2, 3);
    assert_eq!(concatenated(&swapped), DeviceChainError::Chain(ChainError::Issuer { index: 1 }));
    let reversed: Vec<_> = ders.into_iter().rev().collect();
    assert_eq!(concatenated(&reversed), DeviceChainError::Chain(ChainError::LeafUsage));
    let junk = [b"junk\n", device(Family::Gh100).chain_pem().as_slice()].concat();
    let pem = |index| DeviceChainError::Chain(ChainError::Pem { index });
    assert_eq!(verify_pem(&junk, NOW).unwrap_err(), pem(0));
    let tail = [device(Family::Gh100).chain_pem().as_slice(), b"junk"].concat();
    assert_eq!(verify_pem(&tail, NOW).unwrap_err(), pem(5));
    let long = DeviceChainError::Chain(ChainError::TooLong { max: 16_384, got: 16_385 });
    assert_eq!(verify_pem(&[b'\n'; 16_385], NOW).unwrap_err(), long);
}

// negative 15, 19
#[test]
fn another_root_of_the_same_name() {
    let mut device = device(Family::Gh100);
    let root = Key::derive(&[9; 32], "NVIDIA Device Identity CA");
    let expected = world().device_root.key.fingerprint();
    device.chain[4].spec.key_info.clone_from(&root.info);
    device.chain[4].spec.subject_key = device.chain[3].spec.authority_key.clone();
    device.chain[4].key = root.clone();
    let error = DeviceChainError::Chain(ChainError::Root { expected, got: root.fingerprint() });
    assert_eq!(verify(&device).unwrap_err(), error);
}

// negative 16
#[test]
fn keys_of_other_kinds() {
    let p256 = sequence(&[
        &sequence(&[
            &oid(ObjectIdentifier::new_unwrap("1.2.840.10045.2.1")),
            &oid(ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7")),
        ]),
        &bits(&[4; 65]),
    ]);
    let rsa = sequence(&[
        &sequence(&[&oid(ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1")), &[5, 0]]),
        &bits(&sequence(&[&integer(&[0xC1; 256]), &integer(&[1, 0, 1])])),
    ]);
    let not_on_curve = [&device(Family::Gh100).chain[0].key.info[..119], &[0]].concat();
    for (info, expected) in [(p256, KeyError::NotP384), (rsa, KeyError::NotP384), (not_on_curve, KeyError::NotOnCurve)]
    {
        let error = chain_error(Family::Gh100, |device| device.chain[2].spec.key_info = info);
        assert_eq!(error, ChainError::Certificate { index: 2, source: CertificateError::Key(expected) });
    }
    let mut ders = device(Family::Gh100).certificates();
    // ecdsa-with-SHA384 becomes ecdsa-with-SHA256 in both places.
    let (from, to) = ([0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3], [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2]);
    for position in 0..ders[1].len() - 8 {
        if ders[1][position..position + 8] == from {
            ders[1][position..position + 8].copy_from_slice(&to);
        }
    }
    let got = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
    let source = CertificateError::SignatureAlgorithm { got };
    assert_eq!(concatenated(&ders), DeviceChainError::Chain(ChainError::Certificate { index: 1, source }));
}

// negative 17
#[test]
fn usages_and_path_lengths() {
    let error = |change: fn(&mut Device)| chain_error(Family::Gh100, change);
    for index in 1..4 {
        let not = chain_error(Family::Gh100, |device| device.chain[index].spec.constraints = Some((false, None)));
        assert_eq!(not, ChainError::NotAuthority { index });
        let not = chain_error(Family::Gh100, |device| device.chain[index].spec.constraints = None);
        assert_eq!(not, ChainError::NotAuthority { index });
        let not = chain_error(Family::Gh100, |device| device.chain[index].spec.key_usage = DIGITAL_SIGNATURE);
        assert_eq!(not, ChainError::NotAuthority { index });
    }
    assert_eq!(error(|device| device.chain[0].spec.key_usage = DIGITAL_SIGNATURE | CERT_SIGN), ChainError::LeafUsage);
    assert_eq!(error(|device| device.chain[0].spec.constraints = Some((true, None))), ChainError::LeafUsage);
    let length = ChainError::PathLength { index: 2, allowed: 0, got: 1 };
    assert_eq!(error(|device| device.chain[2].spec.constraints = Some((true, Some(0)))), length);
    let length = ChainError::PathLength { index: 4, allowed: 2, got: 3 };
    assert_eq!(error(|device| device.chain[4].spec.constraints = Some((true, Some(2)))), length);
    let unknown = ObjectIdentifier::new_unwrap("1.2.3.4");
    let critical = chain_error(Family::Gh100, |device| {
        device.chain[2].spec.extensions.push((unknown, true, vec![5, 0]));
    });
    let source = CertificateError::UnknownCritical { oid: unknown };
    assert_eq!(critical, ChainError::Certificate { index: 2, source });
    let twice = chain_error(Family::Gh100, |device| {
        device.chain[2].spec.extensions.extend([(unknown, false, vec![5, 0]), (unknown, false, vec![5, 0])]);
    });
    let source = CertificateError::DuplicateExtension { oid: unknown };
    assert_eq!(twice, ChainError::Certificate { index: 2, source });
    let key = chain_error(Family::Gh100, |device| device.chain[1].spec.authority_key = vec![0; 20]);
    assert_eq!(key, ChainError::AuthorityKey { index: 1 });
}

#[test]
fn every_link_is_signed() {
    for index in 0..5 {
        let mut device = device(Family::Gh100);
        let mut ders = device.certificates();
        // Same names and key identifiers, but signed by a stranger.
        device.chain[index].spec.serial.rotate_left(1);
        ders[index] = device.chain[index].spec.sign(&Key::derive(&[1; 32], "stranger"));
        let source = SignatureError::Mismatch;
        assert_eq!(concatenated(&ders), DeviceChainError::Chain(ChainError::Signature { index, source }));
    }
}

// negative 18
#[test]
fn before_and_after_validity() {
    let pem = device(Family::Gh100).chain_pem();
    let at = DEVICE_NOT_BEFORE - 1;
    let early = ChainError::NotYetValid { index: 0, not_before: DEVICE_NOT_BEFORE, at };
    assert_eq!(verify_pem(&pem, at).unwrap_err(), DeviceChainError::Chain(early));
    assert!(verify_pem(&pem, DEVICE_NOT_BEFORE).is_ok());
    assert!(verify_pem(&pem, NEVER).is_ok());
    for index in 0..5 {
        let not_after = NOW - 1000;
        let late = chain_error(Family::Gh100, |device| device.chain[index].spec.not_after = not_after);
        assert_eq!(late, ChainError::Expired { index, not_after, at: NOW });
    }
}

// negative 20
#[test]
fn firmware_identities() {
    let other = [7; 48];
    let mut device_ = device(Family::Gh100);
    device_.report.field(20).copy_from_slice(&other);
    let report = Report::parse(&device_.evidence(&NONCE).report).unwrap();
    let error = verify(&device_).unwrap().check_report(&report).unwrap_err();
    assert_eq!(error, DeviceChainError::Fwid { expected: Box::new(device_.fwid), got: Box::new(other) });

    let missing = |family| DeviceChainError::FwidMissing { family };
    let without = |family| authored(family, |device| device.chain[0].spec.extensions.clear());
    assert_eq!(without(Family::Gh100), missing(Family::Gh100));
    assert_eq!(without(Family::Gb100), missing(Family::Gb100));
    let hopper_on_blackwell = authored(Family::Gb100, |device| {
        let value = hopper_extension(&device.chain[1].key, &device.fwid);
        device.chain[0].spec.extensions = vec![(FWID_OID, false, value)];
    });
    assert_eq!(hopper_on_blackwell, missing(Family::Gb100));
    let blackwell_on_hopper = authored(Family::Gh100, |device| {
        let value = tcb_info_extension("GH100", &device.fwid, [0x80, 0, 0, 1]);
        device.chain[0].spec.extensions = vec![(TCB_INFO_OID, false, value)];
    });
    assert_eq!(blackwell_on_hopper, missing(Family::Gh100));
    for family in [Family::Gh100, Family::Gb100] {
        let malformed = authored(family, |device| device.chain[0].spec.extensions[0].2.truncate(40));
        assert_eq!(malformed, DeviceChainError::FwidMalformed);
    }
    let mut silent = device(Family::Gb100);
    silent.report.opaque.retain(|field| field.0 != 20);
    let report = Report::parse(&silent.evidence(&NONCE).report).unwrap();
    let error = verify(&silent).unwrap().check_report(&report).unwrap_err();
    assert_eq!(error, DeviceChainError::ReportFwidMissing { family: Family::Gb100 });
}

// negative 21
#[test]
fn leaf_that_names_another_identity_key() {
    let error = authored(Family::Gh100, |device| {
        let value = hopper_extension(&Key::derive(&[1; 32], "stranger"), &device.fwid);
        device.chain[0].spec.extensions = vec![(FWID_OID, false, value)];
    });
    assert_eq!(error, DeviceChainError::IdentityKey);
}

// negative 22
#[test]
fn families_and_chips() {
    let switch = device(Family::Ls10);
    let gpu = device(Family::Gh100);
    let switch_report = Report::parse(&switch.evidence(&NONCE).report).unwrap();
    let gpu_report = Report::parse(&gpu.evidence(&NONCE).report).unwrap();
    let kind = |expected, got| Err(DeviceChainError::Kind { expected, got });
    let (gpu_chain, switch_chain) = (verify(&gpu).unwrap(), verify(&switch).unwrap());
    assert_eq!(switch_chain.check_report(&gpu_report), kind(DeviceKind::Switch, DeviceKind::Gpu));
    assert_eq!(gpu_chain.check_report(&switch_report), kind(DeviceKind::Gpu, DeviceKind::Switch));

    let mut liar = device(Family::Gh100);
    liar.report.opaque.push((35, b"GB100\0".to_vec()));
    let report = Report::parse(&liar.evidence(&NONCE).report).unwrap();
    let chip = DeviceChainError::Chip { expected: "GH100".to_owned(), got: "GB100".to_owned() };
    assert_eq!(gpu_chain.check_report(&report), Err(chip));

    let mut other = device(Family::Ls10);
    other.report.field(22)[0] ^= 1;
    let report = Report::parse(&other.evidence(&NONCE).report).unwrap();
    let mut got = other.pdi;
    got[0] ^= 1;
    let error = DeviceChainError::OtherDevice { expected: other.pdi, got };
    assert_eq!(switch_chain.check_report(&report), Err(error));

    let renamed = authored(Family::Gh100, |device| device.chain[0].spec.subject = "GB100 A01 GSP FMC LF".to_owned());
    assert_eq!(renamed, DeviceChainError::UnknownFamily);
    // The provisioner alone tells a switch from a GPU; both hang under one family certificate.
    let moved = authored(Family::Gh100, |device| {
        device.chain[2].spec.subject = "NVIDIA LS_10 Provisioner ICA 1".to_owned();
        device.chain[1].spec.issuer = device.chain[2].spec.subject.clone();
    });
    assert_eq!(moved, DeviceChainError::UnknownFamily);
    let prefix = authored(Family::Gh100, |device| device.chain[1].spec.serial[0] = 0x50);
    assert_eq!(prefix, DeviceChainError::DeviceIdentifier);
    let short = authored(Family::Gh100, |device| device.chain[1].spec.serial.truncate(8));
    assert_eq!(short, DeviceChainError::DeviceIdentifier);
}

// negative 22
#[test]
fn containers_that_lie() {
    let gpu = device(Family::Gh100);
    let evidence = gpu.evidence(&NONCE);
    let entry = |arch: &str| {
        serde_json::json!({
            "arch": arch,
            "nonce": "11".repeat(32),
            "evidence": Base64::encode_string(&evidence.report),
            "certificate": Base64::encode_string(&evidence.chain),
        })
    };
    let read = |value: serde_json::Value| container::parse(value.to_string().as_bytes());
    let entries = read(serde_json::json!([entry("BLACKWELL")])).unwrap();
    assert_eq!(entries[0].evidence, evidence);
    assert_eq!(entries[0].nonce, NONCE);
    let lie = ContainerError::Architecture { expected: "HOPPER", got: "BLACKWELL".to_owned() };
    assert_eq!(entries[0].check_architecture(Family::Gh100), Err(lie));
    assert_eq!(entries[0].check_architecture(Family::Gb100), Ok(()));
    assert_eq!(read(serde_json::json!([])), Err(ContainerError::Count { got: 0 }));
    let many = vec![entry("HOPPER"); 17];
    assert_eq!(read(serde_json::json!(many)), Err(ContainerError::Count { got: 17 }));
    let mut bad = entry("HOPPER");
    bad["evidence"] = "*".into();
    let field = ContainerError::Field { index: 0, field: "evidence", encoding: "base64" };
    assert_eq!(read(serde_json::json!([bad])), Err(field));
    assert_eq!(container::parse(b"{}"), Err(ContainerError::Json { line: 1, column: 0 }));
}

// negative 23
#[test]
fn flags_of_devices_that_are_not_in_production() {
    for (byte, flag) in [(0x40, "notSecure"), (0x20, "recovery"), (0x10, "debug")] {
        let error = authored(Family::Gb100, |device| {
            let value = tcb_info_extension("GB100", &device.fwid, [0x80 | byte, 0, 0, 1]);
            device.chain[0].spec.extensions = vec![(TCB_INFO_OID, false, value)];
        });
        assert_eq!(error, DeviceChainError::DiceFlag { flag });
    }
}

proptest! {
    #[test]
    fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let _ = verify_pem(&bytes, NOW);
        let _ = concatenated(&[bytes]);
    }

    #[test]
    fn no_mutation_of_the_leaf_verifies(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        static DERS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| device(Family::Gb100).certificates());
        let mut ders = DERS.clone();
        let length = ders[0].len();
        let place = &mut ders[0][position.index(length)];
        prop_assume!(*place != byte);
        *place = byte;
        let _ = concatenated(&ders);
    }
}

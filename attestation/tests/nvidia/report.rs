//! Reports that must be refused.

use std::sync::LazyLock;

use attestation::evidence::nvidia::{
    device_chain::{DeviceChain, DeviceChainError, Family},
    report::Report,
    report_error::ReportError,
    signature::{Signature, SignatureError, Verified},
    synthetic::{device::Device, report::ReportSpec, world::NOW},
    version::VersionError,
};
use proptest::prelude::*;

use crate::honest::{NONCE, world};

fn device(family: Family) -> (Device, DeviceChain) {
    let device = world().device(family, 0);
    let root = world().device_root.key.fingerprint();
    let chain = DeviceChain::verify(&device.chain_pem(), &root, NOW, &mut Verified::default()).unwrap();
    (device, chain)
}

fn signed(device: &Device) -> Vec<u8> {
    device.evidence(&NONCE).report
}

fn parse(bytes: &[u8]) -> ReportError {
    Report::parse(bytes).unwrap_err()
}

/// The error of a report whose author changed it before signing.
fn authored(family: Family, change: impl FnOnce(&mut ReportSpec)) -> ReportError {
    let (mut device, _) = device(family);
    change(&mut device.report);
    parse(&signed(&device))
}

/// The error of a genuine report in which somebody wrote these bytes.
fn edited(position: usize, bytes: &[u8]) -> ReportError {
    let mut report = signed(&device(Family::Gh100).0);
    report[position..position + bytes.len()].copy_from_slice(bytes);
    parse(&report)
}

const MISMATCH: DeviceChainError = DeviceChainError::ReportSignature(SignatureError::Mismatch);
/// Start of the measurement blocks.
const BLOCKS: usize = 37 + 8;
const RESPONDER_NONCE: usize = BLOCKS + 64 * 55;
const OPAQUE: usize = RESPONDER_NONCE + 32 + 2;

// negative 1
#[test]
fn every_flipped_byte_is_refused() {
    let (device, chain) = device(Family::Gh100);
    let report = signed(&device);
    let check = |bytes: &[u8]| Report::parse(bytes).map(|report| chain.check_report(&report));
    assert_eq!(check(&report), Ok(Ok(())));
    let flip = |position: usize| {
        let mut bytes = report.clone();
        bytes[position] ^= 1;
        check(&bytes)
    };
    // What is signed but free in layout: nonces, digests of extended registers, texts, fields without rules, r and s.
    let mut free = vec![4, 35, RESPONDER_NONCE, RESPONDER_NONCE + 31, report.len() - 96, report.len() - 1];
    free.extend(
        (0..64).filter(|index| device.report.measurements[*index] != [0; 48]).map(|index| BLOCKS + index * 55 + 7),
    );
    let mut field = OPAQUE;
    for (id, data) in &device.report.opaque {
        if [14, 15, 17, 18, 20].contains(id) {
            free.push(field + 4);
        }
        field += 4 + data.len();
    }
    assert_eq!(free.len(), 6 + 32 + 5);
    for position in free {
        assert_eq!(flip(position), Ok(Err(MISMATCH)), "byte {position}");
    }
    // Everything else is refused too, by layout or by signature.
    for position in 0..report.len() {
        assert_ne!(flip(position), Ok(Ok(())), "byte {position}");
    }
}

// negative 2, 3
#[test]
fn headers_of_other_messages() {
    assert_eq!(edited(0, &[0x12]), ReportError::Version { message: "request", got: 0x12 });
    assert_eq!(edited(37, &[0x10]), ReportError::Version { message: "response", got: 0x10 });
    assert_eq!(edited(1, &[0xE1]), ReportError::Code { message: "request", expected: 0xE0, got: 0xE1 });
    assert_eq!(edited(38, &[0x7F]), ReportError::Code { message: "response", expected: 0x60, got: 0x7F });
    assert_eq!(edited(2, &[0]), ReportError::Param1 { message: "request", expected: 1, got: 0 });
    assert_eq!(edited(39, &[1]), ReportError::Param1 { message: "response", expected: 0, got: 1 });
    assert_eq!(edited(3, &[0xFE]), ReportError::Param2 { message: "request", expected: 0xFF, got: 0xFE });
    assert_eq!(edited(40, &[9]), ReportError::Param2 { message: "response", expected: 0, got: 9 });
    assert_eq!(edited(36, &[1]), ReportError::Slot { got: 1 });
}

// negative 4
#[test]
fn truncated_inside_every_field() {
    let report = signed(&device(Family::Gh100).0);
    for (length, field) in [
        (3, "message header"),
        (35, "request nonce"),
        (36, "request slot"),
        (40, "message header"),
        (41, "number of blocks"),
        (44, "record length"),
        (45, "block index"),
        (46, "block specification"),
        (48, "block size"),
        (49, "block value type"),
        (51, "block value size"),
        (60, "block value"),
        (RESPONDER_NONCE + 5, "responder nonce"),
        (OPAQUE - 1, "opaque length"),
        (OPAQUE + 5, "opaque data"),
        (report.len() - 1, "signature"),
    ] {
        let ReportError::Truncated { field: got, .. } = parse(&report[..length]) else { panic!("{field}") };
        assert_eq!(got, field);
    }
    for length in 0..report.len() {
        assert!(matches!(parse(&report[..length]), ReportError::Truncated { .. }), "{length}");
    }
}

// negative 5
#[test]
fn bytes_after_the_signature() {
    let mut report = signed(&device(Family::Gh100).0);
    report.push(0);
    assert_eq!(parse(&report), ReportError::TrailingBytes { extra: 1 });
    assert_eq!(parse(&[0x11; 8193]), ReportError::TooLong { max: 8192, got: 8193 });
}

// negative 6, 7
#[test]
fn numbers_of_blocks_and_record_lengths() {
    for got in [0, 32, 63, 65, 255] {
        assert_eq!(edited(41, &[got]), ReportError::BlockCount { got });
    }
    for got in [0_usize, 1705, 3519, 3521, 0xFF_FFFF] {
        let length = u32::try_from(got).unwrap().to_le_bytes();
        assert_eq!(edited(42, &length[..3]), ReportError::RecordLength { blocks: 64, expected: 3520, got });
    }
}

// negative 8, 9
#[test]
fn blocks_out_of_order_or_of_another_kind() {
    assert_eq!(edited(BLOCKS, &[0]), ReportError::BlockIndex { expected: 1, got: 0 });
    assert_eq!(edited(BLOCKS + 55, &[1]), ReportError::BlockIndex { expected: 2, got: 1 });
    assert_eq!(edited(BLOCKS + 55, &[3]), ReportError::BlockIndex { expected: 2, got: 3 });
    assert_eq!(edited(BLOCKS + 1, &[2]), ReportError::BlockSpecification { index: 1, got: 2 });
    assert_eq!(edited(BLOCKS + 2, &[50]), ReportError::BlockSize { index: 1, got: 50 });
    assert_eq!(edited(BLOCKS + 4, &[0x81]), ReportError::BlockType { index: 1, got: 0x81 });
    assert_eq!(edited(BLOCKS + 5, &[47]), ReportError::BlockValueSize { index: 1, got: 47 });
}

// negative 10
#[test]
fn opaque_fields() {
    let gpu = |change: fn(&mut ReportSpec)| authored(Family::Gh100, change);
    assert_eq!(gpu(|report| report.opaque.push((27, vec![0]))), ReportError::OpaqueUnknown { id: 27 });
    assert_eq!(gpu(|report| report.opaque.push((300, vec![0]))), ReportError::OpaqueUnknown { id: 300 });
    let twice = ReportError::OpaqueDuplicate { id: 11, name: "NVDEC0_STATUS" };
    assert_eq!(gpu(|report| report.opaque.push((11, vec![0x55]))), twice);
    assert_eq!(gpu(|report| *report.field(34) = vec![2, 0]), ReportError::OpaqueDataVersion { got: 2 });
    let size = ReportError::OpaqueSize { id: 20, name: "FWID", got: 47 };
    assert_eq!(gpu(|report| report.field(20).truncate(47)), size);
    let size = ReportError::OpaqueSize { id: 12, name: "MSRSCNT", got: 252 };
    assert_eq!(gpu(|report| report.field(12).truncate(252)), size);
    let value = ReportError::OpaqueValue { name: "FEATURE_FLAG", got: 3 };
    assert_eq!(gpu(|report| *report.field(36) = vec![3, 0]), value);
    let value = ReportError::OpaqueValue { name: "PROTECTED_PCIE_STATUS", got: 1 };
    assert_eq!(gpu(|report| report.opaque.push((21, vec![1]))), value);
    assert_eq!(gpu(|report| report.field(17)[0] = 7), ReportError::OpaqueText { name: "PROJECT" });
    assert_eq!(gpu(|report| *report.field(3) = b"590\0".to_vec()), ReportError::OpaqueVersion(VersionError::Driver));
    // The last field's size says one byte more, then a header that does not fit.
    let report = signed(&device(Family::Gh100).0);
    let last = report.len() - 96 - 6;
    assert_eq!(edited(last + 2, &[3]), ReportError::OpaqueOverrun { expected: 3, got: 2 });
    assert_eq!(edited(last + 2, &[0]), ReportError::OpaqueSize { id: 36, name: "FEATURE_FLAG", got: 0 });
    let (mut device, _) = device(Family::Gh100);
    device.report.opaque.push((255, vec![]));
    let mut report = signed(&device);
    let end = report.len() - 96;
    report.remove(end - 1);
    report[OPAQUE - 2] -= 1;
    assert_eq!(parse(&report), ReportError::OpaqueOverrun { expected: 4, got: 3 });
    for (id, name) in [(3, "DRIVER_VERSION"), (6, "VBIOS_VERSION"), (12, "MSRSCNT"), (15, "CHIP_SKU")] {
        let missing = authored(Family::Gh100, |report| report.opaque.retain(|field| field.0 != id));
        assert_eq!(missing, ReportError::OpaqueMissing { id, name });
    }
    let missing = authored(Family::Ls10, |report| report.opaque.retain(|field| field.0 != 26));
    assert_eq!(missing, ReportError::OpaqueMissing { id: 26, name: "SWITCH_GPU_PDIS" });
    let version = authored(Family::Ls10, |report| *report.field(6) = b"96.10.55.00.1G".to_vec());
    assert_eq!(version, ReportError::OpaqueVersion(VersionError::Vbios));
}

// negative 11
#[test]
fn signatures_out_of_range() {
    let (device, chain) = device(Family::Gh100);
    let report = signed(&device);
    let start = report.len() - 96;
    let with = |r: &[u8], s: &[u8]| {
        let bytes = [&report[..start], r, s].concat();
        Report::parse(&bytes).map(|report| chain.check_report(&report))
    };
    let (r, s) = report[start..].split_at(48);
    let order = attestation::hex::decode_vec(
        "0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    )
    .unwrap();
    let refused = |source| Ok(Err(DeviceChainError::ReportSignature(source)));
    assert_eq!(with(&[0; 48], s), refused(SignatureError::Zero { component: 'r' }));
    assert_eq!(with(r, &[0; 48]), refused(SignatureError::Zero { component: 's' }));
    assert_eq!(with(&order, s), refused(SignatureError::TooLarge { component: 'r' }));
    assert_eq!(with(r, &[0xFF; 48]), refused(SignatureError::TooLarge { component: 's' }));
    assert_eq!(with(s, r), refused(SignatureError::Mismatch));
    // DER takes more bytes than r and s alone.
    let der = attestation::evidence::nvidia::synthetic::pki::der_signature(report[start..].try_into().unwrap());
    let extra = der.len() - 96;
    assert_eq!(with(&der, &[]), Err(ReportError::TrailingBytes { extra }));
    // The twin verifies, so evidence must be spent by device and nonce, which the twin shares.
    let mut twin = [0; 48];
    let mut borrow = 0_i16;
    for position in (0..48).rev() {
        let digit = i16::from(order[position]) - i16::from(s[position]) - borrow;
        borrow = i16::from(digit < 0);
        twin[position] = digit.rem_euclid(256) as u8;
    }
    assert_eq!(with(r, &twin), Ok(Ok(())));
    let nonce = |bytes: &[u8]| *Report::parse(bytes).unwrap().request_nonce();
    assert_eq!(nonce(&[&report[..start], r, &twin].concat()), nonce(&report));
    for malformed in [&[0x30, 0][..], &[0x30, 3, 2, 1, 1], &[0x30, 6, 2, 1, 1, 2, 1, 1, 0], &[]] {
        assert_eq!(Signature::from_der(malformed), Err(SignatureError::Malformed));
    }
}

// negative 12
#[test]
fn signed_by_another_key() {
    let (device, chain) = device(Family::Gh100);
    let other = world().device(Family::Gh100, 1);
    let upper = device.chain[1..].iter().map(|identity| &identity.key);
    for key in upper.chain([&other.chain[0].key]) {
        let report = Report::parse(&device.report.sign(key)).unwrap();
        assert_eq!(chain.check_report(&report), Err(MISMATCH));
    }
}

// negative 13
#[test]
fn extend_counts_that_disagree_with_values() {
    let zeroed = authored(Family::Gh100, |report| report.measurements[1] = [0; 48]);
    assert_eq!(zeroed, ReportError::ExtendCount { index: 1, count: 1, zero: true });
    let filled = authored(Family::Gh100, |report| report.measurements[50] = [1; 48]);
    assert_eq!(filled, ReportError::ExtendCount { index: 50, count: 0, zero: false });
}

// negative 14
#[test]
fn decoder_state_missing_or_unknown() {
    let missing = authored(Family::Gh100, |report| report.opaque.retain(|field| field.0 != 11));
    assert_eq!(missing, ReportError::OpaqueMissing { id: 11, name: "NVDEC0_STATUS" });
    let unknown = authored(Family::Gh100, |report| *report.field(11) = vec![0]);
    assert_eq!(unknown, ReportError::OpaqueValue { name: "NVDEC0_STATUS", got: 0 });
}

proptest! {
    #[test]
    fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
        let _ = Report::parse(&bytes);
    }

    #[test]
    fn reading_mutations_is_total(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        static REPORT: LazyLock<Vec<u8>> = LazyLock::new(|| signed(&world().device(Family::Ls10, 0)));
        let mut report = REPORT.clone();
        for (position, byte) in edits {
            let length = report.len();
            report[position.index(length)] = byte;
        }
        if let Ok(parsed) = Report::parse(&report) {
            prop_assert_eq!(parsed.measurements().len(), 31);
        }
    }
}

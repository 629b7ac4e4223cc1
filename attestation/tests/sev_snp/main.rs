//! SEV-SNP reports: the genuine vectors exactly as `../shared/data/cpu-tee/README.md` says, and every refusal (negatives
//! 60 to 65 of the table in `negatives.rs`). Without `../shared` the same suite runs on the synthetic processor alone.
#![cfg(feature = "synthetic")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod case;
#[path = "../common/mod.rs"]
mod common;

use attestation::{
    bounded::{Bytes, Fixed, List, Set},
    evidence::sev_snp::{
        self, AMD_ROOTS, Product, Role, SigningKeyKind, SnpCollateral, SnpError, SnpEvidence, SnpFloor, SnpTcb, report,
    },
    synthetic::SyntheticSnp,
};
use case::*;
use common::shared;

#[test]
fn genuine_milan_reports_verify() {
    let Some(case) = trustee("test-report.bin", "test-vcek.der", false) else { return };
    let claims = case.verify().unwrap();
    assert_eq!((claims.product, claims.report_version, claims.key_kind), (Product::Milan, 2, SigningKeyKind::Vcek));
    assert_eq!(claims.reported_tcb, tcb(3, 8, 0x73));
    assert!(claims.identity.is_some() && !claims.revocation_checked && !claims.in_grace);
    // The certificate ends 2030-01-24T17:58:26Z.
    assert_eq!(claims.expires_at, 1_895_507_906_000 - 1);

    let folder = "virtee-sev/tests/certs_data";
    let text = shared("cpu-tee", &format!("{folder}/report_milan.hex")).unwrap();
    let digits: String = String::from_utf8(text).unwrap().split_whitespace().collect::<String>().to_lowercase();
    let text = format!("0x{digits}");
    let report = attestation::hex::decode_vec(&text).unwrap();
    let certificate = shared("cpu-tee", &format!("{folder}/vcek_milan.der")).unwrap();
    let virtee = genuine(report, &certificate, MILAN, false).unwrap().verify().unwrap();
    assert_eq!(virtee.report_version, 2);
    assert_ne!(virtee.identity, claims.identity);
}

#[test]
fn the_genuine_vlek_report_verifies_until_its_certificate_expires() {
    let Some(case) = trustee("test-vlek-report.bin", "test-vlek.der", true) else { return };
    let mut case = case.with_rules(|rules| {
        rules.allow_vlek = true;
        rules.vmpl_max = 1;
    });
    let claims = case.verify().unwrap();
    assert_eq!((claims.report_version, claims.key_kind, claims.identity), (3, SigningKeyKind::Vlek, None));
    assert_eq!(claims.reported_tcb, tcb(4, 24, 0xd9));
    case.at = COLLECTED_AT;
    let SnpError::CertificateDates { role, .. } = case.refused() else { panic!("{:?}", case.refused()) };
    assert_eq!(role, Role::Endorsement);
    // As a policy that knows no clouds sees it.
    case.at = GENUINE_AT;
    let case = case.with_rules(|rules| rules.allow_vlek = false);
    assert_eq!(case.refused(), SnpError::VlekNotAllowed);
    let case = case.with_rules(|rules| rules.vmpl_max = 0);
    assert_eq!(case.refused(), SnpError::Vmpl { max: 0, got: 1 });
}

#[test]
fn the_genuine_genoa_report_verifies() {
    let path = "trustee/deps/verifier/test_data/az-snp-vtpm/evidence-genoa.json";
    let Some(json) = shared("cpu-tee", path) else { return };
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let report: Vec<u8> = serde_json::from_value(json["report"].clone())
        .or_else(|_| serde_json::from_str(json["report"].as_str().unwrap()))
        .unwrap();
    // Azure's HCL report: 32 bytes of header before the SNP report.
    let certificate = pem(json["vcek"].as_str().unwrap().as_bytes()).remove(0);
    let chain = "trustee/deps/verifier/src/snp/genoa_ask_ark_asvk.pem";
    let claims = genuine(report[32..32 + 1184].to_vec(), &certificate, chain, false).unwrap().verify().unwrap();
    assert_eq!((claims.product, claims.report_version), (Product::Genoa, 3));
}

#[test]
fn the_genuine_turin_certificate_is_read_in_its_own_layout() {
    let Some(certificate) = shared("cpu-tee", "virtee-sev/tests/certs_data/vcek_turin.der") else { return };
    // No report of this chip is in the data: the chain verifies, and a report of ours is refused at its signature.
    let chain = "trustee/deps/verifier/src/snp/turin_ask_ark_asvk.pem";
    let report = synthetic().evidence.report.as_slice().to_vec();
    let case = genuine(report, &certificate, chain, false).unwrap();
    assert_eq!(case.refused(), SnpError::ReportSignature);
}

#[test]
fn the_synthetic_processor_verifies_in_every_layout() {
    let claims = synthetic().verify().unwrap();
    assert_eq!(claims.expires_at, (ISSUED_AT + 31_536_000) * 1000 - 1);
    assert_eq!(claims.report_data, Fixed([0xda; 64]));
    let genoa = synthetic_with(|chip| {
        chip.product = Product::Genoa;
        chip.certificate_product = "Genoa";
        chip.cpu = (0x19, 0x11);
    });
    assert_eq!(genoa.verify().unwrap().product, Product::Genoa);
    let turin = synthetic_with(|chip| {
        let tcb = SnpTcb { fmc: 1, bootloader: 2, tee: 3, snp: 4, microcode: 5 };
        chip.product = Product::Turin;
        chip.certificate_product = "Turin";
        chip.cpu = (0x1a, 0x02);
        chip.chip_id[8..].fill(0);
        (chip.certificate_tcb, chip.current, chip.reported, chip.committed, chip.launch) = (tcb, tcb, tcb, tcb, tcb);
    });
    assert_eq!(turin.verify().unwrap().reported_tcb, SnpTcb { fmc: 1, bootloader: 2, tee: 3, snp: 4, microcode: 5 });
    let vlek = synthetic_with(|chip| {
        chip.key_kind = SigningKeyKind::Vlek;
        chip.certificate_kind = SigningKeyKind::Vlek;
    });
    let vlek = vlek.with_rules(|rules| rules.allow_vlek = true);
    assert_eq!(vlek.verify().unwrap().identity, claims.identity, "a shown chip id is an identity whoever signed");
}

#[test]
fn negative_60_guest_policy_and_privilege() {
    assert_eq!(synthetic_with(|chip| chip.policy |= 1 << 19).refused(), SnpError::DebugPolicy { policy: 0xb_0000 });
    assert_eq!(synthetic_with(|chip| chip.policy |= 1 << 18).refused(), SnpError::MigrationPolicy { policy: 0x7_0000 });
    assert_eq!(synthetic_with(|chip| chip.policy = 1 << 16).refused(), SnpError::ReservedPolicy { policy: 0x1_0000 });
    assert_eq!(synthetic_with(|chip| chip.vmpl = 1).refused(), SnpError::Vmpl { max: 0, got: 1 });

    let folder = "go-sev-guest/verify/testdata";
    let Some(report) = shared("cpu-tee", &format!("{folder}/attestation.bin")) else { return };
    let certificate = shared("cpu-tee", &format!("{folder}/vcek.testcer")).unwrap();
    let case = genuine(report, &certificate, MILAN, false).unwrap();
    assert_eq!(case.refused(), SnpError::DebugPolicy { policy: 0xb_0000 });
    // The policy is signed: clearing the bit does not help.
    let case = case.with_report(|report| report[0x0a] = 3);
    assert_eq!(case.refused(), SnpError::ReportSignature);
}

#[test]
fn negative_61_another_chips_certificate_or_tcb() {
    let case = synthetic_with(|chip| chip.certificate_chip[0] ^= 1);
    assert_eq!(case.refused(), SnpError::AnotherChip);
    for change in [
        (|tcb| tcb.bootloader += 1) as fn(&mut SnpTcb),
        |tcb| tcb.tee += 1,
        |tcb| tcb.snp += 1,
        |tcb| tcb.microcode += 1,
    ] {
        let mut expected = tcb(3, 8, 115);
        change(&mut expected);
        let case = synthetic_with(|chip| change(&mut chip.certificate_tcb));
        assert_eq!(case.refused(), SnpError::AnotherTcb { expected, got: tcb(3, 8, 115) });
    }
    let case = synthetic_with(|chip| chip.certificate_product = "Genoa");
    assert_eq!(case.refused(), SnpError::AnotherProduct { expected: Product::Milan });
    let case = synthetic_with(|chip| chip.cpu = (0x1a, 0x02));
    assert_eq!(case.refused(), SnpError::AnotherProduct { expected: Product::Milan });
    let other = synthetic_with(|chip| chip.seed = [8; 32]).evidence.certificate;
    assert_eq!(synthetic().with_certificate(other.as_slice()).refused(), SnpError::ReportSignature);

    let Some(case) = trustee("test-report.bin", "test-vcek.der", false) else { return };
    let other = shared("cpu-tee", "virtee-sev/tests/certs_data/vcek_milan.der").unwrap();
    assert_eq!(case.with_certificate(&other).refused(), SnpError::ReportSignature);
    for invalid in ["test-vcek-invalid-legacy.der", "test-vcek-invalid-new.der"] {
        let case = trustee("test-report.bin", invalid, false).unwrap();
        assert_eq!(case.refused(), SnpError::CertificateSignature { role: Role::Endorsement }, "{invalid}");
    }
}

#[test]
fn negative_62_signature() {
    let case = synthetic_with(|chip| chip.big_endian_signature = true);
    assert_eq!(case.refused(), SnpError::ReportSignature);
    for case in both() {
        let (report, at) = (case.evidence.report.as_slice().to_vec(), case.at);
        let case = |change: &dyn Fn(&mut Vec<u8>)| {
            let case = Case {
                evidence: case.evidence.clone(),
                collateral: case.collateral.clone(),
                rules: case.rules.clone(),
                at,
                ..case
            };
            case.with_report(|report| change(report)).refused()
        };
        // Guest SVN, family id, REPORT_DATA, measurement, host data, id key, report id, chip id, last signed byte.
        for offset in [0x04, 0x10, 0x50, 0x8f, 0x90, 0xc0, 0xe0, 0x140, 0x1a0, 0x29f] {
            assert_eq!(case(&|report| report[offset] ^= 1), SnpError::ReportSignature, "{offset:#x}");
        }
        for offset in [0x2a0, 0x2a0 + 47, 0x2e8, 0x2e8 + 47] {
            assert_eq!(case(&|report| report[offset] ^= 1), SnpError::ReportSignature, "{offset:#x}");
        }
        // Big-endian in a field of 72 bytes, and bytes after the numbers.
        let swapped = case(&|report| report[0x2a0..0x2e8].reverse());
        assert_eq!(swapped, SnpError::SignatureEncoding);
        assert_eq!(case(&|report| report[0x330] = 1), SnpError::SignatureEncoding);
        assert_eq!(case(&|report| report[1183] = 1), SnpError::SignatureEncoding);
        assert_eq!(case(&|report| report[0x2a0..0x2d0].fill(0)), SnpError::ReportSignature);
        assert_eq!(case(&|report| report[0x2a0..0x2d0].fill(0xff)), SnpError::ReportSignature);
        assert_eq!(case(&|report| report[0] = 6), SnpError::Version { got: 6 });
        assert_eq!(case(&|report| report[0] = 1), SnpError::Version { got: 1 });
        assert_eq!(case(&|report| report[0x34] = 2), SnpError::SignatureAlgorithm { got: 2 });
        assert_eq!(case(&|report| report[0x48] = 7 << 2), SnpError::SigningKeyKind { got: 7 });
        assert_eq!(case(&|report| report.truncate(1183)), SnpError::Length { got: 1183 });
        assert_eq!(report.len(), sev_snp::REPORT_BYTES);
    }
}

#[test]
fn negative_63_lent_keys_and_masked_chips() {
    let case = synthetic_with(|chip| chip.key_kind = SigningKeyKind::Vlek);
    assert_eq!(case.refused(), SnpError::VlekNotAllowed);
    let case = case.with_rules(|rules| rules.allow_vlek = true);
    assert_eq!(case.refused(), SnpError::AnotherKeyKind { expected: SigningKeyKind::Vlek });
    let case = synthetic_with(|chip| chip.certificate_kind = SigningKeyKind::Vlek);
    assert_eq!(case.refused(), SnpError::AnotherKeyKind { expected: SigningKeyKind::Vcek });
    let case = synthetic_with(|chip| (chip.chip_id, chip.certificate_chip) = ([0; 64], [0; 64]));
    assert_eq!(case.refused(), SnpError::ChipIdMasked);
}

#[test]
fn negative_64_chain() {
    let case = synthetic_with(|chip| chip.salt_bytes = 32);
    assert_eq!(case.refused(), SnpError::CertificateSignature { role: Role::Ark });
    let case = synthetic().with_rules(|rules| rules.roots = Set::new(AMD_ROOTS).unwrap());
    let SnpError::RootNotPinned { got } = case.refused() else { panic!("{:?}", case.refused()) };
    assert_eq!(got, SyntheticSnp::new([0; 32], 0).root().key);
    let case = synthetic_with(|chip| chip.ask_is_authority = false);
    assert_eq!(case.refused(), SnpError::CertificateConstraints { role: Role::Ask });

    let genuine = trustee("test-report.bin", "test-vcek.der", false);
    for case in [Some(synthetic()), genuine].into_iter().flatten() {
        // A flipped byte near the end lies in the signature.
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            bytes
        };
        let Case { evidence, collateral, rules, report_data, at } = case;
        let judge = |evidence: &SnpEvidence, collateral: &SnpCollateral, at| {
            sev_snp::verify(evidence, collateral, &rules, &report_data, at).unwrap_err()
        };
        let mut changed = collateral.clone();
        changed.ark = Bytes::new(flip(collateral.ark.as_slice())).unwrap();
        assert_eq!(judge(&evidence, &changed, at), SnpError::CertificateSignature { role: Role::Ark });
        let mut changed = collateral.clone();
        changed.ask = Bytes::new(flip(collateral.ask.as_slice())).unwrap();
        assert_eq!(judge(&evidence, &changed, at), SnpError::CertificateSignature { role: Role::Ask });
        let mut other = evidence.clone();
        other.certificate = Bytes::new(flip(evidence.certificate.as_slice())).unwrap();
        assert_eq!(judge(&other, &collateral, at), SnpError::CertificateSignature { role: Role::Endorsement });
        // The root in the intermediate's place did not issue the certificate.
        let mut changed = collateral.clone();
        changed.ask = collateral.ark.clone();
        assert_eq!(judge(&evidence, &changed, at), SnpError::CertificateIssuer { role: Role::Endorsement });
        other.certificate = collateral.ask.clone();
        let expected = "a point of P-384";
        assert_eq!(judge(&other, &collateral, at), SnpError::CertificateKey { role: Role::Endorsement, expected });
        let mut changed = collateral.clone();
        changed.ask = evidence.certificate.clone();
        let expected = "RSA with 4096 bits and exponent 65537";
        assert_eq!(judge(&evidence, &changed, at), SnpError::CertificateKey { role: Role::Ask, expected });
        other.certificate = Bytes::new([0x30, 0]).unwrap();
        assert_eq!(judge(&other, &collateral, at), SnpError::CertificateMalformed { role: Role::Endorsement });
        let extra = [evidence.certificate.as_slice(), &[0]].concat();
        other.certificate = Bytes::new(extra).unwrap();
        assert_eq!(judge(&other, &collateral, at), SnpError::CertificateMalformed { role: Role::Endorsement });
        for when in [0, u64::MAX] {
            let error = judge(&evidence, &collateral, when);
            assert!(matches!(error, SnpError::CertificateDates { role: Role::Ark, .. }), "{error:?}");
        }
    }
}

#[test]
fn negative_64_revocation() {
    let at = ISSUED_AT * 1000 + DAY_MS;
    let window = Some((ISSUED_AT, ISSUED_AT + 30 * 86_400));
    let case = synthetic_with(|chip| chip.crl_window = window);
    let claims = case.verify().unwrap();
    assert_eq!((claims.revocation_checked, claims.expires_at), (true, (ISSUED_AT + 30 * 86_400) * 1000 - 1));
    let case = synthetic().with_rules(|rules| rules.require_crl = true);
    assert_eq!(case.refused(), SnpError::CrlMissing);
    let case = synthetic_with(|chip| (chip.crl_window, chip.ask_revoked) = (window, true));
    assert_eq!(case.refused(), SnpError::CertificateRevoked { role: Role::Ask });
    let case = synthetic_with(|chip| (chip.crl_window, chip.crl_issuer) = (window, "somebody"));
    assert_eq!(case.refused(), SnpError::CrlIssuer);
    for (this_update, next_update) in
        [(ISSUED_AT - 86_400, ISSUED_AT), (ISSUED_AT + 2 * 86_400, ISSUED_AT + 3 * 86_400)]
    {
        let case = synthetic_with(|chip| chip.crl_window = Some((this_update, next_update)));
        let (this_update, next_update) = (this_update * 1000, next_update * 1000);
        assert_eq!(case.refused(), SnpError::CrlDates { this_update, next_update, at });
    }
    let mut case = synthetic_with(|chip| chip.crl_window = window);
    let mut bytes = case.collateral.crl.clone().unwrap().as_slice().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    case.collateral.crl = Some(Bytes::new(bytes).unwrap());
    assert_eq!(case.refused(), SnpError::CrlSignature);
    case.collateral.crl = Some(Bytes::new([0x30, 0]).unwrap());
    assert_eq!(case.refused(), SnpError::CrlMalformed);
}

#[test]
fn negative_65_floors_and_order_of_versions() {
    let at = ISSUED_AT * 1000 + DAY_MS;
    let floor = |product, grace_ms, minimum| {
        List::new(vec![SnpFloor { product, activates_at: at - DAY_MS, grace_ms, minimum }]).unwrap()
    };
    for (component, minimum, least, got) in
        [("bootloader", tcb(4, 0, 0), 4, 3), ("snp", tcb(3, 9, 115), 9, 8), ("microcode", tcb(3, 8, 116), 116, 115)]
    {
        let case = synthetic().with_rules(|rules| rules.tcb_floors = floor(Product::Milan, DAY_MS - 1, minimum));
        assert_eq!(case.refused(), SnpError::TcbBelowFloor { component, minimum: least, got });
        let case = case.with_rules(|rules| rules.tcb_floors = floor(Product::Milan, DAY_MS, minimum));
        let claims = case.verify().unwrap();
        assert_eq!((claims.in_grace, claims.expires_at), (true, at));
        let case = case.with_rules(|rules| rules.tcb_floors = floor(Product::Genoa, 0, minimum));
        assert!(!case.verify().unwrap().in_grace, "another product's floor");
    }
    let order = |lower, upper| SnpError::TcbOrder { lower, upper };
    let case = synthetic_with(|chip| chip.committed.microcode -= 1);
    assert_eq!(case.refused(), order("reported", "committed"));
    let case = synthetic_with(|chip| chip.committed.snp += 1);
    assert_eq!(case.refused(), order("committed", "current"));
    let case = synthetic_with(|chip| chip.launch.bootloader += 1);
    assert_eq!(case.refused(), order("launch", "current"));
}

#[test]
fn report_data_and_launch_must_match() {
    for mut case in both() {
        let got = Box::new(Fixed(case.report_data));
        case.report_data[63] ^= 1;
        assert_eq!(case.refused(), SnpError::ReportData { expected: Box::new(Fixed(case.report_data)), got });
        case.report_data[63] ^= 1;
        let measurement = *report::parse(case.evidence.report.as_slice()).unwrap().measurement;
        let case = case.with_rules(|rules| rules.launches = Set::default());
        assert_eq!(case.refused(), SnpError::LaunchNotAllowed { measurement: Fixed(measurement) });
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn the_parser_is_total(bytes in proptest::collection::vec(proptest::num::u8::ANY, 1184)) {
        let _ = report::parse(&bytes);
    }

    #[test]
    fn any_change_of_a_report_is_refused(offset in 0_usize..1184, mask in 1_u8..) {
        let case = synthetic().with_report(|report| report[offset] ^= mask);
        proptest::prop_assert!(case.verify().is_err());
    }

    #[test]
    fn certificates_and_lists_never_panic(offset in 0_usize..1600, mask in 1_u8..) {
        let mut case = synthetic_with(|chip| chip.crl_window = Some((ISSUED_AT, ISSUED_AT + 86_400 * 30)));
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let length = bytes.len();
            bytes[offset % length] ^= mask;
            bytes
        };
        let certificate = flip(case.evidence.certificate.as_slice());
        let mut evidence = case.evidence.clone();
        evidence.certificate = Bytes::new(certificate).unwrap();
        proptest::prop_assert!(sev_snp::verify(&evidence, &case.collateral, &case.rules, &case.report_data, case.at).is_err());
        let list = flip(case.collateral.crl.clone().unwrap().as_slice());
        case.collateral.crl = Some(Bytes::new(list).unwrap());
        proptest::prop_assert!(case.verify().is_err());
    }
}

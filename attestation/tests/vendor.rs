//! Vendors' files: told apart by their first bytes, judged as strictly as evidence, and never about work.
#![cfg(feature = "synthetic")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use attestation::{
    appraisal::{
        AttestationError,
        vendor::{VendorFormat, verify_devices, verify_quote},
    },
    bounded::{Fixed, Set},
    evidence::{
        hardware::CpuQuote,
        nvidia::{device_chain::Family, error::NvidiaError, synthetic::World, topology::TopologyError},
        tdx::TdxError,
    },
    policy::{Policy, PolicyTable},
    synthetic::{
        SyntheticMachine,
        machine::{NOW, Processor, WORLD_SEED},
    },
};
use common::{context_for, session_key, shared, worker};

const NONCE: [u8; 32] = [0x11; 32];

fn machine(processor: Processor) -> SyntheticMachine {
    let world = World::new(WORLD_SEED);
    let devices = vec![world.device(Family::Gh100, 0), world.device(Family::Gh100, 1)];
    SyntheticMachine::new(devices, processor, session_key().public_key(), context_for(&worker()))
}

fn policy(table: PolicyTable) -> Policy {
    Policy::new(table).unwrap()
}

#[test]
fn formats_are_told_by_their_first_bytes() {
    let machine = machine(Processor::None);
    let report = machine.devices[0].evidence(&NONCE).report;
    assert_eq!(VendorFormat::of(&report), Some(VendorFormat::NvidiaReport));
    let text = format!("\n{}\n", attestation::hex::encode(&report).trim_start_matches("0x").to_uppercase());
    assert_eq!(VendorFormat::of(text.as_bytes()), Some(VendorFormat::NvidiaReportText));
    assert_eq!(VendorFormat::of(b" [ {} ]"), Some(VendorFormat::NvidiaContainer));
    let quote = machine.tdx.evidence().unwrap();
    assert_eq!(VendorFormat::of(quote.quote.as_slice()), Some(VendorFormat::TdxQuote));
    let report = machine.sev_snp.evidence().unwrap().report;
    assert_eq!(VendorFormat::of(report.as_slice()), Some(VendorFormat::SnpReport));
    assert_eq!(VendorFormat::of(&report.as_slice()[1..]), None);
    // Our own evidence is none of these, nor is nothing.
    for processor in [Processor::None, Processor::Tdx, Processor::SevSnp] {
        let evidence = attestation::evidence::Evidence::Hardware(self::machine(processor).evidence().unwrap());
        assert_eq!(VendorFormat::of(&evidence.to_bytes()), None);
    }
    assert_eq!(VendorFormat::of(&common::evidence_for(&worker()).to_bytes()), None);
    assert_eq!(VendorFormat::of(b""), None);
}

#[test]
fn genuine_files_are_told_apart() {
    let expected = [
        ("nvidia", "attestation-sdk/testdata/hopperAttestationReport.txt", VendorFormat::NvidiaReportText),
        (
            "nvidia",
            "attestation-sdk/common-test-data/serialized_test_evidence/hopper_evidence.json",
            VendorFormat::NvidiaContainer,
        ),
        ("cpu-tee", "dcap-qvl/sample/tdx_quote", VendorFormat::TdxQuote),
        ("cpu-tee", "trustee/deps/verifier/test_data/snp/test-report.bin", VendorFormat::SnpReport),
    ];
    for (set, path, format) in expected {
        if let Some(bytes) = shared(set, path) {
            assert_eq!(VendorFormat::of(&bytes), Some(format), "{path}");
        }
    }
}

#[test]
fn devices_answer_the_nonce_they_were_asked() {
    let machine = machine(Processor::None);
    let asked: Vec<_> = machine.devices.iter().map(|device| (device.evidence(&NONCE), NONCE)).collect();
    let judge = |asked: &[_], table: PolicyTable| verify_devices(asked, &machine.collateral, &policy(table), NOW);
    let claims = judge(&asked, machine.policy.clone()).unwrap();
    assert_eq!((claims.devices.len(), claims.topology.as_ref().map(|topology| topology.gpus)), (2, Some(2)));
    assert_eq!(claims.identities.len(), 2);
    assert!(!claims.in_grace && claims.expires_at > NOW);
    // One device alone has no topology.
    let one = judge(&asked[..1], machine.policy.clone()).unwrap();
    assert!(one.topology.is_none() && one.devices[0].reference_values.complete());
    // An old answer, one device twice, a revoked device.
    let old = vec![(asked[0].0.clone(), [0x22; 32])];
    let AttestationError::Nvidia(error) = judge(&old, machine.policy.clone()).unwrap_err() else { panic!() };
    assert_eq!(*error, NvidiaError::Nonce { expected: [0x22; 32], got: NONCE });
    let twice = vec![asked[0].clone(), asked[0].clone()];
    let AttestationError::Nvidia(error) = judge(&twice, machine.policy.clone()).unwrap_err() else { panic!() };
    let identity = machine.devices[0].identity();
    assert_eq!(*error, NvidiaError::Topology(TopologyError::DuplicateDevice { identity }));
    let mut revoking = machine.policy.clone();
    revoking.revoked = Set::new([Fixed(identity)]).unwrap();
    assert!(judge(&asked, revoking).is_err());
}

#[test]
fn quotes_hold_the_data_they_shall() {
    for processor in [Processor::Tdx, Processor::SevSnp] {
        let machine = machine(processor);
        let (quote, data) = match processor {
            Processor::Tdx => (CpuQuote::Tdx(machine.tdx.evidence().unwrap()), machine.tdx.report_data),
            _ => (CpuQuote::SevSnp(machine.sev_snp.evidence().unwrap()), machine.sev_snp.report_data),
        };
        let policy = policy(machine.policy.clone());
        let judge = |data: &[u8; 64], collateral| verify_quote(&quote, data, collateral, &policy, NOW);
        let claims = judge(&data, &machine.collateral).unwrap();
        assert_eq!((claims.devices.len(), claims.identities.len(), claims.cpu.is_some()), (0, 1, true));
        let refused = judge(&[0xee; 64], &machine.collateral).unwrap_err();
        match refused {
            AttestationError::Tdx(error) => assert!(matches!(*error, TdxError::ReportData { .. })),
            AttestationError::SevSnp(error) => {
                assert!(matches!(*error, attestation::evidence::sev_snp::SnpError::ReportData { .. }));
            }
            error => panic!("{error:?}"),
        }
        let missing = judge(&data, &attestation::appraisal::Collateral::default()).unwrap_err();
        assert!(matches!(missing, AttestationError::CollateralMissing { .. }) && missing.is_undecided());
    }
}

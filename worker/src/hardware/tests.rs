#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use attestation::appraisal::{Claims, Collateral, verify};
use attestation::evidence::EvidenceKind;
use attestation::evidence::nvidia::device_chain::Family;
use attestation::evidence::nvidia::synthetic::World;
use attestation::policy::Policy;
use attestation::receipt::ReceiptError;
use attestation::synthetic::SyntheticMachine;
use attestation::synthetic::machine::{NOW, Processor, WORLD_SEED};

use super::*;

/// A machine whose devices are synthetic: only the roots of the policy tell.
#[derive(Debug)]
struct Devices {
    machine: SyntheticMachine,
    collateral: Vec<u8>,
    session: ed25519::SigningKey,
}

impl DeviceAttester for Devices {
    fn attest(&self, context: &WorkContext) -> Result<HardwareEvidence, DeviceError> {
        Ok(SyntheticMachine { context: *context, ..self.machine.clone() }.evidence()?)
    }

    fn collateral(&self) -> Vec<u8> {
        self.collateral.clone()
    }

    fn session_key(&self) -> Option<&ed25519::SigningKey> {
        Some(&self.session)
    }
}

fn worker() -> ml_dsa::SigningKey {
    ml_dsa::SigningKey::from_seed(&[7; 32])
}

fn context() -> WorkContext {
    WorkContext {
        chain_id: 1337,
        genesis: [1; 32],
        job_id: [2; 32],
        model_hash: [3; 32],
        input_hash: [4; 32],
        worker: worker().public_key().id(),
        device_id: software::device_id(&worker().public_key().id()),
        nonce: [5; 32],
        timestamp: NOW - 1000,
    }
}

fn devices(processor: Processor) -> Devices {
    let session = ed25519::SigningKey::from_seed(&[6; 32]);
    let gpu = World::new(WORLD_SEED).device(Family::Gh100, 0);
    let machine = SyntheticMachine::new(vec![gpu], processor, session.public_key(), context());
    let collateral = machine.collateral.to_bytes();
    Devices { machine, collateral, session }
}

fn hardware(devices: Devices) -> Hardware {
    Hardware::this_machine(Device::Cpu, "test").unwrap().with_devices(Arc::new(devices))
}

const RUN: RunFigures = RunFigures {
    output_hash: [9; 32],
    units: 1,
    tokens: (0, 0),
    tier: HardwareTier::Entry,
    elapsed_ms: 10,
    completed_at: NOW,
};

#[test]
fn devices_attest_the_leases_that_name_them() {
    for (processor, trust_bps, quotes) in
        [(Processor::None, 8000, false), (Processor::Tdx, 9500, true), (Processor::SevSnp, 9500, true)]
    {
        let devices = devices(processor);
        let (leased, policy) = (devices.machine.context, Policy::new(devices.machine.policy.clone()).unwrap());
        let hardware = hardware(devices);
        let (signed, evidence) = hardware.sign(&worker(), &leased, &RUN).unwrap();
        // Signature, session and evidence belong together, and the evidence is what a chain accepts.
        signed.verify().unwrap();
        signed.check_evidence(&evidence).unwrap();
        assert_eq!(signed.receipt.session.is_some(), quotes);
        let collateral = Collateral::from_bytes(&hardware.collateral(&evidence)).unwrap();
        let appraisal = verify(&evidence, &collateral, &policy, &leased, NOW).unwrap();
        assert_eq!(appraisal.trust_bps, trust_bps, "{processor:?}");
        assert!(matches!(appraisal.claims, Claims::Hardware(_)));
        // The session speaks for this output only.
        let other = WorkReceipt { output_hash: [8; 32], ..signed.receipt };
        let refused = matches!(SignedReceipt::sign(other, &worker()), Err(ReceiptError::SessionSignature(_)));
        assert_eq!(refused, quotes, "{processor:?}");
    }
}

#[test]
fn a_lease_without_devices_is_attested_in_software() {
    let hardware = hardware(devices(Processor::Tdx));
    let (signed, evidence) = hardware.sign(&worker(), &context(), &RUN).unwrap();
    assert_eq!((evidence.kind(), signed.receipt.session.is_none()), (EvidenceKind::Software, true));
    assert!(hardware.collateral(&evidence).is_empty());
}

#[test]
fn a_lease_for_devices_that_are_not_here_is_not_signed() {
    let leased = devices(Processor::None).machine.context;
    let here = Hardware::this_machine(Device::Cpu, "test").unwrap();
    let expected = context().device_id;
    let refused = here.sign(&worker(), &leased, &RUN).unwrap_err();
    let SignError::Evidence(error) = refused else { panic!("{refused:?}") };
    assert_eq!(error, AttesterError::WrongDevice { expected, got: leased.device_id });
}

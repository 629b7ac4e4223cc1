//! Evidence is about one context, one device and one session (negatives 42 to 52).

use super::*;

/// Every field of the context but the device, which has a test of its own.
fn other_contexts(context: &WorkContext) -> Vec<(&'static str, WorkContext)> {
    let context = *context;
    vec![
        ("chain_id", WorkContext { chain_id: 1, ..context }),
        ("genesis", WorkContext { genesis: [0xee; 32], ..context }),
        ("job_id", WorkContext { job_id: [0xee; 32], ..context }),
        ("model_hash", WorkContext { model_hash: [0xee; 32], ..context }),
        ("input_hash", WorkContext { input_hash: [0xee; 32], ..context }),
        ("worker", WorkContext { worker: [0xee; 32], ..context }),
        ("nonce", WorkContext { nonce: [0xee; 32], ..context }),
        ("timestamp", WorkContext { timestamp: context.timestamp + 1, ..context }),
    ]
}

#[test]
fn negatives_42_to_48_another_context() {
    for cpu in [Processor::None, Processor::Tdx, Processor::SevSnp] {
        let machine = machine(vec![gpu(0)], cpu);
        let policy = Policy::new(machine.policy.clone()).unwrap();
        for (field, other) in other_contexts(&machine.context) {
            // As it stands.
            let refused = verify(&machine.evidence(), &machine.collateral, &policy, &other, NOW).unwrap_err();
            let expected = AttestationError::AnotherContext { expected: other.digest(), got: machine.context.digest() };
            assert_eq!(refused, expected, "{field}");
            // Relabelled: the device answered another nonce.
            let mut parts = machine.parts();
            parts.context_digest = Fixed(other.digest());
            let relabelled = Evidence::Hardware(HardwareEvidence::new(parts.clone()).unwrap());
            let refused = verify(&relabelled, &machine.collateral, &policy, &other, NOW).unwrap_err();
            let AttestationError::Nvidia(error) = refused else { panic!("{field}: {refused:?}") };
            assert!(matches!(*error, NvidiaError::Nonce { .. }), "{field}: {error:?}");
            // The GPU answers again, but the quote is the old one.
            if cpu != Processor::None {
                parts.devices = machine.answers(&other);
                let spliced = Evidence::Hardware(HardwareEvidence::new(parts).unwrap());
                let refused = verify(&spliced, &machine.collateral, &policy, &other, NOW).unwrap_err();
                assert_eq!(refused, AttestationError::SessionNotCommitted, "{field}");
            }
        }
    }
}

#[test]
fn negative_46_another_device() {
    for cpu in [Processor::None, Processor::Tdx, Processor::SevSnp] {
        let mut machine = machine(vec![gpu(0)], cpu);
        let got = machine.context.device_id;
        machine.context.device_id = [0xee; 32];
        let expected = [0xee; 32];
        assert_eq!(machine.refused(), AttestationError::AnotherDevice { expected, got });
        let mut parts = machine.parts();
        parts.device_id = Fixed(got);
        assert_eq!(machine.judge(parts).unwrap_err(), AttestationError::AnotherDevice { expected, got });
    }
    // The identity of a set does not depend on the order of its members, but on each of them.
    let ids = [[1; 32], [2; 32]];
    assert_eq!(hardware::device_id(&ids), hardware::device_id(&[ids[1], ids[0]]));
    assert_ne!(hardware::device_id(&ids), hardware::device_id(&ids[..1]));
}

#[test]
fn negative_48_another_output_or_payee() {
    let machine = machine(vec![gpu(0)], Processor::Tdx);
    let mut receipt = receipt_for(&worker());
    receipt.context = machine.context;
    receipt.completed_at = NOW;
    receipt.evidence_digest = machine.evidence().digest();
    let expected = *session_key().public_key().as_bytes();
    // Without a session, the output is tied to nothing that was measured.
    let signed = SignedReceipt::sign(receipt.clone(), &worker()).unwrap();
    let refused = ReceiptError::SessionKeyMismatch { expected, got: None };
    assert_eq!(signed.check_evidence(&machine.evidence()), Err(refused));
    let other = ed25519::SigningKey::from_seed(&[0xee; 32]);
    receipt.session = Some(Session::sign(&other, &machine.context.digest(), &receipt.output_hash));
    let signed = SignedReceipt::sign(receipt.clone(), &worker()).unwrap();
    let refused = ReceiptError::SessionKeyMismatch { expected, got: Some(*other.public_key().as_bytes()) };
    assert_eq!(signed.check_evidence(&machine.evidence()), Err(refused));
    receipt.session = Some(Session::sign(&session_key(), &machine.context.digest(), &receipt.output_hash));
    let signed = SignedReceipt::sign(receipt.clone(), &worker()).unwrap();
    assert_eq!(signed.check_evidence(&machine.evidence()), Ok(()));
    receipt.output_hash = [0xee; 32];
    assert!(matches!(SignedReceipt::sign(receipt, &worker()), Err(ReceiptError::SessionSignature(_))));
}

#[test]
fn negative_49_fields_do_not_run_into_each_other() {
    let machine = machine(vec![gpu(0)], Processor::Tdx);
    let key = session_key().public_key();
    let data = |context: &WorkContext, devices: &List<GpuDevice, 16>| hardware::report_data(context, &key, devices);
    let device = |report: &[u8], chain: &[u8]| GpuDevice {
        report: Bytes::new(report).unwrap(),
        chain: Bytes::new(chain).unwrap(),
    };
    let list = |devices: Vec<GpuDevice>| List::new(devices).unwrap();
    let split = [
        list(vec![device(b"a", b"bc")]),
        list(vec![device(b"ab", b"c")]),
        list(vec![device(b"abc", b"")]),
        list(vec![device(b"a", b"b"), device(b"", b"c")]),
        list(vec![]),
    ];
    let distinct: std::collections::BTreeSet<[u8; 64]> =
        split.iter().map(|devices| data(&machine.context, devices)).collect();
    assert_eq!(distinct.len(), split.len());
    let moved =
        WorkContext { job_id: machine.context.model_hash, model_hash: machine.context.job_id, ..machine.context };
    assert_ne!(data(&moved, &split[0])[..32], data(&machine.context, &split[0])[..32]);
    assert_eq!(data(&moved, &split[0])[32..], data(&machine.context, &split[0])[32..]);
}

#[test]
fn negative_50_replays_and_duplicates() {
    // One device twice in one bundle: both its answers carry the right nonces.
    let twice = machine(vec![gpu(0), gpu(0)], Processor::None);
    let AttestationError::Nvidia(error) = twice.refused() else { panic!("{:?}", twice.refused()) };
    let duplicate = TopologyError::DuplicateDevice { identity: gpu(0).identity() };
    assert_eq!(*error, NvidiaError::Topology(duplicate));
    // Answers in another order than asked.
    let pair = machine(vec![gpu(0), gpu(1)], Processor::None);
    assert!(pair.verify().is_ok());
    let mut parts = pair.parts();
    parts.devices = List::new(parts.devices.as_slice().iter().rev().cloned().collect()).unwrap();
    let AttestationError::Nvidia(error) = pair.judge(parts).unwrap_err() else { panic!() };
    assert!(matches!(*error, NvidiaError::Nonce { .. }), "{error:?}");
    // The same evidence has one nullifier, whatever is done to its signatures; another job has another.
    let nullifier = pair.evidence().nullifier();
    let mut parts = pair.parts();
    let mut report = parts.devices.as_slice()[0].report.as_slice().to_vec();
    *report.last_mut().unwrap() ^= 1;
    let mut devices = parts.devices.as_slice().to_vec();
    devices[0].report = Bytes::new(report).unwrap();
    parts.devices = List::new(devices).unwrap();
    assert_eq!(Evidence::Hardware(HardwareEvidence::new(parts).unwrap()).nullifier(), nullifier);
    assert_eq!(nullifier.device_identity, pair.context.device_id);
    let mut other = machine(vec![gpu(0), gpu(1)], Processor::None);
    other.context.job_id = [0xee; 32];
    assert_ne!(other.evidence().nullifier(), nullifier);
    // The chain keeps one live context for each of these, in whatever set they come.
    let set = machine(vec![gpu(1), gpu(0)], Processor::Tdx);
    let (first, second) = (pair.verify().unwrap(), set.verify().unwrap());
    let shared = claims(&second).identities.iter().filter(|identity| claims(&first).identities.contains(identity));
    assert_eq!(shared.count(), 2);
}

#[test]
fn negative_51_outside_the_window() {
    let machine = machine(vec![gpu(0)], Processor::Tdx);
    let policy = Policy::new(machine.policy.clone()).unwrap();
    let judge = |at| verify(&machine.evidence(), &machine.collateral, &policy, &machine.context, at).unwrap_err();
    let timestamp = machine.context.timestamp;
    let at = timestamp - 1;
    assert_eq!(judge(at), AttestationError::BeforeLease { timestamp, at });
    let expires_at = timestamp + 3_600_000;
    assert_eq!(judge(expires_at + 1), AttestationError::Stale { expires_at, at: expires_at + 1 });
}

#[test]
fn negative_52_a_quote_commits_to_exactly_these_devices() {
    for cpu in [Processor::Tdx, Processor::SevSnp] {
        let mut ours = machine(vec![gpu(0)], cpu);
        ours.collateral.nvidia = World::new([3; 32]).collateral(&[gpu(0), gpu(1), gpu(7)]);
        // Another genuine GPU's fresh answer beside our quote: a borrowed GPU.
        let mut borrowed = machine(vec![gpu(7)], cpu);
        borrowed.context = ours.context;
        let mut parts = ours.parts();
        parts.devices = borrowed.answers(&ours.context);
        assert_eq!(ours.judge(parts).unwrap_err(), AttestationError::GpuEvidenceNotCommitted);
        // A GPU less, a GPU more.
        let pair = machine(vec![gpu(0), gpu(1)], cpu);
        let mut parts = pair.parts();
        parts.devices = List::new(parts.devices.as_slice()[..1].to_vec()).unwrap();
        assert_eq!(pair.judge(parts).unwrap_err(), AttestationError::GpuEvidenceNotCommitted);
        let mut parts = ours.parts();
        parts.devices = pair.answers(&ours.context);
        assert_eq!(ours.judge(parts).unwrap_err(), AttestationError::GpuEvidenceNotCommitted);
        // No GPU beside a quote that commits to one.
        let mut parts = ours.parts();
        parts.devices = List::default();
        assert_eq!(ours.judge(parts).unwrap_err(), AttestationError::GpuEvidenceNotCommitted);
        // Another session key.
        let mut parts = ours.parts();
        let quote = parts.cpu.clone().unwrap().quote;
        let session_key = ed25519::SigningKey::from_seed(&[0xee; 32]).public_key();
        parts.cpu = Some(CpuEvidence { session_key, quote });
        assert_eq!(ours.judge(parts).unwrap_err(), AttestationError::SessionNotCommitted);
    }
}

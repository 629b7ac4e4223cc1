use attestation::appraisal::AttestationError;
use attestation::identity::IdentityError;
use attestation::receipt::{HardwareTier, ReceiptError, WorkReceipt};
use circuits::model::tensor::Tensor;
use verifier::proof::ProofError;

use crate::rules::Reject;
use crate::rules::reject::Implausible;
use crate::state::{Key, StateMachine};
use crate::testing::{Leased, World, account, evidence, input, output, sign_unchecked};
use crate::types::event::Event;
use crate::types::job::{
    InferenceJob, JobInput, JobResult, JobStatus, LeaseStatus, OUTPUT_BYTES_MAX, PROOF_BYTES_MAX, WorkLease,
};
use crate::types::model::UnitsFormula;
use crate::types::transaction::{Action, ReportImplausible, SubmitResult};
use crate::types::worker::WorkerRegistration;
use verifier::inclusion::List;

fn refusal(change: impl FnOnce(&mut WorkReceipt)) -> Reject {
    let (mut world, leased) = World::leased();
    let submission = world.submission_with(&leased, change);
    submit(&mut world, &leased, submission)
}

fn refusal_of(change: impl FnOnce(&mut SubmitResult)) -> Reject {
    let (mut world, leased) = World::leased();
    let mut submission = world.submission(&leased);
    change(&mut submission);
    submit(&mut world, &leased, submission)
}

fn submit(world: &mut World, leased: &Leased, submission: SubmitResult) -> Reject {
    world.refusal(leased.number, Action::SubmitResult(Box::new(submission)))
}

#[test]
fn a_settled_result_pays_mints_returns_and_frees() {
    let (mut world, leased) = World::leased();
    let (poster, operator) = (world.balance(1), world.balance(2));
    let before = world.machine().supply().unwrap();
    let outcome = world.settle(&leased);
    assert_eq!(outcome.gas_used, 2_580_000);
    // 18 units: payment 180 000, a fifth burned; reward 90 000, capped by 36 000 + 54 000.
    let [Event::Settled { result, job, reward, paid, burned, returned }] = outcome.events.as_slice() else {
        panic!("unexpected events {:?}", outcome.events);
    };
    assert_eq!((*job, *reward, *paid, *burned, *returned), (leased.job, 90_000, 144_000, 36_000, 120_000));
    assert_eq!(world.balance(1), poster + 120_000);
    assert_eq!(world.balance(2), operator - 25_000_000 + 144_000 + 90_000);
    let supply = world.machine().supply().unwrap();
    assert_eq!(supply.minted, 90_000);
    assert_eq!(supply.burned, before.burned + 5_000_000 + 36_000);
    assert_eq!((supply.held.escrow, supply.held.bonds), (0, 100_000_000));

    let record: JobResult = world.machine().get(&Key::Result(*result)).unwrap().unwrap();
    assert_eq!((record.payment, record.reward, record.trust_bps), (180_000, 90_000, 10_000));
    let job: InferenceJob = world.machine().get(&Key::Job(leased.job)).unwrap().unwrap();
    assert_eq!(job.status, JobStatus::Settled(*result));
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!((lease.status, lease.bond), (LeaseStatus::Settled, 0));
    let worker: WorkerRegistration = world.machine().get(&Key::Worker(leased.context.worker)).unwrap().unwrap();
    assert_eq!((worker.completed, worker.timeouts), (1, 0));
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn a_settled_result_is_proven_by_compute_root_and_state_root() {
    let (mut world, leased) = World::leased();
    world.settle(&leased);
    let block = world.machine().block(world.machine().height()).unwrap().unwrap();
    let proof = crate::types::block::prove_result(&block.results, 0).unwrap();
    let root = block.block.header.compute_root;
    assert_eq!(proof.verify(List::ComputeResults, &root, &block.results[0].to_bytes()), Ok(()));

    let context = leased.context;
    let nullifier = crate::types::ids::work_nullifier(
        context.chain_id,
        &context.job_id,
        &context.model_hash,
        &context.input_hash,
        &context.worker,
    );
    let key = Key::SpentWork(nullifier);
    let (value, proof) = world.machine().prove(&key).unwrap();
    let state_root = world.machine().root();
    assert_eq!(proof.verify_inclusion(&state_root, &key.to_bytes(), &value.unwrap()), Ok(()));
    let other = Key::SpentWork([1; 32]);
    let (value, proof) = world.machine().prove(&other).unwrap();
    assert_eq!((value, proof.verify_exclusion(&state_root, &other.to_bytes())), (None, Ok(())));
}

#[test]
fn a_receipt_of_another_chain_is_refused() {
    assert_eq!(
        refusal(|receipt| receipt.context.chain_id = 1),
        Reject::ReceiptChainMismatch { expected: 1337, got: 1 }
    );
    let expected = *World::new().machine().genesis_hash();
    assert_eq!(
        refusal(|receipt| receipt.context.genesis = [0; 32]),
        Reject::ReceiptGenesisMismatch { expected, got: [0; 32] }
    );
}

#[test]
fn the_lease_must_exist_and_be_the_senders() {
    assert_eq!(refusal_of(|submission| submission.lease.id = [1; 32]), Reject::LeaseUnknown { lease: [1; 32] });
    let (mut world, leased) = World::leased();
    let submission = world.submission(&leased);
    let (expected, got) = (account(2).public_key().address(), account(3).public_key().address());
    assert_eq!(
        world.refusal(3, Action::SubmitResult(Box::new(submission))),
        Reject::LeaseNotSenders { lease: leased.lease.id, expected, got }
    );
}

#[test]
fn every_field_of_the_context_must_be_as_leased() {
    type Change = fn(&mut WorkReceipt);
    let changes: [(&'static str, Change); 7] = [
        ("job_id", |receipt| receipt.context.job_id = [1; 32]),
        ("model_hash", |receipt| receipt.context.model_hash = [1; 32]),
        ("input_hash", |receipt| receipt.context.input_hash = [1; 32]),
        ("worker", |receipt| receipt.context.worker = [1; 32]),
        ("device_id", |receipt| receipt.context.device_id = [1; 32]),
        ("nonce", |receipt| receipt.context.nonce = [1; 32]),
        ("timestamp", |receipt| receipt.context.timestamp += 1),
    ];
    for (field, change) in changes {
        assert_eq!(refusal(change), Reject::ContextMismatch { field });
    }
}

#[test]
fn the_lease_must_be_as_seen() {
    let id = World::leased().1.lease.id;
    assert_eq!(refusal_of(|submission| submission.lease.version = 2), Reject::VersionStale { id, expected: 1, got: 2 });
}

#[test]
fn a_late_result_is_taken_within_the_grace_window_while_the_job_is_open() {
    let (mut world, mut leased) = World::leased();
    world.reach(leased_until(&world, &leased) + 1);
    leased.lease.version = 2;
    let outcome = world.settle(&leased);
    assert!(matches!(outcome.events.as_slice(), [Event::Settled { reward: 90_000, .. }]));
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!(lease.status, LeaseStatus::Settled);
    world.reach(lease.closes_height + 1);
}

#[test]
fn a_late_result_is_refused_once_another_worker_has_the_job() {
    let (mut world, mut leased) = World::leased();
    world.register_worker(3);
    world.reach(leased_until(&world, &leased));
    world.lease(leased.job, 3);
    leased.lease.version = 2;
    let submission = world.submission(&leased);
    assert_eq!(submit(&mut world, &leased, submission), Reject::JobRetaken { job: leased.job });
}

#[test]
fn after_the_grace_window_a_lease_is_over() {
    let (mut world, mut leased) = World::leased();
    let expired = leased_until(&world, &leased);
    world.reach(expired + 8);
    leased.lease.version = 3;
    let submission = world.submission(&leased);
    assert_eq!(
        submit(&mut world, &leased, submission),
        Reject::LeaseOver { lease: leased.lease.id, expired, closed: expired + 8 }
    );
}

fn leased_until(world: &World, leased: &Leased) -> u64 {
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    lease.expires_height
}

#[test]
fn the_leased_worker_must_have_signed() {
    let (mut world, leased) = World::leased();
    let mut submission = world.submission(&leased);
    submission.signed = sign_unchecked(submission.signed.receipt.clone(), 3);
    let got = crate::testing::worker_key(3).public_key().id();
    assert_eq!(
        submit(&mut world, &leased, submission.clone()),
        Reject::ReceiptInvalid(ReceiptError::PayeeMismatch { expected: leased.context.worker, got })
    );
    submission.signed = world.submission(&leased).signed;
    submission.signed.receipt.completed_at += 1;
    assert_eq!(
        submit(&mut world, &leased, submission),
        Reject::ReceiptInvalid(ReceiptError::Signature(IdentityError::SignatureMismatch {
            what: "ml-dsa-65 signature"
        }))
    );
}

#[test]
fn completion_lies_between_lease_and_block() {
    let (mut world, leased) = World::leased();
    let min = leased.context.timestamp;
    let early = world.submission_with(&leased, |receipt| receipt.completed_at = min - 1);
    assert!(matches!(
        submit(&mut world, &leased, early),
        Reject::TimestampOutside { min: lower, got, .. } if lower == min && got == min - 1
    ));
    // Before a block exists nobody knows its time, so a completion ahead of it is refused by the block.
    let submission = world.submission_with(&leased, |receipt| receipt.completed_at = min + 10_000);
    let statement =
        circuits::statement::Statement { context_digest: leased.context.digest(), input: input(), output: output() };
    world.machine().services().vouch(&world.model().1.key_digest, &statement, crate::testing::PROOF);
    let bytes = world.signed(2, Action::SubmitResult(Box::new(submission))).to_bytes();
    let id = world.chain.submit(&bytes).unwrap();
    let produced = world.block();
    let max = world.now;
    assert_eq!(produced.refused, vec![(id, Reject::TimestampOutside { min, max, got: min + 10_000 })]);
}

#[test]
fn the_figures_must_fit_the_registration_and_the_lease() {
    let implausible = Reject::MetadataImplausible;
    assert_eq!(
        refusal(|receipt| receipt.metadata.tier = HardwareTier::Server),
        implausible(Implausible::Tier { expected: HardwareTier::Standard, got: HardwareTier::Server })
    );
    assert_eq!(
        refusal(|receipt| receipt.metadata.tokens_out = 1000),
        implausible(Implausible::Tokens { expected: (0, 0), got: (0, 1000) })
    );
    assert_eq!(
        refusal(|receipt| receipt.metadata.elapsed_ms = 101),
        implausible(Implausible::Elapsed { max: 100, got: 101 })
    );
}

#[test]
fn no_tier_is_faster_than_it_can_be() {
    let mut world = World::new();
    let mut model = crate::testing::register_model();
    model.formula = UnitsFormula { base: 0, per_token_in: 8, per_token_out: 2 };
    world.send(1, Action::RegisterModel(model));
    world.register_worker(2);
    let job = world.post(world.job());
    let leased = world.lease(job, 2);
    // Standard hardware makes at most 80 tokens a second: one takes 12.5 ms.
    let fast = world.submission_with(&leased, |receipt| {
        receipt.metadata.tokens_in = 2;
        receipt.metadata.tokens_out = 1;
        receipt.metadata.elapsed_ms = 12;
    });
    let shown = fast.signed.clone();
    assert_eq!(
        submit(&mut world, &leased, fast),
        Reject::MetadataImplausible(Implausible::Speed { max: 80, tokens: 1, elapsed_ms: 12 })
    );
    // Refused, and never punished: whoever is shown it learns that a machine was declared too slow.
    let lease = leased.lease.id;
    let shown = ReportImplausible { lease, signed: shown };
    let refused = world.refusal(3, Action::ReportImplausible(Box::new(shown)));
    assert_eq!(refused, Reject::ReceiptPlausible { lease });
    let slow = world.submission_with(&leased, |receipt| {
        receipt.metadata.tokens_in = 2;
        receipt.metadata.tokens_out = 1;
        receipt.metadata.elapsed_ms = 13;
    });
    assert!(matches!(submit(&mut world, &leased, slow), Reject::ProofRejected(_)));
}

#[test]
fn units_are_the_models() {
    assert_eq!(refusal(|receipt| receipt.compute_units = 19), Reject::UnitsMismatch { expected: 18, got: 19 });
}

#[test]
fn the_input_comes_exactly_when_the_job_lacks_it() {
    assert_eq!(refusal_of(|submission| submission.input = Some(input())), Reject::InputPresence { expected: false });
    let mut world = World::new();
    world.register_model();
    world.register_worker(2);
    let mut job = world.job();
    job.input = JobInput::Reference(input().hash());
    let job = world.post(job);
    let leased = world.lease(job, 2);
    let mut submission = world.submission(&leased);
    assert_eq!(submit(&mut world, &leased, submission.clone()), Reject::InputPresence { expected: true });
    let other = Tensor::new(vec![2, 2], vec![4, 3, 2, 1]).unwrap();
    submission.input = Some(other.clone());
    assert_eq!(
        submit(&mut world, &leased, submission.clone()),
        Reject::InputHashMismatch { expected: input().hash(), got: other.hash() }
    );
    submission.input = Some(input());
    world.send(2, Action::SubmitResult(Box::new(submission)));
}

#[test]
fn output_and_evidence_are_what_was_signed() {
    let other = Tensor::vector(vec![6, 5]).unwrap();
    let got = other.hash();
    assert_eq!(
        refusal_of(|submission| submission.output = other),
        Reject::OutputHashMismatch { expected: output().hash(), got }
    );
    assert_eq!(
        refusal_of(|submission| submission.output = Tensor::vector(vec![0; 8192]).unwrap()),
        Reject::OutputOversized { max: OUTPUT_BYTES_MAX, got: 12 + 65_536 }
    );
    let (mut world, leased) = World::leased();
    let got = evidence(&leased).digest();
    let submission = world.submission_with(&leased, |receipt| receipt.evidence_digest = [1; 32]);
    assert_eq!(submit(&mut world, &leased, submission), Reject::EvidenceDigestMismatch { expected: [1; 32], got });
}

#[test]
fn evidence_is_appraised_for_this_work() {
    let (mut world, leased) = World::leased();
    let mut foreign = evidence(&leased);
    let attestation::evidence::Evidence::Software(software) = &mut foreign else { panic!("software evidence") };
    software.context_digest = [1; 32];
    let mut submission = world.submission_with(&leased, |receipt| receipt.evidence_digest = foreign.digest());
    submission.evidence = foreign;
    assert_eq!(
        submit(&mut world, &leased, submission),
        Reject::EvidenceRejected(AttestationError::AnotherContext { expected: leased.context.digest(), got: [1; 32] })
    );
}

#[test]
fn the_job_may_ask_for_more_trust_than_software_earns() {
    let mut world = World::new();
    world.register_model();
    world.register_worker(2);
    let mut job = world.job();
    job.policy.trust_bps_min = 6_001;
    let job = world.post(job);
    let leased = world.lease(job, 2);
    let submission = world.submission(&leased);
    assert_eq!(submit(&mut world, &leased, submission), Reject::TrustLow { needed: 6_001, got: 6_000 });
}

#[test]
fn a_proof_lease_needs_one_proof_that_verifies() {
    assert_eq!(refusal_of(|submission| submission.proofs.clear()), Reject::ProofCount { expected: 1, got: 0 });
    assert_eq!(refusal_of(|submission| submission.proofs.push(vec![])), Reject::ProofCount { expected: 1, got: 2 });
    assert_eq!(
        refusal_of(|submission| submission.proofs = vec![vec![0; PROOF_BYTES_MAX + 1]]),
        Reject::ProofOversized { max: PROOF_BYTES_MAX, got: PROOF_BYTES_MAX + 1 }
    );
    assert!(matches!(
        refusal_of(|submission| submission.proofs = vec![b"no proof".to_vec()]),
        Reject::ProofRejected(ProofError::Container(_))
    ));
}

#[test]
fn a_well_formed_proof_of_nothing_is_rejected_by_its_verification() {
    let (mut world, leased) = World::leased();
    let (_, model) = world.model();
    let statement =
        circuits::statement::Statement { context_digest: leased.context.digest(), input: input(), output: output() };
    let mut proof = verifier::proof::Proof {
        system: verifier::key::PROOF_SYSTEM.to_owned(),
        hash: verifier::transcript::HASH_ID,
        setup_id: model.setup,
        key_digest: model.key_digest,
        statement_digest: [0; 32],
        bytes: vec![0; 64],
    };
    let mut submission = world.submission(&leased);
    submission.proofs = vec![proof.to_bytes()];
    assert_eq!(
        submit(&mut world, &leased, submission.clone()),
        Reject::ProofRejected(ProofError::StatementDigest { expected: statement.digest(), got: [0; 32] })
    );
    proof.statement_digest = statement.digest();
    submission.proofs = vec![proof.to_bytes()];
    assert!(matches!(submit(&mut world, &leased, submission), Reject::ProofRejected(ProofError::Read(_))));
}

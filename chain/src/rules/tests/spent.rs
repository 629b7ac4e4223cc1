//! The same work twice, in every disguise.

use crate::rules::Reject;
use crate::state::StateMachine;
use crate::state::{Key, Spent};
use crate::testing::{Leased, World, account, evidence, tampered, validator};
use crate::types::CheckedTransaction;
use crate::types::ids::{ObjectRef, work_nullifier};
use crate::types::job::{LeaseStatus, WorkLease};
use crate::types::transaction::{Action, SubmitResult};

fn action(submission: SubmitResult) -> Action {
    Action::SubmitResult(Box::new(submission))
}

fn nullifier(leased: &Leased) -> [u8; 32] {
    let context = leased.context;
    work_nullifier(context.chain_id, &context.job_id, &context.model_hash, &context.input_hash, &context.worker)
}

fn settled() -> (World, Leased) {
    let (mut world, leased) = World::leased();
    world.settle(&leased);
    (world, leased)
}

#[test]
fn the_same_receipt_again_is_spent() {
    let (mut world, leased) = settled();
    let minted = world.machine().supply().unwrap().minted;
    let expected = Reject::WorkSpent { nullifier: nullifier(&leased) };
    for version in 1..4 {
        let mut again = world.submission(&leased);
        again.lease.version = version;
        assert_eq!(world.refusal(2, action(again)), expected);
    }
    assert_eq!(world.machine().supply().unwrap().minted, minted);
}

#[test]
fn the_same_receipt_twice_in_one_block_is_spent_by_the_first() {
    let (world, leased) = World::leased();
    let submission = world.submission(&leased);
    let first = world.transaction(2, action(submission));
    let mut second = first.clone();
    second.nonce += 1;
    let candidates: Vec<CheckedTransaction> = [first, second]
        .into_iter()
        .map(|transaction| CheckedTransaction::parse(&transaction.sign(&account(2)).to_bytes()).unwrap())
        .collect();
    let proposer = validator().public_key().address();
    let proposal = world.machine().propose(&proposer, world.now + 250, &candidates, u64::MAX).unwrap();
    assert_eq!(proposal.block.transactions.len(), 1);
    assert_eq!(proposal.refused, vec![(*candidates[1].id(), Reject::WorkSpent { nullifier: nullifier(&leased) })]);
}

#[test]
fn other_timestamps_nonces_workers_and_chains_were_never_leased() {
    let (mut world, leased) = settled();
    let mut matrix = Vec::new();
    for change in 0..4 {
        let submission = world.submission_with(&leased, |receipt| match change {
            0 => receipt.context.timestamp += 1,
            1 => receipt.context.nonce = [1; 32],
            2 => receipt.context.worker = [1; 32],
            _ => receipt.context.chain_id = 96_369,
        });
        matrix.push(world.refusal(2, action(submission)));
    }
    assert_eq!(
        matrix,
        [
            Reject::ContextMismatch { field: "timestamp" },
            Reject::ContextMismatch { field: "nonce" },
            Reject::ContextMismatch { field: "worker" },
            Reject::ReceiptChainMismatch { expected: 1337, got: 96_369 },
        ]
    );
}

#[test]
fn another_output_for_settled_work_is_spent_too() {
    let (mut world, leased) = settled();
    let submission = world.submission_with(&leased, |receipt| receipt.output_hash = [1; 32]);
    assert_eq!(world.refusal(2, action(submission)), Reject::WorkSpent { nullifier: nullifier(&leased) });
}

#[test]
fn a_new_lease_on_the_same_job_cannot_mint_again() {
    // No rule reopens a settled job; even if one did, the nullifier holds.
    let (mut world, leased) = World::leased();
    let spent = Spent { lease: leased.lease.id, height: 1 };
    let nullifier = nullifier(&leased);
    world.chain = tampered(world.machine(), &[(Key::SpentWork(nullifier), spent)]);
    let submission = world.submission(&leased);
    assert_eq!(world.refusal(2, action(submission)), Reject::WorkSpent { nullifier });
}

#[test]
fn evidence_is_spent_once() {
    let (mut world, leased) = World::leased();
    let nullifier = evidence(&leased).nullifier().key();
    let spent = Spent { lease: leased.lease.id, height: 1 };
    world.chain = tampered(world.machine(), &[(Key::SpentEvidence(nullifier), spent)]);
    let submission = world.submission(&leased);
    assert_eq!(world.refusal(2, action(submission)), Reject::EvidenceSpent { nullifier });
}

#[test]
fn a_lease_that_was_settled_names_its_end_in_the_state() {
    let (world, leased) = settled();
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!(lease.status, LeaseStatus::Settled);
    let spent: Spent = world.machine().get(&Key::SpentWork(nullifier(&leased))).unwrap().unwrap();
    assert_eq!(spent, Spent { lease: leased.lease.id, height: world.machine().height() });
    assert_eq!(leased.lease, ObjectRef { id: leased.lease.id, version: 1 });
}

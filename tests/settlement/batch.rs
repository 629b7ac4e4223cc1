//! One block with the results of two workers: its proofs are verified together, and a bad one is refused without the other.

use chain::rules::Reject;
use chain::state::{Invalid, Machine, MemoryStore, StateMachine as _};
use chain::types::transaction::{CheckedTransaction, SubmitResult, Transfer};
use chain::types::{Action, Block, Event, encode};
use circuits::statement::Statement;
use verifier::proof::ProofError;

use super::{Leased, World, fixture, honest, image, operator, requester, validator};

/// A chain on which two workers hold a lease each.
fn two_leased() -> (World, [Leased; 2]) {
    let (mut world, first) = World::leased(1337);
    let to = operator(1).public_key().address();
    world.act(&requester(), Action::Transfer(Transfer { to, amount: 100_000_000 }));
    world.register_worker(1);
    let job = world.post(fixture().key.verifying().model_hash());
    let second = world.lease(job, 1);
    (world, [first, second])
}

/// Another node's machine on the same blocks, which has seen none of the proofs.
fn follower(world: &World) -> Machine<MemoryStore> {
    let machine = world.chain.machine();
    let store = MemoryStore::new();
    let mut follower = Machine::open(store, machine.genesis().clone(), vec![fixture().setup.clone()]).unwrap();
    for height in 1..=machine.height() {
        let committed = machine.block(height).unwrap().unwrap();
        follower.commit(&committed.block, &encode(&committed.certificate), &[]).unwrap();
    }
    follower
}

fn signed(world: &World, leased: &Leased, submission: &SubmitResult) -> CheckedTransaction {
    let action = Action::SubmitResult(Box::new(submission.clone()));
    CheckedTransaction::parse(&world.signed(&operator(leased.number), action)).unwrap()
}

/// The block that a proposer makes of these transactions, and what it refuses.
fn proposed(world: &World, candidates: &[CheckedTransaction]) -> (Block, Vec<([u8; 32], Reject)>) {
    let proposer = validator().public_key().address();
    let proposal = world.chain.machine().propose(&proposer, world.now + 250, candidates, u64::MAX).unwrap();
    (proposal.block, proposal.refused)
}

#[test]
fn two_workers_are_paid_by_one_block_whose_proofs_are_verified_together() {
    let (mut world, leases) = two_leased();
    let submissions = leases.clone().map(|leased| honest(&leased));
    let candidates: Vec<CheckedTransaction> =
        leases.iter().zip(&submissions).map(|(leased, submission)| signed(&world, leased, submission)).collect();
    let (block, refused) = proposed(&world, &candidates);
    assert_eq!((block.transactions.len(), refused), (2, vec![]));

    let mut follower = follower(&world);
    assert_eq!(follower.proofs_verified(), 0);
    follower.verify(&block).unwrap();
    assert_eq!(follower.proofs_verified(), 2);
    world.now += 250;
    let produced = world.chain.produce_from(world.now, &candidates).unwrap();
    let committed = world.chain.machine().block(produced.commit.height).unwrap().unwrap();
    assert_eq!(committed.block, block);
    let commit = follower.commit(&committed.block, &encode(&committed.certificate), &[]).unwrap();
    assert_eq!((commit.root, follower.proofs_verified()), (world.chain.machine().root(), 2), "none was verified again");
    let settled = commit.outcomes.iter().map(|outcome| (outcome.sender, outcome.events.as_slice()));
    let mut paid: Vec<_> = settled
        .map(|(sender, events)| match events {
            [Event::Settled { reward: 11_840_000, paid: 18_944_000, .. }] => sender,
            events => panic!("unexpected {events:?}"),
        })
        .collect();
    let mut operators = [operator(0), operator(1)].map(|key| key.public_key().address());
    paid.sort();
    operators.sort();
    assert_eq!(paid, operators);
    world.chain.machine().audit().unwrap();
}

#[test]
fn a_bad_proof_beside_a_good_one_is_refused_alone() {
    let (world, leases) = two_leased();
    let [first, second] = &leases;
    let good = honest(first);
    // The proof of the other worker's lease: it holds, but for another context.
    let mut bad = honest(second);
    bad.proofs = good.proofs.clone();
    let candidates = [signed(&world, first, &good), signed(&world, second, &bad)];
    let [good_id, bad_id] = candidates.each_ref().map(|candidate| *candidate.id());
    let (expected, got) = (digest(second, &bad), digest(first, &good));
    let rejected = Reject::ProofRejected(ProofError::StatementDigest { expected, got });

    // A proposer leaves it out.
    let (block, refused) = proposed(&world, &candidates);
    assert_eq!(refused, [(bad_id, rejected.clone())]);
    let kept: Vec<[u8; 32]> =
        block.transactions.iter().map(|bytes| *CheckedTransaction::parse(bytes).unwrap().id()).collect();
    assert_eq!(kept, [good_id]);

    // Nobody takes a block that holds it, wherever it stands; a machine that never saw either proof names its place.
    for position in [0, 1] {
        let mut transactions = vec![candidates[0].bytes().to_vec()];
        transactions.insert(position, candidates[1].bytes().to_vec());
        let mut both = Block { transactions, ..block.clone() };
        both.header.transaction_root = both.transaction_root();
        let follower = follower(&world);
        let invalid = Invalid::Transaction { position, reject: Box::new(rejected.clone()) };
        assert_eq!(follower.verify(&both), Err(invalid));
        follower.verify(&block).unwrap();
    }

    // A proof of its own statement, wrong in one number: the sum over both does not hold, and each is judged by itself.
    let mut changed = honest(second);
    let middle = changed.proofs[0].len() / 2;
    changed.proofs[0][middle] ^= 1;
    let changed = signed(&world, second, &changed);
    let mut both = Block { transactions: vec![candidates[0].bytes().to_vec(), changed.bytes().to_vec()], ..block };
    both.header.transaction_root = both.transaction_root();
    let follower = follower(&world);
    let Err(Invalid::Transaction { position: 1, reject }) = follower.verify(&both) else { panic!("taken") };
    assert!(matches!(*reject, Reject::ProofRejected(_)), "{reject:?}");
}

/// Digest of what a submission claims.
fn digest(leased: &Leased, submission: &SubmitResult) -> [u8; 32] {
    let (context_digest, output) = (leased.record.context.digest(), submission.output.clone());
    Statement { context_digest, input: image(), output }.digest()
}

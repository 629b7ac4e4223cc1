//! The same blocks give the same roots, in another machine and from shuffled candidates; and the roots are pinned.

use crate::state::{Machine, MemoryStore, StateMachine};
use crate::testing::{World, account, output, setup, validator, wrong_output};
use crate::types::CheckedTransaction;
use crate::types::block::{ComputeResult, compute_root};
use crate::types::ids::Address;
use crate::types::job::ResultStage;
use crate::types::transaction::{Action, AddStake, Transfer, Unstake, encode};

#[test]
fn replayed_blocks_give_the_same_roots() {
    let (mut world, leased) = World::leased();
    world.settle(&leased);
    let job = world.post(world.job());
    let late = world.lease(job, 2);
    world.reach(world.machine().height() + 250);
    assert_eq!(late.job, job);

    let source = world.machine();
    let mut replica = Machine::open(MemoryStore::new(), source.genesis().clone(), vec![setup().clone()]).unwrap();
    for height in 1..=source.height() {
        let committed = source.block(height).unwrap().unwrap();
        if height == source.height() || height == 1 {
            assert_eq!(replica.verify(&committed.block), Ok(()));
        }
        let context = leased.context.digest();
        let input = crate::testing::input();
        let statement = circuits::statement::Statement { context_digest: context, input, output: output() };
        replica.services().vouch(&world.model().1.key_digest, &statement, crate::testing::PROOF);
        let commit = replica.commit(&committed.block, &encode(&committed.certificate), &[]).unwrap();
        assert_eq!(commit.root, committed.block.header.state_root);
        assert_eq!(commit.outcomes, committed.outcomes);
    }
    assert_eq!(replica.head(), source.head());
    assert_eq!(replica.audit().unwrap(), source.audit().unwrap());
}

#[test]
fn reviews_replay_to_the_same_roots_and_events() {
    let (mut world, leased, first) = World::handed_in(wrong_output());
    world.check(&first, &output());
    world.judge(&first);
    let again = world.lease_sampled(leased.job, 3);
    let second = world.hand_in(&again, output());
    world.challenge(&second, 2);
    world.judge(&second);
    assert_eq!(world.stage(&second), ResultStage::Settled);

    let source = world.machine();
    let mut replica = Machine::open(MemoryStore::new(), source.genesis().clone(), vec![setup().clone()]).unwrap();
    for height in 1..=source.height() {
        let committed = source.block(height).unwrap().unwrap();
        let commit = replica.commit(&committed.block, &encode(&committed.certificate), &[]).unwrap();
        assert_eq!((commit.root, commit.closing), (committed.block.header.state_root, committed.closing));
    }
    assert_eq!(replica.audit().unwrap(), source.audit().unwrap());
}

#[test]
fn the_order_of_candidates_does_not_matter() {
    let world = World::new();
    let mut candidates = Vec::new();
    for sender in 1..=5 {
        for nonce in 0..4 {
            let to = Address::new([sender; 32]);
            let mut body = world.transaction(sender, Action::Transfer(Transfer { to, amount: 1 }));
            body.nonce = nonce;
            body.gas_limit = 20_000;
            body.gas_price = 1 + u128::from(sender ^ 3) + u128::from(nonce);
            let bytes = body.sign(&account(sender)).to_bytes();
            candidates.push(CheckedTransaction::parse(&bytes).unwrap());
        }
    }
    let proposer = validator().public_key().address();
    let propose = |candidates: &[CheckedTransaction]| {
        world.machine().propose(&proposer, world.now + 1, candidates, u64::MAX).unwrap().block
    };
    let expected = propose(&candidates);
    assert_eq!(expected.transactions.len(), 20);
    let mut shuffled = candidates.clone();
    for round in 1..20 {
        shuffled.rotate_left(round);
        shuffled.swap(round, 19 - round);
        assert_eq!(propose(&shuffled), expected);
    }
    // One that comes twice is there once.
    shuffled.extend(candidates);
    assert_eq!(propose(&shuffled), expected);
}

/// A history without a model, so that nothing of the proof system is pinned here.
#[test]
fn roots_are_pinned() {
    let mut world = World::new();
    let genesis_root = world.machine().root();
    let registration = world.worker_registration(2, vec![]);
    let worker = registration.public_key.id();
    world.send(2, Action::RegisterWorker(Box::new(registration)));
    world.send(2, Action::Stake(AddStake { worker, amount: 100_000_000 }));
    world.send(2, Action::Unstake(Unstake { worker, amount: 1 }));
    let machine = world.machine();
    let block = machine.block(machine.height()).unwrap().unwrap();
    let result = ComputeResult {
        job: [1; 32],
        worker: [2; 32],
        context_digest: [3; 32],
        receipt: [4; 32],
        model: [5; 32],
        input_hash: [6; 32],
        output_hash: [7; 32],
        units: 8,
        trust_bps: 9,
        reward: 10,
    };
    let got = [
        ("genesis", *machine.genesis_hash()),
        ("genesis state", genesis_root),
        ("state", machine.root()),
        ("transactions", block.block.header.transaction_root),
        ("no results", block.block.header.compute_root),
        ("one result", compute_root(&[result])),
        ("header", block.block.hash()),
        ("beacon", machine.head().next_beacon),
    ];
    let got: Vec<(&str, String)> = got.iter().map(|(name, hash)| (*name, const_hex::encode(hash))).collect();
    let expected: Vec<(&str, String)> = GOLDEN.iter().map(|(name, hash)| (*name, (*hash).to_owned())).collect();
    assert_eq!(got, expected);
}

const GOLDEN: [(&str, &str); 8] = [
    ("genesis", "f92783a389d5404fb54ecb18783b708ee9193cbe1f556ad9e22cf369cc4bb302"),
    ("genesis state", "52bf80f7a3182a6d18d11bd105f76e2895f9543866d5b07aebb030f71697c1fc"),
    ("state", "db75c8030050c19c09b876c1e6959eb754b8ff8bf9455bf461ee41411dd8abaf"),
    ("transactions", "c054599598ae480cfad1f19b6eae937bb301991cf0d780950dc1167b5a05560e"),
    ("no results", "47e661b4da05709fa742fcc3298880031c0f58afc52c33ec908c399cc4d8caaf"),
    ("one result", "cc57a2ff11b4e20a50f97c8e241acb1fb5b1c99d82fb5eb4997b0ebf4368214a"),
    ("header", "5ceaf795037eb93013c3aca93691276fbfece6f7ed495ab6c77f840c530352a3"),
    ("beacon", "baa19b1e89ead2c8e41a3d93c6705109b530343de18372bda8c043bae72ecfc2"),
];

//! Random sequences, sampled work and its reviews included: after every block the whole state adds up, and the ledger agrees with a plain model of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::twins;
use crate::state::{Key, LocalError, StateMachine};
use circuits::statement::Statement;

use crate::testing::{Leased, PROOF, World, account, input, output, worker_key, wrong_output};
use crate::types::ids::{Hash, object_id};
use crate::types::job::{InferenceJob, JobStatus, LeaseKind, LeaseStatus, ResultStage, WorkLease};
use crate::types::ledger::Stake;
use crate::types::review::{Dispute, Seat, SpotCheck};
use crate::types::transaction::{Action, AddStake, AnswerWithProof, Challenge, Transfer, Unstake, Withdraw};

#[derive(Clone, Debug)]
enum Step {
    Transfer { from: u8, to: u8, amount: u128 },
    Stake { worker: u8, amount: u128 },
    Unstake { worker: u8, amount: u128 },
    Withdraw { worker: u8 },
    Post { price: u128, surplus: u128, deadline: u64, proof: bool, floor: u32 },
    Lease { worker: u8, job: usize },
    Settle { lease: usize },
    HandIn { lease: usize, right: bool },
    Review { result: usize, right: u8, acting: usize },
    Challenge { from: u8, result: usize },
    Answer { result: usize },
    Wait { blocks: u64 },
}

/// A result, the seats that find the true output (a bit each), and how many of them act.
fn review_of() -> impl Strategy<Value = Step> {
    let right = prop_oneof![4 => Just(u8::MAX), 1 => any::<u8>()];
    let acting = prop_oneof![6 => Just(5usize), 1 => 0usize..3];
    (0usize..3, right, acting).prop_map(|(result, right, acting)| Step::Review { result, right, acting })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u8..=5, 1u8..=5, 0u128..11_000_000_000)
            .prop_map(|(from, to, amount)| Step::Transfer { from, to, amount }),
        2 => (1u8..=5, 0u128..200_000_000).prop_map(|(worker, amount)| Step::Stake { worker, amount }),
        2 => (1u8..=5, 0u128..120_000_000).prop_map(|(worker, amount)| Step::Unstake { worker, amount }),
        1 => (1u8..=5).prop_map(|worker| Step::Withdraw { worker }),
        4 => (0u128..100_000, 0u128..500_000_000, 0u64..60, prop::bool::weighted(0.25), 0u32..=20_000).prop_map(
            |(price, surplus, deadline, proof, floor)| Step::Post {
                price,
                surplus,
                deadline,
                proof,
                floor: floor.min(10_000),
            },
        ),
        6 => (1u8..=5, 0usize..3).prop_map(|(worker, job)| Step::Lease { worker, job }),
        2 => (0usize..4).prop_map(|lease| Step::Settle { lease }),
        6 => (0usize..3, any::<bool>()).prop_map(|(lease, right)| Step::HandIn { lease, right }),
        16 => review_of(),
        1 => (1u8..=5, 0usize..3).prop_map(|(from, result)| Step::Challenge { from, result }),
        1 => (0usize..3).prop_map(|result| Step::Answer { result }),
        2 => (1u64..20).prop_map(|blocks| Step::Wait { blocks }),
    ]
}

/// Short windows, so that sequences reach their ends.
fn world() -> World {
    World::staffed(|params| {
        params.window.lease_standard = 6;
        params.window.lease_large = 6;
        params.window.grace = 3;
        params.window.challenge = 2;
        params.window.draw = 1;
        params.window.review = 4;
        params.window.evidence_age = 1;
        params.window.unbonding = 79;
        params.window.job_max = 80;
    })
}

/// Transactions that were handed in, for a soak.
static SENT: AtomicU64 = AtomicU64::new(0);

/// Sends an action if the rules take it; whether they did.
fn attempt(world: &mut World, sender: u8, action: Action) -> Option<crate::types::Outcome> {
    SENT.fetch_add(1, Ordering::Relaxed);
    match world.chain.submit(&world.signed(sender, action).to_bytes()) {
        Ok(_) => world.block().commit.outcomes.into_iter().next(),
        Err(LocalError::Refused(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

/// What a sequence has made so far.
#[derive(Default)]
struct Made {
    jobs: Vec<Hash>,
    leases: Vec<Leased>,
    results: Vec<Hash>,
}

fn run(world: &mut World, step: Step, made: &mut Made) {
    let Made { jobs, leases, results } = made;
    let id = |number: u8| worker_key(number).public_key().id();
    match step {
        Step::Transfer { from, to, amount } => {
            let to = account(to).public_key().address();
            attempt(world, from, Action::Transfer(Transfer { to, amount }));
        }
        Step::Stake { worker, amount } => {
            attempt(world, worker, Action::Stake(AddStake { worker: id(worker), amount }));
        }
        Step::Unstake { worker, amount } => {
            attempt(world, worker, Action::Unstake(Unstake { worker: id(worker), amount }));
        }
        Step::Withdraw { worker } => {
            attempt(world, worker, Action::Withdraw(Withdraw { worker: id(worker) }));
        }
        Step::Post { price, surplus, deadline, proof, floor } => {
            let mut job = world.job();
            job.policy.proof_required = proof;
            job.policy.spot_rate_bps_min = floor;
            job.price_per_unit = price;
            job.escrow = 18 * price + surplus;
            job.deadline = world.machine().height() + 2 + deadline;
            if let Some(outcome) = attempt(world, 1, Action::PostJob(job)) {
                jobs.push(object_id(&outcome.transaction, 0));
            }
        }
        Step::Lease { worker, job } => {
            let Some(job) = jobs.iter().rev().nth(job).copied() else { return };
            let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
            let mut action = world.lease_action(job, worker);
            if !record.policy.proof_required {
                action.kind = LeaseKind::Sampled;
            }
            if let Some(outcome) = attempt(world, worker, Action::LeaseJob(action)) {
                let lease = object_id(&outcome.transaction, 0);
                let record: WorkLease = world.machine().get(&Key::Lease(lease)).unwrap().unwrap();
                let lease = crate::types::ObjectRef { id: lease, version: 1 };
                leases.push(Leased { number: worker, job, lease, context: record.context });
            }
        }
        Step::Settle { lease } => {
            let Some(mut leased) = leases.iter().rev().nth(lease).cloned() else { return };
            let record: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
            leased.lease.version = record.version;
            let submission = world.submission(&leased);
            let before = world.machine().supply().unwrap().minted;
            let taken = attempt(world, leased.number, Action::SubmitResult(Box::new(submission))).is_some();
            let minted = world.machine().supply().unwrap().minted - before;
            assert!(taken || minted == 0);
        }
        Step::HandIn { lease, right } => {
            let Some(mut leased) = leases.iter().rev().nth(lease).cloned() else { return };
            let record: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
            leased.lease.version = record.version;
            let output = if right { output() } else { wrong_output() };
            let submission = world.sampled_submission(&leased, output);
            if let Some(outcome) = attempt(world, leased.number, Action::SubmitResult(Box::new(submission))) {
                results.push(object_id(&outcome.transaction, 0));
            }
        }
        Step::Review { result, right, acting } => {
            let Some(result) = results.iter().rev().nth(result).copied() else { return };
            review(world, result, right, acting);
        }
        Step::Challenge { from, result } => {
            let Some(result) = results.iter().rev().nth(result).copied() else { return };
            attempt(world, from, Action::Challenge(Challenge { result, bond: 2_000_000 }));
        }
        Step::Answer { result } => {
            let Some(result) = results.iter().rev().nth(result).copied() else { return };
            let record = world.result(&result);
            let lease: WorkLease = world.machine().get(&Key::Lease(record.lease)).unwrap().unwrap();
            let statement = Statement { context_digest: lease.context.digest(), input: input(), output: output() };
            world.machine().services().vouch(&world.model().1.key_digest, &statement, PROOF);
            let answer = AnswerWithProof { result, input: None, output: output(), proof: PROOF.to_vec() };
            attempt(world, World::number_of(&record.worker), Action::AnswerWithProof(Box::new(answer)));
        }
        Step::Wait { blocks } => {
            for _ in 0..blocks {
                world.block();
            }
        }
    }
}

/// Those whose turn it is in a review commit, or reveal what they committed to.
fn review(world: &mut World, result: Hash, right: u8, acting: usize) {
    let stage = world.stage(&result);
    let commits = matches!(stage, ResultStage::CheckCommit | ResultStage::JuryCommit);
    for (position, seat) in seats(world, &result).into_iter().enumerate().take(acting) {
        let number = World::number_of(&seat.worker);
        let found = if right >> position & 1 == 1 { output() } else { wrong_output() };
        if commits && world.stage(&result) == stage {
            attempt(world, number, Action::CommitCheck(World::commit_action(&result, number, &found)));
        } else if !commits {
            for output in [output(), wrong_output()] {
                attempt(world, number, Action::RevealCheck(World::reveal_action(&result, number, &output)));
            }
        }
    }
}

/// Everybody who holds a bond in the review of a result, the jury last.
fn seats(world: &World, result: &Hash) -> Vec<Seat> {
    let check: Option<SpotCheck> = world.machine().get(&Key::SpotCheck(*result)).unwrap();
    let dispute: Option<Dispute> = world.machine().get(&Key::Dispute(*result)).unwrap();
    let jury = dispute.map(|dispute| dispute.seats).unwrap_or_default();
    check.map(|check| check.seat).into_iter().chain(jury).collect()
}

/// I1 of a lease, from the design's formula and the development values.
fn deters(world: &World, lease: &WorkLease) -> bool {
    let job: InferenceJob = world.machine().get(&Key::Job(lease.context.job_id)).unwrap().unwrap();
    let rate = u128::from(job.policy.spot_rate_bps_min.max(2_500)) * 100;
    let conviction = rate * 99 / 100 * 8 / 10;
    let price = job.price_per_unit * 18;
    let reward = price - price / 5 + (18 * 3_000).min(price / 5 + 18 * 3_000);
    conviction * (reward + lease.bond) * 10 >= 12 * 18 * 6_000 * 1_000_000
}

/// What must hold between objects, beside conservation, which every block of a [`World`] is audited for.
fn check(world: &World, made: &Made) {
    let Made { jobs, leases, results } = made;
    let seats: Vec<Seat> = results.iter().flat_map(|result| seats(world, result)).collect();
    for number in 1..=5 {
        let worker = worker_key(number).public_key().id();
        let stake: Stake = world.machine().get(&Key::Stake(worker)).unwrap().unwrap();
        let records = leases.iter().filter(|leased| leased.number == number).map(|leased| {
            let record: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
            record
        });
        let mut live = 0;
        let mut bonded: u128 = seats.iter().filter(|seat| seat.worker == worker).map(|seat| seat.bond).sum();
        for record in records {
            bonded += record.bond;
            live += usize::from(record.status == LeaseStatus::Live);
            let over = matches!(record.status, LeaseStatus::Settled | LeaseStatus::Closed);
            assert_eq!(over, record.bond == 0);
            let held = matches!(record.status, LeaseStatus::Live | LeaseStatus::Submitted);
            assert!(record.kind == LeaseKind::Proof || !held || deters(world, &record), "I1");
        }
        assert_eq!(stake.bonded, bonded, "bonded stake is the sum of the bonds");
        assert!(live <= 1, "one device, one live lease");
    }
    for job in jobs {
        let record: InferenceJob = world.machine().get(&Key::Job(*job)).unwrap().unwrap();
        let over = matches!(record.status, JobStatus::Settled(_) | JobStatus::Expired);
        assert!(!over || record.escrow == 0);
        let pending = matches!(record.status, JobStatus::Pending(_));
        assert!(over || pending || record.deadline > world.machine().height());
        let settled = leases
            .iter()
            .filter(|leased| leased.job == *job)
            .filter(|leased| {
                let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
                lease.status == LeaseStatus::Settled
            })
            .count();
        assert_eq!(settled, usize::from(matches!(record.status, JobStatus::Settled(_))));
    }
}

/// Ends everything that waits, and checks that nothing is left behind.
fn end(world: &mut World, made: &Made) {
    let mut blocks = 0;
    while world.chain.block_due().unwrap() {
        world.block();
        blocks += 1;
        assert!(blocks < 400);
    }
    check(world, made);
    assert!(made.results.iter().all(|result| world.stage(result).is_final()));
    let supply = world.machine().supply().unwrap();
    assert_eq!((supply.held.escrow, supply.held.bonds), (0, 100_000_000));
    twins::check_all(world);
}

/// Steps of disputes: most of what a review waits for comes, some of it wrong.
fn review_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => review_of(),
        2 => (0u64..4).prop_map(|blocks| Step::Wait { blocks }),
        2 => (1u8..=5, 0usize..3).prop_map(|(from, result)| Step::Challenge { from, result }),
        1 => (0usize..3).prop_map(|result| Step::Answer { result }),
        2 => (1u8..=5, 0usize..3).prop_map(|(worker, job)| Step::Lease { worker, job }),
        2 => (0usize..3, any::<bool>()).prop_map(|(lease, right)| Step::HandIn { lease, right }),
        1 => (1u8..=5, 0u128..120_000_000).prop_map(|(worker, amount)| Step::Unstake { worker, amount }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_sequence_adds_up(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = world();
        let mut made = Made::default();
        for step in steps {
            run(&mut world, step, &mut made);
            check(&world, &made);
        }
        end(&mut world, &made);
    }

    #[test]
    fn every_review_adds_up(
        work in prop::collection::vec((1u8..=5, any::<bool>()), 1..4),
        steps in prop::collection::vec(review_step(), 1..80),
    ) {
        let mut world = world();
        let mut made = Made::default();
        for (worker, right) in work {
            run(&mut world, Step::Post { price: 10_000, surplus: 20_000, deadline: 40, proof: false, floor: 10_000 }, &mut made);
            run(&mut world, Step::Lease { worker, job: 0 }, &mut made);
            run(&mut world, Step::HandIn { lease: 0, right }, &mut made);
        }
        for step in steps {
            run(&mut world, step, &mut made);
            check(&world, &made);
        }
        end(&mut world, &made);
    }
}

/// Random transactions, as many as the environment says, half of them in sequences that lead into reviews; prints its figures.
#[test]
#[ignore = "for make soak: ASSAY_SOAK_TRANSACTIONS says how many, ASSAY_SOAK_SEED which"]
fn many_sequences_add_up() {
    let number = |name: &str, otherwise: u64| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let (wanted, seed) = (number("ASSAY_SOAK_TRANSACTIONS", 10_000), number("ASSAY_SOAK_SEED", 2026));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let kinds = [prop::collection::vec(step(), 1..120).boxed(), prop::collection::vec(review_step(), 1..80).boxed()];
    let (started, first) = (Instant::now(), SENT.load(Ordering::Relaxed));
    let (mut sequences, mut blocks, mut told) = (0u64, 0u64, 0);
    loop {
        let sent = SENT.load(Ordering::Relaxed) - first;
        if sent >= wanted {
            println!(
                "{sent} transactions in {sequences} sequences and {blocks} blocks, seed {seed}, {:?}: no difference",
                started.elapsed()
            );
            return;
        }
        if sent / 100_000 > told {
            told = sent / 100_000;
            println!("{sent} transactions after {:?}", started.elapsed());
        }
        let mut world = world();
        let mut made = Made::default();
        let kind = usize::try_from(sequences % 2).unwrap();
        if kind == 1 {
            run(
                &mut world,
                Step::Post { price: 10_000, surplus: 20_000, deadline: 40, proof: false, floor: 10_000 },
                &mut made,
            );
            run(&mut world, Step::Lease { worker: 1, job: 0 }, &mut made);
            run(&mut world, Step::HandIn { lease: 0, right: sequences % 4 == 1 }, &mut made);
        }
        for step in kinds[kind].new_tree(&mut runner).unwrap().current() {
            run(&mut world, step, &mut made);
            check(&world, &made);
        }
        end(&mut world, &made);
        sequences += 1;
        blocks += world.machine().height();
    }
}

//! Random sequences of every kind of transaction: after every block the chain agrees with a plain model of who holds what, and
//! its objects with each other.
//!
//! The model ([`ledger`]) predicts every balance, every stake and the supply, and is compared after every block in which
//! something happened. What only a whole look at the state shows,
//! that sums and root follow from its objects, is audited every few blocks and at the end of each sequence: an error in
//! either stays in all later states.

mod exchange;
mod ledger;
mod reviews;
mod start;
mod step;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::twins;
use crate::state::{Key, LocalError, Produced, StateMachine};
use circuits::statement::Statement;
use ledger::Ledger;
use start::template;
use step::{Step, WORKERS, review_step, step};

use crate::testing::{Leased, PROOF, World, account, input, output, worker_id, wrong_output};
use crate::types::event::{Event, Outcome};
use crate::types::ids::{Hash, object_id};
use crate::types::job::{InferenceJob, JobStatus, LeaseKind, LeaseStatus, ResultStage, WorkLease};
use crate::types::ledger::Stake;
use crate::types::review::{Dispute, Seat, SpotCheck};
use crate::types::snapshot::SyntheticClaim;
use crate::types::transaction::{
    Action, AddStake, AnswerWithProof, Challenge, SubmitResult, Transfer, Unstake, Withdraw,
};

/// Blocks from one whole audit to the next.
const AUDIT_EVERY: u64 = 16;
/// Sequences of a soak from one whose JSON twins are read back and whose events are counted to the next.
const SAMPLED_EVERY: u64 = 31;
/// Transactions that were handed in, for a soak.
static SENT: AtomicU64 = AtomicU64::new(0);

/// A sequence in the making: the chain, the model, and what was made so far.
struct Play {
    world: World,
    other: Option<World>,
    ledger: Ledger,
    jobs: Vec<Hash>,
    leases: Vec<Leased>,
    results: Vec<Hash>,
    models: Vec<Hash>,
    proposals: Vec<Hash>,
    teleports: Vec<Hash>,
}

impl Play {
    fn new() -> Self {
        let (start, _, ledger) = template();
        let world = start.world();
        let models = vec![world.model().0];
        Self {
            world,
            other: None,
            ledger: ledger.clone(),
            jobs: Vec::new(),
            leases: Vec::new(),
            results: Vec::new(),
            models,
            proposals: Vec::new(),
            teleports: Vec::new(),
        }
    }

    /// The other chain, which few sequences need.
    fn other(&mut self) -> &mut World {
        self.other.get_or_insert_with(|| template().1.world())
    }

    /// Sends an action if the rules take it; what became of it.
    fn attempt(&mut self, sender: u8, action: Action) -> Option<Outcome> {
        SENT.fetch_add(1, Ordering::Relaxed);
        match self.world.chain.submit(&self.world.signed(sender, action.clone()).to_bytes()) {
            Ok(_) => self.block(Some(&action)).commit.outcomes.into_iter().next(),
            Err(LocalError::Refused(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes the next block, with at most one transaction, and holds the chain against the model.
    fn block(&mut self, action: Option<&Action>) -> Produced {
        let params = self.world.machine().params().unwrap();
        let produced = self.world.block_unaudited();
        for (outcome, action) in produced.commit.outcomes.iter().zip(action) {
            self.ledger.transaction(&self.world, &params, action, outcome);
        }
        self.ledger.closing(&self.world, &params, &produced.commit.closing);
        let audited = produced.commit.height.is_multiple_of(AUDIT_EVERY);
        // What a block without events changed all the same is still there when the next one is compared.
        if audited || !produced.commit.outcomes.is_empty() || !produced.commit.closing.is_empty() {
            self.ledger.compare(&self.world);
        }
        if audited {
            self.world.machine().audit().unwrap();
        }
        produced
    }

    fn job(&self, back: usize) -> Option<Hash> {
        self.jobs.iter().rev().nth(back).copied()
    }

    fn result(&self, back: usize) -> Option<Hash> {
        self.results.iter().rev().nth(back).copied()
    }

    /// A lease at its version of now.
    fn leased(&self, back: usize) -> Option<Leased> {
        let mut leased = self.leases.iter().rev().nth(back).cloned()?;
        let record: WorkLease = self.world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
        leased.lease.version = record.version;
        Some(leased)
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Transfer { from, to, amount } => {
                let to = account(to).public_key().address();
                self.attempt(from, Action::Transfer(Transfer { to, amount }));
            }
            Step::Stake { worker, amount } => {
                self.attempt(worker, Action::Stake(AddStake { worker: worker_id(worker), amount }));
            }
            Step::Unstake { worker, amount } => {
                self.attempt(worker, Action::Unstake(Unstake { worker: worker_id(worker), amount }));
            }
            Step::Withdraw { worker } => {
                self.attempt(worker, Action::Withdraw(Withdraw { worker: worker_id(worker) }));
            }
            Step::Post { price, surplus, deadline, proof, floor } => {
                let mut job = self.world.job();
                job.model = self.models[surplus as usize % self.models.len()];
                job.policy.proof_required = proof;
                job.policy.spot_rate_bps_min = floor;
                job.price_per_unit = price;
                job.escrow = 18 * price + surplus;
                job.deadline = self.world.machine().height() + 2 + deadline;
                if let Some(outcome) = self.attempt(1, Action::PostJob(job)) {
                    self.jobs.push(object_id(&outcome.transaction, 0));
                }
            }
            Step::Lease { worker, job } => {
                let Some(job) = self.job(job) else { return };
                let record: InferenceJob = self.world.machine().get(&Key::Job(job)).unwrap().unwrap();
                let mut action = self.world.lease_action(job, worker);
                if !record.policy.proof_required {
                    action.kind = LeaseKind::Sampled;
                }
                if let Some(outcome) = self.attempt(worker, Action::LeaseJob(action)) {
                    let lease = object_id(&outcome.transaction, 0);
                    let record: WorkLease = self.world.machine().get(&Key::Lease(lease)).unwrap().unwrap();
                    let lease = crate::types::ObjectRef { id: lease, version: 1 };
                    self.leases.push(Leased { number: worker, job, lease, context: record.context });
                }
            }
            Step::Settle { lease } => {
                let Some(leased) = self.leased(lease) else { return };
                let submission = self.world.submission(&leased);
                self.hand_in(leased.number, submission);
            }
            Step::HandIn { lease, right } => {
                let Some(leased) = self.leased(lease) else { return };
                let output = if right { output() } else { wrong_output() };
                let submission = self.world.sampled_submission(&leased, output);
                self.hand_in(leased.number, submission);
            }
            Step::Review { result, right, acting } => {
                let Some(result) = self.result(result) else { return };
                self.review(result, right, acting);
            }
            Step::Challenge { from, result } => {
                let Some(result) = self.result(result) else { return };
                self.attempt(from, Action::Challenge(Challenge { result, bond: 2_000_000 }));
            }
            Step::Answer { result } => {
                let Some(result) = self.result(result) else { return };
                let record = self.world.result(&result);
                let lease: WorkLease = self.world.machine().get(&Key::Lease(record.lease)).unwrap().unwrap();
                let statement = Statement { context_digest: lease.context.digest(), input: input(), output: output() };
                self.world.vouch(&lease.context.model_hash, &statement);
                let answer = AnswerWithProof { result, input: None, output: output(), proof: PROOF.to_vec() };
                self.attempt(World::number_of(&record.worker), Action::AnswerWithProof(Box::new(answer)));
            }
            Step::Wait { blocks } => {
                for _ in 0..blocks {
                    self.block(None);
                }
            }
            Step::Exchange(step) => self.exchange(step),
        }
    }

    fn hand_in(&mut self, worker: u8, submission: SubmitResult) {
        let outcome = self.attempt(worker, Action::SubmitResult(Box::new(submission)));
        if let Some([Event::ResultPending { result, .. }]) = outcome.as_ref().map(|outcome| outcome.events.as_slice()) {
            self.results.push(*result);
        }
    }

    /// Those whose turn it is in a review commit, or reveal what they committed to.
    fn review(&mut self, result: Hash, right: u8, acting: usize) {
        let stage = self.world.stage(&result);
        let commits = matches!(stage, ResultStage::CheckCommit | ResultStage::JuryCommit);
        for (position, seat) in seats(&self.world, &result).into_iter().enumerate().take(acting) {
            let number = World::number_of(&seat.worker);
            let found = if right >> (position % 8) & 1 == 1 { output() } else { wrong_output() };
            if commits && self.world.stage(&result) == stage {
                self.attempt(number, Action::CommitCheck(World::commit_action(&result, number, &found)));
            } else if !commits {
                for output in [output(), wrong_output()] {
                    self.attempt(number, Action::RevealCheck(World::reveal_action(&result, number, &output)));
                }
            }
        }
    }

    /// What must hold between objects, beside what the model says.
    fn check(&self) {
        let machine = self.world.machine();
        let record = |leased: &Leased| -> WorkLease { machine.get(&Key::Lease(leased.lease.id)).unwrap().unwrap() };
        let records: Vec<WorkLease> = self.leases.iter().map(record).collect();
        let seats: Vec<Seat> = self.results.iter().flat_map(|result| seats(&self.world, result)).collect();
        for number in 1..=WORKERS {
            let worker = worker_id(number);
            let stake: Stake = machine.get(&Key::Stake(worker)).unwrap().unwrap();
            let claim: Option<SyntheticClaim> = machine.get(&Key::Synthetic(worker)).unwrap();
            let mut bonded: u128 = seats.iter().filter(|seat| seat.worker == worker).map(|seat| seat.bond).sum();
            bonded += claim.map_or(0, |claim| claim.bond);
            let own = records.iter().filter(|record| record.context.worker == worker);
            bonded += own.clone().map(|record| record.bond).sum::<u128>();
            assert_eq!(stake.bonded, bonded, "bonded stake is the sum of the bonds");
            let live = own.filter(|record| record.status == LeaseStatus::Live).count();
            assert!(live <= 1, "one device, one live lease");
        }
        for record in &records {
            let over = matches!(record.status, LeaseStatus::Settled | LeaseStatus::Closed);
            assert_eq!(over, record.bond == 0);
            let held = matches!(record.status, LeaseStatus::Live | LeaseStatus::Submitted);
            assert!(record.kind == LeaseKind::Proof || !held || deters(&self.world, record), "I1");
        }
        for job in &self.jobs {
            let record: InferenceJob = machine.get(&Key::Job(*job)).unwrap().unwrap();
            let over = matches!(record.status, JobStatus::Settled(_) | JobStatus::Expired);
            assert!(!over || record.escrow == 0);
            let pending = matches!(record.status, JobStatus::Pending(_));
            assert!(over || pending || record.deadline > machine.height());
            let leases = self.leases.iter().zip(&records).filter(|(leased, _)| leased.job == *job);
            let settled = leases.filter(|(_, record)| record.status == LeaseStatus::Settled).count();
            assert_eq!(settled, usize::from(matches!(record.status, JobStatus::Settled(_))));
        }
    }

    /// Ends everything that waits, and checks that nothing is left behind; returns the chain.
    fn end(mut self) -> World {
        let mut blocks = 0;
        while self.world.chain.block_due().unwrap() {
            self.block(None);
            blocks += 1;
            assert!(blocks < 600);
        }
        self.check();
        self.ledger.compare(&self.world);
        self.world.machine().audit().unwrap();
        assert!(self.results.iter().all(|result| self.world.stage(result).is_final()));
        let supply = self.world.machine().supply().unwrap();
        assert_eq!((supply.held.escrow, supply.held.bonds), (0, self.ledger.model_bonds()));
        self.world
    }
}

/// Adds how often each kind of event is on a chain.
fn count_events(world: &World, seen: &mut BTreeMap<String, u64>) {
    let committed = (1..=world.machine().height()).filter_map(|height| world.machine().block(height).unwrap());
    let events =
        committed.flat_map(|block| block.outcomes.into_iter().flat_map(|outcome| outcome.events).chain(block.closing));
    for event in events {
        let serde_json::Value::Object(twin) = serde_json::to_value(event).unwrap() else { panic!("events have names") };
        for name in twin.into_iter().map(|(name, _)| name) {
            *seen.entry(name).or_default() += 1;
        }
    }
}

/// Everybody who holds a bond in the review of a result, the jury that sits last.
fn seats(world: &World, result: &Hash) -> Vec<Seat> {
    let check: Option<SpotCheck> = world.machine().get(&Key::SpotCheck(*result)).unwrap();
    let dispute: Option<Dispute> = world.machine().get(&Key::Dispute(*result)).unwrap();
    let (jury, first) =
        dispute.map(|dispute| (dispute.seats, dispute.verdict.map(|verdict| verdict.seats))).unwrap_or_default();
    check.map(|check| check.seat).into_iter().chain(first.unwrap_or_default()).chain(jury).collect()
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

/// A job whose result waits for its draw; a wrong one is a canary, if it can be planted.
fn handed_in(play: &mut Play, worker: u8, right: bool) {
    play.run(Step::Post { price: 10_000, surplus: 20_000, deadline: 40, proof: false, floor: 10_000 });
    if !right {
        play.plant(worker);
    }
    play.run(Step::Lease { worker, job: 0 });
    play.run(Step::HandIn { lease: 0, right });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_sequence_adds_up(steps in prop::collection::vec(step(), 1..160)) {
        let mut play = Play::new();
        for step in steps {
            play.run(step);
            play.check();
        }
        twins::check_all(&play.end());
    }

    #[test]
    fn every_review_adds_up(
        work in prop::collection::vec((1u8..=WORKERS, any::<bool>()), 1..4),
        steps in prop::collection::vec(review_step(), 1..100),
    ) {
        let mut play = Play::new();
        for (worker, right) in work {
            handed_in(&mut play, worker, right);
        }
        for step in steps {
            play.run(step);
            play.check();
        }
        twins::check_all(&play.end());
    }
}

/// Random transactions, as many as the environment says, half of them in sequences that lead into reviews; prints its figures.
#[test]
#[ignore = "for make soak: ASSAY_SOAK_TRANSACTIONS says how many, ASSAY_SOAK_SEED which"]
fn many_sequences_add_up() {
    let number = |name: &str, otherwise: u64| std::env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let (wanted, seed) = (number("ASSAY_SOAK_TRANSACTIONS", 10_000), number("ASSAY_SOAK_SEED", 2026));
    let (started, first) = (Instant::now(), SENT.load(Ordering::Relaxed));
    let sent = || SENT.load(Ordering::Relaxed) - first;
    let (told, sequences, blocks) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let seen = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (sent, told, sequences, blocks, seen) = (&sent, &told, &sequences, &blocks, &seen);
            scope.spawn(move || {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&seed.to_le_bytes());
                bytes[8..16].copy_from_slice(&thread.to_le_bytes());
                let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
                let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
                let any = prop::collection::vec(step(), 1..160);
                let reviews = prop::collection::vec(review_step(), 1..100);
                for sequence in 0u64.. {
                    if sent() >= wanted {
                        return;
                    }
                    if told.fetch_max(sent() / 100_000, Ordering::Relaxed) < sent() / 100_000 {
                        println!("{} transactions after {:?}", sent(), started.elapsed());
                    }
                    let mut play = Play::new();
                    let steps = if sequence % 2 == 0 {
                        any.new_tree(&mut runner).unwrap().current()
                    } else {
                        handed_in(&mut play, 1, sequence % 4 == 1);
                        reviews.new_tree(&mut runner).unwrap().current()
                    };
                    for step in steps {
                        play.run(step);
                        play.check();
                    }
                    let world = play.end();
                    if sequence % SAMPLED_EVERY == thread {
                        twins::check_all(&world);
                        count_events(&world, &mut seen.lock().unwrap());
                    }
                    blocks.fetch_add(world.machine().height(), Ordering::Relaxed);
                    sequences.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (sequences, blocks) = (sequences.into_inner(), blocks.into_inner());
    let (sent, elapsed) = (sent(), started.elapsed());
    println!(
        "{sent} transactions in {sequences} sequences and {blocks} blocks on {threads} threads, seed {seed}, {elapsed:?}: no difference"
    );
    println!("events of one sequence in {SAMPLED_EVERY}: {:?}", seen.into_inner().unwrap());
}

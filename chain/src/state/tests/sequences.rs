//! Random sequences: after every block the whole state adds up, and the ledger agrees with a plain model of it.

use proptest::prelude::*;

use crate::state::{Key, LocalError, StateMachine};
use crate::testing::{World, account, worker_key};
use crate::types::job::{InferenceJob, JobStatus, LeaseStatus, WorkLease};
use crate::types::ledger::Stake;
use crate::types::transaction::{Action, AddStake, Transfer, Unstake, Withdraw};

#[derive(Clone, Debug)]
enum Step {
    Transfer { from: u8, to: u8, amount: u128 },
    Stake { worker: u8, amount: u128 },
    Unstake { worker: u8, amount: u128 },
    Withdraw { worker: u8 },
    Post { price: u128, surplus: u128, deadline: u64 },
    Lease { worker: u8, job: usize },
    Settle { lease: usize },
    Wait { blocks: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u8..=5, 1u8..=5, 0u128..11_000_000_000)
            .prop_map(|(from, to, amount)| Step::Transfer { from, to, amount }),
        2 => (2u8..=3, 0u128..200_000_000).prop_map(|(worker, amount)| Step::Stake { worker, amount }),
        2 => (2u8..=3, 0u128..200_000_000).prop_map(|(worker, amount)| Step::Unstake { worker, amount }),
        1 => (2u8..=3).prop_map(|worker| Step::Withdraw { worker }),
        3 => (0u128..100_000, 0u128..500_000_000, 0u64..60)
            .prop_map(|(price, surplus, deadline)| Step::Post { price, surplus, deadline }),
        4 => (2u8..=3, 0usize..4).prop_map(|(worker, job)| Step::Lease { worker, job }),
        4 => (0usize..4).prop_map(|lease| Step::Settle { lease }),
        2 => (1u64..20).prop_map(|blocks| Step::Wait { blocks }),
    ]
}

/// Short windows, so that sequences reach their ends.
fn world() -> World {
    let mut world = World::with(|params| {
        params.window.lease_standard = 6;
        params.window.lease_large = 6;
        params.window.grace = 3;
        params.window.challenge = 1;
        params.window.evidence_age = 1;
        params.window.unbonding = 11;
        params.window.job_max = 80;
    });
    world.register_model();
    for number in 2..=3 {
        world.register_worker(number);
    }
    world
}

/// Sends an action if the rules take it; whether they did.
fn attempt(world: &mut World, sender: u8, action: Action) -> Option<crate::types::Outcome> {
    match world.chain.submit(&world.signed(sender, action).to_bytes()) {
        Ok(_) => world.block().commit.outcomes.into_iter().next(),
        Err(LocalError::Refused(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

fn run(world: &mut World, step: Step, jobs: &mut Vec<[u8; 32]>, leases: &mut Vec<crate::testing::Leased>) {
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
        Step::Post { price, surplus, deadline } => {
            let mut job = world.job();
            job.price_per_unit = price;
            job.escrow = 18 * price + surplus;
            job.deadline = world.machine().height() + 2 + deadline;
            if let Some(outcome) = attempt(world, 1, Action::PostJob(job)) {
                jobs.push(crate::types::ids::object_id(&outcome.transaction, 0));
            }
        }
        Step::Lease { worker, job } => {
            let Some(job) = jobs.iter().rev().nth(job).copied() else { return };
            let action = world.lease_action(job, worker);
            if let Some(outcome) = attempt(world, worker, Action::LeaseJob(action)) {
                let lease = crate::types::ids::object_id(&outcome.transaction, 0);
                let record: WorkLease = world.machine().get(&Key::Lease(lease)).unwrap().unwrap();
                let lease = crate::types::ObjectRef { id: lease, version: 1 };
                leases.push(crate::testing::Leased { number: worker, job, lease, context: record.context });
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
        Step::Wait { blocks } => {
            for _ in 0..blocks {
                world.block();
            }
        }
    }
}

/// What must hold between objects, beside conservation, which every block of a [`World`] is audited for.
fn check(world: &World, jobs: &[[u8; 32]], leases: &[crate::testing::Leased]) {
    for number in 2..=3 {
        let worker = worker_key(number).public_key().id();
        let stake: Stake = world.machine().get(&Key::Stake(worker)).unwrap().unwrap();
        let records = leases.iter().filter(|leased| leased.number == number).map(|leased| {
            let record: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
            record
        });
        let mut live = 0;
        let mut bonded = 0;
        for record in records {
            bonded += record.bond;
            live += usize::from(record.status == LeaseStatus::Live);
            let over = matches!(record.status, LeaseStatus::Settled | LeaseStatus::Closed);
            assert_eq!(over, record.bond == 0);
        }
        assert_eq!(stake.bonded, bonded, "bonded stake is the sum of the bonds");
        assert!(live <= 1, "one device, one live lease");
    }
    for job in jobs {
        let record: InferenceJob = world.machine().get(&Key::Job(*job)).unwrap().unwrap();
        let over = matches!(record.status, JobStatus::Settled(_) | JobStatus::Expired);
        assert!(!over || record.escrow == 0);
        assert!(over || record.deadline > world.machine().height());
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_sequence_adds_up(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = world();
        let (mut jobs, mut leases) = (Vec::new(), Vec::new());
        for step in steps {
            run(&mut world, step, &mut jobs, &mut leases);
            check(&world, &jobs, &leases);
        }
        // Everything that waits comes to its end.
        let mut blocks = 0;
        while world.chain.block_due().unwrap() {
            world.block();
            blocks += 1;
            prop_assert!(blocks < 200);
        }
        check(&world, &jobs, &leases);
        let supply = world.machine().supply().unwrap();
        prop_assert_eq!((supply.held.escrow, supply.held.bonds), (0, 100_000_000));
    }
}

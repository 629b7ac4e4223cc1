use crate::rules::Reject;
use crate::state::{Key, StateMachine};
use crate::testing::{World, account};
use crate::types::event::Event;
use crate::types::ids::{ObjectRef, lease_nonce};
use crate::types::job::{InferenceJob, JobClass, JobInput, JobStatus, LeaseStatus, WorkLease};
use crate::types::ledger::Stake;
use crate::types::transaction::{Action, Unstake};
use crate::types::worker::WorkerRegistration;

fn posted() -> (World, [u8; 32]) {
    let mut world = World::new();
    world.register_model();
    world.register_worker(2);
    let job = world.post(world.job());
    (world, job)
}

#[test]
fn a_lease_fixes_the_whole_context_and_locks_its_bond() {
    let (world, leased) = World::leased();
    let context = leased.context;
    let block = world.machine().block(world.machine().height()).unwrap().unwrap().block;
    let job: InferenceJob = world.machine().get(&Key::Job(leased.job)).unwrap().unwrap();
    assert_eq!(context.chain_id, 1337);
    assert_eq!(context.genesis, *world.machine().genesis_hash());
    assert_eq!((context.job_id, context.model_hash, context.input_hash), (leased.job, job.model, job.input_hash));
    assert_eq!(context.nonce, lease_nonce(&block.header.beacon, &leased.job, &context.worker));
    assert_eq!(context.timestamp, block.header.time);
    assert_eq!(job.status, JobStatus::Leased(leased.lease.id));
    let stake: Stake = world.machine().get(&Key::Stake(context.worker)).unwrap().unwrap();
    assert_eq!((stake.amount, stake.bonded), (99_000_000, 1_000_000));
    assert_eq!(world.machine().supply().unwrap().held.bonds, 101_000_000);
}

#[test]
fn the_job_must_be_there_open_and_as_seen() {
    let (mut world, job) = posted();
    let action = world.lease_action(job, 2);
    let mut unknown = action.clone();
    unknown.job.id = [1; 32];
    assert_eq!(world.refusal(2, Action::LeaseJob(unknown)), Reject::JobUnknown { job: [1; 32] });
    let mut stale = action.clone();
    stale.job = ObjectRef { id: job, version: 2 };
    assert_eq!(world.refusal(2, Action::LeaseJob(stale)), Reject::VersionStale { id: job, expected: 1, got: 2 });
    world.lease(job, 2);
    assert_eq!(world.refusal(2, Action::LeaseJob(action)), Reject::JobTaken { job });
}

#[test]
fn only_the_operator_leases_and_only_models_that_are_served() {
    let (mut world, job) = posted();
    let (expected, got) = (account(2).public_key().address(), account(3).public_key().address());
    let action = world.lease_action(job, 2);
    let worker = action.worker;
    assert_eq!(world.refusal(3, Action::LeaseJob(action)), Reject::OperatorMismatch { worker, expected, got });
    let (model, _) = world.model();
    let idle = world.worker_registration(3, vec![]);
    world.send(3, Action::RegisterWorker(Box::new(idle)));
    let action = world.lease_action(job, 3);
    let worker = action.worker;
    assert_eq!(world.refusal(3, Action::LeaseJob(action)), Reject::ModelNotServed { worker, model });
}

#[test]
fn stake_must_stand_behind_the_worker_and_cover_the_bond() {
    let (mut world, job) = posted();
    let action = world.lease_action(job, 2);
    let worker = action.worker;
    world.send(2, Action::Unstake(Unstake { worker, amount: 50_000_001 }));
    assert_eq!(
        world.refusal(2, Action::LeaseJob(action)),
        Reject::StakeUnderMinimum { needed: 50_000_000, got: 49_999_999 }
    );

    let mut world = World::new();
    world.register_model();
    world.register_worker(2);
    let mut dear = world.job();
    dear.escrow = FUNDS_HALF;
    let job = world.post(dear);
    let action = world.lease_action(job, 2);
    world.send(2, Action::Unstake(Unstake { worker, amount: 50_000_001 - 1 }));
    assert_eq!(
        world.refusal(2, Action::LeaseJob(action)),
        Reject::BondUncovered { needed: 51_000_000, got: 50_000_000 }
    );
}

const FUNDS_HALF: u128 = 5_100_000_000;

#[test]
fn a_device_works_on_one_lease() {
    let (mut world, leased) = World::leased();
    let second = world.post(world.job());
    let action = world.lease_action(second, 2);
    assert_eq!(
        world.refusal(2, Action::LeaseJob(action)),
        Reject::DeviceBusy { device: leased.context.device_id, lease: leased.lease.id }
    );
}

#[test]
fn a_lease_ends_before_its_job() {
    let mut world = World::new();
    world.register_model();
    world.register_worker(2);
    let mut short = world.job();
    short.deadline = world.machine().height() + 241;
    let deadline = short.deadline;
    let job = world.post(short);
    let action = world.lease_action(job, 2);
    assert_eq!(
        world.refusal(2, Action::LeaseJob(action)),
        Reject::DeadlineTooClose { expires: deadline + 1, deadline }
    );
    let mut large = world.job();
    large.class = JobClass::Large;
    let deadline = large.deadline;
    let job = world.post(large);
    let action = world.lease_action(job, 2);
    let expires = world.machine().height() + 1 + 1_200;
    assert_eq!(world.refusal(2, Action::LeaseJob(action)), Reject::DeadlineTooClose { expires, deadline });
}

#[test]
fn a_timeout_burns_a_share_reopens_the_job_and_then_closes() {
    let (mut world, leased) = World::leased();
    let expires = world.machine().height() + 240;
    let burned = world.machine().supply().unwrap().burned;
    let produced = world.reach(expires);
    let slashed = 10_000;
    assert_eq!(produced.commit.closing, vec![Event::LeaseExpired { lease: leased.lease.id, job: leased.job, slashed }]);
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!((lease.status, lease.bond, lease.version), (LeaseStatus::Late, 990_000, 2));
    let job: InferenceJob = world.machine().get(&Key::Job(leased.job)).unwrap().unwrap();
    assert_eq!((job.status, job.version), (JobStatus::Open, 3));
    assert_eq!(world.machine().supply().unwrap().burned, burned + slashed);
    let worker: WorkerRegistration = world.machine().get(&Key::Worker(leased.context.worker)).unwrap().unwrap();
    assert_eq!((worker.timeouts, worker.completed), (1, 0));

    let produced = world.reach(expires + 8);
    assert_eq!(produced.commit.closing, vec![Event::LeaseClosed { lease: leased.lease.id }]);
    let stake: Stake = world.machine().get(&Key::Stake(leased.context.worker)).unwrap().unwrap();
    assert_eq!((stake.amount, stake.bonded), (99_990_000, 0));
    let again = world.lease(leased.job, 2);
    assert_ne!(again.context.nonce, leased.context.nonce);
}

#[test]
fn a_job_whose_lease_runs_out_at_its_deadline_expires() {
    let mut world = World::new();
    world.register_model();
    world.register_worker(2);
    let mut short = world.job();
    short.deadline = world.machine().height() + 242;
    short.input = JobInput::Reference(crate::testing::input().hash());
    let deadline = short.deadline;
    let job = world.post(short);
    let leased = world.lease(job, 2);
    let produced = world.reach(deadline);
    assert_eq!(
        produced.commit.closing,
        vec![
            Event::LeaseExpired { lease: leased.lease.id, job, slashed: 10_000 },
            Event::JobExpired { job, returned: 300_000 },
        ]
    );
}

//! Whom an open job is kept for, and for how long.

use crate::rules::Reject;
use crate::state::{Key, StateMachine};
use crate::testing::{World, worker_key};
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, Placement};
use crate::types::transaction::{Action, ProposeAssignment, UpdateWorker};
use crate::types::worker::WorkerRegistration;

const EXCLUSIVE: u64 = 20;

fn kept() -> (World, Hash) {
    let mut world = World::staffed(|params| {
        params.assignment.exclusive = EXCLUSIVE;
        params.assignment.coordinator = Some(World::address(5));
        params.window.lease_standard = 4;
        params.standing.timeouts_max = 2;
        params.standing.suspension = 30;
    });
    let job = world.post(world.job());
    (world, job)
}

/// Number of the worker that a job is kept for.
fn best(world: &mut World, job: Hash) -> u8 {
    let mut turned_away = Vec::new();
    for number in 1..=5 {
        let action = world.lease_action(job, number);
        let bytes = world.signed(number, Action::LeaseJob(action)).to_bytes();
        match world.machine().check_tx(&bytes).unwrap() {
            Ok(_) => {}
            Err(Reject::JobReserved { best, .. }) => turned_away.push(World::number_of(&best)),
            Err(other) => panic!("unexpected refusal {other}"),
        }
    }
    assert_eq!(turned_away.len(), 4);
    turned_away.dedup();
    assert_eq!(turned_away.len(), 1, "all are told of the same worker");
    turned_away[0]
}

fn other(best: u8) -> u8 {
    if best == 1 { 2 } else { 1 }
}

fn update(world: &World, number: u8, change: impl FnOnce(&mut UpdateWorker)) -> Action {
    let worker = worker_key(number).public_key().id();
    let record: WorkerRegistration = world.machine().get(&Key::Worker(worker)).unwrap().unwrap();
    let mut action =
        UpdateWorker { worker, profile: record.profile, models: record.models, region: 0, rates: Default::default() };
    change(&mut action);
    Action::UpdateWorker(Box::new(action))
}

#[test]
fn a_job_is_kept_for_the_best_and_then_anybodys() {
    let (mut world, job) = kept();
    let until = world.machine().height() + EXCLUSIVE;
    let first = best(&mut world, job);
    let late = other(first);
    let action = world.lease_action(job, late);
    let best = worker_key(first).public_key().id();
    assert_eq!(world.refusal(late, Action::LeaseJob(action.clone())), Reject::JobReserved { job, best, until });
    // Letting the turn pass costs the best nothing.
    let before = world.stake(first);
    world.reach(until);
    world.send(late, Action::LeaseJob(action));
    assert_eq!(world.stake(first), before);
}

#[test]
fn after_a_timeout_the_next_best_is_asked_and_the_failed_one_loses_reliability() {
    let (mut world, job) = kept();
    let first = best(&mut world, job);
    world.lease(job, first);
    let expired = world.machine().height() + 4;
    world.reach(expired);
    let second = best(&mut world, job);
    assert_ne!(second, first);
    assert_eq!(world.standing(first).reliability_bps, 3_750);
    assert_eq!(world.standing(second).reliability_bps, 5_000);
    let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    assert_eq!(record.opening.exclusive_until, expired + EXCLUSIVE);
    assert_eq!(record.opening.failed, [worker_key(first).public_key().id()]);
    // It is behind for the next job, too.
    let next = world.post(world.job());
    assert_ne!(best(&mut world, next), first);
}

#[test]
fn memory_reliability_and_region_decide() {
    let (mut world, _) = kept();
    for (number, memory, region) in [(2, 80_000, 276), (3, 24_000, 276), (4, 24_000, 392)] {
        let action = update(&world, number, |action| {
            action.profile.video_memory_mib = memory;
            action.region = region;
        });
        world.send(number, action);
    }
    let mut large = world.job();
    large.placement = Placement { video_memory_mib_min: 20_000, region: 276 };
    let job = world.post(large.clone());
    let action = world.lease_action(job, 1);
    let refused = world.refusal(1, Action::LeaseJob(action));
    assert_eq!(refused, Reject::HardwareUnfit { needed: 20_000, got: 0 });
    // The closer fit in the region.
    let action = world.lease_action(job, 2);
    let (best, until) = (worker_key(3).public_key().id(), world.machine().height() + EXCLUSIVE);
    assert_eq!(world.refusal(2, Action::LeaseJob(action)), Reject::JobReserved { job, best, until });
    // A busy device is no candidate; next is the same fit elsewhere, before three times the memory here.
    world.lease(job, 3);
    let job = world.post(large);
    world.lease(job, 4);
}

#[test]
fn the_coordinator_chooses_once_in_place_of_the_score() {
    let (mut world, job) = kept();
    let first = best(&mut world, job);
    let chosen = other(first);
    let worker = worker_key(chosen).public_key().id();
    let propose = |world: &World, worker| {
        let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
        let reference = crate::types::ObjectRef { id: job, version: record.version };
        Action::ProposeAssignment(ProposeAssignment { job: reference, worker })
    };
    let action = propose(&world, worker);
    let (expected, got) = (World::address(5), World::address(4));
    assert_eq!(world.refusal(4, action.clone()), Reject::CoordinatorMismatch { expected, got });
    let stranger = propose(&world, [1; 32]);
    assert_eq!(world.refusal(5, stranger), Reject::WorkerUnknown { worker: [1; 32] });
    let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    let until = record.opening.exclusive_until;
    assert_eq!(world.send(5, action.clone()).events, [Event::Assigned { job, worker, until }]);
    assert_eq!(world.refusal(5, propose(&world, worker)), Reject::AssignmentMade { job, worker });
    let lease = world.lease_action(job, first);
    assert_eq!(world.refusal(first, Action::LeaseJob(lease)), Reject::JobReserved { job, best: worker, until });
    // The choice obliges nobody: after the same window anybody may have the job.
    world.reach(until);
    world.lease(job, first);
    let taken = propose(&world, worker);
    assert_eq!(world.refusal(5, taken), Reject::JobTaken { job });
}

#[test]
fn proposals_are_bound_to_window_version_and_ability() {
    let (mut world, job) = kept();
    let first = best(&mut world, job);
    let worker = worker_key(first).public_key().id();
    let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    let mut action = ProposeAssignment { job: crate::types::ObjectRef { id: job, version: 9 }, worker };
    let stale = Reject::VersionStale { id: job, expected: record.version, got: 9 };
    assert_eq!(world.refusal(5, Action::ProposeAssignment(action)), stale);
    action.job.id = [8; 32];
    assert_eq!(world.refusal(5, Action::ProposeAssignment(action)), Reject::JobUnknown { job: [8; 32] });
    // A worker that failed at the job cannot be given it again.
    world.lease(job, first);
    world.reach(world.machine().height() + 4);
    let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    action.job = crate::types::ObjectRef { id: job, version: record.version };
    assert_eq!(world.refusal(5, Action::ProposeAssignment(action)), Reject::AssignmentUnfit { job, worker });
    let until = record.opening.exclusive_until;
    world.reach(until);
    assert_eq!(world.refusal(5, Action::ProposeAssignment(action)), Reject::AssignmentOver { job, until });
}

#[test]
fn a_chain_without_coordinator_takes_no_proposals() {
    let mut world = World::staffed(|params| params.assignment.exclusive = EXCLUSIVE);
    let job = world.post(world.job());
    let worker = worker_key(2).public_key().id();
    let action = ProposeAssignment { job: crate::types::ObjectRef { id: job, version: 1 }, worker };
    assert_eq!(world.refusal(1, Action::ProposeAssignment(action)), Reject::CoordinatorOff);
}

#[test]
fn timeouts_in_a_row_suspend_for_a_time() {
    let (mut world, _) = kept();
    for round in 0..2 {
        let job = world.post(world.job());
        world.reach(world.machine().height() + EXCLUSIVE);
        world.lease(job, 2);
        let produced = world.reach(world.machine().height() + 4);
        let suspended = produced.commit.closing.iter().any(|event| matches!(event, Event::WorkerSuspended { .. }));
        assert_eq!(suspended, round == 1);
    }
    let until = world.machine().height() + 30;
    let worker = worker_key(2).public_key().id();
    let job = world.post(world.job());
    let action = world.lease_action(job, 2);
    assert_eq!(world.refusal(2, Action::LeaseJob(action)), Reject::WorkerSuspended { worker, until });
    // Nobody that is suspended is scored, and afterwards it works again.
    assert_ne!(best_of_four(&world, job), 2);
    world.reach(until);
    let action = world.lease_action(job, 2);
    world.send(2, Action::LeaseJob(action));
}

/// Like [`best`] where worker 2 is suspended.
fn best_of_four(world: &World, job: Hash) -> u8 {
    let named = [1u8, 3, 4, 5].into_iter().find_map(|number| {
        let action = world.lease_action(job, number);
        let bytes = world.signed(number, Action::LeaseJob(action)).to_bytes();
        match world.machine().check_tx(&bytes).unwrap() {
            Err(Reject::JobReserved { best, .. }) => Some(World::number_of(&best)),
            _ => None,
        }
    });
    named.unwrap()
}

#[test]
fn what_a_worker_declares_changes_only_while_it_is_free() {
    let mut world = World::staffed(|_| {});
    let (model, _) = world.model();
    let worker = worker_key(2).public_key().id();
    let action = update(&world, 2, |action| action.models.clear());
    let (expected, got) = (World::address(2), World::address(3));
    assert_eq!(world.refusal(3, action.clone()), Reject::OperatorMismatch { worker, expected, got });
    assert_eq!(world.send(2, action).events, [Event::WorkerUpdated { worker }]);
    let roster: crate::types::Roster = world.machine().get(&Key::Roster(model)).unwrap().unwrap();
    assert!(roster.workers.len() == 4 && !roster.workers.contains(&worker));
    let job = world.post(world.job());
    let lease = world.lease_action(job, 2);
    assert_eq!(world.refusal(2, Action::LeaseJob(lease)), Reject::ModelNotServed { worker, model });
    let unknown = update(&world, 2, |action| action.models = vec![[3; 32]]);
    assert_eq!(world.refusal(2, unknown), Reject::ModelUnknown { model: [3; 32] });
    let back = update(&world, 2, |action| action.models = vec![model]);
    world.send(2, back);
    let leased = world.lease(job, 2);
    let busy = update(&world, 2, |action| action.region = 1);
    let device = leased.context.device_id;
    assert_eq!(world.refusal(2, busy), Reject::DeviceBusy { device, lease: leased.lease.id });
}

//! Checks: who may commit and reveal, when, and what silence costs.

use crate::rules::Reject;
use crate::state::{Key, StateMachine};
use crate::testing::{World, account, output, worker_key, wrong_output};
use crate::types::event::Event;
use crate::types::job::{InferenceJob, JobStatus, LeaseStatus, ResultStage, WorkLease};
use crate::types::transaction::{Action, Challenge};

/// A result whose checker was drawn: world, result, checker.
fn checking() -> (World, [u8; 32], u8) {
    let (mut world, _, result) = World::handed_in(output());
    world.next_stage(&result);
    let checker = world.checker(&result);
    (world, result, checker)
}

#[test]
fn only_the_drawn_checker_of_a_known_result_commits_and_reveals() {
    let (mut world, result, checker) = checking();
    let unknown = World::commit_action(&[1; 32], checker, &output());
    let expected = Reject::ResultUnknown { result: [1; 32] };
    assert_eq!(world.refusal(checker, Action::CommitCheck(unknown)), expected);

    let other = (1..=5).find(|number| *number != checker).unwrap();
    let stranger = World::commit_action(&result, other, &output());
    let worker = stranger.worker;
    let not_drawn = Reject::NotDrawn { result, worker };
    assert_eq!(world.refusal(other, Action::CommitCheck(stranger)), not_drawn);
    let stranger = World::reveal_action(&result, other, &output());
    assert_eq!(world.refusal(other, Action::RevealCheck(stranger)), not_drawn);

    let stolen = World::commit_action(&result, checker, &output());
    let worker = stolen.worker;
    let (expected, got) = (World::address(checker), account(other).public_key().address());
    let mismatch = Reject::OperatorMismatch { worker, expected, got };
    assert_eq!(world.refusal(other, Action::CommitCheck(stolen)), mismatch);
}

#[test]
fn a_commitment_is_made_once_in_time_and_opened_once() {
    let (mut world, result, checker) = checking();
    let until = world.machine().height() + 8;
    let reveal = World::reveal_action(&result, checker, &output());
    let worker = reveal.worker;
    assert_eq!(world.refusal(checker, Action::RevealCheck(reveal.clone())), Reject::RevealEarly { result, until });
    world.commit(&result, checker, &output());
    let until = world.machine().height() + 8;
    let again = World::commit_action(&result, checker, &output());
    assert_eq!(world.refusal(checker, Action::CommitCheck(again)), Reject::CommitLate { result, until });

    let mut other = reveal.clone();
    other.output_hash = wrong_output().hash();
    let refused = world.refusal(checker, Action::RevealCheck(other));
    assert!(matches!(refused, Reject::CommitmentMismatch { result: of, .. } if of == result));
    world.send(checker, Action::RevealCheck(reveal.clone()));
    assert_eq!(world.refusal(checker, Action::RevealCheck(reveal)), Reject::NotDrawn { result, worker });
}

#[test]
fn a_check_that_runs_is_not_overtaken_by_a_challenge() {
    let (mut world, result, _) = checking();
    let until = world.machine().height() + 8;
    let action = Action::Challenge(Challenge { result, bond: 2_000_000 });
    assert_eq!(world.refusal(2, action), Reject::CheckRuns { result, until });
}

#[test]
fn a_silent_checker_pays_and_another_is_drawn() {
    for commits in [false, true] {
        let (mut world, result, checker) = checking();
        if commits {
            world.commit(&result, checker, &output());
        }
        let burned = world.machine().supply().unwrap().burned;
        let produced = world.next_stage(&result);
        let worker = worker_key(checker).public_key().id();
        assert!(matches!(
            produced.commit.closing.as_slice(),
            [Event::AuditorSlashed { worker: silent, slashed: 50_000, .. }, Event::CheckDrawn { .. }] if *silent == worker
        ));
        assert_eq!(world.stake(checker), (99_950_000, 0));
        assert_eq!(world.machine().supply().unwrap().burned, burned + 50_000);
        let next = world.checker(&result);
        assert!(next != checker && next != 2);
        world.commit(&result, next, &output());
        world.reveal(&result, next, &output());
        world.next_stage(&result);
        assert_eq!(world.stage(&result), ResultStage::Settled);
    }
}

#[test]
fn checkers_that_are_all_silent_leave_the_result_void() {
    let (mut world, result, _) = checking();
    for _ in 0..2 {
        world.next_stage(&result);
        assert_eq!(world.stage(&result), ResultStage::CheckCommit);
    }
    let produced = world.next_stage(&result);
    assert!(matches!(
        produced.commit.closing.as_slice(),
        [Event::AuditorSlashed { .. }, Event::Voided { returned: 300_000, .. }]
    ));
    assert_eq!(world.machine().supply().unwrap().minted, 0);
    assert_eq!(world.stake(2), (100_000_000, 0));
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn a_result_that_nobody_can_check_is_never_minted_for() {
    let mut world = World::new();
    world.register_model();
    world.register_worker(2);
    let poster = world.balance(1);
    let job = world.post(world.sampled_job());
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, output());
    let height = world.machine().height();
    // Draws two blocks later, then after each challenge window, three in all.
    for _ in 0..3 {
        world.next_stage(&result);
        assert_eq!(world.stage(&result), ResultStage::Drawing);
    }
    let produced = world.next_stage(&result);
    assert_eq!(produced.commit.height, height + 2 + 3 * 8);
    assert_eq!(produced.commit.closing, vec![Event::Voided { result, job, returned: 300_000 }]);
    assert_eq!(world.stage(&result), ResultStage::Void);
    assert_eq!(world.balance(1), poster - 25_000_000);
    assert_eq!(world.stake(2), (100_000_000, 0));
    let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    assert_eq!((record.status, record.escrow), (JobStatus::Expired, 0));
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!((lease.status, lease.bond), (LeaseStatus::Closed, 0));
    assert_eq!(world.machine().supply().unwrap().minted, 0);
    let action = Action::Challenge(Challenge { result, bond: 2_000_000 });
    assert_eq!(world.refusal(3, action), Reject::ResultFinal { result });
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn a_checker_that_registers_in_time_saves_the_result() {
    let mut world = World::new();
    world.register_model();
    world.register_worker(2);
    let job = world.post(world.sampled_job());
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, output());
    world.next_stage(&result);
    world.register_worker(3);
    assert_eq!(world.check(&result, &output()), 3);
    world.next_stage(&result);
    assert_eq!(world.stage(&result), ResultStage::Settled);
}

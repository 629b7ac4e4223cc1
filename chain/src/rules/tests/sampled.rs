//! Sampled leases, and results that nobody disputes.

use crate::economics::audit::spot_rate_ppm;
use crate::rules::Reject;
use crate::state::{Key, StateMachine};
use crate::testing::{World, output, tampered, worker_key, wrong_output};
use crate::types::event::Event;
use crate::types::genesis::{Genesis, GenesisError};
use crate::types::job::{InferenceJob, JobStatus, LeaseKind, LeaseStatus, ResultStage, WorkLease};
use crate::types::params::{Params, ParamsError};
use crate::types::review::{ROSTER_MAX, Roster};
use crate::types::transaction::{Action, Unstake};
use crate::types::worker::WorkerRegistration;

/// A chain that checks one result in a hundred.
fn rarely(params: &mut Params) {
    params.audit.spot_rate_bps = 100;
}

#[test]
fn an_unsampled_result_is_settled_after_its_window_at_its_evidences_trust() {
    let mut world = World::staffed(rarely);
    let mut job = world.sampled_job();
    job.policy.spot_rate_bps_min = 0;
    let job = world.post(job);
    let leased = world.lease_sampled(job, 2);
    // q = 7920 ppm, R = 144 000 + 27 000, g = 108 000: b = 1.2 g / q - R.
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!((lease.kind, lease.bond), (LeaseKind::Sampled, 16_192_637));
    let result = world.hand_in(&leased, output());
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!((lease.status, lease.bond), (LeaseStatus::Submitted, 16_192_637));
    let pending: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    assert_eq!((pending.status, pending.escrow), (JobStatus::Pending(result), 300_000));
    let closes = world.machine().height() + 8;
    assert_eq!(world.result(&result).closes_height, closes);
    assert_eq!(world.machine().supply().unwrap().minted, 0);

    world.next_stage(&result);
    assert_eq!(world.stage(&result), ResultStage::Waiting);
    world.reach(closes - 1);
    assert_eq!((world.stage(&result), world.machine().supply().unwrap().minted), (ResultStage::Waiting, 0));
    let produced = world.block();
    let settled = Event::Settled { result, job, reward: 54_000, paid: 144_000, burned: 36_000, returned: 120_000 };
    assert_eq!(produced.commit.closing, vec![settled]);
    assert_eq!(produced.commit.results.len(), 1);
    let record = world.result(&result);
    assert_eq!((record.stage, record.trust_bps, record.reward), (ResultStage::Settled, 6_000, 54_000));
    assert_eq!(world.stake(2), (100_000_000, 0));
    let worker: WorkerRegistration = world.machine().get(&Key::Worker(leased.context.worker)).unwrap().unwrap();
    assert_eq!((worker.completed, worker.convictions), (1, 0));
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn a_checked_result_pays_its_checker_from_the_escrow() {
    let (mut world, _, result) = World::handed_in(output());
    let height = world.machine().height();
    let drawn = world.next_stage(&result);
    assert_eq!(drawn.commit.height, height + 2);
    let checker = world.checker(&result);
    assert_ne!(checker, 2);
    assert_eq!(world.stake(checker), (99_000_000, 1_000_000));
    let before = world.balance(checker);
    world.commit(&result, checker, &output());
    let outcome = world.reveal(&result, checker, &output());
    assert!(matches!(outcome.events.as_slice(), [Event::CheckPassed { .. }]));
    // The check opens the window anew, and its bond stays until the result is final.
    assert_eq!(world.result(&result).closes_height, world.machine().height() + 8);
    assert_eq!(world.stake(checker), (99_000_000, 1_000_000));
    let produced = world.next_stage(&result);
    assert!(matches!(
        produced.commit.closing.as_slice(),
        [Event::Settled { reward: 54_000, paid: 144_000, returned: 114_000, .. }]
    ));
    // Account 1 posted the job, and what is not paid returns to it.
    let returned = if checker == 1 { 114_000 } else { 0 };
    assert_eq!(world.balance(checker), before - 2 * 25_000_000 + 6_000 + returned);
    assert_eq!(world.stake(checker), (100_000_000, 0));
    assert_eq!(world.machine().supply().unwrap().held.bonds, 100_000_000);
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn the_bond_of_the_inequality_is_covered_or_the_lease_refused_with_its_numbers() {
    let mut world = World::staffed(|params| params.audit.spot_rate_bps = 20);
    let mut job = world.sampled_job();
    job.policy.spot_rate_bps_min = 0;
    let job = world.post(job);
    let action = world.sampled_action(job, 2);
    let worker = action.worker;
    world.send(2, Action::Unstake(Unstake { worker, amount: 30_000_000 }));
    let (reward, saved) = (171_000, 108_000);
    let refused = world.refusal(2, Action::LeaseJob(action));
    let needed = Some(81_647_182);
    let got = 70_000_000;
    assert_eq!(refused, Reject::ConvictionTooWeak { conviction_ppm: 1_584, reward, saved, needed, got });
    assert!(refused.to_string().starts_with("I1: q (R + b) >= (1 + margin) g"));
    // A lease with a proof needs no such bond.
    world.lease(job, 2);
}

#[test]
fn a_job_that_asks_for_a_proof_is_not_sampled() {
    let mut world = World::staffed(|_| {});
    let job = world.post(world.job());
    let action = world.sampled_action(job, 2);
    assert_eq!(world.refusal(2, Action::LeaseJob(action)), Reject::ProofRequired { job });
}

#[test]
fn a_sampled_result_brings_no_proof() {
    let mut world = World::staffed(|_| {});
    let job = world.post(world.sampled_job());
    let leased = world.lease_sampled(job, 2);
    let mut submission = world.sampled_submission(&leased, output());
    submission.proofs.push(vec![]);
    let refused = world.refusal(2, Action::SubmitResult(Box::new(submission)));
    assert_eq!(refused, Reject::ProofCount { expected: 0, got: 1 });
}

#[test]
fn a_sampled_lease_has_no_grace() {
    let mut world = World::staffed(|_| {});
    let job = world.post(world.sampled_job());
    let mut leased = world.lease_sampled(job, 2);
    let expired = world.machine().height() + 240;
    world.reach(expired);
    leased.lease.version = 2;
    let submission = world.sampled_submission(&leased, output());
    let over = Reject::LeaseOver { lease: leased.lease.id, expired, closed: expired + 8 };
    assert_eq!(world.refusal(2, Action::SubmitResult(Box::new(submission))), over);
}

#[test]
fn the_escrow_has_room_for_the_check() {
    let mut world = World::staffed(|_| {});
    let mut job = world.sampled_job();
    job.escrow = 183_000;
    let short = Reject::EscrowShort { needed: 183_660, got: 183_000 };
    assert_eq!(world.refusal(1, Action::PostJob(job)), short);
}

#[test]
fn work_under_review_is_spent_and_its_device_free() {
    let (mut world, leased, _) = World::handed_in(output());
    for version in 1..=2 {
        for output in [output(), wrong_output()] {
            let mut again = world.sampled_submission(&leased, output);
            again.lease.version = version;
            let refused = world.refusal(2, Action::SubmitResult(Box::new(again)));
            assert!(matches!(refused, Reject::WorkSpent { .. }), "{refused:?}");
        }
    }
    let other = world.post(world.sampled_job());
    world.lease_sampled(other, 2);
}

#[test]
fn the_rate_of_a_job_is_the_greater_of_both() {
    let params = Params::development().audit;
    assert_eq!([0, 2_500, 2_501].map(|floor| spot_rate_ppm(&params, floor)), [250_000, 250_000, 250_100]);
}

#[test]
fn one_result_in_four_is_checked() {
    let mut world = World::staffed(|_| {});
    let mut checked = 0;
    for _ in 0..40 {
        let mut job = world.sampled_job();
        job.policy.spot_rate_bps_min = 0;
        (job.price_per_unit, job.escrow) = (0, 0);
        let job = world.post(job);
        let leased = world.lease_sampled(job, 2);
        let result = world.hand_in(&leased, output());
        world.next_stage(&result);
        if world.stage(&result) == ResultStage::CheckCommit {
            checked += 1;
            let checker = world.checker(&result);
            world.commit(&result, checker, &output());
            world.reveal(&result, checker, &output());
        }
        world.next_stage(&result);
        assert_eq!(world.stage(&result), ResultStage::Settled);
    }
    assert!((3..=20).contains(&checked), "{checked} of 40");
}

#[test]
fn one_model_has_so_many_workers() {
    let mut world = World::new();
    let model = world.register_model();
    let full = Roster { workers: vec![worker_key(2).public_key().id(); ROSTER_MAX] };
    world.chain = tampered(world.machine(), &[(Key::Roster(model), full)]);
    let registration = world.worker_registration(2, vec![model]);
    let refused = world.refusal(2, Action::RegisterWorker(Box::new(registration)));
    assert_eq!(refused, Reject::RosterFull { model, max: ROSTER_MAX });
}

#[test]
fn a_genesis_under_which_cheating_pays_or_honesty_does_not_is_refused_with_the_numbers() {
    let build = |change: fn(&mut Params)| {
        let base = crate::testing::genesis(|_| {});
        let mut params = *base.params();
        change(&mut params);
        let (validators, setups) = (base.validators().clone(), base.setups().clone());
        Genesis::new(1337, 1, params, vec![], validators, setups, base.policy().clone()).unwrap_err()
    };
    let never = build(|params| params.audit.spot_rate_bps = 0);
    let weak = |conviction_ppm, needed, got| {
        GenesisError::Params(ParamsError::ConvictionTooWeak { conviction_ppm, needed, got })
    };
    assert_eq!(never, weak(0, None, 50_000_000));
    assert!(never.to_string().contains("I1: q (R + b) >= (1 + margin) g"));
    assert_eq!(build(|params| params.audit.collusion_ppm = 1_000_000), weak(0, None, 50_000_000));
    let poor = build(|params| params.bond.worker_stake_min = 36_363);
    assert_eq!(poor, weak(198_000, Some(36_364), 36_363));
    let doubtful = build(|params| params.audit.error_ppm = 40_000);
    let expected = ParamsError::FalseConviction { max: 100_000_000, got: 186_880_000 };
    assert_eq!(doubtful, GenesisError::Params(expected));
    assert!(doubtful.to_string().contains("I3: p alpha maj(alpha, n) (R + b) <= delta (R - C)"));
}

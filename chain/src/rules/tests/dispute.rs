//! Disputes: proofs, juries, and who pays whom.

use circuits::model::tensor::Tensor;
use circuits::statement::Statement;

use crate::rules::Reject;
use crate::state::{Key, StateMachine};
use crate::testing::{Leased, PROOF, World, input, output, worker_key, wrong_output};
use crate::types::event::Event;
use crate::types::job::{InferenceJob, JobStatus, LeaseStatus, ResultStage, WorkLease};
use crate::types::transaction::{Action, AnswerWithProof, Challenge};
use crate::types::worker::WorkerRegistration;

/// A wrong result whose checker disagreed: world, lease, result, checker.
fn accused() -> (World, Leased, [u8; 32], u8) {
    let (mut world, leased, result) = World::handed_in(wrong_output());
    let checker = world.check(&result, &output());
    assert_eq!(world.stage(&result), ResultStage::Answering);
    (world, leased, result, checker)
}

fn answer(world: &World, leased: &Leased, result: [u8; 32], output: Tensor) -> Action {
    let statement = Statement { context_digest: leased.context.digest(), input: input(), output: output.clone() };
    world.machine().services().vouch(&world.model().1.key_digest, &statement, PROOF);
    Action::AnswerWithProof(Box::new(AnswerWithProof { result, input: None, output, proof: PROOF.to_vec() }))
}

#[test]
fn a_wrong_label_is_convicted_by_its_jury_and_the_job_done_by_another() {
    let (mut world, leased, result, checker) = accused();
    // A proof of the true output does not help.
    let proof = answer(&world, &leased, result, output());
    let (expected, got) = (wrong_output().hash(), output().hash());
    assert_eq!(world.refusal(2, proof), Reject::ProvesAnotherOutput { expected, got });

    world.next_stage(&result);
    let jurors = world.jurors(&result);
    assert!(jurors.len() == 3 && !jurors.contains(&2) && !jurors.contains(&checker));
    let before: Vec<u128> = jurors.iter().chain([&checker]).map(|number| world.balance(*number)).collect();
    let burned = world.machine().supply().unwrap().burned;
    for juror in &jurors {
        world.commit(&result, *juror, &output());
    }
    let mut events = Vec::new();
    for juror in &jurors {
        events = world.reveal(&result, *juror, &output()).events;
    }
    let worker = leased.context.worker;
    assert_eq!(events, vec![Event::Convicted { result, job: leased.job, worker, slashed: 1_000_000 }]);
    // 30 % to the checker, 10 % to each juror, the rest burns.
    for (juror, before) in jurors.iter().zip(&before) {
        assert_eq!(world.balance(*juror), before - 2 * 25_000_000 + 100_000);
        assert_eq!(world.stake(*juror), (100_000_000, 0));
    }
    assert_eq!(world.balance(checker), before[3] + 300_000);
    assert_eq!(world.stake(checker), (100_000_000, 0));
    assert_eq!(world.machine().supply().unwrap().burned, burned + 6 * 5_000_000 + 400_000);
    assert_eq!(world.stake(2), (99_000_000, 0));
    assert_eq!(world.machine().supply().unwrap().minted, 0);
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!((lease.status, lease.bond), (LeaseStatus::Closed, 0));
    let job: InferenceJob = world.machine().get(&Key::Job(leased.job)).unwrap().unwrap();
    assert_eq!((job.status, job.escrow), (JobStatus::Open, 300_000));
    let record: WorkerRegistration = world.machine().get(&Key::Worker(worker)).unwrap().unwrap();
    assert_eq!((record.convictions, record.completed), (1, 0));

    // The convicted cannot take the job again nor hand its work in again; another settles it.
    let action = world.sampled_action(leased.job, 2);
    assert!(matches!(world.refusal(2, Action::LeaseJob(action)), Reject::WorkSpent { .. }));
    let submission = world.sampled_submission(&leased, output());
    let refused = world.refusal(2, Action::SubmitResult(Box::new(submission)));
    assert!(matches!(refused, Reject::WorkSpent { .. }));
    let next = world.lease_sampled(leased.job, 3);
    let second = world.hand_in(&next, output());
    world.check(&second, &output());
    let produced = world.next_stage(&second);
    assert!(matches!(produced.commit.closing.as_slice(), [Event::Settled { reward: 54_000, returned: 114_000, .. }]));
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn a_proof_of_the_submitted_output_acquits_and_the_accuser_pays() {
    let (mut world, leased, result) = World::handed_in(output());
    let checker = world.check(&result, &wrong_output());
    let operator = world.balance(2);
    let strange = answer(&world, &leased, result, output());
    let worker = leased.context.worker;
    let (expected, got) = (World::address(2), World::address(checker));
    assert_eq!(world.refusal(checker, strange), Reject::OperatorMismatch { worker, expected, got });

    let proof = answer(&world, &leased, result, output());
    let Action::AnswerWithProof(mut forged) = proof.clone() else { panic!("an answer") };
    forged.proof = b"no proof".to_vec();
    assert!(matches!(world.refusal(2, Action::AnswerWithProof(forged)), Reject::ProofRejected(_)));

    let outcome = world.send(2, proof.clone());
    let accuser = World::address(checker);
    assert!(matches!(
        outcome.events.as_slice(),
        [
            Event::AuditorSlashed { slashed: 500_000, .. },
            Event::Acquitted { slashed: 500_000, accuser: got, .. },
            Event::Settled { reward: 90_000, returned: 120_000, .. },
        ] if *got == accuser
    ));
    assert_eq!(world.stake(checker), (99_500_000, 0));
    assert_eq!(world.balance(2), operator - 25_000_000 + 150_000 + 144_000 + 90_000);
    assert_eq!(world.result(&result).trust_bps, 10_000);
    assert_eq!(world.refusal(2, proof), Reject::AnswerClosed { result });
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn a_griefing_challenger_loses_its_bond() {
    let (mut world, leased, result) = World::handed_in(output());
    let low = Action::Challenge(Challenge { result, bond: 1_999_999 });
    assert_eq!(world.refusal(5, low), Reject::ChallengeBondLow { needed: 2_000_000, got: 1_999_999 });
    let challenger = world.balance(5);
    world.challenge(&result, 5);
    assert_eq!(world.balance(5), challenger - 25_000_000 - 2_000_000);
    let again = Action::Challenge(Challenge { result, bond: 2_000_000 });
    assert_eq!(world.refusal(4, again), Reject::ResultDisputed { result });
    let operator = world.balance(2);
    let jurors = world.judge(&result);
    assert!(!jurors.contains(&5) && !jurors.contains(&2));
    assert_eq!(world.stage(&result), ResultStage::Settled);
    // The worker gets 30 % of the challenger's bond beside what it is paid.
    assert_eq!(world.balance(2), operator + 600_000 + 144_000 + 54_000);
    assert_eq!(world.balance(5), challenger - 25_000_000 - 2_000_000);
    let late = Action::Challenge(Challenge { result, bond: 2_000_000 });
    assert_eq!(world.refusal(5, late), Reject::ResultFinal { result });
    let job: InferenceJob = world.machine().get(&Key::Job(leased.job)).unwrap().unwrap();
    assert_eq!(job.status, JobStatus::Settled(result));
}

#[test]
fn a_colluding_checker_falls_with_its_worker() {
    let (mut world, _, result) = World::handed_in(wrong_output());
    let checker = world.check(&result, &wrong_output());
    assert_eq!(world.stage(&result), ResultStage::Waiting);
    // Jurors must come from others than worker, checker and challenger: with five operators the poster challenges.
    world.send(5, Action::Transfer(crate::types::transaction::Transfer { to: World::address(9), amount: 100_000_000 }));
    let challenger = world.balance(9);
    world.challenge(&result, 9);
    world.judge(&result);
    assert_eq!(world.stage(&result), ResultStage::Convicted);
    assert_eq!(world.stake(checker), (99_500_000, 0));
    assert_eq!(world.stake(2), (99_000_000, 0));
    // Its bond back, 30 % of the worker's bond and 30 % of what the checker lost.
    assert_eq!(world.balance(9), challenger - 25_000_000 + 300_000 + 150_000);
}

#[test]
fn a_juror_cannot_copy_and_the_wrong_and_the_silent_pay() {
    let (mut world, _, result, _) = accused();
    world.next_stage(&result);
    let jurors = world.jurors(&result);
    world.commit(&result, jurors[0], &output());
    // The copy-cat.
    let mut copy = World::commit_action(&result, jurors[1], &output());
    copy.commitment = World::commit_action(&result, jurors[0], &output()).commitment;
    let worker = worker_key(jurors[0]).public_key().id();
    let copied = world.refusal(jurors[1], Action::CommitCheck(copy));
    assert_eq!(copied, Reject::CommitmentCopied { result, worker });
    let twice = World::commit_action(&result, jurors[0], &wrong_output());
    assert_eq!(world.refusal(jurors[0], Action::CommitCheck(twice)), Reject::CommittedAlready { result, worker });

    world.commit(&result, jurors[1], &output());
    // The third says nothing; the window ends, and it cannot reveal either.
    world.next_stage(&result);
    assert_eq!(world.stage(&result), ResultStage::JuryReveal);
    let reveal = World::reveal_action(&result, jurors[2], &output());
    let worker = reveal.worker;
    let missing = world.refusal(jurors[2], Action::RevealCheck(reveal));
    assert_eq!(missing, Reject::CommitmentMissing { result, worker });
    world.reveal(&result, jurors[0], &output());
    let twice = World::reveal_action(&result, jurors[0], &output());
    let worker = twice.worker;
    assert_eq!(world.refusal(jurors[0], Action::RevealCheck(twice)), Reject::RevealedAlready { result, worker });
    world.reveal(&result, jurors[1], &output());
    assert_eq!(world.stage(&result), ResultStage::Convicted);
    assert_eq!(world.stake(jurors[2]), (99_950_000, 0));
}

#[test]
fn an_outvoted_juror_pays_and_the_majority_decides() {
    let (mut world, _, result, _) = accused();
    world.next_stage(&result);
    let jurors = world.jurors(&result);
    let found = [output(), wrong_output(), output()];
    for (juror, output) in jurors.iter().zip(&found) {
        world.commit(&result, *juror, output);
    }
    for (juror, output) in jurors.iter().zip(&found) {
        world.reveal(&result, *juror, output);
    }
    assert_eq!(world.stage(&result), ResultStage::Convicted);
    assert_eq!(world.stake(jurors[1]), (99_500_000, 0));
    assert_eq!(world.stake(jurors[0]), (100_000_000, 0));
}

#[test]
fn a_jury_without_a_majority_convicts_nobody() {
    let (mut world, leased, result, checker) = accused();
    world.next_stage(&result);
    let jurors = world.jurors(&result);
    world.commit(&result, jurors[0], &output());
    world.next_stage(&result);
    world.reveal(&result, jurors[0], &output());
    // One vote of three: the others were silent, and nobody is left to be drawn.
    assert_eq!(world.stage(&result), ResultStage::Answering);
    assert_eq!(world.stake(jurors[0]), (100_000_000, 0));
    while world.stage(&result) != ResultStage::Void {
        world.block();
    }
    assert_eq!(world.stake(2), (100_000_000, 0));
    assert_eq!(world.stake(checker), (100_000_000, 0));
    let job: InferenceJob = world.machine().get(&Key::Job(leased.job)).unwrap().unwrap();
    assert_eq!((job.status, job.escrow), (JobStatus::Expired, 0));
    assert_eq!(world.machine().supply().unwrap().minted, 0);
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn who_is_convicted_twice_loses_its_stake_and_is_banned() {
    let (mut world, _, result, _) = accused();
    world.judge(&result);
    let job = world.post(world.sampled_job());
    let leased = world.lease_sampled(job, 2);
    let second = world.hand_in(&leased, wrong_output());
    world.check(&second, &output());
    world.judge(&second);
    assert_eq!(world.stage(&second), ResultStage::Convicted);
    assert_eq!(world.stake(2), (0, 0));
    let other = world.post(world.sampled_job());
    let action = world.sampled_action(other, 2);
    let worker = action.worker;
    let banned = Reject::WorkerBanned { worker, convictions: 2 };
    assert_eq!(world.refusal(2, Action::LeaseJob(action)), banned);
}

#[test]
fn a_job_convicted_after_its_deadline_expires_at_once() {
    let mut world = World::staffed(|params| params.window.lease_standard = 4);
    let mut job = world.sampled_job();
    job.deadline = world.machine().height() + 6;
    let job = world.post(job);
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, wrong_output());
    world.check(&result, &output());
    world.judge(&result);
    let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    assert_eq!((record.status, record.escrow), (JobStatus::Expired, 0));
    assert!(!world.chain.block_due().unwrap());
}

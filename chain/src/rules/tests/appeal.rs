//! Appeals against juries.

use circuits::model::tensor::Tensor;
use circuits::statement::Statement;

use crate::economics::invariants::review_blocks;
use crate::rules::Reject;
use crate::state::{Key, StateMachine};
use crate::testing::{Leased, PROOF, World, input, output, wrong_output};
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::job::{JobResult, ResultStage};
use crate::types::params::Params;
use crate::types::review::Dispute;
use crate::types::transaction::{Action, AnswerWithProof, Appeal, Transfer};

/// A world of `workers` in which worker 2 handed in `submitted`, its check disagreed, and the first jury finds `found`.
fn judged(workers: u8, submitted: &Tensor, found: &Tensor) -> (World, Leased, Hash, Vec<u8>) {
    let mut world = World::staffed(|params| params.window.appeal = 20);
    for number in 6..=workers {
        let transfer = Transfer { to: World::address(number), amount: 400_000_000 };
        world.send(1, Action::Transfer(transfer));
        world.register_worker(number);
    }
    let job = world.post(world.sampled_job());
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, submitted.clone());
    world.check(&result, found);
    world.next_stage(&result);
    let jurors = world.jurors(&result);
    vote(&mut world, &result, found);
    assert_eq!(world.stage(&result), ResultStage::Appealing);
    (world, leased, result, jurors)
}

/// All jurors that sit now find `found`.
fn vote(world: &mut World, result: &Hash, found: &Tensor) {
    let jurors = world.jurors(result);
    for juror in &jurors {
        world.commit(result, *juror, found);
    }
    for juror in &jurors {
        world.reveal(result, *juror, found);
    }
}

fn appeal(result: Hash) -> Action {
    Action::Appeal(Appeal { result })
}

fn final_stage(world: &mut World, result: &Hash) -> ResultStage {
    for _ in 0..100 {
        if world.stage(result).is_final() {
            break;
        }
        world.block();
    }
    assert!(!world.chain.block_due().unwrap() || !world.stage(result).is_final() || open_jobs(world));
    world.stage(result)
}

fn open_jobs(world: &World) -> bool {
    world.machine().supply().unwrap().held.escrow > 0
}

#[test]
fn a_verdict_that_is_not_appealed_convicts_when_the_time_is_over() {
    let (mut world, _, result, jurors) = judged(5, &wrong_output(), &output());
    assert!(jurors.iter().all(|juror| world.stake(*juror) == (99_000_000, 1_000_000)), "jurors wait with it");
    let strange = world.refusal(3, appeal(result));
    assert!(matches!(strange, Reject::OperatorMismatch { .. }));
    assert_eq!(final_stage(&mut world, &result), ResultStage::Convicted);
    assert_eq!(world.stake(2), (99_000_000, 0));
    assert!(jurors.iter().all(|juror| world.stake(*juror) == (100_000_000, 0)));
    assert_eq!(world.refusal(2, appeal(result)), Reject::AppealClosed { result });
}

#[test]
fn a_larger_jury_of_others_overturns_a_wrong_verdict_and_the_first_pays() {
    let (mut world, _, result, first) = judged(12, &output(), &wrong_output());
    let before = world.balance(2);
    let outcome = world.send(2, appeal(result));
    let draw_height = world.machine().height() + 2;
    assert_eq!(outcome.events, [Event::Appealed { result, draw_height }]);
    assert_eq!(world.balance(2), before - 25_000_000 - 2_000_000);
    assert_eq!(world.refusal(2, appeal(result)), Reject::AppealClosed { result });
    world.reach(draw_height);
    let second = world.jurors(&result);
    assert_eq!(second.len(), 5);
    assert!(second.iter().all(|juror| !first.contains(juror) && *juror != 2));
    let burned = world.machine().supply().unwrap().burned;
    vote(&mut world, &result, &output());
    assert_eq!(world.stage(&result), ResultStage::Settled);
    assert!(first.iter().all(|juror| world.stake(*juror) == (99_500_000, 0)), "the first jury was wrong");
    assert!(second.iter().all(|juror| world.stake(*juror) == (100_000_000, 0)));
    // Its bond back, 30 % of what the checker lost, payment and reward.
    assert_eq!(world.balance(2), before - 25_000_000 + 150_000 + 144_000 + 54_000);
    assert!(world.machine().supply().unwrap().burned >= burned + 3 * 500_000);
}

#[test]
fn an_appeal_that_is_lost_costs_its_bond() {
    let (mut world, _, result, first) = judged(12, &wrong_output(), &output());
    let before = world.balance(2);
    world.send(2, appeal(result));
    world.reach(world.machine().height() + 2);
    let second = world.jurors(&result);
    vote(&mut world, &result, &output());
    assert_eq!(world.stage(&result), ResultStage::Convicted);
    assert_eq!(world.balance(2), before - 25_000_000 - 2_000_000);
    assert_eq!(world.stake(2), (99_000_000, 0));
    assert!(first.iter().chain(&second).all(|juror| world.stake(*juror) == (100_000_000, 0)));
}

#[test]
fn without_a_larger_jury_the_first_verdict_stands_and_the_bond_returns() {
    let (mut world, _, result, _) = judged(6, &wrong_output(), &output());
    let before = world.balance(2);
    world.send(2, appeal(result));
    assert_eq!(final_stage(&mut world, &result), ResultStage::Convicted);
    assert_eq!(world.balance(2), before - 25_000_000);
    assert_eq!(world.stake(2), (99_000_000, 0));
}

#[test]
fn a_proof_answers_a_verdict_too() {
    let (mut world, leased, result, first) = judged(5, &output(), &wrong_output());
    let statement = Statement { context_digest: leased.context.digest(), input: input(), output: output() };
    world.machine().services().vouch(&world.model().1.key_digest, &statement, PROOF);
    let answer = AnswerWithProof { result, input: None, output: output(), proof: PROOF.to_vec() };
    world.send(2, Action::AnswerWithProof(Box::new(answer)));
    assert_eq!(world.stage(&result), ResultStage::Settled);
    let record: JobResult = world.result(&result);
    assert_eq!((record.trust_bps, record.timer), (10_000, None));
    assert!(first.iter().all(|juror| world.stake(*juror) == (99_500_000, 0)));
    assert!(world.machine().get::<Dispute>(&Key::Dispute(result)).unwrap().is_none());
}

#[test]
fn unbonding_outlasts_an_appeal() {
    let window = Params::development().window;
    let with = crate::types::WindowParams { appeal: 20, ..window };
    assert_eq!(review_blocks(&with), review_blocks(&window) + 20 + 2 + 3 * 24);
}

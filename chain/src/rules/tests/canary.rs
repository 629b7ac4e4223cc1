//! Canaries: who passes one pays, who finds one is paid, and a planter that would insure cheats or rob the honest cannot.

use circuits::model::tensor::Tensor;
use circuits::statement::Statement;

use crate::rules::Reject;
use crate::rules::reject::canary::CanaryReject;
use crate::state::{Key, StateMachine};
use crate::testing::{Leased, PROOF, World, input, output, worker_id, wrong_output};
use crate::types::canary::{Canary, CanaryTally, canary_commitment};
use crate::types::event::{CanaryLapsed, CanaryRevealed, Event};
use crate::types::ids::{Hash, work_nullifier};
use crate::types::job::{InferenceJob, JobStatus, LeaseStatus, ResultStage, WorkLease};
use crate::types::params::{Params, ParamsError};
use crate::types::transaction::{Action, PlantCanary, RevealCanary};

const PLANTER: u8 = 1;
const SALT: Hash = [8; 32];
const BOND: u128 = 200_000_000;
const REWARD: u128 = 150_000_000;
const FEE: u128 = 25_000_000;

fn named(params: &mut Params) {
    params.canary.planter = Some(World::address(PLANTER));
}

/// The commitment to `output` of worker 2 for a job.
fn commitment(world: &World, job: Hash, output: &Tensor) -> Hash {
    let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    let chain_id = world.machine().genesis().chain_id();
    let work = work_nullifier(chain_id, &job, &record.model, &record.input_hash, &worker_id(2));
    canary_commitment(&work, &output.hash(), &SALT)
}

fn plant(commitment: Hash) -> Action {
    Action::PlantCanary(PlantCanary { commitment })
}

fn reveal_with(world: &World, leased: &Leased, result: Hash, salt: Hash, output: Tensor) -> Action {
    let statement = Statement { context_digest: leased.context.digest(), input: input(), output: output.clone() };
    world.vouch(&leased.context.model_hash, &statement);
    Action::RevealCanary(Box::new(RevealCanary { result, salt, input: None, output, proof: PROOF.to_vec() }))
}

/// The planter shows what it planted, with a proof of the right output.
fn reveal(world: &World, leased: &Leased, result: Hash) -> Action {
    reveal_with(world, leased, result, SALT, output())
}

/// Worker 2 handed in a wrong result that was planted.
fn planted(change: impl FnOnce(&mut Params)) -> (World, Leased, Hash, Hash) {
    planted_as(wrong_output(), change)
}

fn planted_as(output: Tensor, change: impl FnOnce(&mut Params)) -> (World, Leased, Hash, Hash) {
    let mut world = World::staffed(|params| {
        named(params);
        change(params);
    });
    let job = world.post(world.sampled_job());
    let canary = commitment(&world, job, &output);
    world.send(PLANTER, plant(canary));
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, output);
    (world, leased, result, canary)
}

fn tally(world: &World) -> CanaryTally {
    world.machine().get(&Key::CanaryTally).unwrap().unwrap()
}

fn refused(reject: CanaryReject) -> Reject {
    reject.into()
}

#[test]
fn who_finds_a_canary_is_paid_by_its_planter_and_the_job_is_done_by_another() {
    let (mut world, leased, result, canary) = planted(|_| {});
    let held: Canary = world.machine().get(&Key::Canary(canary)).unwrap().unwrap();
    assert_eq!((held.bond, held.reward, held.planter), (BOND, REWARD, World::address(PLANTER)));
    let checker = world.check(&result, &output());
    assert_eq!(world.stage(&result), ResultStage::Answering);
    let before = [world.balance(PLANTER), world.balance(checker)];
    let action = reveal(&world, &leased, result);
    let events = world.send(PLANTER, action).events;
    let finder = Some(World::address(checker));
    assert_eq!(
        events,
        [Event::CanaryRevealed(CanaryRevealed { canary, result, job: leased.job, finder, paid: REWARD })]
    );
    if checker != PLANTER {
        assert_eq!(world.balance(PLANTER), before[0] - FEE + BOND - REWARD);
        assert_eq!(world.balance(checker), before[1] + REWARD);
    }
    assert_eq!(world.stake(checker), (100_000_000, 0));
    // Nobody is punished for it, and nothing is paid or minted.
    assert_eq!((world.stake(2), world.stage(&result)), ((100_000_000, 0), ResultStage::Canary));
    assert_eq!(world.machine().supply().unwrap().minted, 0);
    let lease: WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    assert_eq!((lease.status, lease.bond), (LeaseStatus::Closed, 0));
    let job: InferenceJob = world.machine().get(&Key::Job(leased.job)).unwrap().unwrap();
    assert_eq!((job.status, job.escrow), (JobStatus::Open, 300_000));
    assert_eq!(world.machine().get::<Canary>(&Key::Canary(canary)).unwrap(), None);
    assert_eq!(tally(&world), CanaryTally { epoch: 0, planted: 1, found: 1, passed: 0, checks: 1 });

    // Its work is spent: only another worker does the job.
    let again = Action::LeaseJob(world.sampled_action(leased.job, 2));
    assert!(matches!(world.refusal(2, again), Reject::WorkSpent { .. }));
    let next = world.lease_sampled(leased.job, 3);
    let done = world.hand_in(&next, output());
    world.check(&done, &output());
    world.next_stage(&done);
    assert_eq!(world.stage(&done), ResultStage::Settled);
    let action = reveal(&world, &leased, result);
    assert_eq!(world.refusal(PLANTER, action), Reject::ResultFinal { result });
}

#[test]
fn who_passes_a_canary_loses_its_audit_bond_and_the_planter_gains_nothing() {
    let (mut world, leased, result, canary) = planted(|_| {});
    let checker = world.check(&result, &wrong_output());
    assert_eq!(world.stage(&result), ResultStage::Waiting);
    let (balance, burned) = (world.balance(PLANTER), world.machine().supply().unwrap().burned);
    let action = reveal(&world, &leased, result);
    let events = world.send(PLANTER, action).events;
    let slashed = Event::AuditorSlashed { result, worker: worker_id(checker), slashed: 1_000_000 };
    let revealed = Event::CanaryRevealed(CanaryRevealed { canary, result, job: leased.job, finder: None, paid: 0 });
    assert_eq!(events, [slashed, revealed]);
    assert_eq!(world.stake(checker), (99_000_000, 0));
    assert_eq!(world.machine().supply().unwrap().burned, burned + FEE / 5 + 1_000_000);
    assert_eq!(world.balance(PLANTER), balance - FEE + BOND);
    assert_eq!(tally(&world), CanaryTally { epoch: 0, planted: 1, found: 0, passed: 1, checks: 1 });
}

#[test]
fn a_challenger_finds_what_the_checker_passed() {
    let (mut world, leased, result, canary) = planted(|_| {});
    let checker = world.check(&result, &wrong_output());
    world.challenge(&result, 5);
    let before = world.balance(5);
    let action = reveal(&world, &leased, result);
    let events = world.send(PLANTER, action).events;
    let finder = Some(World::address(5));
    assert_eq!(
        events.last(),
        Some(&Event::CanaryRevealed(CanaryRevealed { canary, result, job: leased.job, finder, paid: REWARD }))
    );
    assert_eq!(world.balance(5), before + 2_000_000 + REWARD);
    assert_eq!(world.stake(checker), (99_000_000, 0));
}

#[test]
fn a_canary_that_is_not_revealed_is_an_ordinary_result_and_costs_more_than_it_earned() {
    // The insurance: nobody finds the wrong result, so the planter keeps silent and the cheat is paid.
    let (mut world, leased, result, canary) = planted(|_| {});
    world.check(&result, &wrong_output());
    let late = reveal(&world, &leased, result);
    world.next_stage(&result);
    let record = world.result(&result);
    assert_eq!(record.stage, ResultStage::Settled);
    assert_eq!(world.refusal(PLANTER, late), Reject::ResultFinal { result });
    let held: Canary = world.machine().get(&Key::Canary(canary)).unwrap().unwrap();
    assert_eq!(held.timer.height, held.height + 2_000);
    let produced = world.reach(held.timer.height);
    assert!(produced.commit.closing.contains(&Event::CanaryLapsed(CanaryLapsed { canary, burned: BOND })));
    assert!(record.payment - record.burned + record.reward < BOND);
    assert_eq!(world.machine().get::<Canary>(&Key::Canary(canary)).unwrap(), None);
}

#[test]
fn a_canary_that_nobody_could_judge_costs_its_planter_nothing() {
    let mut world = World::with(named);
    world.register_model();
    world.register_worker(2);
    let job = world.post(world.sampled_job());
    let canary = commitment(&world, job, &wrong_output());
    world.send(PLANTER, plant(canary));
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, wrong_output());
    while !world.stage(&result).is_final() {
        world.block();
    }
    assert_eq!(world.stage(&result), ResultStage::Void);
    let balance = world.balance(PLANTER);
    let action = reveal(&world, &leased, result);
    let events = world.send(PLANTER, action.clone()).events;
    assert_eq!(events, [Event::CanaryRevealed(CanaryRevealed { canary, result, job, finder: None, paid: 0 })]);
    assert_eq!(world.balance(PLANTER), balance - FEE + BOND);
    assert_eq!(world.stage(&result), ResultStage::Void);
    assert!(matches!(world.refusal(PLANTER, action), Reject::Canary(CanaryReject::Unknown { .. })));
}

#[test]
fn a_canary_before_a_jury_is_judged_like_any_other() {
    let (mut world, leased, result, _) = planted(|_| {});
    world.check(&result, &output());
    world.next_stage(&result);
    assert_eq!(world.stage(&result), ResultStage::JuryCommit);
    let action = reveal(&world, &leased, result);
    assert_eq!(world.refusal(PLANTER, action.clone()), refused(CanaryReject::Closed { result }));
    let jurors = world.jurors(&result);
    for juror in &jurors {
        world.commit(&result, *juror, &output());
    }
    assert_eq!(world.refusal(PLANTER, action.clone()), refused(CanaryReject::Closed { result }));
    for juror in &jurors {
        world.reveal(&result, *juror, &output());
    }
    assert_eq!(world.stage(&result), ResultStage::Convicted);
    assert_eq!(world.refusal(PLANTER, action), Reject::ResultFinal { result });
}

#[test]
fn nobody_is_told_of_a_canary_while_its_check_runs() {
    let (mut world, leased, result, _) = planted(|_| {});
    let early = |world: &mut World| {
        let until = world.result(&result).timer.unwrap().height;
        let action = reveal(world, &leased, result);
        assert_eq!(world.refusal(PLANTER, action), refused(CanaryReject::Early { result, until }));
    };
    early(&mut world);
    world.next_stage(&result);
    early(&mut world);
    let checker = world.checker(&result);
    world.commit(&result, checker, &output());
    early(&mut world);
}

#[test]
fn a_right_result_is_no_canary_and_a_wrong_one_is_shown_to_be() {
    // A planter that would void an honest worker's result, and burn the bond of the checker that agreed.
    let (mut world, leased, result, canary) = planted_as(output(), |_| {});
    world.check(&result, &output());
    let action = reveal(&world, &leased, result);
    assert_eq!(world.refusal(PLANTER, action), refused(CanaryReject::Right { result }));
    let mut unproven = RevealCanary { result, salt: SALT, input: None, output: wrong_output(), proof: vec![1] };
    let refusal = world.refusal(PLANTER, Action::RevealCanary(Box::new(unproven.clone())));
    assert!(matches!(refusal, Reject::ProofRejected(_)), "{refusal:?}");
    unproven.input = Some(input());
    let refusal = world.refusal(PLANTER, Action::RevealCanary(Box::new(unproven)));
    assert_eq!(refusal, Reject::InputPresence { expected: false });
    world.next_stage(&result);
    assert_eq!(world.stage(&result), ResultStage::Settled);
    assert!(world.machine().get::<Canary>(&Key::Canary(canary)).unwrap().is_some());
}

#[test]
fn a_canary_is_planted_before_its_result_by_its_planter_alone() {
    let (mut world, leased, result, canary) = planted(|_| {});
    world.check(&result, &wrong_output());
    let action = reveal(&world, &leased, result);
    let mismatch = CanaryReject::PlanterMismatch { expected: World::address(PLANTER), got: World::address(2) };
    assert_eq!(world.refusal(2, action), refused(mismatch.clone()));
    assert_eq!(world.refusal(2, plant([1; 32])), refused(mismatch));
    // Another salt, and another result of the same worker.
    let unknown = reveal_with(&world, &leased, result, [9; 32], output());
    assert!(matches!(world.refusal(PLANTER, unknown), Reject::Canary(CanaryReject::Unknown { .. })));
    let height = world.machine().get::<Canary>(&Key::Canary(canary)).unwrap().unwrap().height;
    assert_eq!(world.refusal(PLANTER, plant(canary)), refused(CanaryReject::Planted { canary, height }));

    // Handed in first, called a canary afterwards.
    let job = world.post(world.sampled_job());
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, wrong_output());
    let submitted = world.machine().height();
    let canary = commitment(&world, job, &wrong_output());
    world.send(PLANTER, plant(canary));
    let planted = world.machine().height();
    let action = reveal(&world, &leased, result);
    assert_eq!(world.refusal(PLANTER, action), refused(CanaryReject::Late { canary, planted, submitted }));
}

#[test]
fn canaries_are_counted_and_need_a_planter_and_a_bond() {
    let mut off = World::staffed(|_| {});
    assert_eq!(off.refusal(PLANTER, plant([1; 32])), refused(CanaryReject::Off));

    let mut world = World::staffed(|params| {
        named(params);
        params.canary.epoch_max = 1;
        params.block.epoch_blocks = 40;
    });
    world.send(PLANTER, plant([1; 32]));
    assert_eq!(world.refusal(PLANTER, plant([2; 32])), refused(CanaryReject::Full { epoch: 0, max: 1 }));
    world.reach(40);
    world.send(PLANTER, plant([2; 32]));
    assert_eq!(tally(&world), CanaryTally { epoch: 1, planted: 1, ..CanaryTally::default() });

    // What the result could earn is 180 000 from the escrow, and at most 36 000 burned of it and 18 times 3 000 minted.
    let needed = 270_000;
    let (mut world, leased, result, _) = planted(|params| {
        params.canary.rate_ppm = 500_000;
        params.canary.bond = needed - 1;
        params.canary.reward = 0;
    });
    world.check(&result, &wrong_output());
    let action = reveal(&world, &leased, result);
    assert_eq!(world.refusal(PLANTER, action), refused(CanaryReject::BondShort { needed, got: needed - 1 }));
}

#[test]
fn checks_are_worth_their_cost_where_canaries_are_planted() {
    let mut params = Params::development();
    named(&mut params);
    assert_eq!(params.check(), Ok(()));
    params.canary.rate_ppm = 39;
    // 39 ppm of 151 tokens are 5 889 micro-tokens; a unit costs 6 000.
    let unpaid = ParamsError::DiligenceUnpaid { rate_ppm: 39, cost: 6_000, got: 5_889 };
    assert_eq!(params.check(), Err(unpaid));
    params.canary.planter = None;
    assert_eq!(params.check(), Ok(()));

    // One unit is worth it, eighteen are not: the job is leased with a proof.
    let mut world = World::staffed(|params| {
        named(params);
        params.canary.rate_ppm = 40;
    });
    let job = world.post(world.sampled_job());
    let action = Action::LeaseJob(world.sampled_action(job, 2));
    let unpaid = CanaryReject::DiligenceUnpaid { rate_ppm: 40, cost: 108_000, got: 6_040 };
    assert_eq!(world.refusal(2, action), refused(unpaid));
    world.lease(job, 2);
}

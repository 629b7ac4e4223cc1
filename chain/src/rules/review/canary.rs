//! Canaries (I2): results that are wrong on purpose, so that a checker that runs nothing loses more than a run costs.
//!
//! *Who could abuse it.* A planter that calls a result its own after the fact would be an insurance for cheats, and one
//! that calls a right result wrong would rob workers and checkers. So a canary is committed to before its result is handed
//! in; the revelation proves, by a proof of the right output for the same context, that the result is wrong; a canary
//! is never paid; and a commitment that is not revealed burns a bond that is at least what its result could have earned:
//! who insures a cheat by one pays for it whenever the cheat is not found. What finding it is worth comes out of that
//! bond, so that a planter that tells a friend moves its own money.
//!
//! *What remains to be believed* is that the planter plants as often as it undertakes and tells no checker. Both are the
//! named role's; what was planted, found and passed is counted in the state.

use circuits::statement::Statement;

use super::check::known;
use super::{finish, spot_check, verdict};
use crate::economics::invariants;
use crate::economics::share;
use crate::rules::reject::canary::CanaryReject;
use crate::rules::result::check::{job_input, one_proof};
use crate::rules::{Call, Execution, Failure, Reject, timer};
use crate::state::keys::Key;
use crate::state::overlay::StateError;
use crate::types::canary::{Canary, CanaryTally, canary_commitment};
use crate::types::event::{CanaryLapsed, CanaryPlanted, CanaryRevealed, Event};
use crate::types::ids::{Address, Hash, work_nullifier};
use crate::types::job::{InferenceJob, JobResult, ResultStage, WorkLease};
use crate::types::model::Model;
use crate::types::params::BPS;
use crate::types::review::Dispute;
use crate::types::timer::TimerKind;
use crate::types::transaction::{PlantCanary, RevealCanary};

/// Commits the planter to a result that will be wrong.
// spec: chain#plant-canary
pub(crate) fn plant(execution: &mut Execution<'_>, call: Call<'_>, action: &PlantCanary) -> Result<(), Failure> {
    let environment = execution.environment;
    let params = environment.params.canary;
    // spec: chain#canary-off
    let expected = params.planter.ok_or(CanaryReject::Off)?;
    // spec: chain#planter-mismatch
    if *call.sender != expected {
        return Err(CanaryReject::PlanterMismatch { expected, got: *call.sender }.into());
    }
    let (commitment, key) = (action.commitment, Key::Canary(action.commitment));
    // spec: chain#canary-planted
    if let Some(canary) = execution.state.get::<Canary>(&key)? {
        return Err(CanaryReject::Planted { canary: commitment, height: canary.height }.into());
    }
    // spec: chain#canaries-full
    if tally(execution)?.planted >= params.epoch_max {
        return Err(CanaryReject::Full { epoch: environment.epoch, max: params.epoch_max }.into());
    }
    execution.debit(call.sender, params.bond)?;
    // By I5 whatever is leased, handed in and reviewed from now on can be over by then.
    let until = environment.height.saturating_add(environment.params.window.unbonding);
    let timer = timer::set(execution, TimerKind::Canary, until, commitment)?;
    let (bond, reward) = (params.bond, params.reward);
    let canary = Canary { planter: *call.sender, bond, reward, height: environment.height, timer };
    execution.state.put(&key, canary)?;
    count(execution, |tally| tally.planted = tally.planted.saturating_add(1))?;
    execution.events.push(Event::CanaryPlanted(CanaryPlanted { canary: commitment, bond, reveal_until: until }));
    Ok(())
}

/// Takes a canary back: its result is void, its job is open again, who called it wrong is paid and who passed it pays.
// spec: chain#reveal-canary
pub(crate) fn reveal(execution: &mut Execution<'_>, call: Call<'_>, action: &RevealCanary) -> Result<(), Failure> {
    let result = action.result;
    let record = known(execution, &result)?;
    // spec: chain#result-final
    if record.stage.is_final() && record.stage != ResultStage::Void {
        return Err(Reject::ResultFinal { result }.into());
    }
    let lease: WorkLease = execution.state.expect(&Key::Lease(record.lease))?;
    let job: InferenceJob = execution.state.expect(&Key::Job(record.job))?;
    let (commitment, canary) = planted(execution, call.sender, action, &record, &lease)?;
    if record.stage == ResultStage::Void {
        // It earned nothing, and nobody had the chance to find it: there is nothing to show.
        return give_back(execution, &result, &record, &commitment, &canary, None);
    }
    check_stage(&result, &record)?;
    check_bond(execution, &job, &canary)?;
    // spec: chain#canary-right
    if action.output.hash() == record.output_hash {
        return Err(CanaryReject::Right { result }.into());
    }
    let model: Model = execution.state.expect(&Key::Model(job.model))?;
    let input = job_input(&job, action.input.as_ref())?.clone();
    let statement = Statement { context_digest: lease.context.digest(), input, output: action.output.clone() };
    one_proof(execution, &job.model, &model, &statement, &action.proof)?;
    settle(execution, &result, record, &commitment, &canary)
}

/// The time to reveal a canary is over: its bond burns.
// spec: chain#canary-lapsed
pub(crate) fn lapse(execution: &mut Execution<'_>, commitment: &Hash) -> Result<(), StateError> {
    let key = Key::Canary(*commitment);
    let canary: Canary = execution.state.expect(&key)?;
    execution.state.delete(&key)?;
    execution.burn(canary.bond)?;
    execution.events.push(Event::CanaryLapsed(CanaryLapsed { canary: *commitment, burned: canary.bond }));
    Ok(())
}

/// Counts a check that was drawn.
pub(super) fn count_check(execution: &mut Execution<'_>) -> Result<(), StateError> {
    if execution.environment.params.canary.planter.is_none() {
        return Ok(());
    }
    count(execution, |tally| tally.checks = tally.checks.saturating_add(1))
}

/// The sender's canary that this result opens, planted before the result was handed in.
fn planted(
    execution: &mut Execution<'_>,
    sender: &Address,
    action: &RevealCanary,
    record: &JobResult,
    lease: &WorkLease,
) -> Result<(Hash, Canary), Failure> {
    let context = &lease.context;
    let work = work_nullifier(context.chain_id, &record.job, &context.model_hash, &context.input_hash, &record.worker);
    let commitment = canary_commitment(&work, &record.output_hash, &action.salt);
    // spec: chain#canary-unknown
    let canary: Option<Canary> = execution.state.get(&Key::Canary(commitment))?;
    let canary = canary.ok_or(CanaryReject::Unknown { canary: commitment })?;
    // spec: chain#planter-mismatch
    if canary.planter != *sender {
        return Err(CanaryReject::PlanterMismatch { expected: canary.planter, got: *sender }.into());
    }
    // CONSENSUS: within one block too, the commitment would be to what the pool shows.
    // spec: chain#canary-late
    if canary.height >= record.submitted_height {
        let (planted, submitted) = (canary.height, record.submitted_height);
        return Err(CanaryReject::Late { canary: commitment, planted, submitted }.into());
    }
    Ok((commitment, canary))
}

/// A canary waits for its check, and is over before a jury works on it.
fn check_stage(result: &Hash, record: &JobResult) -> Result<(), Failure> {
    match record.stage {
        ResultStage::Waiting | ResultStage::Answering => Ok(()),
        // spec: chain#canary-early
        ResultStage::Drawing | ResultStage::CheckCommit | ResultStage::CheckReveal => {
            Err(CanaryReject::Early { result: *result, until: super::until(record) }.into())
        }
        // spec: chain#canary-closed
        _ => Err(CanaryReject::Closed { result: *result }.into()),
    }
}

/// The bond is at least what the result could have earned, had it not been revealed.
fn check_bond(execution: &Execution<'_>, job: &InferenceJob, canary: &Canary) -> Result<(), Failure> {
    let params = execution.environment.params;
    let overflow = || Reject::AmountOverflow { what: "canary" };
    let payment = job.price_per_unit.checked_mul(job.units.into()).ok_or_else(overflow)?;
    let burned = share(payment, params.fee.burned_bps).ok_or_else(overflow)?;
    let mint = invariants::mint_max(burned, params.reward.cost_floor_per_unit, job.units).ok_or_else(overflow)?;
    let needed = payment.checked_add(mint).ok_or_else(overflow)?;
    // spec: chain#canary-bond-short
    if canary.bond < needed {
        return Err(CanaryReject::BondShort { needed, got: canary.bond }.into());
    }
    Ok(())
}

/// Pays and slashes, voids the result, and opens its job again.
fn settle(
    execution: &mut Execution<'_>,
    result: &Hash,
    record: JobResult,
    commitment: &Hash,
    canary: &Canary,
) -> Result<(), Failure> {
    let key = Key::Dispute(*result);
    let dispute: Option<Dispute> = execution.state.get(&key)?;
    if let Some(dispute) = &dispute {
        execution.credit(&dispute.accuser, dispute.bond)?;
        execution.state.delete(&key)?;
    }
    let finder = dispute.as_ref().map(|dispute| dispute.accuser);
    let passed = match &dispute {
        Some(Dispute { checker: Some(_), .. }) => {
            verdict::release_checker(execution, result)?;
            false
        }
        _ => passed(execution, result)?,
    };
    count(execution, |tally| {
        tally.found = tally.found.saturating_add(finder.is_some().into());
        tally.passed = tally.passed.saturating_add(passed.into());
    })?;
    give_back(execution, result, &record, commitment, canary, finder)?;
    let (job, worker) = (record.job, record.worker);
    verdict::end_lease(execution, &record.lease)?;
    finish(execution, result, record, ResultStage::Canary)?;
    verdict::reopen(execution, &job, worker)
}

/// Ends a canary: who found its result gets the reward of its bond, the planter the rest.
fn give_back(
    execution: &mut Execution<'_>,
    result: &Hash,
    record: &JobResult,
    commitment: &Hash,
    canary: &Canary,
    finder: Option<Address>,
) -> Result<(), Failure> {
    let paid = if finder.is_some() { canary.reward } else { 0 };
    if let Some(finder) = &finder {
        execution.credit(finder, paid)?;
    }
    let rest = canary.bond.checked_sub(paid).ok_or(Reject::AmountOverflow { what: "canary" })?;
    execution.credit(&canary.planter, rest)?;
    execution.state.delete(&Key::Canary(*commitment))?;
    timer::cancel(execution, &canary.timer)?;
    let (canary, job) = (*commitment, record.job);
    execution.events.push(Event::CanaryRevealed(CanaryRevealed { canary, result: *result, job, finder, paid }));
    Ok(())
}

/// The checker that agreed with a canary, if there is one, loses its whole audit bond; it burns.
// spec: chain#canary-passed
fn passed(execution: &mut Execution<'_>, result: &Hash) -> Result<bool, Failure> {
    let Some(mut check) = spot_check(execution, result)? else { return Ok(false) };
    execution.state.delete(&Key::SpotCheck(*result))?;
    let slashed = verdict::slash_seat(execution, result, &mut check.seat, BPS)?;
    execution.burn(slashed)?;
    Ok(true)
}

/// The count of this epoch.
fn tally(execution: &mut Execution<'_>) -> Result<CanaryTally, StateError> {
    let epoch = execution.environment.epoch;
    let tally: Option<CanaryTally> = execution.state.get(&Key::CanaryTally)?;
    Ok(tally.filter(|tally| tally.epoch == epoch).unwrap_or(CanaryTally { epoch, ..CanaryTally::default() }))
}

fn count(execution: &mut Execution<'_>, change: impl Fn(&mut CanaryTally)) -> Result<(), StateError> {
    let mut tally = tally(execution)?;
    change(&mut tally);
    execution.state.put(&Key::CanaryTally, tally)
}

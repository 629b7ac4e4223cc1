//! Draws: whether a result is checked, and by whom.
//!
//! The lot is a hash of the beacon of the block that draws, which nobody knew when the result was handed in; with one
//! validator, that validator can grind it. Who is drawn is chosen by stake among the workers that serve the model, that
//! can cover an audit bond, and that share no operator or device with the result's worker, its accuser or each other.

use super::{appeal, canary, enter, enter_until, verdict};
use crate::economics::audit;
use crate::economics::invariants::DRAWS_MAX;
use crate::rules::{Execution, Failure, stake, standing};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::{Address, Hash, review_lot};
use crate::types::job::{InferenceJob, JobResult, ResultStage, WorkLease};
use crate::types::ledger::Stake;
use crate::types::params::PPM;
use crate::types::review::{Dispute, Roster, Seat, SpotCheck};
use crate::types::worker::WorkerRegistration;

/// Index of the lot that decides whether there is a check; seats have their own.
const WHETHER: u32 = u32::MAX;

/// Decides whether a result is checked, and draws its checker.
// spec: chain#draw
pub(crate) fn checker(execution: &mut Execution<'_>, result: &Hash, mut record: JobResult) -> Result<(), Failure> {
    let environment = execution.environment;
    let job: InferenceJob = execution.state.expect(&Key::Job(record.job))?;
    let rate = audit::spot_rate_ppm(&environment.params.audit, job.policy.spot_rate_bps_min);
    // A repeated draw follows from a check that was due and did not happen.
    if record.draws == 0 && number(&review_lot(&environment.beacon, result, WHETHER), PPM.into()) >= rate.into() {
        let until = record.closes_height;
        return enter_until(execution, result, record, ResultStage::Waiting, until);
    }
    if record.draws >= DRAWS_MAX {
        return verdict::void(execution, result, record);
    }
    let excluded = vec![operator(execution, &record.worker)?];
    match seats(execution, result, &mut record, 1, excluded)?.pop() {
        Some(seat) => {
            let worker = seat.worker;
            execution.state.put(&Key::SpotCheck(*result), SpotCheck { version: 1, seat })?;
            canary::count_check(execution)?;
            let commit_until = environment.height.saturating_add(environment.params.window.review);
            execution.events.push(Event::CheckDrawn { result: *result, worker, commit_until });
            enter(execution, result, record, ResultStage::CheckCommit)
        }
        None => again(execution, result, record, ResultStage::Drawing),
    }
}

/// Draws the jury of a disputed result.
// spec: chain#jury
pub(crate) fn jury(execution: &mut Execution<'_>, result: &Hash, mut record: JobResult) -> Result<(), Failure> {
    if record.draws >= DRAWS_MAX {
        return appeal::stands(execution, result, record);
    }
    let environment = execution.environment;
    let mut dispute: Dispute = execution.state.expect(&Key::Dispute(*result))?;
    let mut excluded = vec![operator(execution, &record.worker)?, dispute.accuser];
    if let Some(check) = super::spot_check(execution, result)? {
        excluded.push(check.seat.operator);
    }
    let (more, stage) = match &dispute.verdict {
        Some(first) => {
            excluded.extend(first.seats.iter().map(|seat| seat.operator));
            (appeal::MORE_SEATS, ResultStage::Appealing)
        }
        None => (0, ResultStage::Answering),
    };
    let jury = usize::try_from(environment.params.audit.jury.saturating_add(more)).unwrap_or(usize::MAX);
    let drawn = seats(execution, result, &mut record, jury, excluded)?;
    if drawn.is_empty() {
        return again(execution, result, record, stage);
    }
    let jurors = drawn.iter().map(|seat| seat.worker).collect();
    let commit_until = environment.height.saturating_add(environment.params.window.review);
    execution.events.push(Event::JuryDrawn { result: *result, jurors, commit_until });
    dispute.seats = drawn;
    dispute.version = dispute.version.saturating_add(1);
    execution.state.put(&Key::Dispute(*result), dispute)?;
    enter(execution, result, record, ResultStage::JuryCommit)
}

/// Nobody to draw: waits one challenge window, in which workers may register or stake.
fn again(execution: &mut Execution<'_>, result: &Hash, record: JobResult, stage: ResultStage) -> Result<(), Failure> {
    let environment = execution.environment;
    let until = environment.height.saturating_add(environment.params.window.challenge);
    enter_until(execution, result, record, stage, until)
}

/// Draws `count` seats, locks their bonds and counts the draw; none when there are not that many.
fn seats(
    execution: &mut Execution<'_>,
    result: &Hash,
    record: &mut JobResult,
    count: usize,
    mut excluded: Vec<Address>,
) -> Result<Vec<Seat>, Failure> {
    let environment = execution.environment;
    record.draws = record.draws.saturating_add(1);
    let lease: WorkLease = execution.state.expect(&Key::Lease(record.lease))?;
    let bond = environment.params.bond.audit;
    let mut eligible = candidates(execution, record, &lease, bond)?;
    let mut chosen: Vec<Candidate> = Vec::new();
    while chosen.len() < count {
        eligible.retain(|candidate| !excluded.contains(&candidate.operator));
        let index = u32::try_from(chosen.len()).unwrap_or(WHETHER);
        let Some(candidate) = by_stake(&eligible, &review_lot(&environment.beacon, result, index)) else {
            return Ok(Vec::new());
        };
        excluded.push(candidate.operator);
        chosen.push(candidate);
    }
    let mut seats = Vec::with_capacity(count);
    for Candidate { worker, operator, .. } in chosen {
        stake::lock(execution, &worker, bond)?;
        record.drawn.push(worker);
        seats.push(Seat { worker, operator, bond, commitment: None, revealed: None });
    }
    Ok(seats)
}

#[derive(Clone, Copy)]
struct Candidate {
    worker: Hash,
    operator: Address,
    weight: u128,
}

/// Workers that serve the model, are not banned, have free stake for the bond and were not drawn for this result.
fn candidates(
    execution: &mut Execution<'_>,
    record: &JobResult,
    lease: &WorkLease,
    bond: u128,
) -> Result<Vec<Candidate>, Failure> {
    let roster: Roster = execution.state.get(&Key::Roster(lease.context.model_hash))?.unwrap_or_default();
    let mut candidates = Vec::new();
    for worker in roster.workers {
        if record.drawn.contains(&worker) {
            continue;
        }
        let registration: WorkerRegistration = execution.state.expect(&Key::Worker(worker))?;
        let stake: Stake = execution.state.expect(&Key::Stake(worker))?;
        let same_device = registration.device == lease.context.device_id;
        let admitted = match standing::admit(execution, &worker, &registration) {
            Ok(()) => true,
            Err(Failure::Refused(_)) => false,
            Err(fault) => return Err(fault),
        };
        if !same_device && admitted && stake.amount >= bond {
            let weight = stake.amount.saturating_add(stake.bonded);
            candidates.push(Candidate { worker, operator: registration.operator, weight });
        }
    }
    Ok(candidates)
}

/// The candidate on whose part of the whole stake the lot falls.
fn by_stake(candidates: &[Candidate], lot: &Hash) -> Option<Candidate> {
    let total = candidates.iter().fold(0u128, |sum, candidate| sum.saturating_add(candidate.weight));
    let mut left = number(lot, total);
    candidates.iter().copied().find(|candidate| match left.checked_sub(candidate.weight) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    })
}

/// A lot as a number below `range`; its bias is below `range / 2^128`.
fn number(lot: &Hash, range: u128) -> u128 {
    let (half, _) = lot.split_at(16);
    let value = half.iter().fold(0u128, |value, byte| value.wrapping_shl(8) | u128::from(*byte));
    value.checked_rem(range).unwrap_or(0)
}

fn operator(execution: &mut Execution<'_>, worker: &Hash) -> Result<Address, Failure> {
    let registration: WorkerRegistration = execution.state.expect(&Key::Worker(*worker))?;
    Ok(registration.operator)
}

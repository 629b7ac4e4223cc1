//! How reviews end: the result stands, is acquitted, convicted, or void; and what each does to bonds and escrow.

use super::dispute::distribute;
use super::{finish, spot_check};
use crate::economics::share;
use crate::rules::result::settle::settle;
use crate::rules::{Execution, Failure, Reject, job, lease, stake, standing, timer};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::{Address, Hash};
use crate::types::job::{InferenceJob, JobResult, JobStatus, LeaseStatus, ResultStage, WorkLease};
use crate::types::ledger::Stake;
use crate::types::review::{Dispute, Seat};
use crate::types::worker::WorkerRegistration;

/// The challenge window ended: the result is settled at its evidence's trust.
// spec: chain#result-stands
pub(crate) fn stands(execution: &mut Execution<'_>, result: &Hash, record: JobResult) -> Result<(), Failure> {
    let checker = release_checker(execution, result)?;
    settle(execution, result, record, checker)
}

/// The dispute was lost by the accuser, by a proof (no `jury`) or by the jury's majority.
// spec: chain#acquittal
pub(crate) fn acquit(
    execution: &mut Execution<'_>,
    result: &Hash,
    record: JobResult,
    jury: Vec<Seat>,
) -> Result<(), Failure> {
    let dispute = end_dispute(execution, result)?;
    let right = seated(execution, result, jury, &record.output_hash)?;
    let worker: WorkerRegistration = execution.state.expect(&Key::Worker(record.worker))?;
    let (slashed, checker) = match dispute.checker {
        Some(_) => (wrong_checker(execution, result, &worker.operator, &right)?, None),
        None => {
            distribute(execution, dispute.bond, &worker.operator, &right)?;
            (dispute.bond, release_checker(execution, result)?)
        }
    };
    execution.events.push(Event::Acquitted { result: *result, accuser: dispute.accuser, slashed });
    settle(execution, result, record, checker)
}

/// The jury found another output: the worker pays, nothing is minted, the job is open again with its escrow.
// spec: chain#conviction
pub(crate) fn convict(
    execution: &mut Execution<'_>,
    result: &Hash,
    record: JobResult,
    jury: Vec<Seat>,
    output: Hash,
) -> Result<(), Failure> {
    let dispute = end_dispute(execution, result)?;
    let right = seated(execution, result, jury, &output)?;
    let params = execution.environment.params.slash;
    let overflow = || Reject::AmountOverflow { what: "slash" };
    let mut worker: WorkerRegistration = execution.state.expect(&Key::Worker(record.worker))?;
    worker.convictions = worker.convictions.saturating_add(1);
    worker.version = worker.version.saturating_add(1);
    let repeated = worker.is_banned();
    execution.state.put(&Key::Worker(record.worker), worker)?;
    standing::change(execution, &record.worker, |standing| standing.reliability_bps = 0)?;

    let mut lease: WorkLease = execution.state.expect(&Key::Lease(record.lease))?;
    let mut slashed = share(lease.bond, params.wrong_output_bps).ok_or_else(overflow)?;
    lease.bond = lease.bond.checked_sub(slashed).ok_or_else(overflow)?;
    stake::forfeit(execution, &record.worker, slashed)?;
    lease::release_bond(execution, &mut lease)?;
    if repeated {
        slashed = slashed.checked_add(take_stake(execution, &record.worker, u128::MAX)?).ok_or_else(overflow)?;
    }
    distribute(execution, slashed, &dispute.accuser, &right)?;
    // The accuser's own bond comes back; a checker that had agreed was wrong.
    execution.credit(&dispute.accuser, dispute.bond)?;
    match dispute.checker {
        Some(_) => {
            release_checker(execution, result)?;
        }
        None => {
            wrong_checker(execution, result, &dispute.accuser, &right)?;
        }
    }
    let (job, worker_id) = (record.job, record.worker);
    execution.events.push(Event::Convicted { result: *result, job, worker: record.worker, slashed });
    close_lease(execution, &record.lease, lease)?;
    finish(execution, result, record, ResultStage::Convicted)?;
    reopen(execution, &job, worker_id)
}

/// Nobody could judge the result: bonds and escrow go back where they came from, nothing is minted.
// spec: chain#void
pub(crate) fn void(execution: &mut Execution<'_>, result: &Hash, record: JobResult) -> Result<(), Failure> {
    let dispute: Option<Dispute> = execution.state.get(&Key::Dispute(*result))?;
    if let Some(dispute) = dispute {
        execution.credit(&dispute.accuser, dispute.bond)?;
        execution.state.delete(&Key::Dispute(*result))?;
    }
    release_checker(execution, result)?;
    end_lease(execution, &record.lease)?;
    let job_id = record.job;
    let mut job: InferenceJob = execution.state.expect(&Key::Job(job_id))?;
    let returned = std::mem::take(&mut job.escrow);
    timer::cancel(execution, &job.timer)?;
    execution.credit(&job.poster, returned)?;
    job.status = JobStatus::Expired;
    job.version = job.version.saturating_add(1);
    execution.state.put(&Key::Job(job_id), job)?;
    execution.events.push(Event::Voided { result: *result, job: job_id, returned });
    finish(execution, result, record, ResultStage::Void)
}

/// A seat that said nothing in time: a share of its bond burns, the rest is free.
pub(crate) fn silence(execution: &mut Execution<'_>, result: &Hash, seat: &mut Seat) -> Result<(), Failure> {
    let bps = execution.environment.params.slash.silent_bps;
    let slashed = slash_seat(execution, result, seat, bps)?;
    execution.burn(slashed)
}

/// Takes a share of a seat's bond, frees the rest, and leaves the seat without a bond; the caller places what was taken.
pub(crate) fn slash_seat(
    execution: &mut Execution<'_>,
    result: &Hash,
    seat: &mut Seat,
    bps: u32,
) -> Result<u128, Failure> {
    let overflow = || Reject::AmountOverflow { what: "slash" };
    let bond = std::mem::take(&mut seat.bond);
    let slashed = share(bond, bps).ok_or_else(overflow)?;
    stake::forfeit(execution, &seat.worker, slashed)?;
    stake::release(execution, &seat.worker, bond.checked_sub(slashed).ok_or_else(overflow)?)?;
    execution.events.push(Event::AuditorSlashed { result: *result, worker: seat.worker, slashed });
    Ok(slashed)
}

/// Frees the jurors that revealed `output`, slashes and burns for the others; returns the operators that were right.
// spec: chain#wrong-juror
fn seated(
    execution: &mut Execution<'_>,
    result: &Hash,
    jury: Vec<Seat>,
    output: &Hash,
) -> Result<Vec<Address>, Failure> {
    let bps = execution.environment.params.slash.wrong_check_bps;
    let mut right = Vec::with_capacity(jury.len());
    for mut seat in jury {
        if seat.revealed == Some(*output) {
            stake::release(execution, &seat.worker, seat.bond)?;
            right.push(seat.operator);
        } else {
            let slashed = slash_seat(execution, result, &mut seat, bps)?;
            execution.burn(slashed)?;
        }
    }
    Ok(right)
}

/// Slashes the checker of a result, if it has one, for having been wrong.
// spec: chain#wrong-checker
fn wrong_checker(
    execution: &mut Execution<'_>,
    result: &Hash,
    winner: &Address,
    jurors: &[Address],
) -> Result<u128, Failure> {
    let Some(mut check) = spot_check(execution, result)? else { return Ok(0) };
    execution.state.delete(&Key::SpotCheck(*result))?;
    let bps = execution.environment.params.slash.wrong_check_bps;
    let slashed = slash_seat(execution, result, &mut check.seat, bps)?;
    distribute(execution, slashed, winner, jurors)?;
    Ok(slashed)
}

/// Frees the checker of a result; returns who it was, if it revealed.
pub(crate) fn release_checker(execution: &mut Execution<'_>, result: &Hash) -> Result<Option<Address>, Failure> {
    let Some(check) = spot_check(execution, result)? else { return Ok(None) };
    stake::release(execution, &check.seat.worker, check.seat.bond)?;
    execution.state.delete(&Key::SpotCheck(*result))?;
    Ok(check.seat.revealed.map(|_| check.seat.operator))
}

fn end_dispute(execution: &mut Execution<'_>, result: &Hash) -> Result<Dispute, Failure> {
    let dispute: Dispute = execution.state.expect(&Key::Dispute(*result))?;
    execution.state.delete(&Key::Dispute(*result))?;
    Ok(dispute)
}

/// Takes unbonding and free stake of a worker that was convicted, up to `most`; what would leave first goes first.
// spec: chain#worker-banned
pub(crate) fn take_stake(execution: &mut Execution<'_>, worker: &Hash, most: u128) -> Result<u128, Failure> {
    let key = Key::Stake(*worker);
    let mut stake: Stake = execution.state.expect(&key)?;
    let mut left = most;
    for part in stake.unbonding.iter_mut().map(|part| &mut part.amount).chain([&mut stake.amount]) {
        let taken = left.min(*part);
        left = left.saturating_sub(taken);
        *part = part.saturating_sub(taken);
    }
    stake.unbonding.retain(|part| part.amount > 0);
    execution.state.put(&key, stake)?;
    Ok(most.saturating_sub(left))
}

/// Ends the lease of a result that is void; its bond goes back.
pub(crate) fn end_lease(execution: &mut Execution<'_>, id: &Hash) -> Result<(), Failure> {
    let mut lease: WorkLease = execution.state.expect(&Key::Lease(*id))?;
    lease::release_bond(execution, &mut lease)?;
    close_lease(execution, id, lease)
}

fn close_lease(execution: &mut Execution<'_>, id: &Hash, mut lease: WorkLease) -> Result<(), Failure> {
    lease.status = LeaseStatus::Closed;
    lease.version = lease.version.saturating_add(1);
    Ok(execution.state.put(&Key::Lease(*id), lease)?)
}

/// Opens a job again, its escrow untouched; one whose deadline is past expires at once.
// spec: chain#job-reopens
pub(crate) fn reopen(execution: &mut Execution<'_>, id: &Hash, convicted: Hash) -> Result<(), Failure> {
    job::open_again(execution, id, convicted)?;
    let record: InferenceJob = execution.state.expect(&Key::Job(*id))?;
    if record.deadline < execution.environment.height {
        job::expire(execution, id)?;
    }
    Ok(())
}

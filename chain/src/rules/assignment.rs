//! Assignment: for a while after a job opens it is kept for the workers that suit it best, and then it is anybody's.
//!
//! The score is computed when somebody asks for the lease, not when the job opens, so that it follows who is free now
//! and nothing is computed for jobs that nobody wants. Nobody is obliged: a worker that lets its turn pass loses
//! nothing, and the window ends at a height that neither proposals nor refusals move, so nobody is kept out either.

use super::{Call, Execution, Failure, Reject, standing};
use crate::economics::assignment::{Suitability, rank};
use crate::economics::bond;
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::job::{FAILED_MAX, InferenceJob, JobStatus, Opening};
use crate::types::ledger::Stake;
use crate::types::review::Roster;
use crate::types::transaction::ProposeAssignment;
use crate::types::worker::{DeviceBinding, WorkerRegistration};

/// Keeps a job that opens now for the best, and remembers who failed at it.
// spec: chain#assignment-window
pub(crate) fn open(execution: &Execution<'_>, opening: &mut Opening, failed: Option<Hash>) {
    let environment = execution.environment;
    let exclusive = environment.params.assignment.exclusive;
    opening.exclusive_until = if exclusive == 0 { 0 } else { environment.height.saturating_add(exclusive) };
    opening.assigned = None;
    opening.failed.extend(failed);
    let surplus = opening.failed.len().saturating_sub(FAILED_MAX);
    opening.failed.drain(..surplus);
}

/// Refuses a lease to a worker that a job is not kept for.
// spec: chain#job-reserved
pub(crate) fn check(
    execution: &mut Execution<'_>,
    id: &Hash,
    job: &InferenceJob,
    worker: &Hash,
) -> Result<(), Failure> {
    let until = job.opening.exclusive_until;
    if execution.environment.height > until {
        return Ok(());
    }
    let reserved = |best: Hash| Err(Reject::JobReserved { job: *id, best, until }.into());
    if let Some(assigned) = job.opening.assigned {
        return if assigned == *worker { Ok(()) } else { reserved(assigned) };
    }
    let ranked = ranking(execution, id, job)?;
    let kept = usize::try_from(execution.environment.params.assignment.candidates).unwrap_or(usize::MAX);
    match ranked.first() {
        // With nobody fit, there is nobody to keep it for.
        None => Ok(()),
        Some(_) if ranked.iter().take(kept).any(|candidate| candidate == worker) => Ok(()),
        Some(best) => reserved(*best),
    }
}

/// Workers that could lease a job now and have not failed at it, the best first.
// spec: chain#assignment-score
fn ranking(execution: &mut Execution<'_>, id: &Hash, job: &InferenceJob) -> Result<Vec<Hash>, Failure> {
    let params = execution.environment.params.assignment;
    let roster: Roster = execution.state.get(&Key::Roster(job.model))?.unwrap_or_default();
    let mut ranked = Vec::new();
    for worker in roster.workers {
        if let Some(suitability) = suitability(execution, job, &worker)? {
            ranked.push((rank(suitability.score(&params), id, &worker), worker));
        }
    }
    ranked.sort_unstable_by(|left, right| right.cmp(left));
    Ok(ranked.into_iter().map(|(_, worker)| worker).collect())
}

/// The figures of a worker that could lease the job now.
fn suitability(
    execution: &mut Execution<'_>,
    job: &InferenceJob,
    worker: &Hash,
) -> Result<Option<Suitability>, Failure> {
    let registration: WorkerRegistration = execution.state.expect(&Key::Worker(*worker))?;
    let standing = standing::of(execution, worker)?;
    let stake: Stake = execution.state.expect(&Key::Stake(*worker))?;
    let device: DeviceBinding = execution.state.expect(&Key::Device(registration.device))?;
    let params = execution.environment.params;
    let bond = bond::proof_lease_bond(&params.bond, job.escrow).unwrap_or(u128::MAX);
    let able = !registration.is_banned()
        && standing.implausible < params.standing.fraud_max
        && !standing.is_suspended(execution.environment.height)
        && device.lease.is_none()
        && registration.models.binary_search(&job.model).is_ok()
        && registration.profile.video_memory_mib >= job.placement.video_memory_mib_min
        && stake.amount.saturating_add(stake.bonded) >= params.bond.worker_stake_min
        && stake.amount >= bond
        && !job.opening.failed.contains(worker);
    Ok(able.then(|| Suitability::of(&job.placement, &registration, &standing, &stake)))
}

/// Takes the coordinator's choice for a job in place of the score.
// spec: chain#propose-assignment
pub(crate) fn propose(
    execution: &mut Execution<'_>,
    call: Call<'_>,
    action: &ProposeAssignment,
) -> Result<(), Failure> {
    let environment = execution.environment;
    // spec: chain#coordinator-off
    let expected = environment.params.assignment.coordinator.ok_or(Reject::CoordinatorOff)?;
    // spec: chain#coordinator-mismatch
    if expected != *call.sender {
        return Err(Reject::CoordinatorMismatch { expected, got: *call.sender }.into());
    }
    let id = action.job.id;
    let job: Option<InferenceJob> = execution.state.get(&Key::Job(id))?;
    let mut job = job.ok_or(Reject::JobUnknown { job: id })?;
    if job.status != JobStatus::Open {
        return Err(Reject::JobTaken { job: id }.into());
    }
    // One choice for each opening: it cannot be moved from worker to worker until the window is over.
    // spec: chain#assignment-made
    if let Some(worker) = job.opening.assigned {
        return Err(Reject::AssignmentMade { job: id, worker }.into());
    }
    if job.version != action.job.version {
        return Err(Reject::VersionStale { id, expected: job.version, got: action.job.version }.into());
    }
    // spec: chain#assignment-over
    if environment.height > job.opening.exclusive_until {
        return Err(Reject::AssignmentOver { job: id, until: job.opening.exclusive_until }.into());
    }
    if !execution.state.contains(&Key::Worker(action.worker))? {
        return Err(Reject::WorkerUnknown { worker: action.worker }.into());
    }
    // spec: chain#assignment-unfit
    if suitability(execution, &job, &action.worker)?.is_none() {
        return Err(Reject::AssignmentUnfit { job: id, worker: action.worker }.into());
    }
    let until = job.opening.exclusive_until;
    job.opening.assigned = Some(action.worker);
    job.version = job.version.saturating_add(1);
    execution.state.put(&Key::Job(id), job)?;
    execution.events.push(Event::Assigned { job: id, worker: action.worker, until });
    Ok(())
}

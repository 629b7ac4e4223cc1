//! Challenging models: one opened row decides at once.
//!
//! Nothing is drawn and nobody votes: the row under the registrant's own root either is one that a checked model can have
//! and has the published commitment, or it convicts. Conviction is possible within the model's window only, so the jobs
//! posted meanwhile are kept in a list of bounded length; whatever stage they are in, they end without payment and without
//! punishment, because nothing is minted under a key that is known to be wrong. Who publishes a root and keeps the
//! integers under it to itself can be shown nothing: such a model is one that nobody could audit, which is for its
//! posters to weigh.

use crate::rules::review::{appeal, dispute::distribute, verdict};
use crate::rules::{Call, Execution, Failure, Reject, job, lease, stake, timer};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, JobResult, JobStatus, LeaseStatus, WorkLease};
use crate::types::model::{CONTESTABLE_JOBS_MAX, ContestableJobs, Model, ModelStatus};
use crate::types::review::Dispute;
use crate::types::transaction::ChallengeModel;

/// Judges a row of a model.
// spec: chain#challenge-model
pub(crate) fn challenge(execution: &mut Execution<'_>, call: Call<'_>, action: &ChallengeModel) -> Result<(), Failure> {
    let id = action.model;
    let environment = execution.environment;
    let model: Option<Model> = execution.state.get(&Key::Model(id))?;
    let model = model.ok_or(Reject::ModelUnknown { model: id })?;
    check_open(&id, &model)?;
    // spec: chain#model-window-over
    let until = model.contestable_until(environment.params.window.challenge);
    if environment.height > until {
        return Err(Reject::ModelWindowOver { model: id, until, height: environment.height }.into());
    }
    let needed = environment.params.bond.challenge_min;
    if action.bond < needed {
        return Err(Reject::ChallengeBondLow { needed, got: action.bond }.into());
    }
    // The bond is taken before the row is judged, so that only who can pay makes the node work.
    execution.debit(call.sender, action.bond)?;
    if environment.services.judge_rows(&id, &model, &action.openings)?.is_none() {
        distribute(execution, action.bond, &model.registrant, &[])?;
        let (challenger, slashed) = (*call.sender, action.bond);
        execution.events.push(Event::ModelUpheld { model: id, challenger, slashed });
        return Ok(());
    }
    execution.credit(call.sender, action.bond)?;
    let row = action.openings.first().map_or(0, |opening| opening.proof.index);
    convict(execution, call, &id, model, row)
}

/// Refuses what a convicted model is closed to.
// spec: chain#model-convicted
pub(crate) fn check_open(id: &Hash, model: &Model) -> Result<(), Reject> {
    match model.status {
        ModelStatus::Open => Ok(()),
        ModelStatus::Convicted => Err(Reject::ModelConvicted { model: *id }),
    }
}

/// Remembers a job on a model that can still be convicted.
pub(crate) fn remember(execution: &mut Execution<'_>, id: &Hash, model: &Model, job: Hash) -> Result<(), Failure> {
    let environment = execution.environment;
    let key = Key::ContestableJobs(*id);
    let until = model.contestable_until(environment.params.window.challenge);
    if environment.height > until {
        // Nothing can convict the model any more.
        if execution.state.contains(&key)? {
            execution.state.delete(&key)?;
        }
        return Ok(());
    }
    let mut list: ContestableJobs = execution.state.get(&key)?.unwrap_or_default();
    // spec: chain#model-window-full
    if list.jobs.len() >= CONTESTABLE_JOBS_MAX {
        return Err(Reject::ModelWindowFull { model: *id, max: CONTESTABLE_JOBS_MAX, until }.into());
    }
    list.jobs.push(job);
    Ok(execution.state.put(&key, list)?)
}

/// Slashes the bond, closes the model, ends its jobs.
// spec: chain#model-conviction
fn convict(
    execution: &mut Execution<'_>,
    call: Call<'_>,
    id: &Hash,
    mut model: Model,
    row: u64,
) -> Result<(), Failure> {
    let slashed = std::mem::take(&mut model.bond);
    model.status = ModelStatus::Convicted;
    model.version = model.version.saturating_add(1);
    execution.state.put(&Key::Model(*id), model)?;
    distribute(execution, slashed, call.sender, &[])?;
    execution.events.push(Event::ModelConvicted { model: *id, challenger: *call.sender, row, slashed });
    let key = Key::ContestableJobs(*id);
    let list: ContestableJobs = execution.state.get(&key)?.unwrap_or_default();
    for job in list.jobs {
        end_job(execution, &job)?;
    }
    Ok(execution.state.delete(&key)?)
}

/// Ends a job whatever its stage: escrow and bonds go back where they came from.
fn end_job(execution: &mut Execution<'_>, id: &Hash) -> Result<(), Failure> {
    let key = Key::Job(*id);
    let mut record: InferenceJob = execution.state.expect(&key)?;
    match record.status {
        JobStatus::Settled(_) | JobStatus::Expired => return Ok(()),
        JobStatus::Pending(result) => return end_review(execution, &result),
        JobStatus::Leased(lease) => end_lease(execution, &lease)?,
        JobStatus::Open => {}
    }
    timer::cancel(execution, &record.timer)?;
    record.status = JobStatus::Open;
    execution.state.put(&key, record)?;
    Ok(job::expire(execution, id)?)
}

fn end_lease(execution: &mut Execution<'_>, id: &Hash) -> Result<(), Failure> {
    let mut lease: WorkLease = execution.state.expect(&Key::Lease(*id))?;
    timer::cancel(execution, &lease.timer)?;
    lease::release_device(execution, id, &lease)?;
    lease::release_bond(execution, &mut lease)?;
    lease.status = LeaseStatus::Closed;
    lease.version = lease.version.saturating_add(1);
    execution.state.put(&Key::Lease(*id), lease)?;
    execution.events.push(Event::LeaseClosed { lease: *id });
    Ok(())
}

fn end_review(execution: &mut Execution<'_>, result: &Hash) -> Result<(), Failure> {
    let record: JobResult = execution.state.expect(&Key::Result(*result))?;
    let key = Key::Dispute(*result);
    if execution.state.contains(&key)? {
        appeal::dissolve(execution, result, &record)?;
    }
    if let Some(mut dispute) = execution.state.get::<Dispute>(&key)? {
        // Jurors get back what they locked; the rest of the dispute ends with the result.
        for seat in std::mem::take(&mut dispute.seats) {
            stake::release(execution, &seat.worker, seat.bond)?;
        }
        execution.state.put(&key, dispute)?;
    }
    verdict::void(execution, result, record)
}

//! Leasing jobs: the work context is fixed here, before anything runs, and so is what a timeout costs.
//!
//! A lease that runs out does not end at once: its job is open again, and for the grace window the late result is still
//! taken if nobody else has taken the job. The bond goes from the worker's free stake into the lease and back, so one
//! stake never covers two jobs.

use attestation::context::WorkContext;

use super::reject::canary::CanaryReject;
use super::{Call, Execution, Failure, Reject, assignment, job, stake, standing, timer};
use crate::economics::bond::{self, SampledTerms};
use crate::economics::invariants::diligence;
use crate::state::keys::Key;
use crate::state::overlay::StateError;
use crate::types::event::Event;
use crate::types::ids::{Hash, lease_nonce, object_id, work_nullifier};
use crate::types::job::{InferenceJob, JobClass, JobStatus, LeaseKind, LeaseStatus, WorkLease};
use crate::types::ledger::Stake;
use crate::types::params::{CanaryParams, Params};
use crate::types::timer::TimerKind;
use crate::types::transaction::LeaseJob;
use crate::types::worker::{DeviceBinding, WorkerRegistration};

/// Gives an open job to a worker of the sender.
// spec: chain#lease-job
pub(crate) fn take(execution: &mut Execution<'_>, call: Call<'_>, action: &LeaseJob) -> Result<(), Failure> {
    let environment = execution.environment;
    let mut job = open_job(execution, action)?;
    let worker = stake::operated(execution, &action.worker, call.sender)?;
    let mut device = check_worker(execution, action, &job, &worker)?;
    assignment::check(execution, &action.job.id, &job, &action.worker)?;
    let bond = lock_bond(execution, action, &job)?;
    let window = &environment.params.window;
    let timeout = match job.class {
        JobClass::Standard => window.lease_standard,
        JobClass::Large => window.lease_large,
    };
    // spec: chain#deadline-too-close
    let expires_height = environment.height.saturating_add(timeout);
    if expires_height > job.deadline {
        return Err(Reject::DeadlineTooClose { expires: expires_height, deadline: job.deadline }.into());
    }
    // spec: chain#lease-context
    let context = WorkContext {
        chain_id: environment.chain_id,
        genesis: *environment.genesis,
        job_id: action.job.id,
        model_hash: job.model,
        input_hash: job.input_hash,
        worker: action.worker,
        device_id: worker.device,
        nonce: lease_nonce(&environment.beacon, &action.job.id, &action.worker),
        timestamp: environment.time,
    };
    let lease = object_id(call.id, 0);
    let timer = timer::set(execution, TimerKind::LeaseExpiry, expires_height, lease)?;
    let record = WorkLease {
        version: 1,
        kind: action.kind,
        operator: *call.sender,
        context,
        bond,
        leased_height: environment.height,
        expires_height,
        closes_height: expires_height.saturating_add(window.grace),
        timer,
        status: LeaseStatus::Live,
    };
    execution.state.put(&Key::Lease(lease), record)?;
    device.lease = Some(lease);
    execution.state.put(&Key::Device(worker.device), device)?;
    job.status = JobStatus::Leased(lease);
    job.version = job.version.saturating_add(1);
    execution.state.put(&Key::Job(action.job.id), job)?;
    execution.events.push(Event::Leased { lease, context, expires_height });
    Ok(())
}

fn open_job(execution: &mut Execution<'_>, action: &LeaseJob) -> Result<InferenceJob, Failure> {
    let id = action.job.id;
    // spec: chain#job-unknown
    let job: Option<InferenceJob> = execution.state.get(&Key::Job(id))?;
    let job = job.ok_or(Reject::JobUnknown { job: id })?;
    // spec: chain#job-taken
    if job.status != JobStatus::Open {
        return Err(Reject::JobTaken { job: id }.into());
    }
    // spec: chain#version-stale
    if job.version != action.job.version {
        return Err(Reject::VersionStale { id, expected: job.version, got: action.job.version }.into());
    }
    Ok(job)
}

fn check_worker(
    execution: &mut Execution<'_>,
    action: &LeaseJob,
    job: &InferenceJob,
    worker: &WorkerRegistration,
) -> Result<DeviceBinding, Failure> {
    // spec: chain#model-not-served
    if worker.models.binary_search(&job.model).is_err() {
        return Err(Reject::ModelNotServed { worker: action.worker, model: job.model }.into());
    }
    standing::admit(execution, &action.worker, worker)?;
    // spec: chain#hardware-unfit
    let (needed, got) = (job.placement.video_memory_mib_min, worker.profile.video_memory_mib);
    if got < needed {
        return Err(Reject::HardwareUnfit { needed, got }.into());
    }
    // A job reopens after a conviction, and the convicted could never hand in a result for it.
    let chain_id = execution.environment.chain_id;
    let nullifier = work_nullifier(chain_id, &action.job.id, &job.model, &job.input_hash, &action.worker);
    if execution.state.contains(&Key::SpentWork(nullifier))? {
        return Err(Reject::WorkSpent { nullifier }.into());
    }
    // spec: chain#device-busy
    let device: DeviceBinding = execution.state.expect(&Key::Device(worker.device))?;
    if let Some(lease) = device.lease {
        return Err(Reject::DeviceBusy { device: worker.device, lease }.into());
    }
    Ok(device)
}

fn lock_bond(execution: &mut Execution<'_>, action: &LeaseJob, job: &InferenceJob) -> Result<u128, Failure> {
    let params = execution.environment.params.bond;
    let stake: Stake = execution.state.expect(&Key::Stake(action.worker))?;
    let overflow = |what| Reject::AmountOverflow { what };
    // spec: chain#stake-under-minimum
    let behind = stake.amount.checked_add(stake.bonded).ok_or(overflow("stake"))?;
    if behind < params.worker_stake_min {
        return Err(Reject::StakeUnderMinimum { needed: params.worker_stake_min, got: behind }.into());
    }
    let mut needed = bond::proof_lease_bond(&params, job.escrow).ok_or(overflow("lease bond"))?;
    if action.kind == LeaseKind::Sampled {
        needed = needed.max(conviction_bond(execution, action, job, stake.amount)?);
    }
    // spec: chain#bond-uncovered
    if !stake::lock(execution, &action.worker, needed)? {
        return Err(Reject::BondUncovered { needed, got: stake.amount }.into());
    }
    Ok(needed)
}

/// I2: where canaries are planted, a check of this job is worth its cost.
// spec: chain#invariant-diligence
fn diligent(params: &Params, job: &InferenceJob) -> Result<(), Reject> {
    let overflow = || Reject::AmountOverflow { what: "check" };
    let CanaryParams { planter: Some(_), rate_ppm, .. } = params.canary else { return Ok(()) };
    let cost = params.audit.saving_per_unit.checked_mul(job.units.into()).ok_or_else(overflow)?;
    let got = diligence(&params.canary, &params.bond).ok_or_else(overflow)?;
    // spec: chain#diligence-unpaid
    if got <= cost {
        return Err(CanaryReject::DiligenceUnpaid { rate_ppm, cost, got }.into());
    }
    Ok(())
}

/// Bond that I1 asks for at this job, if the worker's free stake covers it.
// spec: chain#sampled-bond
fn conviction_bond(
    execution: &Execution<'_>,
    action: &LeaseJob,
    job: &InferenceJob,
    free: u128,
) -> Result<u128, Failure> {
    let environment = execution.environment;
    // spec: chain#proof-required
    if job.policy.proof_required {
        return Err(Reject::ProofRequired { job: action.job.id }.into());
    }
    diligent(environment.params, job)?;
    let terms = bond::sampled_terms(environment.params, environment.epoch, job);
    let SampledTerms { conviction_ppm, reward, saved, needed } =
        terms.ok_or(Reject::AmountOverflow { what: "lease bond" })?;
    // spec: chain#conviction-too-weak
    match needed {
        Some(bond) if bond <= free => Ok(bond),
        _ => Err(Reject::ConvictionTooWeak { conviction_ppm, reward, saved, needed, got: free }.into()),
    }
}

/// Returns what is left of a lease's bond to the worker's free stake.
pub(crate) fn release_bond(execution: &mut Execution<'_>, lease: &mut WorkLease) -> Result<(), Failure> {
    let bond = std::mem::take(&mut lease.bond);
    stake::release(execution, &lease.context.worker, bond)
}

/// Frees the lease's device, unless it already works on another lease.
pub(crate) fn release_device(execution: &mut Execution<'_>, id: &Hash, lease: &WorkLease) -> Result<(), StateError> {
    let key = Key::Device(lease.context.device_id);
    let mut device: DeviceBinding = execution.state.expect(&key)?;
    if device.lease == Some(*id) {
        device.lease = None;
        execution.state.put(&key, device)?;
    }
    Ok(())
}

/// Runs a lease out: part of its bond burns, its job is open again, the grace window starts.
// spec: chain#lease-timeout
pub(crate) fn expire(execution: &mut Execution<'_>, id: &Hash) -> Result<(), StateError> {
    let key = Key::Lease(*id);
    let mut lease: WorkLease = execution.state.expect(&key)?;
    if lease.status != LeaseStatus::Live {
        return Ok(());
    }
    let slashed = burn_share(execution, &mut lease)?;
    release_device(execution, id, &lease)?;
    lease.status = LeaseStatus::Late;
    lease.version = lease.version.saturating_add(1);
    lease.timer = timer::place(execution, TimerKind::LeaseClose, lease.closes_height, *id)?;

    standing::time_out(execution, &lease.context.worker)?;
    let worker_key = Key::Worker(lease.context.worker);
    let mut worker: WorkerRegistration = execution.state.expect(&worker_key)?;
    worker.timeouts = worker.timeouts.saturating_add(1);
    worker.version = worker.version.saturating_add(1);
    execution.state.put(&worker_key, worker)?;

    let job_id = lease.context.job_id;
    job::open_again(execution, &job_id, lease.context.worker)?;
    execution.state.put(&key, lease)?;
    execution.events.push(Event::LeaseExpired { lease: *id, job: job_id, slashed });
    Ok(())
}

fn burn_share(execution: &mut Execution<'_>, lease: &mut WorkLease) -> Result<u128, Failure> {
    let overflow = |what| Reject::AmountOverflow { what };
    let slashed =
        bond::timeout_slash(&execution.environment.params.bond, lease.bond).ok_or(overflow("timeout slash"))?;
    lease.bond = lease.bond.checked_sub(slashed).ok_or(overflow("lease bond"))?;
    stake::forfeit(execution, &lease.context.worker, slashed)?;
    execution.burn(slashed)?;
    Ok(slashed)
}

/// Ends the grace window of a lease that brought no result.
// spec: chain#lease-grace
pub(crate) fn close(execution: &mut Execution<'_>, id: &Hash) -> Result<(), StateError> {
    let key = Key::Lease(*id);
    let mut lease: WorkLease = execution.state.expect(&key)?;
    if lease.status != LeaseStatus::Late {
        return Ok(());
    }
    release_bond(execution, &mut lease)?;
    lease.status = LeaseStatus::Closed;
    lease.version = lease.version.saturating_add(1);
    execution.state.put(&key, lease)?;
    execution.events.push(Event::LeaseClosed { lease: *id });
    Ok(())
}

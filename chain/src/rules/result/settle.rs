//! What an accepted result does: spend, then at once or after its review pay, mint, return, record.

use super::check::Accepted;
use crate::economics::{audit, emission, reward, share};
use crate::rules::{Call, Execution, Failure, Reject, lease, review, standing, timer};
use crate::state::keys::Key;
use crate::state::object::Spent;
use crate::types::block::ComputeResult;
use crate::types::event::Event;
use crate::types::ids::{Address, Hash, object_id};
use crate::types::job::{InferenceJob, JobResult, JobStatus, LeaseKind, LeaseStatus, ResultStage, WorkLease};
use crate::types::worker::WorkerRegistration;

/// Takes an accepted result: its work and evidence are spent, its device is free; then it is settled or reviewed.
pub(crate) fn accept(execution: &mut Execution<'_>, call: Call<'_>, accepted: Accepted) -> Result<(), Failure> {
    let Accepted { lease_id, mut lease, mut job, work, evidence, receipt, output_hash, trust_bps, elapsed_ms } =
        accepted;
    let environment = execution.environment;
    let spent = Spent { lease: lease_id, height: environment.height };
    execution.state.put(&Key::SpentWork(work), spent)?;
    execution.state.put(&Key::SpentEvidence(evidence), spent)?;
    timer::cancel(execution, &lease.timer)?;
    lease::release_device(execution, &lease_id, &lease)?;
    let result = object_id(call.id, 0);
    let challenge = audit::challenge_blocks(environment.params.window.challenge, trust_bps);
    let record = JobResult {
        version: 0,
        lease: lease_id,
        job: lease.context.job_id,
        worker: lease.context.worker,
        receipt,
        output_hash,
        units: job.units,
        trust_bps,
        payment: 0,
        burned: 0,
        reward: 0,
        height: environment.height,
        stage: ResultStage::Drawing,
        closes_height: environment.height.saturating_add(challenge),
        timer: None,
        draws: 0,
        drawn: Vec::new(),
        submitted_height: environment.height,
        elapsed_ms,
    };
    if lease.kind == LeaseKind::Proof {
        return settle(execution, &result, record, None);
    }
    lease.status = LeaseStatus::Submitted;
    lease.version = lease.version.saturating_add(1);
    job.status = JobStatus::Pending(result);
    job.version = job.version.saturating_add(1);
    execution.state.put(&Key::Lease(lease_id), lease)?;
    execution.state.put(&Key::Job(record.job), job)?;
    review::open(execution, &result, record)
}

/// Settles a result at its trust; `checker` agreed with it and is paid.
// spec: chain#settlement
pub(crate) fn settle(
    execution: &mut Execution<'_>,
    result: &Hash,
    mut record: JobResult,
    checker: Option<Address>,
) -> Result<(), Failure> {
    let environment = execution.environment;
    let params = environment.params;
    let mut lease: WorkLease = execution.state.expect(&Key::Lease(record.lease))?;
    let mut job: InferenceJob = execution.state.expect(&Key::Job(record.job))?;
    let mut worker: WorkerRegistration = execution.state.expect(&Key::Worker(record.worker))?;
    let overflow = || Reject::AmountOverflow { what: "settlement" };
    let base = emission::base_per_unit(&params.reward, environment.epoch).ok_or_else(overflow)?;
    let escrow = std::mem::take(&mut job.escrow);
    let trust_bps = record.trust_bps;
    let settled = reward::settle(&params.reward, &params.fee, base, job.units, trust_bps, job.price_per_unit, escrow)
        .ok_or_else(overflow)?;
    let mut returned = settled.returned;
    // spec: chain#check-fee
    if let Some(checker) = checker {
        // The share may have grown since the job was posted; who posted it owes what it locked and no more.
        let fee = share(escrow, params.fee.check_bps).ok_or_else(overflow)?.min(returned);
        returned = returned.checked_sub(fee).ok_or_else(overflow)?;
        execution.credit(&checker, fee)?;
    }
    timer::cancel(execution, &job.timer)?;
    lease::release_bond(execution, &mut lease)?;

    execution.burn(settled.burned)?;
    execution.credit(&lease.operator, settled.paid)?;
    execution.credit(&job.poster, returned)?;
    execution.mint(&lease.operator, settled.reward)?;

    let context = lease.context;
    execution.results.push(ComputeResult {
        job: record.job,
        worker: record.worker,
        context_digest: context.digest(),
        receipt: record.receipt,
        model: context.model_hash,
        input_hash: context.input_hash,
        output_hash: record.output_hash,
        units: job.units,
        trust_bps,
        reward: settled.reward,
    });
    execution.events.push(Event::Settled {
        result: *result,
        job: record.job,
        reward: settled.reward,
        paid: settled.paid,
        burned: settled.burned,
        returned,
    });
    let used = record.submitted_height.saturating_sub(lease.leased_height);
    let timeout = lease.expires_height.saturating_sub(lease.leased_height);
    standing::change(execution, &record.worker, |standing| {
        standing.complete(used, timeout);
        standing.units = standing.units.saturating_add(job.units);
        standing.minted = standing.minted.saturating_add(settled.reward);
    })?;
    worker.completed = worker.completed.saturating_add(1);
    worker.version = worker.version.saturating_add(1);
    lease.status = LeaseStatus::Settled;
    lease.version = lease.version.saturating_add(1);
    job.status = JobStatus::Settled(*result);
    job.version = job.version.saturating_add(1);
    record.payment = settled.payment;
    record.burned = settled.burned;
    record.reward = settled.reward;
    execution.state.put(&Key::Worker(record.worker), worker)?;
    execution.state.put(&Key::Lease(record.lease), lease)?;
    execution.state.put(&Key::Job(record.job), job)?;
    review::finish(execution, result, record, ResultStage::Settled)
}

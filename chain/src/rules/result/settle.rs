//! What an accepted result does: spend, pay, mint, return, record.

use super::check::Accepted;
use crate::economics::{emission, reward};
use crate::rules::{Call, Execution, Failure, Reject, lease, timer};
use crate::state::keys::Key;
use crate::state::object::Spent;
use crate::types::block::ComputeResult;
use crate::types::event::Event;
use crate::types::ids::object_id;
use crate::types::job::{JobResult, JobStatus, LeaseStatus};

/// Settles an accepted result.
// spec: chain#settlement
pub(crate) fn accept(execution: &mut Execution<'_>, call: Call<'_>, accepted: Accepted) -> Result<(), Failure> {
    let Accepted { lease_id, mut lease, mut job, mut worker, work, evidence, receipt, output_hash, trust_bps } =
        accepted;
    let environment = execution.environment;
    let params = environment.params;
    let overflow = || Reject::AmountOverflow { what: "settlement" };
    let base = emission::base_per_unit(&params.reward, environment.epoch).ok_or_else(overflow)?;
    let escrow = std::mem::take(&mut job.escrow);
    let settled = reward::settle(&params.reward, &params.fee, base, job.units, trust_bps, job.price_per_unit, escrow)
        .ok_or_else(overflow)?;

    let spent = Spent { lease: lease_id, height: environment.height };
    execution.state.put(&Key::SpentWork(work), spent)?;
    execution.state.put(&Key::SpentEvidence(evidence), spent)?;
    timer::cancel(execution, &lease.timer)?;
    timer::cancel(execution, &job.timer)?;
    lease::release_bond(execution, &mut lease)?;
    lease::release_device(execution, &lease_id, &lease)?;

    execution.burn(settled.burned)?;
    execution.credit(&lease.operator, settled.paid)?;
    execution.credit(&job.poster, settled.returned)?;
    execution.mint(&lease.operator, settled.reward)?;

    let result = object_id(call.id, 0);
    let context = lease.context;
    let record = JobResult {
        version: 1,
        lease: lease_id,
        job: context.job_id,
        worker: context.worker,
        receipt,
        output_hash,
        units: job.units,
        trust_bps,
        payment: settled.payment,
        burned: settled.burned,
        reward: settled.reward,
        height: environment.height,
    };
    execution.results.push(ComputeResult {
        job: context.job_id,
        worker: context.worker,
        context_digest: context.digest(),
        receipt,
        model: context.model_hash,
        input_hash: context.input_hash,
        output_hash,
        units: job.units,
        trust_bps,
        reward: settled.reward,
    });
    execution.events.push(Event::Settled {
        result,
        job: context.job_id,
        reward: settled.reward,
        paid: settled.paid,
        burned: settled.burned,
        returned: settled.returned,
    });
    worker.completed = worker.completed.saturating_add(1);
    worker.version = worker.version.saturating_add(1);
    lease.status = LeaseStatus::Settled;
    lease.version = lease.version.saturating_add(1);
    job.status = JobStatus::Settled(result);
    job.version = job.version.saturating_add(1);
    execution.state.put(&Key::Result(result), record)?;
    execution.state.put(&Key::Worker(context.worker), worker)?;
    execution.state.put(&Key::Lease(lease_id), lease)?;
    execution.state.put(&Key::Job(context.job_id), job)?;
    Ok(())
}

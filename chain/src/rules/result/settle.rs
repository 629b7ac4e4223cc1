//! What an accepted result does: spend, then at once or after its review pay, mint, return, record.

use super::check::Accepted;
use crate::economics::reward::{self, Multipliers, RewardFactors};
use crate::economics::{audit, emission, hours, share};
use crate::rules::{Call, Execution, Failure, Reject, epoch, lease, review, standing, timer};
use crate::state::keys::Key;
use crate::state::object::Spent;
use crate::types::block::ComputeResult;
use crate::types::event::Event;
use crate::types::ids::{Address, Hash, object_id};
use crate::types::job::{InferenceJob, JobResult, JobStatus, LeaseKind, LeaseStatus, ResultStage, WorkLease};
use crate::types::params::{BPS, Meter};
use crate::types::standing::{AIRDROP_BONUS_BPS, Standing};
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
    let escrow = std::mem::take(&mut job.escrow);
    let trust_bps = record.trust_bps;
    let earned = earned(execution, &record, &worker)?;
    let settled = reward::settle(&params.reward, &params.fee, job.units, job.price_per_unit, escrow, earned)
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
        standing.tier = standing.tier.max(params.epoch.tier(standing.units));
    })?;
    epoch::record(execution, &record.worker, &lease.operator, |running, payout| {
        let units = u128::from(job.units);
        running.units = running.units.checked_add(units)?;
        running.minted = running.minted.checked_add(settled.reward)?;
        running.paid = running.paid.checked_add(settled.paid)?;
        payout.results = payout.results.checked_add(1)?;
        payout.units = payout.units.checked_add(units)?;
        payout.minted = payout.minted.checked_add(settled.reward)?;
        payout.paid = payout.paid.checked_add(settled.paid)?;
        Some(())
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

/// What a result earns its worker by the chain's meter, before the cap of I4, micro-tokens.
// spec: chain#reward
fn earned(execution: &mut Execution<'_>, record: &JobResult, worker: &WorkerRegistration) -> Result<u128, Failure> {
    let (params, now) = (execution.environment.params, execution.environment.epoch);
    let standing = standing::of(execution, &record.worker)?;
    let multipliers = Multipliers {
        difficulty_bps: epoch::running(execution)?.difficulty_bps,
        tier_bps: BPS.saturating_add(tier_bonus(params.epoch.airdrop_until, &standing, worker)),
        uptime_bps: BPS.saturating_add(epoch::uptime_bonus_bps(execution, &record.worker)?),
    };
    let earned = match params.epoch.meter {
        Meter::Units => emission::base_per_unit(&params.reward, now).and_then(|base_per_unit| {
            let (units, trust_bps) = (record.units, record.trust_bps);
            RewardFactors { base_per_unit, units, trust_bps, multipliers }.reward()
        }),
        // spec: chain#hardware-hours
        Meter::HardwareHours => hours::earned(&params.reward, now, &standing.rates, record.elapsed_ms)
            .and_then(|amount| multipliers.apply(amount, record.trust_bps)),
    };
    Ok(earned.ok_or(Reject::AmountOverflow { what: "reward" })?)
}

/// The greater of what the tier reached and an early registration add, bps.
// spec: chain#reward-tier
fn tier_bonus(airdrop_until: u64, standing: &Standing, worker: &WorkerRegistration) -> u32 {
    let airdrop = if worker.registered_height <= airdrop_until { AIRDROP_BONUS_BPS } else { 0 };
    standing.tier.bonus_bps().max(airdrop)
}

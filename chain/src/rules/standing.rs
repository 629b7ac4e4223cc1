//! A worker's record: what leases, receipts and convictions make of it, and what follows from that.

use attestation::receipt::ReceiptError;

use super::plausible::contradiction;
use super::result::check::same_context;
use super::review::dispute::distribute;
use super::{Call, Execution, Failure, Reject};
use crate::economics::share;
use crate::state::keys::Key;
use crate::state::object::Spent;
use crate::state::overlay::StateError;
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::job::WorkLease;
use crate::types::ledger::Stake;
use crate::types::model::Model;
use crate::types::standing::Standing;
use crate::types::transaction::ReportImplausible;
use crate::types::worker::WorkerRegistration;

/// A worker's standing; one that nothing happened to has the first.
pub(crate) fn of(execution: &mut Execution<'_>, worker: &Hash) -> Result<Standing, StateError> {
    Ok(execution.state.get(&Key::Standing(*worker))?.unwrap_or_default())
}

/// Changes a worker's standing.
pub(crate) fn change(
    execution: &mut Execution<'_>,
    worker: &Hash,
    change: impl FnOnce(&mut Standing),
) -> Result<Standing, StateError> {
    let mut standing = of(execution, worker)?;
    change(&mut standing);
    standing.version = standing.version.saturating_add(1);
    execution.state.put(&Key::Standing(*worker), standing)?;
    Ok(standing)
}

/// Refuses work to a worker that is banned or suspended.
// spec: chain#worker-banned
pub(crate) fn admit(
    execution: &mut Execution<'_>,
    worker: &Hash,
    registration: &WorkerRegistration,
) -> Result<(), Failure> {
    if registration.is_banned() {
        return Err(Reject::WorkerBanned { worker: *worker, convictions: registration.convictions }.into());
    }
    let standing = of(execution, worker)?;
    // spec: chain#worker-fraudulent
    let max = execution.environment.params.standing.fraud_max;
    if standing.implausible >= max {
        return Err(Reject::WorkerFraudulent { worker: *worker, implausible: standing.implausible }.into());
    }
    // spec: chain#worker-suspended
    if standing.is_suspended(execution.environment.height) {
        return Err(Reject::WorkerSuspended { worker: *worker, until: standing.suspended_until }.into());
    }
    Ok(())
}

/// Counts a lease that ran out; the last of several in a row suspends the worker for a time.
// spec: chain#worker-suspended
pub(crate) fn time_out(execution: &mut Execution<'_>, worker: &Hash) -> Result<(), StateError> {
    let (params, height) = (execution.environment.params.standing, execution.environment.height);
    let mut suspended = false;
    let standing = change(execution, worker, |standing| {
        standing.time_out();
        if standing.timeouts_in_row >= params.timeouts_max {
            standing.timeouts_in_row = 0;
            standing.suspended_until = height.saturating_add(params.suspension);
            suspended = true;
        }
    })?;
    if suspended {
        execution.events.push(Event::WorkerSuspended { worker: *worker, until: standing.suspended_until });
    }
    Ok(())
}

/// Counts a receipt that the worker signed although its own figures contradict each other; from the third on it pays.
///
/// A refused result is in no block and can move nothing, so whoever was sent such a receipt shows it here. Only what
/// the receipt says of itself counts, and what a model says that never changes: nobody is slashed for a registration
/// that changed after the receipt was signed.
// spec: chain#report-implausible
pub(crate) fn report(execution: &mut Execution<'_>, call: Call<'_>, action: &ReportImplausible) -> Result<(), Failure> {
    let environment = execution.environment;
    let id = action.lease;
    let lease: Option<WorkLease> = execution.state.get(&Key::Lease(id))?;
    let lease = lease.ok_or(Reject::LeaseUnknown { lease: id })?;
    let receipt = &action.signed.receipt;
    same_context(&lease.context, &receipt.context)?;
    // spec: chain#report-late
    let until = lease.closes_height.saturating_add(environment.params.window.evidence_age);
    if environment.height > until {
        return Err(Reject::ReportLate { lease: id, until }.into());
    }
    // One for each lease: a worker that signs ten receipts for one lease tried once.
    // spec: chain#report-duplicate
    let key = Key::SpentReport(id);
    if execution.state.contains(&key)? {
        return Err(Reject::ReportDuplicate { lease: id }.into());
    }
    match action.signed.verify() {
        Ok(()) | Err(ReceiptError::CompletedBeforeLease { .. }) => {}
        Err(error) => return Err(Reject::ReceiptInvalid(error).into()),
    }
    // spec: chain#receipt-plausible
    let model: Model = execution.state.expect(&Key::Model(lease.context.model_hash))?;
    if contradiction(receipt, model.tokens_billed()).is_none() {
        return Err(Reject::ReceiptPlausible { lease: id }.into());
    }
    execution.state.put(&key, Spent { lease: id, height: environment.height })?;
    let worker = lease.context.worker;
    let standing =
        change(execution, &worker, |standing| standing.implausible = standing.implausible.saturating_add(1))?;
    let params = environment.params.standing;
    let mut slashed = 0;
    if standing.implausible >= params.fraud_slash_from {
        slashed = slash_stake(execution, &worker, params.fraud_slash_bps)?;
        if lease.operator == *call.sender {
            // Nobody earns by reporting itself.
            execution.burn(slashed)?;
        } else {
            distribute(execution, slashed, call.sender, &[])?;
        }
    }
    let count = standing.implausible;
    execution.events.push(Event::ImplausibleReported { lease: id, worker, count, slashed });
    Ok(())
}

/// Takes a share of all free and unbonding stake of a worker; the caller places it.
fn slash_stake(execution: &mut Execution<'_>, worker: &Hash, bps: u32) -> Result<u128, Failure> {
    let overflow = || Reject::AmountOverflow { what: "slash" };
    let key = Key::Stake(*worker);
    let mut stake: Stake = execution.state.expect(&key)?;
    let mut slashed = 0u128;
    for amount in std::iter::once(&mut stake.amount).chain(stake.unbonding.iter_mut().map(|part| &mut part.amount)) {
        let taken = share(*amount, bps).ok_or_else(overflow)?;
        *amount = amount.checked_sub(taken).ok_or_else(overflow)?;
        slashed = slashed.checked_add(taken).ok_or_else(overflow)?;
    }
    execution.state.put(&key, stake)?;
    Ok(slashed)
}

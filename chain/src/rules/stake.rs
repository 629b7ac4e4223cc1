//! Stake: locking value behind a worker, and getting it back.
//!
//! Unstaked value waits out the unbonding period in a queue and can be withdrawn afterwards. Value bonded to a lease is
//! held by the lease and returns to the free stake when the lease ends, so it cannot be unstaked meanwhile.

use super::{Call, Execution, Failure, Reject};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::{Address, Hash};
use crate::types::ledger::{Stake, Unbonding};
use crate::types::transaction::{AddStake, Unstake, Withdraw};
use crate::types::worker::WorkerRegistration;

/// Most parts that can be unbonding at a time.
pub(crate) const UNBONDING_PARTS_MAX: usize = 16;

/// Adds to a worker's free stake.
// spec: chain#stake
pub(crate) fn add(execution: &mut Execution<'_>, call: Call<'_>, action: &AddStake) -> Result<(), Failure> {
    if action.amount == 0 {
        return Err(Reject::AmountZero { what: "stake" }.into());
    }
    operated(execution, &action.worker, call.sender)?;
    execution.debit(call.sender, action.amount)?;
    let mut stake: Stake = execution.state.expect(&Key::Stake(action.worker))?;
    stake.amount = stake.amount.checked_add(action.amount).ok_or(Reject::AmountOverflow { what: "stake" })?;
    store(execution, &action.worker, stake)
}

/// Moves free stake into the unbonding queue.
// spec: chain#unstake
pub(crate) fn unstake(execution: &mut Execution<'_>, call: Call<'_>, action: &Unstake) -> Result<(), Failure> {
    if action.amount == 0 {
        return Err(Reject::AmountZero { what: "unstake" }.into());
    }
    operated(execution, &action.worker, call.sender)?;
    let mut stake: Stake = execution.state.expect(&Key::Stake(action.worker))?;
    // spec: chain#stake-short
    let short = Reject::StakeShort { needed: action.amount, got: stake.amount };
    stake.amount = stake.amount.checked_sub(action.amount).ok_or(short)?;
    // spec: chain#unbonding-full
    if stake.unbonding.len() >= UNBONDING_PARTS_MAX {
        return Err(Reject::UnbondingFull { max: UNBONDING_PARTS_MAX }.into());
    }
    let environment = execution.environment;
    let release_height = environment.height.saturating_add(environment.params.window.unbonding);
    stake.unbonding.push(Unbonding { amount: action.amount, release_height });
    store(execution, &action.worker, stake)
}

/// Pays out every part whose unbonding period is over.
// spec: chain#withdraw
pub(crate) fn withdraw(execution: &mut Execution<'_>, call: Call<'_>, action: &Withdraw) -> Result<(), Failure> {
    operated(execution, &action.worker, call.sender)?;
    let height = execution.environment.height;
    let mut stake: Stake = execution.state.expect(&Key::Stake(action.worker))?;
    let (due, waiting): (Vec<Unbonding>, Vec<Unbonding>) =
        stake.unbonding.iter().partition(|part| part.release_height <= height);
    // spec: chain#withdrawal-early
    if due.is_empty() {
        let first = waiting.iter().map(|part| part.release_height).min();
        return Err(Reject::WithdrawalEarly { due: first, height }.into());
    }
    let overflow = Reject::AmountOverflow { what: "withdrawal" };
    let amount = due.iter().try_fold(0u128, |sum, part| sum.checked_add(part.amount)).ok_or(overflow)?;
    stake.unbonding = waiting;
    execution.state.put(&Key::Stake(action.worker), stake)?;
    execution.credit(call.sender, amount)?;
    execution.events.push(Event::Withdrawn { worker: action.worker, amount });
    Ok(())
}

/// Moves free stake into a bond that the caller stores; false, and nothing moved, when there is too little.
pub(crate) fn lock(execution: &mut Execution<'_>, worker: &Hash, bond: u128) -> Result<bool, Failure> {
    let key = Key::Stake(*worker);
    let mut stake: Stake = execution.state.expect(&key)?;
    let Some(amount) = stake.amount.checked_sub(bond) else { return Ok(false) };
    stake.amount = amount;
    stake.bonded = stake.bonded.checked_add(bond).ok_or(Reject::AmountOverflow { what: "bonded stake" })?;
    execution.state.put(&key, stake)?;
    Ok(true)
}

/// Returns a bond to the free stake it came from.
pub(crate) fn release(execution: &mut Execution<'_>, worker: &Hash, bond: u128) -> Result<(), Failure> {
    forfeit(execution, worker, bond)?;
    let key = Key::Stake(*worker);
    let mut stake: Stake = execution.state.expect(&key)?;
    stake.amount = stake.amount.checked_add(bond).ok_or(Reject::AmountOverflow { what: "stake" })?;
    Ok(execution.state.put(&key, stake)?)
}

/// Takes a bond off the worker's books; what becomes of it is the caller's.
pub(crate) fn forfeit(execution: &mut Execution<'_>, worker: &Hash, bond: u128) -> Result<(), Failure> {
    let key = Key::Stake(*worker);
    let mut stake: Stake = execution.state.expect(&key)?;
    stake.bonded = stake.bonded.checked_sub(bond).ok_or(Reject::AmountOverflow { what: "bonded stake" })?;
    Ok(execution.state.put(&key, stake)?)
}

/// The worker, if `sender` operates it.
pub(crate) fn operated(
    execution: &mut Execution<'_>,
    worker: &Hash,
    sender: &Address,
) -> Result<WorkerRegistration, Failure> {
    // spec: chain#worker-unknown
    let registration: Option<WorkerRegistration> = execution.state.get(&Key::Worker(*worker))?;
    let registration = registration.ok_or(Reject::WorkerUnknown { worker: *worker })?;
    // spec: chain#operator-mismatch
    if registration.operator != *sender {
        let (expected, got) = (registration.operator, *sender);
        return Err(Reject::OperatorMismatch { worker: *worker, expected, got }.into());
    }
    Ok(registration)
}

fn store(execution: &mut Execution<'_>, worker: &Hash, stake: Stake) -> Result<(), Failure> {
    let amount = stake.amount;
    execution.state.put(&Key::Stake(*worker), stake)?;
    execution.events.push(Event::StakeChanged { worker: *worker, amount });
    Ok(())
}

//! Epochs: what is counted while one runs, and what its edge does.
//!
//! The edge is the first block of a later epoch, before its transactions: a chain that makes no blocks while nothing
//! waits has no last block of an epoch. Rewards of work are minted when a result is settled, because a proof makes it
//! final; the batch commits to all of them together, and what only a whole epoch can share out, the capacity pool, is
//! minted here.

use super::{Execution, Failure, Reject, standing};
use crate::economics::epoch::{self as economics, capacity_share, next_difficulty_bps};
use crate::state::keys::Key;
use crate::state::overlay::StateError;
use crate::types::epoch::{EpochBatch, Payout, PayoutPlace, RunningEpoch, payout_root};
use crate::types::event::Event;
use crate::types::ids::{Address, Hash, genesis_beacon};
use crate::types::snapshot::ResourceSnapshot;

/// The epoch that runs; before anything was counted, the first.
pub(crate) fn running(execution: &mut Execution<'_>) -> Result<RunningEpoch, StateError> {
    let environment = execution.environment;
    let running = execution.state.get(&Key::RunningEpoch)?;
    Ok(running.unwrap_or_else(|| RunningEpoch {
        epoch: 0,
        difficulty_bps: environment.params.reward.difficulty_bps,
        seed: genesis_beacon(environment.genesis),
        payouts: 0,
        units: 0,
        minted: 0,
        paid: 0,
        capacity_weight: 0,
    }))
}

/// Closes the epoch that ran if the block is of a later one.
// spec: chain#epoch-batch
pub(crate) fn turn(execution: &mut Execution<'_>) -> Result<(), Failure> {
    let environment = execution.environment;
    let ended = running(execution)?;
    if ended.epoch >= environment.epoch {
        return Ok(());
    }
    let params = environment.params.epoch;
    let overflow = || Reject::AmountOverflow { what: "capacity pool" };
    let mut payouts = Vec::new();
    let mut capacity = 0u128;
    for index in 0..ended.payouts {
        let key = Key::Payout(ended.epoch, index);
        let mut payout: Payout = execution.state.expect(&key)?;
        // spec: chain#capacity-pool
        let share = capacity_share(params.capacity_pool, payout.capacity_weight, ended.capacity_weight);
        payout.capacity = share.ok_or_else(overflow)?;
        if payout.capacity > 0 {
            execution.mint(&payout.operator, payout.capacity)?;
            capacity = capacity.checked_add(payout.capacity).ok_or_else(overflow)?;
            execution.state.put(&key, payout)?;
        }
        payouts.push(payout);
    }
    // spec: chain#difficulty
    let difficulty_bps = next_difficulty_bps(&params, ended.difficulty_bps, ended.units);
    let batch = EpochBatch {
        version: 1,
        epoch: ended.epoch,
        closed_height: environment.height,
        difficulty_bps: ended.difficulty_bps,
        next_difficulty_bps: difficulty_bps,
        payouts: ended.payouts,
        units: ended.units,
        minted: ended.minted,
        paid: ended.paid,
        capacity,
        payout_root: payout_root(&payouts),
    };
    execution.state.put(&Key::EpochBatch(ended.epoch), batch)?;
    forget(execution, ended.epoch)?;
    let running = RunningEpoch {
        epoch: environment.epoch,
        difficulty_bps,
        seed: environment.beacon,
        payouts: 0,
        units: 0,
        minted: 0,
        paid: 0,
        capacity_weight: 0,
    };
    execution.state.put(&Key::RunningEpoch, running)?;
    execution.events.push(Event::EpochClosed {
        epoch: batch.epoch,
        payouts: batch.payouts,
        payout_root: batch.payout_root,
        minted: batch.minted,
        capacity,
        next_difficulty_bps: difficulty_bps,
    });
    Ok(())
}

/// Deletes the payouts of every epoch that left the window when `ended` closed; epochs without blocks had none.
fn forget(execution: &mut Execution<'_>, ended: u64) -> Result<(), StateError> {
    let environment = execution.environment;
    let kept = environment.params.epoch.payouts_kept;
    let (Some(first), Some(last)) = (ended.checked_sub(kept), environment.epoch.checked_sub(kept)) else {
        return Ok(());
    };
    // What a jump over empty epochs skips beyond the window is empty too.
    for epoch in first..last.min(first.saturating_add(kept)) {
        let Some(batch) = execution.state.get::<EpochBatch>(&Key::EpochBatch(epoch))? else { continue };
        for index in 0..batch.payouts {
            execution.state.delete(&Key::Payout(epoch, index))?;
        }
    }
    Ok(())
}

/// Counts something that a worker got in the epoch that runs.
pub(crate) fn record(
    execution: &mut Execution<'_>,
    worker: &Hash,
    operator: &Address,
    count: impl FnOnce(&mut RunningEpoch, &mut Payout) -> Option<()>,
) -> Result<(), Failure> {
    let mut running = running(execution)?;
    let epoch = running.epoch;
    let place = standing::of(execution, worker)?.payout.filter(|place| place.epoch == epoch);
    let (index, mut payout) = match place {
        Some(PayoutPlace { index, .. }) => (index, execution.state.expect(&Key::Payout(epoch, index))?),
        None => {
            let index = running.payouts;
            running.payouts = index.checked_add(1).ok_or(Reject::AmountOverflow { what: "payouts" })?;
            standing::change(execution, worker, |standing| standing.payout = Some(PayoutPlace { epoch, index }))?;
            (index, Payout::none(epoch, *worker, *operator))
        }
    };
    count(&mut running, &mut payout).ok_or(Reject::AmountOverflow { what: "epoch" })?;
    execution.state.put(&Key::Payout(epoch, index), payout)?;
    Ok(execution.state.put(&Key::RunningEpoch, running)?)
}

/// What the uptime of a worker adds to its rewards, bps.
// spec: chain#uptime
pub(crate) fn uptime_bonus_bps(execution: &mut Execution<'_>, worker: &Hash) -> Result<u32, StateError> {
    Ok(economics::uptime_bonus_bps(uptime_bps(execution, worker)?))
}

/// Share of the epochs up to this one in which the worker answered its synthetic task, bps.
// spec: chain#uptime
pub(crate) fn uptime_bps(execution: &mut Execution<'_>, worker: &Hash) -> Result<u32, StateError> {
    let environment = execution.environment;
    let Some(snapshot) = execution.state.get::<ResourceSnapshot>(&Key::Snapshot(*worker))? else { return Ok(0) };
    // The epoch that runs may still be answered: what counts ends with the latest that was, or with the last one.
    let elapsed = environment.epoch.saturating_sub(1).saturating_sub(snapshot.epoch);
    Ok(economics::uptime_bps(economics::later(snapshot.history, elapsed), environment.params.epoch.uptime_window))
}

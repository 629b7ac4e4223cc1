//! Timers: what happens at a height without anybody asking for it.
//!
//! A timer is an entry under its kind and height. Setting one costs two writes whatever their number; firing reads the
//! counter and then each entry, and deletes all. A timer that is no longer wanted is deleted from its slot, so no block
//! is made for it.

use super::{Execution, Failure, Reject, governance, job, lease, review, synthetic};
use crate::state::keys::Key;
use crate::state::object::{Clock, Timer};
use crate::state::overlay::StateError;
use crate::types::ids::Hash;
use crate::types::timer::{TimerKind, TimerSlot};

/// Most timers of one kind that transactions can set for one height.
pub(crate) const TIMERS_PER_HEIGHT_MAX: u32 = 4096;

/// Sets a timer on behalf of a transaction.
// spec: chain#timers
pub(crate) fn set(
    execution: &mut Execution<'_>,
    kind: TimerKind,
    height: u64,
    object: Hash,
) -> Result<TimerSlot, Failure> {
    let count = execution.state.get::<u32>(&Key::TimerCount(kind, height))?.unwrap_or(0);
    // spec: chain#timers-full
    if count >= TIMERS_PER_HEIGHT_MAX {
        return Err(Reject::TimersFull { height, max: TIMERS_PER_HEIGHT_MAX }.into());
    }
    Ok(place(execution, kind, height, object)?)
}

/// Sets a timer that follows from another one; their number is bounded by that of the ones they follow.
pub(crate) fn place(
    execution: &mut Execution<'_>,
    kind: TimerKind,
    height: u64,
    object: Hash,
) -> Result<TimerSlot, StateError> {
    let key = Key::TimerCount(kind, height);
    let index = execution.state.get::<u32>(&key)?.unwrap_or(0);
    execution.state.put(&key, index.saturating_add(1))?;
    execution.state.put(&Key::Timer(kind, height, index), Timer { object })?;
    count_running(execution, |timers| timers.saturating_add(1))?;
    Ok(TimerSlot { kind, height, index })
}

/// Deletes a timer that has not fired.
pub(crate) fn cancel(execution: &mut Execution<'_>, slot: &TimerSlot) -> Result<(), StateError> {
    let key = Key::Timer(slot.kind, slot.height, slot.index);
    if execution.state.contains(&key)? {
        execution.state.delete(&key)?;
        count_running(execution, |timers| timers.saturating_sub(1))?;
    }
    Ok(())
}

/// Fires every timer of this height, kind by kind, in the order they were set.
// CONSENSUS: leases expire before the jobs under them, so that a job whose lease runs out at its deadline expires; a change
// takes effect after everything else of its epoch, under the parameters of that epoch.
pub(crate) fn fire(execution: &mut Execution<'_>) -> Result<(), StateError> {
    let height = execution.environment.height;
    for kind in TimerKind::ALL {
        let count = execution.state.get::<u32>(&Key::TimerCount(kind, height))?.unwrap_or(0);
        if count == 0 {
            continue;
        }
        execution.state.delete(&Key::TimerCount(kind, height))?;
        for index in 0..count {
            let key = Key::Timer(kind, height, index);
            let Some(Timer { object }) = execution.state.get(&key)? else { continue };
            cancel(execution, &TimerSlot { kind, height, index })?;
            match kind {
                TimerKind::LeaseExpiry => lease::expire(execution, &object)?,
                TimerKind::LeaseClose => lease::close(execution, &object)?,
                TimerKind::Review => review::advance(execution, &object)?,
                TimerKind::JobDeadline => job::expire(execution, &object)?,
                TimerKind::Vote => governance::count(execution, &object)?,
                TimerKind::Synthetic => synthetic::advance(execution, &object)?,
                TimerKind::Canary => review::canary::lapse(execution, &object)?,
                TimerKind::Change => governance::edge(execution, &object)?,
            }
        }
    }
    Ok(())
}

fn count_running(execution: &mut Execution<'_>, change: impl Fn(u64) -> u64) -> Result<(), StateError> {
    let mut clock: Clock = execution.state.expect(&Key::Clock)?;
    clock.timers = change(clock.timers);
    execution.state.put(&Key::Clock, clock)
}

//! Synthetic tasks: a worker shows, once an epoch, that a machine computes behind its key.
//!
//! The worker commits to a product before anybody knows which rows will be asked for; the beacon of a later block draws
//! them, and the worker opens them. What it earns by that is a record: the snapshot from which uptime and the capacity
//! pool follow. A worker that committed to what it did not compute cannot open a drawn row, and its bond pays.

use verifier::inclusion::List;

use super::{Call, Execution, Failure, Reject, epoch, stake, standing, timer};
use crate::economics::{self, share};
use crate::state::keys::Key;
use crate::state::overlay::StateError;
use crate::synthetic::{SIZE, drawn_rows, product_row, row_bytes, rows, task};
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::snapshot::{ResourceSnapshot, SyntheticClaim};
use crate::types::timer::TimerKind;
use crate::types::transaction::{OpenSynthetic, OpenedRow, SyntheticResult};
use crate::types::worker::WorkerRegistration;

/// Takes a commitment to the product of this epoch's task.
// spec: chain#synthetic-result
pub(crate) fn commit(execution: &mut Execution<'_>, call: Call<'_>, action: &SyntheticResult) -> Result<(), Failure> {
    let environment = execution.environment;
    let worker = action.worker;
    let registration = stake::operated(execution, &worker, call.sender)?;
    standing::admit(execution, &worker, &registration)?;
    // spec: chain#task-stale
    let expected = epoch::running(execution)?.epoch;
    if action.epoch != expected {
        return Err(Reject::TaskStale { expected, got: action.epoch }.into());
    }
    // spec: chain#task-answered
    let snapshot: Option<ResourceSnapshot> = execution.state.get(&Key::Snapshot(worker))?;
    if snapshot.is_some_and(|snapshot| snapshot.epoch == expected)
        || execution.state.contains(&Key::Synthetic(worker))?
    {
        return Err(Reject::TaskAnswered { worker, epoch: expected }.into());
    }
    // What is committed in an epoch is opened in it, so that it counts there.
    // spec: chain#task-late
    let window = &environment.params.window;
    let draw = environment.height.saturating_add(window.draw);
    let until = draw.saturating_add(window.review);
    let blocks = environment.params.block.epoch_blocks;
    if until.checked_div(blocks).is_none_or(|ends| ends > expected) {
        return Err(Reject::TaskLate { until, epoch: expected }.into());
    }
    let bond = environment.params.bond.audit;
    if !stake::lock(execution, &worker, bond)? {
        let stake: crate::types::ledger::Stake = execution.state.expect(&Key::Stake(worker))?;
        return Err(Reject::BondUncovered { needed: bond, got: stake.amount }.into());
    }
    let timer = timer::set(execution, TimerKind::Synthetic, draw, worker)?;
    let claim = SyntheticClaim {
        version: 1,
        operator: *call.sender,
        epoch: expected,
        root: action.root,
        bond,
        rows: Vec::new(),
        timer,
    };
    execution.state.put(&Key::Synthetic(worker), claim)?;
    execution.events.push(Event::SyntheticCommitted { worker, epoch: expected, root: action.root });
    Ok(())
}

/// Draws the rows of a commitment, or ends the time to open them.
// spec: chain#synthetic-draw
pub(crate) fn advance(execution: &mut Execution<'_>, worker: &Hash) -> Result<(), StateError> {
    let environment = execution.environment;
    let key = Key::Synthetic(*worker);
    let mut claim: SyntheticClaim = execution.state.expect(&key)?;
    if !claim.rows.is_empty() {
        return Ok(forfeit(execution, worker, &claim)?);
    }
    let count = environment.params.audit.synthetic_rows;
    claim.rows = drawn_rows(&environment.beacon, worker, &claim.root, count);
    let open_until = environment.height.saturating_add(environment.params.window.review);
    claim.timer = timer::place(execution, TimerKind::Synthetic, open_until, *worker)?;
    claim.version = claim.version.saturating_add(1);
    execution.events.push(Event::SyntheticDrawn { worker: *worker, rows: claim.rows.clone(), open_until });
    execution.state.put(&key, claim)
}

/// Ends a commitment that was not opened: a share of its bond burns.
// spec: chain#synthetic-unopened
fn forfeit(execution: &mut Execution<'_>, worker: &Hash, claim: &SyntheticClaim) -> Result<(), Failure> {
    let overflow = || Reject::AmountOverflow { what: "slash" };
    let slashed = share(claim.bond, execution.environment.params.slash.wrong_check_bps).ok_or_else(overflow)?;
    stake::forfeit(execution, worker, slashed)?;
    execution.burn(slashed)?;
    stake::release(execution, worker, claim.bond.checked_sub(slashed).ok_or_else(overflow)?)?;
    execution.state.delete(&Key::Synthetic(*worker))?;
    execution.events.push(Event::SyntheticFailed { worker: *worker, epoch: claim.epoch, slashed });
    Ok(())
}

/// Opens the drawn rows: each is recomputed, and the snapshot counts the answer.
// spec: chain#open-synthetic
pub(crate) fn open(execution: &mut Execution<'_>, call: Call<'_>, action: &OpenSynthetic) -> Result<(), Failure> {
    let environment = execution.environment;
    let worker = action.worker;
    let registration = stake::operated(execution, &worker, call.sender)?;
    // spec: chain#task-unknown
    let claim: Option<SyntheticClaim> = execution.state.get(&Key::Synthetic(worker))?;
    let claim = claim.ok_or(Reject::TaskUnknown { worker })?;
    // spec: chain#rows-undrawn
    if claim.rows.is_empty() {
        return Err(Reject::RowsUndrawn { worker, height: claim.timer.height }.into());
    }
    // spec: chain#row-count
    let (expected, got) = (claim.rows.len(), action.rows.len());
    if got != expected {
        return Err(Reject::RowCount { expected, got }.into());
    }
    let seed = epoch::running(execution)?.seed;
    let task = task(&seed, claim.epoch, &worker);
    for (row, opened) in claim.rows.iter().zip(&action.rows) {
        check_row(&task, &claim.root, *row, opened)?;
    }
    timer::cancel(execution, &claim.timer)?;
    stake::release(execution, &worker, claim.bond)?;
    execution.state.delete(&Key::Synthetic(worker))?;
    let snapshot = answered(execution, &worker, &registration, claim.epoch)?;
    let weight = capacity_weight(execution, &worker, &snapshot)?;
    epoch::record(execution, &worker, &registration.operator, |running, payout| {
        running.capacity_weight = running.capacity_weight.checked_add(weight)?;
        payout.capacity_weight = payout.capacity_weight.checked_add(weight)?;
        Some(())
    })?;
    let uptime_bps = epoch::uptime_bps(execution, &worker)?;
    let event = Event::SyntheticAnswered { worker, epoch: claim.epoch, uptime_bps, height: environment.height };
    execution.events.push(event);
    Ok(())
}

fn check_row(task: &Hash, root: &Hash, row: u32, opened: &OpenedRow) -> Result<(), Reject> {
    let expected = u64::from(row);
    let unproven = |got| Reject::RowUnproven { expected, got };
    // spec: chain#row-unproven
    if opened.path.index != expected || opened.path.count != u64::from(rows()) || opened.values.len() != SIZE {
        return Err(unproven(opened.path.index));
    }
    let leaf = row_bytes(&opened.values);
    opened.path.verify(List::SyntheticRows, root, &leaf).map_err(|_| unproven(opened.path.index))?;
    // spec: chain#row-wrong
    let computed = product_row(task, row);
    let differs = computed.iter().zip(&opened.values).position(|(computed, opened)| computed != opened);
    match differs {
        Some(column) => Err(Reject::RowWrong { row, column }),
        None => Ok(()),
    }
}

/// The worker's snapshot with this epoch's answer.
// spec: chain#resource-snapshot
fn answered(
    execution: &mut Execution<'_>,
    worker: &Hash,
    registration: &WorkerRegistration,
    epoch: u64,
) -> Result<ResourceSnapshot, Failure> {
    let key = Key::Snapshot(*worker);
    let before: Option<ResourceSnapshot> = execution.state.get(&key)?;
    let attested_mib = standing::of(execution, worker)?.attested_mib;
    let (version, history, answers) = match before {
        Some(before) => {
            let elapsed = epoch.saturating_sub(before.epoch);
            (before.version, economics::epoch::later(before.history, elapsed), before.answered)
        }
        None => (0, 0, 0),
    };
    let snapshot = ResourceSnapshot {
        version: version.saturating_add(1),
        epoch,
        history: history | 1,
        answered: answers.saturating_add(1),
        declared_mib: registration.profile.video_memory_mib,
        attested_mib,
        height: execution.environment.height,
    };
    execution.state.put(&key, snapshot)?;
    Ok(snapshot)
}

/// What a worker's capacity weighs in this epoch: attested memory times uptime.
// spec: chain#capacity-pool
fn capacity_weight(execution: &mut Execution<'_>, worker: &Hash, snapshot: &ResourceSnapshot) -> Result<u128, Failure> {
    let uptime_bps = epoch::uptime_bps(execution, worker)?;
    let weight = u128::from(snapshot.attested_mib).checked_mul(uptime_bps.into());
    Ok(weight.ok_or(Reject::AmountOverflow { what: "capacity" })?)
}

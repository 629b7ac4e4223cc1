//! Transfers that were shown here and wait: whoever has the proof brings it once, and anybody releases the tokens later by
//! the claim's identifier alone, which an Ethereum wallet can.
//!
//! A record moves nothing and spends nothing: until it is released the transfer can still be claimed with its proof, or
//! expire and be refunded on its source. So a list that a stranger filled with small transfers blocks nobody: each of
//! them can be released, and what does not fit in is claimed with its proof.

use super::{admit, take};
use crate::rules::reject::teleport::TeleportReject;
use crate::rules::{Call, Execution, Failure};
use crate::state::keys::Key;
use crate::types::event::{Event, TeleportRecorded};
use crate::types::ids::{Address, Hash};
use crate::types::teleport::{TeleportRecord, WAITING_MAX, WaitingTeleports};
use crate::types::transaction::{RecordTeleport, ReleaseTeleport};

/// Keeps a transfer that its source shows, for its recipient.
// spec: chain#record-teleport
pub(crate) fn record(execution: &mut Execution<'_>, _: Call<'_>, action: &RecordTeleport) -> Result<(), Failure> {
    let RecordTeleport { id, teleport, proof } = action;
    admit(execution, id, teleport, proof)?;
    let claim = teleport.nullifier(id);
    let key = Key::TeleportRecord(claim);
    // spec: chain#teleport-recorded
    if let Some(record) = execution.state.get::<TeleportRecord>(&key)? {
        return Err(TeleportReject::Recorded { claim, height: record.height }.into());
    }
    let mut waiting = waiting(execution, &teleport.recipient)?;
    expire(execution, &mut waiting)?;
    // spec: chain#teleport-waiting-full
    if waiting.claims.len() >= WAITING_MAX {
        return Err(TeleportReject::WaitingFull { recipient: teleport.recipient, max: WAITING_MAX }.into());
    }
    waiting.claims.push(claim);
    let record = TeleportRecord { id: *id, teleport: *teleport, height: execution.environment.height };
    execution.state.put(&key, record)?;
    execution.state.put(&Key::WaitingTeleports(teleport.recipient), waiting)?;
    let (source, recipient, amount) = (teleport.source, teleport.recipient, teleport.amount);
    execution.events.push(Event::TeleportRecorded(TeleportRecorded {
        claim,
        teleport: *id,
        source,
        recipient,
        amount,
    }));
    Ok(())
}

/// Gives the recipient of a recorded transfer its tokens.
// spec: chain#release-teleport
pub(crate) fn release(execution: &mut Execution<'_>, _: Call<'_>, action: &ReleaseTeleport) -> Result<(), Failure> {
    let claim = action.claim;
    // spec: chain#teleport-unrecorded
    let record: Option<TeleportRecord> = execution.state.get(&Key::TeleportRecord(claim))?;
    let TeleportRecord { id, teleport, .. } = record.ok_or(TeleportReject::Unrecorded { claim })?;
    take(execution, &id, &teleport)
}

/// Forgets that a transfer waits, because it was claimed.
pub(super) fn forget(execution: &mut Execution<'_>, recipient: &Address, claim: &Hash) -> Result<(), Failure> {
    let key = Key::TeleportRecord(*claim);
    if !execution.state.contains(&key)? {
        return Ok(());
    }
    execution.state.delete(&key)?;
    let mut waiting = waiting(execution, recipient)?;
    waiting.claims.retain(|waits| waits != claim);
    keep(execution, recipient, waiting)
}

/// Drops what waited beyond its expiry.
fn expire(execution: &mut Execution<'_>, waiting: &mut WaitingTeleports) -> Result<(), Failure> {
    let now = execution.environment.time;
    let mut kept = Vec::with_capacity(waiting.claims.len());
    for claim in std::mem::take(&mut waiting.claims) {
        let key = Key::TeleportRecord(claim);
        let record: TeleportRecord = execution.state.expect(&key)?;
        if now > record.teleport.expires {
            execution.state.delete(&key)?;
        } else {
            kept.push(claim);
        }
    }
    waiting.claims = kept;
    Ok(())
}

fn waiting(execution: &mut Execution<'_>, recipient: &Address) -> Result<WaitingTeleports, Failure> {
    Ok(execution.state.get(&Key::WaitingTeleports(*recipient))?.unwrap_or_default())
}

fn keep(execution: &mut Execution<'_>, recipient: &Address, waiting: WaitingTeleports) -> Result<(), Failure> {
    let key = Key::WaitingTeleports(*recipient);
    if waiting.claims.is_empty() {
        execution.state.delete(&key)?;
    } else {
        execution.state.put(&key, waiting)?;
    }
    Ok(())
}

//! Tokens between chains: burning, claiming, refunding.
//!
//! What another chain holds is believed by one header, finalised by the validators that this chain's governance linked
//! ([`super::governance`]). Those validators could make up transfers; what they can make up is bounded by the link's
//! `inflow_max`. A claim is spent under a nullifier of everything it moves, in this chain's own tree, whose absence there is
//! what a refund on the source proves.

pub(crate) mod waiting;

use verifier::inclusion::CertificateError;

use super::reject::teleport::TeleportReject;
use super::{Call, Execution, Failure, Reject};
use crate::state::keys::Key;
use crate::state::object::Stored;
use crate::types::event::{Event, TeleportClaimed, TeleportRefunded, TeleportSent};
use crate::types::ids::{Hash, object_id};
use crate::types::ledger::Supply;
use crate::types::teleport::{ForeignProof, Link, Teleport, TeleportClaim, TeleportStatus};
use crate::types::transaction::{ClaimTeleport, RefundTeleport, TeleportOut, encode};

/// Longest time from a block to the expiry of a transfer that it takes, milliseconds: 30 days.
pub(crate) const EXPIRY_MS_MAX: u64 = 30 * 24 * 3_600_000;
/// Shortest, milliseconds: one minute, beyond what the clocks of two chains may differ by.
pub(crate) const EXPIRY_MS_MIN: u64 = 60_000;

/// Burns tokens for another chain.
// spec: chain#teleport-out
pub(crate) fn send(execution: &mut Execution<'_>, call: Call<'_>, action: &TeleportOut) -> Result<(), Failure> {
    let environment = execution.environment;
    let TeleportOut { destination, recipient, amount, expires } = *action;
    if amount == 0 {
        return Err(Reject::AmountZero { what: "teleport" }.into());
    }
    let mut link = linked(execution, destination)?;
    // A block yet to come is tried as early as it can be.
    let (min, max) = (environment.time.saturating_add(EXPIRY_MS_MIN), environment.time.saturating_add(EXPIRY_MS_MAX));
    // spec: chain#teleport-expiry-outside
    if !(min..=max).contains(&expires) {
        return Err(TeleportReject::ExpiryOutside { min, max, got: expires }.into());
    }
    execution.debit(call.sender, amount)?;
    link.sent = link.sent.checked_add(amount).ok_or(overflow("teleport"))?;
    let teleport = Teleport {
        source: environment.chain_id,
        source_genesis: *environment.genesis,
        destination,
        destination_genesis: link.peer.genesis,
        sender: *call.sender,
        recipient,
        amount,
        expires,
        status: TeleportStatus::Sent,
    };
    supply(execution, |supply| {
        supply.teleported_out = supply.teleported_out.checked_add(amount)?;
        Some(())
    })?;
    let id = object_id(call.id, 0);
    execution.state.put(&Key::Link(destination), link)?;
    execution.state.put(&Key::Teleport(id), teleport)?;
    execution.events.push(Event::TeleportSent(TeleportSent { teleport: id, destination, recipient, amount, expires }));
    Ok(())
}

/// Makes the tokens that another chain burned for an account here.
// spec: chain#claim-teleport
pub(crate) fn claim(execution: &mut Execution<'_>, _: Call<'_>, action: &ClaimTeleport) -> Result<(), Failure> {
    let ClaimTeleport { id, teleport, proof } = action;
    admit(execution, id, teleport, proof)?;
    take(execution, id, teleport)
}

/// Whether a transfer can be claimed here, and its source shows it.
fn admit(execution: &mut Execution<'_>, id: &Hash, teleport: &Teleport, proof: &ForeignProof) -> Result<(), Failure> {
    let environment = execution.environment;
    // spec: chain#teleport-elsewhere
    if (teleport.destination, &teleport.destination_genesis) != (environment.chain_id, environment.genesis) {
        let (expected, got) = (environment.chain_id, teleport.destination);
        return Err(TeleportReject::Elsewhere { teleport: *id, expected, got }.into());
    }
    let link = linked(execution, teleport.source)?;
    claimable(execution, id, teleport)?;
    finalised(&link, proof)?;
    // spec: chain#teleport-not-sent
    if teleport.status != TeleportStatus::Sent || teleport.source_genesis != link.peer.genesis {
        return Err(TeleportReject::NotSent { teleport: *id }.into());
    }
    // spec: chain#teleport-unproven
    let (object, value) = (Key::Teleport(*id).to_bytes(), encode(&teleport.into_object()));
    let shown = proof.state.verify_inclusion(&proof.header.state_root, &object, &value);
    Ok(shown.map_err(TeleportReject::Unproven)?)
}

/// Neither claimed nor expired.
fn claimable(execution: &mut Execution<'_>, id: &Hash, teleport: &Teleport) -> Result<(), Failure> {
    // spec: chain#teleport-claimed
    if let Some(claim) = execution.state.get::<TeleportClaim>(&Key::TeleportClaim(teleport.nullifier(id)))? {
        return Err(TeleportReject::Claimed { teleport: *id, height: claim.height }.into());
    }
    // CONSENSUS: a refund is given for a header later than the expiry that holds no claim.
    // spec: chain#teleport-expired
    let time = execution.environment.time;
    if time > teleport.expires {
        return Err(TeleportReject::Expired { teleport: *id, expires: teleport.expires, time }.into());
    }
    Ok(())
}

/// Gives the recipient of an admitted transfer its tokens, and spends the claim.
fn take(execution: &mut Execution<'_>, id: &Hash, teleport: &Teleport) -> Result<(), Failure> {
    claimable(execution, id, teleport)?;
    let mut link = linked(execution, teleport.source)?;
    link.received = link.received.checked_add(teleport.amount).ok_or(overflow("teleport"))?;
    // spec: chain#teleport-inflow
    let max = link.sent.saturating_add(link.peer.inflow_max);
    if link.received > max {
        return Err(TeleportReject::Inflow { chain_id: teleport.source, max, got: link.received }.into());
    }
    supply(execution, |supply| {
        supply.teleported_in = supply.teleported_in.checked_add(teleport.amount)?;
        Some(())
    })?;
    let Teleport { source, recipient, amount, .. } = *teleport;
    let (claim, height) = (teleport.nullifier(id), execution.environment.height);
    execution.credit(&recipient, amount)?;
    execution.state.put(&Key::Link(source), link)?;
    execution.state.put(&Key::TeleportClaim(claim), TeleportClaim { teleport: *id, height })?;
    waiting::forget(execution, &recipient, &claim)?;
    execution.events.push(Event::TeleportClaimed(TeleportClaimed { teleport: *id, source, recipient, amount }));
    Ok(())
}

/// Gives back what nobody claimed in time.
// spec: chain#refund-teleport
pub(crate) fn refund(execution: &mut Execution<'_>, _: Call<'_>, action: &RefundTeleport) -> Result<(), Failure> {
    let RefundTeleport { id, proof } = action;
    // spec: chain#teleport-unknown
    let teleport: Option<Teleport> = execution.state.get(&Key::Teleport(*id))?;
    let mut teleport = teleport.ok_or(TeleportReject::Unknown { teleport: *id })?;
    // spec: chain#teleport-refunded
    if teleport.status != TeleportStatus::Sent {
        return Err(TeleportReject::Refunded { teleport: *id }.into());
    }
    let mut link = linked(execution, teleport.destination)?;
    // spec: chain#refund-early
    if proof.header.time <= teleport.expires {
        let (expires, got) = (teleport.expires, proof.header.time);
        return Err(TeleportReject::RefundEarly { teleport: *id, expires, got }.into());
    }
    finalised(&link, proof)?;
    let key = Key::TeleportClaim(teleport.nullifier(id)).to_bytes();
    proof.state.verify_exclusion(&proof.header.state_root, &key).map_err(TeleportReject::Unproven)?;
    let Teleport { sender, amount, destination, .. } = teleport;
    link.sent = link.sent.checked_sub(amount).ok_or(overflow("teleport"))?;
    supply(execution, |supply| {
        supply.teleported_out = supply.teleported_out.checked_sub(amount)?;
        Some(())
    })?;
    teleport.status = TeleportStatus::Refunded;
    execution.credit(&sender, amount)?;
    execution.state.put(&Key::Link(destination), link)?;
    execution.state.put(&Key::Teleport(*id), teleport)?;
    execution.events.push(Event::TeleportRefunded(TeleportRefunded { teleport: *id, sender, amount }));
    Ok(())
}

/// The link to a chain.
fn linked(execution: &mut Execution<'_>, chain_id: u32) -> Result<Link, Failure> {
    // spec: chain#chain-unlinked
    let link: Option<Link> = execution.state.get(&Key::Link(chain_id))?;
    Ok(link.ok_or(TeleportReject::Unlinked { chain_id })?)
}

/// The header is one of the linked chain's.
fn finalised(link: &Link, proof: &ForeignProof) -> Result<(), TeleportReject> {
    // spec: chain#header-unproven
    let verdict: Result<(), CertificateError> =
        proof.certificate.verify(&proof.header, &link.peer.genesis, &link.peer.validators);
    verdict.map_err(TeleportReject::Header)
}

fn supply(execution: &mut Execution<'_>, change: impl Fn(&mut Supply) -> Option<()>) -> Result<(), Failure> {
    let mut supply: Supply = execution.state.expect(&Key::Supply)?;
    change(&mut supply).ok_or(overflow("teleported"))?;
    Ok(execution.state.put(&Key::Supply, supply)?)
}

fn overflow(what: &'static str) -> Reject {
    Reject::AmountOverflow { what }
}

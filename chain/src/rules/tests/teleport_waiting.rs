//! Transfers that are shown first and released later: the one who releases twice, who claims beside it, who fills a list.

use super::teleport::{AMOUNT, DESTINATION, OPEN, SOURCE, chains, claim, claim_of, recipient, send_to, teleport};
use crate::rules::reject::teleport::TeleportReject;
use crate::state::{Key, StateMachine};
use crate::testing::World;
use crate::types::event::{Event, TeleportClaimed, TeleportRecorded};
use crate::types::ids::{Address, Hash};
use crate::types::teleport::{TeleportRecord, WAITING_MAX, WaitingTeleports};
use crate::types::transaction::{Action, RecordTeleport, ReleaseTeleport};

fn record_of(source: &World, id: Hash) -> Action {
    let shown = claim_of(source, id);
    Action::RecordTeleport(Box::new(RecordTeleport { id, teleport: shown.teleport, proof: shown.proof }))
}

fn release(claim: Hash) -> Action {
    Action::ReleaseTeleport(ReleaseTeleport { claim })
}

fn waiting(world: &World, recipient: Address) -> Vec<Hash> {
    let waiting: Option<WaitingTeleports> = world.machine().get(&Key::WaitingTeleports(recipient)).unwrap();
    waiting.unwrap_or_default().claims
}

/// A transfer on its way, and the nullifier of its claim.
fn sent(source: &mut World) -> (Hash, Hash) {
    let id = send_to(source, recipient(), AMOUNT);
    (id, claim_of(source, id).teleport.nullifier(&id))
}

#[test]
fn a_recorded_transfer_moves_nothing_until_it_is_released_once() {
    let (mut source, mut destination) = chains(AMOUNT);
    let (id, nullifier) = sent(&mut source);
    let events = destination.send(5, record_of(&source, id)).events;
    let (teleport_id, recipient) = (id, recipient());
    let recorded = Event::TeleportRecorded(TeleportRecorded {
        claim: nullifier,
        teleport: teleport_id,
        source: SOURCE,
        recipient,
        amount: AMOUNT,
    });
    assert_eq!(events, [recorded]);
    assert_eq!(waiting(&destination, recipient), [nullifier]);
    assert_eq!(destination.machine().account(&recipient).unwrap().balance, 0);
    assert_eq!(destination.machine().supply().unwrap().teleported_in, 0);
    let height = destination.machine().height();
    let again = teleport(TeleportReject::Recorded { claim: nullifier, height });
    assert_eq!(destination.refusal(4, record_of(&source, id)), again);
    // Its name on the source is not what it waits under.
    assert_eq!(destination.refusal(4, release(id)), teleport(TeleportReject::Unrecorded { claim: id }));

    // Whoever releases it, the recipient gets it.
    let events = destination.send(2, release(nullifier)).events;
    assert_eq!(
        events,
        [Event::TeleportClaimed(TeleportClaimed { teleport: id, source: SOURCE, recipient, amount: AMOUNT })]
    );
    assert_eq!(destination.machine().account(&recipient).unwrap().balance, AMOUNT);
    assert!(waiting(&destination, recipient).is_empty());
    let claimed = teleport(TeleportReject::Claimed { teleport: id, height: destination.machine().height() });
    assert_eq!(destination.refusal(2, release(nullifier)), teleport(TeleportReject::Unrecorded { claim: nullifier }));
    assert_eq!(destination.refusal(2, record_of(&source, id)), claimed);
    assert_eq!(destination.refusal(2, claim(&claim_of(&source, id))), claimed);
}

#[test]
fn a_claim_with_its_proof_takes_the_record_away() {
    let (mut source, mut destination) = chains(2 * AMOUNT);
    let (first, kept) = sent(&mut source);
    let (second, nullifier) = sent(&mut source);
    destination.send(5, record_of(&source, first));
    destination.send(5, record_of(&source, second));
    destination.send(5, claim(&claim_of(&source, second)));
    assert_eq!(waiting(&destination, recipient()), [kept]);
    assert_eq!(destination.refusal(2, release(nullifier)), teleport(TeleportReject::Unrecorded { claim: nullifier }));
    assert_eq!(destination.machine().account(&recipient()).unwrap().balance, AMOUNT);
}

#[test]
fn what_expired_is_not_released_and_makes_room() {
    let (mut source, mut destination) = chains(u128::from(u64::MAX));
    let (id, nullifier) = sent(&mut source);
    destination.send(5, record_of(&source, id));
    let expires = claim_of(&source, id).teleport.expires;
    destination.now = expires - 250;
    destination.block();
    // The next block is later than the expiry, so that its refund on the source is safe.
    let time = destination.machine().head().time + 1;
    let expired = teleport(TeleportReject::Expired { teleport: id, expires, time });
    assert_eq!(destination.refusal(2, release(nullifier)), expired);
    source.now = destination.now;
    let (next, waits) = sent(&mut source);
    destination.send(5, record_of(&source, next));
    assert_eq!(waiting(&destination, recipient()), [waits]);
    assert_eq!(destination.machine().get::<TeleportRecord>(&Key::TeleportRecord(nullifier)).unwrap(), None);
    assert_eq!(destination.refusal(2, release(nullifier)), teleport(TeleportReject::Unrecorded { claim: nullifier }));
}

#[test]
fn a_record_is_bounded_like_a_claim_when_it_is_released() {
    let (mut source, mut destination) = chains(AMOUNT);
    let (first, one) = sent(&mut source);
    let (second, other) = sent(&mut source);
    for id in [first, second] {
        destination.send(5, record_of(&source, id));
    }
    destination.send(5, release(other));
    let inflow = TeleportReject::Inflow { chain_id: SOURCE, max: AMOUNT, got: 2 * AMOUNT };
    assert_eq!(destination.refusal(5, release(one)), teleport(inflow));
    assert_eq!(waiting(&destination, recipient()), [one]);
}

#[test]
fn a_record_needs_what_a_claim_needs() {
    let (mut source, mut destination) = chains(AMOUNT);
    let (id, _) = sent(&mut source);
    let shown = claim_of(&source, id);
    let mut other = shown.clone();
    other.teleport.amount += 1;
    let action = RecordTeleport { id, teleport: other.teleport, proof: other.proof };
    let unproven = TeleportReject::Unproven(verifier::inclusion::StateProofError::Value);
    assert_eq!(destination.refusal(5, Action::RecordTeleport(Box::new(action))), teleport(unproven));
    let elsewhere = TeleportReject::Elsewhere { teleport: id, expected: SOURCE, got: DESTINATION };
    assert_eq!(source.refusal(5, record_of(&source, id)), teleport(elsewhere));
}

#[test]
fn a_full_list_keeps_nobody_from_a_claim() {
    let (mut source, mut destination) = chains(u128::from(u64::MAX));
    // Small transfers of a stranger fill the list of an account.
    let mut claims = Vec::new();
    for amount in 1..=WAITING_MAX as u128 {
        source.now += OPEN / 1_000;
        let id = send_to(&mut source, recipient(), amount);
        claims.push(claim_of(&source, id).teleport.nullifier(&id));
        destination.send(5, record_of(&source, id));
    }
    let (id, nullifier) = sent(&mut source);
    let full = teleport(TeleportReject::WaitingFull { recipient: recipient(), max: WAITING_MAX });
    assert_eq!(destination.refusal(5, record_of(&source, id)), full);
    destination.send(5, claim(&claim_of(&source, id)));
    // Another account is not affected, and one release makes room.
    let elsewhere = send_to(&mut source, Address::new([0xcc; 32]), 1);
    destination.send(5, record_of(&source, elsewhere));
    destination.send(4, release(claims[0]));
    let (id, waits) = sent(&mut source);
    destination.send(5, record_of(&source, id));
    claims.remove(0);
    claims.push(waits);
    assert_eq!(waiting(&destination, recipient()), claims);
    assert_ne!(nullifier, waits);
}

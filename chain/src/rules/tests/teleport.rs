//! Transfers between two chains of this software: the forger, the double claimer, the one who wants both sides.

use verifier::inclusion::{CertificateError, StateProofError};

use crate::rules::Reject;
use crate::rules::reject::teleport::TeleportReject;
use crate::state::{Key, StateMachine};
use crate::testing::{World, quick};
use crate::types::event::{Event, TeleportClaimed, TeleportRefunded, TeleportSent};
use crate::types::governance::Change;
use crate::types::ids::{Address, Hash};
use crate::types::teleport::{ForeignProof, Link, Teleport, TeleportClaim, TeleportStatus};
use crate::types::transaction::{Action, ClaimTeleport, RefundTeleport, TeleportOut};

pub(super) const SOURCE: u32 = 6_133;
pub(super) const DESTINATION: u32 = 200_200;
pub(super) const AMOUNT: u128 = 7_000_000;
/// From the clock of a world to the expiry of its transfers, milliseconds.
pub(super) const OPEN: u64 = 90_000;

/// Two chains that believe each other; the destination takes at most `inflow_max` beyond what it sent.
pub(super) fn chains(inflow_max: u128) -> (World, World) {
    let mut source = World::numbered(SOURCE, quick);
    let mut destination = World::numbered(DESTINATION, quick);
    for world in [&mut source, &mut destination] {
        world.voter(4, 100_000_000);
    }
    source.enact(4, Change::Link(destination.as_peer(0)));
    destination.enact(4, Change::Link(source.as_peer(inflow_max)));
    let now = source.now.max(destination.now);
    source.now = now;
    destination.now = now;
    (source, destination)
}

pub(super) fn recipient() -> Address {
    Address::new([0xbb; 32])
}

/// Burns [`AMOUNT`] on the source by account 3.
fn send(source: &mut World) -> Hash {
    send_to(source, recipient(), AMOUNT)
}

pub(super) fn send_to(source: &mut World, recipient: Address, amount: u128) -> Hash {
    let expires = source.now + OPEN;
    let action = TeleportOut { destination: DESTINATION, recipient, amount, expires };
    match source.send(3, Action::TeleportOut(action)).events.as_slice() {
        [Event::TeleportSent(TeleportSent { teleport, .. })] => *teleport,
        events => panic!("unexpected events {events:?}"),
    }
}

pub(super) fn claim_of(source: &World, id: Hash) -> ClaimTeleport {
    let (teleport, proof) = source.shown::<Teleport>(&Key::Teleport(id));
    ClaimTeleport { id, teleport: teleport.unwrap(), proof }
}

pub(super) fn claim(claim: &ClaimTeleport) -> Action {
    Action::ClaimTeleport(Box::new(claim.clone()))
}

/// What the destination shows about the claim of a transfer.
fn refund_of(source: &World, destination: &World, id: Hash) -> RefundTeleport {
    let (teleport, _) = source.shown::<Teleport>(&Key::Teleport(id));
    let (_, proof) = destination.shown::<TeleportClaim>(&Key::TeleportClaim(teleport.unwrap().nullifier(&id)));
    RefundTeleport { id, proof }
}

fn refund(refund: &RefundTeleport) -> Action {
    Action::RefundTeleport(Box::new(refund.clone()))
}

/// Everything that two chains hold or destroyed: what moves between them stays in the sum.
fn total(worlds: [&World; 2]) -> u128 {
    let each = |world: &World| {
        let supply = world.machine().supply().unwrap();
        supply.held.total().unwrap() + supply.burned
    };
    worlds.map(each).iter().sum()
}

pub(super) fn teleport(reject: TeleportReject) -> Reject {
    reject.into()
}

#[test]
fn what_is_burned_there_is_made_here_once() {
    let (mut source, mut destination) = chains(AMOUNT);
    let before = total([&source, &destination]);
    let sender = source.balance(3);
    let id = send(&mut source);
    assert_eq!(source.balance(3), sender - 25_000_000 - AMOUNT);
    assert_eq!(source.machine().supply().unwrap().teleported_out, AMOUNT);
    assert_eq!(total([&source, &destination]), before - AMOUNT, "on its way");

    let action = claim_of(&source, id);
    let events = destination.send(5, claim(&action)).events;
    let claimed = Event::TeleportClaimed(TeleportClaimed {
        teleport: id,
        source: SOURCE,
        recipient: recipient(),
        amount: AMOUNT,
    });
    assert_eq!(events, [claimed]);
    assert_eq!(destination.machine().account(&recipient()).unwrap().balance, AMOUNT);
    assert_eq!(destination.machine().supply().unwrap().teleported_in, AMOUNT);
    assert_eq!(total([&source, &destination]), before);

    let height = destination.machine().height();
    let again = teleport(TeleportReject::Claimed { teleport: id, height });
    assert_eq!(destination.refusal(5, claim(&action)), again);
    // Also against a later header of the source.
    source.block();
    assert_eq!(destination.refusal(2, claim(&claim_of(&source, id))), again);
    let link: Link = destination.machine().get(&Key::Link(SOURCE)).unwrap().unwrap();
    assert_eq!((link.sent, link.received), (0, AMOUNT));
}

#[test]
fn a_claim_needs_the_sources_own_record_under_its_own_header() {
    let (mut source, mut destination) = chains(u128::from(u64::MAX));
    let id = send(&mut source);
    let honest = claim_of(&source, id);
    let refused = |destination: &mut World, change: &dyn Fn(&mut ClaimTeleport)| {
        let mut action = honest.clone();
        change(&mut action);
        destination.refusal(5, claim(&action))
    };
    let unproven = |error| teleport(TeleportReject::Unproven(error));
    let value = unproven(StateProofError::Value);
    assert_eq!(refused(&mut destination, &|action| action.teleport.amount += 1), value);
    assert_eq!(refused(&mut destination, &|action| action.teleport.recipient = Address::new([1; 32])), value);
    assert_eq!(refused(&mut destination, &|action| action.teleport.expires += 1), value);
    assert_eq!(refused(&mut destination, &|action| action.id = [5; 32]), unproven(StateProofError::Absent));
    let not_sent = teleport(TeleportReject::NotSent { teleport: id });
    assert_eq!(refused(&mut destination, &|action| action.teleport.status = TeleportStatus::Refunded), not_sent);
    assert_eq!(refused(&mut destination, &|action| action.teleport.source_genesis = [5; 32]), not_sent);
    let unlinked = teleport(TeleportReject::Unlinked { chain_id: 9 });
    assert_eq!(refused(&mut destination, &|action| action.teleport.source = 9), unlinked);
    let elsewhere = |expected, got| teleport(TeleportReject::Elsewhere { teleport: id, expected, got });
    assert_eq!(refused(&mut destination, &|action| action.teleport.destination = 9), elsewhere(DESTINATION, 9));
    let fork = refused(&mut destination, &|action| action.teleport.destination_genesis = [5; 32]);
    assert_eq!(fork, elsewhere(DESTINATION, DESTINATION));
    let header = |error| teleport(TeleportReject::Header(error));
    let root = refused(&mut destination, &|action| action.proof.header.state_root = [5; 32]);
    assert_eq!(root, header(CertificateError::Header));
    let weightless = header(CertificateError::Weight { total: 1, got: 0 });
    assert_eq!(refused(&mut destination, &|action| action.proof.certificate.signatures.clear()), weightless);
    // A header that the same validator signed for the destination's own chain.
    let (_, own) = destination.shown::<Teleport>(&Key::Teleport(id));
    let foreign = refused(&mut destination, &|action| action.proof = own.clone());
    assert_eq!(foreign, header(CertificateError::Signature { position: 0 }));
    // An older header, from before the burn, and one whose state has nothing to do with the path.
    let earlier = source.machine().block(source.machine().height() - 1).unwrap().unwrap();
    let old = refused(&mut destination, &|action| {
        action.proof.header = earlier.block.header.clone();
        action.proof.certificate = earlier.certificate.clone();
    });
    assert_eq!(old, unproven(StateProofError::Root));
    // On its own source it goes elsewhere.
    assert_eq!(source.refusal(5, claim(&honest)), elsewhere(SOURCE, DESTINATION));
    destination.send(5, claim(&honest));
}

#[test]
fn what_nobody_claims_returns_and_then_cannot_be_claimed() {
    let (mut source, mut destination) = chains(AMOUNT);
    let before = total([&source, &destination]);
    let id = send(&mut source);
    let sender = source.balance(3);
    let expires = claim_of(&source, id).teleport.expires;
    let action = claim_of(&source, id);
    // A header of the destination that is not later than the expiry shows nothing.
    destination.block();
    let early = refund_of(&source, &destination, id);
    let got = early.proof.header.time;
    assert_eq!(source.refusal(5, refund(&early)), teleport(TeleportReject::RefundEarly { teleport: id, expires, got }));
    destination.now = expires - 250;
    destination.block();
    let edge = refund_of(&source, &destination, id);
    assert_eq!(edge.proof.header.time, expires);
    let early = TeleportReject::RefundEarly { teleport: id, expires, got: expires };
    assert_eq!(source.refusal(5, refund(&edge)), teleport(early));

    // From here on no block of the destination takes the claim, so its absence is for good.
    destination.block();
    let time = destination.machine().head().time + 1;
    let expired = TeleportReject::Expired { teleport: id, expires, time };
    assert_eq!(destination.refusal(5, claim(&action)), teleport(expired));
    let late = refund_of(&source, &destination, id);
    let unsigned =
        RefundTeleport { proof: ForeignProof { header: late.proof.header.clone(), ..edge.proof.clone() }, id };
    assert_eq!(source.refusal(5, refund(&unsigned)), teleport(TeleportReject::Header(CertificateError::Header)));
    let events = source.send(5, refund(&late)).events;
    assert_eq!(
        events,
        [Event::TeleportRefunded(TeleportRefunded { teleport: id, sender: World::address(3), amount: AMOUNT })]
    );
    assert_eq!(source.balance(3), sender + AMOUNT);
    assert_eq!(source.machine().supply().unwrap().teleported_out, 0);
    assert_eq!(total([&source, &destination]), before);
    let refunded = teleport(TeleportReject::Refunded { teleport: id });
    assert_eq!(source.refusal(2, refund(&late)), refunded);
    assert_eq!(
        source.refusal(2, refund(&RefundTeleport { id: [6; 32], ..late })),
        teleport(TeleportReject::Unknown { teleport: [6; 32] })
    );
}

#[test]
fn a_claimed_transfer_is_never_refunded() {
    let (mut source, mut destination) = chains(AMOUNT);
    let id = send(&mut source);
    let action = claim_of(&source, id);
    let expires = action.teleport.expires;
    // In the last block that can take it.
    destination.now = expires - 250;
    destination.send(5, claim(&action));
    assert_eq!(destination.machine().head().time, expires);
    destination.block();
    let late = refund_of(&source, &destination, id);
    assert_eq!(source.refusal(3, refund(&late)), teleport(TeleportReject::Unproven(StateProofError::Present)));
    // The absence of another transfer's claim does not help.
    let (_, proof) = destination.shown::<TeleportClaim>(&Key::TeleportClaim([9; 32]));
    let other = source.refusal(3, refund(&RefundTeleport { id, proof }));
    assert!(matches!(other, Reject::Teleport(TeleportReject::Unproven(_))), "{other:?}");
}

#[test]
fn what_a_chain_can_make_up_is_bounded_and_what_left_can_return() {
    let (mut source, mut destination) = chains(AMOUNT - 1);
    let id = send(&mut source);
    let inflow = TeleportReject::Inflow { chain_id: SOURCE, max: AMOUNT - 1, got: AMOUNT };
    assert_eq!(destination.refusal(5, claim(&claim_of(&source, id))), teleport(inflow));
    // One micro-token the other way makes room for it.
    let expires = destination.now + OPEN;
    let back = TeleportOut { destination: SOURCE, recipient: recipient(), amount: 1, expires };
    destination.send(2, Action::TeleportOut(back));
    destination.send(5, claim(&claim_of(&source, id)));
    // The source takes back what it sent, and no more: its own limit is zero.
    let events = destination.send(2, Action::TeleportOut(TeleportOut { amount: AMOUNT, ..back })).events;
    let [Event::TeleportSent(TeleportSent { teleport: returning, .. })] = events.as_slice() else {
        panic!("{events:?}")
    };
    source.send(5, claim(&claim_of(&destination, *returning)));
    let events = destination.send(2, Action::TeleportOut(TeleportOut { amount: 1, ..back })).events;
    let [Event::TeleportSent(TeleportSent { teleport: more, .. })] = events.as_slice() else { panic!("{events:?}") };
    let inflow = TeleportReject::Inflow { chain_id: DESTINATION, max: AMOUNT, got: AMOUNT + 1 };
    assert_eq!(source.refusal(5, claim(&claim_of(&destination, *more))), teleport(inflow));
}

#[test]
fn a_transfer_names_a_linked_chain_an_amount_and_a_time() {
    let (mut source, _) = chains(0);
    let time = source.machine().head().time + 1;
    let (min, max) = (time + 60_000, time + 30 * 24 * 3_600_000);
    let action = TeleportOut { destination: DESTINATION, recipient: recipient(), amount: 1, expires: min };
    let refused = |source: &mut World, action| source.refusal(3, Action::TeleportOut(action));
    let outside = |got| teleport(TeleportReject::ExpiryOutside { min, max, got });
    assert_eq!(refused(&mut source, TeleportOut { expires: min - 1, ..action }), outside(min - 1));
    assert_eq!(refused(&mut source, TeleportOut { amount: 0, ..action }), Reject::AmountZero { what: "teleport" });
    let unlinked = teleport(TeleportReject::Unlinked { chain_id: 1 });
    assert_eq!(refused(&mut source, TeleportOut { destination: 1, ..action }), unlinked);
    let rich = refused(&mut source, TeleportOut { amount: 1 << 100, expires: min + OPEN, ..action });
    assert!(matches!(rich, Reject::BalanceShort { .. }), "{rich:?}");
}

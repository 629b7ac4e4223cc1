//! Equivocators, the issuing authority, and anchored receipts.

use attestation::receipt::SignedReceipt;

use crate::rules::Reject;
use crate::rules::reject::exchange::ExchangeReject;
use crate::state::{Key, StateMachine};
use crate::testing::{CAP, FUNDS, Leased, World, account, sign_unchecked, wrong_output};
use crate::types::anchor::{COORDINATOR_DOMAIN, CoSignature, ReceiptAnchor, anchor_message};
use crate::types::authority::{Decision, MintAuthority};
use crate::types::event::Event;
use crate::types::ids::Address;
use crate::types::transaction::{Action, AnchorReceipt, ReportMisbehaviour};
use crate::types::worker::WorkerRegistration;

fn receipt(world: &World, leased: &Leased, wrong: bool) -> SignedReceipt {
    let mut receipt = world.receipt(leased);
    if wrong {
        receipt.output_hash = wrong_output().hash();
    }
    sign_unchecked(receipt, leased.number)
}

fn report(world: &World, leased: &Leased, change: impl FnOnce(&mut ReportMisbehaviour)) -> Action {
    let (first, second) = (receipt(world, leased, false), receipt(world, leased, true));
    let mut report = ReportMisbehaviour { lease: leased.lease.id, first, second };
    change(&mut report);
    Action::ReportMisbehaviour(Box::new(report))
}

#[test]
fn two_outputs_for_one_context_cost_the_least_stake_and_the_second_time_all() {
    let mut world = World::staffed(|_| {});
    let job = world.post(world.job());
    let leased = world.lease(job, 3);
    let outcome = world.send(5, report(&world, &leased, |_| ()));
    let (worker, reporter) = (leased.context.worker, World::address(5));
    assert_eq!(outcome.events, [Event::Equivocated { worker, reporter, slashed: 50_000_000 }]);
    // 100 tokens staked, one of them in the lease.
    assert_eq!(world.stake(3), (49_000_000, 1_000_000));
    let record: WorkerRegistration = world.machine().get(&Key::Worker(worker)).unwrap().unwrap();
    assert_eq!(record.convictions, 1);
    let height = world.machine().height();
    let again = report(&world, &leased, |report| std::mem::swap(&mut report.first, &mut report.second));
    let punished = ExchangeReject::PunishedAlready { lease: leased.lease.id, height };
    assert_eq!(world.refusal(4, again), punished.into());

    world.settle(&leased);
    let job = world.post(world.job());
    let stake = crate::types::transaction::AddStake { worker, amount: 51_000_000 };
    world.send(3, Action::Stake(stake));
    let second = world.lease(job, 3);
    let reporter = world.balance(5);
    world.send(5, report(&world, &second, |_| ()));
    assert_eq!(world.stake(3), (0, 1_000_000));
    assert_eq!(world.balance(5), reporter - 25_000_000 + 30 * (49_000_000 + 1_000_000 + 51_000_000 - 1_000_000) / 100);
}

#[test]
fn what_is_no_contradiction_punishes_nobody() {
    let (mut world, leased) = World::leased();
    let lease = leased.lease.id;
    let not_conflicting = Reject::from(ExchangeReject::NotConflicting { lease });
    let same = report(&world, &leased, |report| report.second = report.first.clone());
    assert_eq!(world.refusal(5, same), not_conflicting);
    // The same output completed at another time is the same statement.
    let mut later = world.receipt(&leased);
    later.completed_at += 1;
    let later = sign_unchecked(later, leased.number);
    assert_eq!(world.refusal(5, report(&world, &leased, |report| report.second = later)), not_conflicting);
    let mut other = world.receipt(&leased);
    other.context.nonce = [9; 32];
    other.output_hash = wrong_output().hash();
    let other = sign_unchecked(other, leased.number);
    assert_eq!(world.refusal(5, report(&world, &leased, |report| report.second = other)), not_conflicting);
    // Somebody else's signature.
    let mut forged = world.receipt(&leased);
    forged.output_hash = wrong_output().hash();
    let forged = sign_unchecked(forged, 7);
    let refused = world.refusal(5, report(&world, &leased, |report| report.second = forged));
    assert!(matches!(refused, Reject::ReceiptInvalid(_)), "{refused:?}");
    let mut garbled = receipt(&world, &leased, true);
    garbled.receipt.compute_units += 1;
    let refused = world.refusal(5, report(&world, &leased, |report| report.second = garbled));
    assert!(matches!(refused, Reject::ReceiptInvalid(_)), "{refused:?}");
    let unknown = world.refusal(5, report(&world, &leased, |report| report.lease = [3; 32]));
    assert_eq!(unknown, Reject::LeaseUnknown { lease: [3; 32] });
    world.settle(&leased);
    // 240 blocks of timeout, 8 of grace, 400 of evidence age.
    let until = world.machine().height() - 1 + 648;
    world.reach(until);
    let old = ExchangeReject::MisbehaviourOld { lease, until };
    assert_eq!(world.refusal(5, report(&world, &leased, |_| ())), old.into());
}

#[test]
fn an_authority_issues_within_its_cap_until_it_hands_the_mint_over_for_good() {
    let mut world = World::issuing();
    let to = Address::new([0xcc; 32]);
    let issue = |amount| Decision::Issue { to, amount };
    let short = ExchangeReject::ApprovalsShort { needed: 2, got: 1 };
    assert_eq!(world.refusal(5, world.decided(0, issue(5), &[11])), short.into());
    let invalid = |position, decision| Reject::from(ExchangeReject::ApprovalInvalid { position, decision });
    assert_eq!(world.refusal(5, world.decided(0, issue(5), &[11, 11])), invalid(1, 0));
    assert_eq!(world.refusal(5, world.decided(1, issue(5), &[11, 12])), invalid(0, 0));
    let strangers = world.refusal(5, world.decided(0, issue(5), &[4, 5]));
    assert_eq!(strangers, invalid(0, 0));
    let Action::Authorise(mut more) = world.decided(0, issue(5), &[11, 12]) else { panic!("a decision") };
    more.decision = issue(6);
    assert_eq!(world.refusal(5, Action::Authorise(more)), invalid(0, 0));
    assert_eq!(world.refusal(5, world.decided(0, issue(0), &[11, 12])), Reject::AmountZero { what: "issue" });
    let above = ExchangeReject::IssueAboveCap { cap: CAP, issued: 0, amount: CAP + 1 };
    assert_eq!(world.refusal(5, world.decided(0, issue(CAP + 1), &[11, 12, 13])), above.into());

    let first = world.decided(0, issue(CAP - 1), &[11, 13]);
    assert_eq!(world.send(5, first.clone()).events, [Event::Issued { to, amount: CAP - 1 }]);
    assert_eq!(world.machine().account(&to).unwrap().balance, CAP - 1);
    assert_eq!(world.machine().supply().unwrap().minted, CAP - 1);
    assert_eq!(world.refusal(5, first), invalid(0, 1), "an approval serves once");
    let above = ExchangeReject::IssueAboveCap { cap: CAP, issued: CAP - 1, amount: 2 };
    assert_eq!(world.refusal(5, world.decided(1, issue(2), &[11, 12])), above.into());

    let hand_over = world.decided(1, Decision::Transfer, &[12, 13]);
    assert_eq!(world.send(2, hand_over).events, [Event::AuthorityTransferred { issued: CAP - 1 }]);
    let height = world.machine().height();
    let over = Reject::from(ExchangeReject::AuthorityTransferred { height });
    for decision in [issue(1), Decision::Transfer] {
        assert_eq!(world.refusal(5, world.decided(2, decision, &[11, 12, 13])), over);
    }
    let authority: MintAuthority = world.machine().get(&Key::MintAuthority).unwrap().unwrap();
    assert_eq!((authority.issued, authority.transferred_height), (CAP - 1, Some(height)));
    // A chain that started without one has none.
    let mut world = World::new();
    let none = ExchangeReject::AuthorityTransferred { height: 0 };
    assert_eq!(world.refusal(5, world.decided(0, issue(1), &[11, 12])), none.into());
}

#[test]
fn a_receipt_is_anchored_once_and_shown_under_the_head() {
    let mut world = World::new();
    let receipt = [0xaa; 32];
    let coordinator = account(9);
    let message = anchor_message(world.machine().genesis_hash(), &receipt);
    let signature = coordinator.sign(COORDINATOR_DOMAIN, &message);
    let signed = CoSignature { public_key: coordinator.public_key(), signature };
    let anchor = |receipt, coordinator| Action::AnchorReceipt(AnchorReceipt { receipt, coordinator });
    let refused = world.refusal(1, anchor([0xab; 32], Some(signed.clone())));
    let invalid = matches!(refused, Reject::Exchange(ExchangeReject::CoSignatureInvalid { .. }));
    assert!(invalid, "{refused:?}");
    let by = Some(coordinator.public_key().address());
    let events = world.send(1, anchor(receipt, Some(signed))).events;
    assert_eq!(events, [Event::Anchored { receipt, coordinator: by }]);
    let height = world.machine().height();
    let duplicate = ExchangeReject::AnchorDuplicate { receipt, height };
    assert_eq!(world.refusal(2, anchor(receipt, None)), duplicate.into());
    world.send(2, anchor([1; 32], None));

    let key = Key::Anchor(receipt);
    let (found, proof) = world.shown::<ReceiptAnchor>(&key);
    assert_eq!(found, Some(ReceiptAnchor { sender: World::address(1), coordinator: by, height }));
    let value = world.machine().prove(&key).unwrap().0.unwrap();
    assert_eq!(proof.state.verify_inclusion(&proof.header.state_root, &key.to_bytes(), &value), Ok(()));
    assert_eq!(world.balance(1), FUNDS - 25_000_000);
}

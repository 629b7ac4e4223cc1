//! Reliability and the fraud counter.

use crate::rules::Reject;
use crate::state::StateMachine;
use crate::testing::{Leased, World, sign_unchecked, worker_key};
use crate::types::event::Event;
use crate::types::ledger::Stake;
use crate::types::transaction::{Action, ReportImplausible, Unstake};

/// A receipt that claims more time than its lease has existed.
fn implausible(world: &World, leased: &Leased) -> ReportImplausible {
    let mut receipt = world.receipt(leased);
    receipt.metadata.elapsed_ms = 10_000_000;
    ReportImplausible { lease: leased.lease.id, signed: sign_unchecked(receipt, leased.number) }
}

fn report(action: ReportImplausible) -> Action {
    Action::ReportImplausible(Box::new(action))
}

fn lease(world: &mut World) -> Leased {
    let job = world.post(world.job());
    world.lease(job, 2)
}

#[test]
fn settled_work_raises_reliability_and_counts_what_it_earned() {
    let (mut world, leased) = World::leased();
    world.settle(&leased);
    let standing = world.standing(2);
    // One block of 240: 10 000 - 5 000 / 240 = 9 980, an eighth of the way from 5 000.
    assert_eq!((standing.reliability_bps, standing.units, standing.minted), (5_622, 18, 90_000));
}

#[test]
fn a_conviction_takes_all_reliability() {
    let (mut world, _, result) = World::handed_in(crate::testing::wrong_output());
    world.check(&result, &crate::testing::output());
    world.judge(&result);
    assert_eq!(world.standing(2).reliability_bps, 0);
}

#[test]
fn implausible_receipts_are_counted_slashed_from_the_third_and_ban_in_the_end() {
    let mut world = World::staffed(|_| {});
    let worker = worker_key(2).public_key().id();
    world.send(2, Action::Unstake(Unstake { worker, amount: 10_000_000 }));
    for (count, slashed) in [(1, 0), (2, 0), (3, 9_900_000), (4, 8_910_000), (5, 8_019_000), (6, 7_217_100)] {
        let leased = lease(&mut world);
        let lease = leased.lease.id;
        let action = implausible(&world, &leased);
        let before = world.balance(3);
        let outcome = world.send(3, report(action.clone()));
        assert_eq!(outcome.events, [Event::ImplausibleReported { lease, worker, count, slashed }]);
        // Stake on its way out is slashed with the rest; 30 % go to who showed it.
        assert_eq!(world.balance(3), before - 25_000_000 + slashed * 3 / 10);
        assert_eq!(world.refusal(4, report(action)), Reject::ReportDuplicate { lease });
        world.settle(&leased);
    }
    let stake: Stake = world.machine().get(&crate::state::Key::Stake(worker)).unwrap().unwrap();
    assert_eq!(stake.unbonding[0].amount, 6_561_000);
    let job = world.post(world.job());
    let action = world.lease_action(job, 2);
    assert_eq!(world.refusal(2, Action::LeaseJob(action)), Reject::WorkerFraudulent { worker, implausible: 6 });
}

#[test]
fn who_reports_itself_burns_it_all() {
    let mut world = World::staffed(|params| params.standing.fraud_slash_from = 1);
    let leased = lease(&mut world);
    let burned = world.machine().supply().unwrap().burned;
    let before = world.balance(2);
    let action = implausible(&world, &leased);
    world.send(2, report(action));
    assert_eq!(world.balance(2), before - 25_000_000);
    assert_eq!(world.machine().supply().unwrap().burned, burned + 5_000_000 + 9_900_000);
}

#[test]
fn only_the_workers_own_receipt_of_the_leased_context_counts_and_only_in_time() {
    let mut world = World::staffed(|params| params.window.evidence_age = 10);
    let leased = lease(&mut world);
    let lease = leased.lease.id;
    let honest = ReportImplausible { lease, signed: sign_unchecked(world.receipt(&leased), 2) };
    assert_eq!(world.refusal(3, report(honest)), Reject::ReceiptPlausible { lease });
    // Another tier than registered is refused of a result and proves nothing here: registrations change.
    let mut other = world.receipt(&leased);
    other.metadata.tier = crate::types::HardwareTier::Server;
    let other = ReportImplausible { lease, signed: sign_unchecked(other, 2) };
    assert_eq!(world.refusal(3, report(other)), Reject::ReceiptPlausible { lease });
    let mut forged = implausible(&world, &leased);
    forged.signed = sign_unchecked(forged.signed.receipt, 3);
    assert!(matches!(world.refusal(3, report(forged)), Reject::ReceiptInvalid(_)));
    let mut foreign = implausible(&world, &leased);
    foreign.signed.receipt.context.nonce = [0; 32];
    assert_eq!(world.refusal(3, report(foreign)), Reject::ContextMismatch { field: "nonce" });
    let mut unknown = implausible(&world, &leased);
    unknown.lease = [1; 32];
    assert_eq!(world.refusal(3, report(unknown)), Reject::LeaseUnknown { lease: [1; 32] });
    let action = implausible(&world, &leased);
    let until = world.machine().height() + 240 + 8 + 10;
    world.reach(until - 9);
    while world.machine().height() < until {
        world.block();
    }
    assert_eq!(world.refusal(3, report(action)), Reject::ReportLate { lease, until });
}

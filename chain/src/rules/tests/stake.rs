use crate::rules::Reject;
use crate::rules::stake::UNBONDING_PARTS_MAX;
use crate::state::{Key, StateMachine};
use crate::testing::{World, account};
use crate::types::ids::Hash;
use crate::types::ledger::{Stake, Unbonding};
use crate::types::transaction::{Action, AddStake, Unstake, Withdraw};

fn staked() -> (World, Hash) {
    let mut world = World::with(|params| {
        params.window.lease_large = 240;
        params.window.unbonding = 820;
    });
    world.register_model();
    let worker = world.register_worker(2);
    (world, worker)
}

fn stake_of(world: &World, worker: Hash) -> Stake {
    world.machine().get(&Key::Stake(worker)).unwrap().unwrap()
}

#[test]
fn stake_moves_out_of_the_balance_and_back_after_unbonding() {
    let (mut world, worker) = staked();
    assert_eq!(stake_of(&world, worker).amount, 100_000_000);
    world.send(2, Action::Unstake(Unstake { worker, amount: 40_000_000 }));
    let release_height = world.machine().height() + 820;
    let expected = Unbonding { amount: 40_000_000, release_height };
    assert_eq!(stake_of(&world, worker).unbonding, vec![expected]);
    let supply = world.machine().supply().unwrap();
    assert_eq!((supply.held.stake, supply.held.unbonding), (60_000_000, 40_000_000));

    let height = world.machine().height() + 1;
    assert_eq!(
        world.refusal(2, Action::Withdraw(Withdraw { worker })),
        Reject::WithdrawalEarly { due: Some(release_height), height }
    );
    world.reach(release_height - 1);
    let before = world.balance(2);
    world.send(2, Action::Withdraw(Withdraw { worker }));
    assert_eq!(world.balance(2), before + 40_000_000 - 25_000_000);
    assert_eq!(stake_of(&world, worker), Stake { amount: 60_000_000, bonded: 0, unbonding: vec![] });
    let height = world.machine().height() + 1;
    assert_eq!(world.refusal(2, Action::Withdraw(Withdraw { worker })), Reject::WithdrawalEarly { due: None, height });
}

#[test]
fn only_the_operator_of_a_known_worker_stakes() {
    let (mut world, worker) = staked();
    assert_eq!(
        world.refusal(2, Action::Stake(AddStake { worker: [1; 32], amount: 1 })),
        Reject::WorkerUnknown { worker: [1; 32] }
    );
    let (expected, got) = (account(2).public_key().address(), account(3).public_key().address());
    let mismatch = Reject::OperatorMismatch { worker, expected, got };
    assert_eq!(world.refusal(3, Action::Stake(AddStake { worker, amount: 1 })), mismatch);
    assert_eq!(world.refusal(3, Action::Unstake(Unstake { worker, amount: 1 })), mismatch);
    assert_eq!(world.refusal(3, Action::Withdraw(Withdraw { worker })), mismatch);
}

#[test]
fn amounts_are_above_zero_and_there() {
    let (mut world, worker) = staked();
    assert_eq!(world.refusal(2, Action::Stake(AddStake { worker, amount: 0 })), Reject::AmountZero { what: "stake" });
    assert_eq!(
        world.refusal(2, Action::Unstake(Unstake { worker, amount: 0 })),
        Reject::AmountZero { what: "unstake" }
    );
    assert_eq!(
        world.refusal(2, Action::Unstake(Unstake { worker, amount: 100_000_001 })),
        Reject::StakeShort { needed: 100_000_001, got: 100_000_000 }
    );
}

#[test]
fn the_unbonding_queue_has_a_cap() {
    let (mut world, worker) = staked();
    for _ in 0..UNBONDING_PARTS_MAX {
        world.send(2, Action::Unstake(Unstake { worker, amount: 1 }));
    }
    assert_eq!(
        world.refusal(2, Action::Unstake(Unstake { worker, amount: 1 })),
        Reject::UnbondingFull { max: UNBONDING_PARTS_MAX }
    );
}

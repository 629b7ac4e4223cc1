//! Rewards by epoch: difficulty, tiers, uptime, the capacity pool, batches.

use verifier::inclusion::List;

use crate::economics::hours::HardwareRates;
use crate::state::{Key, StateMachine};
use crate::testing::{World, output, tampered, worker_key};
use crate::types::epoch::{EpochBatch, Payout, RunningEpoch, prove_payout};
use crate::types::event::Event;
use crate::types::params::{Meter, Params};
use crate::types::snapshot::ResourceSnapshot;
use crate::types::standing::{RewardTier, Standing};
use crate::types::transaction::{Action, UpdateWorker, encode};
use crate::types::worker::WorkerRegistration;

const EPOCH: u64 = 40;

/// A world with short epochs in which the cap of I4 leaves room for bonuses.
fn world(change: impl FnOnce(&mut Params)) -> World {
    World::staffed(|params| {
        params.block.epoch_blocks = EPOCH;
        params.epoch.target_units = 18;
        params.reward.cost_floor_per_unit = 10_000;
        change(params);
    })
}

/// Leases, proves and settles one job by worker `number`; returns what was minted.
fn work(world: &mut World, number: u8) -> u128 {
    let job = world.post(world.job());
    let leased = world.lease(job, number);
    match world.settle(&leased).events.as_slice() {
        [Event::Settled { reward, .. }] => *reward,
        events => panic!("unexpected events {events:?}"),
    }
}

/// Makes blocks to the first of the next epoch; returns the batch that it wrote.
fn next_epoch(world: &mut World) -> EpochBatch {
    let epoch = world.machine().height() / EPOCH;
    world.reach((epoch + 1) * EPOCH);
    world.machine().get(&Key::EpochBatch(epoch)).unwrap().unwrap()
}

fn running(world: &World) -> RunningEpoch {
    world.machine().get(&Key::RunningEpoch).unwrap().unwrap()
}

/// The world after its state was changed past all rules.
fn with<T: crate::state::Stored + Clone>(world: &mut World, key: Key, value: T) {
    world.chain = tampered(world.machine(), &[(key, value)]);
}

#[test]
fn a_batch_commits_to_what_every_worker_got_and_proves_each() {
    let mut world = world(|_| {});
    let minted: Vec<u128> = [2, 3, 2].map(|number| work(&mut world, number)).to_vec();
    assert_eq!(minted, [90_000; 3]);
    let before = running(&world);
    assert_eq!((before.epoch, before.payouts, before.units, before.minted), (0, 2, 54, 270_000));
    let batch = next_epoch(&mut world);
    assert_eq!((batch.payouts, batch.units, batch.minted, batch.paid), (2, 54, 270_000, 3 * 144_000));
    assert_eq!((batch.closed_height, batch.capacity), (EPOCH, 0));
    let payouts: Vec<Payout> =
        (0..2).map(|index| world.machine().get(&Key::Payout(0, index)).unwrap().unwrap()).collect();
    assert_eq!((payouts[0].results, payouts[0].minted, payouts[0].paid), (2, 180_000, 288_000));
    assert_eq!((payouts[1].worker, payouts[1].operator), (worker_key(3).public_key().id(), World::address(3)));
    for (index, payout) in payouts.iter().enumerate() {
        let proof = prove_payout(&payouts, index).unwrap();
        assert_eq!(proof.verify(List::Payouts, &batch.payout_root, &encode(payout)), Ok(()));
        let more = Payout { minted: payout.minted + 1, ..*payout };
        assert!(proof.verify(List::Payouts, &batch.payout_root, &encode(&more)).is_err());
        assert!(proof.verify(List::ComputeResults, &batch.payout_root, &encode(payout)).is_err());
    }
    // The edge is told in the block that makes it.
    let block = world.machine().block(EPOCH).unwrap().unwrap();
    assert!(matches!(block.closing.as_slice(), [Event::EpochClosed { epoch: 0, payouts: 2, .. }, ..]));
}

#[test]
fn difficulty_falls_when_capacity_grows_and_rewards_follow() {
    let mut world = world(|_| {});
    for number in [2, 3, 4] {
        work(&mut world, number);
    }
    // Three times the target: a quarter is the most at one edge.
    let batch = next_epoch(&mut world);
    assert_eq!((batch.difficulty_bps, batch.next_difficulty_bps), (10_000, 7_500));
    assert_eq!(running(&world).difficulty_bps, 7_500);
    assert_eq!(work(&mut world, 2), 67_500);
    // At the target it stays, and an epoch without work measures nothing.
    assert_eq!(next_epoch(&mut world).next_difficulty_bps, 7_500);
    world.post(world.job());
    assert_eq!(next_epoch(&mut world).next_difficulty_bps, 7_500);
}

#[test]
fn payouts_are_kept_for_a_while_and_batches_for_ever() {
    let mut world = world(|params| params.epoch.payouts_kept = 2);
    work(&mut world, 2);
    world.post(world.job());
    for epoch in 0..4 {
        next_epoch(&mut world);
        let kept = world.machine().get::<Payout>(&Key::Payout(0, 0)).unwrap().is_some();
        assert_eq!(kept, epoch < 2, "after epoch {epoch}");
    }
    assert!(world.machine().get::<EpochBatch>(&Key::EpochBatch(0)).unwrap().is_some());
}

#[test]
fn tiers_are_reached_by_units_and_add_to_rewards() {
    let mut world = world(|params| {
        params.epoch.bronze_units = 18;
        params.epoch.silver_units = 36;
        params.epoch.gold_units = 54;
        params.epoch.platinum_units = 72;
    });
    let minted: Vec<u128> = (0..5).map(|_| work(&mut world, 2)).collect();
    assert_eq!(minted, [90_000, 94_500, 99_000, 103_500, 108_000]);
    assert_eq!(world.standing(2).tier, RewardTier::Platinum);
    assert_eq!(work(&mut world, 3), 90_000);
}

#[test]
fn an_early_registration_has_the_airdrop_until_its_tier_is_higher() {
    let mut world = world(|params| {
        params.epoch.airdrop_until = 5;
        params.epoch.bronze_units = 18;
        params.epoch.silver_units = 19;
        params.epoch.gold_units = 36;
    });
    // Registered at heights 2 and 10.
    let minted: Vec<u128> = (0..3).map(|_| work(&mut world, 1)).collect();
    assert_eq!(minted, [99_000, 99_000, 103_500]);
    assert_eq!(work(&mut world, 5), 90_000);
}

#[test]
fn uptime_adds_in_two_steps() {
    let mut world = world(|params| params.epoch.uptime_window = 10);
    let key = Key::Snapshot(worker_key(2).public_key().id());
    for (history, reward) in [(0b11_1111_1111, 94_500), (0b11_1111_1100, 94_500), (0b1_1111, 91_800), (0b1111, 90_000)]
    {
        let snapshot = ResourceSnapshot {
            version: 1,
            epoch: 0,
            history,
            answered: 1,
            declared_mib: 0,
            attested_mib: 0,
            height: 1,
        };
        with(&mut world, key, snapshot);
        assert_eq!(work(&mut world, 2), reward, "{history:b}");
    }
}

#[test]
fn bonuses_never_mint_beyond_what_self_dealing_costs() {
    let mut world = world(|params| {
        params.reward.cost_floor_per_unit = 3_000;
        params.epoch.bronze_units = 1;
        params.epoch.airdrop_until = 100;
    });
    // I4: a fifth of 180 000 and 18 times 3 000.
    assert_eq!([work(&mut world, 2), work(&mut world, 2)], [90_000, 90_000]);
}

#[test]
fn the_capacity_pool_is_shared_by_attested_memory_and_uptime_within_its_cap() {
    let mut world = world(|params| params.epoch.capacity_pool = 1_000_001);
    for (number, weight) in [(2, 3u128), (3, 1)] {
        work(&mut world, number);
        let index = u32::from(number) - 2;
        let payout: Payout = world.machine().get(&Key::Payout(0, index)).unwrap().unwrap();
        with(&mut world, Key::Payout(0, index), Payout { capacity_weight: weight, ..payout });
    }
    let before = running(&world);
    with(&mut world, Key::RunningEpoch, RunningEpoch { capacity_weight: 4, ..before });
    let (supply, balances) = (world.machine().supply().unwrap(), [2, 3].map(|number| world.balance(number)));
    let batch = next_epoch(&mut world);
    assert_eq!(batch.capacity, 1_000_000);
    assert_eq!([2, 3].map(|number| world.balance(number)), [balances[0] + 750_000, balances[1] + 250_000]);
    assert_eq!(world.machine().supply().unwrap().minted, supply.minted + 1_000_000);
    let payout: Payout = world.machine().get(&Key::Payout(0, 0)).unwrap().unwrap();
    assert_eq!((payout.minted, payout.capacity), (90_000, 750_000));
}

#[test]
fn hours_of_declared_hardware_are_metered_by_verified_work_and_capped() {
    let mut world = world(|params| params.epoch.meter = Meter::HardwareHours);
    assert_eq!(work(&mut world, 2), 0, "nothing declared, nothing earned");
    let worker = worker_key(2).public_key().id();
    let declare = |world: &mut World, rates: HardwareRates| {
        let record: WorkerRegistration = world.machine().get(&Key::Worker(worker)).unwrap().unwrap();
        let (profile, models) = (record.profile, record.models);
        world.send(2, Action::UpdateWorker(Box::new(UpdateWorker { worker, profile, models, region: 0, rates })));
    };
    // 150 MH/s, 4 GHz, 1000 Mbit/s: 858 tokens an hour, 238 micro-tokens for the millisecond of the test receipt.
    let rates = HardwareRates { gpu_khs: 150_000, cpu_mhz: 4_000, network_mbps: 1_000, ..HardwareRates::default() };
    declare(&mut world, rates);
    assert_eq!(work(&mut world, 2), 238);
    declare(&mut world, HardwareRates { gpu_khs: u32::MAX, ..rates });
    assert_eq!(work(&mut world, 2), 216_000, "I4: a fifth of 180 000 and 18 times 10 000");
}

#[test]
fn a_sampled_bond_counts_on_no_bonus_and_the_least_difficulty() {
    let mut world = world(|params| params.audit.spot_rate_bps = 20);
    let mut job = world.sampled_job();
    job.policy.spot_rate_bps_min = 0;
    let job = world.post(job);
    let worker = worker_key(2).public_key().id();
    let platinum = Standing { tier: RewardTier::Platinum, ..Standing::default() };
    with(&mut world, Key::Standing(worker), platinum);
    let leased = world.lease_sampled(job, 2);
    let lease: crate::types::WorkLease = world.machine().get(&Key::Lease(leased.lease.id)).unwrap().unwrap();
    // R = 144 000 + 27 000: (1.2 * 108 000 / 0.001584) - R.
    assert_eq!(lease.bond, 81_818_182 - 171_000);
    let result = world.hand_in(&leased, output());
    assert_eq!(world.result(&result).submitted_height, world.machine().height());
}

//! What closing an epoch costs by the number of workers that earned something in it: a measurement, of a state that is written
//! past the rules because no test could make so many workers work.
//!
//! `cargo test --release -p assay-chain --features node --lib -- --ignored --nocapture closing`

use std::time::{Duration, Instant};

use crate::node::{Directory, RocksStore};
use crate::state::store::{Batch, Head, Store};
use crate::state::{Key, Machine, Object, StateMachine, Stored, tree};
use crate::testing::{START, genesis, setup, validator};
use crate::types::epoch::{EpochBatch, Payout, RunningEpoch};
use crate::types::ids::{Address, genesis_beacon, object_id};
use crate::types::transaction::encode;
use verifier::inclusion::{Certificate, CommitSignature};

/// Micro-tokens of an epoch's capacity pool, where there is one.
const POOL: u128 = 1_000_000_000;
/// What each worker's capacity weighs.
const WEIGHT: u128 = 81_920 * 10_000;

#[test]
#[ignore = "prints how long blocks take and decides nothing"]
fn closing_an_epoch_by_its_payouts() {
    for payouts in [0, 1_000, 10_000, 100_000] {
        for (forgotten, pool) in [(0, 0), (payouts, 0), (payouts, POOL)] {
            let [propose, verify, commit] = closing(payouts, forgotten, pool).map(|taken| taken.as_secs_f64() * 1e3);
            println!(
                "closing::epoch: {payouts} payouts, {forgotten} forgotten, pool {pool}: propose {propose:.1} ms, verify {verify:.1} ms, commit {commit:.1} ms"
            );
        }
    }
}

fn payouts(epoch: u64, count: u32) -> impl Iterator<Item = (Key, Object)> {
    (0..count).map(move |index| {
        let worker = object_id(&[1; 32], index);
        let payout = Payout { capacity_weight: WEIGHT, ..Payout::none(epoch, worker, Address::new(worker)) };
        (Key::Payout(epoch, index), payout.into_object())
    })
}

/// Proposes, verifies as another validator would, and commits the block that closes an epoch of `count` payouts and deletes
/// the `forgotten` ones of the epoch before.
fn closing(count: u32, forgotten: u32, pool: u128) -> [Duration; 3] {
    let folder = tempfile::tempdir().unwrap();
    let genesis = genesis(|params| {
        params.block.epoch_blocks = 1;
        params.epoch.payouts_kept = 1;
        params.epoch.capacity_pool = pool;
    });
    let directory = Directory::open(&folder.path().join("data"), &genesis).unwrap();
    let open = || Machine::open(RocksStore::open(&directory).unwrap(), genesis.clone(), vec![setup().clone()]).unwrap();
    let machine = open();
    let before = EpochBatch {
        version: 1,
        epoch: 0,
        closed_height: 1,
        difficulty_bps: 10_000,
        next_difficulty_bps: 10_000,
        payouts: forgotten,
        units: 0,
        minted: 0,
        paid: 0,
        capacity: 0,
        payout_root: [0; 32],
    };
    let running = RunningEpoch {
        epoch: 1,
        difficulty_bps: 10_000,
        seed: genesis_beacon(&genesis.hash()),
        payouts: count,
        units: 0,
        minted: 0,
        paid: 0,
        capacity_weight: WEIGHT * u128::from(count),
    };
    let mut writes: Vec<(Key, Object)> = payouts(0, forgotten).chain(payouts(1, count)).collect();
    writes.push((Key::EpochBatch(0), before.into_object()));
    writes.push((Key::RunningEpoch, running.into_object()));
    let writes: Vec<_> = writes.iter().map(|(key, object)| (key.to_bytes(), Some(encode(object)))).collect();
    let mut store = machine.store().clone();
    let (root, tree) = tree::update(&store, 1, &writes).unwrap();
    let keys = writes.into_iter().map(|(key, _)| key).collect();
    let head = Head { height: 1, root, ..*machine.head() };
    store.apply(Batch { head, tree, keys, block: None }).unwrap();
    drop((machine, store));

    let mut machine = open();
    let start = Instant::now();
    let block = machine.propose(&validator().public_key().address(), START + 1_000, &[], u64::MAX).unwrap().block;
    let proposed = start.elapsed();
    drop(machine);
    machine = open();
    let start = Instant::now();
    machine.verify(&block).unwrap();
    let verified = start.elapsed();
    let signature = CommitSignature::sign(&block.header, machine.genesis_hash(), &validator());
    let certificate = encode(&Certificate { header: block.hash(), signatures: vec![signature] });
    let start = Instant::now();
    machine.commit(&block, &certificate, &[]).unwrap();
    [proposed, verified, start.elapsed()]
}

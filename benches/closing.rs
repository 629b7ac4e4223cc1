//! What closing an epoch costs by the number of workers that earned something in it: the root over their payouts, deleting
//! as many of an epoch before, and minting each worker's share of a capacity pool.
//!
//! `cargo bench --bench closing` prints medians of five blocks each for 1000 and 10 000 payouts, and for as many as
//! `ASSAY_BENCH_PAYOUTS` says. The state is written past the rules, since no benchmark could make so many workers work; the block
//! is proposed, verified as another validator would, and committed, each by a machine that was just opened. The
//! directories lie beside the build, on a disk and not in memory.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops loudly and prints its figures")]

use std::time::{Duration, Instant};

use attestation::identity::ed25519::SigningKey;
use chain::inclusion::{Certificate, CommitSignature};
use chain::node::{Directory, RocksStore};
use chain::state::{Batch, Head, Key, Machine, Object, StateMachine, Store, Stored, tree};
use chain::types::ids::{genesis_beacon, object_id};
use chain::types::params::{ModelParams, Params};
use chain::types::{Address, EpochBatch, Genesis, Payout, RunningEpoch, encode};
use prover::srs::generate::development;
use verifier::setup::Setup;

const START: u64 = 1_700_000_000_000;
const SETUP_K: u32 = 9;
/// Blocks of each kind.
const ROUNDS: usize = 5;
/// Micro-tokens of an epoch's capacity pool, where there is one.
const POOL: u128 = 1_000_000_000;
/// What each worker's capacity weighs.
const WEIGHT: u128 = 81_920 * 10_000;

struct Case {
    genesis: Genesis,
    setup: Setup,
    validator: SigningKey,
}

impl Case {
    fn new(pool: u128) -> Self {
        let validator = SigningKey::from_seed(&[255; 32]);
        let setup = development(SETUP_K, &|_, _| {}).unwrap();
        let base = Genesis::development(START, validator.public_key(), vec![], [setup.id()].into()).unwrap();
        let mut params = Params { model: ModelParams { k_max: SETUP_K }, ..*base.params() };
        params.block.epoch_blocks = 1;
        params.epoch.payouts_kept = 1;
        params.epoch.capacity_pool = pool;
        let (validators, setups, policy) = (base.validators().clone(), base.setups().clone(), base.policy().clone());
        let genesis = Genesis::new(base.chain_id(), START, params, vec![], validators, setups, policy).unwrap();
        Self { genesis, setup, validator }
    }

    fn open(&self, directory: &Directory) -> Machine<RocksStore> {
        let store = RocksStore::open(directory).unwrap();
        Machine::open(store, self.genesis.clone(), vec![self.setup.clone()]).unwrap()
    }

    /// Proposes, verifies and commits the block that closes an epoch of `count` payouts and deletes the `forgotten` ones of
    /// the epoch before.
    fn close(&self, count: u32, forgotten: u32) -> [Duration; 3] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let directory = Directory::open(&folder.path().join("data"), &self.genesis).unwrap();
        self.fill(&directory, count, forgotten);
        let proposer = self.validator.public_key().address();
        let mut machine = self.open(&directory);
        let started = Instant::now();
        let block = machine.propose(&proposer, START + 1_000, &[], u64::MAX).unwrap().block;
        let proposed = started.elapsed();
        drop(machine);
        machine = self.open(&directory);
        let started = Instant::now();
        machine.verify(&block).unwrap();
        let verified = started.elapsed();
        let signature = CommitSignature::sign(&block.header, machine.genesis_hash(), &self.validator);
        let certificate = encode(&Certificate { header: block.hash(), signatures: vec![signature] });
        let started = Instant::now();
        machine.commit(&block, &certificate, &[]).unwrap();
        [proposed, verified, started.elapsed()]
    }

    /// Writes the state before that block.
    fn fill(&self, directory: &Directory, count: u32, forgotten: u32) {
        let machine = self.open(directory);
        let running = RunningEpoch {
            epoch: 1,
            difficulty_bps: 10_000,
            seed: genesis_beacon(&self.genesis.hash()),
            payouts: count,
            units: 0,
            minted: 0,
            paid: 0,
            capacity_weight: WEIGHT * u128::from(count),
        };
        let mut objects: Vec<(Key, Object)> = payouts(0, forgotten).chain(payouts(1, count)).collect();
        objects.push((Key::EpochBatch(0), closed(forgotten).into_object()));
        objects.push((Key::RunningEpoch, running.into_object()));
        let writes: Vec<_> = objects.iter().map(|(key, object)| (key.to_bytes(), Some(encode(object)))).collect();
        let mut store = machine.store().clone();
        let (root, tree) = tree::update(&store, 1, &writes).unwrap();
        let keys = writes.into_iter().map(|(key, _)| key).collect();
        let head = Head { height: 1, root, ..*machine.head() };
        store.apply(Batch { head, tree, keys, block: None }).unwrap();
    }
}

fn payouts(epoch: u64, count: u32) -> impl Iterator<Item = (Key, Object)> {
    (0..count).map(move |index| {
        let worker = object_id(&[1; 32], index);
        let payout = Payout {
            epoch,
            worker,
            operator: Address::new(worker),
            results: 0,
            units: 0,
            minted: 0,
            paid: 0,
            capacity_weight: WEIGHT,
            capacity: 0,
        };
        (Key::Payout(epoch, index), payout.into_object())
    })
}

/// The epoch before.
fn closed(payouts: u32) -> EpochBatch {
    EpochBatch {
        version: 1,
        epoch: 0,
        closed_height: 1,
        difficulty_bps: 10_000,
        next_difficulty_bps: 10_000,
        payouts,
        units: 0,
        minted: 0,
        paid: 0,
        capacity: 0,
        payout_root: [0; 32],
    }
}

fn main() {
    let asked = std::env::var("ASSAY_BENCH_PAYOUTS").ok().map(|number| number.parse().unwrap());
    for count in [1_000, 10_000].into_iter().chain(asked) {
        for (forgotten, pool) in [(0, 0), (count, 0), (count, POOL)] {
            let case = Case::new(pool);
            let mut rounds: Vec<[Duration; 3]> = (0..ROUNDS).map(|_| case.close(count, forgotten)).collect();
            let [propose, verify, commit] = [0, 1, 2].map(|step| {
                rounds.sort_unstable_by_key(|round| round.get(step).copied());
                rounds.get(ROUNDS / 2).and_then(|round| round.get(step)).map_or(0.0, |taken| taken.as_secs_f64() * 1e3)
            });
            println!(
                "closing: {count} payouts, {forgotten} deleted, pool {pool}: propose {propose:.1}, verify {verify:.1}, commit {commit:.1} ms"
            );
        }
    }
}

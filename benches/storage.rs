//! What a large state costs a node: a block on it, step by step, restarting on it, disk with and without its history, a
//! snapshot and its restoration.
//!
//! `cargo bench --bench storage` makes a chain whose transfers each open an account, as many as `ASSAY_BENCH_OBJECTS` says
//! (100 000 without it), 1000 to a block, and prints each figure once; a restart is measured eleven times and its median told.
//! The directories lie beside the build, on a disk and not in memory.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops loudly and prints its figures")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use attestation::identity::ed25519::SigningKey;
use chain::inclusion::{Certificate, CommitSignature};
use chain::node::archive::{ArchiveReader, restore, snapshot};
use chain::node::{Directory, LastSignedFile, RocksStore, start};
use chain::state::{LocalChain, Machine, SigningGuard, StateMachine};
use chain::types::genesis::GenesisAccount;
use chain::types::params::{ModelParams, Params};
use chain::types::transaction::{Action, CheckedTransaction, Transaction, Transfer};
use chain::types::{Address, Genesis, encode};
use prover::srs::generate::development;
use verifier::setup::Setup;

const START: u64 = 1_700_000_000_000;
const SETUP_K: u32 = 9;
const SENDERS: u8 = 50;
const EACH: u64 = 20;
const RESTARTS: usize = 11;

struct Case {
    genesis: Genesis,
    setup: Setup,
    senders: Vec<SigningKey>,
    validator: SigningKey,
}

impl Case {
    fn new() -> Self {
        let senders: Vec<SigningKey> = (1..=SENDERS).map(|number| SigningKey::from_seed(&[number; 32])).collect();
        let validator = SigningKey::from_seed(&[255; 32]);
        let setup = development(SETUP_K, &|_, _| {}).unwrap();
        let account = |key: &SigningKey| GenesisAccount { address: key.public_key().address(), balance: 1 << 90 };
        let accounts = senders.iter().map(account).collect();
        let base = Genesis::development(START, validator.public_key(), accounts, [setup.id()].into()).unwrap();
        let params = Params { model: ModelParams { k_max: SETUP_K }, ..*base.params() };
        let (accounts, validators) = (base.accounts().to_vec(), base.validators().clone());
        let (setups, policy) = (base.setups().clone(), base.policy().clone());
        let genesis = Genesis::new(base.chain_id(), START, params, accounts, validators, setups, policy).unwrap();
        Self { genesis, setup, senders, validator }
    }

    fn start(&self, path: &Path) -> LocalChain<RocksStore> {
        start(path, self.genesis.clone(), vec![self.setup.clone()], self.validator.clone()).unwrap()
    }

    /// Transfers for the next block, each to an account of its own.
    fn transfers(&self, machine: &Machine<RocksStore>) -> Vec<CheckedTransaction> {
        let height = machine.height();
        let mut candidates = Vec::new();
        for (number, key) in (0u64..).zip(&self.senders) {
            for ahead in 0..EACH {
                let to: Vec<u8> = [height, number, ahead, 7].into_iter().flat_map(u64::to_le_bytes).collect();
                let action = Action::Transfer(Transfer { to: Address::from_bytes(&to).unwrap(), amount: 1 });
                let (chain_id, genesis) = (machine.genesis().chain_id(), *machine.genesis_hash());
                let body = Transaction {
                    chain_id,
                    genesis,
                    nonce: height * EACH + ahead,
                    gas_limit: 20_000,
                    gas_price: 1,
                    action,
                };
                candidates.push(CheckedTransaction::parse(&body.sign(key).to_bytes()).unwrap());
            }
        }
        candidates
    }

    /// Makes a block as the local engine does, and notes how long each step took.
    fn block(&self, machine: &mut Machine<RocksStore>, guard: &mut LastSignedFile, steps: &mut Steps) {
        let candidates = self.transfers(machine);
        let proposer = self.validator.public_key().address();
        let time = machine.head().time + 250;
        let mut clock = Instant::now();
        let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed();
        let block = machine.propose(&proposer, time, &candidates, u64::MAX).unwrap().block;
        let propose = lap();
        machine.verify(&block).unwrap();
        let verify = lap();
        guard.permit(&block).unwrap();
        let record = lap();
        let signature = CommitSignature::sign(&block.header, machine.genesis_hash(), &self.validator);
        let certificate = encode(&Certificate { header: block.hash(), signatures: vec![signature] });
        let committed = machine.commit(&block, &certificate, &[]).unwrap();
        let commit = lap();
        assert_eq!(committed.outcomes.len(), candidates.len());
        let taken = [propose, verify, record, commit, propose + verify + record + commit];
        steps.0.iter_mut().zip(taken).for_each(|((_, all), taken)| all.push(taken));
    }
}

/// How long each step of each block took.
struct Steps([(&'static str, Vec<Duration>); 5]);

impl Steps {
    fn new() -> Self {
        Self(["propose", "verify", "record before signing", "commit", "all of it"].map(|step| (step, Vec::new())))
    }

    fn print(self) {
        for (step, mut taken) in self.0 {
            taken.sort_unstable();
            println!("storage::block, {step}: p50 {:.1} ms, p99 {:.1} ms", quantile(&taken, 50), quantile(&taken, 99));
        }
    }
}

fn bytes_of(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| if entry.path().is_dir() { bytes_of(&entry.path()) } else { entry.metadata().unwrap().len() })
        .sum()
}

fn mebibytes(path: &Path) -> f64 {
    bytes_of(path) as f64 / f64::from(1 << 20)
}

fn quantile(sorted: &[Duration], hundredth: usize) -> f64 {
    sorted.get((sorted.len() - 1) * hundredth / 100).map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
}

fn main() {
    let objects: u64 = std::env::var("ASSAY_BENCH_OBJECTS").map_or(100_000, |text| text.parse().unwrap());
    let case = Case::new();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("chain");
    let directory = Directory::open(&path, &case.genesis).unwrap();
    let store = RocksStore::open(&directory).unwrap();
    let mut machine = Machine::open(store, case.genesis.clone(), vec![case.setup.clone()]).unwrap();
    let mut guard = LastSignedFile::open(&directory, 0).unwrap();
    let blocks = objects.div_ceil(u64::from(SENDERS) * EACH);
    let mut steps = Steps::new();
    let started = Instant::now();
    for _ in 0..blocks {
        case.block(&mut machine, &mut guard, &mut steps);
    }
    println!(
        "storage::blocks: {blocks} blocks of 1000 transfers to new accounts in {:.0} s with their signing",
        started.elapsed().as_secs_f64()
    );
    steps.print();
    drop((directory, machine, guard));
    println!("storage::disk: {:.0} MiB with the whole history", mebibytes(&path));

    let mut restarts: Vec<Duration> = (0..RESTARTS)
        .map(|_| {
            let started = Instant::now();
            let chain = case.start(&path);
            let taken = started.elapsed();
            assert_eq!(chain.machine().height(), blocks);
            taken
        })
        .collect();
    restarts.sort_unstable();
    println!(
        "storage::restart: median {:.1} ms, longest {:.1} ms ({RESTARTS} restarts)",
        quantile(&restarts, 50),
        quantile(&restarts, 100)
    );

    let file = folder.path().join("state");
    let started = Instant::now();
    let written = snapshot(&path, &case.genesis, &file).unwrap();
    let size = fs::metadata(&file).unwrap().len() as f64 / f64::from(1 << 20);
    println!(
        "storage::snapshot: {} objects in {:.1} s, {size:.0} MiB",
        written.entries,
        started.elapsed().as_secs_f64()
    );

    let restored = folder.path().join("restored");
    let started = Instant::now();
    assert_eq!(restore(ArchiveReader::open(&file).unwrap(), &restored, false).unwrap(), written);
    println!(
        "storage::restore: every object checked and written in {:.1} s, {:.0} MiB on disk",
        started.elapsed().as_secs_f64(),
        mebibytes(&restored)
    );

    let mut store = RocksStore::open(&Directory::existing(&path, &case.genesis).unwrap()).unwrap();
    let started = Instant::now();
    let pruned = store.prune(blocks, 0).unwrap();
    drop(store);
    println!(
        "storage::prune: {} nodes and {} values in {:.1} s, {:.0} MiB left with every block",
        pruned.nodes,
        pruned.values,
        started.elapsed().as_secs_f64(),
        mebibytes(&path)
    );
    let mut store = RocksStore::open(&Directory::existing(&path, &case.genesis).unwrap()).unwrap();
    store.prune(blocks, blocks).unwrap();
    drop(store);
    println!("storage::prune: {:.0} MiB left without the blocks before the last", mebibytes(&path));
    let chain = case.start(&path);
    assert_eq!(chain.machine().root(), written.root);
}

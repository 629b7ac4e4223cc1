//! What a block of transfers costs on disk: the synced batch alone, execution of a block made here, a block of another
//! validator from its bytes (with its signatures), and a whole round of the local engine from signed bytes to final.
//!
//! `cargo bench --bench settlement` prints medians by criterion, then p50 and p99 of every single block.
//! The data directories lie beside the build, on a disk and not in memory.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops loudly and prints its figures")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use attestation::identity::ed25519::SigningKey;
use chain::inclusion::{Certificate, CommitSignature};
use chain::node::{Directory, RocksStore, start};
use chain::state::{Machine, StateMachine};
use chain::types::genesis::GenesisAccount;
use chain::types::ids::Address;
use chain::types::params::{ModelParams, Params};
use chain::types::transaction::{Action, CheckedTransaction, Transaction, Transfer};
use chain::types::{Block, Genesis, encode};
use criterion::Criterion;
use prover::srs::generate::development;
use verifier::setup::Setup;

const START: u64 = 1_700_000_000_000;
const SETUP_K: u32 = 9;
const SENDERS: u64 = 50;
/// Blocks made before anything is measured, so that the tree is not empty.
const WARM_BLOCKS: u32 = 20;

/// How long each block took, by what was measured.
struct Samples {
    name: String,
    transactions: u64,
    durations: Vec<Duration>,
}

impl Samples {
    fn new(name: &str, transactions: u64) -> Self {
        Self { name: format!("{name}/transactions={transactions}"), transactions, durations: Vec::new() }
    }

    /// Runs `block`, which times itself, as often as criterion asks.
    fn measure(mut self, criterion: &mut Criterion, mut block: impl FnMut() -> Duration) -> Self {
        for _ in 0..WARM_BLOCKS {
            block();
        }
        let durations = &mut self.durations;
        criterion.bench_function(&self.name, |bencher| {
            bencher.iter_custom(|rounds| {
                let taken = (0..rounds).map(|_| {
                    let taken = block();
                    durations.push(taken);
                    taken
                });
                taken.sum()
            });
        });
        self
    }

    fn print(mut self) {
        self.durations.sort_unstable();
        let quantile = |hundredth: usize| {
            let index = (self.durations.len() - 1) * hundredth / 100;
            self.durations.get(index).map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
        };
        let total: f64 = self.durations.iter().map(Duration::as_secs_f64).sum();
        let rate = self.transactions as f64 * self.durations.len() as f64 / total;
        let (p50, p99, blocks) = (quantile(50), quantile(99), self.durations.len());
        println!("{}: p50 {p50:.2} ms, p99 {p99:.2} ms, {rate:.0} transfers/s ({blocks} blocks)", self.name);
    }
}

/// People and a chain.
struct Case {
    genesis: Genesis,
    setup: Setup,
    senders: Vec<SigningKey>,
    validator: SigningKey,
}

impl Case {
    fn new() -> Self {
        let key = |number: u64| {
            let mut seed = [7; 32];
            seed.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, part)| *byte = part);
            SigningKey::from_seed(&seed)
        };
        let senders: Vec<SigningKey> = (1..=SENDERS).map(key).collect();
        let validator = key(0);
        let account = |sender: &SigningKey| GenesisAccount { address: sender.public_key().address(), balance: 1 << 90 };
        let setup = development(SETUP_K, &|_, _| {}).unwrap();
        let setups = BTreeSet::from([setup.id()]);
        let accounts = senders.iter().map(account).collect();
        let base = Genesis::development(START, validator.public_key(), accounts, setups).unwrap();
        let params = Params { model: ModelParams { k_max: SETUP_K }, ..*base.params() };
        let genesis = Genesis::new(
            base.chain_id(),
            START,
            params,
            base.accounts().to_vec(),
            base.validators().clone(),
            base.setups().clone(),
            base.policy().clone(),
        );
        Self { genesis: genesis.unwrap(), setup, senders, validator }
    }

    fn machine(&self, path: &Path) -> Machine<RocksStore> {
        let directory = Directory::open(path, &self.genesis).unwrap();
        let store = RocksStore::open(&directory).unwrap();
        Machine::open(store, self.genesis.clone(), vec![self.setup.clone()]).unwrap()
    }

    /// Transfers in equal parts from every sender, one in ten of them to an account that does not exist yet.
    fn transfers(&self, machine: &Machine<RocksStore>, count: u64) -> Vec<Vec<u8>> {
        let mut transfers = Vec::new();
        for (number, sender) in (0..).zip(&self.senders) {
            let nonce = machine.account(&sender.public_key().address()).unwrap().nonce;
            for ahead in 0..count / SENDERS {
                let new = (number + ahead).is_multiple_of(10);
                let body = Transaction {
                    chain_id: machine.genesis().chain_id(),
                    genesis: *machine.genesis_hash(),
                    nonce: nonce + ahead,
                    gas_limit: 20_000,
                    gas_price: 1,
                    action: Action::Transfer(Transfer {
                        to: recipient(if new { [machine.height(), number, ahead] } else { [0; 3] }),
                        amount: 1,
                    }),
                };
                transfers.push(body.sign(sender).to_bytes());
            }
        }
        transfers
    }

    /// The next block, of `count` transfers, and its certificate.
    fn block(&self, machine: &Machine<RocksStore>, count: u64) -> (Block, Vec<u8>) {
        let transfers = self.transfers(machine, count);
        let candidates: Vec<CheckedTransaction> =
            transfers.iter().map(|bytes| CheckedTransaction::parse(bytes).unwrap()).collect();
        let proposer = self.validator.public_key().address();
        let time = machine.head().time + 250;
        let block = machine.propose(&proposer, time, &candidates, u64::MAX).unwrap().block;
        let signature = CommitSignature::sign(&block.header, machine.genesis_hash(), &self.validator);
        let certificate = encode(&Certificate { header: block.hash(), signatures: vec![signature] });
        (block, certificate)
    }

    /// Commits a block of `count` transfers; the time from where `verified` says.
    fn commit(&self, machine: &mut Machine<RocksStore>, count: u64, verified: bool) -> Duration {
        let (block, certificate) = self.block(machine, count);
        if verified {
            machine.verify(&block).unwrap();
        }
        commit(machine, &block, &certificate, count)
    }

    /// Commits a block of `count` transfers that another machine made.
    fn follow(&self, maker: &mut Machine<RocksStore>, follower: &mut Machine<RocksStore>, count: u64) -> Duration {
        let (block, certificate) = self.block(maker, count);
        maker.commit(&block, &certificate, &[]).unwrap();
        commit(follower, &block, &certificate, count)
    }
}

fn commit(machine: &mut Machine<RocksStore>, block: &Block, certificate: &[u8], count: u64) -> Duration {
    let started = Instant::now();
    let commit = machine.commit(block, certificate, &[]).unwrap();
    let taken = started.elapsed();
    assert_eq!(commit.outcomes.len() as u64, count);
    taken
}

fn recipient(parts: [u64; 3]) -> Address {
    let mut bytes = [9; 32];
    bytes.iter_mut().zip(parts.into_iter().flat_map(u64::to_le_bytes)).for_each(|(byte, part)| *byte = part);
    Address::new(bytes)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let case = Case::new();
    let folder = || tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut all = Vec::new();
    for count in [100, 1_000] {
        for (name, verified) in [("block::commit", true), ("block::verify_and_commit", false)] {
            let folder = folder();
            let mut machine = case.machine(folder.path());
            let samples = Samples::new(name, count);
            all.push(samples.measure(&mut criterion, || case.commit(&mut machine, count, verified)));
        }
        let (first, second) = (folder(), folder());
        let (mut maker, mut follower) = (case.machine(first.path()), case.machine(second.path()));
        let samples = Samples::new("block::follow", count);
        all.push(samples.measure(&mut criterion, || case.follow(&mut maker, &mut follower, count)));
        let folder = folder();
        let setups = vec![case.setup.clone()];
        let mut chain = start(folder.path(), case.genesis.clone(), setups, case.validator.clone()).unwrap();
        let samples = Samples::new("engine::submit_and_produce", count);
        all.push(samples.measure(&mut criterion, || {
            let transfers = case.transfers(chain.machine(), count);
            let now = chain.machine().head().time + 250;
            let started = Instant::now();
            for bytes in &transfers {
                chain.submit(bytes).unwrap();
            }
            let produced = chain.produce(now).unwrap();
            let taken = started.elapsed();
            assert_eq!(produced.commit.outcomes.len() as u64, count);
            taken
        }));
    }
    criterion.final_summary();
    all.into_iter().for_each(Samples::print);
}

//! Transfers from end to end: signed bytes over HTTP into a node, its memory pool, a block, the disk, and the answer that
//! they are in a block.
//!
//! `cargo bench --bench node` prints the time of a batch by criterion, then transfers per second. Client and node share
//! the machine. Signing is not measured.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops loudly and prints its figures")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use attestation::identity::ed25519::SigningKey;
use chain::client::Client;
use chain::node::{NodeOptions, serve};
use chain::types::genesis::GenesisAccount;
use chain::types::params::{ModelParams, Params};
use chain::types::transaction::{Action, Transaction, Transfer};
use chain::types::{Address, Genesis, Hash};
use criterion::Criterion;
use prover::srs::generate::development;
use tokio::runtime::Runtime;

const SETUP_K: u32 = 9;
const SENDERS: u8 = 40;
/// Transfers of each sender in a batch.
const EACH: u64 = 25;
const START: u64 = 1_700_000_000_000;

struct Sender {
    key: SigningKey,
    nonce: u64,
}

impl Sender {
    /// The next transfers, signed.
    fn sign(&mut self, chain_id: u32, genesis: Hash) -> Vec<Vec<u8>> {
        let transfer = |nonce| {
            let action = Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 1 });
            let body = Transaction { chain_id, genesis, nonce, gas_limit: 20_000, gas_price: 1, action };
            body.sign(&self.key).to_bytes()
        };
        let signed = (self.nonce..self.nonce + EACH).map(transfer).collect();
        self.nonce += EACH;
        signed
    }
}

/// Hands in one sender's transfers in order and waits until the last is in a block.
async fn send(client: Client, transfers: Vec<Vec<u8>>) {
    let (last, before) = transfers.split_last().unwrap();
    for transfer in before {
        client.submit(transfer).await.unwrap();
    }
    client.send(last).await.unwrap();
}

fn genesis(keys: &[SigningKey], validator: &SigningKey, setup: Hash) -> Genesis {
    let account = |key: &SigningKey| GenesisAccount { address: key.public_key().address(), balance: 1 << 90 };
    let accounts = keys.iter().map(account).collect();
    let base = Genesis::development(START, validator.public_key(), accounts, [setup].into()).unwrap();
    let params = Params { model: ModelParams { k_max: SETUP_K }, ..*base.params() };
    let (accounts, validators) = (base.accounts().to_vec(), base.validators().clone());
    let (setups, policy) = (base.setups().clone(), base.policy().clone());
    Genesis::new(base.chain_id(), START, params, accounts, validators, setups, policy).unwrap()
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let keys: Vec<SigningKey> = (1..=SENDERS).map(|number| SigningKey::from_seed(&[number; 32])).collect();
    let validator = SigningKey::from_seed(&[255; 32]);
    let setup = development(SETUP_K, &|_, _| {}).unwrap();
    let genesis = genesis(&keys, &validator, setup.id());
    let (chain_id, hash) = (genesis.chain_id(), genesis.hash());
    let options = NodeOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    let node = runtime.block_on(serve(folder.path(), genesis, vec![setup], validator, options)).unwrap();
    let client = Client::new(&format!("http://{}", node.address())).unwrap();
    let mut senders: Vec<Sender> = keys.into_iter().map(|key| Sender { key, nonce: 0 }).collect();

    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let count = u64::from(SENDERS) * EACH;
    let mut durations = Vec::new();
    criterion.bench_function(&format!("node::transfers/transactions={count}"), |bencher| {
        bencher.iter_custom(|rounds| {
            let batches = (0..rounds).map(|_| {
                let batches: Vec<(Client, Vec<Vec<u8>>)> =
                    senders.iter_mut().map(|sender| (client.clone(), sender.sign(chain_id, hash))).collect();
                let started = Instant::now();
                runtime.block_on(async {
                    let tasks: Vec<_> =
                        batches.into_iter().map(|(client, transfers)| tokio::spawn(send(client, transfers))).collect();
                    for task in tasks {
                        task.await.unwrap();
                    }
                });
                let taken = started.elapsed();
                durations.push(taken);
                taken
            });
            batches.sum()
        });
    });
    criterion.final_summary();
    durations.sort_unstable();
    let median: Duration = durations.get(durations.len() / 2).copied().unwrap_or_default();
    println!(
        "node::transfers: median {:.1} ms for {count}, {:.0} transfers/s from end to end ({} batches)",
        median.as_secs_f64() * 1e3,
        count as f64 / median.as_secs_f64(),
        durations.len()
    );
    runtime.block_on(node.stop()).unwrap();
}

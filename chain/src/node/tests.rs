mod archive;
mod check;
mod directory;
mod door;
mod engine;
mod equal;
mod explain;
mod failpoints;
mod faults;
mod hostile;
mod objects;
mod prune;
mod replay;
mod rest;
mod serving;
mod stream;

use std::path::Path;

use crate::node::{Directory, RocksStore, StartError, start};
use crate::state::{LocalChain, Machine, StateMachine};
use crate::testing::{START, account, genesis, setup, validator};
use crate::types::ids::Address;
use crate::types::transaction::{Action, Transaction, Transfer};

fn store(path: &Path) -> RocksStore {
    RocksStore::open(&Directory::open(path, &genesis(|_| {})).unwrap()).unwrap()
}

fn machine(path: &Path) -> Machine<RocksStore> {
    Machine::open(store(path), genesis(|_| {}), vec![setup().clone()]).unwrap()
}

/// The engine over a data directory, as a node runs it.
fn engine(path: &Path) -> Result<LocalChain<RocksStore>, StartError> {
    start(path, genesis(|_| {}), vec![setup().clone()], validator())
}

/// A transfer of account 1, in canonical bytes.
fn transfer(chain: &LocalChain<RocksStore>, amount: u128) -> Vec<u8> {
    let machine = chain.machine();
    let body = Transaction {
        chain_id: machine.genesis().chain_id(),
        genesis: *machine.genesis_hash(),
        nonce: machine.account(&account(1).public_key().address()).unwrap().nonce,
        gas_limit: 20_000,
        gas_price: 1,
        action: Action::Transfer(Transfer { to: Address::new([9; 32]), amount }),
    };
    body.sign(&account(1)).to_bytes()
}

/// Makes `count` blocks of one transfer each in a data directory.
fn blocks(path: &Path, count: u64) {
    let mut chain = engine(path).unwrap();
    for _ in 0..count {
        chain.submit(&transfer(&chain, 5)).unwrap();
        chain.produce(START + 250 * (chain.machine().height() + 1)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

//! Every read of the state machine gives the same on disk and in memory, and every write the same roots.

use circuits::statement::Statement;
use jmt::storage::{Node, NodeKey, TreeUpdateBatch};

use super::{machine, store};
use crate::node::RocksStore;
use crate::state::store::{Batch, CommittedBlock, Head, Store, StoreError};
use crate::state::{Key, Machine, MemoryStore, StateMachine};
use crate::testing::{Leased, PROOF, World, genesis, input, output, setup, validator};
use crate::types::CheckedTransaction;
use crate::types::ids::Hash;
use crate::types::transaction::encode;

/// Both stores; every answer is compared.
struct Twin {
    memory: MemoryStore,
    rocks: RocksStore,
}

fn same<T: PartialEq + std::fmt::Debug>(memory: T, rocks: T) -> T {
    assert_eq!(memory, rocks);
    memory
}

impl Store for Twin {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        same(self.memory.head(), self.rocks.head())
    }

    fn node(&self, key: &NodeKey) -> Result<Option<Node>, StoreError> {
        same(self.memory.node(key), self.rocks.node(key))
    }

    fn value(&self, height: u64, key_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        same(self.memory.value(height, key_hash), self.rocks.value(height, key_hash))
    }

    fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        same(self.memory.keys(prefix, after, limit), self.rocks.keys(prefix, after, limit))
    }

    fn block(&self, height: u64) -> Result<Option<CommittedBlock>, StoreError> {
        same(self.memory.block(height), self.rocks.block(height))
    }

    fn apply(&mut self, batch: Batch) -> Result<(), StoreError> {
        same(self.memory.apply(batch.clone()), self.rocks.apply(batch))
    }
}

/// A world in which everything happened: a model, a worker, stakes, a settled job, and one whose lease timed out.
fn history() -> (World, Leased) {
    let (mut world, leased) = World::leased();
    world.settle(&leased);
    let job = world.post(world.job());
    world.lease(job, 2);
    world.reach(world.machine().height() + 250);
    (world, leased)
}

#[test]
fn a_chain_on_disk_answers_like_one_in_memory() {
    let (world, leased) = history();
    let directory = tempfile::tempdir().unwrap();
    let twin = Twin { memory: MemoryStore::new(), rocks: store(directory.path()) };
    let mut replica = Machine::open(twin, genesis(|_| {}), vec![setup().clone()]).unwrap();
    let statement = Statement { context_digest: leased.context.digest(), input: input(), output: output() };
    let source = world.machine();
    for height in 1..=source.height() {
        let committed = source.block(height).unwrap().unwrap();
        if height % 50 == 1 {
            let candidates: Vec<CheckedTransaction> =
                committed.block.transactions.iter().map(|bytes| CheckedTransaction::parse(bytes).unwrap()).collect();
            let proposer = validator().public_key().address();
            let proposal = replica.propose(&proposer, committed.block.header.time, &candidates, u64::MAX).unwrap();
            assert_eq!(proposal.block, committed.block);
        }
        replica.services().vouch(&world.model().1.key_digest, &statement, PROOF);
        let commit = replica.commit(&committed.block, &encode(&committed.certificate), &[]).unwrap();
        assert_eq!((commit.root, &commit.outcomes), (committed.block.header.state_root, &committed.outcomes));
        assert_eq!(replica.block(height).unwrap().as_ref(), Some(&committed));
    }
    assert_eq!(replica.head(), source.head());
    assert_eq!(replica.audit().unwrap(), source.audit().unwrap());
    let keys = source.store().keys(b"", None, usize::MAX).unwrap();
    assert_eq!(replica.store().keys(b"", None, usize::MAX).unwrap(), keys);
    for (prefix, after, limit) in [
        (b"acct/".as_slice(), None, usize::MAX),
        (b"acct/", Some(keys[1].as_slice()), 2),
        (b"obj/", Some(b"obj/job/".as_slice()), 1),
        (b"timer/", None, 0),
        (b"none/", None, 9),
    ] {
        let expected = source.store().keys(prefix, after, limit).unwrap();
        assert_eq!(replica.store().keys(prefix, after, limit).unwrap(), expected);
    }
    for key in [Key::Supply, Key::SpentWork([1; 32]), Key::Account(validator().public_key().address())] {
        assert_eq!(replica.prove(&key).unwrap(), source.prove(&key).unwrap());
    }
    let next = source.height() + 1;
    let batch = Batch { head: *source.head(), tree: TreeUpdateBatch::default(), keys: vec![], block: None };
    let expected = StoreError::Height { expected: next, got: source.height() };
    assert_eq!(Store::apply(&mut store_of(replica), batch), Err(expected));
}

/// The store alone, opened where the machine left it.
fn store_of(machine: Machine<Twin>) -> RocksStore {
    let path = machine.store().rocks.path().to_owned();
    drop(machine);
    store(&path)
}

#[test]
fn a_chain_is_opened_again_after_every_block() {
    let (world, leased) = history();
    let directory = tempfile::tempdir().unwrap();
    let statement = Statement { context_digest: leased.context.digest(), input: input(), output: output() };
    let source = world.machine();
    for height in 1..=source.height().min(40) {
        let committed = source.block(height).unwrap().unwrap();
        let mut replica = machine(directory.path());
        assert_eq!(replica.height(), height - 1);
        replica.services().vouch(&world.model().1.key_digest, &statement, PROOF);
        replica.commit(&committed.block, &encode(&committed.certificate), &[]).unwrap();
        assert_eq!(replica.root(), committed.block.header.state_root);
        for (position, outcome) in (0..).zip(&committed.outcomes) {
            assert_eq!(replica.store().transaction(&outcome.transaction).unwrap(), Some((height, position)));
        }
        drop(replica);
        let again = machine(directory.path());
        assert_eq!((again.head().block, again.block(height).unwrap()), (committed.block.hash(), Some(committed)));
        assert_eq!(again.audit().unwrap().root, again.root());
    }
    assert_eq!(machine(directory.path()).store().transaction(&[0; 32]), Ok(None));
}

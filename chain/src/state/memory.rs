//! A store in memory: for tests, demonstrations and light tools. It keeps every version and forgets all at exit.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jmt::storage::{Node, NodeKey};

use super::store::{Batch, CommittedBlock, Head, Store, StoreError};
use crate::types::ids::Hash;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    head: Option<Head>,
    nodes: BTreeMap<NodeKey, Node>,
    values: BTreeMap<(Hash, u64), Option<Vec<u8>>>,
    keys: BTreeSet<Vec<u8>>,
    blocks: BTreeMap<u64, CommittedBlock>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.head)
    }

    fn node(&self, key: &NodeKey) -> Result<Option<Node>, StoreError> {
        Ok(self.nodes.get(key).cloned())
    }

    fn value(&self, height: u64, key_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        let mut versions = self.values.range((*key_hash, 0)..=(*key_hash, height));
        Ok(versions.next_back().and_then(|(_, value)| value.clone()))
    }

    fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let start = match after {
            Some(after) => Bound::Excluded(after.to_vec()),
            None => Bound::Included(prefix.to_vec()),
        };
        let keys = self.keys.range((start, Bound::Unbounded));
        Ok(keys.take_while(|key| key.starts_with(prefix)).take(limit).cloned().collect())
    }

    fn block(&self, height: u64) -> Result<Option<CommittedBlock>, StoreError> {
        Ok(self.blocks.get(&height).cloned())
    }

    fn apply(&mut self, batch: Batch) -> Result<(), StoreError> {
        let expected = self.head.map_or(0, |head| head.height.saturating_add(1));
        if batch.head.height != expected {
            return Err(StoreError::Height { expected, got: batch.head.height });
        }
        let Batch { head, tree, keys, block } = batch;
        for (key, node) in tree.node_batch.nodes() {
            self.nodes.insert(key.clone(), node.clone());
        }
        for ((version, key), value) in tree.node_batch.values() {
            self.values.insert((key.0, *version), value.clone());
        }
        self.keys.extend(keys);
        if let Some(block) = block {
            self.blocks.insert(head.height, block);
        }
        self.head = Some(head);
        Ok(())
    }
}

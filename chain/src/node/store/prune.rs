//! Forgetting the past: old states always, old blocks if asked for.
//!
//! The state of the head is never touched, so what is spent stays spent and every proof under a later header stands.

use rocksdb::{IteratorMode, WriteBatch};

use super::family::{FLOOR, Family, read_place_entry};
use super::floor::{Anchor, Floor};
use super::rocks::{RocksStore, failed};
use crate::node::failpoint::Write;
use crate::state::store::{Store, StoreError};
use crate::types::transaction::encode;

/// Deletions of one batch.
const BATCH: usize = 10_000;
/// Bytes of a version or height in a key.
const HEIGHT_BYTES: usize = 8;

/// What pruning deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Nodes of old state trees.
    pub nodes: u64,
    /// Values that were replaced or deleted.
    pub values: u64,
    /// Keys without a value.
    pub keys: u64,
    /// Blocks.
    pub blocks: u64,
}

/// Deletions that are written in batches.
struct Deletions<'a> {
    store: &'a RocksStore,
    batch: WriteBatch,
    count: u64,
}

impl<'a> Deletions<'a> {
    fn new(store: &'a RocksStore) -> Self {
        Self { store, batch: WriteBatch::default(), count: 0 }
    }

    fn delete(&mut self, family: Family, key: &[u8]) -> Result<(), StoreError> {
        self.batch.delete_cf(self.store.family(family)?, key);
        if self.batch.len() >= BATCH {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        self.store.write(Write::Pruned, batch, "what is pruned")
    }

    fn finish(mut self) -> Result<u64, StoreError> {
        self.write()?;
        Ok(self.count)
    }
}

impl RocksStore {
    /// Forgets the states below `state_from` and the blocks below `blocks_from`, as far as they are not forgotten already, and
    /// gives the room back.
    ///
    /// # Errors
    /// [`StoreError::Height`] above the head; the others. An interrupted pruning is finished by the next one.
    // spec: chain#prune
    pub fn prune(&mut self, state_from: u64, blocks_from: u64) -> Result<Pruned, StoreError> {
        let head = self.head()?.map_or(0, |head| head.height);
        let got = state_from.max(blocks_from);
        if got > head {
            return Err(StoreError::Height { expected: head, got });
        }
        let floor = self.raised(state_from, blocks_from)?;
        let mut marker = WriteBatch::default();
        marker.put_cf(self.family(Family::Meta)?, FLOOR, encode(&floor));
        self.write_synced(Write::Floor, marker, "what is kept")?;
        let pruned = Pruned {
            nodes: self.prune_nodes(floor.state_from)?,
            values: self.prune_values(floor.state_from)?,
            keys: self.prune_keys(head)?,
            blocks: self.prune_blocks(floor.blocks_from)?,
        };
        for family in Family::ALL {
            self.compact(family)?;
        }
        Ok(pruned)
    }

    fn raised(&self, state_from: u64, blocks_from: u64) -> Result<Floor, StoreError> {
        let mut floor = self.floor()?;
        floor.state_from = floor.state_from.max(state_from);
        if blocks_from > floor.blocks_from {
            let what = "the block before those that are kept";
            let last = self.block(blocks_from.saturating_sub(1))?.ok_or(StoreError::Corrupt { what })?;
            floor.blocks_from = blocks_from;
            floor.anchor = Some(Anchor { header: last.block.header, certificate: last.certificate });
        }
        Ok(floor)
    }

    /// Nodes that no tree from `state_from` on has.
    fn prune_nodes(&self, state_from: u64) -> Result<u64, StoreError> {
        let mut deletions = Deletions::new(self);
        for entry in self.database.iterator_cf(self.family(Family::Stale)?, IteratorMode::Start) {
            let (key, _) = entry.map_err(failed("the index of stale nodes"))?;
            let (since, node) = split_height(&key)?;
            if since > state_from {
                break;
            }
            deletions.delete(Family::Nodes, node)?;
            deletions.delete(Family::Stale, &key)?;
            deletions.count = deletions.count.saturating_add(1);
        }
        deletions.finish()
    }

    /// Values that a later one at or below `state_from` replaced, and deletions at or below it.
    fn prune_values(&self, state_from: u64) -> Result<u64, StoreError> {
        let mut deletions = Deletions::new(self);
        let mut before: Option<Box<[u8]>> = None;
        for entry in self.database.iterator_cf(self.family(Family::Values)?, IteratorMode::Start) {
            let (key, value) = entry.map_err(failed("the values of the state"))?;
            let what = "the key of a value";
            let at = key.len().checked_sub(HEIGHT_BYTES).ok_or(StoreError::Corrupt { what })?;
            let (hash, version) = key.split_at_checked(at).ok_or(StoreError::Corrupt { what })?;
            let (version, _) = split_height(version)?;
            if version > state_from {
                continue;
            }
            // The one before is of an earlier version, if it is of the same key.
            if let Some(old) = before.take().filter(|old| old.starts_with(hash)) {
                deletions.delete(Family::Values, &old)?;
                deletions.count = deletions.count.saturating_add(1);
            }
            if value.first() == Some(&0) {
                deletions.delete(Family::Values, &key)?;
                deletions.count = deletions.count.saturating_add(1);
            } else {
                before = Some(key);
            }
        }
        deletions.finish()
    }

    /// Entries of the key index that hold nothing in the newest state.
    fn prune_keys(&self, head: u64) -> Result<u64, StoreError> {
        let mut deletions = Deletions::new(self);
        for entry in self.database.iterator_cf(self.family(Family::KeyIndex)?, IteratorMode::Start) {
            let (key, _) = entry.map_err(failed("the index of state keys"))?;
            if self.value(head, &verifier::inclusion::state::key_hash(&key))?.is_none() {
                deletions.delete(Family::KeyIndex, &key)?;
                deletions.count = deletions.count.saturating_add(1);
            }
        }
        deletions.finish()
    }

    fn prune_blocks(&self, blocks_from: u64) -> Result<u64, StoreError> {
        let mut deletions = Deletions::new(self);
        for entry in self.database.iterator_cf(self.family(Family::Blocks)?, IteratorMode::Start) {
            let (key, _) = entry.map_err(failed("the blocks"))?;
            if split_height(&key)?.0 >= blocks_from {
                break;
            }
            for family in [Family::Blocks, Family::Certificates, Family::Receipts] {
                deletions.delete(family, &key)?;
            }
            deletions.count = deletions.count.saturating_add(1);
        }
        if deletions.count > 0 {
            for entry in self.database.iterator_cf(self.family(Family::Transactions)?, IteratorMode::Start) {
                let (key, place) = entry.map_err(failed("the places of transactions"))?;
                let place =
                    read_place_entry(&place).ok_or(StoreError::Corrupt { what: "the place of a transaction" })?;
                if place.0 < blocks_from {
                    deletions.delete(Family::Transactions, &key)?;
                }
            }
        }
        deletions.finish()
    }
}

/// A big-endian height, and what follows it.
fn split_height(key: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let what = "the key of an entry";
    let (height, rest) = key.split_first_chunk::<HEIGHT_BYTES>().ok_or(StoreError::Corrupt { what })?;
    Ok((u64::from_be_bytes(*height), rest))
}

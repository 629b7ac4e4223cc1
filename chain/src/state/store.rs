//! What the state machine asks of a store: versioned reads, and one atomic write per block.
//!
//! The machine never writes anything but a whole [`Batch`], and a batch holds the new [`Head`], so a store that applies
//! batches atomically is at one height or at the next and never between. The head is the commit point.

use borsh::{BorshDeserialize, BorshSerialize};
use jmt::storage::{Node, NodeKey, TreeUpdateBatch};
use serde::{Deserialize, Serialize};
use verifier::inclusion::{Certificate, Misbehaviour};

use crate::types::block::{Block, ComputeResult};
use crate::types::event::{Event, Outcome};
use crate::types::ids::Hash;

/// Why a store cannot answer or write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something that must be there is not, or does not decode.
    #[error("store: {what} is missing or damaged; the data directory is corrupt")]
    Corrupt {
        /// What was looked for.
        what: &'static str,
    },
    /// The database found its own files damaged; its message.
    #[error(
        "store: {what}: the database's files are damaged ({message}); restore the data directory, nothing was repaired"
    )]
    Damaged {
        /// What was read or written.
        what: &'static str,
        /// The database's message.
        message: String,
    },
    /// The database could not read or write; its message.
    #[error("store: {what}: {message}; check the disk's free space and permissions and start again")]
    Database {
        /// What was read or written.
        what: &'static str,
        /// The database's message.
        message: String,
    },
    /// The tree library refused; its message.
    #[error("store: state tree: {message}")]
    Tree {
        /// The library's message.
        message: String,
    },
    /// A batch for another height than the next.
    #[error("store: expected a batch for height {expected}, got {got}")]
    Height {
        /// Next height.
        expected: u64,
        /// Height of the batch.
        got: u64,
    },
}

/// Where the chain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Head {
    /// Hash of the genesis.
    pub genesis: Hash,
    /// Height of the last block, 0 at genesis.
    pub height: u64,
    /// Its hash; the genesis hash at height 0.
    pub block: Hash,
    /// Its time, milliseconds since the epoch.
    pub time: u64,
    /// State root after it.
    pub root: Hash,
    /// Beacon of the next block.
    pub next_beacon: Hash,
}

/// A finalised block and what executing it gave.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommittedBlock {
    /// The block.
    pub block: Block,
    /// What finalised it.
    pub certificate: Certificate,
    /// Reports of misbehaviour that came with it, checked.
    pub misbehaviour: Vec<Misbehaviour>,
    /// What became of each transaction.
    pub outcomes: Vec<Outcome>,
    /// What happened at the end of the block.
    pub closing: Vec<Event>,
    /// The leaves of the compute root.
    pub results: Vec<ComputeResult>,
}

/// Everything one block changes.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The new head.
    pub head: Head,
    /// New tree nodes and values, and the nodes they replace.
    pub tree: TreeUpdateBatch,
    /// Bytes of the keys that were written.
    pub keys: Vec<Vec<u8>>,
    /// The block; none for genesis.
    pub block: Option<CommittedBlock>,
}

/// Storage of one chain.
pub trait Store {
    /// Where the chain stands; none before genesis.
    ///
    /// # Errors
    /// [`StoreError`], as for every method.
    fn head(&self) -> Result<Option<Head>, StoreError>;

    /// A node of the state tree.
    ///
    /// # Errors
    /// [`StoreError`].
    fn node(&self, key: &NodeKey) -> Result<Option<Node>, StoreError>;

    /// The newest value of a key hash at or below a height.
    ///
    /// # Errors
    /// [`StoreError`].
    fn value(&self, height: u64, key_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keys that start with `prefix` and sort after `after`, ascending, at most `limit`; deleted ones may be among them.
    ///
    /// # Errors
    /// [`StoreError`].
    fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError>;

    /// A finalised block.
    ///
    /// # Errors
    /// [`StoreError`].
    fn block(&self, height: u64) -> Result<Option<CommittedBlock>, StoreError>;

    /// Applies a batch as a whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::Height`] unless the batch is for the next height.
    fn apply(&mut self, batch: Batch) -> Result<(), StoreError>;
}

//! Running a whole chain again: every block from genesis on, in another process than the one that made it.
//!
//! A certificate says that validators agreed on a block, not that the rules give what it claims. This executes every
//! transaction again, proofs included, on a state that starts from genesis, and compares every root and every outcome.
//! The state is built in memory.

use std::path::Path;

use verifier::setup::Setup;

use super::store::{Directory, OpenError, RocksStore};
use crate::state::store::{CommittedBlock, Head, Store, StoreError};
use crate::state::{CommitError, Machine, MachineError, MemoryStore, StateMachine};
use crate::types::genesis::Genesis;
use crate::types::transaction::encode;

/// What running a chain again found wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine does not start.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// There is nothing to run.
    #[error("replay: the database is empty; start the node on it first")]
    Empty,
    /// The first blocks were pruned, or never were here.
    #[error(
        "replay: the directory holds blocks from height {from} on; replay where all of them are, or only check this one"
    )]
    Pruned {
        /// First height that is there.
        from: u64,
    },
    /// A block is missing.
    #[error("replay: block {height} is missing; restore the data directory")]
    Missing {
        /// Its height.
        height: u64,
    },
    /// A block does not follow from the rules.
    #[error("replay: block {height}: {error}")]
    Block {
        /// Its height.
        height: u64,
        /// What does not follow.
        error: CommitError,
    },
    /// The store says that something else happened in a block than its execution gives.
    #[error("replay: block {height}: the recorded {part} are not those that running it gives")]
    Recorded {
        /// Its height.
        height: u64,
        /// Which part.
        part: &'static str,
    },
    /// The chain ends elsewhere.
    #[error("replay: the recorded head at height {height} is not where running the blocks ends")]
    Head {
        /// Height of the recorded head.
        height: u64,
    },
}

/// Executes every block of the data directory at `path` again, from genesis; no node may have it open, and nothing in
/// it changes. Returns where the chain stands.
///
/// # Errors
/// [`ReplayError`], naming the first block that does not come out as recorded.
// spec: chain#replay
pub fn replay(path: &Path, genesis: &Genesis, setups: Vec<Setup>) -> Result<Head, ReplayError> {
    let directory = Directory::existing(path, genesis)?;
    let store = RocksStore::open(&directory)?;
    let head = store.head()?.ok_or(ReplayError::Empty)?;
    let from = store.floor()?.blocks_from;
    if from > 1 {
        return Err(ReplayError::Pruned { from });
    }
    let mut machine = Machine::open(MemoryStore::new(), genesis.clone(), setups)?;
    for height in 1..=head.height {
        // Committing an earlier block again changes nothing, so a repeated one must not pass for this.
        let committed = store.block(height)?.filter(|committed| committed.block.header.height == height);
        let committed = committed.ok_or(ReplayError::Missing { height })?;
        let CommittedBlock { block, certificate, misbehaviour, outcomes, closing, results } = committed;
        let commit = machine.commit(&block, &encode(&certificate), &misbehaviour);
        let commit = commit.map_err(|error| ReplayError::Block { height, error })?;
        let parts = [
            ("outcomes", commit.outcomes == outcomes),
            ("closing events", commit.closing == closing),
            ("compute results", commit.results == results),
        ];
        if let Some((part, _)) = parts.into_iter().find(|(_, same)| !same) {
            return Err(ReplayError::Recorded { height, part });
        }
    }
    if *machine.head() != head {
        return Err(ReplayError::Head { height: head.height });
    }
    Ok(head)
}

//! How far the past may be forgotten, and forgetting it.
//!
//! Evidence is judged and results are challenged for some blocks, so the states of those heights stay, however few are asked for.
//! Blocks are forgotten only behind a snapshot: whoever has it and the blocks after it has the whole chain.

use std::path::Path;

use attestation::hex;
use verifier::inclusion::state::key_hash;

use super::archive::{ArchiveError, ArchiveKind, ArchiveReader, check_snapshot};
use super::store::{Directory, Floor, OpenError, Pruned, RocksStore};
use crate::state::store::{Store, StoreError};
use crate::state::{Key, Object, StateError};
use crate::types::genesis::Genesis;
use crate::types::ids::Hash;

/// Why nothing was forgotten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PruneError {
    /// The directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The parameters cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no block yet.
    #[error("prune: the chain has no block yet; there is nothing to forget")]
    Empty,
    /// The snapshot does not hold.
    #[error("prune: the snapshot: {0}; make another one")]
    Snapshot(Box<ArchiveError>),
    /// The snapshot of another history.
    #[error("prune: the snapshot is of block {} at height {height}, this directory holds another there", hex::encode(.got))]
    AnotherHistory {
        /// Height of the snapshot.
        height: u64,
        /// Its block.
        got: Hash,
    },
}

/// What was forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneReport {
    /// What is kept from now on.
    pub floor: Floor,
    /// Height of the head.
    pub height: u64,
    /// What was deleted.
    pub pruned: Pruned,
}

/// Forgets the states of the data directory at `path` but the last `keep` (more if the chain's windows need them), and with a
/// file of a state the blocks up to it; no node may have the directory open.
///
/// # Errors
/// [`PruneError`].
// spec: chain#prune
pub fn prune(path: &Path, genesis: &Genesis, keep: u64, snapshot: Option<&Path>) -> Result<PruneReport, PruneError> {
    let mut store = RocksStore::open(&Directory::existing(path, genesis)?)?;
    let height = store.head()?.map(|head| head.height).filter(|height| *height > 0).ok_or(PruneError::Empty)?;
    let state_from = height.saturating_sub(keep.max(window(&store, height)?));
    let blocks_from = match snapshot {
        Some(file) => covered(&store, genesis, file)?.saturating_add(1).min(state_from),
        None => 0,
    };
    let pruned = store.prune(state_from, blocks_from)?;
    Ok(PruneReport { floor: store.floor()?, height, pruned })
}

/// Blocks whose states evidence and challenges may still be about.
fn window(store: &RocksStore, height: u64) -> Result<u64, PruneError> {
    let key = Key::Params;
    let value = store.value(height, &key_hash(&key.to_bytes()))?;
    match value.and_then(|value| borsh::from_slice(&value).ok()) {
        Some(Object::Params(params)) => Ok(params.window.evidence_age.max(params.window.challenge)),
        _ => Err(StateError::Object { key }.into()),
    }
}

/// Height of a snapshot of this chain, all of it checked.
fn covered(store: &RocksStore, genesis: &Genesis, file: &Path) -> Result<u64, PruneError> {
    let wrong = |error| PruneError::Snapshot(Box::new(error));
    let reader = ArchiveReader::open(file).map_err(wrong)?;
    if reader.kind() != ArchiveKind::State {
        return Err(wrong(ArchiveError::Kind { expected: "snapshot" }));
    }
    let (expected, got) = (genesis.hash(), reader.genesis().hash());
    if got != expected {
        return Err(wrong(ArchiveError::AnotherChain { expected, got }));
    }
    let archived = check_snapshot(reader).map_err(wrong)?;
    let held = store.block(archived.height)?.map(|committed| committed.block.hash());
    if held != Some(archived.block) {
        return Err(PruneError::AnotherHistory { height: archived.height, got: archived.block });
    }
    Ok(archived.height)
}

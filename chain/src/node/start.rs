//! Starting a validator on its data directory, in the only order that is safe: lock, chain, record, engine.

use std::path::Path;

use attestation::identity::ed25519::SigningKey;
use verifier::setup::Setup;

use super::store::{Directory, LastSignedError, LastSignedFile, OpenError, RocksStore};
use crate::state::{LocalChain, LocalError, Machine, MachineError, StateMachine};
use crate::types::genesis::Genesis;

/// Why a validator does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The state machine does not start on it.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The record of the last signature cannot be used.
    #[error(transparent)]
    LastSigned(#[from] LastSignedError),
    /// The engine does not start: another key, or a chain that is not the one it signed.
    #[error(transparent)]
    Engine(#[from] LocalError),
}

/// Opens or makes the data directory at `path` and runs the local engine on it. A block that was signed and not
/// committed is committed.
///
/// # Errors
/// [`StartError`].
pub fn start(
    path: &Path,
    genesis: Genesis,
    setups: Vec<Setup>,
    key: SigningKey,
) -> Result<LocalChain<RocksStore>, StartError> {
    let directory = Directory::open(path, &genesis)?;
    let store = RocksStore::open(&directory)?;
    let machine = Machine::open(store, genesis, setups)?;
    let guard = LastSignedFile::open(&directory, machine.height())?;
    Ok(LocalChain::guarded(machine, key, Box::new(guard))?)
}

//! The data directory of a development chain.
//!
//! ```text
//! DIR/
//!   genesis   canonical bytes of the genesis, written once
//!   chain/    the node's own directory
//!   address   URL of the node, while one runs on it
//! ```

use std::path::{Path, PathBuf};

use ::chain::types::Genesis;
use ::chain::types::genesis::GENESIS_BYTES_MAX;

use crate::error::{ChainError, CliError};
use crate::files::{self, Existing};
use crate::output::name;

const ADDRESS_BYTES_MAX: u64 = 1024;
/// Names of files that are being written.
const UNFINISHED: &str = ".assay-";

/// A directory that holds a chain, or will.
#[derive(Clone, Debug)]
pub(in crate::commands) struct DataDirectory {
    path: PathBuf,
}

impl DataDirectory {
    /// The directory at `path`; looks at nothing yet.
    pub(in crate::commands) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The node's own directory.
    pub(super) fn chain(&self) -> PathBuf {
        self.path.join("chain")
    }

    fn genesis_path(&self) -> PathBuf {
        self.path.join("genesis")
    }

    fn address_path(&self) -> PathBuf {
        self.path.join("address")
    }

    /// The genesis; none if the directory is absent or empty.
    pub(super) fn genesis(&self) -> Result<Option<Genesis>, CliError> {
        let path = self.genesis_path();
        if path.symlink_metadata().is_ok() {
            return read_genesis(&path).map(Some);
        }
        if self.chain().symlink_metadata().is_ok() {
            return Err(ChainError::GenesisMissing { path, folder: self.chain() }.into());
        }
        let read = |source| CliError::read(&self.path, source);
        match std::fs::read_dir(&self.path) {
            Ok(entries) => {
                for entry in entries {
                    let entry = PathBuf::from(entry.map_err(read)?.file_name());
                    if !entry.to_string_lossy().starts_with(UNFINISHED) {
                        return Err(ChainError::Foreign { path: self.path.clone(), entry: name(&entry) }.into());
                    }
                }
                Ok(None)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(read(error)),
        }
    }

    /// The genesis of a directory that must hold a chain.
    pub(super) fn existing_genesis(&self) -> Result<Genesis, CliError> {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        self.genesis()?.ok_or_else(|| CliError::read(&self.genesis_path(), missing()))
    }

    /// Makes the directory and writes its genesis, which no other process may have done meanwhile.
    pub(super) fn create(&self, genesis: &Genesis) -> Result<(), CliError> {
        std::fs::create_dir_all(&self.path).map_err(|source| CliError::Write { path: self.path.clone(), source })?;
        files::write(&self.genesis_path(), &genesis.to_bytes(), Existing::Keep)
    }

    /// Says where the node listens.
    pub(super) fn publish(&self, url: &str) -> Result<(), CliError> {
        files::write(&self.address_path(), format!("{url}\n").as_bytes(), Existing::Replace)
    }

    /// Takes that back. An address that stays behind leads to a node that does not answer, which is an error of its own.
    pub(super) fn withdraw(&self) {
        let _ = std::fs::remove_file(self.address_path());
    }

    /// Where the node listens.
    pub(in crate::commands) fn address(&self) -> Result<String, CliError> {
        let path = self.address_path();
        if path.symlink_metadata().is_err() {
            return Err(CliError::NoAddress { path: self.path.clone() });
        }
        let bytes = files::read(&path, "address", ADDRESS_BYTES_MAX)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }
}

/// Reads and checks a genesis file.
pub(super) fn read_genesis(path: &Path) -> Result<Genesis, CliError> {
    let bytes = files::read(path, "genesis", GENESIS_BYTES_MAX as u64)?;
    Genesis::from_bytes(&bytes).map_err(|source| ChainError::Genesis { path: path.to_owned(), source }.into())
}

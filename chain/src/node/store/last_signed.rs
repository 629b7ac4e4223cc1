//! The record of what this validator signed last, on disk.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use attestation::codec::{self, DecodeError};
use attestation::hash::derive;
use attestation::hex;

use super::directory::Directory;
use super::file::replace;
use crate::node::failpoint::Write;
use crate::state::guard::{GuardError, MemoryGuard, SigningGuard};
use crate::types::block::Block;
use crate::types::ids::Hash;
use crate::types::transaction::encode;

const NAME: &str = "LAST-SIGNED";
const CHECKSUM_CONTEXT: &str = "assay 2026 last-signed v1";
/// Room for a block of the largest size that parameters allow.
const BYTES_MAX: usize = (1 << 30) + (16 << 20);

/// Why the record cannot be used. Without it the validator must not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LastSignedError {
    /// The operating system refused.
    #[error("last-signed record {}: {kind}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// The chain has blocks and the record is gone.
    #[error(
        "last-signed record {}: missing although the chain stands at height {height}; restore it: without it this validator could sign a height twice",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// Height of the chain.
        height: u64,
    },
    /// The bytes are not what was written.
    #[error("last-signed record {}: damaged; restore it, nothing was repaired", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The checksum holds and the content is of no known form.
    #[error("last-signed record {}: {error}; use the release that wrote it", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// What does not decode.
        error: DecodeError,
    },
    /// The record of another chain.
    #[error(
        "last-signed record {}: of genesis {}, expected {}; it belongs to another data directory",
        path.display(), hex::encode(.got), hex::encode(.expected)
    )]
    AnotherChain {
        /// The file.
        path: PathBuf,
        /// Genesis of the directory.
        expected: Hash,
        /// Genesis in the record.
        got: Hash,
    },
}

/// The guard of a validator whose chain is in a data directory.
#[derive(Debug)]
pub struct LastSignedFile {
    path: PathBuf,
    genesis: Hash,
    memory: MemoryGuard,
    _lock: Arc<File>,
}

impl LastSignedFile {
    /// Reads the record of a directory whose chain stands at `height`; at height 0 there may be none.
    ///
    /// # Errors
    /// [`LastSignedError`].
    pub fn open(directory: &Directory, height: u64) -> Result<Self, LastSignedError> {
        let path = directory.path().join(NAME);
        let genesis = *directory.genesis();
        let last = match fs::read(&path) {
            Ok(bytes) => Some(read(&path, &genesis, &bytes)?),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LastSignedError::Io { path, kind: error.kind() });
            }
            Err(_) if height > 0 => return Err(LastSignedError::Missing { path, height }),
            Err(_) => None,
        };
        Ok(Self { path, genesis, memory: MemoryGuard::new(last), _lock: directory.lock() })
    }
}

fn read(path: &std::path::Path, genesis: &Hash, bytes: &[u8]) -> Result<Block, LastSignedError> {
    let damaged = || LastSignedError::Damaged { path: path.to_owned() };
    let (checksum, body) = bytes.split_at_checked(32).ok_or_else(damaged)?;
    if derive(CHECKSUM_CONTEXT, &[body]) != *checksum {
        return Err(damaged());
    }
    let (got, block): (Hash, Block) = codec::decode("signed block", body, BYTES_MAX)
        .map_err(|error| LastSignedError::Encoding { path: path.to_owned(), error })?;
    if got != *genesis {
        return Err(LastSignedError::AnotherChain { path: path.to_owned(), expected: *genesis, got });
    }
    Ok(block)
}

impl SigningGuard for LastSignedFile {
    fn last(&self) -> Option<&Block> {
        self.memory.last()
    }

    fn permit(&mut self, block: &Block) -> Result<(), GuardError> {
        if self.memory.judge(block)? {
            let body = encode(&(&self.genesis, block));
            let bytes = [derive(CHECKSUM_CONTEXT, &[&body]).as_slice(), &body].concat();
            let unwritten = |error: io::Error| GuardError::Unwritten { kind: error.kind() };
            replace(Write::LastSigned, &self.path, &bytes).map_err(unwritten)?;
            self.memory.remember(block.clone());
        }
        Ok(())
    }
}

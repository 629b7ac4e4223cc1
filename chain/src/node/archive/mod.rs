//! A chain in a file: all its blocks, or its newest state.
//!
//! ```text
//! "assay archive\n"  16 bytes with the version (u16) after it
//! kind               1 byte: 1 blocks, 2 state
//! record*            length u32 (above 0), bytes
//! 0                  u32
//! checksum           32 bytes: BLAKE3 derive_key("assay 2026 archive v1") over everything before
//! ```
//! Integers are little-endian. The first record is the genesis; [`export`] and [`snapshot`] say what follows.
//!
//! *Trust.* The checksum finds damage and nothing else. Blocks are executed again when they are imported, a state is checked entry
//! by entry against the root of a header that the validators of the genesis finalised: whoever made the file, it holds that chain or is
//! refused. Which genesis it is, the reader decides.
//!
//! *Nothing half made.* A file and an import are built beside their target and renamed into place when all of them is there and
//! was checked.

mod blocks;
mod frame;
mod state;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use attestation::codec::DecodeError;
use attestation::hex;
use verifier::inclusion::{CertificateError, RangeError};

pub use blocks::{export, import_blocks};
pub use frame::{ArchiveKind, ArchiveReader};
pub use state::{check_snapshot, restore, snapshot};

use super::failpoint::Write;
use super::store::{Directory, LastSignedError, LastSignedFile, OpenError, Reading, RocksStore, clear, place};
use crate::state::store::{Store, StoreError};
use crate::state::{CommitError, GuardError, MachineError, SigningGuard};
use crate::types::block::Block;
use crate::types::genesis::Genesis;
use crate::types::ids::Hash;

/// How often a data directory is read beside the node that writes it.
const READ_ATTEMPTS: u32 = 3;

/// Why a chain was not written to a file or read from one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The operating system refused.
    #[error("archive: {operation}: {kind}; check the disk and its permissions")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// Another kind of file.
    #[error("archive: expected a file that `assay chain export` or `snapshot` wrote, got another")]
    NoArchive,
    /// Written in another format.
    #[error("archive: version {got}, this program reads version {expected}; use the release that wrote it")]
    Version {
        /// Version of this program.
        expected: u16,
        /// Version of the file.
        got: u16,
    },
    /// The file ends early, goes on too long, or a record has another length.
    #[error("archive: {what}; copy the file again")]
    Shape {
        /// What does not fit.
        what: &'static str,
    },
    /// The bytes are not those that were written.
    #[error("archive: the checksum does not fit; copy the file again")]
    Checksum,
    /// A record that is not what it must be.
    #[error("archive record {position}: {error}")]
    Record {
        /// Position of the record.
        position: u64,
        /// What does not decode.
        error: DecodeError,
    },
    /// The genesis of another chain.
    #[error("archive: of genesis {}, expected {}", hex::encode(.got), hex::encode(.expected))]
    AnotherChain {
        /// Genesis that was asked for.
        expected: Hash,
        /// Genesis of the file.
        got: Hash,
    },
    /// There is nothing to write.
    #[error("archive: the chain has no block yet; make one first")]
    Empty,
    /// Blocks that were pruned cannot be written.
    #[error(
        "archive: the directory holds blocks from height {from} on, an export starts at 1; write a snapshot instead"
    )]
    BlocksPruned {
        /// First height that is there.
        from: u64,
    },
    /// A block is not the next of the one before.
    #[error("archive: block {height} does not follow the block before it; restore the data directory")]
    Unlinked {
        /// Its height.
        height: u64,
    },
    /// A block is not where it must be.
    #[error("archive: block {height} is missing; restore the data directory")]
    Missing {
        /// Its height.
        height: u64,
    },
    /// A block does not follow from the rules.
    #[error("archive: block {height}: {error}")]
    Block {
        /// Its height.
        height: u64,
        /// What does not follow.
        error: Box<CommitError>,
    },
    /// A block gave another outcome than the file says.
    #[error("archive: block {height}: its {part} are not those that running it gives")]
    Recorded {
        /// Its height.
        height: u64,
        /// Which part.
        part: &'static str,
    },
    /// The header is not finalised by the validators of the genesis.
    #[error("archive: the header of height {height}: {error}")]
    Certificate {
        /// The height.
        height: u64,
        /// What is missing.
        error: CertificateError,
    },
    /// The block is another than its header's.
    #[error("archive: the block of height {height} has other transactions than its header")]
    Transactions {
        /// The height.
        height: u64,
    },
    /// The entries are not the state.
    #[error("archive: {0}")]
    Range(#[from] RangeError),
    /// The tree of the entries has another root, which the check of the entries excludes.
    #[error("archive: the entries give another state root, which is a defect of this program")]
    Root,
    /// The target holds something.
    #[error("{}: expected a new or an empty directory, got one that holds something", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// The file holds something else than what it is asked for.
    #[error("archive: expected a file that `assay chain {expected}` wrote, got one of another kind")]
    Kind {
        /// The command whose file is wanted.
        expected: &'static str,
    },
    /// The directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine does not start.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The record of the last signature cannot be written.
    #[error(transparent)]
    LastSigned(#[from] LastSignedError),
    /// The guard refuses the block.
    #[error(transparent)]
    Guard(#[from] GuardError),
}

/// What an archive held, or holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archived {
    /// Height of the last block.
    pub height: u64,
    /// Its hash.
    pub block: Hash,
    /// State root after it.
    pub root: Hash,
    /// Blocks, or objects of the state.
    pub entries: u64,
}

fn io_error(operation: &'static str) -> impl Fn(io::Error) -> ArchiveError {
    move |error| ArchiveError::Io { operation, kind: error.kind() }
}

/// A store in a directory that is being made beside `path`.
struct Unfinished {
    partial: PathBuf,
    path: PathBuf,
}

impl Unfinished {
    fn begin(path: &Path) -> Result<Self, ArchiveError> {
        let occupied = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        if occupied {
            return Err(ArchiveError::Occupied { path: path.to_owned() });
        }
        let partial = beside(path, ".partial");
        clear(&partial).map_err(io_error("remove an unfinished import"))?;
        Ok(Self { partial, path: path.to_owned() })
    }

    fn open(&self, genesis: &Genesis) -> Result<(Directory, RocksStore), ArchiveError> {
        let directory = Directory::open(&self.partial, genesis)?;
        let store = RocksStore::open(&directory)?;
        Ok((directory, store))
    }

    /// Puts the directory in place; nothing may have it open.
    fn finish(self) -> Result<(), ArchiveError> {
        place(Write::Import, &self.partial, &self.path).map_err(io_error("put the directory in place"))
    }
}

/// `path` with something more at its end.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(more);
    PathBuf::from(beside)
}

/// Makes `file` of a data directory by `write`. What was read beside a node must also pass `check`, and is read again when
/// it does not: the node may have taken a file away between two looks.
fn read_into(
    path: &Path,
    genesis: &Genesis,
    file: &Path,
    write: impl Fn(&RocksStore, &Path) -> Result<Archived, ArchiveError>,
    check: impl Fn(&Path) -> Result<(), ArchiveError>,
) -> Result<Archived, ArchiveError> {
    if file.symlink_metadata().is_ok() {
        return Err(io_error("make the file")(io::ErrorKind::AlreadyExists.into()));
    }
    let partial = beside(file, ".partial");
    let mut more = 1..READ_ATTEMPTS;
    loop {
        clear(&partial).map_err(io_error("remove an unfinished file"))?;
        let reading = Reading::open(path, genesis, &beside(file, ".reading"))?;
        let written = write(&reading.store, &partial).and_then(|archived| {
            if reading.is_beside_a_node() {
                check(&partial)?;
            }
            Ok(archived)
        });
        match written {
            Ok(archived) => {
                place(Write::Archive, &partial, file).map_err(io_error("put the file in place"))?;
                return Ok(archived);
            }
            Err(_) if reading.is_beside_a_node() && more.next().is_some() => {}
            Err(error) => {
                // Nothing may have been begun.
                let _ = clear(&partial);
                return Err(error);
            }
        }
    }
}

/// Lets the validator go on above `block`: its record says that it signed this one.
fn sign_on(directory: &Directory, block: &Block) -> Result<(), ArchiveError> {
    Ok(LastSignedFile::open(directory, 0)?.permit(block)?)
}

/// The last block of a store.
fn last_block(store: &RocksStore) -> Result<u64, ArchiveError> {
    store.head()?.map(|head| head.height).filter(|height| *height > 0).ok_or(ArchiveError::Empty)
}

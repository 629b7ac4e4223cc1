//! Why a data directory cannot be opened.

use std::io;
use std::path::PathBuf;

use attestation::hex;

use crate::types::ids::Hash;

/// Why a data directory cannot be opened. Nothing in it was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The operating system refused.
    #[error("data directory {}: {operation}: {kind}; check the disk's free space and permissions", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// There is no chain.
    #[error("data directory {}: there is no chain in it; name the directory of a node", path.display())]
    Absent {
        /// The directory.
        path: PathBuf,
    },
    /// Another process has it open.
    #[error("data directory {}: in use by another process; stop it or name another directory", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds something else.
    #[error("data directory {}: holds {entry:?} and no chain; name a new or an empty directory", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of its entries.
        entry: String,
    },
    /// The file that names schema and chain is damaged.
    #[error("data directory {}: its file CHAIN is damaged; restore the directory, nothing was repaired", path.display())]
    Identity {
        /// The directory.
        path: PathBuf,
    },
    /// Written in another format.
    #[error(
        "data directory {}: schema {got}, this program reads schema {expected}; use the release that wrote it, or start in a new directory",
        path.display()
    )]
    Schema {
        /// The directory.
        path: PathBuf,
        /// Schema of this program.
        expected: u32,
        /// Schema of the directory.
        got: u32,
    },
    /// The directory of another chain.
    #[error(
        "data directory {}: holds chain {got_id} of genesis {}, expected chain {expected_id} of genesis {}; name that chain's genesis or another directory",
        path.display(), hex::encode(.got), hex::encode(.expected)
    )]
    AnotherChain {
        /// The directory.
        path: PathBuf,
        /// Number of the chain wanted.
        expected_id: u32,
        /// Its genesis.
        expected: Hash,
        /// Number of the chain held.
        got_id: u32,
        /// Its genesis.
        got: Hash,
    },
    /// The database is gone.
    #[error("data directory {}: the database is missing; restore the directory, no new chain was started", path.display())]
    DatabaseMissing {
        /// The directory.
        path: PathBuf,
    },
    /// The database is damaged; its message.
    #[error(
        "data directory {}: the database is damaged ({message}); restore the directory, nothing was repaired",
        path.display()
    )]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// The database's message.
        message: String,
    },
    /// The database cannot be read or written; its message.
    #[error(
        "data directory {}: {message}; check the disk and its permissions, and that no file of the directory is missing",
        path.display()
    )]
    Database {
        /// The directory.
        path: PathBuf,
        /// The database's message.
        message: String,
    },
    /// The head of the chain does not decode, or is another chain's.
    #[error("data directory {}: the head of the chain is damaged; restore the directory, nothing was repaired", path.display())]
    Head {
        /// The directory.
        path: PathBuf,
    },
}

//! Reading a data directory, alone or beside the node that has it open.
//!
//! Beside a node it is read by a secondary instance of RocksDB: one view of the files and the log as they are when it opens,
//! without the lock and without a write among them. All table files are opened at once and stay open, so that what the
//! node's compactions delete can be read to the end. The node may delete a file while the view is being made: making it
//! fails then and is tried again. A view that is nevertheless not whole is for the reader to notice, who checks what it
//! read as if a stranger had given it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::directory::{Directory, failed};
use super::file::{clear, make_notes};
use super::open::OpenError;
use super::rocks::RocksStore;
use crate::types::genesis::Genesis;

/// How often a view is tried.
const ATTEMPTS: u32 = 20;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// A store that is only read.
pub(in crate::node) struct Reading {
    pub(in crate::node) store: RocksStore,
    /// Present beside a node.
    scratch: Option<Scratch>,
}

impl Reading {
    /// Opens the data directory of the chain of `genesis`, which must exist; `beside` is a path for the database's own
    /// notes, which is made and removed again, also what an interrupted reading left there.
    ///
    /// # Errors
    /// [`OpenError`], but not [`OpenError::InUse`].
    pub(in crate::node) fn open(path: &Path, genesis: &Genesis, beside: &Path) -> Result<Self, OpenError> {
        clear(beside).map_err(failed("remove the notes of an interrupted reading", path))?;
        match Directory::existing(path, genesis) {
            Ok(directory) => Ok(Self { store: RocksStore::open(&directory)?, scratch: None }),
            Err(OpenError::InUse { .. }) => {
                Directory::identify(path, genesis)?;
                let scratch = Scratch::make(path, beside)?;
                let store = view(path, genesis, &scratch.path)?;
                Ok(Self { store, scratch: Some(scratch) })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a node may go on writing meanwhile.
    pub(in crate::node) fn is_beside_a_node(&self) -> bool {
        self.scratch.is_some()
    }
}

fn view(path: &Path, genesis: &Genesis, scratch: &Path) -> Result<RocksStore, OpenError> {
    let mut more = 1..ATTEMPTS;
    loop {
        match RocksStore::view(path, genesis, scratch) {
            Err(OpenError::Damaged { .. } | OpenError::Database { .. } | OpenError::Head { .. })
                if more.next().is_some() =>
            {
                std::thread::sleep(PAUSE);
            }
            answer => return answer,
        }
    }
}

/// A folder that goes with whoever holds it.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn make(directory: &Path, path: &Path) -> Result<Self, OpenError> {
        make_notes(path).map_err(failed("make a folder for the database's notes", directory))?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind holds nothing but a log.
        let _ = clear(&self.path);
    }
}

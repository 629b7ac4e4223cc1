//! The directory itself: who has it open, and whose it is.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use attestation::hex;
use rustix::fs::{FlockOperation, flock};

use super::file::{clear, make_folder, place, replace, touch};
use super::open::OpenError;
use super::rocks::create_database;
use crate::node::failpoint::Write;
use crate::types::genesis::Genesis;
use crate::types::ids::Hash;

/// Version of the on-disk format that this program reads and writes.
pub const SCHEMA: u32 = 1;

const LOCK: &str = "LOCK";
const CHAIN: &str = "CHAIN";
const CHAIN_BYTES_MAX: u64 = 1024;
const TITLE: &str = "assay chain data";
const DATABASE: &str = "db";
const DATABASE_NEW: &str = "db.new";
/// How often the lock is tried. Tests of this crate start processes, and each holds what its parent had open until it
/// becomes another program.
const LOCK_TRIES: u32 = if cfg!(test) { 40 } else { 1 };
/// Between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(5);
/// What an interrupted creation may leave.
const UNFINISHED: [&str; 3] = [LOCK, "CHAIN.tmp", DATABASE_NEW];

/// A data directory that this process has open, alone.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    genesis: Hash,
    /// Held by everything that uses the directory.
    lock: Arc<File>,
}

/// What the file `CHAIN` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    chain_id: u32,
    genesis: Hash,
}

impl Directory {
    /// Opens the data directory of the chain of `genesis`, or makes it if it is absent or empty.
    ///
    /// # Errors
    /// [`OpenError`], naming the directory and what to do.
    pub fn open(path: &Path, genesis: &Genesis) -> Result<Self, OpenError> {
        make_folder(Write::Folder, path).map_err(failed("make the directory", path))?;
        if !path.join(CHAIN).exists() {
            refuse_foreign(path)?;
        }
        let lock = lock(path)?;
        let expected = Identity { chain_id: genesis.chain_id(), genesis: genesis.hash() };
        match read_identity(path)? {
            Some(got) => compare(path, &expected, &got)?,
            None => {
                refuse_foreign(path)?;
                create(path, &expected)?;
            }
        }
        finish(path)?;
        Ok(Self { path: path.to_owned(), genesis: expected.genesis, lock })
    }

    /// Opens the data directory of the chain of `genesis`, which must exist.
    ///
    /// # Errors
    /// [`OpenError`], naming the directory and what to do.
    pub fn existing(path: &Path, genesis: &Genesis) -> Result<Self, OpenError> {
        if !path.join(CHAIN).exists() {
            return Err(OpenError::Absent { path: path.to_owned() });
        }
        Self::open(path, genesis)
    }

    /// Finds out whether the directory is one of the chain of `genesis`, whoever has it open.
    ///
    /// # Errors
    /// [`OpenError`], naming the directory and what to do.
    pub(super) fn identify(path: &Path, genesis: &Genesis) -> Result<(), OpenError> {
        let got = read_identity(path)?.ok_or_else(|| OpenError::Absent { path: path.to_owned() })?;
        compare(path, &Identity { chain_id: genesis.chain_id(), genesis: genesis.hash() }, &got)
    }

    /// Where the database of a data directory is.
    pub(super) fn database_in(path: &Path) -> PathBuf {
        path.join(DATABASE)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hash of its chain's genesis.
    #[must_use]
    pub fn genesis(&self) -> &Hash {
        &self.genesis
    }

    pub(super) fn database(&self) -> PathBuf {
        Self::database_in(&self.path)
    }

    pub(super) fn lock(&self) -> Arc<File> {
        Arc::clone(&self.lock)
    }
}

pub(super) fn failed<'a>(operation: &'static str, path: &'a Path) -> impl Fn(io::Error) -> OpenError + 'a {
    move |error| OpenError::Io { operation, path: path.to_owned(), kind: error.kind() }
}

fn lock(path: &Path) -> Result<Arc<File>, OpenError> {
    let file = touch(Write::Lock, &path.join(LOCK)).map_err(failed("open LOCK", path))?;
    let mut more = 1..LOCK_TRIES;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Arc::new(file)),
            Err(rustix::io::Errno::WOULDBLOCK) if more.next().is_some() => std::thread::sleep(LOCK_PAUSE),
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(OpenError::InUse { path: path.to_owned() }),
            Err(error) => return Err(failed("lock LOCK", path)(error.into())),
        }
    }
}

fn refuse_foreign(path: &Path) -> Result<(), OpenError> {
    let read = failed("list the directory", path);
    for entry in fs::read_dir(path).map_err(&read)? {
        let entry = entry.map_err(&read)?.file_name().to_string_lossy().into_owned();
        if entry == DATABASE {
            // A database whose chain nobody can tell is not somebody else's directory.
            return Err(OpenError::Identity { path: path.to_owned() });
        }
        if !UNFINISHED.contains(&entry.as_str()) {
            return Err(OpenError::Foreign { path: path.to_owned(), entry });
        }
    }
    Ok(())
}

fn read_identity(path: &Path) -> Result<Option<Identity>, OpenError> {
    let damaged = || OpenError::Identity { path: path.to_owned() };
    let read = failed("read CHAIN", path);
    let bytes = match fs::metadata(path.join(CHAIN)) {
        Ok(metadata) if metadata.len() > CHAIN_BYTES_MAX => return Err(damaged()),
        Ok(_) => fs::read(path.join(CHAIN)).map_err(read)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read(error)),
    };
    let text = String::from_utf8(bytes).map_err(|_| damaged())?;
    let mut lines = text.lines();
    let title = lines.next();
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let schema: u32 = field("schema").and_then(|number| number.parse().ok()).ok_or_else(damaged)?;
    if title != Some(TITLE) {
        return Err(damaged());
    }
    if schema != SCHEMA {
        return Err(OpenError::Schema { path: path.to_owned(), expected: SCHEMA, got: schema });
    }
    let chain_id = field("chain").and_then(|number| number.parse().ok()).ok_or_else(damaged)?;
    let genesis = field("genesis").and_then(|digits| hex::decode(digits).ok()).ok_or_else(damaged)?;
    let identity = Identity { chain_id, genesis };
    if identity.to_text() != text {
        return Err(damaged());
    }
    Ok(Some(identity))
}

fn compare(path: &Path, expected: &Identity, got: &Identity) -> Result<(), OpenError> {
    if (got.chain_id, got.genesis) != (expected.chain_id, expected.genesis) {
        return Err(OpenError::AnotherChain {
            path: path.to_owned(),
            expected_id: expected.chain_id,
            expected: expected.genesis,
            got_id: got.chain_id,
            got: got.genesis,
        });
    }
    Ok(())
}

impl Identity {
    fn to_text(self) -> String {
        let genesis = hex::encode(&self.genesis);
        format!("{TITLE}\nschema {SCHEMA}\nchain {}\ngenesis {genesis}\n", self.chain_id)
    }
}

/// Makes the database aside, then says whose directory it is.
fn create(path: &Path, identity: &Identity) -> Result<(), OpenError> {
    let aside = path.join(DATABASE_NEW);
    clear(&aside).map_err(failed("remove the unfinished db.new", path))?;
    create_database(path, &aside)?;
    replace(Write::Identity, &path.join(CHAIN), identity.to_text().as_bytes()).map_err(failed("write CHAIN", path))
}

/// Puts the new database into place, also if an earlier creation was interrupted before that.
fn finish(path: &Path) -> Result<(), OpenError> {
    let (database, aside) = (path.join(DATABASE), path.join(DATABASE_NEW));
    if database.exists() {
        return Ok(());
    }
    if !aside.exists() {
        return Err(OpenError::DatabaseMissing { path: path.to_owned() });
    }
    place(Write::Database, &aside, &database).map_err(failed("put the database in place", path))
}

//! The chain in RocksDB.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attestation::codec;
use borsh::BorshDeserialize;
use jmt::storage::{Node, NodeKey};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, Direction,
    Error, ErrorKind, IteratorMode, LogLevel, Options, WriteBatch, WriteOptions,
};

use super::directory::{self, Directory};
use super::family::{
    FLOOR, Family, HEAD, node_key, place_entry, read_place_entry, read_value_entry, stale_key, value_entry, value_key,
};
use super::floor::Floor;
use super::open::OpenError;
use crate::node::failpoint::{Step, Write, reach};
use crate::state::store::{Batch, CommittedBlock, Head, Store, StoreError};
use crate::types::genesis::Genesis;
use crate::types::ids::Hash;
use crate::types::transaction::encode;

/// Memory for blocks of the database that are read often.
const CACHE_BYTES: usize = 64 << 20;
/// Memory for what is not yet in a table file, over all families.
const WRITE_BUFFER_BYTES: usize = 64 << 20;
/// Table files that are kept open.
const OPEN_FILES_MAX: i32 = 512;
/// Largest value of the database: a block of the largest size that parameters allow, and room.
const ENTRY_BYTES_MAX: usize = (1 << 30) + (16 << 20);

/// The store of a node. See the module for the format. Clones share the database; each knows the head that it had.
#[derive(Clone)]
pub struct RocksStore {
    pub(super) database: Arc<DB>,
    head: Option<Head>,
    path: PathBuf,
    /// Held by whoever has the directory open; none beside a node.
    _lock: Option<Arc<File>>,
}

/// How much a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Each family with its number of entries.
    pub entries: Vec<(&'static str, u64)>,
}

/// Makes an empty database.
pub(super) fn create_database(directory: &Path, path: &Path) -> Result<(), OpenError> {
    let mut options = options();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_error_if_exists(true);
    let failed = directory::failed("make the database", directory);
    reach(Write::NewDatabase, Step::Before).map_err(&failed)?;
    drop(open_database(&options, directory, path)?);
    reach(Write::NewDatabase, Step::After).map_err(failed)
}

fn open_database(options: &Options, directory: &Path, path: &Path) -> Result<DB, OpenError> {
    DB::open_cf_descriptors(options, path, families(options)).map_err(|error| open_error(directory, error))
}

/// Every family, each with the options of the database.
fn families(options: &Options) -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(CACHE_BYTES);
    let family = |family: &Family| {
        let mut options = options.clone();
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&cache);
        table.set_bloom_filter(10.0, false);
        options.set_block_based_table_factory(&table);
        options.set_compression_type(DBCompressionType::Lz4);
        ColumnFamilyDescriptor::new(family.name(), options)
    };
    Family::ALL.iter().map(family).collect()
}

fn open_error(directory: &Path, error: Error) -> OpenError {
    let (path, kind, message) = (directory.to_owned(), error.kind(), error.into_string());
    match kind {
        ErrorKind::Corruption | ErrorKind::InvalidArgument | ErrorKind::NotSupported => {
            OpenError::Damaged { path, message }
        }
        _ => OpenError::Database { path, message },
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.set_atomic_flush(true);
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_paranoid_checks(true);
    options.set_db_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(4);
    options
}

pub(super) fn failed(what: &'static str) -> impl Fn(Error) -> StoreError {
    move |error| {
        let (kind, message) = (error.kind(), error.into_string());
        match kind {
            ErrorKind::Corruption => StoreError::Damaged { what, message },
            _ => StoreError::Database { what, message },
        }
    }
}

fn refused(what: &'static str) -> impl Fn(io::Error) -> StoreError {
    move |error| StoreError::Database { what, message: error.to_string() }
}

fn decode<T: BorshDeserialize>(what: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    codec::decode(what, bytes, ENTRY_BYTES_MAX).map_err(|_| StoreError::Corrupt { what })
}

impl RocksStore {
    /// Opens the database of a data directory.
    ///
    /// # Errors
    /// [`OpenError`]: missing, damaged, or the head is not of the directory's chain.
    pub fn open(directory: &Directory) -> Result<Self, OpenError> {
        let failed = directory::failed("open the database", directory.path());
        reach(Write::Recovery, Step::Before).map_err(&failed)?;
        let database = open_database(&options(), directory.path(), &directory.database())?;
        reach(Write::Recovery, Step::After).map_err(failed)?;
        Self::with(database, directory.path(), directory.genesis(), Some(directory.lock()))
    }

    /// A view of the database that another process has open, as it is now; `scratch` is a folder for the database's notes.
    ///
    /// # Errors
    /// [`OpenError`], also when a file went away meanwhile.
    pub(super) fn view(path: &Path, genesis: &Genesis, scratch: &Path) -> Result<Self, OpenError> {
        let mut options = options();
        // A secondary instance keeps every file open and cannot verify the log against the manifest.
        options.set_max_open_files(-1);
        options.set_track_and_verify_wals_in_manifest(false);
        let database = Directory::database_in(path);
        let database = DB::open_cf_descriptors_as_secondary(&options, database.as_path(), scratch, families(&options));
        Self::with(database.map_err(|error| open_error(path, error))?, path, &genesis.hash(), None)
    }

    fn with(database: DB, path: &Path, genesis: &Hash, lock: Option<Arc<File>>) -> Result<Self, OpenError> {
        let path = path.to_owned();
        let mut store = Self { database: Arc::new(database), head: None, path: path.clone(), _lock: lock };
        store.head = match store.read(Family::Meta, "the head of the chain", HEAD) {
            Ok(head) => head,
            Err(StoreError::Damaged { message, .. }) => return Err(OpenError::Damaged { path, message }),
            Err(StoreError::Database { message, .. }) => return Err(OpenError::Database { path, message }),
            Err(_) => return Err(OpenError::Head { path }),
        };
        if store.head.is_some_and(|head| head.genesis != *genesis) {
            return Err(OpenError::Head { path });
        }
        Ok(store)
    }

    /// The data directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Height and position in the block of a committed transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn transaction(&self, id: &Hash) -> Result<Option<(u64, u32)>, StoreError> {
        let what = "the place of a transaction";
        let entry = self.bytes(Family::Transactions, what, id)?;
        entry.map(|entry| read_place_entry(&entry).ok_or(StoreError::Corrupt { what })).transpose()
    }

    /// Reads every entry of every family, with its checksum.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for the first that is not as it was written.
    pub fn scan(&self) -> Result<Contents, StoreError> {
        let mut contents = Contents::default();
        for family in Family::ALL {
            let mut entries = 0u64;
            for entry in self.database.iterator_cf(self.family(family)?, IteratorMode::Start) {
                let (_, value) = entry.map_err(failed(family.name()))?;
                let what = family.name();
                match family {
                    Family::Nodes => decode::<Node>(what, &value).map(drop)?,
                    Family::Values => {
                        read_value_entry(&value).ok_or(StoreError::Corrupt { what })?;
                    }
                    _ => {}
                }
                entries = entries.saturating_add(1);
            }
            contents.entries.push((family.name(), entries));
        }
        Ok(contents)
    }

    pub(super) fn family(&self, family: Family) -> Result<&ColumnFamily, StoreError> {
        self.database.cf_handle(family.name()).ok_or(StoreError::Corrupt { what: family.name() })
    }

    fn bytes(&self, family: Family, what: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.get_cf(self.family(family)?, key).map_err(failed(what))
    }

    pub(super) fn read<T: BorshDeserialize>(
        &self,
        family: Family,
        what: &'static str,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        self.bytes(family, what, key)?.map(|bytes| decode(what, &bytes)).transpose()
    }

    /// A part of a block that is there.
    fn part<T: BorshDeserialize>(&self, family: Family, what: &'static str, height: u64) -> Result<T, StoreError> {
        self.read(family, what, &height.to_be_bytes())?.ok_or(StoreError::Corrupt { what })
    }

    /// Writes a batch as a whole, durably.
    pub(super) fn write_synced(&self, write: Write, writes: WriteBatch, what: &'static str) -> Result<(), StoreError> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.write_with(write, writes, what, &options)
    }

    /// Writes a batch as a whole, durably at the latest with the next that is synced.
    pub(super) fn write(&self, write: Write, writes: WriteBatch, what: &'static str) -> Result<(), StoreError> {
        self.write_with(write, writes, what, &WriteOptions::default())
    }

    fn write_with(
        &self,
        write: Write,
        writes: WriteBatch,
        what: &'static str,
        options: &WriteOptions,
    ) -> Result<(), StoreError> {
        reach(write, Step::Before).map_err(refused(what))?;
        self.database.write_opt(writes, options).map_err(failed(what))?;
        reach(write, Step::Torn).and_then(|()| reach(write, Step::After)).map_err(refused(what))
    }

    /// Gives back the room of what was deleted.
    pub(super) fn compact(&self, family: Family) -> Result<(), StoreError> {
        let what = "the table files";
        reach(Write::Compaction, Step::Before).map_err(refused(what))?;
        self.database.compact_range_cf(self.family(family)?, None::<&[u8]>, None::<&[u8]>);
        reach(Write::Compaction, Step::After).map_err(refused(what))
    }

    /// Writes a whole state into a store that holds nothing: the snapshot's, with where it stands and what it rests on.
    ///
    /// # Errors
    /// [`StoreError`]; the store is unusable then.
    pub(in crate::node) fn restore(&mut self, batch: Batch, floor: &Floor) -> Result<(), StoreError> {
        if let Some(head) = self.head {
            return Err(StoreError::Height { expected: head.height.saturating_add(1), got: batch.head.height });
        }
        let mut writes = self.batch(&batch)?;
        writes.put_cf(self.family(Family::Meta)?, FLOOR, encode(floor));
        self.write_synced(Write::Restored, writes, "a restored state")?;
        self.head = Some(batch.head);
        Ok(())
    }

    fn batch(&self, batch: &Batch) -> Result<WriteBatch, StoreError> {
        let mut writes = WriteBatch::default();
        let family = self.family(Family::Nodes)?;
        for (key, node) in batch.tree.node_batch.nodes() {
            writes.put_cf(family, node_key(key), encode(node));
        }
        let family = self.family(Family::Values)?;
        for ((version, key), value) in batch.tree.node_batch.values() {
            writes.put_cf(family, value_key(&key.0, *version), value_entry(value.as_deref()));
        }
        let family = self.family(Family::Stale)?;
        for stale in &batch.tree.stale_node_index_batch {
            writes.put_cf(family, stale_key(stale), b"");
        }
        let family = self.family(Family::KeyIndex)?;
        for key in &batch.keys {
            writes.put_cf(family, key, b"");
        }
        if let Some(committed) = &batch.block {
            self.put_block(&mut writes, batch.head.height, committed)?;
        }
        writes.put_cf(self.family(Family::Meta)?, HEAD, encode(&batch.head));
        Ok(writes)
    }

    fn put_block(&self, writes: &mut WriteBatch, height: u64, committed: &CommittedBlock) -> Result<(), StoreError> {
        let CommittedBlock { block, certificate, misbehaviour, outcomes, closing, results } = committed;
        let key = height.to_be_bytes();
        writes.put_cf(self.family(Family::Blocks)?, key, encode(block));
        writes.put_cf(self.family(Family::Certificates)?, key, encode(&(certificate, misbehaviour)));
        writes.put_cf(self.family(Family::Receipts)?, key, encode(&(outcomes, closing, results)));
        let family = self.family(Family::Transactions)?;
        for (position, outcome) in (0u32..).zip(outcomes) {
            writes.put_cf(family, outcome.transaction, place_entry(height, position));
        }
        Ok(())
    }
}

impl Store for RocksStore {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.head)
    }

    fn node(&self, key: &NodeKey) -> Result<Option<Node>, StoreError> {
        self.read(Family::Nodes, "a node of the state tree", &node_key(key))
    }

    fn value(&self, height: u64, key_hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        let what = "a value of the state";
        let newest = value_key(key_hash, height);
        let mode = IteratorMode::From(&newest, Direction::Reverse);
        let Some(found) = self.database.iterator_cf(self.family(Family::Values)?, mode).next() else {
            return Ok(None);
        };
        let (key, entry) = found.map_err(failed(what))?;
        if key.split_at_checked(key_hash.len()).is_none_or(|(found, _)| found != key_hash) {
            return Ok(None);
        }
        read_value_entry(&entry).ok_or(StoreError::Corrupt { what })
    }

    fn keys(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let start = after.unwrap_or(prefix);
        let mode = IteratorMode::From(start, Direction::Forward);
        let mut keys = Vec::new();
        for entry in self.database.iterator_cf(self.family(Family::KeyIndex)?, mode) {
            let (key, _) = entry.map_err(failed("the index of state keys"))?;
            if after.is_some_and(|after| *key == *after) {
                continue;
            }
            if keys.len() >= limit || !key.starts_with(prefix) {
                break;
            }
            keys.push(key.into_vec());
        }
        Ok(keys)
    }

    fn block(&self, height: u64) -> Result<Option<CommittedBlock>, StoreError> {
        let Some(block) = self.read(Family::Blocks, "a block", &height.to_be_bytes())? else { return Ok(None) };
        let (certificate, misbehaviour) = self.part(Family::Certificates, "the certificate of a block", height)?;
        let (outcomes, closing, results) = self.part(Family::Receipts, "the receipts of a block", height)?;
        Ok(Some(CommittedBlock { block, certificate, misbehaviour, outcomes, closing, results }))
    }

    fn apply(&mut self, batch: Batch) -> Result<(), StoreError> {
        let expected = self.head.map_or(0, |head| head.height.saturating_add(1));
        if batch.head.height != expected {
            return Err(StoreError::Height { expected, got: batch.head.height });
        }
        let writes = self.batch(&batch)?;
        let write = if self.head.is_some() { Write::Block } else { Write::Genesis };
        self.write_synced(write, writes, "the batch of a block")?;
        self.head = Some(batch.head);
        Ok(())
    }
}

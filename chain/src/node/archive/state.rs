//! One state of a chain. Records after the genesis: the last block with its certificate, then chunks of entries by ascending
//! key hash, each with the siblings of its last key ([`verifier::inclusion::StateRange`]).
//!
//! Keys of the whole state are sorted in memory, about 100 bytes for each object; values are not held.

use std::path::Path;

use borsh::{BorshDeserialize, BorshSerialize};
use verifier::inclusion::state::key_hash;
use verifier::inclusion::{Certificate, StateRange, beacon_after};

use super::frame::{ArchiveKind, ArchiveReader, ArchiveWriter};
use super::{ArchiveError, Archived, Unfinished, last_block, read_into, sign_on};
use crate::node::store::{Anchor, Floor, RocksStore};
use crate::state::store::{Batch, Head, Store, StoreError};
use crate::state::tree::{self, Write};
use crate::types::block::Block;
use crate::types::genesis::Genesis;
use crate::types::ids::Hash;
use crate::types::transaction::encode;

/// Keys read at a time.
const PAGE: usize = 4_096;
/// Entries of a chunk.
const CHUNK: usize = 1_024;

/// The first record after the genesis.
#[derive(BorshSerialize, BorshDeserialize)]
struct Last {
    block: Block,
    certificate: Certificate,
}

/// The other records.
#[derive(BorshSerialize, BorshDeserialize)]
struct Chunk {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// Of the last entry's leaf, bottom first.
    siblings: Vec<Hash>,
}

/// Writes the newest state of the data directory at `path` into a new file; a node may have it open and go on.
///
/// What was read beside a node is checked like a file that a stranger brought.
///
/// # Errors
/// [`ArchiveError`]; there is no new file then.
pub fn snapshot(path: &Path, genesis: &Genesis, file: &Path) -> Result<Archived, ArchiveError> {
    let check = |file: &Path| check_snapshot(ArchiveReader::open(file)?).map(drop);
    read_into(path, genesis, file, |store, file| write(store, genesis, file), check)
}

fn write(store: &RocksStore, genesis: &Genesis, file: &Path) -> Result<Archived, ArchiveError> {
    let height = last_block(store)?;
    let committed = store.block(height)?.ok_or(ArchiveError::Missing { height })?;
    let header = committed.block.header.clone();
    let mut writer = ArchiveWriter::create(file, ArchiveKind::State, genesis)?;
    writer.record(&encode(&Last { block: committed.block, certificate: committed.certificate }))?;
    let keys = sorted_keys(store, height)?;
    for keys in keys.chunks(CHUNK) {
        let mut entries = Vec::with_capacity(keys.len());
        for (hash, key) in keys {
            let what = "a value of the state";
            entries.push((key.clone(), store.value(height, hash)?.ok_or(StoreError::Corrupt { what })?));
        }
        let Some((_, last)) = keys.last() else { continue };
        let (_, proof) = tree::prove(store, height, last)?;
        writer.record(&encode(&Chunk { entries, siblings: proof.siblings }))?;
    }
    writer.finish()?;
    let entries = u64::try_from(keys.len()).unwrap_or(u64::MAX);
    Ok(Archived { height, block: header.hash(), root: header.state_root, entries })
}

/// Every key that holds a value, by its hash.
fn sorted_keys(store: &RocksStore, height: u64) -> Result<Vec<(Hash, Vec<u8>)>, StoreError> {
    let mut keys = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store.keys(b"", after.as_deref(), PAGE)?;
        let Some(last) = page.last().cloned() else { break };
        for key in page {
            let hash = key_hash(&key);
            if store.value(height, &hash)?.is_some() {
                keys.push((hash, key));
            }
        }
        after = Some(last);
    }
    keys.sort_unstable();
    Ok(keys)
}

/// Checks the state of a file and puts it into a new data directory at `path`; `validate` lets the validator of the chain go on
/// there.
///
/// The header must be finalised by the validators of the genesis: a set that changed since is not followed here.
///
/// # Errors
/// [`ArchiveError`], naming what does not hold; there is no new directory then.
// spec: chain#snapshot
pub fn restore(mut reader: ArchiveReader, path: &Path, validate: bool) -> Result<Archived, ArchiveError> {
    let unfinished = Unfinished::begin(path)?;
    let genesis = reader.genesis().clone();
    let Last { block, certificate } = read_last(&mut reader)?;
    let header = block.header.clone();
    let height = header.height;
    let mut writes: Vec<Write> = Vec::new();
    let entries = read_state(&mut reader, header.state_root, |key, value| writes.push((key, Some(value))))?;
    let (root, tree) = tree::build(height, &writes)?;
    if root != header.state_root {
        return Err(ArchiveError::Root);
    }
    let head = Head {
        genesis: genesis.hash(),
        height,
        block: header.hash(),
        time: header.time,
        root,
        next_beacon: beacon_after(&header.beacon, &certificate),
    };
    let floor = Floor {
        state_from: height,
        blocks_from: height.saturating_add(1),
        anchor: Some(Anchor { header, certificate }),
    };
    let (directory, mut store) = unfinished.open(&genesis)?;
    let keys = writes.into_iter().map(|(key, _)| key).collect();
    store.restore(Batch { head, tree, keys, block: None }, &floor)?;
    if validate {
        sign_on(&directory, &block)?;
    }
    drop((store, directory));
    unfinished.finish()?;
    Ok(Archived { height, block: head.block, root, entries })
}

/// Checks a file of a state and keeps nothing of it.
///
/// # Errors
/// [`ArchiveError`], as for [`restore`].
pub fn check_snapshot(mut reader: ArchiveReader) -> Result<Archived, ArchiveError> {
    let Last { block, .. } = read_last(&mut reader)?;
    let header = block.header;
    let entries = read_state(&mut reader, header.state_root, |_, _| ())?;
    Ok(Archived { height: header.height, block: header.hash(), root: header.state_root, entries })
}

/// The last block, finalised by the validators of the file's genesis.
fn read_last(reader: &mut ArchiveReader) -> Result<Last, ArchiveError> {
    let short = ArchiveError::Shape { what: "the file holds no block" };
    let last: Last = reader.next("last block")?.ok_or(short)?;
    let (header, genesis) = (&last.block.header, reader.genesis());
    let height = header.height;
    let finalised = last.certificate.verify(header, &genesis.hash(), genesis.validators());
    finalised.map_err(|error| ArchiveError::Certificate { height, error })?;
    if last.block.transaction_root() != header.transaction_root {
        return Err(ArchiveError::Transactions { height });
    }
    Ok(last)
}

/// The entries of the file, all of them and no others than those of `root`; how many.
fn read_state(
    reader: &mut ArchiveReader,
    root: Hash,
    mut take: impl FnMut(Vec<u8>, Vec<u8>),
) -> Result<u64, ArchiveError> {
    let mut range = StateRange::new(root);
    while let Some(Chunk { entries, siblings }) = reader.next("chunk of entries")? {
        range.add(entries.iter().map(|(key, value)| (key.as_slice(), value.as_slice())), &siblings)?;
        entries.into_iter().for_each(|(key, value)| take(key, value));
    }
    Ok(range.finish()?)
}

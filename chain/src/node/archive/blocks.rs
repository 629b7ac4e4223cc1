//! All blocks of a chain. Records after the genesis: each block with its certificate and what became of it, ascending.

use std::path::Path;

use verifier::inclusion::Header;
use verifier::setup::Setup;

use super::frame::{ArchiveKind, ArchiveReader, ArchiveWriter};
use super::{ArchiveError, Archived, Unfinished, last_block, read_into, sign_on};
use crate::node::store::RocksStore;
use crate::state::store::{CommittedBlock, Store};
use crate::state::{Machine, StateMachine};
use crate::types::genesis::Genesis;
use crate::types::transaction::encode;

/// Writes every block of the data directory at `path` into a new file; a node may have it open and go on.
///
/// # Errors
/// [`ArchiveError`]; there is no new file then.
pub fn export(path: &Path, genesis: &Genesis, file: &Path) -> Result<Archived, ArchiveError> {
    // Blocks that are linked from genesis to the head are all of them, whoever wrote meanwhile.
    read_into(path, genesis, file, |store, file| write(store, genesis, file), |_| Ok(()))
}

fn write(store: &RocksStore, genesis: &Genesis, file: &Path) -> Result<Archived, ArchiveError> {
    let height = last_block(store)?;
    let from = store.floor()?.blocks_from;
    if from > 1 {
        return Err(ArchiveError::BlocksPruned { from });
    }
    let mut writer = ArchiveWriter::create(file, ArchiveKind::Blocks, genesis)?;
    let mut last: Option<Header> = None;
    for height in 1..=height {
        let committed = store.block(height)?.ok_or(ArchiveError::Missing { height })?;
        if last.is_some_and(|last| last.hash() != committed.block.header.parent) {
            return Err(ArchiveError::Unlinked { height });
        }
        writer.record(&encode(&committed))?;
        last = Some(committed.block.header);
    }
    writer.finish()?;
    let header = last.ok_or(ArchiveError::Empty)?;
    Ok(Archived { height, block: header.hash(), root: header.state_root, entries: height })
}

/// Executes every block of a file into a new data directory at `path`; `validate` lets the validator of the chain go on there.
///
/// # Errors
/// [`ArchiveError`], naming the first block that does not follow; there is no new directory then.
// spec: chain#import
pub fn import_blocks(
    mut reader: ArchiveReader,
    setups: Vec<Setup>,
    path: &Path,
    validate: bool,
) -> Result<Archived, ArchiveError> {
    let unfinished = Unfinished::begin(path)?;
    let genesis = reader.genesis().clone();
    let (directory, store) = unfinished.open(&genesis)?;
    let mut machine = Machine::open(store, genesis, setups)?;
    let mut last = None;
    while let Some(committed) = reader.next::<CommittedBlock>("block")? {
        let CommittedBlock { block, certificate, misbehaviour, outcomes, closing, results } = committed;
        let height = machine.height().saturating_add(1);
        let commit = machine.commit(&block, &encode(&certificate), &misbehaviour);
        let commit = commit.map_err(|error| ArchiveError::Block { height, error: Box::new(error) })?;
        // Committing an earlier block again changes nothing, so a repeated one must not pass for the next.
        if commit.height != height {
            return Err(ArchiveError::Missing { height });
        }
        let parts = [
            ("outcomes", commit.outcomes == outcomes),
            ("closing events", commit.closing == closing),
            ("compute results", commit.results == results),
        ];
        if let Some((part, _)) = parts.into_iter().find(|(_, same)| !same) {
            return Err(ArchiveError::Recorded { height, part });
        }
        last = Some(block);
    }
    let block = last.ok_or(ArchiveError::Empty)?;
    if validate {
        sign_on(&directory, &block)?;
    }
    let head = *machine.head();
    drop((machine, directory));
    unfinished.finish()?;
    Ok(Archived { height: head.height, block: head.block, root: head.root, entries: head.height })
}

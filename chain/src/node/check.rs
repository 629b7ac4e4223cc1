//! Recomputing everything a data directory claims.
//!
//! Four questions, cheapest damage first: does every byte of the database read back under its checksum; do the head, the
//! blocks, their certificates and their receipts form one chain from genesis; does the tree of every height that is kept
//! have the root of that height's header; and do the objects alone give the root and the totals of the head. Blocks are not
//! executed again: a certificate stands for that.

use std::path::Path;

use attestation::codec::DecodeError;
use verifier::inclusion::{Certificate, CertificateError, Header, LinkError, ValidatorSet, beacon_after, check_link};
use verifier::setup::Setup;

use super::store::{Anchor, Contents, Directory, LastSignedError, LastSignedFile, OpenError, RocksStore};
use crate::state::guard::SigningGuard;
use crate::state::store::{CommittedBlock, Head, Store, StoreError};
use crate::state::{Audit, AuditError, Key, Machine, MachineError, Object, StateError, tree};
use crate::types::block::compute_root;
use crate::types::genesis::Genesis;
use crate::types::ids::{Hash, genesis_beacon};
use crate::types::transaction::{SignedTransaction, TRANSACTION_BYTES_MAX};
use verifier::inclusion::state::key_hash;

/// What a check found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Head, objects, root and totals.
    pub audit: Audit,
    /// Entries read.
    pub contents: Contents,
    /// Height of the last block that the validator signed; none if it never did.
    pub signed: Option<u64>,
}

/// What a check found wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The record of the last signature cannot be used.
    #[error(transparent)]
    LastSigned(#[from] LastSignedError),
    /// There is no genesis block: the node was stopped before it wrote one, or everything was lost.
    #[error("check: the database is empty; start the node on it, or restore it if the chain had blocks")]
    Empty,
    /// A block is missing.
    #[error("check: block {height} is missing; restore the data directory")]
    Block {
        /// Its height.
        height: u64,
    },
    /// A block does not follow from the one before.
    #[error("check: block {height}: {error}")]
    Link {
        /// Its height.
        height: u64,
        /// What does not follow.
        error: LinkError,
    },
    /// A block is not finalised by its certificate.
    #[error("check: block {height}: {error}")]
    Certificate {
        /// Its height.
        height: u64,
        /// What is missing.
        error: CertificateError,
    },
    /// A part of a block is not what its header commits to.
    #[error("check: block {height}: its {part} are not those of its header")]
    Part {
        /// Its height.
        height: u64,
        /// Which part.
        part: &'static str,
    },
    /// A transaction of a committed block does not decode.
    #[error("check: block {height}, transaction {position}: {error}")]
    Transaction {
        /// Height of the block.
        height: u64,
        /// Position in the block.
        position: u32,
        /// What does not decode.
        error: DecodeError,
    },
    /// The index of transactions points elsewhere.
    #[error("check: block {height}, transaction {position}: its index entry is missing or points elsewhere")]
    Index {
        /// Height of the block.
        height: u64,
        /// Position in the block.
        position: u32,
    },
    /// The tree of a height has another root than its header.
    #[error("check: the state tree of height {height} does not have the root of its header")]
    Root {
        /// The height.
        height: u64,
    },
    /// The head is not the last block.
    #[error("check: the head at height {height} is not the last block")]
    Head {
        /// Height of the head.
        height: u64,
    },
    /// The chain lost blocks that were signed.
    #[error("check: this validator signed height {signed}, the chain ends at {height}; restore the data directory")]
    BlocksLost {
        /// Last height signed.
        signed: u64,
        /// Height of the head.
        height: u64,
    },
    /// The machine does not start.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// Objects, totals or root do not agree.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks the data directory at `path`, which no node may have open, and changes nothing in it.
///
/// # Errors
/// [`CheckError`], naming the first thing that does not agree.
// spec: chain#check
pub fn check(path: &Path, genesis: &Genesis, setups: Vec<Setup>) -> Result<Report, CheckError> {
    let directory = Directory::existing(path, genesis)?;
    let store = RocksStore::open(&directory)?;
    let Some(head) = store.head()? else { return Err(CheckError::Empty) };
    let contents = store.scan()?;
    let signed = LastSignedFile::open(&directory, 0)?.last().map(|block| block.header.height);
    if let Some(signed) = signed.filter(|signed| *signed > head.height.saturating_add(1)) {
        return Err(CheckError::BlocksLost { signed, height: head.height });
    }
    check_blocks(&store, genesis, &head)?;
    let machine = Machine::open(store, genesis.clone(), setups)?;
    Ok(Report { audit: machine.audit()?, contents, signed })
}

fn check_blocks(store: &RocksStore, genesis: &Genesis, head: &Head) -> Result<(), CheckError> {
    let hash = genesis.hash();
    let floor = store.floor()?;
    let mut expected = match &floor.anchor {
        Some(Anchor { header, certificate }) => after(&hash, header, certificate),
        None => Head {
            genesis: hash,
            height: 0,
            block: hash,
            time: genesis.time(),
            root: if floor.state_from == 0 { tree::root(store, 0)? } else { head.root },
            next_beacon: genesis_beacon(&hash),
        },
    };
    let mut parent = floor.anchor.as_ref().map(|anchor| (anchor.header.clone(), anchor.certificate.clone()));
    if let Some((header, certificate)) = &parent {
        check_final(store, genesis, header, certificate)?;
    }
    for height in floor.blocks_from..=head.height {
        let committed = store.block(height)?.ok_or(CheckError::Block { height })?;
        let header = &committed.block.header;
        match &parent {
            Some((parent, certificate)) => check_link(parent, certificate, header),
            None => first_link(&expected, header),
        }
        .map_err(|error| CheckError::Link { height, error })?;
        check_final(store, genesis, header, &committed.certificate)?;
        check_parts(store, &committed)?;
        expected = after(&hash, header, &committed.certificate);
        parent = Some((committed.block.header, committed.certificate));
    }
    if *head != expected {
        return Err(CheckError::Head { height: head.height });
    }
    Ok(())
}

/// Where a chain stands after a block.
fn after(genesis: &Hash, header: &Header, certificate: &Certificate) -> Head {
    Head {
        genesis: *genesis,
        height: header.height,
        block: header.hash(),
        time: header.time,
        root: header.state_root,
        next_beacon: beacon_after(&header.beacon, certificate),
    }
}

/// A header is finalised, and its state is there unless it was pruned.
fn check_final(
    store: &RocksStore,
    genesis: &Genesis,
    header: &Header,
    certificate: &Certificate,
) -> Result<(), CheckError> {
    let (height, kept) = (header.height, store.floor()?.state_from);
    // Of a pruned past the validators are those of the first state that is kept.
    let validators = validators(store, height.saturating_sub(1).max(kept))?;
    let finalised = certificate.verify(header, &genesis.hash(), &validators);
    finalised.map_err(|error| CheckError::Certificate { height, error })?;
    if height >= kept && tree::root(store, height)? != header.state_root {
        return Err(CheckError::Root { height });
    }
    Ok(())
}

/// The first block follows from genesis, which has no header.
fn first_link(genesis: &Head, header: &Header) -> Result<(), LinkError> {
    if header.height != 1 {
        return Err(LinkError::Height { expected: 1, got: header.height });
    }
    if header.parent != genesis.block {
        return Err(LinkError::Parent);
    }
    if header.time <= genesis.time {
        return Err(LinkError::Time { parent: genesis.time, got: header.time });
    }
    if header.beacon != genesis.next_beacon {
        return Err(LinkError::Beacon);
    }
    Ok(())
}

/// The validators of a state: those that finalise the block after it.
fn validators(store: &RocksStore, height: u64) -> Result<ValidatorSet, CheckError> {
    let key = Key::Validators;
    let value = store.value(height, &key_hash(&key.to_bytes()))?;
    match value.and_then(|value| borsh::from_slice(&value).ok()) {
        Some(Object::Validators(validators)) => Ok(validators),
        _ => Err(StateError::Object { key }.into()),
    }
}

fn check_parts(store: &RocksStore, committed: &CommittedBlock) -> Result<(), CheckError> {
    let CommittedBlock { block, outcomes, results, .. } = committed;
    let height = block.header.height;
    if block.transaction_root() != block.header.transaction_root {
        return Err(CheckError::Part { height, part: "transactions" });
    }
    if compute_root(results) != block.header.compute_root {
        return Err(CheckError::Part { height, part: "compute results" });
    }
    if outcomes.len() != block.transactions.len() {
        return Err(CheckError::Part { height, part: "outcomes" });
    }
    for ((position, bytes), outcome) in (0u32..).zip(&block.transactions).zip(outcomes) {
        let signed: SignedTransaction = attestation::codec::decode("transaction", bytes, TRANSACTION_BYTES_MAX)
            .map_err(|error| CheckError::Transaction { height, position, error })?;
        let id = signed.id();
        if outcome.transaction != id {
            return Err(CheckError::Part { height, part: "outcomes" });
        }
        if store.transaction(&id)? != Some((height, position)) {
            return Err(CheckError::Index { height, position });
        }
    }
    Ok(())
}

//! Why a block, a commit or a start is refused.
//!
//! Block refusals carry stable codes in the eight hundreds, beside those of [`Reject`] for transactions.

use attestation::codec::DecodeError;
use attestation::hex;
use verifier::inclusion::{CertificateError, LinkError, MisbehaviourError};

use super::overlay::StateError;
use super::store::StoreError;
use crate::economics::invariants::ConservationError;
use crate::rules::Reject;
use crate::types::ids::{Address, Hash};

/// Why a block does not follow from the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Height, parent, time or beacon do not follow from the head.
    #[error("block {0}")]
    Link(LinkError),
    /// The epoch is not the height's.
    #[error("header epoch: expected {expected}, got {got}")]
    Epoch {
        /// Epoch of the height.
        expected: u64,
        /// Epoch that came.
        got: u64,
    },
    /// The proposer is no validator.
    #[error("header proposer: {got} is no validator of this height")]
    Proposer {
        /// Address that came.
        got: Address,
    },
    /// More bytes of transactions than a block may have.
    #[error("block transactions: expected at most {max} bytes, got {got}")]
    Oversized {
        /// The cap.
        max: u64,
        /// Bytes that came.
        got: u64,
    },
    /// More gas than a block has.
    #[error("block gas: expected at most {max}, got {got}")]
    Gas {
        /// The cap.
        max: u64,
        /// Sum of gas limits.
        got: u64,
    },
    /// A transaction of the block is refused.
    #[error("block transaction {position}: {reject}")]
    Transaction {
        /// Position in the block.
        position: usize,
        /// Why it is refused.
        reject: Box<Reject>,
    },
    /// The transactions are not those of the header.
    #[error("transaction root: expected {}, got {}", hex::encode(.expected), hex::encode(.got))]
    TransactionRoot {
        /// Over the transactions that came.
        expected: Hash,
        /// Of the header.
        got: Hash,
    },
    /// Executing gives other compute results.
    #[error("compute root: expected {}, got {}", hex::encode(.expected), hex::encode(.got))]
    ComputeRoot {
        /// Over the results of execution.
        expected: Hash,
        /// Of the header.
        got: Hash,
    },
    /// Executing gives another state.
    #[error("state root: expected {}, got {}", hex::encode(.expected), hex::encode(.got))]
    StateRoot {
        /// After execution.
        expected: Hash,
        /// Of the header.
        got: Hash,
    },
    /// Tokens would be lost or made.
    #[error("block refused, tokens would be lost or made: {0}")]
    Conservation(ConservationError),
    /// The node's own state cannot be read: nothing is said about the block.
    #[error(transparent)]
    Fault(#[from] StateError),
}

impl Invalid {
    /// Stable number and section of the specification; none for a fault of the node.
    #[must_use]
    pub fn entry(&self) -> Option<(u16, &'static str)> {
        Some(match self {
            Self::Link(LinkError::Height { .. }) => (801, "block-height"),
            Self::Link(LinkError::Parent) => (802, "block-parent"),
            Self::Link(LinkError::Time { .. }) => (803, "block-time"),
            Self::Link(LinkError::Beacon) => (804, "block-beacon"),
            Self::Epoch { .. } => (805, "block-epoch"),
            Self::Proposer { .. } => (806, "block-proposer"),
            Self::Oversized { .. } => (807, "block-oversized"),
            Self::Gas { .. } => (808, "block-gas"),
            Self::Transaction { .. } => (809, "block-transaction"),
            Self::TransactionRoot { .. } => (810, "block-transaction-root"),
            Self::ComputeRoot { .. } => (811, "block-compute-root"),
            Self::StateRoot { .. } => (812, "block-state-root"),
            Self::Conservation(_) => (813, "block-conservation"),
            Self::Fault(_) => return None,
        })
    }
}

/// Every block code with its section of the specification, ascending.
pub const BLOCK_CODES: [(u16, &str); 13] = [
    (801, "block-height"),
    (802, "block-parent"),
    (803, "block-time"),
    (804, "block-beacon"),
    (805, "block-epoch"),
    (806, "block-proposer"),
    (807, "block-oversized"),
    (808, "block-gas"),
    (809, "block-transaction"),
    (810, "block-transaction-root"),
    (811, "block-compute-root"),
    (812, "block-state-root"),
    (813, "block-conservation"),
];

/// Why a block was not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The block does not verify.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The certificate is not the canonical encoding of one.
    #[error(transparent)]
    CertificateEncoding(#[from] DecodeError),
    /// The certificate does not finalise the block.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A report of misbehaviour proves nothing.
    #[error("report {position}: {error}")]
    Misbehaviour {
        /// Position in the list.
        position: usize,
        /// What is missing.
        error: MisbehaviourError,
    },
    /// Another block was committed at this height.
    #[error("height {height}: committed as {}, got {}", hex::encode(.expected), hex::encode(.got))]
    Conflict {
        /// The height.
        height: u64,
        /// Block that was committed.
        expected: Hash,
        /// Block that came.
        got: Hash,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a machine cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// The store belongs to another chain.
    #[error("store: it holds the chain of genesis {}, expected {}", hex::encode(.got), hex::encode(.expected))]
    Genesis {
        /// Genesis given.
        expected: Hash,
        /// Genesis of the store.
        got: Hash,
    },
    /// The store's tree does not have the root that its head names.
    #[error("store: the state root of height {height} does not match the tree; the data directory is corrupt")]
    Root {
        /// Height of the head.
        height: u64,
    },
    /// A setup that genesis allows is missing or too small, or one is held that it does not allow.
    #[error("setup {}: genesis allows each of its setups and no other, with bases for 2^{k_max} rows", hex::encode(.setup))]
    Setup {
        /// The setup.
        setup: Hash,
        /// Size that every setup must have.
        k_max: u32,
    },
    /// Genesis breaks conservation.
    #[error(transparent)]
    Conservation(#[from] ConservationError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

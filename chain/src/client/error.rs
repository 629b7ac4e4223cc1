//! Why a call to a node came to nothing.

use std::time::Duration;

use attestation::hex;

use crate::api::Refusal;
use crate::types::ids::Hash;
use crate::types::transaction::TransactionError;

/// Why a call to a node came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Not the address of a node.
    #[error("node address: expected http://HOST:PORT, got {url:?} ({reason})")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answered for as long as lost connections are retried.
    #[error("no node answers at {url} (tried for {} s: {reason}); start one, or name another", .waited.as_secs())]
    Unreachable {
        /// Address.
        url: String,
        /// How long.
        waited: Duration,
        /// What the last attempt met.
        reason: String,
    },
    /// A rule refuses the transaction.
    #[error(transparent)]
    Refused(Refusal),
    /// Bytes that no node would take.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// The node answers with an error of its own.
    #[error("the node answers with error {code}: {message}")]
    Node {
        /// JSON-RPC error code.
        code: i32,
        /// The node's message.
        message: String,
    },
    /// The answer is not what the interface promises, or its proof does not hold.
    #[error("the node's answer to {what}: {reason}; do not trust this node")]
    Answer {
        /// What was asked.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A proof was asked for and nothing is finalised yet.
    #[error(
        "{what}: the chain has no block yet, so nothing is finalised that could be proven; ask again after its first transaction"
    )]
    NoBlock {
        /// What was asked.
        what: &'static str,
    },
    /// A transaction waited too long for its block.
    #[error("transaction {}: not in a block after {} s; it may still come: ask for it again", hex::encode(.id), .waited.as_secs())]
    TimedOut {
        /// The transaction.
        id: Hash,
        /// How long.
        waited: Duration,
    },
    /// An amount leaves its range.
    #[error("gas: the transaction's leaves its range")]
    Gas,
}

impl ClientError {
    /// The rule's code, if a rule refused.
    #[must_use]
    pub fn refusal(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }
}

//! Why the mempool does not take a transaction, or dropped one that waited.

use crate::api::Refusal;
use crate::rules::Reject;
use crate::types::ids::{Address, Hash};
use attestation::hex;

/// Why a transaction does not wait, or no longer does. Codes never change their meaning; a block is never refused by them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MempoolError {
    /// Too little of what waits is worth less.
    #[error(
        "mempool: full ({count} transactions, {bytes} bytes), and {price} micro-tokens per gas are too few to take the place of others; pay more, or try again after the next block"
    )]
    Full {
        /// Transactions that wait.
        count: usize,
        /// Their bytes.
        bytes: usize,
        /// Gas price offered.
        price: u128,
    },
    /// The sender has too many transactions waiting.
    #[error("mempool: {sender} has {max} transactions waiting already; try again after the next block")]
    SenderFull {
        /// The sender.
        sender: Address,
        /// Most transactions of one sender.
        max: usize,
    },
    /// The sender has too many bytes waiting.
    #[error("mempool: expected at most {max} bytes of {sender} to wait, got {got}; try again after the next block")]
    SenderBytes {
        /// The sender.
        sender: Address,
        /// Most bytes of one sender.
        max: usize,
        /// Bytes with the new transaction.
        got: usize,
    },
    /// Another transaction with the nonce waits, for about as much.
    #[error(
        "mempool: nonce {nonce} waits already; to replace it, expected at least {expected} micro-tokens per gas, got {got}"
    )]
    ReplacementLow {
        /// The nonce.
        nonce: u64,
        /// Least gas price of a replacement.
        expected: u128,
        /// Gas price offered.
        got: u128,
    },
    /// The sender replaced it.
    #[error("mempool: replaced by transaction {}, which pays more", hex::encode(.by))]
    Replaced {
        /// The new transaction.
        by: Hash,
    },
    /// Dropped for one that pays more.
    #[error("mempool: full, and dropped for a transaction that pays more than {price} micro-tokens per gas; pay more")]
    Evicted {
        /// Gas price of the dropped one.
        price: u128,
    },
    /// The transactions before it did not come.
    #[error("mempool: nonce {got} waited too long for nonce {expected}; send that one first")]
    Expired {
        /// The sender's next nonce.
        expected: u64,
        /// Nonce of the dropped one.
        got: u64,
    },
}

impl MempoolError {
    /// Stable number of the refusal; the thousands keep it apart from the rules'.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Full { .. } => 1001,
            Self::SenderFull { .. } => 1002,
            Self::SenderBytes { .. } => 1003,
            Self::ReplacementLow { .. } => 1004,
            Self::Replaced { .. } => 1005,
            Self::Evicted { .. } => 1006,
            Self::Expired { .. } => 1007,
        }
    }

    /// Whether the same transaction may be taken after the next block.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::SenderFull { .. } | Self::SenderBytes { .. })
    }
}

impl From<&MempoolError> for Refusal {
    fn from(error: &MempoolError) -> Self {
        Self { code: error.code(), rule: "mempool".to_owned(), message: error.to_string() }
    }
}

/// Why a transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// By a rule.
    #[error(transparent)]
    Rule(Box<Reject>),
    /// By the mempool.
    #[error(transparent)]
    Mempool(#[from] MempoolError),
}

impl From<Reject> for NotTaken {
    fn from(reject: Reject) -> Self {
        Self::Rule(Box::new(reject))
    }
}

impl From<&NotTaken> for Refusal {
    fn from(not_taken: &NotTaken) -> Self {
        match not_taken {
            NotTaken::Rule(reject) => Self::from(&**reject),
            NotTaken::Mempool(error) => Self::from(error),
        }
    }
}

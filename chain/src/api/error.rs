//! How the interface says no: JSON-RPC error codes, and the rule's own code inside.

use jsonrpsee::types::ErrorObjectOwned;
use serde::{Deserialize, Serialize};

use crate::rules::Reject;

/// JSON-RPC error codes of this interface; those below -32000 are JSON-RPC's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A rule refuses the transaction; the error's data is a [`Refusal`].
    Refused,
    /// The node has too much waiting; try again after the next block.
    Full,
    /// The node stops, or has stopped making blocks.
    Stopping,
    /// The node's own state cannot be read; its operator must look.
    Fault,
}

impl Code {
    /// The number.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Refused => -32_000,
            Self::Full => -32_001,
            Self::Stopping => -32_002,
            Self::Fault => -32_003,
        }
    }
}

/// A rule's refusal, for machines and people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (refusal {code}, {rule})")]
pub struct Refusal {
    /// Stable number.
    pub code: u16,
    /// Its section of `SPEC.md`.
    pub rule: String,
    /// What was expected, what came, and what to do.
    pub message: String,
}

impl From<&Reject> for Refusal {
    fn from(reject: &Reject) -> Self {
        Self { code: reject.code(), rule: reject.section().to_owned(), message: reject.to_string() }
    }
}

/// A refusal as the interface sends it.
#[must_use]
pub fn refusal(refusal: &Refusal) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(Code::Refused.number(), refusal.message.clone(), Some(refusal))
}

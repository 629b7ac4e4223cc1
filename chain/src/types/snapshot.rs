//! What is known of a worker's machine: the synthetic tasks it answered, and its memory.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};
use super::timer::TimerSlot;

/// The latest answer of a worker to a synthetic task, and the record of those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceSnapshot {
    /// Starts at 1.
    pub version: u64,
    /// Epoch of the latest answer.
    pub epoch: u64,
    /// Whether each of the last 64 epochs was answered; bit 0 is `epoch`.
    pub history: u64,
    /// Answers so far.
    pub answered: u64,
    /// Video memory that it declared then, MiB.
    pub declared_mib: u64,
    /// Video memory of the GPUs that it had attested then, MiB.
    pub attested_mib: u64,
    /// Height of the answer.
    pub height: u64,
}

/// A root that a worker committed to, until it opens the rows that are drawn.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticClaim {
    /// Starts at 1.
    pub version: u64,
    /// Account of the worker's operator.
    pub operator: Address,
    /// Epoch of the task.
    pub epoch: u64,
    /// Root over the rows of the product.
    #[serde(with = "attestation::hex")]
    pub root: Hash,
    /// Micro-tokens of the worker's stake locked until it is opened.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
    /// Rows to open, ascending; none before the draw.
    pub rows: Vec<u32>,
    /// Timer of the draw, then of the end of the time to open.
    pub timer: TimerSlot,
}

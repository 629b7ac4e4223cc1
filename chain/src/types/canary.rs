//! Canaries: results that were committed to be wrong before they were handed in.
//!
//! A canary names nothing: it is a hash over the work that will be handed in, its wrong output and a salt, so that nobody
//! can tell its result from another until it is revealed.

use attestation::hash::derive;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};
use super::timer::TimerSlot;

const CANARY_CONTEXT: &str = "assay 2026 canary v1";

/// What a planter commits to: the work (see [`super::ids::work_nullifier`], known before the lease), the hash of the wrong
/// output, and what hides both.
#[must_use]
pub fn canary_commitment(work: &Hash, output_hash: &Hash, salt: &Hash) -> Hash {
    derive(CANARY_CONTEXT, &[work, output_hash, salt])
}

/// A canary that was planted and not revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Account that planted it.
    pub planter: Address,
    /// Micro-tokens locked.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
    /// Micro-tokens of it for who calls the result wrong.
    #[serde(with = "crate::types::twin::micro")]
    pub reward: u128,
    /// Height at which it was planted.
    pub height: u64,
    /// Timer of its end, after which the bond is burned.
    pub timer: TimerSlot,
}

/// What was planted and what became of it in one epoch, for everybody to hold against the promised rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryTally {
    /// The epoch.
    pub epoch: u64,
    /// Canaries planted.
    pub planted: u32,
    /// Revealed after their result was called wrong.
    pub found: u32,
    /// Revealed after a checker had agreed with it.
    pub passed: u32,
    /// Checks drawn, of all results.
    pub checks: u32,
}

//! Reviews of sampled results: the spot check, the dispute, and who can be drawn for either.
//!
//! Both are named by the result they are about. A seat holds the audit bond of whoever was drawn until the review lets
//! it go: a checker's stays until the result is final, since a check that agreed with a wrong output is itself wrong.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};

/// Most workers that can serve one model, so that a draw stays bounded.
pub const ROSTER_MAX: usize = 1_024;

/// The workers that serve a model, in the order of their registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// At most [`ROSTER_MAX`].
    #[serde(with = "crate::types::twin::hashes")]
    pub workers: Vec<Hash>,
}

/// A checker or juror of one review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// The worker that was drawn.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Its operator.
    pub operator: Address,
    /// Micro-tokens of its stake locked for this draw.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
    /// Commitment to the output hash of its own run.
    #[serde(with = "crate::types::twin::optional_hash")]
    pub commitment: Option<Hash>,
    /// The output hash, once revealed.
    #[serde(with = "crate::types::twin::optional_hash")]
    pub revealed: Option<Hash>,
}

/// The check of a result.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpotCheck {
    /// Starts at 1.
    pub version: u64,
    /// The checker.
    pub seat: Seat,
}

/// A result called wrong.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// Starts at 1.
    pub version: u64,
    /// Account that is paid if it is right and pays if not.
    pub accuser: Address,
    /// The checker, when the accusation is a check that disagreed; its seat then holds the bond.
    #[serde(with = "crate::types::twin::optional_hash")]
    pub checker: Option<Hash>,
    /// Micro-tokens that a challenger locked.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
    /// The jury.
    pub seats: Vec<Seat>,
    /// A first jury's verdict against the worker, while it can be appealed or is.
    pub verdict: Option<Verdict>,
}

/// What a first jury found.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The output hash that its majority revealed.
    #[serde(with = "attestation::hex")]
    pub output: Hash,
    /// Its jurors that revealed, whose bonds wait with it.
    pub seats: Vec<Seat>,
    /// Micro-tokens that the worker locked to appeal; 0 while it has not.
    #[serde(with = "crate::types::twin::micro")]
    pub appeal_bond: u128,
}

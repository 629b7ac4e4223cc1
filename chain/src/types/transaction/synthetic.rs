//! Answers to synthetic tasks.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use verifier::inclusion::MerkleProof;

use crate::types::ids::Hash;

/// Commits to the product of the epoch's synthetic task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticResult {
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Epoch of the task.
    pub epoch: u64,
    /// Root over the rows of the product.
    #[serde(with = "attestation::hex")]
    pub root: Hash,
}

/// One row of a product, under its root.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenedRow {
    /// Its integers.
    pub values: Vec<i32>,
    /// Path to the root.
    pub path: MerkleProof,
}

/// Opens the rows that were drawn.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSynthetic {
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// The rows, in the order in which they were drawn.
    pub rows: Vec<OpenedRow>,
}

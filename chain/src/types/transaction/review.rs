//! Transactions about a result under review.

use borsh::{BorshDeserialize, BorshSerialize};
use circuits::model::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::types::ids::Hash;

/// Commits a drawn checker or juror to the output of its own run.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitCheck {
    /// The result under review.
    #[serde(with = "attestation::hex")]
    pub result: Hash,
    /// The worker that was drawn.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// See [`crate::types::ids::check_commitment`].
    #[serde(with = "attestation::hex")]
    pub commitment: Hash,
}

/// Opens a commitment.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealCheck {
    /// The result under review.
    #[serde(with = "attestation::hex")]
    pub result: Hash,
    /// The worker that was drawn.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Output hash of its own run.
    #[serde(with = "attestation::hex")]
    pub output_hash: Hash,
    /// What hid it.
    #[serde(with = "attestation::hex")]
    pub salt: Hash,
}

/// Calls a result wrong.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The result.
    #[serde(with = "attestation::hex")]
    pub result: Hash,
    /// Micro-tokens to lock.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
}

/// Has a jury's verdict against a worker judged again by a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appeal {
    /// The result that was found wrong.
    #[serde(with = "attestation::hex")]
    pub result: Hash,
}

/// Commits to a result that will be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantCanary {
    /// See [`crate::types::canary::canary_commitment`].
    #[serde(with = "attestation::hex")]
    pub commitment: Hash,
}

/// Shows that a result was planted, and by a proof of the right output that it is wrong.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealCanary {
    /// The result.
    #[serde(with = "attestation::hex")]
    pub result: Hash,
    /// What hid the commitment.
    #[serde(with = "attestation::hex")]
    pub salt: Hash,
    /// The input, when the job names it by hash only.
    pub input: Option<Tensor>,
    /// The output that the model gives.
    pub output: Tensor,
    /// The encoded proof of it, for the result's own context.
    #[serde(with = "crate::types::twin::bytes")]
    pub proof: Vec<u8>,
}

/// Answers a dispute with a proof of the submitted output.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerWithProof {
    /// The disputed result.
    #[serde(with = "attestation::hex")]
    pub result: Hash,
    /// The input, when the job names it by hash only.
    pub input: Option<Tensor>,
    /// The output that was submitted.
    pub output: Tensor,
    /// The encoded proof.
    #[serde(with = "crate::types::twin::bytes")]
    pub proof: Vec<u8>,
}

//! Publishing models, and calling published ones wrong.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use verifier::row_opening::RowOpening;

use crate::types::ids::Hash;
use crate::types::model::UnitsFormula;

/// Publishes a provable model.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterModel {
    /// Canonical bytes of the graph.
    #[serde(with = "crate::types::twin::bytes")]
    pub graph: Vec<u8>,
    /// Canonical bytes of the row commitments.
    #[serde(with = "crate::types::twin::bytes")]
    pub commitment: Vec<u8>,
    /// Setup the rows are committed under; must be on the genesis list.
    #[serde(with = "attestation::hex")]
    pub setup: Hash,
    /// Billing formula.
    pub formula: UnitsFormula,
    /// Micro-tokens to lock.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
}

/// Calls a published model wrong by one row of its committed matrix.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeModel {
    /// The model.
    #[serde(with = "attestation::hex")]
    pub model: Hash,
    /// The row, and where an output's weights lie in several weight columns, those of the others if they are needed.
    pub openings: Vec<RowOpening>,
    /// Micro-tokens to lose if nothing is wrong with it.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
}

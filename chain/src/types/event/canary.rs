//! Results that were planted to be wrong.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::types::ids::{Address, Hash};

/// A result that will be wrong was committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryPlanted {
    /// The commitment.
    #[serde(with = "attestation::hex")]
    pub canary: Hash,
    /// Micro-tokens locked.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
    /// Last height at which it can be revealed.
    pub reveal_until: u64,
}

/// A result was planted to be wrong: it is void, and its job is open again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryRevealed {
    /// The commitment.
    #[serde(with = "attestation::hex")]
    pub canary: Hash,
    /// The result.
    #[serde(with = "attestation::hex")]
    pub result: Hash,
    /// The job.
    #[serde(with = "attestation::hex")]
    pub job: Hash,
    /// Who had called it wrong.
    pub finder: Option<Address>,
    /// Micro-tokens of the planter's that it got.
    #[serde(with = "crate::types::twin::micro")]
    pub paid: u128,
}

/// A canary was not revealed in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryLapsed {
    /// The commitment.
    #[serde(with = "attestation::hex")]
    pub canary: Hash,
    /// Micro-tokens of its bond.
    #[serde(with = "crate::types::twin::micro")]
    pub burned: u128,
}

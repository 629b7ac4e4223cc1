//! Proposed changes.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::types::governance::ProposalStatus;
use crate::types::ids::Hash;

/// A change was proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// The proposal.
    #[serde(with = "attestation::hex")]
    pub proposal: Hash,
    /// Worker whose stake proposed it.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Last height of votes.
    pub voting_until: u64,
}

/// A worker's stake voted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voted {
    /// The proposal.
    #[serde(with = "attestation::hex")]
    pub proposal: Hash,
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Its weight.
    pub votes: u64,
    /// Whether for it.
    pub yes: bool,
}

/// A proposal was rejected, waits, is in force, or came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalEnded {
    /// The proposal.
    #[serde(with = "attestation::hex")]
    pub proposal: Hash,
    /// Where it stands now.
    pub status: ProposalStatus,
}

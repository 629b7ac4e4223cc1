//! Tokens between chains.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::types::ids::{Address, Hash};

/// Tokens left for another chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeleportSent {
    /// The transfer.
    #[serde(with = "attestation::hex")]
    pub teleport: Hash,
    /// Number of the other chain.
    pub destination: u32,
    /// Account there.
    pub recipient: Address,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
    /// Last time of a block there that takes the claim, milliseconds since the epoch.
    pub expires: u64,
}

/// Tokens came from another chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeleportClaimed {
    /// The transfer, as its source names it.
    #[serde(with = "attestation::hex")]
    pub teleport: Hash,
    /// Number of the other chain.
    pub source: u32,
    /// Account that got them.
    pub recipient: Address,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
}

/// Tokens that nobody claimed came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeleportRefunded {
    /// The transfer.
    #[serde(with = "attestation::hex")]
    pub teleport: Hash,
    /// Account that got them.
    pub sender: Address,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
}

/// A transfer of another chain was shown, and waits to be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeleportRecorded {
    /// Nullifier of its claim.
    #[serde(with = "attestation::hex")]
    pub claim: Hash,
    /// The transfer, as its source names it.
    #[serde(with = "attestation::hex")]
    pub teleport: Hash,
    /// Number of the other chain.
    pub source: u32,
    /// Account that gets it.
    pub recipient: Address,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
}

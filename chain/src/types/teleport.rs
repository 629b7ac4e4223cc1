//! Tokens between chains: burned on one, made on another, each at most once.
//!
//! The source keeps a record of what left; its destination believes it by an inclusion proof under a header that the
//! source's validators finalised. Who never claimed gets it back by an exclusion proof of the claim under a header of the
//! destination, later than the transfer's expiry. Expiry is a time of the destination's blocks: no block later than it
//! takes a claim, and block times only grow, so that a claim and a refund exclude each other.

use attestation::hash::derive;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use verifier::inclusion::{Certificate, Header, StateProof, ValidatorSet};

use super::ids::{Address, Hash};

/// Most transfers that wait for one account.
pub const WAITING_MAX: usize = 64;

const CLAIM_CONTEXT: &str = "assay 2026 teleport-claim v1";

/// Another chain whose validators this one believes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its number.
    pub chain_id: u32,
    /// Its genesis.
    #[serde(with = "attestation::hex")]
    pub genesis: Hash,
    /// Who finalises its blocks.
    pub validators: ValidatorSet,
    /// Micro-tokens that may have come from it beyond those that left for it: what its validators could make up.
    #[serde(with = "crate::types::twin::micro")]
    pub inflow_max: u128,
}

/// A believed chain, and what moved.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The chain.
    pub peer: Peer,
    /// Micro-tokens that left for it and were not refunded.
    #[serde(with = "crate::types::twin::micro")]
    pub sent: u128,
    /// Micro-tokens that came from it.
    #[serde(with = "crate::types::twin::micro")]
    pub received: u128,
}

/// Where a transfer stands on its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TeleportStatus {
    /// Burned here; its destination takes it until its expiry.
    Sent,
    /// Never claimed, given back.
    Refunded,
}

/// A transfer to another chain, as its source keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teleport {
    /// Number of the source.
    pub source: u32,
    /// Its genesis.
    #[serde(with = "attestation::hex")]
    pub source_genesis: Hash,
    /// Number of the destination.
    pub destination: u32,
    /// Its genesis.
    #[serde(with = "attestation::hex")]
    pub destination_genesis: Hash,
    /// Account that gave the tokens, and gets a refund.
    pub sender: Address,
    /// Account on the destination.
    pub recipient: Address,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub amount: u128,
    /// Last time of a block of the destination that takes the claim, milliseconds since the epoch.
    pub expires: u64,
    /// Where it stands.
    pub status: TeleportStatus,
}

impl Teleport {
    /// What a claim spends: source, destination, the transfer's identifier, amount and recipient.
    #[must_use]
    pub fn nullifier(&self, id: &Hash) -> Hash {
        let Self { source, source_genesis, destination, destination_genesis, recipient, amount, .. } = self;
        let parts: [&[u8]; 7] = [
            &source.to_le_bytes(),
            source_genesis,
            &destination.to_le_bytes(),
            destination_genesis,
            id,
            &amount.to_le_bytes(),
            recipient.as_bytes(),
        ];
        derive(CLAIM_CONTEXT, &parts)
    }
}

/// A claim that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeleportClaim {
    /// The transfer.
    #[serde(with = "attestation::hex")]
    pub teleport: Hash,
    /// Height of the claim.
    pub height: u64,
}

/// A transfer that its source was shown to have sent, and that nobody has claimed; kept by its claim's nullifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeleportRecord {
    /// Its identifier on its source.
    #[serde(with = "attestation::hex")]
    pub id: Hash,
    /// The transfer, as its source keeps it.
    pub teleport: Teleport,
    /// Height at which it was shown.
    pub height: u64,
}

/// What waits for an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingTeleports {
    /// Nullifiers of the claims, the first to come first; at most [`WAITING_MAX`].
    #[serde(with = "crate::types::twin::hashes")]
    pub claims: Vec<Hash>,
}

/// What another chain's state holds, or does not hold.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignProof {
    /// Header of the block after which it was so.
    pub header: Header,
    /// What finalised it.
    pub certificate: Certificate,
    /// Path to the header's state root.
    pub state: StateProof,
}

//! What concerns the chain as a whole: its parameters, its mint, other chains, and evidence kept on it.

use attestation::receipt::SignedReceipt;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::types::anchor::CoSignature;
use crate::types::authority::{Approval, Decision};
use crate::types::governance::Change;
use crate::types::ids::{Address, Hash};
use crate::types::teleport::{ForeignProof, Teleport};

/// Proposes a change of the chain on a worker's stake.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Propose {
    /// Worker whose stake gives the right to.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// The change.
    pub change: Change,
}

/// Votes on a proposal with a worker's stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename = "Vote", deny_unknown_fields)]
pub struct CastVote {
    /// The proposal.
    #[serde(with = "attestation::hex")]
    pub proposal: Hash,
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// For it, or against it.
    pub yes: bool,
}

/// Carries a decision of the issuing authority; anybody may send it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorise {
    /// The decision.
    pub decision: Decision,
    /// Who approved it, by ascending address.
    pub approvals: Vec<Approval>,
}

/// Sends tokens to another chain: they are destroyed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeleportOut {
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

/// Takes tokens that were sent here; anybody may send it, the recipient gets them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimTeleport {
    /// Identifier of the transfer on its source.
    #[serde(with = "attestation::hex")]
    pub id: Hash,
    /// The transfer as its source keeps it.
    pub teleport: Teleport,
    /// That its source keeps it.
    pub proof: ForeignProof,
}

/// Shows that tokens were sent here, to be claimed later without a proof; anybody may send it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordTeleport {
    /// Identifier of the transfer on its source.
    #[serde(with = "attestation::hex")]
    pub id: Hash,
    /// The transfer as its source keeps it.
    pub teleport: Teleport,
    /// That its source keeps it.
    pub proof: ForeignProof,
}

/// Takes tokens of a transfer that was recorded; anybody may send it, the recipient gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseTeleport {
    /// Nullifier of the claim, under which the transfer is kept.
    #[serde(with = "attestation::hex")]
    pub claim: Hash,
}

/// Gives back tokens that nobody claimed in time; anybody may send it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundTeleport {
    /// The transfer.
    #[serde(with = "attestation::hex")]
    pub id: Hash,
    /// That its destination holds no claim after its expiry.
    pub proof: ForeignProof,
}

/// Reports a worker that signed two outputs for one context.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportMisbehaviour {
    /// The lease whose context both receipts carry.
    #[serde(with = "attestation::hex")]
    pub lease: Hash,
    /// One receipt.
    pub first: SignedReceipt,
    /// The other.
    pub second: SignedReceipt,
}

/// Records that a receipt exists.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorReceipt {
    /// Digest of the signed receipt.
    #[serde(with = "attestation::hex")]
    pub receipt: Hash,
    /// A coordinator that vouches for it.
    pub coordinator: Option<CoSignature>,
}

//! Refusals of transfers between chains.

use attestation::hex;
use thiserror::Error;
use verifier::inclusion::{CertificateError, StateProofError};

use super::Reject;
use crate::types::ids::{Address, Hash};

/// Why a transfer, its claim or its refund was refused. Fields as in [`Reject`]; times in milliseconds.
#[expect(missing_docs, reason = "the fields are described once, at `Reject`")]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TeleportReject {
    /// No link to that chain.
    #[error("chain {chain_id}: this chain believes no such chain; governance links chains")]
    Unlinked { chain_id: u32 },
    /// The transfer goes to another chain.
    #[error("teleport {}: it goes to chain {got}, this is {expected} or another chain of that number", hex::encode(.teleport))]
    Elsewhere { teleport: Hash, expected: u32, got: u32 },
    /// Claimed before.
    #[error("teleport {}: claimed at height {height}", hex::encode(.teleport))]
    Claimed { teleport: Hash, height: u64 },
    /// The source's state does not show it.
    #[error("teleport: {0}")]
    Unproven(StateProofError),
    /// The header is none of that chain's.
    #[error("teleport header: {0}")]
    Header(CertificateError),
    /// Too late for a claim.
    #[error("teleport {}: it expired at {expires} ms, this block is of {time} ms; refund it on its source", hex::encode(.teleport))]
    Expired { teleport: Hash, expires: u64, time: u64 },
    /// The expiry is not between the nearest and the farthest.
    #[error("teleport expiry: expected {min} to {max} ms, got {got}")]
    ExpiryOutside { min: u64, max: u64, got: u64 },
    /// More came from a chain than it may send.
    #[error("chain {chain_id}: {got} micro-tokens would have come from it, this chain takes {max}")]
    Inflow { chain_id: u32, max: u128, got: u128 },
    /// No such transfer.
    #[error("teleport {}: unknown", hex::encode(.teleport))]
    Unknown { teleport: Hash },
    /// Refunded before.
    #[error("teleport {}: refunded already", hex::encode(.teleport))]
    Refunded { teleport: Hash },
    /// The header does not show what became of it.
    #[error("teleport {}: expected a header later than its expiry at {expires} ms, got one of {got} ms", hex::encode(.teleport))]
    RefundEarly { teleport: Hash, expires: u64, got: u64 },
    /// Refunded, or of another genesis than the linked one.
    #[error("teleport {}: expected a transfer that its source still shows as sent, from the linked genesis", hex::encode(.teleport))]
    NotSent { teleport: Hash },
    /// Shown before.
    #[error("claim {}: its transfer is recorded since height {height}; release it", hex::encode(.claim))]
    Recorded { claim: Hash, height: u64 },
    /// Too much waits for one account.
    #[error("account {recipient}: {max} transfers wait for it; release one of them, or claim this one with its proof")]
    WaitingFull { recipient: Address, max: usize },
    /// Never shown, or claimed since.
    #[error("claim {}: no transfer is recorded under it; record it with its proof first", hex::encode(.claim))]
    Unrecorded { claim: Hash },
}

impl TeleportReject {
    pub(super) fn entry(&self) -> (u16, &'static str) {
        match self {
            Self::Unlinked { .. } => (1201, "chain-unlinked"),
            Self::Elsewhere { .. } => (1202, "teleport-elsewhere"),
            Self::Claimed { .. } => (1203, "teleport-claimed"),
            Self::Unproven(_) => (1204, "teleport-unproven"),
            Self::Header(_) => (1205, "header-unproven"),
            Self::Expired { .. } => (1206, "teleport-expired"),
            Self::ExpiryOutside { .. } => (1207, "teleport-expiry-outside"),
            Self::Inflow { .. } => (1208, "teleport-inflow"),
            Self::Unknown { .. } => (1209, "teleport-unknown"),
            Self::Refunded { .. } => (1210, "teleport-refunded"),
            Self::RefundEarly { .. } => (1211, "refund-early"),
            Self::NotSent { .. } => (1212, "teleport-not-sent"),
            Self::Recorded { .. } => (1213, "teleport-recorded"),
            Self::WaitingFull { .. } => (1214, "teleport-waiting-full"),
            Self::Unrecorded { .. } => (1215, "teleport-unrecorded"),
        }
    }
}

impl From<TeleportReject> for Reject {
    fn from(reject: TeleportReject) -> Self {
        Self::Teleport(reject)
    }
}

impl From<TeleportReject> for crate::rules::Failure {
    fn from(reject: TeleportReject) -> Self {
        Reject::from(reject).into()
    }
}

//! Anchored receipts: that somebody knew a receipt at a height, and perhaps that a coordinator vouched for it.

use attestation::identity::ed25519;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};

/// Domain of a coordinator's co-signature.
pub const COORDINATOR_DOMAIN: &str = "assay 2026 receipt-anchor v1";

/// A coordinator's signature over an anchored receipt.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoSignature {
    /// The coordinator's key.
    pub public_key: ed25519::PublicKey,
    /// Over [`anchor_message`].
    pub signature: ed25519::Signature,
}

/// What a coordinator signs, under [`COORDINATOR_DOMAIN`]: genesis and digest of the signed receipt.
#[must_use]
pub fn anchor_message(genesis: &Hash, receipt: &Hash) -> Vec<u8> {
    [genesis.as_slice(), receipt].concat()
}

/// An anchored receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptAnchor {
    /// Account that anchored it.
    pub sender: Address,
    /// Coordinator that vouches for it.
    pub coordinator: Option<Address>,
    /// Height at which it was anchored.
    pub height: u64,
}

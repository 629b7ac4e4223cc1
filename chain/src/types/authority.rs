//! The issuing authority: m of n keys that may issue tokens up to a cap, until they hand the mint over for good.
//!
//! A chain starts with one or without; without, verified work is the only source of tokens from the first block on. What the
//! keys sign holds the genesis, the number of the decision and the decision, so that no approval serves twice.

use attestation::identity::ed25519;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::genesis::first_disorder;
use super::ids::{Address, Hash};
use super::transaction::encode;

/// Most keys of an authority.
pub const AUTHORITY_KEYS_MAX: usize = 32;
/// Domain of an approval.
pub const APPROVAL_DOMAIN: &str = "assay 2026 mint-authority v1";

/// The issuing authority.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintAuthority {
    /// Its keys by ascending address.
    pub keys: Vec<ed25519::PublicKey>,
    /// Keys that must approve.
    pub threshold: u32,
    /// Most that it may issue in all, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub cap: u128,
    /// What it issued, micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub issued: u128,
    /// Decisions it took; the number of the next one.
    pub decisions: u64,
    /// Height at which it gave the mint away for good.
    pub transferred_height: Option<u64>,
}

/// What an authority decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// Makes tokens.
    Issue {
        /// Account that gets them.
        to: Address,
        /// Micro-tokens.
        #[serde(with = "crate::types::twin::micro")]
        amount: u128,
    },
    /// Leaves the mint to the rules, for good.
    Transfer,
}

/// One key's approval of a decision.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The key.
    pub public_key: ed25519::PublicKey,
    /// Over [`approval_message`].
    pub signature: ed25519::Signature,
}

/// Why an authority is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// No keys, or too many.
    #[error("mint authority keys: expected 1 to {AUTHORITY_KEYS_MAX}, got {got}")]
    Count {
        /// Keys that came.
        got: usize,
    },
    /// Keys out of ascending order of their addresses, or one twice.
    #[error("mint authority keys: expected ascending addresses, got number {position} out of order")]
    Order {
        /// Position in the list.
        position: usize,
    },
    /// More approvals than keys, or none.
    #[error("mint authority threshold: expected 1 to {keys}, got {got}")]
    Threshold {
        /// Number of keys.
        keys: usize,
        /// Threshold that came.
        got: u32,
    },
}

impl MintAuthority {
    /// An authority that has not decided anything yet; keys may come in any order.
    ///
    /// # Errors
    /// [`AuthorityError`], naming what does not fit.
    pub fn new(mut keys: Vec<ed25519::PublicKey>, threshold: u32, cap: u128) -> Result<Self, AuthorityError> {
        keys.sort_by_key(ed25519::PublicKey::address);
        let authority = Self { keys, threshold, cap, issued: 0, decisions: 0, transferred_height: None };
        authority.check()?;
        Ok(authority)
    }

    /// Checks keys and threshold.
    ///
    /// # Errors
    /// [`AuthorityError`], naming what does not fit.
    pub fn check(&self) -> Result<(), AuthorityError> {
        let got = self.keys.len();
        if got == 0 || got > AUTHORITY_KEYS_MAX {
            return Err(AuthorityError::Count { got });
        }
        if let Some(position) = first_disorder(&self.keys, |left, right| left.address() < right.address()) {
            return Err(AuthorityError::Order { position });
        }
        if self.threshold == 0 || usize::try_from(self.threshold).map_or(true, |threshold| threshold > got) {
            return Err(AuthorityError::Threshold { keys: got, got: self.threshold });
        }
        Ok(())
    }
}

/// What a key signs, under [`APPROVAL_DOMAIN`]: genesis, number of the decision, decision.
#[must_use]
pub fn approval_message(genesis: &Hash, number: u64, decision: &Decision) -> Vec<u8> {
    [genesis.as_slice(), &number.to_le_bytes(), &encode(decision)].concat()
}

impl Approval {
    /// Approves a decision.
    #[must_use]
    pub fn sign(key: &ed25519::SigningKey, genesis: &Hash, number: u64, decision: &Decision) -> Self {
        let signature = key.sign(APPROVAL_DOMAIN, &approval_message(genesis, number, decision));
        Self { public_key: key.public_key(), signature }
    }
}

//! What a store still holds of the past.

use borsh::{BorshDeserialize, BorshSerialize};
use verifier::inclusion::{Certificate, Header};

use super::family::{FLOOR, Family};
use super::rocks::RocksStore;
use crate::state::store::StoreError;

/// The header before the first block that is kept, and what finalised it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Anchor {
    /// The header.
    pub header: Header,
    /// What finalised it.
    pub certificate: Certificate,
}

/// The lowest heights that a store holds.
///
/// Invariant: `blocks_from` is 1 without an anchor, otherwise one above the anchor's height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Floor {
    /// First height whose whole state is there.
    pub state_from: u64,
    /// First height whose block is there.
    pub blocks_from: u64,
    /// What the first block follows; none while it is the first of all.
    pub anchor: Option<Anchor>,
}

impl Default for Floor {
    fn default() -> Self {
        Self { state_from: 0, blocks_from: 1, anchor: None }
    }
}

impl RocksStore {
    /// What is still held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn floor(&self) -> Result<Floor, StoreError> {
        Ok(self.read(Family::Meta, "what is kept", FLOOR)?.unwrap_or_default())
    }
}

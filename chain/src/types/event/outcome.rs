//! What became of transactions.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::Event;
use crate::types::ids::{Address, Hash};

/// What became of one transaction of a block. A refused transaction is in no block, so there is no failure here.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The transaction.
    #[serde(with = "attestation::hex")]
    pub transaction: Hash,
    /// Its sender.
    pub sender: Address,
    /// Gas it was measured at.
    pub gas_used: u64,
    /// Micro-tokens it paid: gas limit times gas price.
    #[serde(with = "crate::types::twin::micro")]
    pub fee: u128,
    /// What happened.
    pub events: Vec<Event>,
}

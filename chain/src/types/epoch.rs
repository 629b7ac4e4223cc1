//! Epochs: the totals of the one that runs, what each worker got in it, and the batch that closes it.
//!
//! A payout is listed when a worker first earns something in an epoch, at the next index; the batch's root is over all of
//! them in that order, so that one of a million payouts is shown by a path of twenty hashes. Payouts of old epochs are
//! deleted after a while, their batches stay.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use verifier::inclusion::{List, MerkleProof, merkle};

use super::ids::{Address, Hash};
use super::transaction::encode;

/// The epoch that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningEpoch {
    /// Its number.
    pub epoch: u64,
    /// Difficulty of its rewards, bps.
    pub difficulty_bps: u32,
    /// Randomness of its first block, from which its synthetic tasks follow.
    #[serde(with = "attestation::hex")]
    pub seed: Hash,
    /// Payouts listed.
    pub payouts: u32,
    /// Units minted for.
    #[serde(with = "crate::types::twin::micro")]
    pub units: u128,
    /// Micro-tokens minted for them.
    #[serde(with = "crate::types::twin::micro")]
    pub minted: u128,
    /// Micro-tokens that workers got from escrows.
    #[serde(with = "crate::types::twin::micro")]
    pub paid: u128,
    /// Sum of what the capacity of its workers weighs: MiB times bps of uptime.
    #[serde(with = "crate::types::twin::micro")]
    pub capacity_weight: u128,
}

/// What one worker got in one epoch: a leaf of the batch's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    /// The epoch.
    pub epoch: u64,
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Account that was paid.
    pub operator: Address,
    /// Results that were settled.
    pub results: u64,
    /// Their units.
    #[serde(with = "crate::types::twin::micro")]
    pub units: u128,
    /// Micro-tokens minted for them.
    #[serde(with = "crate::types::twin::micro")]
    pub minted: u128,
    /// Micro-tokens from escrows.
    #[serde(with = "crate::types::twin::micro")]
    pub paid: u128,
    /// What its capacity weighed: MiB times bps of uptime.
    #[serde(with = "crate::types::twin::micro")]
    pub capacity_weight: u128,
    /// Micro-tokens from the capacity pool.
    #[serde(with = "crate::types::twin::micro")]
    pub capacity: u128,
}

impl Payout {
    /// Nothing, for a worker that is listed now.
    pub(crate) fn none(epoch: u64, worker: Hash, operator: Address) -> Self {
        let (results, units, minted, paid, capacity_weight, capacity) = (0, 0, 0, 0, 0, 0);
        Self { epoch, worker, operator, results, units, minted, paid, capacity_weight, capacity }
    }
}

/// A closed epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochBatch {
    /// Starts at 1; a batch never changes.
    pub version: u64,
    /// Its number.
    pub epoch: u64,
    /// Height of the block that closed it: the first of a later epoch.
    pub closed_height: u64,
    /// Difficulty of its rewards, bps.
    pub difficulty_bps: u32,
    /// Difficulty of what follows, bps.
    pub next_difficulty_bps: u32,
    /// Payouts under the root.
    pub payouts: u32,
    /// Units minted for.
    #[serde(with = "crate::types::twin::micro")]
    pub units: u128,
    /// Micro-tokens minted for them.
    #[serde(with = "crate::types::twin::micro")]
    pub minted: u128,
    /// Micro-tokens that workers got from escrows.
    #[serde(with = "crate::types::twin::micro")]
    pub paid: u128,
    /// Micro-tokens minted from the capacity pool.
    #[serde(with = "crate::types::twin::micro")]
    pub capacity: u128,
    /// Root over the payouts, in the order in which they were listed.
    #[serde(with = "attestation::hex")]
    pub payout_root: Hash,
}

/// Where a worker's payout of the running epoch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutPlace {
    /// The epoch.
    pub epoch: u64,
    /// Position in its list.
    pub index: u32,
}

/// Root over payouts, in order.
// spec: chain#epoch-batch
#[must_use]
pub fn payout_root(payouts: &[Payout]) -> Hash {
    merkle::root(List::Payouts, &leaves(payouts))
}

/// Proof that payout number `index` is under the root.
// spec: chain#epoch-batch
#[must_use]
pub fn prove_payout(payouts: &[Payout], index: usize) -> Option<MerkleProof> {
    merkle::prove(List::Payouts, &leaves(payouts), index)
}

fn leaves(payouts: &[Payout]) -> Vec<Vec<u8>> {
    payouts.iter().map(encode).collect()
}

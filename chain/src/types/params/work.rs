//! Parameters of leases: who may take a job first, and what a bad record costs.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{BPS, Bound};
use crate::types::ids::Address;

/// Who may lease a job while it is kept for the best (REQUIREMENTS U2).
///
/// Weights are relative to each other; each figure that they weigh is in basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentParams {
    /// Blocks after a job was posted, and after it was opened again, for which it is kept; 0 for none.
    pub exclusive: u64,
    /// Workers of the best scores that it is kept for.
    pub candidates: u32,
    /// Account whose proposal takes the place of the score; none for the score alone.
    pub coordinator: Option<Address>,
    /// Weight of how well the video memory fits.
    pub hardware_weight: u32,
    /// Weight of reliability.
    pub reliability_weight: u32,
    /// Weight of free stake, the measure of load.
    pub load_weight: u32,
    /// Weight of proximity.
    pub proximity_weight: u32,
    /// Weight of the reward tier.
    pub tier_weight: u32,
}

/// What timeouts and implausible receipts cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingParams {
    /// Leases run out in a row that suspend a worker.
    pub timeouts_max: u32,
    /// Blocks of a suspension.
    pub suspension: u64,
    /// Implausible receipts from which each one is slashed.
    pub fraud_slash_from: u32,
    /// Share of the worker's stake that each of them costs, bps.
    pub fraud_slash_bps: u32,
    /// Implausible receipts that ban a worker.
    pub fraud_max: u32,
}

impl AssignmentParams {
    /// The published weights; jobs are kept for nobody.
    pub(super) fn development() -> Self {
        Self {
            exclusive: 0,
            candidates: 1,
            coordinator: None,
            hardware_weight: 30,
            reliability_weight: 40,
            load_weight: 15,
            proximity_weight: 10,
            tier_weight: 5,
        }
    }

    /// Sum of the weights.
    #[must_use]
    pub fn weights(&self) -> u64 {
        let Self { hardware_weight, reliability_weight, load_weight, proximity_weight, tier_weight, .. } = *self;
        [hardware_weight, reliability_weight, load_weight, proximity_weight, tier_weight].map(u64::from).iter().sum()
    }

    pub(super) fn bounds(&self) -> [Bound; 3] {
        [
            ("assignment.exclusive", self.exclusive.into(), 0, 1 << 32),
            ("assignment.candidates", self.candidates.into(), 1, 64),
            ("assignment weights together", self.weights().into(), 1, BPS.into()),
        ]
    }
}

impl StandingParams {
    pub(super) fn development() -> Self {
        Self { timeouts_max: 5, suspension: 2_400, fraud_slash_from: 3, fraud_slash_bps: 1_000, fraud_max: 6 }
    }

    pub(super) fn bounds(&self) -> [Bound; 5] {
        [
            ("standing.timeouts_max", self.timeouts_max.into(), 1, 1 << 20),
            ("standing.suspension", self.suspension.into(), 1, 1 << 32),
            ("standing.fraud_slash_from", self.fraud_slash_from.into(), 1, self.fraud_max.into()),
            ("standing.fraud_slash_bps", self.fraud_slash_bps.into(), 0, BPS.into()),
            ("standing.fraud_max", self.fraud_max.into(), 1, 1 << 20),
        ]
    }
}

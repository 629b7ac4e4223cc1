//! Parameters of epochs: difficulty, the capacity pool, uptime, tiers, and what work is metered by.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{BPS, Bound};
use crate::economics::epoch::HISTORY_EPOCHS;
use crate::types::standing::RewardTier;

/// What a reward is metered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Meter {
    /// Units of verified compute (REQUIREMENTS A4).
    Units,
    /// Active hours of declared hardware (REQUIREMENTS U5).
    HardwareHours,
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochParams {
    /// What rewards are metered by.
    pub meter: Meter,
    /// Units of an epoch at which difficulty stays as it is.
    pub target_units: u64,
    /// Most that difficulty moves at one edge, as a share of itself, bps.
    pub difficulty_step_bps: u32,
    /// Least difficulty, bps.
    pub difficulty_min_bps: u32,
    /// Greatest difficulty, bps.
    pub difficulty_max_bps: u32,
    /// Most that one epoch mints for attested capacity, micro-tokens; 0 for no such pool.
    #[serde(with = "crate::types::twin::micro")]
    pub capacity_pool: u128,
    /// Epochs that uptime is measured over.
    pub uptime_window: u32,
    /// Epochs for which payouts stay in the state.
    pub payouts_kept: u64,
    /// Units of verified work that reach bronze.
    pub bronze_units: u64,
    /// That reach silver.
    pub silver_units: u64,
    /// That reach gold.
    pub gold_units: u64,
    /// That reach platinum.
    pub platinum_units: u64,
    /// Last height of a registration that has the airdrop bonus for ever; 0 for none.
    pub airdrop_until: u64,
}

impl EpochParams {
    pub(super) fn development() -> Self {
        Self {
            meter: Meter::Units,
            target_units: 5_000_000,
            difficulty_step_bps: 2_500,
            difficulty_min_bps: 5_000,
            difficulty_max_bps: 20_000,
            capacity_pool: 0,
            uptime_window: HISTORY_EPOCHS,
            payouts_kept: 16,
            bronze_units: 1_000_000,
            silver_units: 10_000_000,
            gold_units: 100_000_000,
            platinum_units: 1_000_000_000,
            airdrop_until: 0,
        }
    }

    /// The tier that so many units of verified work reach.
    // spec: chain#reward-tier
    #[must_use]
    pub fn tier(&self, units: u64) -> RewardTier {
        let needed = |tier| match tier {
            RewardTier::None => 0,
            RewardTier::Bronze => self.bronze_units,
            RewardTier::Silver => self.silver_units,
            RewardTier::Gold => self.gold_units,
            RewardTier::Platinum => self.platinum_units,
        };
        RewardTier::REACHED.into_iter().find(|tier| units >= needed(*tier)).unwrap_or_default()
    }

    pub(super) fn bounds(&self) -> [Bound; 11] {
        let units = 1u128 << 60;
        [
            ("epoch.target_units", self.target_units.into(), 1, units),
            ("epoch.difficulty_step_bps", self.difficulty_step_bps.into(), 0, BPS.into()),
            ("epoch.difficulty_min_bps", self.difficulty_min_bps.into(), 1, self.difficulty_max_bps.into()),
            ("epoch.difficulty_max_bps", self.difficulty_max_bps.into(), 1, 1_000_000),
            ("epoch.capacity_pool", self.capacity_pool, 0, 1 << 60),
            ("epoch.uptime_window", self.uptime_window.into(), 1, HISTORY_EPOCHS.into()),
            ("epoch.payouts_kept", self.payouts_kept.into(), 1, 1 << 32),
            ("epoch.bronze_units", self.bronze_units.into(), 1, self.silver_units.into()),
            ("epoch.silver_units", self.silver_units.into(), 1, self.gold_units.into()),
            ("epoch.gold_units", self.gold_units.into(), 1, self.platinum_units.into()),
            ("epoch.platinum_units", self.platinum_units.into(), 1, units),
        ]
    }
}

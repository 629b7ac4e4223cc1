//! Parameters of canaries: who may plant results that are known to be wrong, and what finding or passing one is worth.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::{Bound, PPM};
use crate::types::ids::Address;

/// Results whose wrongness is committed beforehand, so that a checker that runs nothing is caught (I2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryParams {
    /// Account that may plant; none for no canaries, and then I2 is not enforced.
    pub planter: Option<Address>,
    /// Share of checks that the planter undertakes to make canaries, ppm; `eps` of I2.
    pub rate_ppm: u32,
    /// Most that may be planted in one epoch.
    pub epoch_max: u32,
    /// Bond of each, micro-tokens; burned unless it is revealed in time.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
    /// What who called one wrong gets of its bond, micro-tokens; `J` of I2.
    #[serde(with = "crate::types::twin::micro")]
    pub reward: u128,
}

impl CanaryParams {
    /// The development values: nobody plants.
    pub(super) fn development() -> Self {
        Self { planter: None, rate_ppm: 100_000, epoch_max: 64, bond: 200_000_000, reward: 150_000_000 }
    }

    /// Name, value, least and greatest value of each.
    pub(super) fn bounds(&self) -> [Bound; 4] {
        [
            ("canary.rate_ppm", self.rate_ppm.into(), 0, u128::from(PPM).div_euclid(2)),
            ("canary.epoch_max", self.epoch_max.into(), 0, 65_536),
            ("canary.bond", self.bond, 1, 1 << 100),
            ("canary.reward", self.reward, 0, self.bond),
        ]
    }
}

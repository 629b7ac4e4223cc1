//! What a worker has made of its leases: reliability, timeouts in a row, bans, the fraud counter, units earned.
//!
//! A standing begins with the first thing that happens to it; a worker without one has the default. It is kept apart
//! from the registration, because rules move it and its operator does not.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::epoch::PayoutPlace;
use super::params::BPS;
use crate::economics::hours::HardwareRates;

/// Reliability of a worker that nothing is known of, bps.
pub const RELIABILITY_START_BPS: u32 = 5_000;

/// Where a machine stands, as a country's ISO 3166-1 numeric code; 0 where it does not say.
pub type Region = u16;

/// Reward tiers of REQUIREMENTS U5. A tier is reached by units of verified work and never lost.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RewardTier {
    /// None yet.
    #[default]
    None,
    /// 5 %.
    Bronze,
    /// 10 %.
    Silver,
    /// 15 %.
    Gold,
    /// 20 %.
    Platinum,
}

/// What the airdrop adds to a reward, bps.
pub const AIRDROP_BONUS_BPS: u32 = 1_000;

impl RewardTier {
    /// Every tier that is reached, the highest first.
    pub const REACHED: [Self; 4] = [Self::Platinum, Self::Gold, Self::Silver, Self::Bronze];

    /// What the tier adds to a reward, bps.
    // spec: chain#reward-tier
    #[must_use]
    pub fn bonus_bps(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Bronze => 500,
            Self::Silver => 1_000,
            Self::Gold => 1_500,
            Self::Platinum => 2_000,
        }
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Starts at 1 with its first change.
    pub version: u64,
    /// Moving average over leases of how promptly they were done, bps; a lease that ran out counts as 0.
    pub reliability_bps: u32,
    /// Leases that ran out since the last result that was settled.
    pub timeouts_in_row: u32,
    /// Last height of the latest suspension; 0 for none.
    pub suspended_until: u64,
    /// Implausible receipts that were proven: the fraud counter.
    pub implausible: u32,
    /// Units minted for.
    pub units: u64,
    /// Micro-tokens minted.
    #[serde(with = "crate::types::twin::micro")]
    pub minted: u128,
    /// Tier reached.
    pub tier: RewardTier,
    /// Where it says it stands.
    pub region: Region,
    /// What it is metered by where rewards follow hardware and hours.
    pub rates: HardwareRates,
    /// Video memory of the GPUs that it has attested, MiB.
    pub attested_mib: u64,
    /// Its payout of the latest epoch in which it earned something.
    pub payout: Option<PayoutPlace>,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            version: 0,
            reliability_bps: RELIABILITY_START_BPS,
            timeouts_in_row: 0,
            suspended_until: 0,
            implausible: 0,
            units: 0,
            minted: 0,
            tier: RewardTier::None,
            region: 0,
            rates: HardwareRates::default(),
            attested_mib: 0,
            payout: None,
        }
    }
}

impl Standing {
    /// Counts a lease whose settled result came after `used` of `timeout` blocks.
    ///
    /// The average moves an eighth of the way to what the lease was worth: all for a result in no time, half for one
    /// at the timeout or later, so that response time and completion are one figure.
    // spec: chain#reliability
    pub fn complete(&mut self, used: u64, timeout: u64) {
        let late = used.min(timeout).saturating_mul(u64::from(BPS / 2)).checked_div(timeout).unwrap_or(0);
        let worth = u64::from(BPS).saturating_sub(late);
        let kept = u64::from(self.reliability_bps).saturating_mul(7);
        let average = kept.saturating_add(worth).checked_div(8).unwrap_or(0);
        self.reliability_bps = u32::try_from(average).unwrap_or(BPS).min(BPS);
        self.timeouts_in_row = 0;
    }

    /// Counts a lease that ran out: a quarter of the reliability is gone.
    // spec: chain#reliability
    pub fn time_out(&mut self) {
        self.reliability_bps = self.reliability_bps.saturating_sub(self.reliability_bps.div_ceil(4));
        self.timeouts_in_row = self.timeouts_in_row.saturating_add(1);
    }

    /// Whether it may not lease nor be drawn at `height`.
    // spec: chain#worker-suspended
    #[must_use]
    pub fn is_suspended(&self, height: u64) -> bool {
        self.suspended_until >= height
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reliability_follows_completion_and_response_time() {
        let mut standing = Standing::default();
        standing.complete(0, 240);
        assert_eq!(standing.reliability_bps, 5_625);
        standing.complete(240, 240);
        assert_eq!(standing.reliability_bps, 5_546);
        standing.time_out();
        standing.time_out();
        assert_eq!((standing.reliability_bps, standing.timeouts_in_row), (3_119, 2));
        standing.complete(500, 240);
        assert_eq!((standing.reliability_bps, standing.timeouts_in_row), (3_354, 0));
    }

    proptest! {
        #[test]
        fn reliability_stays_a_share(leases in prop::collection::vec((any::<bool>(), any::<u64>(), any::<u64>()), 0..64)) {
            let mut standing = Standing::default();
            for (done, used, timeout) in leases {
                let before = standing.reliability_bps;
                if done { standing.complete(used, timeout) } else { standing.time_out() }
                prop_assert!(standing.reliability_bps <= BPS);
                prop_assert!(done || before == 0 || standing.reliability_bps < before);
            }
        }
    }
}

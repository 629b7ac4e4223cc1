//! Reward: what a verified result mints, and how the poster's escrow is split.
//!
//! `reward = base * units * difficulty * trust * tier * uptime` (REQUIREMENTS A4), factors in basis points, rounded down
//! after each. I4 caps it by what self-dealing must cost: the burned share of the payment and the cost floor of the
//! compute that was verified.

use crate::economics::{invariants, share};
use crate::types::params::{BPS, FeeParams, Params, RewardParams};

/// What a reward is multiplied by beside trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multipliers {
    /// Network difficulty, bps.
    pub difficulty_bps: u32,
    /// Tier, bps.
    pub tier_bps: u32,
    /// Uptime, bps.
    pub uptime_bps: u32,
}

impl Multipliers {
    /// The least that any worker has in any epoch.
    #[must_use]
    pub fn least(params: &Params) -> Self {
        Self { difficulty_bps: params.epoch.difficulty_min_bps, tier_bps: BPS, uptime_bps: BPS }
    }

    /// `amount * difficulty * trust * tier * uptime`, rounded down after each.
    // spec: chain#reward
    #[must_use]
    pub fn apply(&self, amount: u128, trust_bps: u32) -> Option<u128> {
        let Self { difficulty_bps, tier_bps, uptime_bps } = *self;
        [difficulty_bps, trust_bps, tier_bps, uptime_bps].into_iter().try_fold(amount, share)
    }
}

/// The factors of one reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RewardFactors {
    /// Base reward per unit, micro-tokens.
    pub base_per_unit: u128,
    /// Units of compute.
    pub units: u64,
    /// Trust, bps.
    pub trust_bps: u32,
    /// The other factors.
    pub multipliers: Multipliers,
}

impl RewardFactors {
    /// The product, micro-tokens, before the cap of I4.
    // spec: chain#reward
    #[must_use]
    pub fn reward(&self) -> Option<u128> {
        let Self { base_per_unit, units, trust_bps, multipliers } = *self;
        multipliers.apply(base_per_unit.checked_mul(units.into())?, trust_bps)
    }
}

/// Where a job's escrow goes, and what is minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// What the poster pays: price times units.
    pub payment: u128,
    /// Part of the payment that is burned.
    pub burned: u128,
    /// Part of the payment that the worker's operator gets.
    pub paid: u128,
    /// Part of the escrow that returns to the poster.
    pub returned: u128,
    /// What is minted to the worker's operator.
    pub reward: u128,
}

/// Settles one result of `units` against `escrow`; `earned` is its reward before the cap of I4.
///
/// `None` when an amount leaves its range or the escrow does not cover the payment.
// spec: chain#settlement
#[must_use]
pub fn settle(
    reward: &RewardParams,
    fee: &FeeParams,
    units: u64,
    price_per_unit: u128,
    escrow: u128,
    earned: u128,
) -> Option<Settlement> {
    let payment = price_per_unit.checked_mul(units.into())?;
    let burned = share(payment, fee.burned_bps)?;
    Some(Settlement {
        payment,
        burned,
        paid: payment.checked_sub(burned)?,
        returned: escrow.checked_sub(payment)?,
        reward: earned.min(invariants::mint_max(burned, reward.cost_floor_per_unit, units)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::params::Params;

    #[test]
    fn the_worked_example_multiplies_out() {
        // 6864 units of reward, silver 10 %, full uptime 5 %: 7550.4, then 7927.92 (REQUIREMENTS U5).
        let factors = RewardFactors {
            base_per_unit: 1_000_000,
            units: 6_864,
            trust_bps: 10_000,
            multipliers: Multipliers { difficulty_bps: 10_000, tier_bps: 11_000, uptime_bps: 10_500 },
        };
        assert_eq!(factors.reward(), Some(7_927_920_000));
    }

    #[test]
    fn every_factor_rounds_down_and_overflow_is_no_number() {
        let factors = RewardFactors {
            base_per_unit: 1,
            units: 3,
            trust_bps: 10_000,
            multipliers: Multipliers { difficulty_bps: 9_999, tier_bps: 10_000, uptime_bps: 10_000 },
        };
        assert_eq!(factors.reward(), Some(2));
        assert_eq!(RewardFactors { base_per_unit: u128::MAX, ..factors }.reward(), None);
    }

    #[test]
    fn settlement_splits_the_escrow_and_caps_the_mint() {
        let params = Params::development();
        let settled = settle(&params.reward, &params.fee, 2_368, 10_000, 30_000_000, 5_000 * 2_368).unwrap();
        assert_eq!(
            settled,
            Settlement {
                payment: 23_680_000,
                burned: 4_736_000,
                paid: 18_944_000,
                returned: 6_320_000,
                reward: 11_840_000,
            }
        );
        // Unpaid work mints the cost floor at most, however high the base.
        let unpaid = settle(&params.reward, &params.fee, 2_368, 0, 0, 1_000_000 * 2_368).unwrap();
        assert_eq!(unpaid.reward, 2_368 * 3_000);
        assert_eq!(settle(&params.reward, &params.fee, 2_368, 10_000, 23_679_999, 1), None);
    }
}

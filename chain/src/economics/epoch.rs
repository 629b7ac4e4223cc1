//! What an epoch's edge decides: the next difficulty, shares of the capacity pool, uptime.

use crate::economics::share;
use crate::types::params::{BPS, EpochParams};

/// Epochs that a record of answered tasks can hold.
pub const HISTORY_EPOCHS: u32 = 64;

/// Difficulty after an epoch in which `units` were verified.
///
/// The factor moves by target over capacity, so that what is minted in an epoch stays near what the target mints; by at
/// most `difficulty_step_bps` at a time and never out of its bounds. An epoch without work measured no capacity and
/// moves nothing.
// spec: chain#difficulty
#[must_use]
pub fn next_difficulty_bps(params: &EpochParams, difficulty_bps: u32, units: u128) -> u32 {
    if units == 0 {
        return difficulty_bps;
    }
    let old = u128::from(difficulty_bps);
    let wanted = old.saturating_mul(params.target_units.into()).checked_div(units).unwrap_or(old);
    let step = share(old, params.difficulty_step_bps).unwrap_or(0).max(1);
    let next = wanted
        .clamp(old.saturating_sub(step), old.saturating_add(step))
        .clamp(params.difficulty_min_bps.into(), params.difficulty_max_bps.into());
    u32::try_from(next).unwrap_or(params.difficulty_max_bps)
}

/// Share of a pool for `weight` of `total`, micro-tokens, rounded down: the shares never exceed the pool.
// spec: chain#capacity-pool
#[must_use]
pub fn capacity_share(pool: u128, weight: u128, total: u128) -> Option<u128> {
    if total == 0 {
        return Some(0);
    }
    pool.checked_mul(weight)?.checked_div(total)
}

/// The record of answered tasks, `elapsed` epochs later: bit 0 is the latest epoch.
#[must_use]
pub fn later(history: u64, elapsed: u64) -> u64 {
    u32::try_from(elapsed).ok().and_then(|elapsed| history.checked_shl(elapsed)).unwrap_or(0)
}

/// Share of the last `window` epochs whose task was answered, bps, rounded down.
// spec: chain#uptime
#[must_use]
pub fn uptime_bps(history: u64, window: u32) -> u32 {
    let window = window.clamp(1, HISTORY_EPOCHS);
    let unused = HISTORY_EPOCHS.saturating_sub(window);
    let answered = history.checked_shl(unused).unwrap_or(0).count_ones();
    answered.saturating_mul(BPS).checked_div(window).unwrap_or(0)
}

/// What uptime adds to a reward, bps: 5 % from 80 % on, 2 % from 50 % on.
// spec: chain#uptime
#[must_use]
pub fn uptime_bonus_bps(uptime_bps: u32) -> u32 {
    match uptime_bps {
        8_000.. => 500,
        5_000..8_000 => 200,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::params::Params;
    use proptest::prelude::*;

    #[test]
    fn difficulty_follows_capacity_in_clamped_steps() {
        let params = EpochParams { target_units: 1_000, ..Params::development().epoch };
        let next = |difficulty, units| next_difficulty_bps(&params, difficulty, units);
        assert_eq!(next(10_000, 1_000), 10_000);
        assert_eq!(next(10_000, 1_100), 9_090);
        assert_eq!(next(10_000, 900), 11_111);
        assert_eq!(next(10_000, 1_000_000), 7_500);
        assert_eq!(next(10_000, 1), 12_500);
        assert_eq!(next(10_000, 0), 10_000);
        assert_eq!((next(5_000, 1 << 100), next(20_000, 1)), (5_000, 20_000));
    }

    #[test]
    fn uptime_is_of_the_whole_window_and_its_bonus_has_two_steps() {
        assert_eq!(uptime_bps(0b1011, 4), 7_500);
        assert_eq!(uptime_bps(0b1011, 8), 3_750);
        assert_eq!(uptime_bps(u64::MAX, 64), 10_000);
        assert_eq!(uptime_bps(u64::MAX << 8, 8), 0);
        assert_eq!((later(1, 3), later(1, 64), later(3, 63)), (8, 0, 1 << 63));
        assert_eq!([10_000, 8_000, 7_999, 5_000, 4_999, 0].map(uptime_bonus_bps), [500, 500, 200, 200, 0, 0]);
    }

    proptest! {
        #[test]
        fn shares_never_exceed_the_pool(pool in 0u128..1 << 64, weights in prop::collection::vec(0u128..1 << 50, 0..32)) {
            let total: u128 = weights.iter().sum();
            let shared: u128 = weights.iter().map(|weight| capacity_share(pool, *weight, total).unwrap()).sum();
            prop_assert!(shared <= pool);
            prop_assert!(total == 0 || pool - shared < weights.len() as u128);
        }

        #[test]
        fn difficulty_stays_in_its_bounds(start in 5_000u32..=20_000, epochs in prop::collection::vec(any::<u128>(), 0..64)) {
            let params = Params::development().epoch;
            let mut difficulty = start;
            for units in epochs {
                let next = next_difficulty_bps(&params, difficulty, units);
                prop_assert!((5_000..=20_000).contains(&next));
                prop_assert!(next.abs_diff(difficulty) <= difficulty / 4);
                difficulty = next;
            }
        }
    }
}

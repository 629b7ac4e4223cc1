//! Emission: the base reward falls by a fixed share every period (REQUIREMENTS: 10 % every six months).

use crate::economics::share;
use crate::types::params::RewardParams;

/// Base reward per unit in `epoch`, micro-tokens, rounded down after every period.
// spec: chain#emission
#[must_use]
pub fn base_per_unit(params: &RewardParams, epoch: u64) -> Option<u128> {
    decayed(params, params.base_per_unit, epoch)
}

/// What a first period's price has fallen to in `epoch`, micro-tokens, rounded down after every period.
// spec: chain#emission
#[must_use]
pub fn decayed(params: &RewardParams, start: u128, epoch: u64) -> Option<u128> {
    let mut base = start;
    for _ in 0..epoch.checked_div(params.decay_epochs)? {
        let next = share(base, params.decay_bps)?;
        // A base that no longer changes (zero, or no decay at all) ends the loop, whatever the epoch.
        if next == base {
            break;
        }
        base = next;
    }
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::params::Params;

    #[test]
    fn the_published_rate_tables_are_reproduced() {
        // GPU 5.00, 4.50, 4.05, 3.65, 3.28 and CPU 2.00, 1.80, 1.62, 1.46, 1.31, printed rounded half-up.
        for (start, table) in [
            (5_000_000u128, [5_000_000u128, 4_500_000, 4_050_000, 3_645_000, 3_280_500]),
            (2_000_000, [2_000_000, 1_800_000, 1_620_000, 1_458_000, 1_312_200]),
        ] {
            let params = RewardParams { base_per_unit: start, decay_epochs: 10, ..Params::development().reward };
            for (period, expected) in (0u64..).zip(table) {
                assert_eq!(base_per_unit(&params, period * 10), Some(expected));
                assert_eq!(base_per_unit(&params, period * 10 + 9), Some(expected));
            }
        }
    }

    #[test]
    fn far_epochs_end() {
        let params = Params::development().reward;
        assert!(base_per_unit(&params, u64::MAX).unwrap() < 10);
        let constant = RewardParams { decay_bps: 10_000, ..params };
        assert_eq!(base_per_unit(&constant, u64::MAX), Some(params.base_per_unit));
    }
}

//! Money: what work earns, what is locked, what is burned, and the inequalities that must hold.
//!
//! Pure integer functions of parameters and amounts. Every product is checked, every division rounds down, and a value
//! that leaves its range is `None` and never a saturated number.

pub mod agents;
pub mod assignment;
pub mod audit;
pub mod bond;
pub mod emission;
pub mod epoch;
pub mod gas;
pub mod hours;
pub mod invariants;
pub mod reward;

use crate::types::params::BPS;

/// `amount * bps / 10 000`, rounded down, `None` beyond 128 bits; never overflows on the way for `bps` up to 10 000.
#[must_use]
pub fn share(amount: u128, bps: u32) -> Option<u128> {
    let (whole, rest) = (amount.checked_div(u128::from(BPS))?, amount.checked_rem(u128::from(BPS))?);
    let rest = rest.checked_mul(u128::from(bps))?.checked_div(u128::from(BPS))?;
    whole.checked_mul(u128::from(bps))?.checked_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_rounds_down_and_knows_its_range() {
        assert_eq!(share(9_999, 1), Some(0));
        assert_eq!(share(10_000, 1), Some(1));
        assert_eq!(share(u128::MAX, BPS), Some(u128::MAX));
        assert_eq!(share(u128::MAX, BPS + 1), None);
    }

    proptest! {
        #[test]
        fn a_share_is_the_floor_of_the_product(amount in 0u128..1 << 100, bps in 0u32..100_000) {
            prop_assert_eq!(share(amount, bps), Some(amount * u128::from(bps) / 10_000));
        }
    }
}

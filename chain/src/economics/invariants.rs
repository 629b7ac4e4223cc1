//! The inequalities of the design that this state machine enforces, by their numbers there.
//!
//! I4 caps every mint, I5 is checked wherever parameters are made, I6 after every block. I1 to I3 concern leases that a
//! sample and not a proof settles, which this version does not offer.

use crate::types::ledger::Supply;
use crate::types::params::{ParamsError, WindowParams};

/// I4: the most that one job may mint, micro-tokens: the burned share of its payment and the cost floor of its compute.
// spec: chain#invariant-mint
#[must_use]
pub fn mint_max(burned: u128, cost_floor_per_unit: u128, units: u64) -> Option<u128> {
    cost_floor_per_unit.checked_mul(units.into())?.checked_add(burned)
}

/// I5: stake stays slashable for as long as its owner can still be convicted.
///
/// Re-execution is bounded by the longest lease and its grace window.
///
/// # Errors
/// [`ParamsError::UnbondingTooShort`] with both sides.
// spec: chain#invariant-unbonding
pub fn check_unbonding(window: &WindowParams) -> Result<(), ParamsError> {
    let needed = window
        .challenge
        .saturating_add(window.lease_large)
        .saturating_add(window.grace)
        .saturating_add(window.evidence_age);
    if window.unbonding < needed {
        return Err(ParamsError::UnbondingTooShort { needed, got: window.unbonding });
    }
    Ok(())
}

/// I6 failed: tokens were lost or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "I6: genesis + minted + teleported in = held + burned + teleported out: expected {issued:?} micro-tokens, got {accounted:?}"
)]
pub struct ConservationError {
    /// Left side; none when it leaves its range.
    pub issued: Option<u128>,
    /// Right side; none when it leaves its range.
    pub accounted: Option<u128>,
}

/// I6: everything issued is held somewhere, burned, or gone to another chain.
///
/// # Errors
/// [`ConservationError`] with both sides.
// spec: chain#invariant-conservation
pub fn check_conservation(supply: &Supply) -> Result<(), ConservationError> {
    let Supply { genesis, minted, teleported_in, burned, teleported_out, held } = *supply;
    let issued = genesis.checked_add(minted).and_then(|sum| sum.checked_add(teleported_in));
    let accounted =
        held.total().and_then(|sum| sum.checked_add(burned)).and_then(|sum| sum.checked_add(teleported_out));
    if issued.is_some() && issued == accounted {
        return Ok(());
    }
    Err(ConservationError { issued, accounted })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ledger::Holdings;
    use crate::types::params::Params;

    #[test]
    fn self_dealing_mints_no_more_than_it_costs() {
        assert_eq!(mint_max(4_736_000, 3_000, 2_368), Some(11_840_000));
        assert_eq!(mint_max(u128::MAX, 1, 1), None);
    }

    #[test]
    fn unbonding_outlasts_every_conviction_or_is_refused_with_the_numbers() {
        let window = Params::development().window;
        assert_eq!(check_unbonding(&window), Ok(()));
        let short = WindowParams { unbonding: 1_615, ..window };
        assert_eq!(check_unbonding(&short), Err(ParamsError::UnbondingTooShort { needed: 1_616, got: 1_615 }));
        assert_eq!(check_unbonding(&WindowParams { unbonding: 1_616, ..window }), Ok(()));
    }

    #[test]
    fn a_lost_or_made_token_is_seen() {
        let held = Holdings { balances: 60, stake: 20, bonds: 5, escrow: 4, unbonding: 3, treasury: 2 };
        let supply = Supply { genesis: 90, minted: 10, burned: 6, held, ..Supply::default() };
        assert_eq!(check_conservation(&supply), Ok(()));
        let lost = Supply { burned: 5, ..supply };
        assert_eq!(check_conservation(&lost), Err(ConservationError { issued: Some(100), accounted: Some(99) }));
        let wrapped = Supply { minted: u128::MAX, ..supply };
        assert_eq!(check_conservation(&wrapped), Err(ConservationError { issued: None, accounted: Some(100) }));
    }
}

//! The inequalities of the design that this state machine enforces, by their numbers there.
//!
//! I1, I2, I3 and I5 are checked wherever parameters are made, I1 and I2 again at every sampled lease; I4 caps every mint,
//! and I6 is checked after every block. I2 holds where a planter of canaries is named.

use crate::economics::audit;
use crate::types::ledger::Supply;
use crate::types::params::{AuditParams, BondParams, CanaryParams, PPM, ParamsError, WindowParams};

/// How often a check or a jury is drawn for one result before it is given up.
pub const DRAWS_MAX: u32 = 3;

/// I4: the most that one job may mint, micro-tokens: the burned share of its payment and the cost floor of its compute.
// spec: chain#invariant-mint
#[must_use]
pub fn mint_max(burned: u128, cost_floor_per_unit: u128, units: u64) -> Option<u128> {
    cost_floor_per_unit.checked_mul(units.into())?.checked_add(burned)
}

/// I5: stake stays slashable for as long as its owner can still be convicted.
///
/// Re-execution is bounded by the longest lease and its grace window, and by a review whose every draw is repeated.
///
/// # Errors
/// [`ParamsError::UnbondingTooShort`] with both sides.
// spec: chain#invariant-unbonding
pub fn check_unbonding(window: &WindowParams) -> Result<(), ParamsError> {
    let needed = window
        .challenge
        .saturating_add(window.lease_large)
        .saturating_add(window.grace)
        .saturating_add(review_blocks(window))
        .saturating_add(window.evidence_age);
    if window.unbonding < needed {
        return Err(ParamsError::UnbondingTooShort { needed, got: window.unbonding });
    }
    Ok(())
}

/// Longest review, blocks: a draw and every repetition of check and jury, the time to answer, and an appeal.
#[must_use]
pub fn review_blocks(window: &WindowParams) -> u64 {
    let panel = window.review.saturating_mul(2).saturating_add(window.challenge);
    let panels = panel.saturating_mul(DRAWS_MAX.into()).saturating_mul(2);
    let appealed = match window.appeal {
        0 => 0,
        appeal => appeal.saturating_add(window.draw).saturating_add(panel.saturating_mul(DRAWS_MAX.into())),
    };
    let first = panels.saturating_add(window.challenge).saturating_add(window.review).saturating_add(window.draw);
    first.saturating_add(appealed)
}

/// I1 for the least lease there can be: one unpaid unit, at the chain's own spot rate, behind the least stake.
///
/// # Errors
/// [`ParamsError::ConvictionTooWeak`] with the numbers.
// spec: chain#invariant-conviction
pub fn check_conviction(audit: &AuditParams, bond: &BondParams) -> Result<(), ParamsError> {
    let conviction_ppm = audit::conviction_ppm(audit, audit::spot_rate_ppm(audit, 0));
    let needed = audit::sampled_bond(audit, conviction_ppm, 0, audit.saving_per_unit);
    match needed {
        Some(needed) if needed <= bond.worker_stake_min => Ok(()),
        _ => Err(ParamsError::ConvictionTooWeak { conviction_ppm, needed, got: bond.worker_stake_min }),
    }
}

/// `eps (J + s_a)`, micro-tokens, rounded down: what a checker forgoes that agrees without a run. `None` when it leaves its
/// range.
// spec: chain#invariant-diligence
#[must_use]
pub fn diligence(canary: &CanaryParams, bond: &BondParams) -> Option<u128> {
    canary.reward.checked_add(bond.audit)?.checked_mul(canary.rate_ppm.into())?.checked_div(PPM.into())
}

/// I2 for the least job there can be, of one unit; without a planter there is nothing to hold.
///
/// # Errors
/// [`ParamsError::DiligenceUnpaid`] with both sides.
// spec: chain#invariant-diligence
pub fn check_diligence(canary: &CanaryParams, bond: &BondParams, saving_per_unit: u128) -> Result<(), ParamsError> {
    let (cost, got) = (saving_per_unit, diligence(canary, bond).unwrap_or(0));
    if canary.planter.is_some() && got <= cost {
        return Err(ParamsError::DiligenceUnpaid { rate_ppm: canary.rate_ppm, cost, got });
    }
    Ok(())
}

/// I3 at the highest rate a job can ask for, both sides over `R + b`.
///
/// # Errors
/// [`ParamsError::FalseConviction`] with both sides.
// spec: chain#invariant-false-conviction
pub fn check_false_conviction(audit: &AuditParams) -> Result<(), ParamsError> {
    let max = u128::from(audit.false_loss_ppm).saturating_mul(audit.profit_ppm.into());
    let got = audit::majority_error(audit.error_ppm, audit.jury)
        .and_then(|majority| majority.checked_mul(audit.error_ppm.into()))
        .map_or(u128::MAX, |product| product.div_ceil(PPM.into()));
    if got > max {
        return Err(ParamsError::FalseConviction { max, got });
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
        let short = WindowParams { unbonding: 1_777, ..window };
        assert_eq!(check_unbonding(&short), Err(ParamsError::UnbondingTooShort { needed: 1_778, got: 1_777 }));
        assert_eq!(check_unbonding(&WindowParams { unbonding: 1_778, ..window }), Ok(()));
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

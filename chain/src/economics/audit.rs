//! Sampling: how likely cheating is convicted, what a sampled lease must lock, and who gets what is slashed.
//!
//! Probabilities are parts per million. A conviction probability rounds down and what it asks for rounds up, so that
//! rounding never admits a lease that the inequality would refuse.

use crate::economics::share;
use crate::types::params::{AuditParams, BPS, PPM, SlashParams};

/// Checkers drawn for one spot check; `a` of the inequalities.
pub const AUDITORS: u32 = 1;

/// Share of sampled results that is checked for a job that asks for `floor_bps`, ppm.
// spec: chain#spot-rate
#[must_use]
pub fn spot_rate_ppm(params: &AuditParams, floor_bps: u32) -> u32 {
    params.spot_rate_bps.max(floor_bps).min(BPS).saturating_mul(PPM.checked_div(BPS).unwrap_or(0))
}

/// `q = p d (1 - r^a)`, ppm, rounded down.
// spec: chain#invariant-conviction
#[must_use]
pub fn conviction_ppm(params: &AuditParams, rate_ppm: u32) -> u32 {
    let one = u64::from(PPM);
    let product = |left: u64, right: u64| left.saturating_mul(right).checked_div(one).unwrap_or(0);
    let mut colluding = one;
    for _ in 0..AUDITORS {
        colluding = colluding.saturating_mul(params.collusion_ppm.into()).div_ceil(one);
    }
    let honest = one.saturating_sub(colluding);
    let conviction = product(product(rate_ppm.into(), params.detection_ppm.into()), honest);
    u32::try_from(conviction).unwrap_or(PPM)
}

/// Least `b` with `q (R + b) >= (1 + margin) g`, micro-tokens; none when no bond is enough or one leaves its range.
// spec: chain#invariant-conviction
#[must_use]
pub fn sampled_bond(params: &AuditParams, conviction_ppm: u32, reward: u128, saved: u128) -> Option<u128> {
    if saved == 0 {
        return Some(0);
    }
    let stakes = saved.checked_mul(u128::from(BPS).checked_add(params.margin_bps.into())?)?.checked_mul(PPM.into())?;
    let divisor = u128::from(BPS).checked_mul(conviction_ppm.into())?;
    if divisor == 0 {
        return None;
    }
    Some(stakes.div_ceil(divisor).saturating_sub(reward))
}

/// `maj(alpha, n)`: probability that most of `jurors` err, parts in 10^12, rounded up; none beyond five jurors.
// spec: chain#invariant-false-conviction
#[must_use]
pub fn majority_error(error_ppm: u32, jurors: u32) -> Option<u128> {
    let one = u128::from(PPM);
    let (error, right) = (u128::from(error_ppm), one.checked_sub(error_ppm.into())?);
    let mut sum = 0u128;
    for wrong in jurors.checked_div(2)?.checked_add(1)?..=jurors {
        let ways = combinations(jurors, wrong)?;
        let chance = error.checked_pow(wrong)?.checked_mul(right.checked_pow(jurors.checked_sub(wrong)?)?)?;
        sum = sum.checked_add(ways.checked_mul(chance)?)?;
    }
    let scaled = sum.checked_mul(one)?.checked_mul(one);
    match scaled {
        Some(scaled) => Some(scaled.div_ceil(one.checked_pow(jurors)?)),
        // Five jurors: the sum is in parts of 10^30, of which 10^18 are dropped.
        None => Some(sum.div_ceil(one.checked_pow(jurors.checked_sub(2)?)?)),
    }
}

fn combinations(of: u32, chosen: u32) -> Option<u128> {
    let mut ways = 1u128;
    for step in 0..chosen {
        ways = ways.checked_mul(of.checked_sub(step)?.into())?.checked_div(step.checked_add(1)?.into())?;
    }
    Some(ways)
}

/// Where a slashed amount goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// To the side that was right.
    pub winner: u128,
    /// To each juror that was right.
    pub juror: u128,
    /// Destroyed.
    pub burned: u128,
}

/// Splits `amount` between the side that was right, `jurors` of them, and the fire, which also takes what rounding leaves.
// spec: chain#slash-shares
#[must_use]
pub fn split(params: &SlashParams, amount: u128, jurors: usize) -> Option<Split> {
    let winner = share(amount, params.winner_bps)?;
    let jurors = u128::try_from(jurors).ok()?;
    let juror = share(amount, params.jury_bps)?.checked_div(jurors).unwrap_or(0);
    let burned = amount.checked_sub(winner)?.checked_sub(juror.checked_mul(jurors)?)?;
    Some(Split { winner, juror, burned })
}

/// Blocks for which a result of `trust_bps` can be challenged, of `challenge` for software evidence (6 000 bps).
// spec: chain#challenge-window
#[must_use]
pub fn challenge_blocks(challenge: u64, trust_bps: u32) -> u64 {
    let missing = u64::from(BPS.saturating_sub(trust_bps));
    challenge.saturating_mul(missing).div_ceil(4_000).clamp(1, challenge.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::params::Params;
    use proptest::prelude::*;

    #[test]
    fn the_bond_column_of_the_design_is_reproduced() {
        // R = 1, g = 0.6, d = 0.99, r = 0.1, a = 1, margin 0: p = 1 % needs 66 R, 5 % 12.5 R, 10 % 5.7 R.
        let params = AuditParams { collusion_ppm: 100_000, margin_bps: 0, ..Params::development().audit };
        for (rate, least, most) in
            [(10_000, 66_000_000, 67_000_000), (50_000, 12_400_000, 12_600_000), (100_000, 5_700_000, 5_800_000)]
        {
            let bond = sampled_bond(&params, conviction_ppm(&params, rate), 1_000_000, 600_000).unwrap();
            assert!((least..most).contains(&bond), "{rate} ppm: {bond}");
        }
    }

    #[test]
    fn conviction_follows_its_factors_and_none_is_no_bond() {
        let params = Params::development().audit;
        assert_eq!(spot_rate_ppm(&params, 0), 250_000);
        assert_eq!(spot_rate_ppm(&params, 10_000), 1_000_000);
        assert_eq!(conviction_ppm(&params, 250_000), 198_000);
        assert_eq!(conviction_ppm(&params, 1_000_000), 792_000);
        assert_eq!(sampled_bond(&params, 198_000, 0, 6_000), Some(36_364));
        assert_eq!(sampled_bond(&params, 0, 0, 1), None);
        assert_eq!(sampled_bond(&params, 0, 0, 0), Some(0));
    }

    #[test]
    fn a_majority_errs_as_rarely_as_published() {
        // alpha = 1 %: 3 alpha^2 - 2 alpha^3 = 2.98e-4; with p = 5 % that is 1.5e-7 a job.
        assert_eq!(majority_error(10_000, 3), Some(298_000_000));
        assert_eq!(majority_error(10_000, 5), Some(9_850_600));
        assert_eq!(majority_error(500_000, 3), Some(500_000_000_000));
        assert_eq!(majority_error(1_000_000, 3), Some(1_000_000_000_000));
    }

    #[test]
    fn better_evidence_waits_less() {
        assert_eq!([0, 6_000, 8_000, 9_999, 10_000].map(|trust| challenge_blocks(8, trust)), [8, 8, 4, 1, 1]);
    }

    proptest! {
        #[test]
        fn a_split_loses_nothing(amount in 0u128..1 << 100, jurors in 0usize..6) {
            let split = split(&Params::development().slash, amount, jurors).unwrap();
            prop_assert_eq!(split.winner + split.juror * jurors as u128 + split.burned, amount);
            prop_assert!(split.burned >= amount * 4 / 10);
        }

        #[test]
        fn cheating_loses_with_the_bond_and_can_pay_without(
            rate in 2_500u32..=10_000, price in 0u128..20_000, units in 1u128..1 << 40,
        ) {
            // Per job: a cheat keeps R and saves g unless convicted, and then loses R and b; in parts of a million.
            let params = Params::development().audit;
            let q = u128::from(conviction_ppm(&params, rate * 100));
            let (reward, saved) = (price * units * 8 / 10, 6_000 * units);
            let bond = sampled_bond(&params, u32::try_from(q).unwrap(), reward, saved).unwrap();
            let gains = |bond: u128| saved * 1_000_000 > q * (reward + bond);
            prop_assert!(!gains(bond));
            prop_assert_eq!(gains(0), q * reward < saved * 1_000_000);
        }

        #[test]
        fn the_bond_is_the_least_that_satisfies_the_inequality(
            rate in 1u32..=1_000_000, reward in 0u128..1 << 60, saved in 1u128..1 << 60,
        ) {
            let params = Params::development().audit;
            let q = u128::from(conviction_ppm(&params, rate));
            if q > 0 {
                let bond = sampled_bond(&params, u32::try_from(q).unwrap(), reward, saved).unwrap();
                let holds = |bond: u128| q * (reward + bond) * 10_000 >= 12_000 * saved * 1_000_000;
                prop_assert!(holds(bond));
                prop_assert!(bond == 0 || !holds(bond - 1));
            }
        }
    }
}

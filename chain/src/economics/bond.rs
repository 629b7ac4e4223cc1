//! Bonds: what a lease locks, and what a timeout takes from it.

use crate::economics::reward::{self, Multipliers, RewardFactors};
use crate::economics::{audit, emission, share};
use crate::types::job::InferenceJob;
use crate::types::params::{BondParams, Meter, Params};

/// Bond of a lease settled by proof, micro-tokens.
///
/// A proof that verifies leaves nothing to cheat with, so I1 asks for no bond; this one only prices taking a job and not
/// doing it, and grows with what the job is worth.
// spec: chain#lease-bond
#[must_use]
pub fn proof_lease_bond(params: &BondParams, escrow: u128) -> Option<u128> {
    Some(share(escrow, params.lease_escrow_bps)?.max(params.lease_min))
}

/// Part of a lease's bond that a timeout burns, micro-tokens.
// spec: chain#lease-timeout
#[must_use]
pub fn timeout_slash(params: &BondParams, bond: u128) -> Option<u128> {
    share(bond, params.timeout_slash_bps)
}

/// What I1 weighs when a job is leased without a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledTerms {
    /// Probability that cheating is convicted, ppm.
    pub conviction_ppm: u32,
    /// Micro-tokens that an accepted result earns.
    pub reward: u128,
    /// Micro-tokens that not computing saves at most.
    pub saved: u128,
    /// Bond that follows, micro-tokens; none when no bond is enough.
    pub needed: Option<u128>,
}

/// What a job offers, as far as the inequalities weigh it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Units of the job.
    pub units: u64,
    /// Micro-tokens the poster pays per unit.
    pub price_per_unit: u128,
    /// Micro-tokens locked for payment.
    pub escrow: u128,
    /// Least trust, bps.
    pub trust_bps_min: u32,
    /// Least spot rate that it asks for, bps.
    pub spot_rate_bps_min: u32,
}

impl From<&InferenceJob> for Offer {
    fn from(job: &InferenceJob) -> Self {
        let InferenceJob { units, price_per_unit, escrow, policy, .. } = *job;
        let (trust_bps_min, spot_rate_bps_min) = (policy.trust_bps_min, policy.spot_rate_bps_min);
        Self { units, price_per_unit, escrow, trust_bps_min, spot_rate_bps_min }
    }
}

/// The terms of a sampled lease of `job` in `epoch`; `None` when an amount leaves its range.
#[must_use]
pub fn sampled_terms(params: &Params, epoch: u64, job: &InferenceJob) -> Option<SampledTerms> {
    offer_terms(params, epoch, &Offer::from(job))
}

/// The terms of a sampled lease of a job that offers this.
///
/// The reward at stake is what the job pays and mints at the least trust it accepts and the least multipliers: evidence,
/// tier and uptime only add to it.
// spec: chain#sampled-bond
#[must_use]
pub fn offer_terms(params: &Params, epoch: u64, offer: &Offer) -> Option<SampledTerms> {
    let base = emission::base_per_unit(&params.reward, epoch)?;
    let Offer { units, price_per_unit, escrow, trust_bps_min, spot_rate_bps_min } = *offer;
    // What tier, uptime and difficulty may add is no part of what is at stake for sure; nor are declared hours.
    let earned = match params.epoch.meter {
        Meter::Units => {
            let multipliers = Multipliers::least(params);
            RewardFactors { base_per_unit: base, units, trust_bps: trust_bps_min, multipliers }.reward()?
        }
        Meter::HardwareHours => 0,
    };
    let settled = reward::settle(&params.reward, &params.fee, units, price_per_unit, escrow, earned)?;
    let reward = settled.paid.checked_add(settled.reward)?;
    let saved = params.audit.saving_per_unit.checked_mul(units.into())?;
    let rate = audit::spot_rate_ppm(&params.audit, spot_rate_bps_min);
    let conviction_ppm = audit::conviction_ppm(&params.audit, rate);
    let needed = audit::sampled_bond(&params.audit, conviction_ppm, reward, saved);
    Some(SampledTerms { conviction_ppm, reward, saved, needed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::params::Params;

    #[test]
    fn the_bond_grows_with_the_escrow_above_its_floor() {
        let params = Params::development().bond;
        assert_eq!(proof_lease_bond(&params, 0), Some(1_000_000));
        assert_eq!(proof_lease_bond(&params, 100_000_000), Some(1_000_000));
        assert_eq!(proof_lease_bond(&params, 500_000_000), Some(5_000_000));
        assert_eq!(timeout_slash(&params, 5_000_099), Some(50_000));
    }
}

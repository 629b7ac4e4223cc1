//! The score by which an open job is kept for the workers that suit it best (REQUIREMENTS U2).
//!
//! Five figures in basis points and the published weights of `AssignmentParams`; the score is their weighted mean, rounded
//! down. Everything is read from the state, so whoever reads the chain computes the same score. Ties are broken by a
//! hash of job and worker, so that among equals each is first for its share of the jobs.

use attestation::hash::derive;

use crate::types::ids::Hash;
use crate::types::job::Placement;
use crate::types::ledger::Stake;
use crate::types::params::{AssignmentParams, BPS};
use crate::types::standing::Standing;
use crate::types::worker::WorkerRegistration;

const TIE_CONTEXT: &str = "assay 2026 assignment-tie v1";

/// The figures that are weighed, each in basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suitability {
    /// How closely the video memory fits: a machine just large enough leaves larger ones to larger jobs.
    pub hardware_bps: u32,
    /// Reliability.
    pub reliability_bps: u32,
    /// Share of the stake that is free.
    pub free_bps: u32,
    /// All in the wanted region, half where either does not say, none elsewhere.
    pub proximity_bps: u32,
    /// Tier, of the highest.
    pub tier_bps: u32,
}

impl Suitability {
    /// Of a worker for a job.
    // spec: chain#assignment-score
    #[must_use]
    pub fn of(job: &Placement, worker: &WorkerRegistration, standing: &Standing, stake: &Stake) -> Self {
        let whole = stake.amount.saturating_add(stake.bonded);
        let hardware_bps = match job.video_memory_mib_min {
            0 => BPS,
            needed => ratio_bps(needed.into(), worker.profile.video_memory_mib.into()),
        };
        let proximity_bps = match (job.region, standing.region) {
            (0, _) | (_, 0) => BPS / 2,
            (wanted, got) if wanted == got => BPS,
            _ => 0,
        };
        Self {
            hardware_bps,
            reliability_bps: standing.reliability_bps,
            free_bps: ratio_bps(stake.amount, whole),
            proximity_bps,
            tier_bps: standing.tier.bonus_bps().saturating_mul(5).min(BPS),
        }
    }

    /// The weighted mean, bps, rounded down.
    // spec: chain#assignment-score
    #[must_use]
    pub fn score(&self, params: &AssignmentParams) -> u32 {
        let Self { hardware_bps, reliability_bps, free_bps, proximity_bps, tier_bps } = *self;
        let sum = [
            (hardware_bps, params.hardware_weight),
            (reliability_bps, params.reliability_weight),
            (free_bps, params.load_weight),
            (proximity_bps, params.proximity_weight),
            (tier_bps, params.tier_weight),
        ]
        .into_iter()
        .fold(0u64, |sum, (figure, weight)| sum.saturating_add(u64::from(figure).saturating_mul(weight.into())));
        u32::try_from(sum.checked_div(params.weights()).unwrap_or(0)).unwrap_or(BPS)
    }
}

/// Place of a worker for a job: the greater goes first.
// spec: chain#assignment-score
#[must_use]
pub fn rank(score: u32, job: &Hash, worker: &Hash) -> (u32, Hash) {
    (score, derive(TIE_CONTEXT, &[job, worker]))
}

/// `part / whole`, bps, rounded down; at most one, and none of nothing.
fn ratio_bps(part: u128, whole: u128) -> u32 {
    let part = part.min(whole);
    // Amounts near the end of their range lose digits that a ratio in basis points does not show.
    let shift = whole.leading_zeros().min(16);
    let (part, whole) = if shift < 16 { (part >> 16, whole >> 16) } else { (part, whole) };
    let share = part.saturating_mul(BPS.into()).checked_div(whole).unwrap_or(0);
    u32::try_from(share).unwrap_or(BPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::params::Params;
    use proptest::prelude::*;

    const BEST: Suitability =
        Suitability { hardware_bps: BPS, reliability_bps: BPS, free_bps: BPS, proximity_bps: BPS, tier_bps: BPS };

    #[test]
    fn the_published_weights_give_pinned_scores() {
        let params = Params::development().assignment;
        assert_eq!(params.weights(), 100);
        assert_eq!(BEST.score(&params), 10_000);
        assert_eq!(Suitability { hardware_bps: 0, ..BEST }.score(&params), 7_000);
        assert_eq!(Suitability { reliability_bps: 0, ..BEST }.score(&params), 6_000);
        assert_eq!(Suitability { free_bps: 0, ..BEST }.score(&params), 8_500);
        assert_eq!(Suitability { proximity_bps: 0, ..BEST }.score(&params), 9_000);
        assert_eq!(Suitability { tier_bps: 0, ..BEST }.score(&params), 9_500);
    }

    #[test]
    fn ratios_are_exact_floors_and_end_at_one() {
        assert_eq!(ratio_bps(1, 3), 3_333);
        assert_eq!(ratio_bps(80, 40), BPS);
        assert_eq!(ratio_bps(0, 0), 0);
        assert_eq!(ratio_bps(u128::MAX / 2, u128::MAX), 4_999);
    }

    proptest! {
        #[test]
        fn no_figure_lowers_the_score(figures in prop::array::uniform5(0u32..=BPS), which in 0usize..5, more in 0u32..=BPS) {
            let params = Params::development().assignment;
            let score = |figures: [u32; 5]| {
                let [hardware_bps, reliability_bps, free_bps, proximity_bps, tier_bps] = figures;
                Suitability { hardware_bps, reliability_bps, free_bps, proximity_bps, tier_bps }.score(&params)
            };
            let mut better = figures;
            better[which] = better[which].max(more);
            prop_assert!(score(better) >= score(figures) && score(better) <= BPS);
        }
    }
}

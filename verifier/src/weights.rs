//! The weight link: the commitment of each weight column V is `sum_i r^i C_i` over the column's rows, exactly.
//!
//! V's blinding rows are zero (V is public, given the challenge and the model, so there is nothing to hide), so its
//! commitment is the combination of the key's row commitments and equality of points is the whole check. Which points of
//! the proof are V's, and which challenge is r, is read off the constraint system.
//!
//! Several columns are checked at once, combined by the powers of one more challenge, which is drawn from a copy of the
//! transcript that has taken in all of them: one sum of points takes three quarters of the time of one for each column. A
//! false column passes for at most as many of the `p` challenges as there are columns.

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::group::Group;
use halo2_proofs::plonk::ConstraintSystem;

use crate::multiexp::Bases;

/// Why the link does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// V is not the combination of the committed rows: other weights than the key's were used, or the proof is for another
    /// statement, whose challenge differs.
    #[error(
        "the weight column is not the combination of the key's rows: the proof was made with other weights, or for another statement"
    )]
    Weights,
    /// The weight column came before the challenge that combines it.
    #[error("the weight column was committed before its challenge")]
    Order,
}

/// Positions of the link in the order of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPositions {
    /// How many points precede the commitment of each V in the proof.
    pub points: Vec<usize>,
    /// How many challenges precede r.
    pub challenge: usize,
    /// Index of each V among the advice columns.
    pub columns: Vec<usize>,
}

impl LinkPositions {
    /// Finds each V (advice column) and r (challenge `challenge`) in the order in which halo2 handles them.
    #[must_use]
    pub fn find(system: &ConstraintSystem<Fr>, columns: &[usize], challenge: usize) -> Option<Self> {
        let order = |phases: &[u8], index: usize| {
            let own = *phases.get(index)?;
            let before = |(other, phase): (usize, &u8)| *phase < own || (*phase == own && other < index);
            Some((phases.iter().enumerate().filter(|entry| before(*entry)).count(), own))
        };
        let (challenge, challenge_phase) = order(&system.challenge_phase(), challenge)?;
        let phases = system.advice_column_phase();
        let points = columns.iter().map(|column| {
            let (point, phase) = order(&phases, *column)?;
            (challenge_phase < phase).then_some(point)
        });
        Some(Self { points: points.collect::<Option<_>>()?, challenge, columns: columns.to_vec() })
    }
}

/// Watches a proof go by and checks the link.
#[derive(Debug)]
pub struct WeightLink<'a> {
    positions: Option<&'a LinkPositions>,
    rows: &'a [(u64, G1Affine)],
    points_seen: usize,
    challenges_seen: usize,
    challenge: Option<Fr>,
    /// Commitments of the weight columns so far.
    columns: Vec<G1Affine>,
    links_checked: usize,
}

impl<'a> WeightLink<'a> {
    /// A link to the non-zero rows `(index, commitment)`, ascending, row `index` being row `index / columns` of weight column
    /// `index % columns`; without positions there is nothing to check.
    #[must_use]
    pub fn new(positions: Option<&'a LinkPositions>, rows: &'a [(u64, G1Affine)]) -> Self {
        Self {
            positions,
            rows,
            points_seen: 0,
            challenges_seen: 0,
            challenge: None,
            columns: Vec::new(),
            links_checked: 0,
        }
    }

    /// How many weight columns were checked: all of them, when a proof was read to its end.
    #[must_use]
    pub fn links_checked(&self) -> usize {
        self.links_checked
    }

    pub(crate) fn observe_challenge(&mut self, challenge: Fr) {
        if self.positions.is_some_and(|positions| self.challenges_seen == positions.challenge) {
            self.challenge = Some(challenge);
        }
        self.challenges_seen = self.challenges_seen.saturating_add(1);
    }

    /// Takes in the next point; with the last weight column's, checks them all. `combiner` is a challenge that depends on
    /// this point and everything before.
    pub(crate) fn observe_point(&mut self, point: &G1Affine, combiner: impl FnOnce() -> Fr) -> Result<(), LinkError> {
        let position = self.points_seen;
        self.points_seen = position.saturating_add(1);
        let Some(positions) = self.positions.filter(|positions| positions.points.contains(&position)) else {
            return Ok(());
        };
        let challenge = self.challenge.ok_or(LinkError::Order)?;
        self.columns.push(*point);
        if self.columns.len() < positions.points.len() {
            return Ok(());
        }
        if !self.holds(challenge, combiner()) {
            return Err(LinkError::Weights);
        }
        self.links_checked = self.columns.len();
        Ok(())
    }

    /// Whether `sum_w s^w (V_w - sum_e r^e C_(e, w)) = 0`.
    #[expect(clippy::arithmetic_side_effects, reason = "group and field arithmetic is total")]
    fn holds(&self, r: Fr, s: Fr) -> bool {
        let powers: Vec<Fr> =
            std::iter::successors(Some(Fr::one()), |power| Some(*power * s)).take(self.columns.len()).collect();
        let columns = u64::try_from(powers.len()).unwrap_or(u64::MAX);
        let (mut power, mut exponent) = (Fr::one(), 0u64);
        let (mut scalars, mut points) = (Vec::new(), Vec::new());
        for (index, commitment) in self.rows {
            let (row, column) = (index.checked_div(columns).unwrap_or(0), index.checked_rem(columns).unwrap_or(0));
            while exponent < row {
                power *= r;
                exponent = exponent.saturating_add(1);
            }
            let weight = usize::try_from(column).ok().and_then(|column| powers.get(column)).copied();
            scalars.push(power * weight.unwrap_or_default());
            points.push(*commitment);
        }
        for (column, power) in self.columns.iter().zip(&powers) {
            scalars.push(-*power);
            points.push(*column);
        }
        bool::from(Bases::new(&points).multiply(&scalars).is_identity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::halo2curves::bn256::G1;
    use halo2_proofs::halo2curves::group::Curve;

    /// Errors in two columns that cancel in the plain sum of the links cancel under no challenge that follows them.
    #[test]
    fn errors_of_two_columns_do_not_cancel() {
        let positions = LinkPositions { points: vec![1, 2], challenge: 0, columns: vec![3, 4] };
        let point = |multiple: u64| (G1::generator() * Fr::from(multiple)).to_affine();
        let r = Fr::from(5);
        // Rows 0 and 1 of both columns: 7 + 5 * 2 and 3 + 5 * 11.
        let rows = [(0, point(7)), (1, point(3)), (2, point(2)), (3, point(11))];
        let decide = |columns: [u64; 2], s: u64| {
            let mut link = WeightLink::new(Some(&positions), &rows);
            link.observe_challenge(r);
            link.observe_point(&point(99), || Fr::from(s)).unwrap();
            let [first, second] = columns.map(point);
            link.observe_point(&first, || Fr::from(s)).unwrap();
            link.observe_point(&second, || Fr::from(s)).map(|()| link.links_checked())
        };
        assert_eq!(decide([17, 58], 1234), Ok(2));
        assert_eq!(decide([18, 57], 1234), Err(LinkError::Weights));
        assert_eq!(decide([18, 57], 1), Ok(2), "a combiner known beforehand would let them through");
        assert_eq!(decide([58, 17], 1234), Err(LinkError::Weights));
    }
}

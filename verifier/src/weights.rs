//! The weight link: the commitment of each weight column V is `sum_i r^i C_i` over the column's rows, exactly.
//!
//! V's blinding rows are zero (V is public, given the challenge and the model, so there is nothing to hide), so its
//! commitment is the combination of the key's row commitments and equality of points is the whole check. Which points of
//! the proof are V's, and which challenge is r, is read off the constraint system.
//!
//! Several columns are checked at once, combined by the powers of one more challenge, which is drawn when everything else is
//! in the transcript. A false column passes for at most as many of the `p` challenges as there are columns.

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::group::Group;
use halo2_proofs::plonk::ConstraintSystem;

use crate::multiexp::Bases;

/// Positions of the link in the order of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPositions {
    /// How many points precede the commitment of each V in the proof.
    pub points: Vec<usize>,
    /// How many challenges precede r.
    pub challenge: usize,
    /// Index of r among the circuit's challenges.
    pub index: usize,
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
        let (place, challenge_phase) = order(&system.challenge_phase(), challenge)?;
        let phases = system.advice_column_phase();
        let points = columns.iter().map(|column| {
            let (point, phase) = order(&phases, *column)?;
            (challenge_phase < phase).then_some(point)
        });
        Some(Self {
            points: points.collect::<Option<_>>()?,
            challenge: place,
            index: challenge,
            columns: columns.to_vec(),
        })
    }
}

/// The multiples of the rows and of the columns in `sum_w s^(w + 1) (V_w - sum_e r^e C_(e, w))`, which is zero if every
/// column is linked.
///
/// `rows` are the non-zero committed rows by ascending index, row `index` being row `index / W` of weight column `index % W`,
/// for `columns` = W weight columns.
#[expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]
pub(crate) fn multiples(rows: &[(u64, G1Affine)], columns: usize, r: Fr, s: Fr) -> (Vec<Fr>, Vec<Fr>) {
    let powers: Vec<Fr> = std::iter::successors(Some(s), |power| Some(*power * s)).take(columns).collect();
    let count = u64::try_from(columns).unwrap_or(u64::MAX);
    let (mut power, mut exponent) = (Fr::one(), 0u64);
    let of_rows = rows.iter().map(|(index, _)| {
        let (row, column) = (index.checked_div(count).unwrap_or(0), index.checked_rem(count).unwrap_or(0));
        while exponent < row {
            power *= r;
            exponent = exponent.saturating_add(1);
        }
        let weight = usize::try_from(column).ok().and_then(|column| powers.get(column)).copied();
        -power * weight.unwrap_or_default()
    });
    (of_rows.collect(), powers)
}

/// Whether every column is linked.
#[must_use]
pub fn linked(rows: &[(u64, G1Affine)], columns: &[G1Affine], r: Fr, s: Fr) -> bool {
    let (mut scalars, of_columns) = multiples(rows, columns.len(), r, s);
    scalars.extend(of_columns);
    let points: Vec<G1Affine> = rows.iter().map(|(_, point)| *point).chain(columns.iter().copied()).collect();
    bool::from(Bases::new(&points).multiply(&scalars).is_identity())
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::halo2curves::bn256::G1;
    use halo2_proofs::halo2curves::group::Curve;

    /// Errors in two columns that cancel in the plain sum of the links cancel under no challenge that follows them.
    #[test]
    fn errors_of_two_columns_do_not_cancel() {
        let point = |multiple: u64| (G1::generator() * Fr::from(multiple)).to_affine();
        // Rows 0 and 1 of both columns: 7 + 5 * 2 and 3 + 5 * 11.
        let rows = [(0, point(7)), (1, point(3)), (2, point(2)), (3, point(11))];
        let decide = |columns: [u64; 2], s: u64| linked(&rows, &columns.map(point), Fr::from(5), Fr::from(s));
        assert!(decide([17, 58], 1234));
        assert!(!decide([18, 57], 1234));
        assert!(decide([18, 57], 1), "a combiner known beforehand would let them through");
        assert!(!decide([58, 17], 1234));
    }
}

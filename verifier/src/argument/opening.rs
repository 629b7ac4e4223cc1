//! The opening of all commitments at once, by Boneh, Drake, Fisch and Gabizon ("Efficient polynomial commitment schemes for
//! multiple points and polynomials", section 4).
#![expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::{BatchInvert, Field};
use halo2_proofs::plonk::{Column, ColumnType};
use halo2_proofs::poly::Rotation;

use super::messages::Messages;
use super::{KeyPoints, Term};
use crate::key::VerifyingKey;
use crate::transcript::{ProofReader, ReadError};

/// A committed polynomial and its claimed values.
pub(super) struct Opened {
    commitment: Commitment,
    /// Points and the values there.
    values: Vec<(Fr, Fr)>,
}

enum Commitment {
    /// What adds up to it, of the proof.
    Own(Vec<Term>),
    /// A point of the key, by its place.
    OfKey(usize),
}

impl Commitment {
    fn point(point: G1Affine) -> Self {
        Self::Own(vec![(Fr::ONE, point)])
    }
}

/// Polynomials that are opened at the same points, combined by the powers of a challenge.
struct Set {
    points: Vec<Fr>,
    polynomials: Vec<Opened>,
}

/// What is opened, in the order in which halo2 first asks for it.
pub(super) fn opened(key: &VerifyingKey, messages: &Messages, quotient: Fr) -> Vec<Opened> {
    let halo2 = key.halo2();
    let (system, domain) = (halo2.cs(), key.domain());
    let x = messages.x;
    let at = |rotation: i32| domain.rotated(x, rotation);
    let behind = i32::try_from(system.blinding_factors()).unwrap_or(i32::MAX);
    let [next, last] = [1, behind.saturating_neg().saturating_sub(1)].map(at);

    let advice = |column: usize| messages.advice.get(column).copied().map(Commitment::point);
    let mut opened = by_column(system.advice_queries(), &messages.advice_values, advice, at);
    opened.extend(messages.products.iter().zip(&messages.product_values).map(|(commitment, values)| {
        let passed_on = values.passed_on.map(|value| (last, value));
        let values = [(x, values.here), (next, values.next)].into_iter().chain(passed_on).collect();
        Opened { commitment: Commitment::point(*commitment), values }
    }));
    let places = key.points().places();
    let fixed = |column: usize| Some(Commitment::OfKey(places.fixed.clone().nth(column)?));
    opened.extend(by_column(system.fixed_queries(), &messages.fixed_values, fixed, at));
    opened.extend(places.positions.zip(&messages.position_values).map(|(place, value)| {
        let commitment = Commitment::OfKey(place);
        Opened { commitment, values: vec![(x, *value)] }
    }));
    let power = x.pow_vartime([domain.size]);
    let powers = std::iter::successors(Some(Fr::ONE), |own| Some(*own * power));
    let commitment = Commitment::Own(powers.zip(messages.pieces.iter().copied()).collect());
    opened.push(Opened { commitment, values: vec![(x, quotient)] });
    let commitment = Commitment::point(messages.masking);
    opened.push(Opened { commitment, values: vec![(x, messages.masking_value)] });
    opened
}

/// Queries of columns, one entry for each column, in the order of their first.
fn by_column<T: ColumnType>(
    queries: &[(Column<T>, Rotation)],
    values: &[Fr],
    commitment: impl Fn(usize) -> Option<Commitment>,
    at: impl Fn(i32) -> Fr,
) -> Vec<Opened> {
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    let mut opened: Vec<Opened> = Vec::new();
    let mut points: Vec<(i32, Fr)> = Vec::new();
    for ((column, rotation), value) in queries.iter().zip(values) {
        let point = match points.iter().find(|(own, _)| *own == rotation.0) {
            Some((_, point)) => *point,
            None => {
                let point = at(rotation.0);
                points.push((rotation.0, point));
                point
            }
        };
        let place = *places.entry(column.index()).or_insert(opened.len());
        if let Some(own) = opened.get_mut(place) {
            own.values.push((point, *value));
        } else if let Some(commitment) = commitment(column.index()) {
            opened.push(Opened { commitment, values: vec![(point, *value)] });
        }
    }
    opened
}

/// What is paired with `[1]_2`.
pub(super) struct Right {
    pub(super) own: Vec<Term>,
    /// Multiples of the key's points, by place.
    pub(super) of_key: Vec<Fr>,
}

/// Reads the opening: the point to pair with `[tau]_2`, and what to pair with `[1]_2`. `None` if a challenge meets a point,
/// which has a chance of one in the field's order.
// spec: verifier#opening
pub(super) fn read(
    key: &VerifyingKey,
    opened: Vec<Opened>,
    reader: &mut ProofReader<'_>,
) -> Result<Option<(G1Affine, Right)>, ReadError> {
    let sets = sets(opened);
    let (y, v) = (reader.squeeze(), reader.squeeze());
    let first = reader.read_point()?;
    let u = reader.squeeze();
    let second = reader.read_point()?;
    Ok(combine(key.points(), &sets, [y, v, u], first, second).map(|right| (second, right)))
}

fn sets(opened: Vec<Opened>) -> Vec<Set> {
    let mut sets: Vec<Set> = Vec::new();
    for polynomial in opened {
        let same = |set: &&mut Set| {
            set.points.len() == polynomial.values.len()
                && polynomial.values.iter().all(|(point, _)| set.points.contains(point))
        };
        match sets.iter_mut().find(same) {
            Some(set) => set.polynomials.push(polynomial),
            None => {
                let points = polynomial.values.iter().map(|(point, _)| *point).collect();
                sets.push(Set { points, polynomials: vec![polynomial] });
            }
        }
    }
    sets
}

/// `sum_i v^i z_i (sum_j y^j C_ij - r_i(u) [1]) - z_0 W + u W'`, where `z_i` vanishes at u's distance from the points that
/// set i lacks, over the same of the first set, and `r_i` has the claimed values.
fn combine(points: &KeyPoints, sets: &[Set], [y, v, u]: [Fr; 3], first: G1Affine, second: G1Affine) -> Option<Right> {
    let mut all: Vec<Fr> = sets.iter().flat_map(|set| set.points.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    let missing = |set: &Set| {
        let points = all.iter().filter(|point| !set.points.contains(point));
        points.fold(Fr::ONE, |product, point| product * (u - point))
    };
    let scale = Option::<Fr>::from(sets.first().map(missing)?.invert())?;
    let mut right = Right { own: Vec::new(), of_key: vec![Fr::ZERO; points.all().len()] };
    let mut values = Fr::ZERO;
    let mut power = scale;
    for set in sets {
        let weight = power * missing(set);
        let mut own = weight;
        let mut sums = vec![Fr::ZERO; set.points.len()];
        for polynomial in &set.polynomials {
            match &polynomial.commitment {
                Commitment::Own(terms) => {
                    right.own.extend(terms.iter().map(|(multiple, point)| (own * multiple, *point)))
                }
                Commitment::OfKey(place) => *right.of_key.get_mut(*place)? += own,
            }
            for (sum, point) in sums.iter_mut().zip(&set.points) {
                let (_, value) = polynomial.values.iter().find(|(other, _)| other == point)?;
                *sum += own * value;
            }
            own *= y;
        }
        values += interpolated(&set.points, &sums, u)?;
        power *= v;
    }
    let vanishing = sets.first()?.points.iter().fold(Fr::ONE, |product, point| product * (u - point));
    right.own.extend([(-vanishing, first), (u, second)]);
    *right.of_key.get_mut(points.places().generator)? -= values;
    Some(right)
}

/// Value at u of the polynomial of least degree with these values (Lagrange); `None` if a point repeats.
fn interpolated(points: &[Fr], values: &[Fr], u: Fr) -> Option<Fr> {
    let others = |place: usize| points.iter().enumerate().filter(move |(other, _)| *other != place);
    let mut denominators: Vec<Fr> = points
        .iter()
        .enumerate()
        .map(|(place, point)| others(place).fold(Fr::ONE, |product, (_, other)| product * (*point - other)))
        .collect();
    if denominators.iter().any(|denominator| bool::from(denominator.is_zero())) {
        return None;
    }
    denominators.iter_mut().batch_invert();
    let terms = denominators.iter().zip(values).enumerate().map(|(place, (denominator, value))| {
        others(place).fold(*denominator * value, |product, (_, other)| product * (u - other))
    });
    Some(terms.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_interpolated() {
        // 3 x^2 + 5 x + 7
        let value = |x: u64| Fr::from(3 * x * x + 5 * x + 7);
        let points = [2, 9, 31].map(Fr::from);
        let values = [2, 9, 31].map(value);
        assert_eq!(interpolated(&points, &values, Fr::from(100)), Some(value(100)));
        assert_eq!(interpolated(&points[..1], &values[..1], Fr::from(100)), Some(value(2)));
        assert_eq!(interpolated(&[points[0], points[0]], &values[..2], Fr::from(100)), None);
    }
}

//! All openings at once (Boneh, Drake, Fisch and Gabizon 2020, section 4): how often each point is in the sum that is paired
//! with the generator.

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::Field as _;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine as _;
use halo2_proofs::plonk::{Column, ColumnType};
use halo2_proofs::poly::Rotation;
use verifier::key::VerifyingKey;

use crate::argument::Domain;
use crate::field::{Field, Value, WORD};
use crate::layout::Layout;

/// A committed polynomial and its claimed values.
struct Opened {
    /// Multiples of points, by their places, that add up to the commitment.
    terms: Vec<(Value, usize)>,
    /// Rotations, and offsets of the values there or the values.
    values: Vec<(i32, Value)>,
}

/// Polynomials that are opened at the same points.
struct Set {
    rotations: Vec<i32>,
    polynomials: Vec<Opened>,
}

/// The points that a sum has: the proof's, then those of the key.
pub(crate) struct Points {
    /// How many the proof has.
    own: usize,
    /// The key's, without those that are the identity.
    pub(crate) of_key: Vec<G1Affine>,
    fixed: Vec<Option<usize>>,
    positions: Vec<Option<usize>>,
    generator: usize,
}

impl Points {
    pub(crate) fn new(key: &VerifyingKey, layout: &Layout) -> Self {
        let own = layout.opening[1] + 1;
        let mut of_key = Vec::new();
        let mut add = |point: &G1Affine| {
            let present = !bool::from(point.is_identity());
            present.then(|| {
                of_key.push(*point);
                own + of_key.len() - 1
            })
        };
        let fixed = key.halo2().fixed_commitments().iter().map(&mut add).collect();
        let positions = key.halo2().permutation().commitments().iter().map(&mut add).collect();
        let generator = own + of_key.len();
        of_key.push(G1Affine::generator());
        Self { own, of_key, fixed, positions, generator }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.own + self.of_key.len()
    }
}

/// Challenges of the opening, and where polynomials are opened.
pub(crate) struct At<'a> {
    pub(crate) x: Value,
    /// `x^n`
    pub(crate) step: Value,
    pub(crate) y: Value,
    pub(crate) v: Value,
    pub(crate) u: Value,
    pub(crate) domain: &'a Domain,
}

impl At<'_> {
    fn distance(&self, field: &mut Field, rotation: i32) -> Value {
        let power = field.constant(self.domain.row(rotation));
        let point = field.product(self.x, power);
        let distance = field.difference(self.u, point);
        field.keep(distance)
    }
}

/// What is opened where, and what has to be inverted for it.
pub(crate) struct Opening {
    sets: Vec<Set>,
    rotations: Vec<i32>,
    /// `u` less the points that the first set lacks, multiplied; nothing if it lacks none.
    pub(crate) scale: Option<Value>,
}

impl Opening {
    /// `quotient` is the value of the quotient, which the calldata does not have.
    pub(crate) fn new(
        field: &mut Field,
        key: &VerifyingKey,
        layout: &Layout,
        points: &Points,
        at: &At<'_>,
        quotient: Value,
    ) -> Self {
        let system = key.halo2().cs();
        let one = field.one();
        let last = i32::try_from(system.blinding_factors()).unwrap_or(i32::MAX).saturating_add(1).saturating_neg();
        let mut opened = Vec::new();
        by_column(field, &mut opened, system.advice_queries(), layout.advice_values, &|column| {
            layout.advice.get(column).copied()
        });
        for (place, product) in layout.products.clone().zip(&layout.product_values) {
            let values = [(0, product.here), (1, product.next)].into_iter();
            let values = values.chain(product.passed_on.map(|value| (last, value)));
            let values = values.map(|(rotation, offset)| (rotation, field.calldata(offset))).collect();
            opened.push(Opened { terms: vec![(one, place)], values });
        }
        by_column(field, &mut opened, system.fixed_queries(), layout.fixed_values, &|column| {
            points.fixed.get(column).copied().flatten()
        });
        for (index, place) in points.positions.iter().enumerate() {
            let value = field.calldata(layout.position_values + index * WORD);
            opened.push(Opened { terms: place.iter().map(|place| (one, *place)).collect(), values: vec![(0, value)] });
        }
        let mut power = one;
        let mut terms = Vec::new();
        for piece in layout.pieces.clone() {
            terms.push((power, piece));
            let next = field.product(power, at.step);
            power = field.keep(next);
        }
        opened.push(Opened { terms, values: vec![(0, quotient)] });
        let masking = field.calldata(layout.masking_value);
        opened.push(Opened { terms: vec![(one, layout.masking)], values: vec![(0, masking)] });

        let sets = sets(opened);
        let mut rotations: Vec<i32> = sets.iter().flat_map(|set| set.rotations.iter().copied()).collect();
        rotations.sort_unstable();
        rotations.dedup();
        let mut opening = Self { sets, rotations, scale: None };
        if let Some(first) = opening.sets.first()
            && first.rotations.len() < opening.rotations.len()
        {
            let scale = opening.lacked(field, at, &first.rotations);
            opening.scale = Some(field.keep(scale));
        }
        opening
    }

    /// `u` less every point that a set of points lacks, multiplied.
    fn lacked(&self, field: &mut Field, at: &At<'_>, own: &[i32]) -> Value {
        let others = self.rotations.iter().filter(|rotation| !own.contains(rotation));
        let distances: Vec<Value> = others.map(|rotation| at.distance(field, *rotation)).collect();
        field.product_of(distances)
    }

    /// The multiple of each point. `scale` and `x_inverse` are the inverses of the opening's scale and of `x`.
    pub(crate) fn multiples(
        &self,
        field: &mut Field,
        layout: &Layout,
        points: &Points,
        at: &At<'_>,
        scale: Option<Value>,
        x_inverse: Value,
    ) -> Vec<Value> {
        let zero = field.constant(Fr::ZERO);
        let mut multiples = vec![zero; points.count()];
        let mut add = |field: &mut Field, place: usize, value: Value| {
            if let Some(own) = multiples.get_mut(place) {
                *own = field.sum(*own, value);
            }
        };
        let mut constant = zero;
        let mut weight = scale.unwrap_or_else(|| field.one());
        for set in &self.sets {
            let lacked = self.lacked(field, at, &set.rotations);
            let mut own = field.product(weight, lacked);
            own = field.keep(own);
            let mut sums = vec![zero; set.rotations.len()];
            for polynomial in &set.polynomials {
                for (multiple, place) in &polynomial.terms {
                    let multiple = field.product(own, *multiple);
                    add(field, *place, multiple);
                }
                for (sum, rotation) in sums.iter_mut().zip(&set.rotations) {
                    for (_, value) in polynomial.values.iter().filter(|(other, _)| other == rotation) {
                        let value = field.product(own, *value);
                        *sum = field.sum(*sum, value);
                    }
                }
                let next = field.product(own, at.y);
                own = field.keep(next);
            }
            let interpolated = interpolated(field, at, x_inverse, &set.rotations, &sums);
            let sum = field.sum(constant, interpolated);
            constant = field.keep(sum);
            let next = field.product(weight, at.v);
            weight = field.keep(next);
        }
        let first = self.sets.first().map(|set| set.rotations.as_slice()).unwrap_or_default();
        let distances: Vec<Value> = first.iter().map(|rotation| at.distance(field, *rotation)).collect();
        let vanishing = field.product_of(distances);
        let [minus_vanishing, minus_constant] = [vanishing, constant].map(|value| field.negated(value));
        let [quotient, remainder] = layout.opening;
        add(field, quotient, minus_vanishing);
        add(field, remainder, at.u);
        add(field, points.generator, minus_constant);
        multiples
    }
}

/// Value at u of the polynomial of least degree through these sums (Lagrange).
fn interpolated(field: &mut Field, at: &At<'_>, x_inverse: Value, rotations: &[i32], sums: &[Value]) -> Value {
    let zero = field.constant(Fr::ZERO);
    let mut total = zero;
    for (own, sum) in rotations.iter().zip(sums) {
        let others: Vec<i32> = rotations.iter().copied().filter(|other| other != own).collect();
        let mut factors = vec![*sum];
        // Differences of powers of the root do not depend on the proof, and none of them is zero.
        let apart = |other: &i32| at.domain.row(*own) - at.domain.row(*other);
        let below = others.iter().map(apart).product::<Fr>();
        factors.push(field.constant(Option::<Fr>::from(below.invert()).unwrap_or(Fr::ZERO)));
        for other in &others {
            factors.push(at.distance(field, *other));
            factors.push(x_inverse);
        }
        let term = field.product_of(factors);
        total = field.sum(total, term);
    }
    total
}

/// One entry for each column, in the order of its first query.
fn by_column<T: ColumnType>(
    field: &mut Field,
    opened: &mut Vec<Opened>,
    queries: &[(Column<T>, Rotation)],
    first: usize,
    place: &dyn Fn(usize) -> Option<usize>,
) {
    let start = opened.len();
    let mut columns: Vec<usize> = Vec::new();
    for (query, (column, rotation)) in queries.iter().enumerate() {
        let value = (rotation.0, field.calldata(first + query * WORD));
        match columns.iter().position(|own| *own == column.index()) {
            Some(known) => opened[start + known].values.push(value),
            None => {
                columns.push(column.index());
                let one = field.one();
                let terms = place(column.index()).map(|place| (one, place)).into_iter().collect();
                opened.push(Opened { terms, values: vec![value] });
            }
        }
    }
}

/// What is opened at the same points, in the order of the first of each.
fn sets(opened: Vec<Opened>) -> Vec<Set> {
    let mut sets: Vec<Set> = Vec::new();
    for polynomial in opened {
        let rotations: Vec<i32> = polynomial.values.iter().map(|(rotation, _)| *rotation).collect();
        let same = |set: &&mut Set| {
            set.rotations.len() == rotations.len() && rotations.iter().all(|own| set.rotations.contains(own))
        };
        match sets.iter_mut().find(same) {
            Some(set) => set.polynomials.push(polynomial),
            None => sets.push(Set { rotations, polynomials: vec![polynomial] }),
        }
    }
    sets
}

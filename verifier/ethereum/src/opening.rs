//! All openings at once (Boneh, Drake, Fisch and Gabizon 2020, section 4): how often each point is in the sum that is paired
//! with the generator.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::Field as _;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine as _;
use halo2_proofs::plonk::{Column, ColumnType};
use halo2_proofs::poly::Rotation;
use verifier::key::VerifyingKey;

use crate::argument::Domain;
use crate::assembler::Op;
use crate::field::{Field, ORDER, Value, WORD};
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

/// The points that a sum has: the proof's, then those of the key, each kind in the order in which it is opened.
pub(crate) struct Points {
    /// How many the proof has.
    own: usize,
    /// The key's; a column of zeros is the identity, which the sum passes over.
    pub(crate) of_key: Vec<G1Affine>,
    /// Place of each fixed column that is opened.
    fixed: BTreeMap<usize, usize>,
    /// Place of the first copied column's positions.
    positions: usize,
    generator: usize,
}

impl Points {
    pub(crate) fn new(key: &VerifyingKey, layout: &Layout) -> Self {
        let (system, commitments) = (key.halo2().cs(), key.halo2().fixed_commitments());
        let own = layout.opening[1] + 1;
        let (mut of_key, mut fixed) = (Vec::new(), BTreeMap::new());
        for (column, _) in system.fixed_queries() {
            if let (Entry::Vacant(place), Some(point)) = (fixed.entry(column.index()), commitments.get(column.index()))
            {
                place.insert(own + of_key.len());
                of_key.push(*point);
            }
        }
        let positions = own + of_key.len();
        of_key.extend(key.halo2().permutation().commitments());
        let generator = own + of_key.len();
        of_key.push(G1Affine::generator());
        Self { own, of_key, fixed, positions, generator }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.own + self.of_key.len()
    }

    /// How many of them are no identity.
    pub(crate) fn present(&self) -> usize {
        self.own + self.of_key.iter().filter(|point| !bool::from(point.is_identity())).count()
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
            points.fixed.get(&column).copied()
        });
        for index in 0..system.permutation().get_columns().len() {
            let value = field.calldata(layout.position_values + index * WORD);
            opened.push(Opened { terms: vec![(one, points.positions + index)], values: vec![(0, value)] });
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

    /// Writes the multiple of each point; the answer has those that are put off, by place. `scale` and `x_inverse` are the inverses
    /// of the opening's scale and of `x`.
    pub(crate) fn multiples(
        &self,
        field: &mut Field,
        layout: &Layout,
        points: &Points,
        at: &At<'_>,
        [scale, x_inverse]: [Value; 2],
        mut written: Written<'_>,
    ) -> BTreeMap<usize, Value> {
        let zero = field.constant(Fr::ZERO);
        let mut constant = zero;
        let mut weight = scale;
        for set in &self.sets {
            let lacked = self.lacked(field, at, &set.rotations);
            let own = field.product(weight, lacked);
            let mut own = field.keep(own);
            let mut sums = vec![zero; set.rotations.len()];
            let mut rest = set.polynomials.as_slice();
            while let Some((polynomial, behind)) = rest.split_first() {
                let run = written.run_of(field, rest);
                if run >= RUN_MIN
                    && let ([sum], Some(first)) = (sums.as_mut_slice(), polynomial.single(field))
                {
                    [own, *sum] = written.run(field, own, *sum, at.y, first, run);
                    rest = rest.get(run..).unwrap_or_default();
                    continue;
                }
                for (multiple, place) in &polynomial.terms {
                    let multiple = field.product(own, *multiple);
                    written.put(field, *place, multiple);
                }
                for (sum, rotation) in sums.iter_mut().zip(&set.rotations) {
                    for (_, value) in polynomial.values.iter().filter(|(other, _)| other == rotation) {
                        let value = field.product(own, *value);
                        *sum = field.sum(*sum, value);
                    }
                    *sum = field.keep_in_parts(*sum);
                }
                let next = field.product(own, at.y);
                own = field.keep(next);
                rest = behind;
                field.may_end();
            }
            let interpolated = interpolated(field, at, x_inverse, &set.rotations, &sums);
            let sum = field.sum(constant, interpolated);
            constant = field.keep(sum);
            let next = field.product(weight, at.v);
            weight = field.keep(next);
            field.may_end();
        }
        let first = self.sets.first().map(|set| set.rotations.as_slice()).unwrap_or_default();
        let distances: Vec<Value> = first.iter().map(|rotation| at.distance(field, *rotation)).collect();
        let vanishing = field.product_of(distances);
        let [minus_vanishing, minus_constant] = [vanishing, constant].map(|value| field.negated(value));
        let [quotient, remainder] = layout.opening;
        written.put(field, quotient, minus_vanishing);
        written.put(field, remainder, at.u);
        written.put(field, points.generator, minus_constant);
        written.put_off
    }
}

/// Polynomials that a loop is worth while for.
const RUN_MIN: usize = 4;

impl Opened {
    /// The place of its point and the offset of its value, if it has one of each.
    fn single(&self, field: &Field) -> Option<(usize, usize)> {
        match (self.terms.as_slice(), self.values.as_slice()) {
            ([(multiple, place)], [(_, value)]) if field.is_one(*multiple) => Some((*place, field.offset(*value)?)),
            _ => None,
        }
    }
}

/// Where multiples are written, and those that are put off.
pub(crate) struct Written<'a> {
    scalars: usize,
    later: &'a [usize],
    put_off: BTreeMap<usize, Value>,
}

impl<'a> Written<'a> {
    /// To the words from `scalars` on, except those of the places `later`.
    pub(crate) fn new(scalars: usize, later: &'a [usize]) -> Self {
        Self { scalars, later, put_off: BTreeMap::new() }
    }

    /// How many polynomials from the first on have one point and one value each, one after the other, and are not put off.
    fn run_of(&self, field: &Field, polynomials: &[Opened]) -> usize {
        let mut expected = None;
        let singles = polynomials.iter().map_while(|polynomial| polynomial.single(field));
        let follow = singles.take_while(|(place, offset)| {
            let follows = expected.is_none_or(|expected| expected == (*place, *offset));
            expected = Some((place + 1, offset + WORD));
            follows && !self.later.contains(place)
        });
        follow.count()
    }

    fn put(&mut self, field: &mut Field, place: usize, multiple: Value) {
        if self.later.contains(&place) {
            self.put_off.insert(place, multiple);
        } else {
            field.keep_at(multiple, self.scalars + place * WORD);
        }
    }

    /// The same for `count` polynomials whose points and values follow each other, in a loop. The answer is the next multiple,
    /// and the sum of the values' multiples.
    fn run(
        &self,
        field: &mut Field,
        own: Value,
        sum: Value,
        y: Value,
        (place, offset): (usize, usize),
        count: usize,
    ) -> [Value; 2] {
        let addresses = [(); 2].map(|()| field.slot());
        field.push(sum);
        field.code.name("sum");
        field.push(own);
        field.code.name("own").number(self.scalars + place * WORD).name("to").number(offset).name("at");
        let again = field.code.label();
        let code = &mut field.code;
        code.target(again).get("own").get("to").op(Op::Mstore);
        code.get(ORDER).get("sum").get(ORDER).get("own").get("at").op(Op::Calldataload);
        code.ops(&[Op::Mulmod, Op::Addmod]).set("sum");
        code.get(ORDER).get("own");
        field.push(y);
        let code = &mut field.code;
        code.op(Op::Mulmod).set("own");
        code.get("to").number(WORD).op(Op::Add).set("to");
        code.get("at").number(WORD).op(Op::Add).set("at");
        code.number(offset + count * WORD).get("at").op(Op::Lt).jump_if(again).drop(2);
        for address in addresses {
            code.number(address).op(Op::Mstore);
        }
        addresses.map(|address| field.memory(address))
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

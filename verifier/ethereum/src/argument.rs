//! The value that the quotient must have at x for every constraint to hold.

use std::cell::{Cell, RefCell};

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{Field as _, PrimeField as _};
use halo2_proofs::plonk::Any;
use verifier::key::VerifyingKey;

use crate::GenerateError;
use crate::field::{Field, Value, WORD};
use crate::layout::{COLUMNS_EACH, Challenge, Layout, query};

/// The powers of a root of unity that a circuit's rows are.
pub(crate) struct Domain {
    pub(crate) k: u32,
    pub(crate) root: Fr,
}

impl Domain {
    pub(crate) fn new(k: u32) -> Self {
        Self { k, root: (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square()) }
    }

    /// The power of a row, counted from the first, backwards if negative.
    pub(crate) fn row(&self, row: i32) -> Fr {
        let size = 1u64.checked_shl(self.k).unwrap_or(0);
        let steps = u64::from(row.unsigned_abs());
        self.root.pow_vartime([if row < 0 { size.saturating_sub(steps) } else { steps }])
    }

    /// One over the number of rows.
    fn size_inverse(&self) -> Fr {
        (0..self.k).fold(Fr::ONE, |product, _| product * Fr::TWO_INV)
    }
}

/// What is known before anything is inverted.
pub(crate) struct Point {
    pub(crate) x: Value,
    /// `x^n`
    pub(crate) step: Value,
    /// `x^n - 1`
    pub(crate) vanishing: Value,
    /// `x` less the powers of the first row, the last usable row, and the rows behind it.
    pub(crate) distances: Vec<Value>,
    rows: Vec<Fr>,
    /// Numerator and denominator of the instance's value, but for a factor.
    pub(crate) instance: [Value; 2],
}

impl Point {
    pub(crate) fn new(field: &mut Field, domain: &Domain, blinded: i32, x: Value, instance: [Value; 2]) -> Self {
        let step = (0..domain.k).fold(x, |power, _| field.product(power, power));
        let step = field.keep(step);
        let one = field.one();
        let vanishing = field.difference(step, one);
        let vanishing = field.keep(vanishing);
        let behind = (1..=blinded + 1).rev().map(|row| domain.row(-row));
        let rows: Vec<Fr> = std::iter::once(Fr::ONE).chain(behind).collect();
        let distances = rows.iter().map(|row| {
            let row = field.constant(*row);
            let distance = field.difference(x, row);
            field.keep(distance)
        });
        let distances = distances.collect();
        Self { x, step, vanishing, distances, rows, instance }
    }
}

/// Inverses of the same.
pub(crate) struct Inverses {
    pub(crate) vanishing: Value,
    pub(crate) distances: Vec<Value>,
    /// Of the instance's denominator.
    pub(crate) instance: Value,
}

/// Everything that constraints read.
struct Read<'a> {
    key: &'a VerifyingKey,
    layout: &'a Layout,
    challenges: &'a dyn Fn(Challenge) -> Option<usize>,
}

impl Read<'_> {
    fn advice(&self, field: &mut Field, column: usize, rotation: i32) -> Option<Value> {
        let place = query(self.key.halo2().cs().advice_queries(), column, rotation)?;
        Some(field.calldata(self.layout.advice_values + place * WORD))
    }

    fn fixed(&self, field: &mut Field, column: usize, rotation: i32) -> Option<Value> {
        let place = query(self.key.halo2().cs().fixed_queries(), column, rotation)?;
        Some(field.calldata(self.layout.fixed_values + place * WORD))
    }

    fn challenge(&self, field: &mut Field, challenge: Challenge) -> Option<Value> {
        Some(field.memory((self.challenges)(challenge)?))
    }
}

/// `(sum_i y^i constraint_i(x)) / (x^n - 1)`
pub(crate) fn quotient(
    field: &mut Field,
    key: &VerifyingKey,
    layout: &Layout,
    domain: &Domain,
    challenges: &dyn Fn(Challenge) -> Option<usize>,
    point: &Point,
    inverses: &Inverses,
) -> Result<Value, GenerateError> {
    let read = Read { key, layout, challenges };
    let unsupported = || GenerateError::Unsupported { what: "a constraint that reads what is in no proof" };
    let mut constraints = gates(field, &read).ok_or_else(unsupported)?;
    let scale = field.constant(domain.size_inverse());
    let scale = field.product(scale, point.vanishing);
    let scale = field.keep(scale);
    constraints.extend(copies(field, &read, point, inverses, scale).ok_or_else(unsupported)?);
    let y = read.challenge(field, Challenge::Y).ok_or_else(unsupported)?;
    let zero = field.constant(Fr::ZERO);
    let mut sum = zero;
    let sums = constraints.into_iter().map(|constraint| {
        let shifted = field.product(sum, y);
        sum = field.sum(shifted, constraint);
        sum
    });
    let sums: Vec<Value> = sums.collect();
    let quotient = field.product(sum, inverses.vanishing);
    Ok(field.keep_by(quotient, &sums))
}

fn gates(field: &mut Field, read: &Read<'_>) -> Option<Vec<Value>> {
    let missing = Cell::new(false);
    let shared = RefCell::new(field);
    let found = |value: &dyn Fn(&mut Field) -> Option<Value>| {
        let field = &mut shared.borrow_mut();
        value(field).unwrap_or_else(|| {
            missing.set(true);
            field.one()
        })
    };
    let gates = read.key.halo2().cs().gates().iter().flat_map(|gate| gate.polynomials());
    let values = gates.map(|polynomial| {
        polynomial.evaluate(
            &|element| shared.borrow_mut().constant(element),
            &|_| found(&|_| None),
            &|query| found(&|field| read.fixed(field, query.column_index(), query.rotation().0)),
            &|query| found(&|field| read.advice(field, query.column_index(), query.rotation().0)),
            &|_| found(&|_| None),
            &|challenge| found(&|field| read.challenge(field, Challenge::Circuit(challenge.index()))),
            &|value| shared.borrow_mut().negated(value),
            &|left, right| shared.borrow_mut().sum(left, right),
            &|left, right| shared.borrow_mut().product(left, right),
            &|value, element| {
                let field = &mut shared.borrow_mut();
                let element = field.constant(element);
                field.product(value, element)
            },
        )
    });
    let values = values.collect();
    (!missing.get()).then_some(values)
}

/// The constraints of the permutation argument.
fn copies(field: &mut Field, read: &Read<'_>, point: &Point, inverses: &Inverses, scale: Value) -> Option<Vec<Value>> {
    let system = read.key.halo2().cs();
    let indicators = point.rows.iter().zip(&inverses.distances).map(|(row, inverse)| {
        let row = field.constant(*row);
        let indicator = field.product_of([scale, *inverse, row]);
        field.keep(indicator)
    });
    let indicators: Vec<Value> = indicators.collect();
    let (first, behind) = indicators.split_first()?;
    let (last, hiding) = behind.split_first()?;
    // Everything but the last usable row and those behind it.
    let one = field.one();
    let inside = hiding.iter().chain([last]).fold(one, |sum, indicator| field.difference(sum, *indicator));
    let inside = field.keep(inside);
    let [numerator, _] = point.instance;
    let instance = field.product_of([numerator, inverses.instance, scale]);
    let instance = field.keep(instance);
    let products = read.layout.product_values.iter().map(|product| {
        let passed_on = product.passed_on.map(|offset| field.calldata(offset));
        (field.calldata(product.here), field.calldata(product.next), passed_on)
    });
    let products: Vec<(Value, Value, Option<Value>)> = products.collect();
    let mut constraints = Vec::new();
    let (Some((start, ..)), Some((end, ..))) = (products.first(), products.last()) else { return Some(constraints) };
    let from_one = field.difference(one, *start);
    constraints.push(field.product(*first, from_one));
    let square = field.product(*end, *end);
    let bit = field.difference(square, *end);
    constraints.push(field.product(*last, bit));
    for ((_, _, passed_on), (here, ..)) in products.iter().zip(products.iter().skip(1)) {
        let step = field.difference(*here, (*passed_on)?);
        constraints.push(field.product(*first, step));
    }
    let [beta, gamma] = [Challenge::Beta, Challenge::Gamma].map(|challenge| read.challenge(field, challenge));
    let (beta, gamma) = (beta?, gamma?);
    let name = field.product(beta, point.x);
    let mut name = field.keep(name);
    let delta = field.held(Fr::DELTA);
    let columns: Vec<_> = system.permutation().get_columns().into_iter().enumerate().collect();
    for (own, (here, next, _)) in columns.chunks(COLUMNS_EACH).zip(&products) {
        let (mut left, mut right) = (*next, *here);
        for (place, column) in own {
            let cell = match column.column_type() {
                Any::Advice(_) => read.advice(field, column.index(), 0)?,
                Any::Fixed => read.fixed(field, column.index(), 0)?,
                Any::Instance => instance,
            };
            let cell = field.sum(cell, gamma);
            let position = field.calldata(read.layout.position_values + place * WORD);
            let position = field.product(beta, position);
            let [from, to] = [position, name].map(|name| field.sum(cell, name));
            left = field.product(left, from);
            right = field.product(right, to);
            let next_name = field.product(name, delta);
            name = field.keep(next_name);
            field.may_end();
        }
        let difference = field.difference(left, right);
        constraints.push(field.product(inside, difference));
    }
    Some(constraints)
}

//! The value that the quotient must have for every constraint to hold.
#![expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]

use std::cell::Cell;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2_proofs::plonk::{Any, Column, ColumnType, Expression};
use halo2_proofs::poly::Rotation;

use super::messages::{COLUMNS_EACH, Messages, ProductValues};
use crate::key::VerifyingKey;

/// Values of one kind of column by column and rotation.
struct Values(Vec<Vec<(i32, Fr)>>);

impl Values {
    fn new<T: ColumnType>(columns: usize, queries: &[(Column<T>, Rotation)], values: &[Fr]) -> Self {
        let mut by_column = vec![Vec::new(); columns];
        for ((column, rotation), value) in queries.iter().zip(values) {
            if let Some(own) = by_column.get_mut(column.index()) {
                own.push((rotation.0, *value));
            }
        }
        Self(by_column)
    }

    fn get(&self, column: usize, rotation: i32) -> Option<Fr> {
        self.0.get(column)?.iter().find(|(own, _)| *own == rotation).map(|(_, value)| *value)
    }
}

/// Every polynomial of the circuit at x, and the indicators of its special rows.
struct Evaluated {
    advice: Values,
    fixed: Values,
    instance: Values,
    indicators: Indicators,
}

/// Lagrange polynomials at x.
struct Indicators {
    first: Fr,
    /// The last usable row.
    last: Fr,
    /// Rows behind it.
    blinded: Fr,
}

/// `(sum_i y^i constraint_i(x)) / (x^n - 1)`; `None` if x is in the domain, or a query has no value.
pub(super) fn quotient(key: &VerifyingKey, messages: &Messages, instance: &[Fr]) -> Option<Fr> {
    let halo2 = key.halo2();
    let system = halo2.cs();
    let vanishing = messages.x.pow_vartime([key.domain().size]) - Fr::ONE;
    let (instance_values, indicators) = lagrange(key, messages.x, vanishing, instance)?;
    let values = Evaluated {
        advice: Values::new(system.num_advice_columns(), system.advice_queries(), &messages.advice_values),
        fixed: Values::new(system.num_fixed_columns(), system.fixed_queries(), &messages.fixed_values),
        instance: Values::new(system.num_instance_columns(), system.instance_queries(), &instance_values),
        indicators,
    };
    let missing = Cell::new(false);
    let found = |value: Option<Fr>| {
        value.unwrap_or_else(|| {
            missing.set(true);
            Fr::ZERO
        })
    };
    let mut sum = Fr::ZERO;
    let mut take = |constraint: Fr| sum = sum * messages.y + constraint;
    for polynomial in system.gates().iter().flat_map(|gate| gate.polynomials()) {
        take(evaluate(polynomial, messages, &values, &found));
    }
    copies(key, messages, &values, &found, &mut take)?;
    if missing.get() {
        return None;
    }
    Some(sum * Option::<Fr>::from(vanishing.invert())?)
}

/// A value of a part of a constraint.
#[derive(Clone, Copy)]
enum Part {
    Value(Fr),
    /// A challenge, by its index, to a power. Constraints have products of thousands of times one challenge.
    Power(usize, u64),
}

fn evaluate(
    polynomial: &Expression<Fr>,
    messages: &Messages,
    values: &Evaluated,
    found: &dyn Fn(Option<Fr>) -> Fr,
) -> Fr {
    let value = |part: Part| match part {
        Part::Value(value) => value,
        Part::Power(challenge, exponent) => found(messages.challenges.get(challenge).copied()).pow_vartime([exponent]),
    };
    let query = |value: Option<Fr>| Part::Value(found(value));
    let product = |left: Part, right: Part| match (left, right) {
        (Part::Power(challenge, left), Part::Power(other, right)) if challenge == other => {
            Part::Power(challenge, left.saturating_add(right))
        }
        (left, right) => Part::Value(value(left) * value(right)),
    };
    value(polynomial.evaluate(
        &Part::Value,
        &|_| query(None),
        &|cell| query(values.fixed.get(cell.column_index(), cell.rotation().0)),
        &|cell| query(values.advice.get(cell.column_index(), cell.rotation().0)),
        &|cell| query(values.instance.get(cell.column_index(), cell.rotation().0)),
        &|challenge| Part::Power(challenge.index(), 1),
        &|part| Part::Value(-value(part)),
        &|left, right| Part::Value(value(left) + value(right)),
        &product,
        &|part, scalar| Part::Value(value(part) * scalar),
    ))
}

/// The constraints of the permutation argument: products begin and end at one, each begins where the one before ends, and
/// each step multiplies by the cells' names and divides by the names of what they are copied from.
fn copies(
    key: &VerifyingKey,
    messages: &Messages,
    values: &Evaluated,
    found: &dyn Fn(Option<Fr>) -> Fr,
    take: &mut dyn FnMut(Fr),
) -> Option<()> {
    let system = key.halo2().cs();
    let Indicators { first, last, blinded } = values.indicators;
    let products = &messages.product_values;
    let (Some(start), Some(end)) = (products.first(), products.last()) else { return Some(()) };
    take((Fr::ONE - start.here) * first);
    take((end.here.square() - end.here) * last);
    for (before, product) in products.iter().zip(products.iter().skip(1)) {
        take((product.here - before.passed_on?) * first);
    }
    let cell = |column: &Column<Any>| match column.column_type() {
        Any::Advice(_) => values.advice.get(column.index(), 0),
        Any::Fixed => values.fixed.get(column.index(), 0),
        Any::Instance => values.instance.get(column.index(), 0),
    };
    let Messages { beta, gamma, x, .. } = messages;
    let columns = system.permutation().get_columns();
    let columns: Vec<(&Column<Any>, &Fr)> = columns.iter().zip(&messages.position_values).collect();
    let mut name = *beta * x;
    for (own, ProductValues { here, next, .. }) in columns.chunks(COLUMNS_EACH).zip(products) {
        let (mut left, mut right) = (*next, *here);
        for (column, position) in own {
            let cell = found(cell(column)) + gamma;
            left *= *beta * *position + cell;
            right *= name + cell;
            name *= Fr::DELTA;
        }
        take((left - right) * (Fr::ONE - last - blinded));
    }
    Some(())
}

/// Values of the instance's queries, and the indicators: sums of `L_i(X) = w^i (X^n - 1) / (n (X - w^i))`.
fn lagrange(key: &VerifyingKey, x: Fr, vanishing: Fr, instance: &[Fr]) -> Option<(Vec<Fr>, Indicators)> {
    let (system, domain) = (key.halo2().cs(), key.domain());
    let blinded = system.blinding_factors();
    let (root, inverse) = (domain.root, domain.root_inverse);
    let queries = system.instance_queries().iter();
    let queries: Vec<Fr> = queries.map(|(_, rotation)| domain.rotated(x, rotation.0)).collect();
    let roots: Vec<Fr> =
        std::iter::successors(Some(Fr::ONE), |power| Some(*power * root)).take(instance.len()).collect();
    // Rows from the last usable one to the first, around the end.
    let ends: Vec<Fr> =
        std::iter::successors(Some(Fr::ONE), |power| Some(*power * inverse)).take(blinded.checked_add(2)?).collect();
    let mut quotients: Vec<Fr> = queries.iter().flat_map(|at| roots.iter().map(move |power| *at - power)).collect();
    quotients.extend(ends.iter().map(|power| x - power));
    if quotients.iter().any(|difference| bool::from(difference.is_zero())) {
        return None;
    }
    quotients.iter_mut().batch_invert();
    let scale = vanishing * domain.size_inverse;
    let mut quotients = quotients.into_iter();
    let mut values = Vec::with_capacity(queries.len());
    for _ in &queries {
        let own = quotients.by_ref().take(instance.len());
        let sum = own
            .zip(&roots)
            .zip(instance)
            .fold(Fr::ZERO, |sum, ((quotient, power), value)| sum + quotient * power * value);
        values.push(sum * scale);
    }
    let ends: Vec<Fr> = quotients.zip(&ends).map(|(quotient, power)| quotient * power * scale).collect();
    let (first, behind) = ends.split_first()?;
    let (last, behind) = behind.split_last()?;
    Some((values, Indicators { first: *first, last: *last, blinded: behind.iter().sum() }))
}

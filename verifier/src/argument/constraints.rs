//! The value that the quotient must have for every constraint to hold.
#![expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};

use super::messages::{COLUMNS_EACH, Messages, ProductValues};
use super::program::{Inputs, Results};
use crate::key::VerifyingKey;

/// Lagrange polynomials at x.
struct Indicators {
    first: Fr,
    /// The last usable row.
    last: Fr,
    /// Rows behind it.
    blinded: Fr,
}

/// `(sum_i y^i constraint_i(x)) / (x^n - 1)`; `None` if x is in the domain, or a gate reads what is no message.
pub(super) fn quotient(key: &VerifyingKey, messages: &Messages, instance: &[Fr]) -> Option<Fr> {
    let vanishing = messages.x.pow_vartime([key.domain().size]) - Fr::ONE;
    let (instance_values, indicators) = lagrange(key, messages.x, vanishing, instance)?;
    let inputs = Inputs {
        challenges: &messages.challenges,
        fixed: &messages.fixed_values,
        advice: &messages.advice_values,
        instance: &instance_values,
    };
    let Results { constraints, copied } = key.program()?.run(&inputs)?;
    let mut sum = constraints.into_iter().fold(Fr::ZERO, |sum, constraint| sum * messages.y + constraint);
    let take = |constraint: Fr| sum = sum * messages.y + constraint;
    copies(messages, &copied, &indicators, take)?;
    Some(sum * Option::<Fr>::from(vanishing.invert())?)
}

/// The constraints of the permutation argument: products begin and end at one, each begins where the one before ends, and
/// each step multiplies by the cells' names and divides by the names of what they are copied from.
fn copies(messages: &Messages, copied: &[Fr], indicators: &Indicators, mut take: impl FnMut(Fr)) -> Option<()> {
    let Indicators { first, last, blinded } = indicators;
    let products = &messages.product_values;
    let (Some(start), Some(end)) = (products.first(), products.last()) else { return Some(()) };
    take((Fr::ONE - start.here) * first);
    take((end.here.square() - end.here) * last);
    for (before, product) in products.iter().zip(products.iter().skip(1)) {
        take((product.here - before.passed_on?) * first);
    }
    let Messages { beta, gamma, x, .. } = messages;
    let columns: Vec<(&Fr, &Fr)> = copied.iter().zip(&messages.position_values).collect();
    let mut name = *beta * x;
    for (own, ProductValues { here, next, .. }) in columns.chunks(COLUMNS_EACH).zip(products) {
        let (mut left, mut right) = (*next, *here);
        for (cell, position) in own {
            let cell = *gamma + *cell;
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

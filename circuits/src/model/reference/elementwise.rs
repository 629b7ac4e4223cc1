//! Nodes that compute each element from the elements at its place, and sums along the last dimension.
//!
//! Errors are the element whose sum or product leaves 64 bits.

use crate::model::graph::{Activation, quotient};
use crate::model::range::Range;

/// `q = floor((x + 2^(shift-1)) / 2^shift)`, `y = activation(clamp(q))`, for every element.
///
/// Where a formula would be evaluated more often than it has arguments, its table is made first.
#[must_use]
pub fn requantise(source: &[i64], shift: u8, clamp: Range, activation: &Activation) -> Vec<i64> {
    let clamped = source.iter().map(|value| quotient(*value, shift).clamp(clamp.min, clamp.max));
    if let Activation::Formula(_) = activation
        && clamp.count() < source.len() as u64
    {
        let table: Vec<i64> = (clamp.min..=clamp.max).map(|q| activation.apply(q)).collect();
        return clamped.map(|q| table.get(q.abs_diff(clamp.min) as usize).copied().unwrap_or_default()).collect();
    }
    clamped.map(|q| activation.apply(q)).collect()
}

/// `constant + sum_i multipliers[i] x_i`
pub(super) fn combine(sources: &[&[i64]], multipliers: &[i64], constant: i64) -> Result<Vec<i64>, usize> {
    let sum = |element: usize| {
        sources.iter().zip(multipliers).try_fold(constant, |sum, (source, multiplier)| {
            sum.checked_add(multiplier.checked_mul(*source.get(element)?)?)
        })
    };
    let width = sources.first().map_or(0, |source| source.len());
    (0..width).map(|element| sum(element).ok_or(element)).collect()
}

/// `function(a, b)`
pub(super) fn pairwise(a: &[i64], b: &[i64], function: fn(i64, i64) -> Option<i64>) -> Result<Vec<i64>, usize> {
    a.iter().zip(b).enumerate().map(|(element, (a, b))| function(*a, *b).ok_or(element)).collect()
}

/// Sums of `length` neighbours.
pub(super) fn sum(source: &[i64], length: usize) -> Result<Vec<i64>, usize> {
    let sum = |row: &[i64]| row.iter().try_fold(0i64, |sum, value| sum.checked_add(*value));
    source.chunks_exact(length.max(1)).enumerate().map(|(element, row)| sum(row).ok_or(element)).collect()
}

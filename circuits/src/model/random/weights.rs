//! Random weights that keep to a bound.

use super::Source;
use crate::model::range::Range;
use crate::model::weights::{LinearWeights, WeightsError};

/// Weights whose accumulators stay within `budget` in magnitude, in any order of summation, for operands in `operands`.
pub(super) fn linear(
    source: &mut Source,
    [outputs, inputs]: [u32; 2],
    operands: Range,
    budget: i64,
) -> Result<LinearWeights, WeightsError> {
    let magnitude = magnitude(operands).max(1);
    let weight_max = (budget / (magnitude * i64::from(inputs))).clamp(1, source.choose([3, 127, 2047, 65535]));
    let (mut matrix, mut bias) = (vec![], vec![]);
    for _ in 0..outputs {
        let row_bias = source.symmetric(budget.min(weight_max * magnitude));
        let mut left = budget - row_bias.abs();
        for _ in 0..inputs {
            let drawn = source.symmetric(weight_max);
            let weight = if drawn.abs() * magnitude <= left { drawn } else { 0 };
            left -= weight.abs() * magnitude;
            matrix.push(i32::try_from(weight).unwrap_or(0));
        }
        bias.push(row_bias);
    }
    LinearWeights::new(outputs, inputs, matrix, bias)
}

/// Largest magnitude of an interval.
pub(super) fn magnitude(range: Range) -> i64 {
    range.min.abs().max(range.max.abs())
}

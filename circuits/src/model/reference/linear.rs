//! Dense nodes, embeddings, convolutions and matrix products.

use super::ExecutionError;
use crate::model::graph::Geometry;
use crate::model::range::Range;
use crate::model::weights::LinearWeights;

fn declared(node: usize, channel: usize, value: Option<i64>, range: Range) -> Result<i64, ExecutionError> {
    let value = value.ok_or(ExecutionError::Overflow { node, channel })?;
    if range.contains(value) { Ok(value) } else { Err(ExecutionError::Accumulator { node, channel, value, range }) }
}

/// `W x + b` for every row `x`.
pub(super) fn dense(
    node: usize,
    weights: &LinearWeights,
    source: &[i64],
    range: Range,
) -> Result<Vec<i64>, ExecutionError> {
    let mut results = Vec::new();
    for item in source.chunks_exact((weights.inputs() as usize).max(1)) {
        for (channel, (row, bias)) in weights.rows().enumerate() {
            let mut terms = row.iter().zip(item).map(|(weight, value)| i64::from(*weight).checked_mul(*value));
            let sum = terms.try_fold(bias, |sum, term| sum.checked_add(term?));
            results.push(declared(node, channel, sum, range)?);
        }
    }
    Ok(results)
}

/// The column of `W` for every index.
///
/// Errors are a weight outside its interval, and an index that is no column.
pub(super) fn embedding(
    node: usize,
    weights: &LinearWeights,
    source: &[i64],
    range: Range,
) -> Result<Vec<i64>, ExecutionError> {
    let mut results = Vec::new();
    for index in source {
        let column = usize::try_from(*index).unwrap_or(usize::MAX);
        for (channel, (row, _)) in weights.rows().enumerate() {
            // The graph holds indices below the vocabulary, so this is an index of a graph that nobody checked.
            let weight = row.get(column).copied().ok_or(ExecutionError::Weights { node })?;
            results.push(declared(node, channel, Some(i64::from(weight)), range)?);
        }
    }
    Ok(results)
}

/// Cross-correlation, as [`Geometry`] writes it down; `input` and `output` are the shapes.
pub(super) fn convolution(
    node: usize,
    weights: &LinearWeights,
    geometry: &Geometry,
    [input, output]: [&[u32]; 2],
    source: &[i64],
    range: Range,
) -> Result<Vec<i64>, ExecutionError> {
    let (&[channels, height, width], &[outputs, rows, columns]) = (input, output) else { return Ok(Vec::new()) };
    let [kernel_rows, kernel_columns] = geometry.kernel;
    let channels_of_group = channels / geometry.groups;
    let outputs_of_group = outputs / geometry.groups;
    let mut results = Vec::new();
    for (output, (row, bias)) in (0..outputs).zip(weights.rows()) {
        let first_channel = output / outputs_of_group * channels_of_group;
        for y in 0..rows {
            for x in 0..columns {
                let mut sum = Some(bias);
                for (number, weights) in row.chunks_exact((kernel_columns as usize).max(1)).enumerate() {
                    let (channel, k) = (number / kernel_rows as usize, number % kernel_rows as usize);
                    let Some(i) = inside(y, k, geometry, 0, height) else { continue };
                    let line = ((first_channel as usize + channel) * height as usize + i) * width as usize;
                    for (l, weight) in weights.iter().enumerate() {
                        let Some(j) = inside(x, l, geometry, 1, width) else { continue };
                        let value = source.get(line + j).copied().unwrap_or_default();
                        sum = sum.and_then(|sum: i64| sum.checked_add(i64::from(*weight).checked_mul(value)?));
                    }
                }
                results.push(declared(node, output as usize, sum, range)?);
            }
        }
    }
    Ok(results)
}

/// Input row or column that kernel element `k` meets at output position `y`; `None` in the padding.
fn inside(y: u32, k: usize, geometry: &Geometry, axis: usize, length: u32) -> Option<usize> {
    let stride = geometry.stride.get(axis).copied()?;
    let dilation = geometry.dilation.get(axis).copied()?;
    let padded = u64::from(y) * u64::from(stride) + k as u64 * u64::from(dilation);
    let position = padded.checked_sub(u64::from(geometry.before.get(axis).copied()?))?;
    usize::try_from(position).ok().filter(|_| position < u64::from(length))
}

/// `[batch, m, k]` times `[batch, k, n]`, or the element whose sum leaves 64 bits.
pub(super) fn matrix_multiply(a: &[i64], b: &[i64], shapes: &[&[u32]]) -> Result<Vec<i64>, usize> {
    let (Some(&[_, m, k]), Some(&[_, _, n])) = (
        shapes.first().and_then(|shape| shape.first_chunk::<3>()),
        shapes.get(1).and_then(|shape| shape.first_chunk::<3>()),
    ) else {
        return Ok(Vec::new());
    };
    let (m, k, n) = (m as usize, k as usize, n as usize);
    let mut results = Vec::new();
    for (a, b) in a.chunks_exact((m * k).max(1)).zip(b.chunks_exact((k * n).max(1))) {
        for row in a.chunks_exact(k.max(1)) {
            for column in 0..n {
                let mut terms = row.iter().zip(b.iter().skip(column).step_by(n.max(1)));
                let sum = terms.try_fold(0i64, |sum, (x, y)| sum.checked_add(x.checked_mul(*y)?));
                results.push(sum.ok_or(results.len())?);
            }
        }
    }
    Ok(results)
}

//! The reference executor: plain checked `i64` loops that define what a model means.
//!
//! Every other executor (candle, the circuit's witness, a spot checker) is tested for bit-equality with this one. It
//! assumes nothing that the types do not carry: with weights that were never analysed it returns an error instead of a
//! wrong number.

use super::graph::{Activation, Geometry, Graph, Input, Operator, quotient};
use super::range::Range;
use super::structure::{Origin, origins};
use super::tensor::Tensor;
use super::weights::{LinearWeights, Weights};

/// Why a model could not run on an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// The input has another shape than the graph's.
    #[error("input shape: expected {expected:?}, got {got:?}")]
    InputShape {
        /// Shape of the graph's input.
        expected: Vec<u32>,
        /// Shape that came.
        got: Vec<u32>,
    },
    /// An input element lies outside the declared interval.
    #[error("input element {index}: expected {} to {}, got {value}", range.min, range.max)]
    InputRange {
        /// Position in row-major order.
        index: usize,
        /// Value that came.
        value: i64,
        /// Interval of the graph's input.
        range: Range,
    },
    /// A linear node of the graph has no weights of its shape: the weights belong to another graph.
    #[error("node {node}: the weights do not belong to this graph")]
    Weights {
        /// Node index.
        node: usize,
    },
    /// A sum left 64 bits.
    #[error("node {node} channel {channel}: a sum overflows 64 bits")]
    Overflow {
        /// Node index.
        node: usize,
        /// Output channel.
        channel: usize,
    },
    /// An accumulator left the interval that its node declares.
    #[error("node {node} channel {channel}: accumulator {value} outside the declared [{}, {}]", range.min, range.max)]
    Accumulator {
        /// Node index.
        node: usize,
        /// Output channel.
        channel: usize,
        /// The accumulator.
        value: i64,
        /// Interval that the node declares.
        range: Range,
    },
}

/// Every value of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Value 0 is the input; value `i + 1` is the output of node `i`.
    pub values: Vec<Vec<i64>>,
}

impl Trace {
    /// The output of the last node.
    #[must_use]
    pub fn output(&self) -> &[i64] {
        self.values.last().map_or(&[], Vec::as_slice)
    }
}

/// Checks an input tensor's shape and range.
pub fn check_input(expected: &Input, input: &Tensor) -> Result<(), ExecutionError> {
    if input.shape() != expected.shape {
        return Err(ExecutionError::InputShape { expected: expected.shape.clone(), got: input.shape().to_vec() });
    }
    match input.first_outside(&expected.range) {
        Some((index, value)) => Err(ExecutionError::InputRange { index, value, range: expected.range }),
        None => Ok(()),
    }
}

/// Runs the graph and keeps every intermediate value.
pub fn run(graph: &Graph, weights: &Weights, input: &Tensor) -> Result<Trace, ExecutionError> {
    check_input(graph.input(), input)?;
    let mut values = Vec::with_capacity(graph.nodes().len() + 1);
    values.push(input.values().to_vec());
    for index in 0..graph.nodes().len() {
        let value = evaluate(graph, weights, index, &values)?;
        values.push(value);
    }
    Ok(Trace { values })
}

/// The output of node `index`, given the values computed before it.
pub fn evaluate(
    graph: &Graph,
    weights: &Weights,
    index: usize,
    values: &[Vec<i64>],
) -> Result<Vec<i64>, ExecutionError> {
    // The graph checked that node, sources and shapes exist and fit.
    let (Some(node), Some(result)) = (graph.nodes().get(index), graph.values().get(index + 1)) else {
        return Ok(Vec::new());
    };
    let sources: Vec<&[i64]> =
        node.inputs.iter().map(|value| values.get(*value as usize).map_or(&[][..], Vec::as_slice)).collect();
    let shapes: Vec<&[u32]> = graph.sources(node).map(|value| value.shape.as_slice()).collect();
    let overflow = |element| ExecutionError::Overflow { node: index, channel: element };
    let linear = || {
        let shape = linear_shape(graph, index);
        let shaped = |weights: &&LinearWeights| Some([weights.outputs(), weights.inputs()]) == shape;
        weights.get(index).filter(shaped).ok_or(ExecutionError::Weights { node: index })
    };
    if let Some(origins) = origins(&node.operator, &shapes, &result.shape) {
        return Ok(moved(&origins, &sources));
    }
    let first = sources.first().copied().unwrap_or_default();
    let second = sources.get(1).copied().unwrap_or_default();
    let pairwise = |function: fn(i64, i64) -> Option<i64>| {
        let pairs = first.iter().zip(second).enumerate();
        pairs.map(|(element, (a, b))| function(*a, *b).ok_or(overflow(element))).collect()
    };
    match &node.operator {
        Operator::Dense { accumulator, .. } => dense(index, linear()?, first, *accumulator),
        Operator::Convolution { geometry, accumulator } => {
            let shape = [shapes.first().copied().unwrap_or_default(), &result.shape];
            convolution(index, linear()?, geometry, shape, first, *accumulator)
        }
        Operator::Requantise { shift, clamp, activation } => Ok(requantise(first, *shift, *clamp, activation)),
        Operator::Combine { multipliers, constant } => (0..first.len())
            .map(|element| {
                let mut terms = sources.iter().zip(multipliers);
                let sum = terms.try_fold(*constant, |sum, (source, multiplier)| {
                    sum.checked_add(multiplier.checked_mul(*source.get(element)?)?)
                });
                sum.ok_or(overflow(element))
            })
            .collect(),
        Operator::Multiply => pairwise(i64::checked_mul),
        Operator::Maximum => pairwise(|a, b| Some(a.max(b))),
        Operator::Minimum => pairwise(|a, b| Some(a.min(b))),
        Operator::Sum => {
            let length = shapes.first().and_then(|shape| shape.last()).map_or(1, |length| *length as usize);
            let rows = first.chunks_exact(length.max(1)).enumerate();
            let sum = |row: &[i64]| row.iter().try_fold(0i64, |sum, value| sum.checked_add(*value));
            rows.map(|(element, row)| sum(row).ok_or(overflow(element))).collect()
        }
        Operator::MatrixMultiply => matrix_multiply(first, second, &shapes, overflow),
        Operator::Constant { .. }
        | Operator::Reshape { .. }
        | Operator::Strided { .. }
        | Operator::Concatenate { .. }
        | Operator::Pad { .. }
        | Operator::Select { .. } => Ok(Vec::new()),
    }
}

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

fn moved(origins: &[Origin], sources: &[&[i64]]) -> Vec<i64> {
    let element = |origin: &Origin| match *origin {
        Origin::Element { input, element } => sources.get(input).and_then(|source| source.get(element)).copied(),
        Origin::Constant(value) => Some(value),
    };
    // Every origin exists: the graph checked it.
    origins.iter().map(|origin| element(origin).unwrap_or_default()).collect()
}

fn linear_shape(graph: &Graph, index: usize) -> Option<[u32; 2]> {
    let node = graph.nodes().get(index)?;
    match &node.operator {
        Operator::Dense { inputs, outputs, .. } => Some([*outputs, *inputs]),
        Operator::Convolution { geometry, .. } => {
            let channels = graph.sources(node).next()?.shape.first().copied()?;
            Some([geometry.outputs, geometry.columns(channels)?])
        }
        _ => None,
    }
}

fn declared(node: usize, channel: usize, value: Option<i64>, range: Range) -> Result<i64, ExecutionError> {
    let value = value.ok_or(ExecutionError::Overflow { node, channel })?;
    if range.contains(value) { Ok(value) } else { Err(ExecutionError::Accumulator { node, channel, value, range }) }
}

fn dense(node: usize, weights: &LinearWeights, source: &[i64], range: Range) -> Result<Vec<i64>, ExecutionError> {
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

fn convolution(
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
                let mut kernel = row.iter();
                for channel in first_channel..first_channel + channels_of_group {
                    for k in 0..kernel_rows {
                        for l in 0..kernel_columns {
                            let weight = kernel.next().copied().unwrap_or_default();
                            let Some(i) = inside(y, k, geometry, 0, height) else { continue };
                            let Some(j) = inside(x, l, geometry, 1, width) else { continue };
                            let position = (channel as usize * height as usize + i) * width as usize + j;
                            let value = source.get(position).copied().unwrap_or_default();
                            sum = sum.and_then(|sum: i64| sum.checked_add(i64::from(weight).checked_mul(value)?));
                        }
                    }
                }
                results.push(declared(node, output as usize, sum, range)?);
            }
        }
    }
    Ok(results)
}

/// Input row or column that kernel element `k` meets at output position `y`; `None` in the padding.
fn inside(y: u32, k: u32, geometry: &Geometry, axis: usize, length: u32) -> Option<usize> {
    let stride = geometry.stride.get(axis).copied()?;
    let dilation = geometry.dilation.get(axis).copied()?;
    let padded = u64::from(y) * u64::from(stride) + u64::from(k) * u64::from(dilation);
    let position = padded.checked_sub(u64::from(geometry.before.get(axis).copied()?))?;
    usize::try_from(position).ok().filter(|_| position < u64::from(length))
}

fn matrix_multiply(
    a: &[i64],
    b: &[i64],
    shapes: &[&[u32]],
    overflow: impl Fn(usize) -> ExecutionError,
) -> Result<Vec<i64>, ExecutionError> {
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
                results.push(sum.ok_or_else(|| overflow(results.len()))?);
            }
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::super::{analysis, fixture, random};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn tensor(values: [i64; 4]) -> Tensor {
        Tensor::new(vec![2, 2], values.to_vec()).unwrap()
    }

    #[test]
    fn a_trace_by_hand() {
        let trace = run(&fixture::graph(), &fixture::weights(), &tensor([1, 0, 2, 16])).unwrap();
        // 1+6+64+1 = 72, -(1+6+64)-2 = -73, 5+10-80+3 = -62; (72+2)>>2 = 18, clamped negatives to zero by ReLU.
        assert_eq!(trace.values[1], [72, -73, -62]);
        assert_eq!(trace.values[2], [18, 0, 0]);
        assert_eq!(trace.output(), [7 * 18 + 100, -10 * 18 - 100]);
        // 16*10+1 = 161 -> 40 saturates at 20; -162 -> -40 becomes 0; 5*(16-16+16-16)+3 = 3 -> 1.
        let saturated = run(&fixture::graph(), &fixture::weights(), &tensor([16; 4])).unwrap();
        assert_eq!(saturated.values[1], [161, -162, 3]);
        assert_eq!(saturated.values[2], [20, 0, 1]);
    }

    #[test]
    fn inputs_are_checked() {
        let flat = Tensor::vector(vec![0; 4]).unwrap();
        assert_eq!(
            run(&fixture::graph(), &fixture::weights(), &flat),
            Err(ExecutionError::InputShape { expected: vec![2, 2], got: vec![4] })
        );
        let range = Range { min: 0, max: 16 };
        for (index, value) in [(2, 17), (3, -1), (0, i64::MIN)] {
            let mut values = [0; 4];
            values[index] = value;
            assert_eq!(
                run(&fixture::graph(), &fixture::weights(), &tensor(values)),
                Err(ExecutionError::InputRange { index, value, range })
            );
        }
    }

    #[test]
    fn weights_that_were_never_analysed_give_errors() {
        let graph = fixture::graph();
        let with = |node, weights: LinearWeights| {
            let mut nodes = fixture::nodes();
            nodes.insert(node, weights);
            run(&graph, &Weights::new(&graph, nodes).unwrap(), &tensor([16; 4]))
        };
        let heavy = LinearWeights::new(3, 4, vec![100; 12], vec![0; 3]).unwrap();
        assert_eq!(
            with(0, heavy),
            Err(ExecutionError::Accumulator {
                node: 0,
                channel: 0,
                value: 6400,
                range: Range { min: -2000, max: 2000 }
            })
        );
        let overflowing = LinearWeights::new(3, 4, vec![1; 12], vec![0, i64::MAX, 0]).unwrap();
        assert_eq!(with(0, overflowing), Err(ExecutionError::Overflow { node: 0, channel: 1 }));
    }

    #[test]
    fn weights_of_another_graph_are_refused() {
        let other = fixture::graph();
        let narrow = Graph::new(other.input().clone(), other.nodes()[..1].to_vec(), other.layout()).unwrap();
        let first = BTreeMap::from([(0, fixture::nodes()[&0].clone())]);
        let weights = Weights::new(&narrow, first).unwrap();
        assert_eq!(run(&other, &weights, &tensor([0; 4])), Err(ExecutionError::Weights { node: 2 }));
    }

    proptest! {
        #[test]
        fn analysed_models_run_on_every_input_and_stay_in_their_ranges(seed: u64) {
            let model = random::Model::from_seed(seed, &random::Limits::default());
            prop_assert_eq!(analysis::check(&model.graph, &model.weights), Ok(()));
            for draw in 0..4 {
                let trace = run(&model.graph, &model.weights, &model.input(draw)).unwrap();
                for (value, expected) in trace.values.iter().zip(model.graph.values()) {
                    prop_assert_eq!(value.len(), expected.width() as usize);
                    prop_assert!(value.iter().all(|element| expected.range.contains(*element)));
                }
            }
        }
    }
}

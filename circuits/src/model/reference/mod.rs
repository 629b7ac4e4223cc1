//! The reference executor: plain checked `i64` loops that define what a model means.
//!
//! Every other executor (candle, the circuit's witness, a spot checker) is tested for bit-equality with this one. It
//! assumes nothing that the types do not carry: with weights that were never analysed it returns an error instead of a
//! wrong number.

mod elementwise;
mod linear;

use super::graph::{Graph, Input, Operator};
use super::range::Range;
use super::structure::{Origin, origins};
use super::tensor::Tensor;
use super::weights::{LinearWeights, Weights, linear_shape};
use linear::{convolution, dense, embedding, matrix_multiply};

pub use elementwise::requantise;

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
    /// Value 0 is the input or, of a graph that generates, the sequence; value `i + 1` is the output of node `i`.
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
///
/// A graph that generates runs once for each element that it generates, over what is known so far and, in place of what is
/// not, the least integer of the input's interval: no output depends on that.
pub fn run(graph: &Graph, weights: &Weights, input: &Tensor) -> Result<Trace, ExecutionError> {
    check_input(graph.input(), input)?;
    let asked = input.values();
    let mut output: Vec<i64> = vec![graph.input().range.min; graph.generated() as usize];
    for place in 0..output.len().saturating_sub(1) {
        let trace = pass(graph, weights, graph.sequence(asked, &output))?;
        output[place] = trace.output().get(place).copied().unwrap_or_default();
    }
    pass(graph, weights, graph.sequence(asked, &output))
}

/// Whether `trace` is the run of the graph on `input`, found with one pass over the nodes.
pub fn is_run(graph: &Graph, weights: &Weights, input: &Tensor, trace: &Trace) -> Result<bool, ExecutionError> {
    check_input(graph.input(), input)?;
    let sequence = graph.sequence(input.values(), trace.output());
    Ok(sequence.len() == graph.values().first().map_or(0, |value| value.width() as usize)
        && pass(graph, weights, sequence)? == *trace)
}

/// One pass of the nodes over a sequence, whatever stands where a graph generates.
pub fn pass(graph: &Graph, weights: &Weights, sequence: Vec<i64>) -> Result<Trace, ExecutionError> {
    let mut values = Vec::with_capacity(graph.nodes().len() + 1);
    values.push(sequence);
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
    let checked = |results: Result<_, usize>| results.map_err(overflow);
    match &node.operator {
        Operator::Dense { accumulator, .. } => dense(index, linear()?, first, *accumulator),
        Operator::Embedding { accumulator, .. } => embedding(index, linear()?, first, *accumulator),
        Operator::Convolution { geometry, accumulator } => {
            let shape = [shapes.first().copied().unwrap_or_default(), &result.shape];
            convolution(index, linear()?, geometry, shape, first, *accumulator)
        }
        Operator::Requantise { shift, clamp, activation } => Ok(requantise(first, *shift, *clamp, activation)),
        Operator::Combine { multipliers, constant } => checked(elementwise::combine(&sources, multipliers, *constant)),
        Operator::Multiply => checked(elementwise::pairwise(first, second, i64::checked_mul)),
        Operator::Maximum => checked(elementwise::pairwise(first, second, |a, b| Some(a.max(b)))),
        Operator::Minimum => checked(elementwise::pairwise(first, second, |a, b| Some(a.min(b)))),
        Operator::Sum => {
            let length = shapes.first().and_then(|shape| shape.last()).map_or(1, |length| *length as usize);
            checked(elementwise::sum(first, length))
        }
        Operator::MatrixMultiply => checked(matrix_multiply(first, second, &shapes)),
        Operator::Constant { .. }
        | Operator::Reshape { .. }
        | Operator::Strided { .. }
        | Operator::Concatenate { .. }
        | Operator::Pad { .. }
        | Operator::Select { .. } => Ok(Vec::new()),
    }
}

fn moved(origins: &[Origin], sources: &[&[i64]]) -> Vec<i64> {
    let element = |origin: &Origin| match *origin {
        Origin::Element { input, element } => sources.get(input).and_then(|source| source.get(element)).copied(),
        Origin::Constant(value) => Some(value),
    };
    // Every origin exists: the graph checked it.
    origins.iter().map(|origin| element(origin).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests;

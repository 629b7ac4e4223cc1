//! The reference executor: plain checked `i64` loops that define what a model means.
//!
//! `acc = W x + b`, `q = floor((acc + 2^(s-1)) / 2^s)`, `y = activation(clamp(q))`. Every other executor (candle, the
//! circuit's witness, a spot checker) is tested for bit-equality with this one. It assumes nothing that the types do
//! not carry: with weights that were never analysed it returns an error instead of a wrong number.

use super::graph::{Graph, Input, Operator, quotient};
use super::range::Range;
use super::tensor::Tensor;
use super::weights::{DenseWeights, Weights};

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
    /// A dense node of the graph has no weights of its shape: the weights belong to another graph.
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
    for (index, node) in graph.nodes().iter().enumerate() {
        // The graph checked that the source exists.
        let source = node.inputs.first().and_then(|value| values.get(usize::try_from(*value).ok()?));
        let source = source.map_or(&[][..], Vec::as_slice);
        let value = match &node.operator {
            Operator::Dense { inputs, outputs, accumulator } => {
                let shaped = |dense: &&DenseWeights| dense.inputs() == *inputs && dense.outputs() == *outputs;
                let dense = weights.get(index).filter(shaped).ok_or(ExecutionError::Weights { node: index })?;
                dense_forward(index, dense, source, *accumulator)?
            }
            Operator::Requantise { shift, clamp, activation } => source
                .iter()
                .map(|value| activation.apply(quotient(*value, *shift).clamp(clamp.min, clamp.max)))
                .collect(),
        };
        values.push(value);
    }
    Ok(Trace { values })
}

fn dense_forward(
    node: usize,
    dense: &DenseWeights,
    source: &[i64],
    declared: Range,
) -> Result<Vec<i64>, ExecutionError> {
    let channel_value = |(channel, (row, bias)): (usize, (&[i32], i64))| {
        let product = |(weight, value): (&i32, &i64)| i64::from(*weight).checked_mul(*value);
        let mut terms = row.iter().zip(source).map(product);
        let value = terms
            .try_fold(bias, |sum, term| sum.checked_add(term?))
            .ok_or(ExecutionError::Overflow { node, channel })?;
        if !declared.contains(value) {
            return Err(ExecutionError::Accumulator { node, channel, value, range: declared });
        }
        Ok(value)
    };
    dense.rows().enumerate().map(channel_value).collect()
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
        let with = |node, weights: DenseWeights| {
            let mut nodes = fixture::nodes();
            nodes.insert(node, weights);
            run(&graph, &Weights::new(&graph, nodes).unwrap(), &tensor([16; 4]))
        };
        let heavy = DenseWeights::new(3, 4, vec![100; 12], vec![0; 3]).unwrap();
        assert_eq!(
            with(0, heavy),
            Err(ExecutionError::Accumulator {
                node: 0,
                channel: 0,
                value: 6400,
                range: Range { min: -2000, max: 2000 }
            })
        );
        let overflowing = DenseWeights::new(3, 4, vec![1; 12], vec![0, i64::MAX, 0]).unwrap();
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
                    prop_assert_eq!(value.len(), expected.width as usize);
                    prop_assert!(value.iter().all(|element| expected.range.contains(*element)));
                }
            }
        }
    }
}

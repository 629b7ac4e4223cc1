//! What each node does, prepared once for the device.

use candle_core::Device;
use circuits::model::graph::{Graph, Operator};
use circuits::model::reference::ExecutionError;
use circuits::model::structure::origins;
use circuits::model::weights::Weights;

use super::ExecutorError;
use super::convolution::Convolution;
use super::dense::Dense;
use super::elementwise::Elementwise;
use super::embedding::Embedding;
use super::exact::Sums;
use super::matrix::MatrixMultiply;
use super::movement::Movement;

/// One node, with its weights on the device.
pub(super) enum Step {
    Dense(Dense),
    Embedding(Embedding),
    Convolution(Convolution),
    MatrixMultiply(MatrixMultiply),
    Elementwise {
        step: Elementwise,
        /// Elements of the node's value.
        width: usize,
    },
    Movement(Movement),
}

impl Step {
    /// Prepares node `index`.
    pub(super) fn new(graph: &Graph, weights: &Weights, index: usize, device: &Device) -> Result<Self, ExecutorError> {
        // A checked graph and checked weights fit one another; were they others, this would be the error.
        let mismatch = || ExecutorError::Node(ExecutionError::Weights { node: index });
        let node = graph.nodes().get(index).ok_or_else(mismatch)?;
        let result = graph.values().get(index + 1).ok_or_else(mismatch)?;
        let sources: Vec<_> = graph.sources(node).collect();
        let shapes: Vec<&[u32]> = sources.iter().map(|value| value.shape.as_slice()).collect();
        if let Some(origins) = origins(&node.operator, &shapes, &result.shape) {
            return Ok(Self::Movement(Movement::new(&origins)));
        }
        let source = sources.first().ok_or_else(mismatch)?;
        let last = shapes.first().and_then(|shape| shape.last()).map_or(1, |last| *last as usize);
        if let Some(step) = Elementwise::new(&node.operator, source.range, last) {
            return Ok(Self::Elementwise { step, width: result.width() as usize });
        }
        let sums = Sums { node: index, width: result.width() as usize, range: result.range };
        match (&node.operator, shapes.as_slice(), result.shape.as_slice()) {
            (Operator::Dense { .. }, ..) => {
                Ok(Self::Dense(Dense::new(weights.get(index).ok_or_else(mismatch)?, sums, device)?))
            }
            (Operator::Embedding { .. }, ..) => {
                Ok(Self::Embedding(Embedding::new(weights.get(index).ok_or_else(mismatch)?, sums)))
            }
            (Operator::Convolution { geometry, .. }, [input], [_, rows, columns]) => {
                let input = <[u32; 3]>::try_from(*input).map_err(|_| mismatch())?.map(|side| side as usize);
                let output = [*rows as usize, *columns as usize];
                let linear = weights.get(index).ok_or_else(mismatch)?;
                Ok(Self::Convolution(Convolution::new(linear, *geometry, input, output, sums, device)?))
            }
            (Operator::MatrixMultiply, ..) => {
                let [batch, m, n] = <[u32; 3]>::try_from(result.shape.as_slice()).map_err(|_| mismatch())?;
                let [batch, m, n] = [batch, m, n].map(|side| side as usize);
                Ok(Self::MatrixMultiply(MatrixMultiply { batch, m, k: last, n, sums }))
            }
            _ => Err(mismatch()),
        }
    }

    /// The results of node `node` for a batch of `items`, from the values that it reads.
    pub(super) fn run(
        &self,
        node: usize,
        sources: &[&[i64]],
        items: usize,
        device: &Device,
    ) -> Result<Vec<i64>, ExecutorError> {
        let first = sources.first().copied().unwrap_or_default();
        let second = sources.get(1).copied().unwrap_or_default();
        match self {
            Self::Dense(dense) => dense.run(first, device),
            Self::Embedding(embedding) => embedding.run(first),
            Self::Convolution(convolution) => convolution.run(first, device),
            Self::MatrixMultiply(product) => product.run(first, second, items, device),
            Self::Elementwise { step, width } => step
                .run(sources)
                .map_err(|place| ExecutionError::Overflow { node, channel: place % (*width).max(1) }.into()),
            Self::Movement(movement) => Ok(movement.run(sources, items)),
        }
    }

    /// Some elements of the result of node `node`, in ascending order, which are whole rows of operators with weights. What
    /// they do not depend on need not be known in `sources`.
    pub(super) fn run_some(
        &self,
        node: usize,
        sources: &[&[i64]],
        elements: &[usize],
        device: &Device,
    ) -> Result<Vec<i64>, ExecutorError> {
        let first = sources.first().copied().unwrap_or_default();
        let second = sources.get(1).copied().unwrap_or_default();
        // Elements of an operator with weights come in rows.
        let rows = |outputs: usize| elements.iter().step_by(outputs).map(move |element| element / outputs);
        match self {
            Self::Dense(dense) => {
                let operands = gathered(first, dense.inputs(), rows(dense.outputs()));
                dense.run(&operands, device).map_err(|error| at(error, elements))
            }
            Self::Embedding(embedding) => {
                let indices = gathered(first, 1, rows(embedding.width()));
                embedding.run(&indices).map_err(|error| at(error, elements))
            }
            // A convolution's elements are computed all at once.
            Self::Convolution(convolution) => convolution.run(first, device),
            Self::MatrixMultiply(product) => {
                elements.iter().map(|element| product.one(first, second, *element)).collect()
            }
            Self::Elementwise { step, .. } => {
                let picked = sources.iter().map(|source| gathered(source, step.terms(), elements.iter().copied()));
                let picked: Vec<Vec<i64>> = picked.collect();
                let picked: Vec<&[i64]> = picked.iter().map(Vec::as_slice).collect();
                let overflow = |place: usize| ExecutionError::Overflow { node, channel: elements[place] };
                step.run(&picked).map_err(|place| overflow(place).into())
            }
            Self::Movement(movement) => Ok(movement.run_some(sources, elements)),
        }
    }
}

/// Stretches of `length` elements of a value, by their numbers.
fn gathered(source: &[i64], length: usize, stretches: impl Iterator<Item = usize>) -> Vec<i64> {
    stretches.flat_map(|stretch| &source[stretch * length..][..length]).copied().collect()
}

/// An error of one of some elements, by its number among all.
fn at(error: ExecutorError, elements: &[usize]) -> ExecutorError {
    match error {
        ExecutorError::Inexact { item: 0, node, element, got, range } => {
            let element = elements.get(element).copied().unwrap_or(element);
            ExecutorError::Inexact { item: 0, node, element, got, range }
        }
        error => error,
    }
}

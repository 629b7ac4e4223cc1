//! Exact integer inference on candle, on the CPU or a GPU.
//!
//! Matrix products run as stock `f64` matrix multiplication and are nevertheless exact, on any device and in any order
//! of summation: [`Bundle`] holds `|b| + sum_j |w_j| max|x_j| <= 2^47` for every output channel
//! ([`circuits::model::analysis`]), so every product and every partial sum of products is an integer below 2^53, which
//! `f64` represents. No rounding ever happens, with or without fused multiply-add, however the backend splits the sum.
//! That bound is also why no limbs and no chunks are needed here; `f32` or int8 tensor cores (24 and 32 bits) would need
//! them. Biases, requantisation and clamps are computed in `i64` on the host. Every accumulator that comes back is
//! checked to be an integer in its declared range, so that a device with cheaper arithmetic is an error, not a wrong
//! result.

pub mod device;

use circuits::model::bundle::Bundle;
use circuits::model::graph::{Graph, Operator};
use circuits::model::range::{MAGNITUDE_MAX, Range};
use circuits::model::reference::{self, ExecutionError, Trace};
use circuits::model::tensor::{Tensor, TensorError};
use circuits::model::weights::{LinearWeights, Weights};

pub use device::{Device, DeviceError};

/// All integers up to this magnitude are exact in `f64`.
const EXACT_MAX: i64 = 1 << 53;
const _: () = assert!(MAGNITUDE_MAX < EXACT_MAX);

/// Why an inference failed.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// The device is not usable.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An input of the batch has the wrong shape or leaves its range.
    #[error("batch item {item}: {source}")]
    Input {
        /// Position in the batch.
        item: usize,
        /// What is wrong with it.
        source: ExecutionError,
    },
    /// A node that the device does not compute failed.
    #[error(transparent)]
    Node(#[from] ExecutionError),
    /// The device returned something that exact arithmetic cannot return.
    #[error(
        "node {node} channel {channel}: the device returned {got}, expected an integer within [{}, {}]; \
         its f64 arithmetic is not exact, use another device",
        range.min,
        range.max
    )]
    Inexact {
        /// Node index.
        node: usize,
        /// Output channel.
        channel: usize,
        /// What came back, the bias not yet added.
        got: f64,
        /// Interval that the node declares, less the bias.
        range: Range,
    },
    /// The backend failed, for example for lack of memory.
    #[error("inference backend: {0}")]
    Backend(#[from] candle_core::Error),
    /// The output is no tensor.
    #[error(transparent)]
    Output(#[from] TensorError),
}

/// One node, its weights on the device.
enum Step {
    Dense {
        /// `[inputs, outputs]`, so that a batch `[items, inputs]` multiplies from the left.
        transposed: candle_core::Tensor,
        bias: Vec<i64>,
        accumulator: Range,
    },
    /// Everything else: the reference's own arithmetic.
    Reference,
}

/// A model loaded on a device.
pub struct Executor {
    graph: Graph,
    weights: Weights,
    /// Value index that each node reads, and what it does.
    steps: Vec<(usize, Step)>,
    device: candle_core::Device,
}

impl Executor {
    /// Copies the weights to the device.
    pub fn new(bundle: &Bundle, device: Device) -> Result<Self, ExecutorError> {
        let device = device.open()?;
        let graph = bundle.graph().clone();
        let mut steps = Vec::with_capacity(graph.nodes().len());
        for (index, node) in graph.nodes().iter().enumerate() {
            let source = node.inputs.first().map_or(0, |value| *value as usize);
            let step = match (&node.operator, bundle.weights().get(index)) {
                (Operator::Dense { accumulator, .. }, Some(dense)) => Step::Dense {
                    transposed: upload(dense, &device)?,
                    bias: dense.bias().to_vec(),
                    accumulator: *accumulator,
                },
                _ => Step::Reference,
            };
            steps.push((source, step));
        }
        Ok(Self { graph, weights: bundle.weights().clone(), steps, device })
    }

    /// The output for one input, shape `[width]`.
    pub fn run(&self, input: &Tensor) -> Result<Tensor, ExecutorError> {
        Ok(Tensor::vector(self.trace(input)?.output().to_vec())?)
    }

    /// The outputs for a batch of inputs, one matrix product per layer for all of them.
    pub fn run_batch(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, ExecutorError> {
        let traces = self.trace_batch(inputs)?;
        traces.iter().map(|trace| Ok(Tensor::vector(trace.output().to_vec())?)).collect()
    }

    /// Every intermediate value for one input: what a proof takes its witness from.
    pub fn trace(&self, input: &Tensor) -> Result<Trace, ExecutorError> {
        let traces = self.trace_batch(std::slice::from_ref(input))?;
        Ok(traces.into_iter().next().unwrap_or(Trace { values: Vec::new() }))
    }

    /// Every intermediate value for a batch of inputs.
    pub fn trace_batch(&self, inputs: &[Tensor]) -> Result<Vec<Trace>, ExecutorError> {
        for (item, input) in inputs.iter().enumerate() {
            reference::check_input(self.graph.input(), input)
                .map_err(|source| ExecutorError::Input { item, source })?;
        }
        let mut traces: Vec<Trace> =
            inputs.iter().map(|input| Trace { values: vec![input.values().to_vec()] }).collect();
        if traces.is_empty() {
            return Ok(traces);
        }
        for (node, (source, step)) in self.steps.iter().enumerate() {
            let sources: Vec<&[i64]> =
                traces.iter().map(|trace| trace.values.get(*source).map_or(&[][..], Vec::as_slice)).collect();
            let results = match step {
                Step::Dense { transposed, bias, accumulator } => {
                    let products = self.multiply(&sources, transposed)?;
                    let add = |row: Vec<f64>| accumulators(node, &row, bias, *accumulator);
                    products.into_iter().map(add).collect::<Result<Vec<_>, _>>()?
                }
                Step::Reference => traces
                    .iter()
                    .map(|trace| reference::evaluate(&self.graph, &self.weights, node, &trace.values))
                    .collect::<Result<Vec<_>, _>>()?,
            };
            for (trace, result) in traces.iter_mut().zip(results) {
                trace.values.push(result);
            }
        }
        Ok(traces)
    }

    /// `X W^T` for a batch `X` of `[items, inputs]`.
    fn multiply(&self, batch: &[&[i64]], transposed: &candle_core::Tensor) -> Result<Vec<Vec<f64>>, ExecutorError> {
        let inputs = batch.first().map_or(0, |source| source.len());
        // At most 2^47 in magnitude, hence exact.
        let elements: Vec<f64> = batch.iter().copied().flatten().map(|value| *value as f64).collect();
        let batch = candle_core::Tensor::from_vec(elements, (batch.len(), inputs), &self.device)?;
        Ok(batch.matmul(transposed)?.to_vec2::<f64>()?)
    }
}

fn upload(dense: &LinearWeights, device: &candle_core::Device) -> Result<candle_core::Tensor, ExecutorError> {
    let shape = (dense.outputs() as usize, dense.inputs() as usize);
    let weights: Vec<f64> = dense.weights().iter().map(|weight| f64::from(*weight)).collect();
    Ok(candle_core::Tensor::from_vec(weights, shape, device)?.t()?.contiguous()?)
}

/// Checks that the device's sums are integers in range, and adds the biases.
fn accumulators(node: usize, products: &[f64], bias: &[i64], declared: Range) -> Result<Vec<i64>, ExecutorError> {
    let add = |(channel, (got, bias)): (usize, (&f64, &i64))| {
        let range = Range { min: declared.min - bias, max: declared.max - bias };
        // The cast saturates and turns NaN into 0, so comparing back catches everything that is not an integer.
        let integer = *got as i64;
        if integer as f64 != *got || !range.contains(integer) {
            return Err(ExecutorError::Inexact { node, channel, got: *got, range });
        }
        Ok(integer + bias)
    };
    products.iter().zip(bias).enumerate().map(add).collect()
}

#[cfg(test)]
mod tests;

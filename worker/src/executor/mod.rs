//! Exact integer inference on candle, on the CPU or a GPU.
//!
//! Matrix products run as stock `f64` matrix multiplication and are nevertheless exact, on any device and in any order
//! of summation: [`Bundle`] holds `|b| + sum_j |w_j| max|x_j| <= 2^47` for every output channel
//! ([`circuits::model::analysis`]), and a graph holds the sums of its own operators within the same bound, so every
//! product and every partial sum of products is an integer below 2^53, which `f64` represents. No rounding ever happens,
//! with or without fused multiply-add, however the backend splits the sum. That bound is also why no limbs and no chunks
//! are needed here; `f32` or int8 tensor cores (24 and 32 bits) would need them. Biases and everything that reads each
//! element once are computed in `i64` on the host: a copy to the device would take longer. Every accumulator that comes
//! back is checked to be an integer in its declared range, so that a device with cheaper arithmetic is an error, not a
//! wrong result.

mod convolution;
mod dense;
pub mod device;
mod elementwise;
mod embedding;
mod exact;
mod matrix;
mod movement;
mod sequence;
mod step;
pub mod synthetic;

use circuits::model::bundle::Bundle;
use circuits::model::graph::Graph;
use circuits::model::range::Range;
use circuits::model::reference::{self, ExecutionError, Trace};
use circuits::model::tensor::{Tensor, TensorError};

pub use device::{Device, DeviceError};
use sequence::Sequence;
use step::Step;

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
        "batch item {item}, node {node} element {element}: the device returned {got}, expected an integer within \
         [{}, {}]; \
         its arithmetic is not exact, use another device",
        range.min,
        range.max
    )]
    Inexact {
        /// Position in the batch.
        item: usize,
        /// Node index.
        node: usize,
        /// Row-major position in the node's value.
        element: usize,
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

/// A model loaded on a device.
pub struct Executor {
    graph: Graph,
    steps: Vec<Step>,
    /// Values, by index, that nobody reads after each node.
    expired: Vec<Vec<usize>>,
    /// Of a graph that generates.
    sequence: Option<Sequence>,
    device: candle_core::Device,
}

impl Executor {
    /// Copies the weights to the device, evaluates formulas and finds the origins of moved elements.
    pub fn new(bundle: &Bundle, device: Device) -> Result<Self, ExecutorError> {
        let device = device.open()?;
        let graph = bundle.graph().clone();
        let steps = (0..graph.nodes().len())
            .map(|index| Step::new(&graph, bundle.weights(), index, &device))
            .collect::<Result<_, _>>()?;
        let expired = expired(&graph);
        let sequence = Sequence::new(&graph);
        Ok(Self { graph, steps, expired, sequence, device })
    }

    /// The output for one input, shape `[width]`; of a graph that generates, what it generates.
    pub fn run(&self, input: &Tensor) -> Result<Tensor, ExecutorError> {
        let output = self.values(std::slice::from_ref(input), false)?.pop().unwrap_or_default();
        Ok(Tensor::vector(output)?)
    }

    /// The outputs for a batch of inputs, one matrix product per layer for all of them.
    pub fn run_batch(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, ExecutorError> {
        let outputs = self.values(inputs, false)?.pop().unwrap_or_default();
        let outputs = outputs.chunks_exact((self.graph.output().width() as usize).max(1));
        outputs.map(|output| Ok(Tensor::vector(output.to_vec())?)).collect()
    }

    /// Every intermediate value for one input: what a proof takes its witness from.
    pub fn trace(&self, input: &Tensor) -> Result<Trace, ExecutorError> {
        Ok(Trace { values: self.values(std::slice::from_ref(input), true)? })
    }

    /// Every intermediate value for a batch of inputs.
    pub fn trace_batch(&self, inputs: &[Tensor]) -> Result<Vec<Trace>, ExecutorError> {
        let values = self.values(inputs, true)?;
        let item = |item| {
            let of_item = |value: &Vec<i64>| {
                let width = value.len() / inputs.len();
                value[item * width..][..width].to_vec()
            };
            Trace { values: values.iter().map(of_item).collect() }
        };
        Ok((0..inputs.len()).map(item).collect())
    }

    /// Every value for a batch, the items one after the other. Where they are not kept, values that no later node reads
    /// are dropped and left empty.
    fn values(&self, inputs: &[Tensor], keep: bool) -> Result<Vec<Vec<i64>>, ExecutorError> {
        for (item, input) in inputs.iter().enumerate() {
            reference::check_input(self.graph.input(), input)
                .map_err(|source| ExecutorError::Input { item, source })?;
        }
        let mut values: Vec<Vec<i64>> = vec![Vec::new(); self.steps.len() + 1];
        if inputs.is_empty() {
            return Ok(values);
        }
        if let Some(sequence) = &self.sequence {
            for input in inputs {
                let of_item = sequence.run(&self.graph, &self.steps, input.values(), &self.device)?;
                values.iter_mut().zip(of_item).for_each(|(values, of_item)| values.extend(of_item));
            }
            return Ok(values);
        }
        values[0] = inputs.iter().flat_map(Tensor::values).copied().collect();
        for (node, (step, expired)) in self.steps.iter().zip(&self.expired).enumerate() {
            let read = &self.graph.nodes()[node].inputs;
            let sources: Vec<&[i64]> = read.iter().map(|value| values[*value as usize].as_slice()).collect();
            values[node + 1] = step.run(node, &sources, inputs.len(), &self.device)?;
            if !keep {
                expired.iter().for_each(|value| values[*value] = Vec::new());
            }
        }
        Ok(values)
    }
}

/// By node: the values that it is the last to read, or that it computes and nobody reads. The output never expires.
fn expired(graph: &Graph) -> Vec<Vec<usize>> {
    let count = graph.nodes().len();
    let mut last: Vec<usize> = (0..count).map(|value| value.saturating_sub(1)).collect();
    for (index, node) in graph.nodes().iter().enumerate() {
        node.inputs.iter().for_each(|value| last[*value as usize] = index);
    }
    let mut expired = vec![Vec::new(); count];
    last.into_iter().enumerate().for_each(|(value, node)| expired[node].push(value));
    expired
}

#[cfg(test)]
mod tests;

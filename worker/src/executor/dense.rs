//! Dense nodes: one matrix product for all rows of all items.

use candle_core::{Device, Tensor};
use circuits::model::weights::LinearWeights;

use super::ExecutorError;
use super::exact::{Sums, download, upload, upload_weights};

/// A dense node whose weights are on the device.
pub(super) struct Dense {
    /// `[inputs, outputs]`, so that the rows `[rows, inputs]` of a batch multiply from the left.
    transposed: Tensor,
    bias: Vec<i64>,
    inputs: usize,
    sums: Sums,
}

impl Dense {
    pub(super) fn new(weights: &LinearWeights, sums: Sums, device: &Device) -> Result<Self, ExecutorError> {
        let inputs = weights.inputs() as usize;
        let matrix = upload_weights(weights.weights(), (weights.outputs() as usize, inputs), device)?;
        Ok(Self { transposed: matrix.t()?.contiguous()?, bias: weights.bias().to_vec(), inputs, sums })
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len().max(1)
    }

    pub(super) fn run(&self, source: &[i64], device: &Device) -> Result<Vec<i64>, ExecutorError> {
        let rows = upload(source, (source.len() / self.inputs, self.inputs), device)?;
        let products = download(&rows.matmul(&self.transposed)?)?;
        let biases = self.bias.iter().cycle();
        let sums = products.iter().zip(biases).enumerate();
        sums.map(|(position, (got, bias))| self.sums.integer(position, *got, *bias)).collect()
    }
}

//! Embeddings: columns of a table, gathered on the host because nothing is computed.

use circuits::model::reference::ExecutionError;
use circuits::model::weights::LinearWeights;

use super::ExecutorError;
use super::exact::Sums;

/// An embedding's table.
pub(super) struct Embedding {
    /// `[vocabulary, width]`: what an index chooses lies together.
    table: Vec<i32>,
    width: usize,
    sums: Sums,
}

impl Embedding {
    pub(super) fn new(weights: &LinearWeights, sums: Sums) -> Self {
        let width = weights.outputs() as usize;
        let mut table = vec![0; weights.weights().len()];
        for (channel, (row, _)) in weights.rows().enumerate() {
            for (place, weight) in table.iter_mut().skip(channel).step_by(width.max(1)).zip(row) {
                *place = *weight;
            }
        }
        Self { table, width, sums }
    }

    pub(super) fn width(&self) -> usize {
        self.width.max(1)
    }

    pub(super) fn run(&self, source: &[i64]) -> Result<Vec<i64>, ExecutorError> {
        let mut results = Vec::with_capacity(source.len() * self.width);
        for index in source {
            let start = usize::try_from(*index).ok().and_then(|index| index.checked_mul(self.width));
            let column = start.and_then(|start| self.table.get(start..)?.get(..self.width));
            // The graph holds indices below the vocabulary.
            let column = column.ok_or(ExecutionError::Weights { node: self.sums.node })?;
            for weight in column {
                results.push(self.sums.integer(results.len(), f64::from(*weight), 0)?);
            }
        }
        Ok(results)
    }
}

//! Random models for property tests (cargo feature `testing`).
//!
//! A model is a function of a seed, drawn from BLAKE3's extendable output, so that a failing test is named by one
//! number and no generator becomes a dependency. Clamps are drawn from values that the model really computes, so that
//! saturation happens on both sides instead of only being allowed.

mod chain;
mod dag;
mod encoder;
mod source;
mod weights;

use super::analysis::AnalysisError;
use super::graph::{Graph, GraphError, Input};
use super::reference::ExecutionError;
use super::tensor::Tensor;
use super::weights::{Weights, WeightsError};
use chain::Chain;
use dag::Dag;
pub use encoder::Encoder;
use source::Source;

/// Bounds within which a model is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of dense nodes.
    pub layers_max: u64,
    /// Largest width of any value.
    pub width_max: u64,
    /// Largest requantisation shift, at most 16.
    pub shift_max: u64,
    /// Largest number of integers in the static range of a requantisation's quotient.
    pub quotients_max: u64,
    /// Largest number of nodes drawn for a graph; a last one may gather what nobody reads.
    pub nodes_max: u64,
    /// Largest number of elements of all values of a graph together.
    pub elements_max: u64,
    /// Whether embeddings are drawn.
    pub embeddings: bool,
}

impl Default for Limits {
    /// Wide enough for 40-bit accumulators: for executors.
    fn default() -> Self {
        Self {
            layers_max: 4,
            width_max: 40,
            shift_max: 16,
            quotients_max: 1 << 24,
            nodes_max: 24,
            elements_max: 4000,
            embeddings: true,
        }
    }
}

impl Limits {
    /// Small enough for lookup tables of about a thousand rows: for circuits.
    #[must_use]
    pub fn circuit() -> Self {
        Self {
            layers_max: 3,
            width_max: 12,
            shift_max: 8,
            quotients_max: 600,
            nodes_max: 12,
            elements_max: 600,
            embeddings: false,
        }
    }

    /// Largest magnitude of a graph's values: the largest shift leaves few enough quotients of it.
    fn magnitude_max(&self) -> i64 {
        i64::try_from(((self.quotients_max - 2) / 2) << self.shift_max).unwrap_or(i64::MAX).min(1 << 40)
    }
}

/// Why a model could not be assembled: a mistake in this module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RandomError {
    /// The graph was refused.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The weights were refused.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The ranges were refused.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The model does not run.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
}

/// A graph and its weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The graph; its layout holds k = 10 (a chain) or 12, and as many rows as the widest output.
    pub graph: Graph,
    /// Its weights, within every declared range.
    pub weights: Weights,
    seed: u64,
}

impl Model {
    /// The chain of dense nodes and requantisations of a seed.
    ///
    /// # Panics
    /// If this module draws an invalid model.
    #[must_use]
    #[expect(clippy::panic, reason = "test support: an invalid model is a mistake in this module")]
    pub fn from_seed(seed: u64, limits: &Limits) -> Self {
        match Chain::new(seed, limits).build() {
            Ok(model) => model,
            Err(error) => panic!("random model of seed {seed}: {error}"),
        }
    }

    /// The graph of a seed: any operators, values that several nodes read, and values that none reads.
    ///
    /// # Panics
    /// If this module draws an invalid model.
    #[must_use]
    #[expect(clippy::panic, reason = "test support: an invalid model is a mistake in this module")]
    pub fn graph_from_seed(seed: u64, limits: &Limits) -> Self {
        match Dag::new(seed, limits).and_then(Dag::build) {
            Ok(model) => model,
            Err(error) => panic!("random graph of seed {seed}: {error}"),
        }
    }

    /// Input number `draw`: 0 and 1 are all-minimum and all-maximum, the others random within the declared range.
    ///
    /// # Panics
    /// Never: the graph's own shape is used.
    #[must_use]
    #[expect(clippy::expect_used, reason = "test support: shape and values agree")]
    pub fn input(&self, draw: u64) -> Tensor {
        let input = self.graph.input();
        Tensor::new(input.shape.clone(), input_values(self.seed, input, draw)).expect("the graph's own shape")
    }
}

fn input_values(seed: u64, Input { shape, range }: &Input, draw: u64) -> Vec<i64> {
    let mut source = Source::new(&[seed, draw]);
    let count: u32 = shape.iter().product();
    let element = |_| match draw {
        0 => range.min,
        1 => range.max,
        _ => source.within(*range),
    };
    (0..count).map(element).collect()
}

#[cfg(test)]
mod tests;

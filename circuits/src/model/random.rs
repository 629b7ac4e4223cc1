//! Random dense models for property tests (cargo feature `testing`).
//!
//! A model is a function of a seed, drawn from BLAKE3's extendable output, so that a failing test is named by one
//! number and no generator becomes a dependency. Clamps are drawn from values that the model really computes, so that
//! saturation happens on both sides instead of only being allowed.

use std::collections::BTreeMap;

use super::analysis;
use super::graph::{Activation, Graph, GraphError, Input, Layout, Node, Operator, Value, quotient};
use super::range::Range;
use super::reference;
use super::tensor::Tensor;
use super::weights::{LinearWeights, Weights, WeightsError};

const SEED_CONTEXT: &str = "assay 2026 random model v1";

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
}

impl Default for Limits {
    /// Wide enough for 40-bit accumulators: for executors.
    fn default() -> Self {
        Self { layers_max: 4, width_max: 40, shift_max: 16, quotients_max: 1 << 24 }
    }
}

impl Limits {
    /// Small enough for lookup tables of about a thousand rows: for circuits.
    #[must_use]
    pub fn circuit() -> Self {
        Self { layers_max: 3, width_max: 12, shift_max: 8, quotients_max: 600 }
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
    Analysis(#[from] analysis::AnalysisError),
    /// The model does not run.
    #[error(transparent)]
    Execution(#[from] reference::ExecutionError),
}

/// A graph and its weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The graph; its layout holds k = 10 and as many rows as the widest output.
    pub graph: Graph,
    /// Its weights, within every declared range.
    pub weights: Weights,
    seed: u64,
}

impl Model {
    /// The model of a seed.
    ///
    /// # Panics
    /// If this module draws an invalid model.
    #[must_use]
    #[expect(clippy::panic, reason = "test support: an invalid model is a mistake in this file")]
    pub fn from_seed(seed: u64, limits: &Limits) -> Self {
        match Builder::new(seed, limits).build() {
            Ok(model) => model,
            Err(error) => panic!("random model of seed {seed}: {error}"),
        }
    }

    /// Input number `draw`: 0 and 1 are all-minimum and all-maximum, the others random within the declared range.
    ///
    /// # Panics
    /// Never: the graph's own shape is used.
    #[must_use]
    #[expect(clippy::expect_used, reason = "test support: shape and values agree")]
    pub fn input(&self, draw: u64) -> Tensor {
        let Input { shape, range } = self.graph.input().clone();
        let mut source = Source::new(&[self.seed, draw]);
        let count: u32 = shape.iter().product();
        let element = |_| match draw {
            0 => range.min,
            1 => range.max,
            _ => source.within(range),
        };
        let values = (0..count).map(element).collect();
        Tensor::new(shape, values).expect("the graph's own shape")
    }
}

/// Deterministic integers from BLAKE3's extendable output.
struct Source(blake3::OutputReader);

impl Source {
    fn new(seeds: &[u64]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(SEED_CONTEXT);
        for seed in seeds {
            hasher.update(&seed.to_le_bytes());
        }
        Self(hasher.finalize_xof())
    }

    /// A value of 0 to `bound` inclusive. The bias of the remainder is below 2^-16 for the bounds used here.
    fn up_to(&mut self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % (bound + 1)
    }

    fn between(&mut self, min: u64, max: u64) -> u64 {
        min + self.up_to(max - min)
    }

    fn within(&mut self, range: Range) -> i64 {
        range.min + i64::try_from(self.up_to(range.count() - 1)).unwrap_or(0)
    }

    fn symmetric(&mut self, bound: i64) -> i64 {
        self.within(Range { min: -bound, max: bound })
    }

    fn choose<T: Clone>(&mut self, options: [T; 4]) -> T {
        let index = self.up_to(3);
        let [first, second, third, fourth] = options;
        match index {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        }
    }
}

struct Builder<'a> {
    seed: u64,
    limits: &'a Limits,
    source: Source,
    input: Input,
    nodes: Vec<Node>,
    weights: BTreeMap<usize, LinearWeights>,
    rows: u32,
}

impl<'a> Builder<'a> {
    fn new(seed: u64, limits: &'a Limits) -> Self {
        let mut source = Source::new(&[seed]);
        let width = u32::try_from(source.between(1, limits.width_max)).unwrap_or(1);
        let range = source.choose([(0, 16), (-127, 127), (-8, 7), (3, 40)]);
        let shape = if width.is_multiple_of(2) { vec![2, width / 2] } else { vec![width] };
        let input = Input { shape, range: Range { min: range.0, max: range.1 } };
        Self { seed, limits, source, input, nodes: vec![], weights: BTreeMap::new(), rows: 1 }
    }

    fn build(mut self) -> Result<Model, RandomError> {
        let layers = self.source.between(1, self.limits.layers_max);
        let raw_output = self.source.up_to(1) == 0;
        for layer in 0..layers {
            let shift = self.source.between(1, self.limits.shift_max);
            self.dense(shift)?;
            if layer + 1 < layers || !raw_output {
                self.requantise(u8::try_from(shift).unwrap_or(1))?;
            }
        }
        self.model()
    }

    /// The model so far.
    fn model(&self) -> Result<Model, RandomError> {
        let layout = Layout { k: 10, rows: self.rows, lanes: 1 };
        let graph = Graph::new(self.input.clone(), self.nodes.clone(), layout)?;
        let weights = Weights::new(&graph, self.weights.clone())?;
        Ok(Model { graph, weights, seed: self.seed })
    }

    fn last(&self) -> Result<Value, RandomError> {
        if self.nodes.is_empty() {
            let width = self.input.shape.iter().product();
            return Ok(Value { shape: vec![width], range: self.input.range });
        }
        Ok(self.model()?.graph.output())
    }

    /// Appends a dense node whose accumulators, divided by 2^shift, stay within `quotients_max` integers.
    fn dense(&mut self, shift: u64) -> Result<(), RandomError> {
        let source = self.last()?;
        let outputs = u32::try_from(self.source.between(1, self.limits.width_max)).unwrap_or(1);
        let magnitude =
            i64::try_from(source.range.min.unsigned_abs().max(source.range.max.unsigned_abs())).unwrap_or(1).max(1);
        let budget = i64::try_from(((self.limits.quotients_max - 2) / 2) << shift).unwrap_or(i64::MAX).min(1 << 40);
        let weight_max =
            (budget / (magnitude * i64::from(source.width()))).clamp(1, self.source.choose([3, 127, 2047, 65535]));
        let (mut matrix, mut bias) = (vec![], vec![]);
        for _ in 0..outputs {
            let row_bias = self.source.symmetric(budget.min(weight_max * magnitude));
            let mut left = budget - row_bias.abs();
            for _ in 0..source.width() {
                let drawn = self.source.symmetric(weight_max);
                let weight = if drawn.abs() * magnitude <= left { drawn } else { 0 };
                left -= weight.abs() * magnitude;
                matrix.push(i32::try_from(weight).unwrap_or(0));
            }
            bias.push(row_bias);
        }
        let weights = LinearWeights::new(outputs, source.width(), matrix, bias)?;
        let node = self.nodes.len();
        let accumulator = analysis::tightest(node, &weights, source.range)?;
        self.weights.insert(node, weights);
        self.push(Operator::Dense { inputs: source.width(), outputs, accumulator });
        self.rows = self.rows.max(outputs);
        Ok(())
    }

    /// Appends a requantisation whose clamp lies inside the quotients that a few inputs reach.
    fn requantise(&mut self, shift: u8) -> Result<(), RandomError> {
        let so_far = self.model()?;
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        for draw in 0..6 {
            let trace = reference::run(&so_far.graph, &so_far.weights, &so_far.input(draw))?;
            for value in trace.output() {
                low = low.min(quotient(*value, shift));
                high = high.max(quotient(*value, shift));
            }
        }
        let quarter = (high - low) / self.source.choose([3, 4, 8, 1 << 40]);
        let clamp = Range { min: low + quarter, max: high - quarter };
        let activation = if self.source.up_to(1) == 0 { Activation::Identity } else { Activation::Relu };
        self.push(Operator::Requantise { shift, clamp, activation });
        Ok(())
    }

    fn push(&mut self, operator: Operator) {
        let source = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Node { operator, inputs: vec![source] });
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::quotient_range;
    use super::*;

    /// Quotients below, above and all of the clamps, and the shapes seen, over many models.
    #[test]
    fn models_saturate_on_both_sides_and_cover_every_kind() {
        let (mut below, mut above, mut total) = (0u32, 0u32, 0u32);
        let (mut raw, mut relu, mut identity) = (0, 0, 0);
        for seed in 0..200 {
            let model = Model::from_seed(seed, &Limits::default());
            let trace = reference::run(&model.graph, &model.weights, &model.input(seed)).unwrap();
            for (index, node) in model.graph.nodes().iter().enumerate() {
                let Operator::Requantise { shift, clamp, activation } = &node.operator else { continue };
                match activation {
                    Activation::Relu => relu += 1,
                    Activation::Identity => identity += 1,
                    Activation::Formula(_) => {}
                }
                for value in &trace.values[index] {
                    total += 1;
                    below += u32::from(quotient(*value, *shift) < clamp.min);
                    above += u32::from(quotient(*value, *shift) > clamp.max);
                }
            }
            raw += u32::from(matches!(model.graph.nodes().last().unwrap().operator, Operator::Dense { .. }));
        }
        assert!(below * 50 > total && above * 50 > total, "{below} below and {above} above of {total}");
        assert!(raw > 50 && raw < 150 && relu > 100 && identity > 100, "{raw} {relu} {identity}");
    }

    #[test]
    fn circuit_limits_bound_the_tables() {
        let limits = Limits::circuit();
        for seed in 0..200 {
            let model = Model::from_seed(seed, &limits);
            let values = model.graph.values();
            for (index, node) in model.graph.nodes().iter().enumerate() {
                let Operator::Requantise { shift, .. } = node.operator else { continue };
                assert!(u64::from(shift) <= limits.shift_max);
                assert!(quotient_range(values[index].range, shift).count() <= limits.quotients_max, "seed {seed}");
            }
        }
    }

    #[test]
    fn a_seed_names_one_model() {
        let limits = Limits::default();
        assert_eq!(Model::from_seed(7, &limits), Model::from_seed(7, &limits));
        assert_ne!(Model::from_seed(7, &limits), Model::from_seed(8, &limits));
        let model = Model::from_seed(7, &limits);
        assert_eq!(model.input(5), model.input(5));
        assert_ne!(model.input(5), model.input(6));
    }
}

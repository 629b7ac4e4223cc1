//! Encoders: attention, feed-forward layers and norms over several positions, with random weights.

use std::collections::BTreeMap;

use super::source::Source;
use super::{Model, RandomError};
use crate::model::formula::{Formula, Real, Step};
use crate::model::graph::{Activation, Graph, Input, Layout, Node, Operator, SHIFT_MAX};
use crate::model::range::Range;
use crate::model::weights::{LinearWeights, Weights};

/// Sizes of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoder {
    /// Number of positions.
    pub positions: u32,
    /// Channels of a position.
    pub width: u32,
    /// Heads; they divide the width.
    pub heads: u32,
    /// Channels between the two layers of the feed-forward part.
    pub hidden: u32,
    /// Layers.
    pub layers: u32,
    /// Bits of an activation, sign included.
    pub bits: u8,
    /// Largest magnitude of a weight.
    pub weight_max: i32,
    /// Different tokens that it reads; 0 for one that reads channels.
    pub vocabulary: u32,
}

impl Encoder {
    /// Small enough for tests.
    #[must_use]
    pub fn small(positions: u32) -> Self {
        Self { positions, width: 6, heads: 2, hidden: 9, layers: 1, bits: 7, weight_max: 5, vocabulary: 0 }
    }

    /// The encoder with weights of a seed.
    ///
    /// # Panics
    /// If this module draws an invalid model.
    #[must_use]
    #[expect(clippy::panic, reason = "test support: an invalid model is a mistake in this module")]
    pub fn model(&self, seed: u64) -> Model {
        match Drawn::new(*self, seed).build(seed) {
            Ok(model) => model,
            Err(error) => panic!("random encoder of seed {seed}: {error}"),
        }
    }
}

struct Drawn {
    sizes: Encoder,
    source: Source,
    nodes: Vec<Node>,
    weights: BTreeMap<usize, LinearWeights>,
}

impl Drawn {
    fn new(sizes: Encoder, seed: u64) -> Self {
        Self { sizes, source: Source::new(&[seed, 7]), nodes: Vec::new(), weights: BTreeMap::new() }
    }

    fn build(mut self, seed: u64) -> Result<Model, RandomError> {
        let Encoder { positions, width, layers, vocabulary, .. } = self.sizes;
        let mut value = 0;
        let mut input = Input { shape: vec![positions, width], range: self.activations() };
        if vocabulary > 0 {
            input = Input { shape: vec![positions], range: Range { min: 0, max: i64::from(vocabulary) - 1 } };
            value = self.embedding();
        }
        for _ in 0..layers {
            value = self.layer(value);
        }
        let layout = Layout { k: 10, rows: 0, lanes: 1 };
        let graph = Graph::new(input, self.nodes, layout)?.with_positions(true);
        let weights = Weights::new(&graph, self.weights)?;
        crate::model::analysis::check(&graph, &weights)?;
        Ok(Model { graph, weights, seed })
    }

    /// Columns of a table, wider than activations are, and narrowed.
    fn embedding(&mut self) -> u32 {
        let Encoder { width, vocabulary, .. } = self.sizes;
        let accumulator = Range { min: 2 * self.activations().min, max: 2 * self.activations().max };
        let count = u64::from(width) * u64::from(vocabulary);
        let table = (0..count).map(|_| self.source.within(accumulator) as i32).collect();
        if let Ok(weights) = LinearWeights::new(width, vocabulary, table, vec![0; width as usize]) {
            self.weights.insert(self.nodes.len(), weights);
        }
        let chosen = self.push(Operator::Embedding { vocabulary, width, accumulator }, &[0]);
        self.push(requantise(1, self.activations(), Activation::Identity), &[chosen])
    }

    fn layer(&mut self, input: u32) -> u32 {
        let Encoder { width, hidden, .. } = self.sizes;
        let context = self.attention(input);
        let normed = self.add_and_norm(context, input, width);
        let gelu = gelu(self.sizes.bits, self.activations());
        let inner = self.dense(normed, width, hidden, gelu);
        self.add_and_norm(inner, normed, hidden)
    }

    fn attention(&mut self, input: u32) -> u32 {
        let Encoder { positions, width, heads, bits, .. } = self.sizes;
        let side = width / heads;
        let [across, own] = [width, side].map(|steps| steps as i32);
        let [q, k, v] = [(); 3].map(|()| self.dense(input, width, width, Activation::Identity));
        let q = self.strided(q, &[heads, positions, side], &[own, across, 1]);
        let k = self.strided(k, &[heads, side, positions], &[own, 1, across]);
        let v = self.strided(v, &[heads, positions, side], &[own, across, 1]);
        let scores = self.push(Operator::MatrixMultiply, &[q, k]);
        let scores =
            self.narrowed(scores, u64::from(side) << (2 * (bits - 1)), self.activations(), Activation::Identity);
        let most = self.maximum(scores, heads, positions);
        let most = self.strided(most, &[heads, positions, positions], &[positions as i32, 1, 0]);
        let below = self.push(Operator::Combine { multipliers: vec![1, -1], constant: 0 }, &[scores, most]);
        let scale = 2 * self.activations().max;
        let exponential = vec![Step::Variable, Step::Exponential];
        let formula = Formula {
            steps: exponential,
            input_exponent: i8::try_from(bits).unwrap_or(12) - 4,
            output_exponent: 10,
            results: Range { min: 0, max: 1 << 10 },
        };
        let clamp = Range { min: -scale, max: 0 };
        let weights = self.push(requantise(0, clamp, Activation::Formula(formula)), &[below]);
        let sums = self.push(Operator::Sum, &[weights]);
        let reciprocal = vec![Step::Constant(one()), Step::Variable, Step::Divide];
        let clamp = Range { min: 1 << 10, max: i64::from(positions) << 10 };
        let results = Range { min: 0, max: 1 << 14 };
        let formula = Formula { steps: reciprocal, input_exponent: 10, output_exponent: 14, results };
        let shares = self.push(requantise(0, clamp, Activation::Formula(formula)), &[sums]);
        let shares = self.strided(shares, &[heads, positions, positions], &[positions as i32, 1, 0]);
        let shares = self.push(Operator::Multiply, &[weights, shares]);
        let shares = self.push(requantise(12, Range { min: 0, max: 1 << 12 }, Activation::Identity), &[shares]);
        let context = self.push(Operator::MatrixMultiply, &[shares, v]);
        let context = self.push(requantise(12, self.activations(), Activation::Identity), &[context]);
        let context = self.strided(context, &[positions, heads, side], &[own, positions as i32 * own, 1]);
        self.push(Operator::Reshape { shape: vec![positions, width] }, &[context])
    }

    /// The largest along the last dimension of `[heads, positions, positions]`, by rounds of pairs.
    fn maximum(&mut self, scores: u32, heads: u32, positions: u32) -> u32 {
        let (mut value, mut length) = (scores, positions);
        let mut stride = positions;
        while length > 1 {
            let half = length / 2;
            let part = |drawn: &mut Self, offset, count| {
                let shape = vec![heads, positions, count];
                let strides = vec![(positions * stride) as i32, stride as i32, 1];
                drawn.push(Operator::Strided { offset, shape, strides }, &[value])
            };
            let [low, high] = [0, half].map(|offset| part(self, offset, half));
            let larger = self.push(Operator::Maximum, &[low, high]);
            let rest = length % 2;
            let next = if rest == 1 {
                let last = part(self, 2 * half, 1);
                self.push(Operator::Concatenate { axis: 2 }, &[larger, last])
            } else {
                larger
            };
            (value, length, stride) = (next, half + rest, half + rest);
        }
        self.push(Operator::Reshape { shape: vec![heads, positions] }, &[value])
    }

    /// A dense operator over what was computed and what it is added to, divided by the root of its mean square.
    fn add_and_norm(&mut self, value: u32, added: u32, inputs: u32) -> u32 {
        let Encoder { positions, width, bits, .. } = self.sizes;
        let both = self.push(Operator::Concatenate { axis: 1 }, &[value, added]);
        let sum = self.dense(both, inputs + width, width, Activation::Identity);
        let across = self.push(Operator::Reshape { shape: vec![positions, 1, width] }, &[sum]);
        let along = self.push(Operator::Reshape { shape: vec![positions, width, 1] }, &[sum]);
        let squares = self.push(Operator::MatrixMultiply, &[across, along]);
        let most = u64::from(width) << (2 * (bits - 1));
        let shift = shift_for(most, 1 << 13);
        let root = vec![Step::Constant(one()), Step::Variable, Step::SquareRoot, Step::Divide];
        let results = Range { min: 0, max: 1 << 12 };
        let formula = Formula { steps: root, input_exponent: 0, output_exponent: 12, results };
        let clamp = Range { min: 1, max: 1 << 13 };
        let scale = self.push(requantise(shift, clamp, Activation::Formula(formula)), &[squares]);
        let scale = self.strided(scale, &[positions, width], &[1, 0]);
        let scaled = self.push(Operator::Multiply, &[sum, scale]);
        self.push(requantise(8, self.activations(), Activation::Identity), &[scaled])
    }

    fn dense(&mut self, input: u32, inputs: u32, outputs: u32, activation: Activation) -> u32 {
        let most = i64::from(self.sizes.weight_max);
        let weight_range = Range { min: -most, max: most };
        let count = u64::from(outputs) * u64::from(inputs);
        let matrix = (0..count).map(|_| self.source.within(weight_range) as i32).collect();
        let bias = (0..outputs).map(|_| self.source.within(weight_range)).collect();
        if let Ok(weights) = LinearWeights::new(outputs, inputs, matrix, bias) {
            self.weights.insert(self.nodes.len(), weights);
        }
        let bound = ((u64::from(inputs) + 1) * most.unsigned_abs()) << (self.sizes.bits - 1);
        let shift = shift_for(bound, 1 << (self.sizes.bits + 4));
        // One interval for all, so that they share a table.
        let half = 1i64 << (u32::from(self.sizes.bits) + 4 + u32::from(shift));
        let accumulator = Range { min: -half, max: half - (1i64 << shift) };
        let accumulated = self.push(Operator::Dense { inputs, outputs, accumulator }, &[input]);
        self.push(requantise(shift, self.activations(), activation), &[accumulated])
    }

    fn narrowed(&mut self, value: u32, most: u64, clamp: Range, activation: Activation) -> u32 {
        let shift = shift_for(most, 1 << (self.sizes.bits + 3));
        self.push(requantise(shift, clamp, activation), &[value])
    }

    fn strided(&mut self, input: u32, shape: &[u32], strides: &[i32]) -> u32 {
        self.push(Operator::Strided { offset: 0, shape: shape.to_vec(), strides: strides.to_vec() }, &[input])
    }

    fn push(&mut self, operator: Operator, inputs: &[u32]) -> u32 {
        self.nodes.push(Node { operator, inputs: inputs.to_vec() });
        self.nodes.len() as u32
    }

    fn activations(&self) -> Range {
        let most = (1i64 << (self.sizes.bits - 1)) - 1;
        Range { min: -most, max: most }
    }
}

fn requantise(shift: u8, clamp: Range, activation: Activation) -> Operator {
    Operator::Requantise { shift, clamp, activation }
}

fn one() -> Real {
    Real::new(1.0).unwrap_or_else(|| unreachable!("one is finite"))
}

/// `x / (1 + e^(-1.702 x))`, an approximation of GELU.
fn gelu(bits: u8, results: Range) -> Activation {
    let slope = Real::new(1.702).unwrap_or_else(one);
    let steps =
        vec![Step::Variable, Step::Variable, Step::Constant(slope), Step::Multiply, Step::Sigmoid, Step::Multiply];
    let exponent = i8::try_from(bits).unwrap_or(12) - 3;
    Activation::Formula(Formula { steps, input_exponent: exponent, output_exponent: exponent, results })
}

/// The least shift that leaves magnitudes of at most `most` below `quotients`.
fn shift_for(most: u64, quotients: u64) -> u8 {
    (0..SHIFT_MAX).find(|shift| most >> shift < quotients).unwrap_or(SHIFT_MAX)
}

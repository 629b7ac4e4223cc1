//! Float network to integer graph: multiplier 1, power-of-two shifts, precision in the weights.
//!
//! With `x = step * X` (`X` integer) a layer's accumulator is `A = W X + b` with `W = round(w * step * scale)` and
//! `b = round(bias * scale)`, hence `A ~ scale * (w x + bias)`. The scale is free, so no multiplier is needed: after a
//! shift by `s` the next step is simply `2^s / scale`, exactly. Weights cost the prover almost nothing, so the scale is
//! as large as the bits of a weight and the table allow.
//!
//! The circuit's table holds the `2^s` remainders and every quotient of the *static* range, so the shift trades one
//! against the other: each shift is tried with the largest scale that fits, and the one whose activations lie closest
//! to the float network's on the calibration inputs wins. Clamps end at the largest calibrated activation, which keeps
//! the next layer's static range small; beyond it saturation is part of the model's meaning. The last layer's raw
//! accumulators are the output: no rounding hides a close decision, and no table is spent on it.

use std::collections::BTreeMap;

use circuits::layout::{self, PlanError};
use circuits::model::analysis::{self, AnalysisError};
use circuits::model::graph::{
    Activation, Graph, GraphError, Input, Layout, Node, Operator, SHIFT_MAX, quotient, quotient_range,
};
use circuits::model::range::Range;
use circuits::model::reference::{self, ExecutionError};
use circuits::model::tensor::Tensor;
use circuits::model::weights::{LinearWeights, Weights, WeightsError};

use super::network::{Layer, Network};

/// Smallest and largest number of bits of a weight, sign included.
pub const WEIGHT_BITS: std::ops::RangeInclusive<u32> = 2..=24;

/// What the importer may choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Shape and interval of the integer input.
    pub input: Input,
    /// What an input step of 1 means to the float network.
    pub input_step: f64,
    /// Bits of a weight, sign included, within [`WEIGHT_BITS`].
    pub weight_bits: u32,
    /// Rows of the lookup table, shared evenly by the hidden layers: remainders and quotients together.
    pub table_rows_max: u64,
}

/// A quantised network.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantised {
    /// The graph, its layout chosen.
    pub graph: Graph,
    /// Its weights.
    pub weights: Weights,
    /// What an output step of 1 means to the float network.
    pub output_step: f64,
}

/// Why a network cannot be quantised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuantiseError {
    /// The first layer reads another number of inputs.
    #[error("input shape {shape:?}: expected {expected} elements, the first layer's inputs")]
    InputWidth {
        /// Shape in the settings.
        shape: Vec<u32>,
        /// Inputs of the first layer.
        expected: u32,
    },
    /// The input step is not a positive number.
    #[error("input step: expected a positive number, got {got}")]
    InputStep {
        /// Step in the settings.
        got: f64,
    },
    /// The number of bits of a weight is out of bounds.
    #[error("weight bits: expected {} to {}, got {got}", WEIGHT_BITS.start(), WEIGHT_BITS.end())]
    WeightBits {
        /// Bits in the settings.
        got: u32,
    },
    /// No calibration inputs.
    #[error("calibration: expected at least one input, got none")]
    NoCalibration,
    /// No shift makes a layer's remainders and quotients fit the table.
    #[error("layer {layer}: no shift fits {rows} table rows; allow more rows")]
    Table {
        /// Layer from 0.
        layer: usize,
        /// Rows for this layer.
        rows: u64,
    },
    /// The weights exceed the range of exact arithmetic.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The graph is too large.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Weights and graph disagree.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A calibration input does not fit the graph.
    #[error("calibration: {0}")]
    Calibration(#[from] ExecutionError),
    /// No circuit holds the graph.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// Quantises `network`; `calibration` are typical integer inputs, best the training set.
pub fn quantise(network: &Network, settings: &Settings, calibration: &[Tensor]) -> Result<Quantised, QuantiseError> {
    check(network, settings, calibration)?;
    let (layers, mut step) = (network.layers(), settings.input_step);
    let hidden = layers.len().saturating_sub(1);
    let rows = settings.table_rows_max / (hidden.max(1) as u64);
    let mut examples = examples(network, settings, calibration)?;
    let mut built = Built::default();
    let mut range = settings.input.range;
    for (index, layer) in layers.iter().enumerate() {
        let source = Source { step, range };
        if index == hidden {
            let scale = weight_scale(layer, &source, settings);
            let rounded = round(built.nodes.len(), layer, &source, scale)?;
            built.dense(rounded);
            step = scale.recip();
            break;
        }
        let best = requantised(built.nodes.len(), index, layer, &source, settings, rows, &examples)?;
        let best = best.ok_or(QuantiseError::Table { layer: index, rows })?;
        examples.iter_mut().for_each(|example| example.integers = best.forward(&example.integers));
        (step, range) = (best.step(), best.clamp);
        built.requantise(best);
    }
    let provisional = Layout { k: 10, rows: 1, lanes: 1 };
    let graph = Graph::new(settings.input.clone(), built.nodes, provisional)?;
    let layout = layout::choose(&graph)?;
    let graph = graph.with_layout(layout)?;
    let weights = Weights::new(&graph, built.weights)?;
    analysis::check(&graph, &weights)?;
    Ok(Quantised { graph, weights, output_step: step })
}

/// What the integers that a layer reads mean, and where they lie.
struct Source {
    step: f64,
    range: Range,
}

/// A calibration input: its float activations by layer, and its integers before the layer at hand.
struct Example {
    floats: Vec<Vec<f64>>,
    integers: Vec<i64>,
}

/// A dense layer in integers.
struct Rounded {
    weights: LinearWeights,
    accumulator: Range,
}

/// A dense layer in integers and the requantisation after it.
struct Candidate {
    rounded: Rounded,
    scale: f64,
    shift: u8,
    clamp: Range,
}

#[derive(Default)]
struct Built {
    nodes: Vec<Node>,
    weights: BTreeMap<usize, LinearWeights>,
}

impl Built {
    fn dense(&mut self, rounded: Rounded) {
        let Rounded { weights, accumulator } = rounded;
        let (inputs, outputs) = (weights.inputs(), weights.outputs());
        self.weights.insert(self.nodes.len(), weights);
        self.push(Operator::Dense { inputs, outputs, accumulator });
    }

    fn requantise(&mut self, candidate: Candidate) {
        let Candidate { rounded, shift, clamp, .. } = candidate;
        self.dense(rounded);
        self.push(Operator::Requantise { shift, clamp, activation: Activation::Relu });
    }

    fn push(&mut self, operator: Operator) {
        let source = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Node { operator, inputs: vec![source] });
    }
}

impl Candidate {
    /// What an activation of 1 means to the float network.
    fn step(&self) -> f64 {
        f64::from(1u32 << self.shift) / self.scale
    }

    fn quotients(&self, source: &[i64]) -> impl Iterator<Item = i64> {
        let accumulate = move |(row, bias): (&[i32], i64)| {
            row.iter().zip(source).fold(bias, |sum, (weight, value)| sum + i64::from(*weight) * value)
        };
        self.rounded.weights.rows().map(accumulate).map(move |accumulator| quotient(accumulator, self.shift))
    }

    fn forward(&self, source: &[i64]) -> Vec<i64> {
        self.quotients(source).map(|quotient| quotient.clamp(self.clamp.min, self.clamp.max)).collect()
    }

    /// Sum of the squared differences from the float activations of layer `layer`.
    fn error(&self, layer: usize, examples: &[Example]) -> f64 {
        let step = self.step();
        let example_error = |example: &Example| -> f64 {
            let floats = example.floats.get(layer).map_or(&[][..], Vec::as_slice);
            let activations = self.forward(&example.integers);
            let difference = |(activation, float): (&i64, &f64)| *activation as f64 * step - float;
            activations.iter().zip(floats).map(difference).map(|difference| difference * difference).sum()
        };
        examples.iter().map(example_error).sum()
    }
}

fn check(network: &Network, settings: &Settings, calibration: &[Tensor]) -> Result<(), QuantiseError> {
    let Settings { input, input_step, weight_bits, .. } = settings;
    let elements = input.shape.iter().try_fold(1u32, |product, dimension| product.checked_mul(*dimension));
    if elements != Some(network.inputs()) {
        return Err(QuantiseError::InputWidth { shape: input.shape.clone(), expected: network.inputs() });
    }
    if !input_step.is_normal() || *input_step < 0.0 {
        return Err(QuantiseError::InputStep { got: *input_step });
    }
    if !WEIGHT_BITS.contains(weight_bits) {
        return Err(QuantiseError::WeightBits { got: *weight_bits });
    }
    if calibration.is_empty() {
        return Err(QuantiseError::NoCalibration);
    }
    Ok(())
}

fn examples(network: &Network, settings: &Settings, calibration: &[Tensor]) -> Result<Vec<Example>, QuantiseError> {
    let example = |tensor: &Tensor| {
        reference::check_input(&settings.input, tensor)?;
        let reals: Vec<f64> = tensor.values().iter().map(|value| *value as f64 * settings.input_step).collect();
        Ok(Example { floats: network.forward(&reals), integers: tensor.values().to_vec() })
    };
    calibration.iter().map(example).collect()
}

/// The best shift for a hidden layer, or `None` if none fits the table.
fn requantised(
    node: usize,
    index: usize,
    layer: &Layer,
    source: &Source,
    settings: &Settings,
    rows: u64,
    examples: &[Example],
) -> Result<Option<Candidate>, QuantiseError> {
    let mut best: Option<(f64, Candidate)> = None;
    for shift in 1..=SHIFT_MAX {
        let Some(mut candidate) = largest_scale(node, layer, source, settings, rows, shift)? else { continue };
        let quotients = examples.iter().flat_map(|example| candidate.quotients(&example.integers));
        candidate.clamp = Range { min: 0, max: quotients.max().unwrap_or(0).max(0) };
        let error = candidate.error(index, examples);
        if best.as_ref().is_none_or(|(smallest, _)| error < *smallest) {
            best = Some((error, candidate));
        }
    }
    Ok(best.map(|(_, candidate)| candidate))
}

/// The layer with the largest scale whose weights fit their bits and whose remainders and quotients fit `rows`.
fn largest_scale(
    node: usize,
    layer: &Layer,
    source: &Source,
    settings: &Settings,
    rows: u64,
    shift: u8,
) -> Result<Option<Candidate>, QuantiseError> {
    const SHRINK: f64 = 0.995;
    const ATTEMPTS: usize = 2000;
    let Some(quotients_max) = rows.checked_sub(1 << shift).filter(|left| *left > 0) else { return Ok(None) };
    let mut scale = weight_scale(layer, source, settings);
    for _ in 0..ATTEMPTS {
        let rounded = round(node, layer, source, scale)?;
        let count = quotient_range(rounded.accumulator, shift).count();
        if count <= quotients_max {
            return Ok(Some(Candidate { rounded, scale, shift, clamp: Range { min: 0, max: 0 } }));
        }
        // Far off, the count is proportional to the scale; near the goal, rounding decides.
        scale *= (quotients_max as f64 / count as f64).clamp(0.01, SHRINK);
    }
    Ok(None)
}

/// The scale at which the largest weight just fits its bits.
fn weight_scale(layer: &Layer, source: &Source, settings: &Settings) -> f64 {
    let largest = layer.weights.iter().fold(0.0f64, |largest, weight| largest.max(f64::from(weight.abs())));
    let limit = f64::from((1u32 << (settings.weight_bits - 1)) - 1);
    let scale = limit / (largest * source.step);
    if scale.is_normal() { scale } else { 1.0 }
}

/// Rounds a layer to integers at `scale`; halves go away from zero.
fn round(node: usize, layer: &Layer, source: &Source, scale: f64) -> Result<Rounded, QuantiseError> {
    let weights = layer.weights.iter().map(|weight| (f64::from(*weight) * source.step * scale).round() as i32);
    let bias = layer.bias.iter().map(|bias| (f64::from(*bias) * scale).round() as i64);
    let weights = LinearWeights::new(layer.outputs, layer.inputs, weights.collect(), bias.collect())?;
    let accumulator = analysis::tightest(node, &weights, source.range)?;
    Ok(Rounded { weights, accumulator })
}

#[cfg(test)]
mod tests;

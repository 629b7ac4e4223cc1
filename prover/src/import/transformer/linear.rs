//! Linear layers in integers: norms' gains and biases folded in, scales chosen for one table.

use circuits::model::analysis;
use circuits::model::graph::{Activation, Operator, SHIFT_MAX};
use circuits::model::range::Range;
use circuits::model::weights::LinearWeights;

use super::TransformerError;
use super::parameters::{Affine, Linear};
use super::sites::Span;
use super::writer::{Fixed, Writer, fits};

/// Bits of a weight that only carries a residual along.
const CARRIED_BITS: u32 = 26;

/// A matrix that reads some columns of a value, and the exponent of those columns.
pub(super) struct Part {
    /// `[outputs, inputs]`, row-major.
    pub(super) weights: Vec<f32>,
    pub(super) inputs: usize,
    pub(super) exponent: i32,
    /// Whether the bits of a weight bound this part: not where it only carries a residual along.
    pub(super) is_bounded: bool,
}

/// `W x + b` with `x` the columns of several parts one after the other.
pub(super) struct Layer {
    pub(super) parts: Vec<Part>,
    pub(super) bias: Vec<f64>,
}

impl Layer {
    /// A layer that reads a normalised value, whose gain and bias it takes on itself.
    pub(super) fn after(affine: &Affine, linear: &Linear, scale: f64, exponent: i32) -> Self {
        let inputs = affine.gain.len();
        let mut weights = Vec::with_capacity(linear.weights.len());
        let mut bias = Vec::with_capacity(linear.bias.len());
        for (row, own) in linear.weights.chunks(inputs.max(1)).zip(&linear.bias) {
            weights.extend(row.iter().zip(&affine.gain).map(|(weight, gain)| weight * gain * scale as f32));
            let moved: f64 = row.iter().zip(&affine.bias).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            bias.push((moved + f64::from(*own)) * scale);
        }
        Self { parts: vec![Part { weights, inputs, exponent, is_bounded: true }], bias }
    }

    /// Subtracts from every row the mean of the rows, so that results are centred.
    pub(super) fn centre(&mut self) {
        let outputs = self.bias.len();
        for part in &mut self.parts {
            let mut means = vec![0.0f64; part.inputs];
            for row in part.weights.chunks(part.inputs.max(1)) {
                means.iter_mut().zip(row).for_each(|(mean, weight)| *mean += f64::from(*weight) / outputs as f64);
            }
            for row in part.weights.chunks_mut(part.inputs.max(1)) {
                row.iter_mut().zip(&means).for_each(|(weight, mean)| *weight -= *mean as f32);
            }
        }
        let mean = self.bias.iter().sum::<f64>() / outputs.max(1) as f64;
        self.bias.iter_mut().for_each(|bias| *bias -= mean);
    }

    fn inputs(&self) -> usize {
        self.parts.iter().map(|part| part.inputs).sum()
    }

    /// The largest exponent at which the weights take `bits` bits.
    fn finest(&self, bits: u32) -> i32 {
        let finest = |part: &Part| {
            let limit = ((1i64 << (if part.is_bounded { bits } else { CARRIED_BITS } - 1)) - 1) as f64;
            let largest = part.weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
            (largest > 0.0).then(|| (limit / f64::from(largest)).log2().floor() as i32 + part.exponent)
        };
        self.parts.iter().filter_map(finest).min().unwrap_or(0).clamp(-40, 60)
    }

    /// The integers of an exponent.
    fn rounded(&self, exponent: i32) -> Result<LinearWeights, TransformerError> {
        let outputs = self.bias.len();
        let mut weights = Vec::with_capacity(outputs * self.inputs());
        for output in 0..outputs {
            for part in &self.parts {
                let scale = f64::from(exponent - part.exponent).exp2();
                let row = part.weights.get(output * part.inputs..).unwrap_or_default();
                weights.extend(row.iter().take(part.inputs).map(|weight| (f64::from(*weight) * scale).round() as i32));
            }
        }
        let scale = f64::from(exponent).exp2();
        let bias = self.bias.iter().map(|bias| (bias * scale).round() as i64).collect();
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        Ok(LinearWeights::new(count(outputs), count(self.inputs()), weights, bias)?)
    }
}

/// What becomes of a layer's results.
pub(super) struct Ending {
    /// What calibration saw.
    pub(super) span: Span,
    /// Bits of a quotient within that, sign included.
    pub(super) bits: u32,
}

impl Writer {
    /// A layer and its requantisation; `activation` makes the function of a quotient's exponent, and its own.
    pub(super) fn layer(
        &mut self,
        source: &Fixed,
        layer: &Layer,
        weight_bits: u32,
        ending: &Ending,
        activation: impl Fn(i32) -> Result<(Activation, i32), TransformerError>,
    ) -> Result<Fixed, TransformerError> {
        let node = self.nodes.len();
        let mut exponent = layer.finest(weight_bits);
        let table_bits = self.table_bits;
        loop {
            let weights = layer.rounded(exponent)?;
            let needed = analysis::tightest(node, &weights, source.range)?;
            let fine = |shift: i32| {
                canonical(table_bits, shift).is_some_and(|range| range.covers(&needed))
                    && fits(ending.span.clamp(exponent - shift), ending.bits)
            };
            let shift = (0..=47).find(|shift| fine(*shift)).unwrap_or(47);
            if shift > i32::from(SHIFT_MAX) {
                exponent -= shift - i32::from(SHIFT_MAX);
                continue;
            }
            // Declared wider than needed: quotients of one interval share one table.
            let accumulator = canonical(table_bits, shift).unwrap_or(needed);
            let sums = self.dense(source, weights, accumulator, exponent);
            let quotient = exponent - shift;
            let (activation, result) = activation(quotient)?;
            return Ok(self.requantise(&sums, quotient, ending.span.clamp(quotient), activation, result));
        }
    }

    /// A layer whose sums are the result.
    pub(super) fn sums(&mut self, source: &Fixed, layer: &Layer, weight_bits: u32) -> Result<Fixed, TransformerError> {
        let exponent = layer.finest(weight_bits);
        let weights = layer.rounded(exponent)?;
        let accumulator = analysis::tightest(self.nodes.len(), &weights, source.range)?;
        Ok(self.dense(source, weights, accumulator, exponent))
    }

    fn dense(&mut self, source: &Fixed, weights: LinearWeights, accumulator: Range, exponent: i32) -> Fixed {
        let (inputs, outputs) = (weights.inputs(), weights.outputs());
        let shape = source.shape.split_last().map_or(&[][..], |(_, outer)| outer);
        let shape = shape.iter().copied().chain([outputs]).collect();
        self.weighted(Operator::Dense { inputs, outputs, accumulator }, weights, source, shape, exponent)
    }
}

/// The accumulators whose quotients by `2^shift` take exactly a table of `2^table_bits`, half below zero.
fn canonical(table_bits: u32, shift: i32) -> Option<Range> {
    let half = if shift > 0 { 1i64 << (shift - 1) } else { 0 };
    let reach = 1i64 << (table_bits - 1);
    let scaled = reach.checked_shl(shift.unsigned_abs())?;
    let range = Range { min: -scaled - half, max: scaled - 1 - half };
    (shift <= 33 && range.is_valid()).then_some(range)
}

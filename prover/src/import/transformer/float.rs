//! The float run: what the integers are measured against, and what calibration looks at.
//!
//! It computes what the usual formulation does, in the order of the integer graph: residuals are kept centred where a norm
//! would centre them, which changes no result because nothing but norms reads their mean.

use rayon::prelude::*;

use super::TransformerError;
use super::configuration::{Configuration, Head, Mask, Nonlinearity, Placement, Positions};
use super::parameters::{Affine, Block, Linear, Parameters};
use super::sites::{Ranges, Site};

/// A run on one input.
#[derive(Clone, Debug)]
pub(super) struct FloatRun {
    pub(super) output: Vec<f32>,
    pub(super) ranges: Ranges,
}

/// Runs the network on token ids, which are within vocabulary and window.
pub(super) fn run(
    configuration: &Configuration,
    parameters: &Parameters,
    tokens: &[u32],
) -> Result<FloatRun, TransformerError> {
    let mut run = Run { configuration, tokens, ranges: Ranges::default(), norms: 0 };
    let output = run.output(parameters);
    match output.iter().all(|value| value.is_finite()) {
        true => Ok(FloatRun { output, ranges: run.ranges }),
        false => Err(TransformerError::NotFinite { place: "output".into() }),
    }
}

/// Cosine and sine of the angle for a place and each pair of a head's elements.
pub(super) fn rotation(place: usize, half: usize, base: f64) -> impl Iterator<Item = (f64, f64)> {
    (0..half).map(move |index| {
        let angle = place as f64 * base.powf(-(index as f64) / half as f64);
        (angle.cos(), angle.sin())
    })
}

struct Run<'a> {
    configuration: &'a Configuration,
    tokens: &'a [u32],
    ranges: Ranges,
    norms: usize,
}

impl Run<'_> {
    fn output(&mut self, parameters: &Parameters) -> Vec<f32> {
        let width = self.configuration.width as usize;
        let is_after = self.configuration.placement == Placement::After;
        let mut residual = Vec::new();
        for (token, position) in self.tokens.iter().zip(parameters.positions.chunks_exact(width)) {
            let vector = parameters.tokens.get(*token as usize * width..).unwrap_or_default();
            residual.extend(vector.iter().zip(position).map(|(a, b)| a + b));
        }
        self.centre(&mut residual);
        let mut read = Vec::new();
        if is_after {
            read = self.norm(&residual, &parameters.outer_norm);
        }
        for (index, block) in parameters.blocks.iter().enumerate() {
            if !is_after {
                read = self.norm(&residual, &block.attention_norm);
            }
            let mixed = self.attention(index, block, &read);
            residual = self.add(&mixed, &block.projection, if is_after { &read } else { &residual });
            let norm = if is_after { &block.attention_norm } else { &block.feed_forward_norm };
            read = self.norm(&residual, norm);
            let active = self.feed_forward(index, block, &read);
            residual = self.add(&active, &block.down, if is_after { &read } else { &residual });
            if is_after {
                read = self.norm(&residual, &block.feed_forward_norm);
            }
        }
        if !is_after {
            read = self.norm(&residual, &parameters.outer_norm);
        }
        match self.configuration.head {
            Head::Embedding => self.pooled(&read),
            Head::Logits { places } | Head::Tokens { count: places } => {
                let from = self.tokens.len().saturating_sub(places as usize) * width;
                linear(read.get(from..).unwrap_or_default(), parameters.output_matrix(), None, width)
            }
        }
    }

    fn is_seen(&self, query: usize, key: usize) -> bool {
        match self.configuration.mask {
            Mask::Padding { token } => self.tokens.get(key) != Some(&token),
            Mask::Causal => key <= query,
            Mask::Nothing => true,
        }
    }

    fn record(&mut self, site: Site, index: usize, values: &[f32]) {
        // Calibration ignores what padding computes: nothing reads it.
        let width = (values.len() / self.tokens.len().max(1)).max(1);
        let padding = if let Mask::Padding { token } = self.configuration.mask { Some(token) } else { None };
        let rows = values.chunks(width).zip(self.tokens).filter(|(_, token)| Some(**token) != padding);
        let seen: Vec<f64> = rows.flat_map(|(row, _)| row).map(|value| f64::from(*value)).collect();
        self.ranges.record((site, index), seen);
    }

    fn centre(&self, values: &mut [f32]) {
        if !self.configuration.is_centred() {
            return;
        }
        for row in values.chunks_mut(self.configuration.width as usize) {
            let mean = row.iter().sum::<f32>() / row.len() as f32;
            row.iter_mut().for_each(|value| *value -= mean);
        }
    }

    /// `linear(mixed) + residual`, centred.
    fn add(&self, mixed: &[f32], layer: &Linear, residual: &[f32]) -> Vec<f32> {
        let inputs = layer.weights.len() / layer.bias.len().max(1);
        let mut sums = linear(mixed, &layer.weights, Some(&layer.bias), inputs);
        sums.iter_mut().zip(residual).for_each(|(sum, residual)| *sum += residual);
        self.centre(&mut sums);
        sums
    }

    fn norm(&mut self, residual: &[f32], affine: &Affine) -> Vec<f32> {
        let width = self.configuration.width as usize;
        let (mut squares, mut normal) = (Vec::new(), Vec::new());
        for row in residual.chunks(width) {
            let sum: f64 = row.iter().map(|value| f64::from(*value).powi(2)).sum();
            let root = (sum / width as f64 + self.configuration.epsilon).sqrt() as f32;
            squares.push(sum as f32);
            normal.extend(row.iter().map(|value| value / root));
        }
        let index = self.norms;
        self.norms += 1;
        self.record(Site::Residual, index, residual);
        self.record(Site::Squares, index, &squares);
        self.record(Site::Normal, index, &normal);
        let affines = affine.gain.iter().zip(&affine.bias).cycle();
        normal.iter().zip(affines).map(|(value, (gain, bias))| value * gain + bias).collect()
    }

    fn attention(&mut self, index: usize, block: &Block, read: &[f32]) -> Vec<f32> {
        let Configuration { width, heads, key_value_heads, .. } = *self.configuration;
        let (width, per_head) = (width as usize, self.configuration.head_width() as usize);
        let key_values = self.configuration.key_value_width() as usize;
        let group = (heads / key_value_heads) as usize;
        let of = |layer: &Linear| linear(read, &layer.weights, Some(&layer.bias), width);
        let mut query = of(&block.query);
        let scale = (per_head as f32).sqrt();
        query.iter_mut().for_each(|value| *value /= scale);
        let mut key = of(&block.key);
        let value = of(&block.value);
        self.record(Site::Query, index, &query);
        self.record(Site::Key, index, &key);
        self.record(Site::Value, index, &value);
        self.turn(&mut query, width);
        self.turn(&mut key, key_values);
        self.record(Site::TurnedQuery, index, &query);
        self.record(Site::TurnedKey, index, &key);
        let count = self.tokens.len();
        let mut context = vec![0.0f32; count * width];
        let mut scores = Vec::new();
        for head in 0..heads as usize {
            let shared = head / group * per_head;
            for place in 0..count {
                let own = &query[place * width + head * per_head..][..per_head];
                let row: Vec<(usize, f32)> = (0..count)
                    .filter(|other| self.is_seen(place, *other))
                    .map(|other| (other, dot(own, &key[other * key_values + shared..][..per_head])))
                    .collect();
                let largest = row.iter().fold(f32::NEG_INFINITY, |largest, (_, score)| largest.max(*score));
                let total: f32 = row.iter().map(|(_, score)| (score - largest).exp()).sum();
                let target = &mut context[place * width + head * per_head..][..per_head];
                for (other, score) in &row {
                    let share = (score - largest).exp() / total;
                    let from = &value[other * key_values + shared..][..per_head];
                    target.iter_mut().zip(from).for_each(|(sum, value)| *sum += share * value);
                    scores.push(f64::from(*score));
                }
            }
        }
        self.ranges.record((Site::Score, index), scores);
        self.record(Site::Context, index, &context);
        context
    }

    /// Rotary positions.
    fn turn(&self, vectors: &mut [f32], width: usize) {
        let Positions::Rotary { base } = self.configuration.positions else { return };
        let per_head = self.configuration.head_width() as usize;
        let half = per_head / 2;
        for (place, row) in vectors.chunks_mut(width).enumerate() {
            for head in row.chunks_mut(per_head) {
                let (first, second) = head.split_at_mut(half);
                for ((a, b), (cosine, sine)) in first.iter_mut().zip(second).zip(rotation(place, half, base)) {
                    let (x, y) = (f64::from(*a), f64::from(*b));
                    *a = (x * cosine - y * sine) as f32;
                    *b = (y * cosine + x * sine) as f32;
                }
            }
        }
    }

    fn feed_forward(&mut self, index: usize, block: &Block, read: &[f32]) -> Vec<f32> {
        let width = self.configuration.width as usize;
        let up = linear(read, &block.up.weights, Some(&block.up.bias), width);
        self.record(Site::Up, index, &up);
        let nonlinearity = self.configuration.nonlinearity;
        let active: Vec<f32> = match &block.gate {
            None => up.iter().map(|value| function(nonlinearity, *value)).collect(),
            Some(gate) => {
                let gate = linear(read, &gate.weights, Some(&gate.bias), width);
                self.record(Site::Gate, index, &gate);
                gate.iter().zip(&up).map(|(gate, up)| function(nonlinearity, *gate) * up).collect()
            }
        };
        self.record(Site::Active, index, &active);
        active
    }

    fn pooled(&mut self, read: &[f32]) -> Vec<f32> {
        let width = self.configuration.width as usize;
        let padding = if let Mask::Padding { token } = self.configuration.mask { Some(token) } else { None };
        let mut sums = vec![0.0f32; width];
        for (row, token) in read.chunks(width).zip(self.tokens) {
            if Some(*token) != padding {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
        let squares: f64 = sums.iter().map(|value| f64::from(*value).powi(2)).sum();
        let length = squares.sqrt().max(f64::MIN_POSITIVE) as f32;
        self.ranges.record((Site::Pooled, 0), sums.iter().map(|value| f64::from(*value)));
        self.ranges.record((Site::PooledSquares, 0), [squares]);
        let output: Vec<f32> = sums.iter().map(|value| value / length).collect();
        self.ranges.record((Site::Output, 0), output.iter().map(|value| f64::from(*value)));
        output
    }
}

fn function(nonlinearity: Nonlinearity, x: f32) -> f32 {
    let x = f64::from(x);
    let y = match nonlinearity {
        Nonlinearity::Gelu => 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
        Nonlinearity::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            0.5 * x * (1.0 + inner.tanh())
        }
        Nonlinearity::Silu | Nonlinearity::SwiGlu => x / (1.0 + (-x).exp()),
    };
    y as f32
}

/// `W x + b` for every row `x` of `inputs` elements.
fn linear(rows: &[f32], weights: &[f32], bias: Option<&[f32]>, inputs: usize) -> Vec<f32> {
    let count = rows.len() / inputs.max(1);
    let outputs = weights.len() / inputs.max(1);
    let columns: Vec<f32> = weights
        .par_chunks(inputs.max(1))
        .enumerate()
        .flat_map_iter(|(output, weights)| {
            let bias = bias.and_then(|bias| bias.get(output)).copied().unwrap_or(0.0);
            rows.chunks(inputs.max(1)).map(move |row| dot(weights, row) + bias)
        })
        .collect();
    (0..count)
        .flat_map(|row| (0..outputs).map(move |output| output * count + row))
        .map(|place| columns[place])
        .collect()
}

/// Eight sums side by side, so that the compiler can use vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

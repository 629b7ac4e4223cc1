//! The weights of a transformer, in floats.

use super::configuration::{Configuration, Head, Nonlinearity, Placement, Positions};
use crate::import::seeded::Seeded;

/// A linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// `[outputs, inputs]`, row-major.
    pub weights: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
}

/// What is applied to each element after a norm.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// Multiplied, `[width]`.
    pub gain: Vec<f32>,
    /// Added, `[width]`.
    pub bias: Vec<f32>,
}

/// One block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// `[width, width]`
    pub query: Linear,
    /// `[key/value width, width]`
    pub key: Linear,
    /// `[key/value width, width]`
    pub value: Linear,
    /// After attention, `[width, width]`.
    pub projection: Linear,
    /// The attention's norm.
    pub attention_norm: Affine,
    /// `[feed-forward width, width]`, for SwiGLU only.
    pub gate: Option<Linear>,
    /// `[feed-forward width, width]`
    pub up: Linear,
    /// `[width, feed-forward width]`
    pub down: Linear,
    /// The feed-forward layers' norm.
    pub feed_forward_norm: Affine,
}

/// All weights of a transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// `[vocabulary, width]`
    pub tokens: Vec<f32>,
    /// `[window, width]`, added to the tokens' vectors; zeros where positions are rotary.
    pub positions: Vec<f32>,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Of the embedding with norms after, of the last block's result with norms before.
    pub outer_norm: Affine,
    /// `[vocabulary, width]`; without one, logits are products with the tokens' vectors.
    pub head: Option<Vec<f32>>,
}

/// Standard deviation of generated weights, GPT-2's.
const DEVIATION: f32 = 0.02;

impl Parameters {
    /// Generated weights: no model that anybody trained. They depend on configuration and seed alone.
    #[must_use]
    pub fn generated(configuration: &Configuration, seed: u64) -> Self {
        let Configuration { vocabulary, width, feed_forward, window, layers, .. } = *configuration;
        let key_value = configuration.key_value_width();
        let mut draw = Draw(Seeded::new(seed));
        let tokens = draw.matrix(vocabulary, width, DEVIATION);
        let positions = match configuration.positions {
            Positions::Learned => draw.matrix(window, width, DEVIATION),
            Positions::Rotary { .. } => vec![0.0; window as usize * width as usize],
        };
        let blocks = (0..layers)
            .map(|_| Block {
                query: draw.linear(width, width),
                key: draw.linear(key_value, width),
                value: draw.linear(key_value, width),
                projection: draw.linear(width, width),
                attention_norm: draw.affine(configuration),
                gate: (configuration.nonlinearity == Nonlinearity::SwiGlu).then(|| draw.linear(feed_forward, width)),
                up: draw.linear(feed_forward, width),
                down: draw.linear(width, feed_forward),
                feed_forward_norm: draw.affine(configuration),
            })
            .collect();
        Self { tokens, positions, blocks, outer_norm: draw.affine(configuration), head: None }
    }

    /// The matrix that logits are products with.
    pub(super) fn output_matrix(&self) -> &[f32] {
        self.head.as_deref().unwrap_or(&self.tokens)
    }

    /// Every array with its name and its expected length.
    pub(super) fn lengths(&self, configuration: &Configuration) -> Vec<(String, usize, usize)> {
        let Configuration { vocabulary, width, feed_forward, window, .. } = *configuration;
        let of = |rows: u32, columns: u32| rows as usize * columns as usize;
        let key_value = configuration.key_value_width();
        let mut all = vec![
            ("tokens".to_owned(), of(vocabulary, width), self.tokens.len()),
            ("positions".to_owned(), of(window, width), self.positions.len()),
        ];
        let norm = |name: String, affine: &Affine| {
            [(&affine.gain, "gain"), (&affine.bias, "bias")]
                .map(|(values, part)| (format!("{name} {part}"), width as usize, values.len()))
        };
        all.extend(norm("outer norm".into(), &self.outer_norm));
        if let (Some(head), Head::Logits { .. } | Head::Tokens { .. }) = (&self.head, configuration.head) {
            all.push(("head".to_owned(), of(vocabulary, width), head.len()));
        }
        for (index, block) in self.blocks.iter().enumerate() {
            let linears = [
                ("query", Some(&block.query), width, width),
                ("key", Some(&block.key), key_value, width),
                ("value", Some(&block.value), key_value, width),
                ("projection", Some(&block.projection), width, width),
                ("gate", block.gate.as_ref(), feed_forward, width),
                ("up", Some(&block.up), feed_forward, width),
                ("down", Some(&block.down), width, feed_forward),
            ];
            for (name, linear, outputs, inputs) in linears {
                let Some(linear) = linear else { continue };
                all.push((format!("block {index} {name} weights"), of(outputs, inputs), linear.weights.len()));
                all.push((format!("block {index} {name} bias"), outputs as usize, linear.bias.len()));
            }
            all.extend(norm(format!("block {index} attention norm"), &block.attention_norm));
            all.extend(norm(format!("block {index} feed-forward norm"), &block.feed_forward_norm));
        }
        all
    }
}

struct Draw(Seeded);

impl Draw {
    /// Uniform numbers of a standard deviation.
    fn matrix(&mut self, rows: u32, columns: u32, deviation: f32) -> Vec<f32> {
        let reach = deviation * 3.0f32.sqrt();
        (0..rows as usize * columns as usize).map(|_| self.0.symmetric() * reach).collect()
    }

    fn linear(&mut self, outputs: u32, inputs: u32) -> Linear {
        // Large enough for attention and functions to leave their linear part, however narrow the model.
        let deviation = DEVIATION.max(0.6 / f64::from(inputs).sqrt() as f32);
        Linear { weights: self.matrix(outputs, inputs, deviation), bias: self.matrix(1, outputs, DEVIATION) }
    }

    fn affine(&mut self, configuration: &Configuration) -> Affine {
        let gain = self.matrix(1, configuration.width, 0.1).into_iter().map(|value| 1.0 + value).collect();
        let bias = match configuration.placement {
            Placement::Before if !configuration.is_centred() => vec![0.0; configuration.width as usize],
            _ => self.matrix(1, configuration.width, DEVIATION),
        };
        Affine { gain, bias }
    }
}

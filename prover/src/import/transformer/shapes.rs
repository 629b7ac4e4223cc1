//! Shapes of known models, for benchmarks: their weights are generated, and nobody trained them.

use super::configuration::{Configuration, Head, Mask, Nonlinearity, Norm, Placement, Positions};
use crate::import::seeded::Seeded;

/// A known shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 12 layers of width 768 with 12 heads and 50257 tokens: 124 million weights.
    Gpt2,
    /// 4 layers of width 64 with 4 heads and 65 tokens: a quarter of a million weights.
    NanoGpt,
    /// One block of width 256 with 8 heads, 2 of them for keys and values, rotary positions, RMS norm and SwiGLU.
    Llama,
    /// 6 layers of width 384 with 12 heads and 30522 tokens: the encoder of all-MiniLM-L6-v2.
    MiniLm,
}

impl Shape {
    /// The configuration for inputs of `window` tokens.
    #[must_use]
    pub fn configuration(self, window: u32) -> Configuration {
        let decoder = Configuration {
            vocabulary: 50257,
            width: 768,
            layers: 12,
            heads: 12,
            key_value_heads: 12,
            feed_forward: 3072,
            window,
            batch: 1,
            norm: Norm::Layer,
            placement: Placement::Before,
            epsilon: 1e-5,
            nonlinearity: Nonlinearity::GeluTanh,
            positions: Positions::Learned,
            mask: Mask::Causal,
            head: Head::Logits { places: 1 },
        };
        match self {
            Self::Gpt2 => decoder,
            Self::NanoGpt => Configuration {
                vocabulary: 65,
                width: 64,
                layers: 4,
                heads: 4,
                key_value_heads: 4,
                feed_forward: 256,
                ..decoder
            },
            Self::Llama => Configuration {
                vocabulary: 4096,
                width: 256,
                layers: 1,
                heads: 8,
                key_value_heads: 2,
                feed_forward: 688,
                norm: Norm::RootMeanSquare,
                nonlinearity: Nonlinearity::SwiGlu,
                positions: Positions::Rotary { base: 10_000.0 },
                ..decoder
            },
            Self::MiniLm => Configuration {
                vocabulary: 30522,
                width: 384,
                layers: 6,
                feed_forward: 1536,
                placement: Placement::After,
                epsilon: 1e-12,
                nonlinearity: Nonlinearity::Gelu,
                mask: Mask::Padding { token: 0 },
                head: Head::Embedding,
                ..decoder
            },
        }
    }
}

impl Configuration {
    /// Random inputs that fill the window, to calibrate generated weights on; padding is not among their tokens.
    #[must_use]
    pub fn random_inputs(&self, count: usize, seed: u64) -> Vec<Vec<u32>> {
        let mut generator = Seeded::new(seed);
        let mut token = || {
            let drawn = u32::try_from(generator.below(self.vocabulary as usize)).unwrap_or(0);
            match self.mask {
                Mask::Padding { token } if token == drawn => (drawn + 1) % self.vocabulary,
                _ => drawn,
            }
        };
        (0..count).map(|_| (0..self.window).map(|_| token()).collect()).collect()
    }
}

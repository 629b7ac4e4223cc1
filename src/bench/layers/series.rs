//! Networks of growing size, so that one sees how each layer's cost grows with the model.
//!
//! Dense layers with ReLU between them and seeded weights: what proving costs depends on shapes, not on what was learned.

use circuits::model::bundle::{Bundle, BundleError, Info};
use circuits::model::graph::Input;
use circuits::model::range::Range;
use circuits::model::tensor::{Tensor, TensorError};
use prover::import::network::{Layer, Network, NetworkError};
use prover::import::quantise::{QuantiseError, Settings, quantise};
use prover::import::seeded::Seeded;

use super::measure::SEED;

/// Inputs that ranges are chosen by.
const CALIBRATION: usize = 16;
/// Widths of each network, from the smallest to the largest.
const WIDTHS: [&[u32]; 5] = [
    &[784, 128, 64, 10],
    &[784, 512, 512, 10],
    &[1024, 1024, 1024, 10],
    &[2048, 2048, 1024, 10],
    &[2048, 4096, 2048, 10],
];

/// Why a network was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeriesError {
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    #[error(transparent)]
    Tensor(#[from] TensorError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// A network of the series, not made yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made(&'static [u32]);

/// All of them, from the smallest to the largest.
pub(crate) fn series() -> impl Iterator<Item = Made> {
    WIDTHS.into_iter().map(Made)
}

impl Made {
    /// Its name: the widths of its layers.
    pub(crate) fn name(self) -> String {
        let widths: Vec<String> = self.0.iter().map(u32::to_string).collect();
        format!("dense {}", widths.join("-"))
    }

    /// Makes it: 8-bit weights, inputs of 0 to 16.
    pub(crate) fn bundle(self) -> Result<Bundle, SeriesError> {
        let mut generator = Seeded::new(SEED);
        let layers = self.0.windows(2).filter_map(|pair| match pair {
            [inputs, outputs] => Some(dense(*inputs, *outputs, &mut generator)),
            _ => None,
        });
        let network = Network::new(layers.collect())?;
        let shape = vec![network.inputs()];
        let input = Input { shape: shape.clone(), range: Range { min: 0, max: 16 } };
        let elements = usize::try_from(network.inputs()).unwrap_or(0);
        let mut example = || {
            let values = (0..elements).map(|_| i64::try_from(generator.below(17)).unwrap_or(0));
            Tensor::new(shape.clone(), values.collect())
        };
        let calibration = (0..CALIBRATION).map(|_| example()).collect::<Result<Vec<_>, _>>()?;
        let settings = Settings { input, input_step: 1.0 / 16.0, weight_bits: 8, table_rows_max: 1000 };
        let quantised = quantise(&network, &settings, &calibration)?;
        let info = Info {
            name: self.name(),
            labels: Vec::new(),
            input_scale: "random levels from 0 to 16".to_owned(),
            quantisation: None,
        };
        Ok(Bundle::new(quantised.graph, quantised.weights, info)?)
    }
}

/// Weights within what keeps the variance of ReLU layers (He and others, 2015), no bias.
fn dense(inputs: u32, outputs: u32, generator: &mut Seeded) -> Layer {
    let bound = (6.0 / f64::from(inputs)).sqrt();
    let count = u64::from(inputs) * u64::from(outputs);
    let weights = (0..count).map(|_| (f64::from(generator.symmetric()) * bound) as f32).collect();
    let bias = (0..outputs).map(|_| 0.0).collect();
    Layer { inputs, outputs, weights, bias }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    #[test]
    fn the_smallest_is_made_and_sizes_grow() {
        let first = series().next().unwrap();
        assert_eq!(first.name(), "dense 784-128-64-10");
        let bundle = first.bundle().unwrap();
        assert_eq!(bundle.graph().multiply_accumulates(), 784 * 128 + 128 * 64 + 64 * 10);
        assert_eq!(first.bundle().unwrap().hash(), bundle.hash());
        let sizes: Vec<u64> = WIDTHS
            .iter()
            .map(|widths| widths.windows(2).map(|pair| u64::from(pair[0]) * u64::from(pair[1])).sum())
            .collect();
        assert!(sizes.is_sorted(), "{sizes:?}");
    }
}

//! Norms: what is read is centred already, so only its mean square is taken.

use circuits::model::range::Range;

use super::functions::reciprocal_root;
use super::sites::{Ranges, Site, Span};
use super::writer::{ARGUMENT_BITS, Fixed, Writer};
use super::{Precision, TransformerError};

/// Bits of a reciprocal root.
const ROOT_BITS: u32 = 15;

impl Writer {
    /// Norm number `index` of a value `[tokens, width]`, without gain and bias: layers that read it take them on themselves.
    pub(super) fn norm(
        &mut self,
        source: &Fixed,
        index: usize,
        epsilon: f64,
        ranges: &Ranges,
        precision: Precision,
    ) -> Result<Fixed, TransformerError> {
        let width = source.shape.last().copied().unwrap_or(1);
        let roots = self.roots(source, f64::from(width), epsilon, ranges.get((Site::Squares, index))?)?;
        let spread = self.strided(&roots, 0, source.shape.clone(), &[1, 0]);
        let product = self.multiply(source, &spread);
        Ok(self.narrow(&product, ranges.get((Site::Normal, index))?, precision.activation_bits))
    }

    /// `1 / sqrt(|row|^2 / count + epsilon)` for every row of `[rows, width]`, as `[rows, 1, 1]`.
    pub(super) fn roots(
        &mut self,
        source: &Fixed,
        count: f64,
        epsilon: f64,
        squares: Span,
    ) -> Result<Fixed, TransformerError> {
        let (rows, width) = match *source.shape.as_slice() {
            [rows, width] => (rows, width),
            _ => (1, 1),
        };
        let across = self.reshape(source, vec![rows, 1, width]);
        let down = self.reshape(source, vec![rows, width, 1]);
        let sums = self.matrix_multiply(&across, &down);
        // Half and twice of what calibration saw; an argument of zero would have no root.
        let (low, high) = (squares.low / 2.0, squares.high.max(f64::MIN_POSITIVE) * 2.0);
        let exponent = ((f64::from(ARGUMENT_BITS) - high.log2()).floor() as i32).min(sums.exponent);
        let scale = f64::from(exponent).exp2();
        let clamp = Range { min: ((low * scale).floor() as i64).max(1), max: ((high * scale).ceil() as i64).max(2) };
        let smallest = clamp.min as f64 / scale;
        let largest_root = 1.0 / (smallest / count + epsilon).sqrt();
        let result = (f64::from(ROOT_BITS) - largest_root.log2()).floor() as i32;
        let activation = reciprocal_root([exponent, result], count, epsilon, ROOT_BITS)?;
        Ok(self.requantise(&sums, exponent, clamp, activation, result))
    }
}

//! Attention: products of all heads at once, and a softmax whose largest score is found exactly.

use circuits::model::graph::Activation;
use circuits::model::range::Range;

use super::configuration::{Configuration, Mask, Positions};
use super::float::rotation;
use super::functions::{SHARE_MAX, exponential, reciprocal};
use super::linear::{Ending, Layer};
use super::parameters::{Affine, Block};
use super::sites::{Ranges, Site};
use super::writer::{ARGUMENT_BITS, Fixed, Writer, finest};
use super::{Precision, TransformerError};

/// How far below the largest score a key's weight rounds to nothing: `e^-9.1 < 1 / (2 SHARE_MAX)`.
const DEPTH: f64 = 9.1;
/// Exponent of a weight's share: `SHARE_MAX` is almost 1.
const SHARE_EXPONENT: i32 = 12;
/// Exponent of cosines and sines.
const ANGLE_EXPONENT: i32 = 11;

/// The parts of a network that attentions share.
pub(super) struct Attention<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) ranges: &'a Ranges,
    pub(super) precision: Precision,
    /// `[tokens]`: 1 for a real token, 0 for padding.
    pub(super) real: Option<Fixed>,
}

impl Attention<'_> {
    /// Attention number `index` of a normalised value `[tokens, width]`, as `[tokens, width]`.
    pub(super) fn write(
        &self,
        writer: &mut Writer,
        read: &Fixed,
        affine: &Affine,
        block: &Block,
        index: usize,
    ) -> Result<Fixed, TransformerError> {
        let Configuration { width, heads, window, batch, .. } = *self.configuration;
        let tokens = self.configuration.tokens();
        let per_head = self.configuration.head_width();
        let scale = f64::from(per_head).sqrt().recip();
        let mut of = |linear, scale, site| -> Result<Fixed, TransformerError> {
            let layer = Layer::after(affine, linear, scale, read.exponent);
            let ending = Ending { span: self.ranges.get((site, index))?, bits: self.precision.activation_bits };
            writer.layer(read, &layer, self.precision.weight_bits, &ending, |exponent| {
                Ok((Activation::Identity, exponent))
            })
        };
        let query = of(&block.query, scale, Site::Query)?;
        let key = of(&block.key, 1.0, Site::Key)?;
        let value = of(&block.value, 1.0, Site::Value)?;
        let query = self.turned(writer, query, heads, (Site::TurnedQuery, index))?;
        let key = self.turned(writer, key, self.configuration.key_value_heads, (Site::TurnedKey, index))?;
        let query = writer.each(&query, 0, window * width, &[heads, window, per_head], &[per_head, width, 1]);
        let query = writer.reshape(&query, vec![batch * heads, window, per_head]);
        let key = self.shared(writer, &key, true);
        let value = self.shared(writer, &value, false);
        let scores = writer.matrix_multiply(&query, &key);
        let shares = self.softmax(writer, &scores, index)?;
        let context = writer.matrix_multiply(&shares, &value);
        let span = self.ranges.get((Site::Context, index))?;
        let context = writer.narrow(&context, span, self.precision.activation_bits);
        let (shape, strides) = ([window, heads, per_head], [per_head, window * per_head, 1]);
        let context = writer.each(&context, 0, heads * window * per_head, &shape, &strides);
        Ok(writer.reshape(&context, vec![tokens, width]))
    }

    /// Keys or values `[tokens, heads * head width]` for each head of queries: `[heads, tokens, head width]`, or the last two
    /// the other way round.
    fn shared(&self, writer: &mut Writer, source: &Fixed, is_transposed: bool) -> Fixed {
        let Configuration { heads, key_value_heads, window, batch, .. } = *self.configuration;
        let per_head = self.configuration.head_width();
        let row = self.configuration.key_value_width();
        let [rows, columns, down, across] =
            if is_transposed { [per_head, window, 1, row] } else { [window, per_head, row, 1] };
        let group = heads / key_value_heads;
        let shape = [key_value_heads, group, rows, columns];
        let spread = writer.each(source, 0, window * row, &shape, &[per_head, 0, down, across]);
        writer.reshape(&spread, vec![batch * heads, rows, columns])
    }

    /// Rotary positions.
    fn turned(
        &self,
        writer: &mut Writer,
        source: Fixed,
        heads: u32,
        place: (Site, usize),
    ) -> Result<Fixed, TransformerError> {
        let Positions::Rotary { base } = self.configuration.positions else { return Ok(source) };
        let window = self.configuration.window;
        let per_head = self.configuration.head_width();
        let half = per_head / 2;
        let angles: Vec<Vec<(f64, f64)>> =
            (0..window as usize).map(|place| rotation(place, half as usize, base).collect()).collect();
        let integer = |real: f64| (real * f64::from(ANGLE_EXPONENT).exp2()).round() as i64;
        let cosines = angles.iter().flat_map(|row| [row, row].into_iter().flatten()).map(|(c, _)| integer(*c));
        let sines = angles.iter().flat_map(|row| {
            let first = row.iter().map(|(_, s)| -integer(*s));
            first.chain(row.iter().map(|(_, s)| integer(*s))).collect::<Vec<_>>()
        });
        let shape = vec![window, per_head];
        let cosines = writer.constant(shape.clone(), cosines.collect(), ANGLE_EXPONENT);
        let sines = writer.constant(shape, sines.collect(), ANGLE_EXPONENT);
        let tokens = self.configuration.tokens();
        let all = vec![tokens, heads, per_head];
        let width = heads * per_head;
        let [cosines, sines] = [cosines, sines].map(|angles| {
            let angles = writer.each(&angles, 0, 0, &[window, heads, per_head], &[per_head, 0, 1]);
            writer.reshape(&angles, all.clone())
        });
        let plain = writer.reshape(&source, all.clone());
        let halves = vec![tokens, heads, 1, half];
        let strides = [width, per_head, 0, 1];
        let second = writer.strided(&source, half, halves.clone(), &strides);
        let first = writer.strided(&source, 0, halves, &strides);
        let swapped = writer.beside(&second, &first, 2);
        let swapped = writer.reshape(&swapped, all);
        let (kept, crossed) = (writer.multiply(&plain, &cosines), writer.multiply(&swapped, &sines));
        let sum = writer.combine(&[&kept, &crossed], vec![1, 1], 0);
        let narrow = writer.narrow(&sum, self.ranges.get(place)?, self.precision.activation_bits);
        Ok(writer.reshape(&narrow, vec![tokens, width]))
    }

    /// Shares of exponent [`SHARE_EXPONENT`] from `[texts and their heads, queries, keys]` scores.
    fn softmax(&self, writer: &mut Writer, scores: &Fixed, index: usize) -> Result<Fixed, TransformerError> {
        let Configuration { heads, window, batch, mask, .. } = *self.configuration;
        let span = self.ranges.get((Site::Score, index))?;
        let table = 1u64 << writer.table_bits;
        let depth = |exponent: i32| (DEPTH * f64::from(exponent).exp2()).ceil() as i64;
        let reach = |exponent: i32| span.clamp(exponent).max - span.clamp(exponent).min + depth(exponent);
        let is_masked = mask != Mask::Nothing;
        // Differences of masked scores, on both sides of zero, take one table.
        let differences = |exponent: i32| {
            let own = span.clamp(exponent).count();
            2 * (own + if is_masked { reach(exponent).unsigned_abs() } else { 0 })
        };
        let shift = finest(scores, |exponent, quotients| quotients.count() <= table && differences(exponent) < table);
        let exponent = scores.exponent - shift;
        let scores = writer.requantise(scores, exponent, span.clamp(exponent), Activation::Identity, exponent);
        let scores = self.masked(writer, scores, reach(exponent));
        let largest = writer.largest(&scores);
        let rows = [window, 1, 0];
        let all = vec![batch * heads, window, window];
        let largest = writer.strided(&largest, 0, all.clone(), &rows);
        let below = writer.combine(&[&scores, &largest], vec![1, -1], 0);
        let clamp = Range { min: -depth(exponent), max: 0 };
        let weights = writer.requantise(&below, exponent, clamp, exponential(exponent)?, 0);
        let total = writer.sum(&weights);
        // One weight is the largest, so the total is at least that.
        let most = SHARE_MAX * i64::from(window);
        let shift = (0..16).find(|shift| most >> shift < 1 << ARGUMENT_BITS).unwrap_or(16);
        let clamp = Range { min: SHARE_MAX >> shift, max: most >> shift };
        let result = SHARE_EXPONENT + 16;
        let inverse = reciprocal([-shift, result], 17)?;
        let inverse = writer.requantise(&total, -shift, clamp, inverse, result);
        let inverse = writer.strided(&inverse, 0, all, &rows);
        let product = writer.multiply(&weights, &inverse);
        let clamp = Range { min: 0, max: SHARE_MAX };
        Ok(writer.requantise(&product, SHARE_EXPONENT, clamp, Activation::Identity, SHARE_EXPONENT))
    }

    /// Scores that a query does not see, so far down that nothing of them is left.
    fn masked(&self, writer: &mut Writer, scores: Fixed, reach: i64) -> Fixed {
        let Configuration { heads, window, batch, mask, .. } = *self.configuration;
        let all = vec![batch * heads, window, window];
        match (mask, &self.real) {
            (Mask::Padding { .. }, Some(real)) => {
                let keys = writer.each(real, 0, window, &[heads, window, window], &[0, 0, 1]);
                let keys = writer.reshape(&keys, all);
                writer.combine(&[&scores, &keys], vec![1, reach], -reach)
            }
            (Mask::Causal, _) => {
                let count = window as usize;
                let hidden = (0..count * count).map(|place| if place % count > place / count { -reach } else { 0 });
                let hidden = writer.constant(vec![window, window], hidden.collect(), scores.exponent);
                let hidden = writer.strided(&hidden, 0, all, &[0, window, 1]);
                writer.combine(&[&scores, &hidden], vec![1, 1], 0)
            }
            _ => scores,
        }
    }
}

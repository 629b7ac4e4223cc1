//! Where calibration looks: intervals of real numbers by place in the network.

use std::collections::BTreeMap;

use circuits::model::range::Range;

use super::TransformerError;

/// A place in the network whose values calibration bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    Query,
    Key,
    Value,
    Score,
    Context,
    /// What a norm reads: the residual, centred where the norm centres.
    Residual,
    /// Sum of the squares of what a norm reads.
    Squares,
    /// What a norm makes of it, without gain and bias.
    Normal,
    Gate,
    Up,
    /// What the second feed-forward layer reads.
    Active,
    /// Queries and keys after rotary positions.
    TurnedQuery,
    TurnedKey,
    /// Sums over the tokens, the squares of one input's, and the output.
    Pooled,
    PooledSquares,
    Output,
}

/// A place and the step of the network it belongs to: norms, attentions and feed-forwards are counted from 0.
pub(super) type Place = (Site, usize);

/// A closed interval of real numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Span {
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let one = |value| Self { low: value, high: value };
        values.into_iter().map(one).reduce(Self::hull)
    }

    pub(super) fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Bits of the smallest power of two above every magnitude, as integers of an exponent.
    fn bits(self, exponent: i32) -> u32 {
        let magnitude = self.low.abs().max(self.high.abs()) * f64::from(exponent).exp2();
        let bits = if magnitude < 1.0 { 1.0 } else { magnitude.log2().floor() + 1.0 };
        bits.min(62.0) as u32
    }

    /// Integers of an exponent up to the next power of two: clamps of few kinds share lookup tables.
    pub(super) fn clamp(self, exponent: i32) -> Range {
        let limit = 1i64 << self.bits(exponent);
        Range { min: if self.low >= 0.0 { 0 } else { -limit }, max: limit - 1 }
    }
}

/// Intervals by place.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges(BTreeMap<Place, Span>);

impl Ranges {
    pub(super) fn record(&mut self, place: Place, values: impl IntoIterator<Item = f64>) {
        let Some(span) = Span::of(values) else { return };
        self.0.entry(place).and_modify(|known| *known = known.hull(span)).or_insert(span);
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        for (place, span) in other.0 {
            self.record(place, [span.low, span.high]);
        }
        self
    }

    /// The interval of a place.
    ///
    /// # Errors
    /// Where calibration saw nothing, or nothing finite.
    pub(super) fn get(&self, place: Place) -> Result<Span, TransformerError> {
        let finite = |span: &Span| span.low.is_finite() && span.high.is_finite();
        let found = self.0.get(&place).copied().filter(finite);
        found.ok_or_else(|| TransformerError::NotFinite { place: format!("{:?} {}", place.0, place.1) })
    }
}

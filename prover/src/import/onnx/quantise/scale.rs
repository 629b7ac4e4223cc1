//! Intervals of real numbers, and the exponents that fit them into bits.

use circuits::model::range::Range;

/// Exponents stay within this.
pub(crate) const EXPONENT_LIMIT: i32 = 56;

/// The choices that precision leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Precision {
    /// Bits of a function's argument over the interval seen in calibration.
    pub(crate) activation_bits: u32,
    /// Bits of a weight, sign included.
    pub(crate) weight_bits: u32,
    /// Shift that linear layers are scaled for.
    pub(crate) shift: u32,
}

impl Precision {
    /// Bits of a factor.
    pub(crate) fn factor_bits(self) -> u32 {
        (self.activation_bits + 3).min(16)
    }

    /// Bits of a function's result.
    pub(crate) fn result_bits(self) -> u32 {
        self.activation_bits + 2
    }
}

/// A closed interval of finite real numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    /// Smallest.
    pub(crate) low: f64,
    /// Largest.
    pub(crate) high: f64,
}

impl Interval {
    /// The interval of some values, leaving out what is not finite; `None` if nothing is left.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        finite.fold(None, |interval: Option<Self>, value| {
            let one = Self { low: value, high: value };
            Some(interval.map_or(one, |interval| interval.hull(one)))
        })
    }

    /// The smallest interval around both.
    pub(crate) fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Largest magnitude.
    pub(crate) fn magnitude(self) -> f64 {
        self.low.abs().max(self.high.abs())
    }

    /// The width, or a part of the magnitude where calibration saw hardly more than one value.
    pub(crate) fn span(self) -> f64 {
        (self.high - self.low).max(self.magnitude() / 4.0)
    }

    /// An eighth of the width wider on both sides, though not across zero.
    pub(crate) fn widened(self) -> Self {
        let margin = self.span() / 8.0;
        let low = if self.low >= 0.0 { (self.low - margin).max(0.0) } else { self.low - margin };
        let high = if self.high <= 0.0 { (self.high + margin).min(0.0) } else { self.high + margin };
        Self { low, high }
    }

    /// The integers of exponent `exponent` that cover the interval.
    pub(crate) fn integers(self, exponent: i32) -> Range {
        let scale = f64::from(exponent).exp2();
        let limit = circuits::model::range::MAGNITUDE_MAX;
        let min = ((self.low * scale).floor() as i64).clamp(-limit, limit);
        let max = ((self.high * scale).ceil() as i64).clamp(-limit, limit);
        Range { min, max }
    }
}

/// The largest exponent at which a width takes at most `2^bits` steps.
pub(crate) fn exponent_of(width: f64, bits: u32) -> i32 {
    if width <= 0.0 || !width.is_finite() {
        return 0;
    }
    // Relative to the bits, so that a width of exactly a power of two is not pushed over by rounding.
    let exponent = f64::from(bits) - width.log2();
    ((exponent + 1e-9).floor() as i32).clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT)
}

/// The exponent at which numbers become integers below `2^(bits - 1)`: the smallest that loses nothing if there is one.
pub(crate) fn fixed_exponent(values: &[f64], bits: u32) -> i32 {
    let magnitude = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    if magnitude == 0.0 {
        return 0;
    }
    let limit = ((1u64 << (bits - 1)) - 1) as f64;
    let largest = ((limit / magnitude).log2().floor() as i32).clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT);
    let needed = values.iter().filter(|value| **value != 0.0).map(|value| -power_of_two(*value)).max().unwrap_or(0);
    largest.min(needed.max(-EXPONENT_LIMIT))
}

/// The largest power of two that divides a number, as its exponent.
pub(crate) fn power_of_two(value: f64) -> i32 {
    let bits = value.to_bits();
    let biased = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = if biased == 0 { (fraction, -1074) } else { (fraction | (1 << 52), biased - 1075) };
    if mantissa == 0 { 0 } else { exponent + mantissa.trailing_zeros() as i32 }
}

/// `value 2^exponent`, rounded.
pub(crate) fn scaled(value: f64, exponent: i32) -> i64 {
    (value * f64::from(exponent).exp2()).round() as i64
}

//! Closed integer intervals, and the arithmetic that static analysis needs.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Largest magnitude that any integer of a model may reach: 2^47.
///
/// Sums stay far below the scalar field's half (about 2^253) and below 2^53, so that `f64` arithmetic is exact too.
pub const MAGNITUDE_MAX: i64 = 1 << 47;

/// A closed interval of integers, `min <= max`, both within [`MAGNITUDE_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Smallest value.
    pub min: i64,
    /// Largest value.
    pub max: i64,
}

impl Range {
    /// The interval `[min, max]`, or `None` when it is empty or exceeds [`MAGNITUDE_MAX`].
    #[must_use]
    pub fn new(min: i64, max: i64) -> Option<Self> {
        let range = Self { min, max };
        range.is_valid().then_some(range)
    }

    /// Whether `min <= max` and both ends lie within [`MAGNITUDE_MAX`].
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.min <= self.max && self.min >= -MAGNITUDE_MAX && self.max <= MAGNITUDE_MAX
    }

    /// Whether `value` lies in the interval.
    #[must_use]
    pub fn contains(&self, value: i64) -> bool {
        self.min <= value && value <= self.max
    }

    /// Whether every value of `other` lies in this interval.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.min <= other.min && other.max <= self.max
    }

    /// The smallest interval that covers both.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Number of integers in a valid interval.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.max.abs_diff(self.min) + 1
    }

    /// The interval of `weight * x` for `x` in this interval, in 128 bits.
    #[must_use]
    pub fn scaled(&self, weight: i64) -> (i128, i128) {
        let (a, b) = (i128::from(weight) * i128::from(self.min), i128::from(weight) * i128::from(self.max));
        (a.min(b), a.max(b))
    }
}

//! Repeated measurements of one quantity, and how far their median can be trusted.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// Largest number of samples that a record may hold; the odds of [`Samples::interval`] need 2^-n to be a normal number.
pub(crate) const SAMPLES_MAX: usize = 1000;
/// Coverage that a median's interval should have.
const COVERAGE: f64 = 0.95;

/// All values that were measured, in the order of measuring, and their median.
///
/// Invariants: 1 to [`SAMPLES_MAX`] values, none zero, and `median` is theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawSamples")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "RawSamples"))]
pub(crate) struct Samples {
    median: NonZeroU64,
    values: Vec<NonZeroU64>,
}

/// Why values are no samples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SamplesError {
    #[error("samples: expected 1 to {SAMPLES_MAX} values, got {got}")]
    Count { got: usize },
    #[error("samples: expected values above zero, got 0 at position {position}; leave out what was not measured")]
    Zero { position: usize },
    #[error("samples: expected the values' median {expected}, got {got}")]
    Median { expected: u64, got: u64 },
}

/// All values that were measured, in the order of measuring, and their median (of an even number, the mean of the two in
/// the middle, rounded down).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Samples"))]
struct RawSamples {
    /// The median.
    median: NonZeroU64,
    /// Every value.
    #[cfg_attr(test, schemars(length(min = 1, max = 1000)))]
    values: Vec<NonZeroU64>,
}

/// An interval that holds the true median with a probability of at least `coverage`, whatever the distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    /// Lower end.
    pub(crate) low: u64,
    /// Upper end.
    pub(crate) high: u64,
    /// Probability, 0 to 1.
    pub(crate) coverage: f64,
}

impl Samples {
    /// Samples of what was measured.
    pub(crate) fn new(values: Vec<u64>) -> Result<Self, SamplesError> {
        let zero = values.iter().position(|value| *value == 0);
        if let Some(position) = zero {
            return Err(SamplesError::Zero { position });
        }
        Self::of(values.into_iter().filter_map(NonZeroU64::new).collect())
    }

    fn of(values: Vec<NonZeroU64>) -> Result<Self, SamplesError> {
        let count = SamplesError::Count { got: values.len() };
        if values.len() > SAMPLES_MAX {
            return Err(count);
        }
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle).ok_or(count)?;
        let median = match sorted.len().is_multiple_of(2).then(|| sorted.get(middle - 1)).flatten() {
            Some(lower) => lower.saturating_add((upper.get() - lower.get()) / 2),
            None => upper,
        };
        Ok(Self { median, values })
    }

    /// The median.
    pub(crate) fn median(&self) -> u64 {
        self.median.get()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }

    /// Bounds of the true median: a pair of order statistics, the narrowest that covers it in 95 % of all cases, or the
    /// extremes where there are too few samples for that.
    ///
    /// The r-th smallest of n values exceeds the true median exactly if fewer than r values lie below it, which has the
    /// probability of fewer than r heads in n throws of a coin (H. A. David, "Order Statistics", section 7.1).
    pub(crate) fn interval(&self) -> Interval {
        let mut sorted = self.values.clone();
        sorted.sort_unstable();
        let count = sorted.len();
        let mut best = Interval { low: self.median(), high: self.median(), coverage: 0.0 };
        // P(heads = r) and P(heads < r) for growing r, from the smallest pair of ranks.
        let (mut probability, mut below) = (0.5f64.powf(count as f64), 0.0);
        for rank in 0..count / 2 {
            below += probability;
            let coverage = 1.0 - 2.0 * below;
            if rank > 0 && coverage < COVERAGE {
                break;
            }
            if let (Some(low), Some(high)) = (sorted.get(rank), sorted.get(count - 1 - rank)) {
                best = Interval { low: low.get(), high: high.get(), coverage };
            }
            probability *= (count - rank) as f64 / (rank + 1) as f64;
        }
        best
    }
}

impl TryFrom<RawSamples> for Samples {
    type Error = SamplesError;

    fn try_from(RawSamples { median, values }: RawSamples) -> Result<Self, SamplesError> {
        let samples = Self::of(values)?;
        if samples.median != median {
            return Err(SamplesError::Median { expected: samples.median(), got: median.get() });
        }
        Ok(samples)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    fn samples(values: &[u64]) -> Samples {
        Samples::new(values.to_vec()).unwrap()
    }

    #[test]
    fn the_median_is_the_middle_and_order_is_kept() {
        assert_eq!(samples(&[9, 1, 5]).median(), 5);
        assert_eq!(samples(&[4, 1, 8, 7]).median(), 5);
        assert_eq!(samples(&[u64::MAX, u64::MAX - 1]).median(), u64::MAX - 1);
        let json = serde_json::to_string(&samples(&[9, 1, 5])).unwrap();
        assert_eq!(json, r#"{"median":5,"values":[9,1,5]}"#);
        assert_eq!(serde_json::from_str::<Samples>(&json).unwrap(), samples(&[9, 1, 5]));
    }

    #[test]
    fn nothing_zero_and_too_much_are_refused() {
        assert_eq!(Samples::new(vec![]), Err(SamplesError::Count { got: 0 }));
        assert_eq!(Samples::new(vec![3, 0]), Err(SamplesError::Zero { position: 1 }));
        assert_eq!(Samples::new(vec![1; 1001]), Err(SamplesError::Count { got: 1001 }));
        let refusal = |text: &str| serde_json::from_str::<Samples>(text).unwrap_err().to_string();
        assert!(refusal(r#"{"median":1,"values":[]}"#).contains("expected 1 to 1000 values, got 0"));
        assert!(refusal(r#"{"median":4,"values":[9,1,5]}"#).contains("expected the values' median 5, got 4"));
        assert!(refusal(r#"{"median":5,"values":[9,0,5]}"#).contains("expected a nonzero u64"));
        assert!(refusal(r#"{"median":5}"#).contains("missing field `values`"));
        assert!(refusal(r#"{"median":5,"values":[5],"mean":5}"#).contains("unknown field `mean`"));
    }

    #[test]
    fn few_samples_are_bounded_by_their_extremes() {
        assert_eq!(samples(&[7]).interval(), Interval { low: 7, high: 7, coverage: 0.0 });
        assert_eq!(samples(&[3, 1, 2]).interval(), Interval { low: 1, high: 3, coverage: 0.75 });
        assert_eq!(samples(&[5, 3, 1, 2, 4]).interval(), Interval { low: 1, high: 5, coverage: 0.9375 });
    }

    /// The ranks of the usual tables: n = 6 takes 1 and 6, n = 10 takes 2 and 9, n = 30 takes 10 and 21.
    #[test]
    fn many_samples_have_a_narrower_interval_of_95_percent() {
        for (count, low, coverage) in [(6u64, 1, 0.968_75), (10, 2, 0.978_52), (30, 10, 0.957_23)] {
            let interval = samples(&(1..=count).collect::<Vec<_>>()).interval();
            assert_eq!((interval.low, interval.high), (low, count + 1 - low), "{count}");
            assert!((interval.coverage - coverage).abs() < 1e-5, "{count}: {}", interval.coverage);
        }
        let most = samples(&(1..=1000).collect::<Vec<_>>()).interval();
        assert_eq!((most.low, most.high), (469, 532));
        assert!((0.95..0.96).contains(&most.coverage), "{}", most.coverage);
    }
}

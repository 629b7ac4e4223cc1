//! Requantisations and everything else that computes element by element.

use super::super::weights::magnitude;
use super::{Dag, Drawn};
use crate::model::graph::{Activation, Operator, quotient, quotient_range};
use crate::model::range::Range;

/// Largest number of arguments of a formula, and fewer than a circuit's tables may have.
const ARGUMENTS_MAX: i64 = 500;

impl Dag<'_> {
    pub(super) fn requantise(&mut self) -> Drawn {
        let value = self.any();
        self.requantised(value, None)
    }

    /// A requantisation whose clamp lies inside the quotients of the samples, and within `bound` if there is one.
    pub(super) fn requantised(&mut self, value: usize, bound: Option<i64>) -> Drawn {
        let formula = bound.is_none() && self.source.one_in(2);
        let range = self.values[value].range;
        let few = |shift: &u64| {
            let shift = u8::try_from(*shift).unwrap_or(u8::MAX);
            let quotients = quotient_range(range, shift);
            let (low, high) = self.sampled(value, shift);
            quotients.count() <= self.limits.quotients_max && (!formula || high - low <= 2 * ARGUMENTS_MAX)
        };
        let least = (0..=self.limits.shift_max).find(few).unwrap_or(self.limits.shift_max);
        let shift = self.source.between(least, (least + 2).min(self.limits.shift_max));
        let shift = u8::try_from(shift).unwrap_or(u8::MAX);
        let (low, high) = self.sampled(value, shift);
        let quarter = (high - low) / self.source.choose([3, 4, 8, 1 << 40]);
        let (mut low, mut high) = (low + quarter, high - quarter);
        if formula {
            let middle = i64::midpoint(low, high);
            (low, high) = (low.max(middle - ARGUMENTS_MAX / 2), high.min(middle + ARGUMENTS_MAX / 2 - 1));
        }
        if let Some(bound) = bound {
            (low, high) = (low.clamp(-bound, bound), high.clamp(-bound, bound));
        }
        let activation = match self.source.up_to(1) {
            _ if formula => Activation::Formula(self.formula()),
            0 => Activation::Identity,
            _ => Activation::Relu,
        };
        self.push(Operator::Requantise { shift, clamp: Range { min: low, max: high }, activation }, &[value])
    }

    /// Smallest and largest quotient of the samples.
    fn sampled(&self, value: usize, shift: u8) -> (i64, i64) {
        let all = self.samples.iter().flat_map(|sample| &sample[value]);
        let low = all.clone().min().copied().unwrap_or(0);
        let high = all.max().copied().unwrap_or(0);
        (quotient(low, shift), quotient(high, shift))
    }

    pub(super) fn combine(&mut self) -> Drawn {
        let first = self.any();
        let count = self.source.number(1, 4);
        let inputs: Vec<usize> = (1..count).map(|_| self.alike(first)).chain([first]).collect();
        let largest = inputs.iter().map(|value| magnitude(self.values[*value].range)).max().unwrap_or(0).max(1);
        let budget = self.limits.magnitude_max() / i64::from(count + 1);
        let multiplier_max = (budget / largest).clamp(1, self.source.choose([1, 3, 40, 1000]));
        let multipliers = inputs.iter().map(|_| self.source.symmetric(multiplier_max)).collect();
        let constant_max = self.source.choose([0, 1, 100, 5000]);
        let constant = self.source.symmetric(constant_max);
        self.push(Operator::Combine { multipliers, constant }, &inputs)
    }

    pub(super) fn multiply(&mut self) -> Drawn {
        let a = self.any();
        let b = self.alike(a);
        let bound = self.limits.magnitude_max().isqrt();
        let (Some(narrow_a), Some(narrow_b)) =
            (self.narrowed(a, bound)?, if a == b { Some(b) } else { self.narrowed(b, bound)? })
        else {
            return Ok(None);
        };
        self.push(Operator::Multiply, &[narrow_a, if a == b { narrow_a } else { narrow_b }])
    }

    /// An operator of two values of one shape.
    pub(super) fn pair(&mut self, operator: Operator) -> Drawn {
        let a = self.any();
        let mut b = self.alike(a);
        if a == b {
            let bound = magnitude(self.values[a].range).clamp(1, 200);
            let shape = self.values[a].shape.clone();
            b = self.constant_of(shape, bound)?.unwrap_or(a);
        }
        self.push(operator, &[a, b])
    }

    /// A value of the same shape, sometimes the same one.
    fn alike(&mut self, value: usize) -> usize {
        let shape = self.values[value].shape.clone();
        self.any_where(|other| other.shape == shape).unwrap_or(value)
    }
}

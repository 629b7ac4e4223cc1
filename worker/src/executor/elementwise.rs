//! Nodes that the processor computes: one pass over memory, less than the copy to a device would take.

use circuits::model::graph::{Activation, Operator, quotient, quotient_range};
use circuits::model::range::Range;

/// A node that computes each element from few others.
pub(super) enum Elementwise {
    Requantise {
        shift: u8,
        clamp: Range,
        function: Function,
    },
    Combine {
        multipliers: Vec<i64>,
        constant: i64,
    },
    Multiply,
    Maximum,
    Minimum,
    /// Sums of so many neighbours.
    Sum(usize),
}

/// What a requantisation applies at its end.
pub(super) enum Function {
    Identity,
    Relu,
    /// A formula's result for every argument, from the argument `first` on.
    Table {
        first: i64,
        results: Vec<i64>,
    },
}

impl Elementwise {
    /// The step of an operator whose first input has elements in `source` and `last` as its last dimension; `None` if it
    /// is not elementwise.
    pub(super) fn new(operator: &Operator, source: Range, last: usize) -> Option<Self> {
        match operator {
            Operator::Requantise { shift, clamp, activation } => {
                let function = Function::new(activation, quotient_range(source, *shift), *clamp);
                Some(Self::Requantise { shift: *shift, clamp: *clamp, function })
            }
            Operator::Combine { multipliers, constant } => {
                Some(Self::Combine { multipliers: multipliers.clone(), constant: *constant })
            }
            Operator::Multiply => Some(Self::Multiply),
            Operator::Maximum => Some(Self::Maximum),
            Operator::Minimum => Some(Self::Minimum),
            Operator::Sum => Some(Self::Sum(last.max(1))),
            _ => None,
        }
    }

    /// Neighbours of a source that one result is computed from.
    pub(super) fn terms(&self) -> usize {
        if let Self::Sum(length) = self { *length } else { 1 }
    }

    /// The results for a batch, or the position in the batch where a sum leaves 64 bits.
    pub(super) fn run(&self, sources: &[&[i64]]) -> Result<Vec<i64>, usize> {
        let first = sources.first().copied().unwrap_or_default();
        let second = sources.get(1).copied().unwrap_or_default();
        let pairs = || first.iter().zip(second);
        match self {
            Self::Requantise { shift, clamp, function } => {
                let clamped = first.iter().map(|value| quotient(*value, *shift).clamp(clamp.min, clamp.max));
                Ok(function.apply(clamped))
            }
            Self::Combine { multipliers, constant } => combine(sources, multipliers, *constant),
            Self::Multiply => pairs().enumerate().map(|(place, (a, b))| a.checked_mul(*b).ok_or(place)).collect(),
            Self::Maximum => Ok(pairs().map(|(a, b)| *a.max(b)).collect()),
            Self::Minimum => Ok(pairs().map(|(a, b)| *a.min(b)).collect()),
            Self::Sum(length) => {
                let sum = |row: &[i64]| row.iter().try_fold(0i64, |sum, value| sum.checked_add(*value));
                first.chunks_exact(*length).enumerate().map(|(place, row)| sum(row).ok_or(place)).collect()
            }
        }
    }
}

/// One source after the other, so that each is read from its first element to its last.
fn combine(sources: &[&[i64]], multipliers: &[i64], constant: i64) -> Result<Vec<i64>, usize> {
    let mut sums = vec![constant; sources.first().map_or(0, |source| source.len())];
    for (source, multiplier) in sources.iter().zip(multipliers) {
        for (place, (sum, value)) in sums.iter_mut().zip(*source).enumerate() {
            let product = multiplier.checked_mul(*value).ok_or(place)?;
            *sum = sum.checked_add(product).ok_or(place)?;
        }
    }
    Ok(sums)
}

impl Function {
    fn new(activation: &Activation, quotients: Range, clamp: Range) -> Self {
        match activation {
            Activation::Identity => Self::Identity,
            Activation::Relu => Self::Relu,
            Activation::Formula(formula) => {
                // At most 2^16 arguments: the graph checked it.
                let first = quotients.min.clamp(clamp.min, clamp.max);
                let last = quotients.max.clamp(clamp.min, clamp.max);
                Self::Table { first, results: (first..=last).map(|q| formula.apply(q)).collect() }
            }
        }
    }

    fn apply(&self, clamped: impl Iterator<Item = i64>) -> Vec<i64> {
        match self {
            Self::Identity => clamped.collect(),
            Self::Relu => clamped.map(|q| q.max(0)).collect(),
            // Sources stay in their range, so every argument is in the table.
            Self::Table { first, results } => {
                clamped.map(|q| results.get(q.abs_diff(*first) as usize).copied().unwrap_or_default()).collect()
            }
        }
    }
}

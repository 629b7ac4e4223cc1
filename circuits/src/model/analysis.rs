//! Static interval analysis: no accumulator of a checked model ever leaves its declared interval or 2^47.
//!
//! Two bounds per output channel, both in 128 bits. The *interval* of `b + sum_j w_j x_j` over all inputs in their
//! range must lie in the interval that the node declares, because the circuit's tables are built from what is
//! declared. The *absolute sum* `|b| + sum_j |w_j| max|x_j|` must not exceed 2^47: it bounds every partial sum in every
//! order of summation, so that `i64` never overflows, `f64` arithmetic is exact on any device (2^53), and the sums stay
//! far below half of the scalar field. Bounding the interval alone would leave partial sums open where an input's
//! range excludes zero.

use super::graph::{Graph, Operator};
use super::range::{MAGNITUDE_MAX, Range};
use super::weights::{LinearWeights, Weights};

/// Why a model was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnalysisError {
    /// Sums of a channel could exceed 2^47 in magnitude.
    #[error("node {node} channel {channel}: absolute sum {got} exceeds {MAGNITUDE_MAX} (2^47) for inputs in [{}, {}]; use smaller weights or a narrower input range", input.min, input.max)]
    Magnitude {
        /// Node index.
        node: usize,
        /// Output channel.
        channel: usize,
        /// Interval of the node's inputs.
        input: Range,
        /// `|b| + sum_j |w_j| max|x_j|`
        got: i128,
    },
    /// The accumulators of a channel can leave the declared interval.
    #[error("node {node} channel {channel}: accumulators reach [{}, {}], declared [{}, {}]", got.min, got.max, declared.min, declared.max)]
    Accumulator {
        /// Node index.
        node: usize,
        /// Output channel.
        channel: usize,
        /// Interval that the graph declares.
        declared: Range,
        /// Interval that the weights allow.
        got: Range,
    },
}

/// The interval of every output channel's accumulator, for inputs in `input`.
///
/// `node` only names the node in the error, which is [`AnalysisError::Magnitude`].
pub fn accumulators(node: usize, weights: &LinearWeights, input: Range) -> Result<Vec<Range>, AnalysisError> {
    let magnitude = i128::from(input.min.unsigned_abs().max(input.max.unsigned_abs()));
    let channel_range = |(channel, (row, bias)): (usize, (&[i32], i64))| {
        let mut interval = (i128::from(bias), i128::from(bias));
        let mut absolute = i128::from(bias.unsigned_abs());
        for weight in row {
            let (min, max) = input.scaled(i64::from(*weight));
            interval = (interval.0 + min, interval.1 + max);
            absolute += i128::from(weight.unsigned_abs()) * magnitude;
        }
        let error = AnalysisError::Magnitude { node, channel, input, got: absolute };
        if absolute > i128::from(MAGNITUDE_MAX) {
            return Err(error);
        }
        // Bounded by the absolute sum, so both ends fit.
        match (i64::try_from(interval.0), i64::try_from(interval.1)) {
            (Ok(min), Ok(max)) => Ok(Range { min, max }),
            _ => Err(error),
        }
    };
    weights.rows().enumerate().map(channel_range).collect()
}

/// The interval of every output of an embedding: one weight of its row is chosen and nothing is added up.
#[must_use]
pub fn chosen(weights: &LinearWeights) -> Vec<Range> {
    let single = |weight: &i32| Range { min: i64::from(*weight), max: i64::from(*weight) };
    let row = |(row, _): (&[i32], i64)| row.iter().map(single).reduce(|a, b| a.hull(&b));
    weights.rows().map(|weights| row(weights).unwrap_or(Range { min: 0, max: 0 })).collect()
}

/// The smallest interval that a dense node may declare for these weights and inputs in `input`.
pub fn tightest(node: usize, weights: &LinearWeights, input: Range) -> Result<Range, AnalysisError> {
    let channels = accumulators(node, weights, input)?;
    Ok(channels.into_iter().reduce(|a, b| a.hull(&b)).unwrap_or(Range { min: 0, max: 0 }))
}

/// The interval that a linear operator's products range over: its input's, and zero where it pads.
#[must_use]
pub fn operand_range(operator: &Operator, source: Range) -> Range {
    match operator {
        Operator::Convolution { geometry, .. } if geometry.before != [0; 2] || geometry.after != [0; 2] => {
            source.hull(&Range { min: 0, max: 0 })
        }
        _ => source,
    }
}

/// Checks every channel of every linear node against 2^47 and against the declared interval.
pub fn check(graph: &Graph, weights: &Weights) -> Result<(), AnalysisError> {
    for (index, node) in graph.nodes().iter().enumerate() {
        let Some(declared) = node.operator.accumulator() else { continue };
        // Both are there: `Graph` and `Weights` checked it.
        let (Some(source), Some(linear)) = (graph.sources(node).next(), weights.get(index)) else { continue };
        let channels = match &node.operator {
            Operator::Embedding { .. } => chosen(linear),
            operator => accumulators(index, linear, operand_range(operator, source.range))?,
        };
        for (channel, got) in channels.into_iter().enumerate() {
            if !declared.covers(&got) {
                return Err(AnalysisError::Accumulator { node: index, channel, declared, got });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::fixture;
    use super::super::graph::{Input, Layout, Node};
    use super::*;

    fn weights(row: &[i32], bias: i64) -> LinearWeights {
        LinearWeights::new(1, u32::try_from(row.len()).unwrap(), row.to_vec(), vec![bias]).unwrap()
    }

    #[test]
    fn intervals_are_exact() {
        let input = Range { min: -2, max: 5 };
        assert_eq!(tightest(0, &weights(&[3, -4], 10), input), Ok(Range { min: 10 - 6 - 20, max: 10 + 15 + 8 }));
        assert_eq!(tightest(0, &weights(&[0], -7), input), Ok(Range { min: -7, max: -7 }));
        let two = LinearWeights::new(2, 1, vec![1, -1], vec![0, 0]).unwrap();
        assert_eq!(accumulators(0, &two, input), Ok(vec![Range { min: -2, max: 5 }, Range { min: -5, max: 2 }]));
        assert_eq!(tightest(0, &two, input), Ok(Range { min: -5, max: 5 }));
    }

    #[test]
    fn an_embedding_lies_within_its_weights() {
        let table = LinearWeights::new(2, 3, vec![3, -4, 1, 7, 9, 8], vec![0, 0]).unwrap();
        assert_eq!(chosen(&table), [Range { min: -4, max: 3 }, Range { min: 7, max: 9 }]);
        let graph = |max| {
            let embedding = Operator::Embedding { vocabulary: 3, width: 2, accumulator: Range { min: -4, max } };
            let input = Input { shape: vec![5], range: Range { min: 0, max: 2 } };
            let nodes = vec![Node { operator: embedding, inputs: vec![0] }];
            Graph::new(input, nodes, Layout { k: 10, rows: 2, lanes: 1 }).unwrap()
        };
        let weights = Weights::new(&graph(9), BTreeMap::from([(0, table)])).unwrap();
        assert_eq!(check(&graph(9), &weights), Ok(()));
        let (declared, got) = (Range { min: -4, max: 8 }, Range { min: 7, max: 9 });
        let expected = AnalysisError::Accumulator { node: 0, channel: 1, declared, got };
        assert_eq!(check(&graph(8), &weights), Err(expected));
    }

    #[test]
    fn the_absolute_sum_is_bounded_even_where_the_interval_cancels() {
        let input = Range { min: 1 << 40, max: (1 << 40) + 1 };
        assert!(tightest(0, &weights(&[127, -1], 0), input).is_err());
        assert_eq!(
            tightest(3, &weights(&[100, -100], 0), input),
            Err(AnalysisError::Magnitude { node: 3, channel: 0, input, got: 200 * ((1 << 40) + 1) })
        );
    }

    #[test]
    fn the_bound_itself_is_allowed_and_one_more_is_not() {
        let input = Range { min: 0, max: 1 };
        let limit = MAGNITUDE_MAX - 1;
        assert_eq!(tightest(0, &weights(&[1], limit), input), Ok(Range { min: limit, max: MAGNITUDE_MAX }));
        assert_eq!(
            tightest(0, &weights(&[1], limit + 1), input),
            Err(AnalysisError::Magnitude { node: 0, channel: 0, input, got: i128::from(MAGNITUDE_MAX) + 1 })
        );
        let extreme = Range { min: -MAGNITUDE_MAX, max: MAGNITUDE_MAX };
        let got = 4 * (1i128 << 31) * i128::from(MAGNITUDE_MAX) + (1 << 63);
        assert_eq!(
            tightest(0, &weights(&[i32::MIN; 4], i64::MIN), extreme),
            Err(AnalysisError::Magnitude { node: 0, channel: 0, input: extreme, got })
        );
    }

    #[test]
    fn a_declared_interval_must_cover_every_channel() {
        assert_eq!(check(&fixture::graph(), &fixture::weights()), Ok(()));
        let mut nodes = fixture::nodes();
        nodes.insert(2, LinearWeights::new(2, 3, vec![0, 0, 0, 0, 0, 101], vec![0, 0]).unwrap());
        let outside = Weights::new(&fixture::graph(), nodes).unwrap();
        let expected = AnalysisError::Accumulator {
            node: 2,
            channel: 1,
            declared: Range { min: -2000, max: 2000 },
            got: Range { min: 0, max: 2020 },
        };
        assert_eq!(check(&fixture::graph(), &outside), Err(expected.clone()));
        assert_eq!(expected.to_string(), "node 2 channel 1: accumulators reach [0, 2020], declared [-2000, 2000]");
    }
}

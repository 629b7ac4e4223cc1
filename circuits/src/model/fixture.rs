//! A small model that the tests of this folder share: 4 inputs, 3 hidden channels, 2 outputs.

use std::collections::BTreeMap;

use super::graph::{Activation, Graph, Input, Layout, Node, Operator};
use super::range::Range;
use super::weights::{LinearWeights, Weights};

/// Input in [0, 16], dense 4 -> 3, shift 2 with ReLU clamped to [-20, 20], dense 3 -> 2.
pub(crate) fn graph() -> Graph {
    let wide = Range { min: -2000, max: 2000 };
    let dense = |inputs, outputs, source| Node {
        operator: Operator::Dense { inputs, outputs, accumulator: wide },
        inputs: vec![source],
    };
    let clamp = Range { min: -20, max: 20 };
    let requantise =
        Node { operator: Operator::Requantise { shift: 2, clamp, activation: Activation::Relu }, inputs: vec![1] };
    let input = Input { shape: vec![2, 2], range: Range { min: 0, max: 16 } };
    Graph::new(input, vec![dense(4, 3, 0), requantise, dense(3, 2, 2)], Layout { k: 10, rows: 3, lanes: 1 }).unwrap()
}

/// Weights of the two dense nodes.
pub(crate) fn nodes() -> BTreeMap<usize, LinearWeights> {
    let first = vec![1, 2, 3, 4, -1, -2, -3, -4, 5, -5, 5, -5];
    BTreeMap::from([
        (0, LinearWeights::new(3, 4, first, vec![1, -2, 3]).unwrap()),
        (2, LinearWeights::new(2, 3, vec![7, -8, 9, -10, 11, -12], vec![100, -100]).unwrap()),
    ])
}

/// The same, checked against [`graph`].
pub(crate) fn weights() -> Weights {
    Weights::new(&graph(), nodes()).unwrap()
}

//! Encodings with a byte changed: refused, or a graph that runs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::formula::{Formula, Real, Step};
use crate::model::random::{Limits, Model};
use crate::model::reference::{self, ExecutionError};
use crate::model::tensor::Tensor;
use crate::model::weights::{LinearWeights, Weights, linear_shapes};

/// Above this a changed graph is not run: it would only be slow.
const WORK_RUN_MAX: u64 = 1 << 24;

/// Each operator once, in few bytes.
fn all_operators() -> Graph {
    let accumulator = range(-2000, 2000);
    let geometry = Geometry {
        outputs: 2,
        groups: 2,
        kernel: [1, 2],
        stride: [1, 1],
        dilation: [1, 1],
        before: [1, 0],
        after: [0, 1],
    };
    let constant = Step::Constant(Real::new(0.5).unwrap());
    let formula = Formula {
        steps: vec![Step::Variable, constant, Step::Multiply, Step::HyperbolicTangent],
        input_exponent: 2,
        output_exponent: 4,
        results: range(-16, 16),
    };
    let nodes = vec![
        node(Operator::Convolution { geometry, accumulator }, &[0]),
        node(Operator::Requantise { shift: 4, clamp: range(-99, 99), activation: Activation::Formula(formula) }, &[1]),
        node(Operator::Requantise { shift: 2, clamp: range(-9, 9), activation: Activation::Relu }, &[0]),
        node(Operator::Pad { low: vec![0, 1, 0], high: vec![0; 3], interior: vec![0, 0, 0], value: -3 }, &[3]),
        node(Operator::Maximum, &[2, 4]),
        node(Operator::Strided { offset: 0, shape: vec![2, 2, 3], strides: vec![6, 1, 2] }, &[5]),
        node(Operator::MatrixMultiply, &[5, 6]),
        node(Operator::Sum, &[7]),
        node(Operator::Constant { shape: vec![2, 3], values: vec![3, -1, 4, 1, -5, 9] }, &[]),
        node(Operator::Multiply, &[8, 9]),
        node(Operator::Minimum, &[8, 10]),
        node(Operator::Combine { multipliers: vec![2, -3], constant: 7 }, &[8, 11]),
        node(Operator::Concatenate { axis: 1 }, &[12, 9]),
        node(Operator::Select { shape: vec![4], indices: vec![0, 11, 5, 5] }, &[13]),
        node(Operator::Reshape { shape: vec![2, 2] }, &[14]),
        node(Operator::Dense { inputs: 2, outputs: 1, accumulator }, &[15]),
        node(Operator::Requantise { shift: 1, clamp: range(0, 4), activation: Activation::Identity }, &[16]),
        node(Operator::Embedding { vocabulary: 5, width: 2, accumulator }, &[17]),
    ];
    let input = Input { shape: vec![2, 2, 2], range: range(-20, 20) };
    Graph::new(input, nodes, Layout { k: 10, rows: 3, lanes: 1 }).unwrap()
}

/// What became of a changed encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Refused,
    TooSlow,
    Ran,
}

/// Decodes, and runs what was accepted on its smallest and largest input with weights of zero and one.
fn fate(bytes: &[u8]) -> Fate {
    let Ok(graph) = Graph::decode(bytes) else { return Fate::Refused };
    assert_eq!(graph.encode(), bytes, "two encodings of one graph");
    if graph.multiply_accumulates() > WORK_RUN_MAX {
        return Fate::TooSlow;
    }
    let linear = |([outputs, inputs], bias): ([u32; 2], i64)| {
        let weights = (0..outputs * inputs).map(|index| i32::from(index == 0)).collect();
        LinearWeights::new(outputs, inputs, weights, vec![bias; outputs as usize]).unwrap()
    };
    let biased = |(node, shape): (usize, _)| {
        let range = graph.values()[node + 1].range;
        let is_biased = !matches!(graph.nodes()[node].operator, Operator::Embedding { .. });
        (node, linear((shape, if is_biased { i64::midpoint(range.min, range.max) } else { 0 })))
    };
    let nodes: BTreeMap<usize, LinearWeights> = linear_shapes(&graph).into_iter().map(biased).collect();
    let weights = Weights::new(&graph, nodes).unwrap();
    let Input { shape, range } = graph.input();
    for element in [range.min, range.max] {
        let values = vec![element; graph.values()[0].width() as usize];
        match reference::run(&graph, &weights, &Tensor::new(shape.clone(), values).unwrap()) {
            Ok(trace) => {
                for (value, expected) in trace.values.iter().zip(graph.values()) {
                    assert_eq!(value.len(), expected.width() as usize);
                    assert!(value.iter().all(|element| expected.range.contains(*element)), "{expected:?}");
                }
            }
            // The declared interval is too narrow for these weights, which nobody analysed.
            Err(ExecutionError::Accumulator { .. }) => {}
            Err(error) => panic!("{error}: {graph:?}"),
        }
    }
    Fate::Ran
}

#[test]
fn every_changed_byte_is_refused_or_runs() {
    let bytes = all_operators().encode();
    assert_eq!(fate(&bytes), Fate::Ran);
    let (mut refused, mut ran) = (0u32, 0u32);
    for place in 0..bytes.len() {
        for change in 1..=u8::MAX {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            match fate(&changed) {
                Fate::Refused => refused += 1,
                Fate::Ran => ran += 1,
                Fate::TooSlow => panic!("byte {place} changed by {change}"),
            }
        }
    }
    assert!(refused > 50_000 && ran > 5_000, "{refused} refused, {ran} ran");
}

proptest! {
    #[test]
    fn changed_bytes_of_random_graphs_are_refused_or_run(
        seed: u64,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = Model::graph_from_seed(seed, &Limits::circuit()).graph.encode();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        fate(&bytes);
    }

    #[test]
    fn any_bytes_are_refused_or_run(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        fate(&bytes);
        fate(&[GRAPH_VERSION.to_le_bytes().as_slice(), &bytes].concat());
    }
}

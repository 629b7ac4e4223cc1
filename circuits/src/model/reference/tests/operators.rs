//! Each operator on numbers computed by hand.

use std::collections::BTreeMap;

use super::*;
use crate::model::formula::{Formula, Step};
use crate::model::graph::{Activation, Geometry, Layout, Node, Value};

const WIDE: Range = Range { min: -1000, max: 1000 };

fn node(operator: Operator, inputs: &[u32]) -> Node {
    Node { operator, inputs: inputs.to_vec() }
}

/// The output of the last node; the weights are the first node's.
fn last(shape: &[u32], values: &[i64], nodes: Vec<Node>, weights: Option<LinearWeights>) -> Vec<i64> {
    let graph =
        Graph::new(Input { shape: shape.to_vec(), range: WIDE }, nodes, Layout { k: 10, rows: 3, lanes: 1 }).unwrap();
    let weights = Weights::new(&graph, weights.map(|weights| (0, weights)).into_iter().collect()).unwrap();
    let trace = run(&graph, &weights, &Tensor::new(shape.to_vec(), values.to_vec()).unwrap()).unwrap();
    trace.output().to_vec()
}

fn one(shape: &[u32], values: &[i64], operator: Operator) -> Vec<i64> {
    last(shape, values, vec![node(operator, &[0])], None)
}

/// The operator of two vectors.
fn pair(a: &[i64], b: &[i64], operator: Operator) -> Vec<i64> {
    let shape = vec![u32::try_from(a.len()).unwrap()];
    let constant = Operator::Constant { shape: shape.clone(), values: b.to_vec() };
    last(&shape, a, vec![node(constant, &[]), node(operator, &[0, 1])], None)
}

#[test]
fn dense_takes_every_row_or_the_whole() {
    let dense = |inputs| vec![node(Operator::Dense { inputs, outputs: 2, accumulator: WIDE }, &[0])];
    let weights = LinearWeights::new(2, 2, vec![1, -2, 3, 4], vec![10, 0]).unwrap();
    // 10 + 1 - 4, 3 + 8; 10 + 3 - 8, 9 + 16; 10 + 5 - 12, 15 + 24.
    assert_eq!(last(&[3, 2], &[1, 2, 3, 4, 5, 6], dense(2), Some(weights)), [7, 11, 5, 25, 3, 39]);
    let whole = LinearWeights::new(2, 4, vec![1, 1, 1, 1, 1, -1, 1, -1], vec![0, 5]).unwrap();
    assert_eq!(last(&[2, 2], &[1, 2, 3, 4], dense(4), Some(whole)), [10, 3]);
}

#[test]
fn an_embedding_takes_the_column_of_every_index() {
    let operator = Operator::Embedding { vocabulary: 3, width: 2, accumulator: WIDE };
    let clamp = Operator::Requantise { shift: 0, clamp: Range { min: 0, max: 2 }, activation: Activation::Identity };
    let nodes = vec![node(clamp, &[0]), node(operator, &[1])];
    let input = Input { shape: vec![2, 2], range: WIDE };
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 2, lanes: 1 }).unwrap();
    assert_eq!(graph.output(), Value { shape: vec![2, 2, 2], range: WIDE });
    let table = LinearWeights::new(2, 3, vec![10, 20, 30, -1, -2, -3], vec![0; 2]).unwrap();
    let weights = Weights::new(&graph, BTreeMap::from([(1, table)])).unwrap();
    let input = Tensor::new(vec![2, 2], vec![2, 0, -5, 9]).unwrap();
    let trace = run(&graph, &weights, &input).unwrap();
    assert_eq!(trace.output(), [30, -3, 10, -1, 10, -1, 30, -3]);
}

#[test]
fn convolution_pads_each_side_on_its_own() {
    let geometry = Geometry {
        outputs: 1,
        groups: 1,
        kernel: [2, 2],
        stride: [1, 1],
        dilation: [1, 1],
        before: [1, 0],
        after: [0, 1],
    };
    let nodes = vec![node(Operator::Convolution { geometry, accumulator: WIDE }, &[0])];
    let weights = LinearWeights::new(1, 4, vec![1, 2, 3, 4], vec![100]).unwrap();
    // A row of zeros above 1 2 3, 4 5 6, 7 8 9 and a column of zeros to their right.
    let expected = [111, 118, 109, 137, 147, 121, 167, 177, 133];
    assert_eq!(last(&[1, 3, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9], nodes, Some(weights)), expected);
}

#[test]
fn convolution_steps_spreads_and_groups() {
    let geometry = Geometry {
        outputs: 2,
        groups: 2,
        kernel: [1, 2],
        stride: [1, 2],
        dilation: [1, 2],
        before: [0, 0],
        after: [0, 0],
    };
    let nodes = vec![node(Operator::Convolution { geometry, accumulator: WIDE }, &[0])];
    let weights = LinearWeights::new(2, 2, vec![1, -1, 2, 1], vec![0, 5]).unwrap();
    let source = [1, 2, 3, 4, 5, 10, 20, 30, 40, 50];
    // 1 - 3, 3 - 5; 5 + 20 + 30, 5 + 60 + 50.
    assert_eq!(last(&[2, 1, 5], &source, nodes, Some(weights)), [-2, -2, 55, 115]);
    let both = Geometry { outputs: 1, groups: 1, stride: [1, 1], dilation: [1, 4], ..geometry };
    let nodes = vec![node(Operator::Convolution { geometry: both, accumulator: WIDE }, &[0])];
    let weights = LinearWeights::new(1, 4, vec![1, 2, 3, 4], vec![0]).unwrap();
    // 1 + 2 * 5 + 3 * 10 + 4 * 50.
    assert_eq!(last(&[2, 1, 5], &source, nodes, Some(weights)), [241]);
}

#[test]
fn requantisation_rounds_clamps_and_applies() {
    let source = [-10, -5, -1, 0, 1, 2, 7, 3];
    let with = |shift, activation| {
        let clamp = Range { min: -3, max: 3 };
        one(&[8], &source, Operator::Requantise { shift, clamp, activation })
    };
    assert_eq!(with(1, Activation::Identity), [-3, -2, 0, 0, 1, 1, 3, 2]);
    assert_eq!(with(1, Activation::Relu), [0, 0, 0, 0, 1, 1, 3, 2]);
    assert_eq!(with(0, Activation::Identity), [-3, -3, -1, 0, 1, 2, 3, 3]);
    let square = Formula {
        steps: vec![Step::Variable, Step::Variable, Step::Multiply],
        input_exponent: 0,
        output_exponent: 0,
        results: Range { min: 0, max: 8 },
    };
    let squares = [8, 4, 0, 0, 1, 1, 8, 4];
    assert_eq!(with(1, Activation::Formula(square.clone())), squares);
    // Eight elements are more than seven arguments: above a table was used, here none is.
    let clamp = Range { min: -3, max: 3 };
    let single = |value| requantise(&[value], 1, clamp, &Activation::Formula(square.clone()));
    assert_eq!(source.map(single).concat(), squares);
}

#[test]
fn elementwise_operators() {
    let combine = Operator::Combine { multipliers: vec![3, -2], constant: 10 };
    assert_eq!(pair(&[1, -2, 0], &[5, 6, -7], combine), [3, -8, 24]);
    assert_eq!(pair(&[1, -2, 0], &[5, 6, -7], Operator::Multiply), [5, -12, 0]);
    assert_eq!(pair(&[1, -2, 0], &[5, -6, 0], Operator::Maximum), [5, -2, 0]);
    assert_eq!(pair(&[1, -2, 0], &[5, -6, 0], Operator::Minimum), [1, -6, 0]);
    assert_eq!(last(&[2], &[3, -4], vec![node(Operator::Multiply, &[0, 0])], None), [9, 16]);
}

#[test]
fn sums_run_along_the_last_dimension() {
    assert_eq!(one(&[2, 3], &[1, 2, 3, -4, 5, -6], Operator::Sum), [6, -5]);
    assert_eq!(one(&[3], &[1, 2, 3], Operator::Sum), [6]);
    assert_eq!(one(&[3, 1], &[1, 2, 3], Operator::Sum), [1, 2, 3]);
}

#[test]
fn matrices_multiply_batch_by_batch() {
    let b = Operator::Constant { shape: vec![2, 2, 1], values: vec![1, -1, 10, 100] };
    let nodes = vec![node(b, &[]), node(Operator::MatrixMultiply, &[0, 1])];
    let a = [1, 2, 3, 5, 4, 3, 2, 1];
    assert_eq!(last(&[2, 2, 2], &a, nodes, None), [-1, -2, 340, 120]);
    let transposed = Operator::Strided { offset: 0, shape: vec![1, 3, 2], strides: vec![6, 1, 3] };
    let nodes = vec![node(transposed, &[0]), node(Operator::MatrixMultiply, &[0, 1])];
    // [1 2 3; 4 5 6] times its transpose.
    assert_eq!(last(&[1, 2, 3], &[1, 2, 3, 4, 5, 6], nodes, None), [14, 32, 32, 77]);
}

#[test]
fn structural_operators() {
    let source = [1, 2, 3, 4, 5, 6];
    assert_eq!(one(&[2, 3], &source, Operator::Reshape { shape: vec![6] }), source);
    let transposed = Operator::Strided { offset: 0, shape: vec![3, 2], strides: vec![1, 3] };
    assert_eq!(one(&[2, 3], &source, transposed), [1, 4, 2, 5, 3, 6]);
    let select = Operator::Select { shape: vec![3], indices: vec![5, 0, 5] };
    assert_eq!(one(&[2, 3], &source, select), [6, 1, 6]);
    let pad = Operator::Pad { low: vec![0, -1], high: vec![0, 1], interior: vec![1, 0], value: 9 };
    assert_eq!(one(&[2, 3], &source, pad), [2, 3, 9, 9, 9, 9, 5, 6, 9]);
    let constant = node(Operator::Constant { shape: vec![2, 1], values: vec![7, 8] }, &[]);
    assert_eq!(last(&[1], &[0], vec![constant.clone()], None), [7, 8]);
    let nodes = vec![constant, node(Operator::Concatenate { axis: 1 }, &[1, 0, 1])];
    assert_eq!(last(&[2, 3], &source, nodes, None), [7, 1, 2, 3, 7, 8, 4, 5, 6, 8]);
}

#[test]
fn accumulators_outside_their_interval_name_the_channel() {
    let refused = |operator, shape: &[u32], weights: LinearWeights| {
        let input = Input { shape: shape.to_vec(), range: WIDE };
        let graph = Graph::new(input, vec![node(operator, &[0])], Layout { k: 10, rows: 3, lanes: 1 }).unwrap();
        let weights = Weights::new(&graph, BTreeMap::from([(0, weights)])).unwrap();
        let values = vec![7; graph.values()[0].width() as usize];
        run(&graph, &weights, &Tensor::new(shape.to_vec(), values).unwrap()).unwrap_err()
    };
    let geometry = Geometry {
        outputs: 2,
        groups: 1,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        before: [0, 0],
        after: [0, 0],
    };
    let range = Range { min: 0, max: 20 };
    let weights = LinearWeights::new(2, 1, vec![2, 3], vec![0, 0]).unwrap();
    let operator = Operator::Convolution { geometry, accumulator: range };
    let error = refused(operator.clone(), &[1, 1, 2], weights);
    assert_eq!(error, ExecutionError::Accumulator { node: 0, channel: 1, value: 21, range });
    let weights = LinearWeights::new(2, 1, vec![2, 3], vec![0, i64::MAX - 20]).unwrap();
    assert_eq!(refused(operator, &[1, 1, 2], weights), ExecutionError::Overflow { node: 0, channel: 1 });
    let table = LinearWeights::new(2, 8, [vec![20; 8], vec![21; 8]].concat(), vec![0, 0]).unwrap();
    let nodes = vec![node(Operator::Embedding { vocabulary: 8, width: 2, accumulator: range }, &[0])];
    let input = Input { shape: vec![1], range: Range { min: 0, max: 7 } };
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 2, lanes: 1 }).unwrap();
    let weights = Weights::new(&graph, BTreeMap::from([(0, table)])).unwrap();
    let error = run(&graph, &weights, &Tensor::vector(vec![7]).unwrap()).unwrap_err();
    assert_eq!(error, ExecutionError::Accumulator { node: 0, channel: 1, value: 21, range });
    let dense = Operator::Dense { inputs: 1, outputs: 1, accumulator: range };
    let weights = LinearWeights::new(1, 1, vec![-1], vec![0]).unwrap();
    assert_eq!(
        refused(dense, &[1, 2, 1], weights).to_string(),
        "node 0 channel 0: accumulator -7 outside the declared [0, 20]"
    );
}

//! Shapes and intervals of every operator's result.

use super::*;
use crate::model::formula::{Formula, Step};

/// What the last of `nodes` gives for an input of `shape` in [-2, 5].
fn last(shape: &[u32], nodes: Vec<Node>) -> Value {
    let input = Input { shape: shape.to_vec(), range: range(-2, 5) };
    Graph::new(input, nodes, Layout { k: 10, rows: 3, lanes: 1 }).unwrap().output()
}

fn one(shape: &[u32], operator: Operator) -> Value {
    last(shape, vec![node(operator, &[0])])
}

/// The operator's result for the input and a constant of this shape, whose elements run from `low` to `high`.
fn with_constant(shape: &[u32], constant: &[u32], (low, high): (i64, i64), operator: Operator) -> Value {
    let count = constant.iter().product::<u32>() as usize;
    let values = [vec![low], vec![high; count - 1]].concat();
    last(shape, vec![node(Operator::Constant { shape: constant.to_vec(), values }, &[]), node(operator, &[0, 1])])
}

fn value(shape: &[u32], min: i64, max: i64) -> Value {
    Value { shape: shape.to_vec(), range: range(min, max) }
}

#[test]
fn linear_results_lie_in_the_declared_interval() {
    let dense = |inputs, outputs| Operator::Dense { inputs, outputs, accumulator: range(-7, 9) };
    assert_eq!(one(&[2, 3, 4], dense(4, 5)), value(&[2, 3, 5], -7, 9));
    assert_eq!(one(&[2, 3, 4], dense(24, 5)), value(&[5], -7, 9));
    assert_eq!(one(&[1, 4], dense(4, 5)), value(&[1, 5], -7, 9));
    let geometry = Geometry {
        outputs: 6,
        groups: 2,
        kernel: [2, 3],
        stride: [2, 1],
        dilation: [1, 2],
        before: [1, 0],
        after: [2, 3],
    };
    let convolution = Operator::Convolution { geometry, accumulator: range(-7, 9) };
    // (5 + 3 - 2) / 2 + 1 rows and (6 + 3 - 5) / 1 + 1 columns.
    assert_eq!(one(&[4, 5, 6], convolution), value(&[6, 4, 5], -7, 9));
}

#[test]
fn an_embedding_adds_a_dimension() {
    let embedding = |vocabulary| Operator::Embedding { vocabulary, width: 7, accumulator: range(-7, 9) };
    let clamp = Operator::Requantise { shift: 0, clamp: range(0, 3), activation: Activation::Identity };
    let nodes = vec![node(clamp, &[0]), node(embedding(4), &[1])];
    assert_eq!(last(&[2, 3], nodes), value(&[2, 3, 7], -7, 9));
}

#[test]
fn requantised_results_follow_shift_clamp_and_function() {
    let operator = |shift, clamp, activation| Operator::Requantise { shift, clamp, activation };
    // (-2 + 1) >> 1 = -1, (5 + 1) >> 1 = 3.
    assert_eq!(one(&[3], operator(1, range(-9, 9), Activation::Identity)), value(&[3], -1, 3));
    assert_eq!(one(&[3], operator(0, range(-9, 4), Activation::Relu)), value(&[3], 0, 4));
    assert_eq!(one(&[3], operator(0, range(7, 9), Activation::Identity)), value(&[3], 7, 7));
    let square = Formula {
        steps: vec![Step::Variable, Step::Variable, Step::Multiply],
        input_exponent: 0,
        output_exponent: 0,
        results: range(1, 20),
    };
    assert_eq!(one(&[3], operator(0, range(-9, 4), Activation::Formula(square.clone()))), value(&[3], 1, 16));
    assert_eq!(one(&[3], operator(0, range(-9, 9), Activation::Formula(square))), value(&[3], 1, 20));
}

#[test]
fn elementwise_results_keep_the_shape() {
    let combine = Operator::Combine { multipliers: vec![3, -1], constant: 10 };
    assert_eq!(last(&[2, 2], vec![node(combine, &[0, 0])]), value(&[2, 2], 10 - 6 - 5, 10 + 15 + 2));
    assert_eq!(with_constant(&[2], &[2], (-3, 4), Operator::Multiply), value(&[2], -15, 20));
    assert_eq!(with_constant(&[2], &[2], (0, 3), Operator::Maximum), value(&[2], 0, 5));
    assert_eq!(with_constant(&[2], &[2], (0, 3), Operator::Minimum), value(&[2], -2, 3));
    assert_eq!(last(&[2], vec![node(Operator::Multiply, &[0, 0])]), value(&[2], 0, 25));
    let squares = |constant| {
        let nodes =
            vec![node(Operator::Combine { multipliers: vec![1], constant }, &[0]), node(Operator::Multiply, &[1, 1])];
        last(&[2], nodes)
    };
    assert_eq!(squares(5), value(&[2], 9, 100));
    assert_eq!(squares(-7), value(&[2], 4, 81));
}

#[test]
fn sums_and_products_count_their_terms() {
    assert_eq!(one(&[2, 3], Operator::Sum), value(&[2], -6, 15));
    assert_eq!(one(&[3], Operator::Sum), value(&[1], -6, 15));
    let product = with_constant(&[2, 3, 4], &[2, 4, 1], (-3, 4), Operator::MatrixMultiply);
    assert_eq!(product, value(&[2, 3, 1], -60, 80));
}

#[test]
fn moved_elements_keep_the_interval_and_join_that_of_constants() {
    assert_eq!(one(&[2, 3], Operator::Reshape { shape: vec![3, 1, 2] }), value(&[3, 1, 2], -2, 5));
    let strided = Operator::Strided { offset: 5, shape: vec![2, 3], strides: vec![-3, -1] };
    assert_eq!(one(&[2, 3], strided), value(&[2, 3], -2, 5));
    let select = Operator::Select { shape: vec![4, 1], indices: vec![5, 0, 0, 1] };
    assert_eq!(one(&[2, 3], select), value(&[4, 1], -2, 5));
    let joined = with_constant(&[2, 3], &[4, 3], (-9, 1), Operator::Concatenate { axis: 0 });
    assert_eq!(joined, value(&[6, 3], -9, 5));
    let pad = |value| Operator::Pad { low: vec![1, -1], high: vec![0, 2], interior: vec![2, 0], value };
    assert_eq!(one(&[2, 3], pad(7)), value(&[5, 4], -2, 7));
    assert_eq!(one(&[2, 3], pad(0)), value(&[5, 4], -2, 5));
    let constant = Operator::Constant { shape: vec![3], values: vec![4, -1, 3] };
    assert_eq!(last(&[1], vec![node(constant, &[])]), value(&[3], -1, 4));
}

#[test]
fn multiply_accumulates_are_those_of_linear_nodes_and_products() {
    let geometry = Geometry {
        outputs: 4,
        groups: 2,
        kernel: [1, 2],
        stride: [1, 1],
        dilation: [1, 1],
        before: [0, 0],
        after: [0, 0],
    };
    let accumulator = range(-9, 9);
    let nodes = vec![
        node(Operator::Dense { inputs: 3, outputs: 5, accumulator }, &[0]),
        node(Operator::Convolution { geometry, accumulator }, &[0]),
        node(Operator::Strided { offset: 0, shape: vec![2, 3, 2], strides: vec![6, 1, 3] }, &[0]),
        node(Operator::MatrixMultiply, &[0, 3]),
        node(Operator::Multiply, &[0, 0]),
        node(Operator::Sum, &[0]),
        node(Operator::Requantise { shift: 0, clamp: range(0, 3), activation: Activation::Identity }, &[6]),
        node(Operator::Embedding { vocabulary: 4, width: 7, accumulator }, &[7]),
    ];
    let input = Input { shape: vec![2, 2, 3], range: range(-2, 5) };
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 5, lanes: 1 }).unwrap();
    // Four rows of 3 -> 5; 4 x 2 x 2 positions of one channel's 2 weights; 2 products of [2, 3] and [3, 2]; 12 squares;
    // 4 columns of 7.
    assert_eq!(graph.multiply_accumulates(), 4 * 15 + 16 * 2 + 2 * 2 * 2 * 3 + 12 + 28);
}

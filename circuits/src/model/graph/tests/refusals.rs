//! One refusal for every rule.

use super::*;
use crate::model::formula::{Formula, FormulaError, Step};
use crate::model::range::MAGNITUDE_MAX;

/// The refusal of one node that reads an input of `shape` in [-2, 5].
fn refusal(shape: &[u32], operator: Operator, inputs: &[u32]) -> GraphError {
    let input = Input { shape: shape.to_vec(), range: range(-2, 5) };
    Graph::new(input, vec![node(operator, inputs)], Layout { k: 10, rows: 3, lanes: 1 }).unwrap_err()
}

fn operands(operator: &'static str, expected: &str, got: &[&[u32]]) -> GraphError {
    let got = got.iter().map(|shape| shape.to_vec()).collect();
    GraphError::Operands { node: 0, operator, expected: expected.into(), got }
}

fn formula(steps: Vec<Step>) -> Activation {
    Activation::Formula(Formula { steps, input_exponent: 0, output_exponent: 0, results: range(-9, 9) })
}

const GEOMETRY: Geometry =
    Geometry { outputs: 2, groups: 2, kernel: [2, 2], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0] };

#[test]
fn inputs_layouts_and_counts() {
    let layout = Layout { k: 10, rows: 3, lanes: 1 };
    let with = |shape: Vec<u32>, nodes| Graph::new(Input { shape, range: range(0, 1) }, nodes, layout).unwrap_err();
    for shape in [vec![], vec![0], vec![1; 9], vec![WIDTH_MAX, 2], vec![u32::MAX; 3]] {
        assert_eq!(with(shape.clone(), vec![dense(1, 1, 0)]), GraphError::InputShape { shape });
    }
    assert_eq!(with(vec![1], vec![]), GraphError::NodeCount { got: 0 });
    let many = vec![node(Operator::Sum, &[0]); NODES_MAX + 1];
    assert_eq!(with(vec![1], many), GraphError::NodeCount { got: NODES_MAX + 1 });
    let wide = vec![node(Operator::Reshape { shape: vec![WIDTH_MAX] }, &[0]); 32];
    assert_eq!(with(vec![WIDTH_MAX], wide), GraphError::Elements { node: 31 });
    assert_eq!(with(vec![WIDTH_MAX], vec![dense(WIDTH_MAX, WIDTH_MAX, 0)]), GraphError::Work { node: 0 });
    let combine = Operator::Combine { multipliers: vec![0; (1 << 16) + 1], constant: 0 };
    assert_eq!(with(vec![WIDTH_MAX], vec![node(combine, &[0; (1 << 16) + 1])]), GraphError::Work { node: 0 });
    let numbers = CONSTANTS_MAX + 1;
    let constant = Operator::Constant { shape: vec![1], values: vec![0; CONSTANTS_MAX] };
    let select = Operator::Select { shape: vec![1], indices: vec![0] };
    assert_eq!(with(vec![1], vec![node(constant, &[]), node(select, &[0])]), GraphError::Constants { got: numbers });
    for (k, rows) in [(K_MIN - 1, 1), (K_MAX + 1, 1), (10, ROWS_MAX + 1)] {
        let input = Input { shape: vec![1], range: range(0, 1) };
        let refused = Graph::new(input, vec![dense(1, 1, 0)], Layout { k, rows, lanes: 1 }).unwrap_err();
        assert_eq!(refused, GraphError::Layout { k, rows, lanes: 1 });
    }
}

#[test]
fn intervals() {
    let place = |place: &str, min, max| GraphError::Range { place: place.into(), min, max };
    let input = Input { shape: vec![1], range: range(1, 0) };
    let refused = Graph::new(input, vec![dense(1, 1, 0)], Layout { k: 10, rows: 3, lanes: 1 }).unwrap_err();
    assert_eq!(refused, place("graph input", 1, 0));
    assert_eq!(refused.to_string(), "graph input: interval [1, 0] is empty or exceeds 2^47");
    let accumulator = range(0, i64::MAX);
    let wide = Operator::Dense { inputs: 4, outputs: 1, accumulator };
    assert_eq!(refusal(&[4], wide, &[0]), place("node 0 accumulator", 0, i64::MAX));
    let wide = Operator::Convolution { geometry: GEOMETRY, accumulator: range(-MAGNITUDE_MAX - 1, 0) };
    assert_eq!(refusal(&[2, 2, 2], wide, &[0]), place("node 0 accumulator", -MAGNITUDE_MAX - 1, 0));
    let empty = Operator::Requantise { shift: 0, clamp: range(3, 2), activation: Activation::Identity };
    assert_eq!(refusal(&[4], empty, &[0]), place("node 0 clamp", 3, 2));
    let value = MAGNITUDE_MAX + 1;
    let pad = Operator::Pad { low: vec![1], high: vec![0], interior: vec![0], value };
    assert_eq!(refusal(&[4], pad, &[0]), place("node 0 padding", value, value));
}

#[test]
fn numbers_of_inputs() {
    let arity = |operator, expected, got| GraphError::Arity { node: 0, operator, expected, got };
    let combine = Operator::Combine { multipliers: vec![1, 2], constant: 0 };
    assert_eq!(refusal(&[4], combine, &[0]), arity("combine", 2, 1));
    let none = Operator::Combine { multipliers: vec![], constant: 0 };
    assert_eq!(refusal(&[4], none.clone(), &[]), arity("combine", 1, 0));
    assert_eq!(refusal(&[4], none, &[0]), operands("combine", "a multiplier for every input", &[&[4]]));
    let embedding = Operator::Embedding { vocabulary: 9, width: 1, accumulator: range(0, 0) };
    assert_eq!(refusal(&[4], embedding, &[0, 0]), arity("embedding", 1, 2));
    assert_eq!(refusal(&[4], Operator::Sum, &[0, 0]), arity("sum", 1, 2));
    assert_eq!(refusal(&[4], Operator::Multiply, &[0]), arity("multiply", 2, 1));
    assert_eq!(refusal(&[4], Operator::Maximum, &[0; 3]), arity("maximum", 2, 3));
    assert_eq!(refusal(&[4], Operator::Minimum, &[]), arity("minimum", 2, 0));
    assert_eq!(refusal(&[4, 1, 1], Operator::MatrixMultiply, &[0]), arity("matrix multiply", 2, 1));
    assert_eq!(refusal(&[4], Operator::Concatenate { axis: 0 }, &[]), arity("concatenate", 1, 0));
    let constant = Operator::Constant { shape: vec![1], values: vec![0] };
    assert_eq!(refusal(&[4], constant, &[0]), arity("constant", 0, 1));
    assert_eq!(refusal(&[4], Operator::Sum, &[1]), GraphError::Inputs { node: 0, got: vec![1] });
    assert_eq!(refusal(&[4], Operator::Sum, &[u32::MAX]), GraphError::Inputs { node: 0, got: vec![u32::MAX] });
}

#[test]
fn embeddings() {
    let of = |vocabulary, width| Operator::Embedding { vocabulary, width, accumulator: range(0, 0) };
    let refused = |(min, max), operator: Operator| {
        let input = Input { shape: vec![3], range: range(min, max) };
        Graph::new(input, vec![node(operator, &[0])], Layout { k: 10, rows: 3, lanes: 1 }).unwrap_err()
    };
    let outside = |vocabulary, min, max| GraphError::Vocabulary { node: 0, vocabulary, min, max };
    assert_eq!(refused((0, 5), of(5, 2)), outside(5, 0, 5));
    assert_eq!(refused((-1, 4), of(5, 2)), outside(5, -1, 4));
    assert_eq!(refused((0, 0), of(0, 2)), outside(0, 0, 0));
    assert_eq!(refused((0, 0), of(WIDTH_MAX + 1, 2)), outside(WIDTH_MAX + 1, 0, 0));
    for got in [0, WIDTH_MAX + 1] {
        assert_eq!(refused((0, 4), of(5, got)), GraphError::Outputs { node: 0, got });
    }
    let shape = vec![3, WIDTH_MAX];
    assert_eq!(refused((0, 4), of(5, WIDTH_MAX)), GraphError::Shape { node: 0, shape });
    // The value is small, the table is not.
    let input = Input { shape: vec![1], range: range(0, 1) };
    let large = vec![node(of(WIDTH_MAX, (1 << 16) + 1), &[0])];
    let refused = Graph::new(input, large, Layout { k: 10, rows: 3, lanes: 1 }).unwrap_err();
    assert_eq!(refused, GraphError::Work { node: 0 });
}

#[test]
fn dense_and_convolution() {
    assert_eq!(refusal(&[2, 3], dense(2, 1, 0).operator, &[0]), GraphError::Width { node: 0, expected: 3, got: 2 });
    for got in [0, WIDTH_MAX + 1] {
        assert_eq!(refusal(&[3], dense(3, got, 0).operator, &[0]), GraphError::Outputs { node: 0, got });
    }
    let shape = vec![WIDTH_MAX / 2, 3];
    assert_eq!(refusal(&[WIDTH_MAX / 2, 1], dense(1, 3, 0).operator, &[0]), GraphError::Shape { node: 0, shape });
    let expected = "[channels, height, width] that groups divide and the kernel fits";
    let wrong = |shape: &[u32], geometry| {
        let refused = refusal(shape, Operator::Convolution { geometry, accumulator: range(0, 0) }, &[0]);
        assert_eq!(refused, operands("convolution", expected, &[shape]), "{geometry:?}");
    };
    wrong(&[2, 4], GEOMETRY);
    wrong(&[1, 2, 4, 4], GEOMETRY);
    wrong(&[3, 4, 4], GEOMETRY);
    wrong(&[2, 1, 4], GEOMETRY);
    wrong(&[2, 4, 4], Geometry { outputs: 3, ..GEOMETRY });
    wrong(&[2, 4, 4], Geometry { outputs: 0, ..GEOMETRY });
    wrong(&[2, 4, 4], Geometry { groups: 0, ..GEOMETRY });
    wrong(&[2, 4, 4], Geometry { kernel: [0, 2], ..GEOMETRY });
    wrong(&[2, 4, 4], Geometry { stride: [1, 0], ..GEOMETRY });
    wrong(&[2, 4, 4], Geometry { dilation: [0, 1], ..GEOMETRY });
    wrong(&[2, 4, 4], Geometry { dilation: [1, 4], ..GEOMETRY });
    wrong(&[2, 4, 4], Geometry { before: [u32::MAX, 0], ..GEOMETRY });
    wrong(&[2, 4, 4], Geometry { kernel: [1 << 16; 2], before: [1 << 16; 2], ..GEOMETRY });
    // A short walk over a long way: the output is small, the padded input is not.
    for far in [
        Geometry { dilation: [1, 1 << 30], before: [0, 1 << 30], ..GEOMETRY },
        Geometry { after: [1 << 31, 0], stride: [1 << 31, 1], ..GEOMETRY },
        Geometry { after: [0, (1 << 17) - 3], stride: [1, 1 << 17], ..GEOMETRY },
    ] {
        let refused = refusal(&[2, 4, 4], Operator::Convolution { geometry: far, accumulator: range(0, 0) }, &[0]);
        let expected = "an input of at most 1048576 elements, its padding included";
        assert_eq!(refused, operands("convolution", expected, &[&[2, 4, 4]]), "{far:?}");
    }
    let largest = Geometry { after: [0, (1 << 17) - 4], stride: [1, 1 << 31], ..GEOMETRY };
    let largest = node(Operator::Convolution { geometry: largest, accumulator: range(0, 0) }, &[0]);
    let input = Input { shape: vec![2, 4, 4], range: range(0, 1) };
    assert!(Graph::new(input, vec![largest], Layout { k: 10, rows: 3, lanes: 1 }).is_ok());
}

#[test]
fn requantisations() {
    let operator = |shift, clamp, activation| Operator::Requantise { shift, clamp, activation };
    let refused = refusal(&[3], operator(17, range(0, 1), Activation::Relu), &[0]);
    assert_eq!(refused, GraphError::Shift { node: 0, got: 17 });
    let refused = refusal(&[3], operator(0, range(0, 1), formula(vec![])), &[0]);
    assert_eq!(refused, GraphError::Formula { node: 0, source: FormulaError::Length { got: 0 } });
    assert_eq!(refused.to_string(), "node 0 formula: expected 1 to 64 steps, got 0");
    let scaled = |multiplier, steps: Vec<Vec<Step>>| {
        let combine = Operator::Combine { multipliers: vec![multiplier], constant: 0 };
        let everything = range(-MAGNITUDE_MAX, MAGNITUDE_MAX);
        let requantised = steps.into_iter().map(|steps| node(operator(0, everything, formula(steps)), &[1]));
        let nodes = [node(combine, &[0])].into_iter().chain(requantised).collect();
        Graph::new(Input { shape: vec![1], range: range(0, 5) }, nodes, Layout { k: 10, rows: 3, lanes: 1 })
    };
    // 5 * 13107 + 1 arguments are 2^16, and 5 * 13108 + 1 are five more.
    assert!(scaled(13107, vec![vec![Step::Variable]; 20]).is_ok());
    let refused = scaled(13108, vec![vec![Step::Variable]]).unwrap_err();
    assert_eq!(refused, GraphError::Domain { node: 1, got: (1 << 16) + 5 });
    // Four formulas of 61 to 64 steps over 2^16 arguments fit, and a short fifth one does not.
    let negated = |length: usize| [vec![Step::Variable], vec![Step::Negate; length - 1]].concat();
    let four = [64, 63, 62, 61].map(negated);
    assert!(scaled(13107, four.to_vec()).is_ok());
    assert!(scaled(13107, [four.to_vec(), four.to_vec()].concat()).is_ok());
    let refused = scaled(13107, [four.to_vec(), vec![negated(7)]].concat());
    assert_eq!(refused, Err(GraphError::Steps { node: 5 }));
}

#[test]
fn operands_of_other_shapes() {
    let constant = Operator::Constant { shape: vec![2, 1], values: vec![0, 0] };
    let pair = |shape: &[u32], operator: Operator, expected| {
        let name = operator.name();
        let nodes = vec![node(constant.clone(), &[]), node(operator, &[0, 1])];
        let input = Input { shape: shape.to_vec(), range: range(-2, 5) };
        let refused = Graph::new(input, nodes, Layout { k: 10, rows: 3, lanes: 1 }).unwrap_err();
        let GraphError::Operands { node: 1, .. } = refused else { panic!("{refused}") };
        let GraphError::Operands { operator, expected, got, .. } = operands(name, expected, &[shape, &[2, 1]]) else {
            panic!("{name}");
        };
        assert_eq!(refused, GraphError::Operands { node: 1, operator, expected, got });
    };
    let same = "inputs of one shape";
    pair(&[2], Operator::Multiply, same);
    pair(&[1, 2], Operator::Maximum, same);
    pair(&[2, 2], Operator::Minimum, same);
    pair(&[1], Operator::Combine { multipliers: vec![1, 1], constant: 0 }, same);
    pair(&[2, 2], Operator::MatrixMultiply, "[batch, m, k] and [batch, k, n]");
    let along = "inputs that differ only along the axis";
    pair(&[2, 2], Operator::Concatenate { axis: 0 }, along);
    pair(&[2, 2], Operator::Concatenate { axis: 2 }, along);
    pair(&[2], Operator::Concatenate { axis: 0 }, along);
    let stated = Operator::Constant { shape: vec![2], values: vec![0; 3] };
    assert_eq!(refusal(&[3], stated, &[]), operands("constant", "2 elements for shape [2], got 3", &[]));
    let reshape = Operator::Reshape { shape: vec![2, 2] };
    assert_eq!(refusal(&[3], reshape, &[0]), operands("reshape", "4 elements for shape [2, 2], got 3", &[&[3]]));
    for shape in [vec![], vec![1, 0], vec![1; 9], vec![WIDTH_MAX, 2]] {
        let reshape = Operator::Reshape { shape: shape.clone() };
        assert_eq!(refusal(&[3], reshape, &[0]), GraphError::Shape { node: 0, shape });
    }
}

#[test]
fn elements_that_are_not_there() {
    let strided = |offset, shape: &[u32], strides: &[i32]| {
        let operator = Operator::Strided { offset, shape: shape.to_vec(), strides: strides.to_vec() };
        assert_eq!(refusal(&[6], operator, &[0]), operands("strided", "strides that stay inside the input", &[&[6]]));
    };
    strided(0, &[7], &[1]);
    strided(1, &[3], &[-1]);
    strided(6, &[1], &[0]);
    strided(0, &[2, 2], &[1]);
    strided(0, &[2], &[i32::MAX]);
    strided(u32::MAX, &[2], &[i32::MIN]);
    let select = |indices: Vec<u32>| refusal(&[6], Operator::Select { shape: vec![2], indices }, &[0]);
    let below = "indices below the input's number of elements";
    assert_eq!(select(vec![0, 6]), operands("select", below, &[&[6]]));
    assert_eq!(select(vec![0]), operands("select", "2 elements for shape [2], got 1", &[&[6]]));
    let pad = |low: &[i32], high: &[i32], interior: &[u32]| {
        let (low, high, interior) = (low.to_vec(), high.to_vec(), interior.to_vec());
        let expected = "low, high and interior padding for every dimension, and something left";
        let refused = refusal(&[6], Operator::Pad { low, high, interior, value: 0 }, &[0]);
        assert_eq!(refused, operands("pad", expected, &[&[6]]));
    };
    pad(&[1, 1], &[0], &[0]);
    pad(&[1], &[], &[0]);
    pad(&[1], &[0], &[0, 0]);
    pad(&[-3], &[-3], &[0]);
    pad(&[i32::MIN], &[0], &[0]);
    pad(&[0], &[0], &[u32::MAX]);
}

#[test]
fn sums_beyond_the_bound() {
    let magnitude = |operator, min, max| GraphError::Magnitude { node: 0, operator, min, max };
    let huge = i128::from(MAGNITUDE_MAX);
    let combine = |constant| refusal(&[1], Operator::Combine { multipliers: vec![1], constant }, &[0]);
    assert_eq!(combine(MAGNITUDE_MAX - 4), magnitude("combine", -2, huge + 1));
    assert_eq!(combine(i64::MIN), magnitude("combine", -(1 << 63) - 2, 5));
    // The difference is small and a term is not: added in this order it would leave the bound.
    let far = Operator::Combine { multipliers: vec![1 << 46, -(1 << 46)], constant: 0 };
    assert_eq!(refusal(&[1], far, &[0, 0]), magnitude("combine", -7 << 46, 7 << 46));
    let of = |low: i64, high: i64, shape: &[u32], operator: Operator| {
        let input = Input { shape: shape.to_vec(), range: range(low, high) };
        let inputs = if operator == Operator::Sum { vec![0] } else { vec![0, 0] };
        let layout = Layout { k: 10, rows: 3, lanes: 1 };
        Graph::new(input, vec![Node { operator, inputs }], layout).map(|graph| graph.output().range)
    };
    let root = 1i64 << 24;
    assert_eq!(of(-root, 0, &[1], Operator::Multiply), Err(magnitude("multiply", 0, 2 * huge)));
    assert_eq!(of(0, MAGNITUDE_MAX / 2, &[2], Operator::Sum), Ok(range(0, MAGNITUDE_MAX)));
    assert_eq!(of(0, MAGNITUDE_MAX / 2 + 1, &[2], Operator::Sum), Err(magnitude("sum", 0, huge + 2)));
    let shape = [1, 2, 2];
    let product = of(-root / 2, 1, &shape, Operator::MatrixMultiply);
    assert_eq!(product, Ok(range(-root, MAGNITUDE_MAX)));
    let product = of(-root / 2, root / 2 + 1, &shape, Operator::MatrixMultiply);
    let largest = 2 * i128::from(root / 2 + 1).pow(2);
    assert_eq!(
        product,
        Err(magnitude("matrix multiply", -2 * i128::from(root / 2) * i128::from(root / 2 + 1), largest))
    );
    let constant = Operator::Constant { shape: vec![2], values: vec![i64::MIN, 3] };
    let refused = refusal(&[1], constant, &[]);
    assert_eq!(refused, magnitude("constant", -(1 << 63), 3));
    assert_eq!(
        refused.to_string(),
        "node 0 (constant): sums reach [-9223372036854775808, 3], beyond 2^47; requantise its inputs first"
    );
}

//! Graphs that generate, and what they may depend on.

use super::*;
use crate::model::reference::{self, Trace};
use crate::model::tensor::Tensor;
use crate::model::weights::Weights;
use std::collections::BTreeMap;

const LAYOUT: Layout = Layout { k: 10, rows: 0, lanes: 1 };

fn input(length: u32) -> Input {
    Input { shape: vec![length], range: range(0, 9) }
}

fn clamped(source: u32) -> Node {
    let clamp = range(0, 9);
    node(Operator::Requantise { shift: 1, clamp, activation: Activation::Identity }, &[source])
}

/// Each output is half the sum of the three elements before it, the first of those at `offset`.
fn thirds(offset: u32, strides: Vec<i32>) -> Graph {
    let windows = Operator::Strided { offset, shape: vec![3, 3], strides };
    Graph::new(input(5), vec![node(windows, &[0]), node(Operator::Sum, &[1]), clamped(2)], LAYOUT).unwrap()
}

fn generating() -> Graph {
    thirds(0, vec![1, 1]).with_generation().unwrap()
}

fn run(graph: &Graph, asked: &[i64]) -> Trace {
    let weights = Weights::new(graph, BTreeMap::new()).unwrap();
    reference::run(graph, &weights, &Tensor::vector(asked.to_vec()).unwrap()).unwrap()
}

#[test]
fn what_is_generated_is_read_for_what_comes_after_it() {
    let graph = generating();
    assert_eq!((graph.input().shape.as_slice(), graph.generated(), graph.by_positions()), (&[3][..], 3, true));
    let trace = run(&graph, &[1, 2, 4]);
    // (1 + 2 + 4) / 2, rounded up, then (2 + 4 + 4) / 2, then (4 + 4 + 5) / 2.
    assert_eq!(trace.output(), [4, 5, 7]);
    assert_eq!(trace.values[0], [1, 2, 4, 4, 5]);
    assert_eq!(graph.sequence(&[1, 2, 4], &[4, 5, 7]), [1, 2, 4, 4, 5]);
    let weights = Weights::new(&graph, BTreeMap::new()).unwrap();
    let asked = Tensor::vector(vec![1, 2, 4]).unwrap();
    assert_eq!(reference::is_run(&graph, &weights, &asked, &trace), Ok(true));
    for (value, element) in [(0, 0), (0, 3), (1, 8), (3, 0), (3, 1), (3, 2)] {
        let mut other = trace.clone();
        other.values[value][element] ^= 1;
        assert_eq!(reference::is_run(&graph, &weights, &asked, &other), Ok(false), "value {value}, element {element}");
    }
    // An honest pass over a sequence that is not what it generates.
    let other = reference::pass(&graph, &weights, vec![1, 2, 4, 4, 6]).unwrap();
    assert_eq!(reference::is_run(&graph, &weights, &asked, &other), Ok(false));
}

#[test]
fn the_number_of_generated_elements_is_a_part_of_the_encoding() {
    let graph = generating();
    let bytes = graph.encode();
    assert_eq!(Graph::decode(&bytes).unwrap(), graph);
    let json = serde_json::to_string(&graph).unwrap();
    assert_eq!(serde_json::from_str::<Graph>(&json).unwrap(), graph);
    assert_ne!(graph.digest(), thirds(0, vec![1, 1]).with_positions(true).digest());
    assert_eq!(graph.clone().with_positions(false), graph);
    for length in 0..bytes.len() {
        assert!(matches!(Graph::decode(&bytes[..length]), Err(GraphError::Encoding { .. })), "length {length}");
    }
    let mut other = bytes.clone();
    other[bytes.len() - 4] = 2;
    assert_eq!(Graph::decode(&other), Err(GraphError::Generated { expected: 3, got: 2 }));
    // The number without the version, and the version without the number.
    let mut other = bytes.clone();
    other[0] = 3;
    assert!(matches!(Graph::decode(&other), Err(GraphError::Encoding { .. })));
    let error = serde_json::from_str::<Graph>(&json.replace("\"version\":4", "\"version\":3")).unwrap_err();
    assert_eq!(error.to_string(), "graph: expected 0 generated elements, got 3");
    let error = serde_json::from_str::<Graph>(&json.replace(",\"generated\":3", "")).unwrap_err();
    assert_eq!(error.to_string(), "graph: expected 3 generated elements, got 0");
}

#[test]
fn nothing_depends_on_what_comes_later() {
    let future = |place, known, reads| Err(GraphError::Future { place, known, reads });
    let shifted = Operator::Strided { offset: 1, shape: vec![3, 2], strides: vec![1, 1] };
    let nodes = vec![node(shifted, &[0]), node(Operator::Sum, &[1]), clamped(2)];
    assert!(Graph::new(input(5), nodes, LAYOUT).unwrap().with_generation().is_ok());
    assert_eq!(thirds(4, vec![-1, -1]).with_generation(), future(0, 3, 4));
    assert_eq!(thirds(2, vec![0, 1]).with_generation(), future(0, 3, 4));
}

/// A causal mask in its two forms: a product with zero, and a number so small that another is always larger.
#[test]
fn what_is_masked_is_not_depended_on() {
    let rows = Operator::Strided { offset: 0, shape: vec![2, 3], strides: vec![0, 1] };
    let constant = |values: Vec<i64>| Operator::Constant { shape: vec![2, 3], values };
    let masked = |values: Vec<i64>, operator: Operator| {
        let nodes = vec![
            node(rows.clone(), &[0]),
            node(constant(values), &[]),
            node(operator, &[1, 2]),
            node(Operator::Strided { offset: 0, shape: vec![2], strides: vec![3] }, &[3]),
            node(Operator::Strided { offset: 1, shape: vec![2], strides: vec![3] }, &[3]),
            node(Operator::Strided { offset: 2, shape: vec![2], strides: vec![3] }, &[3]),
            node(Operator::Maximum, &[4, 5]),
            node(Operator::Maximum, &[7, 6]),
            clamped(8),
        ];
        Graph::new(input(3), nodes, LAYOUT).unwrap().with_generation()
    };
    let future = Err(GraphError::Future { place: 0, known: 2, reads: 2 });
    assert!(masked(vec![1, 1, 0, 1, 1, 1], Operator::Multiply).is_ok());
    assert_eq!(masked(vec![1, 1, 1, 1, 1, 1], Operator::Multiply), future);
    let sum = || Operator::Combine { multipliers: vec![1, 1], constant: 0 };
    assert!(masked(vec![0, 0, -9, 0, 0, 0], sum()).is_ok());
    assert_eq!(masked(vec![0, 0, -8, 0, 0, 0], sum()), future);
    // A masked element still lies in the same interval as one that the mask leaves, but nothing follows from it.
    let graph = masked(vec![0, 0, -9, 0, 0, 0], sum()).unwrap();
    assert_eq!(run(&graph, &[5, 7]).output(), [4, 4]);
}

#[test]
fn a_graph_generates_elements_of_its_input_only() {
    let refused = |graph: Graph| match graph.with_generation() {
        Err(GraphError::Generation { sequence, output }) => (sequence, output),
        other => panic!("{other:?}"),
    };
    let copy = |shape: Vec<u32>| node(Operator::Reshape { shape }, &[0]);
    let of = |shape: Vec<u32>, nodes| Graph::new(Input { shape, range: range(0, 9) }, nodes, LAYOUT).unwrap();
    // Two dimensions; one output; no element that is asked; outputs beyond the input's interval.
    assert_eq!(refused(of(vec![2, 2], vec![copy(vec![4])])), (vec![2, 2], vec![4]));
    let first = Operator::Strided { offset: 0, shape: vec![1], strides: vec![1] };
    assert_eq!(refused(of(vec![4], vec![node(first, &[0])])), (vec![4], vec![1]));
    let twice = Operator::Concatenate { axis: 0 };
    assert_eq!(refused(of(vec![4], vec![node(twice, &[0, 0])])), (vec![4], vec![8]));
    let wider = Operator::Combine { multipliers: vec![2], constant: 0 };
    assert_eq!(refused(of(vec![4], vec![node(wider, &[0])])), (vec![4], vec![4]));
}

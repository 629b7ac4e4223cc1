mod generation;
mod inference;
mod mutations;
mod refusals;

use super::*;

fn range(min: i64, max: i64) -> Range {
    Range { min, max }
}

fn dense(inputs: u32, outputs: u32, source: u32) -> Node {
    Node { operator: Operator::Dense { inputs, outputs, accumulator: range(-1000, 1000) }, inputs: vec![source] }
}

fn requantise(shift: u8, source: u32) -> Node {
    let operator = Operator::Requantise { shift, clamp: range(-127, 127), activation: Activation::Relu };
    Node { operator, inputs: vec![source] }
}

fn node(operator: Operator, inputs: &[u32]) -> Node {
    Node { operator, inputs: inputs.to_vec() }
}

fn graph(nodes: Vec<Node>) -> Result<Graph, GraphError> {
    Graph::new(Input { shape: vec![2, 2], range: range(0, 16) }, nodes, Layout { k: 10, rows: 3, lanes: 1 })
}

#[test]
fn encoding_round_trips_and_is_canonical() {
    let graph = graph(vec![dense(4, 3, 0), requantise(4, 1), dense(3, 2, 2)]).unwrap();
    let bytes = graph.encode();
    assert_eq!(Graph::decode(&bytes).unwrap(), graph);
    let json = serde_json::to_string(&graph).unwrap();
    assert_eq!(serde_json::from_str::<Graph>(&json).unwrap(), graph);
    // By positions it is another graph, and its version alone says so.
    let by_positions = graph.clone().with_positions(true);
    assert_ne!(by_positions.digest(), graph.digest());
    assert_eq!(Graph::decode(&by_positions.encode()).unwrap(), by_positions);
    let other = json.replace("\"version\":2", "\"version\":3");
    assert_eq!(serde_json::from_str::<Graph>(&other).unwrap(), by_positions);
    assert_eq!(by_positions.with_positions(false), graph);
    for length in 0..bytes.len() {
        assert!(matches!(Graph::decode(&bytes[..length]), Err(GraphError::Encoding { .. })), "length {length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(Graph::decode(&longer), Err(GraphError::Encoding { .. })));
    let mut other = bytes;
    other[0] = 9;
    assert_eq!(Graph::decode(&other), Err(GraphError::Version { got: 9 }));
    let error = serde_json::from_str::<Graph>(&json.replace("\"version\":2", "\"version\":5")).unwrap_err();
    assert!(
        error.to_string().starts_with("graph version: expected 2 to 4, got 5; use the release that wrote it"),
        "{error}"
    );
    assert_eq!(Graph::decode(&vec![0; GRAPH_BYTES_MAX + 1]), Err(GraphError::TooLarge { got: GRAPH_BYTES_MAX + 1 }));
}

#[test]
fn values_carry_width_and_range() {
    let graph = graph(vec![dense(4, 3, 0), requantise(4, 1), dense(3, 2, 2)]).unwrap();
    let values = graph.values();
    assert_eq!(values.len(), 4);
    assert_eq!(values[1], Value { shape: vec![3], range: range(-1000, 1000) });
    assert_eq!(values[2], Value { shape: vec![3], range: range(0, 63) });
    assert_eq!(graph.output(), Value { shape: vec![2], range: range(-1000, 1000) });
}

#[test]
fn another_layout_is_checked_and_keeps_the_rest() {
    let valid = graph(vec![dense(4, 3, 0)]).unwrap();
    let wider = valid.clone().with_layout(Layout { k: 22, rows: 1, lanes: 1 }).unwrap();
    assert_eq!((wider.nodes(), wider.values()), (valid.nodes(), valid.values()));
    assert_ne!(wider.digest(), valid.digest());
    assert_eq!(
        valid.with_layout(Layout { k: 23, rows: 3, lanes: 1 }),
        Err(GraphError::Layout { k: 23, rows: 3, lanes: 1 })
    );
}

#[test]
fn quotient_rounds_half_up_and_floors() {
    let expected = [(-9, -2), (-6, -1), (-5, -1), (-2, 0), (-1, 0), (0, 0), (1, 0), (2, 1), (5, 1), (6, 2)];
    for (accumulator, quotient_expected) in expected {
        assert_eq!(quotient(accumulator, 2), quotient_expected, "{accumulator}");
    }
}

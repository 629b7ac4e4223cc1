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
    for length in 0..bytes.len() {
        assert!(matches!(Graph::decode(&bytes[..length]), Err(GraphError::Encoding { .. })), "length {length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(Graph::decode(&longer), Err(GraphError::Encoding { .. })));
    let mut other = bytes;
    other[0] = 9;
    assert_eq!(Graph::decode(&other), Err(GraphError::Version { got: 9 }));
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
fn each_rule_has_its_own_refusal() {
    assert_eq!(graph(vec![]), Err(GraphError::NodeCount { got: 0 }));
    assert_eq!(graph(vec![dense(5, 3, 0)]), Err(GraphError::Width { node: 0, expected: 2, got: 5 }));
    assert_eq!(graph(vec![dense(4, 0, 0)]), Err(GraphError::Outputs { node: 0, got: 0 }));
    assert_eq!(graph(vec![dense(4, 3, 1)]), Err(GraphError::Inputs { node: 0, got: vec![1] }));
    let twice = Node { inputs: vec![0, 0], ..dense(4, 3, 0) };
    assert_eq!(graph(vec![twice]), Err(GraphError::Arity { node: 0, operator: "dense", expected: 1, got: 2 }));
    assert_eq!(graph(vec![requantise(17, 0)]), Err(GraphError::Shift { node: 0, got: 17 }));
    let wide = Operator::Dense { inputs: 4, outputs: 1, accumulator: range(0, i64::MAX) };
    assert_eq!(
        graph(vec![Node { operator: wide, inputs: vec![0] }]),
        Err(GraphError::Range { place: "node 0 accumulator".into(), min: 0, max: i64::MAX })
    );
    let input = Input { shape: vec![], range: range(0, 1) };
    assert_eq!(
        Graph::new(input, vec![dense(1, 1, 0)], Layout { k: 10, rows: 1, lanes: 1 }),
        Err(GraphError::InputShape { shape: vec![] })
    );
    let valid = graph(vec![dense(4, 3, 0)]).unwrap();
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

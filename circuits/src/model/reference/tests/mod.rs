mod operators;

use super::*;
use crate::model::{analysis, fixture, random};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn tensor(values: [i64; 4]) -> Tensor {
    Tensor::new(vec![2, 2], values.to_vec()).unwrap()
}

#[test]
fn a_trace_by_hand() {
    let trace = run(&fixture::graph(), &fixture::weights(), &tensor([1, 0, 2, 16])).unwrap();
    // 1+6+64+1 = 72, -(1+6+64)-2 = -73, 5+10-80+3 = -62; (72+2)>>2 = 18, clamped negatives to zero by ReLU.
    assert_eq!(trace.values[1], [72, -73, -62]);
    assert_eq!(trace.values[2], [18, 0, 0]);
    assert_eq!(trace.output(), [7 * 18 + 100, -10 * 18 - 100]);
    // 16*10+1 = 161 -> 40 saturates at 20; -162 -> -40 becomes 0; 5*(16-16+16-16)+3 = 3 -> 1.
    let saturated = run(&fixture::graph(), &fixture::weights(), &tensor([16; 4])).unwrap();
    assert_eq!(saturated.values[1], [161, -162, 3]);
    assert_eq!(saturated.values[2], [20, 0, 1]);
}

#[test]
fn inputs_are_checked() {
    let flat = Tensor::vector(vec![0; 4]).unwrap();
    assert_eq!(
        run(&fixture::graph(), &fixture::weights(), &flat),
        Err(ExecutionError::InputShape { expected: vec![2, 2], got: vec![4] })
    );
    let range = Range { min: 0, max: 16 };
    for (index, value) in [(2, 17), (3, -1), (0, i64::MIN)] {
        let mut values = [0; 4];
        values[index] = value;
        assert_eq!(
            run(&fixture::graph(), &fixture::weights(), &tensor(values)),
            Err(ExecutionError::InputRange { index, value, range })
        );
    }
}

#[test]
fn weights_that_were_never_analysed_give_errors() {
    let graph = fixture::graph();
    let with = |node, weights: LinearWeights| {
        let mut nodes = fixture::nodes();
        nodes.insert(node, weights);
        run(&graph, &Weights::new(&graph, nodes).unwrap(), &tensor([16; 4]))
    };
    let heavy = LinearWeights::new(3, 4, vec![100; 12], vec![0; 3]).unwrap();
    assert_eq!(
        with(0, heavy),
        Err(ExecutionError::Accumulator { node: 0, channel: 0, value: 6400, range: Range { min: -2000, max: 2000 } })
    );
    let overflowing = LinearWeights::new(3, 4, vec![1; 12], vec![0, i64::MAX, 0]).unwrap();
    assert_eq!(with(0, overflowing), Err(ExecutionError::Overflow { node: 0, channel: 1 }));
}

#[test]
fn weights_of_another_graph_are_refused() {
    let other = fixture::graph();
    let narrow = Graph::new(other.input().clone(), other.nodes()[..1].to_vec(), other.layout()).unwrap();
    let first = BTreeMap::from([(0, fixture::nodes()[&0].clone())]);
    let weights = Weights::new(&narrow, first).unwrap();
    assert_eq!(run(&other, &weights, &tensor([0; 4])), Err(ExecutionError::Weights { node: 2 }));
}

/// Every value of four runs has the width that its graph gives it, and stays in the range.
fn keeps_to_its_values(model: &random::Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(analysis::check(&model.graph, &model.weights), Ok(()));
    for draw in 0..4 {
        let trace = run(&model.graph, &model.weights, &model.input(draw)).unwrap();
        prop_assert_eq!(trace.values.len(), model.graph.values().len());
        for (index, (value, expected)) in trace.values.iter().zip(model.graph.values()).enumerate() {
            prop_assert_eq!(value.len(), expected.width() as usize);
            for element in value {
                prop_assert!(expected.range.contains(*element), "value {}: {} of {:?}", index, element, expected);
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn analysed_chains_run_on_every_input_and_stay_in_their_ranges(seed: u64) {
        keeps_to_its_values(&random::Model::from_seed(seed, &random::Limits::default()))?;
    }

    #[test]
    fn analysed_graphs_run_on_every_input_and_stay_in_their_ranges(seed: u64) {
        keeps_to_its_values(&random::Model::graph_from_seed(seed, &random::Limits::default()))?;
        keeps_to_its_values(&random::Model::graph_from_seed(seed, &random::Limits::circuit()))?;
    }

    #[test]
    fn graphs_keep_every_bit_in_both_encodings(seed: u64) {
        let graph = random::Model::graph_from_seed(seed, &random::Limits::default()).graph;
        prop_assert_eq!(&Graph::decode(&graph.encode()).unwrap(), &graph);
        let json = serde_json::to_string(&graph).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Graph>(&json).unwrap(), &graph);
    }
}

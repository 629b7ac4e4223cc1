//! Input that was made to break the node: refused, never a panic.

use proptest::prelude::*;

use circuits::model::graph::{Activation, Graph, Input, Layout, Node, Operator};
use circuits::model::range::Range;

use crate::state::LocalError;
use crate::testing::{World, account, commitment, register_model};
use crate::types::model::UnitsFormula;
use crate::types::transaction::{Action, RegisterModel};

fn offer(world: &mut World, action: RegisterModel) -> Option<u16> {
    let bytes = world.transaction(1, Action::RegisterModel(action)).sign(&account(1)).to_bytes();
    match world.chain.submit(&bytes) {
        Ok(_) => {
            world.block();
            None
        }
        Err(LocalError::Refused(reject)) => Some(reject.code()),
        Err(error) => panic!("{error}"),
    }
}

fn graph(shape: &[u32], widths: &[u32], shift: u8, reach: i64, k: u32) -> Option<Graph> {
    let mut source: u32 = shape.iter().product();
    let mut nodes = Vec::new();
    for (position, width) in widths.iter().enumerate() {
        let inputs = vec![u32::try_from(nodes.len()).unwrap()];
        let accumulator = Range { min: -reach, max: reach };
        nodes.push(Node { operator: Operator::Dense { inputs: source, outputs: *width, accumulator }, inputs });
        source = *width;
        if position + 1 < widths.len() {
            let clamp = Range { min: -128, max: 127 };
            let operator = Operator::Requantise { shift, clamp, activation: Activation::Relu };
            nodes.push(Node { operator, inputs: vec![u32::try_from(nodes.len()).unwrap()] });
        }
    }
    let rows = widths.iter().copied().max().unwrap_or(1);
    let input = Input { shape: shape.to_vec(), range: Range { min: -16, max: 16 } };
    Graph::new(input, nodes, Layout { k, rows, lanes: 1 }).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn graphs_of_every_form_are_registered_or_refused(
        shape in prop::collection::vec(1u32..12, 1..4),
        widths in prop::collection::vec(1u32..40, 1..5),
        shift in 1u8..=16,
        reach in 0i64..100_000,
        k in 1u32..=9,
    ) {
        if let Some(graph) = graph(&shape, &widths, shift, reach, k) {
            let rows = u64::from(graph.layout().rows);
            let action = RegisterModel {
                graph: graph.encode(),
                commitment: borsh::to_vec(&commitment(rows)).unwrap(),
                formula: UnitsFormula { base: 1, per_token_in: 0, per_token_out: 0 },
                ..register_model()
            };
            let refused = offer(&mut World::new(), action);
            prop_assert!(matches!(refused, None | Some(205)), "{:?}", refused);
        }
    }

    #[test]
    fn changed_bytes_of_a_registration_are_registered_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        in_graph in any::<bool>(),
    ) {
        let mut action = register_model();
        let bytes = if in_graph { &mut action.graph } else { &mut action.commitment };
        for (position, value) in changes {
            let position = position.index(bytes.len());
            bytes[position] = value;
        }
        let refused = offer(&mut World::new(), action);
        prop_assert!(matches!(refused, None | Some(200..=299)), "{:?}", refused);
    }
}

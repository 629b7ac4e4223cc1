use super::*;
use crate::layout::tape::Row;
use crate::layout::{Plan, choose};
use crate::model::random::{Encoder, Limits, Model};

/// The largest exponent, by the rows that there are.
fn of_rows(plan: &Plan) -> u64 {
    let (lanes, rows) = (plan.lanes() as u64, plan.rows() as u64);
    let count = |states: fn(&Row) -> bool| {
        let stating = plan.tape().rows().kinds().filter(|(row, _)| states(row));
        stating.map(|(_, count)| count).sum::<u64>()
    };
    let (outputs, shared, looks) = (count(|row| row.output), count(|row| row.shared_output), count(|row| row.look));
    let window = plan.tape().slides().iter().map(|(_, length)| *length as u64).max().unwrap_or(0);
    let shared = if shared == 0 { 0 } else { shared + lanes };
    outputs * lanes + window + rows + shared + looks * rows
}

#[test]
fn the_bound_holds_and_is_close() {
    let random = (0..60).map(|seed| Model::graph_from_seed(seed, &Limits::circuit()).graph);
    let encoders = [(4, 0), (4, 11), (3, 11), (8, 0)];
    let encoders =
        encoders.map(|(positions, vocabulary)| Encoder { vocabulary, ..Encoder::small(positions) }.model(1).graph);
    let (mut exact, mut all) = (0, 0);
    for (index, graph) in random.chain(encoders).enumerate() {
        let Ok(layout) = choose(&graph) else { continue };
        for lanes in 1..=layout.lanes {
            let layout = Layout { lanes, k: layout.k + 4, ..layout };
            let Ok(plan) = Plan::new(&graph.clone().with_layout(layout).unwrap()) else { continue };
            let (bound, found) = (row_degree(plan.graph()), of_rows(&plan));
            assert!(bound >= found, "graph {index}, {lanes} lanes: {bound} {found}");
            exact += usize::from(bound == found);
            all += 1;
        }
    }
    assert!(all > 80 && exact * 10 > all * 7, "{exact} of {all}");
}

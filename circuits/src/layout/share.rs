//! What each operator takes of a circuit.
//!
//! Every column is as long as the circuit, and every stage of a proof passes over all rows of all columns, so an operator's
//! part of a proof's time is its part of the rows, up to the columns that it alone asks for.

use super::lower::{self, Size, Written};
use super::plan::PlanError;
use super::tape::Row;
use crate::model::graph::{Activation, Graph, Operator};

/// All nodes of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The operator and, where a requantisation ends its rows, what that computes.
    pub name: String,
    /// Nodes of this kind, those that end their rows not counted again.
    pub nodes: usize,
    /// Elements that they give.
    pub elements: u64,
    /// Rows that were written for them.
    pub rows: usize,
    /// Pairs that their cells look up.
    pub lookups: u64,
}

/// Rows of a graph's circuit by the operators that they were written for, most rows first; the last entry is of rows that
/// serve none alone.
///
/// # Errors
/// As planning the graph.
pub fn shares(graph: &Graph) -> Result<Vec<Share>, PlanError> {
    let layout = graph.layout();
    let size = Size::bounded(graph, layout.lanes as usize, layout.rows as usize, layout.k);
    let (tape, nodes) = lower::rows_by_node(graph, size)?;
    let lookups = |rows: std::ops::Range<usize>| -> u64 {
        let rows = rows.filter_map(|row| tape.rows().get(row));
        let of = |row: &Row| u64::from(row.pair > 0) + u64::from(row.range > 0);
        rows.map(|row| of(row) * u64::from(layout.lanes)).sum()
    };
    let mut shares: Vec<Share> = Vec::new();
    let mut used = 0;
    for (index, Written { rows, ended_by }) in nodes.into_iter().enumerate() {
        used += rows.len();
        let Some(node) = graph.nodes().get(index).filter(|_| !rows.is_empty()) else { continue };
        let ending = ended_by.and_then(|reader| graph.nodes().get(reader)).map(|reader| &reader.operator);
        let name = match ending {
            Some(ending) => format!("{}, {}", kind(&node.operator), kind(ending)),
            None => kind(&node.operator).to_owned(),
        };
        let elements = graph.values().get(index + 1).map_or(0, |value| u64::from(value.width()));
        let own = Share { name, nodes: 1, elements, rows: rows.len(), lookups: lookups(rows) };
        match shares.iter_mut().find(|share| share.name == own.name) {
            Some(share) => {
                share.nodes += 1;
                share.elements += own.elements;
                share.rows += own.rows;
                share.lookups += own.lookups;
            }
            None => shares.push(own),
        }
    }
    shares.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
    let in_all = lookups(0..tape.rows().len());
    let rest = Share {
        name: "shared by all".to_owned(),
        nodes: 0,
        elements: 0,
        rows: tape.rows().len() - used,
        lookups: in_all - shares.iter().map(|share| share.lookups).sum::<u64>(),
    };
    shares.push(rest);
    Ok(shares)
}

fn kind(operator: &Operator) -> &'static str {
    match operator {
        Operator::Requantise { activation: Activation::Formula(_), .. } => "function",
        Operator::Requantise { .. } => "rounding",
        other => other.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Plan, choose};
    use crate::model::random::{Encoder, Limits, Model};

    fn laid_out(graph: Graph) -> Option<Graph> {
        let layout = choose(&graph).ok()?;
        graph.with_layout(layout).ok()
    }

    #[test]
    fn every_row_and_lookup_counts_once() {
        let random = (0..40).map(|seed| Model::graph_from_seed(seed, &Limits::circuit()).graph);
        let encoders = [0, 11].map(|vocabulary| Encoder { vocabulary, ..Encoder::small(4) }.model(1).graph);
        for graph in random.chain(encoders).filter_map(laid_out) {
            let plan = Plan::new(&graph).unwrap();
            let shares = shares(&graph).unwrap();
            let rows = plan.tape().rows();
            assert_eq!(shares.iter().map(|share| share.rows).sum::<usize>(), rows.len());
            let looked_up = rows.iter().map(|row| usize::from(row.pair > 0) + usize::from(row.range > 0));
            let expected = (looked_up.sum::<usize>() * plan.lanes()) as u64;
            assert_eq!(shares.iter().map(|share| share.lookups).sum::<u64>(), expected);
        }
    }

    #[test]
    fn kinds_are_told_apart_by_what_ends_them() {
        let graph = laid_out(Encoder { vocabulary: 11, ..Encoder::small(4) }.model(1).graph).unwrap();
        let shares = shares(&graph).unwrap();
        let of = |name: &str| {
            let share = shares.iter().find(|share| share.name == name).unwrap();
            (share.nodes, share.elements)
        };
        // Queries, keys, values and both sums, six channels of four positions each.
        assert_eq!(of("dense, rounding"), (5, 5 * 24));
        assert_eq!(of("dense, function"), (1, 9 * 4));
        assert_eq!(of("embedding"), (1, 24));
        assert_eq!(of("matrix multiply, rounding"), (2, 2 * 4 * 4 + 24));
        assert_eq!(of("shared by all"), (0, 0));
        let (last, named) = shares.split_last().unwrap();
        assert_eq!(last.name, "shared by all");
        assert!(named.is_sorted_by(|a, b| a.rows >= b.rows), "{named:?}");
    }
}

//! How large the exponents of the row challenge grow, by the graph alone: what a false statement's chance of passing rests on.

use crate::model::graph::{Graph, Layout, Operator, Value};

use super::positions::{Product, dense_positions};
use super::window;

/// Bound of the exponent of the row challenge in any equation of the linear relation. A node that the output does not depend on
/// counts as well.
#[must_use]
pub fn row_degree(graph: &Graph) -> u64 {
    let Layout { rows, lanes, .. } = graph.layout();
    if rows == 0 {
        return 0;
    }
    let (rows, lanes) = (u64::from(rows), u64::from(lanes));
    let mut found = Found::default();
    for (node, result) in graph.nodes().iter().zip(graph.values().iter().skip(1)) {
        let Some(source) = graph.sources(node).next() else { continue };
        let positions = dense_positions(graph, node).map(|positions| positions as u64);
        match (&node.operator, positions) {
            (Operator::Dense { outputs, .. }, Some(positions)) => {
                found.shared(positions.div_ceil(lanes).saturating_mul(u64::from(*outputs)));
            }
            (Operator::Embedding { width, .. }, _) => {
                let columns = u64::from(source.width()).saturating_mul(u64::from(*width).div_ceil(rows));
                found.looks = found.looks.saturating_add(columns);
            }
            (Operator::MatrixMultiply, _) => {
                let product = Product::of(graph, node);
                found.shared(product.map_or(0, |product| product.accumulator_rows(lanes as usize) as u64));
            }
            (operator, _) => found.linear(operator, source, result, rows, lanes),
        }
    }
    // Every row of outputs multiplies by r^lanes; a window's product adds one more row of weights.
    let own = found.outputs.saturating_mul(lanes).saturating_add(found.window).saturating_add(rows);
    // The shared relation multiplies by r on each of its rows, and by the position challenge from lane to lane.
    let shared = if found.shared == 0 { 0 } else { found.shared.saturating_add(lanes) };
    // Each chosen column of an embedding is compared with an entry by itself.
    own.saturating_add(shared).saturating_add(found.looks.saturating_mul(rows))
}

/// What multiplies by the row challenge.
#[derive(Default)]
struct Found {
    /// Rows of outputs of the relation of one position.
    outputs: u64,
    /// Accumulators of the shared relation, in rows.
    shared: u64,
    /// Columns that embeddings choose, by block.
    looks: u64,
    /// The longest window times its step.
    window: u64,
}

impl Found {
    fn shared(&mut self, rows: u64) {
        self.shared = self.shared.saturating_add(rows);
    }

    fn linear(&mut self, operator: &Operator, source: &Value, result: &Value, rows: u64, lanes: u64) {
        let outputs = match operator {
            Operator::Dense { outputs, .. } => *outputs,
            Operator::Convolution { geometry, .. } => geometry.outputs,
            _ => return,
        };
        let positions = window::positions(operator, source, result).unwrap_or(0) as u64;
        // Whole blocks, and what is left of the outputs.
        let (whole, rest) = (u64::from(outputs) / rows, u64::from(outputs) % rows);
        for (blocks, outputs) in [(whole, rows), (1, rest)] {
            let accumulators = outputs.saturating_mul(positions);
            self.outputs = self.outputs.saturating_add(accumulators.div_ceil(lanes).saturating_mul(blocks));
            if blocks > 0 && matches!(operator, Operator::Convolution { .. }) {
                self.window = self.window.max(accumulators);
            }
        }
    }
}

#[cfg(test)]
mod tests;

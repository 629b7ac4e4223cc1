//! The layout of a circuit, chosen once at import: how many rows, lanes and committed rows.
//!
//! A proof's time is, to a good fit, a sum over rows and columns: transforms, commitment and opening of each column by its
//! kind. The constants are written here and do not depend on the machine, so that everyone who imports a model makes the
//! same choice; the estimate of a real machine's time is another matter, and calibrated. They were fitted by least squares
//! to the processor time of 29 proofs of five models in circuits of 2^9 to 2^14 rows, all within 10 %. More lanes mean
//! fewer rows and more columns; more committed rows mean fewer operands and a slower verifier.

use std::ops::RangeInclusive;

use crate::model::graph::{Graph, K_MAX, LANES_MAX, Layout, Operator};

use super::fixed::{roles, used_columns};
use super::lower::{self, Size, direct_max};
use super::plan::{
    Features, LOOKUPS_PER_SUM, PlanError, UNUSABLE_ROWS, committed_rows, data_columns, rows_needed, tables_max,
    used_weight_columns,
};
use super::tape::Tape;

/// Smallest circuit that is planned: below this the fixed costs of a proof dominate anyway.
const K_MIN: u32 = 6;
/// Numbers of committed rows of a weight column, where the widest operator has as many outputs: fewer rows leave room for
/// more columns.
const ROWS: [usize; 5] = [32, 64, 128, 256, 512];
/// More of them where positions lie side by side: a model of a hundred million weights has more than 2^18 rows of 512 hold.
const MORE_ROWS: [usize; 2] = [768, 1024];

/// Tenths of microseconds of a processor for one row: what every proof opens and divides, then each column by its kind.
const ROW: u64 = 340;
const FIXED: u64 = 26;
const EQUALITY: u64 = 48;
const SMALL: u64 = 53;
const FULL: u64 = 61;
/// Tenths of microseconds for a column, however short: its commitment's last steps, its evaluations and its opening (11 000
/// by the fit), and what it costs a verifier.
const COLUMN: u64 = 14_000;
/// Tenths of microseconds for a committed row: a verifier's point multiplication, which weighs more than a prover's time
/// because proofs are verified many times.
const COMMITTED: u64 = 500;

/// The cheapest layout that holds the graph; what its own layout says is ignored.
pub fn choose(graph: &Graph) -> Result<Layout, PlanError> {
    let mut best: Option<(u64, Layout)> = None;
    let mut refused = None;
    let mut tried = Vec::new();
    for lanes in lanes_tried(graph) {
        for most in ROWS.into_iter().chain(MORE_ROWS.into_iter().filter(|_| graph.by_positions())) {
            let (lanes, rows) = (lanes as usize, most.min(widest_outputs(graph)));
            if tried.contains(&(lanes, rows)) {
                continue;
            }
            tried.push((lanes, rows));
            for sizes_of in alike(graph) {
                let tape = match lower::rows(graph, Size::bounded(graph, lanes, rows, *sizes_of.end())) {
                    Ok(tape) => tape,
                    Err(error) => {
                        refused = Some(error);
                        continue;
                    }
                };
                let committed = used_weight_columns(&tape) as u64 * u64::from(committed_rows(&tape));
                for (cost, k) in sizes(&tape, graph, lanes, sizes_of) {
                    let cost = cost + COMMITTED * committed;
                    if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                        let lanes = u32::try_from(lanes).unwrap_or(LANES_MAX);
                        best = Some((cost, Layout { k, rows: committed_rows(&tape), lanes }));
                    }
                }
                if best.is_none() {
                    refused = Some(PlanError::TooLarge { needed: rows_needed(&tape, graph) });
                }
            }
        }
    }
    best.map(|(_, layout)| layout).ok_or_else(|| refused.unwrap_or(PlanError::TooLarge { needed: 0 }))
}

/// Numbers of lanes that are tried. Positions lie side by side in as many as there are, or in all.
fn lanes_tried(graph: &Graph) -> Vec<u32> {
    if !graph.by_positions() {
        return (1..=LANES_MAX.min(8)).collect();
    }
    let positions = graph.nodes().iter().filter_map(|node| match &node.operator {
        Operator::Dense { inputs, .. } => graph.sources(node).next()?.width().checked_div(*inputs),
        _ => None,
    });
    let mut lanes: Vec<u32> = positions.filter(|positions| *positions > 1).map(|count| count.min(LANES_MAX)).collect();
    lanes.sort_unstable();
    lanes.dedup();
    if lanes.is_empty() { vec![1] } else { lanes }
}

/// Outputs of the linear operator that has most.
fn widest_outputs(graph: &Graph) -> usize {
    let outputs = graph.nodes().iter().map(|node| match &node.operator {
        Operator::Dense { outputs, .. } => *outputs,
        Operator::Convolution { geometry, .. } => geometry.outputs,
        Operator::Embedding { width, .. } => *width,
        _ => 0,
    });
    outputs.max().unwrap_or(0) as usize
}

/// Sizes whose rows are the same, from the smallest.
fn alike(graph: &Graph) -> Vec<RangeInclusive<u32>> {
    let mut alike: Vec<RangeInclusive<u32>> = Vec::new();
    for k in K_MIN..=K_MAX {
        match alike.last_mut() {
            Some(last) if direct_max(graph, *last.end()) == direct_max(graph, k) => *last = *last.start()..=k,
            _ => alike.push(k..=k),
        }
    }
    alike
}

/// Cost and k of every one of the sizes that holds the tape.
fn sizes(tape: &Tape, graph: &Graph, lanes: usize, sizes: RangeInclusive<u32>) -> Vec<(u64, u32)> {
    let needed = rows_needed(tape, graph);
    let fits = |k: &u32| (1u64 << k).saturating_sub(UNUSABLE_ROWS) >= needed;
    let priced = sizes.filter(fits).filter_map(|k| {
        let rows = 1u64 << k;
        let tables = tape.table().length().div_ceil(rows - UNUSABLE_ROWS - 1);
        (tables <= tables_max(graph)).then(|| (Columns::of(tape, lanes, tables).cost(rows), k))
    });
    priced.collect()
}

/// Columns by what they cost.
struct Columns {
    fixed: u64,
    equality: u64,
    small: u64,
    full: u64,
}

impl Columns {
    fn of(tape: &Tape, lanes: usize, tables: u64) -> Self {
        let roles = roles(tape);
        let features = Features::of(&roles);
        let lookups = features.lookups(lanes) as u64;
        // The shared relation has three columns, and copies of H in G.
        let (shared_columns, shared_copies) = if features.shared { (3, 2) } else { (0, 0) };
        let equality = 2 * lanes as u64 + 1 + shared_copies;
        let weights = if features.weights { used_weight_columns(tape) as u64 + 1 } else { 0 };
        // Three copied columns share a product, three lookups a sum.
        let shared = equality.div_ceil(3) + (lookups + tables).div_ceil(LOOKUPS_PER_SUM as u64);
        Self {
            fixed: used_columns(&roles) as u64 + 3 * tables,
            equality,
            small: data_columns(lanes) as u64 + tables + u64::from(features.entries),
            full: weights + u64::from(features.chains) + shared_columns + shared + u64::from(features.entries),
        }
    }

    fn cost(&self, rows: u64) -> u64 {
        let Self { fixed, equality, small, full } = *self;
        let row = ROW + FIXED * fixed + EQUALITY * equality + SMALL * small + FULL * full;
        // A copied column has a second, fixed one that says what it is copied from.
        rows.saturating_mul(row) + COLUMN * (fixed + 2 * equality + small + full)
    }
}

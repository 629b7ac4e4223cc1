//! How large a tape may become.

use crate::model::graph::Graph;

/// Bounds of a tape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Number of lanes.
    pub(crate) lanes: usize,
    /// Largest number of committed weight rows of a column.
    pub(crate) committed_rows: usize,
    /// Largest number of weight columns.
    pub(crate) weight_columns: usize,
    /// Largest number of rows: a graph that needs more is given up before it is written.
    pub(crate) tape_rows: usize,
    /// Largest number of quotients that one table takes.
    pub(crate) direct: u64,
}

/// Most committed rows of all weight columns together: verification costs a point multiplication for each.
const COMMITTED_ROWS_MAX: usize = 512;
/// Largest number of quotients that one table takes.
const DIRECT_MAX: u64 = 1 << 14;
/// The same where positions lie side by side, in the longest circuits: a table may take twice as many rows as there are,
/// because a wide quotient takes four rows more each time.
const DIRECT_MAX_BY_POSITIONS: u64 = 1 << 17;

/// Largest number of quotients that one table takes in a circuit of 2^k rows.
pub(crate) fn direct_max(graph: &Graph, k: u32) -> u64 {
    if graph.by_positions() { (2 << k).clamp(DIRECT_MAX, DIRECT_MAX_BY_POSITIONS) } else { DIRECT_MAX }
}

impl Size {
    /// `rows` committed rows for each weight column, and as many of those as there may be beside `lanes` lanes, in 2^k rows.
    pub(crate) fn bounded(graph: &Graph, lanes: usize, rows: usize, k: u32) -> Self {
        let weight_columns = COMMITTED_ROWS_MAX.checked_div(rows).unwrap_or(1).clamp(1, lanes.max(1));
        // Operands of the shared relation lie apart from the lanes, and meet weights of one column.
        let weight_columns = if graph.by_positions() { 1 } else { weight_columns };
        Self { lanes, committed_rows: rows, weight_columns, tape_rows: 1 << k, direct: direct_max(graph, k) }
    }
}

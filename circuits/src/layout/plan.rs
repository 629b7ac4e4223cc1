//! The plan of a graph's circuit: its rows, and the columns that they need.

use std::sync::OnceLock;

use crate::model::graph::{Graph, Layout, Value};

use super::fixed::Role;
use super::lower::{self, CONTEXT_ROWS, Size};
use super::shape::Shape;
use super::table::Table;
use super::tape::{Block, Place, SLOTS, Tape};

/// Rows at the bottom that halo2 fills with blinding values, plus the row that only rotations reach.
///
/// No advice column is read at more than two rotations, so halo2 counts five blinding factors and one spare row; a test
/// compares this with the constraint system.
pub const UNUSABLE_ROWS: u64 = 6;
/// Lookups, of rows or of table columns, that share one running sum: as many as degree 5 allows.
pub const LOOKUPS_PER_SUM: usize = 3;
/// Largest number of table columns.
pub const TABLES_MAX: usize = 16;
/// The same where positions lie side by side: a table column costs less than twice the rows.
pub const TABLES_MAX_BY_POSITIONS: usize = 32;

/// Why a graph cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A table would be too large.
    #[error(
        "node {node}: {got} different quotients or differences are more than its tables take; use a larger shift, smaller weights or a narrower clamp"
    )]
    Wide {
        /// The node.
        node: usize,
        /// Integers in its static range.
        got: u64,
    },
    /// The graph states another number of committed rows than its linear operators need.
    #[error("graph layout rows: expected {expected} (what its linear operators need), got {got}")]
    Rows {
        /// Rows that are needed.
        expected: u32,
        /// Rows that the graph states.
        got: u32,
    },
    /// The circuit does not fit its 2^k rows.
    #[error("graph layout k = {k}: expected at least {needed} usable rows, got {usable}")]
    TooSmall {
        /// k the graph states.
        k: u32,
        /// Rows that trace and table need.
        needed: u64,
        /// Rows that 2^k leaves.
        usable: u64,
    },
    /// Even the largest circuit is too small.
    #[error("graph: needs {needed} rows, more than 2^{max} provide", max = crate::model::graph::K_MAX)]
    TooLarge {
        /// Rows that trace and table need.
        needed: u64,
    },
}

/// The plan of a graph's circuit: derived, never read from outside.
#[derive(Clone, Debug)]
pub struct Plan {
    graph: Graph,
    tape: Tape,
    shape: Shape,
    copies: OnceLock<Result<Vec<(Place, Place)>, PlanError>>,
    statement_rows: usize,
}

impl Plan {
    /// Plans `graph`, or says what does not fit.
    pub fn new(graph: &Graph) -> Result<Self, PlanError> {
        let Layout { k, rows, lanes } = graph.layout();
        let usable = (1u64 << k).saturating_sub(UNUSABLE_ROWS);
        let size = Size::bounded(graph, lanes as usize, rows as usize, k);
        let tape = match lower::rows(graph, size) {
            Err(PlanError::TooLarge { needed }) => return Err(PlanError::TooSmall { k, needed, usable }),
            tape => tape?,
        };
        let expected = committed_rows(&tape);
        if rows != expected {
            return Err(PlanError::Rows { expected, got: rows });
        }
        let statement_rows = CONTEXT_ROWS + statement_width(graph);
        let needed = rows_needed(&tape, graph).max(table_rows(tape.table(), graph));
        if needed > usable {
            return Err(PlanError::TooSmall { k, needed, usable });
        }
        // The last usable row only holds the sums.
        let tables = tape.table().length().div_ceil(usable.saturating_sub(1).max(1));
        let shape = Shape::of(&tape, graph, usize::try_from(tables).unwrap_or(usize::MAX));
        Ok(Self { graph: graph.clone(), tape, shape, copies: OnceLock::new(), statement_rows })
    }

    /// The graph that is planned.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The circuit has 2^k rows.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.graph.layout().k
    }

    /// Number R of committed weight rows of each weight column; 0 for a model without weights.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.graph.layout().rows as usize
    }

    /// What the circuit's columns and gates follow from.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Number of weight columns.
    #[must_use]
    pub fn weight_columns(&self) -> usize {
        self.shape.weight_columns()
    }

    /// Number of committed rows of all weight columns together: the points that a key consists of.
    #[must_use]
    pub fn committed_rows(&self) -> usize {
        self.shape.committed_rows()
    }

    /// Number of lanes.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.tape.lanes()
    }

    /// Number of rows that may hold data.
    #[must_use]
    pub fn usable_rows(&self) -> usize {
        (1usize << self.k()).saturating_sub(UNUSABLE_ROWS as usize)
    }

    /// The rows.
    #[must_use]
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Pairs of equal cells, worked out when they are first asked for: verification never asks.
    pub fn copies(&self) -> Result<&[(Place, Place)], PlanError> {
        let copies = self.copies.get_or_init(|| lower::copies(&self.graph, self.size()));
        copies.as_deref().map_err(Clone::clone)
    }

    pub(crate) fn size(&self) -> Size {
        Size::bounded(&self.graph, self.lanes(), self.rows(), self.k())
    }

    /// The lookup table.
    #[must_use]
    pub fn table(&self) -> &Table {
        self.tape.table()
    }

    /// Number of table columns; 0 for a circuit without lookups.
    #[must_use]
    pub fn tables(&self) -> usize {
        self.shape.tables()
    }

    /// Length of the instance column.
    #[must_use]
    pub fn statement_rows(&self) -> usize {
        self.statement_rows
    }

    /// Stretches of committed weights.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        self.tape.blocks()
    }

    /// Which columns and gates the rows need.
    #[must_use]
    pub fn features(&self) -> Features {
        self.shape.features()
    }
}

/// What a circuit has beyond its data columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Committed weights and the sum of the linear relation.
    pub weights: bool,
    /// The running combination of operands.
    pub chains: bool,
    /// Lookups of `(a, b)`.
    pub pairs: bool,
    /// Lookups of `c`.
    pub ranges: bool,
    /// The relation that positions side by side share.
    pub shared: bool,
    /// Lookups among the entries of a weight column.
    pub entries: bool,
}

impl Features {
    /// What rows that state these roles need.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        let any = |wanted: fn(&Role) -> bool| roles.iter().any(wanted);
        Self {
            weights: any(|role| *role == Role::Bound),
            chains: any(|role| {
                matches!(role, Role::Take(_) | Role::Carry(_) | Role::Slide(_) | Role::Result(_) | Role::Square(_))
            }),
            pairs: any(|role| *role == Role::Pair),
            ranges: any(|role| *role == Role::Range),
            shared: any(|role| *role == Role::SharedOutput),
            entries: any(|role| *role == Role::Look),
        }
    }

    /// Lookups of one row.
    #[must_use]
    pub fn lookups(&self, lanes: usize) -> usize {
        lanes * (usize::from(self.pairs) + usize::from(self.ranges))
    }
}

fn statement_width(graph: &Graph) -> usize {
    (graph.values().first().map_or(0, Value::width) + graph.output().width()) as usize
}

/// Weight columns that some weight lies in; one for a tape without weights.
pub(super) fn used_weight_columns(tape: &Tape) -> usize {
    let places = tape.blocks().iter().flat_map(|block| &block.places);
    places.map(|place| place.column).max().unwrap_or(0) + 1
}

/// Rows of the committed matrix that the blocks reach.
pub(super) fn committed_rows(tape: &Tape) -> u32 {
    let widest = tape.blocks().iter().map(|block| block.outputs).max().unwrap_or(0);
    u32::try_from(widest).unwrap_or(u32::MAX)
}

/// Usable rows that cells and statement need; one more because the last row only ends the sums.
pub(super) fn rows_needed(tape: &Tape, graph: &Graph) -> u64 {
    (tape.rows().len().max(CONTEXT_ROWS + statement_width(graph)) as u64) + 1
}

/// Largest number of table columns of a graph's circuit.
pub(super) fn tables_max(graph: &Graph) -> u64 {
    (if graph.by_positions() { TABLES_MAX_BY_POSITIONS } else { TABLES_MAX }) as u64
}

/// Usable rows below which the table needs more columns than are allowed.
pub(super) fn table_rows(table: &Table, graph: &Graph) -> u64 {
    table.length().div_ceil(tables_max(graph)) + 1
}

/// Data columns of `lanes` lanes.
#[must_use]
pub fn data_columns(lanes: usize) -> usize {
    lanes * SLOTS
}

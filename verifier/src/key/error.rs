//! Why keys are refused.

use circuits::layout::PlanError;
use circuits::layout::shape::ShapeError;
use circuits::model::graph::GraphError;

use crate::container::ContainerError;
use crate::points::PointError;

/// Why a key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file is not a verifying key.
    #[error("verifying key file: {0}")]
    Container(#[from] ContainerError),
    /// The graph inside is refused.
    #[error("verifying key: {0}")]
    Graph(#[from] GraphError),
    /// The graph cannot be laid out.
    #[error("verifying key: {0}")]
    Plan(#[from] PlanError),
    /// The circuit's shape is none.
    #[error("verifying key: circuit shape: {0}")]
    Shape(#[from] ShapeError),
    /// Another number of rows than the graph states.
    #[error("committed rows: expected {expected}, got {got}")]
    RowCount {
        /// Rows that the graph states.
        expected: usize,
        /// Rows that came.
        got: usize,
    },
    /// A row commitment is not a canonical point.
    #[error("committed row {row}: {error}")]
    Row {
        /// Index of the row.
        row: usize,
        /// What is wrong with it.
        error: PointError,
    },
    /// Every row is zero: a model without weights cannot be bound.
    #[error("committed rows: every row is zero")]
    ZeroModel,
    /// A fixed or permutation column's commitment is not a canonical point, or there are too many or too few.
    #[error("{kind} columns: expected {expected} canonical points, got {got}")]
    Columns {
        /// Which columns.
        kind: &'static str,
        /// Columns of the circuit.
        expected: usize,
        /// Canonical points that came.
        got: usize,
    },
    /// The setup point is refused.
    #[error("setup point: {0}")]
    Setup(PointError),
    /// The setup's bases are too small for the circuit.
    #[error("setup: expected bases for at least 2^{expected} rows, got 2^{got}")]
    SetupSize {
        /// k of the circuit.
        expected: u32,
        /// k of the setup.
        got: u32,
    },
    /// halo2 could not build the key.
    #[error("halo2 could not build the key: {detail}")]
    Halo2 {
        /// What it said.
        detail: String,
    },
}

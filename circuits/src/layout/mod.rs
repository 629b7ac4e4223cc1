//! Where every integer of an inference lives in the circuit: rows, columns and the lookup table.

pub mod plan;
pub mod table;

pub use plan::{Plan, PlanError, Requantisation, Stage, choose};

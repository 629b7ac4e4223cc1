//! From a graph to the circuit's rows.

mod choose;
pub mod fixed;
pub mod lower;
pub mod plan;
pub mod rows;
pub mod shape;
pub mod share;
pub mod table;
pub mod tape;

pub use choose::choose;
pub use plan::{Plan, PlanError};
pub use shape::Shape;

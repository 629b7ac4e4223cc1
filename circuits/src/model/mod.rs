//! Quantised models: one meaning, defined by the integer reference executor.
//!
//! Modules that decode bytes from outside are held to the strict lints of the verifier.

pub mod analysis;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
pub mod bundle;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod causality;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
pub mod container;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::as_conversions))]
pub mod formula;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
pub mod graph;
mod graph_error;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
mod infer;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
pub mod operator;
#[cfg(any(test, feature = "testing"))]
pub mod random;
pub mod range;
#[cfg(any(test, feature = "testing"))]
pub mod recurrence;
pub mod reference;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
pub mod structure;
#[cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]
pub mod tensor;
pub mod weights;

#[cfg(test)]
pub(crate) mod fixture;

//! Quantised models: one meaning, defined by the integer reference executor.

pub mod analysis;
pub mod bundle;
pub mod container;
pub mod graph;
#[cfg(any(test, feature = "testing"))]
pub mod random;
pub mod range;
pub mod reference;
pub mod tensor;
pub mod weights;

#[cfg(test)]
pub(crate) mod fixture;

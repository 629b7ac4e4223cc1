//! What a proof of a model will take, told before anything of its size is allocated.
//!
//! Sizes of proof and keys are exact: they follow from the circuit's columns and queries, and tests compare them with real
//! ones. Memory is a sum over what halo2 holds at its peak, with a share on top for what the allocator keeps; time
//! counts transforms, commitments and multiplications and prices them with [rates](Rates) measured on this machine.
//! Only the circuit's rows are planned for it, a few hundred bytes each.

mod memory;
mod rates;
mod shape;
mod sizes;
mod time;

pub use memory::Memory;
pub use rates::{Rate, Rates, measure};
pub use shape::Shape;
pub use sizes::Sizes;
pub use time::{Part, Time};

use circuits::layout::{Plan, PlanError};
use circuits::model::bundle::Bundle;

/// What a proof of a model will take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The circuit.
    pub shape: Shape,
    /// Exact sizes.
    pub sizes: Sizes,
    /// Predicted peak.
    pub memory: Memory,
}

impl Estimate {
    /// For one proof of a bundle's model.
    pub fn new(bundle: &Bundle) -> Result<Self, PlanError> {
        Ok(Self::of(Shape::new(&Plan::new(bundle.graph())?, bundle)))
    }

    /// For one proof in a circuit of that shape.
    #[must_use]
    pub fn of(shape: Shape) -> Self {
        let memory = Memory::new(&shape, rayon::current_num_threads() as u64);
        Self { sizes: Sizes::new(&shape), memory, shape }
    }

    /// How long the proof will take at `rates`.
    #[must_use]
    pub fn time(&self, rates: &Rates) -> Time {
        Time::new(&self.shape, rates)
    }
}

//! What a proof of a model will take, told before anything of its size is allocated.
//!
//! Sizes of proof and keys are exact: they follow from the circuit's columns and queries, and tests compare them with real
//! ones. Memory is a sum over what the prover holds at its peak, with a share on top for what the allocator keeps; time
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
use circuits::model::graph::Graph;

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
    /// For one proof of a graph's model.
    pub fn new(graph: &Graph) -> Result<Self, PlanError> {
        Ok(Self::of(Shape::new(&Plan::new(graph)?)?))
    }

    fn of(shape: Shape) -> Self {
        let memory = Memory::new(&shape, rayon::current_num_threads() as u64);
        Self { sizes: Sizes::new(&shape), memory, shape }
    }

    /// How long the proof will take at `rates`.
    #[must_use]
    pub fn time(&self, rates: &Rates) -> Time {
        Time::new(&self.shape, rates)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SHAPE: Shape = Shape {
        k: 12,
        used_rows: 3000,
        row_bytes: 48_000,
        lanes: 2,
        committed_rows: 64,
        fixed: 20,
        data: 9,
        challenge: 5,
        permutation: 5,
        products: 2,
        tables: 3,
        tuples: 9000,
        fractions: 7,
        constraints: 15,
        copies: 2000,
        advice_queries: 19,
        fixed_queries: 20,
        multiplications: 150,
        graph_bytes: 300,
        stated_bytes: 60,
        parameters: 100_000,
    };

    #[test]
    fn a_circuit_of_twice_the_rows_takes_twice_the_columns() {
        let rate = Rate { k: 6, transform_ns: 600, small_ns: 50, full_ns: 90, multiply_ns: 10 };
        let rates = Rates::new(vec![rate]).unwrap();
        let [once, twice] = [SHAPE, Shape { k: 13, ..SHAPE }].map(Estimate::of);
        let columns = |estimate: &Estimate| estimate.sizes.proving_key - estimate.sizes.verifying_key - 88;
        assert_eq!(columns(&twice), 2 * columns(&once));
        assert_eq!((twice.sizes.proof, twice.sizes.verifying_key), (once.sizes.proof, once.sizes.verifying_key));
        // Columns double; the planned rows and the counted tuples stay as many.
        assert!(twice.memory.working_bytes < 2 * once.memory.working_bytes);
        assert!(twice.memory.working_bytes > once.memory.working_bytes * 18 / 10);
        assert!(twice.time(&rates).total() >= 2 * once.time(&rates).total());
        assert!(once.time(&rates).total() > Duration::ZERO);
    }

    #[test]
    fn weights_take_memory_and_no_time() {
        let rate = Rate { k: 6, transform_ns: 600, small_ns: 50, full_ns: 90, multiply_ns: 10 };
        let rates = Rates::new(vec![rate]).unwrap();
        let [few, many] = [SHAPE, Shape { parameters: 50_000_000, ..SHAPE }].map(Estimate::of);
        // Each weight is held; rows are committed to one after the other.
        assert!(many.memory.peak_bytes() - few.memory.peak_bytes() > 49_000_000 * 4);
        assert_eq!(many.time(&rates), few.time(&rates));
    }

    #[test]
    fn keys_add_up_and_proofs_take_turns() {
        let [small, large] = [SHAPE, Shape { k: 14, ..SHAPE }].map(|shape| Estimate::of(shape).memory);
        let together = Memory::together(&[small, large]);
        assert!(together > large.peak_bytes() && together < large.peak_bytes() + small.peak_bytes());
        assert_eq!(Memory::together(&[large]), large.peak_bytes());
    }
}

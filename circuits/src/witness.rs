//! From an execution trace to the integers of the first-phase columns.

use crate::layout::table::Entry;
use crate::layout::{Plan, Requantisation};
use crate::model::graph::quotient;

/// First-phase cells: every column has the circuit's usable rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Column a: quotients and remainders, offset to be non-negative.
    pub a: Vec<u64>,
    /// Column y: activations, offset to be non-negative.
    pub y: Vec<u64>,
    /// How often each table row is used.
    pub multiplicity: Vec<u64>,
}

/// Why a trace does not fit the plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The trace lacks a value that the plan reads, or its width differs.
    #[error("trace value {value}: expected {expected} elements, got {got}")]
    Value {
        /// Index of the value.
        value: usize,
        /// Elements the plan expects.
        expected: usize,
        /// Elements that came.
        got: usize,
    },
    /// An accumulator lies outside the interval that the graph declares, so no table row fits.
    #[error("node {node}, output {output}: accumulator {accumulator} leaves the interval that the graph declares")]
    Accumulator {
        /// Dense node.
        node: usize,
        /// Output of that node.
        output: usize,
        /// Its accumulator.
        accumulator: i64,
    },
}

impl Witness {
    /// Cells for a trace: `values[0]` is the input, `values[i + 1]` the output of node `i`.
    pub fn new(plan: &Plan, values: &[Vec<i64>]) -> Result<Self, WitnessError> {
        let rows = plan.usable_rows();
        let mut witness = Self { a: vec![0; rows], y: vec![0; rows], multiplicity: vec![0; rows] };
        let mut used = 0;
        for (index, stage) in plan.stages().iter().enumerate() {
            let Some(requantisation) = &stage.requantisation else { continue };
            let accumulators = values.get(stage.node + 1).filter(|value| value.len() == stage.outputs);
            let accumulators = accumulators.ok_or_else(|| WitnessError::Value {
                value: stage.node + 1,
                expected: stage.outputs,
                got: values.get(stage.node + 1).map_or(0, Vec::len),
            })?;
            let first_row = plan.stage_output_row(index);
            for (output, accumulator) in accumulators.iter().enumerate() {
                let entries = entries(plan, requantisation, *accumulator);
                let placed = entries.and_then(|(step, remainder)| {
                    witness.place(plan, first_row + output, step)?;
                    witness.place(plan, first_row + output + plan.remainder_offset(), remainder)
                });
                placed.ok_or(WitnessError::Accumulator { node: stage.node, output, accumulator: *accumulator })?;
                used += 2;
            }
        }
        // Every other active row looks up the zero tuple; the lookup's last row only holds the sum.
        let idle = (rows - 1).saturating_sub(used);
        if let Some(count) = witness.multiplicity.first_mut() {
            *count += idle as u64;
        }
        Ok(witness)
    }

    fn place(&mut self, plan: &Plan, row: usize, entry: Entry) -> Option<()> {
        let position = plan.table().position(&entry)?;
        *self.a.get_mut(row)? = entry.a;
        *self.y.get_mut(row)? = entry.y;
        *self.multiplicity.get_mut(position)? += 1;
        Some(())
    }
}

fn entries(plan: &Plan, requantisation: &Requantisation, accumulator: i64) -> Option<(Entry, Entry)> {
    let shift = requantisation.shift;
    let q = quotient(accumulator, shift);
    if !requantisation.quotient.contains(q) {
        return None;
    }
    let remainder = u64::try_from(accumulator + (1 << (shift - 1)) - (q << shift)).ok()?;
    let step = Entry {
        tag: plan.table().requantisation_tag(requantisation)?,
        a: q.abs_diff(requantisation.quotient.min),
        y: requantisation.apply(q).abs_diff(requantisation.output.min),
    };
    Some((step, Entry { tag: plan.table().remainder_tag(shift)?, a: remainder, y: 0 }))
}

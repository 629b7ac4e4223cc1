//! From an execution trace to the integers of the first-phase columns.

use std::collections::HashMap;

use crate::layout::Plan;
use crate::layout::lower::{Run, cells};
use crate::layout::plan::PlanError;
use crate::layout::tape::{SLOTS, Slot, Tape};
use crate::model::weights::Weights;

/// First-phase cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Data cells: row by row, lane by lane, then a, b and c.
    pub cells: Vec<i64>,
    /// How often each tuple of the table is used.
    pub multiplicities: Vec<u64>,
    /// How often the entry on each row is used.
    pub uses: Vec<u64>,
}

/// Why a trace does not fit the plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The trace lacks a value of the graph, or its width differs.
    #[error("trace value {value}: expected {expected} elements, got {got}")]
    Value {
        /// Index of the value.
        value: usize,
        /// Elements of the graph's value.
        expected: usize,
        /// Elements that came.
        got: usize,
    },
    /// An element of the trace lies outside the interval that the graph gives it.
    #[error("trace value {value}, element {element}: {got} leaves the interval that the graph gives it")]
    Range {
        /// Index of the value.
        value: usize,
        /// Position of the element.
        element: usize,
        /// The element.
        got: i64,
    },
    /// A looked-up tuple is not in its table: the trace is not a run of the model.
    #[error("circuit row {row}, lane {lane}: ({a}, {b}) is not in the table; the trace is not a run of this model")]
    Lookup {
        /// Circuit row.
        row: usize,
        /// Lane.
        lane: usize,
        /// First element.
        a: i64,
        /// Second element.
        b: i64,
    },
    /// The plan's graph cannot be laid out.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Witness {
    /// Cells for a trace: `values[0]` is the input, `values[i + 1]` the output of node `i`.
    pub fn new(plan: &Plan, values: &[Vec<i64>], weights: &Weights) -> Result<Self, WitnessError> {
        check(plan, values)?;
        let tape = cells(plan.graph(), plan.size(), Run { values, weights })?;
        let multiplicities = multiplicities(&tape)?;
        let uses = uses(&tape);
        Ok(Self { cells: tape.into_cells(), multiplicities, uses })
    }

    /// One data cell; 0 beyond the last row.
    #[must_use]
    pub fn cell(&self, lanes: usize, row: usize, lane: usize, slot: Slot) -> i64 {
        self.cells.get((row * lanes + lane) * SLOTS + slot as usize).copied().unwrap_or(0)
    }
}

fn check(plan: &Plan, values: &[Vec<i64>]) -> Result<(), WitnessError> {
    for (value, expected) in plan.graph().values().iter().enumerate() {
        let got = values.get(value).map_or(&[][..], Vec::as_slice);
        if got.len() != expected.width() as usize {
            return Err(WitnessError::Value { value, expected: expected.width() as usize, got: got.len() });
        }
        if let Some((element, got)) = got.iter().enumerate().find(|(_, got)| !expected.range.contains(**got)) {
            return Err(WitnessError::Range { value, element, got: *got });
        }
    }
    Ok(())
}

/// Uses of each row's entry. A number without an entry is counted nowhere, and no proof of it verifies.
fn uses(tape: &Tape) -> Vec<u64> {
    let rows = || tape.rows().iter().enumerate();
    if rows().all(|(_, stated)| !stated.look) {
        return Vec::new();
    }
    let entries: HashMap<i128, usize> =
        rows().filter(|(_, row)| row.entry != 0).map(|(row, stated)| (i128::from(stated.entry), row)).collect();
    let mut uses = vec![0; tape.rows().len()];
    for (row, stated) in rows().filter(|(_, stated)| stated.look) {
        let number = i128::from(stated.a) * i128::from(tape.cell(row, 0, Slot::A)) + stated.constant;
        if let Some(count) = entries.get(&number).and_then(|row| uses.get_mut(*row)) {
            *count += 1;
        }
    }
    uses
}

fn multiplicities(tape: &Tape) -> Result<Vec<u64>, WitnessError> {
    let table = tape.table();
    let mut counts = vec![0u64; usize::try_from(table.length()).unwrap_or(0)];
    // Functions are evaluated once for each argument that occurs.
    let mut seconds: Vec<Option<i64>> = vec![None; counts.len()];
    for (row, stated) in tape.rows().iter().enumerate() {
        for lane in 0..tape.lanes() {
            let pair = [tape.cell(row, lane, Slot::A), tape.cell(row, lane, Slot::B)];
            let range = [tape.cell(row, lane, Slot::C), 0];
            for (tag, [a, b]) in [(stated.pair, pair), (stated.range, range)] {
                if tag == 0 {
                    continue;
                }
                let outside = WitnessError::Lookup { row, lane, a, b };
                let Some(position) = table.position(tag, a) else { return Err(outside) };
                let relation = table.relations().get(usize::try_from(tag - 1).unwrap_or(usize::MAX));
                let (Some(count), Some(second), Some(relation)) =
                    (counts.get_mut(position), seconds.get_mut(position), relation)
                else {
                    return Err(outside);
                };
                if *second.get_or_insert_with(|| relation.second(a.unsigned_abs())) != b {
                    return Err(outside);
                }
                *count += 1;
            }
        }
    }
    Ok(counts)
}

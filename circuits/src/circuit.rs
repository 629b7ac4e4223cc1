//! The halo2 circuit of a plan: fixed columns, witness cells, and the chains that the challenges drive.
//!
//! The circuit is derived from the public graph alone. It has no selectors, no copy constraints and no halo2 lookups;
//! every cell is written once, in one region whose offsets are absolute rows. `set_minimum_degree` pins the degree to 5,
//! which the dot product step really has, so that no piece of the quotient is zero.

use std::sync::Arc;

use halo2_proofs::circuit::{Layouter, Region, SimpleFloorPlanner, Value};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::BatchInvert;
use halo2_proofs::plonk::{Challenge, Circuit, Column, ConstraintSystem, Error, Fixed};

use crate::gadgets::columns::{Columns, signed};
use crate::gadgets::{linear, lookup, requantise};
use crate::layout::Plan;
use crate::layout::plan::{FIRST_BIAS_ROW, INPUT_ROW};
use crate::layout::table::Entry;
use crate::witness::Witness;

/// Degree of the constraint system.
pub const DEGREE: usize = 5;

/// What a proof assigns beyond the fixed columns.
pub trait Assignment: std::fmt::Debug + Send + Sync {
    /// First-phase cells.
    fn witness(&self) -> &Witness;
    /// The instance column.
    fn instance(&self) -> &[Fr];
    /// V for the challenge `r`: rows and values, zero elsewhere.
    fn combine(&self, r: Fr) -> Vec<(usize, Fr)>;
}

/// The circuit of a plan, with or without an assignment.
#[derive(Clone, Debug)]
pub struct InferenceCircuit {
    plan: Arc<Plan>,
    assignment: Option<Arc<dyn Assignment>>,
}

impl InferenceCircuit {
    /// The circuit without an assignment, for key generation.
    #[must_use]
    pub fn blank(plan: Arc<Plan>) -> Self {
        Self { plan, assignment: None }
    }

    /// The circuit with an assignment, for proving.
    #[must_use]
    pub fn assigned(plan: Arc<Plan>, assignment: Arc<dyn Assignment>) -> Self {
        Self { plan, assignment: Some(assignment) }
    }

    fn assign(&self, columns: &Columns, region: &mut Region<'_, Fr>) {
        assign_fixed(&self.plan, columns, region);
        let Some(assignment) = self.assignment.as_deref() else { return };
        let witness = assignment.witness();
        let data = [(&columns.a, &witness.a), (&columns.y, &witness.y), (&columns.multiplicity, &witness.multiplicity)];
        for (column, values) in data {
            for (row, value) in values.iter().enumerate() {
                column.assign(region, row, *value);
            }
        }
        region.next_phase();
        let challenges = columns.challenges;
        let (Some(r), Some(sigma), Some(beta), Some(gamma)) = (
            known(region, challenges.row),
            known(region, challenges.sigma),
            known(region, challenges.beta),
            known(region, challenges.gamma),
        ) else {
            return;
        };
        let weights = self.weights_column(assignment, r);
        let (chain, horner) = self.chains(assignment, &weights, r, sigma);
        let sum = self.lookup_sum(witness, beta, gamma);
        let phase2 =
            [(&columns.weights, weights), (&columns.chain, chain), (&columns.horner, horner), (&columns.sum, sum)];
        for (column, values) in phase2 {
            for (row, value) in values.into_iter().enumerate() {
                column.assign(region, row, value);
            }
        }
    }

    fn weights_column(&self, assignment: &dyn Assignment, r: Fr) -> Vec<Fr> {
        let mut column = vec![Fr::zero(); self.plan.usable_rows()];
        for (row, value) in assignment.combine(r) {
            if let Some(cell) = column.get_mut(row) {
                *cell = value;
            }
        }
        column
    }

    /// Columns E and H: the recurrences of the linear gate, run forward.
    fn chains(&self, assignment: &dyn Assignment, weights: &[Fr], r: Fr, sigma: Fr) -> (Vec<Fr>, Vec<Fr>) {
        let rows = self.plan.usable_rows();
        let contents = FixedContents::new(&self.plan);
        let (witness, instance) = (assignment.witness(), assignment.instance());
        let sigma_last = (0..self.plan.last_stage_power()).fold(Fr::one(), |power, _| power * sigma);
        let mut chain = vec![Fr::zero(); rows];
        let mut horner = vec![Fr::zero(); rows];
        let (mut dot, mut rule) = (Fr::zero(), Fr::zero());
        let cell = |column: &[u64], row: usize| Fr::from(column.get(row).copied().unwrap_or(0));
        let public = |row: usize| instance.get(row).copied().unwrap_or_else(Fr::zero);
        for row in 0..rows - 1 {
            let fixed = contents.row(row);
            if fixed.fold {
                dot = sigma * (dot - sigma * rule);
            }
            let mut operand = signed(fixed.constant);
            if fixed.input {
                operand += public(row);
            }
            if fixed.hidden {
                operand += cell(&witness.y, row);
            }
            let product = weights.get(row).copied().unwrap_or_else(Fr::zero) * operand;
            dot += if fixed.last_stage { sigma_last * product } else { product };
            rule = if fixed.hidden || fixed.output {
                let accumulator = if fixed.scale == 0 {
                    public(row)
                } else {
                    Fr::from(fixed.scale) * cell(&witness.a, row)
                        + cell(&witness.a, row + self.plan.remainder_offset())
                        + signed(fixed.offset)
                };
                r * rule + accumulator
            } else {
                Fr::zero()
            };
            if let (Some(chain), Some(horner)) = (chain.get_mut(row + 1), horner.get_mut(row + 1)) {
                (*chain, *horner) = (dot, rule);
            }
        }
        (chain, horner)
    }

    /// Column phi: the running sum `1/(beta + f) - m/(beta + t)`.
    fn lookup_sum(&self, witness: &Witness, beta: Fr, gamma: Fr) -> Vec<Fr> {
        let rows = self.plan.usable_rows();
        let contents = FixedContents::new(&self.plan);
        let mut entries = self.plan.table().entries();
        let gamma_squared = gamma * gamma;
        let combine =
            |tag: u64, a: u64, y: u64| beta + Fr::from(a) + gamma * Fr::from(y) + gamma_squared * Fr::from(tag);
        let mut inverses = Vec::with_capacity(2 * (rows - 1));
        for row in 0..rows - 1 {
            let cell = |column: &[u64]| column.get(row).copied().unwrap_or(0);
            inverses.push(combine(contents.row(row).tag, cell(&witness.a), cell(&witness.y)));
            let entry = entries.next().unwrap_or(Entry::IDLE);
            inverses.push(combine(entry.tag, entry.a, entry.y));
        }
        inverses.iter_mut().batch_invert();
        let mut total = Fr::zero();
        let mut sum = vec![total];
        for (pair, count) in inverses.chunks_exact(2).zip(&witness.multiplicity) {
            if let [input, table] = pair {
                total += input - Fr::from(*count) * table;
            }
            sum.push(total);
        }
        sum
    }
}

impl Circuit<Fr> for InferenceCircuit {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Option<Arc<Plan>>;

    fn params(&self) -> Self::Params {
        Some(Arc::clone(&self.plan))
    }

    fn without_witnesses(&self) -> Self {
        Self::blank(Arc::clone(&self.plan))
    }

    /// Columns only: halo2 calls [`Circuit::configure_with_params`], which adds the plan's gates.
    fn configure(meta: &mut ConstraintSystem<Fr>) -> Columns {
        Columns::new(meta)
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, plan: Self::Params) -> Columns {
        meta.set_minimum_degree(DEGREE);
        let columns = Columns::new(meta);
        if let Some(plan) = plan {
            linear::configure(meta, &columns, &plan);
            requantise::configure_output(meta, &columns, &plan);
            lookup::configure(meta, &columns);
        }
        columns
    }

    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        layouter.assign_region(
            || "inference",
            |mut region| {
                self.assign(&columns, &mut region);
                Ok(())
            },
        )
    }
}

fn known(region: &Region<'_, Fr>, challenge: Challenge) -> Option<Fr> {
    let mut value = None;
    let _: Value<()> = region.get_challenge(challenge).map(|known| value = Some(known));
    value
}

/// What the fixed columns hold on one row; the table's columns are read from the table itself.
#[derive(Clone, Copy, Debug, Default)]
struct FixedRow {
    tag: u64,
    input: bool,
    hidden: bool,
    output: bool,
    constant: i64,
    scale: u64,
    offset: i64,
    fold: bool,
    last_stage: bool,
}

/// The fixed columns' contents over the trace; rows beyond it are all zero.
struct FixedContents(Vec<FixedRow>);

impl FixedContents {
    fn new(plan: &Plan) -> Self {
        let mut contents = Self(vec![FixedRow::default(); plan.usable_rows()]);
        contents.update(FIRST_BIAS_ROW..FIRST_BIAS_ROW + 1, |row| row.constant = 1);
        let input_rows = INPUT_ROW..INPUT_ROW + plan.stages().first().map_or(0, |stage| stage.inputs);
        contents.update(input_rows, |row| row.input = true);
        for row in plan.fold_rows() {
            contents.update(row..row + 1, |row| row.fold = true);
        }
        let last = plan.stages().len() - 1;
        for (index, stage) in plan.stages().iter().enumerate() {
            let start = plan.stage_output_row(index);
            let rows = start..start + stage.outputs;
            if index == last {
                contents.update(rows.clone(), |row| row.output = true);
                let inputs = plan.stage_input_row(index);
                contents.update(inputs..inputs + stage.inputs, |row| row.last_stage = true);
                let bias = plan.bias_row(index);
                contents.update(bias..bias + 1, |row| row.last_stage = true);
            } else {
                let minimum = plan.activation_offset(index);
                contents.update(rows.clone(), |row| (row.hidden, row.constant) = (true, minimum));
                contents.update(start - 1..start, |row| row.constant = 1);
            }
            if let Some(step) = &stage.requantisation {
                let tags = (plan.table().requantisation_tag(step), plan.table().remainder_tag(step.shift));
                let (step_tag, remainder_tag) = (tags.0.unwrap_or(0), tags.1.unwrap_or(0));
                let scale = 1u64 << step.shift;
                let offset = (step.quotient.min << step.shift) - (1 << (step.shift - 1));
                contents.update(rows.clone(), |row| (row.tag, row.scale, row.offset) = (step_tag, scale, offset));
                let below = rows.start + plan.remainder_offset()..rows.end + plan.remainder_offset();
                contents.update(below, |row| row.tag = remainder_tag);
            }
        }
        contents
    }

    fn update(&mut self, rows: std::ops::Range<usize>, change: impl Fn(&mut FixedRow)) {
        self.0.iter_mut().take(rows.end).skip(rows.start).for_each(change);
    }

    fn row(&self, row: usize) -> FixedRow {
        self.0.get(row).copied().unwrap_or_default()
    }
}

fn assign_fixed(plan: &Plan, columns: &Columns, region: &mut Region<'_, Fr>) {
    let fixed = &columns.fixed;
    let contents = FixedContents::new(plan);
    let mut entries = plan.table().entries();
    let last = plan.usable_rows() - 1;
    for row in 0..plan.usable_rows() {
        let data = contents.row(row);
        let entry = entries.next().unwrap_or(Entry::IDLE);
        let cells: [(Column<Fixed>, Fr); 15] = [
            (fixed.active, bit(row != last)),
            (fixed.first, bit(row == 0)),
            (fixed.last, bit(row == last)),
            (fixed.tag, Fr::from(data.tag)),
            (fixed.table_tag, Fr::from(entry.tag)),
            (fixed.table_a, Fr::from(entry.a)),
            (fixed.table_y, Fr::from(entry.y)),
            (fixed.input, bit(data.input)),
            (fixed.hidden, bit(data.hidden)),
            (fixed.output, bit(data.output)),
            (fixed.constant, signed(data.constant)),
            (fixed.scale, Fr::from(data.scale)),
            (fixed.offset, signed(data.offset)),
            (fixed.fold, bit(data.fold)),
            (fixed.last_stage, bit(data.last_stage)),
        ];
        for (column, value) in cells {
            region.assign_fixed(column, row, value);
        }
    }
}

fn bit(set: bool) -> Fr {
    Fr::from(u64::from(set))
}

#[cfg(test)]
mod tests;

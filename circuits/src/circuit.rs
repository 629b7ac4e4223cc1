//! The halo2 circuit of a plan: fixed columns, copies, witness cells, and the sums that the challenges drive.
//!
//! The circuit is derived from the public graph alone. It has no selectors and no halo2 lookups; every cell is written
//! once, in one region whose offsets are absolute rows. `set_minimum_degree` pins the degree to 5, which the permutation
//! over three columns really has, so that no piece of the quotient is zero.

mod sums;
mod values;

use std::sync::Arc;

use halo2_proofs::circuit::{Cell, Layouter, Region, SimpleFloorPlanner, Value};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{Any, Challenge, Circuit, Column, ConstraintSystem, Error};

use crate::gadgets::columns::{Columns, signed, wide};
use crate::gadgets::{arithmetic, linear, lookup};
use crate::layout::fixed::content;
use crate::layout::tape::{Place, WeightPlace};
use crate::layout::{Plan, Shape};
use crate::witness::Witness;

/// Degree of the constraint system.
pub const DEGREE: usize = 5;

/// What a proof assigns beyond the fixed columns.
pub trait Assignment: std::fmt::Debug + Send + Sync {
    /// First-phase cells.
    fn witness(&self) -> &Witness;
    /// V for the challenge `r`: places and values, zero elsewhere.
    fn combine(&self, r: Fr) -> Vec<(WeightPlace, Fr)>;
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

    /// The columns of a circuit of this shape.
    #[must_use]
    pub fn columns_of(shape: &Shape) -> Columns {
        Self::configure_shape(&mut ConstraintSystem::default(), shape)
    }

    /// Columns and gates of a circuit of this shape.
    pub fn configure_shape(meta: &mut ConstraintSystem<Fr>, shape: &Shape) -> Columns {
        meta.set_minimum_degree(DEGREE);
        let columns = Columns::new(meta, shape);
        arithmetic::configure(meta, &columns);
        linear::configure(meta, &columns, shape);
        lookup::configure(meta, &columns);
        columns
    }

    fn assign(&self, columns: &Columns, region: &mut Region<'_, Fr>) -> Result<(), Error> {
        assign_fixed(&self.plan, columns, region);
        assign_copies(&self.plan, columns, region)?;
        let Some(assignment) = self.assignment.as_deref() else { return Ok(()) };
        for (column, values) in columns.data(&self.plan, assignment.witness()) {
            for (row, value) in values.into_iter().enumerate().filter(|(_, value)| *value != 0) {
                column.assign(region, row, value);
            }
        }
        if columns.linear.is_none() && columns.lookup.is_none() {
            return Ok(());
        }
        region.next_phase();
        let known = columns.challenges().into_iter().map(|challenge| known(region, challenge));
        let Some(challenges) = known.collect::<Option<Vec<Fr>>>() else { return Ok(()) };
        for (column, values) in columns.challenged(&self.plan, assignment, &challenges) {
            for (row, value) in values.into_iter().enumerate() {
                column.assign(region, row, value);
            }
        }
        Ok(())
    }
}

impl Circuit<Fr> for InferenceCircuit {
    type Config = Option<Columns>;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Option<Arc<Plan>>;

    fn params(&self) -> Self::Params {
        Some(Arc::clone(&self.plan))
    }

    fn without_witnesses(&self) -> Self {
        Self::blank(Arc::clone(&self.plan))
    }

    /// No columns: halo2 calls [`Circuit::configure_with_params`], which knows the plan.
    fn configure(_: &mut ConstraintSystem<Fr>) -> Self::Config {
        None
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, plan: Self::Params) -> Self::Config {
        plan.map(|plan| Self::configure_shape(meta, plan.shape()))
    }

    fn synthesize(&self, columns: Self::Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let columns = columns.ok_or(Error::Synthesis)?;
        layouter.assign_region(|| "inference", |mut region| self.assign(&columns, &mut region))
    }
}

fn known(region: &Region<'_, Fr>, challenge: Challenge) -> Option<Fr> {
    let mut value = None;
    let _: Value<()> = region.get_challenge(challenge).map(|known| value = Some(known));
    value
}

fn assign_fixed(plan: &Plan, columns: &Columns, region: &mut Region<'_, Fr>) {
    let fixed = &columns.fixed;
    let last = plan.usable_rows() - 1;
    for row in 0..last {
        region.assign_fixed(fixed.active, row, Fr::one());
    }
    region.assign_fixed(fixed.first, 0, Fr::one());
    region.assign_fixed(fixed.last, last, Fr::one());
    for (role, column) in &fixed.roles {
        for (row, stated) in plan.tape().rows().iter().enumerate() {
            let value = content(stated, *role);
            if value != 0 {
                region.assign_fixed(*column, row, wide(value));
            }
        }
    }
    let Some(lookup) = &columns.lookup else { return };
    let mut entries = plan.table().entries();
    for [tag, a, b] in &lookup.tables {
        for (row, entry) in entries.by_ref().take(last).enumerate() {
            region.assign_fixed(*tag, row, Fr::from(entry.tag));
            region.assign_fixed(*a, row, signed(entry.a));
            region.assign_fixed(*b, row, signed(entry.b));
        }
    }
}

fn assign_copies(plan: &Plan, columns: &Columns, region: &mut Region<'_, Fr>) -> Result<(), Error> {
    let cell = |place: &Place| {
        let (column, row): (Column<Any>, usize) = match place {
            Place::Instance(row) => (columns.instance.into(), *row),
            Place::Cell { row, lane, slot } => (columns.lanes.get(*lane)?.get(*slot as usize)?.any(), *row),
            Place::Chain(row) => (columns.linear.as_ref()?.chain.as_ref()?.any(), *row),
            Place::Guest(row) => (columns.linear.as_ref()?.shared.as_ref()?.guest.any(), *row),
        };
        Some(Cell { row_offset: row, column })
    };
    for (from, to) in plan.copies().map_err(|_| Error::Synthesis)? {
        if let (Some(from), Some(to)) = (cell(from), cell(to)) {
            region.constrain_equal(from, to);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

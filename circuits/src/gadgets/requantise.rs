//! The accumulator of a row, written in its quotient and remainder.
//!
//! `A = (q_min + a) 2^s + rem - 2^(s-1)` with `a = q - q_min` and `rem` looked up in their tables, so that for a given
//! accumulator below p/2 there is exactly one pair: `q = floor((A + 2^(s-1)) / 2^s)`. The pair `(q, y)` is one tuple of
//! the table, which fuses clamp and activation. A last stage without requantisation exposes its accumulator as the
//! instance value itself, whose interval the verifier checks.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{ConstraintSystem, Constraints, Expression, VirtualCells};
use halo2_proofs::poly::Rotation;

use super::columns::{Columns, fixed, signed};
use crate::layout::Plan;

/// The pieces of a row that the linear relation reads.
pub(crate) struct Row {
    /// 1 on rows that hold an output of some stage, 0 elsewhere.
    pub(crate) is_output: Expression<Fr>,
    /// The accumulator on such rows, 0 elsewhere.
    pub(crate) accumulator: Expression<Fr>,
}

// spec: circuits#requantise
pub(crate) fn row(cells: &mut VirtualCells<'_, Fr>, columns: &Columns, plan: &Plan) -> Row {
    let hidden = fixed(cells, columns.fixed.hidden);
    let output = fixed(cells, columns.fixed.output);
    let scale = fixed(cells, columns.fixed.scale);
    let offset = fixed(cells, columns.fixed.offset);
    let quotient = columns.a.query(cells, 0);
    let remainder = columns.a.query(cells, i32::try_from(plan.remainder_offset()).unwrap_or(i32::MAX));
    let is_output = hidden.clone() + output.clone();
    let accumulator = if output_is_requantised(plan) {
        scale * quotient + is_output.clone() * remainder + offset
    } else {
        let instance = cells.query_instance(columns.instance, Rotation::cur());
        scale * quotient + hidden * remainder + offset + output * instance
    };
    Row { is_output, accumulator }
}

/// Ties a requantised output to the instance; without one there is nothing to tie.
// spec: circuits#output
pub(crate) fn configure_output(meta: &mut ConstraintSystem<Fr>, columns: &Columns, plan: &Plan) {
    if !output_is_requantised(plan) {
        return;
    }
    let minimum = signed(plan.activation_offset(plan.stages().len() - 1));
    meta.create_gate("output", |cells| {
        let output = fixed(cells, columns.fixed.output);
        let activation = columns.y.query(cells, 0) + Expression::Constant(minimum);
        let instance = cells.query_instance(columns.instance, Rotation::cur());
        Constraints::with_selector(output, [("output equals instance", activation - instance)])
    });
}

pub(crate) fn output_is_requantised(plan: &Plan) -> bool {
    plan.stages().last().is_some_and(|stage| stage.requantisation.is_some())
}

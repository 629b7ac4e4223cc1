//! Products with committed weights: `sum_e r^e A_e - sum_j V[j] x_j = 0` for each stretch of rows, where `j` runs over the
//! rows and the weight columns.
//!
//! The tape's linear operators say in which order accumulators and operands come ([`crate::layout::lower`]); here are
//! the recurrences. T takes in the accumulators by Horner's rule, one row of lanes at a time, then loses each product
//! of an operand and its committed weight, and must be zero where the stretch ends. H combines the elements that one
//! weight meets: a sum that multiplies by powers of `z = r^n`, and a window that moves on. Where positions lie side by
//! side, [`shared`] relates accumulators and operands instead.

mod shared;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{ConstraintSystem, Constraints, Expression, VirtualCells};

use super::columns::{Columns, LinearColumns, fixed, power};
use crate::layout::Shape;
use crate::layout::fixed::Role;
use crate::layout::tape::{Power, Slot};

// spec: circuits#linear
pub(crate) fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, shape: &Shape) {
    let Some(linear) = &columns.linear else { return };
    meta.create_gate("linear", |cells| {
        let active = fixed(cells, columns.fixed.active);
        let r = cells.query_challenge(linear.row);
        let lanes = columns.lanes.len();
        let sum = linear.sum.query(cells, 0);
        let mut step = linear.sum.query(cells, 1) - sum.clone();
        if let Some(output) = columns.role(cells, Role::Output) {
            let accumulators = combined(&r, lanes, |lane| columns.form(cells, lane));
            let shift = power(&r, lanes) - Expression::Constant(Fr::one());
            let taken = accumulators.map_or(shift.clone() * sum.clone(), |taken| taken + shift * sum);
            step = step - output * taken;
        }
        if let Some(role) = columns.role(cells, Role::Operand) {
            for (lane, weight) in linear.weights.iter().enumerate() {
                if let Some(operand) = columns.operand(cells, lane, Slot::A) {
                    step = step + role.clone() * weight.query(cells, 0) * operand;
                }
            }
        }
        if let (Some(role), Some(chain)) = (columns.role(cells, Role::ChainOperand), linear.chain)
            && let Some(weight) = linear.weights.first()
        {
            step = step + weight.query(cells, 0) * role * chain.query(cells, 0);
        }
        Constraints::with_selector(active, [("accumulators less products", step)])
    });
    meta.create_gate("linear ends", |cells| {
        let sum = linear.sum.query(cells, 0);
        columns
            .role(cells, Role::Bound)
            .map(|bound| ("stretch sums to zero", bound * sum))
            .into_iter()
            .collect::<Vec<_>>()
    });
    configure_chain(meta, columns, linear, shape);
    shared::configure(meta, columns, linear, shape);
}

// spec: circuits#chain
fn configure_chain(meta: &mut ConstraintSystem<Fr>, columns: &Columns, linear: &LinearColumns, shape: &Shape) {
    let Some(column) = linear.chain else { return };
    meta.create_gate("chain", |cells| {
        let active = fixed(cells, columns.fixed.active);
        let r = cells.query_challenge(linear.row);
        let chain = column.query(cells, 0);
        let mut step = column.query(cells, 1);
        let position = linear.shared.as_ref().map(|shared| cells.query_challenge(shared.position));
        for (class, stated) in shape.chain_powers().iter().enumerate() {
            let z = match (stated, &position) {
                (Power::Position, Some(position)) => position.clone(),
                (Power::Row(exponent), _) => power(&r, *exponent),
                (Power::Position, None) => continue,
            };
            if let Some(take) = columns.role(cells, Role::Take(class))
                && let Some(taken) = operands(cells, columns, &z)
            {
                step = step - take * taken;
            }
            if let Some(carry) = columns.role(cells, Role::Carry(class)) {
                step = step - carry * power(&z, columns.lanes.len()) * chain.clone();
            }
            if let Some(role) = columns.role(cells, Role::Result(class))
                && let Some(taken) = combined(&z, columns.lanes.len(), |lane| columns.result(cells, lane))
            {
                step = step - role * taken;
            }
            if let Some(role) = columns.role(cells, Role::Square(class))
                && let Some(taken) =
                    combined(&z, columns.lanes.len(), |lane| columns.result(cells, lane).map(|y| y.clone() * y))
            {
                step = step - role * taken;
            }
        }
        for (class, (single, length)) in shape.slides().iter().enumerate() {
            let Some(slide) = columns.role(cells, Role::Slide(class)) else { continue };
            let (Some(new), Some(old)) = (columns.operand(cells, 0, Slot::A), columns.operand(cells, 0, Slot::B))
            else {
                continue;
            };
            step = step - slide * (power(&r, *single) * chain.clone() - power(&r, *length) * old + new);
        }
        Constraints::with_selector(active, [("combined operands", step)])
    });
}

fn operands(cells: &mut VirtualCells<'_, Fr>, columns: &Columns, z: &Expression<Fr>) -> Option<Expression<Fr>> {
    combined(z, columns.lanes.len(), |lane| columns.operand(cells, lane, Slot::A))
}

/// `sum_lane base^lane value(lane)`, by Horner's rule.
pub(super) fn combined(
    base: &Expression<Fr>,
    lanes: usize,
    mut value: impl FnMut(usize) -> Option<Expression<Fr>>,
) -> Option<Expression<Fr>> {
    (0..lanes).rev().filter_map(&mut value).reduce(|sum, next| sum * base.clone() + next)
}

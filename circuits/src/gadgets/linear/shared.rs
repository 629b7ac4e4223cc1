//! The relation that positions side by side share: all accumulators are what their operands make of them, in one sum.
//!
//! Stretch `s` has `n_s` rows of accumulators, one in each lane, and operands `I_s` anywhere. With `N_s = n_0 + .. + n_(s-1)`
//! the relation is `sum_s r^(N_s) sum_(e < n_s) r^e sum_l rho^l A_s[e][l] = sum_s r^(N_s) I_s`. S takes in the left side from the
//! last row up by Horner's rule; U the right side, whose stretches lie in the same order and which multiplies by
//! `r^(n_(s-1))` where stretch `s` begins. An operand is a combination of cells that H formed somewhere and that G holds a
//! copy of: times a committed weight, alone, or times another such combination (Freivalds' check of a product of
//! matrices, whose two sides need no product of cells). A stretch's weights may only spill into later stretches, whose
//! operands do not reach back, so even under a key that nobody audited each accumulator is determined by what is before it.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{ConstraintSystem, Constraints, Expression};

use super::combined;
use crate::gadgets::columns::{Columns, LinearColumns, fixed, power};
use crate::layout::Shape;
use crate::layout::fixed::Role;

// spec: circuits#shared
pub(super) fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, linear: &LinearColumns, shape: &Shape) {
    let Some(shared) = &linear.shared else { return };
    meta.create_gate("shared", |cells| {
        let active = fixed(cells, columns.fixed.active);
        let r = cells.query_challenge(linear.row);
        let position = cells.query_challenge(shared.position);
        let one = || Expression::Constant(Fr::one());

        let below = shared.outputs.query(cells, 1);
        let mut outputs = shared.outputs.query(cells, 0) - below.clone();
        if let Some(role) = columns.role(cells, Role::SharedOutput) {
            let accumulators = combined(&position, columns.lanes.len(), |lane| columns.form(cells, lane));
            let shift = (r.clone() - one()) * below;
            outputs = outputs - role * accumulators.map_or(shift.clone(), |taken| taken + shift);
        }

        let mut met = shared.operands.query(cells, 1);
        if let (Some(role), Some(weight)) = (columns.role(cells, Role::Weighted), linear.weights.first()) {
            met = met + role * weight.query(cells, 0) * shared.guest.query(cells, 0);
        }
        if let Some(role) = columns.role(cells, Role::Alone) {
            met = met + role * shared.guest.query(cells, 0);
        }
        if let Some(role) = columns.role(cells, Role::Met) {
            met = met + role * shared.guest.query(cells, 0) * shared.guest.query(cells, 1);
        }
        let mut scale = one();
        for (class, outputs) in shape.turns().iter().enumerate() {
            if let Some(role) = columns.role(cells, Role::Turn(class)) {
                scale = scale + role * (power(&r, *outputs) - one());
            }
        }
        let operands = shared.operands.query(cells, 0) - scale * met;
        Constraints::with_selector(active, [("shared accumulators", outputs), ("shared operands", operands)])
    });
    meta.create_gate("shared ends", |cells| {
        let first = fixed(cells, columns.fixed.first);
        let last = fixed(cells, columns.fixed.last);
        let outputs = shared.outputs.query(cells, 0);
        let operands = shared.operands.query(cells, 0);
        [
            ("shared sums agree", first * (outputs.clone() - operands.clone())),
            ("shared accumulators end at zero", last.clone() * outputs),
            ("shared operands end at zero", last * operands),
        ]
    });
}

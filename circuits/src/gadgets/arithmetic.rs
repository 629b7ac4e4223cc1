//! Rows that state `L + next_a a' + next_c c' = 0` of every lane.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::ConstraintSystem;

use super::columns::Columns;
use crate::layout::fixed::Role;

// spec: circuits#arithmetic
pub(crate) fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns) {
    if columns.fixed.roles.iter().all(|(role, _)| *role != Role::Zero) {
        return;
    }
    meta.create_gate("arithmetic", |cells| {
        let mut constraints = Vec::with_capacity(columns.lanes.len());
        for (lane, [a, _, c]) in columns.lanes.iter().enumerate() {
            let form = columns.form(cells, lane);
            let next_a = columns.role(cells, Role::NextA).map(|role| role * a.query(cells, 1));
            let next_c = columns.role(cells, Role::NextC).map(|role| role * c.query(cells, 1));
            let sum = form.into_iter().chain(next_a).chain(next_c).reduce(|sum, term| sum + term);
            if let (Some(zero), Some(sum)) = (columns.role(cells, Role::Zero), sum) {
                constraints.push(("sum is zero", zero * sum));
            }
        }
        constraints
    });
}

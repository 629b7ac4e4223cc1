//! Every row's tuple `(tag, a, y)` is in the table: logUp, written by hand.
//!
//! The logarithmic-derivative argument (Haböck, "Multivariate lookups based on logarithmic derivatives", 2022):
//! `sum_rows 1/(beta + f) = sum_table m/(beta + t)` with `f = a + gamma y + gamma^2 tag`. Both sums run down one column.
//! halo2's built-in lookup was the other choice: it commits three full-width columns per argument where this commits one
//! and a column of small multiplicities, and costs five evaluations in the proof where this costs three. Multiplicities
//! need no range check: a wrapped count would need p rows. They and every `f` are committed before beta and gamma.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{ConstraintSystem, Constraints};

use super::columns::{Columns, fixed};

// spec: circuits#lookup
pub(crate) fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns) {
    meta.create_gate("lookup", |cells| {
        let active = fixed(cells, columns.fixed.active);
        let beta = cells.query_challenge(columns.challenges.beta);
        let gamma = cells.query_challenge(columns.challenges.gamma);
        let gamma_squared = gamma.clone() * gamma.clone();
        let input = beta.clone()
            + columns.a.query(cells, 0)
            + gamma.clone() * columns.y.query(cells, 0)
            + gamma_squared.clone() * fixed(cells, columns.fixed.tag);
        let table = beta
            + fixed(cells, columns.fixed.table_a)
            + gamma * fixed(cells, columns.fixed.table_y)
            + gamma_squared * fixed(cells, columns.fixed.table_tag);
        let multiplicity = columns.multiplicity.query(cells, 0);
        let difference = columns.sum.query(cells, 1) - columns.sum.query(cells, 0);
        let step = difference * input.clone() * table.clone() - table + multiplicity * input;
        Constraints::with_selector(active, [("lookup step", step)])
    });
    meta.create_gate("lookup ends", |cells| {
        let first = fixed(cells, columns.fixed.first);
        let last = fixed(cells, columns.fixed.last);
        let sum = columns.sum.query(cells, 0);
        vec![("lookup starts at zero", first * sum.clone()), ("lookup sums agree", last * sum)]
    });
}

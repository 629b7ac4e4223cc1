//! `A = W x + b` for every stage at once, without a weight in the circuit.
//!
//! Freivalds' check over committed rows (PROOFS section 4 of the design; the weights' column V is tied to the key's row
//! commitments by the verifier, outside the circuit): for stage `l` with outputs `i`,
//! `sum_j V[j] x[j] = sum_i r^(m-1-i) A_l[i]`. The left side runs down column E, the right side is Horner's rule in
//! column H, and both are folded with powers of sigma so that one zero at the end enforces all stages.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{ConstraintSystem, Constraints, Expression};
use halo2_proofs::poly::Rotation;

use super::columns::{Columns, fixed};
use super::requantise;
use crate::layout::Plan;

// spec: circuits#linear
pub(crate) fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, plan: &Plan) {
    meta.create_gate("linear", |cells| {
        let active = fixed(cells, columns.fixed.active);
        let fold = fixed(cells, columns.fixed.fold);
        let last_stage = fixed(cells, columns.fixed.last_stage);
        let (chain, chain_next) = (columns.chain.query(cells, 0), columns.chain.query(cells, 1));
        let (horner, horner_next) = (columns.horner.query(cells, 0), columns.horner.query(cells, 1));
        let weight = columns.weights.query(cells, 0);
        let operand = {
            let input = fixed(cells, columns.fixed.input) * cells.query_instance(columns.instance, Rotation::cur());
            let hidden = fixed(cells, columns.fixed.hidden) * columns.y.query(cells, 0);
            input + hidden + fixed(cells, columns.fixed.constant)
        };
        let row = requantise::row(cells, columns, plan);
        let challenge = cells.query_challenge(columns.challenges.row);
        let sigma = cells.query_challenge(columns.challenges.sigma);
        let one = Expression::Constant(Fr::one());

        let sigma_last = power(&sigma, plan.last_stage_power());
        let factor = one.clone() + last_stage * (sigma_last - one.clone());
        let folded = fold * (chain.clone() * (sigma.clone() - one) - sigma.clone() * sigma * horner.clone());
        let step = chain_next - chain - folded - factor * (weight * operand);
        let rule = horner_next - row.is_output * challenge * horner - row.accumulator;
        Constraints::with_selector(active, [("dot product step", step), ("Horner step", rule)])
    });
    meta.create_gate("linear ends", |cells| {
        let first = fixed(cells, columns.fixed.first);
        let last = fixed(cells, columns.fixed.last);
        let chain = columns.chain.query(cells, 0);
        let horner = columns.horner.query(cells, 0);
        vec![
            ("dot product starts at zero", first.clone() * chain.clone()),
            ("Horner starts at zero", first * horner),
            ("all stages agree", last * chain),
        ]
    });
}

/// `base^exponent` by squaring, so that evaluating the expression costs a logarithm of the exponent.
fn power(base: &Expression<Fr>, exponent: usize) -> Expression<Fr> {
    match exponent {
        0 => Expression::Constant(Fr::one()),
        1 => base.clone(),
        _ => {
            let half = power(base, exponent / 2);
            let square = half.clone() * half;
            if exponent % 2 == 1 { square * base.clone() } else { square }
        }
    }
}

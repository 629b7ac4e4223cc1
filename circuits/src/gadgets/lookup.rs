//! Every looked-up tuple is in the table: logUp, written by hand.
//!
//! The logarithmic-derivative argument (Haböck, "Multivariate lookups based on logarithmic derivatives", 2022):
//! `sum_rows tag/(beta + f) = sum_table m tag/(beta + t)` with `f = a + gamma b + gamma^2 tag`. A tuple's tag is also
//! its numerator, so that rows without a lookup (tag 0) take no part and need no column to say so; equal tuples have
//! equal tags, so multiplicities still are counts. Each running sum takes in three fractions, as many as degree 5 holds.
//! halo2's built-in lookup was the other choice: it commits three full-width columns per lookup where this commits a
//! third of one and a column of small multiplicities. Multiplicities need no range check: a wrapped count would need p
//! rows. They and every `f` are committed before beta and gamma.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{ConstraintSystem, Constraints, Expression, VirtualCells};

use super::columns::{Columns, LookupColumns, fixed};
use crate::layout::fixed::Role;
use crate::layout::plan::LOOKUPS_PER_SUM;

struct Fraction {
    numerator: Expression<Fr>,
    denominator: Expression<Fr>,
}

// spec: circuits#lookup
pub(crate) fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns) {
    let Some(lookup) = &columns.lookup else { return };
    meta.create_gate("lookup", |cells| {
        let active = fixed(cells, columns.fixed.active);
        let fractions = fractions(cells, columns, lookup);
        let steps: Vec<_> = fractions
            .chunks(LOOKUPS_PER_SUM)
            .zip(&lookup.sums)
            .map(|(group, sum)| {
                let difference = sum.query(cells, 1) - sum.query(cells, 0);
                ("lookup step", product(group, None).map_or(difference.clone(), |all| difference * all) - total(group))
            })
            .collect();
        Constraints::with_selector(active, steps)
    });
    meta.create_gate("lookup ends", |cells| {
        let first = fixed(cells, columns.fixed.first);
        let last = fixed(cells, columns.fixed.last);
        let sums: Vec<_> = lookup.sums.iter().map(|sum| sum.query(cells, 0)).collect();
        let all = sums.iter().cloned().reduce(|total, sum| total + sum).unwrap_or(Expression::Constant(Fr::zero()));
        let starts = sums.into_iter().map(|sum| ("lookup starts at zero", first.clone() * sum));
        starts.chain([("lookup sums agree", last * all)]).collect::<Vec<_>>()
    });
}

/// The fractions of a row in the order of [`crate::circuit`]'s assignment: pairs by lane, ranges by lane, tables.
fn fractions(cells: &mut VirtualCells<'_, Fr>, columns: &Columns, lookup: &LookupColumns) -> Vec<Fraction> {
    let beta = cells.query_challenge(lookup.beta);
    let gamma = cells.query_challenge(lookup.gamma);
    let square = gamma.clone() * gamma.clone();
    let mut fractions = Vec::new();
    if let Some(tag) = columns.role(cells, Role::Pair) {
        for [a, b, _] in &columns.lanes {
            let tuple = a.query(cells, 0) + gamma.clone() * b.query(cells, 0) + square.clone() * tag.clone();
            fractions.push(Fraction { numerator: tag.clone(), denominator: beta.clone() + tuple });
        }
    }
    if let Some(tag) = columns.role(cells, Role::Range) {
        for [_, _, c] in &columns.lanes {
            let tuple = c.query(cells, 0) + square.clone() * tag.clone();
            fractions.push(Fraction { numerator: tag.clone(), denominator: beta.clone() + tuple });
        }
    }
    for ([tag, a, b], multiplicity) in lookup.tables.iter().zip(&lookup.multiplicities) {
        let [tag, a, b] = [*tag, *a, *b].map(|column| fixed(cells, column));
        let tuple = a + gamma.clone() * b + square.clone() * tag.clone();
        fractions
            .push(Fraction { numerator: -(multiplicity.query(cells, 0) * tag), denominator: beta.clone() + tuple });
    }
    fractions
}

/// Product of the denominators, without number `omitted`; `None` if there are none.
fn product(group: &[Fraction], omitted: Option<usize>) -> Option<Expression<Fr>> {
    let factors = group.iter().enumerate().filter(|(index, _)| Some(*index) != omitted);
    factors.map(|(_, fraction)| fraction.denominator.clone()).reduce(|all, factor| all * factor)
}

fn total(group: &[Fraction]) -> Expression<Fr> {
    let term = |(index, fraction): (usize, &Fraction)| {
        let others = product(group, Some(index));
        others.map_or(fraction.numerator.clone(), |others| fraction.numerator.clone() * others)
    };
    let sum = group.iter().enumerate().map(term).reduce(|sum, term| sum + term);
    sum.unwrap_or(Expression::Constant(Fr::zero()))
}

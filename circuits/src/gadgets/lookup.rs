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
use crate::layout::tape::Slot;

struct Fraction {
    numerator: Expression<Fr>,
    denominator: Expression<Fr>,
}

// spec: circuits#lookup
pub(crate) fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns) {
    let Some(lookup) = &columns.lookup else { return };
    configure_entries(meta, columns, lookup);
    if lookup.sums.is_empty() {
        return;
    }
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

/// `(x, H)` is among the entries `(entry, V_0)`: the same argument, whose table is a weight column.
///
/// Both sides' second elements follow from the first phase, the key's rows and r, so none of them can be chosen by beta
/// and gamma.
// spec: circuits#entries
fn configure_entries(meta: &mut ConstraintSystem<Fr>, columns: &Columns, lookup: &LookupColumns) {
    let (Some(entries), Some(linear)) = (&lookup.entries, &columns.linear) else { return };
    let (Some(chain), Some(weights)) = (linear.chain, linear.weights.first().copied()) else { return };
    meta.create_gate("entries", |cells| {
        let active = fixed(cells, columns.fixed.active);
        let (Some(look), Some(entry)) = (columns.role(cells, Role::Look), columns.role(cells, Role::Entry)) else {
            return Constraints::with_selector(active, vec![]);
        };
        let beta = cells.query_challenge(lookup.beta);
        let gamma = cells.query_challenge(lookup.gamma);
        let number = columns.operand(cells, 0, Slot::A).unwrap_or(Expression::Constant(Fr::zero()));
        let looked = beta.clone() + (number.clone() + gamma.clone() * chain.query(cells, 0));
        let listed = beta + (entry.clone() + gamma * weights.query(cells, 0));
        let difference = entries.sum.query(cells, 1) - entries.sum.query(cells, 0);
        let used = look * number * listed.clone();
        let held = entries.multiplicity.query(cells, 0) * entry * looked.clone();
        let step = difference * looked * listed - (used - held);
        Constraints::with_selector(active, vec![("entry step", step)])
    });
    meta.create_gate("entry ends", |cells| {
        let first = fixed(cells, columns.fixed.first);
        let last = fixed(cells, columns.fixed.last);
        let sum = entries.sum.query(cells, 0);
        [("entries start at zero", first * sum.clone()), ("entry sums agree", last * sum)]
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

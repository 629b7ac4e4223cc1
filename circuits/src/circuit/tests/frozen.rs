//! Why challenges come last: with a challenge known beforehand, each argument accepts what is false.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::case::{Case, LOOKUP, STRETCH, names};
use super::operators::cases;
use crate::circuit::{Assignment, sums};
use crate::gadgets::columns::signed;
use crate::layout::tape::{Place, Slot};

fn named(name: &str) -> Case {
    cases(1).into_iter().find(|(other, _)| *other == name).unwrap().1
}

/// T where the last stretch ends.
fn end(case: &Case, r: Fr) -> Fr {
    let weights = sums::weights(&case.plan, &case.combine(r));
    *sums::linear(&case.plan, &case.witness, &weights, r, Fr::ZERO).0.last().unwrap()
}

/// Changes an output and the cell that it is copied from.
fn change_output(case: &mut Case, output: usize, by: i64) {
    let instance = case.instance.len() - case.plan.graph().output().width() as usize + output;
    case.instance[instance] += signed(by);
    let copies = case.plan.copies().unwrap();
    let origin = copies.iter().find(|(_, to)| *to == Place::Instance(instance)).map(|(from, _)| *from);
    let Some(Place::Cell { row, lane, slot }) = origin else { panic!("output {output}") };
    *case.cell_mut(row, lane, slot) += by;
}

/// Errors `-r` and `1` in neighbouring outputs cancel for that r, and for no other.
#[test]
fn a_known_row_challenge_lets_a_false_output_through() {
    let mut case = named("dense, raw");
    assert_eq!([3, 4].map(|r| end(&case, Fr::from(r))), [Fr::ZERO; 2]);
    // The first output carries 1, the second r.
    change_output(&mut case, 0, -3);
    change_output(&mut case, 1, 1);
    assert_eq!(end(&case, Fr::from(3)), Fr::ZERO);
    assert_eq!(end(&case, Fr::from(4)), Fr::ONE);
    assert_eq!(case.failing_names(), names(&[STRETCH]), "the mock prover's challenges come after the witness");
}

/// A window's positions are told apart by `z = r^n`: errors `-z` and `1` at neighbouring positions of one output.
#[test]
fn a_known_row_challenge_lets_a_false_position_through() {
    let mut case = named("dense over items, raw");
    // Seven items of two outputs, so that z = r^2, and the last item carries z^0.
    change_output(&mut case, 12, -9);
    change_output(&mut case, 10, 1);
    assert_eq!(end(&case, Fr::from(3)), Fr::ZERO);
    assert_ne!(end(&case, Fr::from(2)), Fr::ZERO);
    assert_eq!(case.failing_names(), names(&[STRETCH]));
}

/// What the lookups' sums add up to.
fn imbalance(case: &Case, beta: Fr, gamma: Fr) -> Fr {
    let sums = sums::lookups(&case.plan, &case.witness, beta, gamma);
    sums.iter().map(|column| *column.last().unwrap()).sum()
}

/// The first row of the case that looks up a pair and a range.
fn lookup_row(case: &Case) -> usize {
    case.plan.tape().rows().iter().position(|row| row.pair != 0 && row.range != 0).unwrap()
}

/// For a known gamma, `(a + gamma, y - 1)` is combined to what `(a, y)` is, and is in no table.
#[test]
fn a_known_gamma_lets_a_false_tuple_through() {
    let mut case = named("requantise");
    let row = lookup_row(&case);
    let [beta, gamma, other] = [123_456_789, 5, 6].map(Fr::from);
    assert_eq!([imbalance(&case, beta, gamma), imbalance(&case, beta, other)], [Fr::ZERO; 2]);
    *case.cell_mut(row, 0, Slot::A) += 5;
    *case.cell_mut(row, 0, Slot::B) -= 1;
    assert_eq!(imbalance(&case, beta, gamma), Fr::ZERO);
    assert_ne!(imbalance(&case, beta, other), Fr::ZERO);
    assert!(case.failing_names().contains(LOOKUP));
}

/// For a known beta, another tuple's multiplicity makes up for a remainder outside its range: its denominator is 1, so
/// that the other's, as a count, cancels it.
#[test]
fn a_known_beta_lets_a_false_remainder_through() {
    let mut case = named("requantise");
    let row = lookup_row(&case);
    let tag = case.plan.tape().rows()[row].range;
    let gamma = Fr::from(5);
    let beta = Fr::from(8) - gamma * gamma * Fr::from(tag);
    let table = case.plan.table();
    let honest = *case.clone().cell_mut(row, 0, Slot::C);
    let [own, other] = [honest, 1].map(|remainder| table.position(tag, remainder).unwrap());
    assert_eq!(imbalance(&case, beta, gamma), Fr::ZERO);
    *case.cell_mut(row, 0, Slot::C) = -7;
    case.witness.multiplicities[own] -= 1;
    // beta + gamma^2 tag is 8, so -7 has the denominator 1, and the remainder 1 has 9.
    case.witness.multiplicities[other] += 9;
    assert_eq!(imbalance(&case, beta, gamma), Fr::ZERO);
    assert_ne!(imbalance(&case, beta + Fr::ONE, gamma), Fr::ZERO);
    assert!(case.failing_names().contains(LOOKUP));
}

//! The quotient of all constraints by the polynomial that vanishes on the rows.

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::plonk::{ConstraintSystem, ProvingKey};
use rayon::prelude::*;

use super::copies::{self, Challenges, OnCoset};
use super::opening::interpolate;
use super::program::{Columns, Program, STRETCH};
use super::transform::{COSETS, Transform};

/// Rows that one core takes at a time.
const CHUNK: usize = 8 * STRETCH;

/// Coefficients of everything that a proof commits to, and its challenges.
pub(super) struct Committed<'a> {
    pub(super) advice: &'a [Vec<Fr>],
    pub(super) instance: &'a [Vec<Fr>],
    pub(super) products: &'a [Vec<Fr>],
    pub(super) program: &'a Program,
    pub(super) challenges: Challenges,
    pub(super) y: Fr,
}

/// The quotient's pieces, each of as many coefficients as there are rows.
///
/// On one coset after the other, so that only one holds all columns at once. A coset's values say what the quotient is modulo
/// `X^n - c`, `c` being the n-th power of the coset; the pieces follow from its remainders by all of them.
pub(super) fn pieces(
    key: &ProvingKey<G1Affine>,
    system: &ConstraintSystem<Fr>,
    transform: &Transform,
    committed: &Committed<'_>,
) -> Vec<Vec<Fr>> {
    let rows = transform.rows() as u64;
    let remainders: Vec<Vec<Fr>> =
        (0..COSETS).map(|coset| remainder(key, system, transform, committed, coset)).collect();
    let constants: Vec<Fr> = (0..COSETS).map(|coset| transform.shift(coset).pow_vartime([rows])).collect();
    let bases: Vec<Vec<Fr>> = (0..COSETS)
        .map(|coset| {
            let unit: Vec<Fr> = (0..COSETS).map(|other| Fr::from(u64::from(other == coset))).collect();
            interpolate(&constants, &unit)
        })
        .collect();
    let piece = |piece: usize| {
        let mut coefficients = vec![Fr::ZERO; transform.rows()];
        for (remainder, basis) in remainders.iter().zip(&bases) {
            coefficients.iter_mut().zip(remainder).for_each(|(sum, value)| *sum += *value * basis[piece]);
        }
        coefficients
    };
    (0..COSETS).into_par_iter().map(piece).collect()
}

/// The quotient modulo `X^n - c` for one coset.
fn remainder(
    key: &ProvingKey<G1Affine>,
    system: &ConstraintSystem<Fr>,
    transform: &Transform,
    committed: &Committed<'_>,
    coset: usize,
) -> Vec<Fr> {
    let evaluate = |polynomial: &[Fr]| transform.evaluate(polynomial, coset);
    // The first value once more behind the last, so that the next row of any row is the next value.
    let around = |polynomial: &[Fr]| {
        let mut values = evaluate(polynomial);
        values.extend(values.first().copied());
        values
    };
    let fixed: Vec<Vec<Fr>> = key.fixed_polys().par_iter().map(|column| around(column)).collect();
    let advice: Vec<Vec<Fr>> = committed.advice.par_iter().map(|column| around(column)).collect();
    let instance: Vec<Vec<Fr>> = committed.instance.par_iter().map(|column| around(column)).collect();
    let products: Vec<Vec<Fr>> = committed.products.par_iter().map(|column| evaluate(column)).collect();
    let positions: Vec<Vec<Fr>> = key.permutation().polys().par_iter().map(|column| evaluate(column)).collect();
    let [first, last, active] = [key.l0(), key.l_last(), key.l_active_row()].map(|column| evaluate(column));
    let columns = Columns { fixed: &fixed, advice: &advice, instance: &instance };
    let shift = transform.shift(coset);
    let argument = OnCoset {
        columns: &copies::copied(system),
        each: copies::columns_each(system),
        products: &products,
        positions: &positions,
        first: &first,
        last: &last,
        active: &active,
        blinded: system.blinding_factors(),
        challenges: committed.challenges,
        y: committed.y,
        shift,
        root: transform.root(),
    };
    let vanishing = shift.pow_vartime([transform.rows() as u64]) - Fr::ONE;
    let inverse = Option::<Fr>::from(vanishing.invert()).unwrap_or(Fr::ZERO);
    let mut values = vec![Fr::ZERO; transform.rows()];
    values.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, values)| {
        let mut registers = committed.program.registers();
        for (stretch, values) in values.chunks_mut(STRETCH).enumerate() {
            let first = chunk * CHUNK + stretch * STRETCH;
            committed.program.run(&columns, first, &mut registers, values);
            argument.add(&columns, first, values);
            values.iter_mut().for_each(|value| *value *= inverse);
        }
    });
    transform.interpolate_coset(values, coset)
}

//! The quotient of all constraints by the polynomial that vanishes on the rows.

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::plonk::ProvingKey;
use rayon::prelude::*;

use super::opening::interpolate;
use super::program::{Program, Source, plain};
use super::transform::{COSETS, Transform};
#[cfg(target_arch = "x86_64")]
use super::windows;

/// Stretches that one core takes at a time.
const CHUNK: usize = 8;

/// Coefficients of everything that the program reads.
pub(super) struct Committed<'a> {
    pub(super) key: &'a ProvingKey<G1Affine>,
    pub(super) advice: &'a [Vec<Fr>],
    pub(super) instance: &'a [Vec<Fr>],
    pub(super) products: &'a [Vec<Fr>],
}

impl Committed<'_> {
    fn polynomial(&self, source: Source) -> &[Fr] {
        match source {
            Source::Fixed(index) => &self.key.fixed_polys()[index],
            Source::Advice(index) => &self.advice[index],
            Source::Instance(index) => &self.instance[index],
            Source::Product(index) => &self.products[index],
            Source::Position(index) => &self.key.permutation().polys()[index],
            Source::First => self.key.l0(),
            Source::Last => self.key.l_last(),
            Source::Active => self.key.l_active_row(),
            Source::Place => &[Fr::ZERO, Fr::ONE],
        }
    }
}

/// The quotient's pieces, each of as many coefficients as there are rows.
///
/// On one coset after the other, so that only one holds all columns at once. A coset's values say what the quotient is modulo
/// `X^n - c`, `c` being the n-th power of the coset; the pieces follow from its remainders by all of them.
pub(super) fn pieces(transform: &Transform, program: &Program, committed: &Committed<'_>) -> Vec<Vec<Fr>> {
    let rows = transform.rows() as u64;
    let constants: Vec<Fr> = (0..COSETS).map(|coset| transform.shift(coset).pow_vartime([rows])).collect();
    let polynomials: Vec<&[Fr]> = program.sources().iter().map(|source| committed.polynomial(*source)).collect();
    let vanishing: Vec<Fr> =
        constants.iter().map(|constant| (*constant - Fr::ONE).invert().unwrap_or(Fr::ZERO)).collect();
    let remainders = remainders(transform, program, &polynomials, &vanishing);
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

/// The quotient modulo `X^n - c` for each coset, whose constraints' values are to be multiplied by `scales`.
fn remainders(transform: &Transform, program: &Program, polynomials: &[&[Fr]], scales: &[Fr]) -> Vec<Vec<Fr>> {
    #[cfg(target_arch = "x86_64")]
    if let Some(remainders) = windows::remainders(transform, program, polynomials, scales) {
        return remainders;
    }
    let remainder = |(coset, scale): (usize, &Fr)| {
        let columns: Vec<Vec<Fr>> =
            polynomials.par_iter().map(|polynomial| transform.evaluate(polynomial, coset)).collect();
        let mut values = vec![Fr::ZERO; transform.rows()];
        values.par_chunks_mut(CHUNK * plain::STRETCH).enumerate().for_each(|(chunk, values)| {
            let mut registers = program.registers();
            for (stretch, values) in values.chunks_mut(plain::STRETCH).enumerate() {
                program.run(&columns, (chunk * CHUNK + stretch) * plain::STRETCH, &mut registers, values);
                values.iter_mut().for_each(|value| *value *= scale);
            }
        });
        transform.interpolate_coset(values, coset)
    };
    scales.iter().enumerate().map(remainder).collect()
}

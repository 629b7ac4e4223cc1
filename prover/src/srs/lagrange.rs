//! The Lagrange basis of a setup whose secret nobody knows.
//!
//! `[L_i(tau)]_1` is the inverse Fourier transform of `[tau^i]_1`, taken over the group: `n/2 log n` multiplications of a
//! point by a root of unity. Those are all of the cost. halo2's transform multiplies bit by bit through 254 bits;
//! arkworks' points split each root in two halves with the curve's endomorphism, which takes half as long or less, so
//! the transform is written here. It also knows how far it is.

use std::sync::atomic::{AtomicUsize, Ordering};

use ark_bn254::{Fq as ArkFq, Fr as ArkFr, G1Affine as ArkPoint, G1Projective as ArkSum};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, PrimeField as _};
use halo2_proofs::arithmetic::best_multiexp;
use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_proofs::poly::EvaluationDomain;
use halo2_proofs::poly::commitment::ParamsProver;
use rayon::prelude::*;
use verifier::points::{decode_affine, encode_affine};
use verifier::setup::Setup;

/// The Lagrange basis over the 2^k-th roots of unity, from as many powers, none of them the identity.
///
/// `progress` gets the multiplications done and their total. `None` if there are not `2^k` powers, or if a point of the
/// basis is the identity, which happens only where `tau` is itself a root of unity.
pub fn basis(k: u32, powers: &[G1Affine], progress: &(dyn Fn(usize, usize) + Sync)) -> Option<Vec<G1Affine>> {
    let rows = 1usize.checked_shl(k)?;
    if powers.len() != rows || k > Fr::S {
        return None;
    }
    let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY_INV, |root, _| root.square());
    let twiddles: Vec<ArkFr> =
        std::iter::successors(Some(Fr::ONE), |root| Some(*root * omega)).take(rows / 2).map(scalar).collect();
    let mut values: Vec<ArkSum> = powers.par_iter().map(to_ark).collect::<Option<_>>()?;
    reverse_bits(&mut values, k);
    let done = AtomicUsize::new(0);
    let total = rows / 2 * k as usize + rows;
    let step = |steps: usize| progress(done.fetch_add(steps, Ordering::Relaxed) + steps, total);
    for layer in 0..k {
        let half = 1 << layer;
        values.par_chunks_mut(2 * half).for_each(|block| {
            let (left, right) = block.split_at_mut(half);
            let pairs = left.par_chunks_mut(CHUNK).zip(right.par_chunks_mut(CHUNK)).enumerate();
            pairs.for_each(|(chunk, (left, right))| {
                for (index, (low, high)) in left.iter_mut().zip(right.iter_mut()).enumerate() {
                    butterfly(low, high, (chunk * CHUNK + index) * (rows / 2 / half), &twiddles);
                }
                step(left.len());
            });
        });
    }
    let scale = scalar(Fr::TWO_INV.pow_vartime([u64::from(k)]));
    let scaled = values.par_chunks(CHUNK).flat_map_iter(|chunk| {
        let scaled: Vec<ArkSum> = chunk.iter().map(|value| *value * scale).collect();
        step(chunk.len());
        ArkSum::normalize_batch(&scaled)
    });
    scaled.map(|point| from_ark(&point)).collect()
}

/// The same setup for circuits of `2^k` rows, its basis computed; `None` if `k` is larger than the setup's, or if there is
/// no basis.
pub fn reduce(setup: &Setup, k: u32, progress: &(dyn Fn(usize, usize) + Sync)) -> Option<Setup> {
    let powers = setup.parameters().get_g().get(..1usize.checked_shl(k)?)?.to_vec();
    let basis = basis(k, &powers, progress)?;
    Setup::new(k, powers, basis, setup.parameters().s_g2())
}

/// Whether `claimed` is the Lagrange basis that belongs to the `powers`, by one random combination: both have 2^k points,
/// none of them the identity.
///
/// `sum_i r_i L_i(X)` is the polynomial whose values are the `weights`, so its coefficients must combine the powers to the
/// same point; another basis passes with probability 2^-128 for weights of 128 bits.
pub(super) fn is_basis(k: u32, powers: &[G1Affine], claimed: &[G1Affine], weights: Vec<Fr>) -> bool {
    let rows = 1usize.checked_shl(k);
    if [powers.len(), claimed.len(), weights.len()].iter().any(|count| Some(*count) != rows) {
        return false;
    }
    let combined = best_multiexp(&weights, claimed);
    let domain = EvaluationDomain::new(1, k);
    let coefficients = domain.lagrange_to_coeff(domain.lagrange_from_vec(weights));
    combined == best_multiexp(&coefficients, powers)
}

/// Pairs that a core takes at a time.
const CHUNK: usize = 64;

/// `(low, high)` becomes `(low + w high, low - w high)`.
fn butterfly(low: &mut ArkSum, high: &mut ArkSum, exponent: usize, twiddles: &[ArkFr]) {
    if exponent != 0 {
        *high *= twiddles[exponent];
    }
    let sum = *low + *high;
    *high = *low - *high;
    *low = sum;
}

fn reverse_bits(values: &mut [ArkSum], k: u32) {
    for index in 0..values.len() {
        let reversed = index.reverse_bits() >> (usize::BITS - k);
        if index < reversed {
            values.swap(index, reversed);
        }
    }
}

fn scalar(value: Fr) -> ArkFr {
    ArkFr::from_le_bytes_mod_order(value.to_repr().as_ref())
}

/// `None` for the identity.
fn to_ark(point: &G1Affine) -> Option<ArkSum> {
    let bytes = encode_affine(point);
    let (x, y) = bytes.split_at(32);
    let point = ArkPoint::new_unchecked(ArkFq::from_le_bytes_mod_order(x), ArkFq::from_le_bytes_mod_order(y));
    (!point.is_zero()).then(|| point.into_group())
}

/// `None` for the identity.
fn from_ark(point: &ArkPoint) -> Option<G1Affine> {
    let (x, y) = point.xy()?;
    let mut bytes = [0; 64];
    let (low, high) = bytes.split_at_mut(32);
    low.copy_from_slice(&x.into_bigint().to_bytes_le());
    high.copy_from_slice(&y.into_bigint().to_bytes_le());
    decode_affine(&bytes).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srs::generate::development;

    #[test]
    fn it_is_the_basis_that_is_generated_from_the_secret() {
        for k in [1, 2, 5, 8] {
            let setup = development(k, &|_, _| {}).unwrap();
            let steps = (1 << k) + (1 << (k - 1)) * k as usize;
            let last = AtomicUsize::new(0);
            let progress = |done: usize, total: usize| {
                assert_eq!(total, steps);
                last.fetch_max(done, Ordering::Relaxed);
            };
            let computed = basis(k, setup.parameters().get_g(), &progress).unwrap();
            assert_eq!(computed, setup.lagrange_basis());
            assert_eq!(last.into_inner(), steps);
        }
    }

    #[test]
    fn a_setup_is_reduced_to_a_smaller_one() {
        let setup = development(7, &|_, _| {}).unwrap();
        let smaller = reduce(&setup, 4, &|_, _| {}).unwrap();
        assert_eq!((smaller.k(), smaller.id()), (4, setup.id()));
        assert_eq!(smaller.lagrange_basis(), setup.at(4).unwrap().lagrange_basis());
        assert!(reduce(&setup, 8, &|_, _| {}).is_none());
    }

    #[test]
    fn a_root_of_unity_has_no_basis_without_the_identity() {
        assert_eq!(basis(2, &[G1Affine::generator(); 4], &|_, _| {}), None);
        assert_eq!(basis(2, &[G1Affine::generator(); 3], &|_, _| {}), None);
    }
}

//! The development setup, generated from its public secret.
//!
//! Both bases are multiples of the generator by known scalars (`tau^i` and `L_i(tau)`), so a table of its windowed
//! multiples turns each point into 32 additions, on all cores; the usual way through a group FFT costs two orders of
//! magnitude more. This is for development only: whoever knows `tau` can forge, and everybody knows it.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "field and group arithmetic is total, sizes are bounded by `K_RANGE`, and a window has an entry for every byte"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use halo2_proofs::arithmetic::parallelize;
use halo2_proofs::halo2curves::bn256::{Fr, G1, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use halo2_proofs::halo2curves::group::{Curve, Group};

use super::{Setup, development_secret};

/// Smallest and largest size that is generated.
pub const K_RANGE: std::ops::RangeInclusive<u32> = 1..=22;

const WINDOW_BITS: usize = 8;
const WINDOWS: usize = 256 / WINDOW_BITS;
const CHUNK: usize = 512;

/// Why no setup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The size is out of range.
    #[error("setup size k: expected {} to {}, got {got}", K_RANGE.start(), K_RANGE.end())]
    Size {
        /// k that was asked for.
        got: u32,
    },
}

/// Smallest size whose Lagrange basis comes with a larger setup.
const K_SMALLEST: u32 = 6;

/// Generates the development setup for circuits of up to 2^k rows, the Lagrange bases of smaller sizes included;
/// `progress` gets the points done and their total.
pub fn development(k: u32, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Setup, SetupError> {
    if !K_RANGE.contains(&k) {
        return Err(SetupError::Size { got: k });
    }
    let tau = development_secret();
    let sizes: Vec<u32> = std::iter::once(k).chain(K_SMALLEST..k).collect();
    let powers = std::iter::successors(Some(Fr::one()), |power| Some(*power * tau)).take(1 << k);
    let scalars: Vec<Fr> = powers.chain(sizes.iter().flat_map(|size| lagrange_values(*size, tau))).collect();
    let mut points = multiples(&scalars, progress).into_iter();
    let mut basis = |size: u32| -> Vec<G1Affine> { points.by_ref().take(1 << size).collect() };
    let powers = basis(k);
    let lagrange = basis(k);
    let smaller = (K_SMALLEST..k).map(|size| (size, basis(size))).collect();
    let tau_g2 = (G2Affine::generator() * tau).to_affine();
    let setup = Setup::new(k, powers, lagrange, tau_g2).and_then(|setup| setup.with_smaller(smaller));
    setup.ok_or(SetupError::Size { got: k })
}

/// The generator's multiples by all `scalars`, on all cores.
fn multiples(scalars: &[Fr], progress: &(dyn Fn(usize, usize) + Sync)) -> Vec<G1Affine> {
    let table = WindowTable::new();
    let done = AtomicUsize::new(0);
    let mut points = vec![G1Affine::identity(); scalars.len()];
    // On halo2's threads, where it has any.
    parallelize(&mut points, |points, start| {
        for (points, chunk) in points.chunks_mut(CHUNK).zip(scalars[start..].chunks(CHUNK)) {
            let sums: Vec<G1> = chunk.iter().take(points.len()).map(|scalar| table.multiply(scalar)).collect();
            G1::batch_normalize(&sums, points);
            let before = done.fetch_add(points.len(), Ordering::Relaxed);
            progress(before + points.len(), scalars.len());
        }
    });
    points
}

/// `L_i(tau) = omega^i (tau^n - 1) / (n (tau - omega^i))` for all `i < n = 2^k`.
fn lagrange_values(k: u32, tau: Fr) -> Vec<Fr> {
    let rows = 1u64 << k;
    let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
    let roots: Vec<Fr> = std::iter::successors(Some(Fr::one()), |root| Some(*root * omega)).take(1 << k).collect();
    // tau is a hash output outside the domain, so no difference is zero.
    let mut denominators: Vec<Fr> = roots.iter().map(|root| (tau - root) * Fr::from(rows)).collect();
    denominators.iter_mut().batch_invert();
    let vanishing = tau.pow_vartime([rows]) - Fr::one();
    roots.iter().zip(denominators).map(|(root, inverse)| vanishing * root * inverse).collect()
}

/// Multiples of the generator: entry `[w][d]` is `d 2^(8 w)` times it.
struct WindowTable(Vec<Vec<G1Affine>>);

impl WindowTable {
    fn new() -> Self {
        let bases = std::iter::successors(Some(G1::generator()), |base| {
            Some((0..WINDOW_BITS).fold(*base, |point, _| point.double()))
        });
        let windows = bases.take(WINDOWS).map(|base| {
            let multiples: Vec<G1> =
                std::iter::successors(Some(G1::identity()), |sum| Some(sum + base)).take(1 << WINDOW_BITS).collect();
            let mut affine = vec![G1Affine::identity(); multiples.len()];
            G1::batch_normalize(&multiples, &mut affine);
            affine
        });
        Self(windows.collect())
    }

    fn multiply(&self, scalar: &Fr) -> G1 {
        let digits = scalar.to_repr();
        let entries = self.0.iter().zip(digits.as_ref()).filter(|(_, digit)| **digit != 0);
        entries.fold(G1::identity(), |sum, (window, digit)| sum + window[usize::from(*digit)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::poly::commitment::ParamsProver;

    #[test]
    fn points_are_the_powers_and_the_lagrange_values() {
        let setup = development(5, &|_, _| {}).unwrap();
        let tau = development_secret();
        let powers = setup.parameters().get_g();
        assert_eq!(powers[0], G1Affine::generator());
        for pair in powers.windows(2) {
            assert_eq!((pair[0] * tau).to_affine(), pair[1]);
        }
        // sum_i L_i = 1 and sum_i omega^i L_i = X.
        let omega = (5..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let roots = std::iter::successors(Some(Fr::one()), |root| Some(*root * omega));
        let sum: G1 = setup.lagrange_basis().iter().map(PrimeCurveAffine::to_curve).sum();
        assert_eq!(sum.to_affine(), powers[0]);
        let weighted: G1 = setup.lagrange_basis().iter().zip(roots).map(|(point, root)| point * root).sum();
        assert_eq!(weighted.to_affine(), powers[1]);
        assert_eq!(setup.verifier(), &crate::setup::VerifierSetup::development());
    }

    #[test]
    fn a_smaller_size_is_the_same_setup() {
        let setup = development(8, &|_, _| {}).unwrap();
        // 7 comes with the setup, 4 is computed by a transform.
        for k in [7, 4] {
            let small = setup.at(k).unwrap();
            assert_eq!(small.lagrange_basis(), development(k, &|_, _| {}).unwrap().lagrange_basis());
            assert_eq!((small.k(), small.id()), (k, setup.id()));
            assert!(small.at(k + 1).is_none());
        }
        assert!(setup.at(9).is_none());
        assert!(setup.clone().with_smaller(vec![(5, vec![])]).is_none());
    }

    #[test]
    fn sizes_are_bounded_and_progress_reaches_the_end() {
        assert_eq!(development(23, &|_, _| {}).err(), Some(SetupError::Size { got: 23 }));
        assert_eq!(development(0, &|_, _| {}).err(), Some(SetupError::Size { got: 0 }));
        let last = AtomicUsize::new(0);
        development(10, &|done, total| {
            // Powers and basis of 2^10, bases of 2^6 to 2^9.
            assert_eq!(total, 2 * 1024 + 960);
            last.fetch_max(done, Ordering::Relaxed);
        })
        .unwrap();
        assert_eq!(last.into_inner(), 3008);
    }
}

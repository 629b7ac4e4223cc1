//! A setup whose secret is 7, and row commitments that are points and nothing more.

use std::sync::LazyLock;

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_proofs::halo2curves::group::Curve;
use verifier::key::{ModelCommitment, RowCommitment};
use verifier::points::encode_affine;
use verifier::setup::Setup;

/// Size of the test circuits.
pub(crate) const K: u32 = 9;

/// The setup of the tests, made once.
pub(crate) fn setup() -> &'static Setup {
    static SETUP: LazyLock<Setup> = LazyLock::new(|| {
        let tau = Fr::from(7);
        let rows = 1u64 << K;
        let omega = (K..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let vanishing = tau.pow([rows]) - Fr::one();
        let lagrange = |index: u64| {
            let root = omega.pow([index]);
            root * vanishing * (Fr::from(rows) * (tau - root)).invert().unwrap()
        };
        let point = |scalar: Fr| (G1Affine::generator() * scalar).to_affine();
        let powers = (0..rows).map(|index| point(tau.pow([index]))).collect();
        let basis = (0..rows).map(|index| point(lagrange(index))).collect();
        Setup::new(K, powers, basis, (G2Affine::generator() * tau).to_affine()).unwrap()
    });
    &SETUP
}

/// Commitments of `rows` rows: multiples of the generator.
pub(crate) fn commitment(rows: u64) -> ModelCommitment {
    let row = |index: u64| RowCommitment(encode_affine(&(G1Affine::generator() * Fr::from(index + 1)).to_affine()));
    ModelCommitment { rows: (0..rows).map(row).collect(), rows_root: [1; 32], bundle_hash: [2; 32] }
}

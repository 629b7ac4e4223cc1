//! The pairing equation of a KZG opening.

use halo2_proofs::halo2curves::bn256::{G1, G1Affine, G2Affine, G2Prepared, multi_miller_loop};
use halo2_proofs::halo2curves::group::{Curve, Group};
use halo2_proofs::halo2curves::pairing::MillerLoopResult;

/// A setup's points in G2, prepared once for all proofs.
#[derive(Clone, Debug)]
pub(crate) struct PairingKey {
    tau: G2Prepared,
    minus_one: G2Prepared,
}

impl PairingKey {
    #[expect(clippy::arithmetic_side_effects, reason = "group arithmetic is total")]
    pub(crate) fn new(tau: G2Affine) -> Self {
        Self { tau: G2Prepared::from(tau), minus_one: G2Prepared::from(-G2Affine::generator()) }
    }

    /// Whether `e(left, [tau]_2) = e(right, [1]_2)`.
    pub(super) fn equal(&self, left: &G1Affine, right: G1) -> bool {
        let right = right.to_affine();
        multi_miller_loop(&[(left, &self.tau), (&right, &self.minus_one)]).final_exponentiation().is_identity().into()
    }
}

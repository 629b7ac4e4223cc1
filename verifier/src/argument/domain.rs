//! The rows of a circuit as powers of a root of unity.
#![expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{Field, PrimeField};

/// What verification needs of the domain of 2^k rows: nothing that grows with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain {
    /// Number of rows.
    pub(crate) size: u64,
    /// `1 / size`
    pub(crate) size_inverse: Fr,
    pub(crate) root: Fr,
    pub(crate) root_inverse: Fr,
}

impl Domain {
    pub(crate) fn new(k: u32) -> Self {
        let squared = |root: Fr| (k..Fr::S).fold(root, |root, _| root.square());
        let size_inverse = (0..k).fold(Fr::ONE, |product, _| product * Fr::TWO_INV);
        let size = 1u64.checked_shl(k).unwrap_or(0);
        Self { size, size_inverse, root: squared(Fr::ROOT_OF_UNITY), root_inverse: squared(Fr::ROOT_OF_UNITY_INV) }
    }

    /// A point moved by this many rows.
    pub(super) fn rotated(&self, point: Fr, rotation: i32) -> Fr {
        let base = if rotation < 0 { self.root_inverse } else { self.root };
        point * base.pow_vartime([u64::from(rotation.unsigned_abs())])
    }
}

//! Splitting a scalar in two halves with the curve's endomorphism.
//!
//! `phi(x, y) = (zeta x, y)` multiplies every point of BN254 by `lambda`, a cube root of one modulo the group's order. Each
//! scalar is `k = k_1 - k_2 lambda` with both halves below 2^128 (Gallant, Lambert and Vanstone, CRYPTO 2001), found by rounding
//! `k`'s coordinates in the lattice of all pairs that stand for zero.

use circuits::committed::{limbs, unsigned};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::WithSmallOrderMulGroup;

/// Two short vectors of the lattice have the second coordinates `FIRST` and `SECOND`; to the first belongs the rounding
/// factor `2^256 b_2 / r`, to the second `2^256 b_1 / r`, least limb first.
const FIRST: u64 = 0x89d3_2568_94d2_13e3;
const SECOND: u128 = 0x6f4d_8248_eeb8_59fd_0be4_e154_1221_250b;
const FIRST_FACTOR: [u64; 3] = [0x5398_fd03_00ff_6565, 0x4cce_f014_a773_d2d2, 2];
const SECOND_FACTOR: [u64; 3] = [0xd91d_232e_c7e0_b3d7, 2, 0];

/// A signed integer of at most 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) magnitude: u128,
    pub(super) negative: bool,
}

/// `[k_1, k_2]` with `k = k_1 + k_2 lambda`.
pub(super) fn split(scalar: &Fr) -> [Half; 2] {
    let limbs = limbs(scalar);
    let first = unsigned(high(limbs, FIRST_FACTOR)) * Fr::from(FIRST);
    let second = unsigned(high(limbs, SECOND_FACTOR)) * unsigned(SECOND);
    let low = *scalar + (second - first) * Fr::ZETA;
    [half(low), half(first - second)]
}

/// The representative of least magnitude, whose magnitude is known to be below 2^128.
fn half(value: Fr) -> Half {
    let [low, middle, upper, top] = limbs(&value);
    let negative = upper != 0 || top != 0;
    let [low, middle] = if negative {
        let [low, middle, ..] = limbs(&-value);
        [low, middle]
    } else {
        [low, middle]
    };
    Half { magnitude: u128::from(low) | (u128::from(middle) << 64), negative }
}

/// `scalar factor / 2^256`, rounded down.
fn high(scalar: [u64; 4], factor: [u64; 3]) -> u128 {
    let mut product = [0u64; 7];
    for (place, left) in scalar.into_iter().enumerate() {
        let mut carry = 0u128;
        for (offset, right) in factor.into_iter().enumerate() {
            let sum = u128::from(product[place + offset]) + u128::from(left) * u128::from(right) + carry;
            product[place + offset] = sum as u64;
            carry = sum >> 64;
        }
        product[place + 3] = carry as u64;
    }
    u128::from(product[4]) | (u128::from(product[5]) << 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::halo2curves::ff::{Field, PrimeField};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn joined(halves: [Half; 2]) -> Fr {
        let [low, high] = halves.map(|half| {
            let magnitude = Fr::from_u128(half.magnitude);
            if half.negative { -magnitude } else { magnitude }
        });
        low + high * Fr::ZETA
    }

    #[test]
    fn halves_join_to_their_scalar() {
        let mut generator = ChaCha20Rng::seed_from_u64(7);
        let mut scalars = vec![Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::ZETA, -Fr::ZETA, Fr::TWO_INV];
        scalars.extend((0..128).map(|bit| Fr::from_u128(1 << bit)));
        scalars.extend((0..1000).map(|_| Fr::random(&mut generator)));
        for scalar in scalars {
            assert_eq!(joined(split(&scalar)), scalar, "{scalar:?}");
        }
    }
}

//! Splitting a scalar in two halves with the curve's endomorphism.
//!
//! `phi(x, y) = (zeta x, y)` multiplies every point of BN254 by `lambda`, a cube root of one modulo the group's order. Each
//! scalar is `k = k_1 - k_2 lambda` with both halves below 2^128 (Gallant, Lambert and Vanstone, CRYPTO 2001), found by rounding
//! `k`'s coordinates in the lattice of all pairs that stand for zero.

/// Two short vectors of the lattice of all pairs that stand for zero, `(FIRST_LOW, -FIRST)` and `(FIRST, SECOND)`; to the
/// first belongs the rounding factor `2^256 b_2 / r`, to the second `2^256 b_1 / r`, least limb first.
const FIRST: u128 = 0x89d3_2568_94d2_13e3;
const FIRST_LOW: u128 = 0x6f4d_8248_eeb8_59fc_8211_bbeb_7d4f_1128;
const SECOND: u128 = 0x6f4d_8248_eeb8_59fd_0be4_e154_1221_250b;
const FIRST_FACTOR: [u64; 3] = [0x5398_fd03_00ff_6565, 0x4cce_f014_a773_d2d2, 2];
const SECOND_FACTOR: [u64; 3] = [0xd91d_232e_c7e0_b3d7, 2, 0];

/// A signed integer of at most 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) magnitude: u128,
    pub(super) negative: bool,
}

/// `[k_1, k_2]` with `k = k_1 + k_2 lambda`, of a scalar's limbs.
pub(super) fn split(scalar: [u64; 4]) -> [Half; 2] {
    let (first, second) = (high(scalar, FIRST_FACTOR), high(scalar, SECOND_FACTOR));
    let [low, middle, upper, _] = scalar;
    let low = minus(minus([low, middle, upper], product(first, FIRST_LOW)), product(second, FIRST));
    [half(low), half(minus(product(first, FIRST), product(second, SECOND)))]
}

/// An integer modulo 2^192.
type Wide = [u64; 3];

/// The integer of least magnitude, whose magnitude is known to be below 2^128.
fn half(value: Wide) -> Half {
    let negative = value[2] >> 63 == 1;
    let [low, middle, _] = if negative { minus([0; 3], value) } else { value };
    Half { magnitude: u128::from(low) | (u128::from(middle) << 64), negative }
}

fn minus(left: Wide, right: Wide) -> Wide {
    let mut difference = [0; 3];
    let mut borrow = false;
    for (place, target) in difference.iter_mut().enumerate() {
        let (value, first) = left[place].overflowing_sub(right[place]);
        let (value, second) = value.overflowing_sub(u64::from(borrow));
        (*target, borrow) = (value, first || second);
    }
    difference
}

fn product(left: u128, right: u128) -> Wide {
    let [left, right] = [left, right].map(|factor| [factor as u64, (factor >> 64) as u64]);
    let part = |left: u64, right: u64| u128::from(left) * u128::from(right);
    let lowest = part(left[0], right[0]);
    let [first, second] = [part(left[0], right[1]), part(left[1], right[0])];
    let middle = (lowest >> 64) + u128::from(first as u64) + u128::from(second as u64);
    let top = part(left[1], right[1]).wrapping_add((middle >> 64) + (first >> 64) + (second >> 64));
    [lowest as u64, middle as u64, top as u64]
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
    use circuits::committed::limbs;
    use halo2_proofs::halo2curves::bn256::Fr;
    use halo2_proofs::halo2curves::ff::{Field, PrimeField, WithSmallOrderMulGroup};
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
            assert_eq!(joined(split(limbs(&scalar))), scalar, "{scalar:?}");
        }
    }
}

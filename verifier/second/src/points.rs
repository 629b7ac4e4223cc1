//! Canonical encodings of scalars and points.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ff::{AdditiveGroup, BigInteger, PrimeField};

const INFINITY: u8 = 1 << 7;
const ODD: u8 = 1 << 6;

/// 32 bytes, little-endian, of an integer below the modulus.
// spec: verifier#encodings
pub(crate) fn field<F: PrimeField>(bytes: &[u8; 32]) -> Option<F> {
    let value = F::from_le_bytes_mod_order(bytes);
    (little_endian(&value) == *bytes).then_some(value)
}

pub(crate) fn little_endian<F: PrimeField>(value: &F) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (target, byte) in bytes.iter_mut().zip(value.into_bigint().to_bytes_le()) {
        *target = byte;
    }
    bytes
}

/// x with two flags in its highest bits; the identity is no element of a proof.
pub(crate) fn compressed(bytes: &[u8; 32]) -> Option<G1Affine> {
    let [.., flags] = *bytes;
    let mut x = *bytes;
    x[31] &= !(INFINITY | ODD);
    let x: Fq = field(&x)?;
    let (even, odd) = by_parity(G1Affine::get_ys_from_x_unchecked(x)?, |y| *y);
    let point = G1Affine::new_unchecked(x, if flags & ODD == 0 { even } else { odd });
    (flags & INFINITY == 0).then_some(point)
}

/// x and y; 64 zero bytes are the identity.
pub(crate) fn affine(bytes: &[u8; 64]) -> Option<G1Affine> {
    if *bytes == [0; 64] {
        return Some(G1Affine::identity());
    }
    let (x, y) = bytes.split_first_chunk()?;
    let point = G1Affine::new_unchecked(field(x)?, field(y.first_chunk()?)?);
    point.is_on_curve().then_some(point)
}

/// A point of G2's prime-order subgroup, compressed like one of G1; the identity is refused.
pub(crate) fn compressed_g2(bytes: &[u8; 64]) -> Option<G2Affine> {
    let (low, high) = bytes.split_first_chunk()?;
    let mut high: [u8; 32] = *high.first_chunk()?;
    let flags = high[31] & (INFINITY | ODD);
    high[31] &= !(INFINITY | ODD);
    let x = Fq2::new(field(low)?, field(&high)?);
    let (even, odd) = by_parity(G2Affine::get_ys_from_x_unchecked(x)?, |y| y.c0);
    let point = G2Affine::new_unchecked(x, if flags & ODD == 0 { even } else { odd });
    (flags & INFINITY == 0 && point.is_in_correct_subgroup_assuming_on_curve()).then_some(point)
}

/// The even root and the odd one, by the lowest bit of the coordinate that decides.
fn by_parity<F: AdditiveGroup>((one, other): (F, F), decides: impl Fn(&F) -> Fq) -> (F, F) {
    if decides(&one).into_bigint().is_even() { (one, other) } else { (other, one) }
}

/// 512 bits, little-endian, modulo the order.
pub(crate) fn wide(bytes: &[u8; 64]) -> Fr {
    Fr::from_le_bytes_mod_order(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;
    use ark_ec::AffineRepr;
    use ark_ff::MontFp;

    #[test]
    fn the_generators_have_their_encodings() {
        let mut bytes = [0; 32];
        bytes[0] = 1;
        assert_eq!(compressed(&bytes), Some(G1Affine::generator()));
        bytes[31] = ODD;
        assert_eq!(compressed(&bytes), Some(-G1Affine::generator()));
        bytes[31] = INFINITY;
        assert_eq!(compressed(&bytes), None);
        assert_eq!(field::<Fr>(&[0xff; 32]), None);
        let minus_one: Fr = MontFp!("-1");
        assert_eq!(field(&little_endian(&minus_one)), Some(minus_one));
    }
}

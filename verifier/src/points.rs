//! Strict encodings of curve points.
//!
//! Proofs carry 32-byte compressed points, of which halo2curves accepts more than one encoding (an unused bit is
//! ignored); keys carry 64-byte affine points, which need no square root to load. Both are decoded here and nowhere
//! else: what does not re-encode to the same bytes is refused.

mod roots;

use halo2_proofs::halo2curves::CurveAffine;
use halo2_proofs::halo2curves::bn256::{Fq, Fr, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_proofs::halo2curves::group::GroupEncoding;
use halo2_proofs::halo2curves::group::cofactor::CofactorGroup;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;

/// Why a point or scalar was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// The bytes are not the one canonical encoding of a point on the curve.
    #[error("not the canonical encoding of a curve point")]
    Encoding,
    /// The identity, where only a non-zero point makes sense.
    #[error("the identity point is not allowed here")]
    Identity,
    /// A point outside the prime-order subgroup.
    #[error("the point is outside the prime-order subgroup")]
    Subgroup,
    /// A scalar that is not below the field's modulus.
    #[error("the scalar is not below the field's modulus")]
    Scalar,
}

const INFINITY_FLAG: u8 = 0b1000_0000;
const ODD_FLAG: u8 = 0b0100_0000;

/// Decodes a compressed, non-identity point of G1 (which has prime order, so there is no subgroup to check).
pub fn decode_compressed(bytes: &[u8; 32]) -> Result<G1Affine, PointError> {
    let parsed = Compressed::parse(bytes)?;
    parsed.point(roots::of_one(parsed.square()))
}

/// Decodes many, for less than one after the other costs; the error is that of the first which is refused, with its place.
// spec: verifier#encodings
pub fn decode_all(encodings: &[[u8; 32]]) -> Result<Vec<G1Affine>, (usize, PointError)> {
    let parsed: Vec<_> = encodings.iter().map(Compressed::parse).collect();
    let squares = parsed.iter().map(|parsed| parsed.as_ref().map_or(Fq::ONE, Compressed::square));
    let mut candidates: Vec<Fq> = squares.collect();
    roots::of_all(&mut candidates);
    let points = parsed.into_iter().zip(candidates).map(|(parsed, candidate)| parsed?.point(candidate));
    points.enumerate().map(|(place, point)| point.map_err(|error| (place, error))).collect()
}

/// What a compressed point says.
struct Compressed {
    x: Fq,
    odd: bool,
}

#[expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]
impl Compressed {
    fn parse(bytes: &[u8; 32]) -> Result<Self, PointError> {
        let [rest @ .., flags] = bytes;
        if flags & INFINITY_FLAG != 0 {
            let identity = *flags == INFINITY_FLAG && rest.iter().all(|byte| *byte == 0);
            return Err(if identity { PointError::Identity } else { PointError::Encoding });
        }
        let mut encoding = *bytes;
        if let Some(last) = encoding.last_mut() {
            *last &= !ODD_FLAG;
        }
        let x = Option::from(Fq::from_repr(encoding)).ok_or(PointError::Encoding)?;
        Ok(Self { x, odd: flags & ODD_FLAG != 0 })
    }

    /// y squared.
    fn square(&self) -> Fq {
        self.x.square() * self.x + G1Affine::b()
    }

    /// The point, if the candidate is a root of y's square: that is checked here, wherever the candidate comes from.
    fn point(&self, candidate: Fq) -> Result<G1Affine, PointError> {
        if candidate.square() != self.square() {
            return Err(PointError::Encoding);
        }
        let odd = candidate.to_repr().first().is_some_and(|byte| byte & 1 == 1);
        let y = if odd == self.odd { candidate } else { -candidate };
        Ok(G1Affine { x: self.x, y })
    }
}

/// The canonical compressed encoding.
#[must_use]
pub fn encode_compressed(point: &G1Affine) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(point.to_bytes().as_ref());
    bytes
}

/// Decodes a 64-byte affine point: canonical x and y, little-endian; 64 zero bytes are the identity (`None`).
pub fn decode_affine(bytes: &[u8; 64]) -> Result<Option<G1Affine>, PointError> {
    if bytes == &[0; 64] {
        return Ok(None);
    }
    let (x, y) = bytes.split_at(32);
    let coordinate = |half: &[u8]| -> Result<Fq, PointError> {
        let mut encoding = <Fq as PrimeField>::Repr::default();
        encoding.as_mut().copy_from_slice(half);
        Option::from(Fq::from_repr(encoding)).ok_or(PointError::Encoding)
    };
    let point = G1Affine::from_xy(coordinate(x)?, coordinate(y)?);
    let point = Option::<G1Affine>::from(point).ok_or(PointError::Encoding)?;
    if bool::from(point.is_identity()) {
        return Err(PointError::Encoding);
    }
    Ok(Some(point))
}

/// The 64-byte affine encoding; the identity is 64 zero bytes.
#[must_use]
pub fn encode_affine(point: &G1Affine) -> [u8; 64] {
    let mut bytes = [0; 64];
    if let Some(coordinates) = Option::<halo2_proofs::halo2curves::Coordinates<G1Affine>>::from(point.coordinates()) {
        let (x, y) = bytes.split_at_mut(32);
        x.copy_from_slice(coordinates.x().to_repr().as_ref());
        y.copy_from_slice(coordinates.y().to_repr().as_ref());
    }
    bytes
}

/// Decodes a compressed, non-identity point of G2's prime-order subgroup.
pub fn decode_g2(bytes: &[u8; 64]) -> Result<G2Affine, PointError> {
    // halo2curves panics at a coordinate that is not below the modulus.
    let mut coordinates = *bytes;
    if let Some(last) = coordinates.last_mut() {
        *last &= !(INFINITY_FLAG | ODD_FLAG);
    }
    let (parts, _) = coordinates.as_chunks::<32>();
    if parts.iter().any(|part| bool::from(Fq::from_repr(*part).is_none())) {
        return Err(PointError::Encoding);
    }
    let mut encoding = <G2Affine as GroupEncoding>::Repr::default();
    encoding.as_mut().copy_from_slice(bytes);
    let point = Option::<G2Affine>::from(G2Affine::from_bytes(&encoding)).ok_or(PointError::Encoding)?;
    if point.to_bytes().as_ref() != bytes {
        return Err(PointError::Encoding);
    }
    if bool::from(point.is_identity()) {
        return Err(PointError::Identity);
    }
    if !bool::from(point.to_curve().is_torsion_free()) {
        return Err(PointError::Subgroup);
    }
    Ok(point)
}

/// The canonical compressed encoding of a G2 point.
#[must_use]
pub fn encode_g2(point: &G2Affine) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes.copy_from_slice(point.to_bytes().as_ref());
    bytes
}

/// Decodes a canonical scalar, little-endian.
pub fn decode_scalar(bytes: &[u8; 32]) -> Result<Fr, PointError> {
    let mut encoding = <Fr as PrimeField>::Repr::default();
    encoding.as_mut().copy_from_slice(bytes);
    Option::from(Fr::from_repr(encoding)).ok_or(PointError::Scalar)
}

/// The canonical encoding of a scalar, little-endian.
#[must_use]
pub fn encode_scalar(scalar: &Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(scalar.to_repr().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::halo2curves::group::Curve;

    fn point() -> G1Affine {
        (G1Affine::generator() * Fr::from(12345)).to_affine()
    }

    #[test]
    fn the_ignored_bit_is_not_ignored_here() {
        let mut bytes = encode_compressed(&point());
        assert_eq!(decode_compressed(&bytes), Ok(point()));
        let accepted = (0..8)
            .filter(|bit| {
                let mut flipped = bytes;
                flipped[31] ^= 1 << bit;
                decode_compressed(&flipped) == Ok(point())
            })
            .count();
        assert_eq!(accepted, 0, "one point, one encoding");
        bytes[0] ^= 1;
        assert_ne!(decode_compressed(&bytes), Ok(point()));
    }

    /// halo2curves decides the same, but for the spellings that it accepts beside the canonical one.
    #[test]
    fn points_are_decoded_as_halo2curves_does() {
        let mut bytes = encode_compressed(&point());
        let mut decoded = 0;
        for round in 0..2000u32 {
            bytes = *blake3::hash(&bytes).as_bytes();
            bytes[31] &= if round % 2 == 0 { 0x6f } else { 0xff };
            let mut encoding = <G1Affine as GroupEncoding>::Repr::default();
            encoding.as_mut().copy_from_slice(&bytes);
            let theirs = Option::<G1Affine>::from(G1Affine::from_bytes(&encoding));
            let canonical = theirs.filter(|point| encode_compressed(point) == bytes);
            assert_eq!(decode_compressed(&bytes).ok(), canonical, "{bytes:?}");
            decoded += usize::from(canonical.is_some());
        }
        assert!((100..1900).contains(&decoded), "{decoded}");
        let mut shifted = encode_compressed(&G1Affine::identity());
        shifted[31] |= ODD_FLAG;
        assert_eq!(decode_compressed(&shifted), Err(PointError::Encoding));
    }

    #[test]
    fn many_points_are_decoded_as_one_is() {
        let points: Vec<G1Affine> =
            (1..40).map(|multiple| (G1Affine::generator() * Fr::from(multiple)).into()).collect();
        let encodings: Vec<[u8; 32]> = points.iter().map(encode_compressed).collect();
        for count in 0..encodings.len() {
            assert_eq!(decode_all(&encodings[..count]).as_deref(), Ok(&points[..count]));
        }
        let identity = encode_compressed(&G1Affine::identity());
        // No point of the curve has this x.
        let mut rootless = [0; 32];
        rootless[0] = 4;
        assert_eq!(decode_compressed(&rootless), Err(PointError::Encoding));
        for place in 0..encodings.len() {
            let mut wrong = encodings.clone();
            wrong[place] = rootless;
            assert_eq!(decode_all(&wrong), Err((place, PointError::Encoding)));
            // The first that is refused is told.
            wrong[(place + 7) % 39] = identity;
            let first =
                if place + 7 < 39 { (place, PointError::Encoding) } else { (place + 7 - 39, PointError::Identity) };
            assert_eq!(decode_all(&wrong), Err(first));
        }
    }

    #[test]
    fn identities_are_refused() {
        let identity = encode_compressed(&G1Affine::identity());
        assert_eq!(decode_compressed(&identity), Err(PointError::Identity));
        let identity = encode_g2(&G2Affine::identity());
        assert_eq!(decode_g2(&identity), Err(PointError::Identity));
        assert_eq!(decode_affine(&[0; 64]), Ok(None));
    }

    #[test]
    fn affine_points_are_canonical_and_on_the_curve() {
        let bytes = encode_affine(&point());
        assert_eq!(decode_affine(&bytes), Ok(Some(point())));
        for position in [0, 31, 32, 63] {
            let mut wrong = bytes;
            wrong[position] ^= 1;
            assert_eq!(decode_affine(&wrong), Err(PointError::Encoding), "byte {position}");
        }
        assert_eq!(decode_affine(&[0xff; 64]), Err(PointError::Encoding));
    }

    #[test]
    fn most_points_of_the_twist_are_outside_the_subgroup() {
        let refused = (0u8..=255).find_map(|seed| {
            let mut bytes = [0; 64];
            bytes[0] = seed;
            decode_g2(&bytes).err().filter(|error| *error == PointError::Subgroup)
        });
        assert_eq!(refused, Some(PointError::Subgroup));
        let generator = encode_g2(&G2Affine::generator());
        assert_eq!(decode_g2(&generator), Ok(G2Affine::generator()));
    }

    #[test]
    fn coordinates_beyond_the_modulus_are_refused() {
        let generator = encode_g2(&G2Affine::generator());
        for coordinate in [0..32, 32..64] {
            let mut beyond = generator;
            beyond[coordinate].fill(0x3f);
            assert_eq!(decode_g2(&beyond), Err(PointError::Encoding));
        }
        for (position, bit) in (0..64).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
            let mut flipped = generator;
            flipped[position] ^= 1 << bit;
            // The other root is a point of the subgroup too.
            let is_other_root = (position, 1 << bit) == (63, ODD_FLAG);
            assert_eq!(decode_g2(&flipped).is_ok(), is_other_root, "byte {position} bit {bit}");
        }
    }

    #[test]
    fn scalars_are_below_the_modulus() {
        assert_eq!(decode_scalar(&[0xff; 32]), Err(PointError::Scalar));
        let scalar = -Fr::from(7);
        assert_eq!(decode_scalar(&encode_scalar(&scalar)), Ok(scalar));
    }
}

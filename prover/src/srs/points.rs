//! Points as ceremonies write them: coordinates of 32 bytes each, which every format encodes in its own way.

use halo2_proofs::halo2curves::CurveAffine;
use halo2_proofs::halo2curves::bn256::{Fq, Fq2, G1Affine, G2Affine};
use halo2_proofs::halo2curves::group::cofactor::CofactorGroup;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use rayon::prelude::*;
use verifier::points::PointError;

use super::error::ImportError;

/// Bytes of a coordinate in the base field.
pub(super) const COORDINATE_BYTES: usize = 32;
/// Bytes of an uncompressed point of G1.
pub(super) const G1_BYTES: usize = 2 * COORDINATE_BYTES;
/// Bytes of an uncompressed point of G2.
pub(super) const G2_BYTES: usize = 4 * COORDINATE_BYTES;

/// Reads the 32 bytes of a coordinate; `None` if they are not a canonical encoding.
pub(super) type Coordinate = fn(&[u8]) -> Option<Fq>;

/// One point of G1, on the curve and not the identity.
fn g1(bytes: &[u8], coordinate: Coordinate) -> Result<G1Affine, PointError> {
    let (x, y) = bytes.split_at_checked(COORDINATE_BYTES).ok_or(PointError::Encoding)?;
    let (x, y) = coordinate(x).zip(coordinate(y)).ok_or(PointError::Encoding)?;
    let point = Option::<G1Affine>::from(G1Affine::from_xy(x, y)).ok_or(PointError::Encoding)?;
    if bool::from(point.is_identity()) { Err(PointError::Identity) } else { Ok(point) }
}

/// One point of G2, in the subgroup and not the identity; coordinates `x.c0, x.c1, y.c0, y.c1`.
fn g2(bytes: &[u8], coordinate: Coordinate) -> Result<G2Affine, PointError> {
    let parts = bytes.chunks_exact(COORDINATE_BYTES).map(coordinate).collect::<Option<Vec<Fq>>>();
    let Some([x0, x1, y0, y1]) = parts.as_deref() else { return Err(PointError::Encoding) };
    let (x, y) = (Fq2 { c0: *x0, c1: *x1 }, Fq2 { c0: *y0, c1: *y1 });
    let point = Option::<G2Affine>::from(G2Affine::from_xy(x, y)).ok_or(PointError::Encoding)?;
    if bool::from(point.is_identity()) {
        return Err(PointError::Identity);
    }
    if bool::from(point.to_curve().is_torsion_free()) { Ok(point) } else { Err(PointError::Subgroup) }
}

/// All points of G1 in `bytes`, on all cores; the first bad one is named.
pub(super) fn decode_g1(
    part: &'static str,
    bytes: &[u8],
    coordinate: Coordinate,
) -> Result<Vec<G1Affine>, ImportError> {
    let decoded: Vec<Result<G1Affine, PointError>> =
        bytes.par_chunks(G1_BYTES).map(|point| g1(point, coordinate)).collect();
    let named = decoded.into_iter().enumerate();
    named.map(|(index, point)| point.map_err(|source| ImportError::Point { part, index, source })).collect()
}

/// All points of G2 in `bytes`.
pub(super) fn decode_g2(
    part: &'static str,
    bytes: &[u8],
    coordinate: Coordinate,
) -> Result<Vec<G2Affine>, ImportError> {
    let decoded = bytes.chunks(G2_BYTES).map(|point| g2(point, coordinate)).enumerate();
    decoded.map(|(index, point)| point.map_err(|source| ImportError::Point { part, index, source })).collect()
}

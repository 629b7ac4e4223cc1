//! A setup on disk, so that its Lagrange basis is computed once.
//!
//! ```text
//! offset  size      field
//! 0       16        "assay setup 1\r\n" and a zero byte
//! 16      4         k, little-endian
//! 20      64        [tau]_2, compressed
//! 84      64 2^k    powers: x and y, 32 bytes each, canonical, little-endian
//! ..      64 2^k    Lagrange basis, the same
//! end-32  32        BLAKE3 derive_key over everything before: damage, not forgery, is what it finds
//! ```
//!
//! A name is the content's: [`file_name`] is made of the setup's identifier, which is a hash of `[tau]_2`, and of k, and
//! together they determine every byte. Points are decoded as strictly as a stranger's, but that they are the powers of
//! `tau` is not checked again: who can write here can change the program as well.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "sizes follow from k, which is checked against `K_RANGE` first"
)]

use std::io::Read;

use halo2_proofs::arithmetic::parallelize;
use halo2_proofs::halo2curves::bn256::G1Affine;
use halo2_proofs::poly::commitment::ParamsProver;

use super::Setup;
use super::generate::K_RANGE;
use crate::points::{PointError, decode_affine, decode_g2, encode_affine};

const MAGIC: [u8; 16] = *b"assay setup 1\r\n\0";
const CHECKSUM_CONTEXT: &str = "assay 2026 saved-setup-checksum v1";
const HEADER_BYTES: usize = 84;
const CHECKSUM_BYTES: usize = 32;
const POINT_BYTES: usize = 64;

/// Why a saved setup was refused.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// The file could not be read.
    #[error("cannot read it: {0}")]
    Read(#[from] std::io::Error),
    /// Not a saved setup of this release's format.
    #[error("not a saved setup of format 1")]
    Magic,
    /// The size is out of range.
    #[error("k: expected {} to {}, got {got}", K_RANGE.start(), K_RANGE.end())]
    Size {
        /// k in the file.
        got: u32,
    },
    /// The file is shorter or longer than its k calls for.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// Bytes that k calls for.
        expected: usize,
        /// Bytes that came; one more if there are more.
        got: usize,
    },
    /// The checksum does not match.
    #[error("the checksum does not match; the file was damaged or changed")]
    Checksum,
    /// A point is refused.
    #[error("{part}: {source}")]
    Point {
        /// Part of the file.
        part: &'static str,
        /// Why.
        source: PointError,
    },
}

/// The name of a setup's file.
#[must_use]
pub fn file_name(setup_id: &[u8; 32], k: u32) -> String {
    format!("{}-{k}.setup", const_hex::encode(setup_id))
}

/// The file of a setup.
#[must_use]
pub fn to_bytes(setup: &Setup) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(setup.k().to_le_bytes());
    bytes.extend(setup.verifier().encode());
    for points in [setup.parameters().get_g(), setup.lagrange_basis()] {
        let encoded: Vec<[u8; POINT_BYTES]> = points.iter().map(encode_affine).collect();
        bytes.extend_from_slice(encoded.as_flattened());
    }
    let checksum = blake3::derive_key(CHECKSUM_CONTEXT, &bytes);
    bytes.extend(checksum);
    bytes
}

/// Reads the file of a setup; nothing is allocated for more than its `k` calls for.
pub fn read(file: &mut dyn Read) -> Result<Setup, SavedError> {
    let mut bytes = Vec::new();
    file.take(HEADER_BYTES as u64).read_to_end(&mut bytes)?;
    let rest = bytes.strip_prefix(&MAGIC).ok_or(SavedError::Magic)?;
    let Some((k, tau_g2)) = rest.split_first_chunk::<4>() else { return Err(SavedError::Magic) };
    let k = u32::from_le_bytes(*k);
    if !K_RANGE.contains(&k) {
        return Err(SavedError::Size { got: k });
    }
    let tau_g2: [u8; 64] = tau_g2.try_into().map_err(|_| SavedError::Magic)?;
    let expected = HEADER_BYTES + ((2 * POINT_BYTES) << k) + CHECKSUM_BYTES;
    file.take((expected - HEADER_BYTES + 1) as u64).read_to_end(&mut bytes)?;
    if bytes.len() != expected {
        return Err(SavedError::Length { expected, got: bytes.len() });
    }
    let (content, checksum) = bytes.split_at(expected - CHECKSUM_BYTES);
    if blake3::derive_key(CHECKSUM_CONTEXT, content) != checksum {
        return Err(SavedError::Checksum);
    }
    let tau_g2 = decode_g2(&tau_g2).map_err(|source| SavedError::Point { part: "[tau]G2", source })?;
    let (powers, basis) = content[HEADER_BYTES..].split_at(POINT_BYTES << k);
    let setup = Setup::new(k, decode("powers", powers)?, decode("Lagrange basis", basis)?, tau_g2);
    setup.ok_or(SavedError::Size { got: k })
}

fn decode(part: &'static str, bytes: &[u8]) -> Result<Vec<G1Affine>, SavedError> {
    let point = |bytes: &[u8]| {
        let bytes = bytes.try_into().map_err(|_| PointError::Encoding)?;
        decode_affine(bytes)?.ok_or(PointError::Identity)
    };
    let mut points = vec![Err(PointError::Encoding); bytes.len() / POINT_BYTES];
    // On halo2's threads, where it has any.
    parallelize(&mut points, |points, start| {
        for (place, bytes) in points.iter_mut().zip(bytes[start * POINT_BYTES..].chunks(POINT_BYTES)) {
            *place = point(bytes);
        }
    });
    points.into_iter().collect::<Result<_, _>>().map_err(|source| SavedError::Point { part, source })
}

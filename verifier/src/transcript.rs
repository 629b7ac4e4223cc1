//! The Fiat-Shamir transcript: Keccak-256 over tagged messages, and the strict reader that a verifier uses.
//!
//! A message is one tag byte and its payload: a challenge request (0), a point as canonical affine x and y (1), a scalar
//! (2), the digest of the verifying key (3). A challenge is two Keccak-256 outputs over the state, 512 bits reduced
//! modulo the field's order. The key digest is the first message, before halo2's own: without it a prover may choose the
//! committed rows after seeing the challenge that combines them, and prove anything.

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::FromUniformBytes;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use halo2_proofs::transcript::EncodedChallenge;
use sha3::{Digest, Keccak256};

use crate::points::{PointError, decode_all, decode_compressed, decode_scalar, encode_affine, encode_scalar};

/// Identifier of this transcript in proof files.
pub const HASH_ID: u16 = 1;

const TAG_CHALLENGE: u8 = 0;
const TAG_POINT: u8 = 1;
const TAG_SCALAR: u8 = 2;
const TAG_KEY: u8 = 3;
const CHALLENGE_LOW: u8 = 10;
const CHALLENGE_HIGH: u8 = 11;

/// A challenge as the field element it stands for.
#[derive(Clone, Debug)]
pub struct FieldChallenge(Fr);

impl EncodedChallenge<G1Affine> for FieldChallenge {
    type Input = [u8; 64];

    fn new(wide: &[u8; 64]) -> Self {
        Self(Fr::from_uniform_bytes(wide))
    }

    fn get_scalar(&self) -> Fr {
        self.0
    }
}

/// The hash state, the same for both sides.
#[derive(Clone, Debug)]
// spec: verifier#transcript
pub struct Sponge(Keccak256);

impl Sponge {
    /// A transcript whose first message is the digest of the verifying key.
    #[must_use]
    pub fn new(key_digest: &[u8; 32]) -> Self {
        let mut state = Keccak256::new();
        state.update([TAG_KEY]);
        state.update(key_digest);
        Self(state)
    }

    /// Absorbs a point; the identity has no coordinates and is refused.
    pub fn absorb_point(&mut self, point: &G1Affine) -> Result<(), PointError> {
        if bool::from(point.is_identity()) {
            return Err(PointError::Identity);
        }
        self.0.update([TAG_POINT]);
        self.0.update(encode_affine(point));
        Ok(())
    }

    /// Absorbs a scalar.
    pub fn absorb_scalar(&mut self, scalar: &Fr) {
        self.0.update([TAG_SCALAR]);
        self.0.update(encode_scalar(scalar));
    }

    /// Squeezes a challenge; later challenges depend on this request.
    #[must_use]
    pub fn squeeze(&mut self) -> FieldChallenge {
        self.0.update([TAG_CHALLENGE]);
        let half = |tag: u8| self.0.clone().chain_update([tag]).finalize();
        let mut wide = [0; 64];
        let (low, high) = wide.split_at_mut(32);
        low.copy_from_slice(&half(CHALLENGE_LOW));
        high.copy_from_slice(&half(CHALLENGE_HIGH));
        FieldChallenge::new(&wide)
    }
}

/// What stopped a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The proof ends inside an element.
    #[error("the proof ends at byte {at}, inside an element")]
    Truncated {
        /// Offset of the element.
        at: usize,
    },
    /// A point or scalar is not canonical.
    #[error("proof element at byte {at}: {error}")]
    Element {
        /// Offset of the element.
        at: usize,
        /// What is wrong with it.
        error: PointError,
    },
}

/// The verifier's side: reads a proof strictly, and hashes what it reads.
#[derive(Debug)]
pub struct ProofReader<'a> {
    sponge: Sponge,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> ProofReader<'a> {
    /// A reader over the proof's bytes.
    #[must_use]
    pub fn new(key_digest: &[u8; 32], bytes: &'a [u8]) -> Self {
        Self { sponge: Sponge::new(key_digest), bytes, at: 0 }
    }

    /// Bytes not read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// Hashes a scalar that both sides know.
    pub fn absorb_scalar(&mut self, scalar: &Fr) {
        self.sponge.absorb_scalar(scalar);
    }

    /// The next challenge.
    pub fn squeeze(&mut self) -> Fr {
        self.sponge.squeeze().get_scalar()
    }

    /// Reads and hashes a point.
    pub fn read_point(&mut self) -> Result<G1Affine, ReadError> {
        let at = self.at;
        let point = self.element(decode_compressed)?;
        self.sponge.absorb_point(&point).map_err(|error| ReadError::Element { at, error })?;
        Ok(point)
    }

    /// Reads and hashes so many points, to the same end as one after the other.
    pub fn read_points(&mut self, count: usize) -> Result<Vec<G1Affine>, ReadError> {
        let (encodings, _) = self.bytes.as_chunks::<32>();
        let encodings = encodings.get(..count).unwrap_or(encodings);
        let start = self.at;
        let offset = |place: usize| start.saturating_add(place.saturating_mul(32));
        let points = decode_all(encodings).map_err(|(place, error)| ReadError::Element { at: offset(place), error })?;
        self.at = offset(points.len());
        self.bytes = self.bytes.get(encodings.as_flattened().len()..).unwrap_or_default();
        if points.len() < count {
            return Err(ReadError::Truncated { at: self.at });
        }
        for (place, point) in points.iter().enumerate() {
            self.sponge.absorb_point(point).map_err(|error| ReadError::Element { at: offset(place), error })?;
        }
        Ok(points)
    }

    /// Reads and hashes a scalar.
    pub fn read_scalar(&mut self) -> Result<Fr, ReadError> {
        let scalar = self.element(decode_scalar)?;
        self.sponge.absorb_scalar(&scalar);
        Ok(scalar)
    }

    fn element<T>(&mut self, decode: impl Fn(&[u8; 32]) -> Result<T, PointError>) -> Result<T, ReadError> {
        let at = self.at;
        let (element, rest) = self.bytes.split_first_chunk::<32>().ok_or(ReadError::Truncated { at })?;
        self.bytes = rest;
        self.at = at.saturating_add(32);
        decode(element).map_err(|error| ReadError::Element { at, error })
    }
}

#[cfg(test)]
mod tests {
    use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;

    use super::*;
    use crate::points::encode_compressed;

    fn one_by_one(reader: &mut ProofReader<'_>, count: usize) -> Result<Vec<G1Affine>, ReadError> {
        (0..count).map(|_| reader.read_point()).collect()
    }

    /// The same points, challenges and errors, whatever is wrong and wherever.
    #[test]
    fn many_points_are_read_as_one_after_the_other() {
        let points = (1..12).map(|multiple| G1Affine::from(G1Affine::generator() * Fr::from(multiple)));
        let bytes: Vec<u8> = points.flat_map(|point| encode_compressed(&point)).collect();
        let mut cases = vec![bytes.clone()];
        cases.extend((0..bytes.len()).step_by(13).map(|length| bytes[..length].to_vec()));
        for place in 0..11 {
            let mut wrong = bytes.clone();
            // Beyond the modulus.
            wrong[32 * place..][..32].fill(0x3f);
            cases.push(wrong.clone());
            wrong.truncate(32 * 9 + 5);
            cases.push(wrong.clone());
            wrong[32 * (place / 2)..][..32].copy_from_slice(&encode_compressed(&G1Affine::identity()));
            cases.push(wrong);
        }
        for bytes in cases {
            for count in [0, 1, 4, 11, 12] {
                let [mut together, mut alone] = [(); 2].map(|()| ProofReader::new(&[7; 32], &bytes));
                let found = together.read_points(count);
                assert_eq!(found, one_by_one(&mut alone, count), "{count} of {}", bytes.len());
                if found.is_ok() {
                    assert_eq!(together.remaining(), alone.remaining());
                    assert_eq!(together.squeeze(), alone.squeeze());
                }
            }
        }
    }
}

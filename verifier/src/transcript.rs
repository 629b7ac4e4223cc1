//! The Fiat-Shamir transcript: Keccak-256 over tagged messages, and the strict reader that a verifier uses.
//!
//! A message is one tag byte and its payload: a challenge request (0), a point as canonical affine x and y (1), a scalar
//! (2), the digest of the verifying key (3). A challenge is two Keccak-256 outputs over the state, 512 bits reduced
//! modulo the field's order. The key digest is the first message, before halo2's own: without it a prover may choose the
//! committed rows after seeing the challenge that combines them, and prove anything.

use std::io;

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::FromUniformBytes;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use halo2_proofs::transcript::{EncodedChallenge, Transcript, TranscriptRead};
use sha3::{Digest, Keccak256};

use crate::points::{PointError, decode_compressed, decode_scalar, encode_affine, encode_scalar};
use crate::weights::{LinkError, WeightLink};

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
    /// The weight column is not the combination of the key's rows.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// The verifier's side: reads a proof strictly, and checks the weight link as soon as the column's commitment is read.
#[derive(Debug)]
pub struct ProofReader<'a> {
    sponge: Sponge,
    bytes: &'a [u8],
    at: usize,
    link: WeightLink<'a>,
    failure: Option<ReadError>,
}

impl<'a> ProofReader<'a> {
    /// A reader over the proof's bytes.
    #[must_use]
    pub fn new(key_digest: &[u8; 32], bytes: &'a [u8], link: WeightLink<'a>) -> Self {
        Self { sponge: Sponge::new(key_digest), bytes, at: 0, link, failure: None }
    }

    /// Bytes not read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// What stopped the last read, if one was stopped.
    #[must_use]
    pub fn failure(&self) -> Option<ReadError> {
        self.failure
    }

    /// The weight link, to ask whether every weight column was checked.
    #[must_use]
    pub fn link(&self) -> &WeightLink<'a> {
        &self.link
    }

    fn take(&mut self) -> Result<[u8; 32], ReadError> {
        let (element, rest) = self.bytes.split_first_chunk::<32>().ok_or(ReadError::Truncated { at: self.at })?;
        self.bytes = rest;
        self.at = self.at.saturating_add(32);
        Ok(*element)
    }

    fn element<T>(&mut self, decode: impl Fn(&[u8; 32]) -> Result<T, PointError>) -> Result<T, ReadError> {
        let at = self.at;
        decode(&self.take()?).map_err(|error| ReadError::Element { at, error })
    }

    fn stopped(&mut self, error: ReadError) -> io::Error {
        self.failure = Some(error);
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

impl Transcript<G1Affine, FieldChallenge> for ProofReader<'_> {
    fn squeeze_challenge(&mut self) -> FieldChallenge {
        let challenge = self.sponge.squeeze();
        self.link.observe_challenge(challenge.get_scalar());
        challenge
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        let at = self.at;
        self.sponge.absorb_point(&point).map_err(|error| self.stopped(ReadError::Element { at, error }))
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.sponge.absorb_scalar(&scalar);
        Ok(())
    }
}

impl TranscriptRead<G1Affine, FieldChallenge> for ProofReader<'_> {
    fn read_point(&mut self) -> io::Result<G1Affine> {
        let point = self.element(decode_compressed).map_err(|error| self.stopped(error))?;
        self.common_point(point)?;
        let Self { sponge, link, .. } = self;
        let checked = link.observe_point(&point, || sponge.clone().squeeze().get_scalar());
        checked.map_err(|error| self.stopped(error.into()))?;
        Ok(point)
    }

    fn read_scalar(&mut self) -> io::Result<Fr> {
        let scalar = self.element(decode_scalar).map_err(|error| self.stopped(error))?;
        self.common_scalar(scalar)?;
        Ok(scalar)
    }
}

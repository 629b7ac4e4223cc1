//! The prover's side of the transcript.

use std::io;

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::transcript::{Transcript, TranscriptWrite};
use verifier::points::{encode_compressed, encode_scalar};
use verifier::transcript::{FieldChallenge, Sponge};

/// Writes a proof and absorbs what it writes.
#[derive(Debug)]
pub struct ProofWriter {
    sponge: Sponge,
    bytes: Vec<u8>,
}

impl ProofWriter {
    /// A writer whose transcript starts with the digest of the verifying key.
    #[must_use]
    pub fn new(key_digest: &[u8; 32]) -> Self {
        Self { sponge: Sponge::new(key_digest), bytes: Vec::new() }
    }

    /// The proof.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Transcript<G1Affine, FieldChallenge> for ProofWriter {
    fn squeeze_challenge(&mut self) -> FieldChallenge {
        self.sponge.squeeze()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.sponge.absorb_point(&point).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.sponge.absorb_scalar(&scalar);
        Ok(())
    }
}

impl TranscriptWrite<G1Affine, FieldChallenge> for ProofWriter {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.common_point(point)?;
        self.bytes.extend(encode_compressed(&point));
        Ok(())
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.common_scalar(scalar)?;
        self.bytes.extend(encode_scalar(&scalar));
        Ok(())
    }
}

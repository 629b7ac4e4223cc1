//! Keccak-256 over tagged messages, and the elements of a proof in their order.

use ark_bn254::{Fr, G1Affine};
use sha3::{Digest, Keccak256};

use crate::Refusal;
use crate::points::{compressed, field, little_endian, wide};

const CHALLENGE: u8 = 0;
const POINT: u8 = 1;
const SCALAR: u8 = 2;
const KEY: u8 = 3;
const LOW: u8 = 10;
const HIGH: u8 = 11;

/// A proof that is read, and the hash of everything so far.
// spec: verifier#transcript
pub(crate) struct Transcript<'a> {
    state: Keccak256,
    elements: &'a [u8],
    at: usize,
}

impl<'a> Transcript<'a> {
    pub(crate) fn new(key_digest: &[u8; 32], elements: &'a [u8]) -> Self {
        Self { state: Keccak256::new().chain_update([KEY]).chain_update(key_digest), elements, at: 0 }
    }

    /// A scalar that both sides know.
    pub(crate) fn known(&mut self, scalar: &Fr) {
        self.state.update([SCALAR]);
        self.state.update(little_endian(scalar));
    }

    pub(crate) fn challenge(&mut self) -> Fr {
        self.state.update([CHALLENGE]);
        let mut bytes = [0; 64];
        for (half, tag) in bytes.chunks_exact_mut(32).zip([LOW, HIGH]) {
            half.copy_from_slice(&self.state.clone().chain_update([tag]).finalize());
        }
        wide(&bytes)
    }

    pub(crate) fn point(&mut self) -> Result<G1Affine, Refusal> {
        let point = self.element(compressed)?;
        self.state.update([POINT]);
        self.state.update(little_endian(&point.x));
        self.state.update(little_endian(&point.y));
        Ok(point)
    }

    pub(crate) fn points(&mut self, count: usize) -> Result<Vec<G1Affine>, Refusal> {
        (0..count).map(|_| self.point()).collect()
    }

    pub(crate) fn scalar(&mut self) -> Result<Fr, Refusal> {
        let scalar = self.element(field)?;
        self.known(&scalar);
        Ok(scalar)
    }

    pub(crate) fn scalars(&mut self, count: usize) -> Result<Vec<Fr>, Refusal> {
        (0..count).map(|_| self.scalar()).collect()
    }

    pub(crate) fn end(&self) -> Result<(), Refusal> {
        if self.elements.len() == self.at { Ok(()) } else { Err(Refusal::Trailing) }
    }

    fn element<T>(&mut self, decode: impl Fn(&[u8; 32]) -> Option<T>) -> Result<T, Refusal> {
        let at = self.at;
        let bytes = self.elements.get(at..).and_then(<[u8]>::first_chunk).ok_or(Refusal::Element { at })?;
        self.at += bytes.len();
        decode(bytes).ok_or(Refusal::Element { at })
    }
}

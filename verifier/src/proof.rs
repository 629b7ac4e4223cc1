//! Proofs: the file, and the decision.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use circuits::statement::{Statement, StatementError};
use halo2_proofs::arithmetic::parallelize;
use serde::{Deserialize, Serialize};

use crate::argument::{Claim, all_hold};
use crate::container::{Container, ContainerError, Kind};
use crate::key::{PROOF_SYSTEM, VerifyingKey};
use crate::transcript::{HASH_ID, ProofReader, ReadError};

/// Largest proof body, bytes.
pub const PROOF_BYTES_MAX: usize = 64 << 10;

/// Proofs that are decided by one sum: more gain little and only take memory.
const BATCH_MAX: usize = 256;

/// A proof as it stands in a file: what it claims to be about, and the bytes that may show it.
///
/// Nothing here is believed: the digests route the proof to a key and a statement, and [`verify`] compares them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Identifier of the proof system.
    pub system: String,
    /// Identifier of the transcript's hash.
    pub hash: u16,
    /// Identifier of the setup.
    #[serde(with = "attestation::hex")]
    pub setup_id: [u8; 32],
    /// Digest of the verifying key.
    #[serde(with = "attestation::hex")]
    pub key_digest: [u8; 32],
    /// Digest of the statement.
    #[serde(with = "attestation::hex")]
    pub statement_digest: [u8; 32],
    /// Points and scalars, 32 bytes each.
    #[serde(with = "const_hex::serde")]
    pub bytes: Vec<u8>,
}

/// A statement that a proof was verified for; made by [`verify`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    key_digest: [u8; 32],
    model_hash: [u8; 32],
    setup_id: [u8; 32],
    statement_digest: [u8; 32],
}

impl Verified {
    /// Digest of the key that verified it.
    #[must_use]
    pub fn key_digest(&self) -> [u8; 32] {
        self.key_digest
    }

    /// The model that the statement is about.
    #[must_use]
    pub fn model_hash(&self) -> [u8; 32] {
        self.model_hash
    }

    /// The setup that soundness rests on.
    #[must_use]
    pub fn setup_id(&self) -> [u8; 32] {
        self.setup_id
    }

    /// Digest of the statement.
    #[must_use]
    pub fn statement_digest(&self) -> [u8; 32] {
        self.statement_digest
    }
}

/// Why a proof was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The file is not a proof.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The proof is larger than any proof of this system.
    #[error("proof: expected at most {PROOF_BYTES_MAX} bytes, got {got}")]
    TooLarge {
        /// Bytes that came.
        got: usize,
    },
    /// Another proof system; this release cannot decide.
    #[error("proof system: this release knows {PROOF_SYSTEM:?}, got {got:?}")]
    System {
        /// System that came.
        got: String,
    },
    /// Another transcript hash; this release cannot decide.
    #[error("transcript hash: this release knows {HASH_ID}, got {got}")]
    Hash {
        /// Identifier that came.
        got: u16,
    },
    /// The proof says it is for another setup.
    #[error("proof setup: expected {expected}, got {got}", expected = short(expected), got = short(got))]
    Setup {
        /// Setup of the key.
        expected: [u8; 32],
        /// Setup that came.
        got: [u8; 32],
    },
    /// The proof says it is for another key.
    #[error("proof key: expected {expected}, got {got}", expected = short(expected), got = short(got))]
    Key {
        /// Digest of the key.
        expected: [u8; 32],
        /// Digest that came.
        got: [u8; 32],
    },
    /// The proof says it is about another statement.
    #[error("proof statement: expected {expected}, got {got}", expected = short(expected), got = short(got))]
    StatementDigest {
        /// Digest of the statement.
        expected: [u8; 32],
        /// Digest that came.
        got: [u8; 32],
    },
    /// The statement cannot be about this model.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A proof element is missing or malformed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Bytes are left after the last element.
    #[error("proof: {got} bytes are left after its last element")]
    Trailing {
        /// Bytes left.
        got: usize,
    },
    /// A weight column is not the combination of the committed rows: other weights than the key's were used, or the proof is
    /// for another statement, whose challenge differs.
    #[error(
        "the weight column is not the combination of the key's rows: the proof was made with other weights, or for another statement"
    )]
    Weights,
    /// The constraints do not hold, or the commitments do not open to the claimed values: the statement is false, or the
    /// proof is about another one.
    #[error("the constraints do not hold: the proof does not show this statement")]
    Constraints,
    /// Nothing could be decided.
    #[error("the proof could not be checked: {detail}")]
    Unchecked {
        /// What happened.
        detail: String,
    },
}

impl ProofError {
    /// Whether this release cannot tell (unknown system, hash or format version) rather than refuses.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        matches!(self, Self::System { .. } | Self::Hash { .. } | Self::Container(ContainerError::Version { .. }))
    }
}

impl Proof {
    /// Reads a `.proof` file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        Ok(Container::decode(Kind::Proof, bytes)?)
    }

    /// The `.proof` file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Container::encode(Kind::Proof, self)
    }
}

/// Decides whether `proof` shows `statement` under `key`.
pub fn verify(key: &VerifyingKey, statement: &Statement, proof: &Proof) -> Result<Verified, ProofError> {
    // On one of halo2's threads, where it has any: the sum of points then wakes no other thread to wait for it.
    let mut slot = [None];
    parallelize(&mut slot, |slot, _| slot.fill(Some(decide(&Shown { key, statement, proof }))));
    let [decision] = slot;
    decision.unwrap_or_else(|| decide(&Shown { key, statement, proof }))
}

/// One proof of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Key to verify under.
    pub key: &'a VerifyingKey,
    /// What the proof is to show.
    pub statement: &'a Statement,
    /// The proof.
    pub proof: &'a Proof,
}

/// Decides many proofs, each as [`verify`] does; those under one setup cost one sum of points and one pairing together if
/// all of them hold. If one does not, each is decided by itself.
///
/// The weights of the sum come from a hash of all proofs of the batch, so the answer depends on nothing else.
#[must_use]
pub fn verify_batch(batch: &[Shown<'_>]) -> Vec<Result<Verified, ProofError>> {
    batch.chunks(BATCH_MAX).flat_map(decide_batch).collect()
}

fn decide_batch(batch: &[Shown<'_>]) -> Vec<Result<Verified, ProofError>> {
    let mut read: Vec<Option<Result<_, ProofError>>> = batch.iter().map(|_| None).collect();
    parallelize(&mut read, |slots, start| {
        for (slot, shown) in slots.iter_mut().zip(batch.iter().skip(start)) {
            *slot = Some(claim(shown));
        }
    });
    let read: Vec<_> = read.into_iter().zip(batch).map(|(read, shown)| read.unwrap_or_else(|| claim(shown))).collect();
    let mut by_setup: BTreeMap<[u8; 32], Vec<&Claim<'_>>> = BTreeMap::new();
    for (claim, _) in read.iter().flatten() {
        by_setup.entry(claim.setup_id()).or_default().push(claim);
    }
    let held: BTreeMap<[u8; 32], bool> =
        by_setup.into_iter().map(|(setup, claims)| (setup, claims.len() > 1 && all_hold(&claims))).collect();
    let decided = read.into_iter().map(|read| {
        let (claim, verified) = read?;
        if held.get(&claim.setup_id()) != Some(&true) {
            claim.decide()?;
        }
        Ok(verified)
    });
    decided.collect()
}

fn decide(shown: &Shown<'_>) -> Result<Verified, ProofError> {
    let (claim, verified) = claim(shown)?;
    claim.decide()?;
    Ok(verified)
}

/// Reads a proof: what it claims, and what is verified if the claim holds.
fn claim<'a>(Shown { key, statement, proof }: &Shown<'a>) -> Result<(Claim<'a>, Verified), ProofError> {
    let statement_digest = check_labels(key, statement, proof)?;
    let instance = statement.instance(key.graph())?;
    let mut reader = ProofReader::new(&key.digest(), &proof.bytes);
    let claim = Claim::read(key, &instance, &mut reader)?;
    if reader.remaining() > 0 {
        return Err(ProofError::Trailing { got: reader.remaining() });
    }
    let (key_digest, model_hash, setup_id) = (key.digest(), key.model_hash(), key.setup_id());
    Ok((claim, Verified { key_digest, model_hash, setup_id, statement_digest }))
}

/// Whether a proof says that it is about this statement under this key, of this system and transcript: the first thing that
/// [`verify`] asks, and nothing about its elements. The answer is the statement's digest.
// spec: verifier#proof
pub fn check_labels(key: &VerifyingKey, statement: &Statement, proof: &Proof) -> Result<[u8; 32], ProofError> {
    if proof.bytes.len() > PROOF_BYTES_MAX {
        return Err(ProofError::TooLarge { got: proof.bytes.len() });
    }
    if proof.system != PROOF_SYSTEM {
        return Err(ProofError::System { got: proof.system.chars().take(64).collect() });
    }
    if proof.hash != HASH_ID {
        return Err(ProofError::Hash { got: proof.hash });
    }
    if proof.setup_id != key.setup_id() {
        return Err(ProofError::Setup { expected: key.setup_id(), got: proof.setup_id });
    }
    if proof.key_digest != key.digest() {
        return Err(ProofError::Key { expected: key.digest(), got: proof.key_digest });
    }
    let digest = statement.digest();
    if proof.statement_digest != digest {
        return Err(ProofError::StatementDigest { expected: digest, got: proof.statement_digest });
    }
    Ok(digest)
}

fn short(digest: &[u8; 32]) -> String {
    const_hex::encode_prefixed(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
}

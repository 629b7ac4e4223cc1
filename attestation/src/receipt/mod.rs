//! The receipt: what a worker signs after the run.
//!
//! A context is fixed before the work, so it cannot hold the output; the receipt adds output, units, the worker's claims
//! about the run and the digest of its evidence, and is signed with ML-DSA-65 over its canonical (borsh) bytes. Its
//! digest is over the *receipt*, never over the signature, so that nothing keyed by it changes with a signature's bytes.
//!
//! A verified receipt proves that the worker named in the context stated this output for it. It does **not** prove that
//! the output is right: proofs, checks and evidence do, or do not, add that.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    codec::{self, DecodeError},
    context::WorkContext,
    hash::{derive, purpose},
    identity::{IdentityError, ml_dsa},
};

mod metadata;
mod session;
mod views;

pub use metadata::{
    DeviceKind, HARDWARE_BYTES_MAX, HardwareTier, Metadata, UTILISATION_SAMPLES_MAX, UtilisationError,
    UtilisationProfile,
};
pub use session::Session;
pub use views::{AIWorkProof, ComputeResult};

/// Most bytes of an encoded [`SignedReceipt`].
pub const SIGNED_RECEIPT_BYTES_MAX: usize = 8192;

/// Why a receipt is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// The bytes are not a receipt.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The key that came with the receipt is not the payee's.
    #[error("receipt: the context pays worker {}, the key given is worker {}", crate::hex::encode(.expected), crate::hex::encode(.got))]
    PayeeMismatch {
        /// Worker named by the context.
        expected: [u8; 32],
        /// Id of the key given.
        got: [u8; 32],
    },
    /// The worker did not sign these bytes.
    #[error("receipt signature: {0}")]
    Signature(IdentityError),
    /// The session key did not sign this output for this context.
    #[error("session signature: {0}")]
    SessionSignature(IdentityError),
    /// Completed before it was leased.
    #[error("receipt: completed_at {completed_at} is before the context's timestamp {timestamp} (milliseconds)")]
    CompletedBeforeLease {
        /// Time of the lease's block.
        timestamp: u64,
        /// Time of completion that the worker states.
        completed_at: u64,
    },
    /// The receipt has no session, or one of another key than the quote in the evidence vouches for.
    #[error("receipt: the quote in the evidence vouches for session key {}, the receipt's session is {}", crate::hex::encode(.expected), .got.map_or_else(|| "missing".to_owned(), |key| crate::hex::encode(&key)))]
    SessionKeyMismatch {
        /// Key that the quote commits to.
        expected: [u8; 32],
        /// Key of the receipt's session.
        got: Option<[u8; 32]>,
    },
    /// The evidence beside the receipt is not the one the worker signed for.
    #[error("receipt: signed for evidence {}, given evidence {}", crate::hex::encode(.expected), crate::hex::encode(.got))]
    EvidenceMismatch {
        /// Digest in the receipt.
        expected: [u8; 32],
        /// Digest of the evidence given.
        got: [u8; 32],
    },
}

/// What a worker states about one piece of work.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkReceipt {
    /// What the work was bound to before it ran.
    pub context: WorkContext,
    /// Hash of the integer output tensor.
    #[serde(with = "crate::hex")]
    pub output_hash: [u8; 32],
    /// Units of compute by the model's own formula.
    pub compute_units: u64,
    /// The worker's claims about the run.
    pub metadata: Metadata,
    /// End of the run, milliseconds since the epoch.
    pub completed_at: u64,
    /// [`Evidence::digest`](crate::evidence::Evidence::digest) of the evidence that goes with the receipt.
    #[serde(with = "crate::hex")]
    pub evidence_digest: [u8; 32],
    /// Binding by a measured launch, if there was one.
    pub session: Option<Session>,
}

impl WorkReceipt {
    /// The canonical bytes, which the worker signs.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Digest of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        derive(purpose::WORK_RECEIPT, &[&self.to_bytes()])
    }
}

/// A receipt, its worker's public key and signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedReceipt {
    /// What was signed.
    pub receipt: WorkReceipt,
    /// Key of the worker that the context names.
    pub worker_key: ml_dsa::PublicKey,
    /// Over [`WorkReceipt::to_bytes`].
    pub signature: ml_dsa::Signature,
}

impl SignedReceipt {
    /// Signs a receipt, refusing what [`SignedReceipt::verify`] would refuse.
    ///
    /// # Errors
    /// [`ReceiptError`], for instance when the key is not the payee's.
    pub fn sign(receipt: WorkReceipt, key: &ml_dsa::SigningKey) -> Result<Self, ReceiptError> {
        check_payee(&receipt, key.public_key())?;
        receipt.check_statement()?;
        let signature = key.sign(purpose::RECEIPT_SIGNATURE, &receipt.to_bytes()).map_err(ReceiptError::Signature)?;
        Ok(Self { receipt, worker_key: key.public_key().clone(), signature })
    }

    /// Checks payee, signature, session and the order of times, in this order.
    ///
    /// # Errors
    /// [`ReceiptError::PayeeMismatch`], [`ReceiptError::Signature`], [`ReceiptError::SessionSignature`],
    /// [`ReceiptError::CompletedBeforeLease`].
    pub fn verify(&self) -> Result<(), ReceiptError> {
        check_payee(&self.receipt, &self.worker_key)?;
        self.worker_key
            .verify(purpose::RECEIPT_SIGNATURE, &self.receipt.to_bytes(), &self.signature)
            .map_err(ReceiptError::Signature)?;
        self.receipt.check_statement()
    }

    /// Digest of the receipt. The signature is no part of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.receipt.digest()
    }

    /// Canonical bytes of receipt, key and signature.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads canonical bytes. Nothing is verified yet.
    ///
    /// # Errors
    /// [`ReceiptError::Decode`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptError> {
        Ok(codec::decode("signed receipt", bytes, SIGNED_RECEIPT_BYTES_MAX)?)
    }
}

impl WorkReceipt {
    fn check_statement(&self) -> Result<(), ReceiptError> {
        if let Some(session) = &self.session {
            session.verify(&self.context.digest(), &self.output_hash).map_err(ReceiptError::SessionSignature)?;
        }
        let (timestamp, completed_at) = (self.context.timestamp, self.completed_at);
        if completed_at < timestamp {
            return Err(ReceiptError::CompletedBeforeLease { timestamp, completed_at });
        }
        Ok(())
    }
}

fn check_payee(receipt: &WorkReceipt, key: &ml_dsa::PublicKey) -> Result<(), ReceiptError> {
    let (expected, got) = (receipt.context.worker, key.id());
    if expected == got { Ok(()) } else { Err(ReceiptError::PayeeMismatch { expected, got }) }
}

//! The receipt container: everything that one piece of work left behind, in one file.
//!
//! The signed part (`attestation::receipt`) holds hashes; the container carries what they are hashes of, so that the
//! receipt can be checked without the chain or the worker. Fields that nothing signs are in a type of their own, whose
//! name says so; no verdict depends on them.

use attestation::evidence::Evidence;
use attestation::receipt::SignedReceipt;
use borsh::{BorshDeserialize, BorshSerialize};
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use serde::{Deserialize, Serialize};

use crate::container::{Container, ContainerError, Kind};
use crate::proof::Proof;

/// Largest number of proofs in a receipt.
pub const PROOFS_MAX: usize = 64;
/// Largest number of labels in the unauthenticated part: as many as a model has at most, so that a receipt holds them all.
pub const LABELS_MAX: usize = circuits::model::bundle::LABELS_MAX;

/// A receipt file.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFile {
    /// What the worker signed.
    pub signed: SignedReceipt,
    /// The evidence that the receipt names by digest.
    pub evidence: Evidence,
    /// The input that the context names by hash.
    pub input: Tensor,
    /// The output that the receipt names by hash.
    pub output: Tensor,
    /// Proofs of the statement; none for a worker that proves only when challenged.
    pub proofs: Vec<Proof>,
    /// For people; nobody signed it.
    pub unauthenticated: UnauthenticatedNotes,
}

/// Notes that nothing authenticates: they help to read a receipt and decide nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnauthenticatedNotes {
    /// Name of the model.
    pub model_name: String,
    /// What each output means, in order.
    pub labels: Vec<String>,
    /// Program that wrote the file.
    pub written_by: String,
}

/// Why a receipt file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFileError {
    /// The file is not a receipt.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// More proofs than [`PROOFS_MAX`].
    #[error("receipt proofs: expected at most {PROOFS_MAX}, got {got}")]
    Proofs {
        /// Proofs that came.
        got: usize,
    },
    /// More labels than [`LABELS_MAX`].
    #[error("receipt labels: expected at most {LABELS_MAX}, got {got}")]
    Labels {
        /// Labels that came.
        got: usize,
    },
}

impl ReceiptFile {
    /// Reads a `.receipt` file. Nothing in it is verified yet.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptFileError> {
        let file: Self = Container::decode(Kind::Receipt, bytes)?;
        if file.proofs.len() > PROOFS_MAX {
            return Err(ReceiptFileError::Proofs { got: file.proofs.len() });
        }
        if file.unauthenticated.labels.len() > LABELS_MAX {
            return Err(ReceiptFileError::Labels { got: file.unauthenticated.labels.len() });
        }
        Ok(file)
    }

    /// The `.receipt` file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Container::encode(Kind::Receipt, self)
    }

    /// The statement that the receipt makes about its model.
    #[must_use]
    pub fn statement(&self) -> Statement {
        Statement {
            context_digest: self.signed.receipt.context.digest(),
            input: self.input.clone(),
            output: self.output.clone(),
        }
    }
}

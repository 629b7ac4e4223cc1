//! Why a file's content is refused.

use attestation::evidence::tdx::TdxError;
use attestation::policy::PolicyError;
use circuits::model::tensor::TensorError;
use verifier::cli::ContentError;

use super::Exit;
use crate::bench::record::RecordError;

/// Why a file's content is not what its reader needs, of the files that only this program reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    #[error("not a model input: expected a JSON array of integers, or {{\"shape\": [..], \"values\": [..]}} ({0})")]
    Input(serde_json::Error),
    #[error("prompt: expected exactly {expected} tokens, got {got}; give {expected}, or make the model for {got}")]
    Prompt { expected: usize, got: usize },
    #[error(transparent)]
    Tensor(#[from] TensorError),
    #[error(
        "not a reference: expected {{\"output_scale\": 0.01 or null, \"samples\": [{{\"input\": [..], \"output\": [..]}}]}} \
         ({0})"
    )]
    Reference(serde_json::Error),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("not a public key record ({0})")]
    PublicRecord(serde_json::Error),
    #[error(transparent)]
    Nvidia(attestation::evidence::nvidia::container::ContainerError),
    #[error("attestation report in digits: {0}")]
    ReportText(attestation::hex::HexError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Tdx(Box<TdxError>),
    #[error("not a {what} ({error})")]
    Json { what: &'static str, error: serde_json::Error },
    #[error("not UTF-8 text")]
    Text,
    #[error("nothing that this program knows: no .vk, .proof, .receipt, .assay or key file")]
    Unknown,
    #[error("the file is empty")]
    Empty,
}

impl ContentError for FormatError {
    fn is_other_version(&self) -> bool {
        matches!(self, Self::Record(RecordError::Version { .. }))
    }

    fn exit(&self) -> Exit {
        if matches!(self, Self::Policy(_)) { Exit::Configuration } else { Exit::Unreadable }
    }
}

//! Why a file's content is refused.

use attestation::codec::DecodeError;
use attestation::evidence::tdx::TdxError;
use attestation::policy::PolicyError;
use circuits::model::bundle::BundleError;
use circuits::model::graph::GraphError;
use circuits::model::tensor::TensorError;
use verifier::container::ContainerError;
use verifier::key::KeyError;
use verifier::proof::ProofError;
use verifier::receipt::ReceiptFileError;

use crate::bench::record::RecordError;

/// Why a file's content is not what its reader needs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    VerifyingKey(#[from] KeyError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error(transparent)]
    Receipt(#[from] ReceiptFileError),
    #[error(transparent)]
    Container(#[from] ContainerError),
    #[error("not a model input: expected a JSON array of integers, or {{\"shape\": [..], \"values\": [..]}} ({0})")]
    Input(serde_json::Error),
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
    Evidence(#[from] DecodeError),
    #[error(transparent)]
    Nvidia(attestation::evidence::nvidia::container::ContainerError),
    #[error("attestation report in digits: {0}")]
    ReportText(attestation::hex::HexError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Tdx(Box<TdxError>),
    #[error("not a work context ({0})")]
    WorkContext(serde_json::Error),
    #[error("not a {what} ({error})")]
    Json { what: &'static str, error: serde_json::Error },
    #[error("not UTF-8 text")]
    Text,
    #[error("nothing that this program knows: no .vk, .proof, .receipt, .assay or key file")]
    Unknown,
    #[error("the file is empty")]
    Empty,
}

impl FormatError {
    /// Whether the file is of another release's format, so that this one cannot tell.
    pub(super) fn is_other_version(&self) -> bool {
        let container = |error: &ContainerError| matches!(error, ContainerError::Version { .. });
        match self {
            Self::Bundle(error) => matches!(error, BundleError::Version { .. }),
            Self::VerifyingKey(KeyError::Container(error)) | Self::Container(error) => container(error),
            Self::VerifyingKey(KeyError::Graph(error)) => matches!(error, GraphError::Version { .. }),
            Self::Proof(error) => error.is_undecided(),
            Self::Record(error) => matches!(error, RecordError::Version { .. }),
            Self::Receipt(ReceiptFileError::Container(error)) => container(error),
            _ => false,
        }
    }

    /// What to do about it.
    pub(super) fn help(&self) -> Option<String> {
        if self.is_other_version() {
            return Some("`assay version` lists the formats that this release knows".to_owned());
        }
        match self {
            Self::Bundle(BundleError::NoMetadata) => {
                Some("a model is a .assay file; import it from its network first".to_owned())
            }
            Self::Receipt(ReceiptFileError::Container(ContainerError::Kind { .. }))
            | Self::VerifyingKey(KeyError::Container(ContainerError::Kind { .. })) => {
                Some("`assay inspect FILE` says what a file is".to_owned())
            }
            _ => None,
        }
    }
}

//! Why the story broke off.

use attestation::evidence::AttesterError;
use attestation::identity::IdentityError;
use attestation::receipt::ReceiptError;
use attestation::text::TextError;
use chain::rules::Reject;
use chain::state::{AuditError, LocalError, MachineError, StateError};
use chain::types::GenesisError;
use circuits::model::bundle::BundleError;
use circuits::model::tensor::TensorError;
use circuits::model::weights::WeightsError;
use prover::import::digits::DigitsError;
use prover::prove::ProveError;
use prover::proving_key::ProvingKeyError;
use prover::srs::generate::SetupError;
use worker::executor::ExecutorError;

/// A step that did not come out as stated.
#[derive(Debug, thiserror::Error)]
#[error("step {number}, {step}: {source}")]
pub(crate) struct DemoError {
    /// Number of the step, from 1.
    pub(super) number: usize,
    /// The step.
    pub(super) step: String,
    /// What came out.
    pub(super) source: Box<StepError>,
}

impl DemoError {
    /// Stable code.
    pub(crate) fn code(&self) -> &'static str {
        match *self.source {
            StepError::Accepted { .. } => "ASSAY-D001",
            StepError::OtherRefusal { .. } => "ASSAY-D002",
            StepError::Verdict { .. } => "ASSAY-D003",
            StepError::StateMoved => "ASSAY-D004",
            _ => "ASSAY-D005",
        }
    }

    /// Whether the machine, and not a claim, was at fault.
    pub(crate) fn is_resource(&self) -> bool {
        matches!(*self.source, StepError::Executor(ExecutorError::Device(_)))
    }
}

/// What can come out of a step.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error("expected refusal {expected}, got: accepted")]
    Accepted { expected: u16 },
    #[error("expected refusal {expected}, got {}: {got}", got.code())]
    OtherRefusal { expected: u16, got: Box<Reject> },
    #[error("expected the receipt to be accepted, got: {reason}")]
    Verdict { reason: String },
    #[error("the state root changed, although nothing was accepted")]
    StateMoved,
    #[error("the block brought no {what}")]
    NoEvent { what: &'static str },
    #[error("the executors disagree: candle on the device gives another output than the reference")]
    Disagreement,
    #[error("the amounts leave their range")]
    Overflow,
    #[error("the forged output is the true one; choose another --image")]
    SameOutput,
    #[error("encoding: {0}")]
    Encoding(std::io::Error),
    #[error("cannot read this program's own file: {0}")]
    Executable(std::io::Error),
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Digits(#[from] DigitsError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    ProvingKey(#[from] ProvingKeyError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    #[error(transparent)]
    Tensor(#[from] TensorError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error(transparent)]
    Attester(#[from] AttesterError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("{0}")]
    File(String),
}

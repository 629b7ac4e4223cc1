//! Why the story broke off.

use chain::api::Refusal;
use chain::client::ClientError;
use chain::node::{CheckError, ReplayError};
use chain::types::{GenesisError, ResultStage};
use circuits::model::bundle::BundleError;
use circuits::model::tensor::TensorError;
use prover::import::digits::DigitsError;
use prover::prove::ProveError;
use prover::srs::generate::SetupError;
use worker::WorkerError;
use worker::engine::EngineError;
use worker::executor::ExecutorError;
use worker::hardware::{HardwareError, SignError};
use worker::models::ModelError;

use crate::forgery::ForgeryError;

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
    #[error("expected refusal {expected}, got {got}")]
    OtherRefusal { expected: u16, got: Box<Refusal> },
    #[error("expected the receipt to be accepted, got: {reason}")]
    Verdict { reason: String },
    #[error("the state changed, although nothing was accepted")]
    StateMoved,
    #[error("expected a mint at trust 6000 bps, got {got} micro-tokens at {trust_bps} bps")]
    Reward { trust_bps: u32, got: u128 },
    #[error("expected a conviction without pay, got {stage:?}, {earned} micro-tokens earned, {minted} minted")]
    Unpunished { stage: ResultStage, earned: u128, minted: u128 },
    #[error("{what} did not come within {seconds} s")]
    Late { what: &'static str, seconds: u64 },
    #[error("the node cannot be started: {0}")]
    Node(std::io::Error),
    #[error("the node ended: {reason}")]
    NodeEnded { reason: String },
    #[error("the cast has no such member")]
    NoSuchMember,
    #[error("the block brought no {what}")]
    NoEvent { what: &'static str },
    #[error("the amounts leave their range")]
    Overflow,
    #[error("the forged output is the true one; choose another --image")]
    SameOutput,
    #[error("encoding: {0}")]
    Encoding(std::io::Error),
    #[error(
        "the books do not balance: balances of the accounts add up to {got} micro-tokens, the supply says {expected}"
    )]
    Books { expected: u128, got: u128 },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Digits(#[from] DigitsError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Forgery(#[from] ForgeryError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Tensor(#[from] TensorError),
    #[error("{0}")]
    File(String),
}

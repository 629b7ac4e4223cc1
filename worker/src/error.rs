//! Why a worker's step came to nothing.

use attestation::appraisal::AttestationError;
use attestation::codec::DecodeError;
use attestation::hex;
use attestation::identity::IdentityError;
use chain::client::ClientError;
use chain::types::{Address, Hash};
use circuits::model::tensor::TensorError;
use prover::prove::ProveError;
use tokio::task::JoinError;

use crate::engine::EngineError;
use crate::executor::ExecutorError;
use crate::hardware::SignError;
use crate::inputs::InputError;

/// Why a worker's step came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The node refused, or could not be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The chain does not know the worker.
    #[error("worker {}: not registered on this chain; register it first", hex::encode(.worker))]
    NotRegistered {
        /// The worker.
        worker: Hash,
    },
    /// The worker's key was registered by another account.
    #[error(
        "worker {}: registered for account {}, this is account {}; use that account's key, or make a new worker key",
        hex::encode(.worker), hex::encode(.expected.as_bytes()), hex::encode(.got.as_bytes())
    )]
    KeyBound {
        /// The worker.
        worker: Hash,
        /// Account it is registered for.
        expected: Address,
        /// Account that asked.
        got: Address,
    },
    /// The worker's device belongs to another worker.
    #[error("device {}: bound to worker {}; a device works for one worker", hex::encode(.device), hex::encode(.worker))]
    DeviceBound {
        /// The device.
        device: Hash,
        /// The worker that has it.
        worker: Hash,
    },
    /// The worker lost too many disputes.
    #[error("worker {}: banned after {convictions} convictions; it can neither lease nor check any more", hex::encode(.worker))]
    Banned {
        /// The worker.
        worker: Hash,
        /// Convictions.
        convictions: u64,
    },
    /// The worker can run none of the models it is registered for.
    #[error(
        "worker {}: none of its registered models is at hand; give the bundle of at least one, under the setup it was registered with",
        hex::encode(.worker)
    )]
    NoModels {
        /// The worker.
        worker: Hash,
    },
    /// A model that this worker has no bundle of.
    #[error("model {}: no bundle at hand; give it to the worker", hex::encode(.model))]
    ModelMissing {
        /// The model.
        model: Hash,
    },
    /// A job that names its input by hash, and the input is not at hand.
    #[error("job {}: {error}", hex::encode(.job))]
    Input {
        /// The job.
        job: Hash,
        /// Why not.
        error: InputError,
    },
    /// A result that did not bring the input of its job.
    #[error("job {}: its input is given by hash only and cannot be found on the chain", hex::encode(.job))]
    InputMissing {
        /// The job.
        job: Hash,
    },
    /// A lease that ended without a result.
    #[error("lease {}: over without a result", hex::encode(.lease))]
    LeaseOver {
        /// The lease.
        lease: Hash,
    },
    /// A commitment under this worker's name that its key and run do not open.
    #[error("result {}: the commitment in this worker's name does not open with its key and its own run", hex::encode(.result))]
    CommitmentLost {
        /// The result.
        result: Hash,
    },
    /// The model's own run no longer gives what was handed in.
    #[error("output: {} was handed in, the model's own run gives {}", hex::encode(.expected), hex::encode(.got))]
    OutputChanged {
        /// Hash that was handed in.
        expected: Hash,
        /// Hash that the run gives.
        got: Hash,
    },
    /// The chain lacks an object that it must have.
    #[error("the node knows no {what} {}; do not trust this node", hex::encode(.id))]
    ObjectMissing {
        /// Kind of object.
        what: &'static str,
        /// Its identifier.
        id: Hash,
    },
    /// A block in which a transaction did not do what it does.
    #[error("transaction {}: its block names no {what}; do not trust this node", hex::encode(.transaction))]
    EventMissing {
        /// What was expected.
        what: &'static str,
        /// The transaction.
        transaction: Hash,
    },
    /// The node is behind what it showed before: its chain was replaced.
    #[error("the node's chain ends at height {got}, and it had shown height {expected} before; its data was replaced")]
    WentBack {
        /// Height seen before.
        expected: u64,
        /// Height now.
        got: u64,
    },
    /// The model did not run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The run gave no tensor.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// No proof was made.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// Nothing was signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The vendors' documents that the worker was given are none.
    #[error(transparent)]
    Collateral(#[from] DecodeError),
    /// The chain's policy refuses the worker's evidence.
    #[error("evidence: {0}")]
    Evidence(#[from] AttestationError),
    /// The worker's key did not sign.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A synthetic task was not computed.
    #[error(transparent)]
    Task(#[from] ExecutorError),
    /// A computation was broken off.
    #[error("a computation was broken off: {0}")]
    Interrupted(#[from] JoinError),
}

impl WorkerError {
    /// Code of the rule that refused, if one did.
    #[must_use]
    pub fn refusal(&self) -> Option<u16> {
        match self {
            Self::Client(error) => error.refusal(),
            _ => None,
        }
    }

    /// Whether the same may succeed when the node is back.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let Self::Client(error) = self else { return false };
        match error {
            ClientError::Unreachable { .. }
            | ClientError::Node { .. }
            | ClientError::Answer { .. }
            | ClientError::NoBlock { .. }
            | ClientError::TimedOut { .. } => true,
            ClientError::Url { .. } | ClientError::Refused(_) | ClientError::Transaction(_) | ClientError::Gas => false,
        }
    }
}

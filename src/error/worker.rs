//! What can go wrong with a worker.

use ::chain::client::ClientError;
use ::worker::WorkerError;
use ::worker::engine::EngineError;

use super::{Exit, node};

/// The node's part of an error, which has codes of its own.
fn client(error: &WorkerError) -> Option<&ClientError> {
    match error {
        WorkerError::Client(error) => Some(error),
        _ => None,
    }
}

/// Stable code.
pub(super) fn code(error: &WorkerError) -> &'static str {
    if let Some(error) = client(error) {
        return node::code(error);
    }
    match error {
        WorkerError::KeyBound { .. } | WorkerError::DeviceBound { .. } => "ASSAY-W001",
        WorkerError::Banned { .. } => "ASSAY-W002",
        WorkerError::NotRegistered { .. } | WorkerError::NoModels { .. } | WorkerError::ModelMissing { .. } => {
            "ASSAY-W003"
        }
        WorkerError::WentBack { .. } => "ASSAY-W004",
        WorkerError::ObjectMissing { .. } | WorkerError::EventMissing { .. } => "ASSAY-N004",
        WorkerError::Engine(_) => "ASSAY-W005",
        WorkerError::Evidence(_) => "ASSAY-W006",
        _ => "ASSAY-W007",
    }
}

/// Exit code that follows.
pub(super) fn exit(error: &WorkerError) -> Exit {
    if let Some(error) = client(error) {
        return node::exit(error);
    }
    match error {
        WorkerError::Banned { .. }
        | WorkerError::WentBack { .. }
        | WorkerError::ObjectMissing { .. }
        | WorkerError::EventMissing { .. }
        | WorkerError::Evidence(_)
        | WorkerError::OutputChanged { .. }
        | WorkerError::Engine(EngineError::Disagreement { .. }) => Exit::Rejected,
        WorkerError::Engine(_) | WorkerError::Interrupted(_) => Exit::Resource,
        _ => Exit::Configuration,
    }
}

/// What to do about it, where that is not in the message.
pub(super) fn help(error: &WorkerError) -> Option<String> {
    if let Some(error) = client(error) {
        return node::help(error);
    }
    match error {
        WorkerError::Banned { .. } => {
            Some("`assay chain query worker ID` shows its record; a new key starts anew".to_owned())
        }
        WorkerError::WentBack { .. } => {
            Some("make sure that --node names the node you mean, then start again".to_owned())
        }
        _ => None,
    }
}

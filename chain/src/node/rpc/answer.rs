//! How each kind of trouble is said to the caller.

use jsonrpsee::types::error::{ErrorCode, ErrorObjectOwned};

use crate::api::{Code, Refusal, refusal};
use crate::node::mempool::NotTaken;
use crate::node::submit::SubmitError;
use crate::node::workers::Undone;

/// A parameter that does not fit.
pub(in crate::node) fn invalid(message: String) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(ErrorCode::InvalidParams.code(), message, None::<()>)
}

/// Too much of something.
pub(in crate::node) fn full(message: &str) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(Code::Full.number(), message, None::<()>)
}

/// No more blocks come from this process.
pub(in crate::node) fn stopping() -> ErrorObjectOwned {
    ErrorObjectOwned::owned(Code::Stopping.number(), "the node stops, or has stopped making blocks", None::<()>)
}

/// The node is broken.
pub(in crate::node) fn fault(error: &impl std::fmt::Display) -> ErrorObjectOwned {
    tracing::error!(%error, "a query failed");
    ErrorObjectOwned::owned(Code::Fault.number(), error.to_string(), None::<()>)
}

pub(in crate::node) fn undone(undone: Undone) -> ErrorObjectOwned {
    match undone {
        Undone::Busy => full("the node has too much to do; try again in a moment"),
        Undone::Stopping => stopping(),
        Undone::Panicked => fault(&"a call ended without an answer, which is a defect of the node"),
    }
}

pub(in crate::node) fn not_submitted(error: &SubmitError) -> ErrorObjectOwned {
    match error {
        SubmitError::NotTaken(not_taken) => not_taken_as_error(not_taken),
        SubmitError::Undone(reason) => undone(*reason),
        SubmitError::Fault(error) => fault(error),
    }
}

fn not_taken_as_error(not_taken: &NotTaken) -> ErrorObjectOwned {
    let why = Refusal::from(not_taken);
    match not_taken {
        NotTaken::Mempool(error) if error.is_passing() => {
            ErrorObjectOwned::owned(Code::Full.number(), why.message.clone(), Some(why))
        }
        _ => refusal(&why),
    }
}

//! Handing in results: the only way by which tokens are made.
//!
//! The order of checks is part of the rules (CONSENSUS): cheap before expensive, and what the result *is* (another
//! chain's, somebody else's, spent) before how it is made. A second submission of settled work is refused as spent even
//! though its lease is over, because that is the reason its sender needs. Checks live in [`check`], what an accepted
//! result does in [`settle`]; a sampled one goes through [`super::review`] first.

pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod settle;

use super::{Call, Execution, Failure};
use crate::types::transaction::SubmitResult;

/// Verifies a result in full; pays for it and mints, or puts it under review.
// spec: chain#submit-result
pub(crate) fn submit(execution: &mut Execution<'_>, call: Call<'_>, action: &SubmitResult) -> Result<(), Failure> {
    let accepted = check::all(execution, call, action)?;
    settle::accept(execution, call, accepted)
}

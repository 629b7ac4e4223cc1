//! The proofs of a block, verified together before its transactions run.
//!
//! What a block's transactions will ask for is read from the state before the block; proofs that follow from an earlier
//! transaction of the same block, and those that do not hold, are left to their rule, which verifies them singly and refuses as
//! ever. So a batch changes how long a block takes and never what it is.

use circuits::statement::Statement;

use super::check::job_input;
use crate::rules::services::{Asked, Services};
use crate::state::keys::Key;
use crate::state::object::Stored;
use crate::state::overlay::{Base, StateError};
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, JobResult, WorkLease};
use crate::types::model::Model;
use crate::types::transaction::{Action, CheckedTransaction};
use circuits::model::tensor::Tensor;

/// Verifies the proofs of `transactions` together and remembers those that hold.
///
/// # Errors
/// [`StateError`] when the state cannot be read.
// spec: chain#proof-batch
pub(crate) fn prepare(
    base: &dyn Base,
    services: &Services,
    transactions: &[CheckedTransaction],
) -> Result<(), StateError> {
    let mut asked = Vec::new();
    for transaction in transactions {
        asked.extend(of_transaction(base, &transaction.transaction().action)?);
    }
    services.verify_together(&asked);
    Ok(())
}

/// What a transaction will ask for, if the state before the block tells.
fn of_transaction<'a>(base: &dyn Base, action: &'a Action) -> Result<Option<Asked<'a>>, StateError> {
    match action {
        Action::SubmitResult(submit) => match submit.proofs.as_slice() {
            [proof] => of_lease(base, &submit.lease.id, submit.input.as_ref(), &submit.output, proof),
            _ => Ok(None),
        },
        Action::AnswerWithProof(answer) => match read::<JobResult>(base, &Key::Result(answer.result))? {
            Some(result) => of_lease(base, &result.lease, answer.input.as_ref(), &answer.output, &answer.proof),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

fn of_lease<'a>(
    base: &dyn Base,
    lease: &Hash,
    input: Option<&Tensor>,
    output: &Tensor,
    proof: &'a [u8],
) -> Result<Option<Asked<'a>>, StateError> {
    let Some(lease) = read::<WorkLease>(base, &Key::Lease(*lease))? else { return Ok(None) };
    let context = &lease.context;
    let (job, model) = (Key::Job(context.job_id), Key::Model(context.model_hash));
    let (Some(job), Some(model)) = (read::<InferenceJob>(base, &job)?, read::<Model>(base, &model)?) else {
        return Ok(None);
    };
    let Ok(input) = job_input(&job, input) else { return Ok(None) };
    let statement = Statement { context_digest: context.digest(), input: input.clone(), output: output.clone() };
    Ok(Some(Asked { model_hash: context.model_hash, model, statement, proof }))
}

fn read<T: Stored>(base: &dyn Base, key: &Key) -> Result<Option<T>, StateError> {
    Ok(base.read(key)?.and_then(T::from_object))
}

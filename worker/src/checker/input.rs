//! Inputs that a job names by hash only: they came to the chain with the result.

use std::time::Duration;

use chain::state::Key;
use chain::types::transaction::{Action, CheckedTransaction};
use chain::types::{Event, Hash, InferenceJob, JobResult, WorkLease};
use circuits::model::tensor::Tensor;

use crate::error::WorkerError;
use crate::operator::Operator;

/// Finds the input that a result brought: the result was handed in after its lease, in a block that names it.
pub(super) async fn brought(operator: &Operator, result: &Hash, record: &JobResult) -> Result<Tensor, WorkerError> {
    let missing = WorkerError::InputMissing { job: record.job };
    let read = || async {
        let lease: WorkLease = operator.object(Key::Lease(record.lease), "lease", &record.lease).await?;
        let job: InferenceJob = operator.object(Key::Job(record.job), "job", &record.job).await?;
        Ok((lease.leased_height, job.input_hash))
    };
    let (mut next, input_hash) = operator.patiently(read).await?;
    loop {
        let page = operator.patiently(|| async { Ok(operator.client().events(next, Duration::ZERO).await?) }).await?;
        let taken = page.blocks.iter().find_map(|block| {
            let names = |event: &Event| matches!(event, Event::ResultPending { result: named, .. } if named == result);
            let outcome = block.outcomes.iter().find(|outcome| outcome.events.iter().any(names))?;
            Some((block.height, outcome.transaction))
        });
        if let Some((height, transaction)) = taken {
            let input = operator.patiently(|| in_block(operator, height, &transaction)).await?;
            return input.filter(|tensor| tensor.hash() == input_hash).ok_or(missing);
        }
        if page.next > page.head || page.next <= next {
            return Err(missing);
        }
        next = page.next;
    }
}

/// The input that a transaction of a block brings.
async fn in_block(operator: &Operator, height: u64, transaction: &Hash) -> Result<Option<Tensor>, WorkerError> {
    let Some(block) = operator.client().block(height).await? else { return Ok(None) };
    let input = block.block.transactions.iter().find_map(|bytes| {
        let checked = CheckedTransaction::parse(bytes).ok().filter(|checked| checked.id() == transaction)?;
        match &checked.transaction().action {
            Action::SubmitResult(submission) => submission.input.clone(),
            _ => None,
        }
    });
    Ok(input)
}

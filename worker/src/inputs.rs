//! Inputs of jobs: in the job, or named there by hash and handed to the worker another way.
//!
//! Who posts a job by hash gives its input to workers beside the chain. It becomes public with the result all the same, which
//! brings it: that is where checkers, and the worker in a dispute, find it.

use std::error::Error;
use std::time::Duration;

use attestation::hex;
use chain::state::Key;
use chain::types::transaction::{Action, CheckedTransaction};
use chain::types::{Event, Hash, InferenceJob, JobInput, JobResult, WorkLease};
use circuits::model::tensor::Tensor;
use tokio::task::spawn_blocking;

use crate::error::WorkerError;
use crate::operator::Operator;

/// Inputs that were handed to a worker.
pub trait Inputs: Send + Sync {
    /// The input of a hash, for a model that takes `shape`; none while nobody handed it in. Called on blocking threads.
    ///
    /// # Errors
    /// Why what is there is no input.
    fn find(&self, hash: &Hash, shape: &[u32]) -> Result<Option<Tensor>, Box<dyn Error + Send + Sync>>;

    /// Where the input of a hash belongs: what to do so that it is found.
    fn place(&self, hash: &Hash) -> String;
}

/// A worker that nobody hands inputs to.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInputs;

impl Inputs for NoInputs {
    fn find(&self, _: &Hash, _: &[u32]) -> Result<Option<Tensor>, Box<dyn Error + Send + Sync>> {
        Ok(None)
    }

    fn place(&self, _: &Hash) -> String {
        "start the worker with inputs that were handed to it".to_owned()
    }
}

/// Why the input of a job that names it by hash cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nobody handed it in.
    #[error("its input is given by hash only, and {} is not here; {place}", hex::encode(.hash))]
    Absent {
        /// The hash that the job names.
        hash: Hash,
        /// What to do.
        place: String,
    },
    /// What was handed in is no input.
    #[error("its input is given by hash only, and what is here for {} cannot be read: {source}", hex::encode(.hash))]
    Unreadable {
        /// The hash that the job names.
        hash: Hash,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was handed in is another input.
    #[error(
        "its input is given by hash only: expected {}, got one of hash {}; ask its requester for the right one",
        hex::encode(.expected), hex::encode(.got)
    )]
    Another {
        /// The hash that the job names.
        expected: Hash,
        /// Hash of what is there.
        got: Hash,
    },
}

/// The input of a job that is to be done, with the hash that the job names.
pub(crate) async fn of_job(operator: &Operator, id: &Hash, job: &InferenceJob) -> Result<Tensor, WorkerError> {
    let expected = match &job.input {
        JobInput::Inline(tensor) => return Ok(tensor.clone()),
        JobInput::Reference(hash) => *hash,
    };
    let failed = |error| WorkerError::Input { job: *id, error };
    let shape = operator.model(&job.model)?.bundle().graph().input().shape.clone();
    let inputs = operator.inputs();
    let place = inputs.place(&expected);
    let found = spawn_blocking(move || inputs.find(&expected, &shape)).await?;
    let found = found.map_err(|source| failed(InputError::Unreadable { hash: expected, source }))?;
    let input = found.ok_or_else(|| failed(InputError::Absent { hash: expected, place }))?;
    let got = input.hash();
    if got != expected {
        return Err(failed(InputError::Another { expected, got }));
    }
    Ok(input)
}

/// The input of a job that has a result.
pub(crate) async fn of_result(
    operator: &Operator,
    result: &Hash,
    record: &JobResult,
    job: &InferenceJob,
) -> Result<Tensor, WorkerError> {
    match &job.input {
        JobInput::Inline(tensor) => Ok(tensor.clone()),
        JobInput::Reference(hash) => brought(operator, result, record, hash).await,
    }
}

/// The input that a transaction brings with it: none for a job that holds its own.
pub(crate) fn beside(job: &InferenceJob, input: &Tensor) -> Option<Tensor> {
    match job.input {
        JobInput::Inline(_) => None,
        JobInput::Reference(_) => Some(input.clone()),
    }
}

/// Finds the input that a result brought: the result was handed in after its lease, in a block that names it.
async fn brought(
    operator: &Operator,
    result: &Hash,
    record: &JobResult,
    input_hash: &Hash,
) -> Result<Tensor, WorkerError> {
    let missing = WorkerError::InputMissing { job: record.job };
    let read = || async {
        let lease: WorkLease = operator.object(Key::Lease(record.lease), "lease", &record.lease).await?;
        Ok(lease.leased_height)
    };
    let mut next = operator.patiently(read).await?;
    loop {
        let page = operator.patiently(|| async { Ok(operator.client().events(next, Duration::ZERO).await?) }).await?;
        let taken = page.blocks.iter().find_map(|block| {
            let names = |event: &Event| matches!(event, Event::ResultPending { result: named, .. } if named == result);
            let outcome = block.outcomes.iter().find(|outcome| outcome.events.iter().any(names))?;
            Some((block.height, outcome.transaction))
        });
        if let Some((height, transaction)) = taken {
            let input = operator.patiently(|| in_block(operator, height, &transaction)).await?;
            return input.filter(|tensor| tensor.hash() == *input_hash).ok_or(missing);
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

//! Taking a transaction: judged on a blocking thread, against a snapshot, without holding anything that blocks wait for.

use std::sync::Arc;
use std::time::Instant;

use super::fault::Condition;
use super::mempool::NotTaken;
use super::shared::{Published, Shared};
use super::workers::Undone;
use crate::api::Refusal;
use crate::state::StateError;
use crate::types::ids::Hash;
use crate::types::transaction::CheckedTransaction;

/// How often a transaction is judged again because a block came meanwhile.
const ATTEMPTS: u32 = 8;

/// Why a transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SubmitError {
    NotTaken(NotTaken),
    Undone(Undone),
    Fault(StateError),
}

impl From<NotTaken> for SubmitError {
    fn from(not_taken: NotTaken) -> Self {
        Self::NotTaken(not_taken)
    }
}

impl From<StateError> for SubmitError {
    fn from(error: StateError) -> Self {
        Self::Fault(error)
    }
}

/// Takes a transaction, or says why not. The same bytes, waiting or committed, are taken again without effect.
pub(super) async fn submit(shared: &Arc<Shared>, bytes: Vec<u8>) -> Result<Hash, SubmitError> {
    if matches!(*shared.condition.borrow(), Condition::Stopping | Condition::Failed(_)) {
        return Err(SubmitError::Undone(Undone::Stopping));
    }
    let judge = Arc::clone(shared);
    let answer = shared.submits.run(move || take(&judge, &bytes)).await.map_err(SubmitError::Undone)?;
    if let Err(SubmitError::NotTaken(not_taken)) = &answer {
        shared.metrics.refused(Refusal::from(not_taken).code);
    }
    answer
}

fn take(shared: &Shared, bytes: &[u8]) -> Result<Hash, SubmitError> {
    let transaction =
        CheckedTransaction::parse(bytes).map_err(|error| NotTaken::from(crate::rules::Reject::from(error)))?;
    let id = *transaction.id();
    if shared.mempool().contains(&id) {
        return Ok(id);
    }
    for _ in 0..ATTEMPTS {
        let published = latest(shared)?;
        let snapshot = &published.snapshot;
        if snapshot.store().transaction(&id).map_err(StateError::from)?.is_some() {
            return Ok(id);
        }
        let started = Instant::now();
        let judged = snapshot.check(&transaction)?;
        shared.metrics.check.observe(started.elapsed().as_secs_f64());
        let priority = judged.map_err(NotTaken::from)?;
        let account = snapshot.account(transaction.sender())?;
        let mut mempool = shared.mempool();
        // A block that came meanwhile may have changed the sender's account.
        if !Arc::ptr_eq(&published, &latest(shared)?) {
            continue;
        }
        let dropped = mempool.insert(transaction, account, priority.waits_for == 0)?;
        shared.measure(&mempool);
        drop(mempool);
        if dropped > 0 {
            shared.announce();
        }
        if priority.waits_for == 0 {
            shared.block_due();
        }
        shared.wake.wake();
        return Ok(id);
    }
    Err(SubmitError::Undone(Undone::Busy))
}

/// Judges in full a transaction that waited for its predecessors.
pub(super) async fn judge_waiting(shared: Arc<Shared>, transaction: CheckedTransaction) {
    let id = *transaction.id();
    let judge = Arc::clone(&shared);
    let judged =
        shared.submits.run_late(move || latest(&judge)?.snapshot.check(&transaction).map_err(SubmitError::from));
    let judgement = match judged.await {
        Ok(Ok(judgement)) => Some(judgement.map(drop)),
        // The node stops, or its state cannot be read: a next block asks again.
        _ => None,
    };
    let dropped = matches!(judgement, Some(Err(_)));
    if let Some(Err(reject)) = &judgement {
        shared.metrics.refused(reject.code());
    }
    {
        let mut mempool = shared.mempool();
        mempool.checked(&id, judgement);
        shared.measure(&mempool);
    }
    if dropped {
        shared.announce();
    }
    shared.wake.wake();
}

fn latest(shared: &Shared) -> Result<Arc<Published>, SubmitError> {
    shared.latest().ok_or(SubmitError::Undone(Undone::Stopping))
}

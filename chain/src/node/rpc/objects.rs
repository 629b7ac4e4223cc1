//! Reading objects, lists, open jobs and committed transactions from one published state.

use jsonrpsee::core::RpcResult;

use super::answer::invalid;
use crate::api::{HashText, ListEntry, ObjectAnswer, ObjectKind, ObjectProof, OpenJob, TransactionState, padded};
use crate::node::shared::{Published, Shared};
use crate::state::{Key, StateError, StateMachine, Store, StoreError};
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, JobStatus};
use crate::types::transaction::encode;

/// Canonical bytes of one list, about; one object is sent whatever its size.
const LIST_BYTES_MAX: usize = 1 << 20;

/// The key that parameters name.
pub(super) fn key(kind: ObjectKind, id: Option<HashText>) -> RpcResult<Key> {
    let id = id.map(|HashText(id)| id);
    kind.key(id.as_ref()).ok_or_else(|| {
        invalid(match (kind.has_id(), id) {
            (true, None) => "id: expected 32 bytes, got none; objects of this kind have identifiers".to_owned(),
            (true, Some(_)) => {
                let bytes = kind.id_bytes();
                format!("id: expected a number in its last {bytes} bytes and zeros before it, got something else")
            }
            (false, _) => "id: expected none, there is one object of this kind".to_owned(),
        })
    })
}

/// A kind of which there are many.
pub(super) fn check_many(kind: ObjectKind) -> RpcResult<()> {
    let one = || invalid("kind: expected one of which there are many; ask for this one with chain_object".to_owned());
    if kind.has_id() { Ok(()) } else { Err(one()) }
}

/// An object, with its proof under the header of the same height if asked.
pub(super) fn object(published: &Published, key: &Key, prove: bool) -> Result<ObjectAnswer, StateError> {
    let machine = &published.snapshot;
    let height = machine.height();
    let object = machine.object(key)?;
    let proof = match &published.tip {
        Some(tip) if prove => {
            let (_, state) = machine.prove(key)?;
            Some(ObjectProof { header: tip.header.clone(), certificate: tip.certificate.clone(), state })
        }
        _ => None,
    };
    Ok(ObjectAnswer { height, object, proof })
}

/// Objects of a kind; deleted ones are passed over.
pub(super) fn list(
    published: &Published,
    kind: ObjectKind,
    after: Option<Hash>,
    limit: u32,
) -> Result<Vec<ListEntry>, StateError> {
    let machine = &published.snapshot;
    let damaged = || StoreError::Corrupt { what: "the index of state keys" };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let bytes_of = |id: &Hash| kind.key(Some(id)).map(|key| key.to_bytes());
    let Some(first) = bytes_of(&[0; 32]) else { return Ok(Vec::new()) };
    let width = kind.id_bytes();
    let prefix = first.get(..first.len().saturating_sub(width)).unwrap_or_default();
    let mut after = after.as_ref().and_then(bytes_of);
    let (mut entries, mut bytes) = (Vec::new(), 0usize);
    loop {
        let keys = machine.store().keys(prefix, after.as_deref(), limit)?;
        for key in &keys {
            let id = key.strip_prefix(prefix).filter(|id| id.len() == width).map(padded).ok_or_else(damaged)?;
            let key = kind.key(Some(&id)).ok_or_else(damaged)?;
            let Some(object) = machine.object(&key)? else { continue };
            bytes = bytes.saturating_add(encode(&object).len());
            entries.push(ListEntry { id, object });
            if entries.len() >= limit || bytes >= LIST_BYTES_MAX {
                return Ok(entries);
            }
        }
        after = keys.into_iter().last();
        if after.is_none() {
            return Ok(entries);
        }
    }
}

/// Jobs of the index that are open in the published state.
pub(super) fn open_jobs(
    shared: &Shared,
    published: &Published,
    after: Option<Hash>,
    limit: u32,
) -> Result<Vec<OpenJob>, StateError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut jobs, mut bytes) = (Vec::new(), 0usize);
    let mut after = after;
    loop {
        let ids = shared.jobs().page(after, limit);
        for id in &ids {
            let Some(job) = published.snapshot.get::<InferenceJob>(&Key::Job(*id))? else { continue };
            if job.status != JobStatus::Open {
                continue;
            }
            bytes = bytes.saturating_add(encode(&job).len());
            jobs.push(OpenJob { id: *id, job });
            if jobs.len() >= limit || bytes >= LIST_BYTES_MAX {
                return Ok(jobs);
            }
        }
        after = ids.last().copied();
        if after.is_none() {
            return Ok(jobs);
        }
    }
}

/// A transaction's place and outcome, if it is in a block.
pub(super) fn committed(published: &Published, id: &Hash) -> Result<Option<TransactionState>, StateError> {
    let machine = &published.snapshot;
    let Some((height, position)) = machine.store().transaction(id)? else { return Ok(None) };
    if height > machine.height() {
        return Ok(None);
    }
    let damaged = || StoreError::Corrupt { what: "the outcome of a transaction" };
    let block = machine.block(height)?.ok_or_else(damaged)?;
    let index = usize::try_from(position).map_err(|_| damaged())?;
    let outcome = block.outcomes.into_iter().nth(index).ok_or_else(damaged)?;
    Ok(Some(TransactionState::Committed { height, position, outcome }))
}

//! The interface: every method reads one published state, on a blocking thread, within limits.

pub(super) mod answer;
mod events;
mod objects;

use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::PendingSubscriptionSink;
use jsonrpsee::core::{RpcResult, SubscriptionResult, async_trait};
use tokio::time::Instant;

use self::answer::{fault, full, invalid, not_submitted, stopping, undone};
use super::shared::{Published, Shared};
use super::submit;
use crate::api::{
    Bytes, ChainApiServer, EventPage, FinalHeader, HashText, ListEntry, ObjectAnswer, ObjectKind, OpenJob, PAGE_MAX,
    Status, TransactionState, WAIT_MS_MAX,
};
use crate::state::{CommittedBlock, Explanation, StateError, StateMachine};
use crate::types::ids::Hash;

/// What nobody should believe of a chain with one validator.
pub const CAVEATS: [&str; 2] = [
    "one validator makes the blocks: it can grind the beacon, leave out transactions and rewrite what is not yet copied elsewhere",
    "with one validator sampling gives no economic security",
];

/// The interface of a node.
#[derive(Clone)]
pub(super) struct Rpc {
    shared: Arc<Shared>,
}

impl Rpc {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

/// Reads the newest state on a blocking thread.
pub(super) async fn read<T: Send + 'static>(
    shared: &Shared,
    read: impl FnOnce(&Published) -> Result<T, StateError> + Send + 'static,
) -> RpcResult<T> {
    let published = shared.latest().ok_or_else(stopping)?;
    let answer = shared.reads.run(move || read(&published)).await.map_err(undone)?;
    answer.map_err(|error| fault(&error))
}

fn limit_of(limit: Option<u32>) -> RpcResult<u32> {
    match limit.unwrap_or(PAGE_MAX) {
        limit @ 1..=PAGE_MAX => Ok(limit),
        got => Err(invalid(format!("limit: expected 1 to {PAGE_MAX}, got {got}"))),
    }
}

/// When a wait ends; none for no wait.
fn end_of(wait_ms: Option<u64>) -> RpcResult<Option<Instant>> {
    match wait_ms.unwrap_or(0) {
        0 => Ok(None),
        wait @ 1..=WAIT_MS_MAX => Ok(Instant::now().checked_add(Duration::from_millis(wait))),
        got => Err(invalid(format!("wait_ms: expected at most {WAIT_MS_MAX}, got {got}"))),
    }
}

#[async_trait]
impl ChainApiServer for Rpc {
    async fn status(&self) -> RpcResult<Status> {
        self.shared.metrics.called("chain_status");
        let published = self.shared.latest().ok_or_else(stopping)?;
        let machine = &published.snapshot;
        let (head, genesis) = (machine.head(), machine.genesis());
        Ok(Status {
            chain_id: genesis.chain_id(),
            genesis: *machine.genesis_hash(),
            height: head.height,
            block: head.block,
            time_ms: head.time,
            state_root: head.root,
            block_interval_ms: genesis.params().block.interval_ms,
            waiting: u64::try_from(self.shared.mempool().count()).unwrap_or(u64::MAX),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            caveats: CAVEATS.map(str::to_owned).to_vec(),
        })
    }

    async fn genesis(&self) -> RpcResult<Bytes> {
        self.shared.metrics.called("chain_genesis");
        let published = self.shared.latest().ok_or_else(stopping)?;
        Ok(Bytes(published.snapshot.genesis().to_bytes()))
    }

    async fn submit(&self, transaction: Bytes) -> RpcResult<HashText> {
        self.shared.metrics.called("chain_submit");
        let submitted = submit::submit(&self.shared, transaction.0).await;
        submitted.map(HashText).map_err(|error| not_submitted(&error))
    }

    async fn transaction(&self, id: HashText, wait_ms: Option<u64>) -> RpcResult<TransactionState> {
        self.shared.metrics.called("chain_transaction");
        let end = end_of(wait_ms)?;
        let HashText(id) = id;
        let mut published = self.shared.published.subscribe();
        let mut waits = None;
        loop {
            published.mark_unchanged();
            let state = self.state_of(&id).await?;
            let (TransactionState::Waiting, Some(end)) = (&state, end) else { return Ok(state) };
            if waits.is_none() {
                let place = self.shared.waits.try_acquire();
                waits = Some(place.map_err(|_| full("too many callers wait for a block; try again in a moment"))?);
            }
            if !events::news(&self.shared, &mut published, end).await? {
                return Ok(state);
            }
        }
    }

    async fn object(&self, kind: ObjectKind, id: Option<HashText>, prove: Option<bool>) -> RpcResult<ObjectAnswer> {
        self.shared.metrics.called("chain_object");
        let key = objects::key(kind, id)?;
        let prove = prove.unwrap_or(false);
        read(&self.shared, move |published| objects::object(published, &key, prove)).await
    }

    async fn list(&self, kind: ObjectKind, after: Option<HashText>, limit: Option<u32>) -> RpcResult<Vec<ListEntry>> {
        self.shared.metrics.called("chain_list");
        let limit = limit_of(limit)?;
        objects::check_many(kind)?;
        let after = after.map(|HashText(id)| id);
        read(&self.shared, move |published| objects::list(published, kind, after, limit)).await
    }

    async fn open_jobs(&self, after: Option<HashText>, limit: Option<u32>) -> RpcResult<Vec<OpenJob>> {
        self.shared.metrics.called("chain_openJobs");
        let limit = limit_of(limit)?;
        let after = after.map(|HashText(id)| id);
        let shared = Arc::clone(&self.shared);
        read(&self.shared, move |published| objects::open_jobs(&shared, published, after, limit)).await
    }

    async fn explain(&self, id: HashText) -> RpcResult<Option<Explanation>> {
        self.shared.metrics.called("chain_explain");
        read(&self.shared, move |published| published.snapshot.explain_any(&id.0)).await
    }

    async fn block(&self, height: u64) -> RpcResult<Option<CommittedBlock>> {
        self.shared.metrics.called("chain_block");
        read(&self.shared, move |published| {
            let there = height <= published.snapshot.height();
            if there { published.snapshot.block(height) } else { Ok(None) }
        })
        .await
    }

    async fn header(&self, height: u64) -> RpcResult<Option<FinalHeader>> {
        self.shared.metrics.called("chain_header");
        read(&self.shared, move |published| events::header_at(published, height)).await
    }

    async fn events(&self, from: u64, limit: Option<u32>, wait_ms: Option<u64>) -> RpcResult<EventPage> {
        self.shared.metrics.called("chain_events");
        let (from, limit, end) = (events::check_from(from)?, limit_of(limit)?, end_of(wait_ms)?);
        events::page(&self.shared, from, limit.into(), end).await
    }

    async fn subscribe_events(&self, sink: PendingSubscriptionSink, from: Option<u64>) -> SubscriptionResult {
        self.shared.metrics.called("chain_subscribeEvents");
        events::subscribe(&self.shared, sink, from, events::events_at).await
    }

    async fn subscribe_headers(&self, sink: PendingSubscriptionSink, from: Option<u64>) -> SubscriptionResult {
        self.shared.metrics.called("chain_subscribeHeaders");
        events::subscribe(&self.shared, sink, from, events::header_at).await
    }
}

impl Rpc {
    /// What became of a transaction, now. The mempool is asked first: what leaves it is in the published state or among
    /// the refused by then.
    async fn state_of(&self, id: &Hash) -> RpcResult<TransactionState> {
        if self.shared.mempool().contains(id) {
            return Ok(TransactionState::Waiting);
        }
        let id = *id;
        if let Some(committed) = read(&self.shared, move |published| objects::committed(published, &id)).await? {
            return Ok(committed);
        }
        let mempool = self.shared.mempool();
        Ok(match mempool.refusal(&id) {
            // Handed in again meanwhile.
            _ if mempool.contains(&id) => TransactionState::Waiting,
            Some(refusal) => TransactionState::Refused { refusal },
            None => TransactionState::Unknown,
        })
    }
}

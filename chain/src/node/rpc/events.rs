//! Events by height: pages, long polls and subscriptions.
//!
//! A reader asks from a height, and gets every block from there in order; nobody keeps a place for it, so nothing is
//! missed however long it was away, and a slow one costs nothing.

use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::{RpcResult, SubscriptionResult};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::{PendingSubscriptionSink, SubscriptionMessage};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::answer::{fault, full, invalid, stopping};
use super::read;
use crate::api::{BlockEvents, EventPage, FinalHeader};
use crate::node::fault::Condition;
use crate::node::shared::{Published, Shared, Tip, events_of};
use crate::state::{StateError, StateMachine};
use crate::types::transaction::encode;

/// Canonical bytes of one page's events, about; one block is sent whatever its size.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// How long a subscriber may take before the next block's events fit.
const SLOW_MAX: Duration = Duration::from_secs(10);

/// Waits for news until a moment; whether they came. A node that stops is no news.
pub(super) async fn news(
    shared: &Shared,
    published: &mut watch::Receiver<Option<Arc<Published>>>,
    end: Instant,
) -> RpcResult<bool> {
    let mut condition = shared.condition.subscribe();
    let over = condition.wait_for(|condition| matches!(condition, Condition::Stopping | Condition::Failed(_)));
    tokio::select! {
        changed = timeout_at(end, published.changed()) => match changed {
            Ok(Ok(())) => Ok(true),
            Ok(Err(_)) => Err(stopping()),
            Err(_) => Ok(false),
        },
        _ = over => Err(stopping()),
    }
}

pub(super) fn check_from(from: u64) -> RpcResult<u64> {
    if from == 0 {
        return Err(invalid("from: expected a height of 1 or more, got 0; genesis has no events".to_owned()));
    }
    Ok(from)
}

/// One page; waits until `end` for the first block.
pub(super) async fn page(shared: &Arc<Shared>, from: u64, limit: u64, end: Option<Instant>) -> RpcResult<EventPage> {
    let mut published = shared.published.subscribe();
    let mut waits = None;
    loop {
        let head = head(&mut published)?;
        if head >= from {
            let page = read(shared, move |published| page_of(published, from, limit)).await?;
            return if page.blocks.is_empty() { Err(gone(shared, from).await) } else { Ok(page) };
        }
        let empty = EventPage { next: from, head, blocks: Vec::new() };
        let Some(end) = end else { return Ok(empty) };
        if waits.is_none() {
            let place = shared.waits.try_acquire();
            waits = Some(place.map_err(|_| full("too many callers wait for a block; try again in a moment"))?);
        }
        if !news(shared, &mut published, end).await? {
            return Ok(empty);
        }
    }
}

/// The answer to whoever asks for a block that is not kept.
async fn gone(shared: &Shared, from: u64) -> ErrorObjectOwned {
    match read(shared, |published| Ok(published.snapshot.store().floor()?.blocks_from)).await {
        Ok(kept) => invalid(format!(
            "from: this node keeps blocks from height {kept} on, got {from}; ask another node, or from there"
        )),
        Err(error) => error,
    }
}

fn head(published: &mut watch::Receiver<Option<Arc<Published>>>) -> RpcResult<u64> {
    published.borrow_and_update().as_ref().map(|published| published.snapshot.height()).ok_or_else(stopping)
}

fn page_of(published: &Published, from: u64, limit: u64) -> Result<EventPage, StateError> {
    let head = published.snapshot.height();
    let mut page = EventPage { next: from, head, blocks: Vec::new() };
    let mut bytes = 0usize;
    while page.next <= head && page.next.saturating_sub(from) < limit && bytes < PAGE_BYTES_MAX {
        let Some(events) = events_at(published, page.next)? else { break };
        bytes = bytes.saturating_add(size(&events));
        page.blocks.push(events);
        page.next = page.next.saturating_add(1);
    }
    Ok(page)
}

pub(super) fn events_at(published: &Published, height: u64) -> Result<Option<BlockEvents>, StateError> {
    match &published.tip {
        Some(Tip { header, events: Some(events), .. }) if header.height == height => Ok(Some(events.clone())),
        _ => Ok(published.snapshot.block(height)?.map(events_of)),
    }
}

/// A committed block's header and certificate.
pub(super) fn header_at(published: &Published, height: u64) -> Result<Option<FinalHeader>, StateError> {
    if height > published.snapshot.height() {
        return Ok(None);
    }
    match &published.tip {
        Some(tip) if tip.header.height == height => {
            Ok(Some(FinalHeader { header: tip.header.clone(), certificate: tip.certificate.clone() }))
        }
        _ => {
            let committed = published.snapshot.block(height)?;
            Ok(committed.map(|found| FinalHeader { header: found.block.header, certificate: found.certificate }))
        }
    }
}

fn size(events: &BlockEvents) -> usize {
    encode(&(&events.outcomes, &events.closing, &events.results)).len()
}

/// Sends one item for every block from a height on, until the subscriber goes or cannot keep up.
pub(super) async fn subscribe<T: Serialize + Send + 'static>(
    shared: &Arc<Shared>,
    pending: PendingSubscriptionSink,
    from: Option<u64>,
    item_at: fn(&Published, u64) -> Result<Option<T>, StateError>,
) -> SubscriptionResult {
    let mut published = shared.published.subscribe();
    let start = match from.map_or_else(|| head(&mut published).map(|head| head.saturating_add(1)), check_from) {
        Ok(start) => start,
        Err(error) => {
            pending.reject(error).await;
            return Ok(());
        }
    };
    let sink = pending.accept().await?;
    let follow = async {
        let mut next = start;
        loop {
            let head = head(&mut published)?;
            if head < next {
                published.changed().await.map_err(|_| stopping())?;
                continue;
            }
            let item = read(shared, move |published| item_at(published, next)).await?;
            let Some(item) = item else { return Err(gone(shared, next).await) };
            let json = serde_json::value::to_raw_value(&item).map_err(|error| fault(&error))?;
            let sent = sink.send_timeout(SubscriptionMessage::from(json), SLOW_MAX).await;
            sent.map_err(|_| full("too slow: the connection takes no more; subscribe again from the next height"))?;
            next = next.saturating_add(1);
        }
    };
    let mut condition = shared.condition.subscribe();
    let ended: ErrorObjectOwned = tokio::select! {
        ended = follow => match ended {
            Ok(never) => never,
            Err(error) => error,
        },
        _ = condition.wait_for(|condition| *condition == Condition::Stopping) => stopping(),
        () = sink.closed() => return Ok(()),
    };
    Err(ended.message().into())
}

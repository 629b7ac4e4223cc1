//! What block production and the interface share.
//!
//! *Reading holds no lock.* After each block the producer publishes a snapshot; values are kept by height, so whoever
//! holds one reads one consistent state while production goes on. The lock on the mempool is held for moments only: no
//! transaction is judged and no block made under it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Semaphore, watch};
use verifier::inclusion::{Certificate, Header};

use super::fault::{Condition, NodeFault};
use super::jobs::OpenJobs;
use super::mempool::Mempool;
use super::metrics::Metrics;
use super::serve::NodeOptions;
use super::store::{Anchor, RocksStore};
use super::wake::Wake;
use super::workers::Workers;
use crate::api::BlockEvents;
use crate::state::{CommittedBlock, Machine, Snapshot, StateError, StateMachine};
use crate::types::event::Event;

/// Reads that run at once, and that wait.
const READS: (u32, u32) = (16, 1_024);
/// Transactions that wait to be judged, or are.
const SUBMITS_QUEUED: u32 = 256;

/// The last block.
pub(super) struct Tip {
    pub(super) header: Header,
    pub(super) certificate: Certificate,
    /// None where the chain was restored: the file of a state holds no events.
    pub(super) events: Option<BlockEvents>,
}

/// The state after the last block.
pub(super) struct Published {
    pub(super) snapshot: Snapshot<RocksStore>,
    /// None at genesis.
    pub(super) tip: Option<Tip>,
}

impl Published {
    pub(super) fn of(machine: &Machine<RocksStore>) -> Result<Self, StateError> {
        let block = machine.block(machine.height())?;
        let tip = match block {
            Some(committed) => {
                let (header, certificate) = (committed.block.header.clone(), committed.certificate.clone());
                Some(Tip { header, certificate, events: Some(events_of(committed)) })
            }
            None => {
                let anchor = machine.store().floor()?.anchor;
                anchor.map(|Anchor { header, certificate }| Tip { header, certificate, events: None })
            }
        };
        Ok(Self { snapshot: machine.snapshot(), tip })
    }
}

/// What a block says to whoever watches.
pub(super) fn events_of(committed: CommittedBlock) -> BlockEvents {
    let CommittedBlock { block, outcomes, closing, results, .. } = committed;
    let (height, time_ms) = (block.header.height, block.header.time);
    BlockEvents { height, time_ms, block: block.hash(), outcomes, closing, results }
}

/// Every event of a block.
pub(super) fn each_event(events: &BlockEvents) -> impl Iterator<Item = &Event> {
    events.outcomes.iter().flat_map(|outcome| &outcome.events).chain(&events.closing)
}

/// See the module.
pub(super) struct Shared {
    /// None once the node has stopped; changes with every block, and when something that waited was dropped.
    pub(super) published: watch::Sender<Option<Arc<Published>>>,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) wake: Wake,
    pub(super) metrics: Metrics,
    pub(super) reads: Workers,
    pub(super) submits: Workers,
    /// Callers that wait for a block.
    pub(super) waits: Semaphore,
    pub(super) options: NodeOptions,
    mempool: Mutex<Mempool>,
    jobs: Mutex<OpenJobs>,
    /// Since when a block is due.
    due_since: Mutex<Option<Instant>>,
}

impl Shared {
    /// What is shared by a node on `machine`.
    pub(super) fn new(machine: &Machine<RocksStore>, options: NodeOptions) -> Result<Self, StateError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let metrics = Metrics::new(machine.genesis().chain_id());
        metrics.height.set(machine.height());
        Ok(Self {
            published: watch::Sender::new(Some(Arc::new(Published::of(machine)?))),
            condition: watch::Sender::new(Condition::Ready),
            wake: Wake::default(),
            metrics,
            reads: Workers::new(READS.0, READS.1),
            submits: Workers::new(u32::try_from(cores).unwrap_or(1), SUBMITS_QUEUED),
            waits: Semaphore::new(options.waits_max),
            mempool: Mutex::new(Mempool::new(options.mempool)),
            jobs: Mutex::new(OpenJobs::scan(machine)?),
            due_since: Mutex::new(None),
            options,
        })
    }

    /// The newest published state; none once the node has stopped.
    pub(super) fn latest(&self) -> Option<Arc<Published>> {
        self.published.borrow().clone()
    }

    /// Wakes who waits, although there is no new block.
    pub(super) fn announce(&self) {
        self.published.send_modify(|_| ());
    }

    pub(super) fn mempool(&self) -> MutexGuard<'_, Mempool> {
        lock(&self.mempool)
    }

    pub(super) fn jobs(&self) -> MutexGuard<'_, OpenJobs> {
        lock(&self.jobs)
    }

    /// Changes what the node can do. A fault stays, and a node that stops can only still fail.
    pub(super) fn set_condition(&self, new: Condition) {
        self.condition.send_if_modified(|condition| {
            let changes = match condition {
                Condition::Failed(_) => false,
                Condition::Stopping => matches!(new, Condition::Failed(_)),
                Condition::Ready | Condition::ClockBehind(_) => *condition != new,
            };
            if changes {
                *condition = new;
            }
            changes
        });
    }

    /// A block is due from now on, if none was.
    pub(super) fn block_due(&self) {
        lock(&self.due_since).get_or_insert_with(Instant::now);
    }

    /// A block came, or nothing asks for one.
    pub(super) fn block_not_due(&self) {
        *lock(&self.due_since) = None;
    }

    /// Why no blocks can be made now, or that one is overdue, which whoever hangs cannot say itself.
    pub(super) fn hindrance(&self) -> Option<String> {
        let said = self.condition.borrow().hindrance();
        said.or_else(|| {
            let waited = lock(&self.due_since).map(|since| since.elapsed())?;
            let height = self.latest().map_or(0, |published| published.snapshot.height());
            (waited > self.options.overdue_max).then(|| {
                format!(
                    "a block is due for {} ms and the chain stands at height {height}; look at the disk and at the load of the machine",
                    waited.as_millis()
                )
            })
        })
    }

    /// What the node counts, as text.
    pub(super) fn metrics_text(&self) -> Result<String, std::fmt::Error> {
        self.metrics.ready.set(u64::from(self.hindrance().is_none()));
        self.metrics.text()
    }

    /// Blocks are over.
    pub(super) fn fail(&self, fault: NodeFault) {
        tracing::error!(%fault, "block production stopped; queries are still answered");
        self.set_condition(Condition::Failed(fault));
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.condition.borrow() == Condition::Stopping
    }

    /// Notes how much waits, and was done for it; the lock on the mempool keeps two of these apart.
    pub(super) fn measure(&self, mempool: &Mempool) {
        if let Some(published) = self.latest() {
            self.metrics.proofs_verified(published.snapshot.proofs_verified());
        }
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.metrics.waiting.set(size(mempool.count()));
        self.metrics.waiting_bytes.set(size(mempool.bytes()));
    }
}

/// A poisoned lock is taken as it is: what it guards is complete between calls.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

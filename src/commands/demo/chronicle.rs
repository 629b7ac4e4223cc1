//! What the chain said so far, in order, whatever happened to the node meanwhile; and who waits for the next word.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chain::client::Client;
use chain::types::Event;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::error::StepError;

/// How long one call waits for news.
const WAIT: Duration = Duration::from_secs(10);

/// The events of a chain from its first block on.
pub(super) struct Chronicle {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    entries: Mutex<Vec<(u64, Event)>>,
    changed: Notify,
    failure: Mutex<Option<String>>,
}

impl Chronicle {
    /// Follows the chain that a node serves.
    pub(super) fn follow(runtime: &Handle, client: Client) -> Self {
        let shared = Arc::new(Shared::default());
        let written = Arc::clone(&shared);
        let task = runtime.spawn(async move {
            let mut next = 1;
            loop {
                match client.events(next, WAIT).await {
                    Ok(page) => {
                        next = page.next;
                        for block in page.blocks {
                            let events = block.outcomes.into_iter().flat_map(|outcome| outcome.events);
                            let events = events.chain(block.closing).map(|event| (block.height, event));
                            lock(&written.entries).extend(events);
                        }
                        written.changed.notify_waiters();
                    }
                    Err(error) => {
                        *lock(&written.failure) = Some(error.to_string());
                        written.changed.notify_waiters();
                        return;
                    }
                }
            }
        });
        Self { shared, task }
    }

    /// The first event, past or to come, that `pick` recognises, and its height.
    pub(super) async fn find<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> Result<(u64, T), StepError> {
        self.find_from(0, pick).await
    }

    /// The first such event at or after a height.
    pub(super) async fn find_from<T>(
        &self,
        from: u64,
        pick: impl Fn(&Event) -> Option<T>,
    ) -> Result<(u64, T), StepError> {
        let mut seen = 0;
        loop {
            let changed = self.shared.changed.notified();
            {
                let entries = lock(&self.shared.entries);
                let mut fresh = entries.iter().skip(seen).filter(|(height, _)| *height >= from);
                if let Some(found) = fresh.find_map(|(height, event)| Some((*height, pick(event)?))) {
                    return Ok(found);
                }
                seen = entries.len();
            }
            if let Some(reason) = lock(&self.shared.failure).clone() {
                return Err(StepError::NodeEnded { reason });
            }
            changed.await;
        }
    }
}

impl Drop for Chronicle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Entries are appended whole, so a lock that somebody panicked under is taken as it is.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

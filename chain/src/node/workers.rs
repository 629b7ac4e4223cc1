//! Bounded work on blocking threads: reading the store, verifying proofs.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Why work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// Too much waits to be done.
    Busy,
    /// The node stops.
    Stopping,
    /// It ended by a panic.
    Panicked,
}

/// Threads for one kind of work, and the queue before them.
pub(super) struct Workers {
    queue: Semaphore,
    slots: Arc<Semaphore>,
    slots_max: u32,
}

impl Workers {
    /// At most `running` pieces at once, and `queued` that wait or run.
    pub(super) fn new(running: u32, queued: u32) -> Self {
        let permits = |count: u32| usize::try_from(count).unwrap_or(Semaphore::MAX_PERMITS);
        let slots = Arc::new(Semaphore::new(permits(running)));
        Self { queue: Semaphore::new(permits(queued)), slots, slots_max: running }
    }

    /// Does `work` on a blocking thread.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Undone> {
        let _place = self.queue.try_acquire().map_err(|_| Undone::Busy)?;
        self.run_late(work).await
    }

    /// Does `work` on a blocking thread, however much waits; for what the node itself asks for, and counts.
    pub(super) async fn run_late<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Undone> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Undone::Stopping)?;
        let running = tokio::task::spawn_blocking(move || {
            // Work goes on when its caller is gone; the slot says so until everything it held is let go.
            let done = work();
            drop(slot);
            done
        });
        running.await.map_err(|_| Undone::Panicked)
    }

    /// Waits until everything that runs is done, and lets nothing start any more.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.slots.acquire_many(self.slots_max).await {
            all.forget();
        }
        self.slots.close();
    }
}

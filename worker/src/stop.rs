//! How a loop is told to stop: first gently, then at once.
//!
//! A drained loop takes nothing new, finishes what it has, and waits for what it handed in to be final, because a
//! dispute needs its answer. A halted loop returns at its next wait. What it leaves behind is on the chain and is taken
//! up by the next start, but a window may close in between.

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Run,
    Drain,
    Halt,
}

/// Tells loops to stop. Dropping it tells them nothing.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Level>);

/// What loops listen to; clones hear the same.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Level>);

/// A stopper and what listens to it.
#[must_use]
pub fn signal() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Level::Run);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Take nothing new, finish the rest.
    pub fn drain(&self) {
        self.raise(Level::Drain);
    }

    /// Return at once.
    pub fn halt(&self) {
        self.raise(Level::Halt);
    }

    fn raise(&self, wanted: Level) {
        self.0.send_if_modified(|level| {
            let higher = wanted > *level;
            *level = wanted.max(*level);
            higher
        });
    }
}

impl Stop {
    /// Whether nothing new may be taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() >= Level::Drain
    }

    /// Waits until nothing new may be taken.
    pub async fn draining(&mut self) {
        self.reached(Level::Drain).await;
    }

    /// Waits until everything must end.
    pub async fn halted(&mut self) {
        self.reached(Level::Halt).await;
    }

    async fn reached(&mut self, wanted: Level) {
        if self.0.wait_for(|level| *level >= wanted).await.is_err() {
            // The stopper is gone, so nobody will ever ask.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_never_goes_back() {
        let (stopper, mut stop) = signal();
        assert!(!stop.is_draining());
        stopper.halt();
        stopper.drain();
        assert!(stop.is_draining());
        stop.draining().await;
        stop.halted().await;
    }

    #[tokio::test]
    async fn a_dropped_stopper_stops_nobody() {
        let (stopper, mut stop) = signal();
        drop(stopper);
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), stop.draining()).await;
        assert!(waited.is_err());
        assert!(!stop.is_draining());
    }
}

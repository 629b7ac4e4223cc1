//! How the interface wakes block production.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, Default)]
struct Signal {
    woken: bool,
    stop: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Wake {
    signal: Mutex<Signal>,
    changed: Condvar,
}

impl Wake {
    /// There may be something to do.
    pub(super) fn wake(&self) {
        self.lock().woken = true;
        self.changed.notify_all();
    }

    /// There is nothing to do any more.
    pub(super) fn stop(&self) {
        self.lock().stop = true;
        self.changed.notify_all();
    }

    /// Waits until something may be to do, at most `longest`; whether to go on.
    pub(super) fn wait(&self, longest: Option<Duration>) -> bool {
        let end = longest.and_then(|longest| Instant::now().checked_add(longest));
        let mut signal = self.wait_while(end, |signal| !signal.woken && !signal.stop);
        signal.woken = false;
        !signal.stop
    }

    /// Waits until a moment; whether to go on.
    pub(super) fn wait_until(&self, end: Instant) -> bool {
        !self.wait_while(Some(end), |signal| !signal.stop).stop
    }

    fn wait_while(&self, end: Option<Instant>, idle: impl Fn(&Signal) -> bool) -> MutexGuard<'_, Signal> {
        let mut signal = self.lock();
        while idle(&signal) {
            signal = match end.map(|end| end.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return signal,
                Some(left) => self.changed.wait_timeout(signal, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(signal).unwrap_or_else(PoisonError::into_inner),
            };
        }
        signal
    }

    fn lock(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

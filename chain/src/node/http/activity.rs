//! What a connection is doing, so that one which does nothing can be closed.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
struct State {
    /// Requests under way; a WebSocket is one that never ends.
    requests: u32,
    /// Since when there are none.
    quiet_since: Instant,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { requests: 0, quiet_since: Instant::now() })))
    }

    /// A request begins; it ends when the answer is dropped.
    pub(super) fn begin(&self) -> Request {
        self.change(|state| state.requests = state.requests.saturating_add(1));
        Request(self.clone())
    }

    /// Since when the connection waits for a request, if it does.
    pub(super) fn quiet_since(&self) -> Option<Instant> {
        let state = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.requests == 0).then_some(state.quiet_since)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A request under way.
pub(super) struct Request(Activity);

impl Request {
    /// The connection became a WebSocket, which closes silent peers itself.
    pub(super) fn goes_on(self) {
        self.0.change(|state| state.requests = state.requests.saturating_add(1));
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.requests = state.requests.saturating_sub(1);
            state.quiet_since = Instant::now();
        });
    }
}

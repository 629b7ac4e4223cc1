//! What a connection is doing, so that one which does nothing can be closed, and one that asks too much waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

/// Messages of a WebSocket under way, from their arrival until their answers are written. jsonrpsee handles every message
/// that it reads in a task of its own: a peer that asks faster than it is answered would fill the memory.
pub(super) const MESSAGES_MAX: u32 = 64;

#[derive(Debug)]
struct State {
    /// Requests under way; a WebSocket is one that never ends.
    requests: u32,
    /// Since when there are none.
    quiet_since: Instant,
    websocket: bool,
    /// Messages that came and are not answered.
    messages: u32,
    /// Answers that are made and not written.
    answers: u32,
    /// Who reads on once fewer are under way.
    reader: Option<Waker>,
}

impl State {
    const fn is_full(&self) -> bool {
        self.messages.saturating_add(self.answers) >= MESSAGES_MAX
    }

    fn wake_unless_full(&mut self) {
        if !self.is_full()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            requests: 0,
            quiet_since: Instant::now(),
            websocket: false,
            messages: 0,
            answers: 0,
            reader: None,
        })))
    }

    /// A request begins; it ends when the answer is dropped.
    pub(super) fn begin(&self) -> Request {
        let mut state = self.state();
        state.requests = state.requests.saturating_add(1);
        Request(self.clone())
    }

    /// Since when the connection waits for a request, if it does.
    pub(super) fn quiet_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.requests == 0).then_some(state.quiet_since)
    }

    /// Whether the connection became a WebSocket.
    pub(super) fn is_websocket(&self) -> bool {
        self.state().websocket
    }

    /// Waits until fewer messages are under way than may be.
    pub(super) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if !state.is_full() {
            return Poll::Ready(());
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// To keep with a request: whoever clones it for a message counts that message until the clone is dropped.
    pub(super) fn message(&self) -> Message {
        let mut state = self.state();
        state.messages = state.messages.saturating_add(1);
        Message(self.clone())
    }

    /// An answer is made, and will be written to a WebSocket.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        if state.websocket {
            state.answers = state.answers.saturating_add(1);
        }
    }

    /// Messages are written to a WebSocket.
    pub(super) fn written(&self, count: u32) {
        let mut state = self.state();
        state.answers = state.answers.saturating_sub(count);
        state.wake_unless_full();
    }

    /// The connection is lost: who waits to read finds out.
    pub(super) fn wake(&self) {
        if let Some(reader) = self.state().reader.take() {
            reader.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
pub(super) struct Request(Activity);

impl Request {
    /// The connection became a WebSocket, which closes silent peers itself.
    pub(super) fn goes_on(self) {
        let mut state = self.0.state();
        state.websocket = true;
        state.requests = state.requests.saturating_add(1);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests = state.requests.saturating_sub(1);
        state.quiet_since = Instant::now();
    }
}

/// A message under way; see [`Activity::message`].
#[derive(Debug)]
pub(super) struct Message(Activity);

impl Clone for Message {
    fn clone(&self) -> Self {
        self.0.message()
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.messages = state.messages.saturating_sub(1);
        state.wake_unless_full();
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::{Activity, MESSAGES_MAX};

    #[test]
    fn room_is_what_messages_and_answers_leave() {
        let activity = Activity::new();
        let context = Context::from_waker(Waker::noop());
        let kept = activity.message();
        // Answers of plain HTTP are not waited for.
        activity.answered();
        let mut messages: Vec<_> = (1..MESSAGES_MAX).map(|_| kept.clone()).collect();
        assert_eq!(activity.poll_room(&context), Poll::Pending);
        messages.pop();
        assert_eq!(activity.poll_room(&context), Poll::Ready(()));
        activity.begin().goes_on();
        activity.answered();
        assert_eq!(activity.poll_room(&context), Poll::Pending);
        activity.written(1);
        assert_eq!(activity.poll_room(&context), Poll::Ready(()));
        drop(messages);
        for _ in 1..MESSAGES_MAX {
            assert_eq!(activity.poll_room(&context), Poll::Ready(()));
            activity.answered();
        }
        assert_eq!(activity.poll_room(&context), Poll::Pending);
        activity.written(MESSAGES_MAX);
        assert_eq!(activity.poll_room(&context), Poll::Ready(()));
    }
}

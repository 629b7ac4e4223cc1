//! A socket that does not wait for its peer for ever.
//!
//! *Silent peers.* A connection on which no request is under way must bring a whole request head in time: an idle peer
//! and one that sends a byte a minute are closed alike.
//!
//! *Peers that do not read.* While the socket takes no more, nothing is read from it either, so that a peer cannot pile
//! up answers that it does not take; and when it takes nothing for long, it is closed.
//!
//! *Peers that ask faster than they are answered.* While many messages of a WebSocket are under way, no more are read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::activity::Activity;
use super::frames::Frames;

/// How long a peer may take to send a request head, and to send the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) quiet: Duration,
    pub(super) stalled: Duration,
}

/// See the module.
pub(super) struct Connection {
    socket: TcpStream,
    activity: Activity,
    patience: Patience,
    /// Fires when the peer was quiet for too long.
    quiet: Pin<Box<Sleep>>,
    /// Fires when the peer took nothing for too long; there while it takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Who wants to read once the peer reads.
    reader: Option<Waker>,
    /// The peer took nothing for too long.
    given_up: bool,
    /// The messages written, if it is a WebSocket.
    frames: Frames,
    /// Something was read, so whoever handles that comes first.
    yields: bool,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, activity: Activity, patience: Patience) -> Self {
        let quiet = Box::pin(sleep(patience.quiet));
        Self {
            socket,
            activity,
            patience,
            quiet,
            stalled: None,
            reader: None,
            given_up: false,
            frames: Frames::new(),
            yields: false,
        }
    }

    fn poll_quiet(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(since) = self.activity.quiet_since() else { return Poll::Pending };
        let end = since.checked_add(self.patience.quiet).unwrap_or_else(Instant::now);
        if self.quiet.deadline() != end {
            self.quiet = Box::pin(sleep_until(end));
        }
        match self.quiet.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn written<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.stalled.take().is_some() {
                self.wake_reader();
            }
            return written;
        }
        let patience = self.patience.stalled;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        if stalled.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.given_up = true;
        self.wake_reader();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn count<'a>(&mut self, parts: impl IntoIterator<Item = &'a [u8]>, written: &Poll<io::Result<usize>>) {
        let Poll::Ready(Ok(mut written)) = *written else { return };
        if !self.activity.is_websocket() {
            return;
        }
        let mut messages = 0_u32;
        for part in parts {
            let taken = written.min(part.len());
            written = written.saturating_sub(taken);
            messages = messages.saturating_add(self.frames.messages_in(part.get(..taken).unwrap_or_default()));
        }
        if messages > 0 {
            self.activity.written(messages);
        }
    }

    fn wake_reader(&mut self) {
        self.activity.wake();
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given_up {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.stalled.is_some() {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        if self.activity.is_websocket() {
            if self.activity.poll_room(context).is_pending() {
                return Poll::Pending;
            }
            // Messages are counted once their tasks began.
            if std::mem::take(&mut self.yields) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        match Pin::new(&mut self.socket).poll_read(context, buffer) {
            Poll::Pending => self.poll_quiet(context),
            ready => {
                self.yields = true;
                ready
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.count([bytes], &written);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, parts);
        self.count(parts.iter().map(|part| &**part), &written);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

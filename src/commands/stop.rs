//! Being asked to stop: Ctrl-C, SIGTERM, and for a child the end of its parent.
//!
//! A command that runs until it is stopped ends with exit code 0 when it is asked to; what it does meanwhile is its own
//! affair. The second request ends the process at once: committed blocks are on disk, and nothing else is lost.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::error::CliError;

/// Listens for requests to stop.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    /// Resolves when the standard input has ended, once.
    parent: Option<oneshot::Receiver<()>>,
}

impl Stop {
    /// Starts to listen; from here on the signals no longer end the process by themselves.
    pub(super) fn listen() -> Result<Self, CliError> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(CliError::Runtime)?,
            terminate: signal(SignalKind::terminate()).map_err(CliError::Runtime)?,
            parent: None,
        })
    }

    /// Takes the end of the standard input for a request too: a parent that holds its other end need not be able to send
    /// signals, and cannot leave its child behind, however it ends.
    pub(super) fn and_with_parent(mut self) -> Self {
        let (sender, receiver) = oneshot::channel();
        // A thread, because nothing else may block on it; it ends with the process.
        std::thread::spawn(move || {
            // What a parent writes means nothing; a pipe that cannot be read has ended.
            drop(io::copy(&mut io::stdin(), &mut io::sink()));
            // Nobody listens any more when the process ends anyway.
            let _ = sender.send(());
        });
        self.parent = Some(receiver);
        self
    }

    /// Resolves with the next request.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = ended(&mut self.parent) => {}
        }
    }
}

/// Resolves once when the parent has gone; never without one.
async fn ended(parent: &mut Option<oneshot::Receiver<()>>) {
    match parent {
        Some(receiver) => {
            drop(receiver.await);
            *parent = None;
        }
        None => std::future::pending().await,
    }
}

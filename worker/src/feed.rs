//! The chain's events in order, from a height on, whatever happens to the connection.
//!
//! A task of its own asks, so that whoever reads can do so between other things without breaking off a call.

use std::time::Duration;

use chain::api::EventPage;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::WorkerError;
use crate::operator::Operator;

/// How long one call waits for news.
const WAIT: Duration = Duration::from_secs(20);
/// Pages that wait for their reader.
const PAGES: usize = 4;

/// Events from a height on.
pub(crate) struct Feed {
    pages: mpsc::Receiver<Result<EventPage, WorkerError>>,
    task: JoinHandle<()>,
}

impl Feed {
    /// Starts to read at height `from`.
    pub(crate) fn open(operator: Operator, from: u64) -> Self {
        let (sender, pages) = mpsc::channel(PAGES);
        let task = tokio::spawn(async move {
            let mut next = from;
            loop {
                let page = operator.patiently(|| async { Ok(operator.client().events(next, WAIT).await?) }).await;
                let page = page.and_then(|page| match page.head.checked_add(1) {
                    Some(end) if end < next => {
                        Err(WorkerError::WentBack { expected: next.saturating_sub(1), got: page.head })
                    }
                    _ => Ok(page),
                });
                let over = page.is_err();
                next = page.as_ref().map_or(next, |page| page.next);
                if sender.send(page).await.is_err() || over {
                    return;
                }
            }
        });
        Self { pages, task }
    }

    /// The next page; safe to break off.
    pub(crate) async fn page(&mut self) -> Result<EventPage, WorkerError> {
        match self.pages.recv().await {
            Some(page) => page,
            // The task ends only after an error, which was handed out, or with the runtime.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

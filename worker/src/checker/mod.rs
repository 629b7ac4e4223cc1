//! Checks: the reviews that a worker is drawn for.
//!
//! Draws are read from the chain's events, beginning so far back that no review that still runs was drawn before. Each
//! duty is a task that decides from the chain's state alone what is left to do: commit, wait, reveal. So a checker that
//! was restarted, or whose answer was lost, neither commits twice nor forgets to reveal. Who cannot run a model stays
//! silent and says so; a vote is always the worker's own run.

mod duty;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::available_parallelism;

use chain::types::{Event, Hash, Params};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::error::WorkerError;
use crate::feed::Feed;
use crate::operator::Operator;
use crate::report::{Activity, WorkerReport};
use crate::stop::Stop;
use duty::Duty;

/// Does every check that a worker is drawn for, several at once.
pub struct CheckLoop {
    operator: Operator,
}

impl CheckLoop {
    /// A loop for a worker.
    #[must_use]
    pub fn new(operator: Operator) -> Self {
        Self { operator }
    }

    /// Checks until it is told to stop. Drained, it finishes the duties it has; while it is stopped the worker can still
    /// be drawn, and is slashed for its silence, until its stake is withdrawn.
    ///
    /// # Errors
    /// When going on is pointless: [`WorkerError::NotRegistered`], [`WorkerError::Banned`], [`WorkerError::KeyBound`],
    /// [`WorkerError::NoModels`], [`WorkerError::WentBack`].
    pub async fn run(self, mut stop: Stop) -> Result<(), WorkerError> {
        let operator = self.operator.clone();
        let checking = self.check(stop.clone());
        tokio::select! {
            biased;
            () = stop.halted() => {}
            outcome = checking => outcome?,
        }
        operator.report(WorkerReport::Stopped { activity: Activity::Checks });
        Ok(())
    }

    async fn check(self, mut stop: Stop) -> Result<(), WorkerError> {
        let operator = self.operator;
        operator.ready().await?;
        let (started, params) = operator.patiently(|| operator.standing()).await?;
        let from = started.saturating_sub(duty_blocks(&params)).max(1);
        operator.report(WorkerReport::Started { activity: Activity::Checks, height: started });
        let mut feed = Feed::open(operator.clone(), from);
        let (heights, height) = watch::channel(from.saturating_sub(1));
        let runs = Arc::new(Semaphore::new(available_parallelism().map_or(1, usize::from)));
        let mut duties: JoinSet<Hash> = JoinSet::new();
        let mut sitting = BTreeSet::new();
        loop {
            // Asked once a round: what is told between here and the wait below must end that wait.
            let draining = stop.is_draining();
            if draining && duties.is_empty() && *height.borrow() >= started {
                return Ok(());
            }
            tokio::select! {
                () = stop.draining(), if !draining => {}
                page = feed.page() => {
                    for block in page?.blocks {
                        let events = block.outcomes.iter().flat_map(|outcome| &outcome.events).chain(&block.closing);
                        for event in events {
                            let Some(result) = concerns(&operator, event, block.height > started) else { continue };
                            if sitting.insert(result) {
                                let duty = Duty::new(operator.clone(), result, Arc::clone(&runs), height.clone());
                                duties.spawn(duty.fulfil());
                            }
                        }
                        heights.send_replace(block.height);
                    }
                }
                Some(result) = duties.join_next() => {
                    sitting.remove(&result?);
                }
            }
        }
    }
}

/// The result that an event draws this worker for. What the worker lost is reported, if it is news.
fn concerns(operator: &Operator, event: &Event, news: bool) -> Option<Hash> {
    let ours = operator.worker();
    match event {
        Event::CheckDrawn { result, worker, .. } if worker == ours => Some(*result),
        Event::JuryDrawn { result, jurors, .. } if jurors.contains(ours) => Some(*result),
        Event::AuditorSlashed { result, worker, slashed } if worker == ours => {
            if news {
                operator.report(WorkerReport::AuditSlashed { result: *result, slashed: *slashed });
            }
            None
        }
        _ => None,
    }
}

/// How long a duty lasts at most, blocks: to commit and to reveal, each a window and the block that ends it.
fn duty_blocks(params: &Params) -> u64 {
    params.window.review.saturating_add(1).saturating_mul(2)
}

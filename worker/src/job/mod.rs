//! Jobs: choosing, doing and following them.
//!
//! A worker has one lease at a time, because its device can hold no other, while any number of its results wait to be
//! final. So one task works, and beside it events are read, results followed and disputes answered. What the chain says
//! decides: a lease found on the worker's device is taken up again, whoever began it.
//!
//! A job whose input is given by hash only is passed over while the input is not among those that were handed to the
//! worker ([`crate::inputs`]), and looked at again from time to time.

mod choose;
mod follow;
mod steps;

use chain::economics::invariants::review_blocks;
use chain::types::{Hash, LeaseKind, ObjectRef};
use tokio::task::JoinSet;

use crate::error::WorkerError;
use crate::feed::Feed;
use crate::operator::Operator;
use crate::report::{Activity, WorkerReport};
use crate::speed;
use crate::stop::Stop;
use choose::{Candidate, Chooser, FAILURES_MAX};
use follow::Follower;

pub use choose::Unfit;
pub use follow::Final;
pub use steps::{Lease, Proven, Ran, Receipt, Submitted};

/// Refusal of a job that another worker has.
const JOB_TAKEN: u16 = 603;
/// Refusal of a job that is kept for another worker for a while.
const JOB_RESERVED: u16 = 615;

/// What jobs an operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobSettings {
    /// How to lease jobs that allow both. A proof is paid at once and at full trust; without one there is nothing to
    /// prove unless somebody disputes the result.
    pub prefer: LeaseKind,
    /// Least price, micro-tokens per unit.
    pub price_per_unit_min: u128,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self { prefer: LeaseKind::Proof, price_per_unit_min: 0 }
    }
}

/// Takes jobs and brings them to their end, one after the other.
pub struct JobLoop {
    operator: Operator,
    settings: JobSettings,
}

/// How one attempt ended.
enum Attempt {
    /// Nothing was leased; the first jobs are not to be tried again as they are, the others when they are kept for nobody.
    Nothing { passed: Vec<ObjectRef>, reserved: Vec<Candidate> },
    /// A result was taken at this height.
    HandedIn { model: Hash, height: u64 },
    /// A lease came to nothing; its model, if that was found out.
    Failed { lease: Hash, model: Option<Hash> },
}

impl JobLoop {
    /// A loop for a worker.
    #[must_use]
    pub fn new(operator: Operator, settings: JobSettings) -> Self {
        Self { operator, settings }
    }

    /// Works until it is told to stop. Drained, it finishes its lease and waits until its results are final.
    ///
    /// # Errors
    /// When going on is pointless: [`WorkerError::NotRegistered`], [`WorkerError::Banned`], [`WorkerError::KeyBound`],
    /// [`WorkerError::NoModels`], [`WorkerError::WentBack`], evidence that the chain's policy refuses.
    pub async fn run(self, mut stop: Stop) -> Result<(), WorkerError> {
        let operator = self.operator.clone();
        let working = self.work(stop.clone());
        tokio::select! {
            biased;
            () = stop.halted() => {}
            outcome = working => outcome?,
        }
        operator.report(WorkerReport::Stopped { activity: Activity::Jobs });
        Ok(())
    }

    async fn work(self, mut stop: Stop) -> Result<(), WorkerError> {
        let Self { operator, settings } = self;
        let registration = operator.ready().await?;
        if operator.patiently(|| Lease::held(&operator)).await?.is_none() {
            speed::declare(&operator, &registration).await?;
        }
        let trust_bps = operator.patiently(|| operator.trust_bps()).await?;
        let (started, params) = operator.patiently(|| operator.standing()).await?;
        // Every result of ours that can still be under review was handed in since then.
        let from = started.saturating_sub(review_blocks(&params.window)).max(1);
        operator.report(WorkerReport::Started { activity: Activity::Jobs, height: started });
        let mut feed = Feed::open(operator.clone(), from);
        let mut follower = Follower::new(operator.clone());
        let mut chooser = Chooser::new(operator.clone(), settings, trust_bps);
        let mut attempts: JoinSet<Result<Attempt, WorkerError>> = JoinSet::new();
        let (mut seen, mut handed_in) = (from.saturating_sub(1), 0);
        let mut failures: Option<(Hash, u32)> = None;
        let (mut look, mut banned) = (true, None);
        loop {
            // Asked once a round: what is told between here and the wait below must end that wait.
            let draining = stop.is_draining();
            if attempts.is_empty() && (draining || banned.is_some()) {
                if follower.is_idle() && seen >= handed_in.max(started) {
                    return banned.map_or(Ok(()), Err);
                }
            } else if attempts.is_empty() && look {
                look = false;
                match begin(&operator, &mut chooser, &mut attempts, failures).await {
                    // It leases nothing any more, but what it handed in may still need an answer.
                    Err(error @ WorkerError::Banned { .. }) => banned = Some(error),
                    begun => begun?,
                }
            }
            tokio::select! {
                () = stop.draining(), if !draining => {}
                page = feed.page() => {
                    for block in page?.blocks {
                        follower.observe(&block, started).await?;
                        seen = block.height;
                        look |= !block.closing.is_empty() || !block.outcomes.is_empty();
                        look |= chooser.wake(block.height);
                    }
                }
                Some(attempt) = attempts.join_next() => {
                    match attempt?? {
                        Attempt::Nothing { passed, reserved } => {
                            passed.iter().for_each(|job| chooser.pass(job));
                            reserved.iter().for_each(|candidate| chooser.wait(candidate));
                        }
                        Attempt::HandedIn { model, height } => {
                            handed_in = height;
                            chooser.count(model, false);
                        }
                        Attempt::Failed { lease, model } => {
                            model.into_iter().for_each(|model| chooser.count(model, true));
                            let before = failures.filter(|(failed, _)| *failed == lease).map_or(0, |(_, tries)| tries);
                            failures = Some((lease, before.saturating_add(1)));
                        }
                    }
                    look = true;
                }
            }
        }
    }
}

/// Starts on the lease that the worker has, or on a job that it can get.
async fn begin(
    operator: &Operator,
    chooser: &mut Chooser,
    attempts: &mut JoinSet<Result<Attempt, WorkerError>>,
    failures: Option<(Hash, u32)>,
) -> Result<(), WorkerError> {
    let worker = operator.clone();
    if let Some(lease) = operator.patiently(|| Lease::held(operator)).await? {
        // A lease that failed too often runs out by itself; until then the device is not free for another.
        if failures.is_none_or(|(failed, tries)| failed != lease || tries < FAILURES_MAX) {
            attempts.spawn(async move { Ok(resume(&worker, lease).await) });
        }
        return Ok(());
    }
    let candidates = chooser.candidates().await?;
    if !candidates.is_empty() {
        attempts.spawn(async move { take(&worker, candidates).await });
    }
    Ok(())
}

/// Leases the first job that can be had, and does it.
async fn take(operator: &Operator, candidates: Vec<Candidate>) -> Result<Attempt, WorkerError> {
    let (mut passed, mut reserved) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let Candidate { job, kind, .. } = candidate;
        match Lease::take(operator, job, kind).await {
            Ok(lease) => return Ok(finish(operator, *lease.id(), Ok(lease)).await),
            Err(error) if matches!(error.refusal(), Some(steps::VERSION_STALE | JOB_TAKEN)) => {
                operator.report(WorkerReport::RaceLost { job: job.id });
            }
            Err(error) if error.refusal() == Some(JOB_RESERVED) => reserved.push(candidate),
            Err(error) if error.refusal().is_some() => {
                operator.report_refusal("lease a job", &job.id, &error);
                passed.push(job);
            }
            // Whether the lease was taken is not known: the worker's device will show it.
            Err(error) if error.is_transient() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(Attempt::Nothing { passed, reserved })
}

/// Goes on with a lease from before.
async fn resume(operator: &Operator, id: Hash) -> Attempt {
    let lease = Lease::resume(operator, &id).await;
    finish(operator, id, lease).await
}

/// Brings a lease to a result that the chain took.
async fn finish(operator: &Operator, id: Hash, lease: Result<Lease, WorkerError>) -> Attempt {
    let model = lease.as_ref().ok().map(|lease| lease.record().context.model_hash);
    let steps = async {
        let receipt = lease?.run(operator).await?.prove(operator).await?.sign(operator)?;
        Ok::<_, WorkerError>((receipt.submit(operator).await?, receipt))
    };
    match steps.await {
        Ok((submitted, receipt)) => {
            let record = submitted.record();
            // A sampled result is followed by its events.
            if let (LeaseKind::Proof, Some(end)) = (receipt.lease().record().kind, Final::of(record)) {
                operator.report(end.report(record.job, *submitted.result()));
            }
            Attempt::HandedIn { model: receipt.lease().record().context.model_hash, height: record.height }
        }
        Err(error) => {
            operator.report_refusal("hand in a result", &id, &error);
            operator.report(WorkerReport::LeaseFailed { lease: id, reason: error.to_string() });
            Attempt::Failed { lease: id, model }
        }
    }
}

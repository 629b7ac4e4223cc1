//! Results on their way to being final: who follows them, and how a dispute is answered.
//!
//! A result without a proof can be called wrong. Its worker then has one window to prove it, after which a jury decides,
//! so the answer starts by itself and beside whatever else the worker does. Where verdicts can be appealed, a jury's
//! leaves another window: the proof is tried once more, and a larger jury asked if none can be made of an output that
//! the worker's own run still gives. It runs the model again rather than keep the trace: a restarted worker has to, and
//! beside proving it costs little.

use std::collections::{BTreeMap, BTreeSet};

use chain::api::BlockEvents;
use chain::state::Key;
use chain::types::event::CanaryRevealed;
use chain::types::transaction::{Action, AnswerWithProof, Appeal};
use chain::types::{Event, Hash, InferenceJob, JobResult, ResultStage, WorkLease};
use tokio::task::JoinSet;

use crate::error::WorkerError;
use crate::feed::Feed;
use crate::inputs;
use crate::operator::Operator;
use crate::report::WorkerReport;

/// Refusal of an answer that comes too late.
const ANSWER_CLOSED: u16 = 913;
/// Refusal of an appeal that comes too late, or again.
const APPEAL_CLOSED: u16 = 733;

/// How a result ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Final {
    /// Paid and minted for.
    Settled {
        /// Micro-tokens minted.
        reward: u128,
        /// Micro-tokens got from the escrow.
        paid: u128,
        /// Height of the block that settled it.
        height: u64,
    },
    /// Found wrong.
    Convicted {
        /// Height of the block that convicted it.
        height: u64,
    },
    /// Nobody could judge it.
    Void {
        /// Height of the block that voided it.
        height: u64,
    },
}

impl Final {
    /// How a result ended, if it has.
    #[must_use]
    pub fn of(record: &JobResult) -> Option<Self> {
        let height = record.height;
        match record.stage {
            ResultStage::Settled => {
                let paid = record.payment.saturating_sub(record.burned);
                Some(Self::Settled { reward: record.reward, paid, height })
            }
            ResultStage::Convicted => Some(Self::Convicted { height }),
            // Its worker knew that it was to be wrong: nobody is paid or punished.
            ResultStage::Void | ResultStage::Canary => Some(Self::Void { height }),
            _ => None,
        }
    }

    pub(super) fn report(self, job: Hash, result: Hash) -> WorkerReport {
        match self {
            Self::Settled { reward, paid, height } => WorkerReport::Settled { job, result, reward, paid, height },
            Self::Convicted { height } => WorkerReport::Convicted { job, result, height },
            Self::Void { height } => WorkerReport::Voided { job, result, height },
        }
    }
}

/// Follows the results of one worker.
pub(super) struct Follower {
    operator: Operator,
    /// Results that are not final, by the stage in which an answer was begun last.
    open: BTreeMap<Hash, Option<ResultStage>>,
    answers: JoinSet<()>,
}

impl Follower {
    pub(super) fn new(operator: Operator) -> Self {
        Self { operator, open: BTreeMap::new(), answers: JoinSet::new() }
    }

    /// Whether everything is final.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes in what a block brought: new results of this worker, and what happened to those it follows. Only what was
    /// not final at height `known` is reported as final.
    pub(super) async fn observe(&mut self, block: &BlockEvents, known: u64) -> Result<(), WorkerError> {
        let sender = self.operator.account().address();
        let mut touched = BTreeSet::new();
        for outcome in block.outcomes.iter().filter(|outcome| outcome.sender == sender) {
            for event in &outcome.events {
                if let Event::ResultPending { result, .. } = event {
                    self.open.entry(*result).or_insert(None);
                    touched.insert(*result);
                }
            }
        }
        let events = block.outcomes.iter().flat_map(|outcome| &outcome.events).chain(&block.closing);
        for event in events {
            if let Event::Disputed { result, .. }
            | Event::FoundWrong { result, .. }
            | Event::Settled { result, .. }
            | Event::Convicted { result, .. }
            | Event::CanaryRevealed(CanaryRevealed { result, .. })
            | Event::Voided { result, .. } = event
                && self.open.contains_key(result)
            {
                touched.insert(*result);
            }
        }
        for result in touched {
            if let Some((record, end)) = self.look(&result).await?
                && record.height > known
            {
                self.operator.report(end.report(record.job, result));
            }
        }
        Ok(())
    }

    /// Reads where a result stands: a final one is dropped and returned, one that its worker can answer for is answered.
    async fn look(&mut self, result: &Hash) -> Result<Option<(JobResult, Final)>, WorkerError> {
        let operator = &self.operator;
        let record: JobResult = operator.patiently(|| operator.object(Key::Result(*result), "result", result)).await?;
        // The account may operate other workers too.
        if record.worker != *operator.worker() {
            self.open.remove(result);
            return Ok(None);
        }
        if let Some(end) = Final::of(&record) {
            self.open.remove(result);
            return Ok(Some((record, end)));
        }
        if answerable(record.stage) && self.open.insert(*result, Some(record.stage)) != Some(Some(record.stage)) {
            let answer_until = record.timer.map_or(record.closes_height, |timer| timer.height);
            self.operator.report(match record.stage {
                ResultStage::Appealing => WorkerReport::FoundWrong { result: *result, answer_until },
                _ => WorkerReport::Disputed { result: *result, answer_until },
            });
            let (operator, result) = (self.operator.clone(), *result);
            self.answers.spawn(async move { answer(&operator, &result, &record).await });
        }
        while self.answers.try_join_next().is_some() {}
        Ok(None)
    }
}

/// Follows one result, handed in at `height`, until it is final.
pub(super) async fn follow(operator: &Operator, result: Hash, height: u64) -> Result<Final, WorkerError> {
    let mut follower = Follower::new(operator.clone());
    follower.open.insert(result, None);
    let mut end = follower.look(&result).await?;
    let mut feed = Feed::open(operator.clone(), height.max(1));
    loop {
        if let Some((record, end)) = end {
            operator.report(end.report(record.job, result));
            return Ok(end);
        }
        let page = feed.page().await?;
        // Whatever a page brought, it is shorter to ask than to search it.
        end = if page.blocks.is_empty() { None } else { follower.look(&result).await? };
    }
}

/// Whether a proof by its worker ends the dispute of a result in this stage.
fn answerable(stage: ResultStage) -> bool {
    matches!(stage, ResultStage::Answering | ResultStage::Appealing)
}

/// Answers a dispute with a proof, or says why not; a verdict that no proof answers is appealed.
async fn answer(operator: &Operator, result: &Hash, record: &JobResult) {
    let outcome = match prepare(operator, result, record).await {
        Ok(action) => operator.patiently(|| send(operator, result, action.clone())).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(Some(height)) => operator.report(WorkerReport::Answered { result: *result, height }),
        // Already answered, or no longer asked.
        Ok(None) => {}
        Err(error) => {
            if error.refusal() != Some(ANSWER_CLOSED) {
                operator.report_refusal("answer with a proof", result, &error);
            }
            operator.report(WorkerReport::Unanswered { result: *result, reason: error.to_string() });
            // Who finds another output now was wrong, and would only lose another bond.
            if record.stage == ResultStage::Appealing && !matches!(error, WorkerError::OutputChanged { .. }) {
                appeal(operator, result).await;
            }
        }
    }
}

/// Asks for a larger jury.
async fn appeal(operator: &Operator, result: &Hash) {
    let ask = || async {
        let action = Action::Appeal(Appeal { result: *result });
        Ok(operator.account().act(action).await?)
    };
    match operator.patiently(ask).await {
        Ok(committed) => operator.report(WorkerReport::Appealed { result: *result, height: committed.height }),
        // Appealed before a restart, or the time is over.
        Err(error) if error.refusal() == Some(APPEAL_CLOSED) => {}
        Err(error) => operator.report_refusal("appeal", result, &error),
    }
}

async fn prepare(operator: &Operator, result: &Hash, record: &JobResult) -> Result<AnswerWithProof, WorkerError> {
    let read = || async {
        let lease: WorkLease = operator.object(Key::Lease(record.lease), "lease", &record.lease).await?;
        let job: InferenceJob = operator.object(Key::Job(record.job), "job", &record.job).await?;
        Ok((lease, job))
    };
    let (lease, job) = operator.patiently(read).await?;
    let input = inputs::of_result(operator, result, record, &job).await?;
    let model = operator.model(&job.model)?;
    let run = operator.run(&model, &input).await?;
    let (expected, got) = (record.output_hash, run.output()?.hash());
    if expected != got {
        return Err(WorkerError::OutputChanged { expected, got });
    }
    let proven = operator.prove(&model, lease.context.digest(), run.trace).await?;
    Ok(AnswerWithProof {
        result: *result,
        input: inputs::beside(&job, &input),
        output: proven.statement.output,
        proof: proven.proof.to_bytes(),
    })
}

/// Sends an answer while one is asked for; the height of its block.
async fn send(operator: &Operator, result: &Hash, action: AnswerWithProof) -> Result<Option<u64>, WorkerError> {
    let record: JobResult = operator.object(Key::Result(*result), "result", result).await?;
    if !answerable(record.stage) {
        return Ok(None);
    }
    let committed = operator.account().act(Action::AnswerWithProof(Box::new(action))).await?;
    Ok(Some(committed.height))
}

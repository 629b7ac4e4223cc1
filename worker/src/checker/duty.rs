//! One duty: a seat in the review of one result.

use std::collections::BTreeSet;
use std::sync::Arc;

use chain::state::Key;
use chain::types::ids::check_commitment;
use chain::types::transaction::{Action, CommitCheck, RevealCheck};
use chain::types::{Dispute, Hash, InferenceJob, JobResult, ResultStage, Seat, SpotCheck};
use tokio::sync::{Semaphore, watch};

use crate::error::WorkerError;
use crate::inputs;
use crate::operator::Operator;
use crate::report::{SeatKind, WorkerReport};
use crate::salt::{ATTEMPTS, check_salt, opening};

/// Refusal of a commitment that another juror handed in first.
const COMMITMENT_COPIED: u16 = 908;

/// A seat of this worker, until it has nothing left to do there.
pub(super) struct Duty {
    operator: Operator,
    result: Hash,
    /// How many runs may go on at once.
    runs: Arc<Semaphore>,
    /// Height up to which events were read: when it moves, stages may have ended.
    height: watch::Receiver<u64>,
    /// Output hash of the worker's own run.
    output_hash: Option<Hash>,
    /// Number of the salt that is tried next.
    attempt: u32,
    /// Refusals that were reported.
    refused: BTreeSet<u16>,
}

/// What is left to do at a seat.
enum Standing {
    /// Commit.
    Commit,
    /// Reveal what opens this commitment.
    Reveal(Hash),
    /// Committed, and others have not yet.
    Wait,
    /// Nothing; why, if that is not as it should be.
    Over(Option<&'static str>),
}

impl Duty {
    pub(super) fn new(operator: Operator, result: Hash, runs: Arc<Semaphore>, height: watch::Receiver<u64>) -> Self {
        Self { operator, result, runs, height, output_hash: None, attempt: 0, refused: BTreeSet::new() }
    }

    /// Does what is left to do; returns the result that it was about.
    pub(super) async fn fulfil(mut self) -> Hash {
        let result = self.result;
        if let Err(error) = self.sit().await {
            self.operator.report(WorkerReport::Silent { result, reason: error.to_string() });
        }
        result
    }

    async fn sit(&mut self) -> Result<(), WorkerError> {
        let mut drawn = false;
        loop {
            self.height.mark_unchanged();
            let operator = self.operator.clone();
            let (record, seat) = operator.patiently(|| read(&operator, &self.result)).await?;
            let standing = standing(&record, seat.as_ref());
            if !drawn && !matches!(standing, Standing::Over(_)) {
                drawn = true;
                let seat = if record.stage.is_disputed() { SeatKind::Juror } else { SeatKind::Checker };
                operator.report(WorkerReport::CheckDrawn { result: self.result, seat });
            }
            match standing {
                Standing::Commit => self.commit(&record).await?,
                Standing::Reveal(commitment) => {
                    if self.reveal(&record, &commitment).await? {
                        return Ok(());
                    }
                }
                Standing::Wait => {}
                Standing::Over(reason) => {
                    if let (Some(reason), true) = (reason, drawn) {
                        let reason = reason.to_owned();
                        operator.report(WorkerReport::Silent { result: self.result, reason });
                    }
                    return Ok(());
                }
            }
            if self.height.changed().await.is_err() {
                // The loop is gone.
                return Ok(());
            }
        }
    }

    /// Commits to the worker's own run.
    async fn commit(&mut self, record: &JobResult) -> Result<(), WorkerError> {
        let (result, worker) = (self.result, *self.operator.worker());
        let output_hash = self.own_output(record).await?;
        let salt = check_salt(self.operator.key(), &result, self.attempt);
        let commitment = check_commitment(&result, &worker, &output_hash, &salt);
        let action = Action::CommitCheck(CommitCheck { result, worker, commitment });
        match self.operator.account().act(action).await.map_err(WorkerError::from) {
            Ok(committed) => self.operator.report(WorkerReport::Committed { result, height: committed.height }),
            Err(error) if error.refusal() == Some(COMMITMENT_COPIED) && self.attempt.saturating_add(1) < ATTEMPTS => {
                self.attempt = self.attempt.saturating_add(1);
                self.refused("commit a check", &error);
            }
            // What happened shows in the state.
            Err(error) if error.refusal().is_some() || error.is_transient() => self.refused("commit a check", &error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Opens the worker's commitment; whether that is done.
    async fn reveal(&mut self, record: &JobResult, commitment: &Hash) -> Result<bool, WorkerError> {
        let (result, worker) = (self.result, *self.operator.worker());
        let output_hash = self.own_output(record).await?;
        let salt = opening(self.operator.key(), &result, &output_hash, commitment);
        let salt = salt.ok_or(WorkerError::CommitmentLost { result })?;
        let action = Action::RevealCheck(RevealCheck { result, worker, output_hash, salt });
        match self.operator.account().act(action).await.map_err(WorkerError::from) {
            Ok(committed) => {
                let agrees = output_hash == record.output_hash;
                self.operator.report(WorkerReport::Revealed { result, agrees, height: committed.height });
                Ok(true)
            }
            Err(error) if error.refusal().is_some() || error.is_transient() => {
                self.refused("reveal a check", &error);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Says once that something was refused; the duty goes on while its stage lasts.
    fn refused(&mut self, action: &'static str, error: &WorkerError) {
        if let Some(code) = error.refusal()
            && self.refused.insert(code)
        {
            self.operator.report_refusal(action, &self.result, error);
        }
    }

    /// Output hash of the worker's own run, made once.
    async fn own_output(&mut self, record: &JobResult) -> Result<Hash, WorkerError> {
        if let Some(hash) = self.output_hash {
            return Ok(hash);
        }
        let operator = self.operator.clone();
        let job: InferenceJob =
            operator.patiently(|| operator.object(Key::Job(record.job), "job", &record.job)).await?;
        let model = operator.model(&job.model)?;
        let input = inputs::of_result(&operator, &self.result, record, &job).await?;
        // Closing a semaphore is the only way for this to fail, and nobody does.
        let permit = self.runs.acquire().await.ok();
        let hash = operator.run(&model, &input).await?.output()?.hash();
        drop(permit);
        self.output_hash = Some(hash);
        Ok(hash)
    }
}

/// The result, and this worker's seat in the panel that sits now.
async fn read(operator: &Operator, result: &Hash) -> Result<(JobResult, Option<Seat>), WorkerError> {
    let record: JobResult = operator.object(Key::Result(*result), "result", result).await?;
    let seats = match record.stage {
        ResultStage::CheckCommit | ResultStage::CheckReveal => {
            let check: Option<SpotCheck> = operator.client().get(&Key::SpotCheck(*result)).await?;
            check.map(|check| check.seat).into_iter().collect()
        }
        ResultStage::JuryCommit | ResultStage::JuryReveal => {
            let dispute: Option<Dispute> = operator.client().get(&Key::Dispute(*result)).await?;
            dispute.map(|dispute| dispute.seats).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let seat = seats.into_iter().find(|seat| seat.worker == *operator.worker());
    Ok((record, seat))
}

/// What is left to do.
fn standing(record: &JobResult, seat: Option<&Seat>) -> Standing {
    let Some(seat) = seat else { return Standing::Over(Some("its window ended first")) };
    match (record.stage, seat.commitment, seat.revealed) {
        (_, _, Some(_)) => Standing::Over(None),
        (ResultStage::CheckCommit | ResultStage::JuryCommit, None, _) => Standing::Commit,
        (ResultStage::CheckReveal | ResultStage::JuryReveal, Some(commitment), _) => Standing::Reveal(commitment),
        (ResultStage::CheckReveal | ResultStage::JuryReveal, None, _) => {
            Standing::Over(Some("the time to commit ended first"))
        }
        _ => Standing::Wait,
    }
}

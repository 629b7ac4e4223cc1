//! Why a job, a lease or a result was paid, waits for its pay, or was not paid: the question of an unpaid miner.
//!
//! Answered from the state, and from the block in which a lease ran out. Nothing here decides anything.

use serde::{Deserialize, Serialize};

use super::keys::Key;
use super::machine::{Machine, StateMachine};
use super::overlay::StateError;
use super::store::Store;
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, JobResult, JobStatus, LeaseStatus, ResultStage, WorkLease};

/// Whether there is pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pay {
    /// Paid and minted for.
    Paid,
    /// Not yet.
    Pending,
    /// Not, and it will not be.
    Unpaid,
}

/// Why. The words never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The result was settled.
    Settled,
    /// Nobody has the job.
    NotLeased,
    /// The job's deadline passed before it was done.
    JobExpired,
    /// The lease runs, and nothing was handed in.
    NotHandedIn,
    /// The lease ran out; it can still be fulfilled in its grace window.
    Late,
    /// The lease ran out without a result.
    RanOut,
    /// The lease ended, and its result was not settled.
    ResultNotSettled,
    /// Without a proof: a later block decides whether it is checked.
    AwaitsDraw,
    /// Its checker is at work.
    BeingChecked,
    /// Anybody can still call it wrong.
    Challengeable,
    /// Called wrong: its worker can answer with a proof.
    Disputed,
    /// A jury decides.
    BeforeJury,
    /// A jury's majority had another output.
    Convicted,
    /// Nobody could judge it.
    Void,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Height of the state it was read from.
    pub height: u64,
    /// Whether there is pay.
    pub pay: Pay,
    /// Why.
    pub reason: Reason,
    /// The job.
    #[serde(with = "attestation::hex")]
    pub job: Hash,
    /// The worker, if one has or had the job.
    #[serde(with = "crate::types::twin::optional_hash")]
    pub worker: Option<Hash>,
    /// Micro-tokens minted.
    #[serde(with = "crate::types::twin::micro")]
    pub minted: u128,
    /// Micro-tokens that the operator got from the escrow.
    #[serde(with = "crate::types::twin::micro")]
    pub paid: u128,
    /// Micro-tokens of the bond that were lost, where that is known.
    #[serde(with = "crate::types::twin::micro")]
    pub slashed: u128,
    /// Height at which that changes at the latest, if it can.
    pub until_height: Option<u64>,
    /// The same in words, and what to do.
    pub message: String,
}

/// What is said of a job, a lease or a result; none for an identifier of neither.
///
/// # Errors
/// [`StateError`] when the state cannot be read.
pub fn explain<S: Store>(machine: &Machine<S>, id: &Hash) -> Result<Option<Explanation>, StateError> {
    if let Some(result) = machine.get::<JobResult>(&Key::Result(*id))? {
        return Ok(Some(of_result(machine, &result)));
    }
    if let Some(lease) = machine.get::<WorkLease>(&Key::Lease(*id))? {
        return of_lease(machine, id, &lease).map(Some);
    }
    match machine.get::<InferenceJob>(&Key::Job(*id))? {
        Some(job) => of_job(machine, id, &job).map(Some),
        None => Ok(None),
    }
}

fn of_job<S: Store>(machine: &Machine<S>, id: &Hash, job: &InferenceJob) -> Result<Explanation, StateError> {
    let base = Explanation { until_height: Some(job.deadline), ..nothing(machine, *id, None) };
    match job.status {
        JobStatus::Open => Ok(Explanation {
            pay: Pay::Pending,
            message: "nobody has leased the job; a worker that serves its model and covers the bond can".to_owned(),
            ..base
        }),
        JobStatus::Expired => Ok(Explanation {
            pay: Pay::Unpaid,
            reason: Reason::JobExpired,
            until_height: None,
            message: "the job's deadline passed before it was done; its escrow went back to its poster".to_owned(),
            ..base
        }),
        JobStatus::Leased(lease) => {
            let record = machine.get(&Key::Lease(lease))?.ok_or(StateError::Object { key: Key::Lease(lease) })?;
            of_lease(machine, &lease, &record)
        }
        JobStatus::Pending(result) | JobStatus::Settled(result) => {
            let key = Key::Result(result);
            Ok(of_result(machine, &machine.get(&key)?.ok_or(StateError::Object { key })?))
        }
    }
}

fn of_lease<S: Store>(machine: &Machine<S>, id: &Hash, lease: &WorkLease) -> Result<Explanation, StateError> {
    let job = lease.context.job_id;
    let base = nothing(machine, job, Some(lease.context.worker));
    if matches!(lease.status, LeaseStatus::Submitted | LeaseStatus::Settled)
        && let Some(InferenceJob { status: JobStatus::Pending(result) | JobStatus::Settled(result), .. }) =
            machine.get(&Key::Job(job))?
        && let Some(result) = machine.get::<JobResult>(&Key::Result(result))?
        && result.lease == *id
    {
        return Ok(of_result(machine, &result));
    }
    Ok(match lease.status {
        LeaseStatus::Live => Explanation {
            reason: Reason::NotHandedIn,
            until_height: Some(lease.expires_height),
            message: format!("no result was handed in; hand it in until height {}", lease.expires_height),
            ..base
        },
        LeaseStatus::Late => Explanation {
            reason: Reason::Late,
            slashed: ran_out(machine, id, lease)?.unwrap_or(0),
            until_height: Some(lease.closes_height),
            message: format!(
                "the lease ran out at height {}; a result is taken until height {} if nobody else has the job by then",
                lease.expires_height, lease.closes_height
            ),
            ..base
        },
        LeaseStatus::Submitted | LeaseStatus::Settled | LeaseStatus::Closed => match ran_out(machine, id, lease)? {
            Some(slashed) if lease.status == LeaseStatus::Closed => Explanation {
                pay: Pay::Unpaid,
                reason: Reason::RanOut,
                slashed,
                message: format!(
                    "no result came until height {} nor in the grace window after it: take jobs that the machine can finish in their time",
                    lease.expires_height
                ),
                ..base
            },
            _ => Explanation {
                pay: Pay::Unpaid,
                reason: Reason::ResultNotSettled,
                message: "the lease ended and its result was convicted or void; ask for the result".to_owned(),
                ..base
            },
        },
    })
}

/// What a lease lost when it ran out, from the block in which it did; none if it did not, or the block is not kept.
fn ran_out<S: Store>(machine: &Machine<S>, id: &Hash, lease: &WorkLease) -> Result<Option<u128>, StateError> {
    if lease.expires_height > machine.height() {
        return Ok(None);
    }
    let block = machine.block(lease.expires_height)?;
    Ok(block.iter().flat_map(|committed| &committed.closing).find_map(|event| match event {
        Event::LeaseExpired { lease, slashed, .. } if lease == id => Some(*slashed),
        _ => None,
    }))
}

fn of_result<S: Store>(machine: &Machine<S>, result: &JobResult) -> Explanation {
    let until = result.timer.map_or(result.closes_height, |timer| timer.height);
    let base = Explanation { until_height: Some(until), ..nothing(machine, result.job, Some(result.worker)) };
    let pending = |reason, message: String| Explanation { reason, message, ..base.clone() };
    let over =
        |reason, message: String| Explanation { pay: Pay::Unpaid, reason, until_height: None, message, ..base.clone() };
    match result.stage {
        ResultStage::Settled => Explanation {
            pay: Pay::Paid,
            reason: Reason::Settled,
            minted: result.reward,
            paid: result.payment.saturating_sub(result.burned),
            until_height: None,
            message: format!("settled at height {} at trust {} of 10000", result.height, result.trust_bps),
            ..base
        },
        ResultStage::Drawing => pending(
            Reason::AwaitsDraw,
            format!(
                "handed in without a proof: the block at height {until} decides whether it is checked; with a proof it is paid at once"
            ),
        ),
        ResultStage::CheckCommit | ResultStage::CheckReveal => {
            pending(Reason::BeingChecked, format!("another worker runs it again until height {until}"))
        }
        ResultStage::Waiting => {
            pending(Reason::Challengeable, format!("anybody can call it wrong until height {until}; then it is paid"))
        }
        ResultStage::Answering => pending(
            Reason::Disputed,
            format!("called wrong: a proof of the output until height {until} ends the dispute; then a jury is drawn"),
        ),
        ResultStage::JuryCommit | ResultStage::JuryReveal => {
            pending(Reason::BeforeJury, format!("a jury runs it again until height {until}; its majority decides"))
        }
        ResultStage::Convicted => over(
            Reason::Convicted,
            format!(
                "at height {} a jury's majority had another output; the lease's bond is lost. Compare the worker's output with `assay model` on another machine before the next job: a second conviction bans it",
                result.height
            ),
        ),
        ResultStage::Void => over(
            Reason::Void,
            format!(
                "at height {} there were not enough workers to judge it; nobody was punished. Results with a proof need no judges",
                result.height
            ),
        ),
    }
}

/// Pending and without a reason worth telling; what every answer begins with.
fn nothing<S: Store>(machine: &Machine<S>, job: Hash, worker: Option<Hash>) -> Explanation {
    Explanation {
        height: machine.height(),
        pay: Pay::Pending,
        reason: Reason::NotLeased,
        job,
        worker,
        minted: 0,
        paid: 0,
        slashed: 0,
        until_height: None,
        message: String::new(),
    }
}

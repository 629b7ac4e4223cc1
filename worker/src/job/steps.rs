//! One job, step by step; each type says what has been done.
//!
//! [`Lease`] (taken, or taken up again) -> [`Ran`] -> [`Proven`] (with a proof where the lease asks for one) ->
//! [`Receipt`] (attested and signed) -> [`Submitted`] -> [`Final`]. Nothing here is kept in memory only: a lease that
//! was taken before a restart is opened from the chain's state and goes the same way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use attestation::evidence::Evidence;
use attestation::receipt::SignedReceipt;
use chain::state::Key;
use chain::types::transaction::{Action, LeaseJob, SubmitResult};
use chain::types::{
    DeviceBinding, Event, HardwareTier, Hash, InferenceJob, JobResult, JobStatus, LeaseKind, LeaseStatus, Model,
    ObjectRef, WorkLease, WorkerRegistration,
};
use circuits::model::tensor::Tensor;
use tokio::time::sleep;
use verifier::proof::Proof;

use super::follow::{Final, follow};
use crate::clock::ChainClock;
use crate::engine::Run;
use crate::error::WorkerError;
use crate::hardware::RunFigures;
use crate::inputs;
use crate::models::ServedModel;
use crate::operator::Operator;
use crate::report::WorkerReport;

/// Refusal of an object that changed meanwhile.
pub(super) const VERSION_STALE: u16 = 602;
/// Refusal of a time that the chain has not reached: its next block is not made yet.
const TIMESTAMP_OUTSIDE: u16 = 711;
/// How often a result is handed in again after a refusal that the next block may lift.
const ATTEMPTS: u32 = 20;
/// Pause before that.
const PAUSE: Duration = Duration::from_millis(250);

/// A job that is this worker's to do.
#[derive(Clone, Debug)]
pub struct Lease {
    id: Hash,
    record: WorkLease,
    clock: ChainClock,
    job: InferenceJob,
    input: Tensor,
    model: Arc<ServedModel>,
    tokens: (u64, u64),
    tier: HardwareTier,
}

impl Lease {
    /// Takes an open job.
    ///
    /// # Errors
    /// The chain's refusals, among them 602 and 603 when another worker was faster; [`WorkerError`].
    pub async fn take(operator: &Operator, job: ObjectRef, kind: LeaseKind) -> Result<Self, WorkerError> {
        let action = Action::LeaseJob(LeaseJob { job, worker: *operator.worker(), kind });
        let committed = operator.account().act(action).await?;
        let leased = committed.outcome.events.iter().find_map(|event| match event {
            Event::Leased { lease, .. } => Some(*lease),
            _ => None,
        });
        let transaction = committed.outcome.transaction;
        let lease = leased.ok_or(WorkerError::EventMissing { what: "lease", transaction })?;
        let lease = operator.patiently(|| Self::open(operator, &lease)).await?;
        let (id, expires_height) = (lease.id, lease.record.expires_height);
        operator.report(WorkerReport::Leased { job: job.id, lease: id, kind, expires_height });
        Ok(lease)
    }

    /// The lease that this worker's device is busy with, if any.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn held(operator: &Operator) -> Result<Option<Hash>, WorkerError> {
        let Some(registration) = operator.registration().await? else { return Ok(None) };
        let device = registration.device;
        let binding: DeviceBinding = operator.object(Key::Device(device), "device", &device).await?;
        Ok(binding.lease)
    }

    /// Takes up a lease from before a restart.
    ///
    /// # Errors
    /// [`WorkerError::ModelMissing`], [`WorkerError::Input`] if its model or its input is not at hand any more.
    pub async fn resume(operator: &Operator, id: &Hash) -> Result<Self, WorkerError> {
        let lease = operator.patiently(|| Self::open(operator, id)).await?;
        operator.report(WorkerReport::Resumed { job: *lease.job(), lease: *id });
        Ok(lease)
    }

    /// Reads everything that the work needs.
    async fn open(operator: &Operator, id: &Hash) -> Result<Self, WorkerError> {
        let time = operator.client().status().await?.time_ms;
        let clock = ChainClock::seen(time);
        let record: WorkLease = operator.object(Key::Lease(*id), "lease", id).await?;
        let job_id = record.context.job_id;
        let job: InferenceJob = operator.object(Key::Job(job_id), "job", &job_id).await?;
        let input = inputs::of_job(operator, &job_id, &job).await?;
        let model: Model = operator.object(Key::Model(job.model), "model", &job.model).await?;
        let worker = record.context.worker;
        let registration: WorkerRegistration = operator.object(Key::Worker(worker), "worker", &worker).await?;
        Ok(Self {
            id: *id,
            tokens: model.tokens_billed(),
            tier: registration.profile.tier,
            model: operator.model(&job.model)?,
            record,
            clock,
            job,
            input,
        })
    }

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &Hash {
        &self.id
    }

    /// What the chain holds about it.
    #[must_use]
    pub fn record(&self) -> &WorkLease {
        &self.record
    }

    /// Its job.
    #[must_use]
    pub fn job(&self) -> &Hash {
        &self.record.context.job_id
    }

    /// Runs the model on the job's input.
    ///
    /// # Errors
    /// [`WorkerError::Engine`].
    pub async fn run(self, operator: &Operator) -> Result<Ran, WorkerError> {
        let run = operator.run(&self.model, &self.input).await?;
        let completed_at = self.clock.now();
        let output = run.output()?;
        let elapsed_us = u64::try_from(run.elapsed.as_micros()).unwrap_or(u64::MAX);
        operator.report(WorkerReport::Ran { lease: self.id, elapsed_us });
        Ok(Ran { lease: self, run, output, completed_at })
    }
}

/// A run of a leased job's model.
#[derive(Clone, Debug)]
pub struct Ran {
    lease: Lease,
    run: Run,
    output: Tensor,
    completed_at: u64,
}

impl Ran {
    /// The output.
    #[must_use]
    pub fn output(&self) -> &Tensor {
        &self.output
    }

    /// Proves the run, if the lease asks for a proof.
    ///
    /// # Errors
    /// [`WorkerError::Prove`], also for a run that is not the model's.
    pub async fn prove(self, operator: &Operator) -> Result<Proven, WorkerError> {
        let proof = match self.lease.record.kind {
            LeaseKind::Sampled => None,
            LeaseKind::Proof => {
                let start = Instant::now();
                let digest = self.lease.record.context.digest();
                let proven = operator.prove(&self.lease.model, digest, self.run.trace.clone()).await?;
                let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                let (lease, bytes) = (self.lease.id, proven.proof.to_bytes().len());
                operator.report(WorkerReport::Proven { lease, bytes, elapsed_ms });
                Some(proven.proof)
            }
        };
        Ok(Proven { ran: self, proof })
    }
}

/// A run with what its lease asks to be shown.
#[derive(Clone, Debug)]
pub struct Proven {
    ran: Ran,
    proof: Option<Proof>,
}

impl Proven {
    /// Attests and signs it.
    ///
    /// # Errors
    /// [`WorkerError::Sign`].
    pub fn sign(self, operator: &Operator) -> Result<Receipt, WorkerError> {
        let Self { ran: Ran { lease, run, output, completed_at }, proof } = self;
        let figures = RunFigures {
            output_hash: output.hash(),
            units: lease.job.units,
            tokens: lease.tokens,
            tier: lease.tier,
            elapsed_ms: u64::try_from(run.elapsed.as_millis()).unwrap_or(u64::MAX),
            completed_at,
        };
        let (signed, evidence) = operator.hardware().sign(operator.key(), &lease.record.context, &figures)?;
        Ok(Receipt { lease, signed, evidence, output, proof })
    }
}

/// Everything that is handed in.
#[derive(Clone, Debug)]
pub struct Receipt {
    lease: Lease,
    signed: SignedReceipt,
    evidence: Evidence,
    output: Tensor,
    proof: Option<Proof>,
}

impl Receipt {
    /// The signed receipt.
    #[must_use]
    pub fn signed(&self) -> &SignedReceipt {
        &self.signed
    }

    /// What it is for.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Hands it in, once the chain's time has come to its date; finds out if it was handed in already.
    ///
    /// # Errors
    /// [`WorkerError::LeaseOver`]; the chain's refusals.
    pub async fn submit(&self, operator: &Operator) -> Result<Submitted, WorkerError> {
        let mut attempt = 0u32;
        loop {
            attempt = attempt.saturating_add(1);
            let error = match operator.patiently(|| self.try_submit(operator)).await {
                Err(error) if matches!(error.refusal(), Some(VERSION_STALE | TIMESTAMP_OUTSIDE)) => error,
                done => return done,
            };
            // The time comes while the lease lasts, if late: blocks are slow, or the node's clock was set back.
            if attempt >= ATTEMPTS && error.refusal() != Some(TIMESTAMP_OUTSIDE) {
                return Err(error);
            }
            if attempt == ATTEMPTS {
                operator.report_refusal("hand in a result yet", &self.lease.id, &error);
            }
            sleep(PAUSE).await;
        }
    }

    async fn try_submit(&self, operator: &Operator) -> Result<Submitted, WorkerError> {
        let (id, job_id) = (self.lease.id, *self.lease.job());
        // An answer that was lost, or a lease that timed out meanwhile, shows in the state.
        let record: WorkLease = operator.object(Key::Lease(id), "lease", &id).await?;
        match (record.status, record.kind) {
            (LeaseStatus::Live, _) | (LeaseStatus::Late, LeaseKind::Proof) => {}
            (LeaseStatus::Submitted | LeaseStatus::Settled, _) => {
                let job: InferenceJob = operator.object(Key::Job(job_id), "job", &job_id).await?;
                let (JobStatus::Pending(result) | JobStatus::Settled(result)) = job.status else {
                    return Err(WorkerError::LeaseOver { lease: id });
                };
                return self.submitted(operator, result).await;
            }
            (LeaseStatus::Late | LeaseStatus::Closed, _) => return Err(WorkerError::LeaseOver { lease: id }),
        }
        let action = SubmitResult {
            lease: ObjectRef { id, version: record.version },
            signed: self.signed.clone(),
            input: inputs::beside(&self.lease.job, &self.lease.input),
            output: self.output.clone(),
            evidence: self.evidence.clone(),
            collateral: operator.hardware().collateral(&self.evidence),
            proofs: self.proof.iter().map(Proof::to_bytes).collect(),
        };
        let committed = operator.account().act(Action::SubmitResult(Box::new(action))).await?;
        let taken = committed.outcome.events.iter().find_map(|event| match event {
            Event::Settled { result, .. } | Event::ResultPending { result, .. } => Some(*result),
            _ => None,
        });
        let transaction = committed.outcome.transaction;
        let result = taken.ok_or(WorkerError::EventMissing { what: "result", transaction })?;
        self.submitted(operator, result).await
    }

    async fn submitted(&self, operator: &Operator, result: Hash) -> Result<Submitted, WorkerError> {
        let record: JobResult = operator.object(Key::Result(result), "result", &result).await?;
        if record.lease != self.lease.id {
            return Err(WorkerError::LeaseOver { lease: self.lease.id });
        }
        operator.report(WorkerReport::Submitted { job: record.job, result, height: record.height });
        Ok(Submitted { result, record })
    }
}

/// A result that the chain took.
#[derive(Clone, Debug)]
pub struct Submitted {
    result: Hash,
    record: JobResult,
}

impl Submitted {
    /// Its identifier.
    #[must_use]
    pub fn result(&self) -> &Hash {
        &self.result
    }

    /// What the chain held about it when it was taken.
    #[must_use]
    pub fn record(&self) -> &JobResult {
        &self.record
    }

    /// Follows it until nothing more can happen to it, and answers a dispute with a proof.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn finality(&self, operator: &Operator) -> Result<Final, WorkerError> {
        follow(operator, self.result, self.record.height).await
    }
}

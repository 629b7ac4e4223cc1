//! What a result must satisfy, in order.

use attestation::context::WorkContext;
use attestation::receipt::{ReceiptError, WorkReceipt};
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;

use crate::rules::device::appraise;
use crate::rules::plausible::plausible;
use crate::rules::{Call, Execution, Failure, Reject};
use crate::state::keys::Key;
use crate::types::ids::{Hash, work_nullifier};
use crate::types::job::{
    InferenceJob, JobInput, JobStatus, LeaseKind, LeaseStatus, OUTPUT_BYTES_MAX, PROOF_BYTES_MAX, PROOFS_MAX, WorkLease,
};
use crate::types::model::Model;
use crate::types::transaction::{SubmitResult, encode};
use crate::types::worker::WorkerRegistration;

/// A result that passed every check.
pub(crate) struct Accepted {
    pub(crate) lease_id: Hash,
    pub(crate) lease: WorkLease,
    pub(crate) job: InferenceJob,
    pub(crate) work: Hash,
    pub(crate) evidence: Hash,
    pub(crate) receipt: Hash,
    pub(crate) output_hash: Hash,
    pub(crate) trust_bps: u32,
    pub(crate) elapsed_ms: u64,
}

/// Runs every check.
pub(crate) fn all(execution: &mut Execution<'_>, call: Call<'_>, action: &SubmitResult) -> Result<Accepted, Failure> {
    let receipt = &action.signed.receipt;
    chain(execution, &receipt.context)?;
    let lease = held(execution, call, action)?;
    same_context(&lease.context, &receipt.context)?;
    let work = unspent_work(execution, &lease)?;
    let job = live(execution, action, &lease)?;
    let evidence = unspent_evidence(execution, action)?;
    signature(action)?;
    let now = execution.environment.time_for(receipt.completed_at);
    timestamp(receipt, now)?;
    let worker: WorkerRegistration = execution.state.expect(&Key::Worker(lease.context.worker))?;
    let model: Model = execution.state.expect(&Key::Model(job.model))?;
    plausible(receipt, worker.profile.tier, model.tokens_billed()).map_err(Reject::MetadataImplausible)?;
    units(receipt, &job)?;
    let input = payload(action, &job)?;
    let earned = appraise(execution, &action.evidence, &action.collateral, &receipt.context, now)?.trust_bps;
    // spec: chain#trust-low
    if earned < job.policy.trust_bps_min {
        return Err(Reject::TrustLow { needed: job.policy.trust_bps_min, got: earned }.into());
    }
    let statement =
        Statement { context_digest: lease.context.digest(), input: input.clone(), output: action.output.clone() };
    // A proof settles at its own trust, whatever the hardware (SETTLEMENT 3.6).
    let trust_bps = match lease.kind {
        LeaseKind::Proof => {
            proof(execution, action, &lease, &model, &statement)?;
            execution.environment.params.reward.proof_trust_bps
        }
        LeaseKind::Sampled => {
            no_proof(action)?;
            earned
        }
    };
    Ok(Accepted {
        lease_id: action.lease.id,
        work,
        evidence,
        receipt: action.signed.digest(),
        output_hash: receipt.output_hash,
        elapsed_ms: receipt.metadata.elapsed_ms,
        trust_bps,
        lease,
        job,
    })
}

fn chain(execution: &Execution<'_>, context: &WorkContext) -> Result<(), Reject> {
    let environment = execution.environment;
    // spec: chain#receipt-chain-mismatch
    if context.chain_id != environment.chain_id {
        return Err(Reject::ReceiptChainMismatch { expected: environment.chain_id, got: context.chain_id });
    }
    // spec: chain#receipt-genesis-mismatch
    if context.genesis != *environment.genesis {
        return Err(Reject::ReceiptGenesisMismatch { expected: *environment.genesis, got: context.genesis });
    }
    Ok(())
}

fn held(execution: &mut Execution<'_>, call: Call<'_>, action: &SubmitResult) -> Result<WorkLease, Failure> {
    // spec: chain#lease-unknown
    let lease: Option<WorkLease> = execution.state.get(&Key::Lease(action.lease.id))?;
    let lease = lease.ok_or(Reject::LeaseUnknown { lease: action.lease.id })?;
    // spec: chain#lease-not-senders
    if lease.operator != *call.sender {
        let (expected, got) = (lease.operator, *call.sender);
        return Err(Reject::LeaseNotSenders { lease: action.lease.id, expected, got }.into());
    }
    Ok(lease)
}

/// The receipt's context is the leased one, field by field.
pub(crate) fn same_context(leased: &WorkContext, stated: &WorkContext) -> Result<(), Reject> {
    let WorkContext { chain_id, genesis, job_id, model_hash, input_hash, worker, device_id, nonce, timestamp } =
        *leased;
    // spec: chain#context-mismatch
    for (field, equal) in [
        ("chain_id", chain_id == stated.chain_id),
        ("genesis", genesis == stated.genesis),
        ("job_id", job_id == stated.job_id),
        ("model_hash", model_hash == stated.model_hash),
        ("input_hash", input_hash == stated.input_hash),
        ("worker", worker == stated.worker),
        ("device_id", device_id == stated.device_id),
        ("nonce", nonce == stated.nonce),
        ("timestamp", timestamp == stated.timestamp),
    ] {
        if !equal {
            return Err(Reject::ContextMismatch { field });
        }
    }
    Ok(())
}

fn unspent_work(execution: &mut Execution<'_>, lease: &WorkLease) -> Result<Hash, Failure> {
    let WorkContext { chain_id, job_id, model_hash, input_hash, worker, .. } = lease.context;
    let nullifier = work_nullifier(chain_id, &job_id, &model_hash, &input_hash, &worker);
    // spec: chain#work-spent
    if lease.status == LeaseStatus::Settled || execution.state.contains(&Key::SpentWork(nullifier))? {
        return Err(Reject::WorkSpent { nullifier }.into());
    }
    Ok(nullifier)
}

fn live(execution: &mut Execution<'_>, action: &SubmitResult, lease: &WorkLease) -> Result<InferenceJob, Failure> {
    let id = action.lease.id;
    let over = Reject::LeaseOver { lease: id, expired: lease.expires_height, closed: lease.closes_height };
    let job: InferenceJob = execution.state.expect(&Key::Job(lease.context.job_id))?;
    match lease.status {
        LeaseStatus::Live => {}
        // What a timeout burned is missing from the bond that I1 asked for.
        LeaseStatus::Late if lease.kind == LeaseKind::Sampled => return Err(over.into()),
        // spec: chain#job-retaken
        LeaseStatus::Late if job.status == JobStatus::Open => {}
        LeaseStatus::Late => return Err(Reject::JobRetaken { job: lease.context.job_id }.into()),
        // spec: chain#lease-over
        LeaseStatus::Closed | LeaseStatus::Submitted | LeaseStatus::Settled => return Err(over.into()),
    }
    if lease.version != action.lease.version {
        return Err(Reject::VersionStale { id, expected: lease.version, got: action.lease.version }.into());
    }
    Ok(job)
}

fn unspent_evidence(execution: &mut Execution<'_>, action: &SubmitResult) -> Result<Hash, Failure> {
    let nullifier = action.evidence.nullifier().key();
    // spec: chain#evidence-spent
    if execution.state.contains(&Key::SpentEvidence(nullifier))? {
        return Err(Reject::EvidenceSpent { nullifier }.into());
    }
    Ok(nullifier)
}

fn signature(action: &SubmitResult) -> Result<(), Reject> {
    // spec: chain#receipt-invalid
    match action.signed.verify() {
        // The order of times is judged next, with the block's time beside it.
        Ok(()) | Err(ReceiptError::CompletedBeforeLease { .. }) => Ok(()),
        Err(error) => Err(Reject::ReceiptInvalid(error)),
    }
}

fn timestamp(receipt: &WorkReceipt, now: u64) -> Result<(), Reject> {
    let (min, got) = (receipt.context.timestamp, receipt.completed_at);
    // spec: chain#timestamp-outside
    if !(min..=now).contains(&got) {
        return Err(Reject::TimestampOutside { min, max: now, got });
    }
    Ok(())
}

fn units(receipt: &WorkReceipt, job: &InferenceJob) -> Result<(), Reject> {
    // spec: chain#units-mismatch
    if receipt.compute_units != job.units {
        return Err(Reject::UnitsMismatch { expected: job.units, got: receipt.compute_units });
    }
    Ok(())
}

/// Input, output and evidence are those of the job and the receipt; returns the input.
fn payload<'a>(action: &'a SubmitResult, job: &'a InferenceJob) -> Result<&'a Tensor, Reject> {
    let receipt = &action.signed.receipt;
    let input = job_input(job, action.input.as_ref())?;
    // spec: chain#output-oversized
    let got = encode(&action.output).len();
    if got > OUTPUT_BYTES_MAX {
        return Err(Reject::OutputOversized { max: OUTPUT_BYTES_MAX, got });
    }
    // spec: chain#output-hash-mismatch
    let got = action.output.hash();
    if got != receipt.output_hash {
        return Err(Reject::OutputHashMismatch { expected: receipt.output_hash, got });
    }
    // spec: chain#evidence-digest-mismatch
    let got = action.evidence.digest();
    if got != receipt.evidence_digest {
        return Err(Reject::EvidenceDigestMismatch { expected: receipt.evidence_digest, got });
    }
    // A quote vouches for a session key; the output must be signed with it.
    // spec: chain#receipt-invalid
    action.signed.check_evidence(&action.evidence).map_err(Reject::ReceiptInvalid)?;
    Ok(input)
}

/// The job's input: its own, or the one that came and has the hash the job names.
pub(crate) fn job_input<'a>(job: &'a InferenceJob, brought: Option<&'a Tensor>) -> Result<&'a Tensor, Reject> {
    // spec: chain#input-presence
    let input = match (&job.input, brought) {
        (JobInput::Inline(tensor), None) | (JobInput::Reference(_), Some(tensor)) => tensor,
        (JobInput::Inline(_), Some(_)) => return Err(Reject::InputPresence { expected: false }),
        (JobInput::Reference(_), None) => return Err(Reject::InputPresence { expected: true }),
    };
    // spec: chain#input-hash-mismatch
    let got = input.hash();
    if got != job.input_hash {
        return Err(Reject::InputHashMismatch { expected: job.input_hash, got });
    }
    Ok(input)
}

fn proof(
    execution: &Execution<'_>,
    action: &SubmitResult,
    lease: &WorkLease,
    model: &Model,
    statement: &Statement,
) -> Result<(), Failure> {
    // spec: chain#proof-count
    let [bytes] = action.proofs.as_slice() else {
        return Err(Reject::ProofCount { expected: PROOFS_MAX, got: action.proofs.len() }.into());
    };
    one_proof(execution, &lease.context.model_hash, model, statement, bytes)
}

/// Verifies one proof of `statement`.
pub(crate) fn one_proof(
    execution: &Execution<'_>,
    model_hash: &Hash,
    model: &Model,
    statement: &Statement,
    bytes: &[u8],
) -> Result<(), Failure> {
    // spec: chain#proof-oversized
    if bytes.len() > PROOF_BYTES_MAX {
        return Err(Reject::ProofOversized { max: PROOF_BYTES_MAX, got: bytes.len() }.into());
    }
    execution.environment.services.verify(model_hash, model, statement, bytes)
}

/// A sampled lease takes none: who has a proof leases with one, and is paid at once.
fn no_proof(action: &SubmitResult) -> Result<(), Reject> {
    match action.proofs.len() {
        0 => Ok(()),
        got => Err(Reject::ProofCount { expected: 0, got }),
    }
}

//! Jobs, the leases on them, and their results.
//!
//! A job is `Open`, `Leased` to one worker, `Settled` or `Expired`. A lease is `Live` until its timeout, then `Late` for
//! the grace window (the job is open again, and whoever is first has it), then `Closed`; or it is `Settled` by its result.
//! A sampled result keeps its job `Pending` and its lease `Submitted` until its review ends.

use attestation::context::WorkContext;
use borsh::{BorshDeserialize, BorshSerialize};
use circuits::model::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};
use super::standing::Region;
use super::timer::TimerSlot;

/// Largest inline input, bytes of its canonical encoding.
pub const INPUT_BYTES_MAX: usize = 64 << 10;
/// Largest output, bytes of its canonical encoding.
pub const OUTPUT_BYTES_MAX: usize = 64 << 10;
/// Workers that failed at a job and are remembered.
pub const FAILED_MAX: usize = 16;
/// Most proofs of one result.
pub const PROOFS_MAX: usize = 1;
/// Largest proof, bytes.
pub const PROOF_BYTES_MAX: usize = 64 << 10;

/// The input of a job.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum JobInput {
    /// The quantised tensor itself, at most [`INPUT_BYTES_MAX`]. Public: everybody reads it.
    Inline(Tensor),
    /// Its tensor hash; the tensor arrives with the result.
    Reference(#[serde(with = "attestation::hex")] Hash),
}

impl JobInput {
    /// Tensor hash of the input.
    #[must_use]
    pub fn hash(&self) -> Hash {
        match self {
            Self::Inline(tensor) => tensor.hash(),
            Self::Reference(hash) => *hash,
        }
    }
}

/// What a result must bring beside a signed receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobPolicy {
    /// A proof that verifies.
    pub proof_required: bool,
    /// Least trust, bps, that the evidence must be appraised at.
    pub trust_bps_min: u32,
    /// Least share of results, bps, that a spot check must re-run when there is no proof.
    pub spot_rate_bps_min: u32,
}

/// How long a lease lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum JobClass {
    /// The standard timeout.
    Standard,
    /// The timeout for large models.
    Large,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum JobStatus {
    /// Any eligible worker can lease it.
    Open,
    /// One worker works on it.
    Leased(#[serde(with = "attestation::hex")] Hash),
    /// A sampled result is under review.
    Pending(#[serde(with = "attestation::hex")] Hash),
    /// Done, by this result.
    Settled(#[serde(with = "attestation::hex")] Hash),
    /// The deadline passed; the escrow went back.
    Expired,
}

/// Where a job should run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Placement {
    /// Least video memory that a worker must declare, MiB; 0 for none.
    pub video_memory_mib_min: u64,
    /// Where workers are preferred; 0 for anywhere.
    pub region: Region,
}

/// Whom an open job is kept for.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Opening {
    /// Last height at which it is kept for the best; 0 if never.
    pub exclusive_until: u64,
    /// The coordinator's choice, in place of the score.
    #[serde(with = "crate::types::twin::optional_hash")]
    pub assigned: Option<Hash>,
    /// Workers that failed at it, the latest last; it is kept for others.
    #[serde(with = "crate::types::twin::hashes")]
    pub failed: Vec<Hash>,
}

/// A paid request to run a model on an input.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferenceJob {
    /// Starts at 1.
    pub version: u64,
    /// Account that pays.
    pub poster: Address,
    /// Model to run.
    #[serde(with = "attestation::hex")]
    pub model: Hash,
    /// Input to run it on.
    pub input: JobInput,
    /// Tensor hash of the input.
    #[serde(with = "attestation::hex")]
    pub input_hash: Hash,
    /// What a result must bring.
    pub policy: JobPolicy,
    /// Timeout class.
    pub class: JobClass,
    /// Micro-tokens the poster pays per unit.
    #[serde(with = "crate::types::twin::micro")]
    pub price_per_unit: u128,
    /// Units of the job, by the model's formula.
    pub units: u64,
    /// Micro-tokens locked for payment.
    #[serde(with = "crate::types::twin::micro")]
    pub escrow: u128,
    /// Last height at which it can be settled.
    pub deadline: u64,
    /// Timer of the deadline.
    pub timer: TimerSlot,
    /// Where it stands.
    pub status: JobStatus,
    /// Where it should run.
    pub placement: Placement,
    /// Whom it is kept for while it is open.
    pub opening: Opening,
}

/// How the result of a lease becomes final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum LeaseKind {
    /// By a proof, at once.
    Proof = 0,
    /// By sampling, at the end of its challenge window.
    Sampled = 1,
}

/// Where a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LeaseStatus {
    /// Within its timeout.
    Live,
    /// Timed out, within the grace window.
    Late,
    /// Its result is under review; the bond stays.
    Submitted,
    /// Its result was settled.
    Settled,
    /// Over without a result, or with one that was convicted or void.
    Closed,
}

/// One worker's right to one job.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkLease {
    /// Starts at 1.
    pub version: u64,
    /// How its result becomes final.
    pub kind: LeaseKind,
    /// Account of the worker's operator.
    pub operator: Address,
    /// What the work is bound to.
    pub context: WorkContext,
    /// Micro-tokens locked for this lease alone.
    #[serde(with = "crate::types::twin::micro")]
    pub bond: u128,
    /// Height of the lease.
    pub leased_height: u64,
    /// Last height within the timeout.
    pub expires_height: u64,
    /// Last height within the grace window.
    pub closes_height: u64,
    /// Timer of the timeout or of the grace window.
    pub timer: TimerSlot,
    /// Where it stands.
    pub status: LeaseStatus,
}

/// Where a result stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ResultStage {
    /// Waits for the beacon that decides whether it is checked, and by whom.
    Drawing,
    /// Its checker commits.
    CheckCommit,
    /// Its checker reveals.
    CheckReveal,
    /// Not drawn, or found right: waits for the end of its challenge window.
    Waiting,
    /// Disputed: its worker may answer with a proof.
    Answering,
    /// Disputed: its jurors commit.
    JuryCommit,
    /// Disputed: its jurors reveal.
    JuryReveal,
    /// Paid and minted for.
    Settled,
    /// Found wrong.
    Convicted,
    /// Nobody could judge it: unpaid, not punished.
    Void,
    /// Disputed: a jury found it wrong, and its worker may appeal, or has.
    Appealing,
    /// A canary: planted to be wrong, unpaid, not punished; its job is open again.
    Canary,
}

impl ResultStage {
    /// Whether nothing more can happen to the result.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Convicted | Self::Void | Self::Canary)
    }

    /// Whether a dispute runs.
    #[must_use]
    pub fn is_disputed(self) -> bool {
        matches!(self, Self::Answering | Self::JuryCommit | Self::JuryReveal | Self::Appealing)
    }
}

/// An accepted result. Under review its amounts are zero and its trust is that of its evidence.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobResult {
    /// Starts at 1.
    pub version: u64,
    /// The lease it fulfils.
    #[serde(with = "attestation::hex")]
    pub lease: Hash,
    /// The job.
    #[serde(with = "attestation::hex")]
    pub job: Hash,
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Digest of the signed receipt.
    #[serde(with = "attestation::hex")]
    pub receipt: Hash,
    /// Tensor hash of the output.
    #[serde(with = "attestation::hex")]
    pub output_hash: Hash,
    /// Units billed and minted for.
    pub units: u64,
    /// Trust the mint was made at, bps.
    pub trust_bps: u32,
    /// Micro-tokens the poster paid, burned share included.
    #[serde(with = "crate::types::twin::micro")]
    pub payment: u128,
    /// Micro-tokens of the payment that were burned.
    #[serde(with = "crate::types::twin::micro")]
    pub burned: u128,
    /// Micro-tokens minted.
    #[serde(with = "crate::types::twin::micro")]
    pub reward: u128,
    /// Height of its last change.
    pub height: u64,
    /// Where it stands.
    pub stage: ResultStage,
    /// Last height at which it can be challenged, unless a review goes on.
    pub closes_height: u64,
    /// Timer of the stage; none once final.
    pub timer: Option<TimerSlot>,
    /// Draws of the present check or jury.
    pub draws: u32,
    /// Workers drawn so far; nobody is drawn twice for one result.
    #[serde(with = "crate::types::twin::hashes")]
    pub drawn: Vec<Hash>,
    /// Height at which it was handed in.
    pub submitted_height: u64,
    /// Time the worker says it computed for, milliseconds; at most the time since its lease.
    pub elapsed_ms: u64,
}

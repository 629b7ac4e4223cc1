//! What the loops tell whoever runs them, as it happens.

use std::sync::Arc;

use attestation::receipt::HardwareTier;
use chain::types::{Hash, LeaseKind};
use serde::Serialize;

/// One thing that happened to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum WorkerReport {
    /// A loop begins.
    Started {
        /// Which one.
        activity: Activity,
        /// Height from which it reads.
        height: u64,
    },
    /// A loop ended as it was told to.
    Stopped {
        /// Which one.
        activity: Activity,
    },
    /// The worker is faster than the class of speed it was registered with, and declared the right one.
    TierDeclared {
        /// The class.
        tier: HardwareTier,
    },
    /// A job was leased.
    Leased {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
        /// How its result becomes final.
        kind: LeaseKind,
        /// Last height within the timeout.
        expires_height: u64,
    },
    /// A lease from before is taken up again.
    Resumed {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
    },
    /// An open job does not fit the worker; said once for each version of a job.
    Passed {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// Why.
        reason: String,
    },
    /// Another worker was faster. Not an error.
    RaceLost {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
    },
    /// The synthetic task of an epoch was answered.
    Present {
        /// The epoch.
        epoch: u64,
    },
    /// The model ran.
    Ran {
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
        /// Time on the device, microseconds.
        elapsed_us: u64,
    },
    /// A proof was made and verified.
    Proven {
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
        /// Bytes of the proof.
        bytes: usize,
        /// How long it took, milliseconds.
        elapsed_ms: u64,
    },
    /// A result was taken.
    Submitted {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Height of the block that took it.
        height: u64,
    },
    /// A result was paid for.
    Settled {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Micro-tokens minted.
        #[serde(with = "chain::types::twin::micro")]
        reward: u128,
        /// Micro-tokens got from the escrow.
        #[serde(with = "chain::types::twin::micro")]
        paid: u128,
        /// Height of the block that settled it.
        height: u64,
    },
    /// A result was called wrong.
    Disputed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Last height of an answer.
        answer_until: u64,
    },
    /// A jury found a result wrong, and its verdict can still be answered.
    FoundWrong {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Last height of an answer or appeal.
        answer_until: u64,
    },
    /// A larger jury was asked for.
    Appealed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Height of the block that took the appeal.
        height: u64,
    },
    /// A dispute was answered with a proof.
    Answered {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Height of the block that took the proof.
        height: u64,
    },
    /// A dispute cannot be answered; a jury decides.
    Unanswered {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Why.
        reason: String,
    },
    /// A result was found wrong.
    Convicted {
        /// The job, which is open again.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Height of the block that convicted it.
        height: u64,
    },
    /// Nobody could judge a result: unpaid, not punished.
    Voided {
        /// The job.
        #[serde(with = "attestation::hex")]
        job: Hash,
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Height of the block that voided it.
        height: u64,
    },
    /// The work on a lease came to nothing; it is tried again a few times while the lease lasts.
    LeaseFailed {
        /// The lease.
        #[serde(with = "attestation::hex")]
        lease: Hash,
        /// Why.
        reason: String,
    },
    /// The worker was drawn to review a result.
    CheckDrawn {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// As what.
        seat: SeatKind,
    },
    /// It committed to its own run.
    Committed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Height of the block that took it.
        height: u64,
    },
    /// It opened its commitment.
    Revealed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Whether its own run gave the result's output.
        agrees: bool,
        /// Height of the block that took it.
        height: u64,
    },
    /// It gives no answer to a review: it never votes for what it did not compute.
    Silent {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Why.
        reason: String,
    },
    /// It lost part of its audit bond, for silence or another answer than the verdict.
    AuditSlashed {
        /// The result.
        #[serde(with = "attestation::hex")]
        result: Hash,
        /// Micro-tokens.
        #[serde(with = "chain::types::twin::micro")]
        slashed: u128,
    },
    /// A rule refused a transaction.
    Refused {
        /// What was tried.
        action: &'static str,
        /// The job, lease or result that it was about.
        #[serde(with = "attestation::hex")]
        about: Hash,
        /// Stable number.
        code: u16,
        /// The rule's section of the specification.
        rule: String,
        /// What was expected, what came, and what to do.
        message: String,
    },
    /// The node does not answer; the loop waits for it.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// The node answers again.
    Reconnected,
}

/// The loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// [`crate::JobLoop`].
    Jobs,
    /// [`crate::CheckLoop`].
    Checks,
    /// [`crate::PresenceLoop`].
    Presence,
}

/// What a worker is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatKind {
    /// The checker of a spot check.
    Checker,
    /// A juror of a dispute.
    Juror,
}

/// Where reports go; clones share it.
#[derive(Clone)]
pub struct Reports(Arc<dyn Fn(WorkerReport) + Send + Sync>);

impl Reports {
    /// Hands every report to `listener`, which must not block: it is called from the loops.
    #[must_use]
    pub fn new(listener: impl Fn(WorkerReport) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Drops every report.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    pub(crate) fn send(&self, report: WorkerReport) {
        (self.0)(report);
    }
}

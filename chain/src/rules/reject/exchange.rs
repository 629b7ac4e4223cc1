//! Refusals of reports of equivocation, of decisions of the issuing authority, and of anchors.

use attestation::hex;
use attestation::identity::IdentityError;
use thiserror::Error;

use super::Reject;
use crate::types::ids::Hash;

/// Why a report, a decision or an anchor was refused. Fields as in [`Reject`].
#[expect(missing_docs, reason = "the fields are described once, at `Reject`")]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExchangeReject {
    /// The receipts do not contradict each other.
    #[error("misbehaviour: expected two receipts of the context of lease {} with different outputs", hex::encode(.lease))]
    NotConflicting { lease: Hash },
    /// Punished before.
    #[error("misbehaviour: the worker was punished for lease {} at height {height}", hex::encode(.lease))]
    PunishedAlready { lease: Hash, height: u64 },
    /// Too long ago.
    #[error("misbehaviour: reports about lease {} were taken to height {until}", hex::encode(.lease))]
    MisbehaviourOld { lease: Hash, until: u64 },
    /// There is no issuing authority any more.
    #[error("mint authority: left to the rules at height {height}; verified work is the only source of tokens")]
    AuthorityTransferred { height: u64 },
    /// Too few keys approved.
    #[error("mint authority approvals: expected at least {needed}, got {got}")]
    ApprovalsShort { needed: u32, got: u32 },
    /// An approval by a stranger, out of order, or of another decision.
    #[error(
        "mint authority approval {position}: expected a signature of decision number {decision} by a key of the authority, ascending by address"
    )]
    ApprovalInvalid { position: usize, decision: u64 },
    /// More than genesis lets the authority issue.
    #[error("issue: expected at most {cap} micro-tokens in all, {issued} were issued, got {amount} more")]
    IssueAboveCap { cap: u128, issued: u128, amount: u128 },
    /// Anchored before.
    #[error("receipt {}: anchored at height {height}", hex::encode(.receipt))]
    AnchorDuplicate { receipt: Hash, height: u64 },
    /// Not the coordinator's signature.
    #[error("receipt {}: co-signature: {error}", hex::encode(.receipt))]
    CoSignatureInvalid { receipt: Hash, error: IdentityError },
}

impl ExchangeReject {
    pub(super) fn entry(&self) -> (u16, &'static str) {
        match self {
            Self::NotConflicting { .. } => (920, "not-conflicting"),
            Self::PunishedAlready { .. } => (921, "punished-already"),
            Self::MisbehaviourOld { .. } => (922, "misbehaviour-old"),
            Self::AuthorityTransferred { .. } => (1130, "authority-transferred"),
            Self::ApprovalsShort { .. } => (1131, "approvals-short"),
            Self::ApprovalInvalid { .. } => (1132, "approval-invalid"),
            Self::IssueAboveCap { .. } => (1133, "issue-above-cap"),
            Self::AnchorDuplicate { .. } => (1140, "anchor-duplicate"),
            Self::CoSignatureInvalid { .. } => (1141, "co-signature-invalid"),
        }
    }
}

impl From<ExchangeReject> for Reject {
    fn from(reject: ExchangeReject) -> Self {
        Self::Exchange(reject)
    }
}

impl From<ExchangeReject> for crate::rules::Failure {
    fn from(reject: ExchangeReject) -> Self {
        Reject::from(reject).into()
    }
}

//! Refusals of governance.

use attestation::hex;
use thiserror::Error;

use super::Reject;
use crate::types::ids::Hash;
use crate::types::params::ParamsError;

/// Why a proposal or a vote was refused. Fields as in [`Reject`].
#[expect(missing_docs, reason = "the fields are described once, at `Reject`")]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GovernanceReject {
    /// The worker's stake has no vote.
    #[error("worker {}: expected a stake of at least {needed} micro-tokens, the first tier, got {got}", hex::encode(.worker))]
    TierMissing { worker: Hash, needed: u128, got: u128 },
    /// The worker proposed not long ago.
    #[error("worker {}: proposed before; propose again after height {until}", hex::encode(.worker))]
    Cooldown { worker: Hash, until: u64 },
    /// Parameters out of bounds, or an inequality that does not hold.
    #[error("proposed parameters: {0}")]
    Params(ParamsError),
    /// A parameter that is for genesis alone.
    #[error("proposed parameters: {name} is fixed by genesis: expected {expected}, got {got}")]
    Fixed { name: &'static str, expected: u64, got: u64 },
    /// A parameter that governance may lower only.
    #[error("proposed parameters: {name}: expected at most {max}, the value of genesis, got {got}")]
    AboveGenesis { name: &'static str, max: u128, got: u128 },
    /// No such proposal.
    #[error("proposal {}: unknown", hex::encode(.proposal))]
    ProposalUnknown { proposal: Hash },
    /// The vote is over.
    #[error("proposal {}: votes were taken to height {until}", hex::encode(.proposal))]
    VoteOver { proposal: Hash, until: u64 },
    /// One vote per worker.
    #[error("proposal {}: worker {} has voted already", hex::encode(.proposal), hex::encode(.worker))]
    VotedAlready { proposal: Hash, worker: Hash },
    /// No other chain, or another one under a number that is linked.
    #[error("link to chain {chain_id} of genesis {}: expected another chain than this, and the genesis that is linked under its number", hex::encode(.genesis))]
    LinkInvalid { chain_id: u32, genesis: Hash },
}

impl GovernanceReject {
    pub(super) fn entry(&self) -> (u16, &'static str) {
        match self {
            Self::TierMissing { .. } => (1101, "tier-missing"),
            Self::Cooldown { .. } => (1102, "proposal-cooldown"),
            Self::Params(_) => (1103, "parameters-refused"),
            Self::Fixed { .. } => (1104, "parameter-fixed"),
            Self::AboveGenesis { .. } => (1105, "parameter-above-genesis"),
            Self::ProposalUnknown { .. } => (1106, "proposal-unknown"),
            Self::VoteOver { .. } => (1107, "vote-over"),
            Self::VotedAlready { .. } => (1108, "voted-already"),
            Self::LinkInvalid { .. } => (1109, "link-invalid"),
        }
    }
}

impl From<GovernanceReject> for Reject {
    fn from(reject: GovernanceReject) -> Self {
        Self::Governance(reject)
    }
}

impl From<GovernanceReject> for crate::rules::Failure {
    fn from(reject: GovernanceReject) -> Self {
        Reject::from(reject).into()
    }
}

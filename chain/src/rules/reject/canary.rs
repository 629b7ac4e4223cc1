//! Refusals of canaries.

use attestation::hex;
use thiserror::Error;

use super::Reject;
use crate::types::ids::{Address, Hash};

/// Why a canary was not planted or not revealed. Fields as in [`Reject`].
#[expect(missing_docs, reason = "the fields are described once, at `Reject`")]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CanaryReject {
    /// The parameters name no planter.
    #[error("canary: the parameters name no planter; governance names one")]
    Off,
    /// Another account than the planter.
    #[error("canary: expected its planter {expected}, got {got}")]
    PlanterMismatch { expected: Address, got: Address },
    /// Enough for one epoch.
    #[error("canary: {max} were planted in epoch {epoch}; plant in the next")]
    Full { epoch: u64, max: u32 },
    /// The same commitment again.
    #[error("canary {}: planted at height {height}; another needs another salt", hex::encode(.canary))]
    Planted { canary: Hash, height: u64 },
    /// No such commitment, or its time is over.
    #[error("canary {}: not planted, or lapsed; expected the salt under which this work and output were planted", hex::encode(.canary))]
    Unknown { canary: Hash },
    /// Committed when the result was known.
    #[error("canary {}: planted at height {planted}, expected before height {submitted}, at which its result was handed in", hex::encode(.canary))]
    Late { canary: Hash, planted: u64, submitted: u64 },
    /// Its draw or its check runs.
    #[error("result {}: its draw or check runs to height {until}; reveal it after that", hex::encode(.result))]
    Early { result: Hash, until: u64 },
    /// A jury has it.
    #[error("result {}: a jury was drawn, so it is judged like any other", hex::encode(.result))]
    Closed { result: Hash },
    /// The result could have earned more.
    #[error("canary bond: expected at least {needed} micro-tokens, what the result could have earned, got {got}")]
    BondShort { needed: u128, got: u128 },
    /// The result is right.
    #[error("result {}: the proof is of the output that was handed in, so it is no canary", hex::encode(.result))]
    Right { result: Hash },
    /// I2 at a lease.
    #[error(
        "I2: eps (J + s_a) > c_v: expected more than {cost} micro-tokens, the cost of a check of this job, at eps = {rate_ppm} ppm got {got}; lease it with a proof"
    )]
    DiligenceUnpaid { rate_ppm: u32, cost: u128, got: u128 },
}

impl CanaryReject {
    pub(super) fn entry(&self) -> (u16, &'static str) {
        match self {
            Self::Off => (1301, "canary-off"),
            Self::PlanterMismatch { .. } => (1302, "planter-mismatch"),
            Self::Full { .. } => (1303, "canaries-full"),
            Self::Planted { .. } => (1304, "canary-planted"),
            Self::Unknown { .. } => (1305, "canary-unknown"),
            Self::Late { .. } => (1306, "canary-late"),
            Self::Early { .. } => (1307, "canary-early"),
            Self::Closed { .. } => (1308, "canary-closed"),
            Self::BondShort { .. } => (1309, "canary-bond-short"),
            Self::Right { .. } => (1310, "canary-right"),
            Self::DiligenceUnpaid { .. } => (1311, "diligence-unpaid"),
        }
    }
}

impl From<CanaryReject> for Reject {
    fn from(reject: CanaryReject) -> Self {
        Self::Canary(reject)
    }
}

impl From<CanaryReject> for crate::rules::Failure {
    fn from(reject: CanaryReject) -> Self {
        Reject::from(reject).into()
    }
}

//! Transactions about who works: what a worker says of itself, who is to have a job, and receipts that cannot be true.

use attestation::receipt::SignedReceipt;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::economics::hours::HardwareRates;
use crate::types::ids::{Hash, ObjectRef};
use crate::types::standing::Region;
use crate::types::worker::HardwareProfile;

/// Changes what a worker declares about itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateWorker {
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Declared hardware.
    pub profile: HardwareProfile,
    /// Models it serves, ascending and distinct.
    #[serde(with = "crate::types::twin::hashes")]
    pub models: Vec<Hash>,
    /// Where it stands.
    pub region: Region,
    /// What it is metered by where rewards follow hardware and hours.
    #[serde(default)]
    pub rates: HardwareRates,
}

/// Shows a receipt whose own figures contradict each other, signed by the worker that leased the job.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportImplausible {
    /// The lease that the receipt is for.
    #[serde(with = "attestation::hex")]
    pub lease: Hash,
    /// The receipt.
    pub signed: SignedReceipt,
}

/// The coordinator's choice of a worker for an open job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposeAssignment {
    /// The job, at the version the coordinator saw.
    pub job: ObjectRef,
    /// Worker that may lease it while it is kept.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
}

//! Software evidence: for machines without attesting hardware.
//!
//! It adds **no security over the receipt signature**: whoever holds the worker's key can write any executable hash and
//! any host name. It exists so that every receipt has evidence of one shape, is spent once per device, and earns the
//! lowest trust. Its device id is `derive_key("assay 2026 software-device v1", worker id)`, where the worker id is
//! itself the hash of the worker's ML-DSA key, so that a verifier that holds only the context can recompute it.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    context::WorkContext,
    evidence::{Attester, AttesterError, Evidence, EvidenceKind},
    hash::{derive, purpose},
    identity::ml_dsa,
    text::Text,
};

/// Most bytes of a host name.
pub const HOST_BYTES_MAX: usize = 128;

/// What a program says about itself. A claim, not a proof.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftwareEvidence {
    /// Digest of the context it was made for.
    #[serde(with = "crate::hex")]
    pub context_digest: [u8; 32],
    /// Id that stands for "this worker without hardware".
    #[serde(with = "crate::hex")]
    pub device_id: [u8; 32],
    /// Hash of the executable, as it says of itself.
    #[serde(with = "crate::hex")]
    pub executable_hash: [u8; 32],
    /// Name of the machine, as it says of itself.
    pub host: Text<HOST_BYTES_MAX>,
}

/// Device id of the worker with this id ([`ml_dsa::PublicKey::id`]) when it has no attesting hardware.
#[must_use]
pub fn device_id(worker: &[u8; 32]) -> [u8; 32] {
    derive(purpose::SOFTWARE_DEVICE, &[worker])
}

/// Makes [`SoftwareEvidence`] for one worker.
#[derive(Clone, Debug)]
pub struct SoftwareAttester {
    worker: [u8; 32],
    executable_hash: [u8; 32],
    host: Text<HOST_BYTES_MAX>,
}

impl SoftwareAttester {
    /// An attester for the worker with this key. Executable hash and host name are whatever the caller states.
    #[must_use]
    pub fn new(worker: &ml_dsa::PublicKey, executable_hash: [u8; 32], host: Text<HOST_BYTES_MAX>) -> Self {
        Self { worker: worker.id(), executable_hash, host }
    }
}

impl Attester for SoftwareAttester {
    fn kind(&self) -> EvidenceKind {
        EvidenceKind::Software
    }

    fn device_id(&self) -> [u8; 32] {
        device_id(&self.worker)
    }

    fn attest(&self, context: &WorkContext) -> Result<Evidence, AttesterError> {
        if context.worker != self.worker {
            return Err(AttesterError::WrongWorker { expected: self.worker, got: context.worker });
        }
        let device_id = self.device_id();
        if context.device_id != device_id {
            return Err(AttesterError::WrongDevice { expected: device_id, got: context.device_id });
        }
        Ok(Evidence::Software(SoftwareEvidence {
            context_digest: context.digest(),
            device_id,
            executable_hash: self.executable_hash,
            host: self.host.clone(),
        }))
    }
}

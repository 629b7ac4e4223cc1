//! The receipt as two other systems spell it. Views carry no authority: verify the [`SignedReceipt`] they come from.

use serde::Serialize;

use crate::{
    evidence::Evidence,
    identity::{address::Address, ml_dsa},
    receipt::{ReceiptError, SignedReceipt},
};

/// `AIWorkProof` of the "Proof of AI" mining proposal. Times in milliseconds since the epoch.
///
/// Deviation: the signature covers the whole [`WorkReceipt`](crate::receipt::WorkReceipt), not the fields shown here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AIWorkProof {
    /// The worker's key.
    pub miner: ml_dsa::PublicKey,
    /// The model.
    #[serde(with = "crate::hex")]
    pub model_hash: [u8; 32],
    /// The quantised input.
    #[serde(with = "crate::hex")]
    pub input_hash: [u8; 32],
    /// The integer output.
    #[serde(with = "crate::hex")]
    pub output_hash: [u8; 32],
    /// Units of compute.
    pub compute_units: u64,
    /// End of the run.
    pub timestamp: u64,
    /// Over the receipt's canonical bytes.
    pub signature: ml_dsa::Signature,
    /// Evidence of hardware; `None` for software evidence, which is no such thing.
    pub tee_attestation: Option<Evidence>,
}

/// `ComputeResult` of the GPU worker chain, as its SUBMIT_RESULT carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComputeResult {
    /// The job.
    #[serde(with = "crate::hex")]
    pub task_id: [u8; 32],
    /// Account that submits; a chain checks that it operates the worker of the context.
    pub worker_address: Address,
    /// The integer output's hash.
    #[serde(with = "crate::hex")]
    pub result_hash: [u8; 32],
    /// Encoded proof, if there is one.
    pub proof: Option<Vec<u8>>,
    /// The context's nonce.
    #[serde(with = "crate::hex")]
    pub nonce: [u8; 32],
    /// Over the receipt's canonical bytes.
    pub signature: ml_dsa::Signature,
}

impl SignedReceipt {
    /// This receipt as an [`AIWorkProof`].
    ///
    /// # Errors
    /// [`ReceiptError::EvidenceMismatch`] if the receipt was signed for other evidence.
    pub fn ai_work_proof(&self, evidence: &Evidence) -> Result<AIWorkProof, ReceiptError> {
        self.check_evidence(evidence)?;
        let receipt = &self.receipt;
        Ok(AIWorkProof {
            miner: self.worker_key.clone(),
            model_hash: receipt.context.model_hash,
            input_hash: receipt.context.input_hash,
            output_hash: receipt.output_hash,
            compute_units: receipt.compute_units,
            timestamp: receipt.completed_at,
            signature: self.signature.clone(),
            tee_attestation: evidence.kind().is_hardware().then(|| evidence.clone()),
        })
    }

    /// This receipt as a [`ComputeResult`] submitted by `worker_address`.
    #[must_use]
    pub fn compute_result(&self, worker_address: Address, proof: Option<Vec<u8>>) -> ComputeResult {
        ComputeResult {
            task_id: self.receipt.context.job_id,
            worker_address,
            result_hash: self.receipt.output_hash,
            proof,
            nonce: self.receipt.context.nonce,
            signature: self.signature.clone(),
        }
    }

    /// Checks that `evidence` is what the worker signed for, and that the session is of the key that its quote, if it has
    /// one, vouches for.
    ///
    /// # Errors
    /// [`ReceiptError::EvidenceMismatch`], [`ReceiptError::SessionKeyMismatch`].
    pub fn check_evidence(&self, evidence: &Evidence) -> Result<(), ReceiptError> {
        let (expected, got) = (self.receipt.evidence_digest, evidence.digest());
        if expected != got {
            return Err(ReceiptError::EvidenceMismatch { expected, got });
        }
        let got = self.receipt.session.as_ref().map(|session| *session.key.as_bytes());
        match evidence.session_key().map(|key| *key.as_bytes()) {
            Some(expected) if got != Some(expected) => Err(ReceiptError::SessionKeyMismatch { expected, got }),
            Some(_) | None => Ok(()),
        }
    }
}

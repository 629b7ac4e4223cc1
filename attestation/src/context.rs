//! The work context: what a piece of work is bound to **before** it runs.
//!
//! A lease on a chain fixes the context; proof instance, GPU nonce, report data, receipt and evidence all carry its
//! digest. It names the chain *and* its genesis, because a chain id alone does not tell two instances apart, and the
//! payee, because a context without one can be replayed for somebody else.
//!
//! The encoding is 236 bytes, little-endian, fields in order of declaration, without lengths or tags: no two contexts
//! share bytes and no field can run into the next. Borsh of the type is these bytes and nothing else.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    codec::{self, DecodeError},
    hash::{derive, purpose},
};

/// Length of the canonical encoding in bytes.
pub const WORK_CONTEXT_BYTES: usize = 236;

/// What a worker must work for. All hashes and ids are 32 bytes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct WorkContext {
    /// Number of the chain that pays.
    pub chain_id: u32,
    /// Hash of that chain's genesis: which instance of the number.
    #[serde(with = "crate::hex")]
    pub genesis: [u8; 32],
    /// The job.
    #[serde(with = "crate::hex")]
    pub job_id: [u8; 32],
    /// The model, or the task that stands for one.
    #[serde(with = "crate::hex")]
    pub model_hash: [u8; 32],
    /// Hash of the quantised input tensor.
    #[serde(with = "crate::hex")]
    pub input_hash: [u8; 32],
    /// The payee: id of the worker's ML-DSA-65 public key.
    #[serde(with = "crate::hex")]
    pub worker: [u8; 32],
    /// The device that the work was leased to.
    #[serde(with = "crate::hex")]
    pub device_id: [u8; 32],
    /// From chain randomness at the lease, so that no context is known earlier.
    #[serde(with = "crate::hex")]
    pub nonce: [u8; 32],
    /// Time of the lease's block, milliseconds since the epoch.
    pub timestamp: u64,
}

impl WorkContext {
    /// A context that a worker makes by itself, of no chain and no job: for work that somebody verifies and no chain pays.
    #[must_use]
    pub fn unleased(
        model_hash: [u8; 32],
        input_hash: [u8; 32],
        worker: [u8; 32],
        device_id: [u8; 32],
        nonce: [u8; 32],
        timestamp: u64,
    ) -> Self {
        let (chain_id, genesis, job_id) = (0, [0; 32], [0; 32]);
        Self { chain_id, genesis, job_id, model_hash, input_hash, worker, device_id, nonce, timestamp }
    }

    /// Whether it names a chain; none has the number 0.
    #[must_use]
    pub fn names_chain(&self) -> bool {
        self.chain_id != 0
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; WORK_CONTEXT_BYTES] {
        let Self { chain_id, genesis, job_id, model_hash, input_hash, worker, device_id, nonce, timestamp } = self;
        let mut bytes = [0; WORK_CONTEXT_BYTES];
        let fields: [&[u8]; 9] = [
            &chain_id.to_le_bytes(),
            genesis,
            job_id,
            model_hash,
            input_hash,
            worker,
            device_id,
            nonce,
            &timestamp.to_le_bytes(),
        ];
        for (target, source) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *target = *source;
        }
        bytes
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] unless there are exactly [`WORK_CONTEXT_BYTES`] bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode("work context", bytes, WORK_CONTEXT_BYTES)
    }

    /// What everything made for this work is bound to.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        derive(purpose::WORK_CONTEXT, &[&self.to_bytes()])
    }

    /// The digest as two field elements `(ctx_lo, ctx_hi)`: bytes 0..16 and 16..32, each read little-endian.
    #[must_use]
    pub fn halves(&self) -> (u128, u128) {
        let digest = self.digest();
        let (low, high) = digest.split_at(16);
        (little_endian(low), little_endian(high))
    }

    /// Nonce to hand to GPU number `device_index` of the worker when asking it for a report.
    #[must_use]
    pub fn gpu_nonce(&self, device_index: u32) -> [u8; 32] {
        derive(purpose::GPU_NONCE, &[&self.digest(), &device_index.to_le_bytes()])
    }
}

fn little_endian(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |value, byte| (value << 8) | u128::from(*byte))
}

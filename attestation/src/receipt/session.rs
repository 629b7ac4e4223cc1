//! The signature of a measured launch: code inside a confidential machine binds an output to a context.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    hash::purpose,
    identity::{IdentityError, ed25519},
};

/// A key made inside a measured launch, and its signature over `(context digest, output hash)`.
///
/// By itself it proves that *somebody with this key* stated the output. It says something about code only when
/// evidence commits to the key (report data of a CPU quote) and the measurement is allow-listed. The key is Ed25519:
/// it lives for one launch, 32 bytes fit beside a context digest in report data, and the worker's ML-DSA signature
/// covers the whole.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Public key of the launch.
    pub key: ed25519::PublicKey,
    /// Its signature, see [`Session::verify`].
    pub signature: ed25519::Signature,
}

impl Session {
    /// Signs an output for a context.
    #[must_use]
    pub fn sign(key: &ed25519::SigningKey, context_digest: &[u8; 32], output_hash: &[u8; 32]) -> Self {
        let signature = key.sign(purpose::SESSION_SIGNATURE, &statement(context_digest, output_hash));
        Self { key: key.public_key(), signature }
    }

    /// Checks the signature over this context and output.
    ///
    /// # Errors
    /// [`IdentityError::SignatureMismatch`].
    pub fn verify(&self, context_digest: &[u8; 32], output_hash: &[u8; 32]) -> Result<(), IdentityError> {
        self.key.verify(purpose::SESSION_SIGNATURE, &statement(context_digest, output_hash), &self.signature)
    }
}

fn statement(context_digest: &[u8; 32], output_hash: &[u8; 32]) -> Vec<u8> {
    [context_digest.as_slice(), output_hash.as_slice()].concat()
}

//! Reading without believing: an object is what a finalised header commits to, or the node lied.

use verifier::inclusion::record::HexBytes;
use verifier::inclusion::{Inclusion, Shown, ValidatorSet};

use super::connection::Client;
use super::error::ClientError;
use crate::state::{Key, Stored};
use crate::types::ids::Hash;
use crate::types::transaction::encode;

/// An object, or its absence, shown by a header that the validators finalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven<T> {
    /// Height of the header.
    pub height: u64,
    /// Its hash.
    pub block: Hash,
    /// The object.
    pub object: Option<T>,
    /// The same, for whoever trusts the header and has no node.
    pub inclusion: Inclusion,
}

/// Why an answer of a height has no proof: genesis has no certificate, and every later height must have one.
pub(super) fn unproven(height: u64) -> ClientError {
    let what = "object";
    match height {
        0 => ClientError::NoBlock { what },
        _ => ClientError::Answer { what, reason: format!("no proof at height {height}") },
    }
}

impl Client {
    /// The object at a key, checked: `validators` of the chain of `genesis` finalised a header that commits to it.
    ///
    /// What is not checked: that the header is the newest one. A node can show an old state, never a false one.
    ///
    /// # Errors
    /// [`ClientError::NoBlock`] before the first block; [`ClientError::Answer`] if the node shows something else; the others of every call.
    pub async fn prove<T: Stored>(
        &self,
        key: &Key,
        validators: &ValidatorSet,
        genesis: &Hash,
    ) -> Result<Proven<T>, ClientError> {
        let wrong = |reason: String| ClientError::Answer { what: "object", reason };
        let answer = self.object(key, true).await?;
        let proof = answer.proof.ok_or_else(|| unproven(answer.height))?;
        let header = &proof.header;
        if header.height != answer.height {
            return Err(wrong(format!("height {} with the header of height {}", answer.height, header.height)));
        }
        proof.certificate.verify(header, genesis, validators).map_err(|error| wrong(error.to_string()))?;
        let (root, key) = (&header.state_root, key.to_bytes());
        let value = answer.object.as_ref().map(encode);
        let shown = match &value {
            Some(value) => proof.state.verify_inclusion(root, &key, value),
            None => proof.state.verify_exclusion(root, &key),
        };
        shown.map_err(|error| wrong(error.to_string()))?;
        let kind = || wrong("an object of another kind than asked for".to_owned());
        let object = answer.object.map(|object| T::from_object(object).ok_or_else(kind)).transpose()?;
        let (height, block) = (header.height, header.hash());
        let shown = Shown::State { key, value: value.map(HexBytes), proof: proof.state };
        Ok(Proven { height, block, object, inclusion: Inclusion { header: proof.header, shown } })
    }
}

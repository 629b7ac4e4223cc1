//! What one chain shows another.

use super::connection::Client;
use super::error::ClientError;
use super::proven::unproven;
use crate::state::{Key, Stored};
use crate::types::teleport::ForeignProof;

impl Client {
    /// The object at a key, or that there is none, with the header that shows it, for another chain to believe. Nothing is
    /// checked here: the other chain checks all of it.
    ///
    /// # Errors
    /// [`ClientError::NoBlock`] before the first block; [`ClientError::Answer`] if the node shows no proof or an object of another kind; the others of every call.
    pub async fn shown<T: Stored>(&self, key: &Key) -> Result<(Option<T>, ForeignProof), ClientError> {
        let wrong = |reason: &str| ClientError::Answer { what: "object", reason: reason.to_owned() };
        let answer = self.object(key, true).await?;
        let proof = answer.proof.ok_or_else(|| unproven(answer.height))?;
        let kind = || wrong("an object of another kind than asked for");
        let object = answer.object.map(|object| T::from_object(object).ok_or_else(kind)).transpose()?;
        Ok((object, ForeignProof { header: proof.header, certificate: proof.certificate, state: proof.state }))
    }
}

//! Block headers, the certificates that finalise them, and what links one header to the next.
//!
//! *Certificates.* One type for one validator and for many: signatures in the validator set's order over a digest that
//! binds the genesis, the height and the header, final when their weight exceeds two thirds of the set's.
//!
//! *Beacon.* The beacon of a header is the hash of its parent's beacon and of the signatures that finalised the parent.
//! With one validator that validator can grind it by choosing what it signs; a threshold signature replaces
//! [`beacon_after`] once there are several.

use attestation::hash::derive;
use attestation::identity::address::Address;
use attestation::identity::ed25519::{PublicKey, Signature, SigningKey};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Largest validator set.
pub const VALIDATORS_MAX: usize = 128;
/// How far a block's time may lie ahead of the clock of whoever judges it, milliseconds.
pub const BLOCK_TIME_AHEAD_MS_MAX: u64 = 10_000;

const HEADER_CONTEXT: &str = "assay 2026 header v1";
const VOTE_DOMAIN: &str = "assay 2026 block-vote v1";
const BEACON_CONTEXT: &str = "assay 2026 beacon v1";

/// What a block commits to.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Position in the chain; the first block has height 1, genesis stands at 0.
    pub height: u64,
    /// Hash of the parent's header; the genesis hash at height 1.
    #[serde(with = "attestation::hex")]
    pub parent: [u8; 32],
    /// The proposer's time, milliseconds since the epoch, greater than the parent's.
    pub time: u64,
    /// Address of the validator that proposed the block.
    pub proposer: Address,
    /// Root of the state after the block.
    #[serde(with = "attestation::hex")]
    pub state_root: [u8; 32],
    /// Root over the signed transactions.
    #[serde(with = "attestation::hex")]
    pub transaction_root: [u8; 32],
    /// Root over the compute results the block minted for.
    #[serde(with = "attestation::hex")]
    pub compute_root: [u8; 32],
    /// Epoch that the height belongs to.
    pub epoch: u64,
    /// Randomness of the block, see [`beacon_after`].
    #[serde(with = "attestation::hex")]
    pub beacon: [u8; 32],
}

impl Header {
    /// BLAKE3 over the canonical encoding: every field at its fixed width.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        derive(
            HEADER_CONTEXT,
            &[
                &self.height.to_le_bytes(),
                &self.parent,
                &self.time.to_le_bytes(),
                self.proposer.as_bytes(),
                &self.state_root,
                &self.transaction_root,
                &self.compute_root,
                &self.epoch.to_le_bytes(),
                &self.beacon,
            ],
        )
    }
}

/// The bytes a validator signs to finalise a header: genesis, height, header hash.
fn vote_message(genesis: &[u8; 32], height: u64, header: &[u8; 32]) -> Vec<u8> {
    [genesis.as_slice(), &height.to_le_bytes(), header].concat()
}

/// One validator's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitSignature {
    /// Address of the validator.
    pub validator: Address,
    /// Signature over genesis, height and header hash.
    pub signature: Signature,
}

impl CommitSignature {
    /// Signs `header` for the chain of `genesis`.
    #[must_use]
    pub fn sign(header: &Header, genesis: &[u8; 32], key: &SigningKey) -> Self {
        let message = vote_message(genesis, header.height, &header.hash());
        Self { validator: key.public_key().address(), signature: key.sign(VOTE_DOMAIN, &message) }
    }

    fn verify(&self, validator: &Validator, message: &[u8]) -> bool {
        validator.public_key.verify(VOTE_DOMAIN, message, &self.signature).is_ok()
    }
}

/// The signatures that finalise one header.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Hash of the header.
    #[serde(with = "attestation::hex")]
    pub header: [u8; 32],
    /// Signatures by ascending validator address.
    pub signatures: Vec<CommitSignature>,
}

/// Why a certificate was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The certificate is for another header.
    #[error("certificate header: the certificate finalises another header")]
    Header,
    /// Validators out of ascending order, or one twice.
    #[error("certificate signatures: expected ascending validators, got number {position} out of order")]
    Order {
        /// Position in the list.
        position: usize,
    },
    /// A signature by somebody outside the set.
    #[error("certificate signatures: number {position} is by no validator of the set")]
    Unknown {
        /// Position in the list.
        position: usize,
    },
    /// A signature that does not verify.
    #[error("certificate signatures: number {position} does not verify")]
    Signature {
        /// Position in the list.
        position: usize,
    },
    /// Not enough weight signed.
    #[error("certificate weight: expected more than two thirds of {total}, got {got}")]
    Weight {
        /// Weight of the whole set.
        total: u64,
        /// Weight that signed.
        got: u64,
    },
}

impl Certificate {
    /// Checks that `validators` finalised `header` on the chain of `genesis`.
    ///
    /// # Errors
    /// [`CertificateError`], naming the signature or the missing weight.
    pub fn verify(
        &self,
        header: &Header,
        genesis: &[u8; 32],
        validators: &ValidatorSet,
    ) -> Result<(), CertificateError> {
        let hash = header.hash();
        if self.header != hash {
            return Err(CertificateError::Header);
        }
        let message = vote_message(genesis, header.height, &hash);
        let mut got = 0u64;
        let mut previous: Option<Address> = None;
        for (position, entry) in self.signatures.iter().enumerate() {
            if previous.is_some_and(|previous| previous >= entry.validator) {
                return Err(CertificateError::Order { position });
            }
            previous = Some(entry.validator);
            let validator = validators.get(&entry.validator).ok_or(CertificateError::Unknown { position })?;
            if !entry.verify(validator, &message) {
                return Err(CertificateError::Signature { position });
            }
            got = got.saturating_add(validator.weight);
        }
        let total = validators.total_weight();
        if u128::from(got).saturating_mul(3) <= u128::from(total).saturating_mul(2) {
            return Err(CertificateError::Weight { total, got });
        }
        Ok(())
    }
}

/// The beacon of the block after the one that `certificate` finalised.
#[must_use]
pub fn beacon_after(beacon: &[u8; 32], certificate: &Certificate) -> [u8; 32] {
    let mut parts: Vec<&[u8]> = vec![beacon];
    parts.extend(certificate.signatures.iter().map(|entry| entry.signature.as_bytes().as_slice()));
    derive(BEACON_CONTEXT, &parts)
}

/// Why a header does not follow another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The heights are not consecutive.
    #[error("header height: expected {expected}, got {got}")]
    Height {
        /// Height after the parent's.
        expected: u64,
        /// Height that came.
        got: u64,
    },
    /// The child names another parent.
    #[error("header parent: the header follows another block")]
    Parent,
    /// Time does not advance.
    #[error("header time: expected more than the parent's {parent} ms, got {got} ms")]
    Time {
        /// The parent's time.
        parent: u64,
        /// Time that came.
        got: u64,
    },
    /// The beacon does not follow from the parent's.
    #[error("header beacon: it does not follow from the parent's beacon and certificate")]
    Beacon,
}

/// Checks that `child` directly follows `parent`, which `certificate` finalised.
///
/// # Errors
/// [`LinkError`], naming the field that does not follow.
pub fn check_link(parent: &Header, certificate: &Certificate, child: &Header) -> Result<(), LinkError> {
    let expected = parent.height.saturating_add(1);
    if child.height != expected {
        return Err(LinkError::Height { expected, got: child.height });
    }
    if child.parent != parent.hash() {
        return Err(LinkError::Parent);
    }
    if child.time <= parent.time {
        return Err(LinkError::Time { parent: parent.time, got: child.time });
    }
    if child.beacon != beacon_after(&parent.beacon, certificate) {
        return Err(LinkError::Beacon);
    }
    Ok(())
}

/// A key allowed to finalise blocks.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Ed25519 key.
    pub public_key: PublicKey,
    /// Voting weight, above zero.
    pub weight: u64,
}

/// Why a list of validators was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// None, or more than [`VALIDATORS_MAX`].
    #[error("validators: expected 1 to {VALIDATORS_MAX}, got {got}")]
    Count {
        /// Validators that came.
        got: usize,
    },
    /// Addresses out of ascending order, or one twice.
    #[error("validators: expected ascending addresses, got number {position} out of order")]
    Order {
        /// Position in the list.
        position: usize,
    },
    /// A weight of zero.
    #[error("validator weight: expected above zero, got 0 at number {position}")]
    Weight {
        /// Position in the list.
        position: usize,
    },
    /// The weights do not add up within 64 bits.
    #[error("validator weights: their sum exceeds 64 bits")]
    Total,
}

/// The keys that finalise one height.
///
/// Invariants: 1 to [`VALIDATORS_MAX`] validators by ascending address, weights above zero, their sum within `u64`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, Serialize)]
pub struct ValidatorSet {
    validators: Vec<Validator>,
}

impl ValidatorSet {
    /// Checks a list that is sorted by address.
    ///
    /// # Errors
    /// [`ValidatorSetError`], naming the entry.
    pub fn new(validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if validators.is_empty() || validators.len() > VALIDATORS_MAX {
            return Err(ValidatorSetError::Count { got: validators.len() });
        }
        let mut total = 0u64;
        let mut previous: Option<Address> = None;
        for (position, validator) in validators.iter().enumerate() {
            let address = validator.public_key.address();
            if previous.is_some_and(|previous| previous >= address) {
                return Err(ValidatorSetError::Order { position });
            }
            previous = Some(address);
            if validator.weight == 0 {
                return Err(ValidatorSetError::Weight { position });
            }
            total = total.checked_add(validator.weight).ok_or(ValidatorSetError::Total)?;
        }
        Ok(Self { validators })
    }

    /// The validators by ascending address.
    #[must_use]
    pub fn validators(&self) -> &[Validator] {
        &self.validators
    }

    /// The validator with this address.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Validator> {
        self.validators.iter().find(|validator| validator.public_key.address() == *address)
    }

    /// Weight of the whole set.
    #[must_use]
    pub fn total_weight(&self) -> u64 {
        self.validators.iter().fold(0, |total, validator| total.saturating_add(validator.weight))
    }
}

impl BorshDeserialize for ValidatorSet {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        Self::new(Vec::deserialize_reader(reader)?)
            .map_err(|error| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, error))
    }
}

impl<'de> Deserialize<'de> for ValidatorSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            validators: Vec<Validator>,
        }
        Self::new(Raw::deserialize(deserializer)?.validators).map_err(serde::de::Error::custom)
    }
}

/// Two signatures of one validator for different headers of one height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Misbehaviour {
    /// One header.
    pub first: Header,
    /// Its signature.
    pub first_signature: CommitSignature,
    /// The other header.
    pub second: Header,
    /// Its signature, by the same validator.
    pub second_signature: CommitSignature,
}

/// Why a report of misbehaviour proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MisbehaviourError {
    /// The headers have different heights or are the same header.
    #[error("misbehaviour: expected two different headers of one height")]
    NoConflict,
    /// The signatures are by different validators, or by none of the set.
    #[error("misbehaviour: expected two signatures of one validator of the set")]
    Signer,
    /// A signature does not verify.
    #[error("misbehaviour: a signature does not verify")]
    Signature,
}

impl Misbehaviour {
    /// Checks that one validator of the set signed two different headers of one height.
    ///
    /// # Errors
    /// [`MisbehaviourError`], saying what is missing.
    pub fn verify(&self, genesis: &[u8; 32], validators: &ValidatorSet) -> Result<(), MisbehaviourError> {
        let (first, second) = (self.first.hash(), self.second.hash());
        if self.first.height != self.second.height || first == second {
            return Err(MisbehaviourError::NoConflict);
        }
        if self.first_signature.validator != self.second_signature.validator {
            return Err(MisbehaviourError::Signer);
        }
        let validator = validators.get(&self.first_signature.validator).ok_or(MisbehaviourError::Signer)?;
        for (hash, entry) in [(first, &self.first_signature), (second, &self.second_signature)] {
            if !entry.verify(validator, &vote_message(genesis, self.first.height, &hash)) {
                return Err(MisbehaviourError::Signature);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

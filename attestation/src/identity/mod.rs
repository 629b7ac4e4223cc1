//! Who signs: Ed25519 for accounts and transactions, ML-DSA-65 for workers and receipts.
//!
//! A receipt is evidence that may be read years later, so it carries a post-quantum signature; a transaction is settled
//! within a block, so it carries a small one. Signatures name a **domain** (one string per purpose): a signature made
//! for one purpose never verifies for another.
//!
//! Public keys and signatures are newtypes with private fields: holding one means its bytes were checked. Secret keys
//! wipe themselves when dropped, and print their public id only.

use thiserror::Error;

pub mod address;
mod bytes;
pub mod ed25519;
#[cfg(feature = "keystore")]
pub mod keystore;
pub mod ml_dsa;

/// Why a key or signature is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// Not the fixed length of its kind.
    #[error("{what}: expected {expected} bytes, got {got}")]
    WrongLength {
        /// The kind of key or signature.
        what: &'static str,
        /// Its length.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// An Ed25519 public key that is no point of the curve.
    #[error("ed25519 public key is not a point of the curve")]
    NotAPoint,
    /// An Ed25519 public key that has another, canonical, spelling.
    #[error("ed25519 public key is not in canonical form")]
    NonCanonicalPoint,
    /// An Ed25519 public key of small order, for which anybody can sign.
    #[error("ed25519 public key has small order")]
    SmallOrderPoint,
    /// Bytes that no ML-DSA-65 signer can have produced (FIPS 204, algorithm 27).
    #[error("ml-dsa-65 signature is malformed (hint or norm out of range)")]
    MalformedSignature,
    /// The signature does not belong to this key, domain and message.
    #[error("{what} does not verify for this key, purpose and message")]
    SignatureMismatch {
        /// The kind of signature.
        what: &'static str,
    },
    /// A domain string longer than FIPS 204 allows.
    #[error("signature domain: expected at most {max} bytes, got {got}")]
    DomainTooLong {
        /// Most bytes of a FIPS 204 context string.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// A hexadecimal spelling that is not canonical.
    #[error(transparent)]
    Hex(#[from] crate::hex::HexError),
}

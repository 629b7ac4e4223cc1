//! Ed25519 (RFC 8032) for accounts and transactions.
//!
//! What is signed is `derive_key("assay 2026 ed25519-message v1", length of domain || domain || message)`, 32 bytes:
//! plain Ed25519 has no context string, and Ed25519ctx is missing from most wallets and hardware.
//!
//! Verification is dalek's `verify_strict`: no small-order points, canonical `s`, cofactorless equation, so that every
//! node gives the same answer and nobody can change a signature without the key. Public keys in non-canonical form are
//! refused when read.

use std::fmt;

use ed25519_dalek::{Signer as _, VerifyingKey};
use zeroize::Zeroizing;

use crate::{
    hash::{derive, purpose},
    identity::{
        IdentityError,
        address::Address,
        bytes::{exact, fixed_bytes},
    },
};

/// Length of a seed in bytes.
pub const SEED_BYTES: usize = 32;
/// Length of a public key in bytes.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Length of a signature in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// Secret key of an account. Wiped when dropped; boxed, so that moving it leaves no copies behind.
#[derive(Clone)]
pub struct SigningKey(Box<ed25519_dalek::SigningKey>);

impl SigningKey {
    /// The key of a 32-byte seed (the "private key" of RFC 8032).
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        Self(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    /// The seed, wiped when dropped: only for writing a key file.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; SEED_BYTES]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs `message` for one purpose. Deterministic.
    #[must_use]
    pub fn sign(&self, domain: &'static str, message: &[u8]) -> Signature {
        Signature(self.0.sign(&signed_digest(domain, message)).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey(secret of {})", self.public_key().address())
    }
}

/// Public key: a canonical point that is not of small order (invariant).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads 32 bytes.
    ///
    /// # Errors
    /// [`IdentityError`]: wrong length, no point, not canonical, small order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        let array: [u8; PUBLIC_KEY_BYTES] = exact("ed25519 public key", bytes)?;
        let key = VerifyingKey::from_bytes(&array).map_err(|_| IdentityError::NotAPoint)?;
        if key.to_edwards().compress().to_bytes() != array {
            return Err(IdentityError::NonCanonicalPoint);
        }
        if key.is_weak() {
            return Err(IdentityError::SmallOrderPoint);
        }
        Ok(Self(key))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        self.0.as_bytes()
    }

    /// The account that this key signs for.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::new(derive(purpose::ED25519_ADDRESS, &[self.as_bytes()]))
    }

    /// Checks a signature made by [`SigningKey::sign`] for the same domain and message.
    ///
    /// # Errors
    /// [`IdentityError::SignatureMismatch`].
    pub fn verify(&self, domain: &'static str, message: &[u8], signature: &Signature) -> Result<(), IdentityError> {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        self.0
            .verify_strict(&signed_digest(domain, message), &signature)
            .map_err(|_| IdentityError::SignatureMismatch { what: "ed25519 signature" })
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

/// Signature `R || s`, 64 bytes. Whether `s` is canonical is checked when verifying.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; SIGNATURE_BYTES]);

impl Signature {
    /// Reads 64 bytes.
    ///
    /// # Errors
    /// [`IdentityError::WrongLength`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        Ok(Self(exact("ed25519 signature", bytes)?))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.0
    }
}

fixed_bytes!(PublicKey, PUBLIC_KEY_BYTES);
fixed_bytes!(Signature, SIGNATURE_BYTES);

fn signed_digest(domain: &'static str, message: &[u8]) -> [u8; 32] {
    // `usize` is at most 64 bits on every target we build for; a longer domain cannot exist.
    let length = u64::try_from(domain.len()).unwrap_or(u64::MAX);
    derive(purpose::ED25519_MESSAGE, &[&length.to_le_bytes(), domain.as_bytes(), message])
}

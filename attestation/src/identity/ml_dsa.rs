//! ML-DSA-65 (FIPS 204) for workers: receipts outlive elliptic curves.
//!
//! Signing is the deterministic variant (FIPS 204, section 3.4), so that the same receipt has the same bytes wherever it
//! is signed and no generator can leak the key. The domain is the standard's own context string. Level 65 was chosen
//! over 44 (below category 3) and 87 (a third more bytes for a margin nobody asks of a receipt).
//!
//! Public keys are kept as their 1952 bytes: all of them are valid keys (FIPS 204, algorithm 23 cannot fail), and the
//! expanded form is 30 KiB. Signatures are kept as 3309 bytes that decode (invariant).

use std::fmt;

use ml_dsa::{EncodedSignature, EncodedVerifyingKey, MlDsa65, VerifyingKey};
use zeroize::Zeroizing;

use crate::{
    hash::{derive, purpose},
    identity::{
        IdentityError,
        bytes::{exact, fixed_bytes},
    },
};

/// Length of a seed in bytes (`xi` of FIPS 204, algorithm 1).
pub const SEED_BYTES: usize = 32;
/// Length of a public key in bytes.
pub const PUBLIC_KEY_BYTES: usize = 1952;
/// Length of a signature in bytes.
pub const SIGNATURE_BYTES: usize = 3309;
/// Most bytes of a domain (FIPS 204, algorithm 2).
pub const DOMAIN_BYTES_MAX: usize = 255;

/// Secret key of a worker. Wiped when dropped.
#[derive(Clone)]
pub struct SigningKey {
    inner: Box<ml_dsa::SigningKey<MlDsa65>>,
    public: PublicKey,
}

impl SigningKey {
    /// The key of a 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let mut array = ml_dsa::Seed::from(*seed);
        let inner = Box::new(ml_dsa::SigningKey::from_seed(&array));
        zeroize::Zeroize::zeroize(&mut array);
        let encoded = inner.as_ref().as_ref().encode();
        Self { inner, public: PublicKey(Box::new(encoded.into())) }
    }

    /// The seed, wiped when dropped: only for writing a key file.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; SEED_BYTES]> {
        Zeroizing::new((*self.inner.as_seed()).into())
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message` for one purpose. Deterministic.
    ///
    /// # Errors
    /// [`IdentityError::DomainTooLong`].
    pub fn sign(&self, domain: &'static str, message: &[u8]) -> Result<Signature, IdentityError> {
        let signature = self
            .inner
            .expanded_key()
            .sign_deterministic(message, domain.as_bytes())
            .map_err(|_| IdentityError::DomainTooLong { max: DOMAIN_BYTES_MAX, got: domain.len() })?;
        Ok(Signature(Box::new(signature.encode().into())))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey(secret of {})", crate::hex::encode(&self.public.id()))
    }
}

/// Public key of a worker, 1952 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(Box<[u8; PUBLIC_KEY_BYTES]>);

impl PublicKey {
    /// Reads 1952 bytes.
    ///
    /// # Errors
    /// [`IdentityError::WrongLength`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        Ok(Self(Box::new(exact("ml-dsa-65 public key", bytes)?)))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.0
    }

    /// Id of the worker: what a context names as payee.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        derive(purpose::WORKER_ID, &[self.as_bytes()])
    }

    /// Checks a signature made by [`SigningKey::sign`] for the same domain and message.
    ///
    /// # Errors
    /// [`IdentityError::SignatureMismatch`]; [`IdentityError::DomainTooLong`].
    pub fn verify(&self, domain: &'static str, message: &[u8], signature: &Signature) -> Result<(), IdentityError> {
        if domain.len() > DOMAIN_BYTES_MAX {
            return Err(IdentityError::DomainTooLong { max: DOMAIN_BYTES_MAX, got: domain.len() });
        }
        let key = VerifyingKey::<MlDsa65>::decode(&EncodedVerifyingKey::<MlDsa65>::from(*self.0));
        if key.verify_with_context(message, domain.as_bytes(), &signature.decoded()?) {
            Ok(())
        } else {
            Err(IdentityError::SignatureMismatch { what: "ml-dsa-65 signature" })
        }
    }
}

/// Signature of a worker, 3309 bytes that decode (FIPS 204, algorithm 27).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Signature(Box<[u8; SIGNATURE_BYTES]>);

impl Signature {
    /// Reads 3309 bytes.
    ///
    /// # Errors
    /// [`IdentityError::WrongLength`]; [`IdentityError::MalformedSignature`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        let signature = Self(Box::new(exact("ml-dsa-65 signature", bytes)?));
        signature.decoded()?;
        Ok(signature)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.0
    }

    fn decoded(&self) -> Result<ml_dsa::Signature<MlDsa65>, IdentityError> {
        ml_dsa::Signature::decode(&EncodedSignature::<MlDsa65>::from(*self.0)).ok_or(IdentityError::MalformedSignature)
    }
}

fixed_bytes!(PublicKey, PUBLIC_KEY_BYTES);
fixed_bytes!(Signature, SIGNATURE_BYTES);

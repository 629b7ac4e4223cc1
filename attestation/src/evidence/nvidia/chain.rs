//! A certification path of fixed length to a pinned root (RFC 5280, section 6.1, without name constraints and policies,
//! which no certificate of these hierarchies carries; a critical one is refused on reading).
//!
//! Roots are pinned by the SHA-256 of their subject public key info: the vendor publishes its device root under two
//! certificates with one key.

use base64ct::{Base64, Encoding};
use thiserror::Error;

use super::{
    certificate::{Certificate, CertificateError},
    signature::{SignatureError, Verified},
};

/// Most bytes of a PEM chain.
pub const CHAIN_BYTES_MAX: usize = 16 * 1024;
const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// Why certificates are not a path to the pinned root. `index` counts from the leaf, 0.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChainError {
    /// Too large.
    #[error("certificate chain: expected at most {max} bytes, got {got}")]
    TooLong {
        /// The cap.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// Not a concatenation of PEM certificates and nothing else.
    #[error("certificate chain: certificate {index} is not PEM")]
    Pem {
        /// Position.
        index: usize,
    },
    /// Another number of certificates.
    #[error("certificate chain: expected {expected} certificates, got {got}")]
    Count {
        /// Length of every chain of this kind.
        expected: usize,
        /// Certificates given.
        got: usize,
    },
    /// A certificate that does not parse.
    #[error("certificate {index}: {source}")]
    Certificate {
        /// Position.
        index: usize,
        /// Why.
        source: CertificateError,
    },
    /// The issuer's name is not the next certificate's subject.
    #[error("certificate {index}: its issuer is not the subject of certificate {}; chains run from leaf to root", .index.saturating_add(1))]
    Issuer {
        /// Position.
        index: usize,
    },
    /// It names another issuing key.
    #[error("certificate {index}: its authority key identifier names another key")]
    AuthorityKey {
        /// Position.
        index: usize,
    },
    /// An issuer that is no authority.
    #[error("certificate {index}: an issuer must be a certification authority that may sign certificates")]
    NotAuthority {
        /// Position.
        index: usize,
    },
    /// A leaf that is an authority or may not sign data.
    #[error("certificate 0: a leaf must have key usage digitalSignature only and be no certification authority")]
    LeafUsage,
    /// More authorities below than allowed.
    #[error("certificate {index}: allows {allowed} authorities below it, there are {got}")]
    PathLength {
        /// Position.
        index: usize,
        /// Its path length constraint.
        allowed: u8,
        /// Authorities below it.
        got: usize,
    },
    /// Judged before it is valid.
    #[error("certificate {index}: valid from {not_before} on, judged at {at} (milliseconds)")]
    NotYetValid {
        /// Position.
        index: usize,
        /// Start of validity.
        not_before: u64,
        /// Time of judging.
        at: u64,
    },
    /// Judged after it was valid, grace included.
    #[error("certificate {index}: valid until {not_after}, judged at {at} (milliseconds)")]
    Expired {
        /// Position.
        index: usize,
        /// End of validity, without grace.
        not_after: u64,
        /// Time of judging.
        at: u64,
    },
    /// Not signed by the next certificate's key.
    #[error("certificate {index}: {source}")]
    Signature {
        /// Position.
        index: usize,
        /// Why.
        source: SignatureError,
    },
    /// The path ends at another root.
    #[error("certificate chain: expected the root key {}, got {}", crate::hex::encode(.expected), crate::hex::encode(.got))]
    Root {
        /// SHA-256 of the pinned root's subject public key info.
        expected: [u8; 32],
        /// That of the chain's last certificate.
        got: [u8; 32],
    },
}

/// Time at which to judge, and how long after expiry is forgiven; all in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds since the epoch.
    pub at: u64,
    /// Milliseconds after the end of validity.
    pub grace: u64,
}

/// Certificates from leaf to root, each readable. [`Chain::verify`] checks the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain(Vec<Certificate>);

impl Chain {
    /// Reads exactly `expected` PEM certificates, with nothing between or after them but line ends.
    ///
    /// # Errors
    /// [`ChainError`]: too long, PEM, count, certificate.
    pub fn from_pem(pem: &[u8], expected: usize) -> Result<Self, ChainError> {
        if pem.len() > CHAIN_BYTES_MAX {
            return Err(ChainError::TooLong { max: CHAIN_BYTES_MAX, got: pem.len() });
        }
        let mut rest = std::str::from_utf8(pem).map_err(|_| ChainError::Pem { index: 0 })?;
        let mut ders = Vec::new();
        loop {
            rest = rest.trim_matches(['\n', '\r']);
            if rest.is_empty() {
                break;
            }
            let error = ChainError::Pem { index: ders.len() };
            let body = rest.strip_prefix(PEM_BEGIN).ok_or_else(|| error.clone())?;
            let (body, after) = body.split_once(PEM_END).ok_or_else(|| error.clone())?;
            ders.push(base64(body).ok_or(error)?);
            rest = after;
        }
        Self::from_ders(&ders, expected)
    }

    /// Reads exactly `expected` certificates, leaf first.
    ///
    /// # Errors
    /// [`ChainError`]: count, certificate.
    pub fn from_ders(ders: &[Vec<u8>], expected: usize) -> Result<Self, ChainError> {
        if ders.len() != expected {
            return Err(ChainError::Count { expected, got: ders.len() });
        }
        let read = |(index, der): (usize, &Vec<u8>)| {
            Certificate::from_der(der).map_err(|source| ChainError::Certificate { index, source })
        };
        Ok(Self(ders.iter().enumerate().map(read).collect::<Result<_, _>>()?))
    }

    /// Certificates from leaf to root.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.0
    }

    /// Checks names, usages, validity, signatures and the root. Returns the earliest end of validity, in milliseconds
    /// (which may lie before the time of judging when grace was needed).
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn verify(&self, root: &[u8; 32], clock: Clock, verified: &mut Verified) -> Result<u64, ChainError> {
        let mut expires_at = u64::MAX;
        let issuers = self.0.iter().skip(1).chain(self.0.last());
        for (index, (certificate, issuer)) in self.0.iter().zip(issuers).enumerate() {
            check_usage(index, certificate)?;
            check_validity(index, certificate, clock)?;
            if certificate.issuer() != issuer.subject() {
                return Err(ChainError::Issuer { index });
            }
            if !certificate.authority_matches(issuer) {
                return Err(ChainError::AuthorityKey { index });
            }
            expires_at = expires_at.min(certificate.not_after_ms());
        }
        // The pin comes before the signatures: strangers' hierarchies cost no curve arithmetic.
        let got = self.0.last().map(|last| last.key().fingerprint()).unwrap_or_default();
        if got != *root {
            return Err(ChainError::Root { expected: *root, got });
        }
        let issuers = self.0.iter().skip(1).chain(self.0.last());
        for (index, (certificate, issuer)) in self.0.iter().zip(issuers).enumerate() {
            certificate
                .check_signature(issuer.key(), verified)
                .map_err(|source| ChainError::Signature { index, source })?;
        }
        Ok(expires_at)
    }
}

/// Base64 with line ends anywhere between its characters.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let joined = text.replace(['\n', '\r'], "");
    Base64::decode_vec(&joined).ok()
}

fn check_usage(index: usize, certificate: &Certificate) -> Result<(), ChainError> {
    let usage = certificate.key_usage();
    if index == 0 {
        let signs_data =
            usage.is_some_and(|usage| usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign());
        return if signs_data && !certificate.is_authority() { Ok(()) } else { Err(ChainError::LeafUsage) };
    }
    if !certificate.is_authority() || !usage.is_some_and(|usage| usage.key_cert_sign()) {
        return Err(ChainError::NotAuthority { index });
    }
    // Authorities strictly between this certificate and the leaf.
    let got = index.saturating_sub(1);
    match certificate.basic_constraints().and_then(|constraints| constraints.path_len_constraint) {
        Some(allowed) if usize::from(allowed) < got => Err(ChainError::PathLength { index, allowed, got }),
        _ => Ok(()),
    }
}

fn check_validity(index: usize, certificate: &Certificate, clock: Clock) -> Result<(), ChainError> {
    let Clock { at, grace } = clock;
    let (not_before, not_after) = (certificate.not_before_ms(), certificate.not_after_ms());
    if at < not_before {
        return Err(ChainError::NotYetValid { index, not_before, at });
    }
    if at > not_after.saturating_add(grace) {
        return Err(ChainError::Expired { index, not_after, at });
    }
    Ok(())
}

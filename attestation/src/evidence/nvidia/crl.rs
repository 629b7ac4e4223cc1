//! Certificate revocation lists (RFC 5280, section 5): one object for a whole family, but only for its upper certificates.
//!
//! Only full lists by the issuer itself are read: delta lists and lists for part of the certificates mark themselves by a
//! critical extension, and every critical extension is refused.

use der::{
    Decode,
    asn1::ObjectIdentifier,
    oid::db::{
        rfc5280::ID_CE_CRL_REASONS,
        rfc5912::{ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384},
    },
};
use sha2::{Digest, Sha256, Sha384};
use thiserror::Error;
use x509_cert::{Version, crl::CertificateList};

use super::{
    certificate::{Certificate, first_element, milliseconds},
    ocsp::RevocationReason,
    signature::{Signature, SignatureError, Verified},
};

/// Most bytes of a list.
pub const CRL_BYTES_MAX: usize = 128 * 1024;

/// Why a list is refused, or says that its target is.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CrlError {
    /// Too large.
    #[error("revocation list: expected at most {max} bytes, got {got}")]
    TooLong {
        /// The cap.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// Not a version 2 list in DER.
    #[error("revocation list: not a version 2 list in DER")]
    Malformed,
    /// A critical extension: a delta list, or one for part of the certificates.
    #[error("revocation list: critical extension {oid} is not processed here")]
    UnknownCritical {
        /// The extension.
        oid: ObjectIdentifier,
    },
    /// Signed with another algorithm.
    #[error("revocation list: expected a signature by ecdsa-with-SHA256 or ecdsa-with-SHA384, got {got}")]
    SignatureAlgorithm {
        /// Algorithm found.
        got: ObjectIdentifier,
    },
    /// Of another family or level.
    #[error("revocation list: made by another issuer")]
    OtherIssuer,
    /// The issuer may not sign lists.
    #[error("revocation list: the issuer's certificate does not allow signing lists")]
    IssuerUsage,
    /// Not signed by the issuer.
    #[error("revocation list {0}")]
    Signature(#[from] SignatureError),
    /// Judged before it was made.
    #[error("revocation list: made at {this_update}, judged at {at} (milliseconds)")]
    Future {
        /// `thisUpdate`.
        this_update: u64,
        /// Time of judging.
        at: u64,
    },
    /// No `nextUpdate`, so nothing says when it lapses.
    #[error("revocation list: without nextUpdate")]
    NoNextUpdate,
    /// Judged after it lapsed.
    #[error("revocation list: lapsed at {expires_at}, judged at {at} (milliseconds)")]
    Stale {
        /// When it lapsed.
        expires_at: u64,
        /// Time of judging.
        at: u64,
    },
    /// The target is on the list.
    #[error("revocation list: the certificate was revoked at {revoked_at} (milliseconds)")]
    Revoked {
        /// When.
        revoked_at: u64,
    },
    /// The target is on hold, which counts as revoked.
    #[error("revocation list: the certificate is on hold since {since} (milliseconds)")]
    Hold {
        /// Since when.
        since: u64,
    },
}

/// A list whose layout was checked. Unauthenticated until [`Crl::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    issuer: Vec<u8>,
    this_update_ms: u64,
    next_update_ms: Option<u64>,
    revoked: Vec<Entry>,
    signed_digest: Vec<u8>,
    signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    serial: Vec<u8>,
    at_ms: u64,
    hold: bool,
}

impl Crl {
    /// Reads one list.
    ///
    /// # Errors
    /// [`CrlError`]: size, layout, critical extensions, algorithm.
    pub fn parse(der: &[u8]) -> Result<Self, CrlError> {
        if der.len() > CRL_BYTES_MAX {
            return Err(CrlError::TooLong { max: CRL_BYTES_MAX, got: der.len() });
        }
        let list =
            CertificateList::<x509_cert::certificate::Rfc5280>::from_der(der).map_err(|_| CrlError::Malformed)?;
        let tbs = &list.tbs_cert_list;
        if tbs.version != Version::V2 || tbs.signature != list.signature_algorithm {
            return Err(CrlError::Malformed);
        }
        let signed = first_element(der).map_err(|_| CrlError::Malformed)?;
        let signed_digest = match (list.signature_algorithm.oid, &list.signature_algorithm.parameters) {
            (ECDSA_WITH_SHA_256, None) => Sha256::digest(signed).to_vec(),
            (ECDSA_WITH_SHA_384, None) => Sha384::digest(signed).to_vec(),
            (got, _) => return Err(CrlError::SignatureAlgorithm { got }),
        };
        let mut extensions = tbs.crl_extensions.iter().flatten();
        if let Some(critical) = extensions.find(|extension| extension.critical) {
            return Err(CrlError::UnknownCritical { oid: critical.extn_id });
        }
        let mut revoked = Vec::new();
        for entry in tbs.revoked_certificates.iter().flatten() {
            let mut reason = None;
            for extension in entry.crl_entry_extensions.iter().flatten() {
                if extension.extn_id == ID_CE_CRL_REASONS {
                    let value = RevocationReason::from_der(extension.extn_value.as_bytes());
                    reason = Some(value.map_err(|_| CrlError::Malformed)?);
                } else if extension.critical {
                    return Err(CrlError::UnknownCritical { oid: extension.extn_id });
                }
            }
            revoked.push(Entry {
                serial: entry.serial_number.as_bytes().to_vec(),
                at_ms: milliseconds(entry.revocation_date),
                hold: reason == Some(RevocationReason::CertificateHold),
            });
        }
        Ok(Self {
            issuer: der::Encode::to_der(&tbs.issuer).map_err(|_| CrlError::Malformed)?,
            this_update_ms: milliseconds(tbs.this_update),
            next_update_ms: tbs.next_update.map(milliseconds),
            revoked,
            signed_digest,
            signature: Signature::from_der(list.signature.as_bytes().ok_or(CrlError::Malformed)?)?,
        })
    }

    /// Checks that the list is one of `issuer`.
    ///
    /// # Errors
    /// [`CrlError::OtherIssuer`].
    pub fn check_issuer(&self, issuer: &Certificate) -> Result<(), CrlError> {
        if self.issuer == issuer.subject() { Ok(()) } else { Err(CrlError::OtherIssuer) }
    }

    /// Checks that the list is authentic, fresh at `at`, and that `target` is not on it. Returns when it lapses. Times in
    /// milliseconds.
    ///
    /// # Errors
    /// [`CrlError`].
    pub fn verify(
        &self,
        target: &Certificate,
        issuer: &Certificate,
        at: u64,
        verified: &mut Verified,
    ) -> Result<u64, CrlError> {
        self.check_issuer(issuer)?;
        if !issuer.key_usage().is_some_and(|usage| usage.crl_sign()) {
            return Err(CrlError::IssuerUsage);
        }
        verified.check(issuer.key(), &self.signed_digest, &self.signature)?;
        let expires_at = self.next_update_ms.ok_or(CrlError::NoNextUpdate)?;
        if at < self.this_update_ms {
            return Err(CrlError::Future { this_update: self.this_update_ms, at });
        }
        if at > expires_at {
            return Err(CrlError::Stale { expires_at, at });
        }
        let unsigned = |serial: &[u8]| serial.iter().skip_while(|&&byte| byte == 0).copied().collect::<Vec<_>>();
        let wanted = unsigned(target.serial());
        match self.revoked.iter().find(|entry| unsigned(&entry.serial) == wanted) {
            None => Ok(expires_at),
            Some(entry) if entry.hold => Err(CrlError::Hold { since: entry.at_ms }),
            Some(entry) => Err(CrlError::Revoked { revoked_at: entry.at_ms }),
        }
    }
}

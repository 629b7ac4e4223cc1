//! OCSP responses (RFC 6960) about certificates of device and signer chains.
//!
//! A response counts if it is signed by the target's issuer, or by a responder that this issuer certified for OCSP signing
//! and exempted from revocation, and if the time of judging lies between `thisUpdate` and `nextUpdate`. Responses are
//! replayed at will: no nonce is asked for, since a settled appraisal must verify again later, so freshness rests on
//! these two times and on the verifier's own maximum age.

use der::{
    Choice, Decode, Encode, Enumerated, Sequence,
    asn1::{AnyRef, BitStringRef, GeneralizedTime, Null, ObjectIdentifier, OctetStringRef, UintRef},
    oid::db::{
        rfc5280::ID_KP_OCSP_SIGNING,
        rfc5912::{ECDSA_WITH_SHA_384, ID_SHA_256, ID_SHA_384},
        rfc6960::{ID_PKIX_OCSP_BASIC, ID_PKIX_OCSP_NOCHECK},
    },
};
use sha2::{Digest, Sha256, Sha384};
use thiserror::Error;

use super::{
    certificate::{Certificate, CertificateError, first_element},
    signature::{Signature, SignatureError, Verified},
};

/// Most bytes of a response.
pub const OCSP_BYTES_MAX: usize = 4096;
/// Bytes of a subject public key info before the point that key hashes cover.
const KEY_INFO_HEADER: usize = 23;

/// Why a response is refused, or says that its target is.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OcspError {
    /// Too large.
    #[error("ocsp response: expected at most {max} bytes, got {got}")]
    TooLong {
        /// The cap.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// Not a basic response in DER about one certificate.
    #[error("ocsp response: not one basic response in DER")]
    Malformed,
    /// The responder had no answer.
    #[error("ocsp response: status {status:?}, ask again")]
    Status {
        /// What it said instead.
        status: ResponseStatus,
    },
    /// It names its target by another hash.
    #[error("ocsp response: names its target by hash {got}, expected SHA-256 or SHA-384")]
    HashAlgorithm {
        /// The hash.
        got: ObjectIdentifier,
    },
    /// About another serial number.
    #[error("ocsp response: about another serial number")]
    OtherSerial,
    /// About a certificate of another issuer.
    #[error("ocsp response: about a certificate of another issuer")]
    OtherIssuer,
    /// The responder's certificate does not parse.
    #[error("ocsp responder: {0}")]
    Responder(#[from] CertificateError),
    /// The responder's certificate was issued by somebody else than the target's issuer.
    #[error("ocsp responder: not issued by the issuer of the certificate it speaks about")]
    ResponderIssuer,
    /// The responder's certificate is not for OCSP signing.
    #[error("ocsp responder: expected an end entity certificate for OCSP signing, exempt from revocation")]
    ResponderUsage,
    /// The responder's certificate is not valid.
    #[error("ocsp responder: certificate valid from {not_before} to {not_after}, judged at {at} (milliseconds)")]
    ResponderValidity {
        /// Start of validity.
        not_before: u64,
        /// End of validity.
        not_after: u64,
        /// Time of judging.
        at: u64,
    },
    /// Signed with another algorithm.
    #[error("ocsp response: expected a signature by ecdsa-with-SHA384, got {got}")]
    SignatureAlgorithm {
        /// Algorithm found.
        got: ObjectIdentifier,
    },
    /// Not signed by the responder.
    #[error("ocsp response {0}")]
    Signature(#[from] SignatureError),
    /// Judged before it was made.
    #[error("ocsp response: made at {this_update}, judged at {at} (milliseconds)")]
    Future {
        /// `thisUpdate`.
        this_update: u64,
        /// Time of judging.
        at: u64,
    },
    /// No `nextUpdate`, so nothing says when it lapses.
    #[error("ocsp response: without nextUpdate")]
    NoNextUpdate,
    /// Judged after it lapsed, by its own word or by the verifier's maximum age.
    #[error("ocsp response: lapsed at {expires_at}, judged at {at} (milliseconds)")]
    Stale {
        /// When it lapsed.
        expires_at: u64,
        /// Time of judging.
        at: u64,
    },
    /// The target is revoked.
    #[error("ocsp response: the certificate was revoked at {revoked_at} (milliseconds)")]
    Revoked {
        /// When.
        revoked_at: u64,
    },
    /// The target is on hold, which counts as revoked.
    #[error("ocsp response: the certificate is on hold since {since} (milliseconds)")]
    Hold {
        /// Since when.
        since: u64,
    },
    /// The responder does not know the target.
    #[error("ocsp response: the responder does not know the certificate")]
    Unknown,
}

/// How a responder answers (RFC 6960, section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumerated)]
#[asn1(type = "ENUMERATED")]
#[repr(u8)]
pub enum ResponseStatus {
    /// With a response.
    Successful = 0,
    /// The request did not parse.
    MalformedRequest = 1,
    /// Internal error.
    InternalError = 2,
    /// Try again later.
    TryLater = 3,
    /// The request had to be signed.
    SigRequired = 5,
    /// Not for this target.
    Unauthorized = 6,
}

/// Why a certificate was revoked (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumerated)]
#[asn1(type = "ENUMERATED")]
#[repr(u8)]
pub enum RevocationReason {
    /// No reason given.
    Unspecified = 0,
    /// The key leaked.
    KeyCompromise = 1,
    /// The authority's key leaked.
    CaCompromise = 2,
    /// The subject changed.
    AffiliationChanged = 3,
    /// Replaced.
    Superseded = 4,
    /// No longer needed.
    CessationOfOperation = 5,
    /// Suspended.
    CertificateHold = 6,
    /// Removed from a delta list.
    RemoveFromCrl = 8,
    /// A privilege ended.
    PrivilegeWithdrawn = 9,
    /// The attribute authority's key leaked.
    AaCompromise = 10,
}

#[derive(Sequence)]
struct Response<'a> {
    status: ResponseStatus,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    bytes: Option<ResponseBytes<'a>>,
}

#[derive(Sequence)]
struct ResponseBytes<'a> {
    kind: ObjectIdentifier,
    response: &'a OctetStringRef,
}

#[derive(Sequence)]
pub(super) struct Algorithm<'a> {
    pub(super) oid: ObjectIdentifier,
    pub(super) parameters: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct Basic<'a> {
    data: Data<'a>,
    algorithm: Algorithm<'a>,
    signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certificates: Option<Vec<AnyRef<'a>>>,
}

#[derive(Sequence)]
struct Data<'a> {
    responder: AnyRef<'a>,
    produced_at: GeneralizedTime,
    responses: Vec<Single<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct Single<'a> {
    target: Target<'a>,
    status: CertificateStatus,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct Target<'a> {
    hash: Algorithm<'a>,
    issuer_name: &'a OctetStringRef,
    issuer_key: &'a OctetStringRef,
    serial: UintRef<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
enum CertificateStatus {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    Good(Null),
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Revoked(RevokedInfo),
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    Unknown(Null),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Sequence)]
struct RevokedInfo {
    time: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    reason: Option<RevocationReason>,
}

/// A response whose layout was checked. Unauthenticated until [`OcspResponse::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspResponse {
    hash: TargetHash,
    issuer_name: Vec<u8>,
    issuer_key: Vec<u8>,
    serial: Vec<u8>,
    status: CertificateStatus,
    this_update_ms: u64,
    next_update_ms: Option<u64>,
    responder: Option<Certificate>,
    signed_digest: [u8; 48],
    signature: Signature,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TargetHash {
    Sha256,
    Sha384,
}

impl TargetHash {
    fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
        }
    }
}

impl OcspResponse {
    /// Reads one response about one certificate.
    ///
    /// # Errors
    /// [`OcspError`]: size, layout, status, algorithms, the responder's certificate.
    pub fn parse(der: &[u8]) -> Result<Self, OcspError> {
        if der.len() > OCSP_BYTES_MAX {
            return Err(OcspError::TooLong { max: OCSP_BYTES_MAX, got: der.len() });
        }
        let malformed = |_: der::Error| OcspError::Malformed;
        let response = Response::from_der(der).map_err(malformed)?;
        if response.status != ResponseStatus::Successful {
            return Err(OcspError::Status { status: response.status });
        }
        let bytes = response.bytes.filter(|bytes| bytes.kind == ID_PKIX_OCSP_BASIC).ok_or(OcspError::Malformed)?;
        let encoded = bytes.response.as_bytes();
        let basic = Basic::from_der(encoded).map_err(malformed)?;
        if basic.algorithm.oid != ECDSA_WITH_SHA_384 || basic.algorithm.parameters.is_some() {
            return Err(OcspError::SignatureAlgorithm { got: basic.algorithm.oid });
        }
        let [single] = basic.data.responses.as_slice() else { return Err(OcspError::Malformed) };
        let hash = match single.target.hash.oid {
            ID_SHA_256 => TargetHash::Sha256,
            ID_SHA_384 => TargetHash::Sha384,
            got => return Err(OcspError::HashAlgorithm { got }),
        };
        let responder = match basic.certificates.as_deref() {
            None | Some([]) => None,
            Some([certificate]) => Some(Certificate::from_der(&certificate.to_der().map_err(malformed)?)?),
            Some(_) => return Err(OcspError::Malformed),
        };
        Ok(Self {
            hash,
            issuer_name: single.target.issuer_name.as_bytes().to_vec(),
            issuer_key: single.target.issuer_key.as_bytes().to_vec(),
            serial: single.target.serial.as_bytes().to_vec(),
            status: single.status,
            this_update_ms: milliseconds(single.this_update),
            next_update_ms: single.next_update.map(milliseconds),
            responder,
            signed_digest: Sha384::digest(first_element(encoded).map_err(malformed)?).into(),
            signature: Signature::from_der(basic.signature.as_bytes().ok_or(OcspError::Malformed)?)?,
        })
    }

    /// Checks that the response speaks about `target` of `issuer`.
    ///
    /// # Errors
    /// [`OcspError::OtherSerial`], [`OcspError::OtherIssuer`].
    pub fn check_target(&self, target: &Certificate, issuer: &Certificate) -> Result<(), OcspError> {
        if self.serial != target.serial() {
            return Err(OcspError::OtherSerial);
        }
        let key = issuer.key().info().get(KEY_INFO_HEADER..).unwrap_or_default();
        if self.issuer_name != self.hash.of(issuer.subject()) || self.issuer_key != self.hash.of(key) {
            return Err(OcspError::OtherIssuer);
        }
        Ok(())
    }

    /// Checks that the response is authentic, fresh at `at`, and that it says that `target` is good. Returns when it
    /// lapses. Times in milliseconds.
    ///
    /// # Errors
    /// [`OcspError`].
    pub fn verify(
        &self,
        target: &Certificate,
        issuer: &Certificate,
        at: u64,
        age_max: u64,
        verified: &mut Verified,
    ) -> Result<u64, OcspError> {
        self.check_target(target, issuer)?;
        let mut expires_at = self.next_update_ms.ok_or(OcspError::NoNextUpdate)?;
        let signer = match &self.responder {
            None => issuer,
            Some(responder) => {
                check_responder(responder, issuer, at, verified)?;
                expires_at = expires_at.min(responder.not_after_ms());
                responder
            }
        };
        verified.check(signer.key(), &self.signed_digest, &self.signature)?;
        if at < self.this_update_ms {
            return Err(OcspError::Future { this_update: self.this_update_ms, at });
        }
        let expires_at = expires_at.min(self.this_update_ms.saturating_add(age_max));
        if at > expires_at {
            return Err(OcspError::Stale { expires_at, at });
        }
        match self.status {
            CertificateStatus::Good(_) => Ok(expires_at),
            CertificateStatus::Revoked(RevokedInfo { time, reason: Some(RevocationReason::CertificateHold) }) => {
                Err(OcspError::Hold { since: milliseconds(time) })
            }
            CertificateStatus::Revoked(RevokedInfo { time, .. }) => {
                Err(OcspError::Revoked { revoked_at: milliseconds(time) })
            }
            CertificateStatus::Unknown(_) => Err(OcspError::Unknown),
        }
    }
}

fn check_responder(
    responder: &Certificate,
    issuer: &Certificate,
    at: u64,
    verified: &mut Verified,
) -> Result<(), OcspError> {
    if responder.issuer() != issuer.subject()
        || !responder.authority_matches(issuer)
        || responder.check_signature(issuer.key(), verified).is_err()
    {
        return Err(OcspError::ResponderIssuer);
    }
    // The vendor states the exemption sometimes as an extension and sometimes, by mistake, as a key purpose.
    let exempt = responder.extension(ID_PKIX_OCSP_NOCHECK).is_some() || responder.has_purpose(ID_PKIX_OCSP_NOCHECK);
    let signs = responder.key_usage().is_some_and(|usage| usage.digital_signature());
    if responder.is_authority() || !signs || !exempt || !responder.has_purpose(ID_KP_OCSP_SIGNING) {
        return Err(OcspError::ResponderUsage);
    }
    let (not_before, not_after) = (responder.not_before_ms(), responder.not_after_ms());
    if !(not_before..=not_after).contains(&at) {
        return Err(OcspError::ResponderValidity { not_before, not_after, at });
    }
    Ok(())
}

fn milliseconds(time: GeneralizedTime) -> u64 {
    time.to_unix_duration().as_secs().saturating_mul(1000)
}

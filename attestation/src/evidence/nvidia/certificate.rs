//! One X.509 certificate (RFC 5280), read strictly into the few facts that a path needs.
//!
//! The decoder takes DER only; the signature is checked over the bytes as they came, never over a re-encoding (the vendor
//! writes some dates before 2050 as GeneralizedTime, which a re-encoding would change).

use der::{
    Decode, Encode, Reader, SliceReader,
    asn1::ObjectIdentifier,
    oid::db::{
        rfc5280::{
            ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_CRL_DISTRIBUTION_POINTS,
            ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_SUBJECT_KEY_IDENTIFIER,
        },
        rfc5912::ECDSA_WITH_SHA_384,
    },
};
use sha2::{Digest, Sha384};
use thiserror::Error;
use x509_cert::{
    Version,
    ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier},
    time::Time,
};

use super::signature::{KeyError, PublicKey, Signature, SignatureError, Verified};

/// Most bytes of one certificate.
pub const CERTIFICATE_BYTES_MAX: usize = 4096;

/// Why bytes are not a certificate that this verifier reads.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CertificateError {
    /// Too large.
    #[error("expected at most {max} bytes, got {got}")]
    TooLong {
        /// The cap.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// Not a certificate in DER.
    #[error("not a certificate in DER: {0}")]
    Malformed(#[from] der::Error),
    /// Not version 3.
    #[error("expected an X.509 version 3 certificate")]
    Version,
    /// Signed with another algorithm, or the two algorithm fields disagree.
    #[error("expected a signature by ecdsa-with-SHA384, got {got}")]
    SignatureAlgorithm {
        /// Algorithm found.
        got: ObjectIdentifier,
    },
    /// A public key of another kind.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A signature that no key could have made.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An extension twice.
    #[error("extension {oid} appears twice")]
    DuplicateExtension {
        /// The extension.
        oid: ObjectIdentifier,
    },
    /// A critical extension that this verifier does not process.
    #[error("critical extension {oid} is not processed here")]
    UnknownCritical {
        /// The extension.
        oid: ObjectIdentifier,
    },
}

/// What a path needs to know of a certificate. Unsigned facts until a path vouches for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs_digest: [u8; 48],
    signature: Signature,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    common_name: Option<String>,
    key: PublicKey,
    not_before_ms: u64,
    not_after_ms: u64,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    extensions: Vec<(ObjectIdentifier, Vec<u8>)>,
}

impl Certificate {
    /// Reads one certificate.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(CertificateError::TooLong { max: CERTIFICATE_BYTES_MAX, got: der.len() });
        }
        let parsed = x509_cert::Certificate::from_der(der)?;
        let tbs = parsed.tbs_certificate();
        if tbs.version() != Version::V3 {
            return Err(CertificateError::Version);
        }
        for algorithm in [parsed.signature_algorithm(), tbs.signature()] {
            if algorithm.oid != ECDSA_WITH_SHA_384 || algorithm.parameters.is_some() {
                return Err(CertificateError::SignatureAlgorithm { got: algorithm.oid });
            }
        }
        let mut extensions: Vec<(ObjectIdentifier, Vec<u8>)> = Vec::new();
        for extension in tbs.extensions().into_iter().flatten() {
            let oid = extension.extn_id;
            if extensions.iter().any(|known| known.0 == oid) {
                return Err(CertificateError::DuplicateExtension { oid });
            }
            if extension.critical && ![ID_CE_BASIC_CONSTRAINTS, ID_CE_KEY_USAGE, ID_CE_EXT_KEY_USAGE].contains(&oid) {
                return Err(CertificateError::UnknownCritical { oid });
            }
            extensions.push((oid, extension.extn_value.as_bytes().to_vec()));
        }
        let common_name = tbs.subject().common_name()?.map(|name| name.value().into_owned());
        let signature = parsed.signature().as_bytes().ok_or(SignatureError::Malformed)?;
        let authority: Option<AuthorityKeyIdentifier> = decode(&extensions, ID_CE_AUTHORITY_KEY_IDENTIFIER)?;
        Ok(Self {
            tbs_digest: Sha384::digest(first_element(der)?).into(),
            signature: Signature::from_der(signature)?,
            serial: tbs.serial_number().as_bytes().to_vec(),
            issuer: tbs.issuer().to_der()?,
            subject: tbs.subject().to_der()?,
            common_name,
            key: PublicKey::from_info(&tbs.subject_public_key_info().to_der()?)?,
            not_before_ms: milliseconds(tbs.validity().not_before),
            not_after_ms: milliseconds(tbs.validity().not_after),
            basic_constraints: decode(&extensions, ID_CE_BASIC_CONSTRAINTS)?,
            key_usage: decode(&extensions, ID_CE_KEY_USAGE)?,
            extended_key_usage: decode(&extensions, ID_CE_EXT_KEY_USAGE)?,
            subject_key_id: decode(&extensions, ID_CE_SUBJECT_KEY_IDENTIFIER)?
                .map(|id: SubjectKeyIdentifier| id.0.as_bytes().to_vec()),
            authority_key_id: authority.and_then(|id| id.key_identifier).map(|id| id.as_bytes().to_vec()),
            extensions,
            der: der.to_vec(),
        })
    }

    /// The bytes it was read from.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Serial number, big-endian, without DER's sign byte.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        match self.serial.as_slice() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            whole => whole,
        }
    }

    /// DER of the issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// DER of the subject's name.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The subject's common name.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The certified key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// First moment of validity, milliseconds since the epoch.
    #[must_use]
    pub const fn not_before_ms(&self) -> u64 {
        self.not_before_ms
    }

    /// Last moment of validity, milliseconds since the epoch.
    #[must_use]
    pub const fn not_after_ms(&self) -> u64 {
        self.not_after_ms
    }

    /// Basic constraints, if present.
    #[must_use]
    pub const fn basic_constraints(&self) -> Option<&BasicConstraints> {
        self.basic_constraints.as_ref()
    }

    /// Whether it may sign certificates by its own word: a CA with that key usage.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }

    /// Key usage, if present.
    #[must_use]
    pub const fn key_usage(&self) -> Option<&KeyUsage> {
        self.key_usage.as_ref()
    }

    /// Whether the extended key usage lists a purpose.
    #[must_use]
    pub fn has_purpose(&self, purpose: ObjectIdentifier) -> bool {
        self.extended_key_usage.as_ref().is_some_and(|usage| usage.0.contains(&purpose))
    }

    /// Whether it names a revocation list.
    #[must_use]
    pub fn names_revocation_list(&self) -> bool {
        self.extension(ID_CE_CRL_DISTRIBUTION_POINTS).is_some()
    }

    /// Value of an extension.
    #[must_use]
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        self.extensions.iter().find(|known| known.0 == oid).map(|known| known.1.as_slice())
    }

    /// Whether both name the same issuing key, or one names none.
    #[must_use]
    pub fn authority_matches(&self, issuer: &Self) -> bool {
        match (&self.authority_key_id, &issuer.subject_key_id) {
            (Some(named), Some(own)) => named == own,
            _ => true,
        }
    }

    /// Checks that `key` signed this certificate.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`].
    pub fn check_signature(&self, key: &PublicKey, verified: &mut Verified) -> Result<(), SignatureError> {
        verified.check(key, &self.tbs_digest, &self.signature)
    }
}

/// Raw bytes of the first element inside the outer SEQUENCE: what is signed.
pub(super) fn first_element(der: &[u8]) -> Result<&[u8], der::Error> {
    SliceReader::new(der)?.sequence(|reader| {
        let first = reader.tlv_bytes()?;
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        Ok(first)
    })
}

/// Milliseconds since the epoch.
pub(super) fn milliseconds(time: Time) -> u64 {
    time.to_unix_duration().as_secs().saturating_mul(1000)
}

fn decode<'a, T: Decode<'a, Error = der::Error>>(
    extensions: &'a [(ObjectIdentifier, Vec<u8>)],
    oid: ObjectIdentifier,
) -> Result<Option<T>, CertificateError> {
    let found = extensions.iter().find(|known| known.0 == oid);
    Ok(found.map(|known| T::from_der(&known.1)).transpose()?)
}

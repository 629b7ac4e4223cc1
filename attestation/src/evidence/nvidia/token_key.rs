//! Keys of the vendor's token service: a P-384 leaf, valid for two days, under a pinned RSA intermediate.

use std::collections::BTreeSet;

use der::{
    Decode, Encode,
    asn1::ObjectIdentifier,
    oid::db::{rfc5280::ID_CE_BASIC_CONSTRAINTS, rfc5912::SHA_256_WITH_RSA_ENCRYPTION},
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_cert::{Certificate, ext::pkix::BasicConstraints};

use super::{
    certificate::{CERTIFICATE_BYTES_MAX, first_element, milliseconds},
    rsa,
    signature::{KeyError, PublicKey},
};

/// Why a key does not count.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenKeyError {
    /// Not at least two certificates in DER, leaf first.
    #[error("key: expected a chain of certificates, leaf first")]
    Malformed,
    /// Certified by an intermediate that is not pinned.
    #[error("key: the intermediate {} is not pinned by policy", crate::hex::encode(.got))]
    IntermediateNotPinned {
        /// SHA-256 of the intermediate's subject public key info.
        got: [u8; 32],
    },
    /// The intermediate is not an authority, or has another name than the leaf's issuer.
    #[error("key: not issued by the intermediate beside it")]
    Issuer,
    /// Another signature algorithm than the intermediate's.
    #[error("key: expected a certificate signed by sha256WithRSAEncryption, got {got}")]
    SignatureAlgorithm {
        /// Algorithm found.
        got: ObjectIdentifier,
    },
    /// The intermediate did not sign the leaf.
    #[error("key: the certificate is not signed by its intermediate")]
    Signature,
    /// A certificate was not valid when the token was issued.
    #[error("key: certificate {index} valid from {not_before} to {not_after}, used at {at} (milliseconds)")]
    Validity {
        /// 0 leaf, 1 intermediate.
        index: usize,
        /// Start of validity.
        not_before: u64,
        /// End of validity.
        not_after: u64,
        /// Time of issue.
        at: u64,
    },
    /// The leaf's key is of another kind.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The leaf's key, if a pinned intermediate certified it for the time `at` (milliseconds). Certificates above the
/// intermediate are not looked at: it is the trust anchor.
pub(super) fn verify(ders: &[Vec<u8>], pins: &BTreeSet<[u8; 32]>, at: u64) -> Result<PublicKey, TokenKeyError> {
    let [leaf_der, intermediate_der, ..] = ders else { return Err(TokenKeyError::Malformed) };
    let (leaf, intermediate) = (read(leaf_der)?, read(intermediate_der)?);
    let malformed = |_: der::Error| TokenKeyError::Malformed;
    let authority = intermediate.tbs_certificate().subject_public_key_info().to_der().map_err(malformed)?;
    let got = Sha256::digest(&authority).into();
    if !pins.contains(&got) {
        return Err(TokenKeyError::IntermediateNotPinned { got });
    }
    let constraints = extension(&intermediate)?;
    let leaf_is_authority = extension(&leaf)?.is_some_and(|constraints| constraints.ca);
    if leaf.tbs_certificate().issuer() != intermediate.tbs_certificate().subject()
        || !constraints.is_some_and(|constraints| constraints.ca)
        || leaf_is_authority
    {
        return Err(TokenKeyError::Issuer);
    }
    let algorithm = leaf.signature_algorithm();
    if algorithm.oid != SHA_256_WITH_RSA_ENCRYPTION || leaf.tbs_certificate().signature() != algorithm {
        return Err(TokenKeyError::SignatureAlgorithm { got: algorithm.oid });
    }
    let signed = first_element(leaf_der).map_err(malformed)?;
    let signature = leaf.signature().as_bytes().ok_or(TokenKeyError::Malformed)?;
    if !rsa::verify(&authority, signed, signature) {
        return Err(TokenKeyError::Signature);
    }
    for (index, certificate) in [&leaf, &intermediate].into_iter().enumerate() {
        let validity = certificate.tbs_certificate().validity();
        let (not_before, not_after) = (milliseconds(validity.not_before), milliseconds(validity.not_after));
        if !(not_before..=not_after).contains(&at) {
            return Err(TokenKeyError::Validity { index, not_before, not_after, at });
        }
    }
    Ok(PublicKey::from_info(&leaf.tbs_certificate().subject_public_key_info().to_der().map_err(malformed)?)?)
}

fn read(der: &[u8]) -> Result<Certificate, TokenKeyError> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(TokenKeyError::Malformed);
    }
    Certificate::from_der(der).map_err(|_| TokenKeyError::Malformed)
}

fn extension(certificate: &Certificate) -> Result<Option<BasicConstraints>, TokenKeyError> {
    let mut extensions = certificate.tbs_certificate().extensions().into_iter().flatten();
    let found = extensions.find(|extension| extension.extn_id == ID_CE_BASIC_CONSTRAINTS);
    let decoded = found.map(|extension| BasicConstraints::from_der(extension.extn_value.as_bytes()));
    decoded.transpose().map_err(|_| TokenKeyError::Malformed)
}

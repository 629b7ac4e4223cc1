//! Revocation of a whole chain: which certificates must be spoken for, and by what.
//!
//! Responders do not answer for leaves of devices, and nobody revokes a root. So a device chain needs certificates 1 to 3,
//! and a manifest's signer chain needs 0 to 2. Device certificates never expire, which makes revocation the only way to
//! withdraw one.

use thiserror::Error;

use super::{
    certificate::Certificate,
    crl::{Crl, CrlError},
    ocsp::{OcspError, OcspResponse},
    signature::Verified,
};

/// What spoke for every certificate that needs it, weakest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationSource {
    /// OCSP responses for all.
    Ocsp,
    /// Lists for some. Certificates that name no list, among them the device's own, went unchecked unless a response
    /// speaks for them.
    Crl,
    /// Nothing, where the verifier allows that.
    NotChecked,
}

/// Why the revocation state of a chain is not good. `index` counts from the leaf, 0.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RevocationError {
    /// A response that does not verify, or says that its target is revoked.
    #[error("certificate {index}: {source}")]
    Ocsp {
        /// Position.
        index: usize,
        /// Why.
        source: OcspError,
    },
    /// A list that does not verify, or says that its target is revoked.
    #[error("certificate {index}: {source}")]
    Crl {
        /// Position.
        index: usize,
        /// Why.
        source: CrlError,
    },
    /// Nothing speaks for a certificate.
    #[error("certificate {index}: neither an OCSP response nor a revocation list speaks for it; fetch one")]
    Missing {
        /// Position.
        index: usize,
    },
}

/// How strict to be, all in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Time of judging.
    pub at: u64,
    /// Most age of a response, whatever its own `nextUpdate`.
    pub age_max: u64,
    /// Whether a chain that nothing speaks for is refused.
    pub required: bool,
}

/// Parsed responses and lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// OCSP responses.
    pub responses: Vec<OcspResponse>,
    /// Revocation lists.
    pub lists: Vec<Crl>,
}

/// Result for one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationState {
    /// What spoke.
    pub source: RevocationSource,
    /// When the first of the statements lapses, milliseconds.
    pub expires_at_ms: u64,
}

/// Checks the certificates `first..` of a chain, all but the root, against every statement about them. **All** statements
/// about a certificate must be good, so adding a good one does not cover a bad one.
///
/// # Errors
/// [`RevocationError`].
pub fn check(
    certificates: &[Certificate],
    first: usize,
    statements: &Statements,
    freshness: Freshness,
    verified: &mut Verified,
) -> Result<RevocationState, RevocationError> {
    let mut state = RevocationState { source: RevocationSource::Ocsp, expires_at_ms: u64::MAX };
    let (mut listed, mut unspoken, mut unlisted) = (false, None, None);
    for (index, (target, issuer)) in certificates.iter().zip(certificates.iter().skip(1)).enumerate().skip(first) {
        let mut answered = false;
        for response in statements.responses.iter().filter(|r| r.check_target(target, issuer).is_ok()) {
            let expires_at = response
                .verify(target, issuer, freshness.at, freshness.age_max, verified)
                .map_err(|source| RevocationError::Ocsp { index, source })?;
            state.expires_at_ms = state.expires_at_ms.min(expires_at);
            answered = true;
        }
        let mut on_list = false;
        for list in statements.lists.iter().filter(|list| list.check_issuer(issuer).is_ok()) {
            let expires_at = list
                .verify(target, issuer, freshness.at, verified)
                .map_err(|source| RevocationError::Crl { index, source })?;
            state.expires_at_ms = state.expires_at_ms.min(expires_at);
            on_list = true;
        }
        listed |= on_list;
        if !answered {
            state.source = RevocationSource::Crl;
        }
        if !answered && !on_list {
            unspoken = unspoken.or(Some(index));
            // A certificate that names a list must be on it or answered for; the others are let pass beside lists.
            unlisted = unlisted.or(Some(index).filter(|_| target.names_revocation_list()));
        }
    }
    match unlisted.or(unspoken.filter(|_| !listed)) {
        Some(index) if freshness.required => Err(RevocationError::Missing { index }),
        Some(_) => Ok(RevocationState { source: RevocationSource::NotChecked, ..state }),
        None => Ok(state),
    }
}

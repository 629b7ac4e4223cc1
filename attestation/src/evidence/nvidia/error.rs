//! Why an NVIDIA device or machine is refused.

use thiserror::Error;

use super::{
    compare::CompareError,
    crl::CrlError,
    device_chain::{DeviceChainError, Family},
    ocsp::OcspError,
    report_error::ReportError,
    revocation::RevocationError,
    rim::RimError,
    token::TokenError,
    topology::TopologyError,
    version::{DriverVersion, VbiosVersion},
};

/// Why a device is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NvidiaError {
    /// Too many documents of one kind, or too many devices.
    #[error("collateral {field}: expected at most {max}, got {got}")]
    TooMany {
        /// Which list.
        field: &'static str,
        /// Its cap.
        max: usize,
        /// Its length.
        got: usize,
    },
    /// An OCSP response that does not parse.
    #[error("collateral ocsp_responses {position}: {source}")]
    OcspResponse {
        /// Position in the list.
        position: usize,
        /// Why.
        source: OcspError,
    },
    /// A revocation list that does not parse.
    #[error("collateral revocation_lists {position}: {source}")]
    RevocationList {
        /// Position in the list.
        position: usize,
        /// Why.
        source: CrlError,
    },
    /// Two manifests under one id.
    #[error("collateral manifests: {id} appears twice")]
    DuplicateManifest {
        /// The id.
        id: String,
    },
    /// Not a report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The report answers another nonce: it is old, or of other work.
    #[error("report: answers nonce {}, asked was {}", crate::hex::encode(.got), crate::hex::encode(.expected))]
    Nonce {
        /// The verifier's nonce.
        expected: [u8; 32],
        /// The report's.
        got: [u8; 32],
    },
    /// Chain, or report under it.
    #[error(transparent)]
    DeviceChain(#[from] DeviceChainError),
    /// On the verifier's list.
    #[error("device {}: revoked by policy", crate::hex::encode(.identity))]
    RevokedIdentity {
        /// Its identity.
        identity: [u8; 32],
    },
    /// Of a family that is not allowed.
    #[error("device: family {family:?} is not allowed by policy")]
    FamilyNotAllowed {
        /// Its family.
        family: Family,
    },
    /// Driver too old.
    #[error("device: expected driver {expected} or newer, got {got}; update it")]
    DriverFloor {
        /// Least version.
        expected: DriverVersion,
        /// The device's.
        got: DriverVersion,
    },
    /// VBIOS too old.
    #[error("device: expected VBIOS {expected} or newer, got {got}; update it")]
    VbiosFloor {
        /// Least version.
        expected: VbiosVersion,
        /// The device's.
        got: VbiosVersion,
    },
    /// Revocation of the device chain.
    #[error("device chain: {0}")]
    DeviceRevocation(RevocationError),
    /// A manifest that is validly signed perhaps, but not one that counts.
    #[error("manifest {id}: document {} is not pinned by policy", crate::hex::encode(.got))]
    ManifestNotPinned {
        /// Its id.
        id: String,
        /// SHA-256 of the document.
        got: [u8; 32],
    },
    /// A manifest that does not verify.
    #[error("{id}: {source}")]
    Manifest {
        /// Its id.
        id: String,
        /// Why.
        source: RimError,
    },
    /// A manifest that describes something else than its id says.
    #[error("manifest {id}: expected {field} {expected}, got {got}")]
    ManifestMeta {
        /// Its id.
        id: String,
        /// `colloquialVersion`, `product` or `edition`.
        field: &'static str,
        /// By the device.
        expected: String,
        /// By the document.
        got: String,
    },
    /// Revocation of a manifest's signer.
    #[error("manifest {id}: {source}")]
    ManifestRevocation {
        /// Its id.
        id: String,
        /// Why.
        source: RevocationError,
    },
    /// Measurements differ.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A token of the vendor's service is not good; one for another nonce is another device's and not looked at.
    #[error("collateral tokens {position}: {source}")]
    Token {
        /// Position in the list.
        position: usize,
        /// Why.
        source: TokenError,
    },
    /// The token that answers the device's nonce is about another device.
    #[error(
        "collateral tokens {position}: expected {field} {expected}, got {got}; fetch the token for this device's report"
    )]
    TokenDevice {
        /// Position in the list.
        position: usize,
        /// Which claim.
        field: &'static str,
        /// Of the device.
        expected: String,
        /// In the token.
        got: String,
    },
    /// Devices that are not one machine.
    #[error(transparent)]
    Topology(#[from] TopologyError),
}

//! What an appraised device shows, and which checks showed it.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::{
    compare::Compared,
    device_chain::Family,
    opaque::{Board, Feature, Pdi},
    report::DeviceKind,
    revocation::RevocationSource,
    token::TokenClaims,
    version::{DriverVersion, VbiosVersion},
};

/// Which of a device's manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestKind {
    /// The driver's, for what the driver loads.
    Driver,
    /// The VBIOS's, or a switch's firmware's.
    Vbios,
}

/// Measurements that match one pinned manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchedManifest {
    /// Which.
    pub kind: ManifestKind,
    /// Its id.
    pub id: String,
    /// SHA-256 of the document.
    #[serde(with = "crate::hex")]
    pub sha256: [u8; 32],
    /// What was compared.
    pub compared: Compared,
}

/// Why reference values of one kind could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unavailable {
    /// Nothing is pinned under the manifest's id.
    NotPinned,
    /// A manifest is pinned, but the collateral does not hold it.
    NotSupplied,
}

/// A manifest that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingManifest {
    /// Which.
    pub kind: ManifestKind,
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: Unavailable,
}

/// How the firmware compares with what its maker published. A mismatch is an error, never a value of this type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReferenceValues {
    /// Manifests that match.
    pub matched: Vec<MatchedManifest>,
    /// Manifests that could not be used; the device is genuine, its firmware is not known to be.
    pub missing: Vec<MissingManifest>,
    /// The vendor's word for the firmware, where manifests are missing.
    pub token: Option<TokenClaims>,
}

impl ReferenceValues {
    /// Whether every manifest of the device was there and matches.
    #[must_use]
    pub const fn complete(&self) -> bool {
        self.missing.is_empty() && !self.matched.is_empty()
    }
}

/// One step of an appraisal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// Layout of the report.
    ReportLayout,
    /// The report answers the nonce.
    Nonce,
    /// Path from the attestation key to the pinned root.
    DeviceChain,
    /// Signature of the report.
    ReportSignature,
    /// Firmware identity of report and leaf.
    FirmwareIdentity,
    /// The device is not on the verifier's own list of revoked ones.
    DeviceNotRevoked,
    /// Family and versions are allowed.
    Versions,
    /// Revocation of the device chain.
    DeviceRevocation,
    /// Signature and pin of a manifest.
    Manifest,
    /// Revocation of a manifest's signer.
    ManifestRevocation,
    /// Measurements against reference values.
    ReferenceValues,
    /// The vendor's token in place of reference values.
    VendorToken,
}

/// How a step went, short of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It holds only because expiry is forgiven for a while.
    Grace,
    /// What it needs is not there, and the verifier allows that.
    NotChecked,
}

/// A step and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The step.
    pub kind: CheckKind,
    /// How it went.
    pub result: CheckResult,
    /// With what, for people.
    pub detail: String,
}

impl fmt::Display for CheckKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ReportLayout => "report layout",
            Self::Nonce => "nonce",
            Self::DeviceChain => "device chain",
            Self::ReportSignature => "report signature",
            Self::FirmwareIdentity => "firmware identity",
            Self::DeviceNotRevoked => "device not revoked",
            Self::Versions => "family and versions",
            Self::DeviceRevocation => "device chain revocation",
            Self::VendorToken => "vendor's token",
            Self::Manifest => "manifest",
            Self::ManifestRevocation => "manifest revocation",
            Self::ReferenceValues => "reference values",
        })
    }
}

/// A device that passed. That the work ran on it is **not** among the claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceClaims {
    /// GPU or switch.
    pub kind: DeviceKind,
    /// Family, from the chain.
    pub family: Family,
    /// Chip, from the chain.
    pub chip: String,
    /// Model, as the vendor names it.
    pub model: String,
    /// Board; GPUs only.
    pub board: Option<Board>,
    /// Stable identity: SHA-256 of the identity key's subject public key info.
    #[serde(with = "crate::hex")]
    pub identity: [u8; 32],
    /// Physical device identifier.
    #[serde(with = "crate::hex")]
    pub pdi: Pdi,
    /// Digest of the firmware that holds the attestation key.
    #[serde(with = "crate::hex")]
    pub fwid: [u8; 48],
    /// The nonce answered.
    #[serde(with = "crate::hex")]
    pub nonce: [u8; 32],
    /// Driver version; GPUs only.
    pub driver: Option<DriverVersion>,
    /// VBIOS or switch firmware version.
    pub vbios: VbiosVersion,
    /// How the GPU is shared out, if the report says.
    pub feature: Option<Feature>,
    /// Switches that a GPU is linked to.
    #[serde(serialize_with = "identifiers")]
    pub switches: Vec<Pdi>,
    /// GPUs that a switch is linked to.
    #[serde(serialize_with = "identifiers")]
    pub gpus: Vec<Pdi>,
    /// Firmware against reference values.
    pub reference_values: ReferenceValues,
    /// What spoke for certificates: the weaker of device chain and manifests.
    pub revocation: RevocationSource,
    /// Whether an expired manifest signer was forgiven.
    pub grace: bool,
    /// First moment after which one of the statements used has lapsed, milliseconds since the epoch.
    pub expires_at_ms: u64,
    /// Every check, in order.
    pub checks: Vec<Check>,
}

fn identifiers<S: Serializer>(pdis: &[Pdi], serializer: S) -> Result<S::Ok, S::Error> {
    let mut sequence = serializer.serialize_seq(Some(pdis.len()))?;
    for pdi in pdis {
        sequence.serialize_element(&crate::hex::encode(pdi))?;
    }
    sequence.end()
}

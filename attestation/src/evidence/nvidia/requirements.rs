//! What an appraisal is given beside evidence: documents from anybody, and what the verifier asks.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    device_chain::{Family, NVIDIA_DEVICE_ROOT},
    rim::NVIDIA_RIM_ROOT,
    token::{TokenEvidence, TokenRequirements},
    version::{DriverVersion, VbiosVersion},
};

/// Most manifests in a collateral, and most OCSP responses.
pub const DOCUMENTS_MAX: usize = 128;
/// Most revocation lists in a collateral, each of which may be large.
pub const LISTS_MAX: usize = 16;

/// A manifest and the id under which it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ManifestDocument {
    /// Id, such as `NV_GPU_DRIVER_GH100_550.90.07`.
    pub id: String,
    /// The XML document.
    pub document: Vec<u8>,
}

/// Documents beside evidence. Whoever supplies them is not trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NvidiaCollateral {
    /// Reference manifests, one per id.
    pub manifests: Vec<ManifestDocument>,
    /// OCSP responses in DER.
    pub ocsp_responses: Vec<Vec<u8>>,
    /// Revocation lists in DER.
    pub revocation_lists: Vec<Vec<u8>>,
    /// Tokens of the vendor's service, for devices whose manifests are not at hand.
    pub tokens: Vec<TokenEvidence>,
}

/// Least versions of one family; a version that a device lacks is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    /// Least driver version.
    pub driver: Option<DriverVersion>,
    /// Least VBIOS or switch firmware version.
    pub vbios: Option<VbiosVersion>,
}

/// What a verifier asks of devices. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// SHA-256 of the device root's subject public key info.
    pub device_root: [u8; 32],
    /// SHA-256 of the manifest root's subject public key info.
    pub rim_root: [u8; 32],
    /// Families allowed, with their floors. A family that is absent is refused.
    pub families: BTreeMap<Family, Floor>,
    /// Manifests by id: the SHA-256 of every document that counts under it.
    pub manifests: BTreeMap<String, BTreeSet<[u8; 32]>>,
    /// Identities of devices that are refused.
    pub revoked: BTreeSet<[u8; 32]>,
    /// How long an expired manifest signer is forgiven.
    pub manifest_grace_ms: u64,
    /// Most age of an OCSP response.
    pub ocsp_age_ms_max: u64,
    /// Whether chains that nothing speaks for are refused.
    pub revocation_required: bool,
    /// Which tokens count; none do without an intermediate.
    pub tokens: TokenRequirements,
}

impl Requirements {
    /// The vendor's roots, every family without floors, revocation required, responses of at most seven days, no grace,
    /// nothing pinned, no tokens.
    #[must_use]
    pub fn strict() -> Self {
        let families = [Family::Gh100, Family::Gb100, Family::Gb20x, Family::Ls10];
        Self {
            device_root: NVIDIA_DEVICE_ROOT,
            rim_root: NVIDIA_RIM_ROOT,
            families: families.into_iter().map(|family| (family, Floor::default())).collect(),
            manifests: BTreeMap::new(),
            revoked: BTreeSet::new(),
            manifest_grace_ms: 0,
            ocsp_age_ms_max: 7 * 86_400_000,
            revocation_required: true,
            tokens: TokenRequirements::default(),
        }
    }
}

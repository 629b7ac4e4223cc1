//! What a policy asks of NVIDIA devices, in bounded, encodable form.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::PolicyError;
use crate::{
    bounded::{Fixed, List, Set},
    codec::FieldError,
    evidence::nvidia::{
        claims::DeviceClaims,
        device_chain::{Family, NVIDIA_DEVICE_ROOT},
        requirements::{Floor, Requirements},
        rim::NVIDIA_RIM_ROOT,
        token::{NVIDIA_ISSUER, TokenRequirements},
        version::{DriverVersion, VbiosVersion},
    },
    text::Text,
};

/// Least versions from a moment on. A version that a device lacks is not compared.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionFloor {
    /// When it begins, milliseconds since the epoch.
    pub activates_at: u64,
    /// For how long lower versions are still accepted at lower trust, milliseconds.
    pub grace_ms: u64,
    /// Least driver, such as `550.90.07`.
    pub driver: Option<Text<32>>,
    /// Least VBIOS or switch firmware, such as `96.00.9F.00.01`.
    pub vbios: Option<Text<16>>,
}

/// A family that is allowed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyRule {
    /// The family.
    pub family: Family,
    /// Floors under its versions.
    pub floors: List<VersionFloor, 4>,
}

/// The reference manifests that count under one id. A version does not identify content: documents with one id and
/// version, all validly signed, hold different values, so the documents themselves are pinned.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestPin {
    /// Id in the vendor's registry.
    pub id: Text<64>,
    /// SHA-256 of each document.
    pub sha256: Set<Fixed<32>, 4>,
}

/// What a policy asks of NVIDIA devices.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NvidiaRules {
    /// SHA-256 of the device root's SubjectPublicKeyInfo.
    pub device_root: Fixed<32>,
    /// SHA-256 of the manifest root's SubjectPublicKeyInfo.
    pub rim_root: Fixed<32>,
    /// Families that are allowed.
    pub families: List<FamilyRule, 8>,
    /// Reference manifests.
    pub manifests: List<ManifestPin, 128>,
    /// How long an expired manifest signer is forgiven, at lower trust, milliseconds.
    pub manifest_grace_ms: u64,
    /// Oldest OCSP response, milliseconds.
    pub ocsp_age_ms_max: u64,
    /// Whether chains that neither a response nor a list speaks for are refused.
    pub require_revocation: bool,
    /// SHA-256 of the SubjectPublicKeyInfo of intermediates that certify the token keys of the vendor's service; without
    /// any, tokens do not count.
    pub token_intermediates: Set<Fixed<32>, 4>,
    /// Oldest token, milliseconds.
    pub token_age_ms_max: u64,
}

impl NvidiaRules {
    /// NVIDIA's roots, every family, nothing pinned, revocation required, responses of at most seven days, no tokens.
    #[must_use]
    pub fn standard() -> Self {
        let families = [Family::Gh100, Family::Gb100, Family::Gb20x, Family::Ls10];
        let families = families.into_iter().map(|family| FamilyRule { family, floors: List::default() }).collect();
        Self {
            device_root: Fixed(NVIDIA_DEVICE_ROOT),
            rim_root: Fixed(NVIDIA_RIM_ROOT),
            families: List::new(families).unwrap_or_default(),
            manifests: List::default(),
            manifest_grace_ms: 0,
            ocsp_age_ms_max: 7 * 86_400_000,
            require_revocation: true,
            token_intermediates: Set::default(),
            token_age_ms_max: 3_600_000,
        }
    }

    /// What the verifier asks at the time `at`: floors whose grace is over. Revoked identities are judged by the policy
    /// as a whole.
    ///
    /// # Errors
    /// [`PolicyError::Version`], [`PolicyError::Duplicate`].
    pub(crate) fn requirements(&self, at: u64) -> Result<Requirements, PolicyError> {
        let mut families = BTreeMap::new();
        for rule in self.families.as_slice() {
            let mut least = Floor::default();
            for floor in rule.floors.as_slice() {
                let (driver, vbios) = floor.versions()?;
                if floor.grace_until() < at {
                    least.driver = least.driver.max(driver);
                    least.vbios = least.vbios.max(vbios);
                }
            }
            if families.insert(rule.family, least).is_some() {
                return Err(PolicyError::Duplicate { field: "nvidia.families" });
            }
        }
        let mut manifests = BTreeMap::new();
        for pin in self.manifests.as_slice() {
            let documents: BTreeSet<[u8; 32]> = pin.sha256.iter().map(|document| document.0).collect();
            if manifests.insert(pin.id.to_string(), documents).is_some() {
                return Err(PolicyError::Duplicate { field: "nvidia.manifests" });
            }
        }
        Ok(Requirements {
            device_root: self.device_root.0,
            rim_root: self.rim_root.0,
            families,
            manifests,
            revoked: BTreeSet::new(),
            manifest_grace_ms: self.manifest_grace_ms,
            ocsp_age_ms_max: self.ocsp_age_ms_max,
            revocation_required: self.require_revocation,
            tokens: TokenRequirements {
                issuer: NVIDIA_ISSUER.to_owned(),
                intermediates: self.token_intermediates.iter().map(|intermediate| intermediate.0).collect(),
                age_ms_max: self.token_age_ms_max,
            },
        })
    }

    /// Until when an active floor that the device misses still forgives it, if there is one.
    pub(crate) fn check_grace(&self, device: &DeviceClaims, at: u64) -> Option<u64> {
        let rules = self.families.as_slice().iter().filter(|rule| rule.family == device.family);
        let floors = rules.flat_map(|rule| rule.floors.as_slice()).filter(|floor| floor.activates_at <= at);
        floors.filter(|floor| floor.is_missed_by(device)).map(VersionFloor::grace_until).min()
    }
}

impl VersionFloor {
    const fn grace_until(&self) -> u64 {
        self.activates_at.saturating_add(self.grace_ms)
    }

    fn versions(&self) -> Result<(Option<DriverVersion>, Option<VbiosVersion>), PolicyError> {
        let field = "nvidia.families.floors";
        let driver = self.driver.as_ref().map(|text| DriverVersion::parse(text.as_str())).transpose();
        let vbios = self.vbios.as_ref().map(|text| VbiosVersion::parse(text.as_str())).transpose();
        Ok((
            driver.map_err(|source| PolicyError::Version { field, source })?,
            vbios.map_err(|source| PolicyError::Version { field, source })?,
        ))
    }

    fn is_missed_by(&self, device: &DeviceClaims) -> bool {
        let Ok((driver, vbios)) = self.versions() else { return true };
        let driver_missed = matches!((&driver, &device.driver), (Some(least), Some(got)) if got < least);
        driver_missed || vbios.is_some_and(|least| device.vbios < least)
    }
}

/// Borsh of a family: one byte.
impl BorshSerialize for Family {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        let tag: u8 = match self {
            Self::Gh100 => 0,
            Self::Gb100 => 1,
            Self::Gb20x => 2,
            Self::Ls10 => 3,
        };
        BorshSerialize::serialize(&tag, writer)
    }
}

impl BorshDeserialize for Family {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        match u8::deserialize_reader(reader)? {
            0 => Ok(Self::Gh100),
            1 => Ok(Self::Gb100),
            2 => Ok(Self::Gb20x),
            3 => Ok(Self::Ls10),
            got => Err(FieldError::UnknownTag {
                field: "nvidia family",
                expected: "0 (gh100), 1 (gb100), 2 (gb20x), 3 (ls10)",
                got,
            }
            .into()),
        }
    }
}

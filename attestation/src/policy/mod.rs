//! What a chain believes about evidence: an explicit, versioned table that governance may change.
//!
//! Trust is in basis points, 6000 to 10000 in the standard table, and multiplies a reward. It is the smaller of two
//! numbers: the *row* of the evidence (how much was shown) and the *cap* of the hardware (how much such hardware can
//! show at all). Beside the table of trust stand the rules of each vendor: pinned roots and documents, floors that rise
//! at announced times, allowed launches, and the identities of devices that nobody should trust.
//!
//! A policy has two spellings: canonical borsh, which a genesis holds and whose hash names it, and TOML for people
//! (feature `toml`).

use std::{collections::BTreeSet, io};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    bounded::{Fixed, List, Set},
    codec::{self, DecodeError, FieldError},
    evidence::{
        EvidenceKind,
        nvidia::version::VersionError,
        sev_snp::{AMD_ROOTS, SnpRules},
        tdx::{INTEL_ROOT, TdxRules},
    },
    hash::{derive, purpose},
};

mod nvidia;

pub use nvidia::{FamilyRule, ManifestPin, NvidiaRules, VersionFloor};

/// One hundred percent in basis points.
pub const BPS: u32 = 10_000;
/// Most bytes of an encoded [`Policy`]: more than every list filled to its cap takes.
pub const POLICY_BYTES_MAX: usize = 128 << 10;
/// Most bytes of a policy in TOML.
#[cfg(feature = "toml")]
pub const POLICY_TOML_BYTES_MAX: usize = 1 << 20;

/// Why a policy is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// A number of basis points above one hundred percent.
    #[error("policy {field}: expected at most 10000 bps, got {got}")]
    AboveFull {
        /// The field.
        field: &'static str,
        /// Its value.
        got: u32,
    },
    /// No kind of evidence is allowed, so nothing could ever be appraised.
    #[error("policy allowed: name at least one kind of evidence")]
    NothingAllowed,
    /// The same kind twice, or kinds out of order, in an encoding.
    #[error("policy allowed: kinds must be sorted and distinct")]
    UnsortedKinds,
    /// Evidence that is never fresh.
    #[error("policy evidence_age_ms_max: expected at least 1, got 0")]
    NoAge,
    /// A version that cannot be read.
    #[error("policy {field}: {source}")]
    Version {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: VersionError,
    },
    /// A key that occurs twice in a list.
    #[error("policy {field}: an entry occurs twice")]
    Duplicate {
        /// The list.
        field: &'static str,
    },
    /// A TOML text that is no policy.
    #[cfg(feature = "toml")]
    #[error("policy file: {cause}")]
    Toml {
        /// What the parser says.
        cause: String,
    },
}

/// Hardware classes with a trust cap of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HardwareClass {
    /// NVIDIA B100, B200: confidential computing with TEE-I/O.
    B100B200,
    /// NVIDIA H100, H200: confidential computing.
    H100H200,
    /// NVIDIA RTX PRO 6000.
    RtxPro6000,
    /// Everything else, and no hardware at all.
    Other,
}

/// Most trust, in bps, that evidence from each hardware class can earn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HardwareCaps {
    /// See [`HardwareClass::B100B200`].
    pub b100_b200: u32,
    /// See [`HardwareClass::H100H200`].
    pub h100_h200: u32,
    /// See [`HardwareClass::RtxPro6000`].
    pub rtx_pro_6000: u32,
    /// See [`HardwareClass::Other`].
    pub other: u32,
}

/// How much was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// Software evidence, which shows nothing.
    Software,
    /// Devices verified here, and a CPU quote that commits to them, all fresh and up to date.
    Verified,
    /// The same, but software must mitigate something, or only revocation lists speak for the chain.
    Hardening,
    /// A token of the vendor instead of appraisal here. No kind of evidence of this version carries one.
    VendorToken,
    /// Devices without a CPU quote.
    NoCpu,
    /// Something holds by a grace period only.
    Grace,
    /// Genuine, but what runs on it was not compared with reference values, or nothing spoke about revocation.
    Authentic,
}

/// Trust, in bps, for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRows {
    /// See [`Row::Software`].
    pub software: u32,
    /// See [`Row::Verified`].
    pub verified: u32,
    /// See [`Row::Hardening`].
    pub hardening: u32,
    /// See [`Row::VendorToken`].
    pub vendor_token: u32,
    /// See [`Row::NoCpu`].
    pub no_cpu: u32,
    /// See [`Row::Grace`].
    pub grace: u32,
    /// See [`Row::Authentic`].
    pub authentic: u32,
}

/// Layers without which hardware evidence is refused, instead of earning less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredLayers {
    /// A CPU quote.
    pub cpu: bool,
    /// At least one GPU.
    pub gpu: bool,
    /// Every measurement of every device compared with pinned reference values.
    pub reference_values: bool,
}

/// The fields of a [`Policy`], unchecked: for writing one down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTable {
    /// Kinds of evidence that are looked at.
    pub allowed: BTreeSet<EvidenceKind>,
    /// Least trust that is accepted, bps.
    pub trust_bps_min: u32,
    /// Oldest evidence that is accepted, milliseconds since the context's timestamp.
    pub evidence_age_ms_max: u64,
    /// Identities of GPUs, switches and processors that are refused.
    pub revoked: Set<Fixed<32>, 1024>,
    /// Trust by what was shown.
    pub rows: EvidenceRows,
    /// Trust by hardware.
    pub caps: HardwareCaps,
    /// Layers that must be there.
    pub required: RequiredLayers,
    /// NVIDIA devices.
    pub nvidia: NvidiaRules,
    /// Intel TDX.
    pub tdx: TdxRules,
    /// AMD SEV-SNP.
    pub sev_snp: SnpRules,
}

impl PolicyTable {
    /// The table of this project: every kind of evidence, one hour; the vendors' roots; no launch and no reference
    /// manifest, which governance adds as it examines them.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            allowed: BTreeSet::from([
                EvidenceKind::Software,
                EvidenceKind::Nvidia,
                EvidenceKind::Tdx,
                EvidenceKind::SevSnp,
                EvidenceKind::Composite,
            ]),
            trust_bps_min: 6000,
            evidence_age_ms_max: 3_600_000,
            revoked: Set::default(),
            rows: EvidenceRows {
                software: 6000,
                verified: 10_000,
                hardening: 9000,
                vendor_token: 8500,
                no_cpu: 8000,
                grace: 7000,
                authentic: 6000,
            },
            caps: HardwareCaps { b100_b200: 10_000, h100_h200: 9500, rtx_pro_6000: 9000, other: 6000 },
            required: RequiredLayers::default(),
            nvidia: NvidiaRules::standard(),
            tdx: TdxRules {
                roots: Set::new([Fixed(INTEL_ROOT)]).unwrap_or_default(),
                collateral_age_ms_max: 7 * 86_400_000,
                ..TdxRules::default()
            },
            sev_snp: SnpRules { roots: Set::new(AMD_ROOTS).unwrap_or_default(), ..SnpRules::default() },
        }
    }
}

/// A checked [`PolicyTable`]: every number of bps is at most 10000, a kind is allowed, an age is given (invariants).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PolicyTable", into = "PolicyTable")]
pub struct Policy(PolicyTable);

impl Policy {
    /// Checks a table.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn new(table: PolicyTable) -> Result<Self, PolicyError> {
        let PolicyTable {
            allowed,
            trust_bps_min,
            evidence_age_ms_max,
            rows,
            caps,
            nvidia,
            revoked: _,
            required: _,
            tdx: _,
            sev_snp: _,
        } = &table;
        let EvidenceRows { software, verified, hardening, vendor_token, no_cpu, grace, authentic } = rows;
        let HardwareCaps { b100_b200, h100_h200, rtx_pro_6000, other } = caps;
        for (field, value) in [
            ("rows.software", software),
            ("rows.verified", verified),
            ("rows.hardening", hardening),
            ("rows.vendor_token", vendor_token),
            ("rows.no_cpu", no_cpu),
            ("rows.grace", grace),
            ("rows.authentic", authentic),
            ("caps.b100_b200", b100_b200),
            ("caps.h100_h200", h100_h200),
            ("caps.rtx_pro_6000", rtx_pro_6000),
            ("caps.other", other),
            ("trust_bps_min", trust_bps_min),
        ] {
            if *value > BPS {
                return Err(PolicyError::AboveFull { field, got: *value });
            }
        }
        if allowed.is_empty() {
            return Err(PolicyError::NothingAllowed);
        }
        if *evidence_age_ms_max == 0 {
            return Err(PolicyError::NoAge);
        }
        nvidia.requirements(0)?;
        Ok(Self(table))
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> &PolicyTable {
        &self.0
    }

    /// Trust for a row, bps.
    #[must_use]
    pub const fn row(&self, row: Row) -> u32 {
        let EvidenceRows { software, verified, hardening, vendor_token, no_cpu, grace, authentic } = self.0.rows;
        match row {
            Row::Software => software,
            Row::Verified => verified,
            Row::Hardening => hardening,
            Row::VendorToken => vendor_token,
            Row::NoCpu => no_cpu,
            Row::Grace => grace,
            Row::Authentic => authentic,
        }
    }

    /// Most trust for a hardware class, bps.
    #[must_use]
    pub const fn cap(&self, class: HardwareClass) -> u32 {
        match class {
            HardwareClass::B100B200 => self.0.caps.b100_b200,
            HardwareClass::H100H200 => self.0.caps.h100_h200,
            HardwareClass::RtxPro6000 => self.0.caps.rtx_pro_6000,
            HardwareClass::Other => self.0.caps.other,
        }
    }

    /// Hash of the canonical bytes: names the policy in a genesis or a verdict.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        derive(purpose::POLICY, &[&self.to_bytes()])
    }

    /// Reads a policy in TOML.
    ///
    /// # Errors
    /// [`PolicyError::Toml`] with line and cause; a broken rule is in its text.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        if text.len() > POLICY_TOML_BYTES_MAX {
            return Err(PolicyError::Toml {
                cause: format!("expected at most {POLICY_TOML_BYTES_MAX} bytes, got {}", text.len()),
            });
        }
        toml::from_str(text).map_err(|error| PolicyError::Toml { cause: error.to_string() })
    }

    /// The policy in TOML.
    ///
    /// # Errors
    /// [`PolicyError::Toml`] for a number beyond TOML's 64 signed bits.
    #[cfg(feature = "toml")]
    pub fn to_toml(&self) -> Result<String, PolicyError> {
        toml::to_string(self).map_err(|error| PolicyError::Toml { cause: error.to_string() })
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`DecodeError`]; a broken rule is [`FieldError::Policy`] inside.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode("attestation policy", bytes, POLICY_BYTES_MAX)
    }
}

impl TryFrom<PolicyTable> for Policy {
    type Error = PolicyError;

    fn try_from(table: PolicyTable) -> Result<Self, PolicyError> {
        Self::new(table)
    }
}

impl From<Policy> for PolicyTable {
    fn from(policy: Policy) -> Self {
        policy.0
    }
}

/// Borsh: `u32` number of kinds and their tags in order, then rows, caps, minimum and age, then required layers, the
/// rules for NVIDIA, TDX and SEV-SNP, and the revoked identities.
impl BorshSerialize for Policy {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        let PolicyTable {
            allowed,
            trust_bps_min,
            evidence_age_ms_max,
            revoked,
            rows,
            caps,
            required,
            nvidia,
            tdx,
            sev_snp,
        } = &self.0;
        let tags: Vec<u8> = allowed.iter().map(|kind| kind.tag()).collect();
        BorshSerialize::serialize(&(tags, rows, caps, trust_bps_min, evidence_age_ms_max), writer)?;
        BorshSerialize::serialize(&(required, nvidia, tdx, sev_snp, revoked), writer)
    }
}

impl BorshDeserialize for Policy {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let tags: List<u8, 16> = List::deserialize_reader(reader)?;
        let (rows, caps, trust_bps_min, evidence_age_ms_max) = BorshDeserialize::deserialize_reader(reader)?;
        let (required, nvidia, tdx, sev_snp, revoked) = BorshDeserialize::deserialize_reader(reader)?;
        if !tags.as_slice().is_sorted_by(|left, right| left < right) {
            return Err(FieldError::from(PolicyError::UnsortedKinds).into());
        }
        let allowed = tags.as_slice().iter().copied().map(EvidenceKind::from_tag).collect::<Result<_, _>>()?;
        let table = PolicyTable {
            allowed,
            trust_bps_min,
            evidence_age_ms_max,
            revoked,
            rows,
            caps,
            required,
            nvidia,
            tdx,
            sev_snp,
        };
        Self::new(table).map_err(|error| FieldError::from(error).into())
    }
}

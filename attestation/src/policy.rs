//! What a chain believes about evidence: an explicit, versioned table that governance may change.
//!
//! Trust is in basis points, 6000 to 10000 in the standard table, and multiplies a reward. It is the smaller of two
//! numbers: the *row* of the evidence (how much was shown) and the *cap* of the hardware (how much such hardware can
//! show at all).

use std::{collections::BTreeSet, io};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    codec::{self, DecodeError, FieldError},
    evidence::EvidenceKind,
    hash::{derive, purpose},
};

/// One hundred percent in basis points.
pub const BPS: u32 = 10_000;
/// Most bytes of an encoded [`Policy`].
pub const POLICY_BYTES_MAX: usize = 256;

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

/// Trust, in bps, for each kind of evidence that verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRows {
    /// Software evidence, which shows nothing.
    pub software: u32,
}

/// The fields of a [`Policy`], unchecked: for writing one down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTable {
    /// Kinds of evidence that are looked at.
    pub allowed: BTreeSet<EvidenceKind>,
    /// Trust by evidence.
    pub rows: EvidenceRows,
    /// Trust by hardware.
    pub caps: HardwareCaps,
    /// Least trust that is accepted, bps.
    pub trust_bps_min: u32,
    /// Oldest evidence that is accepted, milliseconds since the context's timestamp.
    pub evidence_age_ms_max: u64,
}

impl PolicyTable {
    /// The table of this project: software evidence at 6000 bps, one hour.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            allowed: BTreeSet::from([EvidenceKind::Software]),
            rows: EvidenceRows { software: 6000 },
            caps: HardwareCaps { b100_b200: 10_000, h100_h200: 9500, rtx_pro_6000: 9000, other: 6000 },
            trust_bps_min: 6000,
            evidence_age_ms_max: 3_600_000,
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
        let PolicyTable { allowed, rows, caps, trust_bps_min, evidence_age_ms_max } = &table;
        let EvidenceRows { software } = rows;
        let HardwareCaps { b100_b200, h100_h200, rtx_pro_6000, other } = caps;
        for (field, value) in [
            ("rows.software", software),
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
        Ok(Self(table))
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> &PolicyTable {
        &self.0
    }

    /// Trust for a kind of evidence that verified, bps.
    #[must_use]
    pub const fn row(&self, kind: EvidenceKind) -> u32 {
        match kind {
            EvidenceKind::Software => self.0.rows.software,
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

/// Borsh: `u32` number of kinds and their tags in order, then rows, caps, minimum and age.
impl BorshSerialize for Policy {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        let PolicyTable { allowed, rows, caps, trust_bps_min, evidence_age_ms_max } = &self.0;
        let tags: Vec<u8> = allowed.iter().map(|kind| kind.tag()).collect();
        BorshSerialize::serialize(&(tags, rows, caps, trust_bps_min, evidence_age_ms_max), writer)
    }
}

impl BorshDeserialize for Policy {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let (tags, rows, caps, trust_bps_min, evidence_age_ms_max) = BorshDeserialize::deserialize_reader(reader)?;
        let tags: Vec<u8> = tags;
        if !tags.is_sorted_by(|left, right| left < right) {
            return Err(FieldError::from(PolicyError::UnsortedKinds).into());
        }
        let allowed = tags.into_iter().map(EvidenceKind::from_tag).collect::<Result<_, _>>()?;
        let table = PolicyTable { allowed, rows, caps, trust_bps_min, evidence_age_ms_max };
        Self::new(table).map_err(|error| FieldError::from(error).into())
    }
}

//! Evidence: what a machine can show about itself, bound to a work context.
//!
//! Every kind is a variant of [`Evidence`] with a stable tag, a collector that implements [`Attester`], and a verifier
//! that [`appraisal::verify`](crate::appraisal::verify) calls. Evidence is **never** a work proof: even genuine hardware
//! evidence says that a device in some state answered a nonce, not that the job ran there.
//!
//! | tag | kind |
//! |---|---|
//! | 0 | [`Software`](Evidence::Software): no hardware |
//! | 1 to 4 | [`Hardware`](Evidence::Hardware): NVIDIA devices, an Intel TDX quote, an AMD SEV-SNP report, or devices and a quote |
//! | 128 | [`Synthetic`](Evidence::Synthetic): the same from devices that nobody made (feature `synthetic` only) |
//!
//! Tags are never reused. An unknown one is refused by name ([`FieldError::UnknownTag`]), so that a node that is too old
//! says so.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    codec::{self, DecodeError, FieldError},
    context::WorkContext,
    hash::{derive, purpose},
    identity::ed25519,
};

pub mod composite;
pub mod floor;
pub mod hardware;
pub mod nvidia;
pub mod sev_snp;
pub mod software;
pub mod tdx;

pub use hardware::HardwareEvidence;
pub use software::{SoftwareAttester, SoftwareEvidence};

/// Most bytes of an encoded [`Evidence`] of any kind this version knows: sixteen devices of 10 KiB, which is what
/// genuine ones have, a quote and room, within a transaction of 320 KiB.
pub const EVIDENCE_BYTES_MAX: usize = 256 << 10;
const KINDS: &str = "0 (software), 1 (nvidia), 2 (tdx), 3 (sev_snp), 4 (composite)";

/// Which kind of evidence; the borsh tag of [`Evidence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A program's own statement about itself.
    Software,
    /// NVIDIA GPUs and switches.
    Nvidia,
    /// An Intel TDX quote.
    Tdx,
    /// An AMD SEV-SNP report.
    SevSnp,
    /// NVIDIA devices and a CPU quote that commits to them.
    Composite,
    /// Hardware evidence of synthetic devices. Builds without the feature `synthetic` can neither read such evidence nor
    /// a policy that allows it.
    #[cfg(feature = "synthetic")]
    Synthetic,
}

impl EvidenceKind {
    /// The stable tag.
    #[must_use]
    pub const fn tag(self) -> u8 {
        match self {
            Self::Software => 0,
            Self::Nvidia => 1,
            Self::Tdx => 2,
            Self::SevSnp => 3,
            Self::Composite => 4,
            #[cfg(feature = "synthetic")]
            Self::Synthetic => 128,
        }
    }

    /// Whether silicon signed it.
    #[must_use]
    pub const fn is_hardware(self) -> bool {
        matches!(self, Self::Nvidia | Self::Tdx | Self::SevSnp | Self::Composite)
    }

    /// The kind with this tag.
    ///
    /// # Errors
    /// [`FieldError::UnknownTag`].
    pub const fn from_tag(got: u8) -> Result<Self, FieldError> {
        match got {
            0 => Ok(Self::Software),
            1 => Ok(Self::Nvidia),
            2 => Ok(Self::Tdx),
            3 => Ok(Self::SevSnp),
            4 => Ok(Self::Composite),
            #[cfg(feature = "synthetic")]
            128 => Ok(Self::Synthetic),
            _ => Err(FieldError::UnknownTag { field: "evidence", expected: KINDS, got }),
        }
    }
}

impl std::fmt::Display for EvidenceKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Software => "software",
            Self::Nvidia => "nvidia",
            Self::Tdx => "tdx",
            Self::SevSnp => "sev_snp",
            Self::Composite => "composite",
            #[cfg(feature = "synthetic")]
            Self::Synthetic => "synthetic",
        })
    }
}

impl BorshSerialize for EvidenceKind {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        BorshSerialize::serialize(&self.tag(), writer)
    }
}

impl BorshDeserialize for EvidenceKind {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Ok(Self::from_tag(u8::deserialize_reader(reader)?)?)
    }
}

/// Evidence of one kind. Borsh: tag, then the kind's own bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// A program's own statement about itself.
    Software(SoftwareEvidence),
    /// GPUs, switches, a CPU quote.
    Hardware(HardwareEvidence),
    /// The same from synthetic devices.
    #[cfg(feature = "synthetic")]
    Synthetic(HardwareEvidence),
}

/// Under what evidence is spent: the device and the nonce it was asked with.
///
/// Not a hash of the evidence: hardware evidence holds the device's own random nonce and a malleable signature, so its
/// bytes can be changed by anybody without ceasing to verify.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct EvidenceNullifier {
    /// Stable identity of the device.
    #[serde(with = "crate::hex")]
    pub device_identity: [u8; 32],
    /// The verifier's nonce that the device answered.
    #[serde(with = "crate::hex")]
    pub request_nonce: [u8; 32],
}

impl EvidenceNullifier {
    /// One 32-byte key for a spent set.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        derive(purpose::EVIDENCE_NULLIFIER, &[&self.device_identity, &self.request_nonce])
    }
}

impl Evidence {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> EvidenceKind {
        match self {
            Self::Software(_) => EvidenceKind::Software,
            Self::Hardware(evidence) => evidence.kind(),
            #[cfg(feature = "synthetic")]
            Self::Synthetic(_) => EvidenceKind::Synthetic,
        }
    }

    /// Hardware evidence in it, genuine or synthetic.
    #[must_use]
    pub const fn hardware(&self) -> Option<&HardwareEvidence> {
        match self {
            Self::Software(_) => None,
            Self::Hardware(evidence) => Some(evidence),
            #[cfg(feature = "synthetic")]
            Self::Synthetic(evidence) => Some(evidence),
        }
    }

    /// The key to which a CPU quote commits; the receipt's session must be signed with it.
    #[must_use]
    pub fn session_key(&self) -> Option<&ed25519::PublicKey> {
        self.hardware()?.parts().cpu.as_ref().map(|cpu| &cpu.session_key)
    }

    /// Statements of devices and processors in it, each with a chain of certificates to verify.
    #[must_use]
    pub fn signed_parts(&self) -> usize {
        let parts = self.hardware().map(HardwareEvidence::parts);
        parts.map_or(0, |parts| parts.devices.as_slice().len().saturating_add(usize::from(parts.cpu.is_some())))
    }

    /// What a receipt signs: these bytes exactly, signatures included.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        derive(purpose::EVIDENCE, &[&self.to_bytes()])
    }

    /// Under what this evidence is spent: the device and the context, from which every nonce it answers follows.
    /// Appraisal refuses evidence whose statements about both are not true.
    #[must_use]
    pub const fn nullifier(&self) -> EvidenceNullifier {
        let (device_identity, request_nonce) = match self {
            Self::Software(evidence) => (evidence.device_id, evidence.context_digest),
            Self::Hardware(evidence) => (evidence.parts().device_id.0, evidence.parts().context_digest.0),
            #[cfg(feature = "synthetic")]
            Self::Synthetic(evidence) => (evidence.parts().device_id.0, evidence.parts().context_digest.0),
        };
        EvidenceNullifier { device_identity, request_nonce }
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads canonical bytes. Nothing is verified yet.
    ///
    /// # Errors
    /// [`DecodeError`]; an unknown tag is [`FieldError::UnknownTag`] inside.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode("evidence", bytes, EVIDENCE_BYTES_MAX)
    }
}

impl BorshSerialize for Evidence {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        BorshSerialize::serialize(&self.kind(), writer)?;
        match self {
            Self::Software(evidence) => BorshSerialize::serialize(evidence, writer),
            Self::Hardware(evidence) => BorshSerialize::serialize(evidence.parts(), writer),
            #[cfg(feature = "synthetic")]
            Self::Synthetic(evidence) => {
                BorshSerialize::serialize(&evidence.kind(), writer)?;
                BorshSerialize::serialize(evidence.parts(), writer)
            }
        }
    }
}

impl BorshDeserialize for Evidence {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        match EvidenceKind::deserialize_reader(reader)? {
            EvidenceKind::Software => Ok(Self::Software(SoftwareEvidence::deserialize_reader(reader)?)),
            kind @ (EvidenceKind::Nvidia | EvidenceKind::Tdx | EvidenceKind::SevSnp | EvidenceKind::Composite) => {
                Ok(Self::Hardware(HardwareEvidence::read(reader, kind)?))
            }
            #[cfg(feature = "synthetic")]
            EvidenceKind::Synthetic => {
                let kind = EvidenceKind::deserialize_reader(reader)?;
                Ok(Self::Synthetic(HardwareEvidence::read(reader, kind)?))
            }
        }
    }
}

/// Why no evidence could be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AttesterError {
    /// The context pays somebody else.
    #[error("attester: the context pays worker {}, this attester serves worker {}", crate::hex::encode(.got), crate::hex::encode(.expected))]
    WrongWorker {
        /// Worker that the attester serves.
        expected: [u8; 32],
        /// Worker of the context.
        got: [u8; 32],
    },
    /// The context was leased to another device.
    #[error("attester: the context was leased to device {}, this is device {}", crate::hex::encode(.got), crate::hex::encode(.expected))]
    WrongDevice {
        /// Device of the attester.
        expected: [u8; 32],
        /// Device of the context.
        got: [u8; 32],
    },
}

/// Makes evidence on the machine where the work runs.
pub trait Attester {
    /// Which kind it makes.
    fn kind(&self) -> EvidenceKind;

    /// Identity to register with a chain and to name in a lease.
    fn device_id(&self) -> [u8; 32];

    /// Evidence for one context.
    ///
    /// # Errors
    /// [`AttesterError`], for instance when the context names another worker or device.
    fn attest(&self, context: &WorkContext) -> Result<Evidence, AttesterError>;
}

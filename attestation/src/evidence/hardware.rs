//! Hardware evidence as it travels: what GPUs and switches answered, and a CPU quote that commits to it.
//!
//! | tag | devices | quote |
//! |---|---|---|
//! | 1 `nvidia` | one or more | none |
//! | 2 `tdx` | none | Intel TDX |
//! | 3 `sev_snp` | none | AMD SEV-SNP |
//! | 4 `composite` | one or more | either |
//!
//! The tag follows from the content, so there is one encoding of each. [`composite`](super::composite) verifies it.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{EvidenceKind, sev_snp::SnpEvidence, tdx::TdxEvidence};
use crate::{
    bounded::{Bytes, Fixed, List},
    codec::{self, FieldError},
    context::WorkContext,
    hash::{derive, purpose},
    identity::ed25519,
};

/// Most bytes of one device's report; genuine ones have up to 4300.
pub const REPORT_BYTES_MAX: usize = 8192;
/// Most bytes of one device's certificate chain, PEM; genuine ones have about 4800.
pub const DEVICE_CHAIN_BYTES_MAX: usize = 16_384;
/// Most devices: eight GPUs, four switches, and room.
pub const DEVICES_MAX: usize = 16;

/// What one GPU or switch answered.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuDevice {
    /// SPDM request and response.
    pub report: Bytes<REPORT_BYTES_MAX>,
    /// Certificates of the attestation key, PEM, leaf first.
    pub chain: Bytes<DEVICE_CHAIN_BYTES_MAX>,
}

/// A quote of a confidential virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CpuQuote {
    /// Intel TDX.
    Tdx(TdxEvidence),
    /// AMD SEV-SNP.
    SevSnp(SnpEvidence),
}

/// A quote and the key that was made inside the machine.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpuEvidence {
    /// Signs the receipt's session; the quote commits to it.
    pub session_key: ed25519::PublicKey,
    /// The quote.
    pub quote: CpuQuote,
}

/// Why parts are not hardware evidence.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HardwareError {
    /// Neither a device nor a quote.
    #[error("hardware evidence: expected a device, a quote or both, got neither")]
    Empty,
    /// The tag says other parts than there are.
    #[error("hardware evidence: tag {tag} ({expected}) does not fit its content")]
    Tag {
        /// Tag found.
        tag: u8,
        /// Its kind.
        expected: EvidenceKind,
    },
}

/// Devices, a quote, or both (invariant), made for one context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct HardwareEvidence(Box<Parts>);

/// The parts of [`HardwareEvidence`], unchecked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Digest of the context it was made for.
    pub context_digest: Fixed<32>,
    /// Device that the work was leased to: [`device_id`] of all identities.
    pub device_id: Fixed<32>,
    /// GPUs and switches. Device number `i` was asked with [`WorkContext::gpu_nonce`]`(i)`.
    pub devices: List<GpuDevice, DEVICES_MAX>,
    /// The quote.
    pub cpu: Option<CpuEvidence>,
}

impl HardwareEvidence {
    /// Checks parts.
    ///
    /// # Errors
    /// [`HardwareError::Empty`].
    pub fn new(parts: Parts) -> Result<Self, HardwareError> {
        if parts.devices.as_slice().is_empty() && parts.cpu.is_none() {
            return Err(HardwareError::Empty);
        }
        Ok(Self(Box::new(parts)))
    }

    /// The parts.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.0
    }

    /// The kind that follows from the parts.
    #[must_use]
    pub fn kind(&self) -> EvidenceKind {
        match (self.0.devices.as_slice(), self.0.cpu.as_ref().map(|cpu| &cpu.quote)) {
            (_, None) => EvidenceKind::Nvidia,
            ([], Some(CpuQuote::Tdx(_))) => EvidenceKind::Tdx,
            ([], Some(CpuQuote::SevSnp(_))) => EvidenceKind::SevSnp,
            (_, Some(_)) => EvidenceKind::Composite,
        }
    }

    /// Reads the bytes after a tag.
    pub(super) fn read<R: io::Read>(reader: &mut R, expected: EvidenceKind) -> io::Result<Self> {
        let evidence = Self::new(Parts::deserialize_reader(reader)?).map_err(FieldError::from)?;
        if evidence.kind() != expected {
            return Err(FieldError::from(HardwareError::Tag { tag: expected.tag(), expected }).into());
        }
        Ok(evidence)
    }
}

impl TryFrom<Parts> for HardwareEvidence {
    type Error = HardwareError;

    fn try_from(parts: Parts) -> Result<Self, HardwareError> {
        Self::new(parts)
    }
}

impl From<HardwareEvidence> for Parts {
    fn from(evidence: HardwareEvidence) -> Self {
        *evidence.0
    }
}

/// Id of a set of devices, to register with a chain and to name in a lease: hash of the sorted identities of every GPU,
/// switch and processor.
#[must_use]
pub fn device_id(identities: &[[u8; 32]]) -> [u8; 32] {
    let mut sorted = identities.to_vec();
    sorted.sort_unstable();
    derive(purpose::DEVICE_SET, &[sorted.as_flattened()])
}

/// The 64 bytes that a machine puts into its quote: `hash(context digest || session key) || hash(GPU evidence)`.
///
/// The second half covers every byte of the GPU evidence. Sharing a nonce would not: a quote that does not commit to the
/// reports can stand beside anybody's.
#[must_use]
pub fn report_data(
    context: &WorkContext,
    session_key: &ed25519::PublicKey,
    devices: &List<GpuDevice, DEVICES_MAX>,
) -> [u8; 64] {
    let session = derive(purpose::CPU_SESSION, &[&context.digest(), session_key.as_bytes()]);
    let devices = derive(purpose::GPU_EVIDENCE, &[&codec::encode(devices)]);
    let mut data = [0; 64];
    for (target, source) in data.iter_mut().zip(session.into_iter().chain(devices)) {
        *target = source;
    }
    data
}

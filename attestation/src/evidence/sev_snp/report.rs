//! The 1184 bytes of an attestation report, read before anything is verified.
//!
//! Source: AMD SEV Secure Nested Paging Firmware ABI Specification, table "ATTESTATION_REPORT". Versions 2 to 5 differ in
//! reserved fields that became meaningful; what is read here has the same place in all, except the order of the TCB
//! version's bytes, which the processor family decides.

use serde::{Deserialize, Serialize};

use super::{Product, SnpError};

/// Length of a report, bytes.
pub const REPORT_BYTES: usize = 1184;
/// Bytes that the signature covers.
const SIGNED_BYTES: usize = 0x2a0;
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=5;
const ECDSA_P384_SHA384: u32 = 1;

/// Security versions of a platform's firmware (TCB_VERSION).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    borsh::BorshSerialize,
    borsh::BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct SnpTcb {
    /// Firmware of the secure processor's own controller; Turin only, otherwise 0.
    pub fmc: u8,
    /// Boot loader.
    pub bootloader: u8,
    /// Operating system of the secure processor.
    pub tee: u8,
    /// SNP firmware.
    pub snp: u8,
    /// Microcode of the cores.
    pub microcode: u8,
}

impl SnpTcb {
    fn read(bytes: [u8; 8], product: Product) -> Self {
        match (product, bytes) {
            (Product::Milan | Product::Genoa, [bootloader, tee, .., snp, microcode]) => {
                Self { fmc: 0, bootloader, tee, snp, microcode }
            }
            (Product::Turin, [fmc, bootloader, tee, snp, .., microcode]) => {
                Self { fmc, bootloader, tee, snp, microcode }
            }
        }
    }

    /// The versions in one order, for comparison component by component.
    #[must_use]
    pub const fn components(&self) -> [(&'static str, u8); 5] {
        let Self { fmc, bootloader, tee, snp, microcode } = *self;
        [("fmc", fmc), ("bootloader", bootloader), ("tee", tee), ("snp", snp), ("microcode", microcode)]
    }

    /// Whether no component is below the other's.
    #[must_use]
    pub fn at_least(&self, other: &Self) -> bool {
        self.components().iter().zip(other.components()).all(|((_, ours), (_, theirs))| *ours >= theirs)
    }
}

/// Which key signed a report (bits 2 to 4 of KEY_INFO).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SigningKeyKind {
    /// Of this chip at this TCB.
    Vcek,
    /// Lent to a cloud provider; names no chip.
    Vlek,
}

/// The fields that are judged. Nothing is authenticated yet.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Format version.
    pub version: u32,
    /// Guest policy, bits as in the firmware ABI.
    pub policy: u64,
    /// Privilege level that asked.
    pub vmpl: u32,
    /// Key that signed.
    pub key_kind: SigningKeyKind,
    /// What the guest chose.
    pub report_data: &'a [u8; 64],
    /// Measurement of the launch.
    pub measurement: &'a [u8; 48],
    /// Chip id; zero where the platform masks it.
    pub chip_id: &'a [u8; 64],
    /// Family and model, from version 3 on.
    pub cpu: Option<(u8, u8)>,
    current: [u8; 8],
    reported: [u8; 8],
    committed: [u8; 8],
    launch: [u8; 8],
    /// `r` and `s` of the signature, big-endian.
    pub(super) signature: ([u8; 48], [u8; 48]),
    pub(super) signed: &'a [u8],
}

/// The four TCB versions of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcbVersions {
    /// What runs.
    pub current: SnpTcb,
    /// What the signing key was derived for.
    pub reported: SnpTcb,
    /// Below what the platform cannot return.
    pub committed: SnpTcb,
    /// What ran at launch.
    pub launch: SnpTcb,
}

fn array<const N: usize>(bytes: &[u8; REPORT_BYTES], offset: usize) -> Result<&[u8; N], SnpError> {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).ok_or(SnpError::Length { got: REPORT_BYTES })
}

fn word(bytes: &[u8; REPORT_BYTES], offset: usize) -> Result<u32, SnpError> {
    array(bytes, offset).map(|bytes| u32::from_le_bytes(*bytes))
}

/// Little-endian 72 bytes, of which P-384 uses 48, as big-endian.
fn scalar(bytes: &[u8; REPORT_BYTES], offset: usize) -> Result<[u8; 48], SnpError> {
    let field: &[u8; 72] = array(bytes, offset)?;
    let (low, high) = field.split_at(48);
    let mut scalar: [u8; 48] = low.try_into().map_err(|_| SnpError::SignatureEncoding)?;
    if high.iter().any(|byte| *byte != 0) {
        return Err(SnpError::SignatureEncoding);
    }
    scalar.reverse();
    Ok(scalar)
}

/// Reads the fields.
///
/// # Errors
/// [`SnpError::Length`], [`SnpError::Version`], [`SnpError::SignatureAlgorithm`], [`SnpError::SigningKeyKind`],
/// [`SnpError::SignatureEncoding`].
pub fn parse(bytes: &[u8]) -> Result<Report<'_>, SnpError> {
    let bytes: &[u8; REPORT_BYTES] = bytes.try_into().map_err(|_| SnpError::Length { got: bytes.len() })?;
    let version = word(bytes, 0)?;
    if !VERSIONS.contains(&version) {
        return Err(SnpError::Version { got: version });
    }
    let algorithm = word(bytes, 0x34)?;
    if algorithm != ECDSA_P384_SHA384 {
        return Err(SnpError::SignatureAlgorithm { got: algorithm });
    }
    let key_kind = match (word(bytes, 0x48)? >> 2) & 7 {
        0 => SigningKeyKind::Vcek,
        1 => SigningKeyKind::Vlek,
        got => return Err(SnpError::SigningKeyKind { got }),
    };
    let [family, model, _stepping]: [u8; 3] = *array(bytes, 0x188)?;
    let signature = (scalar(bytes, 0x2a0)?, scalar(bytes, 0x2e8)?);
    if bytes.iter().skip(0x330).any(|byte| *byte != 0) {
        return Err(SnpError::SignatureEncoding);
    }
    Ok(Report {
        version,
        policy: u64::from_le_bytes(*array(bytes, 0x08)?),
        vmpl: word(bytes, 0x30)?,
        key_kind,
        report_data: array(bytes, 0x50)?,
        measurement: array(bytes, 0x90)?,
        chip_id: array(bytes, 0x1a0)?,
        cpu: (version >= 3).then_some((family, model)),
        current: *array(bytes, 0x38)?,
        reported: *array(bytes, 0x180)?,
        committed: *array(bytes, 0x1e0)?,
        launch: *array(bytes, 0x1f0)?,
        signature,
        signed: bytes.get(..SIGNED_BYTES).unwrap_or_default(),
    })
}

impl Report<'_> {
    /// The TCB versions, read in the layout of `product`.
    #[must_use]
    pub fn tcb(&self, product: Product) -> TcbVersions {
        let read = |bytes| SnpTcb::read(bytes, product);
        TcbVersions {
            current: read(self.current),
            reported: read(self.reported),
            committed: read(self.committed),
            launch: read(self.launch),
        }
    }
}

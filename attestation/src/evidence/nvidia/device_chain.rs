//! The five certificates of a device: attestation key, identity key, provisioner, family, root.
//!
//! The chain says which device answers, what family it is of and which firmware holds the attestation key. Nothing else in
//! the evidence may say so: the family in an evidence container and NVML's UUID are the prover's own words, and the
//! leaf's serial number (the vendor's `ueid`) changes with the driver. A device's identity is therefore the SHA-256 of
//! its identity key's subject public key info.

use der::{
    Decode, Sequence,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef, Utf8StringRef},
    oid::db::rfc5912::ID_SHA_384,
};
use rsa::BigUint;
use thiserror::Error;

use super::{
    certificate::Certificate,
    chain::{Chain, ChainError, Clock},
    opaque::Pdi,
    report::{DeviceKind, Report},
    signature::{PublicKey, SignatureError, Verified},
};

/// Certificates in every device chain.
pub const DEVICE_CHAIN_LENGTH: usize = 5;
/// SHA-256 of the subject public key info of "NVIDIA Device Identity CA", the one root of all device families.
pub const NVIDIA_DEVICE_ROOT: [u8; 32] = [
    0xA9, 0x0C, 0x4E, 0xB5, 0xAC, 0xFD, 0x3E, 0x3D, 0x03, 0xA2, 0x5D, 0xB6, 0xA2, 0x6B, 0x84, 0xF7, 0x20, 0xAD, 0x05,
    0x03, 0x19, 0x6C, 0x62, 0x7C, 0x21, 0xDD, 0xD4, 0x8D, 0xD8, 0x5B, 0x06, 0xA4,
];
/// TCG DICE, extension of Hopper and LS10 leaves.
pub const FWID_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.5.4.1");
/// TCG DICE TcbInfo, extension of Blackwell leaves.
pub const TCB_INFO_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.5.4.1.1");
const FWID_BYTES: usize = 48;
const FWIDS_MAX: usize = 8;
/// First byte of the identity certificate's serial number; the device identifier follows.
const GPU_SERIAL_PREFIX: u8 = 0x41;
const SWITCH_SERIAL_PREFIX: u8 = 0x50;

/// Hardware family, from the names in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Hopper: H100, H200.
    Gh100,
    /// Blackwell data centre: B100, B200.
    Gb100,
    /// Blackwell workstation: RTX PRO 6000.
    Gb20x,
    /// NVSwitch of Hopper systems.
    Ls10,
}

impl Family {
    /// GPU or switch.
    #[must_use]
    pub const fn kind(self) -> DeviceKind {
        match self {
            Self::Gh100 | Self::Gb100 | Self::Gb20x => DeviceKind::Gpu,
            Self::Ls10 => DeviceKind::Switch,
        }
    }

    /// Whether leaves carry DICE TcbInfo instead of the older extension.
    const fn has_tcb_info(self) -> bool {
        matches!(self, Self::Gb100 | Self::Gb20x)
    }

    /// Family of a chip named in a leaf, and the family name of its third certificate.
    fn of_chip(chip: &str) -> Option<(Self, &'static str)> {
        match chip {
            "GH100" => Some((Self::Gh100, "NVIDIA GH100 Identity")),
            "LS_10" => Some((Self::Ls10, "NVIDIA GH100 Identity")),
            "GB100" => Some((Self::Gb100, "NVIDIA GB100 Identity")),
            _ if chip.strip_prefix("GB20").is_some_and(|rest| rest.len() == 1) => {
                Some((Self::Gb20x, "NVIDIA GB20X Identity"))
            }
            _ => None,
        }
    }

    /// Name that evidence containers give this family.
    #[must_use]
    pub const fn architecture(self) -> &'static str {
        match self {
            Self::Gh100 => "HOPPER",
            Self::Gb100 | Self::Gb20x => "BLACKWELL",
            Self::Ls10 => "LS10",
        }
    }
}

/// Why a device chain is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceChainError {
    /// Not a path to the pinned root.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Names that belong to no family, or to several.
    #[error("device chain: the names of its certificates belong to no known device family")]
    UnknownFamily,
    /// A serial number without the family's prefix and an eight-byte device identifier.
    #[error("device chain: the identity certificate's serial number names no device")]
    DeviceIdentifier,
    /// The leaf does not say which firmware holds its key, or says so for another family.
    #[error("device chain: the leaf has no firmware identity in the form of {family:?} devices")]
    FwidMissing {
        /// The chain's family.
        family: Family,
    },
    /// The leaf's firmware identity does not parse.
    #[error("device chain: the leaf's firmware identity is malformed")]
    FwidMalformed,
    /// The leaf names another identity key than the one that issued it.
    #[error("device chain: the identity key inside the leaf is not the key of certificate 1")]
    IdentityKey,
    /// The leaf says that its device is not in production state.
    #[error("device chain: the leaf carries the DICE flag {flag}")]
    DiceFlag {
        /// `notSecure`, `recovery` or `debug`.
        flag: &'static str,
    },
    /// The report is of another kind of device.
    #[error("device chain: certifies a {expected:?}, the report is of a {got:?}")]
    Kind {
        /// Kind of the chain's family.
        expected: DeviceKind,
        /// Kind of the report.
        got: DeviceKind,
    },
    /// The report names a chip of another family.
    #[error("device chain: certifies chip {expected}, the report says {got}")]
    Chip {
        /// Chip of the chain.
        expected: String,
        /// Chip of the report.
        got: String,
    },
    /// The report of a family that always states it lacks the firmware identity.
    #[error("device chain: the report lacks the firmware identity that {family:?} devices state")]
    ReportFwidMissing {
        /// The chain's family.
        family: Family,
    },
    /// The report was made by other firmware than the leaf certifies.
    #[error("device chain: the leaf certifies firmware {}, the report says {}", crate::hex::encode(.expected.as_slice()), crate::hex::encode(.got.as_slice()))]
    Fwid {
        /// Firmware identity of the leaf.
        expected: Box<[u8; FWID_BYTES]>,
        /// Firmware identity of the report.
        got: Box<[u8; FWID_BYTES]>,
    },
    /// A switch's report names another switch than its certificate.
    #[error("device chain: certifies device {}, the report says {}", crate::hex::encode(.expected), crate::hex::encode(.got))]
    OtherDevice {
        /// Identifier in the certificate.
        expected: Pdi,
        /// Identifier in the report.
        got: Pdi,
    },
    /// The report is not signed by the leaf.
    #[error("report {0}")]
    ReportSignature(SignatureError),
}

/// A verified device chain: path, family and firmware identity hold (invariant of construction).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceChain {
    chain: Chain,
    family: Family,
    chip: String,
    pdi: Pdi,
    fwid: [u8; FWID_BYTES],
    expires_at_ms: u64,
}

impl DeviceChain {
    /// Reads and verifies a PEM chain at the time `at` (milliseconds).
    ///
    /// # Errors
    /// [`DeviceChainError`].
    pub fn verify(pem: &[u8], root: &[u8; 32], at: u64, verified: &mut Verified) -> Result<Self, DeviceChainError> {
        let chain = Chain::from_pem(pem, DEVICE_CHAIN_LENGTH)?;
        let expires_at_ms = chain.verify(root, Clock { at, grace: 0 }, verified)?;
        let [leaf, identity, provisioner, family, _root] = chain.certificates() else {
            return Err(ChainError::Count { expected: DEVICE_CHAIN_LENGTH, got: chain.certificates().len() }.into());
        };
        let (family, chip) = family_of([leaf, identity, provisioner, family])?;
        let pdi = device_identifier(family, identity)?;
        let fwid = firmware_identity(family, leaf, identity.key())?;
        Ok(Self { family, chip, pdi, fwid, expires_at_ms, chain })
    }

    /// Checks that a report is this device's: kind, signature, chip, firmware identity, switch identifier.
    ///
    /// # Errors
    /// [`DeviceChainError`].
    pub fn check_report(&self, report: &Report) -> Result<(), DeviceChainError> {
        let (expected, got) = (self.family.kind(), report.kind());
        if expected != got {
            return Err(DeviceChainError::Kind { expected, got });
        }
        let leaf = self.chain.certificates().first();
        leaf.map_or(Err(SignatureError::Mismatch), |leaf| report.verify(leaf.key()))
            .map_err(DeviceChainError::ReportSignature)?;
        if let Some(got) = report.opaque().chip.as_ref().filter(|chip| **chip != self.chip) {
            return Err(DeviceChainError::Chip { expected: self.chip.clone(), got: got.clone() });
        }
        match report.opaque().fwid {
            Some(got) if got != self.fwid => {
                return Err(DeviceChainError::Fwid { expected: Box::new(self.fwid), got: Box::new(got) });
            }
            None if self.family.has_tcb_info() => {
                return Err(DeviceChainError::ReportFwidMissing { family: self.family });
            }
            // Absent from Hopper reports under driver 535, and from switch reports.
            _ => {}
        }
        if let Some(got) = report.opaque().switch.filter(|switch| *switch != self.pdi) {
            return Err(DeviceChainError::OtherDevice { expected: self.pdi, got });
        }
        Ok(())
    }

    /// Certificates from leaf to root.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Family.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Chip, such as `GH100`.
    #[must_use]
    pub fn chip(&self) -> &str {
        &self.chip
    }

    /// Hardware model as the vendor's claims name it: the identity certificate's common name.
    #[must_use]
    pub fn model(&self) -> &str {
        self.chain.certificates().get(1).and_then(Certificate::common_name).unwrap_or_default()
    }

    /// Stable identity: SHA-256 of the identity key's subject public key info.
    #[must_use]
    pub fn identity(&self) -> [u8; 32] {
        self.chain.certificates().get(1).map(|identity| identity.key().fingerprint()).unwrap_or_default()
    }

    /// What the vendor's tokens call the device: the leaf's serial number in decimal. It changes with the driver.
    #[must_use]
    pub fn ueid(&self) -> String {
        let serial = self.chain.certificates().first().map(Certificate::serial).unwrap_or_default();
        BigUint::from_bytes_be(serial).to_string()
    }

    /// Physical device identifier.
    #[must_use]
    pub const fn pdi(&self) -> Pdi {
        self.pdi
    }

    /// Digest of the firmware that holds the attestation key.
    #[must_use]
    pub const fn fwid(&self) -> &[u8; FWID_BYTES] {
        &self.fwid
    }

    /// Earliest end of validity in the chain, milliseconds.
    #[must_use]
    pub const fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }
}

/// The chip is the first word of leaf and identity names and must be the provisioner's and the family's too: Hopper GPUs
/// and their switches share the family certificate and differ in the provisioner only.
fn family_of(certificates: [&Certificate; 4]) -> Result<(Family, String), DeviceChainError> {
    let [leaf, identity, provisioner, family] = certificates.map(|certificate| certificate.common_name());
    let chip_of = |name: Option<&str>| name?.split_once(' ').map(|(chip, _)| chip.to_owned());
    let provisioner_chip = provisioner
        .and_then(|name| name.strip_prefix("NVIDIA "))
        .and_then(|name| name.split_once(" Provisioner ICA "))
        .map(|(chip, _)| chip);
    let chip = chip_of(leaf).ok_or(DeviceChainError::UnknownFamily)?;
    let (found, family_name) = Family::of_chip(&chip).ok_or(DeviceChainError::UnknownFamily)?;
    let provisioner_agrees = provisioner_chip
        .is_some_and(|provisioner| provisioner == chip || (found == Family::Gb20x && provisioner == "GB20X"));
    if chip_of(identity).as_ref() != Some(&chip) || !provisioner_agrees || family != Some(family_name) {
        return Err(DeviceChainError::UnknownFamily);
    }
    Ok((found, chip))
}

fn device_identifier(family: Family, identity: &Certificate) -> Result<Pdi, DeviceChainError> {
    let prefix = match family.kind() {
        DeviceKind::Gpu => GPU_SERIAL_PREFIX,
        DeviceKind::Switch => SWITCH_SERIAL_PREFIX,
    };
    let pdi = identity.serial().strip_prefix(&[prefix]).ok_or(DeviceChainError::DeviceIdentifier)?;
    pdi.try_into().map_err(|_| DeviceChainError::DeviceIdentifier)
}

#[derive(Sequence)]
struct Fwid<'a> {
    algorithm: ObjectIdentifier,
    digest: &'a OctetStringRef,
}

#[derive(Sequence)]
struct HopperFwid<'a> {
    version: u8,
    identity_key: AnyRef<'a>,
    fwid: Fwid<'a>,
}

#[derive(Sequence)]
struct TcbInfo<'a> {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    vendor: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    model: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    version: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "IMPLICIT", optional = "true")]
    security_version: Option<UintRef<'a>>,
    #[asn1(context_specific = "4", tag_mode = "IMPLICIT", optional = "true")]
    layer: Option<UintRef<'a>>,
    #[asn1(context_specific = "5", tag_mode = "IMPLICIT", optional = "true")]
    index: Option<UintRef<'a>>,
    #[asn1(context_specific = "6", tag_mode = "IMPLICIT", optional = "true")]
    fwids: Option<Vec<Fwid<'a>>>,
    #[asn1(context_specific = "7", tag_mode = "IMPLICIT", optional = "true")]
    flags: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "8", tag_mode = "IMPLICIT", optional = "true")]
    vendor_info: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "9", tag_mode = "IMPLICIT", optional = "true")]
    kind: Option<&'a OctetStringRef>,
}

/// Bits of DiceTcbInfo's flags that say a device is not in production state. Bit 0, notConfigured, is set on every public
/// Blackwell device, so it cannot be one of them.
const REFUSED_FLAGS: [(usize, &str); 3] = [(1, "notSecure"), (2, "recovery"), (3, "debug")];

fn firmware_identity(
    family: Family,
    leaf: &Certificate,
    identity: &PublicKey,
) -> Result<[u8; FWID_BYTES], DeviceChainError> {
    let oid = if family.has_tcb_info() { TCB_INFO_OID } else { FWID_OID };
    let value = leaf.extension(oid).ok_or(DeviceChainError::FwidMissing { family })?;
    let malformed = |_: der::Error| DeviceChainError::FwidMalformed;
    if family.has_tcb_info() {
        let info = TcbInfo::from_der(value).map_err(malformed)?;
        let flags = info.flags.ok_or(DeviceChainError::FwidMalformed)?;
        for (bit, flag) in REFUSED_FLAGS {
            if flags.get(bit).unwrap_or(false) {
                return Err(DeviceChainError::DiceFlag { flag });
            }
        }
        let fwids = info.fwids.filter(|fwids| fwids.len() <= FWIDS_MAX).ok_or(DeviceChainError::FwidMalformed)?;
        return digest(fwids.first().ok_or(DeviceChainError::FwidMalformed)?);
    }
    let stated = HopperFwid::from_der(value).map_err(malformed)?;
    if stated.version != 1 {
        return Err(DeviceChainError::FwidMalformed);
    }
    if der::Encode::to_der(&stated.identity_key).map_err(malformed)? != identity.info() {
        return Err(DeviceChainError::IdentityKey);
    }
    digest(&stated.fwid)
}

fn digest(fwid: &Fwid<'_>) -> Result<[u8; FWID_BYTES], DeviceChainError> {
    if fwid.algorithm != ID_SHA_384 {
        return Err(DeviceChainError::FwidMalformed);
    }
    fwid.digest.as_bytes().try_into().map_err(|_| DeviceChainError::FwidMalformed)
}

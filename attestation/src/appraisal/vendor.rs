//! Evidence as the vendors' own tools write it: every check of an appraisal but the binding to work.
//!
//! It answers whether a device or a processor is genuine, in a known state and answered *this* challenge. It earns no
//! trust: nothing in it is about a job.

use serde::Serialize;

use super::{AttestationError, Collateral};
use crate::{
    bounded::Fixed,
    evidence::{
        composite::{self, CpuClaims},
        hardware::CpuQuote,
        nvidia::{
            appraise::{verify_device, verify_machine},
            claims::DeviceClaims,
            container::{ContainerEntry, DeviceEvidence},
            topology::Topology,
        },
        sev_snp::REPORT_BYTES,
    },
    policy::Policy,
};

/// What a vendor's file holds, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VendorFormat {
    /// NVIDIA's JSON array of devices, see [`container`](crate::evidence::nvidia::container).
    NvidiaContainer,
    /// One device's SPDM request and response, see [`report`](crate::evidence::nvidia::report).
    NvidiaReport,
    /// The same in hexadecimal digits.
    NvidiaReportText,
    /// A TDX quote.
    TdxQuote,
    /// An SEV-SNP attestation report.
    SnpReport,
}

impl VendorFormat {
    /// The format that starts like this, if it is one of these. Says nothing about the rest of the file.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let text = bytes.trim_ascii_start();
        match bytes {
            _ if text.starts_with(b"[") => Some(Self::NvidiaContainer),
            // SPDM 1.1, GET_MEASUREMENTS.
            [0x11, 0xE0, ..] => Some(Self::NvidiaReport),
            _ if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"11e0")) => Some(Self::NvidiaReportText),
            // Version, key type and TEE type of Intel's quotes, those that are refused included.
            [3..=5, 0, 2 | 3, 0, 0 | 0x81, 0, 0, 0, ..] => Some(Self::TdxQuote),
            [_, 0, 0, 0, ..] if bytes.len() == REPORT_BYTES => Some(Self::SnpReport),
            _ => None,
        }
    }
}

/// What verified evidence of a vendor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VendorClaims {
    /// GPUs and switches.
    pub devices: Vec<DeviceClaims>,
    /// How they hang together; a device alone is not asked.
    pub topology: Option<Topology>,
    /// The confidential virtual machine.
    pub cpu: Option<CpuClaims>,
    /// Stable identities, ascending.
    pub identities: Vec<Fixed<32>>,
    /// Whether a version floor or reference value holds by grace only.
    pub in_grace: bool,
    /// Last moment at which everything that was used still counts, milliseconds since the epoch.
    pub expires_at: u64,
}

/// Judges devices of one machine at the time `at` (milliseconds since the epoch), each with the nonce that it was asked.
///
/// # Errors
/// [`AttestationError`]: NVIDIA, policy, revoked identity.
pub fn verify_devices(
    devices: &[(DeviceEvidence, [u8; 32])],
    collateral: &Collateral,
    policy: &Policy,
    at: u64,
) -> Result<VendorClaims, AttestationError> {
    let rules = &policy.table().nvidia;
    let requirements = rules.requirements(at).map_err(AttestationError::Policy)?;
    let (devices, topology) = match devices {
        [(evidence, nonce)] => verify_device(evidence, &collateral.nvidia, &requirements, nonce, at)
            .map(|claims| (vec![claims], None))
            .map_err(AttestationError::nvidia)?,
        devices => verify_machine(devices, &collateral.nvidia, &requirements, at)
            .map(|(claims, topology)| (claims, Some(topology)))
            .map_err(AttestationError::nvidia)?,
    };
    let identities = composite::identities(&devices, None, policy.table())?;
    let graces: Vec<Option<u64>> = devices.iter().map(|device| rules.check_grace(device, at)).collect();
    let in_grace = devices.iter().zip(&graces).any(|(device, grace)| device.grace || grace.is_some());
    let lapses = devices.iter().map(|device| device.expires_at_ms).chain(graces.into_iter().flatten());
    let expires_at = lapses.min().unwrap_or(u64::MAX);
    Ok(VendorClaims { devices, topology, cpu: None, identities, in_grace, expires_at })
}

/// Judges what a container holds, as [`verify_devices`] does, and that it calls every device what it is.
///
/// # Errors
/// [`AttestationError`]: those of [`verify_devices`], container.
pub fn verify_container(
    entries: &[(ContainerEntry, [u8; 32])],
    collateral: &Collateral,
    policy: &Policy,
    at: u64,
) -> Result<VendorClaims, AttestationError> {
    let devices: Vec<_> = entries.iter().map(|(entry, nonce)| (entry.evidence.clone(), *nonce)).collect();
    let claims = verify_devices(&devices, collateral, policy, at)?;
    for ((entry, _), device) in entries.iter().zip(&claims.devices) {
        entry.check_architecture(device.family).map_err(AttestationError::Container)?;
    }
    Ok(claims)
}

/// Judges a quote over `report_data` at the time `at` (milliseconds since the epoch).
///
/// # Errors
/// [`AttestationError`]: TDX, SEV-SNP, missing collateral, no identity, revoked identity.
pub fn verify_quote(
    quote: &CpuQuote,
    report_data: &[u8; 64],
    collateral: &Collateral,
    policy: &Policy,
    at: u64,
) -> Result<VendorClaims, AttestationError> {
    let cpu = composite::verify_quote(quote, report_data, collateral, policy.table(), at)?;
    let identities = composite::identities(&[], Some(&cpu), policy.table())?;
    let (in_grace, expires_at) = (cpu.in_grace(), cpu.expires_at());
    Ok(VendorClaims { devices: Vec::new(), topology: None, cpu: Some(cpu), identities, in_grace, expires_at })
}

//! Verification of hardware evidence for a work context: every layer alone, then that they belong together.
//!
//! What this proves: devices with these identities, in these firmware states, answered *this* context's nonces, and
//! software with this measurement, on this processor, vouches for exactly those answers and for the session key. What it
//! does not prove: that the job ran there, or that GPU and processor sit in one machine, since neither Hopper nor
//! Blackwell binds the link (no TDISP): a measured guest that checks its own devices is what the allow-list is for.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    EvidenceKind,
    hardware::{self, CpuEvidence, CpuQuote, HardwareEvidence},
    nvidia::{appraise, claims::DeviceClaims, container::DeviceEvidence, topology::Topology},
    sev_snp::{self, SnpClaims, SnpError},
    tdx::{self, TdxClaims, TdxError},
};
use crate::{
    appraisal::{AttestationError, Collateral},
    bounded::Fixed,
    context::WorkContext,
    identity::ed25519,
    policy::PolicyTable,
};

/// What an accepted quote says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "technology", rename_all = "snake_case")]
pub enum CpuClaims {
    /// Intel TDX.
    Tdx(TdxClaims),
    /// AMD SEV-SNP.
    SevSnp(SnpClaims),
}

impl CpuClaims {
    /// Last moment at which the quote counts, milliseconds.
    #[must_use]
    pub const fn expires_at(&self) -> u64 {
        match self {
            Self::Tdx(claims) => claims.expires_at,
            Self::SevSnp(claims) => claims.expires_at,
        }
    }

    /// Whether a grace period is what keeps it accepted.
    #[must_use]
    pub const fn in_grace(&self) -> bool {
        match self {
            Self::Tdx(claims) => claims.in_grace,
            Self::SevSnp(claims) => claims.in_grace,
        }
    }
}

/// What verified hardware evidence says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HardwareClaims {
    /// Kind of the evidence.
    pub evidence: EvidenceKind,
    /// The device that the work was leased to.
    pub device_id: Fixed<32>,
    /// Stable identities of every GPU, switch and processor, ascending: what a registration binds, and what may not
    /// attest two live contexts.
    pub identities: Vec<Fixed<32>>,
    /// GPUs and switches.
    pub devices: Vec<DeviceClaims>,
    /// How they hang together.
    pub topology: Option<Topology>,
    /// The confidential virtual machine.
    pub cpu: Option<CpuClaims>,
    /// The key that the quote vouches for.
    pub session_key: Option<ed25519::PublicKey>,
    /// Whether a version floor or reference value holds by grace only.
    pub in_grace: bool,
    /// Last moment at which everything that was used still counts, milliseconds since the epoch.
    pub expires_at: u64,
}

/// Verifies every layer at the time `at` (milliseconds since the epoch).
///
/// # Errors
/// [`AttestationError`]: context, layers, revoked and duplicate identities, device id.
pub(crate) fn verify(
    evidence: &HardwareEvidence,
    collateral: &Collateral,
    policy: &PolicyTable,
    context: &WorkContext,
    at: u64,
) -> Result<HardwareClaims, AttestationError> {
    let parts = evidence.parts();
    let (expected, got) = (context.digest(), parts.context_digest.0);
    if expected != got {
        return Err(AttestationError::AnotherContext { expected, got });
    }
    let mut expires_at = u64::MAX;
    let (devices, topology) = verify_devices(evidence, collateral, policy, context, at)?;
    let mut in_grace = false;
    for device in &devices {
        let grace_until = policy.nvidia.check_grace(device, at);
        in_grace |= device.grace || grace_until.is_some();
        // The NVIDIA verifier accepts up to and including this moment.
        expires_at = expires_at.min(device.expires_at_ms).min(grace_until.unwrap_or(u64::MAX));
    }
    let cpu = match &parts.cpu {
        Some(cpu) => Some(verify_cpu(cpu, evidence, collateral, policy, context, at)?),
        None => None,
    };
    if let Some(cpu) = &cpu {
        in_grace |= cpu.in_grace();
        expires_at = expires_at.min(cpu.expires_at());
    }
    let identities = identities(&devices, cpu.as_ref(), policy)?;
    let raw: Vec<[u8; 32]> = identities.iter().map(|identity| identity.0).collect();
    let got = hardware::device_id(&raw);
    for expected in [parts.device_id.0, context.device_id] {
        if expected != got {
            return Err(AttestationError::AnotherDevice { expected, got });
        }
    }
    Ok(HardwareClaims {
        evidence: evidence.kind(),
        device_id: Fixed(got),
        identities,
        devices,
        topology,
        cpu,
        session_key: parts.cpu.as_ref().map(|cpu| cpu.session_key),
        in_grace,
        expires_at,
    })
}

fn verify_devices(
    evidence: &HardwareEvidence,
    collateral: &Collateral,
    policy: &PolicyTable,
    context: &WorkContext,
    at: u64,
) -> Result<(Vec<DeviceClaims>, Option<Topology>), AttestationError> {
    let devices = evidence.parts().devices.as_slice();
    if devices.is_empty() {
        return Ok((Vec::new(), None));
    }
    let asked: Vec<(DeviceEvidence, [u8; 32])> = (0_u32..)
        .zip(devices)
        .map(|(index, device)| {
            let evidence =
                DeviceEvidence { report: device.report.as_slice().to_vec(), chain: device.chain.as_slice().to_vec() };
            (evidence, context.gpu_nonce(index))
        })
        .collect();
    let requirements = policy.nvidia.requirements(at).map_err(AttestationError::Policy)?;
    let (claims, topology) =
        appraise::verify_machine(&asked, &collateral.nvidia, &requirements, at).map_err(AttestationError::nvidia)?;
    Ok((claims, Some(topology)))
}

fn verify_cpu(
    cpu: &CpuEvidence,
    evidence: &HardwareEvidence,
    collateral: &Collateral,
    policy: &PolicyTable,
    context: &WorkContext,
    at: u64,
) -> Result<CpuClaims, AttestationError> {
    let expected = hardware::report_data(context, &cpu.session_key, &evidence.parts().devices);
    verify_quote(&cpu.quote, &expected, collateral, policy, at).map_err(|error| match error {
        AttestationError::Tdx(error) => match *error {
            TdxError::ReportData { expected, got } => uncommitted(&expected, &got),
            error => AttestationError::Tdx(Box::new(error)),
        },
        AttestationError::SevSnp(error) => match *error {
            SnpError::ReportData { expected, got } => uncommitted(&expected, &got),
            error => AttestationError::SevSnp(Box::new(error)),
        },
        error => error,
    })
}

/// Verifies a quote over stated report data, with the collateral of its vendor.
pub(crate) fn verify_quote(
    quote: &CpuQuote,
    report_data: &[u8; 64],
    collateral: &Collateral,
    policy: &PolicyTable,
    at: u64,
) -> Result<CpuClaims, AttestationError> {
    let missing = |layer| AttestationError::CollateralMissing { layer };
    match quote {
        CpuQuote::Tdx(quote) => {
            let collateral = collateral.tdx.as_ref().ok_or_else(|| missing("Intel TDX"))?;
            tdx::verify(quote, collateral, &policy.tdx, report_data, at)
                .map(CpuClaims::Tdx)
                .map_err(|error| AttestationError::Tdx(Box::new(error)))
        }
        CpuQuote::SevSnp(report) => {
            let collateral = collateral.sev_snp.as_ref().ok_or_else(|| missing("AMD SEV-SNP"))?;
            sev_snp::verify(report, collateral, &policy.sev_snp, report_data, at)
                .map(CpuClaims::SevSnp)
                .map_err(|error| AttestationError::SevSnp(Box::new(error)))
        }
    }
}

/// Which half of the report data differs.
fn uncommitted(expected: &Fixed<64>, got: &Fixed<64>) -> AttestationError {
    let halves = |data: &Fixed<64>| {
        let (session, devices) = data.0.split_at(32);
        (session.to_vec(), devices.to_vec())
    };
    let ((session, devices), (got_session, got_devices)) = (halves(expected), halves(got));
    if session == got_session && devices != got_devices {
        AttestationError::GpuEvidenceNotCommitted
    } else {
        AttestationError::SessionNotCommitted
    }
}

/// Identities of devices and processor, distinct and ascending.
///
/// # Errors
/// [`AttestationError`]: no identity, revoked identity.
pub(crate) fn identities(
    devices: &[DeviceClaims],
    cpu: Option<&CpuClaims>,
    policy: &PolicyTable,
) -> Result<Vec<Fixed<32>>, AttestationError> {
    let mut identities: Vec<Fixed<32>> = devices.iter().map(|device| Fixed(device.identity)).collect();
    match cpu {
        Some(CpuClaims::Tdx(claims)) => identities.push(claims.identity),
        Some(CpuClaims::SevSnp(claims)) => {
            identities.push(claims.identity.ok_or(AttestationError::NoIdentity)?);
        }
        None => {}
    }
    let distinct: BTreeSet<Fixed<32>> = identities.iter().copied().collect();
    if let Some(identity) = distinct.iter().find(|identity| policy.revoked.contains(identity)) {
        return Err(AttestationError::RevokedIdentity { identity: identity.0 });
    }
    Ok(distinct.into_iter().collect())
}

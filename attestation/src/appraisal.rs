//! Appraisal: evidence, collateral, policy, context and time become a trust level with reasons, or an error.
//!
//! [`verify`] is a pure function: no clock, no network, no float, no map whose order varies. Two nodes with the same
//! arguments get the same answer. An error means the evidence is refused; there is no "unverified but accepted".
//! [`vendor`] judges what the vendors' own tools write, which belongs to no work.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use thiserror::Error;

use crate::{
    codec::{self, DecodeError},
    context::WorkContext,
    evidence::{
        Evidence, EvidenceKind, SoftwareEvidence,
        composite::{self, CpuClaims, HardwareClaims},
        hardware::HardwareEvidence,
        nvidia::{
            claims::ReferenceValues,
            container::ContainerError,
            device_chain::Family,
            error::NvidiaError,
            report::DeviceKind,
            requirements::NvidiaCollateral,
            revocation::{RevocationError, RevocationSource},
        },
        sev_snp::{SnpCollateral, SnpError},
        software,
        tdx::{TcbStatus, TdxCollateral, TdxError},
    },
    policy::{HardwareClass, Policy, PolicyError, Row},
    trust_vector::{Claim, TrustVector},
};

mod reason;
pub mod vendor;

pub use reason::Reason;

/// Most bytes of an encoded [`Collateral`].
pub const COLLATERAL_BYTES_MAX: usize = 8 << 20;

/// Documents a verifier needs beside evidence: reference values, revocation lists, vendor certificates. Whoever supplies
/// them is not trusted. Software evidence needs none.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[non_exhaustive]
pub struct Collateral {
    /// For NVIDIA devices.
    pub nvidia: NvidiaCollateral,
    /// For Intel TDX.
    pub tdx: Option<TdxCollateral>,
    /// For AMD SEV-SNP.
    pub sev_snp: Option<SnpCollateral>,
}

impl Collateral {
    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads canonical bytes. Nothing is verified yet.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode("collateral", bytes, COLLATERAL_BYTES_MAX)
    }
}

/// Why evidence is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AttestationError {
    /// The policy does not look at this kind.
    #[error("evidence: this policy does not allow {kind} evidence")]
    KindNotAllowed {
        /// Kind of the evidence.
        kind: EvidenceKind,
    },
    /// Made for another worker.
    #[error("evidence: expected device {} of the context's worker, got device {}; it was made for another worker", crate::hex::encode(.expected), crate::hex::encode(.got))]
    AnotherWorker {
        /// Device id of the context's worker without hardware.
        expected: [u8; 32],
        /// Device id in the evidence.
        got: [u8; 32],
    },
    /// The work was leased to another device.
    #[error("evidence: the work was leased to device {}, the evidence is of device {}", crate::hex::encode(.expected), crate::hex::encode(.got))]
    AnotherDevice {
        /// Device of the context.
        expected: [u8; 32],
        /// Device of the evidence.
        got: [u8; 32],
    },
    /// Made for another job, chain, input or lease.
    #[error("evidence: expected context {}, got context {}; it was made for other work", crate::hex::encode(.expected), crate::hex::encode(.got))]
    AnotherContext {
        /// Digest of the context given.
        expected: [u8; 32],
        /// Digest in the evidence.
        got: [u8; 32],
    },
    /// An NVIDIA device is refused.
    #[error(transparent)]
    Nvidia(Box<NvidiaError>),
    /// The vendor's container says something else than the device.
    #[error(transparent)]
    Container(ContainerError),
    /// A TDX quote is refused.
    #[error(transparent)]
    Tdx(Box<TdxError>),
    /// An SEV-SNP report is refused.
    #[error(transparent)]
    SevSnp(Box<SnpError>),
    /// Documents without which a layer cannot be judged.
    #[error("collateral: nothing for {layer} was given; fetch it")]
    CollateralMissing {
        /// Which layer.
        layer: &'static str,
    },
    /// The quote's report data is not about this context and session key.
    #[error("evidence: the quote does not commit to this context and session key")]
    SessionNotCommitted,
    /// The quote's report data is about other GPU evidence.
    #[error("evidence: the quote commits to other GPU evidence than is given")]
    GpuEvidenceNotCommitted,
    /// A layer that the policy requires is not there.
    #[error("evidence: the policy requires {layer}")]
    LayerMissing {
        /// Which layer.
        layer: &'static str,
    },
    /// A processor that hides its identity cannot be held to one context at a time.
    #[error("evidence: the processor shows no identity, so that it cannot be told from another")]
    NoIdentity,
    /// On the policy's list.
    #[error("evidence: device {} is revoked by the policy", crate::hex::encode(.identity))]
    RevokedIdentity {
        /// Its identity.
        identity: [u8; 32],
    },
    /// The policy itself breaks a rule.
    #[error(transparent)]
    Policy(PolicyError),
    /// Judged before the lease existed.
    #[error("evidence: judged at {at}, before the lease at {timestamp} (milliseconds)")]
    BeforeLease {
        /// Time of the lease's block.
        timestamp: u64,
        /// Time of judging.
        at: u64,
    },
    /// Too old.
    #[error("evidence: expired at {expires_at}, judged at {at} (milliseconds)")]
    Stale {
        /// Last moment at which it counts.
        expires_at: u64,
        /// Time of judging.
        at: u64,
    },
    /// Earns less trust than the policy asks.
    #[error("evidence: earns {got} bps of trust, this policy asks for {expected}")]
    TrustTooLow {
        /// The policy's minimum.
        expected: u32,
        /// What the evidence earns.
        got: u32,
    },
}

impl AttestationError {
    pub(crate) fn nvidia(error: NvidiaError) -> Self {
        Self::Nvidia(Box::new(error))
    }

    /// Whether documents are what is missing: the evidence may hold, and with them a verifier could tell.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        let missing = |error: &RevocationError| matches!(error, RevocationError::Missing { .. });
        match self {
            Self::CollateralMissing { .. } => true,
            Self::SevSnp(error) => matches!(**error, SnpError::CrlMissing),
            Self::Nvidia(error) => match &**error {
                NvidiaError::DeviceRevocation(source) | NvidiaError::ManifestRevocation { source, .. } => {
                    missing(source)
                }
                _ => false,
            },
            _ => false,
        }
    }
}

/// What verified evidence says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Claims {
    /// What a program said about itself.
    Software(SoftwareEvidence),
    /// What devices and processors showed.
    Hardware(Box<HardwareClaims>),
}

/// The verdict on evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Appraisal {
    /// Trust in basis points: the smaller of evidence row and hardware cap.
    pub trust_bps: u32,
    /// What the evidence says.
    pub claims: Claims,
    /// Why the trust is what it is.
    pub reasons: Vec<Reason>,
    /// The same in the vocabulary of AR4SI. It explains; `trust_bps` decides.
    pub vector: TrustVector,
    /// Last moment at which the evidence counts, milliseconds since the epoch.
    pub expires_at: u64,
}

/// Judges `evidence` for `context` at the time `at` (milliseconds since the epoch).
///
/// # Errors
/// [`AttestationError`], in the order of its variants.
pub fn verify(
    evidence: &Evidence,
    collateral: &Collateral,
    policy: &Policy,
    context: &WorkContext,
    at: u64,
) -> Result<Appraisal, AttestationError> {
    let kind = evidence.kind();
    if !policy.table().allowed.contains(&kind) {
        return Err(AttestationError::KindNotAllowed { kind });
    }
    if let Evidence::Software(software) = evidence {
        check_software(software, context)?;
    }
    let mut expires_at = check_age(policy, context, at)?;
    let judged = match evidence {
        Evidence::Software(software) => Judged::software(software),
        Evidence::Hardware(hardware) => Judged::hardware(hardware, collateral, policy, context, at)?,
        #[cfg(feature = "synthetic")]
        Evidence::Synthetic(hardware) => Judged {
            row: Row::Software,
            class: HardwareClass::Other,
            reasons: vec![Reason::SyntheticOnly],
            vector: TrustVector { hardware: Claim::UNRECOGNISED_HARDWARE, ..TrustVector::default() },
            ..Judged::hardware(hardware, collateral, policy, context, at)?
        },
    };
    let Judged { claims, row, class, mut reasons, vector } = judged;
    if let Claims::Hardware(claims) = &claims {
        expires_at = expires_at.min(claims.expires_at);
    }
    let (row_bps, cap_bps) = (policy.row(row), policy.cap(class));
    reasons.push(if cap_bps < row_bps {
        Reason::HardwareCap { row_bps, class, cap_bps }
    } else {
        Reason::EvidenceRow { row_bps }
    });
    let trust_bps = row_bps.min(cap_bps);
    let expected = policy.table().trust_bps_min;
    if trust_bps < expected {
        return Err(AttestationError::TrustTooLow { expected, got: trust_bps });
    }
    Ok(Appraisal { trust_bps, claims, reasons, vector, expires_at })
}

/// Verified evidence, and where it stands in the table of trust.
struct Judged {
    claims: Claims,
    row: Row,
    class: HardwareClass,
    reasons: Vec<Reason>,
    vector: TrustVector,
}

impl Judged {
    fn software(evidence: &SoftwareEvidence) -> Self {
        Self {
            claims: Claims::Software(evidence.clone()),
            row: Row::Software,
            class: HardwareClass::Other,
            reasons: vec![Reason::SoftwareOnly],
            vector: TrustVector {
                executables: Claim::UNRECOGNISED_RUNTIME,
                hardware: Claim::UNRECOGNISED_HARDWARE,
                runtime_opaque: Claim::VISIBLE_MEMORY,
                ..TrustVector::default()
            },
        }
    }

    fn hardware(
        evidence: &HardwareEvidence,
        collateral: &Collateral,
        policy: &Policy,
        context: &WorkContext,
        at: u64,
    ) -> Result<Self, AttestationError> {
        let claims = composite::verify(evidence, collateral, policy.table(), context, at)?;
        let shortfalls = shortfalls(&claims);
        let required = policy.table().required;
        for (layer, is_required, is_missing) in [
            ("a CPU quote", required.cpu, claims.cpu.is_none()),
            ("a GPU", required.gpu, claims.devices.is_empty()),
            (
                "reference values for every measurement",
                required.reference_values,
                shortfalls.iter().any(|(_, reason)| {
                    matches!(reason, Reason::ReferenceValuesMissing { .. } | Reason::VendorToken { .. })
                }),
            ),
        ] {
            if is_required && is_missing {
                return Err(AttestationError::LayerMissing { layer });
            }
        }
        // The row that earns least decides; governance may order them as it likes.
        let row = shortfalls.iter().map(|(row, _)| *row).min_by_key(|row| policy.row(*row)).unwrap_or(Row::Verified);
        let mut reasons: Vec<Reason> = shortfalls.into_iter().map(|(_, reason)| reason).collect();
        if reasons.is_empty() {
            reasons.push(Reason::Verified);
        }
        let class = class(&claims);
        let vector = vector(&claims, &reasons);
        Ok(Self { claims: Claims::Hardware(Box::new(claims)), row, class, reasons, vector })
    }
}

/// What keeps verified evidence from the first row, each with the row it falls to.
fn shortfalls(claims: &HardwareClaims) -> Vec<(Row, Reason)> {
    let mut found = Vec::new();
    if claims.cpu.is_none() {
        found.push((Row::NoCpu, Reason::NoCpuQuote));
    }
    if claims.devices.is_empty() {
        // The hardware's cap decides here: a processor alone is "everything else".
        found.push((Row::Verified, Reason::NoGpu));
    }
    let (vouched, unknown): (Vec<_>, Vec<_>) = claims
        .devices
        .iter()
        .map(|device| &device.reference_values)
        .filter(|values| !values.complete())
        .partition(|values| values.token.is_some());
    let total = |incomplete: &[&ReferenceValues]| {
        incomplete.iter().map(|values| values.missing.len().max(1)).fold(0, usize::saturating_add)
    };
    if !vouched.is_empty() {
        found.push((Row::VendorToken, Reason::VendorToken { manifests: total(&vouched) }));
    }
    if !unknown.is_empty() {
        found.push((Row::Authentic, Reason::ReferenceValuesMissing { manifests: total(&unknown) }));
    }
    match claims.devices.iter().map(|device| device.revocation).max() {
        Some(RevocationSource::NotChecked) => found.push((Row::Authentic, Reason::RevocationNotChecked)),
        Some(RevocationSource::Crl) => found.push((Row::Hardening, Reason::RevocationByList)),
        Some(RevocationSource::Ocsp) | None => {}
    }
    match &claims.cpu {
        Some(CpuClaims::Tdx(tdx)) if tdx.tcb_status == TcbStatus::SoftwareHardeningNeeded => {
            found.push((Row::Hardening, Reason::SoftwareHardeningNeeded));
        }
        // AMD publishes lists only, so a list is as good as it gets there; none at all is not.
        Some(CpuClaims::SevSnp(snp)) if !snp.revocation_checked => {
            found.push((Row::Hardening, Reason::RevocationNotChecked));
        }
        Some(CpuClaims::Tdx(_) | CpuClaims::SevSnp(_)) | None => {}
    }
    if claims.in_grace {
        found.push((Row::Grace, Reason::Grace { until: claims.expires_at }));
    }
    found
}

/// Class of the GPUs, which are of one family.
fn class(claims: &HardwareClaims) -> HardwareClass {
    let gpu = claims.devices.iter().find(|device| device.kind == DeviceKind::Gpu);
    match gpu.map(|gpu| gpu.family) {
        Some(Family::Gb100) => HardwareClass::B100B200,
        Some(Family::Gh100) => HardwareClass::H100H200,
        Some(Family::Gb20x) => HardwareClass::RtxPro6000,
        Some(Family::Ls10) | None => HardwareClass::Other,
    }
}

fn vector(claims: &HardwareClaims, reasons: &[Reason]) -> TrustVector {
    let has = |wanted: fn(&Reason) -> bool| reasons.iter().any(wanted);
    let grace = has(|reason| matches!(reason, Reason::Grace { .. }));
    let unknown = has(|reason| matches!(reason, Reason::ReferenceValuesMissing { .. }));
    let hardening = has(|reason| matches!(reason, Reason::SoftwareHardeningNeeded));
    let confidential = claims.cpu.is_some();
    TrustVector {
        instance_identity: Claim::RECOGNISED_INSTANCE,
        configuration: if hardening { Claim::UNSAFE_CONFIGURATION } else { Claim::APPROVED_CONFIGURATION },
        executables: match (unknown, confidential) {
            (true, _) => Claim::UNRECOGNISED_RUNTIME,
            (false, true) => Claim::APPROVED_RUNTIME,
            (false, false) => Claim::APPROVED_BOOT,
        },
        hardware: if grace { Claim::UNSAFE_HARDWARE } else { Claim::GENUINE_HARDWARE },
        runtime_opaque: if confidential { Claim::ENCRYPTED_MEMORY } else { Claim::NONE },
        ..TrustVector::default()
    }
}

fn check_software(evidence: &SoftwareEvidence, context: &WorkContext) -> Result<(), AttestationError> {
    let got = evidence.device_id;
    let expected = software::device_id(&context.worker);
    if expected != got {
        return Err(AttestationError::AnotherWorker { expected, got });
    }
    if context.device_id != got {
        return Err(AttestationError::AnotherDevice { expected: context.device_id, got });
    }
    let (expected, got) = (context.digest(), evidence.context_digest);
    if expected != got {
        return Err(AttestationError::AnotherContext { expected, got });
    }
    Ok(())
}

/// The lease's time is the only one bound into every kind of evidence, so age counts from there.
fn check_age(policy: &Policy, context: &WorkContext, at: u64) -> Result<u64, AttestationError> {
    let timestamp = context.timestamp;
    if at < timestamp {
        return Err(AttestationError::BeforeLease { timestamp, at });
    }
    let expires_at = timestamp.saturating_add(policy.table().evidence_age_ms_max);
    if at > expires_at {
        return Err(AttestationError::Stale { expires_at, at });
    }
    Ok(expires_at)
}

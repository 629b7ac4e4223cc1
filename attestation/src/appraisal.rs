//! Appraisal: evidence, collateral, policy, context and time become a trust level with reasons, or an error.
//!
//! [`verify`] is a pure function: no clock, no network, no float, no map whose order varies. Two nodes with the same
//! arguments get the same answer. An error means the evidence is refused; there is no "unverified but accepted".

use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::{
    context::WorkContext,
    evidence::{Evidence, EvidenceKind, SoftwareEvidence, software},
    policy::{HardwareClass, Policy},
};

/// Documents a verifier needs beside evidence: reference values, revocation lists, vendor certificates. Software
/// evidence needs none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collateral {}

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

/// What verified evidence says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Claims {
    /// What a program said about itself.
    Software(SoftwareEvidence),
}

/// Why the trust is what it is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Software evidence shows nothing.
    SoftwareOnly,
    /// The row of the evidence decided.
    EvidenceRow {
        /// Trust of the row.
        row_bps: u32,
    },
    /// The hardware's cap decided, being below the row.
    HardwareCap {
        /// Trust of the row.
        row_bps: u32,
        /// Class of the hardware.
        class: HardwareClass,
        /// Its cap.
        cap_bps: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoftwareOnly => formatter.write_str(
                "software evidence: adds no security over the receipt signature, executable and host are the worker's own words",
            ),
            Self::EvidenceRow { row_bps } => write!(formatter, "trust {row_bps} bps by the kind of evidence"),
            Self::HardwareCap { row_bps, class, cap_bps } => {
                write!(formatter, "trust {row_bps} bps by the kind of evidence, capped at {cap_bps} for hardware {class:?}")
            }
        }
    }
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
    let Collateral {} = collateral;
    let kind = evidence.kind();
    if !policy.table().allowed.contains(&kind) {
        return Err(AttestationError::KindNotAllowed { kind });
    }
    let (claims, class, mut reasons) = match evidence {
        Evidence::Software(software) => {
            check_software(software, context)?;
            (Claims::Software(software.clone()), HardwareClass::Other, vec![Reason::SoftwareOnly])
        }
    };
    let expires_at = check_age(policy, context, at)?;
    let (row_bps, cap_bps) = (policy.row(kind), policy.cap(class));
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
    Ok(Appraisal { trust_bps, claims, reasons, expires_at })
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

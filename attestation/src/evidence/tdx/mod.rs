//! Intel TDX: a quote says which software runs in a trust domain on which genuine platform, and carries 64 bytes that
//! the software chose.
//!
//! Signatures, certificate path, revocation, TCB matching and quoting-enclave identity are judged by `dcap-qvl` (pure
//! Rust, explicit time, builds for wasm32), which returns claims whatever the status. What it leaves to its caller is
//! here, each with its own refusal: the shape to the last byte ([`quote`]), debug TDs, the pinned root, collateral that
//! is expired, from the future or older than allowed, every status that is not up to date, the floor under
//! tcbEvaluationDataNumber, refused advisories, the report data, and the allow-list of launches, without which the key
//! in the report data proves nothing about code.
//!
//! *Root.* The chain in the quote must end in a certificate whose SHA-256 the policy pins; the whole certificate, since
//! a trust anchor's own fields are not signature-checked. *Identity.* Hash of PPID and FMSPC from the PCK certificate:
//! stable over firmware updates. *Not proven:* that the platform's owner cannot tap its memory bus (TEE.fail, WireTap).

use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use dcap_qvl::{QuoteClaims, quote::TDReport10, verify::QuoteVerifier};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::floor::{Floor, Standing, standing};
use crate::{
    bounded::{Bytes, Fixed, List, Set},
    hash::{derive, purpose},
    text::Text,
};

mod collateral;
mod error;
pub mod quote;

pub use collateral::{CHAIN_BYTES_MAX, DOCUMENT_BYTES_MAX, TdxCollateral};
pub use error::{Document, TdxError};
pub use quote::{QUOTE_BYTES_MAX, QuoteError};

/// SHA-256 of Intel's "SGX Root CA" certificate, under which all TDX platforms hang.
pub const INTEL_ROOT: [u8; 32] = [
    0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89, 0xb8, 0xe1, 0x49, 0xe9, 0x5b, 0x80, 0x7a, 0x35, 0x0e, 0x74, 0x24,
    0x96, 0x43, 0x99, 0xe8, 0x85, 0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3,
];
/// Most certificates of a PCK chain: certificate, issuer, root.
const PCK_CHAIN_CERTIFICATES: usize = 3;
const ATTRIBUTE_DEBUG: u64 = 1;

/// A TDX quote as the platform gave it out.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TdxEvidence {
    /// The quote, zero padding included.
    pub quote: Bytes<QUOTE_BYTES_MAX>,
}

/// Measurements of one allowed launch. All five must match.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct TdxLaunch {
    /// Measurement of the initial TD.
    pub mrtd: Fixed<48>,
    /// Run-time measurements 0 to 3: firmware configuration, kernel, initial file system, application.
    pub rtmr: [Fixed<48>; 4],
}

/// What a policy asks of TDX quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TdxRules {
    /// SHA-256 of root certificates that are trusted; [`INTEL_ROOT`] in production.
    pub roots: Set<Fixed<32>, 4>,
    /// Launches that are allowed. Empty: none is.
    pub launches: Set<TdxLaunch, 32>,
    /// Floors under tcbEvaluationDataNumber.
    pub evaluation_floors: List<Floor, 8>,
    /// How long after the date of its level an out-of-date TCB is still accepted, at lower trust, milliseconds.
    pub out_of_date_grace_ms: u64,
    /// Oldest TCB info, quoting-enclave identity and PCK revocation list, milliseconds since issue.
    pub collateral_age_ms_max: u64,
    /// Advisories that must not apply, such as `INTEL-SA-00837`.
    pub advisories_refused: Set<Text<32>, 32>,
}

/// How up to date a platform is, in Intel's words (TCB info, `tcbStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TcbStatus {
    /// Nothing is missing.
    UpToDate,
    /// Software inside the TD must mitigate something.
    SoftwareHardeningNeeded,
    /// The platform's configuration must change.
    ConfigurationNeeded,
    /// Both of the above.
    ConfigurationAndSoftwareHardeningNeeded,
    /// Firmware is missing fixes.
    OutOfDate,
    /// Firmware is missing fixes and the configuration must change.
    OutOfDateConfigurationNeeded,
    /// Not to be trusted.
    Revoked,
    /// The TD was launched on an older module than runs now.
    RelaunchAdvised,
    /// The same, and the configuration must change.
    RelaunchAdvisedConfigurationNeeded,
}

impl From<dcap_qvl::TcbStatus> for TcbStatus {
    fn from(status: dcap_qvl::TcbStatus) -> Self {
        match status {
            dcap_qvl::TcbStatus::UpToDate => Self::UpToDate,
            dcap_qvl::TcbStatus::SWHardeningNeeded => Self::SoftwareHardeningNeeded,
            dcap_qvl::TcbStatus::ConfigurationNeeded => Self::ConfigurationNeeded,
            dcap_qvl::TcbStatus::ConfigurationAndSWHardeningNeeded => Self::ConfigurationAndSoftwareHardeningNeeded,
            dcap_qvl::TcbStatus::OutOfDate => Self::OutOfDate,
            dcap_qvl::TcbStatus::OutOfDateConfigurationNeeded => Self::OutOfDateConfigurationNeeded,
            dcap_qvl::TcbStatus::Revoked => Self::Revoked,
            dcap_qvl::TcbStatus::TDRelaunchAdvised => Self::RelaunchAdvised,
            dcap_qvl::TcbStatus::TDRelaunchAdvisedConfigurationNeeded => Self::RelaunchAdvisedConfigurationNeeded,
        }
    }
}

/// What an accepted quote says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TdxClaims {
    /// Stable identity of the platform.
    pub identity: Fixed<32>,
    /// Platform type.
    pub fmspc: Fixed<6>,
    /// Format version of the quote.
    pub quote_version: u16,
    /// Merged status of platform, module and quoting enclave.
    pub tcb_status: TcbStatus,
    /// Whether a grace period is what keeps it accepted.
    pub in_grace: bool,
    /// Lower tcbEvaluationDataNumber of TCB info and quoting-enclave identity.
    pub tcb_evaluation_number: u32,
    /// Advisories that apply to the platform.
    pub advisories: Vec<String>,
    /// What was launched.
    pub launch: TdxLaunch,
    /// The 64 bytes that the software chose.
    pub report_data: Fixed<64>,
    /// Last moment at which everything that was used still counts, milliseconds since the epoch.
    pub expires_at: u64,
}

/// Judges a quote at the time `at` (milliseconds since the epoch).
///
/// # Errors
/// [`TdxError`]; nothing is accepted with a warning.
pub fn verify(
    evidence: &TdxEvidence,
    collateral: &TdxCollateral,
    rules: &TdxRules,
    report_data: &[u8; 64],
    at: u64,
) -> Result<TdxClaims, TdxError> {
    let quote = quote::parse(evidence.quote.as_slice())?;
    let attributes = quote.body.attributes;
    if attributes & ATTRIBUTE_DEBUG != 0 {
        return Err(TdxError::DebugTd { attributes });
    }
    let root = pinned_root(quote.pck_chain, rules)?;
    let fresh_until = check_dates(collateral, rules, at)?;
    let claims = QuoteVerifier::new(root)
        .verify_with_policy(quote.bytes, collateral.to_dcap()?, at.div_euclid(1000), &ClaimsOnly)
        .map_err(|error| error::classify(format!("{error:#}"), attributes))?;
    let (in_grace, grace_until) = check_tcb(&claims, rules, at)?;
    // From here on only what dcap-qvl itself read out of the signed bytes counts.
    let body = claims.report.as_td10().ok_or(QuoteError::TeeType { got: claims.tee_type })?;
    let got = body.report_data;
    if got != *report_data {
        return Err(TdxError::ReportData { expected: Box::new(Fixed(*report_data)), got: Box::new(Fixed(got)) });
    }
    let launch = check_launch(body, rules)?;
    let pck = &claims.platform.pck;
    let ppid: [u8; 16] = pck.ppid.as_slice().try_into().map_err(|_| TdxError::NoPlatformIdentity)?;
    if ppid == [0; 16] {
        return Err(TdxError::NoPlatformIdentity);
    }
    Ok(TdxClaims {
        identity: Fixed(derive(purpose::TDX_PLATFORM, &[&ppid, &pck.fmspc])),
        fmspc: Fixed(pck.fmspc),
        quote_version: quote.version,
        tcb_status: claims.tcb.status.into(),
        in_grace,
        tcb_evaluation_number: claims.tcb.eval_data_number,
        advisories: claims.tcb.advisory_ids,
        launch,
        report_data: Fixed(got),
        expires_at: milliseconds(claims.earliest_expiration_date).saturating_sub(1).min(fresh_until).min(grace_until),
    })
}

/// Everything that `dcap-qvl`'s own policies judge is judged here, with variants instead of sentences.
struct ClaimsOnly;

impl dcap_qvl::Policy for ClaimsOnly {
    fn validate(&self, _: &QuoteClaims) -> Result<(), anyhow::Error> {
        Ok(())
    }
}

const fn milliseconds(seconds: u64) -> u64 {
    seconds.saturating_mul(1000)
}

fn pinned_root(pck_chain: &[u8], rules: &TdxRules) -> Result<Vec<u8>, TdxError> {
    // Platforms end the PEM text with one zero byte.
    let text = pck_chain.strip_suffix(&[0]).unwrap_or(pck_chain);
    let chain = x509_cert::Certificate::load_pem_chain(text).map_err(|_| TdxError::PckChainMalformed)?;
    let root = chain.get(PCK_CHAIN_CERTIFICATES.saturating_sub(1)).ok_or(TdxError::PckChainMalformed)?;
    if chain.len() != PCK_CHAIN_CERTIFICATES {
        return Err(TdxError::PckChainMalformed);
    }
    let root = der::Encode::to_der(root).map_err(|_| TdxError::PckChainMalformed)?;
    let got: [u8; 32] = Sha256::digest(&root).into();
    if rules.roots.contains(&Fixed(got)) { Ok(root) } else { Err(TdxError::RootNotPinned { got }) }
}

/// Until when the documents are fresh, milliseconds.
fn check_dates(collateral: &TdxCollateral, rules: &TdxRules, at: u64) -> Result<u64, TdxError> {
    let mut fresh_until = u64::MAX;
    for window in collateral.windows()? {
        let document = window.document;
        let (issued_at, expired_at) = (milliseconds(window.issued), milliseconds(window.expires));
        if at < issued_at {
            return Err(TdxError::CollateralNotYetValid { document, issued_at, at });
        }
        if at >= expired_at {
            return Err(TdxError::CollateralExpired { document, expired_at, at });
        }
        fresh_until = fresh_until.min(expired_at.saturating_sub(1));
        // Intel signs the root's list once a year; only its own dates bind it.
        if document != Document::RootCrl {
            let (age_ms, max_ms) = (at.saturating_sub(issued_at), rules.collateral_age_ms_max);
            if age_ms > max_ms {
                return Err(TdxError::CollateralTooOld { document, age_ms, max_ms });
            }
            fresh_until = fresh_until.min(issued_at.saturating_add(max_ms));
        }
    }
    Ok(fresh_until)
}

/// Whether grace is what keeps the platform accepted, and until when.
fn check_tcb(claims: &QuoteClaims, rules: &TdxRules, at: u64) -> Result<(bool, u64), TdxError> {
    let got = claims.tcb.eval_data_number;
    let mut grace_until = match standing(rules.evaluation_floors.as_slice(), u64::from(got), at) {
        Standing::Met => None,
        Standing::Grace { until } => Some(until),
        Standing::Below { minimum } => return Err(TdxError::EvaluationNumber { minimum, got }),
    };
    match TcbStatus::from(claims.tcb.status) {
        TcbStatus::UpToDate | TcbStatus::SoftwareHardeningNeeded => {}
        TcbStatus::OutOfDate => {
            let until = out_of_date_since(claims)?.saturating_add(rules.out_of_date_grace_ms);
            if at > until {
                return Err(TdxError::TcbOutOfDate { grace_until: until, at });
            }
            grace_until = Some(grace_until.unwrap_or(u64::MAX).min(until));
        }
        TcbStatus::Revoked => return Err(TdxError::TcbRevoked),
        status @ (TcbStatus::ConfigurationNeeded
        | TcbStatus::ConfigurationAndSoftwareHardeningNeeded
        | TcbStatus::OutOfDateConfigurationNeeded
        | TcbStatus::RelaunchAdvised
        | TcbStatus::RelaunchAdvisedConfigurationNeeded) => return Err(TdxError::TcbStatus { status }),
    }
    let applying: BTreeSet<&str> = claims.tcb.advisory_ids.iter().map(String::as_str).collect();
    if let Some(refused) = rules.advisories_refused.iter().find(|refused| applying.contains(refused.as_str())) {
        return Err(TdxError::Advisory { advisory: refused.to_string() });
    }
    Ok((grace_until.is_some(), grace_until.unwrap_or(u64::MAX)))
}

/// Date of the older of the matched levels, milliseconds: grace counts from what runs, not from when Intel replaced it.
fn out_of_date_since(claims: &QuoteClaims) -> Result<u64, TdxError> {
    let malformed = TdxError::DocumentMalformed { document: Document::QeIdentity };
    let date: der::DateTime = claims.qe.tcb_level.tcb_date.parse().map_err(|_| malformed)?;
    let enclave_is_out_of_date = claims.qe.tcb_level.tcb_status == dcap_qvl::TcbStatus::OutOfDate;
    let enclave = if enclave_is_out_of_date { date.unix_duration().as_secs() } else { u64::MAX };
    let platform = claims.platform.tcb_date_tag;
    Ok(milliseconds(platform.min(enclave)))
}

fn check_launch(body: &TDReport10, rules: &TdxRules) -> Result<TdxLaunch, TdxError> {
    let rtmr = [body.rt_mr0, body.rt_mr1, body.rt_mr2, body.rt_mr3];
    let launch = TdxLaunch { mrtd: Fixed(body.mr_td), rtmr: rtmr.map(Fixed) };
    if rules.launches.contains(&launch) {
        Ok(launch)
    } else {
        Err(TdxError::LaunchNotAllowed { launch: Box::new(launch) })
    }
}

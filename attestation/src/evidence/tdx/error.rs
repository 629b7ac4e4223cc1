//! Every way in which a TDX quote is refused.

use std::fmt;

use thiserror::Error;

use super::{TcbStatus, TdxLaunch, quote::QuoteError};
use crate::bounded::Fixed;

/// Which document of the collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// Revocation list of Intel's root.
    RootCrl,
    /// Revocation list of the PCK issuer.
    PckCrl,
    /// TCB info.
    TcbInfo,
    /// Quoting-enclave identity.
    QeIdentity,
}

impl fmt::Display for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::RootCrl => "root revocation list",
            Self::PckCrl => "PCK revocation list",
            Self::TcbInfo => "TCB info",
            Self::QeIdentity => "quoting-enclave identity",
        })
    }
}

/// Why a TDX quote is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TdxError {
    /// The bytes have not the shape of a TDX quote.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// A debug TD: its memory can be read from outside.
    #[error("tdx: the TD runs in debug mode (TDATTRIBUTES {attributes:#018x}), its memory is not confidential")]
    DebugTd {
        /// TDATTRIBUTES.
        attributes: u64,
    },
    /// Attributes under which a TD is not isolated enough.
    #[error(
        "tdx: TDATTRIBUTES {attributes:#018x} refused: no profiling, migration, service TD or reserved bit, and SEPT_VE_DISABLE set, is required"
    )]
    Attributes {
        /// TDATTRIBUTES.
        attributes: u64,
    },
    /// The certificates in the quote cannot be read.
    #[error("tdx: the PCK certificate chain in the quote is not three PEM certificates")]
    PckChainMalformed,
    /// The chain ends in a root that the policy does not pin.
    #[error("tdx: the chain ends in root certificate {}, which the policy does not pin", crate::hex::encode(.got))]
    RootNotPinned {
        /// SHA-256 of the root certificate found.
        got: [u8; 32],
    },
    /// A document of the collateral cannot be read.
    #[error("tdx collateral: the {document} cannot be read")]
    DocumentMalformed {
        /// Which one.
        document: Document,
    },
    /// A collateral file cannot be read.
    #[error("tdx collateral file: {cause}")]
    CollateralFile {
        /// What is wrong with it.
        cause: String,
    },
    /// A document from the future.
    #[error("tdx collateral: the {document} was issued at {issued_at}, judged at {at} (milliseconds)")]
    CollateralNotYetValid {
        /// Which one.
        document: Document,
        /// When it was issued.
        issued_at: u64,
        /// Time of judging.
        at: u64,
    },
    /// A document whose successor is due.
    #[error("tdx collateral: the {document} expired at {expired_at}, judged at {at} (milliseconds); fetch a new one")]
    CollateralExpired {
        /// Which one.
        document: Document,
        /// First moment at which it no longer counts.
        expired_at: u64,
        /// Time of judging.
        at: u64,
    },
    /// A document older than the policy allows.
    #[error("tdx collateral: the {document} is {age_ms} ms old, the policy allows {max_ms}; fetch a new one")]
    CollateralTooOld {
        /// Which one.
        document: Document,
        /// Its age.
        age_ms: u64,
        /// Oldest allowed.
        max_ms: u64,
    },
    /// A document that Intel did not sign.
    #[error("tdx collateral: the signature of the {document} does not verify")]
    CollateralSignature {
        /// Which one.
        document: Document,
    },
    /// The quoting enclave did not vouch for the attestation key.
    #[error("tdx: the quoting enclave's report does not commit to the attestation key")]
    AttestationKeyUnbound,
    /// The platform did not sign the quoting enclave's report.
    #[error("tdx: the signature of the quoting enclave's report does not verify with the PCK certificate")]
    QeReportSignature,
    /// The attestation key did not sign the quote.
    #[error("tdx: the signature of the quote does not verify with the attestation key")]
    QuoteSignature,
    /// A certificate of the chain is revoked.
    #[error("tdx: a certificate of the chain is revoked")]
    CertificateRevoked,
    /// The chain does not lead to the root at this time.
    #[error("tdx: certificate chain: {cause}")]
    Chain {
        /// What the path check says.
        cause: String,
    },
    /// The collateral is about another platform type.
    #[error("tdx: the TCB info is of another platform type (FMSPC) than the PCK certificate")]
    AnotherPlatformType,
    /// The quoting enclave is not the one that Intel names.
    #[error("tdx: quoting enclave: {cause}")]
    QuotingEnclave {
        /// Which field differs.
        cause: String,
    },
    /// The TDX module is not the one that Intel names.
    #[error("tdx: module: {cause}")]
    Module {
        /// Which field differs.
        cause: String,
    },
    /// The platform is below every level that Intel lists.
    #[error("tdx: the platform's versions are below every TCB level that Intel lists")]
    NoTcbLevel,
    /// Intel revoked this TCB level.
    #[error("tdx: this TCB level is revoked")]
    TcbRevoked,
    /// A TCB status that is not accepted.
    #[error("tdx: TCB status {status:?}; update the platform's firmware and configuration")]
    TcbStatus {
        /// The status.
        status: TcbStatus,
    },
    /// Out of date for longer than the policy's grace.
    #[error("tdx: the TCB is out of date and its grace ended at {grace_until}, judged at {at} (milliseconds)")]
    TcbOutOfDate {
        /// Last moment of grace.
        grace_until: u64,
        /// Time of judging.
        at: u64,
    },
    /// Collateral of an evaluation older than the policy's floor.
    #[error("tdx: tcbEvaluationDataNumber {got} is below the floor {minimum}; fetch newer collateral")]
    EvaluationNumber {
        /// The floor.
        minimum: u64,
        /// Number in the collateral.
        got: u32,
    },
    /// An advisory that the policy refuses applies to the platform.
    #[error("tdx: advisory {advisory} applies to this platform and the policy refuses it")]
    Advisory {
        /// Its id.
        advisory: String,
    },
    /// The quote answers something else.
    #[error("tdx: expected report data {}, got {}", .expected, .got)]
    ReportData {
        /// What was asked.
        expected: Box<Fixed<64>>,
        /// What the quote holds.
        got: Box<Fixed<64>>,
    },
    /// The software that was launched is not on the policy's list.
    #[error("tdx: launch measurements (MRTD {}) are not on the policy's list", .launch.mrtd)]
    LaunchNotAllowed {
        /// What was launched.
        launch: Box<TdxLaunch>,
    },
    /// The PCK certificate names no platform.
    #[error("tdx: the PCK certificate holds no usable PPID")]
    NoPlatformIdentity,
    /// `dcap-qvl` refuses for a reason that has no variant here.
    #[error("tdx: {cause}")]
    Other {
        /// Its message.
        cause: String,
    },
}

/// Names the refusal of `dcap-qvl`, which reports sentences. Only the *name* depends on the sentence, never the verdict;
/// its version is pinned and the tests hold each line of this table.
pub(super) fn classify(message: String, attributes: u64) -> TdxError {
    let has = |part: &str| message.contains(part);
    let cause = || message.clone();
    match () {
        () if has("CertRevoked") => TdxError::CertificateRevoked,
        () if has("invalid for qe_report") => TdxError::QeReportSignature,
        () if has("QE report hash mismatch") || has("Invalid QE auth data") => TdxError::AttestationKeyUnbound,
        () if has("ISV enclave report signature") => TdxError::QuoteSignature,
        () if has("invalid for tcb_info") => TdxError::CollateralSignature { document: Document::TcbInfo },
        () if has("invalid for qe_identity") => TdxError::CollateralSignature { document: Document::QeIdentity },
        () if has("Failed to parse root CA CRL") => TdxError::CollateralSignature { document: Document::RootCrl },
        () if has("Failed to parse PCK CRL") => TdxError::DocumentMalformed { document: Document::PckCrl },
        () if has("Failed to decode TcbInfo") => TdxError::DocumentMalformed { document: Document::TcbInfo },
        () if has("Failed to decode QeIdentity") => TdxError::DocumentMalformed { document: Document::QeIdentity },
        () if has("certificate chain") || has("must be issued directly") => TdxError::Chain { cause: cause() },
        () if has("Fmspc mismatch") => TdxError::AnotherPlatformType,
        () if has("TCB status is invalid: Revoked") => TdxError::TcbRevoked,
        () if has("No matching TCB level") => TdxError::NoTcbLevel,
        () if has("TDX module") => TdxError::Module { cause: cause() },
        () if has("QE ") => TdxError::QuotingEnclave { cause: cause() },
        () if has("TD attributes") || has("TD profiling") || has("TD migration") || has("SERVTD") || has("SEPT_VE") => {
            TdxError::Attributes { attributes }
        }
        () => TdxError::Other { cause: cause() },
    }
}

//! Every way in which an SEV-SNP report is refused.

use std::fmt;

use thiserror::Error;

use super::{Product, SnpTcb, report::SigningKeyKind};
use crate::bounded::Fixed;

/// Which certificate of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// AMD root key.
    Ark,
    /// Key that signs VCEKs (ASK) or VLEKs (ASVK).
    Ask,
    /// VCEK or VLEK.
    Endorsement,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ark => "ARK",
            Self::Ask => "ASK",
            Self::Endorsement => "VCEK or VLEK",
        })
    }
}

/// Why an SEV-SNP report is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SnpError {
    /// Another length than reports have.
    #[error("snp report: expected 1184 bytes, got {got}")]
    Length {
        /// Bytes given.
        got: usize,
    },
    /// A format that is not read here.
    #[error("snp report: expected version 2 to 5, got {got}")]
    Version {
        /// Version found.
        got: u32,
    },
    /// Another signature algorithm.
    #[error("snp report: expected signature algorithm 1 (ECDSA P-384 with SHA-384), got {got}")]
    SignatureAlgorithm {
        /// Algorithm found.
        got: u32,
    },
    /// Unsigned, or signed by a key of unknown kind.
    #[error("snp report: expected a signing key of kind 0 (VCEK) or 1 (VLEK), got {got}")]
    SigningKeyKind {
        /// Kind found.
        got: u32,
    },
    /// Signature numbers that do not fit, or bytes after them.
    #[error("snp report: the signature is not two little-endian numbers of 48 bytes, padded with zeros")]
    SignatureEncoding,
    /// The guest's memory can be read by the host.
    #[error("snp: the guest policy {policy:#x} allows debugging, its memory is not confidential")]
    DebugPolicy {
        /// Guest policy.
        policy: u64,
    },
    /// A migration agent may take the guest elsewhere.
    #[error("snp: the guest policy {policy:#x} allows a migration agent")]
    MigrationPolicy {
        /// Guest policy.
        policy: u64,
    },
    /// A bit that must be one is not.
    #[error("snp: the guest policy {policy:#x} lacks reserved bit 17, no firmware writes that")]
    ReservedPolicy {
        /// Guest policy.
        policy: u64,
    },
    /// Asked for by less privileged software than allowed.
    #[error("snp: the report was asked for at VMPL {got}, the policy allows up to {max}")]
    Vmpl {
        /// Highest allowed.
        max: u32,
        /// Level found.
        got: u32,
    },
    /// Signed by a lent key where the chip's own is required.
    #[error("snp: signed with a VLEK, the policy requires a VCEK, which names the chip")]
    VlekNotAllowed,
    /// A chip that hides its id cannot be told from another.
    #[error("snp: the chip id is masked (all zero); allow the guest to see it (MASK_CHIP_ID off)")]
    ChipIdMasked,
    /// Not one certificate.
    #[error("snp: the {role} certificate cannot be read")]
    CertificateMalformed {
        /// Which one.
        role: Role,
    },
    /// A key of another kind or size than AMD's.
    #[error("snp: the {role} certificate's key is not {expected}")]
    CertificateKey {
        /// Which one.
        role: Role,
        /// What AMD uses.
        expected: &'static str,
    },
    /// An authority that is none, or an end entity that is one.
    #[error("snp: the {role} certificate has the wrong basic constraints")]
    CertificateConstraints {
        /// Which one.
        role: Role,
    },
    /// Issued by somebody else than the next one.
    #[error("snp: the {role} certificate names another issuer than the next certificate's subject")]
    CertificateIssuer {
        /// Which one.
        role: Role,
    },
    /// The issuer did not sign it with RSASSA-PSS, SHA-384 and a salt of 48 bytes.
    #[error("snp: the signature of the {role} certificate does not verify (RSASSA-PSS, SHA-384, salt 48)")]
    CertificateSignature {
        /// Which one.
        role: Role,
    },
    /// Before or after its dates.
    #[error("snp: the {role} certificate is valid from {not_before} to {not_after}, judged at {at} (milliseconds)")]
    CertificateDates {
        /// Which one.
        role: Role,
        /// First moment.
        not_before: u64,
        /// First moment after.
        not_after: u64,
        /// Time of judging.
        at: u64,
    },
    /// The chain ends in a root that the policy does not pin.
    #[error("snp: the ARK's key {got} is not one that the policy pins")]
    RootNotPinned {
        /// SHA-256 of its SubjectPublicKeyInfo.
        got: Fixed<32>,
    },
    /// The policy asks for a revocation list and none came.
    #[error("snp collateral: the policy requires the ARK's revocation list, none was given")]
    CrlMissing,
    /// Not a revocation list that can be judged.
    #[error("snp collateral: the revocation list cannot be read")]
    CrlMalformed,
    /// A list of another root.
    #[error("snp collateral: the revocation list was issued by another than this ARK")]
    CrlIssuer,
    /// A list that the root did not sign.
    #[error("snp collateral: the signature of the revocation list does not verify")]
    CrlSignature,
    /// A list from the future or whose successor is due.
    #[error(
        "snp collateral: the revocation list counts from {this_update} to {next_update}, judged at {at} (milliseconds)"
    )]
    CrlDates {
        /// First moment.
        this_update: u64,
        /// First moment after.
        next_update: u64,
        /// Time of judging.
        at: u64,
    },
    /// AMD revoked it.
    #[error("snp: the {role} certificate is revoked")]
    CertificateRevoked {
        /// Which one.
        role: Role,
    },
    /// An extension that AMD writes is missing or malformed.
    #[error("snp: the VCEK or VLEK certificate lacks extension {oid}, or it is malformed")]
    Extension {
        /// Its object identifier.
        oid: &'static str,
    },
    /// The certificate is of another product than its root.
    #[error("snp: the certificate or report is of another product than {expected:?}")]
    AnotherProduct {
        /// Product of the root.
        expected: Product,
    },
    /// A certificate of the other kind than the report says signed it.
    #[error("snp: the report says it was signed with a {expected:?}, the certificate is of the other kind")]
    AnotherKeyKind {
        /// Kind that the report states.
        expected: SigningKeyKind,
    },
    /// The certificate is of another chip.
    #[error("snp: the VCEK certificate is of another chip than the report")]
    AnotherChip,
    /// The certificate is for another firmware state.
    #[error("snp: the certificate is for TCB {expected:?}, the report states {got:?}")]
    AnotherTcb {
        /// TCB of the certificate.
        expected: SnpTcb,
        /// Reported TCB.
        got: SnpTcb,
    },
    /// The key did not sign the report.
    #[error("snp: the signature of the report does not verify with the certificate's key")]
    ReportSignature,
    /// Versions in an order that firmware never has.
    #[error("snp: {lower} TCB is above the {upper} TCB, which firmware never reports")]
    TcbOrder {
        /// Which should be the lower.
        lower: &'static str,
        /// Which should be the higher.
        upper: &'static str,
    },
    /// Firmware older than the policy's floor.
    #[error("snp: {component} version {got} is below the floor {minimum}; update the platform's firmware")]
    TcbBelowFloor {
        /// Which component.
        component: &'static str,
        /// The floor.
        minimum: u64,
        /// Version found.
        got: u8,
    },
    /// The report answers something else.
    #[error("snp: expected report data {expected}, got {got}")]
    ReportData {
        /// What was asked.
        expected: Box<Fixed<64>>,
        /// What the report holds.
        got: Box<Fixed<64>>,
    },
    /// The software that was launched is not on the policy's list.
    #[error("snp: launch measurement {measurement} is not on the policy's list")]
    LaunchNotAllowed {
        /// Measurement found.
        measurement: Fixed<48>,
    },
}

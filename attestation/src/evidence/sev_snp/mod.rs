//! AMD SEV-SNP: a report says which software was launched in an encrypted guest on which genuine processor, and carries
//! 64 bytes that the guest chose.
//!
//! *Why not the crate `sev`.* Tried at 8.0.0 with `snp, crypto_nossl`: 86 crates of the previous RustCrypto generation,
//! among them ioctl bindings and a `getrandom` that does not build for wasm32, for a `verify` that checks signatures
//! only. The report is 1184 bytes at fixed offsets, so it is read here ([`report`]) and judged with `p384`, `x509-cert`
//! and, for AMD's RSASSA-PSS certificates, `rsa` (RUSTSEC-2023-0071 is about private keys; none is here).
//!
//! Beyond the signatures, each with its own refusal: the TCB in the certificate equals the reported one, chip id equals
//! hardware id (8 bytes on Turin), product of root, certificate and processor agree, no debugging or migration agent in
//! the guest policy, the privilege level, VCEK or VLEK as the policy asks, the pinned root key, its revocation list,
//! floors under the reported TCB, and reported <= committed <= current.
//!
//! *Identity.* Hash of the chip id. A VLEK names no chip; a report of one has an identity only if the platform shows the
//! chip id. *Not proven:* that the owner cannot tap the memory bus (Battering RAM, TEE.fail).

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::floor::{Floor, Standing, standing};
use crate::{
    bounded::{Bytes, Fixed, List, Set},
    hash::{derive, purpose},
};

mod certificate;
mod error;
pub mod report;

pub use error::{Role, SnpError};
pub use report::{REPORT_BYTES, SigningKeyKind, SnpTcb};

/// Most bytes of one certificate; genuine ones have about 1400 and 1700.
pub const CERTIFICATE_BYTES_MAX: usize = 4096;
/// Most bytes of a revocation list.
pub const CRL_BYTES_MAX: usize = 65_536;
const POLICY_RESERVED_ONE: u64 = 1 << 17;
const POLICY_MIGRATION: u64 = 1 << 18;
const POLICY_DEBUG: u64 = 1 << 19;

/// A product line with its own root.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = false)]
pub enum Product {
    /// EPYC 7003.
    Milan,
    /// EPYC 9004 (and 8004, 97x4).
    Genoa,
    /// EPYC 9005.
    Turin,
}

impl Product {
    /// As AMD writes it in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// Whether processors of this family and model belong to it (AMD's "Product" table of the KDS specification).
    const fn includes(self, family: u8, model: u8) -> bool {
        match self {
            Self::Milan => family == 0x19 && model < 0x10,
            Self::Genoa => family == 0x19 && matches!(model, 0x10..=0x1f | 0xa0..=0xaf),
            Self::Turin => family == 0x1a && model < 0x20,
        }
    }
}

/// A root key and the product it belongs to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct SnpRoot {
    /// Product.
    pub product: Product,
    /// SHA-256 of the ARK's SubjectPublicKeyInfo.
    pub key: Fixed<32>,
}

/// AMD's root keys.
pub const AMD_ROOTS: [SnpRoot; 3] = [
    SnpRoot {
        product: Product::Milan,
        key: Fixed([
            0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29, 0x30, 0x8c, 0xb5, 0xff, 0xa8, 0x95, 0xbd, 0xfb, 0x62, 0xd1,
            0x88, 0x81, 0xfa, 0x6b, 0xed, 0x8d, 0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c, 0xb9,
        ]),
    },
    SnpRoot {
        product: Product::Genoa,
        key: Fixed([
            0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58, 0xee, 0x4d, 0x8d, 0xb5, 0xfc, 0xda, 0x9c, 0x64, 0x70, 0xef,
            0x15, 0xf8, 0xcd, 0x5a, 0x9c, 0xeb, 0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38, 0x31,
        ]),
    },
    SnpRoot {
        product: Product::Turin,
        key: Fixed([
            0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9, 0xa5, 0x03, 0x56, 0xf9, 0x24, 0x3f, 0x6f, 0xe0, 0xb6, 0xf7,
            0x3d, 0xe9, 0x86, 0x03, 0xf5, 0x3f, 0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad, 0x08,
        ]),
    },
];

/// A report and the certificate of the key that signed it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpEvidence {
    /// The report.
    pub report: Bytes<REPORT_BYTES>,
    /// VCEK or VLEK certificate, DER.
    pub certificate: Bytes<CERTIFICATE_BYTES_MAX>,
}

/// AMD's certificates above the signing key, and the root's revocation list.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpCollateral {
    /// ASK or ASVK, DER.
    pub ask: Bytes<CERTIFICATE_BYTES_MAX>,
    /// ARK, DER.
    pub ark: Bytes<CERTIFICATE_BYTES_MAX>,
    /// Revocation list that the ARK signed, DER.
    pub crl: Option<Bytes<CRL_BYTES_MAX>>,
}

/// A floor under the reported TCB of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpFloor {
    /// Product.
    pub product: Product,
    /// When it begins, milliseconds since the epoch.
    pub activates_at: u64,
    /// For how long lower versions are still accepted at lower trust, milliseconds.
    pub grace_ms: u64,
    /// Least versions, component by component.
    pub minimum: SnpTcb,
}

/// What a policy asks of SEV-SNP reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnpRules {
    /// Root keys that are trusted; [`AMD_ROOTS`] in production.
    pub roots: Set<SnpRoot, 8>,
    /// Launch measurements that are allowed. Empty: none is.
    pub launches: Set<Fixed<48>, 32>,
    /// Floors under the reported TCB.
    pub tcb_floors: List<SnpFloor, 8>,
    /// Highest privilege level (largest number) that may ask; 0 is the guest's own firmware and kernel.
    pub vmpl_max: u32,
    /// Whether keys lent to cloud providers are accepted.
    pub allow_vlek: bool,
    /// Whether the ARK's revocation list must be given. One that is given is always checked.
    pub require_crl: bool,
}

/// What an accepted report says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnpClaims {
    /// Stable identity of the chip, if the report shows it.
    pub identity: Option<Fixed<32>>,
    /// Product.
    pub product: Product,
    /// Format version of the report.
    pub report_version: u32,
    /// Key that signed.
    pub key_kind: SigningKeyKind,
    /// Guest policy.
    pub guest_policy: u64,
    /// Privilege level that asked.
    pub vmpl: u32,
    /// Launch measurement.
    pub measurement: Fixed<48>,
    /// TCB that the signing key stands for.
    pub reported_tcb: SnpTcb,
    /// Whether a grace period is what keeps it accepted.
    pub in_grace: bool,
    /// Whether the root's revocation list was checked.
    pub revocation_checked: bool,
    /// The 64 bytes that the guest chose.
    pub report_data: Fixed<64>,
    /// Last moment at which everything that was used still counts, milliseconds since the epoch.
    pub expires_at: u64,
}

/// Judges a report at the time `at` (milliseconds since the epoch).
///
/// # Errors
/// [`SnpError`]; nothing is accepted with a warning.
pub fn verify(
    evidence: &SnpEvidence,
    collateral: &SnpCollateral,
    rules: &SnpRules,
    report_data: &[u8; 64],
    at: u64,
) -> Result<SnpClaims, SnpError> {
    let report = report::parse(evidence.report.as_slice())?;
    check_guest(&report, rules)?;
    if rules.require_crl && collateral.crl.is_none() {
        return Err(SnpError::CrlMissing);
    }
    let material = certificate::Material {
        ark: collateral.ark.as_slice(),
        ask: collateral.ask.as_slice(),
        endorsement: evidence.certificate.as_slice(),
        crl: collateral.crl.as_ref().map(Bytes::as_slice),
    };
    let product_of = |key: &Fixed<32>| rules.roots.iter().find(|root| root.key == *key).map(|root| root.product);
    let chain = certificate::verify(&material, product_of, at)?;
    if !chain.signed(report.signed, report.signature) {
        return Err(SnpError::ReportSignature);
    }
    check_endorsement(&report, &chain)?;
    let (reported_tcb, grace_until) = check_tcb(&report, &chain, rules, at)?;
    let got = *report.report_data;
    if got != *report_data {
        return Err(SnpError::ReportData { expected: Box::new(Fixed(*report_data)), got: Box::new(Fixed(got)) });
    }
    let measurement = Fixed(*report.measurement);
    if !rules.launches.contains(&measurement) {
        return Err(SnpError::LaunchNotAllowed { measurement });
    }
    let shown = *report.chip_id != [0; 64];
    Ok(SnpClaims {
        identity: shown.then(|| Fixed(derive(purpose::SNP_CHIP, &[report.chip_id]))),
        product: chain.product,
        report_version: report.version,
        key_kind: report.key_kind,
        guest_policy: report.policy,
        vmpl: report.vmpl,
        measurement,
        reported_tcb,
        in_grace: grace_until.is_some(),
        revocation_checked: collateral.crl.is_some(),
        report_data: Fixed(got),
        expires_at: chain.not_after.saturating_sub(1).min(grace_until.unwrap_or(u64::MAX)),
    })
}

fn check_guest(report: &report::Report<'_>, rules: &SnpRules) -> Result<(), SnpError> {
    let policy = report.policy;
    if policy & POLICY_DEBUG != 0 {
        return Err(SnpError::DebugPolicy { policy });
    }
    if policy & POLICY_MIGRATION != 0 {
        return Err(SnpError::MigrationPolicy { policy });
    }
    if policy & POLICY_RESERVED_ONE == 0 {
        return Err(SnpError::ReservedPolicy { policy });
    }
    if report.vmpl > rules.vmpl_max {
        return Err(SnpError::Vmpl { max: rules.vmpl_max, got: report.vmpl });
    }
    match report.key_kind {
        SigningKeyKind::Vlek if !rules.allow_vlek => Err(SnpError::VlekNotAllowed),
        SigningKeyKind::Vcek if *report.chip_id == [0; 64] => Err(SnpError::ChipIdMasked),
        SigningKeyKind::Vcek | SigningKeyKind::Vlek => Ok(()),
    }
}

/// The certificate is of the chip, product and kind that the report states.
fn check_endorsement(report: &report::Report<'_>, chain: &certificate::Chain) -> Result<(), SnpError> {
    if chain.key_kind != report.key_kind {
        return Err(SnpError::AnotherKeyKind { expected: report.key_kind });
    }
    if report.cpu.is_some_and(|(family, model)| !chain.product.includes(family, model)) {
        return Err(SnpError::AnotherProduct { expected: chain.product });
    }
    if chain.chip_id.is_some_and(|chip| chip != *report.chip_id) {
        return Err(SnpError::AnotherChip);
    }
    let got = report.tcb(chain.product).reported;
    if got != chain.tcb {
        return Err(SnpError::AnotherTcb { expected: chain.tcb, got });
    }
    Ok(())
}

fn check_tcb(
    report: &report::Report<'_>,
    chain: &certificate::Chain,
    rules: &SnpRules,
    at: u64,
) -> Result<(SnpTcb, Option<u64>), SnpError> {
    let versions = report.tcb(chain.product);
    for (lower, upper, holds) in [
        ("reported", "committed", versions.committed.at_least(&versions.reported)),
        ("committed", "current", versions.current.at_least(&versions.committed)),
        ("launch", "current", versions.current.at_least(&versions.launch)),
    ] {
        if !holds {
            return Err(SnpError::TcbOrder { lower, upper });
        }
    }
    let mut grace_until = None;
    for floor in rules.tcb_floors.as_slice().iter().filter(|floor| floor.product == chain.product) {
        for ((component, got), (_, minimum)) in
            versions.reported.components().into_iter().zip(floor.minimum.components())
        {
            let floor =
                Floor { activates_at: floor.activates_at, grace_ms: floor.grace_ms, minimum: u64::from(minimum) };
            match standing([&floor], u64::from(got), at) {
                Standing::Met => {}
                Standing::Grace { until } => grace_until = Some(grace_until.unwrap_or(u64::MAX).min(until)),
                Standing::Below { minimum } => return Err(SnpError::TcbBelowFloor { component, minimum, got }),
            }
        }
    }
    Ok((versions.reported, grace_until))
}

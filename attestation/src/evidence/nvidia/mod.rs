//! NVIDIA evidence: reports of GPUs and NVSwitches, the certificates and reference manifests behind them, their
//! revocation, and the vendor's own tokens.
//!
//! | Module | What is decided there |
//! |---|---|
//! | [`report`], [`opaque`] | layout of a report (SPDM 1.1), one error per rule |
//! | [`certificate`], [`chain`], [`device_chain`] | path to a pinned root; family, device identity and firmware identity |
//! | [`xml`], [`xml_signature`], [`rim`] | reference manifests: one reading, one shape of signature, pinned root |
//! | [`compare`] | measurements against golden values |
//! | [`ocsp`], [`crl`], [`revocation`] | whether certificates still count, at a given time |
//! | [`topology`] | whether devices are one machine |
//! | [`requirements`], [`appraise`], [`claims`] | all of it together: what is asked, checked and shown |
//! | [`token`], [`token_key`] | the remote service's word instead of evidence |
//! | [`container`] | the vendor's JSON around evidence |
//! | [`signature`] | ECDSA on P-384 |
//! | `synthetic` (feature) | devices that do not exist, for tests |
//!
//! # What a verified report says, and what it does not
//!
//! *This device, in this firmware state, answered this nonce.* Not that a job ran on it, not in whose machine it sits, and,
//! for Hopper, not that it is in confidential mode: the report has no such bit, so a measured guest must say so. Evidence of
//! a device is never a proof of work.
//!
//! # Outcomes
//!
//! A device that fails any check is refused with the check's own error. Three results are weaker than a full appraisal
//! without being errors, and a policy gives them their own trust: reference values that are
//! [missing](claims::ReferenceValues::missing) (never ones that differ), revocation by
//! [lists](revocation::RevocationSource::Crl), and an expired manifest signer within its [grace](claims::DeviceClaims::grace).
//!
//! # Deviations from the vendor's verifiers
//!
//! Stricter: roots are pinned by key; trailing bytes, duplicate blocks and fields, unknown fields and inconsistent extend
//! counts are errors; the identity key inside the leaf must be the issuer's; manifests are pinned by document; an OCSP
//! response lapses, and must come from the issuer's own responder; a hold counts as revoked; a device counts once.

pub mod appraise;
mod canonical_xml;
pub mod certificate;
pub mod chain;
pub mod claims;
pub mod compare;
pub mod container;
pub mod crl;
pub mod device_chain;
pub mod error;
pub mod ocsp;
pub mod opaque;
mod p384;
pub mod report;
pub mod report_error;
pub mod requirements;
pub mod revocation;
pub mod rim;
mod rsa;
pub mod signature;
#[cfg(feature = "synthetic")]
pub mod synthetic;
pub mod token;
pub mod token_key;
pub mod topology;
pub mod version;
pub mod xml;
pub mod xml_signature;

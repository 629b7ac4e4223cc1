//! Work contexts, receipts, identities and evidence: what every other crate signs and binds to.
//!
//! | Module | What is decided there |
//! |---|---|
//! | [`context`] | the 236 bytes that work is bound to before it runs, and their digest |
//! | [`identity`] | Ed25519 accounts, ML-DSA-65 workers, addresses, encrypted key files (feature `keystore`) |
//! | [`receipt`] | what a worker signs after the run |
//! | [`evidence`] | what a machine can show about itself, and the interface that collects it |
//! | [`policy`] | how much each kind of evidence and hardware is trusted |
//! | [`appraisal`], [`trust_vector`] | evidence + collateral + policy + context + time -> trust and reasons, or a refusal |
//! | [`hash`], [`hex`], [`codec`], [`bounded`], [`text`] | one hash per purpose, one spelling per byte string, one strict decoder, bounded values, safe short texts |
//!
//! # What each type proves, and what it does not
//!
//! | Holding | proves | does not prove |
//! |---|---|---|
//! | [`WorkContext`](context::WorkContext) | nothing; it is a name | that any chain leased it: ask the chain |
//! | [`SignedReceipt`](receipt::SignedReceipt) after `verify` | that the payee of the context stated this output for it | that the output is right, or when and where it was computed |
//! | [`Metadata`](receipt::Metadata) | what the worker claims about its run | that any of it is true |
//! | [`Session`](receipt::Session) | that one key bound output and context | anything about code, until evidence commits to the key |
//! | [`SoftwareEvidence`](evidence::SoftwareEvidence) after [`appraisal::verify`] | nothing beyond the receipt signature | which program ran, or on which machine |
//! | [`HardwareEvidence`](evidence::HardwareEvidence) after [`appraisal::verify`] | that devices with these identities, in these states, answered this context; with a quote, that allow-listed software vouches for them and for the session key | that the work ran there, or that GPU and processor share a machine |
//! | [`EvidenceNullifier`](evidence::EvidenceNullifier) | under what evidence is spent | that it was not spent before: ask the chain |
//! | [`Appraisal`](appraisal::Appraisal) | the trust that one policy gives at one time | that the job ran on that device: evidence is never a work proof |
//!
//! # Rules that hold throughout
//!
//! Everything is a pure function of its arguments: no clock, no generator, no network, no float, no unordered map. Files
//! and the operating system's generator are touched behind the feature `keystore` only, hardware behind `collect`, so the
//! rest builds for `wasm32`. Every length from outside has a cap; decoders refuse trailing bytes and second spellings; no bytes make
//! this crate panic.
//!
//! # Example
//!
//! ```
//! use attestation::{
//!     appraisal::{self, Collateral},
//!     context::WorkContext,
//!     evidence::{Attester, SoftwareAttester},
//!     identity::ml_dsa::SigningKey,
//!     policy::{Policy, PolicyTable},
//!     receipt::{DeviceKind, HardwareTier, Metadata, SignedReceipt, UtilisationProfile, WorkReceipt},
//!     text::Text,
//! };
//!
//! let worker = SigningKey::from_seed(&[7; 32]);
//! let attester = SoftwareAttester::new(worker.public_key(), [0; 32], Text::new("laptop")?);
//!
//! // The chain leases the work: from here on the context is fixed.
//! let context = WorkContext {
//!     chain_id: 1337,
//!     genesis: [1; 32],
//!     job_id: [2; 32],
//!     model_hash: [3; 32],
//!     input_hash: [4; 32],
//!     worker: worker.public_key().id(),
//!     device_id: attester.device_id(),
//!     nonce: [5; 32],
//!     timestamp: 1_760_000_000_000,
//! };
//!
//! // The worker runs it, collects evidence and signs.
//! let evidence = attester.attest(&context)?;
//! let receipt = WorkReceipt {
//!     context,
//!     output_hash: [6; 32],
//!     compute_units: 2410,
//!     metadata: Metadata {
//!         tokens_in: 0,
//!         tokens_out: 0,
//!         elapsed_ms: 12,
//!         device: DeviceKind::Cpu,
//!         tier: HardwareTier::Entry,
//!         hardware: Text::new("any processor")?,
//!         utilisation: UtilisationProfile::default(),
//!     },
//!     completed_at: 1_760_000_000_012,
//!     evidence_digest: evidence.digest(),
//!     session: None,
//! };
//! let signed = SignedReceipt::sign(receipt, &worker)?;
//!
//! // Anybody checks it, offline.
//! let read = SignedReceipt::from_bytes(&signed.to_bytes())?;
//! read.verify()?;
//! read.check_evidence(&evidence)?;
//! let policy = Policy::new(PolicyTable::standard())?;
//! let appraisal = appraisal::verify(&evidence, &Collateral::default(), &policy, &context, 1_760_000_000_020)?;
//! assert_eq!(appraisal.trust_bps, 6000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
// One module of the feature `collect` calls foreign functions; everything else stays without.
#![cfg_attr(not(feature = "collect"), forbid(unsafe_code))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

pub mod appraisal;
pub mod bounded;
pub mod codec;
#[cfg(feature = "collect")]
pub mod collect;
pub mod context;
pub mod evidence;
pub mod hash;
pub mod hex;
pub mod identity;
pub mod policy;
pub mod receipt;
#[cfg(feature = "synthetic")]
pub mod synthetic;
pub mod text;
pub mod trust_vector;

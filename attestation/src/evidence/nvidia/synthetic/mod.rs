//! Devices that do not exist: a complete hierarchy of P-384 keys, device chains, reports, manifests, OCSP responses and
//! revocation lists, from a seed.
//!
//! Everything is shaped as the vendor's and passes the same verifiers; only the roots differ. A verifier that pins the
//! vendor's roots refuses all of it. For tests and development.
//!
//! The structs are open on purpose: a test changes one field and has the result signed again.

// Test material: its inputs are ours, not a stranger's.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    reason = "synthetic devices are built from our own constants"
)]

pub mod device;
pub mod encode;
pub mod manifest;
pub mod pki;
pub mod report;
pub mod status;
pub mod token;
pub mod world;

pub use world::World;

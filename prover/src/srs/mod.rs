//! Setup parameters: where they come from.
//!
//! The development setup is generated (`verifier::setup::generate`, re-exported here); one whose secret nobody knows comes from the files of a public
//! ceremony, `.ptau` ([`ptau`]) or Ignition transcripts ([`ignition`]). Such a file is read once, front to back, and
//! becomes a [`Transcript`](ceremony::Transcript); [`Transcript::check`](ceremony::Transcript::check) decides whether its
//! points are what they claim to be; whether anybody should believe in the ceremony is a question of its digest
//! ([`Ceremony::trust`](ceremony::Ceremony::trust)). [`lagrange`] computes the second basis, `verifier::setup::saved` keeps the result.

pub mod ceremony;
pub mod error;
pub mod ignition;
pub mod known;
pub mod lagrange;
mod points;
pub mod ptau;
mod source;

pub use verifier::setup::{generate, saved};

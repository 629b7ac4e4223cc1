//! The settlement chain: a pure state machine that verifies AI work before it mints for it.
//!
//! Rules are native transactions over typed objects in an authenticated tree ([`rules`], [`types`], [`state`]); what
//! decides about money is in [`economics`]. Everything that decides is integer arithmetic over the block and the state:
//! no clock, no float, no hash map, no network. `SPEC.md` has a section for every rule and every refusal; the sources
//! name them in `spec:` comments, and a test keeps both in step.
//!
//! With one validator there is no economic security from sampling, and the validator can grind the beacon.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

#[cfg(feature = "client")]
pub mod api;
mod bounded;
#[cfg(feature = "client")]
pub mod client;
pub mod economics;
#[cfg(feature = "node")]
pub mod node;
pub mod rules;
pub mod state;
pub mod synthetic;
pub mod types;

#[cfg(test)]
mod testing;

pub use verifier::inclusion;

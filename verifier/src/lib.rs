//! Decides: whether a proof shows a statement, whether a receipt holds, whether a chain's state contains an object.
//!
//! Everything here is a pure function of its arguments: no clock, no network, no files, and no threads but halo2's, where
//! its `multicore` is on; time and collateral are passed in. It trusts no size, no length and no encoding that comes from
//! outside. The feature `cli` adds [`cli`], which reads files and prints: what `assay verify` and `assay-verify` share.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod argument;
mod claim;
#[cfg(feature = "cli")]
pub mod cli;
pub mod container;
pub mod environment;
pub mod inclusion;
pub mod judgement;
pub mod key;
pub mod multiexp;
pub mod points;
pub mod proof;
pub mod receipt;
pub mod row_opening;
pub mod rows;
pub mod security;
pub mod setup;
pub mod statement;
pub mod tokens;
pub mod transcript;
pub mod verdict;
pub mod weights;
pub mod words;

pub use circuits;

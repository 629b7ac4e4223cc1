//! Work contexts, receipts, identities and evidence.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

pub mod appraisal;
pub mod codec;
pub mod context;
pub mod evidence;
pub mod hash;
pub mod hex;
pub mod identity;
pub mod policy;
pub mod receipt;
pub mod text;

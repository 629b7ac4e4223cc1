//! Proves: setup parameters, keys, and proofs that are verified before they are returned.

mod commitment;
mod engine;
pub mod estimate;
pub mod import;
pub mod key_file;
pub mod profile;
pub mod prove;
pub mod proving_key;
pub mod srs;
pub mod transcript;

pub use verifier::environment;

//! See the crate's Cargo.toml description; filled in below.

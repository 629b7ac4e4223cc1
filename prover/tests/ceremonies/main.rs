#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
//! Ceremony files: genuine ones of snarkjs, synthetic ones, and everything that is wrong with others.

mod ignition;
mod proofs;
mod ptau;
mod snarkjs;
mod writer;

//! The `assay` command from outside: exit codes, messages, channels, files left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs,
    unreachable_pub,
    reason = "test code"
)]

mod archive;
mod attest;
mod bad_input;
mod bench;
mod by_hand;
mod ceremonies;
mod chain_dev;
mod chain_exchange;
mod chain_talk;
mod chain_work;
#[cfg(target_os = "linux")]
mod clock;
mod common;
mod estimate;
mod ethereum;
mod generation;
mod inspect;
#[cfg(unix)]
mod keys;
#[cfg(target_os = "linux")]
mod kill;
mod node;
mod prover;
mod proving_keys;
mod story;
mod teleport;
mod text;
mod usage;
mod verify;
mod wallet;
#[expect(dead_code, reason = "the prover's tests use all of it")]
#[path = "../../prover/tests/ceremonies/writer.rs"]
mod writer;

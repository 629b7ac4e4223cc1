#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]
//! Workers on a real node: it listens on a port of this machine, keeps its state in RocksDB and verifies real proofs.

mod appeals;
mod engines;
mod generation;
mod jobs;
mod presence;
mod registration;
mod restarts;
mod reviews;
mod world;

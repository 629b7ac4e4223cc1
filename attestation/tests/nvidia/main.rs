//! NVIDIA evidence: genuine vectors where `../shared/data` exists, and synthetic devices everywhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod chain;
mod genuine;
mod honest;
mod machine;
mod manifest;
mod report;
mod status;
mod token;
mod vectors;

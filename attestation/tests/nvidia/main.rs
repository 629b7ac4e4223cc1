//! NVIDIA evidence: genuine vectors where `../shared/data` exists, and synthetic devices everywhere.
//!
//! Every test that rejects something of the list of negative tests carries a `// negative N` comment; [`table`] holds that
//! none is missing.
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
mod table;
mod token;
mod vectors;

//! What a node keeps and does outside the state machine (cargo feature `node`).
//!
//! [`store`] is the data directory: the chain in RocksDB and the record of what the validator signed. [`mod@check`]
//! recomputes everything a data directory claims, and [`mod@start`] runs a validator on one. Nothing here decides about a block or a transaction.

pub mod check;
pub mod start;
pub mod store;

pub use check::{CheckError, Report, check};
pub use start::{StartError, start};
pub use store::{Directory, LastSignedError, LastSignedFile, OpenError, RocksStore};

#[cfg(test)]
mod tests;

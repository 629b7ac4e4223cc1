//! What a node keeps and does outside the state machine (cargo feature `node`).
//!
//! [`store`] is the data directory: the chain in RocksDB and the record of what the validator signed. [`mod@check`]
//! recomputes everything a data directory claims, [`mod@replay`] runs all of it again, and [`mod@start`] runs a validator on one. [`mod@serve`] is the whole
//! node: transactions wait in the [`mempool`], a thread makes blocks of them, and the interface of [`crate::api`] is
//! answered on one port. Nothing here decides about a block or a transaction.

pub mod archive;
pub mod check;
mod door;
mod failpoint;
mod fault;
mod http;
mod jobs;
pub mod mempool;
mod metrics;
mod producer;
pub mod prune;
pub mod replay;
mod rest;
mod rpc;
pub mod serve;
mod shared;
pub mod start;
pub mod store;
mod submit;
mod wake;
mod workers;

pub use archive::{ArchiveError, ArchiveKind, ArchiveReader, Archived};
pub use check::{CheckError, Report, check};
pub use fault::NodeFault;
pub use mempool::{MempoolError, MempoolLimits, NotTaken};
pub use prune::{PruneError, PruneReport, prune};
pub use replay::{ReplayError, replay};
pub use rpc::CAVEATS;
pub use serve::{Node, NodeOptions, ServeError, serve};
pub use start::{StartError, start};
pub use store::{Directory, Floor, LastSignedError, LastSignedFile, OpenError, Pruned, RocksStore};

#[cfg(test)]
mod tests;

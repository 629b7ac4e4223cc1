//! The state machine: what is stored, how blocks change it, and how both are proven.
//!
//! [`machine::StateMachine`] is all an engine sees. [`machine::Machine`] implements it over any [`store::Store`]:
//! blocks run in an `overlay`, whose changes go through the `tree` into one batch. [`local::LocalChain`] is the
//! engine of one validator in one process, and [`guard`] keeps it from signing twice. [`audit`] recomputes everything a store claims.

pub mod audit;
pub(crate) mod execute;
pub mod explain;
pub mod guard;
pub mod invalid;
pub mod keys;
pub mod local;
pub mod machine;
pub mod memory;
pub mod object;
pub(crate) mod overlay;
pub mod store;
pub mod tree;

pub use audit::{Audit, AuditError};
pub use explain::{Explanation, Payment, Reason, Subject};
pub use guard::{GuardError, MemoryGuard, SigningGuard};
pub use invalid::{CommitError, Invalid, MachineError};
pub use keys::Key;
pub use local::{LocalChain, LocalError, Produced};
pub use machine::{Commit, Machine, Priority, Proposal, Snapshot, StateMachine};
pub use memory::MemoryStore;
pub use object::{Clock, Object, Spent, Stored};
pub use overlay::StateError;
pub use store::{Batch, CommittedBlock, Head, Store, StoreError};

#[cfg(test)]
mod tests;

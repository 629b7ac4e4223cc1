//! Recomputing everything a store claims: every value, every total, the root.

use super::machine::Machine;
use super::memory::MemoryStore;
use super::object::Object;
use super::overlay::StateError;
use super::store::{Store, StoreError};
use super::tree::{self, Write};
use crate::economics::invariants::{ConservationError, check_conservation};
use crate::types::ids::Hash;
use crate::types::ledger::{Holdings, Supply};
use verifier::inclusion::state::key_hash;

/// Keys read at a time.
const PAGE: usize = 1024;

/// What an audit found in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Height audited.
    pub height: u64,
    /// Objects in the state.
    pub objects: u64,
    /// Root, recomputed from the objects alone.
    pub root: Hash,
    /// Supply, whose totals were recomputed.
    pub supply: Supply,
}

/// What an audit found wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The objects have another root than the head.
    #[error("audit: the objects do not have the state root of the head")]
    Root,
    /// The objects hold other sums than the supply states.
    #[error("audit: the supply states {stated:?}, the objects hold {held:?}")]
    Holdings {
        /// By the supply.
        stated: Box<Holdings>,
        /// Summed over all objects.
        held: Box<Holdings>,
    },
    /// Tokens were lost or made.
    #[error("audit: {0}")]
    Conservation(#[from] ConservationError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<S: Store> Machine<S> {
    /// Reads every object, sums what all of them hold, and builds the tree anew.
    ///
    /// # Errors
    /// [`AuditError`], naming what does not agree.
    // spec: chain#audit
    pub fn audit(&self) -> Result<Audit, AuditError> {
        let head = self.head();
        let mut writes: Vec<Write> = Vec::new();
        let mut held = Holdings::default();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store().keys(b"", after.as_deref(), PAGE)?;
            let Some(last) = page.last().cloned() else { break };
            for key in page {
                let Some(value) = self.store().value(head.height, &key_hash(&key))? else { continue };
                let damaged = StoreError::Corrupt { what: "an object of the state" };
                let object: Object = borsh::from_slice(&value).map_err(|_| damaged.clone())?;
                let holds = object.holdings().ok_or_else(|| damaged.clone())?;
                held = held.moved(&Holdings::default(), &holds).ok_or(damaged)?;
                writes.push((key, Some(value)));
            }
            after = Some(last);
        }
        let supply = self.supply()?;
        if supply.held != held {
            return Err(AuditError::Holdings { stated: Box::new(supply.held), held: Box::new(held) });
        }
        check_conservation(&supply)?;
        let (root, _) = tree::update(&MemoryStore::new(), 0, &writes)?;
        if root != head.root {
            return Err(AuditError::Root);
        }
        let objects = u64::try_from(writes.len()).unwrap_or(u64::MAX);
        Ok(Audit { height: head.height, objects, root, supply })
    }
}

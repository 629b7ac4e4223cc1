//! From transactions to the changes of one block.
//!
//! Conservation (I6) is decided here, from what the changed objects held before and hold now, whatever the rules did to
//! get there: the totals of [`Supply`] are moved by the difference and the sum is compared with what was issued.

use super::invalid::Invalid;
use super::keys::Key;
use super::object::Object;
use super::overlay::{Base, Overlay, StateError};
use super::store::Store;
use super::tree::Write;
use crate::economics::invariants::{ConservationError, check_conservation};
use crate::rules::Execution;
use crate::types::block::ComputeResult;
use crate::types::event::Event;
use crate::types::ledger::{Holdings, Supply};
use crate::types::transaction::encode;
use verifier::inclusion::state::key_hash;

/// The committed state of one height.
pub(crate) struct Committed<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) height: u64,
}

impl<S: Store> Base for Committed<'_, S> {
    fn read(&self, key: &Key) -> Result<Option<Object>, StateError> {
        let Some(bytes) = self.store.value(self.height, &key_hash(&key.to_bytes()))? else { return Ok(None) };
        borsh::from_slice(&bytes).map(Some).map_err(|_| StateError::Object { key: *key })
    }
}

/// What executing a block changed.
pub(crate) struct Changes {
    pub(crate) writes: Vec<Write>,
    pub(crate) results: Vec<ComputeResult>,
    pub(crate) closing: Vec<Event>,
}

/// Ends a block: fires its timers, checks conservation, lists its changes.
// CONSENSUS: timers fire after all transactions, and conservation is judged after the timers.
pub(crate) fn finish(mut execution: Execution<'_>) -> Result<Changes, Invalid> {
    let closing = execution.close()?;
    conserve(&mut execution.state)?;
    let writes = execution.state.changes().map(|(key, _, current)| (key.to_bytes(), current.map(encode))).collect();
    Ok(Changes { writes, results: execution.results, closing })
}

/// Moves the totals of the supply by what the block's changes moved, and checks I6.
// spec: chain#block-conservation
pub(crate) fn conserve(state: &mut Overlay<'_>) -> Result<(), Invalid> {
    let mut supply: Supply = state.expect(&Key::Supply)?;
    for (key, before, after) in state.changes() {
        let out_of_range = StateError::Holdings { key: *key };
        let before = holdings(before).ok_or(out_of_range.clone())?;
        let after = holdings(after).ok_or(out_of_range)?;
        supply.held = supply.held.moved(&before, &after).ok_or_else(|| Invalid::Conservation(unaccounted(&supply)))?;
    }
    check_conservation(&supply).map_err(Invalid::Conservation)?;
    Ok(state.put(&Key::Supply, supply)?)
}

fn holdings(object: Option<&Object>) -> Option<Holdings> {
    object.map_or(Some(Holdings::default()), Object::holdings)
}

fn unaccounted(supply: &Supply) -> ConservationError {
    ConservationError { issued: supply.genesis.checked_add(supply.minted), accounted: None }
}

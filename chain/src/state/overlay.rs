//! What a block in the making has changed, on top of the committed state.
//!
//! Reads fall through to the store and are kept, writes stay here. A transaction runs between [`Overlay::begin`] and
//! [`Overlay::accept`] or [`Overlay::roll_back`]: what it wrote is undone in reverse, so a refused transaction leaves no
//! trace. [`Overlay::changes`] lists only what differs from the committed state, sorted by key.

use std::collections::BTreeMap;

use super::keys::Key;
use super::object::{Object, Stored};
use super::store::StoreError;

/// The state cannot be read: the node is broken, whatever the transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value is missing that the rules guarantee, or is of another kind.
    #[error("state: {key:?} is missing or of another kind")]
    Object {
        /// Its key.
        key: Key,
    },
    /// A rule refused something that it had admitted earlier, at the end of a block.
    #[error("state: the end of the block met refusal {code}, which admission excludes")]
    Closing {
        /// Code of the refusal.
        code: u16,
    },
    /// A sum of holdings leaves its range.
    #[error("state: the holdings of {key:?} leave their range")]
    Holdings {
        /// Its key.
        key: Key,
    },
}

/// Committed state, as the overlay reads it.
pub(crate) trait Base {
    /// The object at `key`.
    fn read(&self, key: &Key) -> Result<Option<Object>, StateError>;
}

struct Slot {
    committed: Option<Object>,
    current: Option<Object>,
}

/// See the module.
pub(crate) struct Overlay<'a> {
    base: &'a dyn Base,
    slots: BTreeMap<Key, Slot>,
    undo: Vec<(Key, Option<Object>)>,
}

impl<'a> Overlay<'a> {
    /// Nothing changed yet.
    pub(crate) fn new(base: &'a dyn Base) -> Self {
        Self { base, slots: BTreeMap::new(), undo: Vec::new() }
    }

    /// The value at `key`, if there is one.
    pub(crate) fn get<T: Stored>(&mut self, key: &Key) -> Result<Option<T>, StateError> {
        match self.slot(key)?.current.clone() {
            Some(object) => T::from_object(object).map(Some).ok_or(StateError::Object { key: *key }),
            None => Ok(None),
        }
    }

    /// The value at `key`, which the rules guarantee to be there.
    pub(crate) fn expect<T: Stored>(&mut self, key: &Key) -> Result<T, StateError> {
        self.get(key)?.ok_or(StateError::Object { key: *key })
    }

    /// Whether anything is at `key`.
    pub(crate) fn contains(&mut self, key: &Key) -> Result<bool, StateError> {
        Ok(self.slot(key)?.current.is_some())
    }

    /// Writes a value.
    pub(crate) fn put<T: Stored>(&mut self, key: &Key, value: T) -> Result<(), StateError> {
        self.set(key, Some(value.into_object()))
    }

    /// Deletes a value.
    pub(crate) fn delete(&mut self, key: &Key) -> Result<(), StateError> {
        self.set(key, None)
    }

    /// Starts a transaction.
    pub(crate) fn begin(&mut self) {
        self.undo.clear();
    }

    /// Keeps what the transaction wrote.
    pub(crate) fn accept(&mut self) {
        self.undo.clear();
    }

    /// Undoes what the transaction wrote.
    pub(crate) fn roll_back(&mut self) {
        while let Some((key, previous)) = self.undo.pop() {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.current = previous;
            }
        }
    }

    /// Every key whose value differs from the committed one: key, committed value, new value.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&Key, Option<&Object>, Option<&Object>)> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.committed != slot.current)
            .map(|(key, slot)| (key, slot.committed.as_ref(), slot.current.as_ref()))
    }

    fn set(&mut self, key: &Key, object: Option<Object>) -> Result<(), StateError> {
        let slot = self.slot(key)?;
        let previous = std::mem::replace(&mut slot.current, object);
        self.undo.push((*key, previous));
        Ok(())
    }

    fn slot(&mut self, key: &Key) -> Result<&mut Slot, StateError> {
        if !self.slots.contains_key(key) {
            let committed = self.base.read(key)?;
            self.slots.insert(*key, Slot { current: committed.clone(), committed });
        }
        self.slots.get_mut(key).ok_or(StateError::Object { key: *key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ids::Address;
    use crate::types::ledger::{Account, Treasury};

    struct Empty;

    impl Base for Empty {
        fn read(&self, _: &Key) -> Result<Option<Object>, StateError> {
            Ok(None)
        }
    }

    #[test]
    fn rolling_back_restores_every_layer() {
        let key = Key::Account(Address::new([1; 32]));
        let other = Key::Account(Address::new([2; 32]));
        let mut overlay = Overlay::new(&Empty);
        overlay.begin();
        overlay.put(&key, Account { nonce: 1, balance: 5 }).unwrap();
        overlay.accept();
        overlay.begin();
        overlay.put(&key, Account { nonce: 2, balance: 6 }).unwrap();
        overlay.delete(&key).unwrap();
        overlay.put(&other, Account::default()).unwrap();
        overlay.roll_back();
        assert_eq!(overlay.get(&key), Ok(Some(Account { nonce: 1, balance: 5 })));
        assert_eq!(overlay.get::<Account>(&other), Ok(None));
        assert_eq!(overlay.changes().count(), 1);
    }

    #[test]
    fn writing_back_the_committed_value_is_no_change() {
        let key = Key::Treasury;
        let mut overlay = Overlay::new(&Empty);
        overlay.put(&key, Treasury { amount: 1 }).unwrap();
        overlay.delete(&key).unwrap();
        assert_eq!(overlay.changes().count(), 0);
    }

    #[test]
    fn an_object_of_another_kind_is_a_fault() {
        let key = Key::Treasury;
        let mut overlay = Overlay::new(&Empty);
        overlay.put(&key, Account::default()).unwrap();
        assert_eq!(overlay.get::<Treasury>(&key), Err(StateError::Object { key }));
        assert_eq!(overlay.expect::<Account>(&Key::Supply), Err(StateError::Object { key: Key::Supply }));
    }
}

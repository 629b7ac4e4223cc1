//! A map of fixed size.

use std::collections::{BTreeMap, VecDeque};

use crate::types::ids::Hash;

/// A map that forgets its oldest entry when it is full.
pub(crate) struct Bounded<V> {
    entries: BTreeMap<Hash, V>,
    order: VecDeque<Hash>,
    max: usize,
}

impl<V: Clone> Bounded<V> {
    /// An empty map of at most `max` entries.
    pub(crate) fn new(max: usize) -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new(), max }
    }

    pub(crate) fn get(&self, key: &Hash) -> Option<V> {
        self.entries.get(key).cloned()
    }

    pub(crate) fn insert(&mut self, key: Hash, value: V) {
        if self.entries.insert(key, value).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > self.max {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_map_forgets_its_oldest_entry() {
        let mut cache = Bounded::new(2);
        for key in 0u8..3 {
            cache.insert([key; 32], key);
            cache.insert([key; 32], key);
        }
        assert_eq!((cache.get(&[0; 32]), cache.get(&[1; 32]), cache.get(&[2; 32])), (None, Some(1), Some(2)));
        assert_eq!((cache.entries.len(), cache.order.len()), (2, 2));
    }
}

//! Proofs that a list of entries is all of a state: nothing left out, nothing added.
//!
//! Entries come by ascending key hash, in chunks. The state tree is canonical, so the entries up to a key fix every subtree to
//! the left of that key's path; a chunk brings the siblings of its last key, of which only those to the right are new. Folding
//! both up from the last leaf gives the state root, or an entry is missing, added, changed or out of order. A last chunk whose
//! right siblings are all empty ends the state.
//!
//! Memory is one hash for each level of the tree, whatever the size of the state.

use super::state::{SIBLINGS_MAX, StateLeaf, bits, empty_hash, key_hash, leaf_hash, node_hash, value_hash};

/// Why entries are not those of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// A chunk without entries.
    #[error("state range: expected at least one entry in a chunk, got none")]
    Empty,
    /// A key hash that does not come after the one before.
    #[error("state range entry {position}: expected a greater key hash than that of the entry before")]
    Order {
        /// Position of the entry in the whole state.
        position: u64,
    },
    /// More siblings than a tree has levels, or fewer than the entries show.
    #[error("state range siblings: expected {least} to {SIBLINGS_MAX}, got {got}")]
    Depth {
        /// Levels that the entries show.
        least: usize,
        /// Siblings that came.
        got: usize,
    },
    /// The entries have another root.
    #[error(
        "state range: the entries up to number {entries} are not those of the state root: one is missing, added or changed"
    )]
    Root {
        /// Entries up to the end of the chunk.
        entries: u64,
    },
    /// The state goes on after the last chunk.
    #[error("state range: the state goes on after entry {entries}, and no more came")]
    Unfinished {
        /// Entries that came.
        entries: u64,
    },
    /// Entries after the last of the state.
    #[error("state range: the state ends with entry {entries}, and more came")]
    Finished {
        /// Entries of the state.
        entries: u64,
    },
}

/// Checks the entries of one state, chunk by chunk.
#[derive(Clone, Debug)]
pub struct StateRange {
    root: [u8; 32],
    entries: u64,
    last: Option<StateLeaf>,
    /// Leading bits that the last leaf shares with the one before it.
    shared: Option<usize>,
    /// Subtrees to the left of the last leaf's path: the bit at which each turns off, ascending.
    left: Vec<(usize, [u8; 32])>,
    complete: bool,
}

impl StateRange {
    /// Starts the check of the state of `root`.
    #[must_use]
    pub fn new(root: [u8; 32]) -> Self {
        Self { root, entries: 0, last: None, shared: None, left: Vec::new(), complete: false }
    }

    /// Entries checked so far.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Checks the next chunk: keys with their values, and the siblings of the last key's leaf, bottom first.
    ///
    /// # Errors
    /// [`RangeError`]; nothing that came before is refuted by it.
    pub fn add<'a>(
        &mut self,
        chunk: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
        siblings: &[[u8; 32]],
    ) -> Result<(), RangeError> {
        if self.complete {
            return Err(RangeError::Finished { entries: self.entries });
        }
        let before = self.entries;
        for (key, value) in chunk {
            self.push(StateLeaf { key_hash: key_hash(key), value_hash: value_hash(value) })?;
        }
        let last = self.last.filter(|_| self.entries > before).ok_or(RangeError::Empty)?;
        self.close(&last, siblings)
    }

    /// Checks that the last chunk ended the state; the number of its entries.
    ///
    /// # Errors
    /// [`RangeError::Unfinished`].
    pub fn finish(self) -> Result<u64, RangeError> {
        if self.complete { Ok(self.entries) } else { Err(RangeError::Unfinished { entries: self.entries }) }
    }

    fn push(&mut self, leaf: StateLeaf) -> Result<(), RangeError> {
        if let Some(last) = self.last {
            if leaf.key_hash <= last.key_hash {
                return Err(RangeError::Order { position: self.entries });
            }
            let shared =
                bits(&last.key_hash).zip(bits(&leaf.key_hash)).take_while(|(left, right)| left == right).count();
            let subtree = self.fold(&last, shared);
            self.left.push((shared, subtree));
            self.shared = Some(shared);
        }
        self.last = Some(leaf);
        self.entries = self.entries.saturating_add(1);
        Ok(())
    }

    /// The subtree that holds `last` below bit `shared`: nothing lies right of `last` in it.
    fn fold(&mut self, last: &StateLeaf, shared: usize) -> [u8; 32] {
        let turns: Vec<bool> = bits(&last.key_hash).collect();
        // A leaf stands right below the bit at which it parts from its nearest neighbour.
        let bottom = self.shared.map_or(shared, |before| before.max(shared));
        let mut hash = leaf_hash(last);
        for depth in (shared.saturating_add(1)..=bottom).rev() {
            hash = match self.left.pop_if(|(bit, _)| *bit == depth) {
                Some((_, left)) => node_hash(&left, &hash),
                None if turns.get(depth).copied().unwrap_or(false) => node_hash(&empty_hash(), &hash),
                None => node_hash(&hash, &empty_hash()),
            };
        }
        hash
    }

    /// Folds up to the root with what lies right of the last leaf.
    fn close(&mut self, last: &StateLeaf, siblings: &[[u8; 32]]) -> Result<(), RangeError> {
        let (got, least) = (siblings.len(), self.shared.map_or(0, |shared| shared.saturating_add(1)));
        if got < least || got > SIBLINGS_MAX {
            return Err(RangeError::Depth { least, got });
        }
        let turns: Vec<bool> = bits(&last.key_hash).take(got).collect();
        let mut left = self.left.clone();
        let mut complete = true;
        let mut hash = leaf_hash(last);
        for (depth, (turn, sibling)) in turns.iter().zip(siblings.iter().rev()).enumerate().rev() {
            hash = if *turn {
                let known = left.pop_if(|(bit, _)| *bit == depth).map_or(empty_hash(), |(_, subtree)| subtree);
                // What the entries fix is not the prover's to say: a proof has one spelling.
                if *sibling != known {
                    return Err(RangeError::Root { entries: self.entries });
                }
                node_hash(&known, &hash)
            } else {
                complete &= *sibling == empty_hash();
                node_hash(&hash, sibling)
            };
        }
        if hash != self.root || !left.is_empty() {
            return Err(RangeError::Root { entries: self.entries });
        }
        self.complete = complete;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inclusion::StateProof;

    type Entry = (Vec<u8>, Vec<u8>);

    /// Entries by ascending key hash.
    fn entries(count: u32) -> Vec<Entry> {
        let mut entries: Vec<Entry> =
            (0..count).map(|number| (number.to_le_bytes().to_vec(), vec![7; number as usize % 5])).collect();
        entries.sort_by_key(|(key, _)| key_hash(key));
        entries
    }

    /// The subtree over sorted leaves below `depth`: the definition, by recursion.
    fn subtree(leaves: &[StateLeaf], depth: usize) -> [u8; 32] {
        match leaves {
            [] => empty_hash(),
            [leaf] => leaf_hash(leaf),
            _ => {
                let split = leaves.partition_point(|leaf| !bits(&leaf.key_hash).nth(depth).unwrap());
                node_hash(&subtree(&leaves[..split], depth + 1), &subtree(&leaves[split..], depth + 1))
            }
        }
    }

    fn leaves(entries: &[Entry]) -> Vec<StateLeaf> {
        let leaf = |(key, value): &Entry| StateLeaf { key_hash: key_hash(key), value_hash: value_hash(value) };
        entries.iter().map(leaf).collect()
    }

    /// Siblings of a leaf, bottom first.
    fn siblings(mut leaves: &[StateLeaf], wanted: &StateLeaf) -> Vec<[u8; 32]> {
        let mut found = Vec::new();
        let mut depth = 0;
        while leaves.len() > 1 {
            let split = leaves.partition_point(|leaf| !bits(&leaf.key_hash).nth(depth).unwrap());
            let (low, high) = leaves.split_at(split);
            let right = bits(&wanted.key_hash).nth(depth).unwrap();
            found.push(subtree(if right { low } else { high }, depth + 1));
            leaves = if right { high } else { low };
            depth += 1;
        }
        found.reverse();
        found
    }

    fn add(range: &mut StateRange, chunk: &[Entry], siblings: &[[u8; 32]]) -> Result<(), RangeError> {
        range.add(chunk.iter().map(|(key, value)| (key.as_slice(), value.as_slice())), siblings)
    }

    /// Checks `given` in chunks against the state of `true_entries`.
    fn checked(true_entries: &[Entry], given: &[Entry], chunk: usize) -> Result<u64, RangeError> {
        let leaves = leaves(true_entries);
        let mut range = StateRange::new(subtree(&leaves, 0));
        for part in given.chunks(chunk) {
            let (key, _) = part.last().unwrap();
            let last = leaves.iter().find(|leaf| leaf.key_hash == key_hash(key));
            let path = last.map(|last| siblings(&leaves, last)).unwrap_or_default();
            add(&mut range, part, &path)?;
        }
        range.finish()
    }

    #[test]
    fn a_whole_state_is_accepted_in_chunks_of_every_size() {
        for count in [1, 2, 3, 17, 100] {
            let entries = entries(count);
            let leaves = leaves(&entries);
            let last = leaves.last().unwrap();
            let (key, value) = entries.last().unwrap();
            let proof = StateProof { leaf: Some(*last), siblings: siblings(&leaves, last) };
            assert_eq!(proof.verify_inclusion(&subtree(&leaves, 0), key, value), Ok(()));
            for chunk in [1, 2, 3, 10, 1000] {
                assert_eq!(checked(&entries, &entries, chunk), Ok(count.into()), "{count} by {chunk}");
            }
        }
    }

    #[test]
    fn whatever_is_missing_added_or_changed_is_noticed() {
        let entries = entries(40);
        for chunk in [1, 4, 100] {
            for position in 0..entries.len() {
                let mut short = entries.clone();
                short.remove(position);
                let missing = checked(&entries, &short, chunk);
                assert!(matches!(missing, Err(RangeError::Root { .. } | RangeError::Unfinished { .. })), "{missing:?}");
                let mut changed = entries.clone();
                changed[position].1.push(1);
                let changed = checked(&entries, &changed, chunk);
                assert!(matches!(changed, Err(RangeError::Root { .. })), "{changed:?}");
            }
            let mut more = entries.clone();
            more.push((b"one more".to_vec(), Vec::new()));
            more.sort_by_key(|(key, _)| key_hash(key));
            let added = checked(&entries, &more, chunk);
            assert!(
                matches!(added, Err(RangeError::Root { .. } | RangeError::Finished { .. } | RangeError::Depth { .. })),
                "{added:?}"
            );
        }
        let mut swapped = entries.clone();
        swapped.swap(3, 4);
        assert_eq!(checked(&entries, &swapped, 100), Err(RangeError::Order { position: 4 }));
        let mut twice = entries.clone();
        twice.insert(5, entries[5].clone());
        assert_eq!(checked(&entries, &twice, 100), Err(RangeError::Order { position: 6 }));
    }

    #[test]
    fn an_end_is_shown_and_not_claimed() {
        let entries = entries(40);
        assert_eq!(checked(&entries, &entries[..20], 10), Err(RangeError::Unfinished { entries: 20 }));
        let leaves = leaves(&entries);
        let mut range = StateRange::new(subtree(&leaves, 0));
        assert_eq!(add(&mut range, &[], &[]), Err(RangeError::Empty));
        let path = siblings(&leaves, &leaves[39]);
        assert_eq!(
            add(&mut range.clone(), &entries, &path[1..]),
            Err(RangeError::Depth { least: path.len(), got: path.len() - 1 })
        );
        assert_eq!(
            add(&mut range.clone(), &entries, &vec![[0; 32]; 257]),
            Err(RangeError::Depth { least: path.len(), got: 257 })
        );
        add(&mut range, &entries, &path).unwrap();
        assert_eq!(add(&mut range, &entries[..1], &path), Err(RangeError::Finished { entries: 40 }));
        assert_eq!(range.finish(), Ok(40));
    }
}

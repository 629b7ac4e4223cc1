//! Proofs that a key holds a value in a state root, or holds none.
//!
//! The tree is the Jellyfish Merkle tree (Gao, Hu, Wu 2021) as the `jmt` crate builds it: a binary sparse Merkle tree
//! over 256-bit key hashes in which a subtree with one leaf is that leaf and an empty subtree is a constant. A proof is
//! the leaf at the end of the key's path (none when the path ends in an empty subtree) and the sibling hashes from there
//! to the root. Absence is proven by an empty subtree, or by another key's leaf whose key shares the path.

use std::sync::LazyLock;

use blake3::Hasher;
use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// BLAKE3 context of every hash inside the tree; leaf, node and value are separated by the tree's own prefixes.
pub const STATE_TREE_CONTEXT: &str = "assay 2026 state-tree v1";
/// Greatest depth of a leaf: one sibling per bit of a key hash.
pub const SIBLINGS_MAX: usize = 256;

/// [`STATE_TREE_CONTEXT`], hashed once: a state key is short, and its context would take as long as itself.
static TREE: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(STATE_TREE_CONTEXT));

const KEY_CONTEXT: &str = "assay 2026 state-key v1";
const LEAF_PREFIX: &[u8] = b"JMT::LeafNode";
const NODE_PREFIX: &[u8] = b"JMT::IntrnalNode";
const EMPTY_SUBTREE: [u8; 32] = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

/// Why a state proof was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateProofError {
    /// More siblings than a tree has levels.
    #[error("state proof siblings: expected at most {SIBLINGS_MAX}, got {got}")]
    Depth {
        /// Siblings that came.
        got: usize,
    },
    /// The proof ends at no leaf or at another key's, so it shows absence where presence was claimed.
    #[error("state proof leaf: the proof shows that the key is absent, not that it holds a value")]
    Absent,
    /// The leaf commits to another value.
    #[error("state proof value: the leaf commits to another value")]
    Value,
    /// The proof ends at the key itself, so it shows presence where absence was claimed.
    #[error("state proof leaf: the proof shows that the key holds a value, not that it is absent")]
    Present,
    /// The other key's leaf does not lie on this key's path.
    #[error("state proof leaf: expected a key sharing {expected} leading bits, got {got}")]
    OffPath {
        /// Depth of the leaf.
        expected: usize,
        /// Leading bits in common.
        got: usize,
    },
    /// The path leads to another root.
    #[error("state proof root: the path does not lead to the header's state root")]
    Root,
}

/// The leaf at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateLeaf {
    /// [`key_hash`] of the leaf's key.
    #[serde(with = "attestation::hex")]
    pub key_hash: [u8; 32],
    /// [`value_hash`] of the leaf's value.
    #[serde(with = "attestation::hex")]
    pub value_hash: [u8; 32],
}

/// Path of one key through the state tree.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateProof {
    /// The leaf the path ends at; none when it ends in an empty subtree.
    pub leaf: Option<StateLeaf>,
    /// Sibling hashes, bottom first.
    #[serde(with = "super::hex_list")]
    pub siblings: Vec<[u8; 32]>,
}

impl StateProof {
    /// Checks that `key` holds `value` under `root`.
    ///
    /// # Errors
    /// [`StateProofError`], naming what the proof shows instead.
    pub fn verify_inclusion(&self, root: &[u8; 32], key: &[u8], value: &[u8]) -> Result<(), StateProofError> {
        let path = key_hash(key);
        let leaf = self.leaf.filter(|leaf| leaf.key_hash == path).ok_or(StateProofError::Absent)?;
        if leaf.value_hash != value_hash(value) {
            return Err(StateProofError::Value);
        }
        self.verify_path(root, &path)
    }

    /// Checks that `key` holds nothing under `root`.
    ///
    /// # Errors
    /// [`StateProofError`], naming what the proof shows instead.
    pub fn verify_exclusion(&self, root: &[u8; 32], key: &[u8]) -> Result<(), StateProofError> {
        let path = key_hash(key);
        if let Some(leaf) = self.leaf {
            if leaf.key_hash == path {
                return Err(StateProofError::Present);
            }
            let shared = bits(&path).zip(bits(&leaf.key_hash)).take_while(|(ours, theirs)| ours == theirs).count();
            if shared < self.siblings.len() {
                return Err(StateProofError::OffPath { expected: self.siblings.len(), got: shared });
            }
        }
        self.verify_path(root, &path)
    }

    fn verify_path(&self, root: &[u8; 32], path: &[u8; 32]) -> Result<(), StateProofError> {
        if self.siblings.len() > SIBLINGS_MAX {
            return Err(StateProofError::Depth { got: self.siblings.len() });
        }
        let bottom = self.leaf.map_or(EMPTY_SUBTREE, |leaf| leaf_hash(&leaf));
        let turns: Vec<bool> = bits(path).take(self.siblings.len()).collect();
        let top = self.siblings.iter().zip(turns.iter().rev()).fold(bottom, |hash, (sibling, right)| {
            if *right { node_hash(sibling, &hash) } else { node_hash(&hash, sibling) }
        });
        if top == *root { Ok(()) } else { Err(StateProofError::Root) }
    }
}

/// Position of a key in the tree.
#[must_use]
pub fn key_hash(key: &[u8]) -> [u8; 32] {
    static CONTEXT: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(KEY_CONTEXT));
    derive(&CONTEXT, &[key])
}

/// What a leaf commits to.
#[must_use]
pub fn value_hash(value: &[u8]) -> [u8; 32] {
    derive(&TREE, &[value])
}

/// Hash of a leaf node.
#[must_use]
pub fn leaf_hash(leaf: &StateLeaf) -> [u8; 32] {
    derive(&TREE, &[LEAF_PREFIX, &leaf.key_hash, &leaf.value_hash])
}

/// Hash of an inner node.
#[must_use]
pub fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    derive(&TREE, &[NODE_PREFIX, left, right])
}

/// Hash of an empty subtree.
#[must_use]
pub fn empty_hash() -> [u8; 32] {
    EMPTY_SUBTREE
}

/// `derive_key` hash of the concatenated parts, under a context that was hashed before.
fn derive(context: &ContextKey, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Hasher::new_from_context_key(context);
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// The 256 bits of a hash, most significant first.
pub(super) fn bits(hash: &[u8; 32]) -> impl Iterator<Item = bool> + '_ {
    hash.iter().flat_map(|byte| [0x80u8, 0x40, 0x20, 0x10, 8, 4, 2, 1].into_iter().map(move |mask| byte & mask != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key whose hash starts with the wanted bit.
    fn key_with_first_bit(bit: bool, skip: usize) -> Vec<u8> {
        (0u32..)
            .map(|index| index.to_le_bytes().to_vec())
            .filter(|key| bits(&key_hash(key)).next() == Some(bit))
            .nth(skip)
            .unwrap()
    }

    fn leaf(key: &[u8], value: &[u8]) -> StateLeaf {
        StateLeaf { key_hash: key_hash(key), value_hash: value_hash(value) }
    }

    #[test]
    fn two_leaves_prove_presence_and_absence() {
        let (low, high) = (key_with_first_bit(false, 0), key_with_first_bit(true, 0));
        let (left, right) = (leaf(&low, b"a"), leaf(&high, b"b"));
        let root = node_hash(&leaf_hash(&left), &leaf_hash(&right));
        let proof = StateProof { leaf: Some(left), siblings: vec![leaf_hash(&right)] };
        assert_eq!(proof.verify_inclusion(&root, &low, b"a"), Ok(()));
        assert_eq!(proof.verify_inclusion(&root, &low, b"b"), Err(StateProofError::Value));
        assert_eq!(proof.verify_exclusion(&root, &low), Err(StateProofError::Present));
        assert_eq!(proof.verify_inclusion(&root, &high, b"a"), Err(StateProofError::Absent));
        assert_eq!(proof.verify_inclusion(&[9; 32], &low, b"a"), Err(StateProofError::Root));

        let neighbour = key_with_first_bit(false, 1);
        assert_eq!(proof.verify_exclusion(&root, &neighbour), Ok(()));
        let stranger = key_with_first_bit(true, 1);
        assert_eq!(proof.verify_exclusion(&root, &stranger), Err(StateProofError::OffPath { expected: 1, got: 0 }));
    }

    #[test]
    fn an_empty_subtree_proves_absence_only_on_its_own_side() {
        let high = key_with_first_bit(true, 0);
        let right = leaf(&high, b"b");
        let root = node_hash(&empty_hash(), &leaf_hash(&right));
        let proof = StateProof { leaf: None, siblings: vec![leaf_hash(&right)] };
        assert_eq!(proof.verify_exclusion(&root, &key_with_first_bit(false, 0)), Ok(()));
        assert_eq!(proof.verify_exclusion(&root, &high), Err(StateProofError::Root));
    }

    #[test]
    fn a_path_deeper_than_a_key_is_refused() {
        let proof = StateProof { leaf: None, siblings: vec![[0; 32]; 257] };
        assert_eq!(proof.verify_exclusion(&[0; 32], b"key"), Err(StateProofError::Depth { got: 257 }));
    }
}

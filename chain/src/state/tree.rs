//! The state tree: a Jellyfish Merkle tree over any store.
//!
//! Keys and hashes are those of [`verifier::inclusion::state`], so that a light client checks what this builds. The tree
//! version is the block height. Proofs leave as plain sibling hashes. A block's writes are applied together, see `whole`.

use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};
use borsh::BorshDeserialize;
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader, TreeUpdateBatch};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, Version};
use verifier::inclusion::state::{STATE_TREE_CONTEXT, empty_hash, key_hash, leaf_hash, node_hash};
use verifier::inclusion::{StateLeaf, StateProof};

use super::store::{Store, StoreError};
use crate::types::ids::Hash;

/// The hash of every node, leaf and value: `derive_key` of [`STATE_TREE_CONTEXT`], whose own compression is done once.
struct StateHasher(blake3::Hasher);

impl SimpleHasher for StateHasher {
    fn new() -> Self {
        static CONTEXT: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context(STATE_TREE_CONTEXT));
        Self(blake3::Hasher::new_from_context_key(&CONTEXT))
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

/// A store as the tree library wants it.
struct Reader<'a, S>(&'a S);

impl<S: Store> TreeReader for Reader<'_, S> {
    fn get_node_option(&self, node_key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.0.node(node_key)?)
    }

    fn get_value_option(&self, max_version: Version, key_hash: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.0.value(max_version, &key_hash.0)?)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        anyhow::bail!("only a restoration of the tree asks for its rightmost leaf")
    }
}

/// One write: a key's bytes and its new value, none to delete it.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// Applies `writes` to the tree of the height before `height`; returns the new root and what to store.
///
/// # Errors
/// [`StoreError::Tree`] when the store does not hold the previous height.
pub fn update<S: Store>(store: &S, height: u64, writes: &[Write]) -> Result<(Hash, TreeUpdateBatch), StoreError> {
    match whole::update(store, height, writes)? {
        Some(updated) => Ok(updated),
        None => update_singly(store, height, writes),
    }
}

/// The same by the library, one write after the other.
fn update_singly<S: Store>(store: &S, height: u64, writes: &[Write]) -> Result<(Hash, TreeUpdateBatch), StoreError> {
    let reader = Reader(store);
    let tree = JellyfishMerkleTree::<_, StateHasher>::new(&reader);
    let values = writes.iter().map(|(key, value)| (KeyHash(key_hash(key)), value.clone()));
    let (root, batch) = tree.put_value_set(values, height).map_err(|error| tree_error(&error))?;
    Ok((root.0, batch))
}

/// The tree of `height` that holds `writes` and nothing else, whatever went before; its root and what to store.
///
/// # Errors
/// [`StoreError::Tree`] when the library refuses.
#[cfg(feature = "node")]
pub(crate) fn build(height: u64, writes: &[Write]) -> Result<(Hash, TreeUpdateBatch), StoreError> {
    let before = Nothing { height: height.checked_sub(1) };
    let tree = JellyfishMerkleTree::<_, StateHasher>::new(&before);
    let values = writes.iter().map(|(key, value)| (KeyHash(key_hash(key)), value.clone()));
    let (root, batch) = tree.put_value_set(values, height).map_err(|error| tree_error(&error))?;
    Ok((root.0, batch))
}

/// An empty tree of the height before.
#[cfg(feature = "node")]
struct Nothing {
    height: Option<Version>,
}

#[cfg(feature = "node")]
impl TreeReader for Nothing {
    fn get_node_option(&self, node_key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let is_root = node_key.nibble_path().nibbles().next().is_none();
        Ok((is_root && Some(node_key.version()) == self.height).then_some(Node::Null))
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(None)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

/// The root of the tree at `height`.
///
/// # Errors
/// [`StoreError`] when the store does not hold that height.
pub(crate) fn root<S: Store>(store: &S, height: u64) -> Result<Hash, StoreError> {
    let reader = Reader(store);
    let tree = JellyfishMerkleTree::<_, StateHasher>::new(&reader);
    Ok(tree.get_root_hash(height).map_err(|error| tree_error(&error))?.0)
}

/// The value of `key` at `height`, with a proof that it is there or that nothing is.
///
/// # Errors
/// [`StoreError`] when the store does not hold that height.
pub(crate) fn prove<S: Store>(store: &S, height: u64, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), StoreError> {
    let reader = Reader(store);
    let tree = JellyfishMerkleTree::<_, StateHasher>::new(&reader);
    let (value, proof) = tree.get_with_proof(KeyHash(key_hash(key)), height).map_err(|error| tree_error(&error))?;
    let damaged = StoreError::Corrupt { what: "the proof of a state key" };
    let bytes = borsh::to_vec(&proof).map_err(|_| damaged.clone())?;
    let library: LibraryProof = borsh::from_slice(&bytes).map_err(|_| damaged)?;
    let siblings = library.siblings.iter().map(LibraryNode::hash).collect();
    Ok((value, StateProof { leaf: library.leaf.map(StateLeaf::from), siblings }))
}

fn tree_error(error: &anyhow::Error) -> StoreError {
    error.downcast_ref::<StoreError>().cloned().unwrap_or_else(|| StoreError::Tree { message: error.to_string() })
}

/// The library's proof, whose fields are private, by its documented borsh layout.
#[derive(BorshDeserialize)]
struct LibraryProof {
    leaf: Option<LibraryLeaf>,
    siblings: Vec<LibraryNode>,
}

#[derive(Clone, Copy, BorshDeserialize)]
struct LibraryLeaf {
    key_hash: [u8; 32],
    value_hash: [u8; 32],
}

#[derive(BorshDeserialize)]
enum LibraryNode {
    Null,
    Internal([u8; 32], [u8; 32]),
    Leaf(LibraryLeaf),
}

impl From<LibraryLeaf> for StateLeaf {
    fn from(leaf: LibraryLeaf) -> Self {
        Self { key_hash: leaf.key_hash, value_hash: leaf.value_hash }
    }
}

impl LibraryNode {
    fn hash(&self) -> Hash {
        match self {
            Self::Null => empty_hash(),
            Self::Internal(left, right) => node_hash(left, right),
            Self::Leaf(leaf) => leaf_hash(&(*leaf).into()),
        }
    }
}

mod whole;

#[cfg(test)]
mod tests;

//! All writes of a block, applied to the tree at once.
//!
//! The library applies one write after the other and makes every node above it anew each time: under a hundred thousand
//! writes the root is hashed a hundred thousand times, to be kept once. Here writes are sorted by key hash and go down the
//! tree together, so that each node that one of them touches is read once, made once and hashed once. Nodes, hashes and
//! what becomes stale are the library's, which the tests compare; only where a block both adds and deletes below the same node can the
//! library store a leaf anew that this leaves where it is.
//!
//! The library lets nobody else make an inner node, so these are made from their encoding, which is what the store keeps.

use std::collections::BTreeMap;

use borsh::BorshSerialize;
use jmt::storage::{LeafNode, NibblePath, Node, NodeBatch, NodeKey, NodeStats, StaleNodeIndex, TreeUpdateBatch};
use jmt::{KeyHash, ValueHash};
use verifier::inclusion::state::key_hash;

use super::{StateHasher, Write};
use crate::state::store::{Store, StoreError};
use crate::types::ids::Hash;
use crate::types::transaction::encode;

const CORRUPT: StoreError = StoreError::Corrupt { what: "a node of the state tree" };
/// Tag of an inner node in the encoding of a node.
const INNER: u8 = 1;

/// A write by key hash: what the value hashes to, none to delete it.
struct Entry {
    key: KeyHash,
    value: Option<ValueHash>,
}

/// What an inner node says about a place below it, as it is encoded.
#[derive(Clone, BorshSerialize)]
struct Child {
    hash: Hash,
    version: u64,
    kind: Kind,
}

#[derive(Clone, BorshSerialize)]
enum Kind {
    Leaf,
    Inner { leaves: u64 },
}

/// What is at a place after the writes.
enum Slot {
    /// What was there before.
    Kept(Child),
    /// One leaf; where it is stored depends on what is beside it.
    Leaf(LeafNode),
    /// An inner node, made and stored.
    Made(Child),
}

/// The places below an inner node.
type Slots = [Option<Slot>; 16];

/// Applies `writes` to the tree of the height before `height`: its new root and what to store. None for what is left to the
/// library: a tree of fewer than two leaves, a key that is written twice, writes that change nothing.
///
/// # Errors
/// [`StoreError`] when the store does not hold the nodes of the previous height.
pub(super) fn update<S: Store>(
    store: &S,
    height: u64,
    writes: &[Write],
) -> Result<Option<(Hash, TreeUpdateBatch)>, StoreError> {
    let Some(before) = height.checked_sub(1) else { return Ok(None) };
    let root = node_key(before, &[]);
    let Some(node @ Node::Internal(_)) = store.node(&root)? else { return Ok(None) };
    let mut entries = Vec::with_capacity(writes.len());
    let mut values = BTreeMap::new();
    for (key, value) in writes {
        let key = KeyHash(key_hash(key));
        entries.push(Entry { key, value: value.as_ref().map(ValueHash::with::<StateHasher>) });
        values.insert((height, key), value.clone());
    }
    if values.len() < entries.len() {
        return Ok(None);
    }
    entries.sort_unstable_by_key(|entry| entry.key);
    let mut making = Making { store, height, nodes: Vec::new(), stale: Vec::new(), stats: NodeStats::default() };
    let Some(slot) = making.below(&mut Vec::new(), root, &node, &entries)? else { return Ok(None) };
    let root = match slot {
        Some(Slot::Made(child)) => child.hash,
        Some(Slot::Leaf(leaf)) => making.place(&[], leaf).hash,
        Some(Slot::Kept(_)) => return Err(CORRUPT),
        None => {
            making.nodes.push((node_key(height, &[]), Node::Null));
            verifier::inclusion::state::empty_hash()
        }
    };
    Ok(Some((root, making.finish(values))))
}

struct Making<'a, S> {
    store: &'a S,
    height: u64,
    nodes: Vec<(NodeKey, Node)>,
    stale: Vec<NodeKey>,
    stats: NodeStats,
}

impl<S: Store> Making<'_, S> {
    /// Applies entries below an inner node of the tree before: what is at its place now, or that nothing changed.
    fn below(
        &mut self,
        path: &mut Vec<u8>,
        key: NodeKey,
        node: &Node,
        entries: &[Entry],
    ) -> Result<Option<Option<Slot>>, StoreError> {
        let mut slots = slots_of(node)?;
        let mut is_changed = false;
        let depth = path.len();
        for group in entries.chunk_by(|left, right| nibble(&left.key, depth) == nibble(&right.key, depth)) {
            let Some(first) = group.first() else { continue };
            let index = nibble(&first.key, depth);
            let slot = slots.get_mut(usize::from(index)).ok_or(CORRUPT)?;
            let before = match slot.take() {
                Some(Slot::Kept(child)) => Some(child),
                _ => None,
            };
            let was_there = before.is_some();
            path.push(index);
            *slot = self.apply(path, before, group)?;
            path.pop();
            is_changed |= match slot {
                None => was_there,
                Some(Slot::Kept(_)) => false,
                Some(_) => true,
            };
        }
        if !is_changed {
            return Ok(None);
        }
        self.discard(key, false);
        self.join(path, slots).map(Some)
    }

    /// Applies entries at a place that holds `before`.
    fn apply(
        &mut self,
        path: &mut Vec<u8>,
        before: Option<Child>,
        entries: &[Entry],
    ) -> Result<Option<Slot>, StoreError> {
        let added = entries.iter().filter_map(|entry| Some(LeafNode::new(entry.key, entry.value?)));
        let Some(child) = before else { return self.grow(path, &added.collect::<Vec<_>>()) };
        let key = node_key(child.version, path);
        match self.store.node(&key)?.ok_or(CORRUPT)? {
            Node::Leaf(leaf) => {
                let mut leaves: Vec<LeafNode> = added.collect();
                let own = leaf.key_hash();
                if entries.binary_search_by_key(&own, |entry| entry.key).is_err() {
                    if leaves.is_empty() {
                        return Ok(Some(Slot::Kept(child)));
                    }
                    let at = leaves.partition_point(|other| other.key_hash() < own);
                    leaves.insert(at, leaf);
                }
                self.discard(key, true);
                self.grow(path, &leaves)
            }
            node @ Node::Internal(_) => match self.below(path, key, &node, entries)? {
                Some(slot) => Ok(slot),
                None => Ok(Some(Slot::Kept(child))),
            },
            Node::Null => Err(CORRUPT),
        }
    }

    /// The tree of leaves, ascending, at a place where nothing is.
    fn grow(&mut self, path: &mut Vec<u8>, leaves: &[LeafNode]) -> Result<Option<Slot>, StoreError> {
        match leaves {
            [] => return Ok(None),
            [leaf] => return Ok(Some(Slot::Leaf(leaf.clone()))),
            _ => {}
        }
        let depth = path.len();
        let of = |leaf: &LeafNode| nibble(&leaf.key_hash(), depth);
        let mut slots = Slots::default();
        for group in leaves.chunk_by(|left, right| of(left) == of(right)) {
            let Some(first) = group.first() else { continue };
            let index = of(first);
            path.push(index);
            *slots.get_mut(usize::from(index)).ok_or(CORRUPT)? = self.grow(path, group)?;
            path.pop();
        }
        self.join(path, slots)
    }

    /// What is at a place with these below it: one leaf goes up, other than that there is an inner node.
    fn join(&mut self, path: &mut Vec<u8>, slots: Slots) -> Result<Option<Slot>, StoreError> {
        let is_alone = slots.iter().flatten().count() < 2;
        let mut children: [Option<Child>; 16] = Default::default();
        let (mut count, mut leaves) = (0u64, 0u64);
        for ((index, slot), place) in (0u8..).zip(slots).zip(&mut children) {
            let Some(slot) = slot else { continue };
            path.push(index);
            let child = match slot {
                Slot::Leaf(leaf) if is_alone => {
                    path.pop();
                    return Ok(Some(Slot::Leaf(leaf)));
                }
                Slot::Kept(Child { version, kind: Kind::Leaf, .. }) if is_alone => {
                    let key = node_key(version, path);
                    let Some(Node::Leaf(leaf)) = self.store.node(&key)? else { return Err(CORRUPT) };
                    self.discard(key, true);
                    path.pop();
                    return Ok(Some(Slot::Leaf(leaf)));
                }
                Slot::Leaf(leaf) => self.place(path, leaf),
                Slot::Kept(child) | Slot::Made(child) => child,
            };
            path.pop();
            count = count.saturating_add(1);
            leaves = leaves.saturating_add(match child.kind {
                Kind::Leaf => 1,
                Kind::Inner { leaves } => leaves,
            });
            *place = Some(child);
        }
        if count == 0 {
            return Ok(None);
        }
        let encoded = encode(&(INNER, &children, count, leaves));
        let node: Node = borsh::from_slice(&encoded).map_err(|_| CORRUPT)?;
        let Node::Internal(inner) = &node else { return Err(CORRUPT) };
        let hash = inner.hash::<StateHasher>();
        self.nodes.push((node_key(self.height, path), node));
        Ok(Some(Slot::Made(Child { hash, version: self.height, kind: Kind::Inner { leaves } })))
    }

    /// Stores a leaf at a place.
    fn place(&mut self, path: &[u8], leaf: LeafNode) -> Child {
        let hash = leaf.hash::<StateHasher>();
        self.nodes.push((node_key(self.height, path), leaf.into()));
        self.stats.new_leaves = self.stats.new_leaves.saturating_add(1);
        Child { hash, version: self.height, kind: Kind::Leaf }
    }

    /// A node of the tree before that the new one does not have.
    fn discard(&mut self, key: NodeKey, is_leaf: bool) {
        self.stale.push(key);
        self.stats.stale_leaves = self.stats.stale_leaves.saturating_add(usize::from(is_leaf));
    }

    fn finish(self, values: BTreeMap<(u64, KeyHash), Option<Vec<u8>>>) -> TreeUpdateBatch {
        let Self { height, nodes, stale, stats, .. } = self;
        let stats = NodeStats { new_nodes: nodes.len(), stale_nodes: stale.len(), ..stats };
        let stale = stale.into_iter().map(|node_key| StaleNodeIndex { stale_since_version: height, node_key });
        TreeUpdateBatch {
            node_batch: NodeBatch::new(nodes.into_iter().collect(), values),
            stale_node_index_batch: stale.collect(),
            node_stats: vec![stats],
        }
    }
}

/// What an inner node has below it.
fn slots_of(node: &Node) -> Result<Slots, StoreError> {
    let Node::Internal(inner) = node else { return Err(CORRUPT) };
    let mut slots = Slots::default();
    for (nibble, child) in inner.children_sorted() {
        let leaves = u64::try_from(child.leaf_count()).map_err(|_| CORRUPT)?;
        let kind = if child.is_leaf() { Kind::Leaf } else { Kind::Inner { leaves } };
        let slot = slots.get_mut(nibble.as_usize()).ok_or(CORRUPT)?;
        *slot = Some(Slot::Kept(Child { hash: child.hash, version: child.version, kind }));
    }
    Ok(slots)
}

/// Half a byte of a key hash.
fn nibble(key: &KeyHash, depth: usize) -> u8 {
    let byte = key.0.get(depth / 2).copied().unwrap_or_default();
    if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

fn node_key(version: u64, path: &[u8]) -> NodeKey {
    NodeKey::new(version, path.iter().map(|nibble| (*nibble).into()).collect::<NibblePath>())
}

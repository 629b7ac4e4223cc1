//! The tree against a plain map: same contents, same root, whatever the history; every proof checks.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use verifier::inclusion::StateProofError;

use super::*;
use crate::state::memory::MemoryStore;
use crate::state::store::{Batch, Head};

fn apply(store: &mut MemoryStore, height: u64, writes: &[Write]) -> Hash {
    let (root, tree) = update(store, height, writes).unwrap();
    let head = Head { genesis: [0; 32], height, block: [0; 32], time: height, root, next_beacon: [0; 32] };
    store.apply(Batch { head, tree, keys: writes.iter().map(|(key, _)| key.clone()).collect(), block: None }).unwrap();
    root
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn contents_alone_decide_the_root_and_every_key_is_provable(
        blocks in prop::collection::vec(
            prop::collection::btree_map(0u8..40, prop::option::of(0u8..4), 1..12),
            1..8,
        ),
    ) {
        let mut store = MemoryStore::new();
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        // The clock of a real state: a key that every block writes.
        let (mut root, mut height) = ([0; 32], 0);
        for (block, number) in blocks.iter().zip(0u64..) {
            let mut writes: Vec<Write> = vec![(b"clock".to_vec(), Some(number.to_le_bytes().to_vec()))];
            for (key, value) in block {
                let key = vec![*key];
                if value.is_none() && !model.contains_key(&key) {
                    continue;
                }
                writes.push((key, value.map(|value| vec![value])));
            }
            for (key, value) in &writes {
                match value {
                    Some(value) => model.insert(key.clone(), value.clone()),
                    None => model.remove(key),
                };
            }
            height = number;
            root = apply(&mut store, height, &writes);
        }
        let mut fresh = MemoryStore::new();
        let all: Vec<Write> = model.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        prop_assert_eq!(apply(&mut fresh, 0, &all), root);
        prop_assert_eq!(super::root(&store, height).unwrap(), root);
        for key in (0u8..40).map(|key| vec![key]) {
            let (value, proof) = prove(&store, height, &key).unwrap();
            prop_assert_eq!(value.as_ref(), model.get(&key));
            match value {
                Some(value) => {
                    prop_assert_eq!(proof.verify_inclusion(&root, &key, &value), Ok(()));
                    prop_assert_eq!(proof.verify_exclusion(&root, &key), Err(StateProofError::Present));
                    prop_assert_eq!(proof.verify_inclusion(&root, &key, b"x"), Err(StateProofError::Value));
                }
                None => {
                    prop_assert_eq!(proof.verify_exclusion(&root, &key), Ok(()));
                    prop_assert_eq!(proof.verify_inclusion(&root, &key, b"x"), Err(StateProofError::Absent));
                }
            }
        }
    }
}

/// Every node that a height reaches from its root.
fn reachable(store: &MemoryStore, height: u64) -> BTreeSet<NodeKey> {
    let mut found = BTreeSet::new();
    let mut next = vec![(height, Vec::new())];
    while let Some((version, path)) = next.pop() {
        let key = NodeKey::new(version, path.iter().copied().collect());
        if let Node::Internal(inner) = store.node(&key).unwrap().unwrap() {
            next.extend(inner.children_sorted().map(|(nibble, child)| {
                let mut path = path.clone();
                path.push(nibble);
                (child.version, path)
            }));
        }
        found.insert(key);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Together or one after the other: the same root, and the same nodes to store and to forget unless a block both adds
    /// and deletes; whatever was stored, exactly what a height does not reach is stale.
    #[test]
    fn writes_applied_together_are_those_applied_one_after_the_other(
        blocks in prop::collection::vec(
            prop::collection::btree_map(0u16..400, prop::option::weighted(0.6, 0u8..4), 0..120),
            1..10,
        ),
        pure in any::<bool>(),
    ) {
        let mut store = MemoryStore::new();
        let mut model: BTreeSet<u16> = BTreeSet::new();
        let mut stored: BTreeSet<NodeKey> = BTreeSet::new();
        let mut stale: BTreeSet<NodeKey> = BTreeSet::new();
        for (block, height) in blocks.iter().zip(0u64..) {
            let deletes = pure && height % 2 == 1;
            let mut writes: Vec<Write> = vec![(b"clock".to_vec(), Some(height.to_le_bytes().to_vec()))];
            for (key, value) in block {
                let value = if pure { (!deletes).then(|| value.unwrap_or(9)) } else { *value };
                writes.push((key.to_le_bytes().to_vec(), value.map(|value| vec![value, height as u8])));
                match value {
                    Some(_) => model.insert(*key),
                    None => model.remove(key),
                };
            }
            let (expected, singly) = update_singly(&store, height, &writes).unwrap();
            let (root, batch) = update(&store, height, &writes).unwrap();
            prop_assert_eq!(root, expected);
            prop_assert_eq!(batch.node_batch.values(), singly.node_batch.values());
            if pure {
                prop_assert_eq!(&batch, &singly);
            }
            stored.extend(batch.node_batch.nodes().keys().cloned());
            stale.extend(batch.stale_node_index_batch.iter().map(|stale| stale.node_key.clone()));
            let head = Head { genesis: [0; 32], height, block: [0; 32], time: height, root, next_beacon: [0; 32] };
            store.apply(Batch { head, tree: batch, keys: vec![], block: None }).unwrap();
            let kept: BTreeSet<NodeKey> = stored.difference(&stale).cloned().collect();
            prop_assert_eq!(reachable(&store, height), kept);
        }
    }
}

#[test]
fn old_heights_stay_readable() {
    let mut store = MemoryStore::new();
    let first = apply(&mut store, 0, &[(b"a".to_vec(), Some(vec![1]))]);
    apply(&mut store, 1, &[(b"a".to_vec(), Some(vec![2]))]);
    let (value, proof) = prove(&store, 0, b"a").unwrap();
    assert_eq!(value, Some(vec![1]));
    assert_eq!(proof.verify_inclusion(&first, b"a", &[1]), Ok(()));
    assert_eq!(apply_error(&mut store), StoreError::Height { expected: 2, got: 1 },);
}

fn apply_error(store: &mut MemoryStore) -> StoreError {
    let (root, tree) = update(store, 2, &[(b"a".to_vec(), Some(vec![3]))]).unwrap();
    let head = Head { genesis: [0; 32], height: 1, block: [0; 32], time: 0, root, next_beacon: [0; 32] };
    store.apply(Batch { head, tree, keys: vec![], block: None }).unwrap_err()
}

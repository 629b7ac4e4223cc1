//! What is forgotten, and what an interruption leaves.

use std::fs;
use std::path::Path;

use super::archive::{Case, checked, ours};
use super::check::{get, put};
use super::{copy, engine, machine, transfer};
use crate::node::archive::ArchiveError;
use crate::node::prune::{PruneError, prune};
use crate::node::replay;
use crate::state::store::Store;
use crate::state::{Key, StateMachine};
use crate::testing::{START, setup};
use crate::types::ids::Address;

#[test]
fn pruning_forgets_states_and_keeps_the_head() {
    let case = Case::new(30);
    let path = case.path("data");
    let before = checked(&path).unwrap();
    let key = Key::Account(Address::new([9; 32]));
    let state_key = verifier::inclusion::state::key_hash(&key.to_bytes());
    let age = ours().params().window.evidence_age.max(ours().params().window.challenge);
    // The windows of the chain keep more than is asked for, so a short chain loses nothing.
    assert!(age >= 30);
    let report = prune(&path, &ours(), 0, None).unwrap();
    assert_eq!((report.floor.state_from, report.floor.blocks_from, report.pruned.nodes), (0, 1, 0));
    let mut store = super::store(&path);
    let old = store.value(5, &state_key).unwrap();
    let pruned = store.prune(20, 0).unwrap();
    assert!(pruned.nodes > 0 && pruned.values > 0 && pruned.blocks == 0, "{pruned:?}");
    assert_ne!(store.value(20, &state_key).unwrap(), old);
    assert_eq!(store.value(5, &state_key).unwrap(), None);
    assert_eq!(store.prune(20, 0).unwrap(), crate::node::Pruned::default());
    assert_eq!(store.prune(31, 0), Err(crate::state::StoreError::Height { expected: 30, got: 31 }));
    drop(store);
    let after = checked(&path).unwrap();
    assert_eq!((after.audit, after.signed), (before.audit, before.signed));
    // Every state from there on is whole, and every block is there.
    let machine = machine(&path);
    for height in 20..=30 {
        let root = crate::state::tree::root(machine.store(), height).unwrap();
        assert_eq!(root, machine.block(height).unwrap().unwrap().block.header.state_root);
    }
    drop(machine);
    replay(&path, &ours(), vec![setup().clone()]).unwrap();
}

#[test]
fn blocks_are_forgotten_behind_a_snapshot_only() {
    let case = Case::new(10);
    let path = case.path("data");
    case.snapshot();
    let mut chain = engine(&path).unwrap();
    for _ in 0..4 {
        chain.submit(&transfer(&chain, 5)).unwrap();
        chain.produce(START + 250 * (chain.machine().height() + 1)).unwrap();
    }
    drop(chain);
    let mut store = super::store(&path);
    let pruned = store.prune(11, 11).unwrap();
    assert_eq!(pruned.blocks, 10);
    assert_eq!((store.block(10).unwrap(), store.block(11).unwrap().is_some()), (None, true));
    assert_eq!(store.floor().unwrap().anchor.unwrap().header.height, 10);
    drop(store);
    let report = checked(&path).unwrap();
    let entries: std::collections::BTreeMap<_, _> = report.contents.entries.into_iter().collect();
    assert_eq!((entries["blocks"], entries["tx_index"], entries["receipts"]), (4, 4, 4));
    let mut chain = engine(&path).unwrap();
    chain.submit(&transfer(&chain, 5)).unwrap();
    chain.produce(START + 10_000).unwrap();
    drop(chain);
    checked(&path).unwrap();

    // A snapshot that does not hold, or of another history, forgets nothing.
    let other = Case::new(3);
    let mut bent = fs::read(case.path("state")).unwrap();
    *bent.last_mut().unwrap() ^= 1;
    fs::write(case.path("bent"), bent).unwrap();
    let refused = |file: &Path| prune(&other.path("data"), &ours(), 0, Some(file)).unwrap_err();
    assert_eq!(refused(&case.path("bent")), PruneError::Snapshot(Box::new(ArchiveError::Checksum)));
    assert!(matches!(refused(&case.path("state")), PruneError::AnotherHistory { height: 10, .. }));
    other.export();
    let kind = ArchiveError::Kind { expected: "snapshot" };
    assert_eq!(refused(&other.path("blocks")), PruneError::Snapshot(Box::new(kind)));
    other.snapshot();
    assert_eq!(prune(&other.path("data"), &ours(), 0, Some(&other.path("state"))).unwrap().pruned.blocks, 0);
}

#[test]
fn an_interrupted_pruning_claims_nothing_that_is_gone_and_is_finished_by_the_next() {
    let case = Case::new(30);
    let (whole, cut) = (case.path("data"), case.path("cut"));
    copy(&whole, &cut);
    super::store(&whole).prune(20, 11).unwrap();
    // The floor is raised first: here nothing was deleted after it.
    put(&cut, "meta", b"floor", &get(&whole, "meta", b"floor"));
    assert_eq!(checked(&cut).unwrap().audit, checked(&whole).unwrap().audit);
    let pruned = super::store(&cut).prune(20, 11).unwrap();
    assert!(pruned.nodes > 0 && pruned.values > 0 && pruned.blocks == 10, "{pruned:?}");
    assert_eq!(checked(&cut), checked(&whole));
}

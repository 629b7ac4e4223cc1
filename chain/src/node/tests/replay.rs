//! Running a chain again: the same roots, and a recorded lie that no certificate covers is found.

use super::{blocks, copy, engine};
use crate::node::check::check;
use crate::node::replay::{ReplayError, replay};
use crate::node::{Directory, OpenError, RocksStore};
use crate::state::store::Store;
use crate::testing::{genesis, setup};
use crate::types::event::{Event, Outcome};
use crate::types::transaction::encode;

fn replayed(path: &std::path::Path) -> Result<crate::state::Head, ReplayError> {
    replay(path, &genesis(|_| {}), vec![setup().clone()])
}

#[test]
fn every_block_gives_what_is_recorded() {
    let directory = tempfile::tempdir().unwrap();
    blocks(directory.path(), 5);
    let head = replayed(directory.path()).unwrap();
    assert_eq!(head, *engine(directory.path()).unwrap().machine().head());
    assert_eq!(head.height, 5);
}

#[test]
fn an_empty_or_absent_chain_cannot_be_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    assert_eq!(replayed(&path), Err(ReplayError::Open(OpenError::Absent { path: path.clone() })));
    drop(Directory::open(&path, &genesis(|_| {})).unwrap());
    assert_eq!(replayed(&path), Err(ReplayError::Empty));
}

#[test]
fn a_recorded_outcome_that_did_not_happen_is_found_by_running_it() {
    let directory = tempfile::tempdir().unwrap();
    blocks(directory.path(), 4);
    let committed = {
        let directory = Directory::open(directory.path(), &genesis(|_| {})).unwrap();
        RocksStore::open(&directory).unwrap().block(3).unwrap().unwrap()
    };
    let forged = |change: &dyn Fn(&mut Vec<Outcome>, &mut Vec<Event>)| {
        let copied = tempfile::tempdir().unwrap();
        copy(directory.path(), copied.path());
        let (mut outcomes, mut closing) = (committed.outcomes.clone(), committed.closing.clone());
        change(&mut outcomes, &mut closing);
        let receipts = encode(&(outcomes, closing, committed.results.clone()));
        super::check::put(copied.path(), "receipts", &3u64.to_be_bytes(), &receipts);
        // No hash covers it, so the check, which executes nothing, cannot see it.
        check(copied.path(), &genesis(|_| {}), vec![setup().clone()]).unwrap();
        replayed(copied.path())
    };
    let outcomes = forged(&|outcomes, _| outcomes[0].fee += 1);
    assert_eq!(outcomes, Err(ReplayError::Recorded { height: 3, part: "outcomes" }));
    let closing = forged(&|_, closing| closing.push(Event::LeaseClosed { lease: [1; 32] }));
    assert_eq!(closing, Err(ReplayError::Recorded { height: 3, part: "closing events" }));
}

#[test]
fn a_missing_or_swapped_block_is_named() {
    let directory = tempfile::tempdir().unwrap();
    blocks(directory.path(), 4);
    let second = super::check::get(directory.path(), "blocks", &2u64.to_be_bytes());
    let third = 3u64.to_be_bytes();
    let found = |change: &dyn Fn(&std::path::Path)| {
        let copied = tempfile::tempdir().unwrap();
        copy(directory.path(), copied.path());
        change(copied.path());
        replayed(copied.path()).unwrap_err()
    };
    assert_eq!(found(&|path| super::check::delete(path, "blocks", &third)), ReplayError::Missing { height: 3 });
    let swapped = found(&|path| super::check::put(path, "blocks", &third, &second));
    assert_eq!(swapped, ReplayError::Missing { height: 3 });
}

//! The engine of a validator over a data directory: it never signs twice, whatever happened to the database.

use std::fs;

use attestation::codec::DecodeError;

use super::{blocks, copy, engine, machine, transfer};
use crate::node::{Directory, LastSignedError, LastSignedFile, OpenError, StartError, start};
use crate::state::guard::{GuardError, MemoryGuard, SigningGuard};
use crate::state::{LocalChain, LocalError, Machine, MachineError, MemoryStore, StateMachine};
use crate::testing::{K, START, World, account, genesis, setup, validator};
use crate::types::Block;

/// Three blocks, and copies of the directory as it was after each height.
fn snapshots() -> (tempfile::TempDir, Vec<std::path::PathBuf>) {
    let root = tempfile::tempdir().unwrap();
    let live = root.path().join("live");
    let mut copies = Vec::new();
    for height in 1..=3 {
        blocks(&live, 1);
        let path = root.path().join(height.to_string());
        copy(&live, &path);
        copies.push(path);
    }
    (root, copies)
}

/// The directory at `newest`, with the database as it was at `old`.
fn rolled_back(root: &std::path::Path, newest: &std::path::Path, old: &std::path::Path) -> std::path::PathBuf {
    let path = root.join("rolled-back");
    let _ = fs::remove_dir_all(&path);
    copy(newest, &path);
    fs::remove_dir_all(path.join("db")).unwrap();
    copy(&old.join("db"), &path.join("db"));
    path
}

fn last_signed(path: &std::path::Path) -> Block {
    let directory = Directory::open(path, &genesis(|_| {})).unwrap();
    LastSignedFile::open(&directory, 0).unwrap().last().unwrap().clone()
}

#[test]
fn a_database_rolled_back_by_two_is_not_continued() {
    let (root, copies) = snapshots();
    let path = rolled_back(root.path(), &copies[2], &copies[0]);
    assert_eq!(engine(&path).err(), Some(StartError::Engine(LocalError::BlocksLost { signed: 3, height: 1 })));
    // Nor when the guard is asked for a different block directly, at or below the height.
    let directory = Directory::open(&path, &genesis(|_| {})).unwrap();
    let mut guard = LastSignedFile::open(&directory, 1).unwrap();
    let signed = guard.last().unwrap().clone();
    let mut lower = signed.clone();
    lower.header.height = 2;
    assert_eq!(guard.permit(&lower), Err(GuardError::Passed { signed: 3, got: 2 }));
    let mut other = signed.clone();
    other.header.time += 1;
    let conflict = GuardError::Conflict { height: 3, signed: signed.hash(), got: other.hash() };
    assert_eq!(guard.permit(&other), Err(conflict));
    assert_eq!(guard.permit(&signed), Ok(()));
}

#[test]
fn a_database_rolled_back_by_one_gets_the_signed_block_again() {
    let (root, copies) = snapshots();
    let newest = machine(&copies[2]).head().block;
    let path = rolled_back(root.path(), &copies[2], &copies[1]);
    assert_eq!(machine(&path).height(), 2);
    let chain = engine(&path).unwrap();
    assert_eq!((chain.machine().height(), chain.machine().head().block), (3, newest));
}

#[test]
fn a_block_that_was_signed_and_not_committed_is_committed_first() {
    let directory = tempfile::tempdir().unwrap();
    blocks(directory.path(), 1);
    let chain = engine(directory.path()).unwrap();
    let checked = crate::types::CheckedTransaction::parse(&transfer(&chain, 7)).unwrap();
    let proposer = validator().public_key().address();
    let block = chain.machine().propose(&proposer, START + 9_000, &[checked], u64::MAX).unwrap().block;
    drop(chain);
    // The process ends after the record and before the commit.
    let opened = Directory::open(directory.path(), &genesis(|_| {})).unwrap();
    LastSignedFile::open(&opened, 1).unwrap().permit(&block).unwrap();
    drop(opened);
    let mut chain = engine(directory.path()).unwrap();
    assert_eq!(chain.machine().head().block, block.hash());
    assert_eq!(chain.produce(START + 10_000).unwrap().commit.height, 3);
}

#[test]
fn a_directory_of_two_histories_is_refused() {
    let (root, copies) = snapshots();
    let other = root.path().join("other");
    let mut chain = engine(&other).unwrap();
    for height in 1..=3 {
        chain.submit(&transfer(&chain, 6)).unwrap();
        chain.produce(START + 1_000 * height).unwrap();
    }
    let got = chain.machine().head().block;
    drop(chain);
    let signed = last_signed(&copies[2]).hash();
    let path = rolled_back(root.path(), &copies[2], &other);
    let history = LocalError::AnotherHistory { height: 3, signed, got };
    assert_eq!(engine(&path).err(), Some(StartError::Engine(history)));
}

#[test]
fn a_record_that_cannot_be_used_stops_the_validator() {
    let (_root, copies) = snapshots();
    let path = &copies[2];
    let file = path.join("LAST-SIGNED");
    let original = fs::read(&file).unwrap();
    let open = || {
        let directory = Directory::open(path, &genesis(|_| {})).unwrap();
        LastSignedFile::open(&directory, 3).err()
    };
    assert_eq!(open(), None);
    for position in [0, 31, 32, 64, original.len() - 1] {
        let mut bytes = original.clone();
        bytes[position] ^= 1;
        fs::write(&file, bytes).unwrap();
        assert_eq!(open(), Some(LastSignedError::Damaged { path: file.clone() }));
    }
    // The checksum holds and the content is of no known form.
    let body = [genesis(|_| {}).hash().as_slice(), &[1, 2, 3]].concat();
    let sum = attestation::hash::derive("assay 2026 last-signed v1", &[&body]);
    fs::write(&file, [sum.as_slice(), &body].concat()).unwrap();
    let error = DecodeError::Truncated { what: "signed block", got: body.len() };
    assert_eq!(open(), Some(LastSignedError::Encoding { path: file.clone(), error }));
    for length in [0, 31, 32, original.len() - 1] {
        fs::write(&file, &original[..length]).unwrap();
        assert_eq!(open(), Some(LastSignedError::Damaged { path: file.clone() }));
    }
    fs::write(&file, &original).unwrap();
    // What a stopped replacement leaves beside the record is nothing to it.
    fs::write(path.join("LAST-SIGNED.tmp"), "half").unwrap();
    assert_eq!(open(), None);
    fs::remove_file(&file).unwrap();
    assert_eq!(open(), Some(LastSignedError::Missing { path: file.clone(), height: 3 }));
    fs::create_dir(&file).unwrap();
    assert_eq!(open(), Some(LastSignedError::Io { path: file.clone(), kind: std::io::ErrorKind::IsADirectory }));
    fs::remove_dir(&file).unwrap();

    let other = genesis(|params| params.block.interval_ms = 500);
    let elsewhere = tempfile::tempdir().unwrap();
    let directory = Directory::open(elsewhere.path(), &other).unwrap();
    fs::write(elsewhere.path().join("LAST-SIGNED"), &original).unwrap();
    let (expected, got) = (other.hash(), genesis(|_| {}).hash());
    let refused = LastSignedFile::open(&directory, 3).err();
    let path = elsewhere.path().join("LAST-SIGNED");
    assert_eq!(refused, Some(LastSignedError::AnotherChain { path, expected, got }));
}

#[test]
fn what_cannot_be_recorded_is_not_signed() {
    let directory = tempfile::tempdir().unwrap();
    let mut chain = engine(directory.path()).unwrap();
    chain.submit(&transfer(&chain, 5)).unwrap();
    // A directory in the way of the record.
    fs::create_dir(directory.path().join("LAST-SIGNED.tmp")).unwrap();
    let refused = chain.produce(START + 250).err();
    let kind = std::io::ErrorKind::IsADirectory;
    assert_eq!(refused, Some(LocalError::Guard(GuardError::Unwritten { kind })));
    assert_eq!((chain.machine().height(), chain.waiting()), (0, 1));
    fs::remove_dir(directory.path().join("LAST-SIGNED.tmp")).unwrap();
    assert_eq!(chain.produce(START + 500).unwrap().commit.outcomes.len(), 1);
}

#[test]
fn a_guard_in_memory_holds_the_same_rule() {
    let world = World::new();
    let proposer = validator().public_key().address();
    let block = world.machine().propose(&proposer, START + 1, &[], u64::MAX).unwrap().block;
    let mut ahead = block.clone();
    ahead.header.height = 3;
    let machine = || Machine::open(MemoryStore::new(), genesis(|_| {}), vec![setup().clone()]).unwrap();
    let guard = |block: &Block| Box::new(MemoryGuard::new(Some(block.clone())));
    let refused = LocalChain::guarded(machine(), validator(), guard(&ahead)).err();
    assert_eq!(refused, Some(LocalError::BlocksLost { signed: 3, height: 0 }));
    let chain = LocalChain::guarded(machine(), validator(), guard(&block)).unwrap();
    assert_eq!(chain.machine().head().block, block.hash());
    let got = account(1).public_key().address();
    let refused = LocalChain::guarded(machine(), account(1), guard(&block)).err();
    assert_eq!(refused, Some(LocalError::NotValidator { got }));
}

#[test]
fn a_start_says_what_stands_in_the_way() {
    let (_root, copies) = snapshots();
    let path = &copies[2];
    let stranger = account(1).public_key().address();
    let started = |key| start(path, genesis(|_| {}), vec![setup().clone()], key).err();
    assert_eq!(started(account(1)), Some(StartError::Engine(LocalError::NotValidator { got: stranger })));
    let setups = start(path, genesis(|_| {}), vec![], validator()).err();
    let missing = MachineError::Setup { setup: setup().id(), k_max: K };
    assert_eq!(setups, Some(StartError::Machine(missing)));
    let running = engine(path).unwrap();
    assert_eq!(started(validator()), Some(StartError::Open(OpenError::InUse { path: path.clone() })));
    drop(running);
    fs::remove_file(path.join("LAST-SIGNED")).unwrap();
    let missing = LastSignedError::Missing { path: path.join("LAST-SIGNED"), height: 3 };
    assert_eq!(started(validator()), Some(StartError::LastSigned(missing)));
}

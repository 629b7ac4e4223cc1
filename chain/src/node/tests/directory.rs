use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jmt::storage::TreeUpdateBatch;

use super::{blocks, copy, engine, machine, store};
use crate::node::store::SCHEMA;
use crate::node::{Directory, OpenError, RocksStore};
use crate::state::StateMachine;
use crate::state::store::{Batch, Head, Store, StoreError};
use crate::testing::genesis;

fn opened(path: &Path) -> Option<OpenError> {
    Directory::open(path, &genesis(|_| {})).and_then(|directory| RocksStore::open(&directory)).err()
}

fn made() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    blocks(directory.path(), 3);
    directory
}

/// Files of the database whose names start so, newest last.
fn files(path: &Path, starts: &str, ends: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(path.join("db"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(starts) && name.ends_with(ends)
        })
        .collect();
    files.sort();
    files
}

fn flip(path: &Path, position: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[position] ^= 0x55;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_directory_is_open_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let first = Directory::open(&path, &genesis(|_| {})).unwrap();
    assert_eq!(opened(&path), Some(OpenError::InUse { path: path.clone() }));
    // The store keeps the lock, also when the directory's own value is gone.
    let store = RocksStore::open(&first).unwrap();
    drop(first);
    assert_eq!(opened(&path), Some(OpenError::InUse { path: path.clone() }));
    drop(store);
    assert_eq!(opened(&path), None);
}

#[test]
fn another_chain_is_refused_by_name() {
    let directory = made();
    let other = genesis(|params| params.block.interval_ms = 500);
    let path = directory.path().to_owned();
    let (expected, got) = (other.hash(), genesis(|_| {}).hash());
    let refused = Directory::open(&path, &other).err();
    assert_eq!(
        refused,
        Some(OpenError::AnotherChain { path: path.clone(), expected_id: 1337, expected, got_id: 1337, got })
    );

    // The database of another chain under this chain's name.
    let mixed = tempfile::tempdir().unwrap();
    drop(Directory::open(mixed.path(), &other).unwrap());
    fs::remove_dir_all(mixed.path().join("db")).unwrap();
    copy(&path.join("db"), &mixed.path().join("db"));
    let directory = Directory::open(mixed.path(), &other).unwrap();
    assert_eq!(RocksStore::open(&directory).err(), Some(OpenError::Head { path: mixed.path().to_owned() }));
}

#[test]
fn another_schema_is_refused_naming_both() {
    let directory = made();
    let path = directory.path().to_owned();
    // A later format may say more; only its number is read.
    fs::write(path.join("CHAIN"), "assay chain data\nschema 7\nanything else\n").unwrap();
    assert_eq!(opened(&path), Some(OpenError::Schema { path, expected: SCHEMA, got: 7 }));
}

#[test]
fn a_damaged_identity_is_loud() {
    let directory = made();
    let path = directory.path().to_owned();
    let text = fs::read_to_string(path.join("CHAIN")).unwrap();
    let damaged = Some(OpenError::Identity { path: path.clone() });
    for bytes in [
        text.replace("assay chain data", "assay chain date"),
        text.replace("schema 1", "schema x"),
        text.replace("schema 1", "schema 01"),
        text.replace("chain 1337", "chain -1"),
        text.replace("genesis 0x", "genesis "),
        format!("{text}\n"),
        text[..text.len() - 1].to_owned(),
        String::new(),
        "x".repeat(2_000),
    ] {
        fs::write(path.join("CHAIN"), bytes).unwrap();
        assert_eq!(opened(&path), damaged);
    }
    fs::write(path.join("CHAIN"), [0xff, 0xfe]).unwrap();
    assert_eq!(opened(&path), damaged);
    // Without the file, the database is nobody's and stays as it is.
    fs::remove_file(path.join("CHAIN")).unwrap();
    assert_eq!(opened(&path), damaged);
    fs::write(path.join("CHAIN"), text).unwrap();
    assert_eq!(machine(&path).height(), 3);
}

#[test]
fn a_lost_database_is_not_made_anew() {
    let directory = made();
    let path = directory.path().to_owned();
    fs::remove_dir_all(path.join("db")).unwrap();
    assert_eq!(opened(&path), Some(OpenError::DatabaseMissing { path: path.clone() }));
    fs::create_dir(path.join("db")).unwrap();
    assert!(matches!(opened(&path), Some(OpenError::Damaged { .. } | OpenError::Database { .. })));
}

#[test]
fn somebody_elses_directory_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    fs::write(path.join("thesis.txt"), "words").unwrap();
    assert_eq!(opened(&path), Some(OpenError::Foreign { path: path.clone(), entry: "thesis.txt".to_owned() }));
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);

    let file = path.join("thesis.txt");
    let refused = opened(&file);
    assert_eq!(
        refused,
        Some(OpenError::Io { operation: "make the directory", path: file, kind: ErrorKind::AlreadyExists })
    );
}

#[test]
fn an_interrupted_creation_is_finished() {
    let whole = tempfile::tempdir().unwrap();
    drop(store(whole.path()));
    // Before CHAIN: what is there is thrown away.
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("db.new")).unwrap();
    fs::write(directory.path().join("db.new/CURRENT"), "half").unwrap();
    fs::write(directory.path().join("CHAIN.tmp"), "ass").unwrap();
    assert_eq!(machine(directory.path()).height(), 0);
    // After CHAIN: the database moves into place.
    let directory = tempfile::tempdir().unwrap();
    copy(whole.path(), directory.path());
    fs::rename(directory.path().join("db"), directory.path().join("db.new")).unwrap();
    assert_eq!(machine(directory.path()).height(), 0);
}

#[test]
fn a_directory_that_must_exist_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("absent");
    let refused = Directory::existing(&path, &genesis(|_| {})).err();
    assert_eq!((refused, path.exists()), (Some(OpenError::Absent { path: path.clone() }), false));
}

#[test]
fn a_damaged_manifest_is_loud() {
    let directory = made();
    let manifest = files(directory.path(), "MANIFEST", "").pop().unwrap();
    let length = fs::metadata(&manifest).unwrap().len() as usize;
    let original = fs::read(&manifest).unwrap();
    let mut refused = 0;
    for position in (0..length).step_by(length / 16) {
        flip(&manifest, position);
        let error = opened(directory.path());
        assert!(matches!(error, Some(OpenError::Damaged { .. })), "byte {position} of {length}: {error:?}");
        fs::write(&manifest, &original).unwrap();
        refused += 1;
    }
    assert!(refused >= 16);
    assert_eq!(engine(directory.path()).unwrap().machine().height(), 3);
}

#[test]
fn a_missing_file_of_the_database_is_loud() {
    let directory = made();
    let path = directory.path();
    // Opening again moves the blocks from the log into table files.
    drop(machine(path));
    for (starts, ends) in [("MANIFEST", ""), ("CURRENT", ""), ("", ".sst")] {
        let copied = tempfile::tempdir().unwrap();
        copy(path, copied.path());
        fs::remove_file(files(copied.path(), starts, ends).pop().unwrap()).unwrap();
        let error = opened(copied.path());
        let loud = matches!(error, Some(OpenError::Damaged { .. } | OpenError::Database { .. }));
        assert!(loud, "{starts}{ends}: {error:?}");
    }
}

#[test]
fn a_write_that_fails_is_an_error_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = store(directory.path());
    let head = |height| Head { genesis: [0; 32], height, block: [0; 32], time: 0, root: [0; 32], next_beacon: [0; 32] };
    let batch = |height, keys| Batch { head: head(height), tree: TreeUpdateBatch::default(), keys, block: None };
    // More than the write buffer holds, so that the next batch needs a new log; which has nowhere to go.
    let large: Vec<Vec<u8>> = (0..80).map(|number| vec![number; 1 << 20]).collect();
    store.apply(batch(0, large)).unwrap();
    fs::remove_dir_all(directory.path().join("db")).unwrap();
    let refused = store.apply(batch(1, vec![vec![1]]));
    assert!(matches!(refused, Err(StoreError::Database { what: "the batch of a block", .. })), "{refused:?}");
    assert_eq!(store.head().unwrap().map(|head| head.height), Some(0));
}

//! What a check finds: nothing on a sound directory, and every byte that was bent on a damaged one.

use std::fs;
use std::path::{Path, PathBuf};

use rocksdb::{DB, Options};

use super::{blocks, copy, engine, machine};
use crate::node::check::{CheckError, Report, check};
use crate::node::{Directory, LastSignedError, OpenError, RocksStore, StartError};
use crate::state::store::{Batch, Head, Store, StoreError};
use crate::state::{AuditError, Key, LocalError, MachineError, Object, StateMachine, tree};
use crate::testing::{account, genesis, setup};
use crate::types::block::{Block, ComputeResult};
use crate::types::event::{Event, Outcome};
use crate::types::ledger::{Account, Holdings};
use crate::types::transaction::encode;

fn checked(path: &Path) -> Result<Report, CheckError> {
    check(path, &genesis(|_| {}), vec![setup().clone()])
}

fn files(path: &Path, ends: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.join("db")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(ends)).collect();
    files.sort();
    files
}

/// Changes the database behind the store's back.
fn tamper(path: &Path, change: impl FnOnce(&DB)) {
    let names = DB::list_cf(&Options::default(), path.join("db")).unwrap();
    let database = DB::open_cf(&Options::default(), path.join("db"), names).unwrap();
    change(&database);
}

pub(super) fn delete(path: &Path, family: &str, key: &[u8]) {
    tamper(path, |database| database.delete_cf(database.cf_handle(family).unwrap(), key).unwrap());
}

pub(super) fn put(path: &Path, family: &str, key: &[u8], value: &[u8]) {
    tamper(path, |database| database.put_cf(database.cf_handle(family).unwrap(), key, value).unwrap());
}

pub(super) fn get(path: &Path, family: &str, key: &[u8]) -> Vec<u8> {
    let mut value = None;
    tamper(path, |database| value = database.get_cf(database.cf_handle(family).unwrap(), key).unwrap());
    value.unwrap()
}

fn sound() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    blocks(directory.path(), 4);
    directory
}

#[test]
fn a_sound_directory_is_in_order() {
    let directory = sound();
    let report = checked(directory.path()).unwrap();
    let machine = machine(directory.path());
    assert_eq!((report.audit.height, report.audit.root, report.signed), (4, machine.root(), Some(4)));
    assert_eq!(report.audit, machine.audit().unwrap());
    let entries: std::collections::BTreeMap<_, _> = report.contents.entries.into_iter().collect();
    for (family, count) in [("meta", 1), ("blocks", 4), ("certs", 4), ("receipts", 4), ("tx_index", 4)] {
        assert_eq!(entries[family], count, "{family}");
    }
    assert_eq!(entries["key_index"], report.audit.objects);
}

#[test]
fn an_empty_or_absent_chain_is_said_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    assert_eq!(checked(&path), Err(CheckError::Open(OpenError::Absent { path: path.clone() })));
    drop(Directory::open(&path, &genesis(|_| {})).unwrap());
    assert_eq!(checked(&path), Err(CheckError::Empty));
    // The check did not write genesis.
    assert_eq!(checked(&path), Err(CheckError::Empty));
}

#[test]
fn what_is_missing_or_changed_is_named() {
    let directory = sound();
    let third = 3u64.to_be_bytes();
    let found = |change: &dyn Fn(&Path)| {
        let copied = tempfile::tempdir().unwrap();
        copy(directory.path(), copied.path());
        change(copied.path());
        checked(copied.path()).unwrap_err()
    };
    assert_eq!(found(&|path| delete(path, "blocks", &third)), CheckError::Block { height: 3 });
    for (family, what) in [("certs", "the certificate of a block"), ("receipts", "the receipts of a block")] {
        assert_eq!(found(&|path| delete(path, family, &third)), CheckError::Store(StoreError::Corrupt { what }));
    }
    assert_eq!(
        found(&|path| put(path, "blocks", &third, &get(path, "blocks", &2u64.to_be_bytes()))),
        CheckError::Link { height: 3, error: verifier::inclusion::LinkError::Height { expected: 3, got: 2 } }
    );
    assert!(matches!(
        found(&|path| put(path, "certs", &4u64.to_be_bytes(), &get(path, "certs", &third))),
        CheckError::Certificate { height: 4, .. }
    ));
    assert_eq!(
        found(&|path| put(path, "receipts", &third, &get(path, "receipts", &2u64.to_be_bytes()))),
        CheckError::Part { height: 3, part: "outcomes" }
    );
    assert_eq!(
        found(&|path| put(path, "receipts", &third, &[0; 12])),
        CheckError::Part { height: 3, part: "outcomes" }
    );
    let id = *crate::types::CheckedTransaction::parse(
        &machine(directory.path()).block(3).unwrap().unwrap().block.transactions[0],
    )
    .unwrap()
    .id();
    let index = CheckError::Index { height: 3, position: 0 };
    assert_eq!(found(&|path| delete(path, "tx_index", &id)), index);
    let elsewhere = [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0];
    assert_eq!(found(&|path| put(path, "tx_index", &id, &elsewhere)), index);
    let what = "the place of a transaction";
    let corrupt = CheckError::Store(StoreError::Corrupt { what });
    assert_eq!(found(&|path| put(path, "tx_index", &id, &[1])), corrupt);
    for (family, what) in [("jmt_nodes", "jmt_nodes"), ("jmt_values", "jmt_values")] {
        assert_eq!(found(&|path| put(path, family, b"key", &[9, 9])), CheckError::Store(StoreError::Corrupt { what }),);
    }
    assert!(matches!(found(&|path| put(path, "meta", b"head", &[1])), CheckError::Open(OpenError::Head { .. })));
    let head = |change: &dyn Fn(&mut Head)| {
        found(&|path| {
            let mut head: Head = borsh::from_slice(&get(path, "meta", b"head")).unwrap();
            change(&mut head);
            put(path, "meta", b"head", &encode(&head));
        })
    };
    assert_eq!(head(&|head| head.block = [0; 32]), CheckError::Head { height: 4 });
    assert_eq!(head(&|head| head.next_beacon = [0; 32]), CheckError::Head { height: 4 });
    assert_eq!(head(&|head| head.height = 2), CheckError::BlocksLost { signed: 4, height: 2 });
    assert_eq!(head(&|head| head.height = 5), CheckError::Block { height: 5 });
    assert!(matches!(head(&|head| head.genesis = [0; 32]), CheckError::Open(OpenError::Head { .. })));
}

#[test]
fn blocks_that_are_not_those_of_their_headers_are_found() {
    let directory = sound();
    let third = 3u64.to_be_bytes();
    let found = |family: &str, change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let copied = tempfile::tempdir().unwrap();
        copy(directory.path(), copied.path());
        let value = change(&get(copied.path(), family, &third));
        put(copied.path(), family, &third, &value);
        checked(copied.path()).unwrap_err()
    };
    let block = |change: &dyn Fn(&mut Block)| {
        found("blocks", &|bytes| {
            let mut block: Block = borsh::from_slice(bytes).unwrap();
            change(&mut block);
            encode(&block)
        })
    };
    let part = |part| CheckError::Part { height: 3, part };
    assert_eq!(block(&|block| block.transactions.clear()), part("transactions"));
    // A header that was changed has no certificate, so all that it claims is out of reach.
    assert!(matches!(block(&|block| block.header.state_root = [0; 32]), CheckError::Certificate { height: 3, .. }));
    type Receipts = (Vec<Outcome>, Vec<Event>, Vec<ComputeResult>);
    let result = found("receipts", &|bytes| {
        let (outcomes, closing, mut results): Receipts = borsh::from_slice(bytes).unwrap();
        results.push(ComputeResult {
            job: [1; 32],
            worker: [2; 32],
            context_digest: [3; 32],
            receipt: [4; 32],
            model: [5; 32],
            input_hash: [6; 32],
            output_hash: [7; 32],
            units: 8,
            trust_bps: 9,
            reward: 10,
        });
        encode(&(outcomes, closing, results))
    });
    assert_eq!(result, part("compute results"));
    let outcome = found("receipts", &|bytes| {
        let (mut outcomes, closing, results): Receipts = borsh::from_slice(bytes).unwrap();
        outcomes[0].transaction = [0; 32];
        encode(&(outcomes, closing, results))
    });
    assert_eq!(outcome, part("outcomes"));
}

#[test]
fn a_tree_without_its_root_or_with_another_is_found() {
    let directory = sound();
    let root_of = |height: u64| [height.to_be_bytes().as_slice(), &[0]].concat();
    let copied = tempfile::tempdir().unwrap();
    copy(directory.path(), copied.path());
    let earlier = get(copied.path(), "jmt_nodes", &root_of(2));
    put(copied.path(), "jmt_nodes", &root_of(3), &earlier);
    assert_eq!(checked(copied.path()), Err(CheckError::Root { height: 3 }));
    put(copied.path(), "jmt_nodes", &root_of(4), &earlier);
    assert_eq!(engine(copied.path()).err(), Some(StartError::Machine(MachineError::Root { height: 4 })));
    delete(copied.path(), "jmt_nodes", &root_of(4));
    let lost = engine(copied.path()).err();
    assert!(matches!(lost, Some(StartError::Machine(MachineError::Store(StoreError::Tree { .. })))), "{lost:?}");
}

#[test]
fn a_check_reads_the_record_of_the_last_signature() {
    let directory = sound();
    let path = directory.path().join("LAST-SIGNED");
    fs::write(&path, "half").unwrap();
    assert_eq!(checked(directory.path()), Err(CheckError::LastSigned(LastSignedError::Damaged { path })));
    // It may be absent: not every node signs.
    fs::remove_file(directory.path().join("LAST-SIGNED")).unwrap();
    assert_eq!(checked(directory.path()).unwrap().signed, None);
}

#[test]
fn an_object_changed_past_the_rules_is_found() {
    let directory = sound();
    let path = directory.path();
    let rich = Key::Account(account(9).public_key().address());
    let opened = Directory::open(path, &genesis(|_| {})).unwrap();
    let mut store = RocksStore::open(&opened).unwrap();
    let head = store.head().unwrap().unwrap();
    let write = (rich.to_bytes(), Some(encode(&Object::Account(Account { nonce: 0, balance: 1 }))));
    let (root, tree) = tree::update(&store, 5, &[write]).unwrap();
    let keys = vec![rich.to_bytes()];
    store.apply(Batch { head: Head { height: 5, root, ..head }, tree, keys, block: None }).unwrap();
    drop((store, opened));
    // As a whole block that never was, and under the head of the last one.
    assert_eq!(checked(path), Err(CheckError::Block { height: 5 }));
    let machine = machine(path);
    let stated = machine.supply().unwrap().held;
    let held = Holdings { balances: stated.balances + 1, ..stated };
    let mismatch = AuditError::Holdings { stated: Box::new(stated), held: Box::new(held) };
    assert_eq!(machine.audit(), Err(mismatch));
}

#[test]
fn a_bent_table_file_is_found_and_not_repaired() {
    let directory = sound();
    let path = directory.path();
    // Opening again moves the blocks from the log into table files.
    drop(machine(path));
    let report = checked(path).unwrap();
    let tables = files(path, ".sst");
    assert!(tables.len() >= 8, "{tables:?}");
    let mut bent = 0;
    for table in &tables {
        let original = fs::read(table).unwrap();
        for position in [0, original.len() / 2, original.len() - 9] {
            let copied = tempfile::tempdir().unwrap();
            copy(path, copied.path());
            let name = copied.path().join("db").join(table.file_name().unwrap());
            let mut bytes = original.clone();
            bytes[position] ^= 0x10;
            fs::write(&name, &bytes).unwrap();
            match checked(copied.path()) {
                Err(CheckError::Open(OpenError::Damaged { .. }) | CheckError::Store(StoreError::Damaged { .. })) => {
                    bent += 1;
                }
                // Statistics and filters are not the chain; the check reads all that is.
                Ok(again) => assert_eq!(again, report),
                other => panic!("{name:?} at {position}: {other:?}"),
            }
            assert!(name.exists() && fs::read(&name).unwrap() == bytes);
        }
    }
    assert!(bent > tables.len(), "{bent}");
    assert_eq!(checked(path), Ok(report));
}

#[test]
fn a_bent_log_never_shortens_the_chain_of_a_validator() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    blocks(path, 6);
    let head = machine_head(path);
    let log = files(path, ".log").pop().unwrap();
    let original = fs::read(&log).unwrap();
    let (mut refused, mut finished) = (0, 0);
    for position in (0..original.len()).step_by(original.len() / 24) {
        let copied = tempfile::tempdir().unwrap();
        copy(path, copied.path());
        let mut bytes = original.clone();
        bytes[position] ^= 0x10;
        fs::write(copied.path().join("db").join(log.file_name().unwrap()), bytes).unwrap();
        let opened =
            Directory::open(copied.path(), &genesis(|_| {})).and_then(|directory| RocksStore::open(&directory));
        match opened {
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("byte {position}: {other}"),
            Ok(store) => {
                drop(store);
                match engine(copied.path()) {
                    Err(StartError::Engine(LocalError::BlocksLost { signed: 6, .. })) => refused += 1,
                    Err(other) => panic!("byte {position}: {other}"),
                    Ok(chain) => {
                        assert_eq!(*chain.machine().head(), head, "byte {position}");
                        finished += 1;
                    }
                }
            }
        }
    }
    assert!(refused > 12, "{refused} refused, {finished} finished");
}

/// The head after the blocks, read from a copy so that the log stays as it is.
fn machine_head(path: &Path) -> Head {
    let copied = tempfile::tempdir().unwrap();
    copy(path, copied.path());
    *machine(copied.path()).head()
}

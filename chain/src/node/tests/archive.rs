//! Chains in files: what is written is read back, what was bent is refused, what is spent stays spent.

use std::fs;
use std::path::{Path, PathBuf};

use attestation::hash::derive;
use verifier::inclusion::RangeError;

use super::serving::{INTERVAL_MS, Served, client, error, options, quick, serve_at};
use super::{blocks, engine, machine, transfer};
use crate::api::{Bytes, ChainApiClient, Code, ObjectKind};
use crate::node::archive::{
    ArchiveError, ArchiveKind, ArchiveReader, Archived, export, import_blocks, restore, snapshot,
};
use crate::node::{CheckError, LastSignedError, OpenError, ReplayError, Report, StartError, check, replay};
use crate::state::StateMachine;
use crate::state::store::Store;
use crate::testing::{START, World, genesis, setup};
use crate::types::event::Event;
use crate::types::genesis::Genesis;
use crate::types::transaction::Action;

pub(super) fn ours() -> Genesis {
    genesis(|_| {})
}

pub(super) fn checked(path: &Path) -> Result<Report, CheckError> {
    check(path, &ours(), vec![setup().clone()])
}

pub(super) struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    /// A stopped node's directory of some blocks.
    pub(super) fn new(count: u64) -> Self {
        let case = Self { folder: tempfile::tempdir().unwrap() };
        blocks(&case.path("data"), count);
        case
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn snapshot(&self) -> Archived {
        snapshot(&self.path("data"), &ours(), &self.path("state")).unwrap()
    }

    pub(super) fn export(&self) -> Archived {
        export(&self.path("data"), &ours(), &self.path("blocks")).unwrap()
    }

    fn restore(&self, file: &Path, name: &str, validate: bool) -> Result<Archived, ArchiveError> {
        let reader = ArchiveReader::open(file)?;
        let answer = match reader.kind() {
            ArchiveKind::State => restore(reader, &self.path(name), validate),
            ArchiveKind::Blocks => import_blocks(reader, vec![setup().clone()], &self.path(name), validate),
        };
        assert_eq!(self.path(name).exists(), answer.is_ok());
        answer
    }

    /// What a bent file is refused for.
    fn refused(&self, bytes: &[u8]) -> ArchiveError {
        fs::write(self.path("bent"), bytes).unwrap();
        self.restore(&self.path("bent"), "new", false).unwrap_err()
    }
}

/// The same file with the checksum that fits.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 32;
    let checksum = derive("assay 2026 archive v1", &[&bytes[..end]]);
    bytes[end..].copy_from_slice(&checksum);
    bytes
}

/// Where each record's bytes are.
fn records(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut records, mut at) = (Vec::new(), 17);
    loop {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        if length == 0 {
            return records;
        }
        records.push(at + 4..at + 4 + length);
        at += 4 + length;
    }
}

#[test]
fn a_restored_state_has_the_same_root_and_goes_on() {
    let case = Case::new(6);
    let before = checked(&case.path("data")).unwrap().audit;
    let written = case.snapshot();
    assert_eq!((written.height, written.root, written.entries), (6, before.root, before.objects));
    assert_eq!(case.restore(&case.path("state"), "new", false), Ok(written));
    let report = checked(&case.path("new")).unwrap();
    assert_eq!((&report.audit, report.signed), (&before, None));
    // Without a record nobody signs there: the old directory may have gone on.
    let missing = engine(&case.path("new")).map(|_| ()).unwrap_err();
    assert!(matches!(missing, StartError::LastSigned(LastSignedError::Missing { height: 6, .. })), "{missing:?}");
    assert_eq!(replay(&case.path("new"), &ours(), vec![setup().clone()]), Err(ReplayError::Pruned { from: 7 }));

    case.restore(&case.path("state"), "validator", true).unwrap();
    let chains = ["data", "validator"].map(|name| {
        let mut chain = engine(&case.path(name)).unwrap();
        for _ in 0..3 {
            chain.submit(&transfer(&chain, 5)).unwrap();
            chain.produce(START + 250 * (chain.machine().height() + 1)).unwrap();
        }
        *chain.machine().head()
    });
    assert_eq!(chains[0], chains[1]);
    let report = checked(&case.path("validator")).unwrap();
    assert_eq!((report.audit.height, report.signed), (9, Some(9)));
    // A snapshot of a restored directory is a snapshot like any other.
    snapshot(&case.path("validator"), &ours(), &case.path("again")).unwrap();
    snapshot(&case.path("data"), &ours(), &case.path("other")).unwrap();
    assert_eq!(fs::read(case.path("again")).unwrap(), fs::read(case.path("other")).unwrap());
    let held = ArchiveError::BlocksPruned { from: 7 };
    assert_eq!(export(&case.path("validator"), &ours(), &case.path("none")), Err(held));
}

#[test]
fn a_chain_is_read_while_its_node_goes_on() {
    let case = Case::new(3);
    let mut chain = engine(&case.path("data")).unwrap();
    let (stop, stopped) = std::sync::mpsc::channel();
    let node = std::thread::spawn(move || {
        while stopped.try_recv().is_err() {
            chain.submit(&transfer(&chain, 5)).unwrap();
            chain.produce(START + 250 * (chain.machine().height() + 1)).unwrap();
        }
        chain.machine().height()
    });
    let mut heights = Vec::new();
    for round in 0..5 {
        let [state, blocks] = ["state", "blocks"].map(|name| case.path(&format!("{name}-{round}")));
        let written = snapshot(&case.path("data"), &ours(), &state).unwrap();
        assert_eq!(case.restore(&state, &format!("new-{round}"), false), Ok(written));
        let exported = export(&case.path("data"), &ours(), &blocks).unwrap();
        assert!(exported.height >= written.height);
        assert_eq!(case.restore(&blocks, &format!("again-{round}"), false), Ok(exported));
        heights.push(written.height);
    }
    stop.send(()).unwrap();
    let last = node.join().unwrap();
    assert!(heights.is_sorted() && heights[0] >= 3 && heights[4] <= last && heights[0] < heights[4], "{heights:?}");
    // Nothing is left of it but the files, and the node's directory is as it must be.
    let names =
        fs::read_dir(case.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.ends_with(".reading") || name.ends_with(".partial")));
    assert_eq!(checked(&case.path("data")).unwrap().audit.height, last);
    let other = genesis(|params| params.window.draw += 1);
    let held = engine(&case.path("data")).unwrap();
    let refused = snapshot(&case.path("data"), &other, &case.path("none")).unwrap_err();
    assert!(matches!(refused, ArchiveError::Open(OpenError::AnotherChain { .. })), "{refused:?}");
    drop(held);
}

#[test]
fn imported_blocks_are_the_chain() {
    let case = Case::new(5);
    let written = case.export();
    assert_eq!((written.height, written.entries), (5, 5));
    assert_eq!(case.restore(&case.path("blocks"), "new", true), Ok(written));
    let (old, new) = (checked(&case.path("data")).unwrap(), checked(&case.path("new")).unwrap());
    assert_eq!(old, new);
    replay(&case.path("new"), &ours(), vec![setup().clone()]).unwrap();
    let mut chain = engine(&case.path("new")).unwrap();
    chain.submit(&transfer(&chain, 5)).unwrap();
    assert_eq!(chain.produce(START + 10_000).unwrap().commit.height, 6);
}

#[test]
fn nothing_is_overwritten_and_nothing_is_read_as_something_else() {
    let case = Case::new(2);
    // Left by one that was interrupted.
    fs::write(case.path("state.partial"), b"half").unwrap();
    case.snapshot();
    assert!(!case.path("state.partial").exists());
    let again = snapshot(&case.path("data"), &ours(), &case.path("state"));
    assert_eq!(again, Err(ArchiveError::Io { operation: "make the file", kind: std::io::ErrorKind::AlreadyExists }));
    let reader = ArchiveReader::open(&case.path("state")).unwrap();
    let occupied = ArchiveError::Occupied { path: case.path("data") };
    assert_eq!(restore(reader, &case.path("data"), false), Err(occupied));
    // An import that was interrupted is begun anew.
    fs::create_dir_all(case.path("new.partial").join("db.new")).unwrap();
    case.restore(&case.path("state"), "new", false).unwrap();
    assert!(!case.path("new.partial").exists());
    assert_eq!(case.refused(b""), ArchiveError::NoArchive);
    assert_eq!(case.refused(&[b'x'; 100]), ArchiveError::NoArchive);
    let mut newer = fs::read(case.path("state")).unwrap();
    newer[14] = 2;
    assert_eq!(case.refused(&newer), ArchiveError::Version { expected: 1, got: 2 });
    let empty = case.path("empty");
    drop(machine(&empty));
    assert_eq!(snapshot(&empty, &ours(), &case.path("x")), Err(ArchiveError::Empty));
    assert_eq!(export(&empty, &ours(), &case.path("y")), Err(ArchiveError::Empty));
}

#[test]
fn every_bent_byte_of_a_file_is_noticed() {
    let case = Case::new(2);
    case.snapshot();
    case.export();
    for name in ["state", "blocks"] {
        let good = fs::read(case.path(name)).unwrap();
        let step = good.len() / 60 + 1;
        for position in (0..good.len()).step_by(step).chain([14, 16, good.len() - 33, good.len() - 1]) {
            let mut bent = good.clone();
            bent[position] ^= 1;
            case.refused(&bent);
        }
        for length in (0..good.len()).step_by(step) {
            case.refused(&good[..length]);
        }
        let long = ArchiveError::Shape { what: "the file goes on after its end" };
        assert_eq!(case.refused(&[&good, [0].as_slice()].concat()), long);
    }
}

#[test]
fn a_state_that_was_changed_with_its_checksum_is_refused() {
    let case = Case::new(3);
    case.snapshot();
    let good = fs::read(case.path("state")).unwrap();
    let found = records(&good);
    let [_, last, chunk] = found.as_slice() else { panic!("{found:?}") };
    for position in [chunk.start + 60, chunk.start + 400, chunk.end - 40] {
        let mut bent = good.clone();
        bent[position] ^= 1;
        let error = case.refused(&sealed(bent));
        assert!(
            matches!(
                error,
                ArchiveError::Range(RangeError::Root { .. } | RangeError::Order { .. }) | ArchiveError::Record { .. }
            ),
            "{position}: {error:?}"
        );
    }
    // A balance more for whoever made the file.
    let balance = crate::testing::FUNDS.to_le_bytes();
    let at = chunk.start + good[chunk.clone()].windows(16).position(|bytes| bytes == balance).unwrap();
    let mut richer = good.clone();
    richer[at] ^= 1;
    assert!(matches!(case.refused(&sealed(richer)), ArchiveError::Range(RangeError::Root { .. })));
    // Another header is not finalised.
    let mut header = good.clone();
    header[last.start + 8] ^= 1;
    assert!(matches!(case.refused(&sealed(header)), ArchiveError::Certificate { height: 3, .. }));
    // No entries at all.
    let mut none = good[..last.end].to_vec();
    none.extend([0; 36]);
    assert_eq!(case.refused(&sealed(none)), ArchiveError::Range(RangeError::Unfinished { entries: 0 }));
}

#[test]
fn blocks_that_were_changed_with_their_checksum_are_refused() {
    let case = Case::new(3);
    case.export();
    let good = fs::read(case.path("blocks")).unwrap();
    let records = records(&good);
    let without = |skip: usize| {
        let mut bytes = good[..17].to_vec();
        for (position, record) in records.iter().enumerate().filter(|(position, _)| *position != skip) {
            assert!(position < 9);
            bytes.extend(u32::try_from(record.len()).unwrap().to_le_bytes());
            bytes.extend(&good[record.clone()]);
        }
        bytes.extend([0; 36]);
        sealed(bytes)
    };
    assert!(matches!(case.refused(&without(1)), ArchiveError::Block { height: 1, .. }));
    assert!(matches!(case.refused(&without(2)), ArchiveError::Block { height: 2, .. }));
    // Blocks at the end that are missing make a shorter chain, which is a chain.
    fs::write(case.path("short"), without(3)).unwrap();
    assert_eq!(case.restore(&case.path("short"), "short-chain", false).unwrap().height, 2);
    // What no hash covers is compared with what running the block gives.
    let mut bent = good.clone();
    bent[records[3].end - 12] ^= 1;
    let error = case.refused(&sealed(bent));
    assert!(
        matches!(error, ArchiveError::Recorded { height: 3, .. } | ArchiveError::Record { position: 4, .. }),
        "{error:?}"
    );
}

/// The double-spend matrix after pruning and after a restore: the same work is refused as before, for the same reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_spent_stays_spent() {
    let served = Served::start().await;
    let model = served.staffed().await;
    let leased = served.lease(served.post(model).await).await;
    let world = World::with(|params| params.block.interval_ms = INTERVAL_MS);
    let submission = world.submission_with(&leased, |receipt| receipt.completed_at = leased.context.timestamp + 1);
    served.vouch(model, &leased.context).await;
    let outcome = served.act(2, Action::SubmitResult(Box::new(submission.clone()))).await;
    assert!(matches!(outcome.events.as_slice(), [Event::Settled { .. }]), "{outcome:?}");
    // The same work again, and again under another time.
    let mut retimed = world.submission_with(&leased, |receipt| receipt.completed_at = leased.context.timestamp + 2);
    retimed.lease.version += 1;
    let again = [submission, retimed].map(|work| Action::SubmitResult(Box::new(work)));
    let mut refusals = Vec::new();
    for action in &again {
        let signed = served.signed(2, action.clone()).await;
        let (_, refusal) = error(served.client.submit(Bytes(signed.to_bytes())).await);
        refusals.push(refusal.unwrap());
    }
    let spent = served.client.list(ObjectKind::SpentWork, None, None).await.unwrap();
    assert_eq!(spent.len(), 1);
    let Served { node, directory, .. } = served;
    node.stop().await.unwrap();
    let (data, file) = (directory.path().join("data"), directory.path().join("state"));
    let mut store = crate::node::RocksStore::open(&crate::node::Directory::open(&data, &quick()).unwrap()).unwrap();
    let head = store.head().unwrap().unwrap();
    store.prune(head.height, head.height).unwrap();
    drop(store);
    snapshot(&data, &quick(), &file).unwrap();
    let restored = directory.path().join("restored");
    restore(ArchiveReader::open(&file).unwrap(), &restored, true).unwrap();
    let mut directory = Some(directory);
    for path in [data, restored] {
        let node = serve_at(&path, options()).await.unwrap();
        let client = client(node.address());
        let served = Served { node, client, directory: directory.take().unwrap() };
        assert_eq!(served.status().await.state_root, head.root);
        assert_eq!(served.client.list(ObjectKind::SpentWork, None, None).await.unwrap(), spent);
        // What the state is can be shown at once, also where no block was made yet.
        let proof = served.client.object(ObjectKind::Supply, None, Some(true)).await.unwrap().proof.unwrap();
        assert_eq!(proof.header.state_root, head.root);
        let (gone, _) = error(served.client.events(1, None, None).await);
        assert_eq!(gone.code(), -32_602);
        assert!(gone.message().starts_with("from: this node keeps blocks from height "), "{}", gone.message());
        for (action, before) in again.iter().zip(&refusals) {
            let signed = served.signed(2, action.clone()).await;
            let (told, refusal) = error(served.client.submit(Bytes(signed.to_bytes())).await);
            assert_eq!((told.code(), refusal.as_ref()), (Code::Refused.number(), Some(before)));
        }
        let Served { node, directory: folder, .. } = served;
        node.stop().await.unwrap();
        directory = Some(folder);
    }
}

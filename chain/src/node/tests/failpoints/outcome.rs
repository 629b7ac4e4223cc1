//! What must be there after an interruption, and that the task then succeeds.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use super::child::REFUSED;
use super::{Base, Ended, Task, entries};
use crate::api::{Bytes, ChainApiClient, HashText, TransactionState};
use crate::node::archive::{ArchiveReader, export, import_blocks, restore, snapshot};
use crate::node::failpoint::{Action, Point, Step, Write};
use crate::node::tests::archive::{checked, ours};
use crate::node::tests::serving::{client, options, quick, serve_at, transfer};
use crate::node::tests::{engine, store};
use crate::node::{CheckError, Directory, LastSignedFile, OpenError, check};
use crate::state::SigningGuard;
use crate::testing::setup;
use crate::types::ids::Hash;

/// Signal of a process that ended itself.
const ABORTED: i32 = 6;

/// One interruption.
pub(super) struct Case<'a> {
    pub(super) base: &'a Base,
    pub(super) folder: &'a Path,
    pub(super) point: Point,
    pub(super) is_last: bool,
    pub(super) action: Action,
    pub(super) ended: Ended,
}

/// What the message of a full disk names, by what could not be written.
fn operation(task: Task, Point(write, step): Point) -> &'static str {
    match write {
        Write::Leftover => match task {
            Task::Serve | Task::Recreate | Task::Prune => "remove the unfinished db.new: ",
            Task::Export | Task::Snapshot => "archive: remove an unfinished file: ",
            Task::SnapshotBeside => "remove the notes of an interrupted reading: ",
            Task::Import | Task::Restore => "archive: remove an unfinished import: ",
        },
        Write::Folder => "make the directory: ",
        Write::Lock => "open LOCK: ",
        Write::NewDatabase => "make the database: ",
        Write::Identity => "write CHAIN: ",
        Write::Database => "put the database in place: ",
        Write::Recovery => "open the database: ",
        Write::Genesis | Write::Block => "store: the batch of a block: ",
        Write::LastSigned => "signing: the record of the last signed block could not be written, ",
        Write::Floor => "store: what is kept: ",
        Write::Pruned => "store: what is pruned: ",
        Write::Compaction => "store: the table files: ",
        Write::Archive if step == Step::Before => "archive: make the file: ",
        Write::Archive if step == Step::Torn => "archive: write the file: ",
        Write::Archive => "archive: put the file in place: ",
        Write::Notes => "make a folder for the database's notes: ",
        Write::Restored => "store: a restored state: ",
        Write::Import => "archive: put the directory in place: ",
    }
}

impl Case<'_> {
    /// Fails with what does not agree.
    pub(super) fn settle(self) {
        let context = format!("{:?}, {}, {:?}", self.base.task, self.point, self.action);
        println!("{context}");
        self.ended_as_asked();
        match self.base.task {
            Task::Serve | Task::Recreate => {
                let torn = self.cut(&self.folder.join("data"));
                served(&self.folder.join("data"), &self.ended, torn);
            }
            Task::Prune => self.pruned(),
            Task::Export | Task::Snapshot | Task::SnapshotBeside => self.written(),
            Task::Import | Task::Restore => self.imported(),
        }
    }

    /// Stopped at the point, or with an error that says what could not be written and what to do.
    fn ended_as_asked(&self) {
        let Self { ended, point, action, base, .. } = self;
        match action {
            Action::Abort => assert_eq!(ended.status.signal(), Some(ABORTED), "{ended:?}"),
            Action::Refuse if base.task == Task::SnapshotBeside && self.is_overcome() => {
                assert!(ended.status.success(), "{ended:?}");
            }
            Action::Refuse => {
                assert_eq!(ended.status.code(), Some(REFUSED), "{ended:?}");
                let errors: Vec<&str> = ended.after("error").collect();
                let expected = format!("{}no storage space", operation(base.task, *point));
                assert!(matches!(errors[..], [error] if error.contains(&expected)), "{expected}: {errors:?}");
                assert!(errors[0].contains("check the disk"), "{errors:?}");
            }
        }
    }

    /// Whether a snapshot beside a node goes on: the file is tried again, and notes that nobody needs any more may stay.
    fn is_overcome(&self) -> bool {
        match self.point {
            Point(Write::Archive, step) => matches!(step, Step::Before | Step::Torn),
            Point(write, _) => write == Write::Leftover && self.is_last,
        }
    }

    /// Cuts the last record of the log, if the process ended while it was being written; whether it did.
    fn cut(&self, data: &Path) -> bool {
        let is_batch = matches!(self.point.0, Write::Genesis | Write::Block | Write::Floor | Write::Pruned);
        if self.action != Action::Abort || self.point.1 != Step::Torn || !is_batch {
            return false;
        }
        let mut logs: Vec<PathBuf> =
            fs::read_dir(data.join("db")).unwrap().map(|entry| entry.unwrap().path()).collect();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.sort();
        let log = fs::File::options().write(true).open(logs.last().unwrap()).unwrap();
        log.set_len(log.metadata().unwrap().len() - 9).unwrap();
        true
    }

    fn pruned(&self) {
        let (data, whole) = (self.folder.join("data"), self.folder.join("whole"));
        self.cut(&data);
        let expected = checked(&whole).unwrap();
        let left = checked(&data).unwrap();
        assert_eq!((left.audit, left.signed), (expected.audit, expected.signed));
        store(&data).prune(20, 11).unwrap();
        assert_eq!(checked(&data).unwrap(), expected);
    }

    /// The file is there as a whole, or can be written; the directory is as it was.
    fn written(&self) {
        let data = self.folder.join("data");
        let beside = (self.base.task == Task::SnapshotBeside).then(|| engine(&data).unwrap());
        let (name, expected) = (if self.base.task == Task::Export { "blocks" } else { "state" }, self.base.archived);
        let file = self.folder.join(name);
        if !file.exists() {
            let again = match self.base.task {
                Task::Export => export(&data, &ours(), &file),
                _ => snapshot(&data, &ours(), &file),
            };
            assert_eq!(again.ok(), expected);
        }
        drop(beside);
        let read = self.read(name, "copy");
        assert_eq!(read, expected);
        assert_eq!(checked(&data).unwrap().audit, checked(&self.folder.join("copy")).unwrap().audit);
        // Only what was put in place before somebody else failed to say so may leave its notes.
        let mut left = entries(self.folder);
        left.remove(&format!("{name}.reading"));
        assert_eq!(left, ["copy", "data", name].map(str::to_owned).into());
    }

    fn imported(&self) {
        let new = self.folder.join("new");
        let name = if self.base.task == Task::Import { "blocks" } else { "state" };
        if !new.exists() {
            assert_eq!(self.read(name, "new"), self.base.archived);
        }
        let (old, report) = (checked(&self.folder.join("data")).unwrap(), checked(&new).unwrap());
        assert_eq!((&report.audit, report.signed), (&old.audit, old.signed));
        let mut chain = engine(&new).unwrap();
        let time = chain.machine().head().time + 250;
        assert_eq!(chain.produce(time).unwrap().commit.height, old.audit.height + 1);
        assert_eq!(entries(self.folder), ["data", name, "new"].map(str::to_owned).into());
    }

    /// Reads a file into a new directory.
    fn read(&self, name: &str, into: &str) -> Option<crate::node::Archived> {
        let (reader, into) = (ArchiveReader::open(&self.folder.join(name)).unwrap(), self.folder.join(into));
        Some(match name {
            "blocks" => import_blocks(reader, vec![setup().clone()], &into, true).unwrap(),
            _ => restore(reader, &into, true).unwrap(),
        })
    }
}

/// Height and hash of the block that a directory's validator signed last.
fn signed(data: &Path) -> Option<(u64, Hash)> {
    let directory = Directory::existing(data, &quick()).unwrap();
    let guard = LastSignedFile::open(&directory, 0).unwrap();
    guard.last().map(|block| (block.header.height, block.hash()))
}

/// A node's directory after an interruption: it stands at the last block that was reported or the next, everything in it
/// adds up, and whoever was promised something gets it from the next start.
pub(super) fn served(data: &Path, ended: &Ended, torn: bool) {
    let acknowledged = ended.after("acknowledged").count() as u64;
    let committed: Vec<(u64, String)> = ended
        .after("committed")
        .map(|words| words.split_once(' ').unwrap())
        .map(|(height, hash)| (height.parse().unwrap(), hash.to_owned()))
        .collect();
    let reported = committed.last().map_or(0, |(height, _)| *height);
    for height in ended.after("stands") {
        assert_eq!(height, reported.to_string(), "it shows what it did not report: {ended:?}");
    }
    let last = match check(data, &quick(), vec![setup().clone()]) {
        Ok(report) => {
            let height = report.audit.height;
            assert!(height == reported || (height == reported + 1 && !torn), "height {height}: {ended:?}");
            let last = signed(data);
            let at = last.map_or(0, |(height, _)| height);
            assert!(at == height || at == height + 1, "height {height}, signed {at}: {ended:?}");
            last
        }
        // It ended before there was a state.
        Err(CheckError::Empty | CheckError::Open(OpenError::Absent { .. })) => {
            assert_eq!((acknowledged, reported), (0, 0), "{ended:?}");
            None
        }
        Err(error) => panic!("{error}: {ended:?}"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(goes_on(data, acknowledged, &committed, last));
    let report = check(data, &quick(), vec![setup().clone()]).unwrap();
    assert_eq!(report.signed, Some(report.audit.height));
    assert_eq!(entries(data), ["CHAIN", "LAST-SIGNED", "LOCK", "db"].map(str::to_owned).into());
}

/// Starts a node: no height gets another block than the one that was shown or signed, and everything that was acknowledged,
/// handed in again, is in a block exactly once.
async fn goes_on(data: &Path, acknowledged: u64, committed: &[(u64, String)], signed: Option<(u64, Hash)>) {
    let node = serve_at(data, options()).await.unwrap();
    let client = client(node.address());
    let signed = signed.map(|(height, hash)| (height, attestation::hex::encode(&hash)));
    for (height, hash) in committed.iter().cloned().chain(signed) {
        let block = client.block(height).await.unwrap().unwrap();
        assert_eq!(attestation::hex::encode(&block.block.hash()), hash, "height {height}");
    }
    // One more than was acknowledged: the answer may have been on its way.
    let transfers: Vec<_> = (0..=acknowledged).map(|nonce| transfer(1, nonce)).collect();
    for signed in &transfers {
        client.submit(Bytes(signed.to_bytes())).await.unwrap();
        let state = client.transaction(HashText(signed.id()), Some(10_000)).await.unwrap();
        assert!(matches!(state, TransactionState::Committed { .. }), "{state:?}");
    }
    let mut ids = Vec::new();
    for height in 1..=client.status().await.unwrap().height {
        let block = client.block(height).await.unwrap().unwrap();
        ids.extend(block.outcomes.into_iter().map(|outcome| outcome.transaction));
    }
    let expected: Vec<Hash> = transfers.iter().map(|signed| signed.id()).collect();
    assert_eq!(ids, expected);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    node.stop().await.unwrap();
}

//! Every durable write of a node, interrupted at every step: once by the end of the process, once by a full disk.
//!
//! A child process does a task and is stopped at one point; then its parent looks at what it left, and does the task again.
//! Which points a task comes to is traced first. Together the tasks must reach every point there is, and no source of the
//! node may write but through them, so that a write without a test fails one.
//!
//! `cargo test` takes the first and the last time that each point is reached; `make soak` as many random ones as asked.

mod child;
mod full;
mod outcome;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{SystemTime, UNIX_EPOCH};

use super::archive::ours;
use super::{blocks, copy};
use crate::node::archive::{Archived, export, snapshot};
use crate::node::failpoint::{Action, Point, points};

/// Names what a child is to do.
const INSTRUCTIONS: &str = "ASSAY_FAILPOINT_CHILD";
/// Marks what a child says.
const MARK: &str = "@@ ";

/// What a child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// Runs a node on a new directory, hands transfers in and waits for their blocks.
    Serve,
    /// The same, where the making of the directory was interrupted before.
    Recreate,
    Prune,
    Export,
    Snapshot,
    /// A snapshot of a directory that a node has open.
    SnapshotBeside,
    Import,
    Restore,
}

impl Task {
    const ALL: [Self; 8] = [
        Self::Serve,
        Self::Recreate,
        Self::Prune,
        Self::Export,
        Self::Snapshot,
        Self::SnapshotBeside,
        Self::Import,
        Self::Restore,
    ];

    fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|task| format!("{task:?}") == name).unwrap()
    }
}

/// How a child ended.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    /// What it said: lines of words.
    said: Vec<String>,
    /// All that it printed, to be shown when it ended otherwise than it should.
    #[expect(dead_code, reason = "read by `Debug` alone")]
    printed: String,
}

impl Ended {
    /// What it said after a word.
    fn after<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.said.iter().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
    }
}

/// Runs a child in `folder`; before its program come the words of `wrapper`.
fn run(wrapper: &[&str], task: Task, folder: &Path, stop: Option<(Point, u32, Action)>) -> Ended {
    let executable = std::env::current_exe().unwrap();
    let program = executable.to_str().unwrap();
    let test = format!("{}::child", module_path!().split_once("::").unwrap().1);
    let harness = [program, "--exact", &test, "--ignored", "--nocapture", "--test-threads=1"];
    let words = [wrapper, &harness].concat();
    let stop =
        stop.map_or_else(|| "- 0 Trace".to_owned(), |(point, time, action)| format!("{point} {time} {action:?}"));
    let output = Command::new(words[0])
        .args(&words[1..])
        .env(INSTRUCTIONS, format!("{task:?} {stop} {}", folder.display()))
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = out.lines().filter_map(|line| Some(line.split_once(MARK)?.1.to_owned())).collect();
    Ended { status: output.status, said, printed: out + &String::from_utf8_lossy(&output.stderr) }
}

#[test]
#[ignore = "what the other tests of this module run in a process of its own; by itself it does nothing"]
fn child() {
    if let Ok(instructions) = std::env::var(INSTRUCTIONS) {
        child::work(&instructions);
    }
}

/// What a task starts from, made once and copied for each run.
struct Base {
    task: Task,
    folder: tempfile::TempDir,
    /// What an undisturbed run writes to a file or reads from one.
    archived: Option<Archived>,
}

/// Blocks of the chain that is pruned; of the others.
const BLOCKS: (u64, u64) = (30, 5);

impl Base {
    fn new(task: Task) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let archived = match task {
            Task::Serve => None,
            Task::Recreate => {
                fs::create_dir_all(path("data/db.new")).unwrap();
                fs::write(path("data/db.new/CURRENT"), "half").unwrap();
                None
            }
            Task::Prune => {
                blocks(&path("data"), BLOCKS.0);
                copy(&path("data"), &path("whole"));
                super::store(&path("whole")).prune(20, 11).unwrap();
                None
            }
            Task::Export | Task::Import => {
                blocks(&path("data"), BLOCKS.1);
                Some(export(&path("data"), &ours(), &path("blocks")).unwrap())
            }
            Task::Snapshot | Task::SnapshotBeside | Task::Restore => {
                blocks(&path("data"), BLOCKS.1);
                Some(snapshot(&path("data"), &ours(), &path("state")).unwrap())
            }
        };
        // What earlier attempts left is in the way of each.
        match task {
            Task::Export => fs::rename(path("blocks"), path("blocks.partial")).unwrap(),
            Task::Snapshot => fs::rename(path("state"), path("state.partial")).unwrap(),
            Task::SnapshotBeside => {
                fs::remove_file(path("state")).unwrap();
                fs::create_dir(path("state.reading")).unwrap();
            }
            Task::Import | Task::Restore => fs::create_dir_all(path("new.partial/db.new")).unwrap(),
            Task::Serve | Task::Recreate | Task::Prune => {}
        }
        Self { task, folder, archived }
    }

    fn copied(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        folder
    }

    /// The points that the task comes to, each with how often.
    fn trace(&self) -> BTreeMap<Point, u32> {
        let folder = self.copied();
        let ended = run(&[], self.task, folder.path(), None);
        assert!(ended.status.success(), "{:?}: {ended:?}", self.task);
        let mut reached = BTreeMap::new();
        for name in ended.after("reached") {
            *reached.entry(point(name)).or_insert(0) += 1;
        }
        reached
    }

    /// Stops the task at a point, looks at what is left, and does it again.
    fn interrupt(&self, point: Point, time: u32, times: u32, action: Action) {
        let folder = self.copied();
        let ended = run(&[], self.task, folder.path(), Some((point, time, action)));
        let case = outcome::Case { base: self, folder: folder.path(), point, is_last: time == times, action, ended };
        case.settle();
    }
}

fn point(name: &str) -> Point {
    points().find(|point| point.to_string() == name).unwrap()
}

/// What lies in a folder.
fn entries(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn interrupt_everywhere(task: Task) {
    let base = Base::new(task);
    for (point, times) in base.trace() {
        for time in BTreeSet::from([1, times]) {
            for action in [Action::Abort, Action::Refuse] {
                base.interrupt(point, time, times, action);
            }
        }
    }
}

#[test]
fn a_new_chain_survives_an_interruption_anywhere() {
    interrupt_everywhere(Task::Serve);
}

#[test]
fn a_chain_whose_making_was_interrupted_survives_another_interruption() {
    interrupt_everywhere(Task::Recreate);
}

#[test]
fn pruning_survives_an_interruption_anywhere() {
    interrupt_everywhere(Task::Prune);
}

#[test]
fn files_of_a_chain_are_written_whole_or_not_at_all() {
    interrupt_everywhere(Task::Export);
    interrupt_everywhere(Task::Snapshot);
    interrupt_everywhere(Task::SnapshotBeside);
}

#[test]
fn an_import_is_whole_or_not_there() {
    interrupt_everywhere(Task::Import);
}

#[test]
fn a_restored_state_is_whole_or_not_there() {
    interrupt_everywhere(Task::Restore);
}

#[test]
fn the_tasks_reach_every_point() {
    let reached: BTreeSet<Point> = Task::ALL.into_iter().flat_map(|task| Base::new(task).trace().into_keys()).collect();
    let names = |points: BTreeSet<Point>| points.iter().map(Point::to_string).collect::<Vec<_>>();
    assert_eq!(names(points().collect::<BTreeSet<_>>().difference(&reached).copied().collect()), [""; 0]);
    assert_eq!(names(reached.difference(&points().collect()).copied().collect()), [""; 0]);
}

/// Calls that change a disk; how often each source of the node makes them.
#[test]
fn nothing_is_written_past_the_points() {
    const CALLS: [&str; 20] = [
        "fs::write(",
        "fs::rename(",
        "fs::copy(",
        "fs::hard_link(",
        "fs::remove_",
        "fs::create_dir",
        "File::create",
        "File::options(",
        "OpenOptions",
        ".set_len(",
        ".sync_all(",
        ".sync_data(",
        ".persist",
        "tempfile",
        ".write_opt(",
        "database.put",
        "database.delete",
        "database.write(",
        ".compact_range_cf(",
        "open_cf_descriptors(",
    ];
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/node");
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![node.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&node).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.extend((name != "tests").then_some(path));
            } else if name != "tests.rs" {
                let text = fs::read_to_string(&path).unwrap();
                let count = CALLS.iter().map(|call| text.matches(call).count()).sum();
                if count > 0 {
                    found.insert(name, count);
                }
            }
        }
    }
    let expected = BTreeMap::from([("store/file.rs".to_owned(), 13), ("store/rocks.rs".to_owned(), 3)]);
    assert_eq!(found, expected, "give a new write a point, and a task that reaches it");
}

#[test]
#[ignore = "for make soak: ASSAY_SOAK_INTERRUPTIONS says how many"]
fn many_interruptions() {
    let wanted = std::env::var("ASSAY_SOAK_INTERRUPTIONS").map_or(1_000, |number| number.parse().unwrap());
    let mut random = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    let bases: Vec<(Base, Vec<(Point, u32)>)> = Task::ALL
        .map(|task| {
            let base = Base::new(task);
            let reached = base.trace().into_iter().collect();
            (base, reached)
        })
        .into();
    for number in 0..wanted {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // A node is what runs all the time.
        let task = if number % 2 == 0 { 0 } else { random as usize % bases.len() };
        let (base, reached) = &bases[task];
        let (point, times) = reached[(random >> 8) as usize % reached.len()];
        let time = (random >> 24) as u32 % times + 1;
        let action = if random >> 63 == 0 { Action::Abort } else { Action::Refuse };
        println!("{number}: {:?}, {point}, time {time} of {times}, {action:?}", base.task);
        base.interrupt(point, time, times, action);
    }
    println!("{wanted} interruptions: nothing lost, nothing signed twice, every root recomputed");
}

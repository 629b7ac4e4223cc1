//! A development chain in a process of its own, and workers on it.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::arguments;
use crate::common::{Ran, assay, command};

/// A command that runs until it is stopped, and the lines that it prints.
pub struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// How it ended: exit code, what it printed since, what it said.
pub struct Ended {
    pub code: Option<i32>,
    pub lines: Vec<Value>,
    pub stderr: String,
}

impl Running {
    /// Starts a command with `--json`.
    pub fn start(arguments: Vec<OsString>) -> Self {
        Self::start_in(arguments, &[])
    }

    /// The same with variables in its environment.
    pub fn start_in(arguments: Vec<OsString>, environment: &[(&str, &OsStr)]) -> Self {
        let mut command = command(arguments.into_iter().chain(["--json".into()]));
        command.envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// The next line, or what the command said when there is none.
    #[track_caller]
    pub fn line(&mut self) -> Value {
        let mut line = String::new();
        if self.lines.read_line(&mut line).expect("UTF-8") == 0 {
            let mut stderr = String::new();
            self.child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
            panic!("no more lines:\n{stderr}");
        }
        serde_json::from_str(&line).expect("one JSON value on a line")
    }

    /// Skips lines until one is what is wanted.
    #[track_caller]
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.line();
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        let mut text = String::new();
        self.lines.read_to_string(&mut text).expect("UTF-8");
        let mut stderr = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        let code = self.child.wait().expect("ends").code();
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("one JSON value on a line")).collect();
        Ended { code, lines, stderr }
    }

    /// Asks it to stop and waits.
    pub fn stop(self) -> Ended {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A chain that is kept, and perhaps a node on it.
pub struct Chain {
    pub folder: TempDir,
    k_max: &'static str,
}

impl Chain {
    /// A chain for circuits of up to 2^`k_max` rows; no node yet.
    pub fn new(k_max: &'static str) -> Self {
        Self { folder: TempDir::new().unwrap(), k_max }
    }

    /// Its data directory.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("chain-data")
    }

    /// Starts a node on any free port and waits until it is ready.
    #[track_caller]
    pub fn node(&self) -> Running {
        let mut running = Running::start(self.start());
        let ready = running.line();
        assert_eq!((&ready["event"], &ready["command"]), (&"ready".into(), &"chain dev".into()), "{ready}");
        running
    }

    /// Arguments that start a node.
    pub fn start(&self) -> Vec<OsString> {
        let listen = "127.0.0.1:0";
        arguments!["chain", "dev", "--data-dir", self.path(), "--listen", listen, "--k-max", self.k_max].to_vec()
    }

    /// Runs a command of `assay chain` with this data directory.
    pub fn chain<S: Into<OsString> + Clone>(&self, words: &[S]) -> Ran {
        assay(self.arguments("chain", words))
    }

    /// Arguments of a command with this data directory.
    pub fn arguments<S: Into<OsString> + Clone>(&self, noun: &str, words: &[S]) -> Vec<OsString> {
        let words = words.iter().cloned().map(Into::into);
        [noun.into()].into_iter().chain(words).chain(arguments!["--data-dir", self.path()]).collect()
    }

    /// `data` of a query's envelope; the query must be answered.
    #[track_caller]
    pub fn query(&self, words: &[&str]) -> Value {
        let words = [&["query"], words, &["--json"]].concat();
        self.chain(&words).ends(0).envelope()["data"].clone()
    }

    /// Waits for the end of a vote and its epoch, for which nobody has to send anything.
    #[track_caller]
    pub fn in_force(&self, proposal: &str) {
        let start = Instant::now();
        while self.query(&["proposal", proposal])["object"]["status"] != "active" {
            assert!(start.elapsed() < Duration::from_secs(120), "the proposal is not in force");
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// `data` of a transaction's envelope; it must be committed.
    #[track_caller]
    pub fn act(&self, words: &[&str]) -> Value {
        let words = [&["tx"], words, &["--json"]].concat();
        let data = self.chain(&words).ends(0).envelope()["data"].clone();
        assert_eq!(data["state"], "committed");
        data
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

//! Runs the command, and one story whose files all tests share.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;
use verifier::receipt::ReceiptFile;

/// What a run of the command left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Asserts the exit code, showing everything if it is another.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that the standard error holds a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "expected {text:?} on the standard error:\n{}", self.stderr);
        self
    }

    /// Asserts that the result holds a text.
    #[track_caller]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "expected {text:?} in the result:\n{}", self.stdout);
        self
    }

    /// The envelope: the standard output is one JSON object with exactly its fields.
    #[track_caller]
    pub fn envelope(&self) -> Value {
        let envelope: Value = serde_json::from_str(&self.stdout).expect("one JSON value");
        let mut fields: Vec<&str> = envelope.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["command", "data", "errors", "exit_code", "schema_version", "success", "warnings"]);
        assert_eq!(envelope["exit_code"], self.code);
        assert_eq!(envelope["success"], self.code == 0);
        assert_eq!(envelope["errors"].as_array().expect("a list").is_empty(), self.code == 0);
        envelope
    }
}

/// The command with a clean environment.
pub fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["MAX_DEGREE", "ASSAY_PASSWORD_FILE", "NO_COLOR"] {
        command.env_remove(variable);
    }
    // What is kept for the user who runs the tests is neither read nor written.
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command
}

/// Runs the command.
pub fn assay<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    Ran::new(command(arguments).output().expect("runs"))
}

/// Runs a prepared command.
pub fn run(mut command: Command) -> Ran {
    Ran::new(command.output().expect("runs"))
}

/// A story that was told once, with its files.
pub struct Story {
    folder: TempDir,
    pub ran: Ran,
}

impl Story {
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("story")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub fn receipt(&self) -> PathBuf {
        self.file("digit.receipt")
    }

    pub fn key(&self) -> PathBuf {
        self.file("digits.vk")
    }

    pub fn model(&self) -> PathBuf {
        self.file("digits.assay")
    }

    pub fn receipt_file(&self) -> ReceiptFile {
        ReceiptFile::from_bytes(&std::fs::read(self.receipt()).unwrap()).unwrap()
    }
}

/// One run of `assay demo --json --out`, shared by all tests.
pub fn story() -> &'static Story {
    static STORY: OnceLock<Story> = OnceLock::new();
    STORY.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let target = folder.path().join("story");
        let ran = assay([OsStr::new("demo"), "--json".as_ref(), "--out".as_ref(), target.as_os_str()]).ends(0);
        Story { folder, ran }
    })
}

/// Writes a file into a folder and returns its path.
pub fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// Names of what is in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Arguments of mixed kinds as one list.
#[macro_export]
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => {
        [$(std::ffi::OsString::from($argument)),*]
    };
}

//! `assay-verify` from outside, on files of every released format, and the same files through the library.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs,
    reason = "test code"
)]

mod agreement;
mod golden;
mod manifest;
mod manifests;
mod sequence;
mod shape;
mod subjects;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use verifier::judgement::{Judge, Subject};
use verifier::key::VerifyingKey;
use verifier::receipt::ReceiptFile;
use verifier::setup::VerifierSetup;
use verifier::verdict::{Outcome, RequiredLayer};

/// A file of a released format.
fn vector(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(vector(name)).unwrap()
}

/// A released receipt, the key of its model, and the list of its changes.
struct Released {
    receipt: &'static str,
    key: &'static str,
    manifest: &'static str,
}

const DIGIT: Released = Released { receipt: "receipt-1.receipt", key: "key-3.vk", manifest: "manifest.json" };
/// An encoder over eight tokens, positions side by side.
const SEQUENCE: Released =
    Released { receipt: "sequence-receipt-1.receipt", key: "sequence-key-3.vk", manifest: "manifest-sequence.json" };

/// A rule that generates three numbers from three.
const GENERATED: Released =
    Released { receipt: "generated-receipt-1.receipt", key: "generated-key-3.vk", manifest: "manifest-generated.json" };
const RELEASED: [Released; 3] = [DIGIT, SEQUENCE, GENERATED];

/// Keys, each with the list of its changes and what was released under it.
const KEYS: [(&str, &str, Released); 3] = [
    ("key-2.vk", "manifest-key.json", DIGIT),
    ("key-3.vk", "manifest-key-3.json", DIGIT),
    ("generated-key-3.vk", "manifest-generated-key-3.json", GENERATED),
];

impl Released {
    fn receipt(&self) -> ReceiptFile {
        ReceiptFile::from_bytes(&bytes(self.receipt)).unwrap()
    }

    fn key(&self) -> VerifyingKey {
        VerifyingKey::from_bytes(&bytes(self.key)).unwrap()
    }

    /// A judge with the key, accepting the development setup.
    fn judge(&self) -> Judge {
        Judge::new(Some(self.key()), None, RequiredLayer::Proven, Some(VerifierSetup::development().id()))
    }
}

fn receipt() -> ReceiptFile {
    DIGIT.receipt()
}

fn key() -> VerifyingKey {
    DIGIT.key()
}

/// What a run of the program left.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn shows(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "expected {text:?}:\n{}", self.stdout);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "expected {text:?}:\n{}", self.stderr);
        self
    }

    fn envelope(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

fn program<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay-verify"));
    command.args(arguments).stdin(Stdio::null()).env_remove("MAX_DEGREE").env_remove("NO_COLOR");
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("ended by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The exit code that the program must give, by the library.
fn code_of(judge: &Judge, file: &[u8]) -> i32 {
    use verifier::container::ContainerError;
    use verifier::receipt::ReceiptFileError;
    match ReceiptFile::from_bytes(file) {
        Err(ReceiptFileError::Container(ContainerError::Version { .. })) => 3,
        Err(_) => 2,
        Ok(file) => match judge.judge(vec![Subject::Receipt(Box::new(file))]).pop().unwrap().outcome() {
            Outcome::Accepted => 0,
            Outcome::Rejected => 1,
            Outcome::Undecided => 3,
        },
    }
}

fn judge() -> Judge {
    DIGIT.judge()
}

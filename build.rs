//! Records what the binary is built from, for `assay bench`: compiler, flags, and the commit where git knows it.

use std::path::Path;
use std::process::Command;

/// What the binary is made of: a change to any of it may make the commit's name untrue.
const SOURCES: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "build.rs",
    "src",
    "attestation/src",
    "chain/src",
    "circuits/src",
    "prover/src",
    "verifier/src",
    "worker/src",
];

fn main() {
    for path in SOURCES {
        watch(path);
    }
    let compiler = variable("RUSTC").and_then(|rustc| output(&rustc, &["--version"]));
    set("ASSAY_COMPILER", compiler);
    let flags = variable("CARGO_ENCODED_RUSTFLAGS").map(|flags| flags.replace('\u{1f}', " "));
    set("ASSAY_FLAGS", flags);
    let git = |arguments: &[&str]| output("git", arguments);
    // A commit of the folder that holds a copy of this source would be a lie.
    let is_own = git(&["rev-parse", "--show-prefix"]).is_some_and(|prefix| prefix.is_empty());
    if is_own {
        for name in ["HEAD", "index", "logs/HEAD"] {
            if let Some(path) = git(&["rev-parse", "--git-path", name]) {
                watch(&path);
            }
        }
        set("ASSAY_COMMIT", git(&["rev-parse", "HEAD"]));
        set(
            "ASSAY_CHANGES",
            git(&["status", "--porcelain", "--untracked-files=no"]).map(|text| text.lines().count().to_string()),
        );
    }
}

/// Runs again when this changes; a path that does not exist would make every build run it.
fn watch(path: &str) {
    if Path::new(path).exists() {
        set_cargo("rerun-if-changed", path);
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn set(name: &str, value: Option<String>) {
    if let Some(value) = value {
        set_cargo("rustc-env", &format!("{name}={value}"));
    }
}

fn set_cargo(key: &str, value: &str) {
    println!("cargo::{key}={value}");
}

/// What a command prints, if it succeeds.
fn output(command: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(command).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}

//! Missing, truncated, oversized, wrong-version and random files, and files of another kind, to every command.

use std::ffi::OsString;
use std::path::Path;

use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, names, put, story};

/// What a command reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Receipt,
    Key,
    Model,
    Any,
}

/// Every way to hand a file to a command; outputs go into `scratch`.
fn readers(file: &Path, scratch: &Path) -> Vec<(Kind, Vec<OsString>)> {
    let story = story();
    let accept = "--accept-insecure-setup";
    let (vk, out) = (scratch.join("out.vk"), scratch.join("out.proof"));
    vec![
        (Kind::Receipt, arguments!["verify", file].to_vec()),
        (Kind::Receipt, arguments!["verify", file, "--vk", story.key(), accept].to_vec()),
        (Kind::Key, arguments!["verify", story.receipt(), "--vk", file, accept].to_vec()),
        (Kind::Model, arguments!["verify", story.receipt(), "--model", file, accept].to_vec()),
        (Kind::Model, arguments!["model", "show", file].to_vec()),
        (Kind::Model, arguments!["prover", "setup", "--model", file, "--out-key", vk, accept].to_vec()),
        (
            Kind::Model,
            arguments!["prover", "run", "--model", file, "--input", story.file("digit.json"), "--out", out, accept]
                .to_vec(),
        ),
        (Kind::Any, arguments!["inspect", file].to_vec()),
    ]
}

/// Hands `content` to every command that reads `kinds`; each must end with `exit` and `code`, and leave nothing.
#[track_caller]
fn refused(name: &str, content: &[u8], kinds: &[Kind], exit: i32, code: &str) {
    let folder = TempDir::new().unwrap();
    let scratch = TempDir::new().unwrap();
    let file = put(&folder, name, content);
    for (kind, arguments) in readers(&file, scratch.path()) {
        if kinds.contains(&kind) {
            let shown = format!("{arguments:?}");
            let ran = assay(arguments);
            assert_eq!(ran.code, exit, "{shown}\n{}\n{}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains(&format!("error[{code}]")), "{shown}\n{}", ran.stderr);
            assert!(ran.stderr.contains(name), "the file is named: {}", ran.stderr);
            assert!(names(scratch.path()).is_empty(), "{shown} left {:?}", names(scratch.path()));
        }
    }
}

fn samples() -> [(&'static str, Kind, Vec<u8>); 3] {
    let story = story();
    let read = |name| std::fs::read(story.file(name)).unwrap();
    [
        ("digit.receipt", Kind::Receipt, read("digit.receipt")),
        ("digits.vk", Kind::Key, read("digits.vk")),
        ("digits.assay", Kind::Model, read("digits.assay")),
    ]
}

#[test]
fn missing_files_and_folders() {
    let scratch = TempDir::new().unwrap();
    for file in [scratch.path().join("missing"), scratch.path().to_owned()] {
        for (_, arguments) in readers(&file, &scratch.path().join("nowhere")) {
            // Where an output would go is looked at first.
            let is_writing = arguments.iter().any(|argument| argument == "--out" || argument == "--out-key");
            let code = if is_writing { "error[ASSAY-F005]" } else { "error[ASSAY-F001]" };
            assay(arguments).ends(2).says(code);
        }
    }
}

#[test]
fn truncated_files() {
    for (name, kind, content) in samples() {
        for length in [1, 7, 8, 15, 23, 24, 100, content.len() / 2, content.len() - 1] {
            refused(name, &content[..length], &[kind, Kind::Any], 2, "ASSAY-F003");
        }
        refused(name, &[], &[kind, Kind::Any], 2, "ASSAY-F003");
    }
}

#[test]
fn longer_files() {
    for (name, kind, content) in samples() {
        refused(name, &[content, vec![0]].concat(), &[kind, Kind::Any], 2, "ASSAY-F003");
    }
}

#[test]
fn flipped_bits() {
    for (name, kind, content) in samples() {
        // A model's other weights are another model, and no damage: there, a byte of the header is bent.
        let inside = if kind == Kind::Model { 40 } else { content.len() / 3 };
        for position in [0, 9, inside, content.len() - 1] {
            let mut changed = content.clone();
            changed[position] ^= 0x40;
            refused(name, &changed, &[kind], 2, "ASSAY-F003");
        }
    }
}

#[test]
fn files_of_another_release_are_undecided() {
    let both = "this release knows";
    for (name, kind, mut content) in samples() {
        if kind == Kind::Model {
            let position = content.windows(11).position(|window| window == b"format\\\":1,").unwrap();
            content[position + 9] = b'9';
        } else {
            content[10] = 9;
        }
        refused(name, &content, &[kind, Kind::Any], 3, "ASSAY-F004");
        let folder = TempDir::new().unwrap();
        assay(arguments!["inspect", put(&folder, name, &content)])
            .ends(3)
            .says(if name.ends_with(".vk") { "expected 2 to 3, got 9" } else { "expected 1, got 9" })
            .says(both);
    }
}

#[test]
fn random_files() {
    let random: Vec<u8> = (0u32..4096).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    refused("random", &random, &[Kind::Receipt, Kind::Key, Kind::Model, Kind::Any], 2, "ASSAY-F003");
    let mut magic = random.clone();
    magic[..8].copy_from_slice(&[0x89, b'A', b'S', b'S', b'A', b'Y', 0x0d, 0x0a]);
    refused("magic", &magic, &[Kind::Receipt, Kind::Key, Kind::Model, Kind::Any], 2, "ASSAY-F003");
}

#[test]
fn files_of_another_kind() {
    let samples = samples();
    for (name, kind, content) in &samples {
        for (_, other, _) in samples.iter().filter(|(_, other, _)| other != kind) {
            refused(name, content, &[*other], 2, "ASSAY-F003");
        }
    }
}

/// Files that would fill the memory, or never end, are refused by their size; the files here are sparse.
#[test]
fn oversized_files() {
    let folder = TempDir::new().unwrap();
    let scratch = TempDir::new().unwrap();
    let huge = 1u64 << 40;
    for (name, kind, content) in samples() {
        let file = put(&folder, name, &content);
        std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(huge).unwrap();
        for (wanted, arguments) in readers(&file, scratch.path()) {
            if wanted == kind || wanted == Kind::Any {
                let ran = assay(arguments).ends(2).says("error[ASSAY-F002]");
                ran.says("expected a").says(&format!("got {huge}"));
            }
        }
    }
    let input = put(&folder, "input.json", "[");
    std::fs::OpenOptions::new().write(true).open(&input).unwrap().set_len(huge).unwrap();
    let out = scratch.path().join("x.proof");
    let model = story().model();
    let run = arguments!["prover", "run", "--model", model, "--input", &input, "--out", out, "--accept-insecure-setup"];
    assay(run).ends(2).says("error[ASSAY-F002]");
    assert!(names(scratch.path()).is_empty());
    #[cfg(target_os = "linux")]
    assay(["verify", "/dev/zero"]).ends(2).says("error[ASSAY-F002]").says("got more");
}

/// A header that announces more than its kind may hold.
#[test]
fn oversized_bodies() {
    for (name, kind, mut content) in samples() {
        if kind != Kind::Model {
            content[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
            refused(name, &content, &[kind, Kind::Any], 2, "ASSAY-F003");
        }
    }
}

/// A field name that a stranger chose ends up in a message; it does not steer the terminal.
#[test]
fn messages_are_printable() {
    let (_, _, mut content) = samples()[2].clone();
    let position = content.windows(11).position(|window| window == b"input_scale").unwrap();
    content[position..position + 11].copy_from_slice(b"\\\\u001babcd");
    let folder = TempDir::new().unwrap();
    let ran = assay(arguments!["inspect", put(&folder, "model", &content)]).ends(2).says("unknown field `?abcd`");
    assert!(!ran.stderr.contains('\u{1b}'));
}

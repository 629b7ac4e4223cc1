//! Proving keys that are kept.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::arguments;
use crate::common::{Ran, assay, command, names, run, story};

fn prove(folder: &TempDir, extra: &[&str]) -> Ran {
    let story = story();
    let out = folder.path().join("a.proof");
    let run = arguments!["prover", "run", "--model", story.model(), "--input", story.file("digit.json"), "--out", out];
    let rest = ["--overwrite", "--json", "--accept-insecure-setup"];
    assay(run.into_iter().chain(rest.iter().chain(extra).map(Into::into)))
}

fn was_kept(ran: &Ran) -> Value {
    ran.envelope()["data"]["key_was_kept"].clone()
}

fn file(keys: &Path) -> std::path::PathBuf {
    let [name] = names(keys).try_into().unwrap();
    keys.join(name)
}

#[test]
fn a_key_is_derived_once_and_read_after() {
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("below/keys");
    let dir = ["--key-dir", keys.to_str().unwrap()];
    let first = prove(&folder, &dir).ends(0);
    let content = std::fs::read(file(&keys)).unwrap();
    let second = prove(&folder, &dir).ends(0);
    assert_eq!((was_kept(&first), was_kept(&second)), (false.into(), true.into()));
    for field in ["key_digest", "model_hash", "setup_id", "statement_digest"] {
        assert_eq!(first.envelope()["data"][field], second.envelope()["data"][field], "{field}");
    }
    assert!(std::fs::read(file(&keys)).unwrap() == content);
}

#[test]
fn a_damaged_key_is_derived_again_with_a_warning_and_replaced() {
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("keys");
    let dir = ["--key-dir", keys.to_str().unwrap()];
    prove(&folder, &dir).ends(0);
    let path = file(&keys);
    let content = std::fs::read(&path).unwrap();
    let middle = content.len() / 2;
    let flipped: Vec<u8> = content.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == middle)).collect();
    let cases: [(&[u8], &str); 5] = [
        (&flipped, "the checksum does not match"),
        (&content[..middle], "it ends in the fixed columns"),
        (&[&content[..], b"more"].concat(), "it goes on after its checksum"),
        (b"", "it ends in the header"),
        (b"something else of some length", "not a proving key of format 1"),
    ];
    for (bytes, reason) in cases {
        std::fs::write(&path, bytes).unwrap();
        let ran =
            prove(&folder, &dir).ends(0).says("warning: kept proving key").says(reason).says("it is derived again");
        assert_eq!(was_kept(&ran), false);
        assert!(std::fs::read(&path).unwrap() == content, "{reason}");
    }
    assert_eq!(was_kept(&prove(&folder, &dir).ends(0)), true);
}

#[test]
fn a_key_is_kept_in_the_users_folder_unless_it_is_not_wanted() {
    let folder = TempDir::new().unwrap();
    let story = story();
    let told = |extra: &[&str]| {
        let out = folder.path().join("a.proof");
        let arguments = arguments![
            "prover",
            "run",
            "--model",
            story.model(),
            "--input",
            story.file("digit.json"),
            "--out",
            out,
            "--overwrite",
            "--accept-insecure-setup"
        ];
        let mut command = command(arguments);
        command.args(extra).env("XDG_CACHE_HOME", folder.path().join("cache"));
        run(command)
    };
    told(&["--derive-key"]).ends(0).shows("proving key       derived in");
    assert_eq!(names(folder.path()), ["a.proof"]);
    told(&[]).ends(0).shows("proving key       derived in");
    assert_eq!(names(&folder.path().join("cache/assay/keys")).len(), 1);
    told(&[]).ends(0).shows("proving key       kept from before, read in");
    told(&["--derive-key"]).ends(0).shows("proving key       derived in");
    told(&["--derive-key", "--key-dir", "x"]).ends(2).says("cannot be used with");
}

#[test]
fn a_folder_that_cannot_be_written_costs_a_warning() {
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("file");
    std::fs::write(&keys, "no folder").unwrap();
    let ran = prove(&folder, &["--key-dir", keys.to_str().unwrap()]).ends(0);
    assert_eq!(was_kept(&ran.says("warning: the proving key is not kept: cannot write")), false);
}

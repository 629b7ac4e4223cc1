use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, command, names, put, run};

const PASSWORD: &str = "correct horse battery staple";

/// A folder with a password file and a key of each kind.
fn keys() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let password = put(&folder, "password", format!("{PASSWORD}\n"));
    for kind in ["ed25519", "ml-dsa-65"] {
        new(kind, &folder.path().join(format!("{kind}.pem")), &password).ends(0);
    }
    (folder, password)
}

fn new(kind: &str, out: &Path, password: &Path) -> crate::common::Ran {
    assay(arguments!["key", "new", "--kind", kind, "--out", out, "--password-file", password])
}

fn check(file: &Path, password: &Path) -> crate::common::Ran {
    assay(arguments!["key", "show", file, "--check-password", "--password-file", password])
}

#[test]
fn keys_are_made_listed_and_shown_without_a_password() {
    let (folder, password) = keys();
    assert_eq!(names(folder.path()), ["ed25519.pem", "ed25519.pub", "ml-dsa-65.pem", "ml-dsa-65.pub", "password"]);
    let mode = |name: &str| folder.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ed25519.pem"), mode("ml-dsa-65.pem")), (0o600, 0o600));
    let listed = assay(arguments!["key", "list", folder.path(), "--json"]).ends(0).envelope();
    let kinds: Vec<&str> =
        listed["data"]["keys"].as_array().unwrap().iter().map(|key| key["key"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ed25519", "ml-dsa-65"]);
    for (name, title) in [("ed25519", "ed25519 key"), ("ml-dsa-65", "ml-dsa-65 key")] {
        for extension in ["pem", "pub"] {
            let file = folder.path().join(format!("{name}.{extension}"));
            assay(arguments!["key", "show", file]).ends(0).shows(title).shows("0x").shows("not checked");
        }
        let file = folder.path().join(format!("{name}.pem"));
        check(&file, &password).ends(0).shows("opens the key file");
        assay(arguments!["inspect", &file]).ends(0).shows("encrypted").shows("NOT authenticated");
    }
}

#[test]
fn no_secret_is_printed_or_left_unencrypted() {
    let folder = TempDir::new().unwrap();
    let password = put(&folder, "password", PASSWORD);
    let ran = new("ed25519", &folder.path().join("a.pem"), &password).ends(0);
    assert!(!ran.stdout.contains(PASSWORD) && !ran.stderr.contains(PASSWORD));
    let file = std::fs::read_to_string(folder.path().join("a.pem")).unwrap();
    assert!(file.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
}

#[test]
fn a_wrong_password_is_a_matter_of_configuration() {
    let (folder, _) = keys();
    let wrong = put(&folder, "wrong", "something else\n");
    for name in ["ed25519.pem", "ml-dsa-65.pem"] {
        check(&folder.path().join(name), &wrong).ends(4).says("error[ASSAY-K006]").says("wrong password");
    }
}

#[test]
fn a_password_comes_from_a_file_a_variable_or_a_descriptor_and_never_from_nowhere() {
    let (folder, password) = keys();
    let file = folder.path().join("ed25519.pem");
    let show = arguments!["key", "show", &file, "--check-password"];
    assay(&show).ends(4).says("error[ASSAY-K001]").says("no password").says("--password-file FILE");
    let mut with_variable = command(&show);
    with_variable.env("ASSAY_PASSWORD_FILE", &password);
    run(with_variable).ends(0);
    let mut with_descriptor = command(show.iter().cloned().chain(["--password-fd".into(), "0".into()]));
    with_descriptor.stdin(std::fs::File::open(&password).unwrap());
    run(with_descriptor).ends(0);
    // The option wins over the variable.
    let mut with_both = command(show.iter().cloned().chain(["--password-file".into(), password.into()]));
    with_both.env("ASSAY_PASSWORD_FILE", folder.path().join("missing"));
    run(with_both).ends(0);
    let mut missing = command(&show);
    missing.env("ASSAY_PASSWORD_FILE", folder.path().join("missing"));
    run(missing).ends(4).says("error[ASSAY-K005]");
    assay(show.iter().cloned().chain(["--password".into(), "on-the-command-line".into()])).ends(2);
}

#[test]
fn passwords_that_protect_nothing_are_refused() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("a.pem");
    for (content, code) in
        [(String::new(), "K002"), ("\n".into(), "K002"), ("\r\n".into(), "K002"), ("x".repeat(5000), "K004")]
    {
        let password = put(&folder, "password", content);
        new("ed25519", &out, &password).ends(4).says(&format!("error[ASSAY-{code}]"));
    }
    assert_eq!(names(folder.path()), ["password"]);
}

#[test]
fn a_key_is_never_overwritten() {
    let (folder, password) = keys();
    let file = folder.path().join("ed25519.pem");
    let before = std::fs::read(&file).unwrap();
    new("ed25519", &file, &password).ends(2).says("error[ASSAY-F006]").says("exists already");
    std::fs::remove_file(&file).unwrap();
    new("ed25519", &file, &password).ends(2).says("ed25519.pub exists already");
    assert!(!file.exists());
    std::fs::write(&file, before).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    check(&file, &password).ends(0);
}

#[test]
fn a_key_in_a_folder_that_is_not_there_is_refused() {
    let folder = TempDir::new().unwrap();
    let password = put(&folder, "password", PASSWORD);
    new("ed25519", &folder.path().join("no").join("a.pem"), &password).ends(2).says("error[ASSAY-F005]");
    new("rsa", &folder.path().join("a.pem"), &password).ends(2).says("error[ASSAY-U001]").says("ml-dsa-65");
    assert_eq!(names(folder.path()), ["password"]);
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let (folder, password) = keys();
    let file = folder.path().join("ed25519.pem");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    check(&file, &password).ends(4).says("error[ASSAY-K008]").says("chmod 600");
}

#[test]
fn exchanged_records_are_noticed() {
    let (folder, password) = keys();
    std::fs::copy(folder.path().join("ml-dsa-65.pub"), folder.path().join("ed25519.pub")).unwrap();
    check(&folder.path().join("ed25519.pem"), &password).ends(4).says("error[ASSAY-K009]").says("exchanged");
}

#[test]
fn damaged_keys_and_records_are_unreadable() {
    let (folder, password) = keys();
    let file = folder.path().join("ed25519.pem");
    let text = std::fs::read_to_string(&file).unwrap();
    let plain = text.replace("ENCRYPTED PRIVATE KEY", "PRIVATE KEY");
    for (content, exit, says) in [
        (text[..100].to_owned(), 2, "truncated"),
        (String::new(), 2, "truncated"),
        ("random".to_owned(), 2, "not a key file"),
        (text.replace("\nMI", "\n!!"), 2, "damaged"),
        ("x".repeat(70_000), 2, "expected at most 65536 bytes"),
        (plain, 4, "not encrypted"),
    ] {
        std::fs::write(&file, content).unwrap();
        check(&file, &password).ends(exit).says("error[ASSAY-K011]").says(says);
    }
    let record = folder.path().join("ed25519.pub");
    let text = std::fs::read_to_string(&record).unwrap();
    for content in [text[..50].to_owned(), "{}".into(), text.replace("\"version\": 1", "\"version\": 9"), "[".into()] {
        std::fs::write(&record, content).unwrap();
        assay(arguments!["key", "show", &record]).ends(2).says("error[ASSAY-F003]").says("not a public key record");
        let listed = assay(arguments!["key", "list", folder.path()]).ends(2).says("error[ASSAY-F003]");
        assert!(listed.stdout.contains("ml-dsa-65"), "the readable record is listed all the same");
    }
}

use std::fs::OpenOptions;

use crate::arguments;
use crate::common::{assay, command, run, story};

#[test]
fn unknown_words_are_refused_with_a_suggestion() {
    assay(["verfy"]).ends(2).says("error[ASSAY-U001]").says("'verify'");
    assay(["version", "--josn"]).ends(2).says("error[ASSAY-U001]").says("'--json'");
    assay(["prover", "run"]).ends(2).says("--model <FILE>");
    assay(["verify"]).ends(2).says("<FILE>...");
}

#[test]
fn nothing_is_abbreviated() {
    assay(["ver"]).ends(2);
    assay(["version", "--js"]).ends(2);
    assay(arguments!["verify", story().receipt(), "--accept-insecure"]).ends(2);
}

#[test]
fn a_key_has_one_source() {
    let story = story();
    let both = arguments!["verify", story.receipt(), "--vk", story.key(), "--model", story.model()];
    assay(both).ends(2).says("cannot be used with");
}

#[test]
fn version_and_help_are_results() {
    let version = concat!("assay ", env!("CARGO_PKG_VERSION"), "\n");
    let ran = assay(["--version"]).ends(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (version, ""));
    assay(["--help"]).ends(0).shows("Exit codes: 0 accepted");
    for command in ["demo", "verify", "inspect", "prover", "model", "ethereum", "key", "chain", "worker", "bench"] {
        assay([command, "--help"]).ends(0).shows("Usage: assay");
    }
    assay(["prover", "run", "--help"]).ends(0).shows("Examples:").shows("--accept-insecure-setup");
}

#[test]
fn without_arguments_there_is_help() {
    assay::<&str>([]).ends(2).says("Usage: assay");
}

#[test]
fn every_command_has_an_envelope() {
    let story = story();
    for (arguments, name, code) in [
        (arguments!["version"].to_vec(), "version", 0),
        (arguments!["inspect", story.receipt()].to_vec(), "inspect", 0),
        (arguments!["model", "show", story.model()].to_vec(), "model show", 0),
        (arguments!["key", "list", story.folder()].to_vec(), "key list", 0),
        (arguments!["verify", story.receipt()].to_vec(), "verify", 3),
        (arguments!["prover", "setup", "--model", story.model()].to_vec(), "prover setup", 3),
        (arguments!["inspect", "missing"].to_vec(), "inspect", 2),
        (arguments!["chain", "check", "--data-dir", "missing"].to_vec(), "chain check", 2),
        (arguments!["chain", "query", "params", "--node", "nowhere"].to_vec(), "chain query params", 2),
        (arguments!["chain", "dev", "--listen", "192.0.2.1:1", "--k-max", "6"].to_vec(), "chain dev", 5),
        (arguments!["chain", "simulate"].to_vec(), "chain simulate", 0),
        (arguments!["no-such-command"].to_vec(), "assay", 2),
    ] {
        let ran = assay(arguments.into_iter().chain(["--json".into()])).ends(code);
        let envelope = ran.envelope();
        assert_eq!(envelope["command"], name);
        assert_eq!(envelope["schema_version"], 1);
    }
}

#[test]
fn errors_in_the_envelope_carry_code_and_help() {
    let envelope = assay(["inspect", "missing", "--json"]).ends(2).says("error[ASSAY-F001]").envelope();
    assert_eq!(envelope["errors"][0]["code"], "ASSAY-F001");
    assert_eq!(envelope["errors"][0]["help"], "check the path");
    assert!(envelope["data"].is_null());
}

#[test]
fn max_degree_stops_everything_before_it_starts() {
    let story = story();
    for arguments in [
        arguments!["demo"].to_vec(),
        arguments!["verify", story.receipt(), "--vk", story.key()].to_vec(),
        arguments!["inspect", story.receipt()].to_vec(),
        arguments!["model", "show", story.model()].to_vec(),
        arguments!["prover", "setup", "--model", story.model()].to_vec(),
        arguments!["key", "list"].to_vec(),
        arguments!["chain", "dev"].to_vec(),
        arguments!["worker", "run"].to_vec(),
        arguments!["version"].to_vec(),
        arguments!["--help"].to_vec(),
        arguments!["nonsense"].to_vec(),
    ] {
        for value in ["7", "seven", ""] {
            let mut command = command(&arguments);
            command.env("MAX_DEGREE", value);
            let ran = run(command).ends(4).says("error[ASSAY-E001]").says("MAX_DEGREE is set").says("unset it");
            assert_eq!(ran.stdout, "");
        }
    }
    let mut json = command(["version", "--json"]);
    json.env("MAX_DEGREE", "7");
    assert_eq!(run(json).ends(4).envelope()["errors"][0]["code"], "ASSAY-E001");
}

#[cfg(target_os = "linux")]
#[test]
fn names_of_any_bytes_are_shown_as_far_as_they_go() {
    use std::os::unix::ffi::OsStringExt as _;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join(std::ffi::OsString::from_vec(b"a\xff\x1bb".to_vec()));
    std::fs::copy(story().receipt(), &file).unwrap();
    let envelope = assay(arguments!["inspect", &file, "--json"]).ends(0).envelope();
    assert!(envelope["data"]["file"].as_str().unwrap().ends_with("a\u{fffd}?b"));
    let envelope = assay(arguments!["verify", &file, "--json"]).ends(3).envelope();
    assert!(envelope["data"]["files"][0]["file"].as_str().unwrap().ends_with("a\u{fffd}?b"));
    let ran = assay(arguments!["verify", &file]).ends(3);
    assert!(!ran.stdout.contains('\u{1b}'));
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = command(["version"]);
    command.stdout(full).stderr(std::process::Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8(output.stderr).unwrap().contains("error[ASSAY-E002]"));
}

#[test]
fn a_reader_who_stops_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = command(arguments!["inspect", story().receipt()]);
    command.stdout(writer).stderr(std::process::Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

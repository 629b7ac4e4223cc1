#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
//! README's shell blocks run as they stand, in one folder, in order; its links lead somewhere.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

const README: &str = include_str!("../README.md");

/// The contents of the blocks fenced with the given info string.
fn blocks(info: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = README.lines();
    while let Some(line) = lines.next() {
        if line.strip_prefix("```").is_some_and(|rest| rest == info) {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n"));
        } else if line.starts_with("```") {
            lines.by_ref().take_while(|line| *line != "```").for_each(drop);
        }
    }
    blocks
}

#[test]
fn shell_blocks_run() {
    let folder = tempfile::tempdir().unwrap();
    let binaries = Path::new(env!("CARGO_BIN_EXE_assay")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let blocks = blocks("sh");
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        let child = Command::new("sh")
            .args(["-eu", "-c", &block])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .env_remove("MAX_DEGREE")
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let group = format!("-{}", child.id());
        let output = child.wait_with_output().unwrap();
        // What a block that failed left running in the background.
        Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status().unwrap();
        assert!(output.status.success(), "{block}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let targets: Vec<&str> =
        README.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect();
    assert!(targets.len() >= 3);
    for target in targets {
        assert!(target.starts_with("https://") || root.join(target).exists(), "{target}");
    }
}

#[test]
fn the_two_commands_are_in_the_makefile() {
    let makefile = include_str!("../Makefile");
    for command in ["demo", "test"] {
        assert!(makefile.contains(&format!("\n{command}:")), "{command}");
    }
}

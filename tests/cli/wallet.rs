//! An ordinary Ethereum client against a node: web3.py of the Python package index.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::node::Chain;

const SCRIPT: &str = include_str!("wallet.py");
const PACKAGE: &str = "web3==8.0.0";
/// The account of the script's key as this chain names it.
pub const ADDRESS: &str = "0x0000000000000000000000009d8a62f656a8d1615c1294fd71e9cfb3e4855a4f";

/// Where the client's package lies, installed once for all runs; or why it cannot be had.
fn client() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGE);
    if !folder.join("web3").exists() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        let ran = pip.arg(&folder).arg(PACKAGE).output().map_err(|error| format!("python3: {error}"))?;
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            return Err(format!("pip installs no {PACKAGE}: {}", said.lines().last().unwrap_or_default()));
        }
    }
    Ok(folder)
}

/// Runs the script against a node; nothing where the client cannot be had.
fn run(test: &str, arguments: &[&str]) -> Option<Value> {
    let packages = match client() {
        Ok(packages) => packages,
        Err(why) => {
            // Past the test harness, which hides what passing tests print.
            std::io::stderr().write_all(format!("skipped: {test}: {why}\n").as_bytes()).unwrap();
            return None;
        }
    };
    let mut python = Command::new("python3");
    let ran = python.env("PYTHONPATH", packages).args(["-c", SCRIPT]).args(arguments).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}{err}");
    Some(serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}")))
}

/// Takes what waits for the wallet on a chain.
pub fn claims(chain: &Chain) -> Option<Value> {
    let url = std::fs::read_to_string(chain.path().join("address")).unwrap();
    run("what a wallet claims", &[url.trim_end(), "claim"])
}

#[test]
fn web3_reads_pays_and_calls() {
    let chain = Chain::new("6");
    let mut node = crate::node::Running::start(chain.start());
    let url = node.line()["data"]["url"].as_str().unwrap().to_owned();
    chain.act(&["transfer", "--as", "owner", "--to", ADDRESS, "--amount", "10"]);
    let Some(told) = run("web3_reads_pays_and_calls", &[&url]) else { return };
    assert!(told["client"].as_str().unwrap().starts_with("assay/"));
    assert_eq!((&told["chain_id"], &told["before"]), (&1337.into(), &"10000000000000000000".into()));
    assert_eq!((&told["after"], &told["after"]), (&told["expected"], &told["mining_balance"]));
    assert_eq!(told["payee"], "10000000000000");
    assert_eq!(told["statuses"], serde_json::json!([1, 1]));
    assert_eq!(told["sender"], "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F");
    assert_eq!(told["verified"], false);
    assert!(told["work"]["message"].as_str().unwrap().starts_with("data: submitWorkProof: "), "{}", told["work"]);
    assert_eq!(told["teleport"]["data"]["rule"], "teleport-unrecorded");
    assert_eq!(told["pending"], serde_json::json!(["answered", "[]"]));
    assert_eq!(told["wrong_chain"]["data"]["rule"], "chain-mismatch");
    assert_eq!(told["again"]["data"]["rule"], "nonce-mismatch");
    // The chain names the same account and the same transactions.
    let account = chain.query(&["account", ADDRESS]);
    assert_eq!(account["object"]["nonce"], 2);
    node.stop();
}

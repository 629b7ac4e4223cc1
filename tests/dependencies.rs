#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
//! The direction of dependencies between our crates, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Names of a package's dependencies of one kind (`None`: normal ones).
fn dependencies(package: &serde_json::Value, kind: Option<&str>) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().unwrap();
    let of_kind = all.iter().filter(|dependency| dependency["kind"].as_str() == kind);
    of_kind.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn dependencies_point_down_only() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("assay-attestation", &[][..]),
        ("assay-circuits", &[]),
        ("assay-lanes", &[]),
        ("assay-verifier", &["assay-attestation", "assay-circuits", "assay-lanes"]),
        ("assay-ethereum", &["assay-verifier", "assay-circuits"]),
        ("assay-second", &["assay-circuits"]),
        ("assay-prover", &["assay-verifier", "assay-circuits", "assay-lanes"]),
        ("assay-chain", &["assay-verifier", "assay-attestation", "assay-circuits"]),
        ("assay-worker", &["assay-prover", "assay-chain", "assay-verifier", "assay-circuits", "assay-attestation"]),
        (
            "assay",
            &[
                "assay-worker",
                "assay-chain",
                "assay-prover",
                "assay-ethereum",
                "assay-verifier",
                "assay-circuits",
                "assay-attestation",
            ],
        ),
    ]);
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert_eq!(names, allowed.keys().copied().collect(), "every crate of the workspace has its place");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let ours: BTreeSet<String> =
            dependencies(package, None).into_iter().filter(|dependency| names.contains(dependency.as_str())).collect();
        let allowed: BTreeSet<String> = allowed[name].iter().map(|name| (*name).to_owned()).collect();
        let extra: Vec<_> = ours.difference(&allowed).collect();
        assert!(extra.is_empty(), "{name} must not depend on {extra:?}");
    }
}

#[test]
fn the_verifier_and_the_leaves_stay_pure() {
    let metadata = metadata();
    let forbidden = ["tokio", "rocksdb", "candle-core", "candle-nn", "reqwest", "axum", "rayon"];
    for name in ["assay-attestation", "assay-circuits", "assay-verifier"] {
        let package = metadata["packages"].as_array().unwrap().iter().find(|package| package["name"] == name).unwrap();
        let found: Vec<_> =
            dependencies(package, None).into_iter().filter(|name| forbidden.contains(&name.as_str())).collect();
        assert!(found.is_empty(), "{name} depends on {found:?}");
    }
}

/// It is the tests' witness against the verifier, so nothing is built on it.
#[test]
fn the_second_verifier_is_linked_by_tests_alone() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        assert!(!dependencies(package, None).contains("assay-second"), "{}", package["name"]);
        if package["name"] == "assay-second" {
            assert!(!dependencies(package, None).contains("halo2-axiom"));
        }
    }
}

#[test]
fn the_chain_never_links_the_prover() {
    let metadata = metadata();
    let package =
        metadata["packages"].as_array().unwrap().iter().find(|package| package["name"] == "assay-chain").unwrap();
    for kind in [None, Some("dev"), Some("build")] {
        assert!(!dependencies(package, kind).contains("assay-prover"));
    }
}

//! SPEC.md and the sources, both directions: no dangling anchor, no section without code, no refusal without a test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chain::rules::reject::CODES;
use chain::state::invalid::BLOCK_CODES;

const SPEC: &str = include_str!("../SPEC.md");

fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    files
}

/// Anchor and first line of each section.
fn sections() -> BTreeMap<&'static str, &'static str> {
    let mut sections = BTreeMap::new();
    for part in SPEC.split("\n### ").skip(1) {
        let (anchor, text) = part.split_once('\n').unwrap();
        assert!(sections.insert(anchor, text.trim_start().lines().next().unwrap()).is_none(), "{anchor} twice");
    }
    sections
}

fn anchors_in_code() -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, text) in all_sources() {
        for part in text.split("spec: chain#").skip(1) {
            let end = part.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-').unwrap_or(part.len());
            anchors.insert(part[..end].to_owned());
        }
    }
    anchors
}

#[test]
fn every_anchor_has_a_section_and_every_section_code() {
    let written: BTreeSet<String> = sections().keys().map(|anchor| (*anchor).to_owned()).collect();
    assert_eq!(written, anchors_in_code());
}

#[test]
fn every_code_is_listed_once_under_its_section() {
    let sections = sections();
    let mut seen = BTreeSet::new();
    for (code, anchor) in CODES.iter().chain(&BLOCK_CODES) {
        assert!(seen.insert(code), "{code} twice");
        let first = sections.get(anchor).unwrap_or_else(|| panic!("no section {anchor}"));
        assert!(first.starts_with(&format!("Code {code}, ")), "{anchor}: {first}");
    }
    let listed = sections.values().filter(|line| line.starts_with("Code ")).count();
    assert_eq!(listed, CODES.len() + BLOCK_CODES.len());
}

#[test]
fn every_refusal_is_tested_by_its_variant() {
    let tests: String = all_sources()
        .into_iter()
        .filter(|(path, _)| path.contains("/tests/") || path.ends_with("tests.rs"))
        .map(|(_, text)| text)
        .collect();
    for line in sections().values().filter(|line| line.starts_with("Code ")) {
        let variant = line.split('`').nth(1).unwrap();
        assert!(tests.contains(variant), "no test names {variant}");
    }
}

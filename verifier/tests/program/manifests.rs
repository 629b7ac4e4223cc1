//! The tamper manifests of a key and of evidence: what the program must say with every field of either changed.

use attestation::context::WorkContext;
use attestation::evidence::Evidence;
use tempfile::TempDir;
use verifier::cli::ContentError as _;

use super::manifest::{CHECKSUM_BYTES, Change, HEADER_BYTES, compare, read};
use super::*;

/// Positions between two flipped bytes of a key: no field of it but lengths and numbers is shorter.
const KEY_STRIDE: usize = 29;
/// Bytes of a key before its graph's first field: the header, the graph's length and its version.
const KEY_START_BYTES: usize = HEADER_BYTES + 4 + 2;

fn flips(positions: impl Iterator<Item = usize>) -> impl Iterator<Item = Change> {
    positions.map(|position| Change { flip: Some(position), ..Change::default() })
}

fn lengths(file: &[u8]) -> Vec<Change> {
    let cut = [0, 1, 7, 8, 15, 16, 23, 24, file.len() / 2, file.len() - 1];
    let cut = cut.map(|length| Change { truncate: Some(length), ..Change::default() });
    let more = [1, 8, 1000].map(|more| Change { extend: Some(more), ..Change::default() });
    cut.into_iter().chain(more).collect()
}

/// The code that a receipt gets with a changed key: nothing is decided by what is no key, and a key that is another
/// model's, or no longer this proof's, refuses.
fn code_with_key(file: &[u8], receipt: &[u8]) -> i32 {
    match VerifyingKey::from_bytes(file) {
        Err(error) if error.is_other_version() => 3,
        Err(_) => 2,
        Ok(key) => {
            let accepted = Some(VerifierSetup::development().id());
            code_of(&Judge::new(Some(key), None, RequiredLayer::Proven, accepted), receipt)
        }
    }
}

fn key_changes(file: &[u8]) -> Vec<Change> {
    let body_end = file.len() - CHECKSUM_BYTES;
    let inside = (HEADER_BYTES + KEY_STRIDE..body_end).step_by(KEY_STRIDE);
    let positions = (0..KEY_START_BYTES).chain(inside).chain(body_end..file.len());
    let mut changes = Vec::new();
    for flipped in flips(positions) {
        changes.push(flipped.clone());
        if flipped.flip < Some(body_end) {
            changes.push(flipped.with_checksum(file));
        }
    }
    changes.extend(lengths(file));
    // The setup's point: beyond the modulus, and the flags of a compressed point.
    let point = VerifyingKey::from_bytes(file).unwrap().setup().encode();
    let start = file.windows(point.len()).position(|window| window == point).unwrap();
    for (place, mask) in [(31, 0x40), (31, 0x80), (63, 0x20), (63, 0x40), (63, 0x80)] {
        let flipped = Change { flip: Some(start + place), mask: Some(mask), ..Change::default() };
        changes.push(flipped.with_checksum(file));
    }
    changes
}

#[test]
fn a_changed_key_is_refused_as_listed_and_accepts_nothing() {
    for (key, manifest, released) in KEYS {
        let (file, receipt) = (bytes(key), bytes(released.receipt));
        assert_eq!(code_with_key(&file, &receipt), 0, "{key}");
        let mut found = key_changes(&file);
        for change in &mut found {
            change.code = code_with_key(&change.apply(&file), &receipt);
            assert_ne!(change.code, 0, "{key}: {change:?}");
        }
        compare(&found, manifest);
    }
}

#[test]
fn the_program_refuses_changed_keys_as_listed() {
    let folder = TempDir::new().unwrap();
    let changed = folder.path().join("changed.vk");
    for (key, manifest, released) in KEYS {
        let (file, receipt) = (bytes(key), vector(released.receipt));
        for change in read(manifest) {
            std::fs::write(&changed, change.apply(&file)).unwrap();
            let options = ["--vk".as_ref(), changed.as_os_str(), "--accept-insecure-setup".as_ref()];
            let ran = program(std::iter::once(receipt.as_os_str()).chain(options));
            assert_eq!(ran.code, change.code, "{key}: {change:?}: {}{}", ran.stdout, ran.stderr);
        }
    }
}

/// The evidence of the released receipt, and the work that it is for.
fn evidence() -> (Vec<u8>, WorkContext) {
    let receipt = receipt();
    (receipt.evidence.to_bytes(), receipt.signed.receipt.context)
}

fn code_of_evidence(judge: &Judge, file: &[u8], context: &WorkContext) -> i32 {
    let Ok(evidence) = Evidence::from_bytes(file) else { return 2 };
    let subject =
        Subject::Evidence { evidence: Box::new(evidence), context: Box::new(*context), at_ms: context.timestamp };
    match judge.judge(vec![subject]).pop().unwrap().outcome() {
        Outcome::Accepted => 0,
        Outcome::Rejected => 1,
        Outcome::Undecided => 3,
    }
}

#[test]
fn changed_evidence_is_refused_as_listed() {
    let (file, context) = evidence();
    let judge = Judge::new(None, None, RequiredLayer::Attested, None);
    let mut found: Vec<Change> = flips(0..file.len()).chain(lengths(&file)).collect();
    for change in &mut found {
        change.code = code_of_evidence(&judge, &change.apply(&file), &context);
    }
    compare(&found, "manifest-evidence.json");
    // What binds it to work and worker comes first; program and host are the worker's own words.
    let stated = found.iter().filter(|change| change.code == 0).filter_map(|change| change.flip).min().unwrap();
    assert!(found.iter().filter(|change| change.flip < Some(stated)).all(|change| change.code != 0));
    assert!(stated >= 64 && found.iter().any(|change| change.code == 1));
}

#[test]
fn the_program_refuses_changed_evidence_as_listed() {
    let folder = TempDir::new().unwrap();
    let (file, context) = evidence();
    let [named, changed] = ["work.json", "changed.evidence"].map(|name| folder.path().join(name));
    std::fs::write(&named, serde_json::to_vec(&context).unwrap()).unwrap();
    let at = context.timestamp.to_string();
    for change in read("manifest-evidence.json") {
        std::fs::write(&changed, change.apply(&file)).unwrap();
        let options = ["--context".as_ref(), named.as_os_str(), "--at".as_ref(), at.as_ref()];
        let ran = program(std::iter::once(changed.as_os_str()).chain(options));
        assert_eq!(ran.code, change.code, "{change:?}: {}{}", ran.stdout, ran.stderr);
    }
}

//! The tamper manifest: every byte class of a receipt flipped, cut and extended, with the same answer from every front. The
//! page's and the package's tests read the same list.

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::*;

pub(super) const CHECKSUM_BYTES: usize = 8;
pub(super) const HEADER_BYTES: usize = 16;
/// Positions between two flipped bytes: no field of a receipt but single bytes and lengths is shorter.
const STRIDE: usize = 31;

/// Bytes at the end of the body that are all flipped: notes, for the most part.
const NOTES_BYTES: usize = 64;

/// A change of the receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) flip: Option<usize>,
    /// Bits of that byte that are inverted, if it is not the lowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mask: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) truncate: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) extend: Option<usize>,
    /// The last bytes of the changed file, where the container around the change is whole again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) checksum: Option<[u8; CHECKSUM_BYTES]>,
    pub(super) code: i32,
}

impl Change {
    pub(super) fn apply(&self, file: &[u8]) -> Vec<u8> {
        let mut file = file[..self.truncate.unwrap_or(file.len())].to_vec();
        file.resize(file.len() + self.extend.unwrap_or(0), 0);
        if let Some(position) = self.flip {
            file[position] ^= self.mask.unwrap_or(1);
        }
        if let Some(checksum) = self.checksum {
            let end = file.len() - CHECKSUM_BYTES;
            file[end..].copy_from_slice(&checksum);
        }
        file
    }

    pub(super) fn with_checksum(mut self, file: &[u8]) -> Self {
        self.checksum = with_checksum(self.apply(file)).last_chunk().copied();
        self
    }
}

/// The file with the right checksum at its end.
pub(super) fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - CHECKSUM_BYTES;
    let checksum = blake3::derive_key("assay 2026 file-checksum v1", &file[..end]);
    file[end..].copy_from_slice(&checksum[..CHECKSUM_BYTES]);
    file
}

/// Every change, without its code.
fn changes(file: &[u8]) -> Vec<Change> {
    let body_end = file.len() - CHECKSUM_BYTES;
    let notes_start = body_end.saturating_sub(NOTES_BYTES);
    let mut positions: Vec<usize> = (HEADER_BYTES..notes_start).step_by(STRIDE).collect();
    positions.extend((0..HEADER_BYTES).chain(notes_start..file.len()));
    positions.sort_unstable();
    let mut changes = Vec::new();
    for position in positions {
        let flipped = Change { flip: Some(position), ..Change::default() };
        changes.push(flipped.clone());
        if position < body_end {
            changes.push(flipped.with_checksum(file));
        }
    }
    for length in [0, 1, 7, 8, 15, 16, 23, 24, 100, file.len() / 2, file.len() - 1] {
        changes.push(Change { truncate: Some(length), ..Change::default() });
    }
    for more in [1, 8, 1000] {
        let extended = Change { extend: Some(more), ..Change::default() };
        changes.push(extended.clone());
        changes.push(extended.with_checksum(file));
    }
    changes
}

/// A list of changes.
pub(super) fn read(name: &str) -> Vec<Change> {
    serde_json::from_slice(&bytes(name)).unwrap()
}

/// Compares what was found with a list, which is written anew if asked for.
pub(super) fn compare(found: &[Change], name: &str) {
    if std::env::var_os("BLESS").is_some() {
        let lines: Vec<String> = found.iter().map(|change| serde_json::to_string(change).unwrap()).collect();
        std::fs::write(vector(name), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
    assert_eq!(found, read(name));
}

#[test]
fn the_list_covers_the_file_and_the_library_decides_as_listed() {
    for released in RELEASED {
        let (file, judge) = (bytes(released.receipt), released.judge());
        let mut found = changes(&file);
        for change in &mut found {
            change.code = code_of(&judge, &change.apply(&file));
        }
        compare(&found, released.manifest);
        let notes = borsh::to_vec(&released.receipt().unauthenticated).unwrap().len();
        let signed_end = file.len() - CHECKSUM_BYTES - notes;
        for change in found.iter().filter(|change| change.code == 0) {
            let is_note = change.checksum.is_some() && change.flip.is_some_and(|position| position >= signed_end);
            assert!(is_note, "accepted, and nobody's word: {change:?}");
        }
    }
}

#[test]
fn a_receipt_without_its_proof_is_beside_them() {
    let mut proofless = receipt();
    proofless.proofs.clear();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(vector("receipt-1-without-proof.receipt"), proofless.to_bytes()).unwrap();
    }
    assert_eq!(proofless.to_bytes(), bytes("receipt-1-without-proof.receipt"));
}

#[test]
fn the_program_decides_as_listed() {
    for released in RELEASED {
        the_program_decides_as(&released);
    }
}

fn the_program_decides_as(released: &Released) {
    let folder = TempDir::new().unwrap();
    let file = bytes(released.receipt);
    let key = vector(released.key);
    let options = ["--vk".as_ref(), key.as_os_str(), "--accept-insecure-setup".as_ref(), "--json".as_ref()];
    for code in 0..=3 {
        let of_code: Vec<Change> = read(released.manifest).into_iter().filter(|change| change.code == code).collect();
        assert!(!of_code.is_empty(), "the list has a change of code {code}");
        let files: Vec<PathBuf> = of_code
            .iter()
            .enumerate()
            .map(|(index, change)| {
                let path = folder.path().join(format!("{code}-{index}.receipt"));
                std::fs::write(&path, change.apply(&file)).unwrap();
                path
            })
            .collect();
        let ran = program(files.iter().map(|file| file.as_os_str()).chain(options)).ends(code);
        let refused = ran.envelope()["errors"].as_array().unwrap().len();
        assert_eq!(refused, if code == 0 { 0 } else { files.len() }, "every file of code {code} has its own refusal");
    }
}

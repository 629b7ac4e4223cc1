//! Reads the public samples beside the repository. Nothing of them is kept in it.

use std::path::PathBuf;

use base64ct::{Base64, Encoding};

/// 2025-08-21T12:00:00Z: the device chain's OCSP responses are fresh.
pub(crate) const AUGUST_2025: u64 = 1_755_777_600_000;
/// 2025-10-24T12:00:00Z: those of the manifest chains are.
pub(crate) const OCTOBER_2025: u64 = 1_761_307_200_000;
/// The nonce of most public samples.
pub(crate) const SAMPLE_NONCE: &str = "0x931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb";

/// Path of a sample, or a printed reason why the test does nothing.
pub(crate) fn sample(path: &str) -> Option<PathBuf> {
    let roots = ["../../shared/data/nvidia"];
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = roots.iter().map(|root| manifest.join(root).join(path)).find(|path| path.exists());
    if found.is_none() {
        println!("skipped: no ../shared");
    }
    found
}

pub(crate) fn bytes(path: &str) -> Option<Vec<u8>> {
    sample(path).map(|path| std::fs::read(path).unwrap())
}

pub(crate) fn hex_text(path: &str) -> Option<Vec<u8>> {
    let text = String::from_utf8(bytes(path)?).unwrap();
    Some(attestation::hex::decode_vec(&format!("0x{}", text.trim())).unwrap())
}

pub(crate) fn base64_text(path: &str) -> Option<Vec<u8>> {
    let text = String::from_utf8(bytes(path)?).unwrap();
    Some(Base64::decode_vec(text.trim()).unwrap())
}

/// (architecture, nonce, report, chain).
pub(crate) type Entry = (String, String, Vec<u8>, Vec<u8>);

/// Every entry of an evidence container.
pub(crate) fn container(path: &str) -> Option<Vec<Entry>> {
    let entries: Vec<serde_json::Value> = serde_json::from_slice(&bytes(path)?).unwrap();
    let text = |entry: &serde_json::Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let decoded = |entry: &serde_json::Value, key: &str| Base64::decode_vec(&text(entry, key)).unwrap();
    let read =
        |entry| (text(entry, "arch"), text(entry, "nonce"), decoded(entry, "evidence"), decoded(entry, "certificate"));
    Some(entries.iter().map(read).collect())
}

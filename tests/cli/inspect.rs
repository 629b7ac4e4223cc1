use tempfile::TempDir;
use verifier::proof::Proof;
use verifier::receipt::ReceiptFile;

use crate::arguments;
use crate::common::{assay, put, story};

#[test]
fn the_json_twin_of_a_receipt_has_the_same_bytes() {
    let story = story();
    let envelope = assay(arguments!["inspect", story.receipt(), "--json"]).ends(0).envelope();
    let content = &envelope["data"]["content"];
    let twin: ReceiptFile = serde_json::from_value(content["receipt"].clone()).unwrap();
    assert_eq!(twin.to_bytes(), std::fs::read(story.receipt()).unwrap());
    assert_eq!(content["not_authenticated"][0], "receipt.unauthenticated");
    assert_eq!(content["decided"], false);
}

#[test]
fn the_json_twin_of_a_proof_has_the_same_bytes() {
    let story = story();
    let envelope = assay(arguments!["inspect", story.file("digit.proof"), "--json"]).ends(0).envelope();
    let twin: Proof = serde_json::from_value(envelope["data"]["content"]["proof"].clone()).unwrap();
    assert_eq!(twin.to_bytes(), std::fs::read(story.file("digit.proof")).unwrap());
}

#[test]
fn every_kind_is_told_by_its_content() {
    let story = story();
    let folder = TempDir::new().unwrap();
    for (name, kind) in [
        ("digit.receipt", "receipt"),
        ("digit.proof", "proof"),
        ("digits.vk", "verifying key"),
        ("digits.assay", "model"),
    ] {
        // Whatever it is called.
        let path = put(&folder, "anything", std::fs::read(story.file(name)).unwrap());
        let envelope = assay(arguments!["inspect", &path, "--json"]).ends(0).envelope();
        assert_eq!(envelope["data"]["kind"], kind);
        assay(arguments!["inspect", &path]).ends(0).shows("NOT authenticated");
    }
}

#[test]
fn a_key_of_an_older_format_that_is_read_is_shown() {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/verifier/tests/vectors/");
    let digest = |name: &str| {
        let envelope = assay(arguments!["inspect", format!("{vectors}{name}"), "--json"]).ends(0).envelope();
        assert_eq!(envelope["data"]["kind"], "verifying key", "{name}");
        envelope["data"]["content"]["key_digest"].as_str().unwrap().to_owned()
    };
    assert_eq!(digest("key-2.vk"), digest("key-3.vk"));
}

#[test]
fn a_forged_receipt_is_shown_and_not_judged() {
    let folder = TempDir::new().unwrap();
    let mut file = story().receipt_file();
    file.signed.receipt.compute_units = 999_999;
    let path = put(&folder, "forged.receipt", file.to_bytes());
    let ran = assay(arguments!["inspect", &path]).ends(0).shows("999999").shows("checks no signature");
    assert!(!ran.stdout.contains("ACCEPTED") && !ran.stdout.contains("REJECTED"));
}

#[test]
fn a_model_is_shown_in_words() {
    let story = story();
    let shown = assay(arguments!["model", "show", story.model(), "--setup", "development", "--quiet"]).ends(0);
    assert_eq!(shown.stderr, "");
    for text in [
        "digits 64-32-10",
        "8x8, integers 0 to 16",
        "0: dense 8x8 -> 32, -44646 to 66376",
        "ReLU",
        "2: dense 32 -> 10, ",
        "2410 weights and biases",
        "bundle hash       0xd6855bd81401d43d9e58f30b70cbccd910acda7d2acd5dfe1651c8828b018c1e",
        "model hash        0x",
    ] {
        assert!(shown.stdout.contains(text), "{text:?} is missing:\n{}", shown.stdout);
    }
    let without = assay(arguments!["model", "show", story.model(), "--json"]).ends(0).envelope();
    assert!(without["data"]["model_hash"].is_null());
    assert_eq!(without["data"]["parameters"], 2410);
}

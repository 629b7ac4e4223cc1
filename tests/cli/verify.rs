use std::path::PathBuf;
use std::sync::Arc;

use attestation::hash::derive;
use attestation::identity::ml_dsa;
use attestation::receipt::SignedReceipt;
use attestation::text::Text;
use circuits::model::bundle::Bundle;
use circuits::model::tensor::Tensor;
use circuits::model::weights::Weights;
use serde_json::Value;
use tempfile::TempDir;
use verifier::receipt::ReceiptFile;

use crate::arguments;
use crate::common::{Ran, assay, put, story};

fn verify(receipt: impl Into<PathBuf>) -> Ran {
    assay(arguments!["verify", receipt.into(), "--vk", story().key(), "--accept-insecure-setup", "--json"])
}

/// The layers that failed.
fn failed(envelope: &Value) -> Vec<String> {
    let findings = envelope["data"]["files"][0]["findings"].as_array().unwrap();
    let failed = findings.iter().filter(|finding| finding["status"] == "failed");
    failed.map(|finding| finding["layer"].as_str().unwrap().to_owned()).collect()
}

/// Judges a receipt that was changed; the container around it is written anew, so its checksum is right.
fn judge_changed(change: impl FnOnce(&mut ReceiptFile)) -> Ran {
    let folder = TempDir::new().unwrap();
    let mut file = story().receipt_file();
    change(&mut file);
    verify(put(&folder, "changed.receipt", file.to_bytes()))
}

/// Its name, what it changes, and the layers that must fail.
type Lie = (&'static str, fn(&mut ReceiptFile), &'static [&'static str]);

/// The key of the development worker that does the demo's first job, which everybody knows.
fn worker() -> ml_dsa::SigningKey {
    ml_dsa::SigningKey::from_seed(&derive("assay 2026 development-key v1", &[b"worker-1"]))
}

fn swapped(tensor: &Tensor) -> Tensor {
    let mut values = tensor.values().to_vec();
    values.swap(7, 8);
    Tensor::new(tensor.shape().to_vec(), values).unwrap()
}

#[test]
fn a_true_receipt_is_accepted_with_the_key() {
    let story = story();
    let ran = assay(arguments!["verify", story.receipt(), "--vk", story.key(), "--accept-insecure-setup"]).ends(0);
    for text in [
        "under work context 0x",
        "of chain 1337",
        "maps the 8x8 input 0x",
        "passed     proof",
        "  not checked\n",
        "(audited: no)",
        "\nACCEPTED\n",
    ] {
        assert!(ran.stdout.contains(text), "{text:?} is missing:\n{}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_true_receipt_is_accepted_with_the_model() {
    let story = story();
    let with_model = arguments!["verify", story.receipt(), "--model", story.model(), "--accept-insecure-setup"];
    let ran = assay(with_model).ends(0).shows("(audited: yes").shows("\nACCEPTED\n").shows("(label 7)");
    assert!(!ran.stdout.contains("key audited: no"));
}

#[test]
fn without_a_key_nothing_is_decided() {
    let envelope = assay(arguments!["verify", story().receipt(), "--json"]).ends(3).envelope();
    assert_eq!(envelope["data"]["files"][0]["outcome"], "undecided");
    assert_eq!(envelope["errors"][0]["code"], "ASSAY-V002");
    assay(arguments!["verify", story().receipt()]).ends(3).shows("UNDECIDED: no verifying key").shows("--vk FILE");
}

#[test]
fn an_insecure_setup_is_accepted_by_request_only() {
    let story = story();
    for key in [arguments!["--vk", story.key()], arguments!["--model", story.model()]] {
        let arguments = arguments!["verify", story.receipt()].into_iter().chain(key);
        assay(arguments).ends(3).shows("UNDECIDED: the proof holds under setup").shows("help: --accept-insecure-setup");
    }
}

#[test]
fn each_lie_is_found_in_its_layer() {
    let lies: [Lie; 9] = [
        ("proof byte", |file| file.proofs[0].bytes[700] ^= 1, &["proof"]),
        ("proof cut", |file| file.proofs[0].bytes.truncate(1000), &["proof"]),
        ("proof longer", |file| file.proofs[0].bytes.extend([0; 32]), &["proof"]),
        ("proof's key", |file| file.proofs[0].key_digest[0] ^= 1, &["proof"]),
        ("input", |file| file.input = swapped(&file.input), &["integrity", "proof"]),
        ("output", |file| file.output = swapped(&file.output), &["integrity", "proof"]),
        ("units", |file| file.signed.receipt.compute_units += 1, &["signature"]),
        ("nonce", |file| file.signed.receipt.context.nonce[0] ^= 1, &["signature", "attestation", "proof"]),
        (
            "model",
            |file| file.signed.receipt.context.model_hash[0] ^= 1,
            &["signature", "attestation", "model", "proof"],
        ),
    ];
    for (lie, change, expected) in lies {
        let ran = judge_changed(change).ends(1);
        let envelope = ran.envelope();
        assert_eq!(failed(&envelope), expected, "{lie}");
        assert_eq!(envelope["errors"][0]["code"], "ASSAY-V001", "{lie}");
    }
}

#[test]
fn evidence_of_another_host_is_not_what_was_signed() {
    let ran = judge_changed(|file| {
        let attestation::evidence::Evidence::Software(software) = &mut file.evidence else { unreachable!() };
        software.host = Text::new("elsewhere").unwrap();
    });
    assert_eq!(failed(&ran.ends(1).envelope()), ["integrity"]);
}

#[test]
fn a_worker_who_signs_a_false_output_is_found_by_the_proof_alone() {
    let ran = judge_changed(|file| {
        file.output = swapped(&file.output);
        let mut receipt = file.signed.receipt.clone();
        receipt.output_hash = file.output.hash();
        file.signed = SignedReceipt::sign(receipt, &worker()).unwrap();
        file.proofs[0].statement_digest = file.statement().digest();
    });
    assert_eq!(failed(&ran.ends(1).envelope()), ["proof"]);
}

#[test]
fn nobody_signed_the_notes_and_they_steer_nothing() {
    let folder = TempDir::new().unwrap();
    let mut file = story().receipt_file();
    file.unauthenticated.model_name = "\u{1b}[2J\u{202e}evil".to_owned();
    file.unauthenticated.labels = vec!["\u{7}".to_owned(); 10];
    let path = put(&folder, "notes.receipt", file.to_bytes());
    let vk = story().key();
    let ran = assay(arguments!["verify", &path, "--vk", vk, "--accept-insecure-setup"]).ends(0);
    let shown = assay(arguments!["inspect", &path]).ends(0).shows("NOT authenticated");
    for text in [&ran.stdout, &shown.stdout] {
        assert!(text.contains("?[2J?evil"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    }
}

#[test]
fn a_key_of_another_model_is_told_from_the_context() {
    let bundle = Bundle::from_bytes(&std::fs::read(story().model()).unwrap()).unwrap();
    let mut nodes = bundle.weights().clone().into_nodes();
    let first = nodes.get_mut(&0).unwrap();
    let reversed = first.rows().flat_map(|(row, _)| row.iter().rev().copied()).collect();
    *first =
        circuits::model::weights::LinearWeights::new(first.outputs(), first.inputs(), reversed, first.bias().to_vec())
            .unwrap();
    let weights = Weights::new(bundle.graph(), nodes).unwrap();
    let other = Arc::new(Bundle::new(bundle.graph().clone(), weights, bundle.info().clone()).unwrap());
    let folder = TempDir::new().unwrap();
    let model = put(&folder, "other.assay", other.to_bytes().unwrap());
    let vk = folder.path().join("other.vk");
    assay(arguments!["prover", "setup", "--model", &model, "--out-key", &vk, "--accept-insecure-setup"]).ends(0);
    for key in [arguments!["--vk", &vk], arguments!["--model", &model]] {
        let arguments =
            arguments!["verify", story().receipt(), "--accept-insecure-setup", "--json"].into_iter().chain(key);
        assert_eq!(failed(&assay(arguments).ends(1).envelope()), ["model", "proof"]);
    }
}

#[test]
fn a_proof_of_another_system_or_setup_is_undecided() {
    let ran = judge_changed(|file| file.proofs[0].system = "tomorrow".to_owned()).ends(3);
    assert!(ran.envelope()["errors"][0]["message"].as_str().unwrap().contains("proof system: this release knows"));
    let folder = TempDir::new().unwrap();
    let mut file = story().receipt_file();
    file.proofs[0].setup_id[0] ^= 1;
    let path = put(&folder, "setup.receipt", file.to_bytes());
    let arguments = arguments!["verify", &path, "--model", story().model(), "--accept-insecure-setup"];
    assay(arguments).ends(3).shows("the proof is under another setup");
}

#[test]
fn a_receipt_without_a_proof_passes_as_attested_only() {
    let folder = TempDir::new().unwrap();
    let mut file = story().receipt_file();
    file.proofs.clear();
    let path = put(&folder, "bare.receipt", file.to_bytes());
    let vk = story().key();
    assay(arguments!["verify", &path, "--vk", &vk, "--accept-insecure-setup"]).ends(3).shows("carries no proof");
    assay(arguments!["verify", &path, "--require", "attested"]).ends(0).shows("no proof was accepted");
}

#[test]
fn evidence_is_judged_at_the_time_that_is_asked_for() {
    let story = story();
    let late = arguments!["verify", story.receipt(), "--require", "attested", "--at", "9999999999999", "--json"];
    assert_eq!(failed(&assay(late).ends(1).envelope()), ["attestation"]);
}

#[test]
fn the_worst_of_several_files_decides() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let mut file = story.receipt_file();
    file.proofs[0].bytes[0] ^= 1;
    let forged = put(&folder, "forged.receipt", file.to_bytes());
    let missing = folder.path().join("missing.receipt");
    let judge = |files: &[&PathBuf]| {
        let files = files.iter().map(|file| file.as_os_str().to_owned());
        assay(arguments!["verify", "--accept-insecure-setup", "--vk", story.key(), "--json"].into_iter().chain(files))
    };
    let good = story.receipt();
    judge(&[&good, &good]).ends(0);
    let envelope = judge(&[&missing, &good]).ends(2).envelope();
    assert_eq!(envelope["data"]["files"].as_array().unwrap().len(), 1);
    let envelope = judge(&[&good, &forged, &missing]).ends(1).envelope();
    let codes: Vec<&str> =
        envelope["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["ASSAY-V001", "ASSAY-F001"]);
}

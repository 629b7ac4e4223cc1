use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use tempfile::TempDir;
use verifier::key::VerifyingKey;
use verifier::proof::{self, Proof};
use verifier::receipt::ReceiptFile;

use crate::arguments;
use crate::common::{assay, names, put, story};

#[test]
fn the_development_setup_is_used_by_request_only() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let (vk, out) = (folder.path().join("a.vk"), folder.path().join("a.proof"));
    let setup = arguments!["prover", "setup", "--model", story.model(), "--out-key", &vk];
    let run = arguments!["prover", "run", "--model", story.model(), "--input", story.file("digit.json"), "--out", &out];
    for arguments in [setup.to_vec(), run.to_vec()] {
        assay(arguments).ends(3).says("error[ASSAY-P001]").says("its secret is public").says("--accept-insecure-setup");
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn the_same_model_has_the_same_key() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let vk = folder.path().join("mine.vk");
    let arguments =
        arguments!["prover", "setup", "--model", story.model(), "--out-key", &vk, "--accept-insecure-setup"];
    assay(&arguments).ends(0).says("warning: development setup").shows("key digest");
    assert_eq!(std::fs::read(&vk).unwrap(), std::fs::read(story.key()).unwrap());
    std::fs::write(&vk, "mine").unwrap();
    assay(&arguments).ends(2).says("error[ASSAY-F006]").says("exists already");
    assert_eq!(std::fs::read(&vk).unwrap(), b"mine");
    assay(arguments.iter().cloned().chain(["--overwrite".into()])).ends(0);
    assert_eq!(std::fs::read(&vk).unwrap(), std::fs::read(story.key()).unwrap());
    assert_eq!(names(folder.path()), ["mine.vk"]);
}

#[test]
fn a_run_gives_a_proof_that_verifies_for_its_context() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let (out, shown) = (folder.path().join("mine.proof"), folder.path().join("mine.json"));
    let digest = format!("0x{}", "5a".repeat(32));
    let arguments = arguments![
        "prover",
        "run",
        "--model",
        story.model(),
        "--input",
        story.file("digit.json"),
        "--out",
        &out,
        "--out-statement",
        &shown,
        "--json",
        "--context-digest",
        &digest,
        "--accept-insecure-setup"
    ];
    let envelope = assay(arguments).ends(0).envelope();
    let judged = arguments!["verify", &out, "--statement", &shown, "--vk", story.key(), "--accept-insecure-setup"];
    assay(judged).ends(0).shows(&format!("under the work context of digest {digest}")).shows("ACCEPTED");
    assert_eq!(envelope["data"]["label"], "7");
    assert_eq!(envelope["warnings"].as_array().unwrap().len(), 1);
    let tensor = |name: &str| serde_json::from_value::<Tensor>(envelope["data"][name].clone()).unwrap();
    let statement = Statement { context_digest: [0x5a; 32], input: tensor("input"), output: tensor("output") };
    let key = VerifyingKey::from_bytes(&std::fs::read(story.key()).unwrap()).unwrap();
    let made = Proof::from_bytes(&std::fs::read(&out).unwrap()).unwrap();
    proof::verify(&key, &statement, &made).unwrap();
    assert_eq!(statement.output, story.receipt_file().output);
}

/// What a verifier is handed: one file, which says everything but the key.
#[test]
fn a_run_gives_a_receipt_that_anybody_can_verify() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let [out, receipt] = ["mine.proof", "mine.receipt"].map(|name| folder.path().join(name));
    let input = story.file("digit.json");
    let run = |more: &[std::ffi::OsString]| {
        let words = ["prover", "run", "--accept-insecure-setup", "--overwrite", "--json"].map(Into::into);
        let files = arguments!["--model", story.model(), "--input", &input, "--out", &out, "--receipt", &receipt];
        assay(words.iter().chain(&files).chain(more).cloned().collect::<Vec<_>>())
    };
    let envelope = run(&arguments!["--as-worker", "worker-2"]).ends(0).envelope();
    let warnings = envelope["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().contains("anybody can sign in its name")));
    let file = ReceiptFile::from_bytes(&std::fs::read(&receipt).unwrap()).unwrap();
    assert_eq!(file.proofs, [Proof::from_bytes(&std::fs::read(&out).unwrap()).unwrap()]);
    assert_eq!(file.output, story.receipt_file().output);
    let context = file.signed.receipt.context;
    assert!(!context.names_chain());
    assert_eq!(envelope["data"]["context_digest"], attestation::hex::encode(&context.digest()));
    assert_eq!(envelope["data"]["receipt"]["digest"], attestation::hex::encode(&file.signed.digest()));
    let verify = arguments!["verify", &receipt, "--vk", story.key(), "--accept-insecure-setup"];
    let ran = assay(verify.clone())
        .ends(0)
        .shows("of no chain: the worker made it by itself")
        .shows("begun")
        .shows("ACCEPTED");
    ran.shows("anything of a chain: none leased this work context").shows("(label by the unsigned notes: 7)");

    // Another run is other work, and what the worker signed is not changed afterwards.
    run(&arguments!["--as-worker", "worker-2"]).ends(0);
    let mut again = ReceiptFile::from_bytes(&std::fs::read(&receipt).unwrap()).unwrap();
    assert_ne!(again.signed.receipt.context.nonce, context.nonce);
    again.signed.receipt.context.chain_id = 1337;
    std::fs::write(&receipt, again.to_bytes()).unwrap();
    assay(verify).ends(1).shows("FAILED     signature").shows("REJECTED");

    std::fs::remove_file(&receipt).unwrap();
    run(&[]).ends(2).says("--worker-key <FILE>");
    let context = arguments!["--as-worker", "worker-2", "--context-digest", format!("0x{}", "5a".repeat(32))];
    run(&context).ends(2).says("cannot be used with");
    run(&arguments!["--worker-key", folder.path().join("none.pem"), "--password-file", &input]).ends(2);
    assert!(!receipt.exists());
}

#[test]
fn a_plain_array_takes_the_shape_of_the_model() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let values = format!("{:?}", story.receipt_file().input.values());
    let input = put(&folder, "plain.json", values);
    let out = folder.path().join("plain.proof");
    let arguments = arguments![
        "prover",
        "run",
        "--model",
        story.model(),
        "--input",
        &input,
        "--out",
        &out,
        "--accept-insecure-setup"
    ];
    let ran = assay(arguments).ends(0).shows("label 7").shows("\u{2588}\u{2588}").says("bound to no work context");
    assert!(ran.stdout.contains("run ") && ran.stdout.contains("proof "));
}

#[test]
fn inputs_that_do_not_fit_are_refused_before_any_proof() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("x.proof");
    let too_bright = format!("{:?}", [17; 64]);
    for (content, code, says) in [
        ("[1, 2, 3]", "ASSAY-F003", "tensor values: expected 64 for shape [8, 8], got 3"),
        (too_bright.as_str(), "ASSAY-P006", "input element 0: expected 0 to 16, got 17"),
        (r#"{"shape": [1], "values": [1]}"#, "ASSAY-P006", "input shape: expected [8, 8], got [1]"),
        (r#"{"shape": [2], "values": [1]}"#, "ASSAY-F003", "not a model input"),
        (r#"{"shape": [1], "values": [1], "more": 1}"#, "ASSAY-F003", "not a model input"),
        ("[1.5]", "ASSAY-F003", "not a model input"),
        ("[1, 2", "ASSAY-F003", "not a model input"),
        ("", "ASSAY-F003", "not a model input"),
        ("\u{0}\u{1}", "ASSAY-F003", "not a model input"),
    ] {
        let input = put(&folder, "input.json", content);
        let arguments = arguments![
            "prover",
            "run",
            "--model",
            story.model(),
            "--input",
            &input,
            "--out",
            &out,
            "--accept-insecure-setup"
        ];
        assay(arguments).ends(2).says(&format!("error[{code}]")).says(says);
    }
    assert_eq!(names(folder.path()), ["input.json"]);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("x.proof");
    let run = |more: [&str; 2], out: &std::path::Path| {
        let arguments = arguments![
            "prover",
            "run",
            "--model",
            story.model(),
            "--input",
            story.file("digit.json"),
            "--out",
            out,
            "--accept-insecure-setup"
        ];
        assay(arguments.into_iter().chain(more.map(Into::into)))
    };
    run(["--context-digest", "0x12"], &out).ends(2).says("error[ASSAY-U002]").says("64 lower-case");
    run(["--device", "gpu"], &out).ends(2).says("error[ASSAY-U001]").says("expected cpu or cuda:N");
    #[cfg(not(feature = "cuda"))]
    run(["--device", "cuda:0"], &out).ends(5).says("error[ASSAY-P005]").says("no GPU support");
    let nowhere = folder.path().join("nowhere").join("x.proof");
    run(["--device", "cpu"], &nowhere).ends(2).says("error[ASSAY-F005]");
    assert!(names(folder.path()).is_empty());
}

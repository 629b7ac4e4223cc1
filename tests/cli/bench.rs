use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, names, put, story};

/// One smoke run of the digits network, written to a file.
fn smoke(folder: &TempDir) -> PathBuf {
    let out = folder.path().join("smoke.json");
    assay(arguments!["bench", "run", "zk", "--profile", "smoke", "--out", &out])
        .ends(0)
        .shows("digits, 2410 parameters")
        .shows("5 of 5 proofs; another output was refused")
        .shows("accuracy          not measured");
    out
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_smoke_run_records_every_figure_and_compares_with_itself() {
    let folder = TempDir::new().unwrap();
    let out = smoke(&folder);
    let run = read(&out);
    assert_eq!((&run["schema_version"], &run["profile"]), (&json!(1), &json!("smoke")));
    assert_eq!(
        (&run["system"]["name"], &run["system"]["version"]),
        (&json!("assay"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(run["build"]["compiler"].as_str().unwrap().starts_with("rustc 1."));
    assert!(run["machine"]["memory_bytes"].as_u64().unwrap() > 1 << 27);
    // After the first release of this program and before the year 2200.
    assert!((1_790_000_000_000..7_258_118_400_000).contains(&run["started_ms"].as_u64().unwrap()));
    let [measurement] = run["measurements"].as_array().unwrap().as_slice() else { panic!("one model") };
    assert_eq!(measurement["model"]["name"], "digits");
    assert_eq!(measurement["model"]["parameters"], 2410);
    assert_eq!(measurement["inputs"], json!({"random": {"seed": 2026}}));
    assert_eq!(measurement["proofs"], json!({"made": 5, "verified": 5, "altered_refused": true}));
    for (step, samples) in [
        ("key_generation", 1),
        ("key_loading", 3),
        ("proving_key_loading", 1),
        ("witness", 3),
        ("prove", 3),
        ("verify", 3),
    ] {
        for clock in ["wall_ns", "processor_ns"] {
            let values = measurement[step][clock]["values"].as_array().unwrap();
            assert_eq!(values.len(), samples, "{step} {clock}");
            assert!(values.iter().all(|value| value.as_u64().unwrap() > 0), "{step} {clock}");
        }
    }
    let prove = measurement["prove"]["wall_ns"]["median"].as_u64().unwrap();
    assert!(prove > measurement["verify"]["wall_ns"]["median"].as_u64().unwrap());
    // A prover holds at least its key; nobody proves in the memory of a whole machine.
    let peak = measurement["memory"]["prove_bytes"]["median"].as_u64().unwrap();
    assert!((1 << 20..1 << 30).contains(&peak), "{peak}");
    assert!(measurement["proof_file_bytes"].as_u64() > measurement["proof_bytes"].as_u64());
    assert_eq!(measurement["verifying_key_bytes"], std::fs::metadata(story().key()).unwrap().len());
    assert_eq!(measurement["proving_key"]["form"], "file");
    assert_eq!(names(folder.path()), ["smoke.json"]);

    let same = assay(arguments!["bench", "compare", &out, &out, "--json"]).ends(0).envelope();
    let rows = same["data"]["pairs"][0]["rows"].as_array().unwrap();
    assert_eq!(rows[0]["quantity"], "prove");
    assert_eq!(rows[0]["ratio"]["value"], 1.0);
    assert_eq!(rows[0]["ratio"]["confidence"], 0.5);
    assay(arguments!["bench", "compare", &out, &out])
        .ends(0)
        .shows("may be noise")
        .shows("exact")
        .shows("not measured");
}

#[test]
fn a_reference_measures_accuracy_and_an_input_is_used() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let receipt = story.receipt_file();
    let (input, output) = (receipt.input.values(), receipt.output.values());
    let floats: Vec<f64> = output.iter().map(|value| *value as f64 * 0.5 + 0.25).collect();
    let reference = json!({"output_scale": 0.5, "samples": [{"input": input, "output": floats}]});
    let reference = put(&folder, "reference.json", reference.to_string());
    let arguments = arguments![
        "bench",
        "run",
        "zk",
        "--profile",
        "smoke",
        "--samples",
        "1",
        "--models",
        story.model(),
        "--input",
        story.file("digit.json"),
        "--reference",
        &reference,
        "--json"
    ];
    let envelope = assay(arguments).ends(0).envelope();
    let measurement = &envelope["data"]["run"]["measurements"][0];
    assert_eq!(measurement["accuracy"], json!({"samples": 1, "argmax_agreements": 1, "error_max": 0.25}));
    assert_eq!((&measurement["inputs"], &envelope["data"]["out"]), (&json!("file"), &Value::Null));
    assert_eq!(measurement["prove"]["wall_ns"]["values"].as_array().unwrap().len(), 1);
}

/// `bench run zk` with arguments that stop it before anything is measured.
#[track_caller]
fn refused(arguments: impl IntoIterator<Item = std::ffi::OsString>, code: &str, says: &str) {
    let start = arguments!["bench", "run", "zk", "--profile", "smoke"];
    assay(start.into_iter().chain(arguments)).ends(2).says(&format!("error[{code}]")).says(says);
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_is() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out.json");
    let file = |name: &str, content: &str| put(&folder, name, content);
    let (model, input) = (story.model(), story.file("digit.json"));
    refused(
        arguments!["--models", &model, &model, "--out", &out],
        "ASSAY-B006",
        r#"different names, got "digits" twice"#,
    );
    refused(
        arguments!["--models", &model, &model, "--input", &input],
        "ASSAY-B006",
        "--input: expected one model with it, got 2",
    );
    refused(arguments!["--samples", "0"], "ASSAY-U001", "0 is not in 1..=1000");
    assay(["bench", "run", "zk", "--profile", "quick"]).ends(2).says("[possible values: smoke, reduced, full]");
    refused(arguments!["--models", "missing.assay"], "ASSAY-F001", "missing.assay");
    refused(arguments!["--models", story.key()], "ASSAY-F003", "digits.vk");
    let bright = file("bright.json", &format!("{:?}", [17; 64]));
    refused(arguments!["--input", &bright], "ASSAY-P006", "input element 0: expected 0 to 16, got 17");
    let reference = |content: &str| arguments!["--reference", file("reference.json", content)];
    refused(reference("{}"), "ASSAY-F003", "not a reference: expected");
    refused(reference(r#"{"samples": []}"#), "ASSAY-B008", "expected at least one sample, got none");
    refused(
        reference(r#"{"output_scale": 0, "samples": []}"#),
        "ASSAY-B008",
        "expected an output_scale above zero, or null",
    );
    refused(
        reference(r#"{"samples": [{"input": [1, 2], "output": []}]}"#),
        "ASSAY-B008",
        "sample 0 of the reference: tensor values: expected 64 for shape [8, 8], got 2",
    );
    let short = json!({"samples": [{"input": vec![0; 64], "output": [1.0]}]}).to_string();
    refused(reference(&short), "ASSAY-B008", "sample 0 of the reference: expected 10 outputs, got 1");
    let kept = file("kept.json", "mine");
    refused(arguments!["--out", &kept], "ASSAY-F006", "exists already");
    refused(arguments!["--out", folder.path().join("nowhere").join("out.json")], "ASSAY-F005", "nowhere");
    assert_eq!(std::fs::read(&kept).unwrap(), b"mine");
    assert!(!out.exists());
}

#[test]
fn records_that_are_none_are_refused() {
    let folder = TempDir::new().unwrap();
    let compare = |content: &str, exit: i32, code: &str, says: &str| {
        let file = put(&folder, "record.json", content);
        let ran = assay(arguments!["bench", "compare", &file, &file]).ends(exit);
        ran.says(&format!("error[{code}]")).says(says).says("record.json");
    };
    compare("", 2, "ASSAY-F003", "not a benchmark record");
    compare("{}", 2, "ASSAY-F003", "missing field `schema_version`");
    compare(r#"{"schema_version": 1}"#, 2, "ASSAY-F003", "missing field `started_ms`");
    compare(r#"{"schema_version": 2}"#, 3, "ASSAY-F004", "schema_version: expected 1, got 2");
    assay(["bench", "compare", "missing.json", "missing.json"]).ends(2).says("error[ASSAY-F001]");
    assay(["bench", "compare", "one.json"]).ends(2).says("<NEW>");
}

#[test]
fn layers_are_measured_attacked_compared_and_shown() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (out, page, table) = (file("layers.json"), file("layers.html"), file("layers.md"));
    let ran = assay(arguments!["bench", "run", "layers", "--profile", "smoke", "--out", &out]);
    ran.ends(0).shows("receipt, GPU and CPU, proof").shows("none is enough").shows("colluding jury");
    let record = read(&out);
    assert_eq!((&record["schema_version"], &record["profile"]), (&json!(2), &json!("smoke")));
    let [model] = record["models"].as_array().unwrap().as_slice() else { panic!("one model") };
    assert_eq!((&model["model"]["name"], model["choices"].as_array().unwrap().len()), (&json!("digits"), 15));
    for choice in model["choices"].as_array().unwrap() {
        assert_eq!(choice["attacks"].as_array().unwrap().len(), 13, "{choice}");
        assert!(choice["chain_bytes"].as_u64().unwrap() > 5_000 && choice["gas"].as_u64().unwrap() >= 80_000);
    }
    assay(arguments!["bench", "run", "layers", "--profile", "smoke", "--out", &out]).ends(2).says("ASSAY-F006");

    assay(arguments!["bench", "report", &out, "--out", &page]).ends(0);
    assert!(std::fs::read_to_string(&page).unwrap().contains("<svg"));
    assay(arguments!["bench", "report", &out, "--out", &page]).ends(2).says("ASSAY-F006");
    assay(arguments!["bench", "report", &out, "--format", "markdown", "--out", &table]).ends(0);
    assert!(std::fs::read_to_string(&table).unwrap().contains("| proof | always |"));

    let ran = assay(arguments!["bench", "compare", &out, &out]);
    ran.ends(0).shows("judge GPU and CPU evidence").shows("may be noise").shows("what is caught are the same");
    let mut later = record.clone();
    later["schema_version"] = json!(9);
    let later = put(&folder, "later.json", later.to_string());
    assay(arguments!["bench", "compare", &out, &later]).ends(3).says("schema_version: expected 2, got 9");
    let mut other = record;
    other["models"][0]["model"]["name"] = json!("another");
    let other = put(&folder, "other.json", other.to_string());
    assay(arguments!["bench", "compare", &out, &other]).ends(2).says("error[ASSAY-B007]");
    let proofs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks/records/2026-11-21-assay.json");
    assay(arguments!["bench", "compare", &out, proofs]).ends(2).says("error[ASSAY-B011]");
    assay(arguments!["bench", "report", proofs, "--out", file("none.html")]).ends(2).says("error[ASSAY-B011]");
    assert!(!file("none.html").exists());
}

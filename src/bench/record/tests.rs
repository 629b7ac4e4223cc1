#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use serde_json::{Value, json};

use super::super::comparison::tests::run;
use super::*;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks/schema/run.json");

/// Generated from the types; `BLESS=1 cargo test --release --bin assay schema` writes it again.
#[test]
fn the_published_schema_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Run)).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    assert_eq!(std::fs::read_to_string(SCHEMA).unwrap(), schema);
}

fn value() -> Value {
    serde_json::to_value(run()).unwrap()
}

fn refusal(value: &Value) -> String {
    Run::from_bytes(value.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_run_reads_back() {
    let run = run();
    let bytes = run.to_bytes().unwrap();
    assert_eq!(Run::from_bytes(&bytes).unwrap(), run);
    assert!(bytes.ends_with(b"}\n"));
}

#[test]
fn a_missing_value_is_an_error_wherever_it_is_missing() {
    let optional =
        ["commit", "changed_files", "key_loading", "security", "accuracy", "error_max", "multiply_accumulates"];
    let whole = value();
    let mut tried = 0;
    // Every object of the record, by path.
    let mut open = vec![String::new()];
    while let Some(path) = open.pop() {
        let Some(Value::Object(fields)) = whole.pointer(&path) else { continue };
        for name in fields.keys() {
            // The values of a map have no names of their own.
            if path.ends_with("/settings/values") || path.ends_with("/inputs") {
                continue;
            }
            let mut less = whole.clone();
            less.pointer_mut(&path).unwrap().as_object_mut().unwrap().remove(name);
            let read = Run::from_bytes(less.to_string().as_bytes());
            if optional.contains(&name.as_str()) {
                assert!(read.is_ok(), "{path}/{name}");
            } else {
                let refusal = read.unwrap_err().to_string();
                assert!(refusal.contains(&format!("missing field `{name}`")), "{path}/{name}: {refusal}");
                tried += 1;
            }
            open.push(format!("{path}/{name}"));
        }
        if path.is_empty() {
            open.push("/measurements/0".to_owned());
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn zero_is_no_measurement() {
    for path in [
        "/started_ms",
        "/machine/cores",
        "/machine/memory_bytes",
        "/measurements/0/k",
        "/measurements/0/proof_bytes",
        "/measurements/0/proving_key/bytes",
        "/measurements/0/verifying_key_bytes",
        "/measurements/0/prove/wall_ns/median",
        "/measurements/0/prove/wall_ns/values/0",
        "/measurements/0/memory/prove_bytes/values/0",
        "/measurements/0/proofs/made",
        "/measurements/0/model/parameters",
    ] {
        let mut zero = value();
        *zero.pointer_mut(path).unwrap() = json!(0);
        assert!(refusal(&zero).contains("expected a nonzero"), "{path}: {}", refusal(&zero));
        *zero.pointer_mut(path).unwrap() = Value::Null;
        assert!(refusal(&zero).contains("invalid type: null"), "{path}: {}", refusal(&zero));
    }
}

#[test]
fn other_versions_and_unknown_fields_are_refused() {
    let mut other = value();
    other["schema_version"] = json!(2);
    other["something"] = json!("new");
    assert_eq!(refusal(&other), "benchmark record schema_version: expected 1, got 2");
    other["schema_version"] = json!(1);
    assert!(refusal(&other).contains("unknown field `something`"));
    assert!(refusal(&json!([])).starts_with("not a benchmark record (invalid length 0"));
    assert!(refusal(&json!({})).contains("missing field `schema_version`"));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let with = |path: &str, new: Value| {
        let mut value = value();
        *value.pointer_mut(path).unwrap() = new;
        refusal(&value)
    };
    assert_eq!(with("/measurements", json!([])), "benchmark record measurements: expected 1 to 256, got 0");
    let one = value()["measurements"][0].clone();
    assert_eq!(
        with("/measurements", json!([one, one])),
        r#"benchmark record: model "digits" with settings "default" is measured twice"#
    );
    assert_eq!(
        with("/measurements", Value::Array(vec![one; 257])),
        "benchmark record measurements: expected 1 to 256, got 257"
    );
    assert_eq!(
        with("/measurements/0/proofs/verified", json!(3)),
        r#"benchmark record, model "digits": expected every proof to be verified, got 3 of 4"#
    );
    assert_eq!(
        with("/measurements/0/proofs/altered_refused", json!(false)),
        r#"benchmark record, model "digits": expected an altered statement to be refused"#
    );
    assert_eq!(
        with("/measurements/0/accuracy", json!({"samples": 3, "argmax_agreements": 4})),
        r#"benchmark record, model "digits", accuracy: expected at most as many agreements as samples"#
    );
    assert_eq!(
        with("/measurements/0/accuracy", json!({"samples": 0, "argmax_agreements": 0})),
        r#"benchmark record, model "digits", accuracy: expected at least one sample, got 0"#
    );
    assert_eq!(
        with("/measurements/0/accuracy/error_max", json!(-0.5)),
        r#"benchmark record, model "digits", accuracy: expected an error_max of 0 or more"#
    );
    assert_eq!(
        with("/measurements/0/model/name", json!("a\nb")),
        r#"benchmark record model.name: expected 1 to 1024 bytes without control characters, got "a\nb""#
    );
    assert_eq!(
        with("/system/name", json!("")),
        r#"benchmark record system.name: expected 1 to 1024 bytes without control characters, got """#
    );
}

#[test]
fn a_run_that_contradicts_itself_is_not_written() {
    let mut run = run();
    run.measurements.clear();
    assert!(matches!(run.to_bytes(), Err(RecordError::Measurements { got: 0 })));
}

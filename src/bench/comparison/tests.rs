#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::num::NonZeroU64;

use serde_json::json;

use super::*;

/// A run of one model, by the figures of nobody.
pub(in crate::bench) fn run() -> Run {
    let timing = |covers: &str, values: [u64; 3]| {
        let mut sorted = values;
        sorted.sort_unstable();
        let samples = json!({ "median": sorted[1], "values": values });
        json!({ "covers": covers, "wall_ns": samples, "processor_ns": samples })
    };
    let samples = json!({ "median": 20, "values": [20] });
    let value = json!({
        "schema_version": 1,
        "started_ms": 1_795_170_367_042_u64,
        "profile": "smoke",
        "system": {
            "name": "assay", "version": "0.1.0", "proof_system": "p", "arithmetisation": "a", "iop": "i",
            "commitment_scheme": "c", "field": "f", "zero_knowledge": false, "post_quantum": false, "audited": false,
        },
        "build": { "compiler": "rustc", "flags": "", "features": [], "commit": "c0ffee", "changed_files": 0 },
        "machine": {
            "processor": "p", "cores": 2, "memory_bytes": 1024, "system": "s", "kernel": "k", "architecture": "x",
        },
        "measurements": [{
            "model": {
                "name": "digits", "digest": "0x00", "bytes": 10, "parameters": 7, "multiply_accumulates": 5,
            },
            "settings": { "name": "default", "values": { "rows": "32" } },
            "k": 10,
            "inputs": { "random": { "seed": 2026 } },
            "key_generation": timing("keys", [90, 100, 110]),
            "key_loading": timing("loading", [3, 1, 2]),
            "witness": timing("witness", [4, 4, 4]),
            "prove": timing("proof", [1000, 900, 1200]),
            "verify": timing("verification", [50, 40, 60]),
            "proof_bytes": 1312,
            "proof_file_bytes": 1479,
            "proving_key": { "bytes": 5000, "form": "serialised" },
            "verifying_key_bytes": 3307,
            "memory": { "covers": "all", "prove_bytes": samples, "key_generation_bytes": samples },
            "proofs": { "made": 4, "verified": 4, "altered_refused": true },
            "security": { "proven_bits": 239, "conjectured_bits": 100 },
            "accuracy": { "samples": 3, "argmax_agreements": 3, "error_max": 0.25 },
            "load": { "before": 0.5, "after": 1.5 },
        }],
    });
    Run::from_bytes(value.to_string().as_bytes()).unwrap()
}

/// The same run whose proofs take `values`.
fn proving(values: &[u64]) -> Run {
    let mut run = run();
    run.measurements[0].prove.wall_ns = Samples::new(values.to_vec()).unwrap();
    run
}

fn ratio(base: &Run, new: &Run, quantity: Quantity) -> Ratio {
    let pairs = pairs(base, new);
    assert_eq!(pairs.len(), 1);
    pairs[0].rows.iter().find(|row| row.quantity == quantity).unwrap().ratio.unwrap()
}

#[test]
fn a_ratio_tells_how_many_times_less_the_new_run_needs() {
    let faster = ratio(&proving(&[1000, 900, 1200]), &proving(&[100, 80, 120]), Quantity::Prove);
    assert_eq!((faster.value, faster.low, faster.high), (10.0, 900.0 / 120.0, 1200.0 / 80.0));
    assert_eq!(faster.confidence, 0.5, "each median's extremes hold it in 3 of 4 cases");
    assert!(!faster.is_noise());
    let slower = ratio(&proving(&[100, 80, 120]), &proving(&[1000, 900, 1200]), Quantity::Prove);
    assert!(slower.high < 1.0 && !slower.is_noise());
}

#[test]
fn overlapping_runs_may_be_noise() {
    let near = ratio(&proving(&[1000, 900, 1200]), &proving(&[950, 1100, 980]), Quantity::Prove);
    assert!(near.is_noise() && near.value > 1.0, "{near:?}");
    let same = ratio(&run(), &run(), Quantity::Prove);
    assert!(same.is_noise());
    assert_eq!(same.value, 1.0);
}

#[test]
fn more_samples_are_surer() {
    let run: Run = proving(&(900..930).collect::<Vec<_>>());
    let sure = ratio(&run, &run, Quantity::Prove);
    assert!(sure.confidence > 0.91 && sure.low > 0.98 && sure.high < 1.02, "{sure:?}");
}

#[test]
fn one_sample_bounds_nothing_and_sizes_are_exact() {
    assert_eq!(ratio(&proving(&[7]), &proving(&[7, 8, 9]), Quantity::Prove).confidence, 0.0);
    let mut half = run();
    half.measurements[0].proof_bytes = NonZeroU64::new(656).unwrap();
    let exact = ratio(&run(), &half, Quantity::Proof);
    assert_eq!(exact, Ratio { value: 2.0, low: 2.0, high: 2.0, confidence: 1.0 });
}

#[test]
fn what_one_side_lacks_has_no_ratio_and_what_both_lack_no_row() {
    let (base, mut peer) = (run(), run());
    peer.measurements[0].key_loading = None;
    let pairs = pairs(&base, &peer);
    let row = pairs[0].rows.iter().find(|row| row.quantity == Quantity::KeyLoading).unwrap();
    assert!(row.base.is_some() && row.new.is_none() && row.ratio.is_none());
    assert!(pairs[0].rows.iter().all(|row| row.quantity != Quantity::ProvingKeyLoading));
}

#[test]
fn settings_pair_by_name_where_both_have_it_and_all_with_all_else() {
    let with = |names: &[&str]| {
        let mut run = run();
        let one = run.measurements[0].clone();
        run.measurements = names
            .iter()
            .map(|name| {
                let mut one = one.clone();
                one.settings.name = (*name).to_owned();
                one
            })
            .collect();
        run
    };
    let names = |base: &[&str], new: &[&str]| {
        let (base, new) = (with(base), with(new));
        let name = |pair: &Pair<'_>| format!("{}-{}", pair.base.settings.name, pair.new.settings.name);
        pairs(&base, &new).iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(&["default", "tuned"], &["ours"]), ["default-ours", "tuned-ours"]);
    assert_eq!(names(&["a", "b"], &["b", "a"]), ["a-a", "b-b"]);
    let mut other = run();
    other.measurements[0].model.name = "mlp".to_owned();
    assert!(pairs(&run(), &other).is_empty());
}

#[test]
fn other_machines_and_busy_ones_are_told() {
    assert!(caveats(Circumstances::of(&run()), Circumstances::of(&run())).is_empty());
    let mut busy = run();
    busy.measurements[0].load.after = 7.5;
    let caveats_of_busy = caveats(Circumstances::of(&run()), Circumstances::of(&busy));
    assert_eq!(caveats_of_busy.len(), 1);
    assert!(caveats_of_busy[0].starts_with("the new run had a load average of 7.5 on 2 cores"), "{caveats_of_busy:?}");
    let mut elsewhere = run();
    elsewhere.machine.processor = "other".to_owned();
    assert!(
        caveats(Circumstances::of(&elsewhere), Circumstances::of(&run()))[0]
            .starts_with("the runs are of different machines: other with 2 cores")
    );
}

#[test]
fn figures_that_cover_other_things_are_told() {
    let mut other = run();
    other.measurements[0].prove.covers = "reading the key from disk too".to_owned();
    other.measurements[0].proving_key.form = KeyForm::File;
    let base = run();
    let notes = |new: &Run| pairs(&base, new)[0].notes();
    assert!(notes(&base).is_empty());
    let note = |quantity, base: &str, new: &str| Note { quantity, base: base.to_owned(), new: new.to_owned() };
    assert_eq!(
        notes(&other),
        [
            note("prove", "proof", "reading the key from disk too"),
            note(
                "proving key",
                "halo2's serialisation of a key that is derived each time",
                "a file that the prover reads"
            ),
        ]
    );
}

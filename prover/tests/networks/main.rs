#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
//! Every network of two public collections: imported, held against its float run, and proven.
//!
//! The collections are no part of the repository; without them the tests say so and end. Networks whose circuit has more
//! than 2^11 rows take minutes together and are only proven with `ASSAY_ALL_NETWORKS=1`. With `NETWORK_TABLE` set to a
//! path, the table of `docs/networks.md` is written there; `NETWORK` picks one network, `NETWORKS` another collection.

mod proof;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use prover::import::onnx::{Lists, Settings, TOLERANCE, check, import};
use prover::srs::generate::development;

use proof::{Outcome, prove_and_refuse};
use table::Row;

/// Largest circuit that is proven in every run: below it a proof takes less than half a second.
const K_ALWAYS: u32 = 11;

/// A folder beside the repository, or a note that it is missing.
fn shared(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let path = root.map(|root| root.join("../shared/data").join(folder)).find(|path| path.is_dir());
    if path.is_none() {
        note("skipped: no ../shared");
    }
    path
}

fn note(words: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{words}");
}

#[test]
fn a_peers_networks_are_imported_and_proven() {
    let chosen = std::env::var_os("NETWORKS").map(PathBuf::from);
    let Some(folder) = chosen.or_else(|| shared("ezkl-onnx")) else { return };
    let only = std::env::var("NETWORK").ok();
    let k_max = if std::env::var_os("ASSAY_ALL_NETWORKS").is_some_and(|value| value == "1") { 20 } else { K_ALWAYS };
    let mut folders: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir() && only.as_deref().is_none_or(|only| folder.ends_with(only)));
    folders.sort();
    let mut setup = development(K_ALWAYS, &|_, _| {}).unwrap();
    let mut rows = Vec::new();
    for folder in folders {
        let start = Instant::now();
        let network = fs::read(folder.join("network.onnx")).unwrap();
        let inputs = Lists::from_json(&fs::read(folder.join("input.json")).unwrap()).unwrap();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let imported = import(&name, &network, &inputs, &Settings::default());
        let row = match imported {
            Err(error) => Row::refused(name, &error),
            Ok(imported) => {
                let (report, layout) = (imported.report, imported.bundle.graph().layout());
                let outcome = match proof::obstacle(imported.bundle.graph(), k_max) {
                    Some(why) => Outcome::Skipped(why),
                    None => {
                        if layout.k > setup.k() {
                            setup = development(layout.k, &|_, _| {}).unwrap();
                        }
                        prove_and_refuse(imported.bundle, &setup, &network, &inputs)
                    }
                };
                Row::imported(name, &report, layout, outcome)
            }
        };
        note(&format!("{:.1}s {row}", start.elapsed().as_secs_f64()));
        rows.push(row);
    }
    if let Some(path) = std::env::var_os("NETWORK_TABLE") {
        fs::write(path, table::table(&rows)).unwrap();
    }
    let failed: Vec<String> = rows.iter().filter(|row| row.has_failed()).map(Row::to_string).collect();
    assert!(!rows.is_empty() && failed.is_empty(), "{} of {}:\n{}", failed.len(), rows.len(), failed.join("\n"));
}

#[test]
fn the_measured_networks_agree_with_their_float_runs() {
    let Some(folder) = shared("baselines/ezkl/models") else { return };
    for name in ["digits", "mlp784", "lenet5", "mlp512", "enc32", "enc64s8"] {
        let network = fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        for inputs in ["cal", "more"] {
            let path = folder.join(format!("{name}.{inputs}.json"));
            let lists = Lists::from_json(&fs::read(path).unwrap()).unwrap();
            let found = check(&network, Some(&lists), &Settings::default()).unwrap();
            let report = found.report.unwrap();
            note(&format!("{name} {inputs}: {}", table::accuracy(&report)));
            assert!(report.within_target && report.error() <= TOLERANCE, "{name} {inputs}: {report:?}");
            assert_eq!(found.plan_refusal, None, "{name} {inputs}");
        }
    }
}

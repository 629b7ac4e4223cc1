#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
//! Every network of two public collections, against its float run.
//!
//! The collections are no part of the repository; without them the tests say so and end. With `NETWORK_TABLE` set to a
//! path, the table of `docs/networks.md` is written there.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use prover::import::onnx::{Check, ImportError, Lists, Settings, check};

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

fn checked(network: &Path, inputs: &Path) -> Result<Check, ImportError> {
    let lists = Lists::from_json(&fs::read(inputs).unwrap())?;
    check(&fs::read(network).unwrap(), Some(&lists), &Settings::default())
}

fn row(name: &str, result: &Result<Check, ImportError>) -> (String, bool) {
    let refused = |why: &str| (format!("| {name} | no | | | | | {why} |\n"), false);
    match result {
        Err(error) => refused(&error.to_string()),
        Ok(check) => match &check.report {
            None => {
                let words: Vec<String> = check
                    .unsupported
                    .iter()
                    .map(|node| format!("{} ({}): {}", node.name, node.operator, node.why))
                    .collect();
                refused(&words.join("; "))
            }
            Some(report) => {
                let error = report.outputs.iter().map(|output| output.relative_error).fold(0.0, f64::max);
                let agreement: Vec<String> = report
                    .outputs
                    .iter()
                    .filter_map(|output| {
                        output.argmax_agreement.map(|[same, all]| format!(", {same} of {all} largest agree"))
                    })
                    .collect();
                let verdict = if report.within_target { "yes" } else { "not within tolerance" };
                let line = format!(
                    "| {name} | {verdict} | {:.3} %{} | {} | {} | {} | {} | {} | {} |\n",
                    error * 100.0,
                    agreement.concat(),
                    report.activation_bits,
                    report.requantised_elements,
                    report.quotients_max,
                    report.shift_max,
                    check.graph.as_ref().map_or(0, |graph| graph.nodes().len()),
                    check.plan_refusal.clone().unwrap_or_else(|| {
                        check.graph.as_ref().map_or_else(String::new, |graph| {
                            format!("2^{}, {} lanes", graph.layout().k, graph.layout().lanes)
                        })
                    }),
                );
                (line, report.within_target)
            }
        },
    }
}

#[test]
fn a_peers_networks_import_within_tolerance() {
    let chosen = std::env::var_os("NETWORKS").map(PathBuf::from);
    let Some(folder) = chosen.or_else(|| shared("ezkl-onnx")) else { return };
    let only = std::env::var("NETWORK").ok();
    let mut folders: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut table = String::new();
    let (mut within, mut all) = (0, 0);
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let start = std::time::Instant::now();
        let result = checked(&folder.join("network.onnx"), &folder.join("input.json"));
        let (line, good) = row(&name, &result);
        note(&format!("{:.1}s {}", start.elapsed().as_secs_f64(), line.trim_end()));
        table.push_str(&line);
        within += usize::from(good);
        all += 1;
    }
    let _ = writeln!(table, "\n{within} of {all} within tolerance.");
    if let Some(path) = std::env::var_os("NETWORK_TABLE") {
        fs::write(path, &table).unwrap();
    }
    assert!(only.is_some() || within >= 52, "{table}");
}

#[test]
fn the_measured_networks_agree_with_their_float_runs() {
    let Some(folder) = shared("baselines/ezkl/models") else { return };
    for name in ["digits", "mlp784", "lenet5", "mlp512", "enc32", "enc64s8"] {
        let network = fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        for inputs in ["cal", "more"] {
            let path = folder.join(format!("{name}.{inputs}.json"));
            let lists = Lists::from_json(&fs::read(path).unwrap()).unwrap();
            let result = check(&network, Some(&lists), &Settings::default());
            let (line, good) = row(&format!("{name} {inputs}"), &result);
            note(line.trim_end());
            assert!(good, "{line}");
        }
    }
}

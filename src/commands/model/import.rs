//! `assay model import`, `check` and `input`: from ONNX networks and real inputs to integers.

use std::path::{Path, PathBuf};

use clap::Args;
use prover::import::onnx::{self, ImportError, Lists, Report, Settings};
use prover::import::transformer;
use serde_json::json;
use verifier::cli::{CheckError, Failure as _};

use super::transformer::{Folder, import_folder};
use crate::commands::prover::estimate::of_graph;
use crate::commands::prover::existing;
use crate::error::{CliError, ImportProblem};
use crate::files;
use crate::output::{Done, Output, name, printable, shape};

/// Precision and accuracy of an import.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Precision")]
struct Precision {
    /// Bits of an activation; without it, 8 and more until the target is met
    #[arg(long, value_name = "N")]
    activation_bits: Option<u32>,
    /// Bits of a weight, sign included
    #[arg(long, value_name = "N", default_value_t = 12)]
    weight_bits: u32,
    /// Largest error of an output, as a share of its range on the calibration inputs
    #[arg(long, value_name = "X", default_value_t = onnx::TOLERANCE)]
    accuracy_target: f64,
}

impl From<Precision> for Settings {
    fn from(precision: Precision) -> Self {
        let Precision { activation_bits, weight_bits, accuracy_target } = precision;
        Self { activation_bits, weight_bits, accuracy_target }
    }
}

const INPUTS_HELP: &str = "\
The inputs are JSON: {\"input_data\": [[..], ..]} with one flat list for each input of the network, a list holding one
sample or several, or {\"samples\": [{\"x\": [..]}, ..]}.";

/// Make a model of an ONNX network or a transformer's folder, as precise as a target asks for
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay model import network.onnx --calibrate inputs.json --out network.assay\n  assay model import minilm/ --window 16 --calibrate-text sentences.txt --out minilm.assay",
    after_long_help = INPUTS_HELP
)]
pub(crate) struct Import {
    /// Network (.onnx), or a transformer's folder: config.json, model.safetensors and tokenizer.json
    network: PathBuf,
    /// Typical inputs, from which scales are chosen, JSON
    #[arg(long, value_name = "FILE", required_unless_present = "calibrate_text")]
    calibrate: Option<PathBuf>,
    /// Typical texts of a transformer, one a line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["calibrate", "accuracy_target"], requires = "window")]
    calibrate_text: Option<PathBuf>,
    /// Tokens of a transformer's input: longer texts are cut off in calibration and refused later
    #[arg(long, value_name = "N", requires = "calibrate_text")]
    window: Option<u32>,
    /// Tokens that a transformer generates after a prompt of exactly --window tokens, each the most likely; without it, the
    /// next one's logits
    #[arg(long, value_name = "N", requires = "calibrate_text")]
    new_tokens: Option<u32>,
    /// Texts of a transformer's input, proven in one pass; fewer may come where the model has padding
    #[arg(long, value_name = "N", requires = "calibrate_text")]
    batch: Option<u32>,
    /// Where to write the model (.assay)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
    /// Name of the model; the file's name without it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    precision: Precision,
}

/// Say what stands in the way of importing a network, and how accurate its integers would be
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  assay model check network.onnx --calibrate inputs.json",
    after_long_help = INPUTS_HELP
)]
pub(crate) struct Check {
    /// Network (.onnx)
    network: PathBuf,
    /// Typical inputs, JSON; without them only operators are checked
    #[arg(long, value_name = "FILE")]
    calibrate: Option<PathBuf>,
    #[command(flatten)]
    precision: Precision,
}

/// Turn real inputs of an imported network into the integers of its model
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  assay model input network.assay --from inputs.json --out integers.json")]
pub(crate) struct MakeInput {
    /// Model file (.assay)
    model: PathBuf,
    /// Real inputs, JSON, as `assay model import --help` says
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Which sample of the file, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    sample: usize,
    /// Where to write the integer input
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn import(arguments: &Import, output: &Output) -> Result<Done, CliError> {
    let kept = existing(arguments.overwrite);
    files::check_writable(&arguments.out, kept)?;
    let model_name = match &arguments.name {
        Some(name) => name.clone(),
        None => arguments.network.file_stem().map(|stem| printable(&stem.to_string_lossy())).unwrap_or_default(),
    };
    if let (Some(text), Some(window)) = (&arguments.calibrate_text, arguments.window) {
        let Precision { activation_bits, weight_bits, .. } = arguments.precision;
        let activation_bits = activation_bits.unwrap_or(transformer::Precision::default().activation_bits);
        let folder = Folder {
            path: &arguments.network,
            text,
            window,
            new_tokens: arguments.new_tokens,
            batch: arguments.batch.unwrap_or(1),
            name: &model_name,
            out: &arguments.out,
            overwrite: arguments.overwrite,
            precision: transformer::Precision { activation_bits, weight_bits },
        };
        return import_folder(&folder, output);
    }
    let network = read_network(&arguments.network)?;
    let inputs = arguments.calibrate.as_deref().unwrap_or(&arguments.network);
    let lists = read_lists(inputs)?;
    let progress = output.spinner("choosing scales");
    let imported = onnx::import(&model_name, &network, &lists, &arguments.precision.into())
        .map_err(|error| refused(&arguments.network, inputs, error))?;
    progress.finish();
    let bundle = &imported.bundle;
    let bytes = bundle.to_bytes().map_err(|error| CliError::format(&arguments.out, error))?;
    files::write(&arguments.out, &bytes, kept)?;
    output.heading(&format!("imported {} as {}", name(&arguments.network), name(&arguments.out)));
    report(&imported.report, output);
    output.gap();
    super::show(bundle, None, output);
    Ok(Done::ok(json!({ "report": imported.report, "model": super::data(bundle, None) })))
}

pub(super) fn check(arguments: &Check, output: &Output) -> Result<Done, CliError> {
    let network = read_network(&arguments.network)?;
    let lists = arguments.calibrate.as_deref().map(read_lists).transpose()?;
    let inputs_path = arguments.calibrate.as_deref().unwrap_or(&arguments.network);
    let progress = output.spinner("checking");
    let check = onnx::check(&network, lists.as_ref(), &arguments.precision.into())
        .map_err(|error| refused(&arguments.network, inputs_path, error))?;
    progress.finish();
    output.heading(&format!("network {}", name(&arguments.network)));
    for (title, ports) in [("input", &check.inputs), ("output", &check.outputs)] {
        for port in ports {
            let kind = if port.whole { "whole numbers" } else { "real numbers" };
            output.field(title, format!("{} {}, {kind}", printable(&port.name), shape(&port.shape)));
        }
    }
    for node in &check.unsupported {
        let line = format!("{} ({}): {}", node.name, node.operator, node.why);
        output.field("unsupported", printable(&line));
    }
    if check.unsupported.is_empty() {
        output.field("operators", "all supported");
    }
    if let Some(found) = &check.report {
        report(found, output);
    }
    let estimate = match (&check.graph, &check.plan_refusal) {
        (Some(_), Some(why)) => {
            output.field("circuit", format!("none: {why}"));
            None
        }
        (Some(graph), None) => Some(of_graph(graph, output)?),
        (None, _) => None,
    };
    let unsupported: Vec<_> = check
        .unsupported
        .iter()
        .map(|node| json!({ "name": node.name, "operator": node.operator, "why": node.why }))
        .collect();
    let data = json!({
        "unsupported": unsupported,
        "report": check.report,
        "layout": check.graph.as_ref().filter(|_| check.plan_refusal.is_none()).map(|graph| graph.layout()),
        "refusal": check.plan_refusal,
        "estimate": estimate,
    });
    if check.unsupported.is_empty() {
        return Ok(Done::ok(data));
    }
    let nodes = check.unsupported;
    let error = refused(&arguments.network, inputs_path, ImportError::Unsupported { nodes });
    let problem = output.problem(&error);
    Ok(Done { exit: error.exit(), data, problems: vec![problem] })
}

pub(super) fn make_input(arguments: &MakeInput, output: &Output) -> Result<Done, CliError> {
    let kept = existing(arguments.overwrite);
    files::check_writable(&arguments.out, kept)?;
    let bundle = files::read_model(&arguments.model)?;
    let Some(quantisation) = &bundle.info().quantisation else {
        let path = arguments.model.clone();
        return Err(CliError::Import(Box::new(ImportProblem::NoQuantisation { path })));
    };
    let lists = read_lists(&arguments.from)?;
    let tensor = onnx::integer_input(quantisation, bundle.graph().input(), &lists, arguments.sample)
        .map_err(|source| CliError::Import(Box::new(ImportProblem::Input { path: arguments.from.clone(), source })))?;
    let text = serde_json::to_vec(&tensor).map_err(|error| CliError::from(CheckError::Output(error.into())))?;
    files::write(&arguments.out, &text, kept)?;
    output.heading(&format!("integers of sample {} of {}", arguments.sample, name(&arguments.from)));
    output.field("input", shape(tensor.shape()));
    output.field("written to", name(&arguments.out));
    Ok(Done::ok(json!({ "shape": tensor.shape(), "sample": arguments.sample })))
}

fn report(report: &Report, output: &Output) {
    let bits = format!("{} bits an activation, {} bits a weight", report.activation_bits, report.weight_bits);
    output.field("precision", bits);
    for found in &report.outputs {
        let agreement =
            found.argmax_agreement.map(|[same, all]| format!(", the same largest element on {same} of {all}"));
        let line = format!(
            "{}: {:.3} % of its range on {} samples{}",
            printable(&found.name),
            found.relative_error * 100.0,
            report.samples,
            agreement.unwrap_or_default()
        );
        output.field("error", line);
    }
    if !report.within_target {
        output.warn("the error is above the target");
    }
    if report.unread_lists > 0 {
        output.warn(format!("{} lists of the inputs file belong to no input of the network", report.unread_lists));
    }
    let size = format!(
        "{} nodes, {} multiply-accumulates, {} requantised elements",
        report.nodes, report.multiply_accumulates, report.requantised_elements
    );
    output.field("size", size);
}

fn read_network(path: &Path) -> Result<Vec<u8>, CliError> {
    Ok(files::read(path, "network", onnx::NETWORK_BYTES_MAX as u64)?)
}

fn read_lists(path: &Path) -> Result<Lists, CliError> {
    let bytes = files::read(path, "inputs", onnx::SAMPLES_BYTES_MAX as u64)?;
    Lists::from_json(&bytes)
        .map_err(|source| CliError::Import(Box::new(ImportProblem::Inputs { path: path.to_owned(), source })))
}

/// Names the file that an import failed on.
fn refused(network: &Path, inputs: &Path, error: ImportError) -> CliError {
    let problem = match error {
        ImportError::Samples(source) => ImportProblem::Inputs { path: inputs.to_owned(), source },
        source => ImportProblem::Network { path: network.to_owned(), source },
    };
    CliError::Import(Box::new(problem))
}

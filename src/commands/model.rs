//! `assay model`: from a network to a model file, and what such a file holds.

use std::path::PathBuf;

use attestation::hex;
use circuits::layout::Plan;
use circuits::model::bundle::Bundle;
use circuits::model::graph::{Activation, Operator};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use verifier::key::VerifyingKey;

use crate::commands::prover::derive_key;
use crate::commands::setups::{development_setup, setup_name};
use crate::error::CliError;
use crate::files;
use crate::output::{Done, Output, name, printable, shape};

pub(super) mod audit;
mod import;
pub(super) mod transformer;

/// Import, generate, show and audit models
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    Import(import::Import),
    Generate(transformer::Generate),
    Check(import::Check),
    Input(import::MakeInput),
    Show(Show),
    Audit(audit::Audit),
}

/// Show name, graph, ranges, size and hashes of a model file
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  assay model show digits.assay --setup development")]
pub(crate) struct Show {
    /// Model file (.assay)
    model: PathBuf,
    /// Also commit the weights under this setup and show the model hash that a chain would register
    #[arg(long)]
    setup: Option<SetupName>,
}

/// Setups that this release can generate.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SetupName {
    /// The insecure development setup
    Development,
}

impl Model {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Import(_) => "model import",
            Self::Generate(_) => "model generate",
            Self::Check(_) => "model check",
            Self::Input(_) => "model input",
            Self::Show(_) => "model show",
            Self::Audit(_) => "model audit",
        }
    }
}

pub(super) fn run(command: &Model, output: &Output) -> Result<Done, CliError> {
    match command {
        Model::Import(arguments) => import::import(arguments, output),
        Model::Generate(arguments) => transformer::generate(arguments, output),
        Model::Check(arguments) => import::check(arguments, output),
        Model::Input(arguments) => import::make_input(arguments, output),
        Model::Show(arguments) => show_file(arguments, output),
        Model::Audit(arguments) => audit::run(arguments, output),
    }
}

fn show_file(Show { model, setup }: &Show, output: &Output) -> Result<Done, CliError> {
    let bundle = files::read_model(model)?;
    let key = match setup {
        Some(SetupName::Development) => {
            let setup = development_setup(bundle.graph().layout().k, output)?;
            Some(derive_key(&bundle, &setup, output)?)
        }
        None => None,
    };
    output.heading(&format!("model {}", name(model)));
    show(&bundle, key.as_ref(), output);
    Ok(Done::ok(data(&bundle, key.as_ref())))
}

/// A model in words.
pub(super) fn show(bundle: &Bundle, key: Option<&VerifyingKey>, output: &Output) {
    let (graph, info) = (bundle.graph(), bundle.info());
    let input = graph.input();
    output.field("name", printable(&info.name));
    if !info.labels.is_empty() {
        output.field("labels", info.labels.iter().map(|label| printable(label)).collect::<Vec<_>>().join(" "));
    }
    output.field("input", format!("{}, integers {} to {}", shape(&input.shape), input.range.min, input.range.max));
    if !info.input_scale.is_empty() {
        output.field("input scale", printable(&info.input_scale));
    }
    for (index, line) in layers(bundle).iter().enumerate() {
        output.field(if index == 0 { "graph" } else { "" }, line);
    }
    let result = graph.output();
    output.field("output", format!("{}, integers {} to {}", result.width(), result.range.min, result.range.max));
    output.field("parameters", format!("{} weights and biases", parameters(bundle)));
    output.field("circuit", circuit(bundle));
    output.field("graph digest", hex::encode(&graph.digest()));
    output.field("bundle hash", hex::encode(&bundle.hash()));
    if let Some(key) = key {
        output.field("model hash", hex::encode(&key.model_hash()));
        output.field("key digest", hex::encode(&key.digest()));
        output.field("setup", setup_name(&key.setup_id()));
    }
}

/// A model for machines.
pub(super) fn data(bundle: &Bundle, key: Option<&VerifyingKey>) -> Value {
    let file_bytes = bundle.to_bytes().map(|content| content.len()).ok();
    json!({
        "info": bundle.info(),
        "graph": bundle.graph(),
        "graph_digest": hex::encode(&bundle.graph().digest()),
        "bundle_hash": hex::encode(&bundle.hash()),
        "bundle_bytes": file_bytes,
        "parameters": parameters(bundle),
        "provable": Plan::new(bundle.graph()).is_ok(),
        "model_hash": key.map(|key| hex::encode(&key.model_hash())),
        "key_digest": key.map(|key| hex::encode(&key.digest())),
        "setup_id": key.map(|key| hex::encode(&key.setup_id())),
    })
}

/// One line per node.
fn layers(bundle: &Bundle) -> Vec<String> {
    let graph = bundle.graph();
    let line = |(index, node): (usize, &circuits::model::graph::Node)| {
        let sources: Vec<String> = graph.sources(node).map(|value| shape(&value.shape)).collect();
        let detail = match &node.operator {
            Operator::Requantise { shift, clamp, activation } => {
                let activation = match activation {
                    Activation::Identity => "",
                    Activation::Relu => ", ReLU",
                    Activation::Formula(_) => ", a formula",
                };
                format!(": divide by 2^{shift}, clamp to {} to {}{activation}", clamp.min, clamp.max)
            }
            _ => String::new(),
        };
        let result = graph.values().get(index + 1);
        let result = result.map(|value| format!("{}, {} to {}", shape(&value.shape), value.range.min, value.range.max));
        let name = node.operator.name();
        format!("{index}: {name} {}{detail} -> {}", sources.join(" and "), result.unwrap_or_default())
    };
    graph.nodes().iter().enumerate().map(line).collect()
}

fn circuit(bundle: &Bundle) -> String {
    let layout = bundle.graph().layout();
    let size = format!("2^{} = {} rows, {} committed weight rows", layout.k, 1u64 << layout.k, layout.rows);
    match Plan::new(bundle.graph()) {
        Ok(plan) => format!("{size}, {} rows usable", plan.usable_rows()),
        Err(error) => format!("{size}; cannot be proven: {error}"),
    }
}

/// Weights and biases.
pub(super) fn parameters(bundle: &Bundle) -> u64 {
    bundle.weights().iter().map(|(_, dense)| (dense.weights().len() + dense.bias().len()) as u64).sum()
}

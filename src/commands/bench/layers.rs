//! `assay bench run layers`: what each layer of verification costs and catches.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use circuits::model::reference::check_input;
use clap::Args;
use serde_json::json;

use super::models::{Models, Named};
use crate::bench::clock::now_ms;
use crate::bench::environment::{Build, Machine};
use crate::bench::error::BenchError;
use crate::bench::layers::measure::{Subject, proofs};
use crate::bench::layers::record::{Kind, LayersRun, ModelLayers, SCHEMA_VERSION};
use crate::bench::layers::report::tables::{COSTS, DISPUTES, attacks, caught, costs, dispute};
use crate::bench::layers::series::series;
use crate::bench::record::{Model, Profile};
use crate::bench::zk::activations;
use crate::commands::memory::{MemoryOptions, predict};
use crate::commands::model::parameters;
use crate::commands::prover::rates::rates;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, duration, name, printable};

/// Measure what each layer of verification costs, and try named attacks on it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay bench run layers --profile smoke\n  assay bench run layers --profile full --out layers.json\n  assay bench run layers --models a.assay b.assay --out layers.json\n\nLayers: metadata, signed receipt, software attestation, GPU and CPU attestation (synthetic devices), spot checks,\nchallenge and jury, proof, and combinations. Every attack is really made; honest work must pass every layer, or there is\nno record. Without --models, profiles above smoke add dense networks, each as large as about half a minute (reduced) or ten\nminutes (full) of proving and this machine's memory allow. assay bench report makes pages of the record."
)]
pub(crate) struct Layers {
    /// Model files (.assay) [default: the digits network that this program carries, and networks of growing size]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    models: Vec<PathBuf>,
    /// How often each step is repeated
    #[arg(long, default_value = "reduced")]
    profile: Profile,
    /// The job's input, JSON; for one model [default: random integers within the model's range]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    #[command(flatten)]
    memory: MemoryOptions,
    /// Where to write the record
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(arguments: &Layers, output: &Output) -> Result<Done, CliError> {
    let existing = if arguments.overwrite { Existing::Replace } else { Existing::Keep };
    if let Some(path) = &arguments.out {
        files::check_writable(path, existing)?;
    }
    let mut models = Models::read(&arguments.models, &[("input", &arguments.input)])?;
    if arguments.models.is_empty() && arguments.input.is_none() {
        models.extend(made(arguments, output)?);
    }
    let started_ms = now_ms()?;
    let machine = Machine::read()?;
    for model in models.list() {
        // The model's own key and the cheater's two are held at once.
        arguments.memory.check([model.bundle.graph(); 3])?;
    }
    let times = arguments.profile.repetitions(None).proofs;
    let mut measured = Vec::new();
    for model in models.list() {
        let graph = model.bundle.graph();
        let input = match &arguments.input {
            Some(file) => Some(files::read_input(file, &graph.input().shape)?),
            None => None,
        };
        if let Some(input) = &input {
            check_input(graph.input(), input).map_err(CliError::ModelInput)?;
        }
        let file = model.bundle.to_bytes().map_err(|error| CliError::format(&model.path, error))?;
        let size = |what, value| NonZeroU64::new(value).ok_or(BenchError::Size { what });
        let subject = Subject {
            model: Model {
                name: model.name.clone(),
                digest: attestation::hex::encode(&model.bundle.hash()),
                bytes: size("model", file.len() as u64)?,
                parameters: size("parameters", parameters(&model.bundle))?,
                multiply_accumulates: NonZeroU64::new(graph.multiply_accumulates()),
                activations: NonZeroU64::new(activations(graph)),
            },
            bundle: Arc::clone(&model.bundle),
            input,
        };
        measured.push(subject.measure(times, output)?);
    }
    let run = LayersRun {
        schema_version: SCHEMA_VERSION,
        kind: Kind::Layers,
        started_ms,
        profile: arguments.profile,
        build: Build::own(),
        machine,
        models: measured,
    };
    if let Some(path) = &arguments.out {
        files::write(path, &run.to_bytes().map_err(BenchError::Record)?, existing)?;
    }
    for model in &run.models {
        print(model, output);
    }
    match &arguments.out {
        Some(path) => output.field("written", name(path)),
        None => output.field("written", "nothing; --out FILE keeps the record"),
    }
    Ok(Done::ok(json!({ "out": arguments.out.as_deref().map(name), "run": run })))
}

/// Networks of the series that the profile's time and the machine's memory allow, from the smallest on.
fn made(arguments: &Layers, output: &Output) -> Result<Vec<Named>, CliError> {
    let (profile, mut list) = (arguments.profile, Vec::new());
    let budget = match profile {
        Profile::Smoke => return Ok(list),
        Profile::Reduced => Duration::from_secs(30),
        Profile::Full => Duration::from_secs(600),
    };
    let rates = rates(false, output);
    for network in series() {
        let name = network.name();
        let bundle = network.bundle().map_err(|error| BenchError::Series(Box::new(error)))?;
        let graph = bundle.graph();
        let time = predict(graph)?.time(&rates).total().saturating_mul(proofs(profile.repetitions(None).proofs));
        if let Err(error) = arguments.memory.check([graph; 3]) {
            output.warn(format!("{name} and larger networks are left out: {error}"));
            break;
        }
        if time > budget {
            output.warn(format!(
                "{name} and larger networks are left out: {} of proving are predicted, and profile {} allows {}",
                duration(time),
                profile.name(),
                duration(budget)
            ));
            break;
        }
        list.push(Named { path: PathBuf::from(&name), name, bundle: Arc::new(bundle) });
    }
    Ok(list)
}

fn print(model: &ModelLayers, output: &Output) {
    output.heading(&format!("{}, {} parameters", printable(&model.model.name), model.model.parameters));
    let rows: Vec<[String; 7]> =
        std::iter::once(COSTS.map(str::to_owned)).chain(model.choices.iter().map(costs)).collect();
    for row in &rows {
        output.line(aligned(row, &rows));
    }
    output.gap();
    let rows: Vec<[String; 6]> =
        std::iter::once(DISPUTES.map(str::to_owned)).chain(model.disputes.iter().map(dispute)).collect();
    for row in &rows {
        output.line(aligned(row, &rows));
    }
    output.gap();
    output.heading("attacks caught");
    let letters: Vec<char> = ('a'..='z').collect();
    for (letter, attack) in letters.iter().zip(attacks(model)) {
        output.field(&letter.to_string(), attack.name());
    }
    let header: Vec<String> = letters.iter().take(attacks(model).len()).map(char::to_string).collect();
    let header: Vec<String> = std::iter::once("layers".to_owned()).chain(header).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(model.choices.iter().map(|chosen| {
            let cells = chosen.attacks.iter().map(caught);
            std::iter::once(printable(&chosen.name)).chain(cells).collect()
        }))
        .collect();
    for row in &rows {
        output.line(aligned(row, &rows));
    }
    let load = model.load;
    output.field("load", format!("{:.1} before, {:.1} after", load.before, load.after));
    output.gap();
}

/// One line of a table: the first column to the left, the others to the right.
fn aligned<R: AsRef<[String]>>(row: &R, rows: &[R]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.as_ref().get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let cells = row.as_ref().iter().enumerate().map(|(column, cell)| match column {
        0 => format!("  {cell:<0$}", width(column)),
        _ => format!("  {cell:>0$}", width(column)),
    });
    cells.collect()
}

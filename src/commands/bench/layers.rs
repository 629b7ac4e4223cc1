//! `assay bench run layers`: what each layer of verification costs and catches.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use circuits::model::reference::check_input;
use clap::Args;
use serde_json::json;

use super::models::Models;
use crate::bench::clock::now_ms;
use crate::bench::environment::{Build, Machine};
use crate::bench::error::BenchError;
use crate::bench::layers::tables::{COSTS, attacks, caught, costs, page};
use crate::bench::layers::{LayersRun, ModelLayers, SCHEMA_VERSION, Subject};
use crate::bench::record::{Model, Profile};
use crate::commands::memory::MemoryOptions;
use crate::commands::model::parameters;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, name, printable};

/// Measure what each layer of verification costs, and try named attacks on it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay bench run layers --profile smoke\n  assay bench run layers --models a.assay b.assay --out layers.json --page layers.md\n\nLayers: signed receipt, software attestation, GPU and CPU attestation (synthetic devices), spot checks, proof, and\ncombinations. Every attack is really made; honest work must pass every layer, or there is no record."
)]
pub(crate) struct Layers {
    /// Model files (.assay) [default: the digits network that this program carries]
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
    /// Where to write the tables as a page of Markdown
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Write over files of these names
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(arguments: &Layers, output: &Output) -> Result<Done, CliError> {
    let existing = if arguments.overwrite { Existing::Replace } else { Existing::Keep };
    for path in [&arguments.out, &arguments.page].into_iter().flatten() {
        files::check_writable(path, existing)?;
    }
    let models = Models::read(&arguments.models, &[("input", &arguments.input)])?;
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
            },
            bundle: Arc::clone(&model.bundle),
            input,
        };
        measured.push(subject.measure(times, output)?);
    }
    let run = LayersRun {
        schema_version: SCHEMA_VERSION,
        started_ms,
        profile: arguments.profile,
        build: Build::own(),
        machine,
        models: measured,
    };
    if let Some(path) = &arguments.out {
        files::write(path, &run.to_bytes().map_err(BenchError::Answer)?, existing)?;
    }
    if let Some(path) = &arguments.page {
        files::write(path, page(&run).as_bytes(), existing)?;
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

fn print(model: &ModelLayers, output: &Output) {
    output.heading(&format!("{}, {} parameters", printable(&model.model.name), model.model.parameters));
    let rows: Vec<[String; 7]> =
        std::iter::once(COSTS.map(str::to_owned)).chain(model.choices.iter().map(costs)).collect();
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

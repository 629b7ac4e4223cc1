//! `assay bench run zk`: measures proofs of a list of models.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use circuits::model::reference::check_input;
use clap::Args;
use serde_json::json;

use super::figures::{accuracy, bounded, settings, system};
use super::models::{Models, Named};
use crate::bench::accuracy::Reference;
use crate::bench::clock::now_ms;
use crate::bench::comparison::Quantity;
use crate::bench::environment::{Build, Machine};
use crate::bench::error::BenchError;
use crate::bench::record::{Measurement, Profile, Run, SCHEMA_VERSION, System};
use crate::bench::zk::Subject;
use crate::commands::memory::MemoryOptions;
use crate::commands::model::parameters;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, bytes, duration, name, printable};

/// Measure keys, proofs, verification, sizes and memory of models
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay bench run zk --profile smoke\n  assay bench run zk --models a.assay b.assay --out mine.json\n  assay bench run zk --models a.assay --input seven.json --reference a.reference.json\n\nEvery proof is verified, and one must be refused for another output; else the run fails. The reference is JSON:\n{\"output_scale\": 0.01 or null, \"samples\": [{\"input\": [integers], \"output\": [the float network's numbers]}, ..]}."
)]
pub(crate) struct Zk {
    /// Model files (.assay) [default: the digits network that this program carries]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    models: Vec<PathBuf>,
    /// How often each step is repeated
    #[arg(long, default_value = "reduced")]
    profile: Profile,
    /// Proofs of each model instead of the profile's number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    samples: Option<u32>,
    /// Input of every proof, JSON; for one model [default: random integers within the model's range]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// What the float network answers, JSON; for one model: measures accuracy too
    #[arg(long, value_name = "FILE")]
    reference: Option<PathBuf>,
    #[command(flatten)]
    memory: MemoryOptions,
    /// Where to write the record
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn run(arguments: &Zk, output: &Output) -> Result<Done, CliError> {
    let existing = if arguments.overwrite { Existing::Replace } else { Existing::Keep };
    if let Some(path) = &arguments.out {
        files::check_writable(path, existing)?;
    }
    let alone = [("input", &arguments.input), ("reference", &arguments.reference)];
    let models = Models::read(&arguments.models, &alone)?;
    let subjects = subjects(arguments, models.list())?;
    for subject in &subjects {
        arguments.memory.check([subject.bundle.graph()])?;
    }
    let started_ms = now_ms()?;
    let machine = Machine::read()?;
    let repetitions = arguments.profile.repetitions(arguments.samples);
    let mut measurements = Vec::new();
    for subject in &subjects {
        measurements.push(subject.measure(repetitions, output)?);
    }
    let run = Run {
        schema_version: SCHEMA_VERSION,
        started_ms,
        profile: arguments.profile,
        system: System::own(),
        build: Build::own(),
        machine,
        measurements,
    };
    let content = run.to_bytes().map_err(BenchError::Record)?;
    if let Some(path) = &arguments.out {
        files::write(path, &content, existing)?;
    }
    print(&run, output);
    match &arguments.out {
        Some(path) => output.field("written", name(path)),
        None => output.field("written", "nothing; --out FILE keeps the record"),
    }
    Ok(Done::ok(json!({ "out": arguments.out.as_deref().map(name), "run": run })))
}

/// Reads everything before anything is measured, so that no late mistake costs hours.
fn subjects<'a>(arguments: &Zk, models: &'a [Named]) -> Result<Vec<Subject<'a>>, CliError> {
    let mut subjects = Vec::new();
    for Named { name, path, bundle } in models {
        let input = match &arguments.input {
            Some(file) => Some(files::read_input(file, &bundle.graph().input().shape)?),
            None => None,
        };
        if let Some(input) = &input {
            check_input(bundle.graph().input(), input).map_err(CliError::ModelInput)?;
        }
        let accuracy = match &arguments.reference {
            Some(file) => Some(Reference::read(file)?.measure(bundle, file)?),
            None => None,
        };
        let (name, bundle, parameters) = (name.clone(), Arc::clone(bundle), parameters(bundle));
        subjects.push(Subject { name, path, parameters, bundle, input, accuracy });
    }
    Ok(subjects)
}

fn print(run: &Run, output: &Output) {
    let Run { machine, build, .. } = run;
    output.heading(&format!("{} on {} cores of {}", system(run), machine.cores, printable(&machine.processor)));
    output.field(
        "machine",
        format!("{} memory, {}, {}", bytes(machine.memory_bytes.get()), machine.system, machine.kernel),
    );
    let commit = build.commit.as_deref().map_or("commit unknown".to_owned(), |commit| {
        let changed = build.changed_files.filter(|count| *count > 0);
        format!("commit {commit}{}", changed.map(|count| format!(", {count} files changed")).unwrap_or_default())
    });
    output.field("build", format!("{}, {commit}", build.compiler));
    for measurement in &run.measurements {
        output.gap();
        print_measurement(measurement, output);
    }
    output.gap();
}

fn print_measurement(measurement: &Measurement, output: &Output) {
    let model = &measurement.model;
    output.heading(&format!("{}, {} parameters", printable(&model.name), model.parameters));
    output.field("settings", settings(measurement));
    for (quantity, figure) in Quantity::measured(measurement) {
        output.field(quantity.name(), bounded(&figure));
    }
    let proofs = measurement.proofs;
    for stage in &measurement.stages {
        output.field(&format!("  {}", stage.name), duration(Duration::from_nanos(stage.wall_ns.median())));
    }
    if let Some(activations) = measurement.model.activations {
        let each = |count: u64| measurement.prove.wall_ns.median() / count.max(1);
        let (computed, weights) = (each(activations.get()), each(model.parameters.get()));
        output.field("proving costs", format!("{computed} ns a computed element, {weights} ns a weight"));
    }
    output.field("verified", format!("{} of {} proofs; another output was refused", proofs.verified, proofs.made));
    output.field("accuracy", accuracy(measurement.accuracy.as_ref()));
    let load = measurement.load;
    output.field("load", format!("{:.1} before, {:.1} after", load.before, load.after));
}

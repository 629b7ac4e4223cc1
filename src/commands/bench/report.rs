//! `assay bench report`: a record as a page.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::compare::read;
use crate::bench::error::BenchError;
use crate::bench::layers::report::{html, tables};
use crate::bench::records::Record;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, bytes, name};

/// Make a page of a record of layers: tables and plots
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay bench report layers.json --out layers.html\n  assay bench report layers.json --format markdown --out layers.md\n\nThe page is one file without scripts, and fetches nothing."
)]
pub(crate) struct Report {
    /// Record that `assay bench run layers` wrote
    record: PathBuf,
    /// Where to write the page
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What the page is made of
    #[arg(long, default_value = "html")]
    format: Format,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
}

/// A page's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a browser, with plots
    Html,
    /// For documentation, tables alone
    Markdown,
}

pub(super) fn run(arguments: &Report, output: &Output) -> Result<Done, CliError> {
    let existing = if arguments.overwrite { Existing::Replace } else { Existing::Keep };
    files::check_writable(&arguments.out, existing)?;
    let path = &arguments.record;
    let run = match read(path)? {
        Record::Layers(run) => run,
        other => return Err(BenchError::NoLayers { path: path.clone(), kind: other.kind() }.into()),
    };
    let page = match arguments.format {
        Format::Html => html::page(&run).map_err(BenchError::Plot)?,
        Format::Markdown => tables::page(&run),
    };
    files::write(&arguments.out, page.as_bytes(), existing)?;
    output.field("written", format!("{}, {}", name(&arguments.out), bytes(page.len() as u64)));
    Ok(Done::ok(json!({ "out": name(&arguments.out), "models": run.models.len() })))
}

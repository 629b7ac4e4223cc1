//! `assay demo`: the whole story, forgeries and a cheater included.
//!
//! Everything is real: the node is a process of its own that keeps a chain on disk, five workers act on it over its
//! interface, and inference, proofs, checks and signatures are made as anywhere. What makes it a demonstration is that
//! everybody knows the keys and the setup's secret, and that the workers share one process. A step that does not come out
//! as stated ends the story with exit code 1. The node can be killed at any moment: it is started again, and the story
//! goes on from what the chain says.

use std::path::PathBuf;
use std::sync::Arc;

use attestation::hex;
use chain::types::genesis::DEVELOPMENT_CHAIN_ID;
use clap::Args;
use serde_json::json;
use tempfile::TempDir;
use worker::executor::Device;

use crate::commands::prover::label;
use crate::error::CliError;
use crate::output::{Done, Output, name};

mod books;
mod cast;
mod chronicle;
mod crew;
mod error;
mod forgery;
mod keepsakes;
mod node;
mod plot;
mod story;
mod work;
mod world;

pub(super) use cast::MODEL as DIGITS;
pub(crate) use error::DemoError;
use keepsakes::Keepsakes;
use plot::Plot;
use story::Story;

/// Tell the whole story: a node, five workers, a proven job, a checked job, a cheater convicted, every forgery refused
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay demo\n  assay demo --image 42 --out story\n\nIt uses the development setup, keys that everybody knows and one validator, and says so.\nExit code 0 only if every step, refusals included, came out as stated."
)]
pub(crate) struct Demo {
    /// Which of the 360 held-back test digits to recognise
    #[arg(long, default_value_t = 260, value_parser = clap::value_parser!(u16).range(0..360))]
    image: u16,
    /// Keep receipt, proof, key, model and input in this folder, which must be empty or absent
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where to run the model: cpu or cuda:N
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    device: Device,
}

/// What every reader should know.
const CAVEATS: [&str; 5] = [
    "the development setup's secret is public: these proofs convince nobody outside this story",
    "software evidence adds nothing to the receipt's signature: it shows neither the program nor the machine",
    "one validator makes the blocks: it can grind the beacon, and sampling without others would be no security",
    "input, output and the model's weights are public to everybody who verifies",
    "the keys here are derived from their holders' names: make your own with assay key new",
];

pub(super) fn run(arguments: &Demo, output: &Output) -> Result<Done, CliError> {
    let keepsakes = Keepsakes::prepare(arguments.out.as_deref())?;
    let failed = |source| CliError::Write { path: std::env::temp_dir(), source };
    let folder = TempDir::new().map_err(failed)?;
    output.heading("assay demo: real inference in, verified mints out, cheats and forgeries refused");
    let mut story = Story::new(output);

    story.part("Before the jobs");
    let digits = cast::digits(usize::from(arguments.image)).map_err(|source| story.before(source))?;
    let [proven, sampled, cheated, refused] = &digits;
    let plot = Plot::prepare(arguments, &folder.path().join("node"), &mut story)?;
    story.part("(a) A job with a proof: final at once");
    let (leased, work, settled) = plot.proven(&mut story, proven)?;
    story.part("(b) A job without a proof: checked by another worker, final after its window");
    plot.sampled(&mut story, sampled, &settled)?;
    story.part("(c) A worker that returns another label");
    plot.cheat(&mut story, cheated, &settled)?;
    story.part("(d) Forgeries, each handed in by the worker's operator in a valid transaction");
    plot.refusals(&mut story, refused, (&leased, &work))?;

    story.part("What is left: a receipt file, verified offline");
    let verdict = keepsakes.write_and_verify(&mut story, &plot, &work, output)?;
    story.part("The books");
    let (model, bundle) = (*plot.model(), Arc::clone(plot.bundle()));
    let (books, restarts) = story.step("audit", |_| plot.close())?;
    books.print(output);
    story.part("What this does not show");
    for caveat in CAVEATS {
        output.line(format!("  - {caveat}"));
    }
    let folder = keepsakes.publish(output)?;
    Ok(Done::ok(json!({
        "chain_id": DEVELOPMENT_CHAIN_ID,
        "model": bundle.info(),
        "model_hash": hex::encode(&model),
        "image": arguments.image,
        "digit": proven.label,
        "label": label(&bundle, &work.output),
        "output": work.output,
        "node_restarts": restarts,
        "steps": story.into_steps(),
        "verdict": verdict,
        "books": books.data(),
        "caveats": CAVEATS,
        "folder": folder.as_deref().map(name),
    })))
}

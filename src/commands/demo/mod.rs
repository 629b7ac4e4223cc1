//! `assay demo`: the whole story in one process, forgeries included.
//!
//! Everything is real: the chain, its rules, the inference, the proofs, the signatures. What makes it a demonstration is
//! that everybody knows the keys and the setup's secret, and that one process plays all parts. A step that does not come
//! out as stated ends the story with exit code 1.

use std::path::PathBuf;

use attestation::hex;
use chain::types::genesis::DEVELOPMENT_CHAIN_ID;
use clap::Args;
use serde_json::json;
use worker::executor::Device;

use crate::commands::prover::label;
use crate::error::CliError;
use crate::output::{Done, Output, name};

mod books;
mod cast;
mod error;
mod forgery;
mod keepsakes;
mod plot;
mod story;
mod work;
mod world;

use books::Books;
pub(crate) use error::DemoError;
use keepsakes::Keepsakes;
use plot::Plot;
use story::{Story, Told};

/// Tell the whole story: register, post, lease, run, prove, sign, submit, verify, mint; then every forgery, refused
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
    output.heading("assay demo: real inference in, a proven result, a verified mint out");
    let mut story = Story::new(output);

    story.part("Before the job");
    let (mut plot, [digit, second]) = Plot::prepare(arguments, &mut story)?;
    story.part("The job, from post to mint");
    let (leased, work) = plot.job(&mut story, &digit)?;
    story.part("Forgeries, each handed in by the worker's operator in a valid transaction");
    plot.replays(&mut story, &leased, &work)?;
    plot.lies(&mut story, &second)?;

    story.part("What is left: a receipt file, verified offline");
    let verdict = keepsakes.write_and_verify(&mut story, &plot, &work, output)?;
    story.part("The books");
    let books = story.step("audit", |_| {
        let books = Books::audit(plot.world(), plot.cast())?;
        books.check()?;
        let told = Told::new("every object read again, totals and state root recomputed", books.data());
        Ok((books, told))
    })?;
    books.print(output);
    story.part("What this does not show");
    for caveat in CAVEATS {
        output.line(format!("  - {caveat}"));
    }
    let folder = keepsakes.publish(output)?;
    Ok(Done::ok(json!({
        "chain_id": DEVELOPMENT_CHAIN_ID,
        "model": plot.bundle().info(),
        "model_hash": hex::encode(plot.model()),
        "image": arguments.image,
        "digit": digit.label,
        "label": label(plot.bundle(), &work.output),
        "output": work.output,
        "steps": story.into_steps(),
        "verdict": verdict,
        "books": books.data(),
        "caveats": CAVEATS,
        "folder": folder.as_deref().map(name),
    })))
}

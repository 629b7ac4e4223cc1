//! `assay prover estimate`: what a proof will take, before it is made.

use std::path::PathBuf;

use circuits::layout::share::{Share, shares};
use circuits::model::graph::Graph;
use clap::Args;
use prover::estimate::{Estimate as Predicted, Shape, Time};
use serde_json::{Value, json};
use verifier::rows::RowsError;

use super::nanoseconds;
use super::rates::rates;
use crate::commands::memory::{MemoryOptions, predict};
use crate::error::CliError;
use crate::files;
use crate::output::{Done, Output, bytes, duration, printable};

/// Tell the circuit, sizes, memory and time of a proof without making one
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay prover estimate --model digits.assay\n  assay prover estimate --model digits.assay --calibrate --json\n\nSizes are exact. Memory is what halo2 holds at its peak, counted, with a share for the allocator. Time counts\ntransforms, commitments and multiplications at this machine's rates, which are measured once, in about two seconds, and\nkept in assay/rates.json in $XDG_CACHE_HOME or ~/.cache."
)]
pub(crate) struct Estimate {
    /// Model file (.assay)
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Measure this machine again
    #[arg(long)]
    calibrate: bool,
    #[command(flatten)]
    memory: MemoryOptions,
}

pub(super) fn run(arguments: &Estimate, output: &Output) -> Result<Done, CliError> {
    let Estimate { model, calibrate, memory } = arguments;
    let bundle = files::read_model(model)?;
    let predicted = predict(bundle.graph())?;
    let time = predicted.time(&rates(*calibrate, output));
    output.heading(&format!("one proof of {}", printable(&bundle.info().name)));
    Ok(Done::ok(tell(bundle.graph(), &predicted, &time, memory, output)?))
}

/// Prints what a proof of a graph's model will take, and returns it for the envelope.
pub(in crate::commands) fn of_graph(graph: &Graph, output: &Output) -> Result<Value, CliError> {
    let predicted = predict(graph)?;
    let time = predicted.time(&rates(false, output));
    tell(graph, &predicted, &time, &MemoryOptions::default(), output)
}

fn tell(
    graph: &Graph,
    predicted: &Predicted,
    time: &Time,
    memory: &MemoryOptions,
    output: &Output,
) -> Result<Value, CliError> {
    let Predicted { shape, sizes, memory: peak } = predicted;
    let capacity = memory.capacity();
    let fits = capacity.map(|capacity| peak.peak_bytes() <= capacity.bytes);
    let shares = shares(graph).map_err(|error| CliError::ProvingKey(RowsError::from(error).into()))?;
    print_shape(shape, output);
    print_shares(&shares, output);
    output.field("proof", format!("{}, exactly", bytes(sizes.proof)));
    output.field("verifying key", format!("{}, exactly", bytes(sizes.verifying_key)));
    output.field("proving key", format!("{} as a file, exactly", bytes(sizes.proving_key)));
    output.field(
        "memory",
        format!(
            "about {} at the peak: {} with setup and keys, {} more for one step",
            bytes(peak.peak_bytes()),
            bytes(peak.resident_bytes),
            bytes(peak.working_bytes)
        ),
    );
    if let (Some(capacity), Some(fits)) = (capacity, fits) {
        let verdict = if fits { "yes" } else { "no" };
        output.field("fits", format!("{verdict}, {} are {}", bytes(capacity.bytes), capacity.basis));
    }
    output.field("time", format!("about {} for the proof on an idle machine", duration(time.total())));
    for part in &time.parts {
        output.field("", format!("{} for {} {}", duration(part.time), part.columns, part.name));
    }
    Ok(json!({
        "circuit": shape_data(shape),
        "operators": shares.iter().map(share_data).collect::<Value>(),
        "proof_bytes": sizes.proof,
        "verifying_key_bytes": sizes.verifying_key,
        "proving_key_bytes": sizes.proving_key,
        "peak_memory_bytes": peak.peak_bytes(),
        "resident_memory_bytes": peak.resident_bytes,
        "available_memory_bytes": capacity.map(|capacity| capacity.bytes),
        "fits": fits,
        "prove_ns": nanoseconds(time.total()),
        "parts": time_data(time),
    }))
}

/// Rows that each operator takes: what a proof's time follows.
fn print_shares(shares: &[Share], output: &Output) {
    let all: usize = shares.iter().map(|share| share.rows).sum();
    for (place, share) in shares.iter().filter(|share| share.rows > 0).enumerate() {
        let label = if place == 0 { "rows by operator" } else { "" };
        let percent = share.rows as f64 * 100.0 / all.max(1) as f64;
        let nodes = if share.nodes > 0 {
            format!(" for {} elements of {} nodes", share.elements, share.nodes)
        } else {
            String::new()
        };
        output.field(label, format!("{percent:.1} % {}: {} rows{nodes}", share.name, share.rows));
    }
}

fn share_data(share: &Share) -> Value {
    let Share { name, nodes, elements, rows, lookups } = share;
    json!({ "name": name, "nodes": nodes, "elements": elements, "rows": rows, "lookups": lookups })
}

fn print_shape(shape: &Shape, output: &Output) {
    output.field("circuit", format!("2^{} rows, {} of them used, {} lanes", shape.k, shape.used_rows, shape.lanes));
    output.field(
        "columns",
        format!(
            "{} fixed, {} of integers, {} of values that depend on challenges, {} with copies in {} products",
            shape.fixed, shape.data, shape.challenge, shape.permutation, shape.products
        ),
    );
    output.field("constraints", format!("{} on each row", shape.constraints));
    output.field("lookup table", format!("{} tuples in {} columns", shape.tuples, shape.tables));
    output.field("weights", format!("{} parameters in {} committed rows", shape.parameters, shape.committed_rows));
}

fn shape_data(shape: &Shape) -> Value {
    json!({
        "k": shape.k,
        "used_rows": shape.used_rows,
        "lanes": shape.lanes,
        "committed_rows": shape.committed_rows,
        "parameters": shape.parameters,
        "columns": {
            "fixed": shape.fixed,
            "data": shape.data,
            "challenge": shape.challenge,
            "permutation": shape.permutation,
            "permutation_products": shape.products,
            "table": shape.tables,
        },
        "constraints": shape.constraints,
        "table_tuples": shape.tuples,
        "copies": shape.copies,
    })
}

fn time_data(time: &Time) -> Value {
    let part = |part: &prover::estimate::Part| json!({ "name": part.name, "columns": part.columns, "ns": nanoseconds(part.time) });
    time.parts.iter().map(part).collect()
}

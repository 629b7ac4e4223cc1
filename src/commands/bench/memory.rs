//! `assay bench memory`: one proof in a process of its own.

use std::path::PathBuf;
use std::sync::Arc;

use circuits::model::reference;
use clap::Args;
use prover::prove::prove;
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use serde_json::json;

use crate::bench::memory::{Peaks, peak_bytes, reset_peak};
use crate::error::CliError;
use crate::files;
use crate::output::Done;

/// Make keys and one proof, and tell the peak memory
#[derive(Debug, Args)]
pub(crate) struct Memory {
    /// Model file (.assay)
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Input, JSON
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
}

pub(super) fn run(arguments: &Memory) -> Result<Done, CliError> {
    let idle_bytes = peak_bytes()?;
    let bundle = Arc::new(files::read_model(&arguments.model)?);
    let graph = bundle.graph();
    let input = files::read_input(&arguments.input, &graph.input().shape)?;
    let trace = reference::run(graph, bundle.weights(), &input).map_err(CliError::ModelInput)?;
    let setup = development(graph.layout().k, &|_, _| {})?;
    let key = ProvingKey::derive(Arc::clone(&bundle), &setup).map_err(CliError::ProvingKey)?;
    drop(setup);
    let key_generation_bytes = peak_bytes()?;
    reset_peak()?;
    // Verified before it is returned.
    prove(&key, [0; 32], &trace.values)?;
    let peaks = Peaks { idle_bytes, key_generation_bytes, prove_bytes: peak_bytes()? };
    Ok(Done::ok(json!(peaks)))
}

//! `assay prover`: keys and proofs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use attestation::hex;
use circuits::model::bundle::Bundle;
use circuits::model::tensor::Tensor;
use clap::{Args, Subcommand};
use prover::prove::{Proven, prove};
use serde_json::json;
use verifier::key::VerifyingKey;
use verifier::rows::derive_key as derive_verifying_key;
use verifier::setup::Setup;
use worker::executor::{Device, Executor};

use crate::commands::memory::MemoryOptions;
use crate::commands::proving_keys::{KeyOptions, Obtained};
use crate::commands::setups;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, bytes, duration, name, picture, printable, shape, values};
use verifier::cli::{CheckError, SetupOptions, read_context};
use verifier::statement::StatementFile;

pub(super) mod estimate;
mod input;
mod meaning;
pub(super) mod rates;
mod receipt;
mod setup;

use meaning::Meaning;

/// Derive keys, run models and prove the runs
#[derive(Debug, Subcommand)]
pub(crate) enum Prover {
    Setup(setup::MakeKey),
    Estimate(estimate::Estimate),
    Run(Run),
}

/// Run a model on an input, exactly, and prove the run
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay prover run --model digits.assay --input seven.json --out seven.proof --accept-insecure-setup\n  assay prover run --model digits.assay --input seven.json --out seven.proof --receipt seven.receipt --worker-key worker.pem --accept-insecure-setup\n\nThe input is JSON: an array of integers in row-major order, or {\"shape\": [8, 8], \"values\": [..]}. A language model takes --text."
)]
pub(crate) struct Run {
    /// Model file (.assay)
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    #[command(flatten)]
    input: input::InputOptions,
    /// Where to write the proof (.proof)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to write what the proof shows, for whoever verifies it outside a receipt (JSON)
    #[arg(long, value_name = "FILE")]
    out_statement: Option<PathBuf>,
    /// Write over files of those names
    #[arg(long)]
    overwrite: bool,
    /// Digest of the leased work context that the proof is bound to, 0x and 64 digits; zeros without it
    #[arg(long, value_name = "0x..", conflicts_with = "context")]
    context_digest: Option<String>,
    /// The leased work context itself, JSON: `data.object.context` of `assay chain query lease ID --json`
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// Where to run: cpu or cuda:N
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    device: Device,
    #[command(flatten)]
    receipt: receipt::ReceiptOptions,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    memory: MemoryOptions,
    #[command(flatten)]
    setup: SetupOptions,
}

impl Run {
    /// Digest of the work context that the proof is bound to, if one was named.
    fn context_digest(&self) -> Result<Option<[u8; 32]>, CliError> {
        match (&self.context_digest, &self.context) {
            (Some(text), _) => hex::decode(text).map(Some).map_err(CliError::ContextDigest),
            (None, Some(path)) => Ok(Some(read_context(path)?.digest())),
            (None, None) => Ok(None),
        }
    }
}

impl Prover {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Setup(_) => "prover setup",
            Self::Estimate(_) => "prover estimate",
            Self::Run(_) => "prover run",
        }
    }
}

pub(super) fn run(command: &Prover, output: &Output) -> Result<Done, CliError> {
    match command {
        Prover::Setup(arguments) => setup::run(arguments, output),
        Prover::Estimate(arguments) => estimate::run(arguments, output),
        Prover::Run(arguments) => run_and_prove(arguments, output),
    }
}

/// The verifying key of a model, from its weights up.
pub(super) fn derive_key(bundle: &Bundle, setup: &Setup, output: &Output) -> Result<VerifyingKey, CliError> {
    let progress = output.progress("committing to the weights and deriving the verifying key");
    let key = derive_verifying_key(bundle, setup)?;
    progress.finish();
    Ok(key)
}

/// What to do with a file of the same name.
pub(super) fn existing(overwrite: bool) -> Existing {
    if overwrite { Existing::Replace } else { Existing::Keep }
}

fn run_and_prove(arguments: &Run, output: &Output) -> Result<Done, CliError> {
    let Run { model, input, out, out_statement, overwrite, device, receipt, key, memory, setup, .. } = arguments;
    let chosen = setup.accepted()?;
    let named = arguments.context_digest()?;
    let existing = existing(*overwrite);
    for path in [Some(out.as_path()), out_statement.as_deref(), receipt.path()].into_iter().flatten() {
        files::check_writable(path, existing)?;
    }
    let bundle = Arc::new(files::read_model(model)?);
    let tensor = input.read(model, &bundle)?;
    let vocabulary = input.vocabulary(model, output)?;
    memory.check([bundle.graph()])?;
    let executor = Executor::new(&bundle, *device)?;
    let unsigned = receipt.open(*device, output)?;
    let start = Instant::now();
    let trace = executor.trace(&tensor)?;
    let run_time = start.elapsed();
    chosen.warn(output);
    if named.is_none() && unsigned.is_none() {
        output.warn("no --context-digest or --context: the proof is bound to no work context, so no chain pays for it");
    }
    let setup = setups::obtain(setup, chosen, bundle.graph().layout().k, output)?;
    let start = Instant::now();
    let Obtained { key, was_kept } = key.obtain(&bundle, &setup, output)?;
    let key_time = start.elapsed();
    let own = unsigned.as_ref().map(|unsigned| unsigned.context(key.verifying().model_hash(), tensor.hash()));
    let context = own.map(|own| own.digest()).or(named).unwrap_or_default();
    let progress = output.progress("proving");
    let Proven { statement, proof } = prove(&key, context, &trace.values)?;
    let prove_time = progress.finish();
    let start = Instant::now();
    let verified = verifier::proof::verify(key.verifying(), &statement, &proof);
    let verify_time = start.elapsed();
    verified.map_err(|error| CliError::from(prover::prove::ProveError::from(error)))?;
    let encoded = proof.to_bytes();
    files::write(out, &encoded, existing)?;
    if let Some(path) = out_statement {
        let text = serde_json::to_vec(&StatementFile::from(&statement));
        let text = text.map_err(|error| CliError::from(CheckError::Output(error.into())))?;
        files::write(path, &text, existing)?;
    }

    let times = Times { run: run_time, key: key_time, prove: prove_time, verify: verify_time };
    let meaning = Meaning::of(&bundle, vocabulary.as_ref(), [&tensor, &statement.output], input.texts());
    print_run(&bundle, &tensor, &statement.output, &meaning, (*device, &times), output);
    output.field(
        "proof",
        format!(
            "{} with its header, {} of group elements and scalars",
            bytes(encoded.len() as u64),
            bytes(proof.bytes.len() as u64)
        ),
    );
    output.field("output hash", hex::encode(&statement.output.hash()));
    output.field("context", hex::encode(&context));
    let key_source = if was_kept { "kept from before, read" } else { "derived" };
    output.field("proving key", format!("{key_source} in {}", duration(times.key)));
    output.field("key digest", hex::encode(&proof.key_digest));
    output.field("written", name(out));
    let signed = unsigned
        .as_ref()
        .zip(own.as_ref())
        .map(|(unsigned, own)| unsigned.write(own, &bundle, (&statement, &proof), times.run, existing, output));
    let signed = signed.transpose()?;
    Ok(Done::ok(json!({
        "input": statement.input,
        "output": statement.output,
        "output_hash": hex::encode(&statement.output.hash()),
        "argmax": statement.output.argmax(),
        "label": label(&bundle, &statement.output),
        "texts": meaning.texts,
        "embeddings": meaning.embeddings,
        "generated": meaning.generated,
        "device": device.to_string(),
        "context_digest": hex::encode(&context),
        "model_hash": hex::encode(&key.verifying().model_hash()),
        "key_digest": hex::encode(&proof.key_digest),
        "setup_id": hex::encode(&proof.setup_id),
        "statement_digest": hex::encode(&proof.statement_digest),
        "proof_bytes": encoded.len(),
        "key_was_kept": was_kept,
        "run_ns": nanoseconds(times.run),
        "key_ns": nanoseconds(times.key),
        "prove_ns": nanoseconds(times.prove),
        "verify_ns": nanoseconds(times.verify),
        "receipt": signed,
        "out": name(out),
    })))
}

struct Times {
    run: Duration,
    key: Duration,
    prove: Duration,
    verify: Duration,
}

fn print_run(
    bundle: &Bundle,
    input: &Tensor,
    result: &Tensor,
    meaning: &Meaning,
    (device, times): (Device, &Times),
    output: &Output,
) {
    output.heading(&format!("{} on a {} input", printable(&bundle.info().name), shape(input.shape())));
    let inputs = bundle.info().quantisation.as_ref().and_then(|quantisation| quantisation.inputs.first());
    let is_tokens = inputs.is_some_and(|input| input.name == "tokens");
    for line in picture(input).iter().filter(|_| !is_tokens) {
        output.line(format!("    {line}"));
    }
    output.field("output", values(result));
    meaning.print(output);
    let is_labelled = meaning.embeddings.is_empty() && bundle.graph().generated() == 0;
    if let Some(index) = result.argmax().filter(|_| is_labelled) {
        let label = label(bundle, result).map(|label| format!(", label {}", printable(&label))).unwrap_or_default();
        output.field("largest", format!("element {index}{label}"));
    }
    let Times { run, key: _, prove, verify } = times;
    output.field(
        "time",
        format!(
            "run {} on {device}, proof {} (checked before it was returned), verification {}",
            duration(*run),
            duration(*prove),
            duration(*verify)
        ),
    );
}

/// The name that the model gives to its largest output.
pub(super) fn label(bundle: &Bundle, output: &Tensor) -> Option<String> {
    bundle.info().labels.get(output.argmax()?).cloned()
}

/// A time for machines; saturates after 584 years.
pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

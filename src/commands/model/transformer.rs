//! `assay model import FOLDER --calibrate-text` and `assay model generate`: transformers as integer models.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use prover::import::transformer::text::{TextEncoder, TextError, padded};
use prover::import::transformer::{
    Configuration, Imported, Mask, Parameters, Precision, Shape, TransformerError, files as published, import,
};
use serde_json::{Value, json};

use crate::commands::prover::existing;
use crate::error::{CliError, FormatError, ImportProblem};
use crate::files;
use crate::output::{Done, Output, name, printable};

/// Largest weights file, configuration and text to calibrate on, bytes.
const WEIGHTS_BYTES_MAX: u64 = circuits::model::container::CONTAINER_BYTES_MAX as u64;
const TEXT_BYTES_MAX: u64 = 16 << 20;
/// Least cosine between integers and floats that needs no warning.
const COSINE: f64 = 0.99;
/// Random inputs that generated weights are calibrated on.
const GENERATED_SAMPLES: usize = 8;

/// Make a model of a known shape with generated weights, for benchmarks
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  assay model generate nanogpt --tokens 16 --out nanogpt.assay")]
pub(crate) struct Generate {
    /// Shape
    shape: ShapeName,
    /// Tokens of an input
    #[arg(long, value_name = "N")]
    tokens: u32,
    /// Tokens that the model generates after a prompt of exactly --tokens, each the most likely; without it, the next one's
    /// logits
    #[arg(long, value_name = "N")]
    new_tokens: Option<u32>,
    /// Texts of an input, each of so many tokens, proven in one pass
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: u32,
    /// Seed of the weights
    #[arg(long, value_name = "N", default_value_t = 2026)]
    seed: u64,
    /// Bits of an activation
    #[arg(long, value_name = "N", default_value_t = 12)]
    activation_bits: u32,
    /// Bits of a weight, sign included
    #[arg(long, value_name = "N", default_value_t = 12)]
    weight_bits: u32,
    /// Where to write the model (.assay)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
}

/// Known shapes.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShapeName {
    /// 12 layers, width 768, 12 heads, 50257 tokens
    Gpt2,
    /// 4 layers, width 64, 4 heads, 65 tokens
    Nanogpt,
    /// One block with rotary positions, RMS norm and SwiGLU
    Llama,
    /// The encoder of all-MiniLM-L6-v2: 6 layers, width 384, 12 heads, 30522 tokens
    Minilm,
}

/// A folder of published files, imported for a window of tokens.
pub(super) struct Folder<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a Path,
    pub(super) window: u32,
    pub(super) new_tokens: Option<u32>,
    pub(super) batch: u32,
    pub(super) name: &'a str,
    pub(super) out: &'a Path,
    pub(super) overwrite: bool,
    pub(super) precision: Precision,
}

pub(super) fn import_folder(folder: &Folder<'_>, output: &Output) -> Result<Done, CliError> {
    let kept = existing(folder.overwrite);
    let tokenizer_out = tokenizer_path(folder.out);
    for path in [folder.out, &tokenizer_out] {
        files::check_writable(path, kept)?;
    }
    let read = |file: &str, kind: &'static str, most: u64| files::read(&folder.path.join(file), kind, most);
    let config = read("config.json", "configuration", TEXT_BYTES_MAX)?;
    let weights = read("model.safetensors", "weights", WEIGHTS_BYTES_MAX)?;
    let tokenizer = read("tokenizer.json", "tokenizer", TEXT_BYTES_MAX)?;
    let problem = |problem| CliError::Import(Box::new(problem));
    let (configuration, parameters) = published::read(&config, &weights, folder.window, folder.new_tokens)
        .map_err(|source| problem(ImportProblem::Published { path: folder.path.to_owned(), source }))?;
    drop(weights);
    let configuration = configuration.batched(folder.batch);
    let path = folder.path.join("tokenizer.json");
    let tokenizer = match configuration.mask {
        Mask::Padding { token } => padded(tokenizer, token).map_err(|source| unread(&path, source))?,
        Mask::Causal | Mask::Nothing => tokenizer,
    };
    let encoder = text_encoder(&path, &tokenizer)?;
    let text = files::read(folder.text, "text", TEXT_BYTES_MAX)?;
    let text = String::from_utf8(text).map_err(|_| CliError::format(folder.text, FormatError::Text))?;
    let samples = samples(&encoder, &configuration, &text);
    let samples = samples.map_err(|source| problem(ImportProblem::Text { path: folder.text.to_owned(), source }))?;
    let progress = output.spinner("choosing scales");
    let description = "by the tokenizer file beside the model";
    let imported = import(folder.name, description, &configuration, &parameters, &samples, folder.precision)
        .map_err(|source| refused(folder.path, source))?;
    progress.finish();
    files::write(&tokenizer_out, &tokenizer, kept)?;
    let done = write(&imported, folder.out, folder.overwrite, &format!("imported {}", name(folder.path)), output)?;
    output.field("tokenizer", name(&tokenizer_out));
    Ok(done)
}

/// What a text gives to calibrate on: each line or, where nothing fills the window, as many windows as all lines fill.
fn samples(encoder: &TextEncoder, configuration: &Configuration, text: &str) -> Result<Vec<Vec<u32>>, TextError> {
    let window = configuration.window;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    if matches!(configuration.mask, Mask::Padding { .. }) {
        return lines.map(|line| encoder.encode_truncated(line, window)).collect();
    }
    let tokens = lines.try_fold(Vec::new(), |mut tokens, line| {
        tokens.extend(encoder.encode(line)?);
        Ok(tokens)
    })?;
    let whole = tokens.chunks_exact(window.max(1) as usize);
    // Less than a window stays what it is, to be refused by its length.
    Ok(if whole.len() == 0 { vec![tokens] } else { whole.map(<[u32]>::to_vec).collect() })
}

pub(super) fn generate(arguments: &Generate, output: &Output) -> Result<Done, CliError> {
    let Generate { shape, tokens, new_tokens, batch, seed, activation_bits, weight_bits, out, overwrite } = arguments;
    files::check_writable(out, existing(*overwrite))?;
    let (shape, label) = match shape {
        ShapeName::Gpt2 => (Shape::Gpt2, "GPT-2 shape"),
        ShapeName::Nanogpt => (Shape::NanoGpt, "nanoGPT shape"),
        ShapeName::Llama => (Shape::Llama, "Llama-style block"),
        ShapeName::Minilm => (Shape::MiniLm, "MiniLM shape"),
    };
    let configuration = shape.configuration(*tokens).batched(*batch);
    let configuration = match new_tokens {
        Some(count) => configuration.generating(*count),
        None => configuration,
    };
    configuration.check().map_err(|source| refused(out, source))?;
    let progress = output.spinner("generating weights and choosing scales");
    let parameters = Parameters::generated(&configuration, *seed);
    let samples = configuration.random_inputs(GENERATED_SAMPLES, *seed);
    let precision = Precision { activation_bits: *activation_bits, weight_bits: *weight_bits };
    let title = format!("{label}, generated weights");
    let description = format!("generated weights, seed {seed}: nobody trained this model");
    let imported = import(&title, &description, &configuration, &parameters, &samples, precision)
        .map_err(|source| refused(out, source))?;
    progress.finish();
    write(&imported, out, *overwrite, &format!("generated {}", name(out)), output)
}

/// Where a model's tokenizer lies.
pub(crate) fn tokenizer_path(model: &Path) -> PathBuf {
    model.with_extension("tokenizer.json")
}

/// Reads a tokenizer.
pub(crate) fn text_encoder(path: &Path, bytes: &[u8]) -> Result<TextEncoder, CliError> {
    TextEncoder::from_json(bytes).map_err(|source| unread(path, source))
}

fn unread(path: &Path, source: TextError) -> CliError {
    CliError::Import(Box::new(ImportProblem::Text { path: path.to_owned(), source }))
}

/// The largest tokenizer file that is read, bytes.
pub(crate) const TOKENIZER_BYTES_MAX: u64 = verifier::tokens::TOKENIZER_BYTES_MAX as u64;

fn refused(path: &Path, source: TransformerError) -> CliError {
    CliError::Import(Box::new(ImportProblem::Transformer { path: path.to_owned(), source }))
}

fn write(imported: &Imported, out: &Path, overwrite: bool, heading: &str, output: &Output) -> Result<Done, CliError> {
    let bundle = &imported.bundle;
    let bytes = bundle.to_bytes().map_err(|error| CliError::format(out, error))?;
    files::write(out, &bytes, existing(overwrite))?;
    output.heading(heading);
    let accuracy = imported.accuracy;
    let line = format!(
        "cosine with the floats {:.4} on average and {:.4} at least, on {} inputs; the same largest element on {}",
        accuracy.cosine_mean, accuracy.cosine_least, accuracy.samples, accuracy.same_largest
    );
    output.field("accuracy", line);
    if accuracy.cosine_least < COSINE {
        output.warn(format!("the least cosine is below {COSINE}"));
    }
    if let Some(refusal) = &imported.refusal {
        output.warn(printable(&format!("no circuit holds this model: {refusal}")));
    }
    output.gap();
    let graph = bundle.graph();
    output.field("name", printable(&bundle.info().name));
    output.field("input", printable(&bundle.info().input_scale));
    output.field(
        "graph",
        format!("{} nodes, {} multiply-accumulates", graph.nodes().len(), graph.multiply_accumulates()),
    );
    output.field("written", name(out));
    Ok(Done::ok(json!({ "accuracy": accuracy_data(imported), "info": bundle.info(), "nodes": graph.nodes().len() })))
}

fn accuracy_data(imported: &Imported) -> Value {
    let accuracy = imported.accuracy;
    json!({
        "samples": accuracy.samples,
        "cosine_mean": accuracy.cosine_mean,
        "cosine_least": accuracy.cosine_least,
        "same_largest": accuracy.same_largest,
        "refusal": imported.refusal.as_ref().map(ToString::to_string),
    })
}

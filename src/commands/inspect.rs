//! `assay inspect`: decodes a file and says what is in it. It never decides anything.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use attestation::evidence::Evidence;
use attestation::hex;
use attestation::identity::keystore::{KEY_FILE_BYTES_MAX, PublicKey};
use circuits::model::bundle::Bundle;
use clap::Args;
use serde_json::json;
use verifier::container::{Container, Kind, MAGIC};
use verifier::key::VerifyingKey;
use verifier::proof::Proof;
use verifier::receipt::ReceiptFile;

use crate::commands::model;
use crate::commands::setups::setup_name;
use crate::error::{CliError, FormatError};
use crate::files;
use crate::output::{Done, Output, Tone, bytes as size, name, picture, printable, shape, utc, values};

/// Bytes that tell kinds of files apart.
const HEAD_BYTES: u64 = 32;

/// Show what is in a file, and which of it nobody signed; decides nothing
#[derive(Debug, Args)]
#[command(after_help = "Files: .receipt, .proof, .vk, .assay, key files (.pem) and their public records (.pub).")]
pub(crate) struct Inspect {
    /// The file; its kind is told by its content
    file: PathBuf,
}

enum Found {
    Container(Kind),
    Model,
    KeyFile,
    PublicRecord,
}

pub(super) fn run(arguments: &Inspect, output: &Output) -> Result<Done, CliError> {
    let path = arguments.file.as_path();
    let mut file = files::open(path)?;
    let mut head = Vec::new();
    let failed = |source| CliError::read(path, source);
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(failed)?;
    let found = tell(path, &head)?;
    let (what, max) = match &found {
        Found::Container(kind) => (kind.name(), files::container_bytes_max(*kind)),
        Found::Model => ("model", files::model_bytes_max()),
        Found::KeyFile => ("key", KEY_FILE_BYTES_MAX as u64),
        Found::PublicRecord => ("public record", KEY_FILE_BYTES_MAX as u64),
    };
    let content = files::read_rest(file, head, path, what, max)?;
    output.heading(&format!("{what} {}", name(path)));
    output.field("file", size(content.len() as u64));
    let data = match found {
        Found::Container(Kind::Receipt) => {
            receipt(&ReceiptFile::from_bytes(&content).map_err(|error| CliError::format(path, error))?, output)
        }
        Found::Container(Kind::Proof) => {
            proof(&Proof::from_bytes(&content).map_err(|error| CliError::format(path, error))?, output)
        }
        Found::Container(Kind::VerifyingKey) => {
            verifying_key(&VerifyingKey::from_bytes(&content).map_err(|error| CliError::format(path, error))?, output)
        }
        Found::Model => {
            let bundle = Bundle::from_bytes(&content).map_err(|error| CliError::format(path, error))?;
            model::show(&bundle, None, output);
            unauthenticated(
                &["name, labels and input scale: for people; they change the hashes and not the result"],
                output,
            );
            model::data(&bundle, None)
        }
        Found::KeyFile => key_file(&content, path, output)?,
        Found::PublicRecord => public_record(&content, path, output)?,
    };
    Ok(Done::ok(json!({ "kind": what, "file": name(path), "bytes": content.len(), "content": data })))
}

/// The kind of file that these first bytes belong to.
fn tell(path: &Path, head: &[u8]) -> Result<Found, CliError> {
    let refused = |error: FormatError| CliError::format(path, error);
    if head.is_empty() {
        return Err(refused(FormatError::Empty));
    }
    if MAGIC.starts_with(head) || head.starts_with(&MAGIC) {
        let (kind, version) = Container::kind(head).map_err(|error| CliError::format(path, error))?;
        kind.check_version(version).map_err(|error| CliError::format(path, error))?;
        return Ok(Found::Container(kind));
    }
    match head {
        // A safetensors file: the length of a JSON header below 2^24, then the header.
        [_, _, _, 0, 0, 0, 0, 0, b'{', ..] => Ok(Found::Model),
        _ if head.starts_with(b"-----BEGIN ") => Ok(Found::KeyFile),
        [b'{', ..] => Ok(Found::PublicRecord),
        _ => Err(refused(FormatError::Unknown)),
    }
}

fn receipt(file: &ReceiptFile, output: &Output) -> serde_json::Value {
    let receipt = &file.signed.receipt;
    let context = &receipt.context;
    section("signed by the worker (this command checks no signature; assay verify does)", output);
    output.field("worker", hex::encode(&context.worker));
    output.field("chain", format!("{}, genesis {}", context.chain_id, hex::encode(&context.genesis)));
    output.field("job", hex::encode(&context.job_id));
    output.field("model", hex::encode(&context.model_hash));
    output.field("input hash", hex::encode(&context.input_hash));
    output.field("device", hex::encode(&context.device_id));
    output.field("nonce", hex::encode(&context.nonce));
    output.field(if context.names_chain() { "leased" } else { "begun" }, utc(context.timestamp));
    output.field("context digest", hex::encode(&context.digest()));
    output.field("output hash", hex::encode(&receipt.output_hash));
    output.field("receipt digest", hex::encode(&file.signed.digest()));

    section("the worker's own words (signed, but claims)", output);
    let metadata = &receipt.metadata;
    output.field("completed", utc(receipt.completed_at));
    output.field("units", receipt.compute_units.to_string());
    if (metadata.tokens_in, metadata.tokens_out) != (0, 0) {
        output.field("tokens", format!("{} in, {} out", metadata.tokens_in, metadata.tokens_out));
    }
    output.field(
        "ran on",
        format!(
            "{} ({:?}, {:?} tier), {} ms",
            printable(metadata.hardware.as_str()),
            metadata.device,
            metadata.tier,
            metadata.elapsed_ms
        ),
    );
    match &file.evidence {
        Evidence::Software(software) => {
            output.field(
                "evidence",
                format!(
                    "software: host {}, executable {}",
                    printable(software.host.as_str()),
                    hex::encode(&software.executable_hash)
                ),
            );
        }
        other => {
            let nullifier = other.nullifier();
            output.field("evidence", format!("{} of device {}", other.kind(), hex::encode(&nullifier.device_identity)));
        }
    }

    section("carried beside it (named by hash in the signed part; not compared here)", output);
    for line in picture(&file.input) {
        output.line(format!("    {line}"));
    }
    output.field("input", format!("{} {}", shape(file.input.shape()), values(&file.input)));
    output.field("output", values(&file.output));
    for proof in &file.proofs {
        output.field(
            "proof",
            format!(
                "{} under key {} and setup {}",
                size(proof.bytes.len() as u64),
                hex::encode(&proof.key_digest),
                setup_name(&proof.setup_id)
            ),
        );
    }
    if file.proofs.is_empty() {
        output.field("proof", "none");
    }

    let notes = &file.unauthenticated;
    let labels = notes.labels.iter().map(|label| printable(label)).collect::<Vec<_>>().join(" ");
    unauthenticated(
        &[
            &format!("model name: {}", printable(&notes.model_name)),
            &format!("labels: {labels}"),
            &format!("written by: {}", printable(&notes.written_by)),
        ],
        output,
    );
    json!({
        "receipt": file,
        "context_digest": hex::encode(&context.digest()),
        "receipt_digest": hex::encode(&file.signed.digest()),
        "not_authenticated": ["receipt.unauthenticated"],
        "decided": false,
    })
}

fn proof(proof: &Proof, output: &Output) -> serde_json::Value {
    output.field("system", printable(&proof.system));
    output.field("transcript", format!("hash number {}", proof.hash));
    output.field("setup", setup_name(&proof.setup_id));
    output.field("key digest", hex::encode(&proof.key_digest));
    output.field("statement", hex::encode(&proof.statement_digest));
    output.field("elements", format!("{} of points and scalars", size(proof.bytes.len() as u64)));
    unauthenticated(&["everything: digests only say where the proof belongs; a receipt carries the statement"], output);
    json!({ "proof": proof, "not_authenticated": ["proof"], "decided": false })
}

fn verifying_key(key: &VerifyingKey, output: &Output) -> serde_json::Value {
    let commitment = key.commitment();
    output.field("key digest", hex::encode(&key.digest()));
    output.field("model hash", hex::encode(&key.model_hash()));
    output.field("bundle hash", hex::encode(&commitment.bundle_hash));
    output.field("setup", setup_name(&key.setup_id()));
    let input = key.graph().input();
    let result = key.graph().output();
    output.field("input", format!("{}, integers {} to {}", shape(&input.shape), input.range.min, input.range.max));
    output.field("output", format!("{}, integers {} to {}", result.width(), result.range.min, result.range.max));
    output.field(
        "circuit",
        format!(
            "2^{} rows, {} committed weight rows, {} of them not zero",
            key.shape().k(),
            commitment.rows.len(),
            key.rows().len()
        ),
    );
    unauthenticated(
        &["all of it: compare the key digest with one you trust, or derive the key again with assay prover setup"],
        output,
    );
    json!({
        "key_digest": hex::encode(&key.digest()),
        "model_hash": hex::encode(&key.model_hash()),
        "setup_id": hex::encode(&key.setup_id()),
        "k": key.shape().k(),
        "graph": key.graph(),
        "commitment": commitment,
        "not_authenticated": ["graph", "commitment"],
        "decided": false,
    })
}

fn key_file(content: &[u8], path: &Path, output: &Output) -> Result<serde_json::Value, CliError> {
    let text = std::str::from_utf8(content).map_err(|_| CliError::format(path, FormatError::Text))?;
    let label = text.lines().next().and_then(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    let label = label.unwrap_or("damaged");
    let encrypted = label == "ENCRYPTED PRIVATE KEY";
    output.field("PEM", printable(label));
    output.field(
        "secret",
        if encrypted {
            "encrypted; even its kind is hidden, the .pub file beside it tells"
        } else {
            "NOT encrypted by this program"
        },
    );
    unauthenticated(&["the label: only the password opens what is inside"], output);
    Ok(json!({ "label": label, "encrypted": encrypted, "decided": false }))
}

fn public_record(content: &[u8], path: &Path, output: &Output) -> Result<serde_json::Value, CliError> {
    let key: PublicKey =
        serde_json::from_slice(content).map_err(|error| CliError::format(path, FormatError::PublicRecord(error)))?;
    output.field("kind", key.kind().to_string());
    output.field("id", hex::encode(&key.id()));
    unauthenticated(&["whose key it is: the id belongs to the public key, nothing names its holder"], output);
    Ok(json!({ "key": key, "decided": false }))
}

fn section(title: &str, output: &Output) {
    output.gap();
    output.line(format!("  {}", output.paint(Tone::Strong, title)));
}

fn unauthenticated(lines: &[&str], output: &Output) {
    output.gap();
    output.line(format!("  {}", output.paint(Tone::Unsure, "NOT authenticated")));
    for line in lines {
        output.line(format!("    - {line}"));
    }
}

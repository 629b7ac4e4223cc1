//! `assay ethereum`: contracts that verify the proofs of one key, and calls of them.

use std::path::{Path, PathBuf};

use attestation::hex;
use circuits::statement::Statement;
use clap::{Args, Subcommand};
use ethereum::{CODE_BYTES_MAX, Contract, Piece};
use serde_json::json;
use verifier::cli::{CheckError, SetupOptions};
use verifier::container::{Container, Kind};
use verifier::key::VerifyingKey;
use verifier::proof::{Proof, verify};
use verifier::receipt::ReceiptFile;

use crate::commands::prover::existing;
use crate::commands::setups::setup_name;
use crate::error::CliError;
use crate::files::{self, NewFolder};
use crate::output::{Done, Output, Tone, bytes, name};

/// What a contract leaves open, whatever it answers.
const NOT_CHECKED: [&str; 4] = [
    "who ran the model and when: no receipt, signature or evidence is judged",
    "that the context digest is that of work which anybody asked for: the caller compares it",
    "that the key is a model's: whoever deploys it derives the key (assay model audit) or trusts its digest",
    "that nobody knows the setup's secret",
];

/// Make contracts that verify proofs on Ethereum, and calls of them
#[derive(Debug, Subcommand)]
pub(crate) enum Ethereum {
    Contract(MakeContract),
    Call(MakeCall),
}

/// Make the contract that verifies the proofs of a key
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  assay ethereum contract --vk digits.vk --out digits-contract --accept-insecure-setup\n\nThe folder gets verifier.hex, what the transaction that creates the contract carries; abi.json; and for a key whose points\ndo not fit beside the code data-0.hex .., for code that does not fit into one contract part-0.hex ..: these are created first, and their\naddresses are the constructor's arguments, data before parts."
)]
pub(crate) struct MakeContract {
    /// Verifying key (.vk)
    #[arg(long, value_name = "FILE")]
    vk: PathBuf,
    /// Folder to write, empty or new
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    setup: SetupOptions,
}

/// Make the call that shows a contract what a proof shows; the proof is verified first
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay ethereum call digit.receipt --vk digits.vk --out digit.call --accept-insecure-setup\n  assay ethereum call digit.proof --statement digit.json --vk digits.vk --out digit.call --accept-insecure-setup"
)]
pub(crate) struct MakeCall {
    /// Proof (.proof), or receipt with one (.receipt)
    file: PathBuf,
    /// Verifying key that the contract was made of (.vk)
    #[arg(long, value_name = "FILE")]
    vk: PathBuf,
    /// What a proof outside a receipt is to show, JSON; `assay prover run --out-statement` writes it
    #[arg(long, value_name = "FILE")]
    statement: Option<PathBuf>,
    /// Where to write the call, hexadecimal
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    setup: SetupOptions,
}

impl Ethereum {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Contract(_) => "ethereum contract",
            Self::Call(_) => "ethereum call",
        }
    }
}

pub(super) fn run(command: &Ethereum, output: &Output) -> Result<Done, CliError> {
    match command {
        Ethereum::Contract(arguments) => make_contract(arguments, output),
        Ethereum::Call(arguments) => make_call(arguments, output),
    }
}

/// The key in a file, if it is under the setup that the user accepted.
fn read_key(path: &Path, setup: &SetupOptions, output: &Output) -> Result<VerifyingKey, CliError> {
    let chosen = setup.accepted()?;
    let key = files::read_key(path)?;
    if key.setup_id() != chosen.id() {
        let reason = format!("the key is under setup {}", setup_name(&key.setup_id()));
        let help = Some("accept that setup, or give a key under the one that you accept");
        return Err(CheckError::Undecided { path: path.to_owned(), reason, help }.into());
    }
    chosen.warn(output);
    Ok(key)
}

fn make_contract(arguments: &MakeContract, output: &Output) -> Result<Done, CliError> {
    let MakeContract { vk, out, setup } = arguments;
    let key = read_key(vk, setup, output)?;
    let contract = Contract::generate(&key).map_err(|source| CliError::Contract { path: vk.clone(), source })?;
    let folder = NewFolder::stage(out)?;
    let put = |file: &str, content: String| {
        files::write(&folder.path().join(file), content.as_bytes(), files::Existing::Keep)
    };
    put("verifier.hex", hexadecimal(contract.creation_code()))?;
    for (kind, pieces) in [("data", contract.data()), ("part", contract.parts())] {
        for (index, piece) in pieces.iter().enumerate() {
            put(&format!("{kind}-{index}.hex"), hexadecimal(&piece.creation))?;
        }
    }
    put("abi.json", format!("{:#}\n", contract.abi()))?;
    let written = folder.publish()?;

    output.heading(&format!("contract for key {}", name(vk)));
    output.field("key digest", hex::encode(&key.digest()));
    output.field("model hash", hex::encode(&key.model_hash()));
    output.field("setup", setup_name(&key.setup_id()));
    output.field("code", format!("{} of at most {}", bytes(wide(contract.code_bytes())), bytes(wide(CODE_BYTES_MAX))));
    let [data, parts] = [contract.data(), contract.parts()].map(sizes);
    output.field("data contracts", created_first(&data, "none: the key's points lie behind the code"));
    output.field("parts", created_first(&parts, "none: the code fits into one contract"));
    output.field("points", format!("{} multiplications for a proof", contract.points()));
    output.field("call", format!("{}, {}", bytes(wide(contract.calldata_bytes())), contract.signature()));
    output.field("written", name(&written));
    output.gap();
    output.line(output.paint(Tone::Strong, "  not checked by the contract"));
    for line in NOT_CHECKED {
        output.line(format!("    - {line}"));
    }
    Ok(Done::ok(json!({
        "key_digest": hex::encode(&key.digest()),
        "model_hash": hex::encode(&key.model_hash()),
        "setup_id": hex::encode(&key.setup_id()),
        "code_bytes": contract.code_bytes(),
        "data_bytes": data,
        "part_bytes": parts,
        "points": contract.points(),
        "calldata_bytes": contract.calldata_bytes(),
        "signature": contract.signature(),
        "not_checked": NOT_CHECKED,
        "out": name(&written),
    })))
}

fn make_call(arguments: &MakeCall, output: &Output) -> Result<Done, CliError> {
    let MakeCall { file, vk, statement, out, overwrite, setup } = arguments;
    let existing = existing(*overwrite);
    files::check_writable(out, existing)?;
    let key = read_key(vk, setup, output)?;
    let (statement, proof) = read_shown(file, statement.as_deref(), &key)?;
    if let Err(error) = verify(&key, &statement, &proof) {
        return Err(CheckError::Rejected { path: file.clone(), reason: error.to_string() }.into());
    }
    let contract = Contract::generate(&key).map_err(|source| CliError::Contract { path: vk.clone(), source })?;
    let call = contract.call(&statement, &proof).map_err(|error| CliError::format(file, error))?;
    files::write(out, hexadecimal(&call).as_bytes(), existing)?;
    output.heading(&format!("call with {}", name(file)));
    output.field("function", contract.signature());
    output.field("call", bytes(wide(call.len())));
    output.field("context", hex::encode(&statement.context_digest));
    output.field("key digest", hex::encode(&key.digest()));
    output.field("written", name(out));
    Ok(Done::ok(json!({
        "signature": contract.signature(),
        "calldata_bytes": call.len(),
        "context_digest": hex::encode(&statement.context_digest),
        "key_digest": hex::encode(&key.digest()),
        "out": name(out),
    })))
}

/// A proof, and what it is to show: from a receipt, or from two files.
fn read_shown(path: &Path, statement: Option<&Path>, key: &VerifyingKey) -> Result<(Statement, Proof), CliError> {
    let content = files::read(path, "receipt", files::container_bytes_max(Kind::Receipt))?;
    if matches!(Container::kind(&content), Ok((Kind::Proof, _))) {
        let proof = Proof::from_bytes(&content).map_err(|error| CliError::format(path, error))?;
        let missing = "a proof outside a receipt needs what it is to show: --statement FILE";
        let statement = statement.ok_or_else(|| CliError::usage(missing))?;
        return Ok((files::read_statement(statement)?, proof));
    }
    let receipt = ReceiptFile::from_bytes(&content).map_err(|error| CliError::format(path, error))?;
    if statement.is_some() {
        return Err(CliError::usage("--statement goes with a proof; a receipt says itself what its proof shows"));
    }
    match receipt.proofs.iter().find(|proof| proof.key_digest == key.digest()) {
        Some(proof) => Ok((receipt.statement(), proof.clone())),
        None => {
            let reason = format!("it has no proof under key {}", hex::encode(&key.digest()));
            Err(CheckError::Rejected { path: path.to_owned(), reason }.into())
        }
    }
}

/// Bytes of the code of each.
fn sizes(pieces: &[Piece]) -> Vec<usize> {
    pieces.iter().map(|piece| piece.code.len()).collect()
}

fn created_first(sizes: &[usize], none: &str) -> String {
    let listed: Vec<String> = sizes.iter().map(|size| bytes(wide(*size))).collect();
    if listed.is_empty() { none.to_owned() } else { format!("{}, created first", listed.join(", ")) }
}

fn hexadecimal(content: &[u8]) -> String {
    format!("{}\n", hex::encode(content))
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

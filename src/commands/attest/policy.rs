//! `assay attest policy`: the table of trust, in TOML.

use std::path::PathBuf;

use attestation::hex;
use clap::Args;
use serde_json::json;

use super::PolicyOptions;
use crate::error::{CliError, FormatError};
use crate::files::{self, Existing};
use crate::output::{Done, Output, name};

/// Print a policy in TOML with its identifier, or check one
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay attest policy --out mine.toml          the project's own, to start from\n  assay attest policy --policy mine.toml       reads, checks and prints it"
)]
pub(crate) struct PolicyCommand {
    #[command(flatten)]
    policy: PolicyOptions,
    /// Write it here instead; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &PolicyCommand, output: &Output) -> Result<Done, CliError> {
    let policy = arguments.policy.read()?;
    let id = hex::encode(&policy.id());
    let place = arguments.out.clone().unwrap_or_default();
    let text = policy.to_toml().map_err(|error| CliError::format(&place, FormatError::Policy(error)))?;
    match &arguments.out {
        Some(path) => {
            files::write(path, text.as_bytes(), Existing::Keep)?;
            output.field("written", name(path));
        }
        None => output.line(text.trim_end()),
    }
    output.line(format!("# policy {id}, {} bytes on a chain", policy.to_bytes().len()));
    Ok(Done::ok(json!({ "id": id, "bytes": hex::encode(&policy.to_bytes()), "policy": policy })))
}

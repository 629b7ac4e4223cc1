//! `assay model audit`: whether a published key is that of the model one holds.

use std::path::PathBuf;

use ::chain::state::Key;
use ::chain::types;
use attestation::{codec, hex};
use circuits::model::bundle::Bundle;
use clap::Args;
use serde_json::json;
use verifier::cli::{CheckError, Failure as _};
use verifier::key::ModelCommitment;
use verifier::rows::{RowAudit, audit};

use crate::commands::names::Identifier;
use crate::commands::node::{NodeOptions, block_on};
use crate::commands::setups::published_setup;
use crate::error::CliError;
use crate::files;
use crate::output::{Done, Output, name};

/// Recompute every committed row of a published model from the model file
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay model audit digits.assay --vk digits.vk\n  assay model audit digits.assay --registered 0x.. --data-dir chain\n\nExit code 1 if the key is not that of the file. Within a model's challenge window `assay chain tx challenge-model` convicts\na registered one by a row that is wrong."
)]
pub(crate) struct Audit {
    /// Model file (.assay)
    model: PathBuf,
    /// The published key, as a file
    #[arg(long, value_name = "FILE", required_unless_present = "registered")]
    vk: Option<PathBuf>,
    /// The published key, as a chain has it: the model's hash
    #[arg(long, value_name = "HASH", conflicts_with = "vk")]
    registered: Option<Identifier>,
    #[command(flatten)]
    node: NodeOptions,
}

/// What somebody published about a model.
pub(in crate::commands) struct Published {
    pub(in crate::commands) commitment: ModelCommitment,
    pub(in crate::commands) setup: [u8; 32],
}

impl Published {
    /// Compares it with what follows from a model file.
    pub(in crate::commands) fn audit(&self, bundle: &Bundle, output: &Output) -> Result<RowAudit, CliError> {
        let setup = published_setup(&self.setup, bundle.graph().layout().k, output)?;
        let progress = output.progress("committing to the weights");
        let found = audit(bundle, &setup, &self.commitment)?;
        progress.finish();
        Ok(found)
    }

    /// What a chain has under a model's hash.
    pub(in crate::commands) fn registered(hash: &[u8; 32], model: &types::Model) -> Result<Self, CliError> {
        let limit = types::model::MODEL_BYTES_MAX;
        let name = || PathBuf::from(format!("model {}", hex::encode(hash)));
        let commitment = codec::decode("model commitment", &model.commitment, limit);
        let commitment = commitment.map_err(|error| CliError::format(&name(), error))?;
        Ok(Self { commitment, setup: model.setup })
    }
}

pub(super) fn run(arguments: &Audit, output: &Output) -> Result<Done, CliError> {
    let Audit { model, vk, registered, node } = arguments;
    let bundle = files::read_model(model)?;
    let published = match (vk, registered) {
        (Some(path), _) => {
            let key = files::read_key(path)?;
            Published { commitment: key.commitment().clone(), setup: key.setup_id() }
        }
        (None, Some(Identifier(hash))) => {
            let client = node.client()?;
            let found: Option<types::Model> = block_on(async { Ok(client.get(&Key::Model(*hash)).await?) })?;
            let absent = || CliError::None { what: "model", id: hex::encode(hash) };
            Published::registered(hash, &found.ok_or_else(absent)?)?
        }
        (None, None) => return Err(CliError::usage("--vk FILE or --registered HASH: expected one of them".to_owned())),
    };
    let found = published.audit(&bundle, output)?;
    output.heading(&format!("model {}", name(model)));
    print(&found, output);
    let RowAudit { rows, failed, root, bundle } = &found;
    let data = json!({ "key_audited": found.holds(), "rows": rows, "failed_rows": failed, "rows_root": root, "bundle": bundle });
    if found.holds() {
        return Ok(Done::ok(data));
    }
    let error = CheckError::Rejected { path: model.clone(), reason: reason(&found) };
    Ok(Done { exit: error.exit(), data, problems: vec![output.problem(&error)] })
}

fn print(found: &RowAudit, output: &Output) {
    let word = |holds: bool| if holds { "as published" } else { "NOT as published" };
    output.field("rows", format!("{} recomputed, {} not as published", found.rows, found.failed.len()));
    for row in &found.failed {
        output.field("", format!("row {row}: the published commitment is not the row's"));
    }
    output.field("root of rows", word(found.root));
    output.field("bundle hash", word(found.bundle));
    output.field("key audited", if found.holds() { "yes" } else { "no" });
}

/// What is wrong, and whether a chain can be shown.
fn reason(found: &RowAudit) -> String {
    match (found.failed.first(), found.root) {
        (Some(row), true) => format!("row {row} is not as published; `assay chain tx challenge-model` shows a chain"),
        (Some(row), false) => format!("row {row} and the root are not as published: another model's key"),
        (None, false) => {
            "the root is over other rows, so none can be opened: who publishes that hides its model".to_owned()
        }
        (None, true) => "the rows are the file's, the published file hash is another file's".to_owned(),
    }
}

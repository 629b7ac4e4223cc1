//! `assay chain check`: whether a data directory holds what it claims.

use std::path::PathBuf;

use ::chain::node::{Report, check, replay};
use attestation::hex;
use clap::Args;
use serde_json::json;

use super::dev::development_setup_of;
use super::directory::DataDirectory;
use super::words::tokens;
use crate::error::{ChainError, CliError};
use crate::output::{Done, Output, Tone, name};

/// Read everything a stopped node keeps and recompute what it claims; changes nothing
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain check --data-dir chain\n  assay chain check --data-dir chain --replay\n\nExit code 0 if everything agrees, 1 if something does not, 2 if it is damaged or no chain, 5 if a node runs on it."
)]
pub(in crate::commands) struct Check {
    /// Data directory, as `assay chain dev --data-dir` made it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Run every block again from genesis too, every proof included: believes no certificate
    #[arg(long)]
    replay: bool,
}

pub(super) fn run(Check { data_dir, replay: again }: &Check, output: &Output) -> Result<Done, CliError> {
    let directory = DataDirectory::new(data_dir);
    let genesis = directory.existing_genesis()?;
    let setup = development_setup_of(&directory, &genesis, output)?;
    let progress = output.progress("reading every block and every object");
    let report = check(&directory.chain(), &genesis, vec![setup.clone()]).map_err(ChainError::from)?;
    progress.finish();
    if *again {
        let progress = output.progress("running every block again");
        replay(&directory.chain(), &genesis, vec![setup]).map_err(ChainError::from)?;
        progress.finish();
    }
    let Report { audit, contents, signed } = &report;
    output.heading(&format!("{} {}", name(data_dir), output.paint(Tone::Good, "agrees with itself")));
    output.field("chain", format!("{} of genesis {}", genesis.chain_id(), hex::encode(&genesis.hash())));
    output.field("height", audit.height.to_string());
    output.field("state root", format!("{}, recomputed from {} objects", hex::encode(&audit.root), audit.objects));
    let entries: u64 = contents.entries.iter().map(|(_, count)| count).sum();
    output.field("database", format!("{entries} entries read under their checksums"));
    if *again {
        output.field("run again", format!("{} blocks from genesis: the same roots and outcomes", audit.height));
    }
    output.field("minted", tokens(audit.supply.minted));
    output.field("burned", tokens(audit.supply.burned));
    let signed_text = signed.map_or_else(|| "nothing".to_owned(), |height| format!("height {height}"));
    output.field("last signed", signed_text);
    Ok(Done::ok(json!({
        "data_dir": name(data_dir),
        "chain_id": genesis.chain_id(),
        "genesis": hex::encode(&genesis.hash()),
        "height": audit.height,
        "objects": audit.objects,
        "state_root": hex::encode(&audit.root),
        "supply": audit.supply,
        "entries": entries,
        "signed_height": signed,
        "replayed": again,
    })))
}

//! `assay chain prune`: what a stopped node may forget.

use std::path::PathBuf;

use ::chain::node::prune::{PruneReport, prune};
use clap::Args;
use serde_json::json;

use super::directory::DataDirectory;
use crate::error::{ChainError, CliError};
use crate::output::{Done, Output, name};

/// Forget old states of a stopped node, and with a snapshot the blocks before it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain prune --data-dir chain\n  assay chain prune --data-dir chain --keep 10000\n  assay chain prune --data-dir chain --snapshot chain.state\n\nStates that evidence and challenges may still be about are kept whatever is asked for, and the newest state always.\nExit code 1 if the snapshot is not of this chain, 2 if there is no chain or something is damaged, 5 if a node runs on it."
)]
pub(in crate::commands) struct Prune {
    /// Data directory, as `assay chain dev --data-dir` made it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Keep the states of at least this many blocks before the last
    #[arg(long, value_name = "BLOCKS", default_value_t = 0)]
    keep: u64,
    /// File that `assay chain snapshot` wrote: blocks up to it, and before the kept states, are forgotten too
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
}

pub(super) fn run(Prune { data_dir, keep, snapshot }: &Prune, output: &Output) -> Result<Done, CliError> {
    let directory = DataDirectory::new(data_dir);
    let genesis = directory.existing_genesis()?;
    let progress = output.progress("forgetting");
    let report = prune(&directory.chain(), &genesis, *keep, snapshot.as_deref()).map_err(ChainError::from)?;
    progress.finish();
    let PruneReport { floor, height, pruned } = report;
    output.heading(&format!("{} at height {height}", name(data_dir)));
    output.field("states", format!("from height {} on", floor.state_from));
    output.field("blocks", format!("from height {} on", floor.blocks_from));
    output.field(
        "forgotten",
        format!(
            "{} tree nodes, {} values, {} keys, {} blocks",
            pruned.nodes, pruned.values, pruned.keys, pruned.blocks
        ),
    );
    Ok(Done::ok(json!({
        "data_dir": name(data_dir),
        "height": height,
        "state_from": floor.state_from,
        "blocks_from": floor.blocks_from,
        "pruned": { "nodes": pruned.nodes, "values": pruned.values, "keys": pruned.keys, "blocks": pruned.blocks },
    })))
}

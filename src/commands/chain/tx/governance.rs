//! Proposing changes of the chain, voting on them, and carrying the issuing authority's decisions.

use std::path::{Path, PathBuf};

use ::chain::types::transaction;
use ::chain::types::{Action, Change};
use clap::Args;
use serde::de::DeserializeOwned;

use super::{Acts, Prepared, Ready};
use crate::commands::names::{Identifier, WorkerName};
use crate::commands::signer::Password;
use crate::error::{CliError, FormatError};
use crate::files;
use crate::output::Output;

/// Largest JSON file that is read here, bytes.
const JSON_BYTES_MAX: u64 = 1 << 20;

/// Propose other parameters, or a link to another chain, on a worker's stake
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain query params --json     its `data.object` is what --params reads, to be changed\n  assay chain tx propose --as operator-1 --worker worker-1 --params params.json\n  assay chain tx propose --as operator-1 --worker worker-1 --link other.json\n\nA link is {\"chain_id\", \"genesis\", \"validators\", \"inflow_max\"}; `assay chain query validators --json` shows another chain's."
)]
pub(in crate::commands) struct Propose {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    #[command(flatten)]
    change: Proposed,
}

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct Proposed {
    /// All parameters, JSON
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// Another chain to believe, JSON
    #[arg(long, value_name = "FILE")]
    link: Option<PathBuf>,
}

impl Acts for Propose {
    const NAME: &'static str = "chain tx propose";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let WorkerName(worker) = self.worker;
        let change = match (&self.change.params, &self.change.link) {
            (Some(path), _) => Change::Params(read(path, "set of parameters")?),
            (None, Some(path)) => Change::Link(read(path, "link to a chain")?),
            (None, None) => {
                return Err(CliError::usage("--params FILE or --link FILE: expected one of them".to_owned()));
            }
        };
        Ok(Ready(Action::Propose(Box::new(transaction::Propose { worker, change }))))
    }
}

/// Vote on a proposal with a worker's stake
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  assay chain tx vote --as operator-1 --worker worker-1 --proposal 0x.. --yes")]
pub(in crate::commands) struct Vote {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    /// The proposal
    #[arg(long, value_name = "ID")]
    proposal: Identifier,
    #[command(flatten)]
    side: Side,
}

#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
struct Side {
    /// For it
    #[arg(long)]
    yes: bool,
    /// Against it
    #[arg(long)]
    no: bool,
}

impl Acts for Vote {
    const NAME: &'static str = "chain tx vote";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let (WorkerName(worker), Identifier(proposal)) = (self.worker, self.proposal);
        Ok(Ready(Action::Vote(transaction::CastVote { proposal, worker, yes: self.side.yes })))
    }
}

/// Carry a decision of the issuing authority: issue tokens, or hand the mint over for good
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx authorise --as owner --decision decision.json\n\nThe file holds the decision and the approvals of enough keys of the authority."
)]
pub(in crate::commands) struct Authorise {
    /// Decision and approvals, JSON
    #[arg(long, value_name = "FILE")]
    decision: PathBuf,
}

impl Acts for Authorise {
    const NAME: &'static str = "chain tx authorise";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(Ready(Action::Authorise(read(&self.decision, "decision with approvals")?)))
    }
}

fn read<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, CliError> {
    let bytes = files::read(path, what, JSON_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|error| CliError::format(path, FormatError::Json { what, error }))
}

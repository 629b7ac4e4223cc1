//! Proposing changes of the chain, voting on them, and carrying the issuing authority's decisions.

use std::path::{Path, PathBuf};

use ::chain::types::transaction;
use ::chain::types::{Action, Change, Peer};
use clap::Args;
use serde::de::DeserializeOwned;

use super::{Acts, Prepared, Ready};
use crate::commands::chain::directory::read_genesis;
use crate::commands::names::{Amount, Identifier, WorkerName};
use crate::commands::signer::Password;
use crate::error::{CliError, FormatError};
use crate::files;
use crate::output::Output;

/// Largest JSON file that is read here, bytes.
const JSON_BYTES_MAX: u64 = 1 << 20;

/// Propose other parameters, or a link to another chain, on a worker's stake
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain query params --json     its `data.object` is what --params reads, to be changed\n  assay chain tx propose --as operator-1 --worker worker-1 --params params.json\n  assay chain tx propose --as operator-1 --worker worker-1 --link-genesis other/genesis --inflow-max 1000\n\nThe genesis file of another chain says whom to believe; its data directory holds it. In full, --link takes {\"chain_id\", \"genesis\", \"validators\", \"inflow_max\"}; `assay chain query validators --json` shows another chain's."
)]
pub(in crate::commands) struct Propose {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    #[command(flatten)]
    change: Proposed,
    /// Tokens that may come from the chain of --link-genesis beyond those that left for it: what its validators could make up
    #[arg(long, value_name = "TOKENS", requires = "link_genesis", default_value = "0")]
    inflow_max: Amount,
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
    /// Genesis of another chain, to believe its first validators
    #[arg(long, value_name = "FILE")]
    link_genesis: Option<PathBuf>,
}

impl Acts for Propose {
    const NAME: &'static str = "chain tx propose";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let WorkerName(worker) = self.worker;
        let Proposed { params, link, link_genesis } = &self.change;
        let change = match (params, link, link_genesis) {
            (Some(path), _, _) => Change::Params(read_json(path, "set of parameters")?),
            (None, Some(path), _) => Change::Link(read_json(path, "link to a chain")?),
            (None, None, Some(path)) => Change::Link(self.peer(path)?),
            (None, None, None) => {
                let text = "--params FILE, --link FILE or --link-genesis FILE: expected one of them";
                return Err(CliError::usage(text.to_owned()));
            }
        };
        Ok(Ready(Action::Propose(Box::new(transaction::Propose { worker, change }))))
    }
}

impl Propose {
    /// The chain of a genesis, as this one is to believe it.
    fn peer(&self, path: &Path) -> Result<Peer, CliError> {
        let (genesis, Amount(inflow_max)) = (read_genesis(path)?, self.inflow_max);
        let validators = genesis.validators().clone();
        Ok(Peer { chain_id: genesis.chain_id(), genesis: genesis.hash(), validators, inflow_max })
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
        Ok(Ready(Action::Authorise(read_json(&self.decision, "decision with approvals")?)))
    }
}

/// Reads a JSON twin.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, CliError> {
    let bytes = files::read(path, what, JSON_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|error| CliError::format(path, FormatError::Json { what, error }))
}

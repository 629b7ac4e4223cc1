//! `assay chain query`: what a node says, and with `--prove` what its validators finalised.
//!
//! Something that does not exist is an answer and not a failure of the program: "none", `data: null`, exit code 1, so that
//! scripts can wait for an object by asking for it again.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use self::asked::Asked;
use crate::commands::names::{AccountName, Identifier, WorkerName};
use crate::commands::node::{NodeOptions, block_on};
use crate::error::CliError;
use crate::output::{Done, Output};

mod asked;
mod epoch;
mod exchange;
mod history;
mod lists;
mod objects;
mod result;

/// Ask a node about its chain
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain query status\n  assay chain query account requester --data-dir chain\n  assay chain query result 0x.. --prove --genesis genesis\n  assay chain query events --follow --json\n\nAccounts and workers are named by address or identifier, or by development name: requester, worker-1.\nExit code 1 if there is no such object, or a proof does not hold."
)]
pub(in crate::commands) struct Query {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    node: NodeOptions,
    #[command(flatten)]
    trust: TrustOptions,
}

/// Whom to believe.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Trust")]
struct TrustOptions {
    /// Check here that the validators finalised the object, or that there is none
    #[arg(long, global = true)]
    prove: bool,
    /// Genesis whose validators are believed; without it the data directory's, or the node's own word
    #[arg(long, value_name = "FILE", global = true, requires = "prove")]
    genesis: Option<PathBuf>,
    /// Where to keep the proof, for `assay verify FILE --header 0x..` without a node; an existing file is not overwritten
    #[arg(long, value_name = "FILE", global = true, requires = "prove")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Where the chain stands
    Status,
    /// An account's balance and nonce
    Account {
        /// Address, or development name
        account: AccountName,
    },
    /// A registered worker
    Worker {
        /// Identifier, or development name
        worker: WorkerName,
    },
    /// A worker's record: reliability, fraud counter, tier, what it earned
    Standing {
        /// Identifier, or development name
        worker: WorkerName,
    },
    /// The synthetic tasks that a worker answered, and its memory
    Snapshot {
        /// Identifier, or development name
        worker: WorkerName,
    },
    /// The epoch that runs, or a closed one: difficulty, units, what was minted
    Epoch {
        /// Number of a closed epoch; the one that runs without it
        number: Option<u64>,
    },
    /// What a worker got in the epoch in which it last earned something
    Payout {
        /// Identifier, or development name
        worker: WorkerName,
    },
    /// What is locked behind a worker
    Stake {
        /// Identifier, or development name
        worker: WorkerName,
    },
    /// A registered model
    Model {
        /// Model hash
        id: Identifier,
    },
    /// A job, and who has it
    Job {
        /// Identifier
        id: Identifier,
    },
    /// A lease
    Lease {
        /// Identifier
        id: Identifier,
    },
    /// A result: whether it is paid, and if not, why and what comes next
    Result {
        /// Identifier
        id: Identifier,
    },
    /// The spot check of a result, while it is open
    Check {
        /// The result
        result: Identifier,
    },
    /// The dispute about a result, while it is open
    Dispute {
        /// The result
        result: Identifier,
    },
    /// A proposed change, and where it stands
    Proposal {
        /// Identifier
        id: Identifier,
    },
    /// Tokens that left for another chain
    Teleport {
        /// Identifier
        id: Identifier,
    },
    /// Transfers from other chains that were recorded and wait for an account
    Waiting {
        /// Address, or development name
        account: AccountName,
    },
    /// Another chain whose validators this one believes, and what moved between the two
    Link {
        /// Its number
        chain: u32,
    },
    /// An anchored receipt
    Anchor {
        /// Digest of the signed receipt
        receipt: Identifier,
    },
    /// A planted result that was not revealed yet
    Canary {
        /// Its commitment
        commitment: Identifier,
    },
    /// How many results were planted to be wrong, found and passed, and how many checks were drawn
    Canaries,
    /// Who may issue tokens, until the mint is handed over
    Authority,
    /// The chain's parameters
    Params,
    /// What was issued, and where it is
    Supply,
    /// What the rules collected for the network
    Treasury,
    /// Who finalises blocks
    Validators,
    /// A block and what happened in it
    Block {
        /// Its height
        height: u64,
    },
    /// What became of a transaction, and why
    Transaction {
        /// Identifier
        id: Identifier,
    },
    /// What happened, block by block
    Events {
        /// First height
        #[arg(long, default_value_t = 1, value_name = "HEIGHT")]
        from: u64,
        /// Go on until it is stopped
        #[arg(long)]
        follow: bool,
    },
    /// Jobs that can be leased
    Jobs,
    /// Registered models
    Models,
    /// Registered workers
    Workers,
    /// Results
    Results,
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::Status => "chain query status",
            Self::Account { .. } => "chain query account",
            Self::Worker { .. } => "chain query worker",
            Self::Standing { .. } => "chain query standing",
            Self::Snapshot { .. } => "chain query snapshot",
            Self::Epoch { .. } => "chain query epoch",
            Self::Payout { .. } => "chain query payout",
            Self::Stake { .. } => "chain query stake",
            Self::Model { .. } => "chain query model",
            Self::Job { .. } => "chain query job",
            Self::Lease { .. } => "chain query lease",
            Self::Result { .. } => "chain query result",
            Self::Check { .. } => "chain query check",
            Self::Dispute { .. } => "chain query dispute",
            Self::Proposal { .. } => "chain query proposal",
            Self::Teleport { .. } => "chain query teleport",
            Self::Waiting { .. } => "chain query waiting",
            Self::Link { .. } => "chain query link",
            Self::Anchor { .. } => "chain query anchor",
            Self::Canary { .. } => "chain query canary",
            Self::Canaries => "chain query canaries",
            Self::Authority => "chain query authority",
            Self::Params => "chain query params",
            Self::Supply => "chain query supply",
            Self::Treasury => "chain query treasury",
            Self::Validators => "chain query validators",
            Self::Block { .. } => "chain query block",
            Self::Transaction { .. } => "chain query transaction",
            Self::Events { .. } => "chain query events",
            Self::Jobs => "chain query jobs",
            Self::Models => "chain query models",
            Self::Workers => "chain query workers",
            Self::Results => "chain query results",
        }
    }

    /// Whether the answer can carry a proof.
    fn is_object(&self) -> bool {
        !matches!(
            self,
            Self::Status
                | Self::Block { .. }
                | Self::Transaction { .. }
                | Self::Events { .. }
                | Self::Jobs
                | Self::Models
                | Self::Workers
                | Self::Results
        )
    }
}

impl Query {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        self.what.name()
    }
}

/// Write a proof of an object, or of there being none, that anybody can check without a node
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain prove result 0x.. --out result.inclusion --genesis genesis\n  assay verify result.inclusion --header 0x..\n\nObjects are named as in `assay chain query`. The proof shows that there is no such object as well: exit code 1 then."
)]
pub(in crate::commands) struct Prove {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    node: NodeOptions,
    /// Where to write it; an existing file is not overwritten
    #[arg(long, value_name = "FILE", global = true, required = false)]
    out: Option<PathBuf>,
    /// Genesis whose validators are believed; without it the data directory's, or the node's own word
    #[arg(long, value_name = "FILE", global = true)]
    genesis: Option<PathBuf>,
}

pub(super) fn prove(arguments: &Prove, output: &Output) -> Result<Done, CliError> {
    let Prove { what, node, out, genesis } = arguments;
    let keep = out.clone().ok_or_else(|| CliError::usage("--out FILE: say where to write the proof".to_owned()))?;
    ask(what, node, &TrustOptions { prove: true, genesis: genesis.clone(), keep: Some(keep) }, output)
}

pub(super) fn run(arguments: &Query, output: &Output) -> Result<Done, CliError> {
    let Query { what, node, trust } = arguments;
    ask(what, node, trust, output)
}

fn ask(what: &What, node: &NodeOptions, trust: &TrustOptions, output: &Output) -> Result<Done, CliError> {
    if trust.prove && !what.is_object() {
        let what = what.name().trim_start_matches("chain query ");
        let text = format!("`{what}` is no object of the state, so there is nothing to prove");
        return Err(CliError::usage(text));
    }
    let client = node.client()?;
    block_on(async {
        let asked = Asked::prepare(client, node, trust, output).await?;
        match what {
            What::Status => history::status(&asked).await,
            What::Account { account: AccountName(address) } => objects::account(&asked, address).await,
            What::Worker { worker: WorkerName(id) } => objects::worker(&asked, id).await,
            What::Standing { worker: WorkerName(id) } => objects::standing(&asked, id).await,
            What::Snapshot { worker: WorkerName(id) } => epoch::snapshot(&asked, id).await,
            What::Epoch { number: None } => epoch::epoch(&asked).await,
            What::Epoch { number: Some(number) } => epoch::batch(&asked, *number).await,
            What::Payout { worker: WorkerName(id) } => epoch::payout(&asked, id).await,
            What::Stake { worker: WorkerName(id) } => objects::stake(&asked, id).await,
            What::Model { id: Identifier(id) } => objects::model(&asked, id).await,
            What::Job { id: Identifier(id) } => objects::job(&asked, id).await,
            What::Lease { id: Identifier(id) } => objects::lease(&asked, id).await,
            What::Result { id: Identifier(id) } => result::result(&asked, id).await,
            What::Check { result: Identifier(id) } => objects::check(&asked, id).await,
            What::Dispute { result: Identifier(id) } => objects::dispute(&asked, id).await,
            What::Proposal { id: Identifier(id) } => exchange::proposal(&asked, id).await,
            What::Teleport { id: Identifier(id) } => exchange::teleport(&asked, id).await,
            What::Waiting { account: AccountName(address) } => exchange::waiting(&asked, address).await,
            What::Link { chain } => exchange::link(&asked, *chain).await,
            What::Anchor { receipt: Identifier(id) } => exchange::anchor(&asked, id).await,
            What::Canary { commitment: Identifier(id) } => objects::canary(&asked, id).await,
            What::Canaries => objects::canaries(&asked).await,
            What::Authority => exchange::authority(&asked).await,
            What::Params => objects::params(&asked).await,
            What::Supply => objects::supply(&asked).await,
            What::Treasury => objects::treasury(&asked).await,
            What::Validators => objects::validators(&asked).await,
            What::Block { height } => history::block(&asked, *height).await,
            What::Transaction { id: Identifier(id) } => history::transaction(&asked, id).await,
            What::Events { from, follow } => history::events(&asked, *from, *follow).await,
            What::Jobs => lists::jobs(&asked).await,
            What::Models => lists::models(&asked).await,
            What::Workers => lists::workers(&asked).await,
            What::Results => lists::results(&asked).await,
        }
    })
}

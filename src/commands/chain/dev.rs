//! `assay chain dev`: a development chain of one validator on this machine.
//!
//! The setup is generated at every start, because it takes less time than a download and everybody knows its secret. The
//! chain itself is kept: a directory that has a genesis is never given another one. That nobody mistakes the setup for a
//! secure one is what the command's name and its caveats are for, so it asks for no `--accept-insecure-setup`; whether
//! a model's setup is allowed is written in the genesis.

use std::net::SocketAddr;
use std::path::PathBuf;

use ::chain::node::serve::{NodeOptions, serve};
use ::chain::types::Genesis;
use attestation::hex;
use circuits::model::graph::K_MAX;
use clap::Args;
use serde_json::{Value, json};
use tempfile::TempDir;
use verifier::setup::{Setup, VerifierSetup};
use worker::hardware::now;

use super::directory::DataDirectory;
use super::words::tokens;
use crate::commands::node::{LISTEN, block_on};
use crate::commands::setups::development_setup;
use crate::commands::stop::Stop;
use crate::development::{self, FUNDS, Kind, Person, WORKERS};
use crate::error::{ChainError, CliError};
use crate::output::{Done, LogOptions, Output, name};

/// Name in the envelope.
pub(super) const NAME: &str = "chain dev";

const CAVEATS: [&str; 3] = [
    "the development setup's secret is public: anybody can forge proofs under it",
    "one validator makes the blocks: it can grind the beacon, and sampling gives no economic security",
    "the keys of all these accounts and workers are derived from their names: they protect nothing",
];

/// Run a development chain of one validator until it is stopped; its accounts are funded and their keys public
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain dev --data-dir chain\n  assay chain dev --listen 127.0.0.1:0 --json\n  assay chain dev --data-dir other --chain-id 6133 --fast-governance --listen 127.0.0.1:7374\n\nCtrl-C or SIGTERM stops it: exit code 0. With --json it prints one line of JSON when it is ready and one when it has stopped.\nErrors: 5 port or directory in use, 4 another chain's directory or a genesis that is refused, 3 another schema, 2 damaged."
)]
pub(in crate::commands) struct Dev {
    /// Keep the chain in this folder, and go on with the one that is there; without it the chain ends with the command
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = LISTEN)]
    listen: SocketAddr,
    /// Largest circuit that a new chain admits: 2^K rows; 12 without it
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=i64::from(K_MAX)))]
    k_max: Option<u32>,
    /// Number of a new chain, so that several can exchange tokens; 1337 without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    chain_id: Option<u32>,
    /// In a new chain, let votes and epochs last ten seconds and stakes of 100 tokens vote, to try what governance does
    #[arg(long)]
    fast_governance: bool,
    /// Stop when the standard input ends, as it does when the process that holds it has ended
    #[arg(long)]
    stop_with_parent: bool,
    #[command(flatten)]
    logs: LogOptions,
}

pub(super) fn run(arguments: &Dev, output: &Output) -> Result<Done, CliError> {
    let Dev { data_dir, listen, stop_with_parent, logs, .. } = arguments;
    output.stream();
    logs.start()?;
    let kept = data_dir.as_deref().map(DataDirectory::new);
    let found = kept.as_ref().map(DataDirectory::genesis).transpose()?.flatten();
    let (genesis, setup) = match (found, &kept) {
        (Some(genesis), Some(directory)) => {
            arguments.check(directory, &genesis)?;
            let setup = development_setup_of(directory, &genesis, output)?;
            (genesis, setup)
        }
        _ => {
            let kind = arguments.kind();
            let genesis = development::genesis(now(), kind).map_err(ChainError::NewGenesis)?;
            let setup = development_setup(kind.k_max, output)?;
            if let Some(directory) = &kept {
                directory.create(&genesis)?;
            }
            (genesis, setup)
        }
    };
    block_on(async {
        let stop = Stop::listen()?;
        let stop = if *stop_with_parent { stop.and_with_parent() } else { stop };
        match kept {
            Some(directory) => {
                let ready = Ready { genesis, data_dir: Some(name(directory.path())) };
                live(&directory, ready, setup, *listen, stop, output).await
            }
            None => {
                let temporary = TempDir::new();
                let temporary = temporary.map_err(|source| CliError::Write { path: std::env::temp_dir(), source })?;
                let directory = DataDirectory::new(&temporary.path().join("chain"));
                directory.create(&genesis)?;
                live(&directory, Ready { genesis, data_dir: None }, setup, *listen, stop, output).await
            }
        }
    })
}

impl Dev {
    /// What a new chain is to be like.
    fn kind(&self) -> Kind {
        let standard = Kind::default();
        Kind {
            chain_id: self.chain_id.unwrap_or(standard.chain_id),
            k_max: self.k_max.unwrap_or(standard.k_max),
            fast_governance: self.fast_governance,
        }
    }

    /// Refuses what an existing chain is not.
    fn check(&self, directory: &DataDirectory, genesis: &Genesis) -> Result<(), CliError> {
        let path = || directory.path().to_owned();
        for (option, expected, asked) in
            [("--k-max", genesis.params().model.k_max, self.k_max), ("--chain-id", genesis.chain_id(), self.chain_id)]
        {
            if let Some(got) = asked.filter(|got| *got != expected) {
                return Err(ChainError::Option { path: path(), option, expected, got }.into());
            }
        }
        if self.fast_governance && !development::is_fast(genesis) {
            return Err(ChainError::SlowGovernance { path: path() }.into());
        }
        Ok(())
    }
}

/// The setup of a development chain; refuses the genesis of any other.
pub(super) fn development_setup_of(
    directory: &DataDirectory,
    genesis: &Genesis,
    output: &Output,
) -> Result<Setup, CliError> {
    let other = |what| ChainError::NotDevelopment { path: directory.path().to_owned(), what };
    if genesis.setups().iter().ne([&VerifierSetup::development().id()]) {
        return Err(other("its setups").into());
    }
    let validator = development::VALIDATOR.key().public_key();
    if genesis.validators().validators().iter().any(|known| known.public_key != validator) {
        return Err(other("its validators").into());
    }
    development_setup(genesis.params().model.k_max, output)
}

/// What is told when the node is ready.
struct Ready {
    genesis: Genesis,
    /// Where the chain stays; none if it ends with the command.
    data_dir: Option<String>,
}

/// Runs the node from ready to stopped.
async fn live(
    directory: &DataDirectory,
    ready: Ready,
    setup: Setup,
    listen: SocketAddr,
    mut stop: Stop,
    output: &Output,
) -> Result<Done, CliError> {
    let key = development::VALIDATOR.key();
    let (path, genesis) = (directory.chain(), ready.genesis.clone());
    let node = serve(&path, genesis, vec![setup], key, NodeOptions::new(listen)).await.map_err(ChainError::from)?;
    let url = format!("http://{}", node.address());
    let published = directory.publish(&url);
    if published.is_ok() {
        ready.tell(&url, output);
        tokio::select! {
            () = stop.asked() => {}
            // Stopping tells the fault.
            _ = node.failed() => {}
        }
        directory.withdraw();
    }
    tokio::select! {
        stopped = node.stop() => stopped.map_err(ChainError::from)?,
        () = stop.asked() => return Err(CliError::Interrupted),
    }
    published?;
    let data = json!({ "url": url, "data_dir": ready.data_dir });
    output.event(NAME, "stopped", &data);
    output.gap();
    output.line(match ready.data_dir {
        Some(_) => "Stopped. Every committed block is kept: the same command goes on with them.",
        None => "Stopped. The chain was temporary and is gone.",
    });
    Ok(Done::ok(data))
}

impl Ready {
    fn tell(&self, url: &str, output: &Output) {
        let Self { genesis, data_dir } = self;
        let (chain_id, hash) = (genesis.chain_id(), hex::encode(&genesis.hash()));
        output.heading(&format!("development chain {chain_id} at {url}"));
        output.field("genesis", &hash);
        output.field("circuits", format!("of up to 2^{} rows", genesis.params().model.k_max));
        match data_dir {
            Some(path) => output.field("kept in", path),
            None => output.field("kept in", "a temporary folder that is removed at the end; --data-dir DIR keeps it"),
        }
        output.gap();
        output.line(format!("Accounts, {} each at genesis; sign as one with --as NAME", tokens(FUNDS)));
        for person in Person::all() {
            output.field(person.name(), person.address().to_string());
        }
        output.line("Workers; run one with --as-worker NAME");
        for worker in WORKERS {
            output.field(worker.name(), hex::encode(&worker.id()));
        }
        output.gap();
        for caveat in CAVEATS {
            output.line(format!("  - {caveat}"));
        }
        output.gap();
        let node = data_dir.as_ref().map_or_else(|| format!("--node {url}"), |path| format!("--data-dir {path}"));
        output.line(format!("Ready. Ask it with `assay chain query status {node}`; Ctrl-C stops it."));
        output.event(NAME, "ready", self.data(url));
    }

    fn data(&self, url: &str) -> Value {
        let accounts: Vec<Value> = Person::all()
            .map(|person| json!({ "name": person.name(), "address": person.address(), "genesis_micro": FUNDS.to_string() }))
            .collect();
        let workers: Vec<Value> =
            WORKERS.iter().map(|worker| json!({ "name": worker.name(), "id": hex::encode(&worker.id()) })).collect();
        json!({
            "url": url,
            "chain_id": self.genesis.chain_id(),
            "genesis": hex::encode(&self.genesis.hash()),
            "k_max": self.genesis.params().model.k_max,
            "data_dir": self.data_dir,
            "accounts": accounts,
            "workers": workers,
            "caveats": CAVEATS,
        })
    }
}

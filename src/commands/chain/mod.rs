//! `assay chain`: a node on this machine, and what one asks of a node.

use clap::Subcommand;

use crate::error::CliError;
use crate::output::{Done, Output};

mod archive;
mod check;
mod dev;
pub(super) mod directory;
mod prune;
mod query;
mod simulate;
mod tx;
mod words;

/// Run a development chain, check its data, ask it, and act on it
#[derive(Debug, Subcommand)]
pub(crate) enum Chain {
    Dev(dev::Dev),
    Check(check::Check),
    Export(archive::Export),
    Snapshot(archive::Snapshot),
    Import(archive::Import),
    Prune(prune::Prune),
    Query(query::Query),
    Prove(query::Prove),
    #[command(subcommand)]
    Tx(tx::Tx),
    CoSign(tx::CoSign),
    Simulate(simulate::Simulate),
}

impl Chain {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Dev(_) => dev::NAME,
            Self::Check(_) => "chain check",
            Self::Export(_) => "chain export",
            Self::Snapshot(_) => "chain snapshot",
            Self::Import(_) => "chain import",
            Self::Prune(_) => "chain prune",
            Self::Query(arguments) => arguments.name(),
            Self::Prove(_) => "chain prove",
            Self::Tx(arguments) => arguments.name(),
            Self::CoSign(_) => "chain co-sign",
            Self::Simulate(_) => "chain simulate",
        }
    }
}

pub(super) fn run(command: &Chain, output: &Output) -> Result<Done, CliError> {
    match command {
        Chain::Dev(arguments) => dev::run(arguments, output),
        Chain::Check(arguments) => check::run(arguments, output),
        Chain::Export(arguments) => archive::export(arguments, output),
        Chain::Snapshot(arguments) => archive::snapshot(arguments, output),
        Chain::Import(arguments) => archive::import(arguments, output),
        Chain::Prune(arguments) => prune::run(arguments, output),
        Chain::Query(arguments) => query::run(arguments, output),
        Chain::Prove(arguments) => query::prove(arguments, output),
        Chain::Tx(arguments) => tx::run(arguments, output),
        Chain::CoSign(arguments) => tx::co_sign(arguments, output),
        Chain::Simulate(arguments) => simulate::run(arguments, output),
    }
}

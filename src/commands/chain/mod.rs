//! `assay chain`: a node on this machine, and what one asks of a node.

use clap::Subcommand;

use crate::error::CliError;
use crate::output::{Done, Output};

mod check;
mod dev;
pub(super) mod directory;
mod query;
mod simulate;
mod tx;
mod words;

/// Run a development chain, check its data, ask it, and act on it
#[derive(Debug, Subcommand)]
pub(crate) enum Chain {
    Dev(dev::Dev),
    Check(check::Check),
    Query(query::Query),
    #[command(subcommand)]
    Tx(tx::Tx),
    Simulate(simulate::Simulate),
}

impl Chain {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Dev(_) => dev::NAME,
            Self::Check(_) => "chain check",
            Self::Query(arguments) => arguments.name(),
            Self::Tx(arguments) => arguments.name(),
            Self::Simulate(_) => "chain simulate",
        }
    }
}

pub(super) fn run(command: &Chain, output: &Output) -> Result<Done, CliError> {
    match command {
        Chain::Dev(arguments) => dev::run(arguments, output),
        Chain::Check(arguments) => check::run(arguments, output),
        Chain::Query(arguments) => query::run(arguments, output),
        Chain::Tx(arguments) => tx::run(arguments, output),
        Chain::Simulate(arguments) => simulate::run(arguments, output),
    }
}

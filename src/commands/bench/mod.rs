//! `assay bench`: what proofs cost here, what each layer of verification costs and catches, how two records of either
//! compare, and pages of them.

use clap::{Args, Subcommand};

use crate::error::CliError;
use crate::output::{Done, Output};

mod compare;
mod figures;
#[cfg(feature = "synthetic")]
mod layers;
mod memory;
mod models;
mod report;
mod zk;

/// Measure what proofs and other layers of verification cost, and compare records
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    Run(Run),
    Compare(compare::Compare),
    Report(report::Report),
    /// Make keys and one proof, and tell the peak memory: what `run` starts as a process of its own
    #[command(hide = true)]
    Memory(memory::Memory),
}

/// Measure on this machine
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Zk(zk::Zk),
    #[cfg(feature = "synthetic")]
    Layers(layers::Layers),
}

impl Bench {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Run(Run { what: What::Zk(_) }) => "bench run zk",
            #[cfg(feature = "synthetic")]
            Self::Run(Run { what: What::Layers(_) }) => "bench run layers",
            Self::Compare(_) => "bench compare",
            Self::Report(_) => "bench report",
            Self::Memory(_) => "bench memory",
        }
    }
}

pub(super) fn run(command: &Bench, output: &Output) -> Result<Done, CliError> {
    match command {
        Bench::Run(Run { what: What::Zk(arguments) }) => zk::run(arguments, output),
        #[cfg(feature = "synthetic")]
        Bench::Run(Run { what: What::Layers(arguments) }) => layers::run(arguments, output),
        Bench::Compare(arguments) => compare::run(arguments, output),
        Bench::Report(arguments) => report::run(arguments, output),
        Bench::Memory(arguments) => memory::run(arguments),
    }
}

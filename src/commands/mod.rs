//! The command line: one file per noun.

use std::ffi::OsString;

use ::verifier::cli::CheckError;
use ::verifier::environment;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::error::{CliError, Exit};
use crate::output::{Done, Output, OutputOptions};

mod attest;
mod bench;
mod cache;
mod chain;
pub(crate) mod demo;
mod ethereum;
mod inspect;
mod key;
mod memory;
mod model;
mod names;
mod node;
mod password;
mod prover;
mod proving_keys;
mod setups;
mod signer;
mod stop;
mod verify;
mod version;
mod worker;

const EXAMPLES: &str = "\
Examples:
  assay demo                                   the whole story in one command, forgeries included
  assay demo --out story                       the same, keeping receipt, key, model and proof
  assay verify story/digit.receipt --vk story/digits.vk --accept-insecure-setup
  assay inspect story/digit.receipt            what a file says, and which of it nobody signed
  assay chain dev --data-dir chain             a chain of one validator, on this machine

Exit codes: 0 accepted or done, 1 rejected, 2 unreadable input or usage, 3 undecided, 4 configuration, 5 resource.";

/// Tests AI work before a chain mints for it.
#[derive(Debug, Parser)]
#[command(name = "assay", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 110)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: OutputOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Verify(verify::Verify),
    Inspect(inspect::Inspect),
    #[command(subcommand)]
    Attest(attest::Attest),
    #[command(subcommand)]
    Model(model::Model),
    #[command(subcommand)]
    Prover(prover::Prover),
    #[command(subcommand)]
    Ethereum(ethereum::Ethereum),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Chain(chain::Chain),
    #[command(subcommand)]
    Worker(worker::Worker),
    #[command(subcommand)]
    Bench(bench::Bench),
    Version(version::Version),
}

/// Runs the command that `arguments` (the program's name first) ask for.
pub(crate) fn run(arguments: &[OsString]) -> Exit {
    // The parser may fail, and then its refusal belongs into an envelope too.
    let output = Output::new(arguments.iter().any(|argument| argument == "--json"));
    if let Err(error) = environment::check() {
        return output.finish("assay", Err(CheckError::Environment(error)));
    }
    let parsed = CommandLine::command()
        .try_get_matches_from(arguments)
        .and_then(|matches| CommandLine::from_arg_matches(&matches));
    match parsed {
        Ok(CommandLine { command, output: options }) => dispatch(&command, &output.quiet(options.quiet)),
        Err(error) if error.use_stderr() => output.parser_refusal("assay", &error.render()),
        Err(error) => output.parser_text(&error.render()),
    }
}

fn dispatch(command: &Command, output: &Output) -> Exit {
    let (name, result): (&str, Result<Done, CliError>) = match command {
        Command::Demo(arguments) => ("demo", demo::run(arguments, output)),
        Command::Verify(arguments) => ("verify", verify::run(arguments, output)),
        Command::Inspect(arguments) => ("inspect", inspect::run(arguments, output)),
        Command::Attest(arguments) => (arguments.name(), attest::run(arguments, output)),
        Command::Model(arguments) => (arguments.name(), model::run(arguments, output)),
        Command::Prover(arguments) => (arguments.name(), prover::run(arguments, output)),
        Command::Ethereum(arguments) => (arguments.name(), ethereum::run(arguments, output)),
        Command::Key(arguments) => (arguments.name(), key::run(arguments, output)),
        Command::Chain(arguments) => (arguments.name(), chain::run(arguments, output)),
        Command::Worker(arguments) => (arguments.name(), worker::run(arguments, output)),
        Command::Bench(arguments) => (arguments.name(), bench::run(arguments, output)),
        Command::Version(arguments) => ("version", Ok(version::run(arguments, output))),
    };
    output.finish(name, result)
}

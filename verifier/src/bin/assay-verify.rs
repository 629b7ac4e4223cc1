//! `assay-verify`: `assay verify` in a program of its own, without everything that makes receipts.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use verifier::cli::{
    CheckError, Chosen, Exit, Output, OutputOptions, SetupOptions, VERIFY_EXAMPLES, VerifyOptions, run,
};
use verifier::environment;
use verifier::key::VerifyingKey;
use verifier::rows::derive_key;
use verifier::setup::generate::development;

use circuits::model::bundle::Bundle;

const NAME: &str = "assay-verify";

/// Decide whether receipts, proofs and evidence hold, and what a chain's header shows, offline: exit code 0 accepted, 1
/// rejected, 3 undecided
#[derive(Debug, Parser)]
#[command(name = NAME, version, arg_required_else_help = true, max_term_width = 110)]
struct CommandLine {
    #[command(flatten)]
    verify: VerifyOptions,
    #[command(flatten)]
    setup: SetupOptions,
    #[command(flatten)]
    output: OutputOptions,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let output = Output::new(arguments.iter().any(|argument| argument == "--json"));
    ExitCode::from(decide(&arguments, &output).code())
}

fn decide(arguments: &[std::ffi::OsString], output: &Output) -> Exit {
    if let Err(error) = environment::check() {
        return output.finish(NAME, Err(CheckError::Environment(error)));
    }
    let command = CommandLine::command().after_help(VERIFY_EXAMPLES.replace("PROGRAM", NAME));
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| CommandLine::from_arg_matches(&matches));
    match parsed {
        Ok(CommandLine { verify, setup, .. }) => {
            let derive = |bundle: &Bundle, chosen: Chosen| derive(bundle, chosen, &setup);
            output.finish("verify", run(&verify, &setup, derive, output))
        }
        Err(error) if error.use_stderr() => output.parser_refusal(NAME, &error.render()),
        Err(error) => output.parser_text(&error.render()),
    }
}

/// The key of a model, from its weights up.
fn derive(bundle: &Bundle, chosen: Chosen, options: &SetupOptions) -> Result<VerifyingKey, CheckError> {
    let k = bundle.graph().layout().k;
    let setup = match chosen {
        Chosen::Development => development(k, &|_, _| {})?,
        Chosen::Ceremony(id) => options.store()?.smallest(id, k)?,
    };
    Ok(derive_key(bundle, &setup)?)
}

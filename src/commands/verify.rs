//! `assay verify`: decides about receipts and what else can be judged offline, by the code that `assay-verify` runs, too.

use circuits::model::bundle::Bundle;
use clap::Args;
use verifier::cli::{Chosen, SetupOptions, VERIFY_EXAMPLES, VerifyOptions};

use crate::commands::prover::derive_key;
use crate::commands::setups;
use crate::error::CliError;
use crate::output::{Done, Output};

/// Decide whether receipts, proofs and evidence hold, offline: exit code 0 accepted, 1 rejected, 3 undecided
#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES.replace("PROGRAM", "assay verify"))]
pub(crate) struct Verify {
    #[command(flatten)]
    verify: VerifyOptions,
    #[command(flatten)]
    setup: SetupOptions,
}

pub(super) fn run(arguments: &Verify, output: &Output) -> Result<Done, CliError> {
    let Verify { verify, setup } = arguments;
    let derive = |bundle: &Bundle, chosen: Chosen| {
        let obtained = setups::obtain(setup, chosen, bundle.graph().layout().k, output)?;
        derive_key(bundle, &obtained, output)
    };
    verifier::cli::run(verify, setup, derive, output)
}

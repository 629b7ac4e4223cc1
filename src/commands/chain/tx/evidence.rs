//! Receipts on a chain: that they exist, and that two of them contradict each other.

use std::path::PathBuf;

use ::chain::types::Action;
use ::chain::types::transaction;
use clap::Args;

use super::{Acts, Prepared, Ready};
use crate::commands::names::Identifier;
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// Record that a receipt exists
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx anchor-receipt --as owner --receipt digit.receipt\n\n`assay chain query anchor` shows it, with --prove under the head."
)]
pub(in crate::commands) struct AnchorReceipt {
    /// Receipt file (.receipt)
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
}

impl Acts for AnchorReceipt {
    const NAME: &'static str = "chain tx anchor-receipt";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let receipt = files::read_receipt(&self.receipt)?.signed.digest();
        Ok(Ready(Action::AnchorReceipt(transaction::AnchorReceipt { receipt, coordinator: None })))
    }
}

/// Show that a worker signed two outputs for one leased context; it is slashed
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx report-misbehaviour --as owner --lease 0x.. --first one.receipt --second other.receipt"
)]
pub(in crate::commands) struct ReportMisbehaviour {
    /// The lease whose context both receipts carry
    #[arg(long, value_name = "ID")]
    lease: Identifier,
    /// One receipt file
    #[arg(long, value_name = "FILE")]
    first: PathBuf,
    /// The other receipt file
    #[arg(long, value_name = "FILE")]
    second: PathBuf,
}

impl Acts for ReportMisbehaviour {
    const NAME: &'static str = "chain tx report-misbehaviour";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let Identifier(lease) = self.lease;
        let (first, second) = (files::read_receipt(&self.first)?.signed, files::read_receipt(&self.second)?.signed);
        let report = transaction::ReportMisbehaviour { lease, first, second };
        Ok(Ready(Action::ReportMisbehaviour(Box::new(report))))
    }
}

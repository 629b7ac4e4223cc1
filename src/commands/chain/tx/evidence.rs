//! Receipts on a chain: that they exist, and that two of them contradict each other.

use std::path::PathBuf;

use ::chain::client::Account;
use ::chain::types::transaction;
use ::chain::types::{Action, CoSignature, Hash};
use attestation::hex;
use clap::Args;
use serde_json::json;
use verifier::cli::CheckError;

use super::governance::read_json;
use super::{Acts, Prepared, Ready};
use crate::commands::names::{self, Identifier};
use crate::commands::node::{NodeOptions, block_on};
use crate::commands::signer::{Password, SignerOptions};
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, name};

/// Record that a receipt exists
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain tx anchor-receipt --as owner --receipt digit.receipt\n  assay chain tx anchor-receipt --as owner --receipt digit.receipt --co-signature digit.json\n\n`assay chain co-sign` writes a coordinator's signature; `assay chain query anchor` shows it, with --prove under the head."
)]
pub(in crate::commands) struct AnchorReceipt {
    /// Receipt file (.receipt)
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
    /// A coordinator's signature over it, as `assay chain co-sign` writes it
    #[arg(long, value_name = "FILE", conflicts_with = "co_sign")]
    co_signature: Option<PathBuf>,
    /// Vouch for it as a coordinator, with the key that signs the transaction
    #[arg(long)]
    co_sign: bool,
}

impl Acts for AnchorReceipt {
    const NAME: &'static str = "chain tx anchor-receipt";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let receipt = files::read_receipt(&self.receipt)?.signed.digest();
        let coordinator = self.co_signature.as_deref().map(|path| read_json(path, "co-signature")).transpose()?;
        Ok(Anchoring { receipt, coordinator, co_sign: self.co_sign })
    }
}

/// A receipt to be anchored, and who vouches for it.
struct Anchoring {
    receipt: Hash,
    coordinator: Option<CoSignature>,
    co_sign: bool,
}

impl Prepared for Anchoring {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { receipt, coordinator, co_sign } = self;
        let coordinator = coordinator.or_else(|| co_sign.then(|| account.co_sign(&receipt)));
        Ok(Action::AnchorReceipt(transaction::AnchorReceipt { receipt, coordinator }))
    }
}

/// Sign, as a coordinator, that a receipt is to be believed on a chain, for whoever anchors it there
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  assay chain co-sign --as operator-5 --receipt digit.receipt --out digit.json")]
pub(in crate::commands) struct CoSign {
    /// Receipt file (.receipt)
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
    /// Where to write the signature; an existing file is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    signer: SignerOptions,
    #[command(flatten)]
    node: NodeOptions,
}

/// Signs a receipt for the chain of a node.
pub(in crate::commands::chain) fn co_sign(arguments: &CoSign, output: &Output) -> Result<Done, CliError> {
    let CoSign { receipt, out, signer, node } = arguments;
    files::check_writable(out, Existing::Keep)?;
    let digest = files::read_receipt(receipt)?.signed.digest();
    let client = node.client()?;
    let key = signer.signer(&mut Password::new(&signer.password), output)?;
    let account = block_on(async { key.account(&client).await })?;
    let signed = account.co_sign(&digest);
    let text = serde_json::to_vec_pretty(&signed);
    let text = text.map_err(|error| CliError::from(CheckError::Output(error.into())))?;
    files::write(out, &text, Existing::Keep)?;
    output.heading("co-signed");
    output.field("receipt", hex::encode(&digest));
    output.field("coordinator", names::account(&account.address()));
    output.field("kept in", name(out));
    let coordinator = account.address();
    Ok(Done::ok(json!({ "receipt": hex::encode(&digest), "coordinator": coordinator, "out": name(out) })))
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

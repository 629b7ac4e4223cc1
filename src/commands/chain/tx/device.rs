//! Attested hardware of a worker.

use std::path::PathBuf;

use ::chain::client::Account;
use ::chain::types::Action;
use ::chain::types::transaction::{self, DeviceStep};
use clap::Args;

use super::{Acts, Prepared};
use verifier::cli::read_collateral;

use crate::commands::attest::read_evidence;
use crate::commands::names::{Identifier, WorkerName};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::output::Output;

/// Put a worker on attested hardware, in two steps, or on none
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain tx bind-device --as operator-1 --worker worker-1 --request 0x5e..     fixes the context to attest; `assay chain query worker` shows it\n  assay chain tx bind-device --as operator-1 --worker worker-1 --evidence work.evidence --collateral work.collateral\n  assay chain tx bind-device --as operator-1 --worker worker-1 --release"
)]
pub(in crate::commands) struct BindDevice {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    #[command(flatten)]
    step: Step,
    /// Vendors' documents that verifying the evidence needs
    #[arg(long, value_name = "FILE", requires = "evidence")]
    collateral: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct Step {
    /// Ask for a context to attest with these devices: the hash of their sorted identities
    #[arg(long, value_name = "0x..")]
    request: Option<Identifier>,
    /// Show the evidence for the context that was asked for
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
    /// Give all hardware up
    #[arg(long)]
    release: bool,
}

impl Acts for BindDevice {
    const NAME: &'static str = "chain tx bind-device";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let WorkerName(worker) = self.worker;
        let step = match (&self.step.request, &self.step.evidence) {
            (Some(Identifier(device)), _) => DeviceStep::Request { device: *device },
            (None, Some(path)) => {
                let collateral = self.collateral.as_deref().map(read_collateral).transpose()?;
                let collateral = collateral.map(|collateral| collateral.to_bytes()).unwrap_or_default();
                DeviceStep::Show { evidence: read_evidence(path)?, collateral }
            }
            (None, None) => DeviceStep::Release,
        };
        Ok(Binding(transaction::BindDevice { worker, step }))
    }
}

/// A step whose files were read.
struct Binding(transaction::BindDevice);

impl Prepared for Binding {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        Ok(Action::BindDevice(Box::new(self.0)))
    }
}

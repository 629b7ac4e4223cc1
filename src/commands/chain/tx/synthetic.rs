//! Synthetic tasks: showing, once an epoch, that a machine computes behind a worker's key.

use ::chain::client::Account;
use ::chain::state::Key;
use ::chain::synthetic::{Row, prove_row, root, task};
use ::chain::types::ids::genesis_beacon;
use ::chain::types::transaction::{self, OpenedRow};
use ::chain::types::{Action, Hash, RunningEpoch, SyntheticClaim};
use ::worker::executor::{Device, synthetic};
use attestation::hex;
use clap::Args;

use super::{Acts, Prepared};
use crate::commands::names::WorkerName;
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::output::Output;

/// Compute this epoch's synthetic task and commit to its product
#[derive(Clone, Copy, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx synthetic-result --as operator-1 --worker worker-1\n  assay chain tx open-synthetic --as operator-1 --worker worker-1     two blocks later"
)]
pub(in crate::commands) struct SyntheticResult {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    /// Where to compute: cpu, or cuda:N
    #[arg(long, default_value_t = Device::Cpu, value_name = "DEVICE")]
    device: Device,
}

/// Open the rows of the product that were drawn; without it the bond is lost
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  assay chain tx open-synthetic --as operator-1 --worker worker-1")]
pub(in crate::commands) struct OpenSynthetic {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    /// Where to compute: cpu, or cuda:N
    #[arg(long, default_value_t = Device::Cpu, value_name = "DEVICE")]
    device: Device,
}

/// The epoch that runs and the worker's product in it.
async fn product(account: &Account, worker: &Hash, device: Device) -> Result<(u64, Vec<Row<i32>>), CliError> {
    let running: Option<RunningEpoch> = account.client().get(&Key::RunningEpoch).await?;
    let (epoch, seed) =
        running.map_or_else(|| (0, genesis_beacon(account.genesis())), |running| (running.epoch, running.seed));
    let product = synthetic::product(&task(&seed, epoch, worker), device)?;
    Ok((epoch, product))
}

impl Acts for SyntheticResult {
    const NAME: &'static str = "chain tx synthetic-result";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for SyntheticResult {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { worker: WorkerName(worker), device } = self;
        let (epoch, product) = product(account, &worker, device).await?;
        Ok(Action::SyntheticResult(transaction::SyntheticResult { worker, epoch, root: root(&product) }))
    }
}

impl Acts for OpenSynthetic {
    const NAME: &'static str = "chain tx open-synthetic";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for OpenSynthetic {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { worker: WorkerName(worker), device } = self;
        let claim: Option<SyntheticClaim> = account.client().get(&Key::Synthetic(worker)).await?;
        let claim = claim.ok_or_else(|| CliError::None { what: "synthetic task", id: hex::encode(&worker) })?;
        let (_, product) = product(account, &worker, device).await?;
        let open = |row: &u32| {
            let row = usize::try_from(*row).ok()?;
            Some(OpenedRow { values: product.get(row)?.clone(), path: prove_row(&product, row)? })
        };
        let rows = claim.rows.iter().filter_map(open).collect();
        Ok(Action::OpenSynthetic(Box::new(transaction::OpenSynthetic { worker, rows })))
    }
}

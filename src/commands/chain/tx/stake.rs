//! Value behind a worker: in, on its way out, and out.

use ::chain::client::Account;
use ::chain::types::Action;
use ::chain::types::transaction::{self, AddStake};
use clap::Args;

use super::{Acts, Prepared};
use crate::commands::names::{Amount, WorkerName};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::output::Output;

/// Lock tokens behind a worker
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  assay chain tx stake --as operator-1 --worker worker-1 --amount 60")]
pub(in crate::commands) struct Stake {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    /// How many tokens
    #[arg(long, value_name = "TOKENS")]
    amount: Amount,
}

/// Start to take stake back; it stays slashable until it is withdrawn
#[derive(Clone, Copy, Debug, Args)]
pub(in crate::commands) struct Unstake {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    /// How many tokens
    #[arg(long, value_name = "TOKENS")]
    amount: Amount,
}

/// Take back the stake whose unbonding period is over
#[derive(Clone, Copy, Debug, Args)]
pub(in crate::commands) struct Withdraw {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
}

impl Acts for Stake {
    const NAME: &'static str = "chain tx stake";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for Stake {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let Self { worker: WorkerName(worker), amount: Amount(amount) } = self;
        Ok(Action::Stake(AddStake { worker, amount }))
    }
}

impl Acts for Unstake {
    const NAME: &'static str = "chain tx unstake";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for Unstake {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let Self { worker: WorkerName(worker), amount: Amount(amount) } = self;
        Ok(Action::Unstake(transaction::Unstake { worker, amount }))
    }
}

impl Acts for Withdraw {
    const NAME: &'static str = "chain tx withdraw";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for Withdraw {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let Self { worker: WorkerName(worker) } = self;
        Ok(Action::Withdraw(transaction::Withdraw { worker }))
    }
}

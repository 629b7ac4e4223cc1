//! Moving tokens.

use ::chain::client::Account;
use ::chain::types::Action;
use ::chain::types::transaction;
use clap::Args;

use super::{Acts, Prepared};
use crate::commands::names::{AccountName, Amount};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::output::Output;

/// Move tokens to another account
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  assay chain tx transfer --as requester --to operator-1 --amount 2.5")]
pub(in crate::commands) struct Transfer {
    /// Who gets them: address, or development name
    #[arg(long, value_name = "ACCOUNT")]
    to: AccountName,
    /// How many tokens
    #[arg(long, value_name = "TOKENS")]
    amount: Amount,
}

impl Acts for Transfer {
    const NAME: &'static str = "chain tx transfer";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for Transfer {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let Self { to: AccountName(to), amount: Amount(amount) } = self;
        Ok(Action::Transfer(transaction::Transfer { to, amount }))
    }
}

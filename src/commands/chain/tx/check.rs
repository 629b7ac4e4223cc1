//! Checks and verdicts by hand; `assay worker run` does those that its worker is drawn for by itself.

use ::chain::client::Account;
use ::chain::state::Key;
use ::chain::types::ids::check_commitment;
use ::chain::types::transaction;
use ::chain::types::{Action, Dispute, Hash, Seat, SpotCheck};
use ::worker::WorkerError;
use ::worker::salt::{check_salt, opening};
use attestation::identity::ml_dsa;
use clap::Args;

use super::{Acts, Prepared};
use crate::commands::names::Identifier;
use crate::commands::signer::{Password, WorkerKeyOptions};
use crate::error::CliError;
use crate::output::Output;

/// Commit a worker that was drawn to check or judge a result to the output of its own run
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx commit-check --as operator-2 --as-worker worker-2 --result 0x.. --output-hash 0x..\n\nThe output hash must be of your own run of the job's input (`data.output_hash` of `assay prover run --json`): a copy of another's that is wrong costs the audit bond. What hides the commitment follows from the worker's key, so `assay chain tx reveal-check` needs nothing else."
)]
pub(in crate::commands) struct CommitCheck {
    #[command(flatten)]
    vote: Vote,
}

/// Open the commitment of a worker that was drawn to check or judge a result
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx reveal-check --as operator-2 --as-worker worker-2 --result 0x.. --output-hash 0x.."
)]
pub(in crate::commands) struct RevealCheck {
    #[command(flatten)]
    vote: Vote,
}

#[derive(Clone, Debug, Args)]
struct Vote {
    #[command(flatten)]
    key: WorkerKeyOptions,
    /// The result
    #[arg(long, value_name = "ID")]
    result: Identifier,
    /// Tensor hash of the output of the worker's own run
    #[arg(long, value_name = "HASH")]
    output_hash: Identifier,
}

/// A vote whose key was read.
struct Voting {
    key: ml_dsa::SigningKey,
    result: Hash,
    output_hash: Hash,
}

/// A vote that is to be hidden.
struct Committing(Voting);

/// A vote that is to be opened.
struct Revealing(Voting);

impl Vote {
    fn read(&self, password: &mut Password<'_>, output: &Output) -> Result<Voting, CliError> {
        let key = self.key.key(password, output)?;
        Ok(Voting { key, result: self.result.0, output_hash: self.output_hash.0 })
    }
}

impl Acts for CommitCheck {
    const NAME: &'static str = "chain tx commit-check";

    fn prepare(&self, password: &mut Password<'_>, output: &Output) -> Result<impl Prepared, CliError> {
        self.vote.read(password, output).map(Committing)
    }
}

impl Acts for RevealCheck {
    const NAME: &'static str = "chain tx reveal-check";

    fn prepare(&self, password: &mut Password<'_>, output: &Output) -> Result<impl Prepared, CliError> {
        self.vote.read(password, output).map(Revealing)
    }
}

impl Prepared for Committing {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let Self(Voting { key, result, output_hash }) = self;
        let worker = key.public_key().id();
        let commitment = check_commitment(&result, &worker, &output_hash, &check_salt(&key, &result, 0));
        Ok(Action::CommitCheck(transaction::CommitCheck { result, worker, commitment }))
    }
}

impl Prepared for Revealing {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self(Voting { key, result, output_hash }) = self;
        let worker = key.public_key().id();
        let salt = match commitment(account, &result, &worker).await? {
            Some(commitment) => {
                opening(&key, &result, &output_hash, &commitment).ok_or(WorkerError::CommitmentLost { result })?
            }
            // Nothing was committed: the chain says so.
            None => check_salt(&key, &result, 0),
        };
        Ok(Action::RevealCheck(transaction::RevealCheck { result, worker, output_hash, salt }))
    }
}

/// What a worker committed to in the review that runs now.
async fn commitment(account: &Account, result: &Hash, worker: &Hash) -> Result<Option<Hash>, CliError> {
    let client = account.client();
    let dispute: Option<Dispute> = client.get(&Key::Dispute(*result)).await?;
    let check: Option<SpotCheck> = client.get(&Key::SpotCheck(*result)).await?;
    let seats = dispute.into_iter().flat_map(|dispute| dispute.seats).chain(check.map(|check| check.seat));
    let seat: Option<Seat> = seats.into_iter().find(|seat| seat.worker == *worker);
    Ok(seat.and_then(|seat| seat.commitment))
}

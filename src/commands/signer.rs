//! Whose account signs: an encrypted key file, or a development account by name.

use std::path::{Path, PathBuf};

use ::chain::client::{Account, Client};
use attestation::identity::keystore::{self, KeyKind, SecretKey};
use attestation::identity::{ed25519, ml_dsa};
use clap::Args;
use zeroize::Zeroizing;

use super::key::key_file;
use super::names;
use super::password::PasswordOptions;
use crate::development::{Person, Worker, is_development};
use crate::error::CliError;
use crate::output::Output;

/// The account that signs.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Signing")]
pub(super) struct SignerOptions {
    /// Encrypted key file of the account, as `assay key new --kind ed25519` makes it
    #[arg(long, value_name = "FILE", required_unless_present = "person", conflicts_with = "person")]
    key: Option<PathBuf>,
    /// Development account, such as requester or operator-1; on a development chain only
    #[arg(long = "as", value_name = "NAME", value_parser = names::person)]
    person: Option<Person>,
    #[command(flatten)]
    pub(super) password: PasswordOptions,
}

/// Whose key it is, before any node was asked.
pub(super) struct Signer {
    key: ed25519::SigningKey,
    person: Option<Person>,
}

impl SignerOptions {
    /// Reads the key; asks for a password if it must.
    pub(super) fn signer(&self, password: &mut Password<'_>, output: &Output) -> Result<Signer, CliError> {
        if let Some(person) = self.person {
            return Ok(Signer { key: person.key(), person: Some(person) });
        }
        let path = self.key.as_deref().ok_or_else(|| CliError::usage("give --key FILE or --as NAME".to_owned()))?;
        match open(path, password, output)? {
            SecretKey::Ed25519(key) => Ok(Signer { key, person: None }),
            other => Err(wrong_kind(path, KeyKind::Ed25519, &other)),
        }
    }
}

impl Signer {
    /// The account on the chain of a node; a development account only where genesis funds it.
    pub(super) async fn account(self, client: &Client) -> Result<Account, CliError> {
        if let Some(person) = self.person {
            let genesis = client.genesis().await?;
            let is_funded = genesis.accounts().iter().any(|account| account.address == person.address());
            if !is_development(&genesis) || !is_funded {
                return Err(CliError::NotFunded { name: person.name(), chain_id: genesis.chain_id() });
            }
        }
        Ok(Account::open(client.clone(), self.key).await?)
    }
}

/// The key of a worker.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Signing")]
pub(super) struct WorkerKeyOptions {
    /// Encrypted key file of the worker, as `assay key new --kind ml-dsa-65` makes it; its password is the account's
    #[arg(long, value_name = "FILE", required_unless_present = "as_worker", conflicts_with = "as_worker")]
    worker_key: Option<PathBuf>,
    /// Development worker, worker-1 to worker-5
    #[arg(long, value_name = "NAME", value_parser = names::development_worker)]
    as_worker: Option<Worker>,
}

impl WorkerKeyOptions {
    /// The key in a file, or of a development worker.
    pub(super) fn of(worker_key: Option<PathBuf>, as_worker: Option<Worker>) -> Self {
        Self { worker_key, as_worker }
    }

    /// Reads the key.
    pub(super) fn key(&self, password: &mut Password<'_>, output: &Output) -> Result<ml_dsa::SigningKey, CliError> {
        if let Some(worker) = self.as_worker {
            return Ok(worker.key());
        }
        let missing = || CliError::usage("give --worker-key FILE or --as-worker NAME".to_owned());
        let path = self.worker_key.as_deref().ok_or_else(missing)?;
        match open(path, password, output)? {
            SecretKey::MlDsa65(key) => Ok(key),
            other => Err(wrong_kind(path, KeyKind::MlDsa65, &other)),
        }
    }
}

/// A password that is read once, when the first key file needs it.
pub(super) struct Password<'a> {
    options: &'a PasswordOptions,
    text: Option<Zeroizing<Vec<u8>>>,
}

impl<'a> Password<'a> {
    /// From these sources.
    pub(super) fn new(options: &'a PasswordOptions) -> Self {
        Self { options, text: None }
    }

    fn read(&mut self) -> Result<Zeroizing<Vec<u8>>, CliError> {
        match &self.text {
            Some(text) => Ok(text.clone()),
            None => Ok(self.text.insert(self.options.read()?).clone()),
        }
    }
}

fn open(path: &Path, password: &mut Password<'_>, output: &Output) -> Result<SecretKey, CliError> {
    let password = password.read()?;
    let progress = output.spinner("opening the key");
    let key = keystore::read(path, &password).map_err(key_file(path))?;
    progress.finish();
    Ok(key)
}

fn wrong_kind(path: &Path, expected: KeyKind, got: &SecretKey) -> CliError {
    CliError::KeyKind { path: path.to_owned(), expected, got: got.public_key().kind() }
}

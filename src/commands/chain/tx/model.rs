//! Publishing a model, and naming one that was published.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use ::chain::client::Account;
use ::chain::state::Key;
use ::chain::types::transaction;
use ::chain::types::{Action, Hash, Model, Params, UnitsFormula, encode};
use attestation::hex;
use circuits::model::bundle::Bundle;
use clap::Args;
use verifier::cli::CheckError;
use verifier::key::VerifyingKey;
use verifier::row_opening::open;

use super::{Acts, Prepared};
use crate::commands::model::audit::Published;
use crate::commands::names::{Amount, Identifier};
use crate::commands::prover::derive_key;
use crate::commands::setups::development_setup;
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// Publish a model: its graph and the commitments to its weights
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx register-model --as owner --model digits.assay\n\nThe weights are committed under the development setup; the chain's genesis says whether it allows that."
)]
pub(in crate::commands) struct RegisterModel {
    /// Model file (.assay)
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Units that a run is billed at; without it one for each multiply-accumulate, which is the most
    #[arg(long)]
    units: Option<u64>,
    /// Bond in tokens; the least that the chain asks for without it
    #[arg(long, value_name = "TOKENS")]
    bond: Option<Amount>,
}

impl Acts for RegisterModel {
    const NAME: &'static str = "chain tx register-model";

    fn prepare(&self, _: &mut Password<'_>, output: &Output) -> Result<impl Prepared, CliError> {
        let key = key_of(&self.model, output)?;
        Ok(Committed { key, units: self.units, bond: self.bond.map(|Amount(bond)| bond) })
    }
}

/// A model with its weights committed.
struct Committed {
    key: VerifyingKey,
    units: Option<u64>,
    bond: Option<u128>,
}

impl Prepared for Committed {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { key, units, bond } = self;
        let bond = match bond {
            Some(bond) => bond,
            None => params(account).await?.bond.model_min,
        };
        let base = units.unwrap_or_else(|| key.graph().multiply_accumulates());
        Ok(Action::RegisterModel(transaction::RegisterModel {
            graph: key.graph().encode(),
            commitment: encode(key.commitment()),
            setup: key.setup_id(),
            formula: UnitsFormula { base, per_token_in: 0, per_token_out: 0 },
            bond,
        }))
    }
}

/// Call a published model wrong by one row of its weights; the bond is lost if nothing is wrong with it
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx challenge-model --as operator-1 --registered 0x.. --model digits.assay\n\nWithout --row the file is audited and the first row that is not as published is opened. `assay model audit` only looks."
)]
pub(in crate::commands) struct ChallengeModel {
    /// Hash that the model is registered under
    #[arg(long, value_name = "HASH")]
    registered: Identifier,
    /// Model file (.assay) with the rows under the registered root
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The row to open
    #[arg(long)]
    row: Option<usize>,
    /// Bond in tokens; the least that the chain asks for without it
    #[arg(long, value_name = "TOKENS")]
    bond: Option<Amount>,
}

/// A challenge whose model file was read.
struct Holding<'a> {
    challenge: ChallengeModel,
    bundle: Bundle,
    output: &'a Output,
}

impl Acts for ChallengeModel {
    const NAME: &'static str = "chain tx challenge-model";

    fn prepare(&self, _: &mut Password<'_>, output: &Output) -> Result<impl Prepared, CliError> {
        Ok(Holding { challenge: self.clone(), bundle: files::read_model(&self.model)?, output })
    }
}

impl Prepared for Holding<'_> {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { challenge: ChallengeModel { registered: Identifier(hash), model, row, bond }, bundle, output } =
            self;
        let row = match row {
            Some(row) => row,
            None => {
                let found: Option<Model> = account.client().get(&Key::Model(hash)).await?;
                let found = found.ok_or_else(|| CliError::None { what: "model", id: hex::encode(&hash) })?;
                let found = Published::registered(&hash, &found)?.audit(&bundle, output)?;
                let reason = "every row of it is as published; there is nothing to challenge".to_owned();
                found.failed.first().copied().ok_or(CheckError::Rejected { path: model, reason })?
            }
        };
        let bond = match bond {
            Some(Amount(bond)) => bond,
            None => params(account).await?.bond.challenge_min,
        };
        Ok(Action::ChallengeModel(transaction::ChallengeModel { model: hash, openings: open(&bundle, row)?, bond }))
    }
}

/// Parameters of the chain.
pub(super) async fn params(account: &Account) -> Result<Params, CliError> {
    let params = account.client().get(&Key::Params).await?;
    params.ok_or_else(|| CliError::None { what: "params", id: String::new() })
}

fn key_of(path: &std::path::Path, output: &Output) -> Result<VerifyingKey, CliError> {
    let bundle = files::read_model(path)?;
    let setup = development_setup(bundle.graph().layout().k, output)?;
    derive_key(&bundle, &setup, output)
}

/// A published model: its hash, or the file that it was published from.
#[derive(Clone, Debug)]
pub(in crate::commands) enum ModelName {
    Hash(Hash),
    File(PathBuf),
}

impl FromStr for ModelName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        // Whatever is no hash is taken for a path, and a path that leads nowhere is an error of its own.
        Ok(hex::decode(text).map_or_else(|_| Self::File(text.into()), Self::Hash))
    }
}

impl ModelName {
    /// The hash under which the chain knows the model; that of a file is derived under the development setup.
    pub(super) fn hash(&self, output: &Output) -> Result<Hash, CliError> {
        match self {
            Self::Hash(hash) => Ok(*hash),
            Self::File(path) => Ok(key_of(path, output)?.model_hash()),
        }
    }
}

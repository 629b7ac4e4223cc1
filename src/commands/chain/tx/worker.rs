//! Publishing a worker.

use ::chain::client::Account;
use ::chain::types::ids::{POSSESSION_DOMAIN, possession_message};
use ::chain::types::transaction;
use ::chain::types::{Action, HardwareProfile, HardwareTier, Hash};
use ::worker::WorkerError;
use attestation::evidence::software;
use attestation::identity::ml_dsa;
use attestation::receipt::HARDWARE_BYTES_MAX;
use attestation::text::Text;
use clap::{Args, ValueEnum};

use super::model::ModelName;
use super::{Acts, Prepared};
use crate::commands::signer::{Password, WorkerKeyOptions};
use crate::error::CliError;
use crate::output::Output;

/// Publish a worker for the account that signs; `assay worker run` does it by itself
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx register-worker --as operator-1 --as-worker worker-1 --model digits.assay"
)]
pub(in crate::commands) struct RegisterWorker {
    #[command(flatten)]
    key: WorkerKeyOptions,
    /// Model that it serves: hash, or model file (.assay); once for each, and none for a worker that only votes
    #[arg(long, value_name = "HASH|FILE")]
    model: Vec<ModelName>,
    /// What to call its hardware, in public
    #[arg(long, value_name = "TEXT", default_value = "processor")]
    hardware: String,
    /// Class of speed that it claims
    #[arg(long, value_enum, default_value_t = Tier::Entry)]
    tier: Tier,
    /// Video memory that it claims, MiB
    #[arg(long, default_value_t = 0, value_name = "MIB")]
    video_memory_mib: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Tier {
    /// 8 to 15 tokens a second
    Entry,
    /// 40 to 80 tokens a second
    Standard,
    /// 80 to 150 tokens a second
    HighEnd,
    /// 200 and more tokens a second
    Server,
}

impl From<Tier> for HardwareTier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Entry => Self::Entry,
            Tier::Standard => Self::Standard,
            Tier::HighEnd => Self::HighEnd,
            Tier::Server => Self::Server,
        }
    }
}

impl Acts for RegisterWorker {
    const NAME: &'static str = "chain tx register-worker";

    fn prepare(&self, password: &mut Password<'_>, output: &Output) -> Result<impl Prepared, CliError> {
        let hardware: Text<HARDWARE_BYTES_MAX> =
            Text::new(self.hardware.clone()).map_err(|error| CliError::usage(format!("--hardware: {error}")))?;
        let key = self.key.key(password, output)?;
        let mut models = Vec::with_capacity(self.model.len());
        for model in &self.model {
            models.push(model.hash(output)?);
        }
        models.sort_unstable();
        models.dedup();
        let profile = HardwareProfile { tier: self.tier.into(), hardware, video_memory_mib: self.video_memory_mib };
        Ok(Registration { key, models, profile })
    }
}

/// A worker whose key and models are known.
struct Registration {
    key: ml_dsa::SigningKey,
    models: Vec<Hash>,
    profile: HardwareProfile,
}

impl Prepared for Registration {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { key, models, profile } = self;
        let message = possession_message(account.chain_id(), account.genesis(), &account.address());
        let public_key = key.public_key().clone();
        Ok(Action::RegisterWorker(Box::new(transaction::RegisterWorker {
            possession: key.sign(POSSESSION_DOMAIN, &message).map_err(WorkerError::from)?,
            profile,
            models,
            device: software::device_id(&public_key.id()),
            public_key,
        })))
    }
}

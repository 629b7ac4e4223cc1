//! Who works: what a worker declares, who is to have a job, and receipts that cannot be true.

use std::path::PathBuf;

use ::chain::client::Account;
use ::chain::state::Key;
use ::chain::types::transaction;
use ::chain::types::{Action, HardwareProfile, Hash, InferenceJob, ObjectRef, WorkerRegistration};
use attestation::hex;
use attestation::receipt::HARDWARE_BYTES_MAX;
use attestation::text::Text;
use clap::Args;

use super::model::ModelName;
use super::worker::Tier;
use super::{Acts, Prepared};
use crate::commands::names::{Identifier, WorkerName};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// Change what a worker declares about itself; what is not given stays as it is
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx update-worker --as operator-1 --worker worker-1 --region 276 --model digits.assay"
)]
pub(in crate::commands) struct UpdateWorker {
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    /// Model that it serves: hash, or model file (.assay); once for each
    #[arg(long, value_name = "HASH|FILE")]
    model: Vec<ModelName>,
    /// What to call its hardware, in public
    #[arg(long, value_name = "TEXT")]
    hardware: Option<String>,
    /// Class of speed that it claims
    #[arg(long, value_enum)]
    tier: Option<Tier>,
    /// Video memory that it claims, MiB
    #[arg(long, value_name = "MIB")]
    video_memory_mib: Option<u64>,
    /// Country it stands in, ISO 3166-1 numeric; 0 to say none
    #[arg(long, value_name = "CODE")]
    region: Option<u16>,
}

/// Show a receipt whose figures contradict each other: the worker that signed it is counted, and slashed from the third on
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx report-implausible --as operator-2 --lease 0x.. --receipt odd.receipt"
)]
pub(in crate::commands) struct ReportImplausible {
    /// The lease that the receipt is for
    #[arg(long, value_name = "ID")]
    lease: Identifier,
    /// The receipt (.receipt)
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
}

/// Choose who may lease an open job first; for the account that the parameters name as coordinator
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  assay chain tx propose-assignment --as requester --job 0x.. --worker worker-1")]
pub(in crate::commands) struct ProposeAssignment {
    /// The job
    #[arg(long, value_name = "ID")]
    job: Identifier,
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
}

impl Acts for UpdateWorker {
    const NAME: &'static str = "chain tx update-worker";

    fn prepare(&self, _: &mut Password<'_>, output: &Output) -> Result<impl Prepared, CliError> {
        let hardware = self.hardware.clone().map(Text::new).transpose();
        let hardware = hardware.map_err(|error| CliError::usage(format!("--hardware: {error}")))?;
        let mut models = self.model.iter().map(|model| model.hash(output)).collect::<Result<Vec<Hash>, _>>()?;
        models.sort_unstable();
        models.dedup();
        Ok(Update { asked: self.clone(), hardware, models })
    }
}

/// A change whose files were read.
struct Update {
    asked: UpdateWorker,
    hardware: Option<Text<HARDWARE_BYTES_MAX>>,
    models: Vec<Hash>,
}

impl Prepared for Update {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { asked, hardware, models } = self;
        let WorkerName(worker) = asked.worker;
        let client = account.client();
        let registered: Option<WorkerRegistration> = client.get(&Key::Worker(worker)).await?;
        let registered = registered.ok_or_else(|| CliError::None { what: "worker", id: hex::encode(&worker) })?;
        let standing: ::chain::types::Standing = client.get(&Key::Standing(worker)).await?.unwrap_or_default();
        let HardwareProfile { tier, hardware: named, video_memory_mib } = registered.profile;
        Ok(Action::UpdateWorker(Box::new(transaction::UpdateWorker {
            worker,
            profile: HardwareProfile {
                tier: asked.tier.map_or(tier, Into::into),
                hardware: hardware.unwrap_or(named),
                video_memory_mib: asked.video_memory_mib.unwrap_or(video_memory_mib),
            },
            models: if models.is_empty() { registered.models } else { models },
            region: asked.region.unwrap_or(standing.region),
            rates: standing.rates,
        })))
    }
}

impl Acts for ReportImplausible {
    const NAME: &'static str = "chain tx report-implausible";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let Identifier(lease) = self.lease;
        let signed = files::read_receipt(&self.receipt)?.signed;
        Ok(Report(transaction::ReportImplausible { lease, signed }))
    }
}

/// A report whose receipt was read.
struct Report(transaction::ReportImplausible);

impl Prepared for Report {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        Ok(Action::ReportImplausible(Box::new(self.0)))
    }
}

impl Acts for ProposeAssignment {
    const NAME: &'static str = "chain tx propose-assignment";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for ProposeAssignment {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { job: Identifier(id), worker: WorkerName(worker) } = self;
        let job: Option<InferenceJob> = account.client().get(&Key::Job(id)).await?;
        let job = job.ok_or_else(|| CliError::None { what: "job", id: hex::encode(&id) })?;
        let job = ObjectRef { id, version: job.version };
        Ok(Action::ProposeAssignment(transaction::ProposeAssignment { job, worker }))
    }
}

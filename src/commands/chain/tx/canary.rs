//! Planting results that are wrong on purpose, and showing that they were.

use std::path::PathBuf;

use ::chain::client::Account;
use ::chain::state::Key;
use ::chain::types::canary::canary_commitment;
use ::chain::types::ids::work_nullifier;
use ::chain::types::transaction;
use ::chain::types::{Action, Hash, InferenceJob, JobInput};
use attestation::hex;
use circuits::model::tensor::Tensor;
use clap::Args;
use verifier::receipt::ReceiptFile;

use super::{Acts, Prepared};
use crate::commands::names::{Identifier, WorkerName};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// Commit to a wrong result of a worker, before it is handed in; for the account that the parameters name as planter
#[derive(Clone, Copy, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx plant-canary --as owner --job 0x.. --worker worker-2 --output-hash 0x.. --salt 0x..\n\nKeep the salt secret: `assay chain tx reveal-canary` needs it, and a canary that is not revealed loses its bond."
)]
pub(in crate::commands) struct PlantCanary {
    /// Job that the worker will lease without a proof
    #[arg(long, value_name = "ID")]
    job: Identifier,
    /// Worker that will hand the wrong result in
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    /// Tensor hash of the wrong output
    #[arg(long, value_name = "HASH")]
    output_hash: Identifier,
    /// 32 secret bytes, new for each canary
    #[arg(long, value_name = "BYTES")]
    salt: Identifier,
}

impl Acts for PlantCanary {
    const NAME: &'static str = "chain tx plant-canary";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for PlantCanary {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { job: Identifier(job), worker: WorkerName(worker), output_hash, salt } = self;
        let InferenceJob { model, input_hash, .. } = posted(account, &job).await?;
        let work = work_nullifier(account.chain_id(), &job, &model, &input_hash, &worker);
        let commitment = canary_commitment(&work, &output_hash.0, &salt.0);
        Ok(Action::PlantCanary(transaction::PlantCanary { commitment }))
    }
}

/// Show that a result was planted to be wrong, with a proof of the right output
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx reveal-canary --as owner --result 0x.. --salt 0x.. --receipt honest.receipt\n\nThe receipt is that of an honest run for the result's own context, with its proof."
)]
pub(in crate::commands) struct RevealCanary {
    /// The result
    #[arg(long, value_name = "ID")]
    result: Identifier,
    /// The salt that it was planted with
    #[arg(long, value_name = "BYTES")]
    salt: Identifier,
    /// Receipt file with the right output and its proof (.receipt)
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
}

impl Acts for RevealCanary {
    const NAME: &'static str = "chain tx reveal-canary";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let (Identifier(result), Identifier(salt)) = (self.result, self.salt);
        let ReceiptFile { signed, input, output, proofs, .. } = files::read_receipt(&self.receipt)?;
        let [proof] = proofs.as_slice() else {
            let text = format!("--receipt FILE: expected a receipt with one proof, got one with {}", proofs.len());
            return Err(CliError::usage(text));
        };
        let (job, proof) = (signed.receipt.context.job_id, proof.to_bytes());
        Ok(Revealing { result, salt, job, input, output, proof })
    }
}

/// A canary whose files were read.
struct Revealing {
    result: Hash,
    salt: Hash,
    job: Hash,
    input: Tensor,
    output: Tensor,
    proof: Vec<u8>,
}

impl Prepared for Revealing {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { result, salt, job, input, output, proof } = self;
        // The chain holds the input of a job that did not name it by its hash.
        let input = match posted(account, &job).await?.input {
            JobInput::Inline(_) => None,
            JobInput::Reference(_) => Some(input),
        };
        let reveal = transaction::RevealCanary { result, salt, input, output, proof };
        Ok(Action::RevealCanary(Box::new(reveal)))
    }
}

async fn posted(account: &Account, job: &Hash) -> Result<InferenceJob, CliError> {
    let found: Option<InferenceJob> = account.client().get(&Key::Job(*job)).await?;
    found.ok_or_else(|| CliError::None { what: "job", id: hex::encode(job) })
}

//! Planting results that are wrong on purpose, and showing that they were.

use ::chain::client::Account;
use ::chain::state::Key;
use ::chain::types::canary::canary_commitment;
use ::chain::types::ids::work_nullifier;
use ::chain::types::transaction;
use ::chain::types::{Action, Hash, InferenceJob, JobResult};
use attestation::hex;
use clap::Args;

use super::result::{Proven, Shown, beside, posted};
use super::{Acts, Prepared};
use crate::commands::names::{Identifier, WorkerName};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::output::Output;

/// Commit to a wrong result of a worker, before it is handed in; for the account that the parameters name as planter
#[derive(Clone, Copy, Debug, Args)]
#[command(
    after_help = "Example, by a planter that runs a worker:\n  assay chain tx lease-job --as operator-2 --worker worker-2 --job 0x.. --settled-by review\n  assay prover run --model digits.assay --input seven.json --context context.json --out right.proof --out-statement right.json\n  assay worker sign --as-worker worker-2 --lease 0x.. --statement wrong.json --elapsed-ms 2 --out wrong.receipt     a copy of right.json with another output; prints its hash\n  assay chain tx plant-canary --as owner --job 0x.. --worker worker-2 --output-hash 0x.. --salt 0x..\n  assay chain tx submit-result --as operator-2 --lease 0x.. --receipt wrong.receipt\n  assay chain tx reveal-canary --as owner --result 0x.. --salt 0x.. --proof right.proof --statement right.json     after its check\n\nKeep the salt secret. A canary that is not revealed before a jury sits is a wrong result like any other, and its bond burns."
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
    after_help = "Example:\n  assay prover run --model digits.assay --input seven.json --context context.json --out right.proof --out-statement right.json\n  assay chain tx reveal-canary --as owner --result 0x.. --salt 0x.. --proof right.proof --statement right.json\n\nThe proof is of an honest run for the context of the result's own lease. Its worker signs nothing for it: a second signed output for one context would be slashed."
)]
pub(in crate::commands) struct RevealCanary {
    /// The result
    #[arg(long, value_name = "ID")]
    result: Identifier,
    /// The salt that it was planted with
    #[arg(long, value_name = "BYTES")]
    salt: Identifier,
    #[command(flatten)]
    shown: Shown,
}

impl Acts for RevealCanary {
    const NAME: &'static str = "chain tx reveal-canary";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let (Identifier(result), Identifier(salt)) = (self.result, self.salt);
        Ok(Revealing { result, salt, proven: self.shown.read()? })
    }
}

/// A canary whose files were read.
struct Revealing {
    result: Hash,
    salt: Hash,
    proven: Proven,
}

impl Prepared for Revealing {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { result, salt, proven } = self;
        let record: Option<JobResult> = account.client().get(&Key::Result(result)).await?;
        let job = record.ok_or_else(|| CliError::None { what: "result", id: hex::encode(&result) })?.job;
        let Proven { input, output, proof } = proven;
        let input = beside(&posted(account, &job).await?, input);
        let reveal = transaction::RevealCanary { result, salt, input, output, proof };
        Ok(Action::RevealCanary(Box::new(reveal)))
    }
}

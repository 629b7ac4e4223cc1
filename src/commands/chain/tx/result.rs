//! Work done by hand: taking a job, handing in its result, answering for it. `assay worker run` does all of it by itself.

use std::path::PathBuf;

use ::chain::client::Account;
use ::chain::state::Key;
use ::chain::types::transaction;
use ::chain::types::{Action, Hash, InferenceJob, JobInput, JobResult, LeaseKind, ObjectRef, WorkLease};
use attestation::hex;
use circuits::model::tensor::Tensor;
use clap::{Args, ValueEnum};
use verifier::cli::read_collateral;
use verifier::proof::Proof;
use verifier::receipt::ReceiptFile;

use super::{Acts, Prepared};
use crate::commands::names::{Identifier, WorkerName};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// Take an open job for a worker, and lock the bond that it costs not to do it
#[derive(Clone, Copy, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx lease-job --as operator-1 --worker worker-1 --job 0x.. --settled-by proof\n\nThe lease fixes the context to work in: `assay chain query lease ID --json` shows it as `data.object.context`, for `assay prover run --context` and `assay worker sign`."
)]
pub(in crate::commands) struct LeaseJob {
    /// The job
    #[arg(long, value_name = "ID")]
    job: Identifier,
    /// The worker: identifier, or development name
    #[arg(long, value_name = "WORKER")]
    worker: WorkerName,
    /// How its result is to become final
    #[arg(long, value_enum)]
    settled_by: Settled,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Settled {
    /// A proof handed in with it: paid at once, for a small bond
    Proof,
    /// Its review: paid after checks and challenges, for the bond that makes cheating lose
    Review,
}

/// Hand in the result of a lease
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx submit-result --as operator-1 --lease 0x.. --receipt work.receipt\n\n`assay worker sign` makes the receipt of a run."
)]
pub(in crate::commands) struct SubmitResult {
    /// The lease
    #[arg(long, value_name = "ID")]
    lease: Identifier,
    /// The worker's receipt, with its proof if the lease asks for one (.receipt)
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
    /// Vendors' documents that verifying its evidence needs
    #[arg(long, value_name = "FILE")]
    collateral: Option<PathBuf>,
}

/// End the dispute of a result with a proof of the output that was handed in
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay prover run --model digits.assay --input seven.json --context context.json --out answer.proof --out-statement answer.json\n  assay chain tx answer-with-proof --as operator-1 --result 0x.. --proof answer.proof --statement answer.json"
)]
pub(in crate::commands) struct AnswerWithProof {
    /// The disputed result
    #[arg(long, value_name = "ID")]
    result: Identifier,
    #[command(flatten)]
    shown: Shown,
}

/// A proof and what it shows.
#[derive(Clone, Debug, Args)]
pub(super) struct Shown {
    /// Proof file, as `assay prover run --out` writes it (.proof)
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// What it shows, as `assay prover run --out-statement` writes it
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
}

/// A proof as it is handed in.
pub(super) struct Proven {
    pub(super) input: Tensor,
    pub(super) output: Tensor,
    pub(super) proof: Vec<u8>,
}

impl Shown {
    /// Reads both files, and refuses two that are not of one run.
    pub(super) fn read(&self) -> Result<Proven, CliError> {
        let proof = files::read_proof(&self.proof)?;
        let statement = files::read_statement(&self.statement)?;
        if proof.statement_digest != statement.digest() {
            let text = "--statement FILE: expected what the proof shows, got another statement";
            return Err(CliError::usage(text.to_owned()));
        }
        Ok(Proven { input: statement.input, output: statement.output, proof: proof.to_bytes() })
    }
}

/// The input that a transaction brings: none for a job that holds its own.
pub(super) fn beside(job: &InferenceJob, input: Tensor) -> Option<Tensor> {
    match job.input {
        JobInput::Inline(_) => None,
        JobInput::Reference(_) => Some(input),
    }
}

/// A job that must be there.
pub(super) async fn posted(account: &Account, job: &Hash) -> Result<InferenceJob, CliError> {
    let found: Option<InferenceJob> = account.client().get(&Key::Job(*job)).await?;
    found.ok_or_else(|| CliError::None { what: "job", id: hex::encode(job) })
}

impl Acts for LeaseJob {
    const NAME: &'static str = "chain tx lease-job";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for LeaseJob {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { job: Identifier(id), worker: WorkerName(worker), settled_by } = self;
        let job = ObjectRef { id, version: posted(account, &id).await?.version };
        let kind = match settled_by {
            Settled::Proof => LeaseKind::Proof,
            Settled::Review => LeaseKind::Sampled,
        };
        Ok(Action::LeaseJob(transaction::LeaseJob { job, worker, kind }))
    }
}

impl Acts for SubmitResult {
    const NAME: &'static str = "chain tx submit-result";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let collateral = self.collateral.as_deref().map(read_collateral).transpose()?;
        let collateral = collateral.map(|collateral| collateral.to_bytes()).unwrap_or_default();
        let Identifier(lease) = self.lease;
        Ok(HandedIn { lease, receipt: files::read_receipt(&self.receipt)?, collateral })
    }
}

/// A result whose files were read.
struct HandedIn {
    lease: Hash,
    receipt: ReceiptFile,
    collateral: Vec<u8>,
}

impl Prepared for HandedIn {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { lease: id, receipt, collateral } = self;
        let lease: Option<WorkLease> = account.client().get(&Key::Lease(id)).await?;
        let lease = lease.ok_or_else(|| CliError::None { what: "lease", id: hex::encode(&id) })?;
        let ReceiptFile { signed, evidence, input, output, proofs, .. } = receipt;
        Ok(Action::SubmitResult(Box::new(transaction::SubmitResult {
            lease: ObjectRef { id, version: lease.version },
            signed,
            input: beside(&posted(account, &lease.context.job_id).await?, input),
            output,
            evidence,
            collateral,
            proofs: proofs.iter().map(Proof::to_bytes).collect(),
        })))
    }
}

impl Acts for AnswerWithProof {
    const NAME: &'static str = "chain tx answer-with-proof";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        let Identifier(result) = self.result;
        Ok(Answer { result, proven: self.shown.read()? })
    }
}

/// An answer whose files were read.
struct Answer {
    result: Hash,
    proven: Proven,
}

impl Prepared for Answer {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { result, proven: Proven { input, output, proof } } = self;
        let record: Option<JobResult> = account.client().get(&Key::Result(result)).await?;
        let record = record.ok_or_else(|| CliError::None { what: "result", id: hex::encode(&result) })?;
        let input = beside(&posted(account, &record.job).await?, input);
        Ok(Action::AnswerWithProof(Box::new(transaction::AnswerWithProof { result, input, output, proof })))
    }
}

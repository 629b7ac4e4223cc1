//! `assay worker sign`: the receipt of a run that was made by hand.

use std::path::PathBuf;
use std::sync::Arc;

use ::chain::client::Client;
use ::chain::state::Key;
use ::chain::types::{Hash, InferenceJob, Model, WorkLease, WorkerRegistration};
use ::worker::executor::Device;
use ::worker::hardware::RunFigures;
use ::worker::{Hardware, WorkerError};
use attestation::hex;
use circuits::statement::Statement;
use clap::Args;
use serde_json::json;
use verifier::proof::Proof;
use verifier::receipt::{ReceiptFile, UnauthenticatedNotes};

use super::HOST;
use super::devices::DeviceOptions;
use crate::commands::names::{self, Identifier};
use crate::commands::node::{NodeOptions, block_on};
use crate::commands::password::PasswordOptions;
use crate::commands::signer::{Password, WorkerKeyOptions};
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, name};

/// Sign a run that was made by hand as the receipt of a lease; `assay worker run` does it by itself
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay prover run --model digits.assay --input seven.json --context context.json --out work.proof --out-statement work.json\n  assay worker sign --as-worker worker-1 --lease 0x.. --statement work.json --proof work.proof --elapsed-ms 2 --out work.receipt\n  assay chain tx submit-result --as operator-1 --lease 0x.. --receipt work.receipt\n\nThe output is signed as it is given: whoever shows two outputs that a worker signed for one lease has it slashed."
)]
pub(crate) struct Sign {
    #[command(flatten)]
    worker_key: WorkerKeyOptions,
    #[command(flatten)]
    password: PasswordOptions,
    #[command(flatten)]
    node: NodeOptions,
    /// The lease
    #[arg(long, value_name = "ID")]
    lease: Identifier,
    /// Input and output of the run, as `assay prover run --out-statement` writes them
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
    /// Proof of it (.proof), for a lease that a proof settles
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// How long the run took, milliseconds
    #[arg(long, value_name = "MS")]
    elapsed_ms: u64,
    /// Where it ran: cpu or cuda:N
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    device: Device,
    /// Where to write the receipt (.receipt); an existing file is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    devices: DeviceOptions,
}

/// What a chain says about a lease.
struct Leased {
    lease: WorkLease,
    figures: RunFigures,
}

pub(super) fn run(arguments: &Sign, output: &Output) -> Result<Done, CliError> {
    let Sign { worker_key, password, node, lease: Identifier(id), out, device, devices, .. } = arguments;
    files::check_writable(out, Existing::Keep)?;
    let statement = files::read_statement(&arguments.statement)?;
    let proof = arguments.proof.as_deref().map(files::read_proof).transpose()?;
    let client = node.client()?;
    let key = worker_key.key(&mut Password::new(password), output)?;
    let mut hardware = Hardware::this_machine(*device, HOST).map_err(CliError::Hardware)?;
    if let Some(devices) = devices.open()? {
        hardware = hardware.with_devices(Arc::new(devices));
    }
    let Leased { lease, figures } = block_on(leased(&client, id, &statement, arguments.elapsed_ms))?;
    check(&lease, &key.public_key().id(), &statement, proof.as_ref())?;
    let (signed, evidence) = hardware.sign(&key, &lease.context, &figures).map_err(WorkerError::from)?;
    let receipt = ReceiptFile {
        signed,
        evidence,
        input: statement.input,
        output: statement.output,
        proofs: proof.into_iter().collect(),
        unauthenticated: UnauthenticatedNotes {
            written_by: format!("assay {}", env!("CARGO_PKG_VERSION")),
            ..UnauthenticatedNotes::default()
        },
    };
    files::write(out, &receipt.to_bytes(), Existing::Keep)?;
    let digest = hex::encode(&receipt.signed.digest());
    output.heading(&format!("receipt in {}", name(out)));
    output.field("worker", names::worker(&lease.context.worker));
    output.field("lease", hex::encode(id));
    output.field("output hash", hex::encode(&figures.output_hash));
    output.field("receipt", &digest);
    Ok(Done::ok(json!({
        "lease": hex::encode(id),
        "worker": hex::encode(&lease.context.worker),
        "output_hash": hex::encode(&figures.output_hash),
        "receipt": digest,
        "out": name(out),
    })))
}

/// Reads what the receipt has to say beside the run.
async fn leased(client: &Client, id: &Hash, statement: &Statement, elapsed_ms: u64) -> Result<Leased, CliError> {
    let none = |what, id: &Hash| CliError::None { what, id: hex::encode(id) };
    let lease: Option<WorkLease> = client.get(&Key::Lease(*id)).await?;
    let lease = lease.ok_or_else(|| none("lease", id))?;
    let context = &lease.context;
    let job: Option<InferenceJob> = client.get(&Key::Job(context.job_id)).await?;
    let job = job.ok_or_else(|| none("job", &context.job_id))?;
    let model: Option<Model> = client.get(&Key::Model(job.model)).await?;
    let model = model.ok_or_else(|| none("model", &job.model))?;
    let worker: Option<WorkerRegistration> = client.get(&Key::Worker(context.worker)).await?;
    let worker = worker.ok_or_else(|| none("worker", &context.worker))?;
    let figures = RunFigures {
        output_hash: statement.output.hash(),
        units: job.units,
        tokens: model.tokens_billed(),
        tier: worker.profile.tier,
        elapsed_ms,
        // The chain's time: what this machine calls it does not matter.
        completed_at: client.status().await?.time_ms.max(context.timestamp.saturating_add(elapsed_ms)),
    };
    Ok(Leased { lease, figures })
}

/// Refuses files and keys that are not those of the lease.
fn check(lease: &WorkLease, worker: &Hash, statement: &Statement, proof: Option<&Proof>) -> Result<(), CliError> {
    let usage = |text: String| Err(CliError::usage(text));
    if lease.context.worker != *worker {
        let expected = names::worker(&lease.context.worker);
        return usage(format!("the lease is of worker {expected}, the key is of {}", names::worker(worker)));
    }
    let (expected, got) = (lease.context.digest(), statement.context_digest);
    if expected != got {
        return usage(format!(
            "--statement FILE: expected the lease's context {}, got {}; give `assay prover run` the lease's --context",
            hex::encode(&expected),
            hex::encode(&got)
        ));
    }
    if proof.is_some_and(|proof| proof.statement_digest != statement.digest()) {
        return usage("--proof FILE: expected a proof of the statement, got one of another".to_owned());
    }
    Ok(())
}

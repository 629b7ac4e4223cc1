//! The receipt of a run that no chain leased: for whoever is to verify it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::chain::types::Model;
use ::worker::executor::Device;
use ::worker::hardware::{RunFigures, now};
use ::worker::{Hardware, WorkerError};
use attestation::context::WorkContext;
use attestation::evidence::software::device_id;
use attestation::hex;
use attestation::identity::keystore::fresh_seed;
use attestation::identity::ml_dsa;
use circuits::model::bundle::Bundle;
use circuits::statement::Statement;
use clap::Args;
use serde_json::{Value, json};
use verifier::proof::Proof;
use verifier::receipt::{ReceiptFile, UnauthenticatedNotes};

use crate::commands::names;
use crate::commands::password::PasswordOptions;
use crate::commands::signer::{Password, WorkerKeyOptions};
use crate::commands::worker::HOST;
use crate::development::Worker;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Output, name};

/// A receipt beside the proof.
#[derive(Debug, Args)]
#[command(next_help_heading = "Receipt")]
pub(super) struct ReceiptOptions {
    /// Where to write a receipt with the proof (.receipt), for whoever verifies it; of work that no chain leased, so that none
    /// pays for it. A lease's receipt is signed by `assay worker sign`
    #[arg(long, value_name = "FILE", requires = "signer", conflicts_with_all = ["context", "context_digest"])]
    receipt: Option<PathBuf>,
    /// Encrypted key file of the worker that signs it, as `assay key new --kind ml-dsa-65` makes it
    #[arg(long, value_name = "FILE", requires = "receipt", group = "signer")]
    worker_key: Option<PathBuf>,
    /// Development worker that signs it, worker-1 to worker-5: everybody has its key
    #[arg(long, value_name = "NAME", value_parser = names::development_worker, requires = "receipt", group = "signer")]
    as_worker: Option<Worker>,
    #[command(flatten)]
    password: PasswordOptions,
}

/// A receipt that will be signed.
pub(super) struct Unsigned<'a> {
    path: &'a Path,
    worker: ml_dsa::SigningKey,
    hardware: Hardware,
    nonce: [u8; 32],
    started_ms: u64,
}

impl ReceiptOptions {
    /// Where it goes, if one is asked for.
    pub(super) fn path(&self) -> Option<&Path> {
        self.receipt.as_deref()
    }

    /// Opens the key, before anything is run.
    pub(super) fn open(&self, device: Device, output: &Output) -> Result<Option<Unsigned<'_>>, CliError> {
        let Self { receipt, worker_key, as_worker, password } = self;
        let Some(path) = receipt.as_deref() else { return Ok(None) };
        if let Some(worker) = as_worker {
            output.warn(format!("{} is a development worker: anybody can sign in its name", worker.name()));
        }
        let key = WorkerKeyOptions::of(worker_key.clone(), *as_worker);
        let worker = key.key(&mut Password::new(password), output)?;
        let hardware = Hardware::this_machine(device, HOST).map_err(CliError::Hardware)?;
        let nonce = *fresh_seed().map_err(CliError::Nonce)?;
        Ok(Some(Unsigned { path, worker, hardware, nonce, started_ms: now() }))
    }
}

impl Unsigned<'_> {
    /// What the work is bound to, with a nonce of this run.
    pub(super) fn context(&self, model_hash: [u8; 32], input_hash: [u8; 32]) -> WorkContext {
        let worker = self.worker.public_key().id();
        let device_id = device_id(&worker);
        WorkContext::unleased(model_hash, input_hash, worker, device_id, self.nonce, self.started_ms)
    }

    /// Signs and writes it; the answer is its part of the envelope.
    pub(super) fn write(
        &self,
        context: &WorkContext,
        bundle: &Bundle,
        (statement, proof): (&Statement, &Proof),
        run: Duration,
        existing: Existing,
        output: &Output,
    ) -> Result<Value, CliError> {
        let elapsed_ms = u64::try_from(run.as_millis()).unwrap_or(u64::MAX);
        // What answers a prompt is billed by the token; of other models no formula says so here.
        let tokens = if bundle.graph().generated() > 0 { Model::tokens_of(bundle.graph()) } else { (0, 0) };
        let figures = RunFigures {
            output_hash: statement.output.hash(),
            units: bundle.graph().multiply_accumulates(),
            tokens,
            tier: self.hardware.profile().tier,
            elapsed_ms,
            completed_at: self.started_ms.saturating_add(elapsed_ms),
        };
        let (signed, evidence) = self.hardware.sign(&self.worker, context, &figures).map_err(WorkerError::from)?;
        let info = bundle.info();
        let receipt = ReceiptFile {
            signed,
            evidence,
            input: statement.input.clone(),
            output: statement.output.clone(),
            proofs: vec![proof.clone()],
            unauthenticated: UnauthenticatedNotes {
                model_name: info.name.clone(),
                labels: info.labels.clone(),
                written_by: format!("assay {}", env!("CARGO_PKG_VERSION")),
            },
        };
        files::write(self.path, &receipt.to_bytes(), existing)?;
        let digest = hex::encode(&receipt.signed.digest());
        output.field("receipt", format!("{}, signed by worker {}", name(self.path), names::worker(&context.worker)));
        output.field("receipt digest", &digest);
        Ok(json!({ "out": name(self.path), "digest": digest, "worker": hex::encode(&context.worker) }))
    }
}

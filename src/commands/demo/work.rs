//! One piece of work: run, proof, evidence, receipt.

use std::time::{Duration, Instant};

use attestation::context::WorkContext;
use attestation::evidence::{Attester as _, Evidence, SoftwareAttester};
use attestation::hash::derive;
use attestation::receipt::{DeviceKind, HardwareTier, Metadata, SignedReceipt, UtilisationProfile, WorkReceipt};
use attestation::text::Text;
use circuits::model::reference::{self, Trace};
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use prover::prove::{Proven, prove};
use prover::proving_key::ProvingKey;
use verifier::proof::Proof;
use worker::executor::{Device, Executor};

use super::cast::Cast;
use super::error::StepError;
use super::world::{Leased, now};

const EXECUTABLE_CONTEXT: &str = "assay 2026 executable v1";
/// What evidence and receipts say about this machine; a published receipt should not name it.
const HOST: &str = "demonstration";

/// Everything that a worker hands in, and what it needs to be shown as a file.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) signed: SignedReceipt,
    pub(super) evidence: Evidence,
    pub(super) input: Tensor,
    pub(super) output: Tensor,
    pub(super) proof: Proof,
}

impl Work {
    /// What its proof is about.
    pub(super) fn statement(&self, leased: &Leased) -> Statement {
        let context_digest = leased.context.digest();
        Statement { context_digest, input: self.input.clone(), output: self.output.clone() }
    }
}

/// A worker's machine.
pub(super) struct Bench {
    device: Device,
    executable: [u8; 32],
    hardware: Text<64>,
}

impl Bench {
    /// This machine.
    pub(super) fn new(device: Device) -> Result<Self, StepError> {
        let file = std::env::current_exe().and_then(std::fs::read).map_err(StepError::Executable)?;
        let hardware = match device {
            Device::Cpu => format!("{} processor", std::env::consts::ARCH),
            Device::Cuda(_) => "NVIDIA GPU".to_owned(),
        };
        Ok(Self { device, executable: derive(EXECUTABLE_CONTEXT, &[&file]), hardware: Text::new(hardware)? })
    }

    /// What it calls its hardware.
    pub(super) fn hardware(&self) -> &str {
        self.hardware.as_str()
    }

    /// The device that runs models.
    pub(super) fn device(&self) -> Device {
        self.device
    }

    /// Runs a model on candle, and once more on the reference executor: they must agree in every intermediate value.
    pub(super) fn run(&self, key: &ProvingKey, input: &Tensor) -> Result<(Trace, Duration), StepError> {
        let bundle = key.bundle();
        let executor = Executor::new(bundle, self.device)?;
        let start = Instant::now();
        let trace = executor.trace(input)?;
        let time = start.elapsed();
        let expected = reference::run(bundle.graph(), bundle.weights(), input);
        if expected.as_ref() != Ok(&trace) {
            return Err(StepError::Disagreement);
        }
        Ok((trace, time))
    }

    /// Signs an output for a context, with software evidence.
    pub(super) fn sign(
        &self,
        cast: &Cast,
        context: &WorkContext,
        output: &Tensor,
        units: u64,
        elapsed: Duration,
    ) -> Result<(SignedReceipt, Evidence), StepError> {
        let attester = SoftwareAttester::new(cast.worker.public_key(), self.executable, Text::new(HOST)?);
        let evidence = attester.attest(context)?;
        // Blocks may be a few milliseconds ahead of the clock.
        let completed_at = now().max(context.timestamp);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let receipt = WorkReceipt {
            context: *context,
            output_hash: output.hash(),
            compute_units: units,
            metadata: Metadata {
                tokens_in: 0,
                tokens_out: 0,
                elapsed_ms: elapsed_ms.min(completed_at - context.timestamp),
                device: match self.device {
                    Device::Cpu => DeviceKind::Cpu,
                    Device::Cuda(_) => DeviceKind::Cuda,
                },
                tier: HardwareTier::Entry,
                hardware: self.hardware.clone(),
                utilisation: UtilisationProfile::default(),
            },
            completed_at,
            evidence_digest: evidence.digest(),
            session: None,
        };
        Ok((SignedReceipt::sign(receipt, &cast.worker)?, evidence))
    }

    /// All of it in one go: run, prove, sign.
    pub(super) fn work(
        &self,
        cast: &Cast,
        key: &ProvingKey,
        context: &WorkContext,
        input: &Tensor,
        units: u64,
    ) -> Result<Work, StepError> {
        let (trace, elapsed) = self.run(key, input)?;
        let Proven { statement, proof } = prove(key, context.digest(), &trace.values)?;
        let (signed, evidence) = self.sign(cast, context, &statement.output, units, elapsed)?;
        Ok(Work { signed, evidence, input: statement.input, output: statement.output, proof })
    }
}

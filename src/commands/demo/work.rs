//! One piece of work by hand: run, proof, evidence, receipt. The loops of the workers do the same by themselves.

use attestation::context::WorkContext;
use attestation::evidence::Evidence;
use attestation::identity::ml_dsa;
use attestation::receipt::{HardwareTier, SignedReceipt};
use chain::types::Hash;
use chain::types::transaction::{Action, CheckedTransaction, SubmitResult};
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use prover::prove::{Proven, prove};
use prover::proving_key::ProvingKey;
use verifier::proof::Proof;
use worker::engine::{CandleEngine, Engine as _, Run};
use worker::hardware::{RunFigures, now};
use worker::{Hardware, ServedModel};

use super::error::StepError;

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
    pub(super) fn statement(&self, context_digest: Hash) -> Statement {
        Statement { context_digest, input: self.input.clone(), output: self.output.clone() }
    }

    /// What a block holds of the work for a lease.
    pub(super) fn of_block(transactions: &[Vec<u8>], lease: &Hash, input: &Tensor) -> Option<Self> {
        transactions.iter().find_map(|bytes| {
            let checked = CheckedTransaction::parse(bytes).ok()?;
            let Action::SubmitResult(submission) = &checked.transaction().action else { return None };
            let SubmitResult { lease: handed_in, signed, output, evidence, proofs, .. } = &**submission;
            let proof = Proof::from_bytes(proofs.first()?).ok()?;
            (handed_in.id == *lease).then(|| Self {
                signed: signed.clone(),
                evidence: evidence.clone(),
                input: input.clone(),
                output: output.clone(),
                proof,
            })
        })
    }
}

/// A worker's machine and its key.
pub(super) struct Bench {
    hardware: Hardware,
    engine: CandleEngine,
    key: ml_dsa::SigningKey,
}

impl Bench {
    pub(super) fn new(hardware: Hardware, key: ml_dsa::SigningKey) -> Self {
        let engine = CandleEngine::new(hardware.device());
        Self { hardware, engine, key }
    }

    /// Runs a model on candle, and once more on the reference executor: they must agree in every intermediate value.
    pub(super) fn run(&self, model: &ServedModel, input: &Tensor) -> Result<Run, StepError> {
        Ok(self.engine.run(model, input)?)
    }

    /// Signs an output for a context, with software evidence.
    pub(super) fn sign(
        &self,
        context: &WorkContext,
        output: &Tensor,
        units: u64,
        elapsed_ms: u64,
    ) -> Result<(SignedReceipt, Evidence), StepError> {
        let output_hash = output.hash();
        let (tokens, tier, completed_at) = ((0, 0), HardwareTier::Entry, now());
        let figures = RunFigures { output_hash, units, tokens, tier, elapsed_ms, completed_at };
        Ok(self.hardware.sign(&self.key, context, &figures)?)
    }

    /// All of it in one go: run, prove, sign.
    pub(super) fn work(
        &self,
        model: &ServedModel,
        context: &WorkContext,
        input: &Tensor,
        units: u64,
    ) -> Result<Work, StepError> {
        let run = self.run(model, input)?;
        let Proven { statement, proof } = self.prove(model.key(), context, &run)?;
        let elapsed_ms = u64::try_from(run.elapsed.as_millis()).unwrap_or(u64::MAX);
        let (signed, evidence) = self.sign(context, &statement.output, units, elapsed_ms)?;
        Ok(Work { signed, evidence, input: statement.input, output: statement.output, proof })
    }

    /// Proves a run.
    pub(super) fn prove(&self, key: &ProvingKey, context: &WorkContext, run: &Run) -> Result<Proven, StepError> {
        Ok(prove(key, context.digest(), &run.trace.values)?)
    }
}

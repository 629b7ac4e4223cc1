//! The forgeries: each is everything an honest result is, but for one lie.

use attestation::context::WorkContext;
use attestation::hash::derive;
use chain::types::Hash;
use circuits::model::tensor::Tensor;
use prover::proving_key::ProvingKey;
use worker::ServedModel;

use super::error::StepError;
use super::work::{Bench, Work};
use crate::forgery::swap_extremes;

const INVENTED_NONCE_CONTEXT: &str = "assay 2026 demonstration-invented-nonce v1";

/// The proof with one bit of its middle byte changed; the file around it is made anew, so its checksum is right.
pub(super) fn changed_byte(honest: &Work) -> Work {
    let mut forged = honest.clone();
    let middle = forged.proof.bytes.len() / 2;
    if let Some(byte) = forged.proof.bytes.get_mut(middle) {
        *byte ^= 1;
    }
    forged
}

/// An honest run and proof of another model, relabelled as the leased one.
pub(super) fn other_weights(
    bench: &Bench,
    key: &ProvingKey,
    other: &ServedModel,
    context: &WorkContext,
    honest: &Work,
) -> Result<Work, StepError> {
    let units = honest.signed.receipt.compute_units;
    let mut forged = bench.work(other, context, &honest.input, units)?;
    if forged.output == honest.output {
        return Err(StepError::SameOutput);
    }
    forged.proof.key_digest = key.verifying().digest();
    Ok(forged)
}

/// Honest work under a context that the worker made up.
pub(super) fn invented_context(
    bench: &Bench,
    model: &ServedModel,
    context: &WorkContext,
    honest: &Work,
) -> Result<Work, StepError> {
    let nonce = derive(INVENTED_NONCE_CONTEXT, &[&context.nonce]);
    let context = WorkContext { nonce, ..*context };
    bench.work(model, &context, &honest.input, honest.signed.receipt.compute_units)
}

/// The same job's work, done and signed for another chain.
pub(super) fn other_chain(
    bench: &Bench,
    model: &ServedModel,
    context: &WorkContext,
    (chain_id, genesis): (u32, Hash),
    honest: &Work,
) -> Result<Work, StepError> {
    let context = WorkContext { chain_id, genesis, ..*context };
    bench.work(model, &context, &honest.input, honest.signed.receipt.compute_units)
}

/// Another output than the model's, signed, with the true proof relabelled to it.
pub(super) fn false_output(bench: &Bench, context: &WorkContext, honest: &Work) -> Result<Work, StepError> {
    let mut values = honest.output.values().to_vec();
    swap_extremes(&mut values);
    let output = Tensor::new(honest.output.shape().to_vec(), values)?;
    if output == honest.output {
        return Err(StepError::SameOutput);
    }
    let receipt = &honest.signed.receipt;
    let (signed, evidence) = bench.sign(context, &output, receipt.compute_units, receipt.metadata.elapsed_ms)?;
    let mut forged = Work { signed, evidence, input: honest.input.clone(), output, proof: honest.proof.clone() };
    forged.proof.statement_digest = forged.statement(context.digest()).digest();
    Ok(forged)
}

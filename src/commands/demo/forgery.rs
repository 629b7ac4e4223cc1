//! The forgeries: each is everything an honest result is, but for one lie.

use std::time::Duration;

use attestation::context::WorkContext;
use attestation::hash::derive;
use circuits::model::tensor::Tensor;
use prover::proving_key::ProvingKey;

use super::cast::Cast;
use super::error::StepError;
use super::work::{Bench, Work};
use super::world::Leased;

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
    cast: &Cast,
    key: &ProvingKey,
    other: &ProvingKey,
    leased: &Leased,
    honest: &Work,
) -> Result<Work, StepError> {
    let units = honest.signed.receipt.compute_units;
    let mut forged = bench.work(cast, other, &leased.context, &honest.input, units)?;
    if forged.output == honest.output {
        return Err(StepError::SameOutput);
    }
    forged.proof.key_digest = key.verifying().digest();
    Ok(forged)
}

/// Honest work under a context that the worker made up.
pub(super) fn invented_context(
    bench: &Bench,
    cast: &Cast,
    key: &ProvingKey,
    leased: &Leased,
    honest: &Work,
) -> Result<Work, StepError> {
    let nonce = derive(INVENTED_NONCE_CONTEXT, &[&leased.context.nonce]);
    let context = WorkContext { nonce, ..leased.context };
    bench.work(cast, key, &context, &honest.input, honest.signed.receipt.compute_units)
}

/// Another output than the model's, signed, with the true proof relabelled to it.
pub(super) fn false_output(bench: &Bench, cast: &Cast, leased: &Leased, honest: &Work) -> Result<Work, StepError> {
    let mut values = honest.output.values().to_vec();
    // The largest and the smallest element change places: another label, every element still in its range.
    let position = |wanted: Option<i64>| values.iter().position(|value| Some(*value) == wanted);
    let (largest, smallest) = (values.iter().copied().max(), values.iter().copied().min());
    if let (Some(first), Some(second)) = (position(largest), position(smallest)) {
        values.swap(first, second);
    }
    let output = Tensor::new(honest.output.shape().to_vec(), values)?;
    if output == honest.output {
        return Err(StepError::SameOutput);
    }
    let units = honest.signed.receipt.compute_units;
    let elapsed = Duration::from_millis(honest.signed.receipt.metadata.elapsed_ms);
    let (signed, evidence) = bench.sign(cast, &leased.context, &output, units, elapsed)?;
    let mut forged = Work { signed, evidence, input: honest.input.clone(), output, proof: honest.proof.clone() };
    forged.proof.statement_digest = forged.statement(leased).digest();
    Ok(forged)
}

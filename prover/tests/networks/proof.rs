//! One network's proof: made, verified, held against the float run, and refused for another output.

use std::sync::Arc;
use std::time::Instant;

use circuits::model::bundle::Bundle;
use circuits::model::graph::Graph;
use circuits::model::reference;
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use prover::estimate::Estimate;
use prover::import::onnx::{FloatRuns, Lists, TOLERANCE, integer_input};
use prover::prove::prove;
use prover::proving_key::ProvingKey;
use verifier::key::VerifyingKey;
use verifier::proof::{Proof, ProofError, verify};
use verifier::setup::Setup;

/// Memory that a proof may be predicted to need.
const MEMORY_MAX: u64 = 12 << 30;

/// What became of a network's proof.
pub(crate) enum Outcome {
    /// Made and verified, and the same for another output refused.
    Proven {
        /// Its size.
        bytes: usize,
        /// Time that it took, without the keys.
        seconds: f64,
    },
    /// Not made, and why.
    Skipped(String),
    /// Not what it has to be.
    Failed(String),
}

/// Why a graph is not proven here.
pub(crate) fn obstacle(graph: &Graph, k_max: u32) -> Option<String> {
    let k = graph.layout().k;
    if k > k_max {
        return Some(format!("not in this run: 2^{k} rows"));
    }
    let needed = Estimate::new(graph).unwrap().memory.peak_bytes();
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    (needed > MEMORY_MAX)
        .then(|| format!("predicted to need {:.1} GiB of memory, this test allows {:.0}", gib(needed), gib(MEMORY_MAX)))
}

/// Proves the first input of `inputs`.
pub(crate) fn prove_and_refuse(bundle: Bundle, setup: &Setup, network: &[u8], inputs: &Lists) -> Outcome {
    proven(bundle, setup, network, inputs).unwrap_or_else(Outcome::Failed)
}

fn proven(bundle: Bundle, setup: &Setup, network: &[u8], inputs: &Lists) -> Result<Outcome, String> {
    let quantisation = bundle.info().quantisation.clone().unwrap();
    let input = integer_input(&quantisation, bundle.graph().input(), inputs, 0).map_err(|error| error.to_string())?;
    let trace = reference::run(bundle.graph(), bundle.weights(), &input).map_err(|error| error.to_string())?;
    let key = ProvingKey::derive(Arc::new(bundle), setup).map_err(|error| error.to_string())?;
    let start = Instant::now();
    let proven = prove(&key, [7; 32], &trace.values).map_err(|error| error.to_string())?;
    let seconds = start.elapsed().as_secs_f64();
    let (statement, proof) = (proven.statement, proven.proof);
    let verifying = VerifyingKey::from_bytes(&key.verifying().to_bytes()).map_err(|error| error.to_string())?;
    verify(&verifying, &statement, &proof).map_err(|error| error.to_string())?;
    if statement.input != input {
        return Err("the proven input is not the one that was asked for".to_owned());
    }
    let float = FloatRuns::new(network, inputs).map_err(|error| error.to_string())?;
    let outputs = float.compare(&quantisation, 0, statement.output.values()).unwrap();
    if let Some(output) = outputs.iter().find(|output| !output.is_within(TOLERANCE)) {
        return Err(format!("the proven output is not the float run's: {output:?}"));
    }
    for place in [0, statement.output.values().len() - 1] {
        let (changed, expected) = other_output(&statement, &verifying, place);
        let relabelled = Proof { statement_digest: changed.digest(), ..proof.clone() };
        let got = verify(&verifying, &changed, &relabelled).err();
        if got.as_ref() != Some(&expected) {
            return Err(format!("with output {place} changed, expected {expected:?}, got {got:?}"));
        }
    }
    Ok(Outcome::Proven { bytes: proof.bytes.len(), seconds })
}

/// The statement with one output off by one, and how a verifier refuses it.
fn other_output(statement: &Statement, key: &VerifyingKey, place: usize) -> (Statement, ProofError) {
    let range = key.graph().output().range;
    let mut values = statement.output.values().to_vec();
    values[place] += if values[place] < range.max { 1 } else { -1 };
    let statement = Statement { output: Tensor::vector(values).unwrap(), ..statement.clone() };
    let expected = match statement.instance(key.graph()) {
        // An output that the model can never have is refused before the proof is looked at.
        Err(error) => ProofError::Statement(error),
        // Another challenge combines committed rows to others, unless there is but one.
        Ok(_) if key.rows().len() > 1 => ProofError::Weights,
        Ok(_) => ProofError::Constraints,
    };
    (statement, expected)
}

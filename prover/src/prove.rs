//! From a trace to a proof that its own verifier accepted.

use circuits::circuit::Assignment;
use circuits::layout::tape::WeightPlace;
use circuits::model::tensor::{Tensor, TensorError};
use circuits::statement::{Statement, StatementError};
use circuits::witness::{Witness, WitnessError};
use halo2_proofs::halo2curves::bn256::Fr;
use verifier::key::PROOF_SYSTEM;
use verifier::proof::{self, Proof, ProofError};
use verifier::transcript::HASH_ID;

use crate::engine;
use crate::environment::{self, EnvironmentError};
use crate::profile::{Stage, Stages};
use crate::proving_key::ProvingKey;
use crate::transcript::ProofWriter;

/// Why no proof was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// Nothing may run in this environment.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The trace's first or last value is not a tensor of the model.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The statement cannot be about this model.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The trace does not fit the circuit.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The bundle's weights do not have the circuit's shapes.
    #[error("bundle: the weights do not have the graph's shapes")]
    Shapes,
    /// A commitment is the identity, which no proof may contain.
    #[error("the proof could not be written: {detail}")]
    Identity {
        /// What it said.
        detail: String,
    },
    /// The proof was made and does not verify: the trace is not an honest run of the model.
    #[error("the proof does not verify, so the trace is not an honest run of this model: {0}")]
    Rejected(#[from] ProofError),
}

/// A proof and the statement it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Context, input and output.
    pub statement: Statement,
    /// The proof.
    pub proof: Proof,
}

/// Proves that under the context with digest `context_digest`, the model maps the trace's input to its output.
///
/// `values[0]` is the input, `values[i + 1]` the output of node `i`, as every executor returns them. The proof is
/// verified before it is returned; a trace that is not an honest run is an error, never a proof.
pub fn prove(key: &ProvingKey, context_digest: [u8; 32], values: &[Vec<i64>]) -> Result<Proven, ProveError> {
    prove_in_stages(key, context_digest, values).map(|(proven, _)| proven)
}

/// The same, and how long each part took.
pub fn prove_in_stages(
    key: &ProvingKey,
    context_digest: [u8; 32],
    values: &[Vec<i64>],
) -> Result<(Proven, Vec<Stage>), ProveError> {
    environment::check()?;
    let mut stages = Stages::begin();
    // On a thread of the pool, whose many short parallel steps then wake no other thread to wait for it.
    let proven = rayon::scope(|_| prove_here(key, context_digest, values, &mut stages))?;
    Ok((proven, stages.into_vec()))
}

fn prove_here(
    key: &ProvingKey,
    context_digest: [u8; 32],
    values: &[Vec<i64>],
    stages: &mut Stages,
) -> Result<Proven, ProveError> {
    let graph = key.bundle().graph();
    let asked = graph.input().shape.iter().map(|side| *side as usize).product();
    let input = values.first().map(|sequence| sequence.iter().take(asked).copied().collect()).unwrap_or_default();
    let output = values.last().cloned().unwrap_or_default();
    let statement = Statement {
        context_digest,
        input: Tensor::new(graph.input().shape.clone(), input)?,
        output: Tensor::vector(output)?,
    };
    let instance = statement.instance(graph)?;
    let witness = Witness::new(key.plan(), values, key.bundle().weights())?;
    if key.matrix().is_none() {
        return Err(ProveError::Shapes);
    }
    let assignment = ProofAssignment { key: key.clone(), witness };
    stages.end("witness");
    let proof = create(key, &assignment, &instance, &statement, stages)?;
    proof::verify(key.verifying(), &statement, &proof)?;
    stages.end("verification");
    Ok(Proven { statement, proof })
}

fn create(
    key: &ProvingKey,
    assignment: &ProofAssignment,
    instance: &[Fr],
    statement: &Statement,
    stages: &mut Stages,
) -> Result<Proof, ProveError> {
    let verifying = key.verifying();
    let mut writer = ProofWriter::new(&verifying.digest());
    engine::prove(key, assignment, instance, &mut writer, stages)
        .map_err(|error| ProveError::Identity { detail: error.to_string() })?;
    Ok(Proof {
        system: PROOF_SYSTEM.to_owned(),
        hash: HASH_ID,
        setup_id: verifying.setup_id(),
        key_digest: verifying.digest(),
        statement_digest: statement.digest(),
        bytes: writer.into_bytes(),
    })
}

#[derive(Debug)]
struct ProofAssignment {
    key: ProvingKey,
    witness: Witness,
}

impl Assignment for ProofAssignment {
    fn witness(&self) -> &Witness {
        &self.witness
    }

    fn combine(&self, r: Fr) -> Vec<(WeightPlace, Fr)> {
        self.key.matrix().map(|matrix| matrix.combine(r)).unwrap_or_default()
    }
}

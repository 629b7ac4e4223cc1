//! Proving keys: the verifying key, the model's weights, and what halo2 precomputes for a circuit.
//!
//! Committed rows are added up by [`crate::commitment`], as columns are; whoever verifies adds them up by other code
//! ([`verifier::rows`]), and both must agree. MiniLM's shape (24 million weights) is derived in 6.2 s instead of 13.4 s so, on two
//! cores of an Intel Xeon; its verifying key alone in 4.2 s instead of 11.7 s.

use std::sync::Arc;

use circuits::circuit::InferenceCircuit;
use circuits::committed::CommittedMatrix;
use circuits::layout::Plan;
use circuits::model::bundle::Bundle;
use halo2_proofs::halo2curves::bn256::{G1, G1Affine};
use halo2_proofs::halo2curves::group::Curve;
use halo2_proofs::plonk::{self, keygen_pk2, keygen_vk};
use verifier::key::{ModelCommitment, RowCommitment, VerifyingKey};
use verifier::points::encode_affine;
use verifier::rows::{RowsError, commit_with};
use verifier::setup::Setup;

use crate::commitment::Parameters;
use crate::environment::{self, EnvironmentError};

/// Why no proving key was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvingKeyError {
    /// Nothing may run in this environment.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The verifying key could not be derived.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The setup's bases are too small for the circuit.
    #[error("setup: expected bases for at least 2^{expected} rows, got 2^{got}")]
    SetupSize {
        /// k of the circuit.
        expected: u32,
        /// k of the setup.
        got: u32,
    },
    /// halo2 could not build the key.
    #[error("halo2 could not build the proving key: {detail}")]
    Halo2 {
        /// What it said.
        detail: String,
    },
}

/// What both keys of a bundle follow from.
struct Derivation {
    plan: Arc<Plan>,
    setup: Setup,
    parameters: Parameters,
    commitment: ModelCommitment,
}

impl Derivation {
    fn new(bundle: &Bundle, setup: &Setup) -> Result<Self, ProvingKeyError> {
        environment::check()?;
        let k = bundle.graph().layout().k;
        let setup = setup.at(k).ok_or(ProvingKeyError::SetupSize { expected: k, got: setup.k() })?;
        let plan = Arc::new(Plan::new(bundle.graph()).map_err(RowsError::from)?);
        let parameters = Parameters::of(&setup);
        let row = |sum: G1| RowCommitment(encode_affine(&sum.to_affine()));
        let commitment = commit_with(bundle, &plan, &|cells| parameters.lagrange().multiply_integers(cells).map(row))?;
        Ok(Self { plan, setup, parameters, commitment })
    }

    fn circuit(&self) -> InferenceCircuit {
        InferenceCircuit::blank(Arc::clone(&self.plan))
    }

    fn verifying(&self, halo2: &plonk::VerifyingKey<G1Affine>) -> Result<VerifyingKey, ProvingKeyError> {
        let commitment = self.commitment.clone();
        Ok(VerifyingKey::with_circuit(&self.plan, commitment, &self.setup, halo2).map_err(RowsError::from)?)
    }
}

fn refused(error: plonk::Error) -> ProvingKeyError {
    ProvingKeyError::Halo2 { detail: error.to_string() }
}

/// The verifying key of a bundle by the prover's sums, and no proving key: what [`verifier::rows::derive_key`] derives by others.
pub fn derive_verifying_key(bundle: &Bundle, setup: &Setup) -> Result<VerifyingKey, ProvingKeyError> {
    let derivation = Derivation::new(bundle, setup)?;
    derivation.verifying(&keygen_vk(&derivation.parameters, &derivation.circuit()).map_err(refused)?)
}

/// Everything that proving a model needs.
#[derive(Debug, Clone)]
pub struct ProvingKey {
    bundle: Arc<Bundle>,
    plan: Arc<Plan>,
    setup: Setup,
    verifying: VerifyingKey,
    parameters: Parameters,
    halo2: Arc<plonk::ProvingKey<G1Affine>>,
}

impl ProvingKey {
    /// Derives both keys of a bundle.
    pub fn derive(bundle: Arc<Bundle>, setup: &Setup) -> Result<Self, ProvingKeyError> {
        let derivation = Derivation::new(&bundle, setup)?;
        // Without selectors there is nothing to compress; one pass makes both of halo2's keys.
        let halo2 = keygen_pk2(&derivation.parameters, &derivation.circuit(), false).map_err(refused)?;
        let verifying = derivation.verifying(halo2.get_vk())?;
        let Derivation { plan, setup, parameters, .. } = derivation;
        Ok(Self { bundle, plan, setup, verifying, parameters, halo2: Arc::new(halo2) })
    }

    /// A key of parts that belong together.
    pub(crate) fn assemble(
        bundle: Arc<Bundle>,
        plan: Arc<Plan>,
        setup: Setup,
        verifying: VerifyingKey,
        halo2: plonk::ProvingKey<G1Affine>,
    ) -> Self {
        let parameters = Parameters::of(&setup);
        Self { bundle, plan, setup, verifying, parameters, halo2: Arc::new(halo2) }
    }

    /// The verifying key.
    #[must_use]
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The bundle that is proven.
    #[must_use]
    pub fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// The setup, at the circuit's size.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The circuit's row plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// halo2's own proving key.
    #[must_use]
    pub fn halo2(&self) -> &plonk::ProvingKey<G1Affine> {
        &self.halo2
    }

    /// The setup's points, ready for commitments.
    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    pub(crate) fn matrix(&self) -> Option<CommittedMatrix<'_>> {
        CommittedMatrix::new(self.plan(), self.bundle.weights())
    }
}

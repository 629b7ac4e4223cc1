//! Who takes part: accounts and a worker whose keys everybody knows, and the digits model.

use std::sync::Arc;

use attestation::hash::derive;
use attestation::identity::{ed25519, ml_dsa};
use chain::types::GenesisAccount;
use circuits::model::bundle::Bundle;
use circuits::model::graph::Operator;
use circuits::model::weights::{DenseWeights, Weights};
use prover::import::digits::{self, Digit, DigitsError};

use super::error::StepError;

const KEY_CONTEXT: &str = "assay 2026 demonstration-key v1";
/// What each account starts with, micro-tokens.
const FUNDS: u128 = 1_000_000_000;

const MODEL: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits/digits.assay"));
const IMAGES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits/digits.csv"));

/// The accounts and the worker.
pub(super) struct Cast {
    /// Makes the blocks.
    pub(super) validator: ed25519::SigningKey,
    /// Publishes the model.
    pub(super) owner: ed25519::SigningKey,
    /// Pays for a job.
    pub(super) requester: ed25519::SigningKey,
    /// Runs the worker.
    pub(super) operator: ed25519::SigningKey,
    /// Signs receipts.
    pub(super) worker: ml_dsa::SigningKey,
}

impl Cast {
    /// The same people every time.
    pub(super) fn new() -> Self {
        let seed = |name: &str| derive(KEY_CONTEXT, &[name.as_bytes()]);
        let account = |name| ed25519::SigningKey::from_seed(&seed(name));
        Self {
            validator: account("validator"),
            owner: account("owner"),
            requester: account("requester"),
            operator: account("operator"),
            worker: ml_dsa::SigningKey::from_seed(&seed("worker")),
        }
    }

    /// The accounts by name.
    pub(super) fn accounts(&self) -> [(&'static str, &ed25519::SigningKey); 4] {
        [
            ("model owner", &self.owner),
            ("requester", &self.requester),
            ("operator", &self.operator),
            ("validator", &self.validator),
        ]
    }

    /// Everybody's balance at genesis.
    pub(super) fn funds(&self) -> Vec<GenesisAccount> {
        let funded = |(_, key): &(&str, &ed25519::SigningKey)| GenesisAccount {
            address: key.public_key().address(),
            balance: FUNDS,
        };
        self.accounts().iter().map(funded).collect()
    }
}

/// The digits model that this program carries.
pub(super) fn model() -> Result<Arc<Bundle>, StepError> {
    Ok(Arc::new(Bundle::from_bytes(MODEL)?))
}

/// Held-back image number `image` and the one after it.
pub(super) fn digits(image: usize) -> Result<[Digit; 2], StepError> {
    let test = digits::split(digits::parse(IMAGES)?).test;
    let mut from_there = test.into_iter().cycle().skip(image);
    match (from_there.next(), from_there.next()) {
        (Some(first), Some(second)) => Ok([first, second]),
        _ => Err(DigitsError::Lines { got: 0 }.into()),
    }
}

/// Another model of the same graph: every first-layer neuron reads its inputs in reverse.
///
/// Reordering a row keeps the interval of its sums, so the declared intervals still hold and the forger's bundle is a
/// valid model in its own right.
pub(super) fn other_weights(bundle: &Bundle) -> Result<Arc<Bundle>, StepError> {
    let graph = bundle.graph();
    let first = graph.nodes().iter().position(|node| matches!(node.operator, Operator::Dense { .. }));
    let mut nodes = bundle.weights().clone().into_nodes();
    if let Some(dense) = first.and_then(|node| nodes.get_mut(&node)) {
        let reversed = dense.rows().flat_map(|(row, _)| row.iter().rev().copied()).collect();
        *dense = DenseWeights::new(dense.outputs(), dense.inputs(), reversed, dense.bias().to_vec())?;
    }
    let weights = Weights::new(graph, nodes)?;
    Ok(Arc::new(Bundle::new(graph.clone(), weights, bundle.info().clone())?))
}

/// Multiply-accumulates of one run: the units a run is billed at.
pub(super) fn units(bundle: &Bundle) -> u64 {
    let of = |operator: &Operator| match operator {
        Operator::Dense { inputs, outputs, .. } => u64::from(*inputs) * u64::from(*outputs),
        Operator::Requantise { .. } => 0,
    };
    bundle.graph().nodes().iter().map(|node| of(&node.operator)).sum()
}

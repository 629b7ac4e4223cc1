//! What is worked on: the digits model and its pictures.

use std::sync::Arc;

use circuits::model::bundle::Bundle;
use circuits::model::graph::Operator;
use circuits::model::weights::{LinearWeights, Weights};
use prover::import::digits::{self, Digit, DigitsError};

use super::error::StepError;

/// The model file that this program carries.
pub(in crate::commands) const MODEL: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits/digits.assay"));
const IMAGES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits/digits.csv"));

/// The digits model that this program carries.
pub(super) fn model() -> Result<Arc<Bundle>, StepError> {
    Ok(Arc::new(Bundle::from_bytes(MODEL)?))
}

/// Held-back image number `image` and the three after it.
pub(super) fn digits(image: usize) -> Result<[Digit; 4], StepError> {
    let test = digits::split(digits::parse(IMAGES)?).test;
    let found: Vec<Digit> = test.into_iter().cycle().skip(image).take(4).collect();
    found.try_into().map_err(|found: Vec<Digit>| DigitsError::Lines { got: found.len() }.into())
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
        *dense = LinearWeights::new(dense.outputs(), dense.inputs(), reversed, dense.bias().to_vec())?;
    }
    let weights = Weights::new(graph, nodes)?;
    Ok(Arc::new(Bundle::new(graph.clone(), weights, bundle.info().clone())?))
}

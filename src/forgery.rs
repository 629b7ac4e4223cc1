//! Changes that a cheater makes: to an output, and to a model. The demonstration refuses them, and the benchmark of layers
//! counts who does.

use circuits::model::bundle::{Bundle, BundleError};
use circuits::model::weights::{LinearWeights, Weights, WeightsError};

/// Why a model cannot be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgeryError {
    #[error("the model has no weights to change")]
    Weightless,
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// The largest and the smallest element change places: another label, every element still in its range.
pub(crate) fn swap_extremes(values: &mut [i64]) {
    let position = |wanted: Option<i64>| values.iter().position(|value| Some(*value) == wanted);
    let (largest, smallest) = (values.iter().copied().max(), values.iter().copied().min());
    if let (Some(first), Some(second)) = (position(largest), position(smallest)) {
        values.swap(first, second);
    }
}

/// Another model of the same graph: the first weighted operator reads its inputs in reverse.
///
/// Reordering a row keeps the interval of its sums, so the declared intervals still hold and the forger's bundle is a
/// valid model in its own right.
pub(crate) fn other_weights(bundle: &Bundle) -> Result<Bundle, ForgeryError> {
    changed(bundle, |weights| weights.rows().flat_map(|(row, _)| row.iter().rev().copied()).collect())
}

/// A model that takes less to compute: half of the first weighted operator's outputs have no weights left.
#[cfg(feature = "synthetic")]
pub(crate) fn smaller(bundle: &Bundle) -> Result<Bundle, ForgeryError> {
    changed(bundle, |weights| {
        let mut values = weights.weights().to_vec();
        let kept = values.len() / 2;
        values.iter_mut().skip(kept).for_each(|weight| *weight = 0);
        values
    })
}

fn changed(bundle: &Bundle, change: impl Fn(&LinearWeights) -> Vec<i32>) -> Result<Bundle, ForgeryError> {
    let graph = bundle.graph();
    let first = graph.nodes().iter().position(|node| node.operator.has_weights());
    let mut nodes = bundle.weights().clone().into_nodes();
    let weights = first.and_then(|node| nodes.get_mut(&node)).ok_or(ForgeryError::Weightless)?;
    *weights = LinearWeights::new(weights.outputs(), weights.inputs(), change(weights), weights.bias().to_vec())?;
    Ok(Bundle::new(graph.clone(), Weights::new(graph, nodes)?, bundle.info().clone())?)
}

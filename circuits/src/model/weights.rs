//! The integers of a model: one weight matrix and one bias vector per linear node (dense, convolution, embedding).
//!
//! Weights live outside the graph, because verifying keys are derived from the graph alone. Multipliers are already
//! folded in, so a weight is a plain `i32` and a bias an `i64`; how large they may be together with the input's range
//! is decided by [`super::analysis`], not here. Here only shapes are checked.

use std::collections::BTreeMap;

use super::graph::{Graph, Operator};

/// Why a set of weights was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// The matrix does not hold `outputs * inputs` weights.
    #[error("weights [{outputs}, {inputs}]: expected {expected} elements, got {got}")]
    Matrix {
        /// Rows of the matrix.
        outputs: u32,
        /// Columns of the matrix.
        inputs: u32,
        /// Product of the two, in 64 bits.
        expected: u64,
        /// Elements that came.
        got: usize,
    },
    /// The bias does not hold one element per output.
    #[error("bias: expected {expected} elements, got {got}")]
    Bias {
        /// Number of outputs.
        expected: u32,
        /// Elements that came.
        got: usize,
    },
    /// A linear node has no weights.
    #[error("node {node}: a linear node without weights")]
    Missing {
        /// Node index.
        node: usize,
    },
    /// Weights came for a node that is not linear or not there.
    #[error("node {node}: weights for a node that is not linear")]
    Unexpected {
        /// Node index.
        node: usize,
    },
    /// The matrix has another shape than its node.
    #[error("node {node}: expected weights {expected:?} ([outputs, inputs]), got {got:?}")]
    Shape {
        /// Node index.
        node: usize,
        /// Outputs and inputs of the node.
        expected: [u32; 2],
        /// Outputs and inputs of the matrix.
        got: [u32; 2],
    },
    /// An embedding has a bias.
    #[error("node {node} (embedding): expected biases of zero, got {got} for output {output}; add it to the weights")]
    Biased {
        /// Node index.
        node: usize,
        /// First output that has one.
        output: usize,
        /// Its bias.
        got: i64,
    },
}

/// Weights `[outputs, inputs]` in row-major order, and the bias `[outputs]`, of one linear node.
///
/// Invariant: `weights.len() == outputs * inputs`, `bias.len() == outputs`, neither dimension is zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinearWeights {
    inputs: u32,
    outputs: u32,
    weights: Vec<i32>,
    bias: Vec<i64>,
}

impl LinearWeights {
    /// Checks the two lengths against the shape.
    pub fn new(outputs: u32, inputs: u32, weights: Vec<i32>, bias: Vec<i64>) -> Result<Self, WeightsError> {
        let expected = u64::from(outputs) * u64::from(inputs);
        if u64::try_from(weights.len()) != Ok(expected) || expected == 0 {
            return Err(WeightsError::Matrix { outputs, inputs, expected, got: weights.len() });
        }
        if usize::try_from(outputs) != Ok(bias.len()) {
            return Err(WeightsError::Bias { expected: outputs, got: bias.len() });
        }
        Ok(Self { inputs, outputs, weights, bias })
    }

    /// Number of columns.
    #[must_use]
    pub fn inputs(&self) -> u32 {
        self.inputs
    }

    /// Number of rows.
    #[must_use]
    pub fn outputs(&self) -> u32 {
        self.outputs
    }

    /// All weights, row-major.
    #[must_use]
    pub fn weights(&self) -> &[i32] {
        &self.weights
    }

    /// The bias of every output.
    #[must_use]
    pub fn bias(&self) -> &[i64] {
        &self.bias
    }

    /// The weights of output `output`, or `None` beyond the last.
    #[must_use]
    pub fn row(&self, output: usize) -> Option<&[i32]> {
        self.weights.chunks_exact(self.width()).nth(output)
    }

    /// The weights and the bias of every output, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (&[i32], i64)> + DoubleEndedIterator {
        self.weights.chunks_exact(self.width()).zip(self.bias.iter().copied())
    }

    fn width(&self) -> usize {
        // The matrix is in memory, so its width fits; `max` keeps the chunk size positive by construction.
        usize::try_from(self.inputs).unwrap_or(usize::MAX).max(1)
    }
}

/// The weights of a whole graph, by node index.
///
/// Invariant: exactly the linear nodes of the graph it was checked against, each in its node's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    nodes: BTreeMap<usize, LinearWeights>,
}

impl Weights {
    /// Checks that every linear node of `graph`, and nothing else, has weights of its shape.
    pub fn new(graph: &Graph, nodes: BTreeMap<usize, LinearWeights>) -> Result<Self, WeightsError> {
        let shapes = linear_shapes(graph);
        if let Some(node) = nodes.keys().copied().find(|node| !shapes.contains_key(node)) {
            return Err(WeightsError::Unexpected { node });
        }
        for (&node, &expected) in &shapes {
            let weights = nodes.get(&node).ok_or(WeightsError::Missing { node })?;
            let got = [weights.outputs, weights.inputs];
            if got != expected {
                return Err(WeightsError::Shape { node, expected, got });
            }
            let is_embedding =
                graph.nodes().get(node).is_some_and(|node| matches!(node.operator, Operator::Embedding { .. }));
            if let Some((output, got)) = weights.bias.iter().copied().enumerate().find(|(_, bias)| *bias != 0)
                && is_embedding
            {
                return Err(WeightsError::Biased { node, output, got });
            }
        }
        Ok(Self { nodes })
    }

    /// The weights of node `node`, or `None` if it is not linear.
    #[must_use]
    pub fn get(&self, node: usize) -> Option<&LinearWeights> {
        self.nodes.get(&node)
    }

    /// Node index and weights of every linear node, in node order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &LinearWeights)> {
        self.nodes.iter().map(|(node, weights)| (*node, weights))
    }

    /// The weights by node index.
    #[must_use]
    pub fn into_nodes(self) -> BTreeMap<usize, LinearWeights> {
        self.nodes
    }
}

/// `[outputs, inputs]` of every linear node, by node index.
#[must_use]
pub fn linear_shapes(graph: &Graph) -> BTreeMap<usize, [u32; 2]> {
    (0..graph.nodes().len()).filter_map(|node| Some((node, linear_shape(graph, node)?))).collect()
}

/// `[outputs, inputs]` of node `node`, or `None` if it is not linear.
pub(super) fn linear_shape(graph: &Graph, node: usize) -> Option<[u32; 2]> {
    let node = graph.nodes().get(node)?;
    match &node.operator {
        Operator::Dense { inputs, outputs, .. } => Some([*outputs, *inputs]),
        Operator::Convolution { geometry, .. } => {
            let channels = graph.sources(node).next()?.shape.first().copied()?;
            Some([geometry.outputs, geometry.columns(channels)?])
        }
        Operator::Embedding { vocabulary, width, .. } => Some([*width, *vocabulary]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::graph::{Input, Layout, Node};
    use super::super::range::Range;
    use super::*;

    #[test]
    fn rows_are_row_major() {
        let weights = LinearWeights::new(2, 3, vec![1, 2, 3, 4, 5, 6], vec![7, 8]).unwrap();
        assert_eq!(weights.row(1), Some([4, 5, 6].as_slice()));
        assert_eq!(weights.row(2), None);
        assert_eq!(weights.rows().collect::<Vec<_>>(), [([1, 2, 3].as_slice(), 7), ([4, 5, 6].as_slice(), 8)]);
    }

    #[test]
    fn lengths_must_match_the_shape() {
        let matrix = |outputs, inputs, expected, got| Err(WeightsError::Matrix { outputs, inputs, expected, got });
        assert_eq!(LinearWeights::new(2, 3, vec![0; 5], vec![0; 2]), matrix(2, 3, 6, 5));
        assert_eq!(LinearWeights::new(0, 3, vec![], vec![]), matrix(0, 3, 0, 0));
        assert_eq!(
            LinearWeights::new(u32::MAX, u32::MAX, vec![], vec![]),
            matrix(u32::MAX, u32::MAX, 18446744065119617025, 0)
        );
        assert_eq!(LinearWeights::new(2, 1, vec![0; 2], vec![0]), Err(WeightsError::Bias { expected: 2, got: 1 }));
    }

    #[test]
    fn an_embedding_has_no_bias() {
        let embedding = Operator::Embedding { vocabulary: 3, width: 2, accumulator: Range { min: -9, max: 9 } };
        let input = Input { shape: vec![1], range: Range { min: 0, max: 2 } };
        let nodes = vec![Node { operator: embedding, inputs: vec![0] }];
        let graph = Graph::new(input, nodes, Layout { k: 10, rows: 2, lanes: 1 }).unwrap();
        let with = |bias| {
            let table = LinearWeights::new(2, 3, vec![1; 6], bias).unwrap();
            Weights::new(&graph, BTreeMap::from([(0, table)]))
        };
        assert!(with(vec![0, 0]).is_ok());
        assert_eq!(with(vec![0, -4]), Err(WeightsError::Biased { node: 0, output: 1, got: -4 }));
    }

    #[test]
    fn exactly_the_dense_nodes_have_weights() {
        let graph = fixture::graph();
        let nodes = fixture::nodes();
        assert!(Weights::new(&graph, nodes.clone()).is_ok());
        let mut missing = nodes.clone();
        missing.remove(&2);
        assert_eq!(Weights::new(&graph, missing), Err(WeightsError::Missing { node: 2 }));
        let mut extra = nodes.clone();
        extra.insert(1, nodes[&0].clone());
        assert_eq!(Weights::new(&graph, extra), Err(WeightsError::Unexpected { node: 1 }));
        let mut other = nodes;
        other.insert(2, LinearWeights::new(3, 2, vec![0; 6], vec![0; 3]).unwrap());
        assert_eq!(Weights::new(&graph, other), Err(WeightsError::Shape { node: 2, expected: [2, 3], got: [3, 2] }));
    }
}

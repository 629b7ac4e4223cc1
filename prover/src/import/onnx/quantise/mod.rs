//! Chooses scales and writes the integer graph.
//!
//! An integer `X` of exponent `e` stands for the real number `X 2^-e`, so changing scales is a shift and most operators
//! need none: sums, products and linear layers stay wide, and a value is narrowed only where few bits are needed: as
//! the argument of a function (a table), as a factor, or before a sum could exceed 2^47. Narrowing clamps to the
//! interval seen in calibration and an eighth beyond; saturation there is part of what the model means.

mod arithmetic;
mod combine;
mod emitter;
mod function;
mod linear;
mod order;
mod prune;
pub(crate) mod scale;

use std::collections::BTreeMap;

use circuits::model::analysis::AnalysisError;
use circuits::model::graph::{Graph, GraphError, Input, Layout, Node};
use circuits::model::range::Range;
use circuits::model::weights::{LinearWeights, Weights, WeightsError};

use self::emitter::Emitter;
use self::scale::{Interval, Precision};
use super::real::RealGraph;

/// Why an integer graph cannot be made of a lowered network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuantiseError {
    /// Weights and their inputs exceed exact arithmetic whatever their scale.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The integer graph breaks a limit.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Weights and graph disagree.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A value cannot be kept within 2^47.
    #[error("node {node} ({operator}): its values exceed 2^47 at every scale; the network's numbers are too far apart")]
    Magnitude {
        /// Node of the lowered network.
        node: usize,
        /// What it computes.
        operator: &'static str,
    },
    /// A node's values are not finite in calibration.
    #[error("node {node} ({operator}): the network computes an infinite value or no number on the calibration inputs")]
    NotFinite {
        /// Node of the lowered network.
        node: usize,
        /// What it computes.
        operator: &'static str,
    },
}

/// A part of the graph's input: one input of the network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    /// First element.
    pub(crate) offset: u32,
    /// Number of elements.
    pub(crate) length: u32,
    /// Whether it holds whole numbers.
    pub(crate) whole: bool,
    /// Interval of its elements in calibration.
    pub(crate) interval: Interval,
}

/// An integer graph with weights, and the exponents of its input's parts and its output.
#[derive(Clone, Debug)]
pub(crate) struct Quantised {
    pub(crate) graph: Graph,
    pub(crate) weights: Weights,
    pub(crate) input_exponents: Vec<i32>,
    pub(crate) output_exponent: i32,
}

/// Writes the integer graph of a lowered network for a precision; `intervals` are the nodes' values in calibration.
pub(crate) fn quantise(
    network: &RealGraph,
    segments: &[Segment],
    intervals: &[Interval],
    precision: Precision,
) -> Result<Quantised, QuantiseError> {
    let mut emitter = Emitter::new(network, segments, intervals, precision)?;
    emitter.run()?;
    let output = emitter.output()?;
    let Emitter { input, input_exponents, nodes, weights, .. } = emitter;
    let (nodes, weights) = prune::prune(nodes, weights);
    let graph = assemble(input, nodes)?;
    let weights = Weights::new(&graph, weights)?;
    Ok(Quantised { graph, weights, input_exponents, output_exponent: output })
}

/// A graph whose layout is not chosen yet.
fn assemble(input: Input, nodes: Vec<Node>) -> Result<Graph, GraphError> {
    let widest = |values: &[circuits::model::graph::Value]| values.iter().map(|value| value.width()).max().unwrap_or(1);
    let values = circuits::model::graph::values(&input, &nodes)?;
    let rows = widest(&values).clamp(1, circuits::model::graph::ROWS_MAX);
    Graph::new(input, nodes, Layout { k: 10, rows, lanes: 1 })
}

/// The integers of a linear node.
pub(crate) type LinearNodes = BTreeMap<usize, LinearWeights>;

/// The interval of one value.
pub(crate) fn point(value: i64) -> Range {
    Range { min: value, max: value }
}

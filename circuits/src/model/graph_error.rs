//! Why a graph is refused.

use super::formula::FormulaError;
use super::graph::{
    CONSTANTS_MAX, FORMULA_DOMAIN_MAX, FORMULA_STEPS_MAX, GRAPH_BYTES_MAX, GRAPH_VERSION, GRAPH_VERSION_GENERATION,
    K_MAX, K_MIN, LANES_MAX, NODES_MAX, ROWS_MAX, SHIFT_MAX, WIDTH_MAX,
};
use super::tensor::RANK_MAX;

/// Why a graph was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// More bytes than [`GRAPH_BYTES_MAX`].
    #[error("graph: expected at most {GRAPH_BYTES_MAX} bytes, got {got}")]
    TooLarge {
        /// Bytes that came.
        got: usize,
    },
    /// The bytes are not the canonical encoding of a graph.
    #[error("graph: not a canonical encoding ({detail})")]
    Encoding {
        /// What the decoder saw.
        detail: String,
    },
    /// Another version of the encoding.
    #[error(
        "graph version: expected {GRAPH_VERSION} to {GRAPH_VERSION_GENERATION}, got {got}; use the release that wrote it"
    )]
    Version {
        /// Version that came.
        got: u16,
    },
    /// The input's shape is empty or too large.
    #[error("graph input: expected 1 to {RANK_MAX} dimensions and 1 to {WIDTH_MAX} elements, got shape {shape:?}")]
    InputShape {
        /// Shape that came.
        shape: Vec<u32>,
    },
    /// A declared interval is empty or exceeds the bound on magnitudes.
    #[error("{place}: interval [{min}, {max}] is empty or exceeds 2^47")]
    Range {
        /// Where it is declared.
        place: String,
        /// Its minimum.
        min: i64,
        /// Its maximum.
        max: i64,
    },
    /// Fewer than one or more than [`NODES_MAX`] nodes.
    #[error("graph nodes: expected 1 to {NODES_MAX}, got {got}")]
    NodeCount {
        /// Nodes that came.
        got: usize,
    },
    /// All values together have more than [`super::graph::ELEMENTS_MAX`] elements.
    #[error("node {node}: values up to here have more than {max} elements", max = super::graph::ELEMENTS_MAX)]
    Elements {
        /// First node beyond the limit.
        node: usize,
    },
    /// A run does more than [`super::graph::WORK_MAX`].
    #[error(
        "node {node}: a run does more than {max} multiply-accumulates and reads up to here",
        max = super::graph::WORK_MAX
    )]
    Work {
        /// First node beyond the limit.
        node: usize,
    },
    /// A node reads a value that is not computed before it.
    #[error("node {node}: expected inputs among values 0..={node}, got {got:?}")]
    Inputs {
        /// Node index.
        node: usize,
        /// Value indices that came.
        got: Vec<u32>,
    },
    /// A node reads the wrong number of values.
    #[error("node {node} ({operator}): expected {expected} inputs, got {got}")]
    Arity {
        /// Node index.
        node: usize,
        /// Name of its operator.
        operator: &'static str,
        /// Inputs it takes.
        expected: usize,
        /// Inputs that came.
        got: usize,
    },
    /// The shapes of a node's inputs, or its parameters, do not fit its operator.
    #[error("node {node} ({operator}): expected {expected}, got inputs of shapes {got:?}")]
    Operands {
        /// Node index.
        node: usize,
        /// Name of its operator.
        operator: &'static str,
        /// What it takes.
        expected: String,
        /// Shapes that came.
        got: Vec<Vec<u32>>,
    },
    /// A value's shape is empty or too large.
    #[error("node {node}: expected 1 to {RANK_MAX} dimensions and 1 to {WIDTH_MAX} elements, got shape {shape:?}")]
    Shape {
        /// Node index.
        node: usize,
        /// Shape that came.
        shape: Vec<u32>,
    },
    /// Sums of a node, on the way to its results or at its end, could exceed 2^47 in magnitude.
    #[error("node {node} ({operator}): sums reach [{min}, {max}], beyond 2^47; requantise its inputs first")]
    Magnitude {
        /// Node index.
        node: usize,
        /// Name of its operator.
        operator: &'static str,
        /// Smallest possible sum.
        min: i128,
        /// Largest possible sum.
        max: i128,
    },
    /// A dense node's width is not its input's.
    #[error("node {node}: expected {expected} inputs (the last dimension of its input value), got {got}")]
    Width {
        /// Node index.
        node: usize,
        /// Last dimension of the value it reads.
        expected: u32,
        /// Width it declares.
        got: u32,
    },
    /// A dense node has no outputs or too many.
    #[error("node {node}: expected 1 to {WIDTH_MAX} outputs, got {got}")]
    Outputs {
        /// Node index.
        node: usize,
        /// Outputs it declares.
        got: u32,
    },
    /// A shift beyond [`SHIFT_MAX`].
    #[error("node {node}: expected a shift of 0 to {SHIFT_MAX}, got {got}")]
    Shift {
        /// Node index.
        node: usize,
        /// Shift it declares.
        got: u8,
    },
    /// A formula is malformed.
    #[error("node {node} formula: {source}")]
    Formula {
        /// Node index.
        node: usize,
        /// What is wrong with it.
        source: FormulaError,
    },
    /// A formula's arguments are too many for a table.
    #[error(
        "node {node} formula: expected at most {FORMULA_DOMAIN_MAX} arguments, got {got}; clamp to a narrower interval"
    )]
    Domain {
        /// Node index.
        node: usize,
        /// Integers in the clamped interval.
        got: u64,
    },
    /// Evaluating all formulas takes too many steps.
    #[error(
        "node {node} formula: formulas up to here take more than {FORMULA_STEPS_MAX} steps over all their arguments; \
         clamp to narrower intervals, or use fewer different formulas"
    )]
    Steps {
        /// First node beyond the limit.
        node: usize,
    },
    /// The graph states too many constants.
    #[error("graph constants and indices: expected at most {CONSTANTS_MAX}, got {got}")]
    Constants {
        /// Numbers stated.
        got: usize,
    },
    /// The layout's size is out of bounds.
    #[error(
        "graph layout: expected k of {K_MIN} to {K_MAX}, at most {ROWS_MAX} rows and 1 to {LANES_MAX} lanes, \
         got k = {k}, rows = {rows}, lanes = {lanes}"
    )]
    Layout {
        /// k that came.
        k: u32,
        /// Rows that came.
        rows: u32,
        /// Lanes that came.
        lanes: u32,
    },
    /// An embedding's indices can leave its vocabulary.
    #[error(
        "node {node} (embedding): expected indices of 0 to less than the vocabulary, {vocabulary} (1 to {WIDTH_MAX}), \
         got an input in [{min}, {max}]; clamp it first"
    )]
    Vocabulary {
        /// Node index.
        node: usize,
        /// Vocabulary it declares.
        vocabulary: u32,
        /// Smallest index that can come.
        min: i64,
        /// Largest index that can come.
        max: i64,
    },
    /// A graph cannot generate: its output is not elements of its input.
    #[error(
        "graph that generates: expected an input of one dimension and an output of 2 or more elements, at most as many \
         as the input has and within its interval, got input {sequence:?} and output {output:?}"
    )]
    Generation {
        /// Shape of the sequence that the nodes read.
        sequence: Vec<u32>,
        /// Shape of the output.
        output: Vec<u32>,
    },
    /// What is generated at a place depends on what is generated at it or after it.
    #[error(
        "graph that generates: output element {place} is computed when {known} elements of the sequence are known, \
         and depends on element {reads}; mask what comes later"
    )]
    Future {
        /// Element of the output.
        place: u32,
        /// Elements of the sequence that are known before it.
        known: u32,
        /// Element of the sequence, from 0, that it depends on.
        reads: u32,
    },
    /// The stated number of generated elements is not the graph's.
    #[error("graph: expected {expected} generated elements, got {got}")]
    Generated {
        /// By version and output.
        expected: u32,
        /// Number that came.
        got: u32,
    },
}

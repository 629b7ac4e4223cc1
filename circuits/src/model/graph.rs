//! The public graph of a quantised model: shapes, shifts, clamps and layout, and no weights.
//!
//! A node names its inputs by value index: value 0 is the graph's input, value `i + 1` is the output of node `i`; the
//! last node's output is the graph's output. The canonical encoding is borsh; [`Graph::digest`] is over it. Ranges are
//! declared, not derived: the weights are not part of the graph, so a dense node states the interval its accumulators
//! stay in, [`super::bundle`] refuses weights that could leave it, and the circuit enforces whatever is declared.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::range::Range;
use super::tensor::RANK_MAX;

/// Version of the graph encoding that this crate reads and writes.
pub const GRAPH_VERSION: u16 = 1;
/// Largest encoded graph, bytes.
pub const GRAPH_BYTES_MAX: usize = 64 << 10;
/// Largest number of nodes.
pub const NODES_MAX: usize = 256;
/// Largest number of elements of an activation vector.
pub const WIDTH_MAX: u32 = 1 << 20;
/// Largest number of committed weight rows: verification costs a point multiplication for each.
pub const ROWS_MAX: u32 = 1 << 14;
/// Requantisation shifts run from 1 to this: one remainder limb.
pub const SHIFT_MAX: u8 = 16;
/// Circuit sizes run to 2^22 rows (halo2-axiom asserts this bound elsewhere; a graph beyond it is refused at decode).
pub const K_MAX: u32 = 22;

const DIGEST_CONTEXT: &str = "assay 2026 graph v1";

/// The function applied after clamping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Activation {
    /// `y = q`
    Identity = 0,
    /// `y = max(q, 0)`
    Relu = 1,
}

impl Activation {
    /// Applies the function to one integer.
    #[must_use]
    pub fn apply(self, value: i64) -> i64 {
        match self {
            Self::Identity => value,
            Self::Relu => value.max(0),
        }
    }
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operator {
    /// `acc = W x + b` over integers; `W` is `[outputs, inputs]`, multipliers already folded in.
    Dense {
        /// Number of inputs: the elements of the node's input value.
        inputs: u32,
        /// Number of outputs.
        outputs: u32,
        /// Interval that no accumulator leaves for any input inside its declared range.
        accumulator: Range,
    },
    /// `q = floor((acc + 2^(shift-1)) / 2^shift)`, `y = activation(clamp(q))`, element by element.
    Requantise {
        /// Power of two to divide by, 1 to [`SHIFT_MAX`].
        shift: u8,
        /// Interval that `q` is clamped to.
        clamp: Range,
        /// Function applied after clamping.
        activation: Activation,
    },
}

/// One node: an operator and the value indices it reads.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What is computed.
    pub operator: Operator,
    /// Value indices read, in operator order.
    pub inputs: Vec<u32>,
}

/// Shape and interval of the graph's input.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Dimensions, outermost first.
    pub shape: Vec<u32>,
    /// Interval of every element.
    pub range: Range,
}

/// Circuit size, chosen once at import and part of the graph, so that every node derives the same keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The circuit has 2^k rows.
    pub k: u32,
    /// Number R of committed weight rows.
    pub rows: u32,
}

/// Width and interval of one value of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Number of elements.
    pub width: u32,
    /// Interval of every element.
    pub range: Range,
}

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
    #[error("graph version: expected {GRAPH_VERSION}, got {got}; use the release that wrote it")]
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
    /// A node reads the wrong number of values, or a value that is not computed before it.
    #[error("node {node}: expected one input among values 0..={node}, got {got:?}")]
    Inputs {
        /// Node index.
        node: usize,
        /// Value indices that came.
        got: Vec<u32>,
    },
    /// A dense node's width is not its input's.
    #[error("node {node}: expected {expected} inputs (the width of its input value), got {got}")]
    Width {
        /// Node index.
        node: usize,
        /// Width of the value it reads.
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
    /// A shift outside 1 to [`SHIFT_MAX`].
    #[error("node {node}: expected a shift of 1 to {SHIFT_MAX}, got {got}")]
    Shift {
        /// Node index.
        node: usize,
        /// Shift it declares.
        got: u8,
    },
    /// The layout's size is out of bounds.
    #[error("graph layout: expected k of 1 to {K_MAX} and rows of 1 to {ROWS_MAX}, got k = {k}, rows = {rows}")]
    Layout {
        /// k that came.
        k: u32,
        /// Rows that came.
        rows: u32,
    },
}

/// A checked graph.
///
/// Invariants: every interval valid, every node reads one earlier value of the width it expects, sizes within bounds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, Serialize)]
pub struct Graph {
    version: u16,
    input: Input,
    nodes: Vec<Node>,
    layout: Layout,
}

impl Graph {
    /// Checks the parts and assembles a graph.
    pub fn new(input: Input, nodes: Vec<Node>, layout: Layout) -> Result<Self, GraphError> {
        let graph = Self { version: GRAPH_VERSION, input, nodes, layout };
        graph.check()?;
        Ok(graph)
    }

    /// Decodes the canonical encoding; anything else, trailing bytes included, is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, GraphError> {
        if bytes.len() > GRAPH_BYTES_MAX {
            return Err(GraphError::TooLarge { got: bytes.len() });
        }
        if let Some(version) = bytes.first_chunk::<2>().map(|head| u16::from_le_bytes(*head))
            && version != GRAPH_VERSION
        {
            return Err(GraphError::Version { got: version });
        }
        let raw: RawGraph =
            borsh::from_slice(bytes).map_err(|error| GraphError::Encoding { detail: error.to_string() })?;
        Self::from_raw(raw)
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to a vector cannot fail, and every collection here is bounded far below u32::MAX.
        borsh::to_vec(self).unwrap_or_default()
    }

    /// BLAKE3 `derive_key` over the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        blake3::derive_key(DIGEST_CONTEXT, &self.encode())
    }

    /// Shape and interval of the input.
    #[must_use]
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// The nodes in evaluation order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Multiply-accumulates of one run.
    #[must_use]
    pub fn multiply_accumulates(&self) -> u64 {
        self.nodes.iter().fold(0u64, |sum, node| {
            sum.saturating_add(match &node.operator {
                Operator::Dense { inputs, outputs, .. } => u64::from(*inputs).saturating_mul(u64::from(*outputs)),
                Operator::Requantise { .. } => 0,
            })
        })
    }

    /// Circuit size.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The same graph with another circuit size.
    pub fn with_layout(mut self, layout: Layout) -> Result<Self, GraphError> {
        self.layout = layout;
        self.check()?;
        Ok(self)
    }

    /// Width and interval of every value: the input's, then each node's output.
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        let mut values = Vec::with_capacity(self.nodes.len().saturating_add(1));
        values.push(Value { width: self.input_width(), range: self.input.range });
        for node in &self.nodes {
            let source = node.inputs.first().and_then(|index| values.get(usize::try_from(*index).ok()?)).copied();
            let Some(source) = source else { break };
            values.push(match &node.operator {
                Operator::Dense { outputs, accumulator, .. } => Value { width: *outputs, range: *accumulator },
                Operator::Requantise { shift, clamp, activation } => {
                    let quotient = quotient_range(source.range, *shift);
                    let low = quotient.min.clamp(clamp.min, clamp.max);
                    let high = quotient.max.clamp(clamp.min, clamp.max);
                    Value {
                        width: source.width,
                        range: Range { min: activation.apply(low), max: activation.apply(high) },
                    }
                }
            });
        }
        values
    }

    /// Width and interval of the output.
    #[must_use]
    pub fn output(&self) -> Value {
        self.values().last().copied().unwrap_or(Value { width: self.input_width(), range: self.input.range })
    }

    fn input_width(&self) -> u32 {
        self.input.shape.iter().product()
    }

    fn from_raw(raw: RawGraph) -> Result<Self, GraphError> {
        if raw.version != GRAPH_VERSION {
            return Err(GraphError::Version { got: raw.version });
        }
        Self::new(raw.input, raw.nodes, raw.layout)
    }

    fn check(&self) -> Result<(), GraphError> {
        let shape = &self.input.shape;
        let width = shape
            .iter()
            .try_fold(1u32, |product, dimension| product.checked_mul(*dimension))
            .filter(|width| (1..=WIDTH_MAX).contains(width) && !shape.is_empty() && shape.len() <= RANK_MAX)
            .ok_or_else(|| GraphError::InputShape { shape: shape.clone() })?;
        check_range("graph input", &self.input.range)?;
        if self.nodes.is_empty() || self.nodes.len() > NODES_MAX {
            return Err(GraphError::NodeCount { got: self.nodes.len() });
        }
        let Layout { k, rows } = self.layout;
        if !(1..=K_MAX).contains(&k) || !(1..=ROWS_MAX).contains(&rows) {
            return Err(GraphError::Layout { k, rows });
        }
        let mut widths = vec![width];
        for (index, node) in self.nodes.iter().enumerate() {
            let source = match node.inputs.as_slice() {
                [value] => usize::try_from(*value).ok().and_then(|value| widths.get(value)).copied(),
                _ => None,
            };
            let source = source.ok_or_else(|| GraphError::Inputs { node: index, got: node.inputs.clone() })?;
            widths.push(check_operator(index, &node.operator, source)?);
        }
        Ok(())
    }
}

/// The interval of `floor((acc + 2^(shift-1)) / 2^shift)` for `acc` in `accumulator`.
#[must_use]
pub fn quotient_range(accumulator: Range, shift: u8) -> Range {
    Range { min: quotient(accumulator.min, shift), max: quotient(accumulator.max, shift) }
}

/// `floor((accumulator + 2^(shift-1)) / 2^shift)`: ties go up, and no zero has a sign.
#[must_use]
#[expect(clippy::arithmetic_side_effects, reason = "accumulators stay within 2^47 and shifts within 1 to 16")]
pub fn quotient(accumulator: i64, shift: u8) -> i64 {
    (accumulator + (1 << (shift - 1))) >> shift
}

fn check_operator(node: usize, operator: &Operator, source: u32) -> Result<u32, GraphError> {
    match operator {
        Operator::Dense { inputs, outputs, accumulator } => {
            if *inputs != source {
                return Err(GraphError::Width { node, expected: source, got: *inputs });
            }
            if !(1..=WIDTH_MAX).contains(outputs) {
                return Err(GraphError::Outputs { node, got: *outputs });
            }
            check_range(&format!("node {node} accumulator"), accumulator)?;
            Ok(*outputs)
        }
        Operator::Requantise { shift, clamp, .. } => {
            if !(1..=SHIFT_MAX).contains(shift) {
                return Err(GraphError::Shift { node, got: *shift });
            }
            check_range(&format!("node {node} clamp"), clamp)?;
            Ok(source)
        }
    }
}

fn check_range(place: &str, range: &Range) -> Result<(), GraphError> {
    if range.is_valid() {
        return Ok(());
    }
    Err(GraphError::Range { place: place.to_owned(), min: range.min, max: range.max })
}

#[derive(BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGraph {
    version: u16,
    input: Input,
    nodes: Vec<Node>,
    layout: Layout,
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_raw(<RawGraph as Deserialize>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;

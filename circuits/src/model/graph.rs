//! The public graph of a quantised model: shapes, shifts, clamps and layout, and no weights.
//!
//! A node names its inputs by value index: value 0 is the graph's input, value `i + 1` is the output of node `i`; the
//! last node's output is the graph's output. The canonical encoding is borsh; [`Graph::digest`] is over it. Ranges are
//! declared, not derived: the weights are not part of the graph, so a dense node states the interval its accumulators
//! stay in, [`super::bundle`] refuses weights that could leave it, and the circuit's tables are built from what is declared.
//!
//! A graph may *generate*: what is asked is then the first elements of value 0, the prompt, and each further element is
//! the output element before it. One run of the nodes over the whole sequence is the run of such a graph, and there is
//! one only, because no output depends on elements that are generated after it ([`Graph::with_generation`]).

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

pub use super::causality::Dependencies;
pub use super::graph_error::GraphError;
pub use super::operator::{Activation, Geometry, Operator};

use super::causality::dependencies;
use super::infer::{Formulas, check_range, infer};
use super::range::Range;
use super::tensor::RANK_MAX;

/// Version of the graph encoding: elements of a value lie side by side in the circuit, one after the other.
pub const GRAPH_VERSION: u16 = 2;
/// Version of the graph encoding whose circuit has positions side by side ([`Graph::by_positions`]).
pub const GRAPH_VERSION_POSITIONS: u16 = 3;
/// Version of the graph encoding of graphs that generate; their circuit has positions side by side.
pub const GRAPH_VERSION_GENERATION: u16 = 4;
/// Largest encoded graph, bytes.
pub const GRAPH_BYTES_MAX: usize = 1 << 20;
/// Largest number of nodes.
pub const NODES_MAX: usize = 4096;
/// Largest number of elements of an activation vector.
pub const WIDTH_MAX: u32 = 1 << 20;
/// Largest number of committed weight rows: verification costs a point multiplication for each.
pub const ROWS_MAX: u32 = 1 << 14;
/// Largest number of elements of all values together: what an execution trace holds.
pub const ELEMENTS_MAX: u64 = 1 << 25;
/// Largest number of multiply-accumulates and elements read in one run: what checking a result by running it costs.
pub const WORK_MAX: u64 = 1 << 36;
/// Largest number of constants and indices that a graph states.
pub const CONSTANTS_MAX: usize = 1 << 17;
/// Largest number of arguments of a formula: each takes a row of a lookup table.
pub const FORMULA_DOMAIN_MAX: u64 = 1 << 16;
/// Largest number of steps of all different formulas over all their arguments: checking a graph evaluates each, which
/// takes up to 50 ns a step.
pub const FORMULA_STEPS_MAX: u64 = 1 << 24;
/// Requantisation shifts run from 0 to this: one remainder limb.
pub const SHIFT_MAX: u8 = 16;
/// Circuit sizes run to 2^22 rows (halo2-axiom asserts this bound elsewhere; a graph beyond it is refused at decode).
pub const K_MAX: u32 = 22;
/// Circuit sizes start at 2^4 rows: fewer leave nothing between halo2's blinding rows.
pub const K_MIN: u32 = 4;
/// Largest number of lanes.
pub const LANES_MAX: u32 = 16;

const DIGEST_CONTEXT: &str = "assay 2026 graph v2";

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
    /// Number R of committed weight rows; 0 for a model without weights.
    pub rows: u32,
    /// Lanes of the circuit: how many elements lie side by side in a row.
    pub lanes: u32,
}

/// Shape and interval of one value of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Dimensions, outermost first.
    pub shape: Vec<u32>,
    /// Interval of every element.
    pub range: Range,
}

impl Value {
    /// Number of elements.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.shape.iter().fold(1, |product: u32, dimension| product.saturating_mul(*dimension))
    }
}

/// A checked graph.
///
/// Invariants: every interval valid, every node reads earlier values that fit its operator, sizes within bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    version: u16,
    /// Value 0: what is asked and, of a graph that generates, all that is generated but the last element.
    #[serde(rename = "input")]
    sequence: Input,
    nodes: Vec<Node>,
    layout: Layout,
    /// Elements of the output that are generated one after the other; 0 for a graph whose output is computed at once.
    #[serde(skip_serializing_if = "is_zero")]
    generated: u32,
    /// Derived: what is asked.
    #[serde(skip)]
    input: Input,
    /// Derived: the sequence, then each node's.
    #[serde(skip)]
    values: Vec<Value>,
}

impl Graph {
    /// Checks the parts and assembles a graph.
    pub fn new(input: Input, nodes: Vec<Node>, layout: Layout) -> Result<Self, GraphError> {
        check_layout(layout)?;
        let values = values(&input, &nodes)?;
        Ok(Self { version: GRAPH_VERSION, sequence: input.clone(), nodes, layout, generated: 0, input, values })
    }

    /// The graph that is asked for the elements before, and generates as many as its output has: element `i` of the
    /// output is element `asked + i` of the sequence that the nodes read, where it has one. Positions lie side by side.
    ///
    /// # Errors
    /// [`GraphError::Generation`] if output and input do not fit each other; [`GraphError::Future`] if an element of the
    /// output depends on one of the sequence that is not known before it.
    pub fn with_generation(mut self) -> Result<Self, GraphError> {
        let output = self.output();
        let generated = output.width();
        let fed_back = generated.saturating_sub(1);
        let [length] = *self.sequence.shape.as_slice() else {
            return Err(GraphError::Generation { sequence: self.sequence.shape, output: output.shape });
        };
        if fed_back == 0 || length <= fed_back || !self.sequence.range.covers(&output.range) {
            return Err(GraphError::Generation { sequence: self.sequence.shape, output: output.shape });
        }
        let asked = length.saturating_sub(fed_back);
        let last = dependencies(&self.nodes, &self.values, false).pop().unwrap_or_default();
        let known = |place: u32| asked.saturating_add(place);
        if let Some((place, reach)) = (0..).zip(last.reach).find(|(place, reach)| *reach > known(*place)) {
            return Err(GraphError::Future { place, known: known(place), reads: reach.saturating_sub(1) });
        }
        self.input.shape = vec![asked];
        self.generated = generated;
        self.version = GRAPH_VERSION_GENERATION;
        Ok(self)
    }

    /// Decodes the canonical encoding; anything else, trailing bytes included, is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, GraphError> {
        if bytes.len() > GRAPH_BYTES_MAX {
            return Err(GraphError::TooLarge { got: bytes.len() });
        }
        if let Some(version) = bytes.first_chunk::<2>().map(|head| u16::from_le_bytes(*head))
            && !is_known(version)
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

    /// Shape and interval of the input: what is asked.
    #[must_use]
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// How many elements are generated one after the other; 0 for a graph whose output is computed at once.
    #[must_use]
    pub fn generated(&self) -> u32 {
        self.generated
    }

    /// Value 0 of the run that gives `output` for `input`: the input itself or, of a graph that generates, the sequence.
    #[must_use]
    pub fn sequence(&self, input: &[i64], output: &[i64]) -> Vec<i64> {
        let fed_back = usize::try_from(self.generated.saturating_sub(1)).unwrap_or(usize::MAX);
        input.iter().chain(output.iter().take(fed_back)).copied().collect()
    }

    /// On what of the sequence the elements of each value depend.
    #[must_use]
    pub fn dependencies(&self) -> Vec<Dependencies> {
        dependencies(&self.nodes, &self.values, true)
    }

    /// The nodes in evaluation order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Multiply-accumulates of one run.
    #[must_use]
    pub fn multiply_accumulates(&self) -> u64 {
        self.nodes.iter().zip(self.values.iter().skip(1)).fold(0u64, |sum, (node, value)| {
            let sources: Vec<&Value> = self.sources(node).collect();
            sum.saturating_add(multiply_accumulates(&node.operator, &sources, value))
        })
    }

    /// Circuit size.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether a row of the circuit holds one channel of many positions (tokens), rather than many channels of one:
    /// what sequences are cheaper in. Networks of one position are not.
    #[must_use]
    pub fn by_positions(&self) -> bool {
        self.version != GRAPH_VERSION
    }

    /// The same graph with positions side by side, or not; a graph that generates always has. Its layout is for the other
    /// order then: choose it anew.
    #[must_use]
    pub fn with_positions(mut self, by_positions: bool) -> Self {
        if self.generated == 0 {
            self.version = if by_positions { GRAPH_VERSION_POSITIONS } else { GRAPH_VERSION };
        }
        self
    }

    /// The same graph with another circuit size.
    pub fn with_layout(mut self, layout: Layout) -> Result<Self, GraphError> {
        check_layout(layout)?;
        self.layout = layout;
        Ok(self)
    }

    /// Shape and interval of every value: the input's, then each node's output.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values that a node of this graph reads.
    pub fn sources<'a>(&'a self, node: &'a Node) -> impl ExactSizeIterator<Item = &'a Value> + 'a {
        node.inputs
            .iter()
            .filter_map(|index| self.values.get(usize::try_from(*index).ok()?))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Shape and interval of the output.
    #[must_use]
    pub fn output(&self) -> Value {
        let input = || Value { shape: self.sequence.shape.clone(), range: self.sequence.range };
        self.values.last().cloned().unwrap_or_else(input)
    }

    fn from_raw(raw: RawGraph) -> Result<Self, GraphError> {
        if !is_known(raw.version) {
            return Err(GraphError::Version { got: raw.version });
        }
        let graph = Self::new(raw.input, raw.nodes, raw.layout)?;
        if raw.version != GRAPH_VERSION_GENERATION {
            return match raw.generated {
                0 => Ok(graph.with_positions(raw.version == GRAPH_VERSION_POSITIONS)),
                got => Err(GraphError::Generated { expected: 0, got }),
            };
        }
        let graph = graph.with_generation()?;
        if raw.generated == graph.generated {
            return Ok(graph);
        }
        Err(GraphError::Generated { expected: graph.generated, got: raw.generated })
    }
}

/// Checks input and nodes, and computes every value's shape and interval.
pub fn values(input: &Input, nodes: &[Node]) -> Result<Vec<Value>, GraphError> {
    let shape = &input.shape;
    let width = shape.iter().try_fold(1u32, |product, dimension| product.checked_mul(*dimension));
    let fits = width.is_some_and(|width| (1..=WIDTH_MAX).contains(&width));
    if !fits || shape.is_empty() || shape.len() > RANK_MAX {
        return Err(GraphError::InputShape { shape: shape.clone() });
    }
    check_range("graph input", &input.range)?;
    if nodes.is_empty() || nodes.len() > NODES_MAX {
        return Err(GraphError::NodeCount { got: nodes.len() });
    }
    let constants = nodes.iter().fold(0usize, |sum, node| sum.saturating_add(stated(&node.operator)));
    if constants > CONSTANTS_MAX {
        return Err(GraphError::Constants { got: constants });
    }
    let mut values = Vec::with_capacity(nodes.len().saturating_add(1));
    values.push(Value { shape: shape.clone(), range: input.range });
    let mut formulas = Formulas::default();
    let mut elements = u64::from(width.unwrap_or(0));
    let mut work = 0u64;
    for (index, node) in nodes.iter().enumerate() {
        let source = |value: &u32| usize::try_from(*value).ok().and_then(|value| values.get(value));
        let sources: Option<Vec<&Value>> = node.inputs.iter().map(source).collect();
        let sources = sources.ok_or_else(|| GraphError::Inputs { node: index, got: node.inputs.clone() })?;
        let value = infer(index, &node.operator, &sources, &mut formulas)?;
        elements = elements.saturating_add(u64::from(value.width()));
        if elements > ELEMENTS_MAX {
            return Err(GraphError::Elements { node: index });
        }
        let read = sources.iter().fold(0u64, |sum, source| sum.saturating_add(u64::from(source.width())));
        work = work.saturating_add(read).saturating_add(multiply_accumulates(&node.operator, &sources, &value));
        work = work.saturating_add(table(&node.operator));
        if work > WORK_MAX {
            return Err(GraphError::Work { node: index });
        }
        values.push(value);
    }
    Ok(values)
}

/// Multiply-accumulates of one node.
fn multiply_accumulates(operator: &Operator, sources: &[&Value], value: &Value) -> u64 {
    let first = sources.first().map_or(&[][..], |source| &source.shape);
    let terms = match operator {
        Operator::Dense { inputs, .. } => *inputs,
        Operator::Convolution { geometry, .. } => {
            first.first().and_then(|channels| geometry.columns(*channels)).unwrap_or(0)
        }
        Operator::MatrixMultiply => first.last().copied().unwrap_or(0),
        // An embedding moves each element from the table.
        Operator::Multiply | Operator::Embedding { .. } => 1,
        _ => 0,
    };
    u64::from(terms).saturating_mul(u64::from(value.width()))
}

/// Weights that an operator chooses from and does not multiply by: they are still stored, committed and loaded.
fn table(operator: &Operator) -> u64 {
    match operator {
        Operator::Embedding { vocabulary, width, .. } => u64::from(*vocabulary).saturating_mul(u64::from(*width)),
        _ => 0,
    }
}

/// How many numbers an operator states.
fn stated(operator: &Operator) -> usize {
    match operator {
        Operator::Constant { values, .. } => values.len(),
        Operator::Select { indices, .. } => indices.len(),
        _ => 0,
    }
}

fn is_known(version: u16) -> bool {
    [GRAPH_VERSION, GRAPH_VERSION_POSITIONS, GRAPH_VERSION_GENERATION].contains(&version)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn check_layout(Layout { k, rows, lanes }: Layout) -> Result<(), GraphError> {
    if (K_MIN..=K_MAX).contains(&k) && rows <= ROWS_MAX && (1..=LANES_MAX).contains(&lanes) {
        return Ok(());
    }
    Err(GraphError::Layout { k, rows, lanes })
}

/// The interval of [`quotient`] for accumulators in `accumulator`.
#[must_use]
pub fn quotient_range(accumulator: Range, shift: u8) -> Range {
    Range { min: quotient(accumulator.min, shift), max: quotient(accumulator.max, shift) }
}

/// `floor((accumulator + 2^(shift-1)) / 2^shift)`: ties go up, and no zero has a sign. Shift 0 changes nothing.
#[must_use]
#[expect(clippy::arithmetic_side_effects, reason = "accumulators stay within 2^47 and shifts within 0 to 16")]
pub fn quotient(accumulator: i64, shift: u8) -> i64 {
    match shift.checked_sub(1) {
        None => accumulator,
        Some(half) => (accumulator + (1 << half)) >> shift,
    }
}

impl BorshSerialize for Graph {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        let Self { version, sequence, nodes, layout, generated, .. } = self;
        BorshSerialize::serialize(&(version, sequence, nodes, layout), writer)?;
        // Only this version has the number.
        if *version == GRAPH_VERSION_GENERATION { BorshSerialize::serialize(generated, writer) } else { Ok(()) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGraph {
    version: u16,
    input: Input,
    nodes: Vec<Node>,
    layout: Layout,
    #[serde(default)]
    generated: u32,
}

impl BorshDeserialize for RawGraph {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let version = u16::deserialize_reader(reader)?;
        let input = Input::deserialize_reader(reader)?;
        let nodes = Vec::deserialize_reader(reader)?;
        let layout = Layout::deserialize_reader(reader)?;
        let generated = if version == GRAPH_VERSION_GENERATION { u32::deserialize_reader(reader)? } else { 0 };
        Ok(Self { version, input, nodes, layout, generated })
    }
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_raw(<RawGraph as Deserialize>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;

//! The row plan of a stack of dense layers.
//!
//! All activations of a network share one column and the weights' column V lies beside them, so that a dot product
//! reads its inputs where they are. From the top:
//!
//! ```text
//! row 0                context digest, low half     (the chains start here at zero)
//! row 1                context digest, high half    = the constant-1 input of stage 1's bias
//! rows 2..             the input                    D_1 accumulates
//! rows after it        the output                   H_L accumulates
//! for stage 1..L-1     one fold row                 = the constant-1 input of the next stage's bias
//!                      the stage's activations      H_l and D_(l+1) accumulate
//! one last fold row
//! `remainder_offset` below each requantised row: its remainder
//! ```
//!
//! The instance column is `[context, input, output]` in this order, so it is read in place and no cell is copied: the
//! circuit has no permutation argument. The alternatives were a permutation (one more full-width column) or an instance
//! column with a gap (verification time growing with the hidden layers). Remainders lie in the same column as quotients,
//! so that one lookup per row serves both; digits-sized circuits are as long as their table, not as their trace.

use crate::model::graph::{Activation, Graph, Layout, Operator, quotient_range};
use crate::model::range::Range;

use super::table::Table;

/// Rows at the bottom that halo2 fills with blinding values, plus the row that only rotations reach.
///
/// No advice column is read at more than two rotations, so halo2 counts five blinding factors and one spare row; a test
/// compares this with the constraint system.
pub const UNUSABLE_ROWS: u64 = 6;
/// First row of the input.
pub const INPUT_ROW: usize = 2;
/// Row whose value of V multiplies the constant 1: the bias of the first stage.
pub const FIRST_BIAS_ROW: usize = 1;
/// Smallest circuit that is planned: below this the fixed costs of a proof dominate anyway.
const K_MIN: u32 = 6;

/// How a stage's accumulators become activations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requantisation {
    /// Power of two to divide by.
    pub shift: u8,
    /// Interval that quotients are clamped to.
    pub clamp: Range,
    /// Function applied after clamping.
    pub activation: Activation,
    /// Static interval of the quotients.
    pub quotient: Range,
    /// Interval of the activations.
    pub output: Range,
}

impl Requantisation {
    /// Clamp and activation of one quotient.
    #[must_use]
    pub fn apply(&self, quotient: i64) -> i64 {
        self.activation.apply(quotient.clamp(self.clamp.min, self.clamp.max))
    }
}

/// A dense node and the requantisation that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Index of the dense node.
    pub node: usize,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// What follows; `None` only for a last stage whose raw accumulators are the output.
    pub requantisation: Option<Requantisation>,
}

/// Why a graph cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nodes do not alternate between dense and requantise in one chain.
    #[error(
        "node {node}: this release proves chains dense, requantise, dense, ... in which each node reads the one before it"
    )]
    Chain {
        /// First node that breaks the chain.
        node: usize,
    },
    /// The graph states another number of committed rows than its widest stage has outputs.
    #[error("graph layout rows: expected {expected} (the largest number of outputs of a stage), got {got}")]
    Rows {
        /// Largest number of outputs.
        expected: u32,
        /// Rows the graph states.
        got: u32,
    },
    /// The circuit does not fit its 2^k rows.
    #[error("graph layout k = {k}: expected at least {needed} usable rows, got {usable}")]
    TooSmall {
        /// k the graph states.
        k: u32,
        /// Rows that trace and table need.
        needed: u64,
        /// Rows that 2^k leaves.
        usable: u64,
    },
    /// Even the largest circuit is too small.
    #[error("graph: needs {needed} rows, more than 2^{max} provide", max = crate::model::graph::K_MAX)]
    TooLarge {
        /// Rows that trace and table need.
        needed: u64,
    },
}

/// The row plan of a graph: derived, never read from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    k: u32,
    rows: usize,
    stages: Vec<Stage>,
    table: Table,
    output_row: usize,
    activation_rows: Vec<usize>,
    last_fold_row: usize,
    remainder_offset: usize,
    output_range: Range,
    activation_ranges: Vec<Range>,
}

impl Plan {
    /// Plans `graph`, or says what does not fit.
    pub fn new(graph: &Graph) -> Result<Self, PlanError> {
        let stages = stages(graph)?;
        let Layout { k, rows } = graph.layout();
        let expected = widest(&stages);
        if rows != expected {
            return Err(PlanError::Rows { expected, got: rows });
        }
        let needed = rows_needed(&stages);
        let usable = (1u64 << k).saturating_sub(UNUSABLE_ROWS);
        if needed > usable {
            return Err(PlanError::TooSmall { k, needed, usable });
        }
        let shape = trace_shape(&stages);
        let activation_ranges =
            stages.iter().filter_map(|stage| stage.requantisation.as_ref()).map(|step| step.output).collect();
        Ok(Self {
            k,
            rows: expected as usize,
            table: Table::new(&stages),
            output_row: shape.output_row,
            activation_rows: shape.activation_rows,
            last_fold_row: shape.last_fold_row,
            remainder_offset: shape.remainder_offset,
            output_range: graph.output().range,
            activation_ranges,
            stages,
        })
    }

    /// The circuit has 2^k rows.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.k
    }

    /// Number R of committed weight rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of rows that may hold data.
    #[must_use]
    pub fn usable_rows(&self) -> usize {
        (1usize << self.k).saturating_sub(UNUSABLE_ROWS as usize)
    }

    /// The stages in evaluation order.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The lookup table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// First row of the output.
    #[must_use]
    pub fn output_row(&self) -> usize {
        self.output_row
    }

    /// Interval of every output element.
    #[must_use]
    pub fn output_range(&self) -> Range {
        self.output_range
    }

    /// First row of stage `stage`'s outputs.
    #[must_use]
    pub fn stage_output_row(&self, stage: usize) -> usize {
        self.activation_rows.get(stage).copied().unwrap_or(self.output_row)
    }

    /// First row of stage `stage`'s inputs.
    #[must_use]
    pub fn stage_input_row(&self, stage: usize) -> usize {
        if stage == 0 { INPUT_ROW } else { self.stage_output_row(stage - 1) }
    }

    /// Row whose V cell is the bias of stage `stage`.
    #[must_use]
    pub fn bias_row(&self, stage: usize) -> usize {
        if stage == 0 { FIRST_BIAS_ROW } else { self.stage_output_row(stage - 1) - 1 }
    }

    /// Rows at which the chains fold: one before each hidden stage's activations, and the last.
    pub fn fold_rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.activation_rows.iter().map(|row| row - 1).chain([self.last_fold_row])
    }

    /// Distance from a requantised row down to the row of its remainder.
    #[must_use]
    pub fn remainder_offset(&self) -> usize {
        self.remainder_offset
    }

    /// Smallest activation of stage `stage`: what its cells are offset by.
    #[must_use]
    pub fn activation_offset(&self, stage: usize) -> i64 {
        self.activation_ranges.get(stage).map_or(0, |range| range.min)
    }

    /// Committed row of output `output` of `stage`: its exponent of the challenge r.
    ///
    /// Horner's rule runs down the outputs, so the first output has the largest exponent.
    #[must_use]
    pub fn committed_row(&self, stage: usize, output: usize) -> usize {
        self.stages.get(stage).map_or(0, |stage| stage.outputs - 1 - output)
    }

    /// Exponent of the challenge sigma that the equation of stage `stage` (from 0) carries in the final sum.
    ///
    /// Both chains multiply by sigma at each fold; the last stage's outputs lie before all folds, so its inputs carry
    /// the missing powers (see [`Plan::last_stage_power`]). Exponents of different stages differ.
    #[must_use]
    pub fn sigma_exponent(&self, stage: usize) -> usize {
        let count = self.stages.len();
        if stage + 1 == count { count + 1 } else { count - stage }
    }

    /// Power of sigma by which the last stage's dot product is multiplied: the number of stages.
    #[must_use]
    pub fn last_stage_power(&self) -> usize {
        self.stages.len()
    }
}

/// The smallest layout that holds the graph; what its own layout says is ignored.
pub fn choose(graph: &Graph) -> Result<Layout, PlanError> {
    let stages = stages(graph)?;
    let needed = rows_needed(&stages);
    let k = (K_MIN..=crate::model::graph::K_MAX)
        .find(|k| needed + UNUSABLE_ROWS <= 1u64 << k)
        .ok_or(PlanError::TooLarge { needed })?;
    Ok(Layout { k, rows: widest(&stages) })
}

struct TraceShape {
    output_row: usize,
    activation_rows: Vec<usize>,
    last_fold_row: usize,
    remainder_offset: usize,
    rows: u64,
}

fn trace_shape(stages: &[Stage]) -> TraceShape {
    let input = stages.first().map_or(0, |stage| stage.inputs);
    let output = stages.last().map_or(0, |stage| stage.outputs);
    let output_row = INPUT_ROW + input;
    let mut row = output_row + output;
    let hidden = stages.len().saturating_sub(1);
    let mut activation_rows = Vec::with_capacity(hidden);
    for stage in stages.iter().take(hidden) {
        activation_rows.push(row + 1);
        row += 1 + stage.outputs;
    }
    let last_fold_row = row;
    // Remainders start right below the trace; the topmost requantised row decides the distance.
    let output_is_requantised = stages.last().is_some_and(|stage| stage.requantisation.is_some());
    let first = if output_is_requantised { Some(output_row) } else { activation_rows.first().copied() };
    let remainder_offset = first.map_or(1, |first| last_fold_row + 1 - first);
    let last_row = if first.is_some() { last_fold_row + remainder_offset - 1 } else { last_fold_row };
    TraceShape { output_row, activation_rows, last_fold_row, remainder_offset, rows: last_row as u64 + 1 }
}

fn widest(stages: &[Stage]) -> u32 {
    stages.iter().map(|stage| stage.outputs).max().and_then(|rows| u32::try_from(rows).ok()).unwrap_or(0)
}

/// Rows that trace and table need; one more because the lookup's last active row is followed by its sum.
fn rows_needed(stages: &[Stage]) -> u64 {
    trace_shape(stages).rows.max(Table::new(stages).length()) + 1
}

fn stages(graph: &Graph) -> Result<Vec<Stage>, PlanError> {
    let values = graph.values();
    let mut stages: Vec<Stage> = Vec::new();
    for (node, description) in graph.nodes().iter().enumerate() {
        if description.inputs.first().map(|input| *input as usize) != Some(node) {
            return Err(PlanError::Chain { node });
        }
        match &description.operator {
            Operator::Dense { inputs, outputs, .. } => {
                if stages.last().is_some_and(|stage| stage.requantisation.is_none()) {
                    return Err(PlanError::Chain { node });
                }
                let (inputs, outputs) = (*inputs as usize, *outputs as usize);
                stages.push(Stage { node, inputs, outputs, requantisation: None });
            }
            Operator::Requantise { shift, clamp, activation } if *shift > 0 => {
                let (Some(source), Some(result)) = (values.get(node), values.get(node + 1)) else {
                    return Err(PlanError::Chain { node });
                };
                let stage = stages.last_mut().filter(|stage| stage.requantisation.is_none());
                let stage = stage.ok_or(PlanError::Chain { node })?;
                stage.requantisation = Some(Requantisation {
                    shift: *shift,
                    clamp: *clamp,
                    activation: activation.clone(),
                    quotient: quotient_range(source.range, *shift),
                    output: result.range,
                });
            }
            _ => return Err(PlanError::Chain { node }),
        }
    }
    Ok(stages)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::fixture;
    use crate::model::graph::Node;
    use crate::model::random::{Limits, Model};

    fn planned(graph: Graph) -> Plan {
        let layout = choose(&graph).unwrap();
        Plan::new(&graph.with_layout(layout).unwrap()).unwrap()
    }

    /// Rows of column a that hold data, and rows that V meets an operand on: each once, all above the last usable row.
    #[test]
    fn every_cell_has_one_writer_and_every_rotation_a_usable_row() {
        for seed in 0..200 {
            let plan = planned(Model::from_seed(seed, &Limits { layers_max: 5, ..Limits::circuit() }).graph);
            let last = plan.usable_rows() - 1;
            let (mut data, mut operands) = (BTreeSet::new(), BTreeSet::new());
            for (index, stage) in plan.stages().iter().enumerate() {
                let outputs = plan.stage_output_row(index)..plan.stage_output_row(index) + stage.outputs;
                if stage.requantisation.is_some() {
                    for row in outputs {
                        assert!(data.insert(row), "seed {seed}: quotient row {row} is taken");
                        let remainder = row + plan.remainder_offset();
                        assert!(remainder < last, "seed {seed}: remainder row {remainder} of {last}");
                        assert!(data.insert(remainder), "seed {seed}: remainder row {remainder} is taken");
                    }
                }
                let inputs = plan.stage_input_row(index)..plan.stage_input_row(index) + stage.inputs;
                for row in inputs.chain([plan.bias_row(index)]) {
                    assert!(row < last);
                    assert!(operands.insert(row), "seed {seed}: operand row {row} is taken");
                }
            }
            assert_eq!(plan.fold_rows().count(), plan.stages().len());
            assert!(plan.fold_rows().all(|row| row < last), "seed {seed}: a fold steps onto an unusable row");
        }
    }

    #[test]
    fn the_chosen_size_is_the_smallest() {
        for seed in 0..50 {
            let graph = Model::from_seed(seed, &Limits::circuit()).graph;
            let Layout { k, rows } = choose(&graph).unwrap();
            if k > K_MIN {
                let smaller = graph.clone().with_layout(Layout { k: k - 1, rows }).unwrap();
                assert!(matches!(Plan::new(&smaller), Err(PlanError::TooSmall { k: got, .. }) if got == k - 1));
            }
            let other = graph.with_layout(Layout { k, rows: rows + 1 }).unwrap();
            assert_eq!(Plan::new(&other), Err(PlanError::Rows { expected: rows, got: rows + 1 }));
        }
    }

    #[test]
    fn graphs_beyond_a_chain_of_stages_are_refused() {
        let graph = fixture::graph();
        let with = |nodes: Vec<Node>| Graph::new(graph.input().clone(), nodes, graph.layout()).unwrap();
        let [dense, requantise, last] = graph.nodes() else { panic!("three nodes") };
        // A second dense node without requantisation between, a requantisation of the input, a skipped value.
        let next = |inputs: u32| Operator::Dense { inputs, outputs: 2, accumulator: Range { min: 0, max: 9 } };
        let dense_again = with(vec![dense.clone(), Node { operator: next(3), inputs: vec![1] }]);
        assert_eq!(choose(&dense_again), Err(PlanError::Chain { node: 1 }));
        let of_input = with(vec![Node { inputs: vec![0], ..requantise.clone() }]);
        assert_eq!(choose(&of_input), Err(PlanError::Chain { node: 0 }));
        let skipped =
            with(vec![dense.clone(), requantise.clone(), last.clone(), Node { operator: next(3), inputs: vec![2] }]);
        assert_eq!(choose(&skipped), Err(PlanError::Chain { node: 3 }));
    }

    #[test]
    fn tables_beyond_the_largest_circuit_are_refused_without_being_built() {
        let graph = fixture::graph();
        let mut nodes = graph.nodes().to_vec();
        if let Operator::Dense { accumulator, .. } = &mut nodes[0].operator {
            *accumulator = Range { min: -(1 << 47), max: 1 << 47 };
        }
        let graph = Graph::new(graph.input().clone(), nodes, graph.layout()).unwrap();
        assert!(matches!(choose(&graph), Err(PlanError::TooLarge { needed }) if needed > 1 << 45));
        assert!(matches!(Plan::new(&graph), Err(PlanError::TooSmall { k: 10, .. })));
    }
}

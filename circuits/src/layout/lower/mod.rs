//! From a graph to the rows of its circuit.
//!
//! Structural operators make no rows: an element that was only moved is read from the cell it was computed in. Every
//! other operator becomes rows that read copies of its operands and end in one [`finish::Finish`]: the result's own
//! cell, or, where a requantisation is the only reader, the quotient, remainder and lookup at once. Elements go side by
//! side in the lanes as long as their rows state the same.

mod degree;
mod embedding;
mod extremum;
mod finish;
mod linear;
mod order;
mod positions;
mod quotients;
mod size;
mod sums;
mod window;

use std::collections::HashMap;

use crate::model::graph::{Graph, Node, Operator, Value};
use crate::model::range::Range;
use crate::model::structure::{Origin, origins};
use crate::model::weights::Weights;

use super::plan::PlanError;
use super::tape::{Kept, Place, Row, Slot, Tape};
pub use degree::row_degree;
use finish::{Finish, Step};
use positions::{Gathered, dense_positions};
pub(crate) use size::{Size, direct_max};

/// Instance rows before the input: the two halves of the context digest.
pub const CONTEXT_ROWS: usize = 2;

/// A run of the model, which fills the cells.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Value 0 is the input, value `i + 1` the output of node `i`.
    pub values: &'a [Vec<i64>],
    /// The weights: some cells of a convolution hold sums that are no value of the graph.
    pub weights: &'a Weights,
}

/// The rows of `graph`, and no single cells: how its circuit is shaped.
pub(crate) fn rows(graph: &Graph, size: Size) -> Result<Tape, PlanError> {
    lower(Lowering::new(graph, size, Kept::Nothing, None))
}

/// Pairs of cells of `graph`'s circuit that are equal.
pub(crate) fn copies(graph: &Graph, size: Size) -> Result<Vec<(Place, Place)>, PlanError> {
    Ok(lower(Lowering::new(graph, size, Kept::Copies, None))?.into_copies())
}

/// The rows of `graph`, their cells filled from `run`.
pub(crate) fn cells(graph: &Graph, size: Size, run: Run<'_>) -> Result<Tape, PlanError> {
    lower(Lowering::new(graph, size, Kept::Cells, Some(run)))
}

/// What was written for a node.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Rows.
    pub(crate) rows: std::ops::Range<usize>,
    /// The requantisation that ends them.
    pub(crate) ended_by: Option<usize>,
}

/// The rows of `graph`, and which of them were written for each node; the rest serves no node alone.
pub(crate) fn rows_by_node(graph: &Graph, size: Size) -> Result<(Tape, Vec<Written>), PlanError> {
    let mut nodes = Vec::with_capacity(graph.nodes().len());
    let tape = lower_with(Lowering::new(graph, size, Kept::Nothing, None), |written| nodes.push(written))?;
    Ok((tape, nodes))
}

fn lower(lowering: Lowering<'_>) -> Result<Tape, PlanError> {
    lower_with(lowering, |_| {})
}

fn lower_with(mut lowering: Lowering<'_>, mut after: impl FnMut(Written)) -> Result<Tape, PlanError> {
    let graph = lowering.graph;
    for index in 0..graph.nodes().len() {
        let before = lowering.tape.rows().len();
        lowering.node(index)?;
        lowering.check_size()?;
        let rows = before..lowering.tape.rows().len();
        after(Written { rows, ended_by: lowering.fused.get(index + 1).copied().flatten() });
    }
    lowering.outputs();
    lowering.seat_guests();
    lowering.seat_entries();
    lowering.tape.finish();
    lowering.check_size()?;
    Ok(lowering.tape)
}

/// Where an element of a value comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Element { value: usize, element: usize },
    Constant(i64),
}

/// A value to be read: its cell, what the cell is offset by, and the integer itself when there is a run.
#[derive(Clone, Copy, Debug)]
struct Operand {
    place: Place,
    offset: i64,
    value: i64,
}

struct Lowering<'a> {
    graph: &'a Graph,
    run: Option<Run<'a>>,
    tape: Tape,
    size: Size,
    /// Origins of the elements of moved values; `None` for values that are computed.
    moved: Vec<Option<Vec<Source>>>,
    /// Cells of the elements of computed values.
    homes: Vec<Vec<Place>>,
    /// What the cells of a value are offset by.
    offsets: Vec<i64>,
    /// Whether the output depends on a value.
    needed: Vec<bool>,
    /// The requantisation node that alone reads a value.
    fused: Vec<Option<usize>>,
    constants: HashMap<i64, Place>,
    rebased: HashMap<(Place, i64), Place>,
    /// Whether the output depends on a weight.
    is_weighted: bool,
    /// Where positions lie side by side: quotients of all requantisations of a kind, which so share a table.
    quotients: Vec<(Step, i64, Range)>,
    gathered: Gathered,
    /// The last dense operator over several positions.
    last_dense: usize,
    /// Blocks of embeddings, and how many entries they have together.
    tables: Vec<embedding::Table>,
    entries: u64,
}

impl<'a> Lowering<'a> {
    fn new(graph: &'a Graph, size: Size, kept: Kept, run: Option<Run<'a>>) -> Self {
        let count = graph.values().len();
        let mut lowering = Self {
            graph,
            run,
            tape: Tape::new(size.lanes.max(1), kept),
            size,
            moved: vec![None; count],
            homes: vec![Vec::new(); count],
            offsets: graph.values().iter().map(|value| value.range.min).collect(),
            needed: vec![false; count],
            fused: vec![None; count],
            constants: HashMap::new(),
            rebased: HashMap::new(),
            is_weighted: false,
            quotients: Vec::new(),
            gathered: Gathered::default(),
            last_dense: graph.nodes().iter().rposition(|node| dense_positions(graph, node).is_some()).unwrap_or(0),
            tables: Vec::new(),
            entries: 0,
        };
        lowering.resolve_moves();
        lowering.find_readers();
        lowering.place_instance();
        if graph.by_positions() {
            lowering.gather_quotients();
        }
        lowering
    }

    /// Follows structural operators back to the values that were computed.
    fn resolve_moves(&mut self) {
        for (index, node) in self.graph.nodes().iter().enumerate() {
            let shapes: Vec<&[u32]> = self.graph.sources(node).map(|value| value.shape.as_slice()).collect();
            let Some(result) = self.graph.values().get(index + 1) else { continue };
            let Some(origins) = origins(&node.operator, &shapes, &result.shape) else { continue };
            let sources = origins
                .into_iter()
                .map(|origin| match origin {
                    Origin::Constant(value) => Source::Constant(value),
                    Origin::Element { input, element } => {
                        self.source(node.inputs.get(input).map_or(0, |value| *value as usize), element)
                    }
                })
                .collect();
            if let Some(moved) = self.moved.get_mut(index + 1) {
                *moved = Some(sources);
            }
        }
    }

    fn source(&self, value: usize, element: usize) -> Source {
        match self.moved.get(value).and_then(Option::as_ref) {
            Some(moved) => moved.get(element).copied().unwrap_or(Source::Constant(0)),
            None => Source::Element { value, element },
        }
    }

    /// Marks what the output needs, and which values only a requantisation reads.
    fn find_readers(&mut self) {
        let last = self.graph.values().len().saturating_sub(1);
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); last + 1];
        if let Some(needed) = self.needed.get_mut(last) {
            *needed = true;
        }
        for (index, node) in self.graph.nodes().iter().enumerate().rev() {
            if !self.needed.get(index + 1).copied().unwrap_or(false) {
                continue;
            }
            for input in &node.inputs {
                let input = *input as usize;
                if let (Some(needed), Some(readers)) = (self.needed.get_mut(input), readers.get_mut(input)) {
                    *needed = true;
                    readers.push(index);
                }
            }
        }
        let needed = self.graph.nodes().iter().zip(self.needed.iter().skip(1));
        self.is_weighted = needed.into_iter().any(|(node, needed)| *needed && node.operator.has_weights());
        for (value, readers) in readers.iter().enumerate().skip(1).take(last.saturating_sub(1)) {
            let computed = self.moved.get(value).is_some_and(Option::is_none)
                && !self
                    .graph
                    .nodes()
                    .get(value - 1)
                    .is_some_and(|node| matches!(node.operator, Operator::Embedding { .. }));
            let [reader] = readers.as_slice() else { continue };
            let Some(Node { operator: Operator::Requantise { .. }, .. }) = self.graph.nodes().get(*reader) else {
                continue;
            };
            let producer = self.graph.nodes().get(value - 1).map(|node| &node.operator);
            // A row of accumulators has no room for the rows of a wide requantisation.
            let accumulates = |operator: &Operator| {
                let product = matches!(operator, Operator::MatrixMultiply);
                operator.has_weights() || (product && self.graph.by_positions())
            };
            let roomy = !producer.is_some_and(accumulates)
                || self.step(*reader).is_some_and(|step| step.is_direct(self.range(value), self.size.direct));
            if computed
                && roomy
                && !matches!(producer, Some(Operator::Requantise { .. }))
                && let Some(fused) = self.fused.get_mut(value)
            {
                *fused = Some(*reader);
            }
        }
    }

    /// The input lies in the instance column; so do the cells of values that are output as they are.
    fn place_instance(&mut self) {
        let width = self.graph.values().first().map_or(0, Value::width) as usize;
        if let (Some(home), Some(offset)) = (self.homes.first_mut(), self.offsets.first_mut()) {
            *home = (0..width).map(|element| Place::Instance(CONTEXT_ROWS + element)).collect();
            *offset = 0;
        }
        let last = self.graph.values().len() - 1;
        for element in 0..self.graph.output().width() as usize {
            if let Source::Element { value, .. } = self.source(last, element)
                && let Some(offset) = self.offsets.get_mut(value)
            {
                *offset = 0;
            }
        }
    }

    fn node(&mut self, index: usize) -> Result<(), PlanError> {
        let value = index + 1;
        let is_needed = self.needed.get(value).copied().unwrap_or(false);
        let is_moved = self.moved.get(value).is_some_and(Option::is_some);
        let Some(node) = self.graph.nodes().get(index) else { return Ok(()) };
        let is_done = node.inputs.first().is_some_and(|input| {
            matches!(node.operator, Operator::Requantise { .. })
                && self.fused.get(*input as usize).copied().flatten() == Some(index)
        });
        if !is_needed || is_moved || is_done {
            return Ok(());
        }
        if let Some(positions) = dense_positions(self.graph, node) {
            return self.dense_by_positions(index, node, positions);
        }
        if self.product_by_positions(index, node)? {
            return Ok(());
        }
        match &node.operator {
            Operator::Dense { .. } | Operator::Convolution { .. } => self.linear(index, node),
            Operator::Embedding { .. } => self.embedding(index, node),
            Operator::Maximum | Operator::Minimum => self.extremum(index, node),
            _ => self.sums(index, node),
        }
    }

    /// Gives up on a graph that needs too many rows.
    fn check_size(&self) -> Result<(), PlanError> {
        if self.tape.rows().len() <= self.size.tape_rows {
            return Ok(());
        }
        Err(PlanError::TooLarge { needed: self.tape.rows().len() as u64 })
    }

    /// Copies every output element from its cell to the instance column.
    fn outputs(&mut self) {
        let last = self.graph.values().len() - 1;
        let first = CONTEXT_ROWS + self.graph.values().first().map_or(0, Value::width) as usize;
        for element in 0..self.graph.output().width() as usize {
            let place = match self.source(last, element) {
                Source::Constant(value) => self.constant(value),
                Source::Element { value, element } => self.home(value, element),
            };
            self.tape.copy_places(place, Place::Instance(first + element));
        }
    }

    fn home(&self, value: usize, element: usize) -> Place {
        self.homes.get(value).and_then(|home| home.get(element)).copied().unwrap_or(Place::Instance(0))
    }

    fn range(&self, value: usize) -> Range {
        self.graph.values().get(value).map_or(Range { min: 0, max: 0 }, |value| value.range)
    }

    fn offset(&self, value: usize) -> i64 {
        self.offsets.get(value).copied().unwrap_or(0)
    }

    /// The integer of one element in the run; 0 without one.
    fn integer(&self, value: usize, element: usize) -> i64 {
        let run = self.run.and_then(|run| run.values.get(value)?.get(element).copied());
        run.unwrap_or(0)
    }

    fn operand(&mut self, value: usize, element: usize) -> Operand {
        match self.source(value, element) {
            Source::Constant(constant) => Operand { place: self.constant(constant), offset: 0, value: constant },
            Source::Element { value, element } => Operand {
                place: self.home(value, element),
                offset: self.offset(value),
                value: self.integer(value, element),
            },
        }
    }

    /// The same value in a cell that is offset by `offset`.
    fn rebase(&mut self, operand: Operand, offset: i64) -> Operand {
        if operand.offset == offset {
            return operand;
        }
        let place = match self.rebased.get(&(operand.place, offset)) {
            Some(place) => *place,
            None => {
                let shift = i128::from(operand.offset) - i128::from(offset);
                let row = Row { a: 1, next_a: -1, constant: shift, zero: true, ..Row::default() };
                let first = self.tape.push(&[row, Row::default()]);
                self.read(operand, first, 0, Slot::A);
                self.tape.set(first + 1, 0, Slot::A, operand.value - offset);
                self.tape.fill_idle(first, 1);
                let place = Place::Cell { row: first + 1, lane: 0, slot: Slot::A };
                self.rebased.insert((operand.place, offset), place);
                place
            }
        };
        Operand { place, offset, ..operand }
    }

    /// A cell that holds exactly `stored`.
    fn constant(&mut self, stored: i64) -> Place {
        if let Some(place) = self.constants.get(&stored) {
            return *place;
        }
        let row = Row { a: 1, constant: -i128::from(stored), zero: true, ..Row::default() };
        let first = self.tape.push(&[row]);
        self.tape.set(first, 0, Slot::A, stored);
        self.tape.fill_idle(first, 1);
        let place = Place::Cell { row: first, lane: 0, slot: Slot::A };
        self.constants.insert(stored, place);
        place
    }

    /// Writes a copy of an operand.
    fn read(&mut self, operand: Operand, row: usize, lane: usize, slot: Slot) {
        self.tape.set(row, lane, slot, operand.value - operand.offset);
        self.tape.copy(operand.place, row, lane, slot);
    }

    /// How the results of node `index` end, and which value they are. `zero_too` widens the static range, for rows
    /// whose unused lanes hold sums of nothing.
    fn finish(&mut self, index: usize, zero_too: bool) -> Result<(usize, Finish), PlanError> {
        let value = index + 1;
        let widen = |range: Range| if zero_too { super::tape::with_zero(range) } else { range };
        let own =
            self.graph.nodes().get(index).is_some_and(|node| matches!(node.operator, Operator::Requantise { .. }));
        let (step, target, source) = match self.fused.get(value).copied().flatten() {
            Some(reader) => (self.step(reader), reader + 1, self.range(value)),
            None if own => (self.step(index), value, self.source_range(index)),
            None => (None, value, self.range(value)),
        };
        let offset = self.offset(target);
        let finish = match step {
            None => Finish::home(offset),
            Some(step) => {
                let source = self.shared_source(&step, widen(source), offset);
                Finish::requantise(&mut self.tape, index, &step, source, offset, self.size.direct)?
            }
        };
        Ok((target, finish))
    }

    fn source_range(&self, index: usize) -> Range {
        let input = self.graph.nodes().get(index).and_then(|node| node.inputs.first());
        self.range(input.map_or(0, |value| *value as usize))
    }

    fn step(&self, index: usize) -> Option<Step> {
        match &self.graph.nodes().get(index)?.operator {
            Operator::Requantise { shift, clamp, activation } => {
                Some(Step { shift: *shift, clamp: *clamp, activation: activation.clone() })
            }
            _ => None,
        }
    }

    fn set_homes(&mut self, target: usize, homes: Vec<Place>) {
        if let Some(home) = self.homes.get_mut(target) {
            *home = homes;
        }
    }
}

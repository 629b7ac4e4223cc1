//! Positions side by side: dense operators and products of matrices over sequences.
//!
//! A row holds one channel of as many positions as there are lanes, so the combination of positions that a committed weight
//! meets is formed where the channel lies, and nothing is copied but that one field element. Operands are handed in as
//! H cells; when the tape is done, [`Lowering::seat_guests`] gives each a row of G, wherever one is free.
//!
//! A product of matrices is checked as Freivalds does ("Probabilistic machines can use less running time", 1977), from both
//! sides: `sum_(i,j) rho^i r^j C[i][j] = sum_k (sum_i rho^i A[i][k]) (sum_j r^j B[k][j])`, one pair of operands for each `k`
//! instead of a product of cells for each `(i, j, k)`.

use std::collections::HashMap;
use std::ops::Range;

use super::{Lowering, Operand};
use crate::layout::plan::PlanError;
use crate::layout::tape::{Block, Chain, Guest, Place, Power, Row, Slot, WeightPlace};
use crate::model::graph::{Graph, Node, Operator};

/// A row of H.
type Combined = usize;

/// An operand of a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    /// It meets input number `input` of a block's matrix; the bias is the input behind the last.
    Weighted { combined: Combined, block: usize, input: usize },
    /// It counts by itself.
    Alone(Combined),
    /// Both factors.
    Pair(Combined, Combined),
}

/// One stretch: rows of accumulators, and their operands.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    outputs: usize,
    uses: Vec<Use>,
}

/// What the shared relation has gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    stretches: Vec<Stretch>,
    /// Blocks whose weights have no places yet.
    blocks: Vec<Block>,
    /// Combinations that exist, by the place of their first element.
    combined: HashMap<Place, Vec<(Vec<Place>, Form, Combined)>>,
    /// The same by the elements themselves: most are asked for by several blocks of outputs.
    known: HashMap<(Elements, Form), Combined>,
}

/// Elements of a value at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Elements {
    value: usize,
    first: usize,
    step: usize,
    count: usize,
}

/// How elements are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Sum(Power),
    Squares,
}

/// A product of two batches of matrices, `[batch, m, k]` by `[batch, k, n]`.
#[derive(Clone, Copy)]
pub(super) struct Product {
    first: usize,
    second: usize,
    batch: usize,
    m: usize,
    k: usize,
    n: usize,
}

/// Which factor's rows or columns lie in the lanes, and how many there are and of the other's.
struct Sides {
    by_left: bool,
    side: usize,
    other: usize,
}

impl Product {
    /// The product of a node, where positions lie side by side.
    pub(super) fn of(graph: &Graph, node: &Node) -> Option<Self> {
        if !graph.by_positions() || !matches!(node.operator, Operator::MatrixMultiply) {
            return None;
        }
        let &[first, second] = node.inputs.as_slice() else { return None };
        let shape = |value: u32| graph.values().get(value as usize).map(|value| value.shape.as_slice());
        let (&[batch, m, k], &[_, _, n]) = (shape(first)?, shape(second)?) else { return None };
        let [batch, m, k, n] = [batch, m, k, n].map(|side| side as usize);
        Some(Self { first: first as usize, second: second as usize, batch, m, k, n })
    }

    /// Whether it has one row by one column in each batch.
    fn is_single(&self) -> bool {
        self.m == 1 && self.n == 1
    }

    /// `None` where it is cheaper checked product by product.
    fn sides(&self, lanes: usize) -> Option<Sides> {
        let rows = |side: usize, other: usize| side.div_ceil(lanes) * other;
        // The other side may lie in the lanes instead.
        let by_left = rows(self.m, self.n) <= rows(self.n, self.m);
        let (side, other) = if by_left { (self.m, self.n) } else { (self.n, self.m) };
        (side >= lanes.min(4) && self.k >= 2).then_some(Sides { by_left, side, other })
    }

    /// Most rows of accumulators that its check as a whole takes.
    pub(super) fn accumulator_rows(&self, lanes: usize) -> usize {
        if self.is_single() {
            return self.batch.div_ceil(lanes);
        }
        self.sides(lanes).map_or(0, |Sides { side, other, .. }| self.batch * side.div_ceil(lanes) * other)
    }

    /// Column `inner` of the first factor, in the rows `rows`.
    fn left(&self, batch: usize, rows: Range<usize>, inner: usize) -> Elements {
        let first = (batch * self.m + rows.start) * self.k + inner;
        Elements { value: self.first, first, step: self.k, count: rows.len() }
    }

    /// Row `inner` of the second factor, in the columns `columns`.
    fn right(&self, batch: usize, inner: usize, columns: Range<usize>) -> Elements {
        let first = (batch * self.k + inner) * self.n + columns.start;
        Elements { value: self.second, first, step: 1, count: columns.len() }
    }
}

/// Number of positions of a dense operator that has several and is laid out by them.
pub(super) fn dense_positions(graph: &Graph, node: &Node) -> Option<usize> {
    let Operator::Dense { inputs, .. } = &node.operator else { return None };
    let width = node.inputs.first().and_then(|value| graph.values().get(*value as usize))?.width();
    let positions = width.checked_div(*inputs)? as usize;
    (graph.by_positions() && positions > 1).then_some(positions)
}

impl Lowering<'_> {
    /// A dense operator over `positions` positions.
    pub(super) fn dense_by_positions(&mut self, index: usize, node: &Node, positions: usize) -> Result<(), PlanError> {
        let Operator::Dense { inputs, outputs, .. } = &node.operator else { return Ok(()) };
        let (inputs, outputs) = (*inputs as usize, *outputs as usize);
        let source = node.inputs.first().map_or(0, |value| *value as usize);
        let lanes = self.tape.lanes();
        let mut homes = vec![Place::Instance(0); positions * outputs];
        let (target, _) = self.finish(index, false)?;
        for first in (0..positions).step_by(lanes) {
            let group = first..(first + lanes).min(positions);
            for from in (0..outputs).step_by(self.size.committed_rows.max(1)) {
                let to = (from + self.size.committed_rows.max(1)).min(outputs);
                let element = |output: usize, lane: usize| {
                    group.clone().nth(lane).map(|position| position * outputs + from + output)
                };
                self.shared_outputs(index, to - from, &element, &mut homes)?;
                let block = self.gathered.blocks.len();
                let places = vec![WeightPlace::default(); inputs];
                self.gathered.blocks.push(Block {
                    node: index,
                    first_output: from,
                    outputs: to - from,
                    groups: 1,
                    places,
                    bias_row: 0,
                });
                let mut uses = Vec::with_capacity(inputs + 1);
                for input in 0..inputs {
                    let first = group.start * inputs + input;
                    let elements = Elements { value: source, first, step: inputs, count: group.len() };
                    let combined = self.combine(elements, Form::Sum(Power::Position))?;
                    uses.push(Use::Weighted { combined, block, input });
                }
                let combined = self.combined_ones(group.len());
                uses.push(Use::Weighted { combined, block, input: inputs });
                self.gathered.stretches.push(Stretch { outputs: to - from, uses });
            }
        }
        self.set_homes(target, homes);
        Ok(())
    }

    /// A product of matrices, if it is cheaper checked as a whole than product by product.
    pub(super) fn product_by_positions(&mut self, index: usize, node: &Node) -> Result<bool, PlanError> {
        let Some(product) = Product::of(self.graph, node).filter(|_| self.is_weighted) else { return Ok(false) };
        if product.is_single() {
            return self.squares_by_positions(index, &product);
        }
        let lanes = self.tape.lanes();
        let Some(Sides { by_left, side, other }) = product.sides(lanes) else { return Ok(false) };
        let mut homes = vec![Place::Instance(0); product.batch * product.m * product.n];
        let (target, _) = self.finish(index, false)?;
        for batch in 0..product.batch {
            for first in (0..side).step_by(lanes) {
                let group = first..(first + lanes).min(side);
                let element = |output: usize, lane: usize| {
                    let position = group.clone().nth(lane)?;
                    let (i, j) = if by_left { (position, output) } else { (output, position) };
                    Some((batch * product.m + i) * product.n + j)
                };
                self.shared_outputs(index, other, &element, &mut homes)?;
                let mut uses = Vec::with_capacity(product.k);
                for inner in 0..product.k {
                    let (rows, columns) = if by_left { (group.clone(), 0..other) } else { (0..other, group.clone()) };
                    let (left, right) = (product.left(batch, rows, inner), product.right(batch, inner, columns));
                    let (across, along) = if by_left { (left, right) } else { (right, left) };
                    let across = self.combine(across, Form::Sum(Power::Position))?;
                    let along = self.combine(along, Form::Sum(Power::Row(1)))?;
                    uses.push(Use::Pair(across, along));
                }
                self.gathered.stretches.push(Stretch { outputs: other, uses });
            }
        }
        self.set_homes(target, homes);
        Ok(true)
    }

    /// Sums of squares, one for each position.
    fn squares_by_positions(&mut self, index: usize, product: &Product) -> Result<bool, PlanError> {
        let same = (0..product.batch * product.k).all(|element| {
            let [a, b] = [product.first, product.second].map(|value| self.home_of(value, element));
            a.is_some() && a == b
        });
        if !same {
            return Ok(false);
        }
        let lanes = self.tape.lanes();
        let mut homes = vec![Place::Instance(0); product.batch];
        let (target, _) = self.finish(index, false)?;
        for first in (0..product.batch).step_by(lanes) {
            let group = first..(first + lanes).min(product.batch);
            self.shared_outputs(index, 1, &|_, lane| group.clone().nth(lane), &mut homes)?;
            let mut uses = Vec::with_capacity(product.k);
            for inner in 0..product.k {
                // One row of a matrix, in as many batches.
                let elements = Elements { count: group.len(), ..product.left(first, 0..1, inner) };
                uses.push(Use::Alone(self.combine(elements, Form::Squares)?));
            }
            self.gathered.stretches.push(Stretch { outputs: 1, uses });
        }
        self.set_homes(target, homes);
        Ok(true)
    }

    /// The cell of an element; `None` for a constant.
    fn home_of(&self, value: usize, element: usize) -> Option<Place> {
        match self.source(value, element) {
            super::Source::Constant(_) => None,
            super::Source::Element { value, element } => Some(self.home(value, element)),
        }
    }

    /// Rows of accumulators of the shared relation: row `e` holds the elements `element(e, lane)`, and nothing in the other
    /// lanes.
    fn shared_outputs(
        &mut self,
        index: usize,
        outputs: usize,
        element: &dyn Fn(usize, usize) -> Option<usize>,
        homes: &mut [Place],
    ) -> Result<(), PlanError> {
        let lanes = self.tape.lanes();
        let filled = (0..lanes).all(|lane| element(0, lane).is_some());
        let (_, finish) = self.finish(index, !filled)?;
        // A row of accumulators has no room for more rows; readers that need them were not fused.
        let [end] = finish.rows.as_slice() else {
            return Err(PlanError::Wide { node: index, got: self.range(index + 1).count() });
        };
        let row = Row { a: finish.a, c: finish.c, constant: finish.constant, shared_output: true, ..*end };
        for output in 0..outputs {
            self.check_size()?;
            let at = self.tape.push(&[row]);
            for lane in 0..lanes {
                let element = element(output, lane);
                let accumulator = element.map_or(0, |element| self.integer(index + 1, element));
                let place = self.end(&finish, at, lane, accumulator);
                if let Some(home) = element.and_then(|element| homes.get_mut(element)) {
                    *home = place;
                }
            }
        }
        Ok(())
    }

    /// The row of H that combines elements: where they lie if they fill a row's lanes in order, else where copies of them do.
    fn combine(&mut self, elements: Elements, form: Form) -> Result<Combined, PlanError> {
        if let Some(row) = self.gathered.known.get(&(elements, form)) {
            return Ok(*row);
        }
        let row = self.combine_anew(elements, form)?;
        self.gathered.known.insert((elements, form), row);
        Ok(row)
    }

    fn combine_anew(&mut self, elements: Elements, form: Form) -> Result<Combined, PlanError> {
        self.check_size()?;
        let Elements { value, first, step, count } = elements;
        let read: Vec<Operand> = (0..count).map(|place| self.operand(value, first + place * step)).collect();
        let places: Vec<Place> = read.iter().map(|operand| operand.place).collect();
        let Some(first) = places.first().copied() else { return Ok(0) };
        let known = self.gathered.combined.get(&first).into_iter().flatten();
        if let Some((.., row)) = known.into_iter().find(|(other, own, _)| *own == form && *other == places) {
            return Ok(*row);
        }
        let row = match self.in_place(&read, form) {
            Some(row) => row,
            None => self.copied(&read, form),
        };
        self.gathered.combined.entry(first).or_default().push((places, form, row));
        Ok(row)
    }

    /// Combines a row's cells where they are, if they are all of a row's and the row combines nothing yet.
    fn in_place(&mut self, read: &[Operand], form: Form) -> Option<Combined> {
        let Place::Cell { row, lane: 0, slot } = read.first()?.place else { return None };
        let offset = read.first()?.offset;
        let fits = |(lane, operand): (usize, &Operand)| {
            operand.place == Place::Cell { row, lane, slot } && operand.offset == offset
        };
        if read.len() != self.tape.lanes() || !read.iter().enumerate().all(fits) {
            return None;
        }
        let class = self.class(form);
        let mut stated = self.tape.rows().get(row).copied()?;
        if stated.chain.is_some() {
            return None;
        }
        match (slot, form) {
            (Slot::B, _) => {
                stated.rest = offset;
                stated.chain = Some(if form == Form::Squares { Chain::Square(class) } else { Chain::Result(class) });
            }
            (Slot::A, Form::Sum(_)) => {
                let reads = stated.zero || stated.output || stated.operand || stated.shared_output;
                let same = stated.a == 1 && stated.constant == i128::from(offset);
                if reads && !same {
                    return None;
                }
                stated.a = 1;
                stated.constant = i128::from(offset);
                stated.chain = Some(Chain::Start(class));
            }
            _ => return None,
        }
        self.tape.restate(row, stated);
        Some(row + 1)
    }

    /// Combines copies.
    fn copied(&mut self, read: &[Operand], form: Form) -> Combined {
        let offset = read.first().map_or(0, |operand| operand.offset);
        let uniform: Vec<Operand> = read.iter().map(|operand| self.rebase(*operand, offset)).collect();
        if form == Form::Squares {
            let class = self.class(form);
            let row = self.tape.push(&[Row { rest: offset, chain: Some(Chain::Square(class)), ..Row::default() }]);
            for lane in 0..self.tape.lanes() {
                let operand = uniform.get(lane).copied().unwrap_or_else(|| self.zero(offset));
                self.read(operand, row, lane, Slot::B);
            }
            return row + 1;
        }
        let Form::Sum(power) = form else { return 0 };
        // A chain gives its first element the largest power.
        let reversed: Vec<Operand> = uniform.into_iter().rev().collect();
        self.chain(power, &reversed, offset);
        self.tape.rows().len()
    }

    fn class(&mut self, form: Form) -> usize {
        self.tape.chain_class(match form {
            Form::Sum(power) => power,
            Form::Squares => Power::Position,
        })
    }

    /// A cell that is zero after its offset.
    fn zero(&mut self, offset: i64) -> Operand {
        Operand { place: self.constant(-offset), offset, value: 0 }
    }

    /// H of as many ones as there are positions: what a bias meets.
    fn combined_ones(&mut self, positions: usize) -> Combined {
        let one = Operand { place: self.constant(1), offset: 0, value: 1 };
        let key = vec![one.place; positions];
        let form = Form::Sum(Power::Position);
        let known = self.gathered.combined.get(&one.place).into_iter().flatten();
        if let Some((.., row)) = known.into_iter().find(|(other, own, _)| *own == form && *other == key) {
            return *row;
        }
        let row = self.copied(&vec![one; positions], form);
        self.gathered.combined.entry(one.place).or_default().push((key, form, row));
        row
    }

    /// Gives every operand of the shared relation a row of G, stretch by stretch, and every weight its place.
    pub(super) fn seat_guests(&mut self) {
        let Gathered { stretches, mut blocks, .. } = std::mem::take(&mut self.gathered);
        let mut row = 0;
        let mut before = None;
        for stretch in stretches {
            let mut turn = before.map(|outputs| self.tape.turn_class(outputs));
            before = Some(stretch.outputs);
            for used in stretch.uses {
                let (guest, seats) = match used {
                    Use::Weighted { .. } => (Guest::Weighted, 1),
                    Use::Alone(_) => (Guest::Alone, 1),
                    Use::Pair(..) => (Guest::Pair, 2),
                };
                // The relation of one position has weights of its own on its rows.
                let taken = |row: &Row| guest == Guest::Weighted && row.meets_weight();
                while self.tape.rows().get(row).is_some_and(taken) {
                    row += 1;
                }
                while self.tape.rows().len() < row + seats {
                    self.tape.push(&[Row::default()]);
                }
                if let Some(stated) = self.tape.rows().get(row).copied() {
                    self.tape.restate(row, Row { guest: Some(guest), turn: turn.take(), ..stated });
                }
                match used {
                    Use::Weighted { combined, block, input } => {
                        self.tape.invite(row, combined);
                        if let Some(block) = blocks.get_mut(block) {
                            match block.places.get_mut(input) {
                                Some(place) => *place = WeightPlace { column: 0, row },
                                None => block.bias_row = row,
                            }
                        }
                    }
                    Use::Alone(combined) => self.tape.invite(row, combined),
                    Use::Pair(first, second) => {
                        self.tape.invite(row, first);
                        self.tape.invite(row + 1, second);
                    }
                }
                row += seats;
            }
        }
        blocks.into_iter().for_each(|block| self.tape.add_block(block));
    }
}

//! The rows of a circuit: what each one relates, which cells it holds, and which cells are copies of others.
//!
//! A row has `lanes` lanes of three data cells `a`, `b`, `c`; everything a row states, it states of every lane alike, so
//! that one fixed column serves them all. Cells hold non-negative integers, offset by the smallest value they can take,
//! because small scalars are cheap to commit to. The same code writes the rows when a key is derived (without values)
//! and when a proof is made (with them), so a cell cannot mean one thing to the key and another to the witness.

use crate::model::range::Range;

use super::rows::Rows;
use super::table::{Relation, Table};

/// One of the three data columns of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// First operand, quotient, or a copied value.
    A = 0,
    /// Second operand, or the result of a lookup.
    B = 1,
    /// Remainder or running sum; never copied.
    C = 2,
}

/// Number of data columns of a lane.
pub const SLOTS: usize = 3;

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A row of the instance column.
    Instance(usize),
    /// A data cell.
    Cell {
        /// Circuit row.
        row: usize,
        /// Lane.
        lane: usize,
        /// Column of the lane.
        slot: Slot,
    },
    /// H on a row.
    Chain(usize),
    /// G on a row.
    Guest(usize),
}

/// What a chain multiplies by from one lane to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Power {
    /// The row challenge to a power.
    Row(usize),
    /// The position challenge.
    Position,
}

/// What G on a row adds to the operands of the shared relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guest {
    /// G times the committed weight of the first column.
    Weighted,
    /// G alone.
    Alone,
    /// G times G of the row below.
    Pair,
}

/// What a row does with the running combination H of operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chain {
    /// `H' = sum_lane z^lane x_lane`: a sum starts. `z` is a [`Power`], by its class.
    Start(usize),
    /// `H' = z^lanes H + sum_lane z^lane x_lane`
    Continue(usize),
    /// `H' = z H - z^length y_0 + x_0`: the window moves on by one, `y` being column b.
    Slide(usize),
    /// `H' = sum_lane z^lane y_lane` with `y = b + rest`
    Result(usize),
    /// `H' = sum_lane z^lane y_lane^2` with `y = b + rest`
    Square(usize),
}

/// What a row states. `L = product a b + a a + b b + c c + constant`, of each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Row {
    /// Coefficient of the product of a and b.
    pub product: i64,
    /// Coefficient of column a.
    pub a: i64,
    /// Coefficient of column b.
    pub b: i64,
    /// Coefficient of column c.
    pub c: i64,
    /// Constant.
    pub constant: i128,
    /// Coefficient of column a of the row below.
    pub next_a: i64,
    /// Coefficient of column c of the row below.
    pub next_c: i64,
    /// `L + next_a a' + next_c c' = 0`
    pub zero: bool,
    /// `L` is the accumulator of a linear operator's outputs, one in each lane.
    pub output: bool,
    /// `a a + constant` of each lane that has a weight column is an operand of a linear operator, met by its committed
    /// weight.
    pub operand: bool,
    /// H is an operand of a linear operator, met by a committed weight of the first column.
    pub chain_operand: bool,
    /// The sum of the linear relation is zero here.
    pub bound: bool,
    /// What H does.
    pub chain: Option<Chain>,
    /// Tag of the relation that `(a, b)` is in; 0 for none.
    pub pair: u64,
    /// Tag of the relation that `(c, 0)` is in; 0 for none.
    pub range: u64,
    /// Added to column b where a chain reads it.
    pub rest: i64,
    /// `L` is an accumulator of the shared relation, one in each lane.
    pub shared_output: bool,
    /// What G adds to the shared relation's operands.
    pub guest: Option<Guest>,
    /// The operands so far are multiplied by the row challenge to the power of this class first: a stretch begins.
    pub turn: Option<usize>,
    /// `(a a + constant, H)`, `a` of lane 0, is among the entries.
    pub look: bool,
    /// `(entry, V_0)` is an entry of this number; 0 for none.
    pub entry: u64,
}

impl Row {
    /// Whether the first weight column meets an operand here.
    #[must_use]
    pub fn meets_weight(&self) -> bool {
        self.operand || self.chain_operand || self.guest == Some(Guest::Weighted)
    }
}

/// The outputs of a linear operator that one stretch of rows accumulates, and where their weights lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Index of the node.
    pub node: usize,
    /// First output.
    pub first_output: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Inputs of the matrix that each group of outputs reads; dense operators have one group.
    pub groups: usize,
    /// Place of each input of each group, group by group.
    pub places: Vec<WeightPlace>,
    /// Row that the biases lie on, in the first column.
    pub bias_row: usize,
}

/// Where committed weights meet their operand: one for each output of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WeightPlace {
    /// Weight column, which is the lane of the operand.
    pub column: usize,
    /// Circuit row.
    pub row: usize,
}

/// What a tape keeps beside its rows. Copies are most of a tape's memory, and whoever verifies needs none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing: how the circuit is shaped.
    Nothing,
    /// Which cells are copies: what a key's derivation needs.
    Copies,
    /// The cells' integers: what a witness needs.
    Cells,
}

/// The rows of a circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tape {
    lanes: usize,
    rows: Rows,
    kept: Kept,
    cells: Vec<i64>,
    copies: Vec<(Place, Place)>,
    table: Table,
    blocks: Vec<Block>,
    chain_powers: Vec<Power>,
    slides: Vec<(usize, usize)>,
    turns: Vec<usize>,
    guests: Vec<(usize, usize)>,
    bound_next: bool,
}

impl Tape {
    /// An empty tape.
    pub(super) fn new(lanes: usize, kept: Kept) -> Self {
        Self {
            lanes,
            rows: Rows::default(),
            cells: Vec::new(),
            kept,
            copies: Vec::new(),
            table: Table::default(),
            blocks: Vec::new(),
            chain_powers: Vec::new(),
            slides: Vec::new(),
            turns: Vec::new(),
            guests: Vec::new(),
            // The linear relation's sum starts at zero.
            bound_next: true,
        }
    }

    /// Number of lanes.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// The rows, from the top.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Data cells: row by row, lane by lane, then a, b and c.
    #[must_use]
    pub fn cells(&self) -> &[i64] {
        &self.cells
    }

    /// One data cell; 0 beyond the last row, and everywhere on a tape without cells.
    #[must_use]
    pub fn cell(&self, row: usize, lane: usize, slot: Slot) -> i64 {
        self.cells.get(self.index(row, lane, slot)).copied().unwrap_or(0)
    }

    /// The lookup table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Stretches of committed weights.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What the chains' classes multiply by.
    #[must_use]
    pub fn chain_powers(&self) -> &[Power] {
        &self.chain_powers
    }

    /// Exponents of the row challenge for the sliding windows: step, and step times length.
    #[must_use]
    pub fn slides(&self) -> &[(usize, usize)] {
        &self.slides
    }

    /// Exponents of the row challenge that the shared relation's operands are multiplied by where a stretch begins.
    #[must_use]
    pub fn turns(&self) -> &[usize] {
        &self.turns
    }

    /// Rows of G and the row of H that each is a copy of.
    #[must_use]
    pub fn guests(&self) -> &[(usize, usize)] {
        &self.guests
    }

    /// Whether it keeps anything of single cells.
    pub(super) fn keeps_cells(&self) -> bool {
        self.kept != Kept::Nothing
    }

    /// Pairs of equal cells, alone.
    pub(super) fn into_copies(self) -> Vec<(Place, Place)> {
        self.copies
    }

    /// The cells alone: what a witness needs.
    pub(crate) fn into_cells(self) -> Vec<i64> {
        self.cells
    }

    /// Appends rows with empty cells and returns the number of the first.
    pub(super) fn push(&mut self, rows: &[Row]) -> usize {
        let first = self.rows.len();
        for row in rows {
            let bound = row.bound | std::mem::take(&mut self.bound_next);
            self.rows.push(Row { bound, ..*row });
        }
        if self.kept == Kept::Cells {
            self.cells.resize(self.rows.len() * self.lanes * SLOTS, 0);
        }
        first
    }

    /// The linear relation's sum must be zero on the next row.
    pub(super) fn close(&mut self) {
        self.bound_next = true;
    }

    /// Adds the row that a pending end needs.
    pub(super) fn finish(&mut self) {
        if self.bound_next {
            self.push(&[Row::default()]);
        }
        self.rows.finish();
    }

    pub(super) fn set(&mut self, row: usize, lane: usize, slot: Slot, value: i64) {
        let index = self.index(row, lane, slot);
        if let Some(cell) = self.cells.get_mut(index) {
            *cell = value;
        }
    }

    /// Repeats lane 0 of the rows from `first` on in the lanes from `used` on: what holds of one holds of the others.
    pub(super) fn fill_idle(&mut self, first: usize, used: usize) {
        self.repeat_lane(first, 0, used..self.lanes);
    }

    /// Repeats a lane of the rows from `first` on in other lanes.
    pub(super) fn repeat_lane(&mut self, first: usize, from: usize, lanes: impl Iterator<Item = usize>) {
        if self.kept != Kept::Cells {
            return;
        }
        for lane in lanes {
            for row in first..self.rows.len() {
                for slot in [Slot::A, Slot::B, Slot::C] {
                    self.set(row, lane, slot, self.cell(row, from, slot));
                }
            }
        }
    }

    /// States something else on a row that is there already.
    pub(super) fn restate(&mut self, row: usize, stated: Row) {
        self.rows.replace(row, stated);
    }

    /// G of `row` is a copy of H of `from`.
    pub(super) fn invite(&mut self, row: usize, from: usize) {
        self.guests.push((row, from));
        self.copy_places(Place::Chain(from), Place::Guest(row));
    }

    pub(super) fn copy(&mut self, from: Place, row: usize, lane: usize, slot: Slot) {
        self.copy_places(from, Place::Cell { row, lane, slot });
    }

    pub(super) fn copy_places(&mut self, from: Place, to: Place) {
        if self.kept == Kept::Copies {
            self.copies.push((from, to));
        }
    }

    pub(super) fn tag(&mut self, relation: Relation) -> u64 {
        self.table.tag(relation)
    }

    pub(super) fn add_block(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Class of chains that multiply by a power.
    pub(super) fn chain_class(&mut self, power: Power) -> usize {
        class_of(&mut self.chain_powers, power)
    }

    /// Class of stretches of the shared relation with this many outputs.
    pub(super) fn turn_class(&mut self, outputs: usize) -> usize {
        class_of(&mut self.turns, outputs)
    }

    /// Class of windows of `length` elements, each `step` powers of the row challenge apart.
    pub(super) fn slide_class(&mut self, step: usize, length: usize) -> usize {
        class_of(&mut self.slides, (step, step * length))
    }

    fn index(&self, row: usize, lane: usize, slot: Slot) -> usize {
        (row * self.lanes + lane) * SLOTS + slot as usize
    }
}

fn class_of<T: PartialEq>(classes: &mut Vec<T>, class: T) -> usize {
    match classes.iter().position(|other| *other == class) {
        Some(index) => index,
        None => {
            classes.push(class);
            classes.len() - 1
        }
    }
}

/// The interval that holds both `range` and zero.
pub(super) fn with_zero(range: Range) -> Range {
    range.hull(&Range { min: 0, max: 0 })
}

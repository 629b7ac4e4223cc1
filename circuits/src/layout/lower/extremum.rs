//! Maximum and minimum of two values: `max(a, b) = b + relu(a - b)` and `min(a, b) = a - relu(a - b)`.
//!
//! Which of the two is larger is not a hint. A difference whose static range fits a table is looked up with its positive
//! part. A wider one is taken apart, `a - b = 2^n high + low` with `n` half of its bits and 12 at least, so that a table of the
//! high limb says whether it is negative, and a product drops it then.

use crate::model::graph::{Activation, Node, Operator};
use crate::model::range::Range;

use super::finish::{Finish, LIMB_BITS, Step};
use super::{Lowering, Operand};
use crate::layout::plan::PlanError;
use crate::layout::table::Relation;
use crate::layout::tape::{Place, Row, Slot};

/// An element of a batch and what it is the larger or smaller of.
#[derive(Clone, Copy)]
struct Compared {
    lane: usize,
    element: usize,
    operands: [Operand; 2],
}

/// How a difference becomes its positive part.
#[derive(Clone, Copy)]
enum Comparison {
    /// By one lookup.
    Direct { pair: u64 },
    /// By the sign that its high limb has.
    Wide { high: Range, is_positive: u64, low: u64, bits: u32 },
}

/// What the pairs of a node have in common.
struct Extremum {
    is_maximum: bool,
    /// Static range of the difference.
    difference: Range,
    comparison: Comparison,
    finish: Finish,
}

impl Lowering<'_> {
    pub(super) fn extremum(&mut self, index: usize, node: &Node) -> Result<(), PlanError> {
        let [first, second] = node.inputs.as_slice() else { return Ok(()) };
        let (first, second) = (*first as usize, *second as usize);
        let (a, b) = (self.range(first), self.range(second));
        let difference = Range { min: a.min - b.max, max: a.max - b.min };
        let comparison = self.comparison(index, difference)?;
        let (target, finish) = self.finish(index, false)?;
        let is_maximum = matches!(node.operator, Operator::Maximum);
        let extremum = Extremum { is_maximum, difference, comparison, finish };
        let counted = self.graph.values().get(index + 1).map_or(0, |value| value.width() as usize);
        let mut homes = vec![Place::Instance(0); counted];
        let mut batch: Vec<Compared> = Vec::new();
        for row in self.rows_of(index, node, counted) {
            for (lane, element) in row {
                self.check_size()?;
                let operands = [self.operand(first, element), self.operand(second, element)];
                let same = |other: &Compared| other.operands.iter().zip(&operands).all(|(a, b)| a.offset == b.offset);
                if batch.len() == self.tape.lanes() || !batch.first().is_none_or(same) {
                    self.extrema(&mut batch, &extremum, &mut homes);
                }
                let lane = lane.unwrap_or(batch.len());
                batch.push(Compared { lane, element, operands });
            }
            if self.graph.by_positions() {
                self.extrema(&mut batch, &extremum, &mut homes);
            }
        }
        self.extrema(&mut batch, &extremum, &mut homes);
        self.set_homes(target, homes);
        Ok(())
    }

    fn comparison(&mut self, node: usize, difference: Range) -> Result<Comparison, PlanError> {
        let relu = Step { shift: 0, clamp: difference, activation: Activation::Relu };
        if relu.is_direct(difference, self.size.direct) {
            let function = Relation::Function {
                arguments: difference,
                clamp: difference,
                activation: Activation::Relu,
                offset: 0,
            };
            return Ok(Comparison::Direct { pair: self.tape.tag(function) });
        }
        let bits = LIMB_BITS.max((u64::BITS - (difference.count() - 1).leading_zeros()).div_ceil(2));
        let high = Range { min: difference.min >> bits, max: difference.max >> bits };
        if high.count().max(1 << bits) > self.size.direct {
            return Err(PlanError::Wide { node, got: difference.count() });
        }
        // Not negative is positive after one more.
        let arguments = Range { min: high.min + 1, max: high.max + 1 };
        let is_positive = self.tape.tag(Relation::IfPositive { arguments, value: 1 });
        let low = self.tape.tag(Relation::Range { length: 1 << bits });
        Ok(Comparison::Wide { high, is_positive, low, bits })
    }

    fn extrema(&mut self, batch: &mut Vec<Compared>, extremum: &Extremum, homes: &mut [Place]) {
        let Some(Compared { operands, .. }) = batch.first().copied() else { return };
        let Extremum { is_maximum, finish, .. } = extremum;
        let row = self.tape.push(&extremum.rows(operands));
        let end = self.tape.push(&finish.rows);
        for Compared { lane, element, operands } in batch.iter() {
            let (lane, [a, b]) = (*lane, *operands);
            self.read(a, row, lane, Slot::A);
            self.read(b, row, lane, Slot::B);
            self.positive_part(extremum, a.value - b.value, row, lane);
            self.read(if *is_maximum { b } else { a }, end - 1, lane, extremum.kept());
            let result = if *is_maximum { a.value.max(b.value) } else { a.value.min(b.value) };
            let place = self.end(finish, end, lane, result);
            if let Some(home) = homes.get_mut(*element) {
                *home = place;
            }
        }
        self.fill_unused(row, batch.iter().map(|compared| compared.lane));
        batch.clear();
    }

    /// The cells between the operands and the row of the result, and the positive part of the difference there.
    fn positive_part(&mut self, extremum: &Extremum, gap: i64, row: usize, lane: usize) {
        let Extremum { difference, comparison, .. } = extremum;
        let positive = gap.max(0);
        match comparison {
            Comparison::Direct { .. } => {
                self.tape.set(row + 1, lane, Slot::A, gap - difference.min);
                self.tape.set(row + 1, lane, Slot::B, positive);
                self.tape.set(row + 2, lane, Slot::B, positive);
                self.tape.copy(Place::Cell { row: row + 1, lane, slot: Slot::B }, row + 2, lane, Slot::B);
            }
            Comparison::Wide { high, bits, .. } => {
                let is_positive = i64::from(gap >= 0);
                self.tape.set(row + 1, lane, Slot::A, (gap >> bits) - high.min);
                self.tape.set(row + 1, lane, Slot::B, is_positive);
                self.tape.set(row + 1, lane, Slot::C, gap & ((1 << bits) - 1));
                self.tape.set(row + 2, lane, Slot::A, gap - difference.min);
                self.tape.set(row + 2, lane, Slot::B, is_positive);
                self.tape.copy(Place::Cell { row: row + 1, lane, slot: Slot::B }, row + 2, lane, Slot::B);
                self.tape.set(row + 3, lane, Slot::A, positive);
            }
        }
    }
}

impl Extremum {
    /// The column in which the result's row has the operand, beside the positive part.
    fn kept(&self) -> Slot {
        match self.comparison {
            Comparison::Direct { .. } => Slot::A,
            Comparison::Wide { .. } => Slot::B,
        }
    }

    /// The rows up to the finish, for operands of these offsets.
    fn rows(&self, [a, b]: [Operand; 2]) -> Vec<Row> {
        let Self { is_maximum, difference, comparison, finish } = self;
        let offset = i128::from(a.offset) - i128::from(b.offset);
        let least = i128::from(difference.min);
        let gap = Row { a: 1, b: -1, zero: true, ..Row::default() };
        let mut rows = match *comparison {
            Comparison::Direct { pair } => {
                vec![Row { constant: offset - least, next_a: -1, ..gap }, Row { pair, ..Row::default() }]
            }
            Comparison::Wide { high, is_positive, low, bits } => {
                let limb = 1i64 << bits;
                let base = i128::from(high.min) << bits;
                let joined = Row { a: limb, c: 1, constant: base - least, next_a: -1, zero: true, ..Row::default() };
                vec![
                    Row { constant: offset - base, next_a: -limb, next_c: -1, ..gap },
                    Row { pair: is_positive, range: low, ..joined },
                    Row { product: 1, b: difference.min, next_a: -1, zero: true, ..Row::default() },
                ]
            }
        };
        let (kept, sign) = if *is_maximum { (b, 1) } else { (a, -1) };
        let [a, b] = if self.kept() == Slot::A { [1, sign] } else { [sign, 1] };
        rows.push(Row {
            a,
            b,
            constant: i128::from(kept.offset) - finish.constant,
            next_a: -finish.a,
            next_c: -finish.c,
            zero: true,
            ..Row::default()
        });
        rows
    }
}

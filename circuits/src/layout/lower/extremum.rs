//! Maximum and minimum of two values: `max(a, b) = b + relu(a - b)` and `min(a, b) = a - relu(a - b)`.
//!
//! The difference is looked up in the table of its static range, so which of the two is larger is not a hint.

use crate::model::graph::{Activation, Node, Operator};
use crate::model::range::Range;

use super::finish::{Finish, Step};
use super::{Lowering, Operand};
use crate::layout::plan::PlanError;
use crate::layout::table::Relation;
use crate::layout::tape::{Place, Row, Slot};

impl Lowering<'_> {
    pub(super) fn extremum(&mut self, index: usize, node: &Node) -> Result<(), PlanError> {
        let [first, second] = node.inputs.as_slice() else { return Ok(()) };
        let (first, second) = (*first as usize, *second as usize);
        let (a, b) = (self.range(first), self.range(second));
        let difference = Range { min: a.min - b.max, max: a.max - b.min };
        let relu = Step { shift: 0, clamp: difference, activation: Activation::Relu };
        if !relu.is_direct(difference) {
            return Err(PlanError::Wide { node: index, got: difference.count() });
        }
        let pair = self.tape.tag(Relation::Function {
            arguments: difference,
            clamp: difference,
            activation: Activation::Relu,
            offset: 0,
        });
        let (target, finish) = self.finish(index, false)?;
        let is_maximum = matches!(node.operator, Operator::Maximum);
        let counted = self.graph.values().get(index + 1).map_or(0, |value| value.width() as usize);
        let mut homes = Vec::with_capacity(counted);
        let mut batch: Vec<[Operand; 2]> = Vec::new();
        for element in 0..counted {
            self.check_size()?;
            let pair_of = [self.operand(first, element), self.operand(second, element)];
            let same = |other: &[Operand; 2]| other.iter().zip(&pair_of).all(|(a, b)| a.offset == b.offset);
            if batch.len() == self.tape.lanes() || !batch.first().is_none_or(same) {
                self.extrema(&mut batch, difference, pair, is_maximum, &finish, &mut homes);
            }
            batch.push(pair_of);
        }
        self.extrema(&mut batch, difference, pair, is_maximum, &finish, &mut homes);
        self.set_homes(target, homes);
        Ok(())
    }

    fn extrema(
        &mut self,
        batch: &mut Vec<[Operand; 2]>,
        difference: Range,
        pair: u64,
        is_maximum: bool,
        finish: &Finish,
        homes: &mut Vec<Place>,
    ) {
        let Some([a, b]) = batch.first().copied() else { return };
        let offset = i128::from(a.offset) - i128::from(b.offset) - i128::from(difference.min);
        let kept = if is_maximum { b } else { a };
        let rows = [
            Row { a: 1, b: -1, constant: offset, next_a: -1, zero: true, ..Row::default() },
            Row { pair, ..Row::default() },
            Row {
                a: 1,
                b: if is_maximum { 1 } else { -1 },
                constant: i128::from(kept.offset) - finish.constant,
                next_a: -finish.a,
                next_c: -finish.c,
                zero: true,
                ..Row::default()
            },
        ];
        let row = self.tape.push(&rows);
        let end = self.tape.push(&finish.rows);
        for (lane, [a, b]) in batch.iter().enumerate() {
            self.read(*a, row, lane, Slot::A);
            self.read(*b, row, lane, Slot::B);
            let gap = a.value - b.value;
            self.tape.set(row + 1, lane, Slot::A, gap - difference.min);
            self.tape.set(row + 1, lane, Slot::B, gap.max(0));
            self.read(if is_maximum { *b } else { *a }, row + 2, lane, Slot::A);
            self.tape.set(row + 2, lane, Slot::B, gap.max(0));
            self.tape.copy(Place::Cell { row: row + 1, lane, slot: Slot::B }, row + 2, lane, Slot::B);
            let result = if is_maximum { a.value.max(b.value) } else { a.value.min(b.value) };
            homes.push(self.end(finish, end, lane, result));
        }
        self.tape.fill_idle(row, batch.len());
        batch.clear();
    }
}

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

/// An element of a batch and what it is the larger or smaller of.
#[derive(Clone, Copy)]
struct Compared {
    lane: usize,
    element: usize,
    operands: [Operand; 2],
}

impl Lowering<'_> {
    pub(super) fn extremum(&mut self, index: usize, node: &Node) -> Result<(), PlanError> {
        let [first, second] = node.inputs.as_slice() else { return Ok(()) };
        let (first, second) = (*first as usize, *second as usize);
        let (a, b) = (self.range(first), self.range(second));
        let difference = Range { min: a.min - b.max, max: a.max - b.min };
        let relu = Step { shift: 0, clamp: difference, activation: Activation::Relu };
        if !relu.is_direct(difference, self.size.direct) {
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
        let mut homes = vec![Place::Instance(0); counted];
        let mut batch: Vec<Compared> = Vec::new();
        for row in self.rows_of(node, counted) {
            for (lane, element) in row {
                self.check_size()?;
                let operands = [self.operand(first, element), self.operand(second, element)];
                let same = |other: &Compared| other.operands.iter().zip(&operands).all(|(a, b)| a.offset == b.offset);
                if batch.len() == self.tape.lanes() || !batch.first().is_none_or(same) {
                    self.extrema(&mut batch, difference, pair, is_maximum, &finish, &mut homes);
                }
                let lane = lane.unwrap_or(batch.len());
                batch.push(Compared { lane, element, operands });
            }
            if self.graph.by_positions() {
                self.extrema(&mut batch, difference, pair, is_maximum, &finish, &mut homes);
            }
        }
        self.extrema(&mut batch, difference, pair, is_maximum, &finish, &mut homes);
        self.set_homes(target, homes);
        Ok(())
    }

    fn extrema(
        &mut self,
        batch: &mut Vec<Compared>,
        difference: Range,
        pair: u64,
        is_maximum: bool,
        finish: &Finish,
        homes: &mut [Place],
    ) {
        let Some(Compared { operands: [a, b], .. }) = batch.first().copied() else { return };
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
        for Compared { lane, element, operands: [a, b] } in batch.iter() {
            let lane = *lane;
            self.read(*a, row, lane, Slot::A);
            self.read(*b, row, lane, Slot::B);
            let gap = a.value - b.value;
            self.tape.set(row + 1, lane, Slot::A, gap - difference.min);
            self.tape.set(row + 1, lane, Slot::B, gap.max(0));
            self.read(if is_maximum { *b } else { *a }, row + 2, lane, Slot::A);
            self.tape.set(row + 2, lane, Slot::B, gap.max(0));
            self.tape.copy(Place::Cell { row: row + 1, lane, slot: Slot::B }, row + 2, lane, Slot::B);
            let result = if is_maximum { a.value.max(b.value) } else { a.value.min(b.value) };
            let place = self.end(finish, end, lane, result);
            if let Some(home) = homes.get_mut(*element) {
                *home = place;
            }
        }
        self.fill_unused(row, batch.iter().map(|compared| compared.lane));
        batch.clear();
    }
}

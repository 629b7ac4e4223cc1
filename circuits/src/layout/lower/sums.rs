//! Sums of products and multiples: element-wise arithmetic, reductions, products of matrices, and requantisation alone.
//!
//! A row takes one product or two multiples; longer sums run down column c. Partial sums are offset by the least they
//! can be, so that column c stays non-negative.

use super::finish::Finish;
use super::{Lowering, Operand};
use crate::layout::plan::PlanError;
use crate::layout::tape::{Place, Row, Slot};
use crate::model::graph::{Node, Operator};

/// What one row adds: `product a b + a a + b b` of the integers themselves.
struct Term {
    product: i64,
    a: (i64, Operand),
    b: Option<(i64, Operand)>,
    /// The least that it can be.
    least: i128,
}

/// An element of a batch.
struct Filled {
    lane: usize,
    element: usize,
    terms: Vec<Term>,
    accumulator: i64,
}

impl Filled {
    /// The list of its terms, empty.
    fn emptied(self) -> Vec<Term> {
        let mut terms = self.terms;
        terms.clear();
        terms
    }
}

impl Term {
    fn row(&self) -> Row {
        let (a, first) = self.a;
        let (b, second_offset) = self.b.map_or((0, 0), |(b, operand)| (b, operand.offset));
        let [first_offset, second_offset] = [i128::from(first.offset), i128::from(second_offset)];
        let product = i128::from(self.product);
        // Offsets are below 2^48 and one of the two coefficients is a unit, so the sums fit.
        let narrow = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
        Row {
            product: self.product,
            a: narrow(i128::from(a) + product * second_offset),
            b: narrow(i128::from(b) + product * first_offset),
            constant: i128::from(a) * first_offset
                + i128::from(b) * second_offset
                + product * first_offset * second_offset,
            zero: true,
            ..Row::default()
        }
    }

    fn value(&self) -> i128 {
        let (a, first) = self.a;
        let (b, second) = self.b.map_or((0, 0), |(b, operand)| (b, operand.value));
        let product = i128::from(self.product) * i128::from(first.value) * i128::from(second);
        product + i128::from(a) * i128::from(first.value) + i128::from(b) * i128::from(second)
    }
}

impl Lowering<'_> {
    pub(super) fn sums(&mut self, index: usize, node: &Node) -> Result<(), PlanError> {
        let (target, finish) = self.finish(index, false)?;
        let own = matches!(node.operator, Operator::Requantise { .. });
        let source = node.inputs.first().map_or(0, |value| *value as usize);
        let counted = self.graph.values().get(index + 1).map_or(0, |value| value.width() as usize);
        let constant = match &node.operator {
            Operator::Combine { constant, .. } => *constant,
            _ => 0,
        };
        let mut homes = vec![Place::Instance(0); counted];
        let mut batch: Vec<Filled> = Vec::new();
        let mut stated: Vec<Row> = Vec::new();
        // Lists of terms that are written down already, to be filled again.
        let mut spare: Vec<Vec<Term>> = Vec::new();
        for row in self.rows_of(index, node, counted) {
            for (lane, element) in row {
                self.check_size()?;
                let mut terms = spare.pop().unwrap_or_default();
                self.terms(node, element, &mut terms);
                let rows = terms.iter().map(Term::row);
                if batch.len() == self.tape.lanes() || (!batch.is_empty() && !rows.clone().eq(stated.iter().copied())) {
                    self.batch(&batch, &stated, constant, &finish, &mut homes);
                    spare.extend(batch.drain(..).map(Filled::emptied));
                }
                if batch.is_empty() {
                    stated.clear();
                    stated.extend(rows);
                }
                let accumulator =
                    if own { self.operand(source, element).value } else { self.integer(index + 1, element) };
                let lane = lane.unwrap_or(batch.len());
                batch.push(Filled { lane, element, terms, accumulator });
            }
            if self.graph.by_positions() {
                self.batch(&batch, &stated, constant, &finish, &mut homes);
                spare.extend(batch.drain(..).map(Filled::emptied));
            }
        }
        self.batch(&batch, &stated, constant, &finish, &mut homes);
        self.set_homes(target, homes);
        Ok(())
    }

    /// Writes the rows of a batch that state the same.
    fn batch(&mut self, batch: &[Filled], stated: &[Row], constant: i64, finish: &Finish, homes: &mut [Place]) {
        let Some(Filled { terms: leading, .. }) = batch.first() else { return };
        let mut rows = stated.to_vec();
        let last = rows.len().saturating_sub(1);
        let mut taken = 0;
        for (place, (row, term)) in rows.iter_mut().zip(leading).enumerate() {
            row.c = i64::from(place > 0);
            if place < last {
                row.next_c = -1;
                row.constant -= term.least;
                taken += term.least;
            } else {
                row.next_a = -finish.a;
                row.next_c = -finish.c;
                row.constant += i128::from(constant) + taken - finish.constant;
            }
        }
        let first = self.tape.push(&rows);
        let end = self.tape.push(&finish.rows);
        for Filled { lane, element, terms, accumulator } in batch.iter() {
            let lane = *lane;
            let mut running = 0;
            let read = if self.tape.keeps_cells() { terms.as_slice() } else { &[] };
            for (row, term) in (first..).zip(read) {
                self.read(term.a.1, row, lane, Slot::A);
                if let Some((_, operand)) = term.b {
                    self.read(operand, row, lane, Slot::B);
                }
                if row > first {
                    self.tape.set(row, lane, Slot::C, i64::try_from(running).unwrap_or(i64::MAX));
                }
                running += term.value() - term.least;
            }
            let place = self.end(finish, end, lane, *accumulator);
            if let Some(home) = homes.get_mut(*element) {
                *home = place;
            }
        }
        self.fill_unused(first, batch.iter().map(|filled| filled.lane));
    }

    /// Writes the cells of a finish that starts on `row`, and returns the result's cell.
    pub(super) fn end(&mut self, finish: &Finish, row: usize, lane: usize, accumulator: i64) -> Place {
        if self.run.is_some() {
            for (down, slot, value) in finish.cells(accumulator) {
                self.tape.set(row + down, lane, slot, value);
            }
        }
        for ((from, from_slot), (to, to_slot)) in &finish.repeats {
            let from = Place::Cell { row: row + from, lane, slot: *from_slot };
            self.tape.copy(from, row + to, lane, *to_slot);
        }
        let (down, slot) = finish.result;
        Place::Cell { row: row + down, lane, slot }
    }

    /// Appends what the rows of an element add.
    fn terms(&mut self, node: &Node, element: usize, terms: &mut Vec<Term>) {
        let input = |slot: usize| node.inputs.get(slot).map_or(0, |value| *value as usize);
        let (first, second) = (input(0), input(1));
        match &node.operator {
            Operator::Combine { multipliers, .. } => {
                let multiples = multipliers.iter().zip(&node.inputs);
                self.multiples(multiples.map(|(multiplier, input)| (*multiplier, *input as usize, element)), terms);
            }
            Operator::Sum => {
                let length = self.shape(first).last().map_or(1, |length| *length as usize);
                self.multiples((0..length).map(|place| (1, first, element * length + place)), terms);
            }
            Operator::Multiply => terms.push(self.product((first, element), (second, element))),
            Operator::MatrixMultiply => {
                let (Some(&[_, m, k]), Some(&[_, _, n])) =
                    (self.shape(first).first_chunk::<3>(), self.shape(second).first_chunk::<3>())
                else {
                    return;
                };
                let (m, k, n) = (m as usize, k as usize, n as usize);
                let (batch, row, column) = (element / (m * n), element / n % m, element % n);
                terms.extend((0..k).map(|inner| {
                    self.product((first, (batch * m + row) * k + inner), (second, (batch * k + inner) * n + column))
                }));
            }
            // A requantisation that is not fused, and nothing else, comes here.
            _ => self.multiples(std::iter::once((1, first, element)), terms),
        }
    }

    fn shape(&self, value: usize) -> &[u32] {
        self.graph.values().get(value).map_or(&[], |value| value.shape.as_slice())
    }

    /// Appends sums of two multiples each: multiplier, value and element.
    fn multiples(&mut self, multiples: impl Iterator<Item = (i64, usize, usize)>, terms: &mut Vec<Term>) {
        let mut read = multiples.map(|(multiplier, value, element)| {
            let least = self.range(value).scaled(multiplier).0;
            ((multiplier, self.operand(value, element)), least)
        });
        while let Some((a, least)) = read.next() {
            let (b, low) = read.next().unzip();
            terms.push(Term { product: 0, a, b, least: least + low.unwrap_or(0) });
        }
    }

    fn product(&mut self, a: (usize, usize), b: (usize, usize)) -> Term {
        let (first, second) = (self.range(a.0), self.range(b.0));
        let least = second.scaled(first.min).0.min(second.scaled(first.max).0);
        let (a, b) = (self.operand(a.0, a.1), self.operand(b.0, b.1));
        Term { product: 1, a: (0, a), b: Some((0, b)), least }
    }
}

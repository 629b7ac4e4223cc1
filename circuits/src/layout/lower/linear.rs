//! Linear operators with committed weights.
//!
//! One stretch of rows for each block of outputs: the accumulators, over which Horner's rule runs in the row challenge r;
//! then the operands, each beside its committed weight. With `n` outputs and `P` positions, the accumulator of output `o`
//! at position `p` carries `r^(o + n (P - 1 - p))`, and an operand is its window's combination
//! `sum_p z^(P - 1 - p) x_p` with `z = r^n`. Exponents of one stretch differ because `o < n`, and each stretch
//! is an equation of its own, so no two scalar equations share a monomial. One position needs no window: the operand is
//! the cell itself.

use crate::model::graph::Node;

use super::window::{Item, Pattern, Sequence};
use super::{Lowering, Operand};
use crate::layout::plan::PlanError;
use crate::layout::tape::{Block, Chain, Place, Power, Row, Slot, WeightPlace};

/// One block of outputs.
struct Stretch<'a> {
    index: usize,
    source: usize,
    pattern: &'a Pattern,
    first_output: usize,
    outputs: usize,
}

impl Stretch<'_> {
    fn accumulators(&self) -> usize {
        self.outputs * self.pattern.positions
    }
}

impl Lowering<'_> {
    pub(super) fn linear(&mut self, index: usize, node: &Node) -> Result<(), PlanError> {
        let source = node.inputs.first().map_or(0, |value| *value as usize);
        let values = self.graph.values();
        let (Some(input), Some(result)) = (values.get(source), values.get(index + 1)) else { return Ok(()) };
        let Some(pattern) = Pattern::new(node, input, result) else { return Ok(()) };
        let target = self.fused.get(index + 1).copied().flatten().map_or(index + 1, |reader| reader + 1);
        let mut homes = vec![Place::Instance(0); result.width() as usize];
        let mut first_output = 0;
        while first_output < pattern.outputs {
            let outputs = (pattern.outputs - first_output).min(self.size.committed_rows.max(1));
            let stretch = Stretch { index, source, pattern: &pattern, first_output, outputs };
            self.accumulators(&stretch, &mut homes)?;
            self.operands(&stretch)?;
            self.tape.close();
            first_output += outputs;
        }
        self.set_homes(target, homes);
        Ok(())
    }

    fn accumulators(&mut self, stretch: &Stretch<'_>, homes: &mut [Place]) -> Result<(), PlanError> {
        let lanes = self.tape.lanes();
        let count = stretch.accumulators();
        let (_, finish) = self.finish(stretch.index, !count.is_multiple_of(lanes))?;
        let Some(end) = finish.rows.first().copied() else { return Ok(()) };
        let row = Row { a: finish.a, c: finish.c, constant: finish.constant, output: true, ..end };
        // Lane l of a row has the exponent `first + l`; what only fills the first row's lanes has the largest.
        for first in (0..count).step_by(lanes).rev() {
            self.check_size()?;
            let at = self.tape.push(&[row]);
            for (lane, exponent) in (first..first + lanes).enumerate() {
                let (output, position) = (exponent % stretch.outputs, exponent / stretch.outputs);
                let position = stretch.pattern.positions.checked_sub(position + 1);
                let accumulator = position.map_or(0, |position| self.accumulator(stretch, position, output));
                let place = self.end(&finish, at, lane, accumulator);
                let element =
                    position.and_then(|position| stretch.pattern.result(position, stretch.first_output + output));
                if let Some(home) = element.and_then(|element| homes.get_mut(element)) {
                    *home = place;
                }
            }
        }
        Ok(())
    }

    /// The accumulator of one output at one position.
    fn accumulator(&self, stretch: &Stretch<'_>, position: usize, output: usize) -> i64 {
        let Some(run) = self.run else { return 0 };
        let output = stretch.first_output + output;
        let pattern = stretch.pattern;
        if let Some(element) = pattern.result(position, output) {
            return self.integer(stretch.index + 1, element);
        }
        let Some(weights) = run.weights.get(stretch.index) else { return 0 };
        let Some(row) = weights.row(output) else { return 0 };
        let group = output / (pattern.outputs / pattern.groups.max(1)).max(1);
        let mut sum = weights.bias().get(output).copied().unwrap_or(0);
        for sequence in pattern.sequences.iter().filter(|sequence| sequence.group == group) {
            for tap in &sequence.taps {
                let item = sequence.items.get(position + tap.distance).copied().unwrap_or(Item::Zero);
                let Item::Element(element) = item else { continue };
                let weight = row.get(tap.column).copied().unwrap_or(0);
                sum += i64::from(weight) * self.element(stretch.source, element);
            }
        }
        sum
    }

    /// One element of a value in the run, wherever it comes from.
    fn element(&self, value: usize, element: usize) -> i64 {
        match self.source(value, element) {
            super::Source::Constant(constant) => constant,
            super::Source::Element { value, element } => self.integer(value, element),
        }
    }

    fn operands(&mut self, stretch: &Stretch<'_>) -> Result<(), PlanError> {
        let pattern = stretch.pattern;
        let mut places = vec![WeightPlace::default(); pattern.columns * pattern.groups];
        let single = pattern.positions == 1;
        let met = if single { self.cells(stretch)? } else { self.all_windows(stretch)? };
        for (input, met_at) in met {
            if let Some(place) = places.get_mut(input) {
                *place = met_at;
            }
        }
        let bias_row = if single {
            self.tape.push(&[Row { constant: 1, operand: true, ..Row::default() }])
        } else {
            self.ones(stretch)
        };
        self.tape.add_block(Block {
            node: stretch.index,
            first_output: stretch.first_output,
            outputs: stretch.outputs,
            groups: pattern.groups,
            places,
            bias_row,
        });
        Ok(())
    }

    /// Operands of a single position: each weight meets its element on the element's own row, as many on a row as there
    /// are weight columns. Returns inputs of the matrix and where their weights lie.
    fn cells(&mut self, stretch: &Stretch<'_>) -> Result<Vec<(usize, WeightPlace)>, PlanError> {
        let pattern = stretch.pattern;
        let width = self.size.weight_columns;
        let mut met = Vec::with_capacity(pattern.columns * pattern.groups);
        let (mut pending, mut zeros) = (Vec::with_capacity(width), Vec::new());
        for sequence in &pattern.sequences {
            self.check_size()?;
            for tap in &sequence.taps {
                let input = sequence.group * pattern.columns + tap.column;
                let Some(Item::Element(element)) = sequence.items.get(tap.distance).copied() else {
                    zeros.push(input);
                    continue;
                };
                let operand = self.operand(stretch.source, element);
                let is_other =
                    pending.first().is_some_and(|(_, first): &(usize, Operand)| first.offset != operand.offset);
                if is_other || pending.len() == width {
                    self.operand_row(&pending, &mut met);
                    pending.clear();
                }
                pending.push((input, operand));
            }
        }
        self.operand_row(&pending, &mut met);
        // Padding: the weight meets zero.
        for inputs in zeros.chunks(width) {
            let row = self.tape.push(&[Row { operand: true, ..Row::default() }]);
            met.extend(inputs.iter().enumerate().map(|(column, input)| (*input, WeightPlace { column, row })));
        }
        Ok(met)
    }

    /// One row of operands that share an offset. A weight column without one of its own meets the first, so that the sum
    /// is determined whatever the column holds.
    fn operand_row(&mut self, operands: &[(usize, Operand)], met: &mut Vec<(usize, WeightPlace)>) {
        let Some((_, first)) = operands.first().copied() else { return };
        let stated = Row { a: 1, constant: i128::from(first.offset), operand: true, ..Row::default() };
        let row = self.tape.push(&[stated]);
        for column in 0..self.size.weight_columns {
            let operand = operands.get(column).map_or(first, |(_, operand)| *operand);
            self.read(operand, row, column, Slot::A);
        }
        met.extend(operands.iter().enumerate().map(|(column, (input, _))| (*input, WeightPlace { column, row })));
    }

    fn all_windows(&mut self, stretch: &Stretch<'_>) -> Result<Vec<(usize, WeightPlace)>, PlanError> {
        let mut met = Vec::new();
        for sequence in &stretch.pattern.sequences {
            self.check_size()?;
            let first = sequence.group * stretch.pattern.columns;
            let rows = self.windows(stretch, sequence);
            met.extend(rows.into_iter().map(|(row, column)| (first + column, WeightPlace { column: 0, row })));
        }
        Ok(met)
    }

    /// Operands of many positions: a chain over the first window, then one row for each step of the window.
    fn windows(&mut self, stretch: &Stretch<'_>, sequence: &Sequence) -> Vec<(usize, usize)> {
        let operands = self.uniform(stretch, sequence);
        let offset = operands.first().map_or(0, |operand| operand.offset);
        let positions = stretch.pattern.positions;
        self.chain(Power::Row(stretch.outputs), operands.get(..positions).unwrap_or_default(), offset);
        let steps = sequence.taps.last().map_or(0, |tap| tap.distance);
        let class = if steps > 0 { self.tape.slide_class(stretch.outputs, positions) } else { 0 };
        let mut taps = sequence.taps.iter().peekable();
        let mut met = Vec::with_capacity(sequence.taps.len());
        for distance in 0..=steps {
            let mut row = Row::default();
            if distance < steps {
                row = Row { a: 1, constant: i128::from(offset), chain: Some(Chain::Slide(class)), ..row };
            }
            let weighted = taps.next_if(|tap| tap.distance == distance);
            row.chain_operand = weighted.is_some();
            let at = self.tape.push(&[row]);
            if distance < steps {
                let (old, new) = (operands.get(distance).copied(), operands.get(distance + positions).copied());
                if let (Some(old), Some(new)) = (old, new) {
                    self.read(new, at, 0, Slot::A);
                    self.read(old, at, 0, Slot::B);
                }
            }
            if let Some(tap) = weighted {
                met.push((at, tap.column));
            }
        }
        met
    }

    /// The elements of a sequence in cells of one offset.
    fn uniform(&mut self, stretch: &Stretch<'_>, sequence: &Sequence) -> Vec<Operand> {
        let mut read: Vec<Option<Operand>> = Vec::with_capacity(sequence.items.len());
        for item in &sequence.items {
            read.push(match item {
                Item::Element(element) => Some(self.operand(stretch.source, *element)),
                Item::Zero => None,
            });
        }
        let offset = read.iter().flatten().next().map_or(0, |operand| operand.offset);
        let mut operands = Vec::with_capacity(read.len());
        for operand in read {
            operands.push(match operand {
                Some(operand) => self.rebase(operand, offset),
                None => Operand { place: self.constant(-offset), offset, value: 0 },
            });
        }
        operands
    }

    /// H becomes `sum_p z^(positions - 1 - p) x_p`, `lanes` elements a row, the last lane of a row being the first
    /// element it adds.
    pub(super) fn chain(&mut self, power: Power, window: &[Operand], offset: i64) {
        let lanes = self.tape.lanes();
        let class = self.tape.chain_class(power);
        // The first row holds what does not fill a row, so that every later one multiplies by z^lanes.
        let partial = window.len() % lanes;
        let zero = (partial > 0).then(|| self.constant(-offset));
        let mut rest = window;
        let mut start = true;
        while !rest.is_empty() {
            let taken = if start && partial > 0 { partial } else { lanes };
            let (now, later) = rest.split_at(taken.min(rest.len()));
            let chain = if start { Chain::Start(class) } else { Chain::Continue(class) };
            let row = Row { a: 1, constant: i128::from(offset), chain: Some(chain), ..Row::default() };
            let at = self.tape.push(&[row]);
            for lane in 0..lanes {
                match now.len().checked_sub(lane + 1).and_then(|place| now.get(place)) {
                    Some(operand) => self.read(*operand, at, lane, Slot::A),
                    None => {
                        let place = zero.unwrap_or(Place::Instance(0));
                        self.read(Operand { place, offset, value: 0 }, at, lane, Slot::A);
                    }
                }
            }
            rest = later;
            start = false;
        }
    }

    /// The operand of the biases: a chain of ones. Returns the row after it.
    fn ones(&mut self, stretch: &Stretch<'_>) -> usize {
        let ones = vec![Operand { place: self.constant(1), offset: 0, value: 1 }; stretch.pattern.positions];
        self.chain(Power::Row(stretch.outputs), &ones, 0);
        self.tape.push(&[Row { chain_operand: true, ..Row::default() }])
    }
}

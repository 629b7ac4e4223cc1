//! How a result ends: in a cell of its own, or requantised.
//!
//! A finish is a form `A = a a + c c + constant` of the accumulator in the cells of its first row, and the rows that
//! pin those cells. A requantisation whose static range fits a table is one row: quotient, result and remainder. A wider
//! one splits the quotient, `q - base = 2^bits high + low`, so that two small tables and a product decide whether it
//! saturates: `u = low [high = 0] + (2^bits - 1) [high > 0]`, which the function's table then takes.

use crate::layout::plan::PlanError;
use crate::layout::table::Relation;
use crate::layout::tape::{Row, Slot, Tape};
use crate::model::graph::{Activation, quotient, quotient_range};
use crate::model::range::Range;

/// Bits of the lower limb of a quotient that is not clamped, and of a difference that is too wide for a table.
pub(super) const LIMB_BITS: u32 = 12;

/// What a requantisation does.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) shift: u8,
    pub(super) clamp: Range,
    pub(super) activation: Activation,
}

impl Step {
    /// Whether one table of at most `most` quotients covers those of accumulators in `source`, zero included.
    pub(super) fn is_direct(&self, source: Range, most: u64) -> bool {
        quotient_range(crate::layout::tape::with_zero(source), self.shift).count() <= most
    }

    /// Whether two requantisations do the same to a quotient.
    pub(super) fn applies_alike(&self, other: &Self) -> bool {
        self.clamp == other.clamp && self.activation == other.activation
    }

    fn apply(&self, quotient: i64) -> i64 {
        self.activation.apply(quotient.clamp(self.clamp.min, self.clamp.max))
    }

    fn half(&self) -> i128 {
        if self.shift == 0 { 0 } else { 1 << (self.shift - 1) }
    }
}

enum Kind {
    Home,
    Direct,
    /// High limb's range.
    Clamped {
        high: Range,
        bits: u32,
    },
    Wide {
        bits: u32,
    },
}

/// The end of a result.
pub(super) struct Finish {
    /// Coefficient of column a of the first row.
    pub(super) a: i64,
    /// Coefficient of column c of the first row.
    pub(super) c: i64,
    /// Constant of the form.
    pub(super) constant: i128,
    /// The rows.
    pub(super) rows: Vec<Row>,
    /// Cells that repeat an earlier one: row and slot of both.
    pub(super) repeats: Vec<((usize, Slot), (usize, Slot))>,
    /// Row and slot of the result.
    pub(super) result: (usize, Slot),
    kind: Kind,
    step: Option<Step>,
    arguments: Range,
    offset: i64,
}

impl Finish {
    /// The result in a cell of its own.
    pub(super) fn home(offset: i64) -> Self {
        Self {
            a: 1,
            c: 0,
            constant: i128::from(offset),
            rows: vec![Row::default()],
            repeats: Vec::new(),
            result: (0, Slot::A),
            kind: Kind::Home,
            step: None,
            arguments: Range { min: 0, max: 0 },
            offset,
        }
    }

    /// The result of `step` for accumulators in `source`, with tables of at most `most` quotients. `node` only names the
    /// node in errors.
    pub(super) fn requantise(
        tape: &mut Tape,
        node: usize,
        step: &Step,
        source: Range,
        offset: i64,
        most: u64,
    ) -> Result<Self, PlanError> {
        let arguments = quotient_range(source, step.shift);
        let remainder = if step.shift == 0 { 0 } else { tape.tag(Relation::Range { length: 1 << step.shift }) };
        let parts = Parts { tape, node, step, arguments, offset, remainder, most };
        if arguments.count() <= most {
            Ok(parts.direct())
        } else if step.clamp.covers(&arguments) && step.activation == Activation::Identity {
            parts.wide()
        } else {
            parts.clamped()
        }
    }

    /// Cells of one result: row, slot and integer.
    pub(super) fn cells(&self, accumulator: i64) -> Vec<(usize, Slot, i64)> {
        let Some(step) = &self.step else { return vec![(0, Slot::A, accumulator - self.offset)] };
        let q = quotient(accumulator, step.shift);
        let y = step.apply(q) - self.offset;
        let remainder =
            i64::try_from(i128::from(accumulator) + step.half() - (i128::from(q) << step.shift)).unwrap_or(-1);
        match self.kind {
            Kind::Home => Vec::new(),
            Kind::Direct => vec![(0, Slot::A, q - self.arguments.min), (0, Slot::B, y), (0, Slot::C, remainder)],
            Kind::Wide { bits } => {
                let shifted = q - self.arguments.min;
                let (high, low) = (shifted >> bits, shifted & ((1 << bits) - 1));
                vec![
                    (0, Slot::A, high),
                    (0, Slot::C, (low << step.shift) + remainder),
                    (1, Slot::A, low),
                    (1, Slot::C, remainder),
                    (2, Slot::A, high),
                    (2, Slot::B, low),
                    (3, Slot::A, y),
                ]
            }
            Kind::Clamped { high: range, bits } => {
                let shifted = q - step.clamp.min;
                let (high, low) = (shifted >> bits, shifted & ((1 << bits) - 1));
                let inside = i64::from(high == 0);
                let above = if high > 0 { (1 << bits) - 1 } else { 0 };
                vec![
                    (0, Slot::A, high - range.min),
                    (0, Slot::B, inside),
                    (0, Slot::C, (low << step.shift) + remainder),
                    (1, Slot::A, low),
                    (1, Slot::C, remainder),
                    (2, Slot::A, high - range.min),
                    (2, Slot::B, above),
                    (3, Slot::A, low),
                    (3, Slot::B, inside),
                    (3, Slot::C, above),
                    (4, Slot::A, low * inside + above),
                    (4, Slot::B, y),
                ]
            }
        }
    }
}

struct Parts<'a> {
    tape: &'a mut Tape,
    node: usize,
    step: &'a Step,
    arguments: Range,
    offset: i64,
    remainder: u64,
    most: u64,
}

impl Parts<'_> {
    fn scale(&self) -> i64 {
        1 << self.step.shift
    }

    fn finish(self, rows: Vec<Row>, result: (usize, Slot), kind: Kind) -> Finish {
        let scale = self.scale();
        Finish {
            a: scale,
            c: 1,
            constant: i128::from(scale) * i128::from(self.arguments.min) - self.step.half(),
            rows,
            repeats: Vec::new(),
            result,
            kind,
            step: Some(self.step.clone()),
            arguments: self.arguments,
            offset: self.offset,
        }
    }

    fn direct(self) -> Finish {
        let pair = self.tape.tag(Relation::Function {
            arguments: self.arguments,
            clamp: self.step.clamp,
            activation: self.step.activation.clone(),
            offset: self.offset,
        });
        let row = Row { pair, range: self.remainder, ..Row::default() };
        let unshifted = self.step.shift == 0;
        let finish = self.finish(vec![row], (0, Slot::B), Kind::Direct);
        Finish { c: if unshifted { 0 } else { 1 }, ..finish }
    }

    /// The row that takes the joint lower limbs apart into the low limb and the remainder, which the row below holds.
    fn split(&self, pair: u64) -> Row {
        let next_c = if self.step.shift == 0 { 0 } else { -1 };
        Row { c: 1, next_a: -self.scale(), next_c, zero: true, pair, ..Row::default() }
    }

    fn wide(self) -> Result<Finish, PlanError> {
        let bits = LIMB_BITS;
        let high = ((self.arguments.count() - 1) >> bits) + 1;
        if high > self.most {
            return Err(PlanError::Wide { node: self.node, got: self.arguments.count() });
        }
        let pair = self.tape.tag(Relation::Range { length: high });
        let low = self.tape.tag(Relation::Range { length: 1 << bits });
        let constant = i128::from(self.arguments.min) - i128::from(self.offset);
        let rows = vec![
            self.split(pair),
            Row { pair: low, range: self.remainder, ..Row::default() },
            Row { a: 1 << bits, b: 1, constant, next_a: -1, zero: true, ..Row::default() },
            Row::default(),
        ];
        let scale = self.scale();
        let finish = self.finish(rows, (3, Slot::A), Kind::Wide { bits });
        let repeats = vec![((0, Slot::A), (2, Slot::A)), ((1, Slot::A), (2, Slot::B))];
        Ok(Finish { a: scale << bits, repeats, ..finish })
    }

    fn clamped(self) -> Result<Finish, PlanError> {
        let base = self.step.clamp.min;
        let bits = u64::BITS - (self.step.clamp.count() - 1).leading_zeros();
        let high = Range { min: (self.arguments.min - base) >> bits, max: (self.arguments.max - base) >> bits };
        if bits > self.most.ilog2() || high.count() > self.most {
            return Err(PlanError::Wide { node: self.node, got: self.arguments.count() });
        }
        let inside = self.tape.tag(Relation::IsZero { arguments: high });
        let low = self.tape.tag(Relation::Range { length: 1 << bits });
        let above = self.tape.tag(Relation::IfPositive { arguments: high, value: (1 << bits) - 1 });
        let function = self.tape.tag(Relation::Function {
            arguments: Range { min: base, max: base + (1 << bits) - 1 },
            clamp: self.step.clamp,
            activation: self.step.activation.clone(),
            offset: self.offset,
        });
        let rows = vec![
            self.split(inside),
            Row { pair: low, range: self.remainder, ..Row::default() },
            Row { b: 1, next_c: -1, zero: true, pair: above, ..Row::default() },
            Row { product: 1, c: 1, next_a: -1, zero: true, ..Row::default() },
            Row { pair: function, ..Row::default() },
        ];
        let scale = self.scale();
        let constant = (i128::from(scale) << bits) * i128::from(high.min) + i128::from(scale) * i128::from(base);
        let constant = constant - self.step.half();
        let finish = self.finish(rows, (4, Slot::B), Kind::Clamped { high, bits });
        let repeats = vec![((0, Slot::A), (2, Slot::A)), ((1, Slot::A), (3, Slot::A)), ((0, Slot::B), (3, Slot::B))];
        Ok(Finish { a: scale << bits, constant, repeats, ..finish })
    }
}

//! Constraints as a straight-line program over whole columns.
//!
//! halo2 interprets its gates anew for every row, challenges' powers included. Here the constraints of one proof, those of
//! copied cells included, become one list of operations, in which everything that does not depend on a row is a number and
//! nothing is computed twice, and each operation runs over a stretch of rows at once: row by row ([`plain`]), or eight rows
//! at once where the processor can ([`lanes`]).

#[cfg(target_arch = "x86_64")]
pub(super) mod lanes;
pub(super) mod plain;

use std::collections::HashMap;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::plonk::{ConstraintSystem, Expression};

use super::copies::{self, Challenges};

/// A column that constraints read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Fixed(usize),
    Advice(usize),
    Instance(usize),
    /// Running product of copied columns.
    Product(usize),
    /// What the cells of a copied column are copied from.
    Position(usize),
    /// Indicators of the first row, the last usable row, and the rows before it.
    First,
    Last,
    Active,
    /// The row's point itself.
    Place,
}

/// Which row of a column is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    Here,
    Next,
    /// The row from which the first row takes over: as many rows back as lie behind the last usable one, and one more.
    Passed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Number(usize),
    Column(Source, Turn),
    Result(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Add,
    Subtract,
    Multiply,
}

type Operation = (Kind, Value, Value);

/// One operation on operands, and the register that it writes.
#[derive(Clone, Copy, Debug)]
struct Step {
    kind: Kind,
    left: Operand,
    right: Operand,
    target: usize,
}

/// The operations, in order.
#[derive(Debug)]
pub(crate) struct Program {
    steps: Vec<Step>,
    registers: usize,
    sources: Vec<Source>,
    result: Operand,
    /// Rows behind the last usable one.
    blinded: usize,
}

#[derive(Clone, Copy, Debug)]
enum Operand {
    Number(Fr),
    /// By its place among the sources.
    Column(usize, Turn),
    Register(usize),
}

/// Operations in the making.
#[derive(Default)]
pub(super) struct Builder {
    numbers: Vec<Fr>,
    number_places: HashMap<Fr, usize>,
    operations: Vec<Operation>,
    known: HashMap<Operation, usize>,
}

impl Builder {
    pub(super) fn number(&mut self, number: Fr) -> Value {
        let place = *self.number_places.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            self.numbers.len() - 1
        });
        Value::Number(place)
    }

    pub(super) fn apply(&mut self, kind: Kind, left: Value, right: Value) -> Value {
        let number = |value: Value| if let Value::Number(place) = value { Some(self.numbers[place]) } else { None };
        match (kind, number(left), number(right)) {
            (_, Some(left), Some(right)) => {
                let result = match kind {
                    Kind::Add => left + right,
                    Kind::Subtract => left - right,
                    Kind::Multiply => left * right,
                };
                return self.number(result);
            }
            (Kind::Add, Some(zero), _) if zero == Fr::ZERO => return right,
            (Kind::Add | Kind::Subtract, _, Some(zero)) if zero == Fr::ZERO => return left,
            (Kind::Multiply, Some(one), _) if one == Fr::ONE => return right,
            (Kind::Multiply, _, Some(one)) if one == Fr::ONE => return left,
            (Kind::Multiply, Some(zero), _) | (Kind::Multiply, _, Some(zero)) if zero == Fr::ZERO => {
                return self.number(Fr::ZERO);
            }
            _ => {}
        }
        let operation = (kind, left, right);
        Value::Result(*self.known.entry(operation).or_insert_with(|| {
            self.operations.push(operation);
            self.operations.len() - 1
        }))
    }

    fn expression(&mut self, expression: &Expression<Fr>, challenges: &[Fr]) -> Value {
        let column = |source, rotation: i32| Value::Column(source, if rotation == 0 { Turn::Here } else { Turn::Next });
        match expression {
            Expression::Constant(number) => self.number(*number),
            Expression::Challenge(challenge) => self.number(challenges[challenge.index()]),
            Expression::Fixed(query) => column(Source::Fixed(query.column_index()), query.rotation().0),
            Expression::Advice(query) => column(Source::Advice(query.column_index()), query.rotation().0),
            Expression::Instance(query) => column(Source::Instance(query.column_index()), query.rotation().0),
            // The circuit has none: every column that switches a gate is a fixed one.
            Expression::Selector(_) => self.number(Fr::ZERO),
            Expression::Negated(inner) => {
                let (zero, inner) = (self.number(Fr::ZERO), self.expression(inner, challenges));
                self.apply(Kind::Subtract, zero, inner)
            }
            Expression::Sum(left, right) => {
                let left = self.expression(left, challenges);
                // A sum with a negation is a difference.
                if let Expression::Negated(right) = right.as_ref() {
                    let right = self.expression(right, challenges);
                    return self.apply(Kind::Subtract, left, right);
                }
                let right = self.expression(right, challenges);
                self.apply(Kind::Add, left, right)
            }
            Expression::Product(left, right) => {
                let (left, right) = (self.expression(left, challenges), self.expression(right, challenges));
                self.apply(Kind::Multiply, left, right)
            }
            Expression::Scaled(inner, factor) => {
                let (inner, factor) = (self.expression(inner, challenges), self.number(*factor));
                self.apply(Kind::Multiply, inner, factor)
            }
        }
    }
}

impl Program {
    /// `sum_i y^(last - i) constraint_i` over all constraints: those of the gates, then those of copied cells.
    pub(crate) fn new(system: &ConstraintSystem<Fr>, challenges: &[Fr], copies: Challenges, y: Fr) -> Self {
        let mut builder = Builder::default();
        let gates = system.gates().iter().flat_map(|gate| gate.polynomials());
        let mut constraints: Vec<Value> = gates.map(|gate| builder.expression(gate, challenges)).collect();
        constraints.extend(copies::constraints(&mut builder, system, copies));
        let y = builder.number(y);
        let zero = builder.number(Fr::ZERO);
        let total = constraints.into_iter().fold(zero, |total, constraint| {
            let shifted = builder.apply(Kind::Multiply, total, y);
            builder.apply(Kind::Add, shifted, constraint)
        });
        Self::allocate(&builder, total, system.blinding_factors())
    }

    /// Multiplications on one row.
    pub(crate) fn multiplications(&self) -> usize {
        self.steps.iter().filter(|step| step.kind == Kind::Multiply).count()
    }

    /// The columns that it reads, in the order in which it takes them.
    pub(super) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// How many rows further on a column is read.
    fn rows_turned(&self, turn: Turn) -> i64 {
        match turn {
            Turn::Here => 0,
            Turn::Next => 1,
            Turn::Passed => -(self.blinded as i64 + 1),
        }
    }

    /// Gives each result a register that nothing later still reads.
    fn allocate(builder: &Builder, total: Value, blinded: usize) -> Self {
        let mut sources = Sources::default();
        let mut last_use = vec![0; builder.operations.len()];
        for (index, (_, left, right)) in builder.operations.iter().enumerate() {
            for value in [left, right] {
                if let Value::Result(result) = value {
                    last_use[*result] = index;
                }
            }
        }
        if let Value::Result(result) = total {
            last_use[result] = usize::MAX;
        }
        let mut registers = vec![0; builder.operations.len()];
        let (mut free, mut count) = (Vec::new(), 0);
        let mut steps = Vec::with_capacity(builder.operations.len());
        let mut operand = |value: &Value, registers: &[usize]| match value {
            Value::Number(place) => Operand::Number(builder.numbers[*place]),
            Value::Column(source, turn) => Operand::Column(sources.place(*source), *turn),
            Value::Result(result) => Operand::Register(registers[*result]),
        };
        for (index, (kind, left, right)) in builder.operations.iter().enumerate() {
            let (left_operand, right_operand) = (operand(left, &registers), operand(right, &registers));
            let target = free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            });
            registers[index] = target;
            steps.push(Step { kind: *kind, left: left_operand, right: right_operand, target });
            // One that both sides read is freed once.
            for value in [left, right].into_iter().take(1 + usize::from(left != right)) {
                if let Value::Result(result) = value
                    && last_use[*result] == index
                {
                    free.push(registers[*result]);
                }
            }
        }
        let result = operand(&total, &registers);
        Self { steps, registers: count, sources: sources.list, result, blinded }
    }
}

/// Columns in the order in which they are first read.
#[derive(Default)]
struct Sources {
    list: Vec<Source>,
    places: HashMap<Source, usize>,
}

impl Sources {
    fn place(&mut self, source: Source) -> usize {
        *self.places.entry(source).or_insert_with(|| {
            self.list.push(source);
            self.list.len() - 1
        })
    }
}

#[cfg(test)]
mod tests;

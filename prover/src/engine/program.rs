//! Gates as a straight-line program over whole columns.
//!
//! halo2 interprets its gates anew for every row, challenges' powers included. Here the gates of one proof become one list
//! of operations, in which everything that does not depend on a row is a number and nothing is computed twice, and each
//! operation runs over a stretch of rows at once.

use std::collections::HashMap;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::plonk::{ConstraintSystem, Expression};

/// Rows that an operation runs over: its operands then stay in the processor's cache.
pub(super) const STRETCH: usize = 64;

/// A column of the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Fixed(usize),
    Advice(usize),
    Instance(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Value {
    Number(usize),
    /// A column on the current row (false) or the next.
    Column(Source, bool),
    Result(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Add,
    Subtract,
    Multiply,
}

type Operation = (Kind, Value, Value);

/// The operations, in order; each writes one register.
#[derive(Debug)]
pub(crate) struct Program {
    operations: Vec<(Kind, Operand, Operand, usize)>,
    registers: usize,
    result: Operand,
}

#[derive(Clone, Copy, Debug)]
enum Operand {
    Number(Fr),
    Column(Source, bool),
    Register(usize),
}

/// Columns' values on one coset, each with its first value repeated at the end.
pub(super) struct Columns<'a> {
    pub(super) fixed: &'a [Vec<Fr>],
    pub(super) advice: &'a [Vec<Fr>],
    pub(super) instance: &'a [Vec<Fr>],
}

impl Columns<'_> {
    pub(super) fn column(&self, source: Source) -> &[Fr] {
        match source {
            Source::Fixed(index) => &self.fixed[index],
            Source::Advice(index) => &self.advice[index],
            Source::Instance(index) => &self.instance[index],
        }
    }
}

#[derive(Default)]
struct Builder {
    numbers: Vec<Fr>,
    number_places: HashMap<Fr, usize>,
    operations: Vec<Operation>,
    known: HashMap<Operation, usize>,
}

impl Builder {
    fn number(&mut self, number: Fr) -> Value {
        let place = *self.number_places.entry(number).or_insert_with(|| {
            self.numbers.push(number);
            self.numbers.len() - 1
        });
        Value::Number(place)
    }

    fn apply(&mut self, kind: Kind, left: Value, right: Value) -> Value {
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
        let column = |source, rotation: i32| Value::Column(source, rotation != 0);
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
    /// `sum_i y^(last - i) gate_i` over all constraints of the gates.
    pub(crate) fn new(system: &ConstraintSystem<Fr>, challenges: &[Fr], y: Fr) -> Self {
        let mut builder = Builder::default();
        let y = builder.number(y);
        let mut total = builder.number(Fr::ZERO);
        for constraint in system.gates().iter().flat_map(|gate| gate.polynomials()) {
            let value = builder.expression(constraint, challenges);
            let shifted = builder.apply(Kind::Multiply, total, y);
            total = builder.apply(Kind::Add, shifted, value);
        }
        Self::allocate(&builder, total)
    }

    /// Multiplications on one row.
    pub(crate) fn multiplications(&self) -> usize {
        self.operations.iter().filter(|(kind, ..)| *kind == Kind::Multiply).count()
    }

    /// Gives each result a register that nothing later still reads.
    fn allocate(builder: &Builder, total: Value) -> Self {
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
        let mut operations = Vec::with_capacity(builder.operations.len());
        for (index, (kind, left, right)) in builder.operations.iter().enumerate() {
            let operand = |value: &Value| match value {
                Value::Number(place) => Operand::Number(builder.numbers[*place]),
                Value::Column(source, next) => Operand::Column(*source, *next),
                Value::Result(result) => Operand::Register(registers[*result]),
            };
            let (left_operand, right_operand) = (operand(left), operand(right));
            let target = free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            });
            registers[index] = target;
            operations.push((*kind, left_operand, right_operand, target));
            // One that both sides read is freed once.
            for value in [left, right].into_iter().take(1 + usize::from(left != right)) {
                if let Value::Result(result) = value
                    && last_use[*result] == index
                {
                    free.push(registers[*result]);
                }
            }
        }
        let result = match total {
            Value::Number(place) => Operand::Number(builder.numbers[place]),
            Value::Column(source, next) => Operand::Column(source, next),
            Value::Result(result) => Operand::Register(registers[result]),
        };
        Self { operations, registers: count, result }
    }

    /// Registers for one run after the other.
    pub(super) fn registers(&self) -> Vec<[Fr; STRETCH]> {
        vec![[Fr::ZERO; STRETCH]; self.registers]
    }

    /// The values on the rows from `first` on, as many as `results` has: a stretch at most.
    pub(super) fn run(&self, columns: &Columns<'_>, first: usize, registers: &mut [[Fr; STRETCH]], results: &mut [Fr]) {
        let count = results.len();
        let mut target = [Fr::ZERO; STRETCH];
        for (kind, left, right, register) in &self.operations {
            let view = |operand: &Operand| -> View<'_> {
                match operand {
                    Operand::Number(number) => View::Number(*number),
                    Operand::Column(source, next) => {
                        let start = first + usize::from(*next);
                        View::Slice(&columns.column(*source)[start..start + count])
                    }
                    Operand::Register(register) => View::Slice(&registers[*register][..count]),
                }
            };
            combine(*kind, &view(left), &view(right), &mut target[..count]);
            registers[*register] = target;
        }
        match self.result {
            Operand::Number(number) => results.fill(number),
            Operand::Column(source, next) => {
                let start = first + usize::from(next);
                results.copy_from_slice(&columns.column(source)[start..start + count]);
            }
            Operand::Register(register) => results.copy_from_slice(&registers[register][..count]),
        }
    }
}

enum View<'a> {
    Number(Fr),
    Slice(&'a [Fr]),
}

fn combine(kind: Kind, left: &View<'_>, right: &View<'_>, target: &mut [Fr]) {
    match kind {
        Kind::Add => each(left, right, target, |left, right| *left + right),
        Kind::Subtract => each(left, right, target, |left, right| *left - right),
        Kind::Multiply => each(left, right, target, |left, right| *left * right),
    }
}

fn each(left: &View<'_>, right: &View<'_>, target: &mut [Fr], apply: impl Fn(&Fr, &Fr) -> Fr) {
    match (left, right) {
        (View::Slice(left), View::Slice(right)) => {
            target.iter_mut().zip(*left).zip(*right).for_each(|((target, left), right)| *target = apply(left, right));
        }
        (View::Slice(left), View::Number(right)) => {
            target.iter_mut().zip(*left).for_each(|(target, left)| *target = apply(left, right));
        }
        (View::Number(left), View::Slice(right)) => {
            target.iter_mut().zip(*right).for_each(|(target, right)| *target = apply(left, right));
        }
        (View::Number(left), View::Number(right)) => target.fill(apply(left, right)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use circuits::circuit::InferenceCircuit;
    use circuits::layout::{Plan, choose};
    use circuits::model::random::{Limits, Model};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    /// Every row of random columns, against halo2's expressions; more rows than a stretch, and not a multiple.
    #[test]
    fn a_program_says_what_the_gates_say() {
        let rows = STRETCH + 5;
        let mut generator = ChaCha20Rng::seed_from_u64(1);
        for seed in 0..12 {
            let model = Model::graph_from_seed(seed, &Limits::circuit());
            let Ok(layout) = choose(&model.graph) else { continue };
            let plan = Plan::new(&model.graph.with_layout(layout).unwrap()).unwrap();
            let mut system = ConstraintSystem::default();
            InferenceCircuit::configure_plan(&mut system, &plan);
            let mut random = |count: usize| -> Vec<Fr> { (0..count).map(|_| Fr::random(&mut generator)).collect() };
            let challenges = random(system.num_challenges());
            let y = random(1)[0];
            let mut table = |count: usize| -> Vec<Vec<Fr>> { (0..count).map(|_| random(rows + 1)).collect() };
            let (fixed, advice) = (table(system.num_fixed_columns()), table(system.num_advice_columns()));
            let columns = Columns { fixed: &fixed, advice: &advice, instance: &[] };
            let program = Program::new(&system, &challenges, y);
            let mut registers = program.registers();
            let mut results = vec![Fr::ZERO; rows];
            for (stretch, results) in results.chunks_mut(STRETCH).enumerate() {
                program.run(&columns, stretch * STRETCH, &mut registers, results);
            }
            for (row, result) in results.into_iter().enumerate() {
                let constraints = system.gates().iter().flat_map(|gate| gate.polynomials());
                let expected = constraints.fold(Fr::ZERO, |total, constraint| {
                    let at = |rotation: i32| row + rotation as usize;
                    let value = constraint.evaluate(
                        &|number| number,
                        &|_| unreachable!(),
                        &|query| fixed[query.column_index()][at(query.rotation().0)],
                        &|query| advice[query.column_index()][at(query.rotation().0)],
                        &|_| unreachable!(),
                        &|challenge| challenges[challenge.index()],
                        &|value| -value,
                        &|left, right| left + right,
                        &|left, right| left * right,
                        &|value, factor| value * factor,
                    );
                    total * y + value
                });
                assert_eq!(result, expected, "seed {seed}, row {row}");
            }
        }
    }
}

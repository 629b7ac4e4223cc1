//! The program, an element at a time.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::{Kind, Operand, Program, Turn};

/// Rows that an operation runs over: its operands then stay in the processor's cache.
pub(in crate::engine) const STRETCH: usize = 64;

type Register = [Fr; STRETCH];

impl Program {
    /// Registers for one run after the other.
    pub(in crate::engine) fn registers(&self) -> Vec<Register> {
        vec![[Fr::ZERO; STRETCH]; self.registers]
    }

    /// The values on the rows from `first` on, as many as `results` has: a stretch at most. `columns` hold the sources'
    /// values on all rows.
    pub(in crate::engine) fn run(
        &self,
        columns: &[Vec<Fr>],
        first: usize,
        registers: &mut [Register],
        results: &mut [Fr],
    ) {
        let mut sides = [[Fr::ZERO; STRETCH]; 2];
        let mut target = [Fr::ZERO; STRETCH];
        let count = results.len();
        for step in &self.steps {
            let [left_side, right_side] = &mut sides;
            let left = self.view(&step.left, columns, first, registers, &mut left_side[..count]);
            let right = self.view(&step.right, columns, first, registers, &mut right_side[..count]);
            combine(step.kind, &left, &right, &mut target[..count]);
            registers[step.target] = target;
        }
        match self.view(&self.result, columns, first, registers, &mut target[..count]) {
            View::Number(number) => results.fill(number),
            View::Slice(values) => results.copy_from_slice(values),
        }
    }

    fn view<'a>(
        &self,
        operand: &Operand,
        columns: &'a [Vec<Fr>],
        first: usize,
        registers: &'a [Register],
        side: &'a mut [Fr],
    ) -> View<'a> {
        match operand {
            Operand::Number(number) => View::Number(*number),
            Operand::Register(register) => View::Slice(&registers[*register][..side.len()]),
            Operand::Column(column, Turn::Here) => View::Slice(&columns[*column][first..first + side.len()]),
            Operand::Column(column, turn) => {
                let column = &columns[*column];
                let start = (first as i64 + self.rows_turned(*turn)).rem_euclid(column.len() as i64) as usize;
                let values = column[start..].iter().chain(column);
                side.iter_mut().zip(values).for_each(|(side, value)| *side = *value);
                View::Slice(side)
            }
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

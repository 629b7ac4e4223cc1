//! The program, eight rows at once, by [`crate::lanes`].
//!
//! Values are times 2^260. What each one is below is known before anything runs, so only the results of operations that
//! could grow too large are reduced.
#![expect(unsafe_code, reason = "a call needs the processor's features, which were looked for")]

use std::arch::x86_64::{_mm512_add_epi64, _mm512_permutex2var_epi64, _mm512_sub_epi64};

use halo2_proofs::halo2curves::bn256::Fr;

use super::super::transform::lanes::{COSET_BOUND, zero};
use super::{Kind, Operand, Program, Turn};
use crate::lanes::{LANES, Lanes, Limbs, Prime, Vector, add, all, carried, factor, vector};

/// Vectors that an operation runs over.
pub(in crate::engine) const STRETCH: usize = 4;

/// What a register is below, times the order: two of them add up to less than 2^260, and their product is below again.
const BOUND: u64 = 40;
/// How many times the order 2^260 holds.
const CAPACITY: u64 = 84;

type Scalars = Lanes<Fr>;
type Register = [Vector; STRETCH];

/// A program with its numbers as factors.
#[derive(Debug)]
pub(in crate::engine) struct Wide<'a> {
    program: &'a Program,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    kind: Kind,
    left: Side,
    right: Side,
    target: usize,
    /// Multiple of the order that keeps a difference from being negative.
    above: Limbs,
    /// Whether the result is reduced.
    reduced: bool,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Number(Limbs),
    Column(usize, Turn),
    Register(usize),
}

impl From<&Operand> for Side {
    fn from(operand: &Operand) -> Self {
        match operand {
            Operand::Number(number) => Self::Number(factor(number)),
            Operand::Column(column, turn) => Self::Column(*column, *turn),
            Operand::Register(register) => Self::Register(*register),
        }
    }
}

impl<'a> Wide<'a> {
    /// The caller has found the processor's features.
    pub(in crate::engine) fn new(program: &'a Program) -> Self {
        let mut bounds = vec![0; program.registers];
        let steps = program.steps.iter().map(|step| {
            let [left, right] = [&step.left, &step.right].map(|operand| match operand {
                Operand::Number(_) => 1,
                Operand::Column(..) => COSET_BOUND,
                Operand::Register(register) => bounds[*register],
            });
            let bound = match step.kind {
                Kind::Add | Kind::Subtract => left + right,
                Kind::Multiply => product_bound(left, right),
            };
            let reduced = bound > BOUND;
            bounds[step.target] = if reduced { product_bound(bound, 1) } else { bound };
            Step {
                kind: step.kind,
                left: (&step.left).into(),
                right: (&step.right).into(),
                target: step.target,
                above: Fr::ORDER.map(|limb| limb * right),
                reduced,
            }
        });
        Self { program, steps: steps.collect() }
    }

    /// Registers for one run after the other.
    pub(in crate::engine) fn registers(&self) -> Vec<Register> {
        vec![[zero(); STRETCH]; self.program.registers]
    }

    /// The values on the rows from vector `first` on, times `scale`, below twice the order: a stretch of them. `columns`
    /// hold the sources' values on all rows, as transforms leave them.
    pub(in crate::engine) fn run(
        &self,
        columns: &[Vec<Vector>],
        first: usize,
        registers: &mut [Register],
        scale: Fr,
        results: &mut [Vector],
    ) {
        // SAFETY: the caller of `new` found the features.
        unsafe { self.run_wide(columns, first, registers, scale, results) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn run_wide(
        &self,
        columns: &[Vec<Vector>],
        first: usize,
        registers: &mut [Register],
        scale: Fr,
        results: &mut [Vector],
    ) {
        let one = Scalars::one();
        let mut turned = [[zero(); STRETCH]; 2];
        for step in &self.steps {
            let [left_turned, right_turned] = &mut turned;
            let left = self.view(&step.left, columns, first, registers, left_turned);
            let right = self.view(&step.right, columns, first, registers, right_turned);
            let above = all(&step.above);
            let mut values = [zero(); STRETCH];
            for (index, value) in values.iter_mut().enumerate() {
                let (left, right) = (left.at(index), right.at(index));
                *value = carried(match step.kind {
                    Kind::Add => add(left, right),
                    Kind::Subtract => subtract(left, right, &above),
                    Kind::Multiply => Scalars::multiply(left, right),
                });
                if step.reduced {
                    *value = carried(Scalars::multiply(value, &one));
                }
            }
            registers[step.target] = values;
        }
        let scale = all(&factor(&scale));
        let result = Side::from(&self.program.result);
        let values = self.view(&result, columns, first, registers, &mut turned[0]);
        for (index, result) in results.iter_mut().enumerate() {
            *result = carried(Scalars::multiply(values.at(index), &scale));
        }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn view<'b>(
        &self,
        side: &Side,
        columns: &'b [Vec<Vector>],
        first: usize,
        registers: &'b [Register],
        turned: &'b mut Register,
    ) -> View<'b> {
        match side {
            Side::Number(number) => {
                turned[0] = all(number);
                View { values: turned, step: 0 }
            }
            Side::Register(register) => View { values: &registers[*register], step: 1 },
            Side::Column(column, Turn::Here) => View { values: &columns[*column][first..first + STRETCH], step: 1 },
            Side::Column(column, turn) => {
                let column = &columns[*column];
                let start = self.program.turned(first * LANES, *turn, column.len() * LANES);
                let [lane, from] = [start % LANES, start / LANES];
                let order = vector(std::array::from_fn(|place| (lane + place) as u64));
                for (index, value) in turned.iter_mut().enumerate() {
                    let [near, far] = [0, 1].map(|ahead| &column[(from + index + ahead) % column.len()]);
                    *value = std::array::from_fn(|limb| _mm512_permutex2var_epi64(near[limb], order, far[limb]));
                }
                View { values: turned, step: 1 }
            }
        }
    }
}

/// An operand's values, or one for all rows.
struct View<'a> {
    values: &'a [Vector],
    step: usize,
}

impl View<'_> {
    #[inline]
    fn at(&self, index: usize) -> &Vector {
        &self.values[index * self.step]
    }
}

/// What a product is below.
fn product_bound(left: u64, right: u64) -> u64 {
    (left * right).div_ceil(CAPACITY) + 1
}

/// `a - b + above`
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn subtract(a: &Vector, b: &Vector, above: &Vector) -> Vector {
    std::array::from_fn(|limb| _mm512_add_epi64(_mm512_sub_epi64(a[limb], b[limb]), above[limb]))
}

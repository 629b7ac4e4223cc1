//! The program, eight rows at once, by [`crate::lanes`].
//!
//! Values are times 2^260. What each one is below is known before anything runs, so only the results of operations that
//! could grow too large are reduced.
#![expect(unsafe_code, reason = "a call needs the processor's features, which were looked for")]

use std::arch::x86_64::{_mm512_add_epi64, _mm512_sub_epi64};
use std::collections::HashMap;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::super::transform::{blocks, lanes::zero};
use super::{Kind, Operand, Program, Turn};
use lanes::{LANES, Lanes, Limbs, Vector, add, all, carried, factor};

/// Vectors that an operation runs over.
pub(in crate::engine) const STRETCH: usize = 4;

/// What a register is below, times the order: two of them add up to less than 2^260, and their product is below again.
const BOUND: u64 = 32;
/// How many times the order 2^260 holds.
const CAPACITY: u64 = 84;

type Scalars = Lanes<Fr>;
pub(in crate::engine) type Register = [Vector; STRETCH];

/// A program with its numbers as factors.
#[derive(Debug)]
pub(in crate::engine) struct Wide {
    steps: Vec<Step>,
    registers: usize,
    views: Vec<(usize, i64)>,
    result: Side,
    /// What results are multiplied by.
    scale: Limbs,
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
    View(usize),
    Register(usize),
}

impl Wide {
    /// The program whose results are multiplied by `scale`. The caller has found the processor's features.
    pub(in crate::engine) fn new(program: &Program, scale: Fr) -> Self {
        let mut bounds = vec![0; program.registers];
        let mut views = Views { program, list: Vec::new(), places: HashMap::new() };
        let steps = program.steps.iter().map(|step| {
            let [left, right] = [&step.left, &step.right].map(|operand| match operand {
                Operand::Number(_) => 1,
                Operand::Column(..) => blocks::BOUND,
                Operand::Register(register) => bounds[*register],
            });
            let bound = match step.kind {
                Kind::Add | Kind::Subtract => left + right,
                Kind::Multiply => product_bound(left, right),
            };
            let reduced = bound > BOUND;
            bounds[step.target] = if reduced { blocks::BOUND } else { bound };
            Step {
                kind: step.kind,
                left: views.side(&step.left),
                right: views.side(&step.right),
                target: step.target,
                above: Lanes::<Fr>::ORDER.map(|limb| limb * right),
                reduced,
            }
        });
        let steps = steps.collect();
        let result = views.side(&program.result);
        // From times 2^260 to the library's form.
        let scale = factor(&(scale * Fr::from(16).invert().unwrap_or(Fr::ONE)));
        Self { steps, registers: program.registers, views: views.list, result, scale }
    }

    /// The columns that it reads, by their places among the sources, and how many rows further on each is read.
    pub(in crate::engine) fn views(&self) -> &[(usize, i64)] {
        &self.views
    }

    /// Registers for one run after the other.
    pub(in crate::engine) fn registers(&self) -> Vec<Register> {
        vec![[zero(); STRETCH]; self.registers]
    }

    /// The results on the rows from vector `first` on, a stretch of them. `views` hold the columns' values on all rows, as
    /// transforms leave them.
    pub(in crate::engine) fn run(
        &self,
        views: &[&[Vector]],
        first: usize,
        registers: &mut [Register],
        results: &mut [Fr],
    ) {
        // SAFETY: the caller of `new` found the features.
        unsafe { self.run_wide(views, first, registers, results) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn run_wide(&self, views: &[&[Vector]], first: usize, registers: &mut [Register], results: &mut [Fr]) {
        let mut numbers = [zero(); 2];
        for step in &self.steps {
            let [left_number, right_number] = &mut numbers;
            let left = view(&step.left, views, first, registers, left_number);
            let right = view(&step.right, views, first, registers, right_number);
            let above = all(&step.above);
            let mut values = [zero(); STRETCH];
            for (index, value) in values.iter_mut().enumerate() {
                let (left, right) = (left.at(index), right.at(index));
                *value = match step.kind {
                    Kind::Add => carried(add(left, right)),
                    Kind::Subtract => carried(subtract(left, right, &above)),
                    Kind::Multiply => carried(Scalars::multiply(left, right)),
                };
                if step.reduced {
                    *value = Scalars::reduced(*value);
                }
            }
            registers[step.target] = values;
        }
        let scale = all(&self.scale);
        let values = view(&self.result, views, first, registers, &mut numbers[0]);
        for (index, results) in results.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            Scalars::stored(&Scalars::canonical(Scalars::multiply(values.at(index), &scale)), results);
        }
    }
}

/// What the program reads of columns.
struct Views<'a> {
    program: &'a Program,
    list: Vec<(usize, i64)>,
    places: HashMap<(usize, Turn), usize>,
}

impl Views<'_> {
    fn side(&mut self, operand: &Operand) -> Side {
        match operand {
            Operand::Number(number) => Side::Number(factor(number)),
            Operand::Register(register) => Side::Register(*register),
            Operand::Column(column, turn) => Side::View(*self.places.entry((*column, *turn)).or_insert_with(|| {
                self.list.push((*column, self.program.rows_turned(*turn)));
                self.list.len() - 1
            })),
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn view<'a>(
    side: &Side,
    views: &[&'a [Vector]],
    first: usize,
    registers: &'a [Register],
    number: &'a mut Vector,
) -> View<'a> {
    match side {
        Side::Number(limbs) => {
            *number = all(limbs);
            View { values: std::slice::from_ref(number), step: 0 }
        }
        Side::Register(register) => View { values: &registers[*register], step: 1 },
        Side::View(place) => View { values: &views[*place][first..first + STRETCH], step: 1 },
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

//! The permutation argument: running products that tell whether copied cells are equal.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2_proofs::plonk::{Any, Column, ConstraintSystem};
use rayon::prelude::*;

use super::program::{Builder, Kind, Source, Turn, Value};
use super::transform::{Transform, powers};

/// Challenges of the argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Challenges {
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
}

/// Columns' values on the rows.
pub(super) struct Columns<'a> {
    pub(super) fixed: &'a [Vec<Fr>],
    pub(super) advice: &'a [Vec<Fr>],
    pub(super) instance: &'a [Vec<Fr>],
}

impl Columns<'_> {
    /// Nothing for what is not a column of the circuit.
    fn column(&self, source: Source) -> &[Fr] {
        match source {
            Source::Fixed(index) => &self.fixed[index],
            Source::Advice(index) => &self.advice[index],
            Source::Instance(index) => &self.instance[index],
            _ => &[],
        }
    }
}

/// The copied columns, in the order of the argument.
pub(super) fn copied(system: &ConstraintSystem<Fr>) -> Vec<Source> {
    let source = |column: &Column<Any>| match column.column_type() {
        Any::Advice(_) => Source::Advice(column.index()),
        Any::Fixed => Source::Fixed(column.index()),
        Any::Instance => Source::Instance(column.index()),
    };
    system.permutation().get_columns().iter().map(source).collect()
}

/// Copied columns that share a product.
pub(super) fn columns_each(system: &ConstraintSystem<Fr>) -> usize {
    system.degree() - 2
}

/// The products' values on the rows, but for those that blind them.
///
/// `values` are the columns' values on the rows, `positions` what each cell is copied from, as halo2 numbers cells.
pub(super) fn products(
    system: &ConstraintSystem<Fr>,
    transform: &Transform,
    values: &Columns<'_>,
    positions: &[&[Fr]],
    challenges: Challenges,
) -> Vec<Vec<Fr>> {
    let rows = transform.rows();
    let last = rows - (system.blinding_factors() + 1);
    let columns = copied(system);
    let each = columns_each(system);
    let roots = powers(transform.root(), rows);
    let names = powers(Fr::DELTA, columns.len());
    let Challenges { beta, gamma } = challenges;
    let steps: Vec<Vec<Fr>> = (0..columns.len().div_ceil(each))
        .into_par_iter()
        .map(|set| {
            let own = set * each..((set + 1) * each).min(columns.len());
            let mut steps = vec![Fr::ONE; last];
            for column in own.clone() {
                let (cells, positions) = (values.column(columns[column]), positions[column]);
                for ((step, cell), position) in steps.iter_mut().zip(cells).zip(positions) {
                    *step *= beta * position + gamma + cell;
                }
            }
            steps.iter_mut().batch_invert();
            for column in own {
                let (cells, scale) = (values.column(columns[column]), beta * names[column]);
                for ((step, cell), root) in steps.iter_mut().zip(cells).zip(&roots) {
                    *step *= scale * root + gamma + cell;
                }
            }
            steps
        })
        .collect();
    let mut first = Fr::ONE;
    let mut products = Vec::with_capacity(steps.len());
    for steps in steps {
        let mut product = first;
        let mut column = Vec::with_capacity(rows);
        column.push(product);
        for step in steps {
            product *= step;
            column.push(product);
        }
        first = product;
        products.push(column);
    }
    products
}

/// The argument's constraints, in halo2's order.
pub(super) fn constraints(builder: &mut Builder, system: &ConstraintSystem<Fr>, challenges: Challenges) -> Vec<Value> {
    let (columns, each) = (copied(system), columns_each(system));
    let (beta, gamma) = (builder.number(challenges.beta), builder.number(challenges.gamma));
    let one = builder.number(Fr::ONE);
    let here = |source| Value::Column(source, Turn::Here);
    let product = |set| here(Source::Product(set));
    let [first, last, active, place] = [Source::First, Source::Last, Source::Active, Source::Place].map(here);
    let sets = columns.len().div_ceil(each);
    let Some(end) = sets.checked_sub(1) else { return Vec::new() };

    let missing = builder.apply(Kind::Subtract, one, product(0));
    let square = builder.apply(Kind::Multiply, product(end), product(end));
    let bit = builder.apply(Kind::Subtract, square, product(end));
    let mut constraints = vec![builder.apply(Kind::Multiply, missing, first), builder.apply(Kind::Multiply, bit, last)];
    for set in 1..sets {
        let before = Value::Column(Source::Product(set - 1), Turn::Passed);
        let step = builder.apply(Kind::Subtract, product(set), before);
        constraints.push(builder.apply(Kind::Multiply, step, first));
    }
    let mut names = powers(Fr::DELTA, columns.len()).into_iter().map(|name| challenges.beta * name);
    let mut columns = (0..).zip(columns);
    for set in 0..sets {
        let (mut left, mut right) = (Value::Column(Source::Product(set), Turn::Next), product(set));
        for ((column, source), name) in columns.by_ref().take(each).zip(names.by_ref()) {
            let cell = builder.apply(Kind::Add, here(source), gamma);
            let position = builder.apply(Kind::Multiply, here(Source::Position(column)), beta);
            let factor = builder.apply(Kind::Add, position, cell);
            left = builder.apply(Kind::Multiply, left, factor);
            let name = builder.number(name);
            let name = builder.apply(Kind::Multiply, place, name);
            let factor = builder.apply(Kind::Add, name, cell);
            right = builder.apply(Kind::Multiply, right, factor);
        }
        let step = builder.apply(Kind::Subtract, left, right);
        constraints.push(builder.apply(Kind::Multiply, step, active));
    }
    constraints
}

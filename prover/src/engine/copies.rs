//! The permutation argument: running products that tell whether copied cells are equal.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2_proofs::plonk::{Any, Column, ConstraintSystem};
use rayon::prelude::*;

use super::program::{Columns, Source};
use super::transform::{Transform, powers};

/// Challenges of the argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Challenges {
    pub(super) beta: Fr,
    pub(super) gamma: Fr,
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

/// What the argument adds to the gates' values on one coset.
pub(super) struct OnCoset<'a> {
    pub(super) columns: &'a [Source],
    pub(super) each: usize,
    /// Products, each as long as the coset.
    pub(super) products: &'a [Vec<Fr>],
    pub(super) positions: &'a [Vec<Fr>],
    /// Indicators of the first row, the last usable row, and the rows before it.
    pub(super) first: &'a [Fr],
    pub(super) last: &'a [Fr],
    pub(super) active: &'a [Fr],
    /// How many rows lie behind the last usable one.
    pub(super) blinded: usize,
    pub(super) challenges: Challenges,
    pub(super) y: Fr,
    /// First element of the coset, and the root that leads to the next.
    pub(super) shift: Fr,
    pub(super) root: Fr,
}

impl OnCoset<'_> {
    /// Takes the argument's constraints into `values`, the rows from `first` on.
    pub(super) fn add(&self, columns: &Columns<'_>, first: usize, values: &mut [Fr]) {
        let Challenges { beta, gamma } = self.challenges;
        let rows = self.first.len();
        let names = powers(Fr::DELTA, self.columns.len());
        let (Some(start), Some(end)) = (self.products.first(), self.products.last()) else { return };
        let mut place = self.shift * self.root.pow_vartime([first as u64]);
        for (value, row) in values.iter_mut().zip(first..) {
            let next = (row + 1) % rows;
            let passed_on = (row + rows - (self.blinded + 1)) % rows;
            let mut take = |constraint: Fr| *value = *value * self.y + constraint;
            take((Fr::ONE - start[row]) * self.first[row]);
            take((end[row].square() - end[row]) * self.last[row]);
            for pair in self.products.windows(2) {
                take((pair[1][row] - pair[0][passed_on]) * self.first[row]);
            }
            let name = beta * place;
            for (set, product) in self.products.iter().enumerate() {
                let own = set * self.each..((set + 1) * self.each).min(self.columns.len());
                let (mut left, mut right) = (product[next], product[row]);
                for column in own {
                    let cell = columns.column(self.columns[column])[row] + gamma;
                    left *= beta * self.positions[column][row] + cell;
                    right *= name * names[column] + cell;
                }
                take((left - right) * self.active[row]);
            }
            place *= self.root;
        }
    }
}

//! The committed weight matrix B, and its random combination V.
//!
//! B has `R` rows for each weight column; row `e` of a column holds, side by side, the weights of every stretch's output
//! number `e` that meet their operand in that column's lane. Column `t` of B is the circuit row on which they meet, so
//! `V[t] = sum_e r^e B[e][t]` lies beside the operands. Biases are one more operand each, in the first weight column.
//! Everything outside the stretches is zero, but for a one in row 0 of each weight column, on the last usable circuit row,
//! where V meets nothing: if there are several columns, one may hold only zeros, whose commitment could not be proven.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::PrimeField;

use crate::layout::Plan;
use crate::layout::tape::{Block, WeightPlace};
use crate::model::weights::{LinearWeights, Weights};

/// The matrix B of a model, read from its weights in place.
#[derive(Clone, Debug)]
pub struct CommittedMatrix<'a> {
    blocks: Vec<(&'a Block, &'a LinearWeights)>,
    rows: usize,
    columns: usize,
    anchor_row: usize,
}

impl<'a> CommittedMatrix<'a> {
    /// B for the stretches of `plan`. `None` if `weights` lacks one of its nodes, or has it in another shape.
    #[must_use]
    pub fn new(plan: &'a Plan, weights: &'a Weights) -> Option<Self> {
        let blocks = plan.blocks().iter().map(|block| {
            let linear = weights.get(block.node)?;
            let columns = block.places.len().checked_div(block.groups)?;
            let fits = linear.inputs() as usize == columns
                && linear.outputs() as usize >= block.first_output + block.outputs
                && (linear.outputs() as usize).is_multiple_of(block.groups);
            fits.then_some((block, linear))
        });
        let (rows, columns) = (plan.rows(), plan.weight_columns());
        Some(Self { blocks: blocks.collect::<Option<_>>()?, rows, columns, anchor_row: plan.usable_rows() - 1 })
    }

    /// Number of rows: `R` for each weight column.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows * self.columns
    }

    /// Row `index` of B, which is row `index / columns` of weight column `index % columns`: circuit rows and integers,
    /// ascending; circuit rows that are not listed hold zero.
    #[must_use]
    pub fn row(&self, index: usize) -> Vec<(usize, i64)> {
        let (exponent, column) = (index / self.columns, index % self.columns);
        let mut cells = Vec::new();
        if exponent == 0 {
            cells.extend(self.anchors().filter(|place| place.column == column).map(|place| (place.row, 1)));
        }
        for (block, linear) in &self.blocks {
            if exponent >= block.outputs {
                continue;
            }
            let output = block.first_output + exponent;
            if let Some(bias) = linear.bias().get(output).filter(|_| column == 0) {
                cells.push((block.bias_row, *bias));
            }
            let weights = linear.row(output).unwrap_or_default();
            let placed = operand_places(block, linear.outputs(), output).iter().zip(weights);
            let own = placed.filter(|(place, _)| place.column == column);
            cells.extend(own.map(|(place, weight)| (place.row, i64::from(*weight))));
        }
        cells.sort_unstable_by_key(|(row, _)| *row);
        cells
    }

    /// Where a row of ones keeps a weight column from being zero.
    fn anchors(&self) -> impl Iterator<Item = WeightPlace> {
        anchors(self.columns, self.anchor_row)
    }

    /// Row `index` as bytes: its index, then circuit row and integer of every cell, all 8 bytes little-endian.
    #[must_use]
    pub fn row_bytes(&self, index: usize) -> Vec<u8> {
        let mut bytes = (index as u64).to_le_bytes().to_vec();
        for (row, value) in self.row(index) {
            bytes.extend((row as u64).to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }

    /// V for the challenge `r`: places and values; places that are not listed hold zero.
    #[must_use]
    pub fn combine(&self, r: Fr) -> Vec<(WeightPlace, Fr)> {
        let powers: Vec<[u64; 4]> = std::iter::successors(Some(Fr::one()), |power| Some(*power * r))
            .take(self.rows)
            .map(|power| limbs(&power))
            .collect();
        let weights_of_limbs = limb_weights();
        let mut combined: Vec<(WeightPlace, Fr)> = self.anchors().map(|place| (place, Fr::one())).collect();
        for (block, linear) in &self.blocks {
            let mut sums = vec![[0i128; 4]; block.places.len()];
            let mut bias_sum = [0i128; 4];
            let rows = linear.rows().enumerate().skip(block.first_output).take(block.outputs);
            for ((output, (row, bias)), power) in rows.zip(&powers) {
                let columns = linear.inputs() as usize;
                let start = group(block, linear.outputs(), output) * columns;
                for (sum, weight) in sums.iter_mut().skip(start).zip(row) {
                    accumulate(sum, i64::from(*weight), power);
                }
                accumulate(&mut bias_sum, bias, power);
            }
            let bias_place = WeightPlace { column: 0, row: block.bias_row };
            combined.push((bias_place, reduce(&bias_sum, &weights_of_limbs)));
            let values = sums.iter().map(|sum| reduce(sum, &weights_of_limbs));
            combined.extend(block.places.iter().copied().zip(values));
        }
        combined
    }
}

/// The cells that hold a one in the first row of each of `columns` weight columns.
pub(crate) fn anchors(columns: usize, row: usize) -> impl Iterator<Item = WeightPlace> {
    let columns = if columns > 1 { columns } else { 0 };
    (0..columns).map(move |column| WeightPlace { column, row })
}

fn group(block: &Block, outputs: u32, output: usize) -> usize {
    output / (outputs as usize / block.groups.max(1)).max(1)
}

/// The places of the inputs that an output reads, of a node with `outputs` outputs.
pub(crate) fn operand_places(block: &Block, outputs: u32, output: usize) -> &[WeightPlace] {
    let inputs = block.places.len() / block.groups.max(1);
    block.places.chunks_exact(inputs.max(1)).nth(group(block, outputs, output)).unwrap_or_default()
}

/// Adds `weight * power` limb by limb. A 48-bit weight times a 64-bit limb is below 2^112: 2^14 of them fit, and
/// 32-bit weights leave room for 2^31.
fn accumulate(sum: &mut [i128; 4], weight: i64, power: &[u64; 4]) {
    for (sum, limb) in sum.iter_mut().zip(power) {
        *sum += i128::from(weight) * i128::from(*limb);
    }
}

/// The field element with signed 64-bit-spaced limbs `sum`.
fn reduce(sum: &[i128; 4], weights: &[Fr; 4]) -> Fr {
    sum.iter().zip(weights).fold(Fr::zero(), |total, (limb, weight)| {
        let magnitude = unsigned(limb.unsigned_abs()) * weight;
        if *limb < 0 { total - magnitude } else { total + magnitude }
    })
}

/// Limbs of the canonical representative, the least first.
#[must_use]
pub fn limbs(value: &Fr) -> [u64; 4] {
    let bytes = value.to_repr();
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_ref().chunks_exact(8)) {
        *limb = chunk.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
    }
    limbs
}

/// `value` as a field element: one multiplication, where `PrimeField::from_u128` doubles 64 times.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the low limb")]
pub const fn unsigned(value: u128) -> Fr {
    Fr::from_raw([value as u64, (value >> 64) as u64, 0, 0])
}

/// 1, 2^64, 2^128, 2^192.
fn limb_weights() -> [Fr; 4] {
    let base = unsigned(1 << 64);
    [Fr::one(), base, base * base, base * base * base]
}

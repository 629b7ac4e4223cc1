//! Synthetic tasks: a matrix product that only the worker it was drawn for can be asked for.
//!
//! `C = A B` with 1024 x 1024 operands of signed bytes in -127..=127, both drawn from the epoch's seed and the worker. No
//! sum of 1024 products leaves 2^24, so single-precision floats hold every partial sum exactly in any order, and a GPU
//! gives the same integers as the loop here. The answer is the root of a Merkle tree over the rows of `C`; the chain
//! draws rows afterwards and recomputes them, at the cost of one row each.
//!
//! Chosen over Freivalds' check (Freivalds 1977), which would ask the whole product of 4 MiB on chain: a worker that
//! skipped a share of the rows is caught with that share for each row drawn, and an opened row is 4 KiB.

use attestation::hash::derive;
use verifier::inclusion::{List, MerkleProof, merkle};

use crate::types::ids::Hash;

/// Rows and columns of every matrix.
pub const SIZE: usize = 1_024;

const TASK_CONTEXT: &str = "assay 2026 synthetic-task v1";
const ROW_CONTEXT: &str = "assay 2026 synthetic-row v1";
const DRAW_CONTEXT: &str = "assay 2026 synthetic-draw v1";

/// One row: `SIZE` integers.
pub type Row<T> = Vec<T>;

/// Which operand of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// `A`, from the left.
    Left,
    /// `B`, from the right.
    Right,
}

/// Identifier of the task of `worker` in the epoch of `seed`.
// spec: chain#synthetic-task
#[must_use]
pub fn task(seed: &Hash, epoch: u64, worker: &Hash) -> Hash {
    derive(TASK_CONTEXT, &[seed, &epoch.to_le_bytes(), worker])
}

/// Row number `row` of an operand.
// spec: chain#synthetic-task
#[must_use]
pub fn operand_row(task: &Hash, operand: Operand, row: u32) -> Row<i8> {
    let mut hasher = blake3::Hasher::new_derive_key(ROW_CONTEXT);
    hasher.update(task);
    hasher.update(&[match operand {
        Operand::Left => 0,
        Operand::Right => 1,
    }]);
    hasher.update(&row.to_le_bytes());
    let mut bytes = vec![0; SIZE];
    hasher.finalize_xof().fill(&mut bytes);
    bytes.into_iter().map(|byte| i8::from_le_bytes([byte]).max(-127)).collect()
}

/// All rows of an operand, one after the other.
#[must_use]
pub fn operand(task: &Hash, operand: Operand) -> Vec<i8> {
    (0..rows()).flat_map(|row| operand_row(task, operand, row)).collect()
}

/// Row number `row` of the product.
// spec: chain#synthetic-task
#[must_use]
pub fn product_row(task: &Hash, row: u32) -> Row<i32> {
    let left = operand_row(task, Operand::Left, row);
    let mut sums = vec![0i32; SIZE];
    for (factor, index) in left.into_iter().zip(0..rows()) {
        for (sum, value) in sums.iter_mut().zip(operand_row(task, Operand::Right, index)) {
            // 1024 products of at most 127 * 127 stay below 2^24.
            *sum = sum.wrapping_add(i32::from(factor).wrapping_mul(i32::from(value)));
        }
    }
    sums
}

/// The whole product by the reference loop; a worker computes it on its own device.
#[must_use]
pub fn product(task: &Hash) -> Vec<Row<i32>> {
    let right: Vec<Row<i8>> = (0..rows()).map(|row| operand_row(task, Operand::Right, row)).collect();
    let row_of = |row| {
        let mut sums = vec![0i32; SIZE];
        for (factor, values) in operand_row(task, Operand::Left, row).into_iter().zip(&right) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = sum.wrapping_add(i32::from(factor).wrapping_mul(i32::from(*value)));
            }
        }
        sums
    };
    (0..rows()).map(row_of).collect()
}

/// Root over the rows of a product.
// spec: chain#synthetic-task
#[must_use]
pub fn root(product: &[Row<i32>]) -> Hash {
    merkle::root(List::SyntheticRows, &leaves(product))
}

/// Proof that row number `row` is under the root.
#[must_use]
pub fn prove_row(product: &[Row<i32>], row: usize) -> Option<MerkleProof> {
    merkle::prove(List::SyntheticRows, &leaves(product), row)
}

/// The leaf of a row: its integers, little-endian.
#[must_use]
pub fn row_bytes(row: &[i32]) -> Vec<u8> {
    row.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// `count` different rows, ascending, drawn by the beacon of a block after the commitment to `root`.
// spec: chain#synthetic-draw
#[must_use]
pub fn drawn_rows(beacon: &Hash, worker: &Hash, root: &Hash, count: u32) -> Vec<u32> {
    let mut drawn = Vec::new();
    let mut attempt = 0u32;
    while u32::try_from(drawn.len()).is_ok_and(|length| length < count.min(rows())) {
        let lot = derive(DRAW_CONTEXT, &[beacon, worker, root, &attempt.to_le_bytes()]);
        let [low, high, ..] = lot;
        let row = u32::from(u16::from_le_bytes([low, high])).checked_rem(rows()).unwrap_or(0);
        if !drawn.contains(&row) {
            drawn.push(row);
        }
        attempt = attempt.wrapping_add(1);
    }
    drawn.sort_unstable();
    drawn
}

/// Number of rows, as positions are counted.
#[must_use]
pub fn rows() -> u32 {
    u32::try_from(SIZE).unwrap_or(u32::MAX)
}

fn leaves(product: &[Row<i32>]) -> Vec<Vec<u8>> {
    product.iter().map(|row| row_bytes(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_is_the_row_of_the_whole_product() {
        let task = task(&[1; 32], 3, &[2; 32]);
        let product = product(&task);
        assert_eq!((product.len(), product[0].len()), (SIZE, SIZE));
        for row in [0, 1, 511, 1_023] {
            assert_eq!(product_row(&task, row), product[row as usize]);
        }
        assert!(product.iter().flatten().all(|sum| sum.unsigned_abs() < 1 << 24));
        let root = root(&product);
        let proof = prove_row(&product, 7).unwrap();
        assert_eq!(proof.verify(List::SyntheticRows, &root, &row_bytes(&product[7])), Ok(()));
        assert_eq!(const_hex::encode(root), PINNED);
    }

    const PINNED: &str = "cfd155fb9890380602bdea22acbbcb97ee1a8d9d2f9d4a53c9ff50ea4a58d7a1";

    #[test]
    fn tasks_differ_by_epoch_worker_and_seed_and_operands_keep_their_range() {
        let first = task(&[1; 32], 3, &[2; 32]);
        for other in [task(&[1; 32], 4, &[2; 32]), task(&[1; 32], 3, &[3; 32]), task(&[2; 32], 3, &[2; 32])] {
            assert_ne!(first, other);
            assert_ne!(operand_row(&first, Operand::Left, 0), operand_row(&other, Operand::Left, 0));
        }
        assert_ne!(operand_row(&first, Operand::Left, 0), operand_row(&first, Operand::Right, 0));
        let values = operand(&first, Operand::Right);
        assert!(values.len() == SIZE * SIZE && !values.contains(&-128));
        assert!(values.contains(&-127) && values.contains(&127));
    }

    #[test]
    fn rows_are_drawn_apart_and_follow_the_beacon() {
        let rows = drawn_rows(&[1; 32], &[2; 32], &[3; 32], 8);
        assert!(rows.len() == 8 && rows.windows(2).all(|pair| pair[0] < pair[1]) && rows[7] < 1_024);
        assert_ne!(rows, drawn_rows(&[4; 32], &[2; 32], &[3; 32], 8));
    }
}

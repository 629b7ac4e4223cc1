//! Peak memory of a process that makes the keys and one proof.
//!
//! A prover first derives its key and then proves; each step is a sum over the columns held
//! at the widest moments, read from the source. A column is 2^k values of 32 bytes. On top comes a share for what the
//! allocator has got back and not returned, chosen after measured peaks of models from 2^11 to 2^17 rows.

use super::Shape;

/// Bytes of a field element.
const VALUE: u64 = 32;
/// Bytes of a field element that may be a fraction, as circuits assign it when a key is derived.
const ASSIGNED: u64 = 72;
/// Bytes of a field element that may be absent.
const OPTIONAL: u64 = 40;
/// Bytes of an affine point.
const POINT: u64 = 64;
/// Bytes of a committed row's cell while the row is added up: the cell and its encoding, its digit, and points in buckets;
/// and of the weight and bias itself.
const CELL: u64 = 160;
const PARAMETER: u64 = 4;
/// Tables of the transforms over n, 2 n and 4 n values, both directions, in values for each row.
const TRANSFORM_TABLES: u64 = 14;
/// Columns that a commitment in progress takes.
const COMMITMENT: u64 = 16;
/// Columns that the opening takes beside what it opens: three for each of at most six sets of points, and their sums.
const OPENING: u64 = 20;
/// The program itself, and small things.
const PROGRAM: u64 = 28 << 20;
/// Hundredths of the sum that the allocator holds beyond it.
const ALLOCATOR: u64 = 140;

/// Predicted peak, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What stays: program, setup, weights and key.
    pub resident_bytes: u64,
    /// What one step needs beside it: deriving the key, or one proof.
    pub working_bytes: u64,
}

impl Memory {
    pub(super) fn new(shape: &Shape, threads: u64) -> Self {
        let setup = setup(shape);
        let key = key(shape);
        let derivation = derivation(shape, threads).saturating_sub(key);
        let proof = proof(shape, threads);
        let resident = shape.parameters * PARAMETER + shape.tape_bytes() + setup + key;
        let widest = derivation.max(proof);
        Self { resident_bytes: PROGRAM + resident / 100 * ALLOCATOR, working_bytes: widest / 100 * ALLOCATOR }
    }

    /// The peak of a process that proves this model.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.resident_bytes + self.working_bytes
    }

    /// The peak of a process that keeps several models' keys and makes one proof at a time.
    #[must_use]
    pub fn together(models: &[Self]) -> u64 {
        let resident = models.iter().map(|memory| memory.resident_bytes - PROGRAM).sum::<u64>();
        PROGRAM + resident + models.iter().map(|memory| memory.working_bytes).max().unwrap_or(0)
    }
}

/// Powers, the Lagrange basis twice, and as much again for the development setup's smaller sizes.
fn setup(shape: &Shape) -> u64 {
    2 * 3 * POINT * shape.rows()
}

/// Values and coefficients of fixed and permutation columns, three columns that mark rows, and the transforms' tables.
fn key(shape: &Shape) -> u64 {
    (2 * (shape.fixed + shape.permutation) + 3 + TRANSFORM_TABLES) * VALUE * shape.rows()
}

/// Beside setup and weights: committed rows, one on each thread, or halo2's key generation.
fn derivation(shape: &Shape, threads: u64) -> u64 {
    let rows = shape.rows();
    let commitment = threads * CELL * rows;
    // Fractions, their denominators, and their values.
    let assigned = shape.fixed * (ASSIGNED + OPTIONAL + VALUE);
    // Where each cell of a permutation column goes, and the columns made of that.
    let permutation = shape.permutation * (2 * OPTIONAL + 3 * VALUE);
    let values = 2 * shape.fixed * VALUE + permutation;
    commitment.max((TRANSFORM_TABLES * VALUE + assigned.max(values)) * rows + shape.tape_bytes())
}

/// Beside setup, weights and key: the widest moment of one proof.
fn proof(shape: &Shape, threads: u64) -> u64 {
    let advice = shape.advice();
    // Values and coefficients of the statement.
    let instance = 2;
    // Values of every column, and what the second phase computes on the way: numerators, denominators and inverses.
    let assignment = advice + 3 * shape.fractions;
    // Coefficients of everything, its values on one part of the larger domain, and what the parts leave.
    let cosets = shape.fixed + 3 + advice + 1 + shape.products + shape.permutation;
    let quotient = advice + shape.products + 2 + cosets + 2 * shape.quotient_pieces();
    // What is opened at the same points is combined, divided, and combined again.
    let opening = advice + shape.products + 2 + shape.quotient_pieces() + OPENING;
    // Each thread commits to a column of its own: its scalars' halves, and their points in buckets.
    let columns = instance + COMMITMENT * threads + assignment.max(quotient).max(opening);
    // The rows are planned again with their integers; tuples are counted.
    let witness = shape.tape_bytes() + 2 * shape.cell_bytes() + shape.tuples * (8 + 16 + 24);
    columns * VALUE * shape.rows() + witness
}

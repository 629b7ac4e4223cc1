//! The generator that blinds every column but the V's.
//!
//! halo2 draws the blinding values of a phase's columns one column after the other, then one unused value per column.
//! The V's are the first second-phase columns, and their commitments must be plain combinations of the key's rows, so
//! exactly their draws return zero. V is public, given the challenge and the model: nothing is lost. A release of halo2 that drew
//! in another order would not produce wrong proofs, since the prover checks the link before it returns one.

use std::ops::Range;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::ConstraintSystem;
use rand_core::{CryptoRng, Error, RngCore};

/// 64-bit draws that one field element takes.
const DRAWS_PER_ELEMENT: usize = 8;

/// Wraps a generator; the draws in `silent` return zero.
#[derive(Debug)]
pub(crate) struct BlindingGenerator<R> {
    inner: R,
    drawn: usize,
    silent: Vec<Range<usize>>,
}

impl<R: RngCore + CryptoRng> BlindingGenerator<R> {
    /// A generator that leaves these advice columns of `system` unblinded.
    pub(crate) fn new(inner: R, system: &ConstraintSystem<Fr>, columns: &[usize]) -> Self {
        let phases = system.advice_column_phase();
        let rows = system.blinding_factors() + 1;
        let draws = |column: &usize| {
            let own = phases.get(*column).copied().unwrap_or(0);
            let earlier_phases = phases.iter().filter(|phase| **phase < own).count();
            let earlier_columns = phases.iter().take(*column).filter(|phase| **phase == own).count();
            let start = (earlier_phases * (rows + 1) + earlier_columns * rows) * DRAWS_PER_ELEMENT;
            start..start + rows * DRAWS_PER_ELEMENT
        };
        Self { inner, drawn: 0, silent: columns.iter().map(draws).collect() }
    }
}

impl<R: RngCore + CryptoRng> RngCore for BlindingGenerator<R> {
    fn next_u32(&mut self) -> u32 {
        // Truncation keeps the low half, as `rand_core` does for 64-bit generators.
        (self.next_u64() & u64::from(u32::MAX)) as u32
    }

    fn next_u64(&mut self) -> u64 {
        let value = self.inner.next_u64();
        let silent = self.silent.iter().any(|draws| draws.contains(&self.drawn));
        self.drawn += 1;
        if silent { 0 } else { value }
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let value = self.next_u64().to_le_bytes();
            chunk.iter_mut().zip(value).for_each(|(byte, value)| *byte = value);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: RngCore + CryptoRng> CryptoRng for BlindingGenerator<R> {}

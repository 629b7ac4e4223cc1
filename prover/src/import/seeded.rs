//! A seeded generator for reproducible experiments: splits, initial weights, batches.
//!
//! ChaCha20 under a written seed, with our own mapping to ranges, so that results depend on no library's sampling
//! algorithm. Never used for keys or blinding.

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// A deterministic stream of numbers.
#[derive(Debug, Clone)]
pub struct Seeded(ChaCha20Rng);

impl Seeded {
    /// The stream of a seed: its little-endian bytes, then zeros, are ChaCha20's key.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        for (target, byte) in key.iter_mut().zip(seed.to_le_bytes()) {
            *target = byte;
        }
        Self(ChaCha20Rng::from_seed(key))
    }

    /// A number of 0 to `bound - 1`, or 0 for a bound of 0 (multiply and shift; the bias is below 2^-40 for bounds here).
    pub fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.0.next_u64()) * bound as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    /// A number of -1 to 1 with 24 random bits.
    pub fn symmetric(&mut self) -> f32 {
        const STEPS: f32 = (1 << 23) as f32;
        let bits = i64::from(self.0.next_u32() >> 8) - (1 << 23);
        bits as f32 / STEPS
    }

    /// Fisher and Yates's shuffle.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_a_seed_is_pinned() {
        let mut generator = Seeded::new(2026);
        let drawn: Vec<usize> = (0..8).map(|_| generator.below(1000)).collect();
        assert_eq!(drawn, [816, 821, 189, 644, 849, 119, 989, 390]);
        let mut items: Vec<u8> = (0..8).collect();
        Seeded::new(2026).shuffle(&mut items);
        assert_eq!(items, [2, 7, 0, 4, 3, 1, 5, 6]);
    }

    #[test]
    fn numbers_stay_in_their_ranges() {
        let mut generator = Seeded::new(1);
        assert!((0..1000).all(|_| generator.below(7) < 7));
        assert_eq!(generator.below(0), 0);
        let drawn: Vec<f32> = (0..1000).map(|_| generator.symmetric()).collect();
        assert!(drawn.iter().all(|value| (-1.0..1.0).contains(value)));
        assert!(drawn.iter().any(|value| *value < -0.9) && drawn.iter().any(|value| *value > 0.9));
    }
}

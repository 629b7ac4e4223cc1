//! Where random models come from.

use crate::model::range::Range;

const SEED_CONTEXT: &str = "assay 2026 random model v1";

/// Deterministic integers from BLAKE3's extendable output.
pub(super) struct Source(blake3::OutputReader);

impl Source {
    pub(super) fn new(seeds: &[u64]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(SEED_CONTEXT);
        for seed in seeds {
            hasher.update(&seed.to_le_bytes());
        }
        Self(hasher.finalize_xof())
    }

    /// A value of 0 to `bound` inclusive. The bias of the remainder is below 2^-16 for the bounds used here.
    pub(super) fn up_to(&mut self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % (bound + 1)
    }

    pub(super) fn between(&mut self, min: u64, max: u64) -> u64 {
        min + self.up_to(max - min)
    }

    pub(super) fn within(&mut self, range: Range) -> i64 {
        range.min + i64::try_from(self.up_to(range.count() - 1)).unwrap_or(0)
    }

    pub(super) fn symmetric(&mut self, bound: i64) -> i64 {
        self.within(Range { min: -bound, max: bound })
    }

    pub(super) fn choose<T: Clone>(&mut self, options: [T; 4]) -> T {
        let index = self.up_to(3);
        let [first, second, third, fourth] = options;
        match index {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        }
    }

    /// A value of `min` to `max` inclusive.
    pub(super) fn number(&mut self, min: u32, max: u32) -> u32 {
        u32::try_from(self.between(u64::from(min), u64::from(max.max(min)))).unwrap_or(min)
    }

    /// One of `options`, of which there is at least one.
    pub(super) fn pick<'a, T>(&mut self, options: &'a [T]) -> Option<&'a T> {
        options.get(usize::try_from(self.up_to((options.len() as u64).saturating_sub(1))).unwrap_or(0))
    }

    /// True once in `count` times.
    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.up_to(count - 1) == 0
    }
}

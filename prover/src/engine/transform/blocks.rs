//! Values of polynomials on a coset, a block of rows at a time, eight numbers at once by [`crate::lanes`].
//!
//! A polynomial modulo `X^n - c^2` is one modulo `X^(n/2) - c` and one modulo `X^(n/2) + c`; the last level leaves its
//! values (Cooley and Tukey 1965, with decimation in frequency). The coset is in the levels' factors, one for each node of
//! this tree, so nothing is multiplied beside them. What a proof takes longest for is not multiplying but memory: a column
//! of 2^18 rows is four times the cache. So the levels are run in two parts. [`Coset::spread`] runs those above blocks
//! of at least 128 rows and keeps what is left in four words a number. [`Coset::values`] runs the others, for one block
//! when its rows are asked for, so that a coset's values are used where they are made and never lie in memory.
//!
//! Block `j` of `2^b` holds the rows `j + 2^b t`, with `t` in the order that the levels leave. Its points are `x_j` times roots of
//! unity, `x_j` being the coset's shift times the root's power `j`. A row turned by `i` is the same row of block `j + i`; past
//! the last block the same polynomials belong to other points, those of the next `t`, and that is all that turning takes.
#![expect(unsafe_code, reason = "a call needs the processor's features, which were looked for")]

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch, _mm512_slli_epi64};

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::Transform;
use super::lanes::{joined, reversed, zero};
use lanes::{
    LANES, LIMBS, Lanes, Limbs, Vector, Words, all, carried, factor, gathered, limbs_of, transposed, words_of,
};

type Scalars = Lanes<Fr>;

/// Rows of a block, as a power of two, of columns that have as many.
const BLOCK_BITS: u32 = 7;
/// Levels that are run on whole columns at most, so that as many vectors stay in the processor's cache.
const UPPER_BITS: u32 = 11;
/// Levels within a vector.
const LANE_BITS: u32 = LANES.ilog2();

/// What values are below, times the order.
pub(in crate::engine) const BOUND: u64 = 2;

/// One coset's part of all transforms to it.
#[derive(Debug)]
pub(in crate::engine) struct Coset<'a> {
    transform: &'a Transform,
    shift: Fr,
    /// Factors of the levels above blocks: that of node `i` of `2^l` at `2^l + i`.
    upper: Vec<Limbs>,
    /// Factors of the levels within vectors, of the first block of the roots themselves.
    lanes: Vec<[Vector; LANES - 1]>,
}

/// Factors of one block's levels.
#[derive(Debug, Default)]
pub(in crate::engine) struct Factors {
    upper: Vec<Limbs>,
    lanes: Vec<[Vector; LANES - 1]>,
}

impl<'a> Coset<'a> {
    /// The caller has found the processor's features, and at least 64 rows.
    pub(super) fn new(transform: &'a Transform, shift: Fr) -> Self {
        let mut coset = Self { transform, shift, upper: Vec::new(), lanes: Vec::new() };
        coset.upper = coset.nodes(&squares(shift, transform.k), coset.blocks().ilog2());
        // SAFETY: the caller found the features.
        coset.lanes = (0..coset.vectors() / LANES).map(|group| unsafe { coset.lane_roots(group) }).collect();
        coset
    }

    /// Rows of a block, as a power of two.
    fn block_bits(&self) -> u32 {
        let k = self.transform.k;
        k.saturating_sub(UPPER_BITS).max(BLOCK_BITS).min(k)
    }

    /// Blocks of a column.
    pub(in crate::engine) fn blocks(&self) -> usize {
        1 << (self.transform.k - self.block_bits())
    }

    /// Vectors of a block.
    pub(in crate::engine) fn vectors(&self) -> usize {
        1 << (self.block_bits() - LANE_BITS)
    }

    /// The root of node `number` of any level, of the polynomial `X^n - 1`.
    fn root(&self, number: usize) -> Fr {
        let roots = &self.transform.roots;
        roots[reversed(number, roots.len())]
    }

    /// Factors of so many levels from the top of a tree, `squares` being those of its point.
    fn nodes(&self, squares: &[Fr], levels: u32) -> Vec<Limbs> {
        let level = |level: u32| {
            let scale = squares[squares.len() - 2 - level as usize];
            (0..1 << level).map(move |node| factor(&(scale * self.root(node))))
        };
        // Nothing is at 0.
        std::iter::once([0; LIMBS]).chain((0..levels).flat_map(level)).collect()
    }

    /// Roots of the levels within eight vectors: one for each of them, for their halves, and for their quarters.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn lane_roots(&self, group: usize) -> [Vector; LANES - 1] {
        std::array::from_fn(|place| {
            let level = (place + 1).ilog2();
            let part = place + 1 - (1 << level);
            let node = |lane: usize| ((group * LANES + lane) << level) + part;
            gathered(&std::array::from_fn(|lane| factor(&self.root(node(lane)))))
        })
    }

    /// Runs the levels above blocks.
    pub(in crate::engine) fn spread(&self, coefficients: &[Fr], scratch: &mut Vec<Vector>, parts: &mut Vec<Words>) {
        // SAFETY: the caller of `new` found the features.
        unsafe { self.spread_wide(coefficients, scratch, parts) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn spread_wide(&self, coefficients: &[Fr], scratch: &mut Vec<Vector>, parts: &mut Vec<Words>) {
        let (blocks, vectors) = (self.blocks(), self.vectors());
        let (whole, rest) = coefficients.as_chunks::<LANES>();
        let mut last = [Fr::ZERO; LANES];
        last.iter_mut().zip(rest).for_each(|(target, element)| *target = *element);
        scratch.resize(blocks, zero());
        parts.resize(blocks * vectors, [zero()[0]; 4]);
        for column in 0..vectors {
            for (block, vector) in scratch.iter_mut().enumerate() {
                let place = block * vectors + column;
                let loaded = match whole.get(place) {
                    Some(elements) => Scalars::loaded(elements),
                    None if place == whole.len() => Scalars::loaded(&last),
                    None => zero(),
                };
                // From times 2^256 to times 2^260, below 16 p.
                *vector = loaded.map(|limb| _mm512_slli_epi64::<4>(limb));
            }
            levels(scratch, &self.upper);
            for (block, vector) in scratch.iter().enumerate() {
                parts[block * vectors + column] = words_of(&Scalars::reduced(*vector));
            }
        }
    }

    /// The factors of block `number`, which may be any integer.
    pub(in crate::engine) fn factors(&self, number: i64, factors: &mut Factors) {
        // Turning by as many rows as there are is nothing.
        let power = number.rem_euclid(self.transform.rows() as i64) as u64;
        let point = self.shift * self.transform.root().pow_vartime([power]);
        let squares = squares(point, self.block_bits());
        factors.upper = self.nodes(&squares, self.block_bits() - LANE_BITS);
        // SAFETY: the caller of `new` found the features.
        unsafe { self.lane_factors(&squares, &mut factors.lanes) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn lane_factors(&self, squares: &[Fr], factors: &mut Vec<[Vector; LANES - 1]>) {
        let [eighth, half, own] = [2, 1, 0].map(|level: usize| all(&factor(&squares[level])));
        factors.clear();
        factors.extend(self.lanes.iter().map(|roots| {
            std::array::from_fn(|number| {
                let scale = match number {
                    0 => &eighth,
                    1 | 2 => &half,
                    _ => &own,
                };
                carried(Scalars::multiply(&roots[number], scale))
            })
        }));
    }

    /// Values on block `number`, whose factors these are: times 2^260, with limbs of 52 bits, and below [`BOUND`] times the
    /// order. [`Self::row`] says of which rows.
    pub(in crate::engine) fn values(&self, parts: &[Words], number: i64, factors: &Factors, values: &mut [Vector]) {
        // SAFETY: the caller of `new` found the features.
        unsafe { values_wide(self.part(parts, number), factors, values) }
    }

    /// Asks the memory for what values on block `number` are made of.
    pub(in crate::engine) fn fetch(&self, parts: &[Words], number: i64) {
        for vector in self.part(parts, number).iter().flatten() {
            // SAFETY: whatever the address, nothing is read that the program sees.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(vector).cast()) };
        }
    }

    /// Block `number` of what [`Self::spread`] leaves.
    fn part<'b>(&self, parts: &'b [Words], number: i64) -> &'b [Words] {
        let (blocks, vectors) = (self.blocks(), self.vectors());
        let block = reversed(number.rem_euclid(blocks as i64) as usize, blocks);
        &parts[block * vectors..][..vectors]
    }

    /// The place in a block of its row `t`.
    pub(in crate::engine) fn place(&self, row: usize) -> usize {
        let number = reversed(row, self.vectors() * LANES);
        let (group, vector, lane) = (number / (LANES * LANES), number % LANES, number / LANES % LANES);
        (group * LANES + vector) * LANES + lane
    }
}

/// `base^(2^i)`, so many and one more.
fn squares(base: Fr, count: u32) -> Vec<Fr> {
    std::iter::successors(Some(base), |power| Some(power.square())).take(count as usize + 1).collect()
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn values_wide(parts: &[Words], factors: &Factors, values: &mut [Vector]) {
    for (value, part) in values.iter_mut().zip(parts) {
        *value = limbs_of(*part);
    }
    levels(values, &factors.upper);
    for (values, factors) in values.as_chunks_mut::<LANES>().0.iter_mut().zip(&factors.lanes) {
        let rows = values.map(|value| carried(value));
        let mut turned = [zero(); LANES];
        for limb in 0..LIMBS {
            for (lane, column) in transposed(rows.map(|row| row[limb])).into_iter().enumerate() {
                turned[lane][limb] = column;
            }
        }
        *values = within(turned, factors).map(|value| Scalars::reduced(value));
    }
}

/// Levels of whole vectors from the top of a tree, two at a time. A level adds at most `2 p` to a number, so numbers stay
/// below `64 p` through more levels than there are.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn levels(vectors: &mut [Vector], factors: &[Limbs]) {
    let (mut nodes, mut size) = (1, vectors.len());
    while size >= 4 {
        for (node, vectors) in vectors.chunks_exact_mut(size).enumerate() {
            let number = nodes + node;
            let [own, left, right] = [number, 2 * number, 2 * number + 1].map(|number| all(&factors[number]));
            let (low, high) = vectors.split_at_mut(size / 2);
            let ((a, b), (c, d)) = (low.split_at_mut(size / 4), high.split_at_mut(size / 4));
            for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                let [first, third] = joined(a, c, &own);
                let [second, fourth] = joined(b, d, &own);
                [*a, *b] = joined(&first, &second, &left);
                [*c, *d] = joined(&third, &fourth, &right);
            }
        }
        (nodes, size) = (4 * nodes, size / 4);
    }
    if size == 2 {
        for ([low, high], factor) in vectors.as_chunks_mut::<2>().0.iter_mut().zip(&factors[nodes..]) {
            [*low, *high] = joined(low, high, &all(factor));
        }
    }
}

/// The levels of eight numbers in each lane.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn within([a, b, c, d, e, f, g, h]: [Vector; LANES], factors: &[Vector; LANES - 1]) -> [Vector; LANES] {
    let [own, left, right, first, second, third, fourth] = factors;
    let [[a, e], [b, f]] = [joined(&a, &e, own), joined(&b, &f, own)];
    let [[c, g], [d, h]] = [joined(&c, &g, own), joined(&d, &h, own)];
    let [[a, c], [b, d]] = [joined(&a, &c, left), joined(&b, &d, left)];
    let [[e, g], [f, h]] = [joined(&e, &g, right), joined(&f, &h, right)];
    let [[a, b], [c, d]] = [joined(&a, &b, first), joined(&c, &d, second)];
    let [[e, f], [g, h]] = [joined(&e, &f, third), joined(&g, &h, fourth)];
    [a, b, c, d, e, f, g, h]
}

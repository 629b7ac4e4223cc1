//! Eight transforms at once, by [`crate::lanes`].
//!
//! A transform of `n` elements is eight interleaved ones of `n / 8`, one in each lane, and a transform of eight across the
//! lanes at the end (Cooley and Tukey 1965). Memory is passed over three times: elements are read into a block that the
//! processor's cache holds, and the block's levels run there; then eight neighbours of every block at a time go through
//! the levels that join blocks, through the lanes, and out. Elements keep their form, because factors are stored times
//! 2^260. A level adds at most `2 p` to an element, so it stays below `64 p` through more levels than there are.
#![expect(unsafe_code, reason = "a call needs the processor's features, which were looked for")]

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use lanes::{LANES, LIMBS, Lanes, Limbs, Vector, add, all, carried, factor, gathered, supported, transposed, vector};

/// Fewest elements that are transformed here.
const LEAST: usize = 64;
/// Vectors of a block: 640 KiB.
const BLOCK: usize = 2048;

type Scalars = Lanes<Fr>;

/// Nothing in any lane.
pub(crate) fn zero() -> Vector {
    [vector([0; LANES]); LIMBS]
}

/// What all transforms of one size and direction share.
#[derive(Debug)]
pub(super) struct Roots {
    /// Powers of the root of `n / 8` elements, half as many.
    inner: Vec<Limbs>,
    /// The first powers of the root of `n` elements, one for each lane.
    lanes: [Fr; LANES],
    /// Powers 1, 2 and 3 of the root of eight elements.
    eighth: [Limbs; 3],
}

impl Roots {
    /// Roots for as many elements as there are twice the powers; `None` if the processor or the number does not fit.
    pub(super) fn new(powers: &[Fr]) -> Option<Self> {
        let count = 2 * powers.len();
        if count < LEAST || !supported() {
            return None;
        }
        let power = |exponent: usize| powers.get(exponent).copied().unwrap_or(Fr::ONE);
        Some(Self {
            inner: powers.iter().step_by(LANES).map(factor).collect(),
            lanes: std::array::from_fn(power),
            eighth: [1, 2, 3].map(|exponent| factor(&power(exponent * count / LANES))),
        })
    }

    /// Vectors of a transform.
    fn count(&self) -> usize {
        2 * self.inner.len()
    }

    /// Vectors of a block.
    fn block(&self) -> usize {
        self.count().min(BLOCK)
    }

    /// The transform of `values`, in place and times `scale`.
    pub(super) fn transform(&self, values: &mut [Fr], scale: Fr, scratch: &mut Vec<Vector>) {
        // SAFETY: roots exist only where the processor has the features.
        unsafe {
            self.load(values, scratch);
            self.write(scratch, scale, values);
        }
    }

    /// The same values, each times the power of `step` of its number.
    pub(super) fn scale(&self, values: &mut [Fr], step: Fr) {
        // SAFETY: roots exist only where the processor has the features.
        unsafe { scaled(values, step) }
    }

    /// The levels within blocks.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn load(&self, elements: &[Fr], vectors: &mut Vec<Vector>) {
        vectors.resize(self.count(), zero());
        let (elements, _) = elements.as_chunks::<LANES>();
        let ways = self.count() / self.block();
        for (block, vectors) in vectors.chunks_exact_mut(self.block()).enumerate() {
            // Levels take vectors in the order of their reversed numbers.
            let first = reversed(block, ways);
            for place in 0..vectors.len() {
                vectors[reversed(place, self.block())] = Scalars::loaded(&elements[first + ways * place]);
            }
            let done = first_levels(vectors, &all(&self.eighth[1]));
            self.more_levels(vectors, done);
        }
    }

    /// A block's levels from the one that joins transforms of `half` vectors.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn more_levels(&self, vectors: &mut [Vector], mut half: usize) {
        while 2 * half < vectors.len() {
            for block in vectors.chunks_exact_mut(4 * half) {
                let (low, high) = block.split_at_mut(2 * half);
                let ((a, b), (c, d)) = (low.split_at_mut(half), high.split_at_mut(half));
                for index in 0..half {
                    let root = self.root(index, half);
                    let [near, far] = [self.root(index, 2 * half), self.root(index + half, 2 * half)];
                    let [first, second] = joined(&a[index], &b[index], &root);
                    let [third, fourth] = joined(&c[index], &d[index], &root);
                    [a[index], c[index]] = joined(&first, &third, &near);
                    [b[index], d[index]] = joined(&second, &fourth, &far);
                }
            }
            half *= 4;
        }
        if half < vectors.len() {
            let (low, high) = vectors.split_at_mut(half);
            for (index, (low, high)) in low.iter_mut().zip(high).enumerate() {
                [*low, *high] = joined(low, high, &self.root(index, half));
            }
        }
    }

    /// Factor number `index` of the level that joins transforms of `half` vectors.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn root(&self, index: usize, half: usize) -> Vector {
        all(&self.inner[index * (self.inner.len() / half)])
    }

    /// Writes the elements, times `scale`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn write(&self, vectors: &[Vector], scale: Fr, elements: &mut [Fr]) {
        let each = elements.len() / LANES / LANES;
        let one = Scalars::one();
        let (elements, _) = elements.as_chunks_mut::<LANES>();
        self.finish(vectors, scale, |group, parts| {
            for (part, numbers) in parts.into_iter().enumerate() {
                let end = Scalars::canonical(Scalars::multiply(&carried(numbers), &one));
                Scalars::stored(&end, &mut elements[part * each + group]);
            }
        });
    }

    /// The levels that join blocks, and the transforms of eight across the lanes, on eight neighbours of each block at a
    /// time: `take` gets each group's parts, below 8 p.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn finish(&self, vectors: &[Vector], scale: Fr, mut take: impl FnMut(usize, [Vector; LANES])) {
        let ways = self.count() / self.block();
        let step = self.lanes.map(|root| factor(&root));
        let starts = (0..ways).map(|block| {
            let lane = |root: &Fr| factor(&(scale * root.pow_vartime([(block * self.block()) as u64])));
            Powers::new(gathered(&self.lanes.each_ref().map(lane)), &step)
        });
        let mut powers: Vec<Powers> = starts.collect();
        let mut joining = vec![[zero(); LANES]; ways];
        for group in 0..self.block() / LANES {
            for (block, own) in joining.iter_mut().enumerate() {
                let at = block * self.block() + group * LANES;
                own.copy_from_slice(&vectors[at..at + LANES]);
            }
            let mut half = 1;
            while half < ways {
                for joining in joining.chunks_exact_mut(2 * half) {
                    let (low, high) = joining.split_at_mut(half);
                    for (block, (low, high)) in low.iter_mut().zip(high).enumerate() {
                        for (place, (low, high)) in low.iter_mut().zip(high).enumerate() {
                            let index = block * self.block() + group * LANES + place;
                            [*low, *high] = joined(low, high, &self.root(index, half * self.block()));
                        }
                    }
                }
                half *= 2;
            }
            for (block, (own, powers)) in joining.iter().zip(&mut powers).enumerate() {
                take(block * self.block() / LANES + group, self.across(own, powers));
            }
        }
    }

    /// The transforms of eight across the lanes, of eight neighbours times their powers.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn across(&self, vectors: &[Vector; LANES], powers: &mut Powers) -> [Vector; LANES] {
        let mut rows = [zero(); LANES];
        for (row, numbers) in rows.iter_mut().zip(vectors) {
            *row = carried(Scalars::multiply(&carried(*numbers), &powers.next()));
        }
        let mut turned = [zero(); LANES];
        for limb in 0..LIMBS {
            for (lane, column) in transposed(rows.map(|row| row[limb])).into_iter().enumerate() {
                turned[lane][limb] = column;
            }
        }
        let [first, second, third] = self.eighth.map(|root| all(&root));
        eight(&turned, [&first, &second, &third])
    }
}

/// A number below `count`, a power of two, with its bits the other way round.
pub(super) fn reversed(number: usize, count: usize) -> usize {
    number.reverse_bits().checked_shr(usize::BITS - count.trailing_zeros()).unwrap_or(0)
}

/// Each element times the power of `step` of its number.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn scaled(elements: &mut [Fr], step: Fr) {
    let mut powers = Powers::geometric(step);
    for elements in elements.as_chunks_mut::<LANES>().0 {
        let product = Scalars::multiply(&Scalars::loaded(elements), &powers.next());
        Scalars::stored(&Scalars::canonical(product), elements);
    }
}

/// Chains of powers, so that none waits for the one before.
const CHAINS: usize = 2;

/// Powers of one factor in each lane, one vector after the other.
struct Powers {
    next: [Vector; CHAINS],
    step: Vector,
    turn: usize,
}

impl Powers {
    /// `step^i` in lane after lane of every vector.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn geometric(step: Fr) -> Self {
        let mut power = Fr::ONE;
        let numbers: [Limbs; LANES] = std::array::from_fn(|_| {
            let number = factor(&power);
            power *= step;
            number
        });
        Self::new(gathered(&numbers), &[factor(&power); LANES])
    }

    /// `first`, and each further vector times `step`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn new(first: Vector, step: &[Limbs; LANES]) -> Self {
        let step = gathered(step);
        let mut next = [first; CHAINS];
        for chain in 1..CHAINS {
            next[chain] = carried(Scalars::multiply(&next[chain - 1], &step));
        }
        let step = (1..CHAINS).fold(step, |power, _| carried(Scalars::multiply(&power, &step)));
        Self { next, step, turn: 0 }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn next(&mut self) -> Vector {
        let chain = &mut self.next[self.turn % CHAINS];
        let power = *chain;
        *chain = carried(Scalars::multiply(chain, &self.step));
        self.turn += 1;
        power
    }
}

/// `low + root high` and `low - root high`.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(super) fn joined(low: &Vector, high: &Vector, root: &Vector) -> [Vector; 2] {
    let product = Scalars::multiply(&carried(*high), root);
    [add(low, &product), Scalars::subtract::<2>(low, &product)]
}

/// The first two levels, of numbers below 2 p, whose only factor is the fourth root; how far they lead. Below 8 p.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn first_levels(vectors: &mut [Vector], fourth: &Vector) -> usize {
    for [a, b, c, d] in vectors.as_chunks_mut::<4>().0 {
        let [even, odd] = [add(a, b), Scalars::subtract::<2>(a, b)];
        let sum = add(c, d);
        let difference = Scalars::multiply(&carried(Scalars::subtract::<2>(c, d)), fourth);
        [*a, *c] = [add(&even, &sum), Scalars::subtract::<4>(&even, &sum)];
        [*b, *d] = [add(&odd, &difference), Scalars::subtract::<2>(&odd, &difference)];
    }
    4
}

/// The transform of eight numbers in each lane, in natural order. Differences add 2 p, so what is multiplied is below 2 p and
/// the results are below 8 p.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn eight(a: &[Vector; LANES], [first, second, third]: [&Vector; 3]) -> [Vector; LANES] {
    let times = |a: Vector, root: &Vector| Scalars::multiply(&carried(a), root);
    // Even and odd numbers, each a transform of four.
    let four = |a: [&Vector; 4]| {
        let (even, odd) = (add(a[0], a[2]), Scalars::subtract::<2>(a[0], a[2]));
        let (sum, difference) = (add(a[1], a[3]), times(Scalars::subtract::<2>(a[1], a[3]), second));
        let sum = reduced(sum);
        [
            add(&even, &sum),
            add(&odd, &difference),
            Scalars::subtract::<2>(&even, &sum),
            Scalars::subtract::<2>(&odd, &difference),
        ]
    };
    let even = four([&a[0], &a[2], &a[4], &a[6]]);
    let odd = four([&a[1], &a[3], &a[5], &a[7]]);
    let odd = [reduced(odd[0]), times(odd[1], first), times(odd[2], second), times(odd[3], third)];
    std::array::from_fn(|part| {
        let (even, odd) = (&even[part % 4], &odd[part % 4]);
        if part < 4 { add(even, odd) } else { Scalars::subtract::<2>(even, odd) }
    })
}

/// The same number below 2 p.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn reduced(a: Vector) -> Vector {
    Scalars::multiply(&carried(a), &Scalars::one())
}

//! Eight transforms at once, by [`crate::lanes`].
//!
//! A transform of `n` elements is eight interleaved ones of `n / 8`, one in each lane, and a transform of eight across the
//! lanes at the end (Cooley and Tukey 1965). The first levels run block by block, so that a block stays in the processor's
//! cache, and two levels at a time, so that it is read half as often. Elements keep their form, because factors are stored
//! times 2^260. A level adds at most `2 p` to an element, so it stays below `64 p` through more levels than there are.
#![expect(unsafe_code, reason = "a call needs the processor's features, which were looked for")]

use crate::lanes::{
    LANES, LIMBS, Lanes, Limbs, Vector, add, all, carried, factor, gathered, supported, transposed, vector,
};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

/// Fewest elements that are transformed here.
const LEAST: usize = 64;
/// Vectors of a block: 640 KiB.
const BLOCK: usize = 2048;

type Scalars = Lanes<Fr>;

/// What values on a coset are below, times the order.
pub(crate) const COSET_BOUND: u64 = 8;

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

    /// The transform of `values`, in place: element `i` times `before^i` goes in, and comes out times `scale`.
    pub(super) fn transform(&self, values: &mut [Fr], before: Option<Fr>, scale: Fr, scratch: &mut Vec<Vector>) {
        // SAFETY: roots exist only where the processor has the features.
        unsafe {
            self.load(values, before, scratch);
            self.levels(scratch);
            self.write(scratch, scale, None, values);
        }
    }

    /// Values of the polynomial of these coefficients at `shift` times the roots, times 2^260, with limbs of 52 bits and
    /// below [`COSET_BOUND`] times the order.
    pub(super) fn spread(&self, coefficients: &[Fr], shift: Fr, scratch: &mut Vec<Vector>, values: &mut [Vector]) {
        let each = values.len() / LANES;
        // SAFETY: roots exist only where the processor has the features.
        unsafe {
            self.load(coefficients, Some(shift), scratch);
            self.levels(scratch);
            self.across(scratch, Fr::from(16), |group, parts| {
                for (part, numbers) in parts.into_iter().enumerate() {
                    values[part * each + group] = carried(numbers);
                }
            });
        }
    }

    /// Elements of vectors as [`Self::spread`] leaves them, below 32 times the order: the transform's times `scale after^i`.
    pub(super) fn gather(&self, vectors: &[Vector], scale: Fr, after: Fr, scratch: &mut Vec<Vector>) -> Vec<Fr> {
        let mut elements = vec![Fr::ZERO; vectors.len() * LANES];
        // SAFETY: roots exist only where the processor has the features.
        unsafe {
            let one = Scalars::one();
            self.place(vectors.iter().map(|numbers| Scalars::multiply(numbers, &one)), scratch);
            self.levels(scratch);
            self.write(scratch, scale * Fr::from(16).invert().unwrap_or(Fr::ONE), Some(after), &mut elements);
        }
        elements
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn load(&self, elements: &[Fr], before: Option<Fr>, vectors: &mut Vec<Vector>) {
        let mut powers = before.map(|step| Powers::geometric(Fr::ONE, step));
        let (whole, rest) = elements.as_chunks::<LANES>();
        let mut last = [Fr::ZERO; LANES];
        last.iter_mut().zip(rest).for_each(|(target, element)| *target = *element);
        let absent = self.count() - whole.len() - usize::from(!rest.is_empty());
        let chunks = whole.iter().chain((!rest.is_empty()).then_some(&last));
        let loaded = chunks.map(|elements| {
            let loaded = Scalars::loaded(elements);
            powers.as_mut().map_or(loaded, |powers| Scalars::multiply(&loaded, &powers.next()))
        });
        self.place(loaded.chain(std::iter::repeat_n(zero(), absent)), vectors);
    }

    /// Vectors in the order that the levels take them in.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn place(&self, loaded: impl Iterator<Item = Vector>, vectors: &mut Vec<Vector>) {
        let bits = self.count().trailing_zeros();
        vectors.resize(self.count(), zero());
        for (index, loaded) in loaded.enumerate() {
            vectors[index.reverse_bits() >> (usize::BITS - bits)] = loaded;
        }
    }

    /// The transforms in the lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn levels(&self, vectors: &mut [Vector]) {
        let block = vectors.len().min(BLOCK);
        for vectors in vectors.chunks_exact_mut(block) {
            let first = first_levels(vectors, &all(&self.eighth[1]));
            self.more_levels(vectors, first);
        }
        self.more_levels(vectors, block);
    }

    /// All levels from the one that joins transforms of `half` vectors.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn more_levels(&self, vectors: &mut [Vector], mut half: usize) {
        let stride = |half: usize| self.inner.len() / half;
        while 2 * half < vectors.len() {
            for block in vectors.chunks_exact_mut(4 * half) {
                let (low, high) = block.split_at_mut(2 * half);
                let ((a, b), (c, d)) = (low.split_at_mut(half), high.split_at_mut(half));
                for index in 0..half {
                    let root = all(&self.inner[index * stride(half)]);
                    let [near, far] = [index, index + half].map(|index| all(&self.inner[index * stride(2 * half)]));
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
            for ((low, high), root) in low.iter_mut().zip(high).zip(self.inner.iter().step_by(stride(half))) {
                [*low, *high] = joined(low, high, &all(root));
            }
        }
    }

    /// Writes the elements, times `scale` and powers of `after`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn write(&self, vectors: &[Vector], scale: Fr, after: Option<Fr>, elements: &mut [Fr]) {
        let each = elements.len() / LANES;
        let one = Scalars::one();
        let mut ends: [Option<Powers>; LANES] = std::array::from_fn(|part| {
            after.map(|step| Powers::geometric(step.pow_vartime([(part * each) as u64]), step))
        });
        let (elements, _) = elements.as_chunks_mut::<LANES>();
        self.across(vectors, scale, |group, parts| {
            for ((part, numbers), end) in parts.into_iter().enumerate().zip(&mut ends) {
                let factor = end.as_mut().map_or(one, |powers| powers.next());
                let end = Scalars::canonical(Scalars::multiply(&carried(numbers), &factor));
                Scalars::stored(&end, &mut elements[part * each / LANES + group]);
            }
        });
    }

    /// The transforms of eight across the lanes, on eight vectors at a time: `take` gets each group's parts, below 8 p.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn across(&self, vectors: &[Vector], scale: Fr, mut take: impl FnMut(usize, [Vector; LANES])) {
        let mut powers = Powers::new(gathered(&[factor(&scale); LANES]), &self.lanes.map(|root| factor(&root)));
        let [first, second, third] = self.eighth.map(|root| all(&root));
        for (group, vectors) in vectors.as_chunks::<LANES>().0.iter().enumerate() {
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
            take(group, eight(&turned, [&first, &second, &third]));
        }
    }
}

/// Chains of powers, so that none waits for the one before.
const CHAINS: usize = 4;

/// Powers of one factor in each lane, one vector after the other.
struct Powers {
    next: [Vector; CHAINS],
    step: Vector,
    turn: usize,
}

impl Powers {
    /// `first step^i` in lane after lane.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn geometric(first: Fr, step: Fr) -> Self {
        let mut power = first;
        let numbers: [Limbs; LANES] = std::array::from_fn(|_| {
            let number = factor(&power);
            power *= step;
            number
        });
        Self::new(gathered(&numbers), &[factor(&step.pow_vartime([LANES as u64])); LANES])
    }

    /// `first`, and each further vector times `step`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn new(first: Vector, step: &[Limbs; LANES]) -> Self {
        let step = gathered(step);
        let mut next = [first; CHAINS];
        for chain in 1..CHAINS {
            next[chain] = carried(Scalars::multiply(&next[chain - 1], &step));
        }
        let twice = carried(Scalars::multiply(&step, &step));
        Self { next, step: carried(Scalars::multiply(&twice, &twice)), turn: 0 }
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
fn joined(low: &Vector, high: &Vector, root: &Vector) -> [Vector; 2] {
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

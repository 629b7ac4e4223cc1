//! Eight transforms at once, by [`crate::lanes`].
//!
//! A transform of `n` elements is eight interleaved ones of `n / 8`, one in each lane, and a transform of eight across the
//! lanes at the end (Cooley and Tukey 1965). Elements keep the library's form, times 2^256, because factors are stored times
//! 2^260. A level adds at most `2 p` to an element, so it stays below `64 p` through more levels than there are.
#![expect(unsafe_code, reason = "a call needs the processor's features, which were looked for")]

use crate::lanes::{
    LANES, LIMBS, Lanes, Limbs, Vector, add, all, array, carried, element, factor, gathered, packed, supported,
    unpacked, vector, words,
};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

/// Fewest elements that are transformed here.
const LEAST: usize = 64;

type Scalars = Lanes<Fr>;

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

    /// The transform of `values`, in place: element `i` times `before^i` goes in, and element `i` comes out times
    /// `scale after^i`.
    pub(super) fn transform(&self, values: &mut [Fr], before: Option<Fr>, scale: Fr, after: Option<Fr>) {
        if values.len() == self.inner.len() * 2 * LANES {
            // SAFETY: roots exist only where the processor has the features.
            unsafe { transform(self, values, before, scale, after) }
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn load(elements: &[Fr]) -> Vector {
    let mut numbers = [[0; LIMBS]; LANES];
    for (number, element) in numbers.iter_mut().zip(elements) {
        *number = packed(words(element));
    }
    gathered(&numbers)
}

/// Writes numbers below `2 p` as elements.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn store(numbers: &Vector, elements: &mut [Fr]) {
    let limbs = Scalars::canonical(*numbers);
    for (lane, target) in elements.iter_mut().enumerate() {
        *target = element(unpacked(limbs.map(|limb| limb[lane])));
    }
}

/// `a b / 2^260` below `2 p`, for `a` below `64 p` and `b` below `p`, or both below `8 p`.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn multiply(a: &Vector, b: &Vector) -> Vector {
    Scalars::multiply(a, b)
}

/// `a - b + 2 p`, for `b` below `2 p`.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn subtract(a: &Vector, b: &Vector) -> Vector {
    Scalars::subtract::<2>(a, b)
}

/// `first step^lane` in each lane, and `step^8` in all.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn geometric(first: Fr, step: Fr) -> (Vector, Vector) {
    let mut power = first;
    let numbers: [Limbs; LANES] = std::array::from_fn(|_| {
        let number = factor(&power);
        power *= step;
        number
    });
    (gathered(&numbers), all(&factor(&step.pow_vartime([LANES as u64]))))
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn transform(roots: &Roots, values: &mut [Fr], before: Option<Fr>, scale: Fr, after: Option<Fr>) {
    let count = values.len() / LANES;
    let bits = count.trailing_zeros();
    let mut vectors = vec![[vector([0; LANES]); LIMBS]; count];
    let mut powers = before.map(|step| geometric(Fr::ONE, step));
    for (index, elements) in values.chunks_exact(LANES).enumerate() {
        let mut loaded = load(elements);
        if let Some((power, step)) = &mut powers {
            loaded = multiply(&loaded, power);
            *power = carried(multiply(power, step));
        }
        vectors[index.reverse_bits() >> (usize::BITS - bits)] = loaded;
    }
    let mut half = 1;
    while half < count {
        let stride = roots.inner.len() / half;
        for block in vectors.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((low, high), root) in low.iter_mut().zip(high).zip(roots.inner.iter().step_by(stride)) {
                let product = multiply(&carried(*high), &all(root));
                *high = subtract(low, &product);
                *low = add(low, &product);
            }
        }
        half *= 2;
    }
    across(roots, &vectors, values, scale, after);
}

/// The transform of eight across the lanes, on eight vectors at a time.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn across(roots: &Roots, vectors: &[Vector], values: &mut [Fr], scale: Fr, after: Option<Fr>) {
    let count = vectors.len();
    let mut power = gathered(&[factor(&scale); LANES]);
    let step = gathered(&roots.lanes.map(|root| factor(&root)));
    let [first, second, third] = roots.eighth.map(|root| all(&root));
    let one = Scalars::one();
    let mut ends: [Option<(Vector, Vector)>; LANES] =
        std::array::from_fn(|part| after.map(|step| geometric(step.pow_vartime([(part * count) as u64]), step)));
    for (group, vectors) in vectors.chunks_exact(LANES).enumerate() {
        let mut rows = [[[0; LANES]; LIMBS]; LANES];
        for (row, numbers) in rows.iter_mut().zip(vectors) {
            *row = carried(multiply(&carried(*numbers), &power)).map(array);
            power = carried(multiply(&power, &step));
        }
        let turned: [Vector; LANES] = std::array::from_fn(|lane| {
            std::array::from_fn(|limb| vector(std::array::from_fn(|row| rows[row][limb][lane])))
        });
        for (part, numbers) in eight(&turned, [&first, &second, &third]).into_iter().enumerate() {
            let numbers = carried(numbers);
            let end = match &mut ends[part] {
                Some((power, step)) => {
                    let end = multiply(&numbers, power);
                    *power = carried(multiply(power, step));
                    end
                }
                None => multiply(&numbers, &one),
            };
            let at = part * count + group * LANES;
            store(&end, &mut values[at..at + LANES]);
        }
    }
}

/// The transform of eight numbers in each lane, in natural order. Differences add 2 p, so what is multiplied is below 2 p and
/// the results are below 8 p.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn eight(a: &[Vector; LANES], [first, second, third]: [&Vector; 3]) -> [Vector; LANES] {
    let times = |a: Vector, root: &Vector| multiply(&carried(a), root);
    // Even and odd numbers, each a transform of four.
    let four = |a: [&Vector; 4]| {
        let (even, odd) = (add(a[0], a[2]), subtract(a[0], a[2]));
        let (sum, difference) = (add(a[1], a[3]), times(subtract(a[1], a[3]), second));
        let sum = reduced(sum);
        [add(&even, &sum), add(&odd, &difference), subtract(&even, &sum), subtract(&odd, &difference)]
    };
    let even = four([&a[0], &a[2], &a[4], &a[6]]);
    let odd = four([&a[1], &a[3], &a[5], &a[7]]);
    let odd = [reduced(odd[0]), times(odd[1], first), times(odd[2], second), times(odd[3], third)];
    std::array::from_fn(|part| {
        let (even, odd) = (&even[part % 4], &odd[part % 4]);
        if part < 4 { add(even, odd) } else { subtract(even, odd) }
    })
}

/// The same number below 2 p.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn reduced(a: Vector) -> Vector {
    multiply(&carried(a), &Scalars::one())
}

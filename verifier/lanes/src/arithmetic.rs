//! Eight multiplications in a prime field at once.
//!
//! A number is five limbs of 52 bits, a vector for each limb. Montgomery's reduction is by 2^260 here and by 2^256 in the
//! library's elements. Sums are not reduced: 260 bits hold 64 times either order, and limbs carry signs until they are
//! multiplied. Whoever calls this shows that his numbers stay below.
#![expect(
    clippy::missing_safety_doc,
    reason = "the crate says once what calls need: the features that `supported` looks for"
)]
#![expect(unsafe_code, reason = "vectors are made of arrays of their size")]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_mask_blend_epi64,
    _mm512_movepi64_mask, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srai_epi64, _mm512_sub_epi64,
};
use std::marker::PhantomData;

use crate::shape::{self, limbs_of, words_of};
use crate::{LANES, LIMBS, Prime};

const BITS: u32 = 52;
pub(crate) const MASK: u64 = (1 << BITS) - 1;

/// One number, its least limb first.
pub type Limbs = [u64; LIMBS];
/// Eight numbers.
pub type Vector = [__m512i; LIMBS];
/// Eight numbers below 2^256, as words.
pub type Words = [__m512i; 4];

/// Whether this processor does it. Nothing else here may run where it does not.
pub fn supported() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512ifma")
}

/// Four words as limbs.
pub const fn packed(words: [u64; 4]) -> Limbs {
    let [a, b, c, d] = words;
    [a & MASK, (a >> 52 | b << 12) & MASK, (b >> 40 | c << 24) & MASK, (c >> 28 | d << 36) & MASK, d >> 16]
}

/// Limbs of 52 bits as four words, of a number below 2^256.
pub const fn unpacked(limbs: Limbs) -> [u64; 4] {
    let [a, b, c, d, e] = limbs;
    [a | b << 52, b >> 12 | c << 40, c >> 24 | d << 28, d >> 36 | e << 16]
}

/// The four words of an element, as the library keeps them: the element times 2^256.
pub fn words<F: Prime>(element: &F) -> [u64; 4] {
    let mut bytes = [0; 32];
    // Writing 32 bytes to 32 bytes cannot fail.
    let _ = element.write_raw(&mut bytes.as_mut_slice());
    let (chunks, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|word| chunks.get(word).map_or(0, |chunk| u64::from_le_bytes(*chunk)))
}

/// The element of four words as the library keeps them, of a number below the order.
pub fn element<F: Prime>(words: [u64; 4]) -> F {
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    F::from_raw_bytes_unchecked(&bytes)
}

/// A factor: the element times 2^260.
pub fn factor<F: Prime>(element: &F) -> Limbs {
    let mut sixteenfold = *element;
    for _ in 0..4 {
        sixteenfold = sixteenfold.double();
    }
    packed(words(&sixteenfold))
}

/// A vector of an array.
#[must_use]
#[inline]
pub fn vector(array: [u64; LANES]) -> __m512i {
    // SAFETY: both are 64 bytes, and any bytes are a vector.
    unsafe { std::mem::transmute::<[u64; LANES], __m512i>(array) }
}

/// The array of a vector.
#[must_use]
#[inline]
pub fn array(vector: __m512i) -> [u64; LANES] {
    // SAFETY: both are 64 bytes, and any bytes are an array.
    unsafe { std::mem::transmute::<__m512i, [u64; LANES]>(vector) }
}

/// One number in each lane.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn gathered(numbers: &[Limbs; LANES]) -> Vector {
    std::array::from_fn(|limb| vector(std::array::from_fn(|lane| numbers[lane][limb])))
}

/// One number in all lanes.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn all(limbs: &Limbs) -> Vector {
    limbs.map(|limb| _mm512_set1_epi64(limb.cast_signed()))
}

/// `a + b`
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn add(a: &Vector, b: &Vector) -> Vector {
    std::array::from_fn(|limb| _mm512_add_epi64(a[limb], b[limb]))
}

/// The same numbers with limbs of 52 bits, of numbers that are not negative.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn carried(mut a: Vector) -> Vector {
    let mask = _mm512_set1_epi64(MASK.cast_signed());
    for limb in 0..LIMBS - 1 {
        a[limb + 1] = _mm512_add_epi64(a[limb + 1], _mm512_srai_epi64::<BITS>(a[limb]));
        a[limb] = _mm512_and_si512(a[limb], mask);
    }
    a
}

/// Arithmetic of one field.
#[derive(Clone, Copy, Debug)]
pub struct Lanes<F>(PhantomData<F>);

impl<F: Prime> Lanes<F> {
    /// The order.
    pub const ORDER: Limbs = packed(F::ORDER);
    const NEGATIVE_INVERSE: u64 = negative_inverse(Self::ORDER[0]);
    /// 1 times 2^260.
    const ONE: Limbs = power_of_two(260, Self::ORDER);
    /// From elements, which are times 2^256, to times 2^260.
    const SCALE: Limbs = power_of_two(264, Self::ORDER);
    /// The library's one, which takes them back.
    const FORM: Limbs = power_of_two(256, Self::ORDER);
    /// 2^52 divided by the order's last limb and one.
    const SHARE: u64 = (1 << BITS) / (Self::ORDER[LIMBS - 1] + 1);
    /// 2^260 less the order.
    const OPPOSITE: Limbs = opposite(Self::ORDER);

    /// One in all lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn one() -> Vector {
        all(&Self::ONE)
    }

    /// `a - b + TIMES p`, for `b` of at most `TIMES p`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn subtract<const TIMES: u64>(a: &Vector, b: &Vector) -> Vector {
        std::array::from_fn(|limb| {
            let more = _mm512_set1_epi64((TIMES * Self::ORDER[limb]).cast_signed());
            _mm512_add_epi64(_mm512_sub_epi64(a[limb], b[limb]), more)
        })
    }

    /// `a b / 2^260`, below `a b / 2^260 + p`, for `a` and `b` below 2^260 with limbs of 52 bits.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn multiply(a: &Vector, b: &Vector) -> Vector {
        let zero = _mm512_setzero_si512();
        let inverse = _mm512_set1_epi64(Self::NEGATIVE_INVERSE.cast_signed());
        let order = all(&Self::ORDER);
        let mask = _mm512_set1_epi64(MASK.cast_signed());
        let mut sum = [zero; LIMBS];
        for digit in b {
            for limb in 0..LIMBS {
                sum[limb] = _mm512_madd52lo_epu64(sum[limb], a[limb], *digit);
            }
            let quotient = _mm512_madd52lo_epu64(zero, sum[0], inverse);
            for limb in 1..LIMBS {
                sum[limb] = _mm512_madd52lo_epu64(sum[limb], quotient, order[limb]);
            }
            // The quotient makes the lowest limb's 52 bits zero: what it carries is itself, rounded up.
            let carry = _mm512_srai_epi64::<BITS>(_mm512_add_epi64(sum[0], mask));
            sum = [_mm512_add_epi64(sum[1], carry), sum[2], sum[3], sum[4], zero];
            for limb in 0..LIMBS {
                sum[limb] = _mm512_madd52hi_epu64(sum[limb], a[limb], *digit);
                sum[limb] = _mm512_madd52hi_epu64(sum[limb], quotient, order[limb]);
            }
        }
        sum
    }

    /// The same numbers below `p`, of numbers below `2 p`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn canonical(a: Vector) -> Vector {
        Self::lowered::<1>(a)
    }

    /// `TIMES p` less where that is not negative, with limbs of 52 bits.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn lowered<const TIMES: u64>(a: Vector) -> Vector {
        let a = carried(a);
        let less = carried(std::array::from_fn(|limb| {
            _mm512_sub_epi64(a[limb], _mm512_set1_epi64((TIMES * Self::ORDER[limb]).cast_signed()))
        }));
        let negative = _mm512_movepi64_mask(less[LIMBS - 1]);
        std::array::from_fn(|limb| _mm512_mask_blend_epi64(negative, less[limb], a[limb]))
    }

    /// The same numbers below `2 p`, with limbs of 52 bits, of numbers below `64 p`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn reduced(a: Vector) -> Vector {
        let a = carried(a);
        let zero = _mm512_setzero_si512();
        // At most how many times the order they hold, and at most one less: the order's last limb is rounded up, and what
        // rounding its inverse down takes away is below 64/84.
        let share = _mm512_set1_epi64(Self::SHARE.cast_signed());
        let times = _mm512_madd52hi_epu64(zero, a[LIMBS - 1], share);
        // Less so many times the order, modulo 2^260.
        let opposite = all(&Self::OPPOSITE);
        let mut sum = a;
        for limb in 0..LIMBS {
            sum[limb] = _mm512_madd52lo_epu64(sum[limb], times, opposite[limb]);
        }
        for limb in 1..LIMBS {
            sum[limb] = _mm512_madd52hi_epu64(sum[limb], times, opposite[limb - 1]);
        }
        let mut sum = carried(sum);
        sum[LIMBS - 1] = _mm512_and_si512(sum[LIMBS - 1], _mm512_set1_epi64(MASK.cast_signed()));
        sum
    }

    /// Eight elements, in the library's form.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn loaded(elements: &[F; LANES]) -> Vector {
        let [a, b, c, d, e, f, g, h] = elements.each_ref().map(words);
        limbs_of(shape::interleaved([[a, b], [c, d], [e, f], [g, h]].map(|pair| vector(shape::joined(pair)))))
    }

    /// Writes numbers below `p` in the library's form.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn stored(numbers: &Vector, elements: &mut [F; LANES]) {
        let pairs = shape::separated(words_of(numbers));
        for (elements, pair) in elements.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
            *elements = shape::halves(array(pair)).map(element);
        }
    }

    /// Eight elements times 2^260.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn scaled(elements: &[F; LANES]) -> Vector {
        carried(Self::multiply(&Self::loaded(elements), &all(&Self::SCALE)))
    }

    /// The elements of numbers times 2^260, with limbs of 52 bits and below 64 times the order.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub fn unscaled(numbers: &Vector, elements: &mut [F; LANES]) {
        let form = all(&Self::FORM);
        Self::stored(&Self::canonical(Self::multiply(numbers, &form)), elements);
    }
}

const fn negative_inverse(low: u64) -> u64 {
    // Newton's iteration doubles the bits that are right; an odd number is its own inverse in three.
    let mut inverse = low;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(low.wrapping_mul(inverse)));
        round += 1;
    }
    inverse.wrapping_neg() & MASK
}

/// What is left to 2^260, of an odd number.
const fn opposite(number: Limbs) -> Limbs {
    let mut opposite = [0; LIMBS];
    let mut limb = 0;
    while limb < LIMBS {
        opposite[limb] = number[limb] ^ MASK;
        limb += 1;
    }
    // The lowest bit is not set.
    opposite[0] += 1;
    opposite
}

/// `2^exponent` modulo an order.
const fn power_of_two(exponent: u32, order: Limbs) -> Limbs {
    let mut value: Limbs = [1, 0, 0, 0, 0];
    let mut round = 0;
    while round < exponent {
        let mut twice = [0; LIMBS];
        let mut carry = 0;
        let mut limb = 0;
        while limb < LIMBS {
            let sum = value[limb] << 1 | carry;
            twice[limb] = sum & MASK;
            carry = sum >> BITS;
            limb += 1;
        }
        let mut less = [0; LIMBS];
        let mut borrow = 0;
        limb = 0;
        while limb < LIMBS {
            let difference = twice[limb].wrapping_sub(order[limb]).wrapping_sub(borrow);
            less[limb] = difference & MASK;
            borrow = difference >> 63;
            limb += 1;
        }
        value = if borrow == 0 { less } else { twice };
        round += 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use halo2_proofs::halo2curves::bn256::{Fq, Fr};

    use super::*;

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn products<F: Prime>(a: &[F; LANES], b: &[F; LANES]) -> [F; LANES] {
        // Times 2^256 by times 2^260 is times 2^256.
        let a = gathered(&a.map(|a| packed(words(&a))));
        let product = Lanes::<F>::canonical(Lanes::<F>::multiply(&a, &gathered(&b.map(|b| factor(&b)))));
        let mut elements = [F::ZERO; LANES];
        Lanes::<F>::stored(&product, &mut elements);
        let limbs = product.map(array);
        assert_eq!(elements, std::array::from_fn(|lane| element(unpacked(limbs.map(|limb| limb[lane])))));
        let again = Lanes::<F>::loaded(&elements).map(array);
        assert_eq!(again, limbs);
        elements
    }

    fn check<F: Prime>() {
        let mut generator = ChaCha20Rng::seed_from_u64(11);
        for round in 0..200 {
            let mut draw = || match round {
                0 => -F::ONE,
                1 => F::ZERO,
                2 => F::ONE,
                _ => F::random(&mut generator),
            };
            let (a, b): ([F; LANES], [F; LANES]) = (std::array::from_fn(|_| draw()), std::array::from_fn(|_| draw()));
            // SAFETY: the caller found the features.
            let found = unsafe { products(&a, &b) };
            assert_eq!(found, std::array::from_fn(|lane| a[lane] * b[lane]));
        }
        assert_eq!(factor(&F::ONE), Lanes::<F>::ONE);
        assert_eq!(unpacked(packed(words(&-F::ONE))), words(&-F::ONE));
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn check_reduced<F: Prime>(element: &F) {
        let own = packed(words(element));
        for times in 0..63 {
            // Limbs with signs and more than 52 bits.
            let mut limbs: [i64; LIMBS] =
                std::array::from_fn(|limb| (own[limb] + times * Lanes::<F>::ORDER[limb]).cast_signed());
            limbs[2] -= 1 << 57;
            limbs[3] += 1 << 5;
            let number = all(&limbs.map(i64::cast_unsigned));
            let found = Lanes::<F>::reduced(number);
            let mut elements = [F::ZERO; LANES];
            Lanes::<F>::stored(&Lanes::<F>::canonical(found), &mut elements);
            assert_eq!(elements, [*element; LANES], "{times}");
            // Below twice the order already, or canonical would not do.
            assert!(found.map(array).iter().all(|limb| limb[0] <= MASK));
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "the processor's features are looked for")]
    fn numbers_are_reduced() {
        fn all_of<F: Prime>() {
            let mut generator = ChaCha20Rng::seed_from_u64(12);
            let random = (0..100).map(|_| F::random(&mut generator));
            for element in [F::ZERO, F::ONE, -F::ONE].into_iter().chain(random) {
                // SAFETY: the caller found the features.
                unsafe { check_reduced(&element) }
            }
        }
        if supported() {
            all_of::<Fr>();
            all_of::<Fq>();
        }
    }

    #[test]
    fn products_are_the_librarys() {
        if supported() {
            check::<Fr>();
            check::<Fq>();
        }
    }
}

//! Between elements that lie one after the other and vectors of one limb of each.
#![expect(
    clippy::missing_safety_doc,
    reason = "the crate says once what calls need: the features that `supported` looks for"
)]

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_set1_epi64,
    _mm512_shuffle_i64x2, _mm512_slli_epi64, _mm512_srli_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use crate::arithmetic::{MASK, Vector};
use crate::{LANES, LIMBS};

/// Words of an element.
const WORDS: usize = 4;

/// Rows as columns.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn transposed(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    let low = |pair: usize| _mm512_unpacklo_epi64(rows[2 * pair], rows[2 * pair + 1]);
    let high = |pair: usize| _mm512_unpackhi_epi64(rows[2 * pair], rows[2 * pair + 1]);
    // Of two quarters of all rows, the parts of even or of odd number.
    let even = |a, b| _mm512_shuffle_i64x2::<0x88>(a, b);
    let odd = |a, b| _mm512_shuffle_i64x2::<0xdd>(a, b);
    let [lows, highs] = [[low(0), low(1), low(2), low(3)], [high(0), high(1), high(2), high(3)]];
    let columns = |[a, b, c, d]: [__m512i; 4]| {
        let [first, second] = [even(a, b), odd(a, b)];
        let [third, fourth] = [even(c, d), odd(c, d)];
        // Columns 0, 2, 4 and 6 of the rows' even or odd entries.
        [even(first, third), even(second, fourth), odd(first, third), odd(second, fourth)]
    };
    let [[a, c, e, g], [b, d, f, h]] = [columns(lows), columns(highs)];
    [a, b, c, d, e, f, g, h]
}

/// Words of numbers as their limbs.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn limbs_of([a, b, c, d]: [__m512i; WORDS]) -> Vector {
    let mask = _mm512_set1_epi64(MASK.cast_signed());
    let limbs: [__m512i; LIMBS] = [
        a,
        _mm512_or_si512(_mm512_srli_epi64::<52>(a), _mm512_slli_epi64::<12>(b)),
        _mm512_or_si512(_mm512_srli_epi64::<40>(b), _mm512_slli_epi64::<24>(c)),
        _mm512_or_si512(_mm512_srli_epi64::<28>(c), _mm512_slli_epi64::<36>(d)),
        _mm512_srli_epi64::<16>(d),
    ];
    limbs.map(|limb| _mm512_and_si512(limb, mask))
}

/// Limbs of 52 bits as words, of numbers below 2^256.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub fn words_of([a, b, c, d, e]: &Vector) -> [__m512i; WORDS] {
    [
        _mm512_or_si512(*a, _mm512_slli_epi64::<52>(*b)),
        _mm512_or_si512(_mm512_srli_epi64::<12>(*b), _mm512_slli_epi64::<40>(*c)),
        _mm512_or_si512(_mm512_srli_epi64::<24>(*c), _mm512_slli_epi64::<28>(*d)),
        _mm512_or_si512(_mm512_srli_epi64::<36>(*d), _mm512_slli_epi64::<16>(*e)),
    ]
}

/// Each word of eight elements, of vectors that hold two elements each.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn interleaved(pairs: [__m512i; WORDS]) -> [__m512i; WORDS] {
    // Words 0 and 1, and words 2 and 3, of four elements.
    let first = _mm512_set_epi64(13, 9, 5, 1, 12, 8, 4, 0);
    let second = _mm512_set_epi64(15, 11, 7, 3, 14, 10, 6, 2);
    let [a, b, c, d] = pairs;
    let [low, low_rest] = [first, second].map(|order| _mm512_permutex2var_epi64(a, order, b));
    let [high, high_rest] = [first, second].map(|order| _mm512_permutex2var_epi64(c, order, d));
    [
        _mm512_shuffle_i64x2::<0x44>(low, high),
        _mm512_shuffle_i64x2::<0xee>(low, high),
        _mm512_shuffle_i64x2::<0x44>(low_rest, high_rest),
        _mm512_shuffle_i64x2::<0xee>(low_rest, high_rest),
    ]
}

/// Vectors that hold two elements each, of each word of eight elements.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn separated([a, b, c, d]: [__m512i; WORDS]) -> [__m512i; WORDS] {
    // Words 0 and 1, or words 2 and 3, of elements 0, 2, 4 and 6, or of the others.
    let [even, odd] = [_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)];
    let [even_rest, odd_rest] = [_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d)];
    // Elements 0 and 4 in one vector, 2 and 6 in the other.
    let low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    let high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    let whole = |order, words, rest| _mm512_permutex2var_epi64(words, order, rest);
    let [first, third] = [low, high].map(|order| whole(order, even, even_rest));
    let [second, fourth] = [low, high].map(|order| whole(order, odd, odd_rest));
    [
        _mm512_shuffle_i64x2::<0x44>(first, second),
        _mm512_shuffle_i64x2::<0x44>(third, fourth),
        _mm512_shuffle_i64x2::<0xee>(first, second),
        _mm512_shuffle_i64x2::<0xee>(third, fourth),
    ]
}

/// Two elements' words in one array.
#[inline]
pub(crate) fn joined([left, right]: [[u64; WORDS]; 2]) -> [u64; LANES] {
    let ([a, b, c, d], [e, f, g, h]) = (left, right);
    [a, b, c, d, e, f, g, h]
}

/// The words of two elements.
#[inline]
pub(crate) fn halves([a, b, c, d, e, f, g, h]: [u64; LANES]) -> [[u64; WORDS]; 2] {
    [[a, b, c, d], [e, f, g, h]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{array, supported, vector};

    #[test]
    #[expect(unsafe_code, reason = "the processor's features are looked for")]
    fn rows_become_columns() {
        if !supported() {
            return;
        }
        let rows: [[u64; LANES]; LANES] =
            std::array::from_fn(|row| std::array::from_fn(|lane| (10 * row + lane) as u64));
        // SAFETY: the features were found above.
        let columns = unsafe { transposed(rows.map(vector)) }.map(array);
        assert_eq!(columns, std::array::from_fn(|lane| rows.map(|row| row[lane])));
    }
}

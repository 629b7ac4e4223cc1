//! Points in the form that they are added in.

use std::arch::x86_64::{__mmask8, _mm512_cmpeq_epi64_mask, _mm512_setzero_si512};

use halo2_proofs::halo2curves::bn256::{Fq, G1Affine};
use halo2_proofs::halo2curves::ff::PrimeField;

use lanes::{LANES, Lanes, Vector, Words, array, element, limbs_of, transposed, vector, words, words_of};

pub(super) type Coordinates = Lanes<Fq>;

/// Four words of each coordinate, below the order and times 2^260; zeros for the identity, which no point of the curve has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Point(pub(super) [u64; LANES]);

/// From the library's form, times 2^256, to this one.
fn wide(coordinate: &Fq) -> [u64; 4] {
    words(&(0..4).fold(*coordinate, |value, _| value.double()))
}

impl Point {
    pub(super) fn of(point: &G1Affine) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (wide(&point.x), wide(&point.y));
        Self([a, b, c, d, e, f, g, h])
    }

    /// The point whose sum with this one is the identity.
    pub(super) fn opposite(&self) -> Self {
        let [a, b, c, d, e, f, g, h] = self.0;
        if [e, f, g, h] == [0; 4] {
            return *self;
        }
        let [e, f, g, h] = words(&-element::<Fq>([e, f, g, h]));
        Self([a, b, c, d, e, f, g, h])
    }

    pub(super) fn affine(&self) -> G1Affine {
        let [a, b, c, d, e, f, g, h] = self.0;
        let narrow = |words: [u64; 4]| (0..4).fold(element::<Fq>(words), |value, _| value * Fq::TWO_INV);
        G1Affine { x: narrow([a, b, c, d]), y: narrow([e, f, g, h]) }
    }
}

/// The coordinates of eight points.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(super) fn coordinates(points: [&Point; LANES]) -> [Words; 2] {
    let [a, b, c, d, e, f, g, h] = transposed(points.map(|point| vector(point.0)));
    [[a, b, c, d], [e, f, g, h]]
}

/// Eight points of their coordinates, below the order.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(super) fn points(x: &Vector, y: &Vector) -> [Point; LANES] {
    let ([a, b, c, d], [e, f, g, h]) = (words_of(x), words_of(y));
    transposed([a, b, c, d, e, f, g, h]).map(|row| Point(array(row)))
}

/// Lanes in which all words are equal.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(super) fn equal(left: &Words, right: &Words) -> __mmask8 {
    let mut lanes = __mmask8::MAX;
    for (left, right) in left.iter().zip(right) {
        lanes &= _mm512_cmpeq_epi64_mask(*left, *right);
    }
    lanes
}

/// Lanes in which all words are zero.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(super) fn zero(words: &Words) -> __mmask8 {
    equal(words, &[_mm512_setzero_si512(); 4])
}

/// Words as limbs.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(super) fn limbs(words: &Words) -> Vector {
    limbs_of(*words)
}

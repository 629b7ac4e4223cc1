//! Sums of points in buckets, eight pairs at once.
//!
//! What [`verifier::multiexp`] does one pair after the other: additions in affine coordinates, whose slopes are divided by
//! one inversion for a whole round. Each lane keeps a product of its own. Coordinates are read times 2^260, as numbers below
//! 16 p; what each step adds to that is said where it is done, and nothing reaches 64 p.
#![expect(unsafe_code, reason = "a call needs the processor's features, which are looked for")]

use std::arch::x86_64::{
    __m512i, __mmask8, _mm512_and_si512, _mm512_mask_blend_epi64, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_slli_epi64, _mm512_srli_epi64,
};

use halo2_proofs::halo2curves::bn256::{Fq, G1Affine};
use halo2_proofs::halo2curves::ff::BatchInvert;
use halo2_proofs::halo2curves::group::Curve;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;

use crate::lanes::{
    LANES, LIMBS, Lanes, Vector, add, all, carried, element, factor, gathered, packed, supported, unpacked, vector,
    words,
};

/// Fewest pairs of a round that are worth it.
const LEAST: usize = 256;

type Coordinates = Lanes<Fq>;
/// Words of both coordinates; zeros for the identity, which no point of the curve has.
type Point = [[u64; 4]; 2];

/// A bucket's first point and its number of points.
type Bucket = (usize, usize);

/// Two neighbouring points, by the first, and where their sum goes.
#[derive(Clone, Copy, Debug)]
struct Pair {
    left: usize,
    sum: usize,
}

/// Adds up points of buckets in pairs, as long as there are many.
pub(super) fn add_pairs(points: &mut Vec<G1Affine>, buckets: &mut [Bucket]) {
    if !supported() || count(buckets) < LEAST {
        return;
    }
    let mut read: Vec<Point> = points.iter().map(|point| [words(&point.x), words(&point.y)]).collect();
    while count(buckets) >= LEAST {
        // SAFETY: the features were found above.
        unsafe { round(&mut read, buckets) }
    }
    points.clear();
    points.extend(read.iter().map(affine));
}

fn count(buckets: &[Bucket]) -> usize {
    buckets.iter().map(|(_, length)| length / 2).sum()
}

fn affine([x, y]: &Point) -> G1Affine {
    G1Affine { x: element(*x), y: element(*y) }
}

/// One sum of every two points of a bucket.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn round(points: &mut Vec<Point>, buckets: &mut [Bucket]) {
    let mut sums = Vec::with_capacity(points.len() / 2 + buckets.len());
    let mut pairs = Vec::with_capacity(points.len() / 2);
    for (start, length) in buckets.iter_mut() {
        let first = sums.len();
        for pair in 0..*length / 2 {
            pairs.push(Pair { left: *start + 2 * pair, sum: first + pair });
        }
        sums.resize(first + *length / 2, [[0; 4]; 2]);
        if *length % 2 == 1 {
            sums.push(points[*start + *length - 1]);
        }
        (*start, *length) = (first, length.div_ceil(2));
    }
    let groups = pairs.chunks(LANES);
    let mut befores = Vec::with_capacity(groups.len());
    let mut product = Coordinates::one();
    for group in groups.clone() {
        befores.push(product);
        let (_, difference) = differences(points, group);
        product = carried(Coordinates::multiply(&difference, &product));
    }
    // A lane's product is read as 16 times itself.
    let totals = Coordinates::canonical(product);
    let mut inverses: [Fq; LANES] = std::array::from_fn(|lane| element(unpacked(totals.map(|limb| limb[lane]))));
    inverses.iter_mut().batch_invert();
    let mut inverse = gathered(&inverses.map(|inverse| factor(&(inverse * Fq::from(16)))));
    let form = all(&packed(words(&Fq::one())));
    for (group, before) in groups.zip(befores).rev() {
        let (special, difference) = differences(points, group);
        let own = carried(Coordinates::multiply(&inverse, &before));
        inverse = carried(Coordinates::multiply(&difference, &inverse));
        let [left_x, left_y, right_x, right_y] =
            [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(right, axis)| coordinate(points, group, right, axis));
        // Below 32 p, so that the slope is below 2 p.
        let rise = carried(Coordinates::subtract::<16>(&right_y, &left_y));
        let slope = carried(Coordinates::multiply(&rise, &own));
        // Below 2 p + 32 p.
        let x = Coordinates::subtract::<32>(&Coordinates::multiply(&slope, &slope), &add(&left_x, &right_x));
        let x = carried(x);
        // Below 16 p + 34 p; then below 2 p + 16 p.
        let run = carried(Coordinates::subtract::<34>(&left_x, &x));
        let y = carried(Coordinates::subtract::<16>(&Coordinates::multiply(&run, &slope), &left_y));
        // Back to the library's form.
        let [x, y] = [x, y].map(|axis| Coordinates::canonical(Coordinates::multiply(&axis, &form)));
        for (lane, pair) in group.iter().enumerate() {
            sums[pair.sum] = if special >> lane & 1 == 1 {
                let [left, right] = [affine(&points[pair.left]), affine(&points[pair.left + 1])];
                let sum = (left.to_curve() + right).to_affine();
                [words(&sum.x), words(&sum.y)]
            } else {
                [x, y].map(|axis| unpacked(axis.map(|limb| limb[lane])))
            };
        }
    }
    *points = sums;
}

/// What slopes are divided by, below 32 p; in lanes without a line through two points one, and their bits.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn differences(points: &[Point], group: &[Pair]) -> (__mmask8, Vector) {
    let mut special: __mmask8 = 0;
    for lane in 0..LANES {
        let alike = group.get(lane).is_none_or(|pair| {
            let [left, right] = [points[pair.left][0], points[pair.left + 1][0]];
            left == right || left == [0; 4] || right == [0; 4]
        });
        special |= u8::from(alike) << lane;
    }
    let [left, right] = [0, 1].map(|right| coordinate(points, group, right, 0));
    let difference = carried(Coordinates::subtract::<16>(&right, &left));
    let one = Coordinates::one();
    (special, std::array::from_fn(|limb| _mm512_mask_blend_epi64(special, difference[limb], one[limb])))
}

/// One coordinate of one side of each pair, times 16.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn coordinate(points: &[Point], group: &[Pair], right: usize, axis: usize) -> Vector {
    let word = |word: usize| {
        vector(std::array::from_fn(|lane| group.get(lane).map_or(0, |pair| points[pair.left + right][axis][word])))
    };
    sixteenfold([word(0), word(1), word(2), word(3)])
}

/// Words of numbers below 2^256 as limbs of 16 times the numbers.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn sixteenfold([a, b, c, d]: [__m512i; 4]) -> Vector {
    let mask = _mm512_set1_epi64((1 << 52) - 1);
    let limbs: [__m512i; LIMBS] = [
        _mm512_slli_epi64::<4>(a),
        _mm512_or_si512(_mm512_srli_epi64::<48>(a), _mm512_slli_epi64::<16>(b)),
        _mm512_or_si512(_mm512_srli_epi64::<36>(b), _mm512_slli_epi64::<28>(c)),
        _mm512_or_si512(_mm512_srli_epi64::<24>(c), _mm512_slli_epi64::<40>(d)),
        _mm512_srli_epi64::<12>(d),
    ];
    limbs.map(|limb| _mm512_and_si512(limb, mask))
}

#[cfg(test)]
mod tests {
    use halo2_proofs::arithmetic::best_multiexp;
    use halo2_proofs::halo2curves::bn256::{Fr, G1};
    use halo2_proofs::halo2curves::ff::Field;
    use halo2_proofs::halo2curves::group::Group;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{RngCore, SeedableRng};
    use verifier::multiexp::Bases;

    use super::*;

    /// Equal, opposite and absent points among the others, in buckets of every length.
    #[test]
    fn buckets_hold_the_same_sums() {
        let mut generator = ChaCha20Rng::seed_from_u64(5);
        let points: Vec<G1Affine> = (1..400u64).map(|multiple| (G1::generator() * Fr::from(multiple)).into()).collect();
        let mut drawn: Vec<G1Affine> = Vec::new();
        let mut buckets = Vec::new();
        for bucket in 0..600 {
            let length = if bucket == 7 { 900 } else { generator.next_u32() as usize % 9 };
            buckets.push((drawn.len(), length));
            for _ in 0..length {
                let point = points[generator.next_u32() as usize % points.len()];
                drawn.push(match generator.next_u32() % 40 {
                    0 => G1Affine::identity(),
                    1 => drawn.last().map_or(point, |last| -*last),
                    2 => drawn.last().copied().unwrap_or(point),
                    _ => point,
                });
            }
        }
        let sum = |points: &[G1Affine], (start, length): Bucket| {
            points[start..start + length].iter().fold(G1::identity(), |sum, point| sum + point)
        };
        let expected: Vec<G1> = buckets.iter().map(|bucket| sum(&drawn, *bucket)).collect();
        let before = count(&buckets);
        add_pairs(&mut drawn, &mut buckets);
        assert!(count(&buckets) < before || !supported());
        assert_eq!(buckets.iter().map(|bucket| sum(&drawn, *bucket)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn commitments_are_halo2s() {
        let mut generator = ChaCha20Rng::seed_from_u64(6);
        let points: Vec<G1Affine> =
            (1..3000u64).map(|multiple| (G1::generator() * Fr::from(multiple)).into()).collect();
        let bases = Bases::new(&points).with_adder(add_pairs);
        let mut scalar = |index: u64| match index % 3 {
            0 => Fr::from(u64::from(generator.next_u32() % 4096)),
            1 => -Fr::from(index),
            _ => Fr::random(&mut generator),
        };
        let scalars: Vec<Fr> = (0..2999).map(&mut scalar).collect();
        assert_eq!(bases.multiply(&scalars), best_multiexp(&scalars, &points));
    }
}

//! Sums of buckets, by pairs.
//!
//! A round adds neighbours in every bucket, so that a bucket of `m` points takes `log m` rounds. An addition in affine
//! coordinates divides once; all of a block share one division (Montgomery's trick, each lane a product of its own), and a
//! block's points stay in the processor's cache between the two passes over them.

use std::arch::x86_64::{__mmask8, _MM_HINT_T0, _mm_prefetch, _mm512_mask_blend_epi64};

use halo2_proofs::halo2curves::bn256::Fq;
use halo2_proofs::halo2curves::ff::BatchInvert;
use halo2_proofs::halo2curves::group::Curve;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;

use super::points::{Coordinates, Point, coordinates, equal, limbs, points, zero};
use super::{Signed, Wide};
use lanes::{LANES, LIMBS, Vector, Words, add, all, array, carried, element, factor, gathered, unpacked};

/// Pairs that share a division.
const BLOCK: usize = 2048;
/// Groups of pairs that the memory is asked for ahead.
const AHEAD: usize = 3;

/// Two neighbouring points, by the first, and where their sum goes.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    left: u32,
    sum: Target,
}

/// A place among the points of the next round, or a bucket's sum.
#[derive(Clone, Copy, Debug, Default)]
struct Target(u32);

impl Target {
    const BUCKET: u32 = 1 << 31;
}

/// A bucket that is not added up yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    bucket: u32,
    first: u32,
    count: u32,
}

/// Points of a round, by their places.
trait Source {
    fn at(&self, place: usize) -> (&Point, bool);
}

/// The first round's.
struct Terms<'a> {
    wide: &'a Wide,
    terms: &'a [Signed],
}

impl Source for Terms<'_> {
    #[inline]
    fn at(&self, place: usize) -> (&Point, bool) {
        let term = self.terms[place];
        (self.wide.point(term), term.negative())
    }
}

impl Source for [Point] {
    #[inline]
    fn at(&self, place: usize) -> (&Point, bool) {
        (&self[place], false)
    }
}

/// What buckets are added up in, for whoever adds up many.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    open: Vec<Open>,
    sums: Vec<Point>,
    points: Vec<Point>,
    next: Vec<Point>,
    scratch: Scratch,
}

impl Pairs {
    /// The sums of buckets, each given by its first term and its number of terms; the identity for empty ones, of which
    /// there are as many behind the last as fill the lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn sums(&mut self, wide: &Wide, terms: &[Signed], buckets: &[(u32, u32)]) -> &[Point] {
        let Self { open, sums, points, next, scratch } = self;
        let buckets = (0u32..).zip(buckets).filter(|(_, (_, count))| *count > 0);
        open.clear();
        open.extend(buckets.map(|(bucket, (first, count))| Open { bucket, first: *first, count: *count }));
        let count = open.last().map_or(0, |open| open.bucket as usize + 1).next_multiple_of(LANES);
        sums.clear();
        sums.resize(count, Point::default());
        round(&Terms { wide, terms }, open, points, sums, scratch);
        while !open.is_empty() {
            round(&points[..], open, next, sums, scratch);
            std::mem::swap(points, next);
        }
        sums
    }
}

/// What a block is added up with.
#[derive(Debug, Default)]
struct Scratch {
    pairs: Vec<Pair>,
    groups: Vec<Group>,
}

/// Eight pairs on their way.
#[derive(Debug)]
struct Group {
    /// What slopes are divided by; one in special lanes.
    run: Vector,
    /// Lanes that are not the sum of two points with a line through them.
    special: __mmask8,
    /// The product of all runs before.
    before: Vector,
}

/// Writes the next round's points: one sum of every two, and what is left over.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn round(
    source: &(impl Source + ?Sized),
    open: &mut Vec<Open>,
    next: &mut Vec<Point>,
    sums: &mut [Point],
    scratch: &mut Scratch,
) {
    let Scratch { pairs, groups } = scratch;
    let places = open.iter().filter(|open| open.count > 2).map(|open| open.count.div_ceil(2) as usize).sum();
    if next.len() < places {
        next.resize(places, Point::default());
    }
    pairs.clear();
    let mut place = 0;
    for open in &mut *open {
        let Open { bucket, first, count } = *open;
        let half = count / 2;
        let start = if count > 2 { place } else { Target::BUCKET | bucket };
        pairs.extend((0..half).map(|pair| Pair { left: first + 2 * pair, sum: Target(start + pair) }));
        if count > 2 {
            place += half;
            open.first = start;
        }
        if count % 2 == 1 {
            let point = signed(source.at((first + count - 1) as usize));
            if count == 1 {
                sums[bucket as usize] = point;
            } else {
                next[place as usize] = point;
                place += 1;
            }
        }
        open.count = count.div_ceil(2);
    }
    open.retain(|bucket| bucket.count > 1);
    for block in pairs.chunks(BLOCK) {
        add_block(source, block, groups, |target, point| {
            if target.0 & Target::BUCKET == 0 {
                next[target.0 as usize] = *point;
            } else {
                sums[(target.0 ^ Target::BUCKET) as usize] = *point;
            }
        });
    }
}

/// A point with its sign.
fn signed((point, negative): (&Point, bool)) -> Point {
    if negative { point.opposite() } else { *point }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn add_block(
    source: &(impl Source + ?Sized),
    block: &[Pair],
    groups: &mut Vec<Group>,
    mut put: impl FnMut(Target, &Point),
) {
    groups.clear();
    let one = Coordinates::one();
    let mut before = one;
    for (index, pairs) in block.chunks(LANES).enumerate() {
        for pair in block.iter().skip((index + AHEAD) * LANES).take(LANES) {
            for place in [pair.left, pair.left + 1] {
                let point: *const Point = source.at(place as usize).0;
                _mm_prefetch::<_MM_HINT_T0>(point.cast());
            }
        }
        let [(left, _), (right, _)] = sides(source, pairs);
        let absent = __mmask8::MAX.checked_shl(pairs.len() as u32).unwrap_or(0);
        let special = absent | equal(&left[0], &right[0]) | zero(&left[0]) | zero(&right[0]);
        let run = carried(Coordinates::subtract::<1>(&limbs(&right[0]), &limbs(&left[0])));
        let run = std::array::from_fn(|limb| _mm512_mask_blend_epi64(special, run[limb], one[limb]));
        groups.push(Group { run, special, before });
        before = carried(Coordinates::multiply(&run, &before));
    }
    // A lane's product is read as 16 times itself.
    let totals = Coordinates::canonical(before).map(array);
    let mut inverses: [Fq; LANES] = std::array::from_fn(|lane| element(unpacked(totals.map(|limb| limb[lane]))));
    inverses.iter_mut().batch_invert();
    let mut inverse = gathered(&inverses.map(|inverse| factor(&(inverse * Fq::from(16)))));
    for (pairs, Group { run, special, before }) in block.chunks(LANES).zip(groups).rev() {
        let own = carried(Coordinates::multiply(&inverse, before));
        inverse = carried(Coordinates::multiply(run, &inverse));
        let [left, right] = sides(source, pairs).map(|(words, negative)| {
            let [x, y] = words.map(|words| limbs(&words));
            (x, negated(&y, negative))
        });
        // All below 2 p, and so the slope.
        let rise = carried(Coordinates::subtract::<1>(&right.1, &left.1));
        let slope = carried(Coordinates::multiply(&rise, &own));
        // Below 2 p + 2 p.
        let x = Coordinates::subtract::<2>(&Coordinates::multiply(&slope, &slope), &add(&left.0, &right.0));
        let x = Coordinates::canonical(Coordinates::lowered::<2>(x));
        let fall = carried(Coordinates::subtract::<1>(&left.0, &x));
        let y = Coordinates::subtract::<1>(&Coordinates::multiply(&fall, &slope), &left.1);
        let y = Coordinates::canonical(Coordinates::lowered::<2>(y));
        // By reference: an array's iterator moves each point through memory that was just written in other pieces.
        for (lane, (pair, point)) in pairs.iter().zip(&points(&x, &y)).enumerate() {
            if *special >> lane & 1 == 1 {
                put(pair.sum, &plain_sum(source, pair));
            } else {
                put(pair.sum, point);
            }
        }
    }
}

/// Coordinates of both points of up to eight pairs, and lanes in which a point counts negatively.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn sides(source: &(impl Source + ?Sized), pairs: &[Pair]) -> [([Words; 2], __mmask8); 2] {
    [side(source, pairs, 0), side(source, pairs, 1)]
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn side(source: &(impl Source + ?Sized), pairs: &[Pair], side: usize) -> ([Words; 2], __mmask8) {
    let mut negative: __mmask8 = 0;
    let eight: [&Point; LANES] = std::array::from_fn(|lane| {
        // Absent lanes repeat the first.
        let pair = pairs.get(lane).unwrap_or(&pairs[0]);
        let (point, sign) = source.at(pair.left as usize + side);
        negative |= u8::from(sign) << lane;
        point
    });
    (coordinates(eight), negative)
}

/// `p - y` in some lanes.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn negated(y: &Vector, lanes: __mmask8) -> Vector {
    let zero = all(&[0; LIMBS]);
    let opposite = carried(Coordinates::subtract::<1>(&zero, y));
    std::array::from_fn(|limb| _mm512_mask_blend_epi64(lanes, y[limb], opposite[limb]))
}

/// The sum of any two points.
fn plain_sum(source: &(impl Source + ?Sized), pair: &Pair) -> Point {
    let [left, right] = [0, 1].map(|side| signed(source.at(pair.left as usize + side)).affine());
    Point::of(&(left.to_curve() + right).to_affine())
}

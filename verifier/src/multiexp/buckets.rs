//! Many sums of points at once.
//!
//! Adding two points in affine coordinates takes an inversion and three multiplications; with Montgomery's trick all
//! additions of a round share one inversion, at three multiplications each, which makes them half as expensive as mixed
//! additions in projective coordinates. A round adds the points of every bucket in pairs, so that a bucket of `m` points
//! takes `log m` rounds.

use halo2_proofs::halo2curves::bn256::{Fq, G1, G1Affine};
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::halo2curves::group::Group;

/// Points in buckets, one bucket after the other.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    points: Vec<G1Affine>,
    /// Start of each bucket, and how many points it holds.
    buckets: Vec<(usize, usize)>,
    /// Products of the denominators before each addition of a round, then their inverses.
    inverses: Vec<Fq>,
}

impl Buckets {
    /// Buckets that hold the points of `terms`, each the number of its bucket and a point.
    pub(super) fn new(count: usize, terms: impl Iterator<Item = (usize, G1Affine)> + Clone) -> Self {
        let mut buckets = vec![(0, 0); count];
        for (bucket, _) in terms.clone() {
            buckets[bucket].1 += 1;
        }
        let mut start = 0;
        for bucket in &mut buckets {
            bucket.0 = start;
            start += std::mem::take(&mut bucket.1);
        }
        let mut points = vec![G1Affine { x: Fq::ZERO, y: Fq::ZERO }; start];
        for (bucket, point) in terms {
            let (start, length) = &mut buckets[bucket];
            points[*start + *length] = point;
            *length += 1;
        }
        Self { points, buckets, inverses: Vec::new() }
    }

    /// The sum of each bucket.
    pub(super) fn sums(mut self) -> impl DoubleEndedIterator<Item = G1Affine> {
        while self.buckets.iter().any(|(_, length)| *length > 1) {
            self.add_pairs();
        }
        let Self { points, buckets, .. } = self;
        buckets.into_iter().map(move |(start, length)| if length == 0 { IDENTITY } else { points[start] })
    }

    fn add_pairs(&mut self) {
        let Self { points, buckets, inverses } = self;
        inverses.clear();
        let mut product = Fq::ONE;
        for (start, length) in buckets.iter() {
            for [left, right] in pairs(&points[*start..start + length]) {
                inverses.push(product);
                product *= denominator(left, right);
            }
        }
        let mut inverse = product.invert().unwrap_or(Fq::ZERO);
        let mut last = inverses.len();
        for (start, length) in buckets.iter().rev() {
            for [left, right] in pairs(&points[*start..start + length]).rev() {
                last -= 1;
                inverses[last] *= inverse;
                inverse *= denominator(left, right);
            }
        }
        let mut inverses = inverses.iter();
        for (start, length) in buckets.iter_mut() {
            let points = &mut points[*start..*start + *length];
            let pairs = *length / 2;
            for (pair, inverse) in (0..pairs).zip(&mut inverses) {
                points[pair] = add(&points[2 * pair], &points[2 * pair + 1], inverse);
            }
            if *length % 2 == 1 {
                points[pairs] = points[*length - 1];
            }
            *length = length.div_ceil(2);
        }
    }
}

/// The identity's coordinates, which no point of the curve has.
const IDENTITY: G1Affine = G1Affine { x: Fq::zero(), y: Fq::zero() };

fn pairs(points: &[G1Affine]) -> impl DoubleEndedIterator<Item = [&G1Affine; 2]> {
    points.chunks_exact(2).map(|pair| [&pair[0], &pair[1]])
}

fn is_identity(point: &G1Affine) -> bool {
    point.x == Fq::ZERO && point.y == Fq::ZERO
}

/// What the slope of the line through two points is divided by; one where no line is needed.
fn denominator(left: &G1Affine, right: &G1Affine) -> Fq {
    if left.x != right.x {
        if is_identity(left) || is_identity(right) { Fq::ONE } else { right.x - left.x }
    } else if left.y == right.y && !is_identity(left) {
        left.y + left.y
    } else {
        Fq::ONE
    }
}

/// `left + right`, given the inverse of their denominator.
fn add(left: &G1Affine, right: &G1Affine, inverse: &Fq) -> G1Affine {
    let slope = if left.x != right.x {
        if is_identity(left) {
            return *right;
        }
        if is_identity(right) {
            return *left;
        }
        (right.y - left.y) * inverse
    } else if left.y == right.y {
        if is_identity(left) {
            return IDENTITY;
        }
        let square = left.x.square();
        (square + square + square) * inverse
    } else {
        return IDENTITY;
    };
    let x = slope.square() - left.x - right.x;
    G1Affine { x, y: slope * (left.x - x) - left.y }
}

/// `sum_i (i + 1) sums_i`
pub(super) fn weighted(sums: impl DoubleEndedIterator<Item = G1Affine>) -> G1 {
    let (mut running, mut total) = (G1::identity(), G1::identity());
    let mut empty = true;
    for sum in sums.rev() {
        if !is_identity(&sum) {
            running += sum;
            empty = false;
        }
        if !empty {
            total += running;
        }
    }
    total
}

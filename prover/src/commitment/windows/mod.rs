//! Windows of sums of points, eight additions at once.
//!
//! What [`verifier::multiexp`] does one point after the other: terms are sorted into buckets of equal digits, each bucket is
//! added up in pairs, and the buckets' sums are weighted by their digits. A term is sorted as a number of four bytes, and its
//! point is read where it lies when it is first added. Additions are in affine coordinates ([`pairs`]), those of the weighted
//! sum in projective ones ([`weighted`]).
//!
//! What a window is added up in is kept for the next one, and no point is moved through memory on its way out of the lanes.
//! The two together took 13 full commitments of 2^16 rows, on two cores of an Intel Xeon, from 0.77 s to 0.51 s.
#![expect(unsafe_code, reason = "a call needs the processor's features, which are looked for")]

mod pairs;
mod points;
mod weighted;

use std::sync::{Mutex, PoisonError};

use halo2_proofs::halo2curves::bn256::{Fq, G1, G1Affine};
use halo2_proofs::halo2curves::ff::WithSmallOrderMulGroup;
use verifier::multiexp::{Costs, Digit, Windows};

use self::pairs::Pairs;
use self::points::Point;
use lanes::supported;

/// A setup's points and their images, in the form that they are added in.
#[derive(Debug)]
pub(super) struct Wide {
    points: Vec<Point>,
    images: Vec<Point>,
    /// What no sum uses now: fresh memory for each would cost more than a tenth of its time.
    idle: Mutex<Vec<Scratch>>,
}

/// What a window is added up in.
#[derive(Debug, Default)]
struct Scratch {
    terms: Vec<Signed>,
    buckets: Vec<(u32, u32)>,
    pairs: Pairs,
}

/// A term as a number: its point's place in `Wide`, and whether it counts negatively.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Signed(u32);

impl Signed {
    fn new(digit: &Digit) -> Self {
        Self((digit.point << 2) | (u32::from(digit.image) << 1) | u32::from(digit.negative))
    }

    fn negative(self) -> bool {
        self.0 & 1 == 1
    }

    fn image(self) -> bool {
        self.0 & 2 == 2
    }

    fn place(self) -> usize {
        (self.0 >> 2) as usize
    }
}

impl Wide {
    /// `None` if the processor cannot, or if there are more points than a number of four bytes tells apart.
    pub(super) fn new(points: &[G1Affine]) -> Option<Self> {
        let image = |point: &G1Affine| G1Affine { x: point.x * Fq::ZETA, y: point.y };
        (supported() && points.len() < 1 << 30).then(|| Self {
            points: points.iter().map(Point::of).collect(),
            images: points.iter().map(|point| Point::of(&image(point))).collect(),
            idle: Mutex::default(),
        })
    }

    fn point(&self, term: Signed) -> &Point {
        let points = if term.image() { &self.images } else { &self.points };
        &points[term.place()]
    }
}

impl Windows for Wide {
    /// In multiplications: an addition's six and what loading its points costs, and two times fourteen of a bucket.
    fn costs(&self) -> Costs {
        Costs { least: 256, addition: 10, bucket: 32 }
    }

    fn sum(&self, digits: &[Digit], largest: usize) -> G1 {
        // A thread that panicked has at worst left one in pieces, which are cleared before they are used.
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = idle().pop().unwrap_or_default();
        let Scratch { terms, buckets, pairs } = &mut scratch;
        sort(digits, largest, terms, buckets);
        // SAFETY: there are points only where the processor has the features.
        let sum = unsafe { weighted::sum(pairs.sums(self, terms, buckets)) };
        idle().push(scratch);
        sum
    }
}

/// The terms in the order of their digits' magnitudes, and each magnitude's first and number, from one on.
fn sort(digits: &[Digit], largest: usize, terms: &mut Vec<Signed>, buckets: &mut Vec<(u32, u32)>) {
    buckets.clear();
    buckets.resize(largest, (0, 0));
    for digit in digits {
        buckets[digit.factor as usize - 1].1 += 1;
    }
    let mut start = 0;
    for (first, count) in &mut *buckets {
        *first = start;
        start += std::mem::take(count);
    }
    terms.resize(digits.len(), Signed::default());
    for digit in digits {
        let (first, count) = &mut buckets[digit.factor as usize - 1];
        terms[(*first + *count) as usize] = Signed::new(digit);
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use halo2_proofs::arithmetic::best_multiexp;
    use halo2_proofs::halo2curves::bn256::Fr;
    use halo2_proofs::halo2curves::ff::Field;
    use halo2_proofs::halo2curves::group::Group;
    use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{RngCore, SeedableRng};
    use verifier::multiexp::Bases;

    use super::*;

    fn multiples(count: u64) -> Vec<G1Affine> {
        (1..=count).map(|multiple| (G1::generator() * Fr::from(multiple)).into()).collect()
    }

    /// Equal, opposite and absent points among the others, and digits of every magnitude, so that sums of buckets meet
    /// their own negatives, themselves, and nothing.
    #[test]
    fn windows_are_sums_of_multiples() {
        let mut points = multiples(400);
        points[3] = G1Affine::identity();
        points[5] = points[4];
        points[7] = -points[6];
        let Some(wide) = Wide::new(&points) else { return };
        let mut generator = ChaCha20Rng::seed_from_u64(5);
        for (round, largest) in [1usize, 2, 8, 16, 64, 1024, 1 << 12].into_iter().cycle().take(42).enumerate() {
            let count = [0, 1, 7, 60, 700, 3000][round % 6];
            let digits: Vec<Digit> = (0..count)
                .map(|_| Digit {
                    factor: 1 + generator.next_u32() % largest as u32,
                    point: generator.next_u32() % if round % 4 == 0 { 9 } else { points.len() as u32 },
                    negative: generator.next_u32() % 2 == 1,
                    image: round % 3 == 0 && generator.next_u32() % 2 == 1,
                })
                .collect();
            let expected = digits.iter().fold(G1::identity(), |sum, digit| {
                let mut point = points[digit.point as usize];
                if digit.image {
                    point.x *= Fq::ZETA;
                }
                let factor = Fr::from(u64::from(digit.factor));
                sum + point * if digit.negative { -factor } else { factor }
            });
            assert_eq!(wide.sum(&digits, largest), expected, "round {round}: {count} digits up to {largest}");
        }
    }

    #[test]
    fn commitments_are_halo2s() {
        let mut generator = ChaCha20Rng::seed_from_u64(6);
        let points = multiples(2999);
        let Some(wide) = Wide::new(&points) else { return };
        let bases = Bases::new(&points).with_windows(Arc::new(wide));
        let mut scalar = |index: u64, kinds: u64| match index % kinds {
            0 => Fr::random(&mut generator),
            1 => -Fr::from(index),
            _ => Fr::from(u64::from(generator.next_u32() % 4096)),
        };
        for kinds in [1, 2, 3, 700] {
            let scalars: Vec<Fr> = (0..2999).map(|index| scalar(index, kinds)).collect();
            assert_eq!(bases.multiply(&scalars), best_multiexp(&scalars, &points), "{kinds}");
        }
        let same = vec![Fr::from(77); 2999];
        assert_eq!(bases.multiply(&same), best_multiexp(&same, &points));
    }
}

//! Sums of multiples of points: what a commitment is, and what the weight link compares it with.
//!
//! Pippenger's algorithm with signed windows. Small scalars, which nearly all cells of a proof are, are taken as they are,
//! in as few windows as they have bits; others are split in two halves, each with its own point. Widths of the windows are
//! chosen by the number of field multiplications.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "field and group arithmetic is total, digits and indices are bounded by the windows' width and the points' number"
)]

mod buckets;
mod endomorphism;

use self::buckets::{Buckets, weighted};
use self::endomorphism::{Half, split};
use circuits::committed::limbs;
use halo2_proofs::arithmetic::parallelize;
use halo2_proofs::halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use halo2_proofs::halo2curves::ff::WithSmallOrderMulGroup;
use halo2_proofs::halo2curves::group::Group;

/// Multiplications in the field that an addition takes, in a bucket and in the sum of the buckets.
const ADDITION: usize = 6;
const BUCKET: usize = 24;
/// Bits of a window at most.
const WIDTH_MAX: u32 = 15;
/// Terms that are sorted into buckets at a time.
const CHUNK: usize = 1 << 16;

/// Points that are multiplied.
#[derive(Clone, Debug)]
pub struct Bases {
    points: Vec<G1Affine>,
    /// x coordinates of the points' images under the endomorphism.
    images: Vec<Fq>,
    adder: Option<Adder>,
}

/// Adds points of buckets in pairs, as far as it likes: the points, and the start and the number of each bucket's. Sums of
/// buckets stay what they are.
pub type Adder = fn(&mut Vec<G1Affine>, &mut [(usize, usize)]);

/// One multiple of a point.
#[derive(Clone, Copy, Debug)]
struct Term {
    point: u32,
    image: bool,
    half: Half,
}

impl Bases {
    /// Any points.
    #[must_use]
    pub fn new(points: &[G1Affine]) -> Self {
        let images = points.iter().map(|point| point.x * Fq::ZETA).collect();
        Self { points: points.to_vec(), images, adder: None }
    }

    /// The same, with a faster way to add up buckets for whoever has one.
    #[must_use]
    pub fn with_adder(self, adder: Adder) -> Self {
        Self { adder: Some(adder), ..self }
    }

    /// `sum_i scalars_i points_i`, over as many as there are of both.
    #[must_use]
    pub fn multiply(&self, scalars: &[Fr]) -> G1 {
        let (mut small, mut large) = (Vec::with_capacity(scalars.len()), Vec::new());
        for (point, scalar) in (0u32..).zip(scalars.iter().take(self.points.len())) {
            let [low, rest @ ..] = limbs(scalar);
            if rest == [0; 3] {
                if low != 0 {
                    small.push(Term { point, image: false, half: Half { magnitude: low.into(), negative: false } });
                }
            } else {
                let [low, high] = split(scalar);
                large.push(Term { point, image: false, half: low });
                large.push(Term { point, image: true, half: high });
            }
        }
        if large.len() > small.len() {
            large.append(&mut small);
        }
        self.sum(&small) + self.sum(&large)
    }

    fn sum(&self, terms: &[Term]) -> G1 {
        let Some(bits) = terms.iter().map(|term| u128::BITS - term.half.magnitude.leading_zeros()).max() else {
            return G1::identity();
        };
        let width = width(bits, terms.len());
        let windows = bits / width + 1;
        let mut sums = vec![G1::identity(); windows as usize];
        // On halo2's threads, where it has any.
        parallelize(&mut sums, |sums, first| {
            for (sum, window) in sums.iter_mut().zip(first as u32..) {
                *sum = self.window(terms, window, width);
            }
        });
        sums.into_iter()
            .rev()
            .fold(G1::identity(), |total, sum| (0..width).fold(total, |total, _| total.double()) + sum)
    }

    /// The sum of the terms' points, each times its digit in one window.
    fn window(&self, terms: &[Term], window: u32, width: u32) -> G1 {
        let count = 1 << (width - 1);
        let sums = terms.chunks(CHUNK).map(|terms| {
            let digits: Vec<(i32, Term)> = terms
                .iter()
                .map(|term| (digit(&term.half, window, width), *term))
                .filter(|(digit, _)| *digit != 0)
                .collect();
            let placed = digits.iter().map(|(digit, term)| {
                let mut point = self.points[term.point as usize];
                if term.image {
                    point.x = self.images[term.point as usize];
                }
                if *digit < 0 {
                    point.y = -point.y;
                }
                (digit.unsigned_abs() as usize - 1, point)
            });
            weighted(Buckets::new(count, placed).sums(self.adder))
        });
        sums.fold(G1::identity(), |total, sum| total + sum)
    }
}

/// The width of the windows that takes the fewest multiplications.
fn width(bits: u32, terms: usize) -> u32 {
    let cost = |width: u32| {
        let chunks = terms.div_ceil(CHUNK);
        (bits / width + 1) as usize * (terms * ADDITION + ((chunks * BUCKET) << (width - 1)))
    };
    (2..=WIDTH_MAX).min_by_key(|width| cost(*width)).unwrap_or(2)
}

/// Digit of a window, from `-2^(width - 1)` to `2^(width - 1)`: its bits, plus the highest bit below, minus `2^width` if its
/// own highest bit is set (Booth's recoding).
fn digit(half: &Half, window: u32, width: u32) -> i32 {
    let lowest = window * width;
    let bits = match lowest.checked_sub(1) {
        None => half.magnitude << 1,
        Some(below) => half.magnitude.checked_shr(below).unwrap_or(0),
    };
    let bits = (bits & ((1 << (width + 1)) - 1)) as i32;
    let digit = ((bits + 1) >> 1) - if bits >> width == 1 { 1 << width } else { 0 };
    if half.negative { -digit } else { digit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::arithmetic::best_multiexp;
    use halo2_proofs::halo2curves::ff::{Field, PrimeField};
    use rand_chacha::ChaCha20Rng;
    use rand_core::{RngCore, SeedableRng};

    #[test]
    fn digits_add_up() {
        let mut generator = ChaCha20Rng::seed_from_u64(3);
        for width in 2..=WIDTH_MAX {
            for round in 0..200 {
                let wide = (u128::from(generator.next_u64()) << 64) | u128::from(generator.next_u64());
                let magnitude = if round == 0 { u128::MAX } else { wide >> (generator.next_u32() % 128) };
                let half = Half { magnitude, negative: round % 2 == 1 };
                let windows = u128::BITS / width + 1;
                let total = (0..windows).rev().fold(Fr::ZERO, |total, window| {
                    let digit = digit(&half, window, width);
                    assert!(digit.unsigned_abs() <= 1 << (width - 1));
                    let magnitude = Fr::from(u64::from(digit.unsigned_abs()));
                    total * Fr::from(1 << width) + if digit < 0 { -magnitude } else { magnitude }
                });
                let magnitude = Fr::from_u128(magnitude);
                assert_eq!(total, if half.negative { -magnitude } else { magnitude });
            }
        }
    }

    /// Scalars of every kind over few different points, so that buckets hold equal and opposite points too.
    #[test]
    fn sums_equal_halo2s() {
        let mut points: Vec<G1Affine> = (1..65).map(|multiple| (G1::generator() * Fr::from(multiple)).into()).collect();
        points[1] = points[0];
        points[2] = -points[0];
        points[5] = points[4];
        let bases = Bases::new(&points);
        let mut generator = ChaCha20Rng::seed_from_u64(5);
        for round in 0..300 {
            let length = generator.next_u32() as usize % (points.len() + 1);
            let mut scalars: Vec<Fr> = (0..length)
                .map(|_| match (round + generator.next_u32()) % 7 {
                    0 => Fr::ZERO,
                    1 => Fr::ONE,
                    2 => -Fr::from(u64::from(generator.next_u32() % 4)),
                    3 => Fr::from(u64::from(generator.next_u32() % 9)),
                    4 => Fr::from(generator.next_u64()),
                    _ => Fr::random(&mut generator),
                })
                .collect();
            if round % 3 == 0 && length > 5 {
                (scalars[1], scalars[2], scalars[5]) = (scalars[0], scalars[0], scalars[4]);
            }
            assert_eq!(bases.multiply(&scalars), best_multiexp(&scalars, &points[..length]), "{round}");
        }
        assert_eq!(bases.multiply(&[]), G1::identity());
    }
}

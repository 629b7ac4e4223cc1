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

use std::fmt::Debug;
use std::sync::Arc;

use self::buckets::{Buckets, weighted};
use self::endomorphism::{Half, split};
use circuits::committed::limbs;
use halo2_proofs::arithmetic::parallelize;
use halo2_proofs::halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use halo2_proofs::halo2curves::ff::WithSmallOrderMulGroup;
use halo2_proofs::halo2curves::group::Group;

/// Bits of a window at least and at most.
const WIDTHS: std::ops::RangeInclusive<u32> = 2..=16;
/// Terms that are sorted into buckets at a time.
const CHUNK: usize = 1 << 16;

/// Points that are multiplied.
#[derive(Clone, Debug)]
pub struct Bases {
    points: Vec<G1Affine>,
    /// x coordinates of the points' images under the endomorphism.
    images: Vec<Fq>,
    windows: Option<Arc<dyn Windows>>,
}

/// A way to add up a window, for whoever has a faster one.
pub trait Windows: Debug + Send + Sync {
    /// What it takes.
    fn costs(&self) -> Costs;

    /// `sum_i factor_i point_i`, of factors of at most `largest`.
    fn sum(&self, digits: &[Digit], largest: usize) -> G1;
}

/// What a window takes, in any unit.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// Fewest terms that it is meant for.
    pub least: usize,
    /// One term.
    pub addition: usize,
    /// One bucket, for every factor that may occur.
    pub bucket: usize,
}

/// Order of the scalars' field, the least limb first.
const ORDER: [u64; 4] = [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];
/// In multiplications in the field.
const COSTS: Costs = Costs { least: 0, addition: 6, bucket: 24 };

/// One digit that is not zero, and the point that it multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit {
    /// Its magnitude.
    pub factor: u32,
    /// Number of the point.
    pub point: u32,
    /// Whether the digit is negative.
    pub negative: bool,
    /// Whether the point's image under the endomorphism is meant.
    pub image: bool,
}

/// One multiple of a point.
#[derive(Clone, Copy, Debug)]
struct Term {
    half: Half,
    point: u32,
    image: bool,
}

impl Bases {
    /// Any points.
    #[must_use]
    pub fn new(points: &[G1Affine]) -> Self {
        let images = points.iter().map(|point| point.x * Fq::ZETA).collect();
        Self { points: points.to_vec(), images, windows: None }
    }

    /// The same, with a faster way to add up windows of the same points.
    #[must_use]
    pub fn with_windows(self, windows: Arc<dyn Windows>) -> Self {
        Self { windows: Some(windows), ..self }
    }

    /// `sum_i scalars_i points_i`, over as many as there are of both.
    #[must_use]
    pub fn multiply(&self, scalars: &[Fr]) -> G1 {
        let (mut small, mut large) = (Vec::with_capacity(scalars.len()), Vec::with_capacity(2 * scalars.len()));
        for (point, scalar) in (0u32..).zip(scalars.iter().take(self.points.len())) {
            let scalar = limbs(scalar);
            if let Some(half) = small_half(scalar) {
                if half.magnitude != 0 {
                    small.push(Term { half, point, image: false });
                }
            } else {
                let [low, high] = split(scalar);
                large.push(Term { half: low, point, image: false });
                large.push(Term { half: high, point, image: true });
            }
        }
        if large.len() > small.len() {
            large.append(&mut small);
        }
        self.sum(&small) + self.sum(&large)
    }

    /// `sum_i integer_i point_i`, of numbers of points and integers; `None` if there is no such point.
    #[must_use]
    pub fn multiply_integers(&self, cells: &[(usize, i64)]) -> Option<G1> {
        let (mut small, mut large) = (Vec::with_capacity(cells.len()), Vec::new());
        for (point, integer) in cells {
            let magnitude = u128::from(integer.unsigned_abs());
            let point = u32::try_from(*point).ok().filter(|_| *point < self.points.len())?;
            // Weights fit 16 bits; a few wider integers would make every term one of several windows.
            let terms = if magnitude >> u16::BITS == 0 { &mut small } else { &mut large };
            if magnitude != 0 {
                terms.push(Term { half: Half { magnitude, negative: *integer < 0 }, point, image: false });
            }
        }
        Some(self.sum(&small) + self.sum(&large))
    }

    fn sum(&self, terms: &[Term]) -> G1 {
        let Some(bits) = terms.iter().map(|term| u128::BITS - term.half.magnitude.leading_zeros()).max() else {
            return G1::identity();
        };
        let faster = self.windows.as_deref().filter(|windows| terms.len() >= windows.costs().least);
        let chunk = if faster.is_some() { terms.len() } else { CHUNK };
        let width = width(bits, terms.len(), chunk, faster.map_or(COSTS, Windows::costs));
        let windows = bits / width + 1;
        let mut sums = vec![G1::identity(); windows as usize];
        // On halo2's threads, where it has any.
        parallelize(&mut sums, |sums, first| {
            let mut digits = Vec::with_capacity(chunk.min(terms.len()));
            for (sum, window) in sums.iter_mut().zip(first as u32..) {
                let parts = terms.chunks(chunk).map(|terms| {
                    read_digits(terms, window, width, &mut digits);
                    match faster {
                        Some(faster) => faster.sum(&digits, 1 << (width - 1)),
                        None => self.plain_sum(&digits, 1 << (width - 1)),
                    }
                });
                *sum = parts.fold(G1::identity(), |total, sum| total + sum);
            }
        });
        sums.into_iter()
            .rev()
            .fold(G1::identity(), |total, sum| (0..width).fold(total, |total, _| total.double()) + sum)
    }

    fn plain_sum(&self, digits: &[Digit], largest: usize) -> G1 {
        let placed = digits.iter().map(|digit| {
            let mut point = self.points[digit.point as usize];
            if digit.image {
                point.x = self.images[digit.point as usize];
            }
            if digit.negative {
                point.y = -point.y;
            }
            (digit.factor as usize - 1, point)
        });
        weighted(Buckets::new(largest, placed).sums())
    }
}

/// A scalar of one word or the negative of one, which nearly all cells of a proof are.
fn small_half(scalar: [u64; 4]) -> Option<Half> {
    let one_word =
        |[low, rest @ ..]: [u64; 4], negative| (rest == [0; 3]).then_some(Half { magnitude: low.into(), negative });
    one_word(scalar, false).or_else(|| one_word(opposite(scalar), true))
}

/// What is left to the order.
fn opposite(scalar: [u64; 4]) -> [u64; 4] {
    let mut difference = ORDER;
    let mut borrow = false;
    for (left, right) in difference.iter_mut().zip(scalar) {
        let (value, first) = left.overflowing_sub(right);
        let (value, second) = value.overflowing_sub(u64::from(borrow));
        (*left, borrow) = (value, first || second);
    }
    difference
}

/// The terms' digits in one window, but zeros.
fn read_digits(terms: &[Term], window: u32, width: u32, digits: &mut Vec<Digit>) {
    digits.clear();
    for Term { half, point, image } in terms {
        let digit = digit(half, window, width);
        if digit != 0 {
            digits.push(Digit { factor: digit.unsigned_abs(), point: *point, negative: digit < 0, image: *image });
        }
    }
}

/// The width of the windows that costs least.
fn width(bits: u32, terms: usize, chunk: usize, costs: Costs) -> u32 {
    let chunks = terms.div_ceil(chunk);
    let cost =
        |width: u32| (bits / width + 1) as usize * (terms * costs.addition + ((chunks * costs.bucket) << (width - 1)));
    WIDTHS.min_by_key(|width| cost(*width)).unwrap_or(2)
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
        for width in WIDTHS {
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

    #[test]
    fn integers_are_multiplied_as_scalars_are() {
        let points: Vec<G1Affine> = (1..40).map(|multiple| (G1::generator() * Fr::from(multiple)).into()).collect();
        let bases = Bases::new(&points);
        let mut generator = ChaCha20Rng::seed_from_u64(9);
        let mut cells: Vec<(usize, i64)> =
            (0..39).map(|point| (point, (generator.next_u32() >> 20) as i64 - 2048)).collect();
        (cells[3].1, cells[7].1, cells[8].1, cells[9].1) = (i64::MIN, i64::MAX, -(1 << 40), 0);
        let scalar = |integer: i64| {
            let magnitude = Fr::from(integer.unsigned_abs());
            if integer < 0 { -magnitude } else { magnitude }
        };
        let scalars: Vec<Fr> = cells.iter().map(|(_, integer)| scalar(*integer)).collect();
        assert_eq!(bases.multiply_integers(&cells), Some(best_multiexp(&scalars, &points)));
        assert_eq!(bases.multiply_integers(&[(39, 1)]), None);
        assert_eq!(bases.multiply_integers(&[]), Some(G1::identity()));
    }
}

//! How fast this machine is at what proofs consist of.

use std::time::{Duration, Instant};

use circuits::model::graph::K_MAX;
use halo2_proofs::arithmetic::eval_polynomial;
use halo2_proofs::halo2curves::bn256::{Fr, G1, G1Affine};
use halo2_proofs::halo2curves::ff::PrimeField;
use halo2_proofs::halo2curves::group::Curve;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use rayon::prelude::*;

use crate::commitment::bases;
use crate::engine::{Scratch, Transform};

/// Sizes that are measured: 2^k rows. Commitments are cheaper for each row in larger columns, up to about the last.
const SIZES: [u32; 5] = [6, 8, 10, 12, 14];
/// Columns of one measurement: they are worked on side by side, as a proof's are.
const COLUMNS: usize = 4;
/// Least number of repetitions; the fastest counts, because other work on the machine can only slow it down.
const REPETITIONS_MIN: usize = 3;
/// Repetitions go on for this long.
const PATIENCE: Duration = Duration::from_millis(60);
/// Small scalars lie below this: witness cells are a few bits more than activations.
const SMALL: u64 = 1 << 12;

/// Nanoseconds for one column of 2^k rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Rows: 2^k.
    pub k: u32,
    /// A Fourier transform.
    pub transform_ns: u64,
    /// A commitment to small scalars.
    pub small_ns: u64,
    /// A commitment to scalars of any size.
    pub full_ns: u64,
    /// A multiplication of every row.
    pub multiply_ns: u64,
}

/// Rates by size, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates(Vec<Rate>);

impl Rates {
    /// Rates that were measured before; `None` unless there is at least one and every size is between 1 and 22 and larger
    /// than the one before.
    #[must_use]
    pub fn new(rates: Vec<Rate>) -> Option<Self> {
        let ascending = rates.windows(2).all(|pair| pair.first().map(|rate| rate.k) < pair.last().map(|rate| rate.k));
        let valid = !rates.is_empty() && ascending && rates.iter().all(|rate| (1..=K_MAX).contains(&rate.k));
        valid.then_some(Self(rates))
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Rate] {
        &self.0
    }

    /// The rate at 2^k rows, from the nearest smaller size: transforms grow with n log n, the rest with n.
    #[must_use]
    pub fn at(&self, k: u32) -> Rate {
        let nearest = self.0.iter().rev().find(|rate| rate.k <= k).or(self.0.first()).copied();
        let from = nearest.unwrap_or(Rate { k, transform_ns: 0, small_ns: 0, full_ns: 0, multiply_ns: 0 });
        let rows = |k: u32| 1u64 << k.min(K_MAX);
        let linear = |ns: u64| scale(ns, rows(k), rows(from.k));
        Rate {
            k,
            transform_ns: scale(linear(from.transform_ns), k.into(), from.k.into()),
            small_ns: linear(from.small_ns),
            full_ns: linear(from.full_ns),
            multiply_ns: linear(from.multiply_ns),
        }
    }
}

fn scale(ns: u64, numerator: u64, denominator: u64) -> u64 {
    u64::try_from(u128::from(ns) * u128::from(numerator) / u128::from(denominator.max(1))).unwrap_or(u64::MAX)
}

/// Measures this machine with the prover's own functions, in about two seconds.
#[must_use]
pub fn measure() -> Rates {
    let points = points(1 << SIZES.iter().max().copied().unwrap_or(1));
    Rates(SIZES.iter().map(|k| rate(*k, &points)).collect())
}

/// Multiples of the generator, none of them the identity.
fn points(count: usize) -> Vec<G1Affine> {
    let generator = G1Affine::generator();
    let sums: Vec<G1> =
        std::iter::successors(Some(generator.to_curve()), |sum| Some(*sum + generator)).take(count).collect();
    let mut points = vec![G1Affine::identity(); count];
    G1::batch_normalize(&sums, &mut points);
    points
}

fn rate(k: u32, points: &[G1Affine]) -> Rate {
    let rows = 1usize << k;
    let points = bases(points.get(..rows).unwrap_or(points));
    let transform = Transform::new(k);
    let full: Vec<Fr> =
        std::iter::successors(Some(Fr::MULTIPLICATIVE_GENERATOR), |value| Some(value.square() + Fr::one()))
            .take(rows)
            .collect();
    let small: Vec<Fr> = (0..rows as u64).map(|row| Fr::from(row * 2_654_435_761 % SMALL)).collect();
    let commit = |scalars: &[Fr]| {
        each_column(|| {
            std::hint::black_box(points.multiply(scalars));
        })
    };
    let transform_ns = each_column(|| {
        std::hint::black_box(transform.interpolate(full.clone(), &mut Scratch::default()));
    });
    let multiply_ns = each_column(|| {
        std::hint::black_box(eval_polynomial(&full, Fr::MULTIPLICATIVE_GENERATOR));
    });
    Rate { k, transform_ns, small_ns: commit(&small), full_ns: commit(&full), multiply_ns }
}

/// Nanoseconds for one of several columns side by side.
fn each_column(work: impl Fn() + Sync) -> u64 {
    let begun = Instant::now();
    let (mut repetitions, mut fastest) = (0, Duration::MAX);
    while repetitions < REPETITIONS_MIN || begun.elapsed() < PATIENCE {
        let start = Instant::now();
        (0..COLUMNS).into_par_iter().for_each(|_| work());
        fastest = fastest.min(start.elapsed());
        repetitions += 1;
    }
    u64::try_from(fastest.as_nanos() / COLUMNS as u128).unwrap_or(u64::MAX)
}

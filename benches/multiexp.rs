//! Sums of multiples of a setup's points: ours beside halo2's, full scalars and scalars of 16 bits.
//!
//! `cargo bench --bench multiexp`; both use all cores.
#![allow(clippy::unwrap_used, reason = "a benchmark stops loudly")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use halo2_proofs::arithmetic::best_multiexp;
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use prover::srs::generate::development;
use verifier::multiexp::Bases;

/// Binary logarithms of the numbers of points.
const SIZES: [u32; 4] = [8, 10, 12, 14];

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    for k in SIZES {
        let setup = development(k, &|_, _| {}).unwrap();
        let points = setup.lagrange_basis();
        let bases = Bases::new(points);
        let full: Vec<Fr> =
            std::iter::successors(Some(Fr::ROOT_OF_UNITY + Fr::ONE), |last| Some(last.square() + Fr::ONE))
                .take(points.len())
                .collect();
        let small: Vec<Fr> = (0..points.len() as u64).map(|place| Fr::from(place * 40_503 % 65_536)).collect();
        for (name, scalars) in [("full", full), ("16 bits", small)] {
            assert_eq!(bases.multiply(&scalars), best_multiexp(&scalars, points));
            let mut group = criterion.benchmark_group(format!("sum of 2^{k} points, {name}"));
            group.bench_function(BenchmarkId::from_parameter("assay"), |bencher| {
                bencher.iter(|| bases.multiply(black_box(&scalars)));
            });
            group.bench_function(BenchmarkId::from_parameter("halo2"), |bencher| {
                bencher.iter(|| best_multiexp(black_box(&scalars), points));
            });
        }
    }
    criterion.final_summary();
}

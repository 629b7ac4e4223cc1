//! What a proof of the digits network costs: setup, keys, proving, verifying, sizes and peak memory.
//!
//! `cargo bench --bench proof` prints medians by criterion, then sizes and the peak memory of a process that proves once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark stops loudly and prints its figures"
)]

use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;

use circuits::model::bundle::Bundle;
use circuits::model::reference;
use criterion::Criterion;
use prover::import::digits;
use prover::prove::prove;
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use verifier::key::VerifyingKey;
use verifier::rows;

const BUNDLE: &[u8] = include_bytes!("../data/digits/digits.assay");
const IMAGES: &str = include_str!("../data/digits/digits.csv");
const PEAK_MEMORY: &str = "--peak-memory-of-one-proof";

struct Case {
    bundle: Arc<Bundle>,
    key: ProvingKey,
    values: Vec<Vec<i64>>,
}

impl Case {
    fn new() -> Self {
        let bundle = Arc::new(Bundle::from_bytes(BUNDLE).unwrap());
        let setup = development(bundle.graph().layout().k, &|_, _| {}).unwrap();
        let key = ProvingKey::derive(Arc::clone(&bundle), &setup).unwrap();
        let images = digits::parse(IMAGES).unwrap();
        let input = &images.first().unwrap().image;
        let values = reference::run(bundle.graph(), bundle.weights(), input).unwrap().values;
        Self { bundle, key, values }
    }
}

fn main() {
    if std::env::args().any(|argument| argument == PEAK_MEMORY) {
        let case = Case::new();
        black_box(prove(&case.key, [7; 32], &case.values).unwrap());
        println!("{}", peak_memory_kib().unwrap());
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    let case = Case::new();
    let setup = case.key.setup().clone();
    let verifying = case.key.verifying();
    let key_file = verifying.to_bytes();
    let proven = prove(&case.key, [7; 32], &case.values).unwrap();

    criterion.bench_function("setup::development/k=12", |bencher| {
        bencher.iter(|| development(12, &|_, _| {}).unwrap());
    });
    criterion.bench_function("key::commit_rows/model=digits", |bencher| {
        bencher.iter(|| rows::commit(&case.bundle, &setup).unwrap());
    });
    criterion.bench_function("key::derive/model=digits", |bencher| {
        bencher.iter(|| {
            VerifyingKey::derive(case.bundle.graph().clone(), verifying.commitment().clone(), &setup).unwrap()
        });
    });
    criterion.bench_function("key::load/model=digits", |bencher| {
        bencher.iter(|| VerifyingKey::from_bytes(black_box(&key_file)).unwrap());
    });
    criterion.bench_function("proof::prove/model=digits", |bencher| {
        bencher.iter(|| prove(&case.key, [7; 32], &case.values).unwrap());
    });
    criterion.bench_function("proof::verify/model=digits", |bencher| {
        bencher.iter(|| verifier::proof::verify(verifying, &proven.statement, black_box(&proven.proof)).unwrap());
    });
    criterion.final_summary();

    println!(
        "proof: {} bytes in the transcript, {} in the file",
        proven.proof.bytes.len(),
        proven.proof.to_bytes().len()
    );
    println!("verifying key file: {} bytes", key_file.len());
    println!("circuit: 2^{} rows, {} committed weight rows", verifying.shape().k(), verifying.graph().layout().rows);
    let child = Command::new(std::env::current_exe().unwrap()).arg(PEAK_MEMORY).output().unwrap();
    let kib: u64 = String::from_utf8_lossy(&child.stdout).trim().parse().expect("the child prints its peak memory");
    println!("peak memory of a process that derives the keys and proves once: {:.1} MiB", kib as f64 / 1024.0);
}

/// The high-water mark of this process's resident memory, from the kernel.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

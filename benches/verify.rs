//! Every path of verification on the released files of the digits model: loading a key, one proof, a batch, a whole receipt
//! with its layers, many receipts, and membership under a root.
//!
//! `cargo bench --bench verify`; RAYON_NUM_THREADS=1 keeps proofs on one core.
#![allow(clippy::unwrap_used, reason = "a benchmark stops loudly")]

use std::hint::black_box;

use attestation::hash::derive;
use criterion::{BenchmarkId, Criterion, Throughput};
use verifier::inclusion::merkle::{List, prove, root};
use verifier::judgement::{Judge, Subject};
use verifier::key::VerifyingKey;
use verifier::proof::{Shown, verify, verify_batch};
use verifier::receipt::ReceiptFile;
use verifier::setup::VerifierSetup;
use verifier::verdict::{Outcome, RequiredLayer};

const KEY: &[u8] = include_bytes!("../verifier/tests/vectors/key-2.vk");
const RECEIPT: &[u8] = include_bytes!("../verifier/tests/vectors/receipt-1.receipt");
const BATCH: usize = 100;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let key = VerifyingKey::from_bytes(KEY).unwrap();
    let file = ReceiptFile::from_bytes(RECEIPT).unwrap();
    let statement = file.statement();
    let proof = file.proofs.first().unwrap();
    criterion.bench_function("key::load/model=digits", |bencher| {
        bencher.iter(|| VerifyingKey::from_bytes(black_box(KEY)).unwrap());
    });
    criterion.bench_function("proof::verify/model=digits", |bencher| {
        bencher.iter(|| verify(&key, &statement, black_box(proof)).unwrap());
    });
    let shown = vec![Shown { key: &key, statement: &statement, proof }; BATCH];
    let mut batches = criterion.benchmark_group("proof::verify_batch");
    batches.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    batches.bench_function(BenchmarkId::new("model=digits proofs", BATCH), |bencher| {
        bencher.iter(|| assert!(verify_batch(black_box(&shown)).iter().all(Result::is_ok)));
    });
    batches.finish();
    criterion.bench_function("signature::verify/ml-dsa-65", |bencher| {
        bencher.iter(|| black_box(&file).signed.verify().unwrap());
    });

    let accepted = Some(VerifierSetup::development().id());
    let judge = Judge::new(Some(key), None, RequiredLayer::Proven, accepted);
    let subjects = |count: usize| vec![Subject::Receipt(Box::new(file.clone())); count];
    let mut receipts = criterion.benchmark_group("judgement::judge");
    for count in [1, BATCH] {
        receipts.throughput(Throughput::Elements(count as u64)).sample_size(20);
        receipts.bench_function(BenchmarkId::new("model=digits receipts", count), |bencher| {
            bencher.iter_batched(
                || subjects(count),
                |subjects| {
                    let judged = judge.judge(subjects);
                    assert!(judged.iter().all(|judged| judged.outcome() == Outcome::Accepted));
                },
                criterion::BatchSize::SmallInput,
            );
        });
    }
    receipts.finish();

    let leaves: Vec<[u8; 32]> =
        (0..1000u64).map(|index| derive("assay 2026 benchmark leaf", &[&index.to_le_bytes()])).collect();
    let top = root(List::Transactions, &leaves);
    let path = prove(List::Transactions, &leaves, 500).unwrap();
    criterion.bench_function("inclusion::merkle/leaves=1000", |bencher| {
        bencher.iter(|| path.verify(List::Transactions, &top, black_box(&leaves[500])).unwrap());
    });
    criterion.final_summary();
}

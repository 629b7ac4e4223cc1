//! Every path of verification on released files: loading a key, one proof and a batch, of the digits model, of a small
//! encoder laid out by positions and of a rule that generates; a whole receipt with its layers, many receipts, and membership under a root.
//!
//! `cargo bench --bench verify`; RAYON_NUM_THREADS=1 keeps proofs on one core. Other models' proofs, as `assay prover` writes them:
//! `ASSAY_BENCH_PROOFS="lenet5 lenet5.vk lenet5.proof lenet5.json"`, four words for each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops loudly")]

use std::hint::black_box;

use attestation::hash::derive;
use circuits::statement::Statement;
use criterion::{BenchmarkId, Criterion, Throughput};
use verifier::inclusion::merkle::{List, prove, root};
use verifier::judgement::{Judge, Subject};
use verifier::key::VerifyingKey;
use verifier::proof::{Proof, Shown, verify, verify_batch};
use verifier::receipt::ReceiptFile;
use verifier::setup::VerifierSetup;
use verifier::statement::StatementFile;
use verifier::verdict::{Outcome, RequiredLayer};

const KEY: &[u8] = include_bytes!("../verifier/tests/vectors/key-3.vk");
const RECEIPT: &[u8] = include_bytes!("../verifier/tests/vectors/receipt-1.receipt");
const SEQUENCE_KEY: &[u8] = include_bytes!("../verifier/tests/vectors/sequence-key-3.vk");
const SEQUENCE_RECEIPT: &[u8] = include_bytes!("../verifier/tests/vectors/sequence-receipt-1.receipt");
const GENERATED_KEY: &[u8] = include_bytes!("../verifier/tests/vectors/generated-key-3.vk");
const GENERATED_RECEIPT: &[u8] = include_bytes!("../verifier/tests/vectors/generated-receipt-1.receipt");
const BATCH: usize = 100;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (model, key, receipt) in [
        ("digits", KEY, RECEIPT),
        ("sequence", SEQUENCE_KEY, SEQUENCE_RECEIPT),
        ("generated", GENERATED_KEY, GENERATED_RECEIPT),
    ] {
        let file = ReceiptFile::from_bytes(receipt).unwrap();
        proofs(&mut criterion, model, key, &file.statement(), file.proofs.first().unwrap());
    }
    let named = std::env::var("ASSAY_BENCH_PROOFS").unwrap_or_default();
    let words: Vec<&str> = named.split_whitespace().collect();
    for of_model in words.chunks(4) {
        let [model, key, proof, statement] = of_model else {
            panic!("expected four words for each model: {of_model:?}")
        };
        let [key, proof, statement] = [key, proof, statement].map(|file| std::fs::read(file).unwrap());
        let statement: StatementFile = serde_json::from_slice(&statement).unwrap();
        proofs(&mut criterion, model, &key, &statement.into(), &Proof::from_bytes(&proof).unwrap());
    }
    let (key, file) = (VerifyingKey::from_bytes(KEY).unwrap(), ReceiptFile::from_bytes(RECEIPT).unwrap());
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

/// Loading a key; the first proof under it, one more, and many.
fn proofs(criterion: &mut Criterion, model: &str, key_file: &[u8], statement: &Statement, proof: &Proof) {
    let key = VerifyingKey::from_bytes(key_file).unwrap();
    criterion.bench_function(&format!("key::load/model={model}"), |bencher| {
        bencher.iter(|| VerifyingKey::from_bytes(black_box(key_file)).unwrap());
    });
    criterion.bench_function(&format!("proof::verify/model={model}"), |bencher| {
        bencher.iter(|| verify(&key, statement, black_box(proof)).unwrap());
    });
    criterion.bench_function(&format!("proof::verify_first/model={model}"), |bencher| {
        let loaded = || VerifyingKey::from_bytes(key_file).unwrap();
        bencher.iter_batched(
            loaded,
            |key| verify(&key, statement, black_box(proof)).unwrap(),
            criterion::BatchSize::LargeInput,
        );
    });
    let shown = vec![Shown { key: &key, statement, proof }; BATCH];
    let mut batches = criterion.benchmark_group("proof::verify_batch");
    batches.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    batches.bench_function(BenchmarkId::new(format!("model={model} proofs"), BATCH), |bencher| {
        bencher.iter(|| assert!(verify_batch(black_box(&shown)).iter().all(Result::is_ok)));
    });
    batches.finish();
}

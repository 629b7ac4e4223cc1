//! Inference of the digits model: the reference executor and candle, one image and a batch.
#![expect(clippy::expect_used, reason = "a benchmark has nobody to report an error to")]

use circuits::model::bundle::Bundle;
use circuits::model::reference;
use circuits::model::tensor::Tensor;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prover::import::digits;
use worker::executor::{Device, Executor};

fn inference(criterion: &mut Criterion) {
    let bundle = Bundle::from_bytes(include_bytes!("../data/digits/digits.assay")).expect("the committed bundle");
    let split = digits::split(digits::parse(include_str!("../data/digits/digits.csv")).expect("the committed digits"));
    let images: Vec<Tensor> = split.test.into_iter().map(|digit| digit.image).collect();
    let image = images.first().expect("360 images");
    let executor = Executor::new(&bundle, Device::Cpu).expect("the processor");

    let mut one = criterion.benchmark_group("digits, one image");
    one.bench_function("reference", |bencher| {
        bencher.iter(|| reference::run(bundle.graph(), bundle.weights(), image).expect("runs"));
    });
    one.bench_function("candle", |bencher| bencher.iter(|| executor.trace(image).expect("runs")));
    one.finish();

    let mut batch = criterion.benchmark_group("digits, 360 images");
    batch.throughput(Throughput::Elements(images.len() as u64));
    batch.bench_function("reference", |bencher| {
        let run = |image| reference::run(bundle.graph(), bundle.weights(), image).expect("runs");
        bencher.iter(|| images.iter().map(run).collect::<Vec<_>>());
    });
    batch.bench_function("candle", |bencher| bencher.iter(|| executor.trace_batch(&images).expect("runs")));
    batch.finish();
}

criterion_group!(benches, inference);
criterion_main!(benches);

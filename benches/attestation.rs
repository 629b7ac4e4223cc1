//! Appraisal of NVIDIA evidence by a verifier that has seen nothing before: one GPU with its chain, two reference manifests
//! and OCSP responses, a machine of 8 GPUs and 4 switches, and a report's layout alone. Devices are synthetic; they have the
//! chains, manifests and responses of genuine ones, under other roots.
//!
//! `cargo bench --bench attestation`; one core.
#![allow(clippy::unwrap_used, reason = "a benchmark stops loudly")]

use std::hint::black_box;

use attestation::evidence::nvidia::appraise::{verify_device, verify_machine};
use attestation::evidence::nvidia::device_chain::Family;
use attestation::evidence::nvidia::report::Report;
use attestation::evidence::nvidia::synthetic::{World, device::Device, world::NOW};
use criterion::Criterion;

const NONCE: [u8; 32] = [1; 32];

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(50);
    let world = World::new([3; 32]);
    let gpu = world.device(Family::Gh100, 0);
    let evidence = gpu.evidence(&NONCE);
    let collateral = world.collateral(std::slice::from_ref(&gpu));
    let requirements = world.requirements(&collateral);
    criterion.bench_function("attestation::appraise/one GPU", |bencher| {
        bencher.iter(|| verify_device(black_box(&evidence), &collateral, &requirements, &NONCE, NOW).unwrap());
    });
    criterion.bench_function("attestation::parse/one report", |bencher| {
        bencher.iter(|| Report::parse(black_box(&evidence.report)).unwrap());
    });

    let (gpus, switches) = world.protected_machine();
    let devices: Vec<Device> = gpus.into_iter().chain(switches).collect();
    let collateral = world.collateral(&devices);
    let requirements = world.requirements(&collateral);
    let machine: Vec<_> = devices.iter().map(|device| (device.evidence(&NONCE), NONCE)).collect();
    criterion.bench_function("attestation::appraise/8 GPUs and 4 switches", |bencher| {
        bencher.iter(|| verify_machine(black_box(&machine), &collateral, &requirements, NOW).unwrap());
    });
    criterion.final_summary();
}

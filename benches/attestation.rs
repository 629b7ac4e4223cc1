//! Appraisal of NVIDIA evidence by a verifier that has seen nothing before: one GPU with its chain, two reference manifests
//! and OCSP responses, a machine of 8 GPUs and 4 switches, a report's layout alone, and processors' quotes, alone and with
//! the GPU for a work context. Devices are synthetic; they have the
//! chains, manifests and responses of genuine ones, under other roots.
//!
//! `cargo bench --bench attestation`; one core.
#![allow(clippy::unwrap_used, reason = "a benchmark stops loudly")]

use std::hint::black_box;

use attestation::appraisal::vendor::verify_quote;
use attestation::appraisal::verify;
use attestation::context::WorkContext;
use attestation::evidence::Evidence;
use attestation::evidence::hardware::CpuQuote;
use attestation::evidence::nvidia::appraise::{verify_device, verify_machine};
use attestation::evidence::nvidia::device_chain::Family;
use attestation::evidence::nvidia::report::Report;
use attestation::evidence::nvidia::synthetic::{World, device::Device, world::NOW};
use attestation::identity::ed25519;
use attestation::policy::Policy;
use attestation::synthetic::{SyntheticMachine, machine::Processor};
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
    let processors = [("TDX quote", Processor::Tdx), ("SEV-SNP report", Processor::SevSnp)];
    for (name, processor) in processors {
        let key = ed25519::SigningKey::from_seed(&[1; 32]).public_key();
        let context = WorkContext {
            chain_id: 1337,
            genesis: [1; 32],
            job_id: [2; 32],
            model_hash: [3; 32],
            input_hash: [4; 32],
            worker: [5; 32],
            device_id: [0; 32],
            nonce: [7; 32],
            timestamp: 0,
        };
        let machine = SyntheticMachine::new(vec![gpu.clone()], processor, key, context);
        let policy = Policy::new(machine.policy.clone()).unwrap();
        let evidence = Evidence::Hardware(machine.evidence().unwrap());
        criterion.bench_function(
            &format!("attestation::appraise/one GPU and a {name} for a work context"),
            |bencher| {
                let judge = || verify(black_box(&evidence), &machine.collateral, &policy, &machine.context, NOW);
                bencher.iter(|| judge().unwrap());
            },
        );
        let (quote, data) = match processor {
            Processor::SevSnp => (CpuQuote::SevSnp(machine.sev_snp.evidence().unwrap()), machine.sev_snp.report_data),
            _ => (CpuQuote::Tdx(machine.tdx.evidence().unwrap()), machine.tdx.report_data),
        };
        criterion.bench_function(&format!("attestation::appraise/one {name}"), |bencher| {
            let judge = || verify_quote(black_box(&quote), &data, &machine.collateral, &policy, NOW);
            bencher.iter(|| judge().unwrap());
        });
    }
    criterion.final_summary();
}

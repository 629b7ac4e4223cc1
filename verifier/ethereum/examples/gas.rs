//! What a contract costs: `gas KEY PROOF STATEMENT` creates the contract of a key in revm and shows it a proof.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for tables"
)]

#[path = "../tests/contract/chain.rs"]
#[expect(dead_code, reason = "tests use all of it")]
mod chain;

use chain::Chain;
use ethereum::Contract;
use verifier::key::VerifyingKey;
use verifier::proof::Proof;
use verifier::statement::StatementFile;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key, proof, statement] = arguments.as_slice() else { panic!("usage: gas KEY PROOF STATEMENT") };
    let key = VerifyingKey::from_bytes(&std::fs::read(key).unwrap()).unwrap();
    let proof = Proof::from_bytes(&std::fs::read(proof).unwrap()).unwrap();
    let statement: StatementFile = serde_json::from_slice(&std::fs::read(statement).unwrap()).unwrap();
    let contract = Contract::generate(&key).unwrap();
    let call = contract.call(&statement.into(), &proof).unwrap();
    let mut chain = Chain::new();
    let (address, created) = chain.deploy(&contract);
    let answer = chain.call(address, call.clone());
    assert!(answer.accepted(), "{answer:?}");
    let [data, parts] = [contract.data(), contract.parts()]
        .map(|pieces| pieces.iter().map(|piece| piece.code.len()).collect::<Vec<usize>>());
    println!(
        "points {}, code {} bytes, data {data:?} bytes, parts {parts:?} bytes, call {} bytes, creation {created} gas, \
         call {} gas",
        contract.points(),
        contract.code_bytes(),
        call.len(),
        answer.gas()
    );
}

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]
//! Contracts in revm: they are created under the limits of a chain, accept what was released, and refuse what the library
//! refuses.

mod agreement;
mod chain;
mod golden;
mod guards;
mod parts;

use std::path::PathBuf;

use chain::Chain;
use circuits::statement::Statement;
use ethereum::{CODE_BYTES_MAX, Contract};
use revm::primitives::Address;
use verifier::key::VerifyingKey;
use verifier::proof::Proof;
use verifier::receipt::ReceiptFile;
use verifier::statement::StatementFile;

/// A file below `verifier`.
fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

/// Most bytes of a contract on a chain where the code of small keys has no room in one.
const SMALL: usize = 6_000;
/// Bytes that a transaction may carry to create a contract (EIP-3860).
const CREATION_BYTES_MAX: usize = 2 * CODE_BYTES_MAX;

/// What a contract takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gas {
    /// Points whose multiples are added up.
    points: usize,
    /// Gas of creating it, data contracts included.
    created: u64,
    /// Gas of a transaction that shows it a proof.
    called: u64,
}

/// What says what a proof shows.
enum Shown {
    Receipt(&'static str),
    /// A proof, and its statement in JSON.
    Proof(&'static str, &'static str),
}

/// A key, a proof under it, and what its contract takes.
struct Released {
    key: &'static str,
    shown: Shown,
    gas: Gas,
}

const DIGIT: Released = Released {
    key: "tests/vectors/key-2.vk",
    shown: Shown::Receipt("tests/vectors/receipt-1.receipt"),
    gas: Gas { points: 82, created: 2_291_764, called: 826_406 },
};
/// An encoder over eight tokens, positions side by side.
const SEQUENCE: Released = Released {
    key: "tests/vectors/sequence-key-2.vk",
    shown: Shown::Receipt("tests/vectors/sequence-receipt-1.receipt"),
    gas: Gas { points: 197, created: 4_813_772, called: 1_871_639 },
};
/// What is generated is a part of what is asked for what comes after it.
const GENERATED: Released = Released {
    key: "tests/vectors/generated-key-3.vk",
    shown: Shown::Receipt("tests/vectors/generated-receipt-1.receipt"),
    gas: Gas { points: 57, created: 2_161_695, called: 649_797 },
};
/// Too many points for one contract.
const LENET: Released = Released {
    key: "ethereum/tests/vectors/lenet5.vk",
    shown: Shown::Proof("ethereum/tests/vectors/lenet5.proof", "ethereum/tests/vectors/lenet5.json"),
    gas: Gas { points: 567, created: 9_750_689, called: 4_567_040 },
};

impl Released {
    fn key(&self) -> VerifyingKey {
        VerifyingKey::from_bytes(&bytes(self.key)).unwrap()
    }

    fn shown(&self) -> (Statement, Proof) {
        match self.shown {
            Shown::Receipt(file) => {
                let mut receipt = ReceiptFile::from_bytes(&bytes(file)).unwrap();
                (receipt.statement(), receipt.proofs.remove(0))
            }
            Shown::Proof(proof, statement) => {
                let statement: StatementFile = serde_json::from_slice(&bytes(statement)).unwrap();
                (statement.into(), Proof::from_bytes(&bytes(proof)).unwrap())
            }
        }
    }
}

/// A contract that was created, and a call that it accepts.
struct Deployed {
    chain: Chain,
    address: Address,
    call: Vec<u8>,
}

impl Deployed {
    fn of(released: &Released) -> Self {
        Self::within(released, CODE_BYTES_MAX)
    }

    fn within(released: &Released, code_bytes_max: usize) -> Self {
        let key = released.key();
        let contract = Contract::generate_within(&key, code_bytes_max).unwrap();
        let (statement, proof) = released.shown();
        let call = contract.call(&statement, &proof).unwrap();
        let mut chain = Chain::new();
        let (address, _) = chain.deploy(&contract);
        Self { chain, address, call }
    }

    fn ask(&mut self, call: Vec<u8>) -> chain::Answer {
        self.chain.call(self.address, call)
    }
}

#[test]
fn what_was_released_is_accepted_for_the_gas_that_is_written_down() {
    let measured = [DIGIT, SEQUENCE, GENERATED, LENET].map(|released| {
        let key = released.key();
        let contract = Contract::generate(&key).unwrap();
        let (statement, proof) = released.shown();
        let call = contract.call(&statement, &proof).unwrap();
        assert_eq!(call.len(), contract.calldata_bytes());
        assert!(contract.code_bytes() <= CODE_BYTES_MAX && contract.parts().is_empty());
        let mut chain = Chain::new();
        let (address, created) = chain.deploy(&contract);
        let answer = chain.call(address, call);
        assert!(answer.accepted(), "{answer:?}");
        Gas { points: contract.points(), created, called: answer.gas() }
    });
    assert_eq!(measured, [DIGIT.gas, SEQUENCE.gas, GENERATED.gas, LENET.gas]);
}

#[test]
fn a_contract_says_what_it_is_for() {
    let key = DIGIT.key();
    let contract = Contract::generate(&key).unwrap();
    let mut chain = Chain::new();
    let (address, _) = chain.deploy(&contract);
    for (name, hash) in [("keyDigest()", key.digest()), ("modelHash()", key.model_hash())] {
        let answer = chain.call(address, revm::primitives::keccak256(name)[..4].to_vec());
        assert!(matches!(&answer, chain::Answer::Returned { bytes, .. } if *bytes == hash), "{name}: {answer:?}");
    }
    let names: Vec<&str> = contract.abi().as_array().unwrap().iter().filter_map(|part| part["name"].as_str()).collect();
    assert!(names.starts_with(&["verify", "keyDigest", "modelHash"]), "{names:?}");
    assert!(
        contract.signature().starts_with("verify(bytes32,int64[64],int64[10],uint256["),
        "{}",
        contract.signature()
    );
}

//! The contract beside the library: the same decision about everything.

use std::ops::Range;

use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use ethereum::{Contract, Refusal};
use revm::primitives::Address;
use verifier::key::VerifyingKey;
use verifier::proof::{Proof, ProofError, verify};
use verifier::receipt::ReceiptFile;

use super::chain::Chain;
use super::*;

const ELEMENT_BYTES: usize = 32;

/// A key, and the contract that was made of it.
struct Both<'a> {
    key: &'a VerifyingKey,
    contract: Contract<'a>,
    chain: Chain,
    address: Address,
}

impl<'a> Both<'a> {
    fn new(key: &'a VerifyingKey) -> Self {
        Self::within(key, CODE_BYTES_MAX)
    }

    fn within(key: &'a VerifyingKey, code_bytes_max: usize) -> Self {
        let contract = Contract::generate_within(key, code_bytes_max).unwrap();
        let mut chain = Chain::new();
        let (address, _) = chain.deploy(&contract);
        Self { key, contract, chain, address }
    }

    /// Whether both accept; the reason too must be the same.
    #[track_caller]
    fn decide(&mut self, statement: &Statement, proof: &Proof) -> Result<(), ProofError> {
        let decision = verify(self.key, statement, proof).map(|_| ());
        match self.contract.call(statement, proof) {
            // What cannot be asked is refused for the library's own reason.
            Err(error) => assert_eq!(decision, Err(error)),
            Ok(call) => {
                let answer = self.chain.call(self.address, call);
                match &decision {
                    Ok(()) => assert!(answer.accepted(), "{answer:?}"),
                    Err(ProofError::Weights | ProofError::Constraints) => {
                        assert_eq!(answer.refusal(), (Refusal::NotProven, Vec::new()));
                    }
                    Err(other) => panic!("{other:?}, {answer:?}"),
                }
            }
        }
        decision
    }
}

/// A change of a file, as the manifests list them.
fn changed(change: &serde_json::Value, file: &[u8]) -> Vec<u8> {
    let number = |name: &str| change[name].as_u64().map(|number| usize::try_from(number).unwrap());
    let mut file = file[..number("truncate").unwrap_or(file.len())].to_vec();
    file.resize(file.len() + number("extend").unwrap_or(0), 0);
    if let Some(position) = number("flip") {
        file[position] ^= u8::try_from(number("mask").unwrap_or(1)).unwrap();
    }
    if let Some(checksum) = change["checksum"].as_array() {
        let end = file.len() - checksum.len();
        for (byte, value) in file[end..].iter_mut().zip(checksum) {
            *byte = u8::try_from(value.as_u64().unwrap()).unwrap();
        }
    }
    file
}

#[test]
fn both_decide_the_same_on_the_manifest_of_a_receipt() {
    for (released, list, code_bytes_max) in [
        (DIGIT, "manifest.json", CODE_BYTES_MAX),
        (SEQUENCE, "manifest-sequence.json", CODE_BYTES_MAX),
        (SEQUENCE, "manifest-sequence.json", SMALL),
        (GENERATED, "manifest-generated.json", CODE_BYTES_MAX),
    ] {
        let Shown::Receipt(receipt) = released.shown else { panic!("a manifest changes a receipt") };
        let (key, file) = (released.key(), bytes(receipt));
        let mut both = Both::within(&key, code_bytes_max);
        let honest = released.shown();
        let (mut accepted, mut refused) = (0, 0);
        let manifest = bytes(&format!("tests/vectors/{list}"));
        let manifest: Vec<serde_json::Value> = serde_json::from_slice(&manifest).unwrap();
        for change in manifest {
            // Whoever cannot read a receipt finds no proof in it.
            let Ok(receipt) = ReceiptFile::from_bytes(&changed(&change, &file)) else { continue };
            for proof in &receipt.proofs {
                // The same proof of the same statement again tells nothing.
                if accepted > 0 && (receipt.statement(), proof) == (honest.0.clone(), &honest.1) {
                    continue;
                }
                match both.decide(&receipt.statement(), proof) {
                    Ok(()) => accepted += 1,
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(accepted == 1 && refused > 60, "{accepted} accepted, {refused} refused");
    }
}

#[test]
fn both_decide_the_same_on_changed_elements() {
    for (released, code_bytes_max) in [(DIGIT, CODE_BYTES_MAX), (DIGIT, SMALL), (GENERATED, CODE_BYTES_MAX)] {
        let key = released.key();
        both_decide_the_same_on_elements_of(&mut Both::within(&key, code_bytes_max), &released);
    }
}

fn both_decide_the_same_on_elements_of(both: &mut Both<'_>, released: &Released) {
    let (statement, honest) = released.shown();
    let count = honest.bytes.len() / ELEMENT_BYTES;
    let place = |element: usize| -> Range<usize> { element * ELEMENT_BYTES..(element + 1) * ELEMENT_BYTES };
    let mut refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut proof = honest.clone();
        change(&mut proof.bytes);
        // Some elements are zero, or equal to the next.
        assert_eq!(both.decide(&statement, &proof).is_ok(), proof == honest);
    };
    for element in 0..count {
        refused(&|bytes| bytes[element * ELEMENT_BYTES] ^= 1);
        refused(&|bytes| bytes[(element + 1) * ELEMENT_BYTES - 1] ^= 0x40);
        refused(&|bytes| bytes.copy_within(place((element + 1) % count), element * ELEMENT_BYTES));
        refused(&|bytes| bytes[place(element)].fill(0));
        refused(&|bytes| bytes.truncate(element * ELEMENT_BYTES));
        refused(&|bytes| bytes.truncate(element * ELEMENT_BYTES + 1));
    }
    refused(&|bytes| bytes.push(0));
    refused(&|bytes| bytes.extend([0; ELEMENT_BYTES]));
}

#[test]
fn both_decide_the_same_on_other_statements() {
    let key = DIGIT.key();
    let mut both = Both::new(&key);
    let (honest, proof) = DIGIT.shown();
    let mut refusals = Vec::new();
    let mut decide = |statement: Statement| {
        // As it says it is, and with a label that names the changed statement.
        refusals.push(both.decide(&statement, &proof).unwrap_err());
        let relabelled = Proof { statement_digest: statement.digest(), ..proof.clone() };
        refusals.push(both.decide(&statement, &relabelled).unwrap_err());
    };
    for byte in 0..32 {
        let mut other = honest.clone();
        other.context_digest[byte] ^= 0x80;
        decide(other);
    }
    for (element, change) in (0..64).step_by(5).flat_map(|element| [1, -1, 1 << 40].map(|change| (element, change))) {
        let mut values = honest.input.values().to_vec();
        values[element] += change;
        decide(Statement { input: Tensor::new(honest.input.shape().to_vec(), values).unwrap(), ..honest.clone() });
    }
    for (element, change) in (0..10).flat_map(|element| [1, -1, 1 << 40].map(|change| (element, change))) {
        let mut values = honest.output.values().to_vec();
        values[element] += change;
        decide(Statement { output: Tensor::vector(values).unwrap(), ..honest.clone() });
    }
    assert!(refusals.iter().any(|error| matches!(error, ProofError::StatementDigest { .. })));
    assert!(refusals.iter().any(|error| matches!(error, ProofError::Statement(_))));
    assert!(refusals.contains(&ProofError::Weights), "{refusals:?}");
}

/// A key that was changed and is still one is another key: its contract refuses what was shown under the released one, even
/// if the proof says that it is under the changed key.
#[test]
fn changed_keys_make_contracts_that_accept_nothing() {
    for (released, list) in [(DIGIT, "manifest-key.json"), (GENERATED, "manifest-generated-key-3.json")] {
        let (file, (statement, proof)) = (bytes(released.key), released.shown());
        let manifest: Vec<serde_json::Value> =
            serde_json::from_slice(&bytes(&format!("tests/vectors/{list}"))).unwrap();
        let mut contracts = 0;
        for change in manifest {
            // What is no key has no contract.
            let Ok(key) = VerifyingKey::from_bytes(&changed(&change, &file)) else { continue };
            let mut both = Both::new(&key);
            let other = both.decide(&statement, &proof);
            assert!(matches!(other, Err(ProofError::Key { .. } | ProofError::Setup { .. })), "{change}: {other:?}");
            let (key_digest, setup_id) = (key.digest(), key.setup_id());
            let relabelled = both.decide(&statement, &Proof { key_digest, setup_id, ..proof.clone() });
            assert!(relabelled.is_err(), "{change}");
            contracts += 1;
        }
        assert!(contracts > 2, "{list}: {contracts}");
    }
}

/// Of a model that generates, a call says once what the instance holds twice.
#[test]
fn both_decide_the_same_on_what_is_generated() {
    let key = GENERATED.key();
    let mut both = Both::new(&key);
    let (honest, proof) = GENERATED.shown();
    assert_eq!(both.decide(&honest, &proof), Ok(()));
    let other = |tensor: &Tensor, place: usize| {
        let mut values = tensor.values().to_vec();
        values[place] = (values[place] + 1) % 10;
        Tensor::vector(values).unwrap()
    };
    for place in 0..3 {
        for statement in [
            Statement { input: other(&honest.input, place), ..honest.clone() },
            Statement { output: other(&honest.output, place), ..honest.clone() },
        ] {
            let relabelled = Proof { statement_digest: statement.digest(), ..proof.clone() };
            assert!(both.decide(&statement, &relabelled).is_err());
        }
    }
}

/// The second verifier, which shares neither field, curve nor constraints with the library.
#[test]
fn the_second_verifier_accepts_what_the_contract_accepts() {
    for released in [DIGIT, SEQUENCE, GENERATED, LENET] {
        let mut deployed = Deployed::of(&released);
        let (statement, proof) = released.shown();
        let second = second::Key::read(&bytes(released.key)).unwrap();
        assert_eq!(second.verify(&statement, &proof.to_bytes()), Ok(()));
        let call = deployed.call.clone();
        assert!(deployed.ask(call).accepted());
    }
}

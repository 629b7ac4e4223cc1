//! The second verifier beside the first: the same decision, and the same kind of reason, about everything.

use std::ops::Range;

use circuits::statement::Statement;
use second::{Key, Refusal};
use verifier::container::ContainerError;
use verifier::key::KeyError;
use verifier::proof::{Proof, ProofError, verify};
use verifier::transcript::ReadError;

use super::manifest::{CHECKSUM_BYTES, HEADER_BYTES, read, with_checksum};
use super::*;

const ELEMENT_BYTES: usize = 32;

/// What the second verifier has to say where the first says this.
fn same(error: &ProofError) -> Refusal {
    match error {
        ProofError::Container(error) => of_file(error),
        ProofError::TooLarge { .. } => Refusal::File("too large"),
        ProofError::System { .. } => Refusal::Unknown("proof system"),
        ProofError::Hash { .. } => Refusal::Unknown("hash"),
        ProofError::Setup { .. } => Refusal::Label("setup"),
        ProofError::Key { .. } => Refusal::Label("key"),
        ProofError::StatementDigest { .. } => Refusal::Label("statement"),
        ProofError::Statement(error) => {
            Refusal::Statement(if error.to_string().starts_with("statement input") { "input" } else { "output" })
        }
        ProofError::Read(ReadError::Truncated { at } | ReadError::Element { at, .. }) => Refusal::Element { at: *at },
        ProofError::Trailing { .. } => Refusal::Trailing,
        ProofError::Weights => Refusal::Link,
        ProofError::Constraints => Refusal::Constraints,
        ProofError::Unchecked { .. } => Refusal::Degenerate,
    }
}

fn of_file(error: &ContainerError) -> Refusal {
    match error {
        ContainerError::Magic => Refusal::File("magic"),
        ContainerError::Truncated { .. } => Refusal::File("header"),
        ContainerError::Kind { .. } => Refusal::File("kind"),
        ContainerError::Version { .. } => Refusal::Unknown("format version"),
        ContainerError::TooLarge { .. } | ContainerError::Length { .. } => Refusal::File("length"),
        ContainerError::Checksum { .. } => Refusal::File("checksum"),
        ContainerError::Body { .. } => Refusal::File("body"),
    }
}

/// A body that does not decode has one name in the first verifier.
fn coarse(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::File("ends early" | "bytes are left" | "system" | "a flag is neither 0 nor 1") => {
            Refusal::File("body")
        }
        other => other,
    }
}

/// Both verifiers, with the released key.
struct Both {
    first: VerifyingKey,
    second: Key,
}

impl Both {
    fn of(released: &Released) -> Self {
        Self { first: released.key(), second: Key::read(&bytes(released.key)).unwrap() }
    }

    /// What both decide about a proof file.
    #[track_caller]
    fn decide(&self, statement: &Statement, file: &[u8]) -> Result<(), Refusal> {
        let first = Proof::from_bytes(file).and_then(|proof| verify(&self.first, statement, &proof));
        let second = self.second.verify(statement, file).map_err(coarse);
        assert_eq!(second, first.as_ref().map(|_| ()).map_err(same), "{first:?}");
        second
    }
}

fn proof_file(receipt: &ReceiptFile, change: impl FnOnce(&mut Proof)) -> Vec<u8> {
    let mut proof = receipt.proofs[0].clone();
    change(&mut proof);
    proof.to_bytes()
}

#[test]
fn both_accept_what_was_released() {
    for released in RELEASED {
        let (both, file) = (Both::of(&released), released.receipt());
        assert_eq!(both.second.digest(), both.first.digest());
        assert_eq!(both.second.model_hash(), both.first.model_hash());
        assert_eq!(both.decide(&file.statement(), &file.proofs[0].to_bytes()), Ok(()));
    }
}

#[test]
fn both_decide_the_same_on_the_manifest_of_a_receipt() {
    for released in RELEASED {
        let (both, file) = (Both::of(&released), bytes(released.receipt));
        let (mut accepted, mut refused) = (0, 0);
        for change in read(released.manifest) {
            // Whoever cannot read a receipt finds no proof in it.
            let Ok(receipt) = ReceiptFile::from_bytes(&change.apply(&file)) else { continue };
            for proof in &receipt.proofs {
                match both.decide(&receipt.statement(), &proof.to_bytes()) {
                    Ok(()) => accepted += 1,
                    Err(_) => refused += 1,
                }
            }
        }
        // What is changed outside context, input, output and proof is not a proof's business.
        assert!(accepted > 20 && refused > 60, "{accepted} accepted, {refused} refused");
    }
}

#[test]
fn both_decide_the_same_on_every_byte_of_a_proof_file() {
    for released in [DIGIT, GENERATED] {
        let (both, receipt) = (Both::of(&released), released.receipt());
        both_decide_the_same_on_every_byte_of_a_proof(&both, &receipt.statement(), &receipt.proofs[0].to_bytes());
    }
}

fn both_decide_the_same_on_every_byte_of_a_proof(both: &Both, statement: &Statement, file: &[u8]) {
    for position in 0..file.len() {
        let mut changed = file.to_vec();
        changed[position] ^= 1 << (position % 8);
        assert!(both.decide(statement, &changed).is_err(), "byte {position}");
        if position < file.len() - CHECKSUM_BYTES {
            assert!(both.decide(statement, &with_checksum(changed)).is_err(), "byte {position}, checksum made again");
        }
    }
    for length in 0..file.len() {
        let cut = file[..length].to_vec();
        assert!(both.decide(statement, &cut).is_err(), "{length} bytes");
        if length >= HEADER_BYTES + CHECKSUM_BYTES {
            assert!(both.decide(statement, &with_checksum(cut)).is_err(), "{length} bytes, checksum made again");
        }
    }
}

#[test]
fn both_decide_the_same_on_moved_elements() {
    for released in [DIGIT, GENERATED] {
        both_decide_the_same_on_moved_elements_of(&Both::of(&released), &released.receipt());
    }
}

fn both_decide_the_same_on_moved_elements_of(both: &Both, receipt: &ReceiptFile) {
    let (statement, honest) = (receipt.statement(), receipt.proofs[0].to_bytes());
    let count = receipt.proofs[0].bytes.len() / ELEMENT_BYTES;
    let place = |element: usize| -> Range<usize> { element * ELEMENT_BYTES..(element + 1) * ELEMENT_BYTES };
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let changed = proof_file(receipt, |proof| change(&mut proof.bytes));
        // Some elements are zero, or equal to the next.
        assert_eq!(both.decide(&statement, &changed).is_ok(), changed == honest);
    };
    for element in 0..count {
        refused(&|bytes| bytes.copy_within(place((element + 1) % count), element * ELEMENT_BYTES));
        refused(&|bytes| bytes[place(element)].fill(0));
        refused(&|bytes| bytes[place(element)].fill(0xff));
        refused(&|bytes| bytes.truncate(element * ELEMENT_BYTES));
        refused(&|bytes| {
            let repeated: Vec<u8> = bytes[place(element)].to_vec();
            bytes.splice(element * ELEMENT_BYTES..element * ELEMENT_BYTES, repeated);
        });
        // The identity, and a point whose flag for it is set.
        for flags in [0x80, 0xc0] {
            refused(&|bytes| {
                bytes[place(element)].fill(0);
                bytes[(element + 1) * ELEMENT_BYTES - 1] = flags;
            });
        }
    }
    refused(&|bytes| bytes.push(0));
    refused(&|bytes| bytes.resize((64 << 10) + 1, 0));
}

#[test]
fn both_decide_the_same_on_other_statements() {
    let both = Both::of(&DIGIT);
    let honest = receipt().statement();
    let proof = receipt().proofs.remove(0);
    let mut refusals = Vec::new();
    let mut decide = |statement: Statement| {
        // As it says it is, and with a label that names the changed statement.
        refusals.push(both.decide(&statement, &proof.to_bytes()).unwrap_err());
        let statement_digest = statement.digest();
        let relabelled = Proof { statement_digest, ..proof.clone() };
        refusals.push(both.decide(&statement, &relabelled.to_bytes()).unwrap_err());
    };
    for byte in 0..32 {
        let mut other = honest.clone();
        other.context_digest[byte] ^= 0x80;
        decide(other);
    }
    use circuits::model::tensor::Tensor;
    let [inputs, outputs] = [&honest.input, &honest.output].map(|tensor| tensor.values().len());
    for (element, change) in (0..inputs).flat_map(|element| [1, -1, 1 << 40].map(|change| (element, change))) {
        let mut values = honest.input.values().to_vec();
        values[element] += change;
        decide(Statement { input: Tensor::new(honest.input.shape().to_vec(), values).unwrap(), ..honest.clone() });
    }
    for (element, change) in (0..outputs).flat_map(|element| [1, -1, 1 << 40].map(|change| (element, change))) {
        let mut values = honest.output.values().to_vec();
        values[element] += change;
        decide(Statement { output: Tensor::vector(values).unwrap(), ..honest.clone() });
    }
    let flat = Tensor::vector(honest.input.values().to_vec()).unwrap();
    decide(Statement { input: flat, ..honest.clone() });
    decide(Statement { input: honest.output.clone(), output: honest.input.clone(), ..honest.clone() });
    for expected in [Refusal::Label("statement"), Refusal::Statement("input"), Refusal::Statement("output")] {
        assert!(refusals.contains(&expected), "{expected:?}");
    }
    assert!(refusals.contains(&Refusal::Link), "{refusals:?}");
}

/// The reasons that both verifiers give for refusing a key file, or the key's digest.
fn key_decision(file: &[u8]) -> Result<[u8; 32], Refusal> {
    let second = Key::read(file).map(|key| key.digest()).map_err(coarse);
    let first = VerifyingKey::from_bytes(file);
    match (&first, &second) {
        (Ok(first), Ok(second)) => assert_eq!(first.digest(), *second),
        (Err(KeyError::Container(error)), Err(refusal)) => assert_eq!(of_file(error), *refusal),
        (Err(_), Err(Refusal::Key(_))) => {}
        _ => panic!("{first:?}, {second:?}"),
    }
    second
}

#[test]
fn both_decide_the_same_on_every_byte_of_a_key_file() {
    for (key, _, released) in KEYS {
        both_decide_the_same_on_every_byte_of(key, &released.receipt());
    }
}

fn both_decide_the_same_on_every_byte_of(key: &str, receipt: &ReceiptFile) {
    let (file, statement, proof) = (bytes(key), receipt.statement(), receipt.proofs[0].to_bytes());
    let honest = key_decision(&file).unwrap();
    let mut other_keys = 0;
    for position in 0..file.len() {
        let mut changed = file.clone();
        changed[position] ^= 1 << (position % 8);
        assert!(key_decision(&changed).is_err(), "byte {position}");
        if position >= file.len() - CHECKSUM_BYTES {
            continue;
        }
        let changed = with_checksum(changed);
        if let Ok(digest) = key_decision(&changed) {
            // Still a key, but another one, under which no proof of this one is accepted.
            assert_ne!(digest, honest, "byte {position}");
            let both =
                Both { first: VerifyingKey::from_bytes(&changed).unwrap(), second: Key::read(&changed).unwrap() };
            assert!(both.decide(&statement, &proof).is_err(), "byte {position}");
            let relabelled = proof_file(receipt, |proof| {
                (proof.key_digest, proof.setup_id) = (digest, both.first.setup_id());
            });
            assert!(both.decide(&statement, &relabelled).is_err(), "byte {position}, relabelled");
            other_keys += 1;
        }
    }
    assert!(other_keys > 60, "{key}: {other_keys}");
    for length in 0..file.len() {
        assert!(key_decision(&file[..length]).is_err(), "{length} bytes");
        if length >= HEADER_BYTES + CHECKSUM_BYTES {
            assert!(key_decision(&with_checksum(file[..length].to_vec())).is_err(), "{length} bytes");
        }
    }
}

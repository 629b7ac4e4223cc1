//! Proofs under a setup that came from a file.

use std::sync::Arc;

use circuits::model::bundle::Bundle;
use circuits::model::reference;
use circuits::model::tensor::Tensor;
use prover::prove::{Proven, prove};
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use prover::srs::{ptau, saved};
use verifier::key::VerifyingKey;
use verifier::proof;
use verifier::setup::Setup;

use crate::writer::{Ptau, tau};

fn imported(k: u32) -> Setup {
    let ceremony = ptau::read(&mut Ptau::new(k, tau()).bytes().as_slice(), None, &|_| {}).unwrap().check().unwrap();
    ceremony.into_setup(&|_, _| {}).unwrap()
}

#[test]
fn a_model_is_proven_under_an_imported_setup() {
    let bundle = Arc::new(Bundle::from_bytes(include_bytes!("../../../data/digits/digits.assay")).unwrap());
    let k = bundle.graph().layout().k;
    let setup = imported(k);
    let key = ProvingKey::derive(Arc::clone(&bundle), &setup).unwrap();
    let input = Tensor::new(vec![8, 8], (0..64).map(|pixel| pixel % 17).collect()).unwrap();
    let trace = reference::run(bundle.graph(), bundle.weights(), &input).unwrap();
    let Proven { statement, proof } = prove(&key, [3; 32], &trace.values).unwrap();
    let verified = proof::verify(key.verifying(), &statement, &proof).unwrap();
    assert_eq!(verified.setup_id(), setup.id());
    // The key names its setup: under another one the same model has another key.
    let read = VerifyingKey::from_bytes(&key.verifying().to_bytes()).unwrap();
    proof::verify(&read, &statement, &proof).unwrap();
    let other = ProvingKey::derive(bundle, &development(k, &|_, _| {}).unwrap()).unwrap();
    assert_ne!(other.verifying().digest(), read.digest());
    assert!(proof::verify(other.verifying(), &statement, &proof).is_err());
}

#[test]
fn a_saved_setup_is_the_same_setup() {
    let setup = imported(4);
    let bytes = saved::to_bytes(&setup);
    let read = saved::read(&mut bytes.as_slice()).unwrap();
    assert_eq!((read.id(), read.k(), read.lagrange_basis()), (setup.id(), 4, setup.lagrange_basis()));
    assert_eq!(saved::to_bytes(&read), bytes);
    assert!(saved::file_name(&setup.id(), 4).ends_with("-4.setup"));
}

#[test]
fn a_damaged_saved_setup_is_refused() {
    let bytes = saved::to_bytes(&imported(2));
    let refused = |bytes: &[u8]| saved::read(&mut &bytes[..]).unwrap_err().to_string();
    for length in 0..bytes.len() {
        let text = refused(&bytes[..length]);
        let expected = if length < 84 {
            "not a saved setup of format 1".to_owned()
        } else {
            format!("expected 628 bytes, got {length}")
        };
        assert_eq!(text, expected, "length {length}");
    }
    assert_eq!(refused(&[bytes.as_slice(), &[0]].concat()), "expected 628 bytes, got 629");
    for position in 20..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 4;
        assert_eq!(refused(&damaged), "the checksum does not match; the file was damaged or changed", "{position}");
    }
    let mut large = bytes;
    large[16] = 200;
    assert_eq!(refused(&large), "k: expected 1 to 22, got 200");
}

//! Batches: what is decided together is what is decided one by one.

use std::sync::Arc;

use circuits::model::bundle::Bundle;
use circuits::statement::Statement;
use halo2_proofs::halo2curves::bn256::{Fr, G1};
use halo2_proofs::halo2curves::group::Curve;
use prover::prove::{Proven, prove};
use verifier::key::VerifyingKey;
use verifier::points::{decode_compressed, encode_compressed};
use verifier::proof::{Proof, ProofError, Shown, Verified, verify_batch};
use verifier::setup::development_secret;

use crate::common::Fixture;
use crate::halo2::{run, verify};

/// The small fixture, and the same graph with another bias.
fn two_models() -> [Fixture; 2] {
    let small = Fixture::small();
    let bundle = small.key.bundle();
    let mut nodes: std::collections::BTreeMap<_, _> =
        bundle.weights().iter().map(|(node, linear)| (node, linear.clone())).collect();
    let first = &nodes[&0];
    let backwards = first.weights().iter().rev().copied().collect();
    let bias = first.bias().iter().rev().copied().collect();
    let reversed =
        circuits::model::weights::LinearWeights::new(first.outputs(), first.inputs(), backwards, bias).unwrap();
    nodes.insert(0, reversed);
    let weights = circuits::model::weights::Weights::new(bundle.graph(), nodes).unwrap();
    let other = Bundle::new(bundle.graph().clone(), weights, bundle.info().clone()).unwrap();
    let other = Fixture::new(Arc::new(other), small.statement.input.clone());
    [small, other]
}

fn proven(fixture: &Fixture) -> Proven {
    prove(&fixture.key, [7; 32], &fixture.values).unwrap()
}

/// Decides a batch, and every proof of it by itself.
fn decide(batch: &[(&VerifyingKey, &Statement, &Proof)]) -> Vec<Result<Verified, ProofError>> {
    let shown: Vec<Shown<'_>> = batch.iter().map(|(key, statement, proof)| Shown { key, statement, proof }).collect();
    let together = verify_batch(&shown);
    let alone: Vec<_> = batch.iter().map(|(key, statement, proof)| verify(key, statement, proof)).collect();
    assert_eq!(together, alone);
    together
}

/// The last point of a proof, moved.
fn moved(proof: &Proof, by: G1) -> Proof {
    let mut proof = proof.clone();
    let at = proof.bytes.len() - 32;
    let last: [u8; 32] = proof.bytes[at..].try_into().unwrap();
    let point = (G1::from(decode_compressed(&last).unwrap()) + by).to_affine();
    proof.bytes[at..].copy_from_slice(&encode_compressed(&point));
    proof
}

#[test]
fn a_batch_is_decided_as_its_proofs_are() {
    let fixtures = two_models();
    let honest: Vec<(usize, Proven)> =
        [0, 1, 0, 0].into_iter().map(|model| (model, proven(&fixtures[model]))).collect();
    let items = |proofs: &[(usize, Proven)]| {
        let batch: Vec<_> = proofs
            .iter()
            .map(|(model, proven)| (fixtures[*model].verifying(), &proven.statement, &proven.proof))
            .collect();
        decide(&batch)
    };
    assert!(items(&honest).iter().all(Result::is_ok));
    assert!(items(&honest[..1]).iter().all(Result::is_ok));
    assert_eq!(items(&[]), []);
    for place in 0..honest.len() {
        // An opening that does not open, a proof cut short, and another model's proof relabelled.
        let mut forged = honest.clone();
        forged[place].1.proof = moved(&forged[place].1.proof, G1::generator());
        let mut short = honest.clone();
        short[place].1.proof.bytes.truncate(100);
        let mut other = honest.clone();
        let model = 1 - other[place].0;
        other[place].0 = model;
        other[place].1.proof.key_digest = fixtures[model].verifying().digest();
        for (batch, expected) in
            [(forged, Some(ProofError::Constraints)), (short, None), (other, Some(ProofError::Weights))]
        {
            let decided = items(&batch);
            for (index, decision) in decided.iter().enumerate() {
                assert_eq!(decision.is_ok(), index != place, "{index}");
            }
            match expected {
                Some(expected) => assert_eq!(decided[place], Err(expected)),
                None => assert!(matches!(decided[place], Err(ProofError::Read(_)))),
            }
        }
    }
}

/// Whoever knows the setup's secret can move two openings so that their errors cancel in a plain sum; under weights that
/// depend on both proofs they do not.
#[test]
fn errors_of_two_proofs_do_not_cancel() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let [first, second] = [proven(&fixture), proven(&fixture)];
    let instance = fixture.statement.instance(key.graph()).unwrap();
    // An opening W' moved by D is off by (tau - u) D, where u is the last challenge.
    let error = |proven: &Proven| {
        let u: Fr = *run(key, &key.digest(), &instance, &proven.proof.bytes).1.challenges.last().unwrap();
        development_secret() - u
    };
    let ratio = error(&first) * Option::<Fr>::from(error(&second).invert()).unwrap();
    let forged = [moved(&first.proof, G1::generator()), moved(&second.proof, -(G1::generator() * ratio))];
    let [left, right] = forged.each_ref().map(|proof| (key, &fixture.statement, proof));
    assert_eq!(decide(&[left, right]), [Err(ProofError::Constraints), Err(ProofError::Constraints)]);
}

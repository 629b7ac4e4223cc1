//! Circuits with a weight column in more than one lane.

use std::sync::Arc;

use crate::blinding::BlindingGenerator;
use circuits::model::bundle::Bundle;
use circuits::model::graph::Layout;
use circuits::model::weights::{LinearWeights, Weights};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use prover::prove::prove;
use prover::proving_key::derive_verifying_key;
use rand_core::OsRng;
use verifier::key::{KeyError, VerifyingKey};
use verifier::proof::{Proof, ProofError};
use verifier::rows::derive_key;

use crate::common::Fixture;
use crate::forgery::{forge, forge_plainly, honest_cells};
use crate::halo2::verify;

/// The small fixture in two lanes, each with a weight column.
fn two_lanes() -> Fixture {
    let small = Fixture::small();
    let bundle = small.key.bundle();
    let Layout { k, rows, .. } = bundle.graph().layout();
    let graph = bundle.graph().clone().with_layout(Layout { k: k + 1, rows, lanes: 2 }).unwrap();
    let bundle = Bundle::new(graph, bundle.weights().clone(), bundle.info().clone()).unwrap();
    Fixture::new(Arc::new(bundle), small.statement.input)
}

/// The prover adds the committed rows up in another way than whoever verifies.
#[test]
fn a_provers_key_is_what_a_verifier_derives() {
    for fixture in [Fixture::small(), two_lanes()] {
        let derived = derive_key(fixture.key.bundle(), fixture.key.setup()).unwrap();
        assert_eq!(fixture.verifying().to_bytes(), derived.to_bytes());
        let alone = derive_verifying_key(fixture.key.bundle(), fixture.key.setup()).unwrap();
        assert_eq!((alone.to_bytes(), alone.digest()), (derived.to_bytes(), derived.digest()));
    }
}

/// Each weight column is linked to rows of its own.
#[test]
fn every_weight_column_is_linked() {
    let fixture = two_lanes();
    let plan = fixture.key.plan();
    assert_eq!((plan.weight_columns(), fixture.verifying().link().unwrap().points.len()), (2, 2));
    assert_eq!(fixture.verifying().commitment().rows.len(), 2 * plan.rows());
    let refused = ProofError::Weights;
    let honest = honest_cells(&fixture);
    let proof = forge_plainly(&fixture, &honest);
    verify(fixture.verifying(), &fixture.statement, &proof).unwrap();
    for column in 0..2 {
        let place = plan.blocks()[0].places.iter().find(|place| place.column == column).copied().unwrap();
        let mut cells = honest.clone();
        cells.weight_shift = Some(Arc::new(move |_| (place, Fr::ONE)));
        let proof = forge_plainly(&fixture, &cells);
        assert_eq!(verify(fixture.verifying(), &fixture.statement, &proof), Err(refused.clone()), "column {column}");
    }
    // Blinded, swapped, and one left out.
    let verifying = fixture.verifying();
    let columns = &verifying.link().unwrap().columns;
    for unblinded in [&columns[..1], &columns[1..]] {
        let generator = BlindingGenerator::new(OsRng, verifying.halo2().cs(), unblinded);
        let proof = forge(&honest, &fixture.statement, verifying.digest(), generator, verifying);
        assert_eq!(verify(verifying, &fixture.statement, &proof), Err(refused.clone()));
    }
    let points = &verifying.link().unwrap().points;
    let (first, second) = (points[0] * 32, points[1] * 32);
    let mut swapped = proof.clone();
    swapped.bytes.copy_within(second..second + 32, first);
    swapped.bytes[second..second + 32].copy_from_slice(&proof.bytes[first..first + 32]);
    assert_eq!(verify(verifying, &fixture.statement, &swapped), Err(refused.clone()));
    let mut rows = verifying.commitment().clone();
    rows.rows.swap(0, 1);
    let other = VerifyingKey::derive(verifying.graph().clone(), rows, fixture.key.setup()).unwrap();
    let relabelled = Proof { key_digest: other.digest(), ..proof.clone() };
    assert_eq!(verify(&other, &fixture.statement, &relabelled), Err(refused));
    let mut fewer = verifying.commitment().clone();
    fewer.rows.truncate(plan.rows());
    let expected = KeyError::RowCount { expected: 2 * plan.rows(), got: plan.rows() };
    assert_eq!(VerifyingKey::derive(verifying.graph().clone(), fewer, fixture.key.setup()).unwrap_err(), expected);
}

/// A weight column whose weights are all zero still has a commitment that can be proven.
#[test]
fn a_weight_column_of_zeros_is_proven() {
    let fixture = two_lanes();
    let bundle = fixture.key.bundle();
    let block = &fixture.key.plan().blocks()[0];
    let nodes = (0..bundle.graph().nodes().len()).filter_map(|node| {
        let linear = bundle.weights().get(node)?;
        let blocks = fixture.key.plan().blocks().iter().filter(|block| block.node == node);
        let second: Vec<bool> = blocks.flat_map(|block| &block.places).map(|place| place.column == 1).collect();
        let inputs = linear.inputs() as usize;
        let kept = |(place, weight): (usize, &i32)| if second[place % inputs] { 0 } else { *weight };
        let weights = linear.weights().iter().enumerate().map(kept).collect();
        Some((node, LinearWeights::new(linear.outputs(), linear.inputs(), weights, linear.bias().to_vec()).unwrap()))
    });
    let weights = Weights::new(bundle.graph(), nodes.collect()).unwrap();
    assert!(block.places.iter().any(|place| place.column == 1));
    let bundle = Bundle::new(bundle.graph().clone(), weights, bundle.info().clone()).unwrap();
    let fixture = Fixture::new(Arc::new(bundle), fixture.statement.input.clone());
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    verify(fixture.verifying(), &proven.statement, &proven.proof).unwrap();
}

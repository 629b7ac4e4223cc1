#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]
//! Real proofs: honest ones verify, and a prover that bends any part of one is refused.

#[path = "proofs/batch.rs"]
mod batch;
#[path = "common/blinding.rs"]
mod blinding;
mod common;
#[path = "common/forgery.rs"]
mod forgery;
#[path = "common/halo2.rs"]
mod halo2;
#[path = "proofs/manifest.rs"]
mod manifest;
#[path = "proofs/weight_columns.rs"]
mod weight_columns;

use common::Fixture;
use forgery::{Cells, blinding, false_output, forge, forge_plainly, honest_cells, read_cells};
use halo2::{accepts, verify};
use std::sync::Arc;

use circuits::layout::choose;
use circuits::layout::tape::WeightPlace;
use circuits::model::bundle::{Bundle, Info};
use circuits::model::graph::Operator;
use circuits::model::random::{Limits, Model};
use circuits::model::tensor::Tensor;
use circuits::statement::{Statement, StatementError};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::halo2curves::group::Curve;
use prover::prove::{ProveError, prove};
use rand_core::OsRng;
use verifier::key::{RowCommitment, VerifyingKey};
use verifier::points::{PointError, decode_affine, encode_affine};
use verifier::proof::{Proof, ProofError};
use verifier::transcript::ReadError;

/// The model of a seed, laid out as small as it goes.
fn bundle(seed: u64) -> Arc<Bundle> {
    let model = Model::from_seed(seed, &Limits::circuit());
    let layout = choose(&model.graph).unwrap();
    let graph = model.graph.with_layout(layout).unwrap();
    let info = Info { name: format!("random {seed}"), labels: vec![], input_scale: String::new(), quantisation: None };
    Arc::new(Bundle::new(graph, model.weights, info).unwrap())
}

#[test]
fn honest_proofs_verify_under_derived_and_loaded_keys() {
    let stages = |seed: &u64| {
        let model = Model::from_seed(*seed, &Limits::circuit());
        (model.graph.nodes().len(), matches!(model.graph.nodes().last().unwrap().operator, Operator::Dense { .. }))
    };
    // One raw stage (whose circuit has all-zero fixed columns), one requantised stage, and three with either ending.
    for shape in [(1, true), (2, false), (5, true), (6, false)] {
        let seed = (0..400).find(|seed| stages(seed) == shape).unwrap();
        let bundle = bundle(seed);
        let input = Model::from_seed(seed, &Limits::circuit()).input(5);
        let fixture = Fixture::new(bundle, input);
        let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
        assert_eq!(proven.statement, fixture.statement);
        let loaded = VerifyingKey::from_bytes(&fixture.verifying().to_bytes()).unwrap();
        assert_eq!(loaded.digest(), fixture.verifying().digest());
        assert_eq!(loaded.model_hash(), fixture.verifying().model_hash());
        let proof = Proof::from_bytes(&proven.proof.to_bytes()).unwrap();
        let verified = verify(&loaded, &fixture.statement, &proof).unwrap();
        assert_eq!(verified.model_hash(), fixture.verifying().model_hash());
        assert_eq!(verified.statement_digest(), fixture.statement.digest());
        let again = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
        assert_ne!(again.proof.bytes, proof.bytes, "blinding values are fresh");
    }
}

#[test]
fn a_flipped_witness_cell_is_refused() {
    let fixture = Fixture::small();
    let honest = honest_cells(&fixture);
    let refused = |cells: &Cells, what: &dyn std::fmt::Debug| {
        let proof = forge_plainly(&fixture, cells);
        assert_eq!(verify(fixture.verifying(), &fixture.statement, &proof), Err(ProofError::Constraints), "{what:?}");
    };
    for cell in read_cells(fixture.key.plan()) {
        let mut cells = honest.clone();
        *cells.cell_mut(cell) += 1;
        refused(&cells, &cell);
    }
    let tuples = honest.witness.multiplicities.len();
    for tuple in [0, tuples / 2, tuples - 1] {
        let mut cells = honest.clone();
        cells.witness.multiplicities[tuple] += 1;
        refused(&cells, &tuple);
    }
}

#[test]
fn a_false_output_is_refused_even_with_a_matching_instance() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let (statement, mut cells) = false_output(&fixture, 0);
    let refused = |cells: &Cells| {
        let proof = forge(cells, &statement, key.digest(), blinding(cells), key);
        assert_eq!(verify(key, &statement, &proof), Err(ProofError::Constraints));
    };
    refused(&cells);
    // The copy alone can tell, and the linear relation alone.
    cells.witness = honest_cells(&fixture).witness;
    refused(&cells);
}

#[test]
fn the_prover_refuses_a_dishonest_trace() {
    let fixture = Fixture::small();
    let mut values = fixture.values.clone();
    let last = values.len() - 1;
    let range = fixture.key.bundle().graph().output().range;
    values[last][0] += if values[last][0] < range.max { 1 } else { -1 };
    assert_eq!(prove(&fixture.key, [7; 32], &values), Err(ProveError::Rejected(ProofError::Constraints)));
}

#[test]
fn other_weights_under_the_models_key_are_refused() {
    let fixture = Fixture::small();
    let mut cells = honest_cells(&fixture);
    let place = WeightPlace { column: 0, row: fixture.key.plan().blocks()[0].bias_row };
    cells.weight_shift = Some(Arc::new(move |_| (place, Fr::ONE)));
    let proof = forge_plainly(&fixture, &cells);
    let refused = ProofError::Weights;
    assert_eq!(verify(fixture.verifying(), &fixture.statement, &proof), Err(refused));
}

#[test]
fn a_blinded_weight_column_is_refused() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let proof = forge(&honest_cells(&fixture), &fixture.statement, key.digest(), OsRng, key);
    let refused = ProofError::Weights;
    assert_eq!(verify(key, &fixture.statement, &proof), Err(refused));
}

#[test]
fn a_proof_of_another_model_relabelled_is_refused() {
    let fixture = Fixture::small();
    let bundle = fixture.key.bundle();
    let mut nodes: std::collections::BTreeMap<_, _> =
        bundle.weights().iter().map(|(node, dense)| (node, dense.clone())).collect();
    // The first stage with outputs and inputs in reverse order: the same intervals, another function.
    let first = &nodes[&0];
    let backwards = first.weights().iter().rev().copied().collect();
    let bias = first.bias().iter().rev().copied().collect();
    let reversed =
        circuits::model::weights::LinearWeights::new(first.outputs(), first.inputs(), backwards, bias).unwrap();
    assert_ne!(&reversed, first);
    nodes.insert(0, reversed);
    let weights = circuits::model::weights::Weights::new(bundle.graph(), nodes).unwrap();
    let info = bundle.info().clone();
    let other = Bundle::new(bundle.graph().clone(), weights, info).unwrap();
    let other = Fixture::new(Arc::new(other), fixture.statement.input.clone());
    assert_ne!(other.verifying().model_hash(), fixture.verifying().model_hash());
    let mut proven = prove(&other.key, [7; 32], &other.values).unwrap();
    let honest_label = verify(fixture.verifying(), &proven.statement, &proven.proof);
    let expected = ProofError::Key { expected: fixture.verifying().digest(), got: other.verifying().digest() };
    assert_eq!(honest_label, Err(expected));
    proven.proof.key_digest = fixture.verifying().digest();
    let refused = ProofError::Weights;
    assert_eq!(verify(fixture.verifying(), &proven.statement, &proven.proof), Err(refused));
}

/// A prover that may choose a committed row after seeing r proves any output: it repairs the dot product in V and moves
/// the row's commitment to match. With the key digest as the transcript's first message the moved row changes r.
#[test]
fn rows_chosen_after_the_challenge_forge_only_without_the_key_digest() {
    let fixture = Fixture::small();
    let honest = fixture.verifying();
    // The second output carries r, so what its false bias needs in row 0, which carries 1, depends on the challenge.
    let (statement, mut cells) = false_output(&fixture, 1);
    let error = statement.output.values()[1] - fixture.statement.output.values()[1];
    let error = circuits::gadgets::columns::signed(error);
    let row = fixture.key.plan().blocks().last().unwrap().bias_row;
    let seen = Arc::new(std::sync::Mutex::new(Fr::ZERO));
    let slot = Arc::clone(&seen);
    cells.weight_shift = Some(Arc::new(move |r| {
        let shift = r * error;
        *slot.lock().unwrap() = shift;
        (WeightPlace { column: 0, row }, shift)
    }));
    let mut forged = forge(&cells, &statement, honest.digest(), blinding(&cells), honest);
    // Row 0 moves by the shift.
    let shift = *seen.lock().unwrap();
    let basis = fixture.key.setup().lagrange_basis()[row];
    let old = decode_affine(&honest.commitment().rows[0].0).unwrap();
    let moved =
        (basis * shift + old.map_or_else(Default::default, halo2_proofs::halo2curves::bn256::G1::from)).to_affine();
    let mut commitment = honest.commitment().clone();
    commitment.rows[0] = RowCommitment(encode_affine(&moved));
    let adapted = VerifyingKey::derive(honest.graph().clone(), commitment, fixture.key.setup()).unwrap();

    // Frozen: a transcript that starts from the old digest accepts the forgery under the moved row.
    let instance = statement.instance(honest.graph()).unwrap();
    let accepted = accepts(&adapted, &honest.digest(), &instance, &forged.bytes);
    assert!(accepted, "the attack works when the rows are not absorbed first");

    // Live: the moved row is another key, whose digest changes every challenge.
    forged.key_digest = adapted.digest();
    let refused = ProofError::Weights;
    assert_eq!(verify(&adapted, &statement, &forged), Err(refused));
}

#[test]
fn every_value_of_the_statement_is_bound() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    let refused = |statement: &Statement| {
        let expected = statement.digest();
        let got = proven.proof.statement_digest;
        assert_eq!(verify(key, statement, &proven.proof), Err(ProofError::StatementDigest { expected, got }));
        // Relabelled, so that only the cryptography can tell.
        let relabelled = Proof { statement_digest: expected, ..proven.proof.clone() };
        let error = verify(key, statement, &relabelled).unwrap_err();
        // Another instance changes every challenge, so the first thing to fail is the link.
        assert_eq!(error, ProofError::Weights);
    };
    for byte in 0..32 {
        let mut statement = proven.statement.clone();
        statement.context_digest[byte] ^= 1;
        refused(&statement);
    }
    let graph = key.graph();
    let changed = |tensor: &Tensor, position: usize, range: circuits::model::range::Range| {
        let mut values = tensor.values().to_vec();
        values[position] += if values[position] < range.max { 1 } else { -1 };
        Tensor::new(tensor.shape().to_vec(), values).unwrap()
    };
    for position in 0..proven.statement.input.values().len() {
        let input = changed(&proven.statement.input, position, graph.input().range);
        refused(&Statement { input, ..proven.statement.clone() });
    }
    for position in 0..proven.statement.output.values().len() {
        let output = changed(&proven.statement.output, position, graph.output().range);
        refused(&Statement { output, ..proven.statement.clone() });
    }
}

#[test]
fn statements_of_the_wrong_shape_or_range_are_refused() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    let refusal = |statement: Statement| {
        let proof = Proof { statement_digest: statement.digest(), ..proven.proof.clone() };
        verify(key, &statement, &proof).unwrap_err()
    };
    let with_output =
        |values: Vec<i64>| Statement { output: Tensor::vector(values).unwrap(), ..proven.statement.clone() };
    let output = proven.statement.output.values();
    let width = key.graph().output().width();
    let mut longer = output.to_vec();
    longer.push(0);
    let expected = StatementError::OutputShape { expected: width, got: vec![width + 1] };
    assert_eq!(refusal(with_output(longer)), ProofError::Statement(expected));
    let expected = StatementError::OutputShape { expected: width, got: vec![width - 1] };
    assert_eq!(refusal(with_output(output[1..].to_vec())), ProofError::Statement(expected));
    let range = key.graph().output().range;
    let mut outside = output.to_vec();
    outside[0] = range.max + 1;
    let expected = StatementError::OutputRange { index: 0, min: range.min, max: range.max, got: range.max + 1 };
    assert_eq!(refusal(with_output(outside)), ProofError::Statement(expected));
    let flat =
        Tensor::new(vec![1, 1, proven.statement.input.values().len() as u32], proven.statement.input.values().to_vec());
    let expected = StatementError::InputShape {
        expected: key.graph().input().shape.clone(),
        got: flat.as_ref().unwrap().shape().to_vec(),
    };
    let error = refusal(Statement { input: flat.unwrap(), ..proven.statement.clone() });
    assert_eq!(error, ProofError::Statement(expected));
    let range = key.graph().input().range;
    let mut values = proven.statement.input.values().to_vec();
    values[0] = range.min - 1;
    let input = Tensor::new(key.graph().input().shape.clone(), values).unwrap();
    let expected = StatementError::InputRange { index: 0, min: range.min, max: range.max, got: range.min - 1 };
    assert_eq!(refusal(Statement { input, ..proven.statement.clone() }), ProofError::Statement(expected));
}

#[test]
fn every_changed_byte_every_truncation_and_every_extra_byte_is_refused() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    let with = |bytes: Vec<u8>| verify(key, &proven.statement, &Proof { bytes, ..proven.proof.clone() });
    let honest = &proven.proof.bytes;
    for position in 0..honest.len() {
        let mut bytes = honest.clone();
        bytes[position] ^= 1 << (position % 8);
        assert!(with(bytes).is_err(), "byte {position}");
    }
    for element in 0..honest.len() / 32 {
        // The top bit of an element: unused in a point, beyond the modulus in a scalar.
        let mut bytes = honest.clone();
        bytes[32 * element + 31] |= 0x80;
        let error = with(bytes).unwrap_err();
        assert!(matches!(error, ProofError::Read(ReadError::Element { at, .. }) if at == 32 * element), "{error}");
        for cut in [0, 1, 31] {
            let error = with(honest[..32 * element + cut].to_vec()).unwrap_err();
            assert_eq!(error, ProofError::Read(ReadError::Truncated { at: 32 * element }));
        }
    }
    let mut identity = honest.clone();
    identity[..32].copy_from_slice(&[0; 32]);
    identity[31] = 0x40;
    let error = with(identity).unwrap_err();
    assert!(
        matches!(
            error,
            ProofError::Read(ReadError::Element { at: 0, error: PointError::Identity | PointError::Encoding })
        ),
        "{error}"
    );
    let mut longer = honest.clone();
    longer.push(0);
    assert_eq!(with(longer), Err(ProofError::Trailing { got: 1 }));
    let oversized = vec![0; verifier::proof::PROOF_BYTES_MAX + 1];
    assert_eq!(with(oversized), Err(ProofError::TooLarge { got: verifier::proof::PROOF_BYTES_MAX + 1 }));
}

#[test]
fn labels_route_and_do_not_convince() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    let with = |change: &dyn Fn(&mut Proof)| {
        let mut proof = proven.proof.clone();
        change(&mut proof);
        verify(key, &proven.statement, &proof).unwrap_err()
    };
    let error = with(&|proof| proof.system = "other".to_owned());
    assert_eq!(error, ProofError::System { got: "other".to_owned() });
    assert!(error.is_undecided());
    let error = with(&|proof| proof.hash = 2);
    assert_eq!(error, ProofError::Hash { got: 2 });
    assert!(error.is_undecided());
    let error = with(&|proof| proof.setup_id = [1; 32]);
    assert_eq!(error, ProofError::Setup { expected: key.setup_id(), got: [1; 32] });
    assert!(!error.is_undecided());
}

#[test]
fn a_changed_key_file_is_another_key() {
    let fixture = Fixture::small();
    let key = fixture.verifying();
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    // Swapping two committed rows keeps every point valid.
    let mut commitment = key.commitment().clone();
    let rows = commitment.rows.len();
    commitment.rows.swap(0, rows - 1);
    let swapped = VerifyingKey::derive(key.graph().clone(), commitment, fixture.key.setup()).unwrap();
    assert_ne!(swapped.model_hash(), key.model_hash());
    let proof = Proof { key_digest: swapped.digest(), ..proven.proof };
    let refused = ProofError::Weights;
    assert_eq!(verify(&swapped, &proven.statement, &proof), Err(refused));
}

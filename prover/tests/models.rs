#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]
//! Real proofs of every kind of circuit: windows that move, products without weights, and random graphs.

#[path = "common/blinding.rs"]
mod blinding;
mod common;
#[path = "common/forgery.rs"]
mod forgery;
#[path = "common/halo2.rs"]
mod halo2;

use std::collections::BTreeMap;
use std::sync::Arc;

use circuits::layout::choose;
use circuits::layout::fixed::Role;
use circuits::layout::shape::Stated;
use circuits::model::bundle::{Bundle, Info};
use circuits::model::graph::{Activation, Geometry, Graph, Input, Layout, Node, Operator};
use circuits::model::random::{Encoder, Limits, Model};
use circuits::model::range::Range;
use circuits::model::reference;
use circuits::model::tensor::Tensor;
use circuits::model::weights::{LinearWeights, Weights};
use circuits::statement::{Statement, StatementError};
use common::Fixture;
use forgery::{blinding, false_output, forge, forge_plainly, honest_cells, read_cells};
use halo2::verify;
use prover::prove::prove;
use prover::proving_key::{ProvingKey, ProvingKeyError};
use prover::srs::generate::development;
use verifier::container::{Container, Kind};
use verifier::key::{KeyError, ModelCommitment, VerifyingKey};
use verifier::proof::{Proof, ProofError};

fn fixture(name: &str, graph: Graph, weights: Weights, input: Tensor) -> Fixture {
    let layout = choose(&graph).unwrap();
    let graph = graph.with_layout(layout).unwrap();
    let info = Info { name: name.to_owned(), labels: vec![], input_scale: String::new(), quantisation: None };
    Fixture::new(Arc::new(Bundle::new(graph, weights, info).unwrap()), input)
}

fn of(name: &str, shape: &[u32], nodes: Vec<(Operator, Vec<u32>)>, weights: BTreeMap<usize, LinearWeights>) -> Fixture {
    let input = Input { shape: shape.to_vec(), range: Range { min: -8, max: 7 } };
    let nodes = nodes.into_iter().map(|(operator, inputs)| Node { operator, inputs }).collect();
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 0, lanes: 1 }).unwrap();
    let weights = Weights::new(&graph, weights).unwrap();
    let count = shape.iter().product::<u32>();
    let values = (0..i64::from(count)).map(|place| place * 11 % 16 - 8).collect();
    fixture(name, graph, weights, Tensor::new(shape.to_vec(), values).unwrap())
}

fn weights(outputs: u32, inputs: u32) -> LinearWeights {
    let matrix = (0..outputs * inputs).map(|place| (place as i32 * 7 + 3) % 11 - 5).collect();
    LinearWeights::new(outputs, inputs, matrix, (0..outputs).map(|output| i64::from(output) * 5 - 7).collect()).unwrap()
}

fn relu(shift: u8) -> Operator {
    Operator::Requantise { shift, clamp: Range { min: -30, max: 30 }, activation: Activation::Relu }
}

/// Two convolutions with padding, steps and groups, each with a window that moves.
fn convolutions() -> Fixture {
    let accumulator = Range { min: -4000, max: 4000 };
    let first = Geometry {
        outputs: 3,
        groups: 1,
        kernel: [2, 3],
        stride: [1, 1],
        dilation: [1, 1],
        before: [1, 1],
        after: [0, 1],
    };
    let second = Geometry { outputs: 3, groups: 3, kernel: [3, 3], stride: [2, 2], dilation: [1, 1], ..first };
    let nodes = vec![
        (Operator::Convolution { geometry: first, accumulator }, vec![0]),
        (relu(4), vec![1]),
        (Operator::Convolution { geometry: second, accumulator }, vec![2]),
        (relu(3), vec![3]),
    ];
    of("convolutions", &[2, 4, 4], nodes, BTreeMap::from([(0, weights(3, 12)), (2, weights(3, 9))]))
}

fn products() -> Vec<(Operator, Vec<u32>)> {
    let part = |offset| Operator::Strided { offset, shape: vec![1, 2, 3], strides: vec![6, 3, 1] };
    vec![
        (part(0), vec![0]),
        (part(6), vec![0]),
        (Operator::Maximum, vec![1, 2]),
        (Operator::Multiply, vec![1, 3]),
        (relu(1), vec![4]),
        (Operator::Strided { offset: 0, shape: vec![1, 3, 2], strides: vec![6, 1, 3] }, vec![2]),
        (Operator::MatrixMultiply, vec![5, 6]),
        (
            Operator::Requantise { shift: 2, clamp: Range { min: -50, max: 99 }, activation: Activation::Identity },
            vec![7],
        ),
    ]
}

/// Products, maxima and matrices, and nothing committed.
fn weightless() -> Fixture {
    of("weightless", &[12], products(), BTreeMap::new())
}

/// The same before a dense layer.
fn mixed() -> Fixture {
    let mut nodes = products();
    let accumulator = Range { min: -9000, max: 9000 };
    nodes.push((Operator::Dense { inputs: 4, outputs: 3, accumulator }, vec![8]));
    of("mixed", &[12], nodes, BTreeMap::from([(8, weights(3, 4))]))
}

/// An embedding and a layer of an encoder over four positions, side by side.
fn sequence() -> Fixture {
    let model = Encoder { vocabulary: 11, ..Encoder::small(4) }.model(1);
    let input = model.input(3);
    fixture("sequence", model.graph, model.weights, input)
}

/// Three elements asked and three generated, each of the three before it, and compared with what one table does not hold.
fn generating() -> Fixture {
    let scaled = |factor, constant| Operator::Combine { multipliers: vec![factor], constant };
    let clamp = Range { min: 0, max: 7 };
    let nodes = [
        (Operator::Strided { offset: 0, shape: vec![3, 3], strides: vec![1, 1] }, vec![0]),
        (Operator::Sum, vec![1]),
        (scaled(50_000, 0), vec![2]),
        (scaled(-50_000, 3), vec![2]),
        (Operator::Maximum, vec![3, 4]),
        (Operator::Requantise { shift: 16, clamp, activation: Activation::Identity }, vec![5]),
    ];
    let nodes = nodes.map(|(operator, inputs)| Node { operator, inputs }).to_vec();
    let input = Input { shape: vec![5], range: Range { min: -8, max: 7 } };
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 0, lanes: 1 }).unwrap().with_generation().unwrap();
    let weights = Weights::new(&graph, BTreeMap::new()).unwrap();
    fixture("generating", graph, weights, Tensor::vector(vec![-5, 1, -2]).unwrap())
}

/// Honest passes over another sequence than the one that is generated show nothing.
#[test]
fn what_is_generated_is_proven_and_nothing_else() {
    let mut fixture = generating();
    let key = VerifyingKey::from_bytes(&fixture.verifying().to_bytes()).unwrap();
    assert_eq!(key.graph().generated(), 3);
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    assert_eq!((&proven.statement, proven.statement.input.shape()), (&fixture.statement, &[3][..]));
    assert_eq!(proven.statement.output.values(), [5, 3, 5]);
    verify(&key, &fixture.statement, &proven.proof).unwrap();
    for place in 3..5 {
        let bundle = fixture.key.bundle();
        let mut sequence = fixture.values[0].clone();
        sequence[place] -= 3;
        let pass = reference::pass(bundle.graph(), bundle.weights(), sequence).unwrap();
        assert_ne!(pass.output(), fixture.statement.output.values());
        assert_eq!(prove(&fixture.key, [7; 32], &pass.values), Err(ProofError::Constraints.into()));
        let output = Tensor::vector(pass.output().to_vec()).unwrap();
        let statement = Statement { output, ..fixture.statement.clone() };
        let honest = std::mem::replace(&mut fixture.values, pass.values);
        let mut cells = honest_cells(&fixture);
        cells.instance = statement.instance(key.graph()).unwrap();
        let proof = forge(&cells, &statement, key.digest(), blinding(&cells), fixture.verifying());
        assert_eq!(verify(&key, &statement, &proof), Err(ProofError::Constraints));
        fixture.values = honest;
    }
    // The whole sequence is not what was asked.
    let input = Tensor::vector(fixture.values[0].clone()).unwrap();
    let statement = Statement { input, ..fixture.statement.clone() };
    let proof = Proof { statement_digest: statement.digest(), ..proven.proof };
    let expected = StatementError::InputShape { expected: vec![3], got: vec![5] };
    assert_eq!(verify(&key, &statement, &proof), Err(expected.into()));
}

#[test]
fn every_kind_of_circuit_is_proven_and_verified_under_a_loaded_key() {
    for fixture in [convolutions(), mixed(), weightless(), sequence()] {
        let name = &fixture.key.bundle().info().name;
        let features = fixture.key.plan().features();
        let has_slides = !fixture.key.plan().tape().slides().is_empty();
        assert_eq!((features.weights, features.shared), (name != "weightless", name == "sequence"));
        assert_eq!(features.entries, features.shared);
        let chains = name == "convolutions" || features.shared;
        assert_eq!((features.chains, has_slides), (chains, name == "convolutions"), "{name}");
        let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
        assert_eq!(proven.statement, fixture.statement);
        let key = fixture.verifying();
        let loaded = VerifyingKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!((loaded.digest(), loaded.to_bytes()), (key.digest(), key.to_bytes()), "{name}");
        let verified = verify(&loaded, &fixture.statement, &proven.proof).unwrap();
        assert_eq!(verified.statement_digest(), fixture.statement.digest());
        assert!((225..250).contains(&loaded.security().proven_bits(0)), "{name}: {:?}", loaded.security());
    }
}

#[test]
fn without_weights_there_is_no_link_and_other_inputs_are_refused_all_the_same() {
    let fixture = weightless();
    let key = fixture.verifying();
    assert_eq!((key.graph().layout().rows, key.rows(), key.link()), (0, &[][..], None));
    assert!(key.commitment().rows.is_empty());
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    let mut values = fixture.statement.input.values().to_vec();
    values[0] += 1;
    let input = Tensor::new(fixture.statement.input.shape().to_vec(), values).unwrap();
    for statement in [
        Statement { context_digest: [8; 32], ..fixture.statement.clone() },
        Statement { input, ..fixture.statement.clone() },
        false_output(&fixture, 0).0,
    ] {
        let proof = Proof { statement_digest: statement.digest(), ..proven.proof.clone() };
        assert_eq!(verify(key, &statement, &proof), Err(ProofError::Constraints));
    }
    let mut commitment = key.commitment().clone();
    commitment.rows = convolutions().verifying().commitment().rows.clone();
    let refused = VerifyingKey::derive(key.graph().clone(), commitment, fixture.key.setup()).unwrap_err();
    assert_eq!(refused, KeyError::RowCount { expected: 0, got: 3 });
}

/// No row states anything: copies between instance cells are all that is proven.
#[test]
fn a_graph_that_only_moves_elements_is_proven() {
    let reversed = Operator::Strided { offset: 3, shape: vec![4], strides: vec![-1] };
    let fixture = of("reversed", &[4], vec![(reversed, vec![0])], BTreeMap::new());
    let key = VerifyingKey::from_bytes(&fixture.verifying().to_bytes()).unwrap();
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    verify(&key, &fixture.statement, &proven.proof).unwrap();
    let mut cells = honest_cells(&fixture);
    let mut values = fixture.statement.output.values().to_vec();
    values.swap(0, 1);
    let statement = Statement { output: Tensor::vector(values).unwrap(), ..fixture.statement.clone() };
    cells.instance = statement.instance(key.graph()).unwrap();
    let proof = forge(&cells, &statement, key.digest(), blinding(&cells), fixture.verifying());
    assert_eq!(verify(&key, &statement, &proof), Err(ProofError::Constraints));
}

#[test]
fn a_false_output_or_a_flipped_cell_of_any_kind_is_refused() {
    for fixture in [convolutions(), mixed(), weightless(), sequence()] {
        let key = fixture.verifying();
        let (statement, cells) = false_output(&fixture, 1);
        let proof = forge(&cells, &statement, key.digest(), blinding(&cells), key);
        assert_eq!(verify(key, &statement, &proof), Err(ProofError::Constraints));
        let honest = honest_cells(&fixture);
        for cell in read_cells(fixture.key.plan()) {
            let mut cells = honest.clone();
            *cells.cell_mut(cell) += 1;
            let proof = forge_plainly(&fixture, &cells);
            let name = &fixture.key.bundle().info().name;
            assert_eq!(verify(key, &fixture.statement, &proof), Err(ProofError::Constraints), "{name}: {cell:?}");
        }
    }
}

/// What a key file holds.
type Body = (Vec<u8>, ModelCommitment, [u8; 64], Vec<[u8; 64]>, Vec<[u8; 64]>, Option<Stated>);

/// The key of `fixture` from its file with a changed body.
fn changed_key(fixture: &Fixture, change: &dyn Fn(&mut Body)) -> Result<VerifyingKey, KeyError> {
    let mut body: Body = Container::decode(Kind::VerifyingKey, &fixture.verifying().to_bytes()).unwrap();
    change(&mut body);
    VerifyingKey::from_bytes(&Container::encode(Kind::VerifyingKey, &body))
}

/// A key of another shape has another digest, and the honest proof does not fit it whatever it calls itself.
fn assert_is_another(key: &VerifyingKey, fixture: &Fixture, proof: &Proof) {
    assert_ne!(key.digest(), fixture.verifying().digest());
    assert_eq!(key.model_hash(), fixture.verifying().model_hash());
    let expected = ProofError::Key { expected: key.digest(), got: fixture.verifying().digest() };
    assert_eq!(verifier::proof::verify(key, &fixture.statement, proof), Err(expected));
    let relabelled = Proof { key_digest: key.digest(), ..proof.clone() };
    let refused = verifier::proof::verify(key, &fixture.statement, &relabelled).unwrap_err();
    let named = matches!(refused, ProofError::Read(_) | ProofError::Trailing { .. } | ProofError::Weights);
    assert!(named || refused == ProofError::Constraints, "{refused}");
}

#[test]
fn key_files_with_another_shape_are_refused_or_are_other_keys() {
    let (mut refused, mut others) = (0, 0);
    for fixture in [Fixture::small(), convolutions(), mixed(), weightless(), sequence()] {
        let key = fixture.verifying();
        let honest = key.shape().stated(key.graph()).unwrap();
        let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
        // Without a shape the graph is laid out: the same key.
        let planned = changed_key(&fixture, &|body| body.5 = None).unwrap();
        assert_eq!((planned.digest(), planned.to_bytes()), (key.digest(), key.to_bytes()));
        let mut changes: Vec<Stated> = Vec::new();
        let mut add = |change: &dyn Fn(&mut Stated)| {
            let mut stated = honest.clone();
            change(&mut stated);
            changes.push(stated);
        };
        add(&|stated| stated.weight_columns += 1);
        add(&|stated| stated.tables += 1);
        add(&|stated| stated.tables = 0);
        (0..honest.chain_powers.len()).for_each(|class| add(&|stated| stated.chain_powers[class] += 1));
        (0..honest.chain_powers.len()).for_each(|class| add(&|stated| stated.chain_powers[class] = 0));
        (0..honest.slides.len()).for_each(|class| add(&|stated| stated.slides[class][1] += 1));
        (0..honest.turns.len()).for_each(|class| add(&|stated| stated.turns[class] += 1));
        (0..honest.roles.len()).for_each(|role| add(&|stated| stated.roles[role] ^= true));
        for stated in changes.into_iter().filter(|stated| *stated != honest) {
            match changed_key(&fixture, &|body| body.5 = Some(stated.clone())) {
                Ok(other) => {
                    assert_is_another(&other, &fixture, &proven.proof);
                    others += 1;
                }
                Err(KeyError::Shape(_) | KeyError::Columns { .. } | KeyError::RowCount { .. }) => refused += 1,
                Err(error) => panic!("{stated:?}: {error}"),
            }
        }
    }
    assert!(refused > 100 && others >= 5, "{refused} {others}");
}

/// A shape that leaves a gate out, with the columns that then remain, would let false outputs through. It is another key.
#[test]
fn a_shape_without_a_gate_is_another_key() {
    for fixture in [convolutions(), sequence()] {
        let key = fixture.verifying();
        let roles = key.shape().roles();
        let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
        for role in [Role::Pair, Role::Range, Role::Zero, Role::Output, Role::SharedOutput] {
            let Some(place) = roles.iter().position(|other| *other == role) else { continue };
            // Behind three columns for each table, and those that mark the rows.
            let column = 3 * key.shape().tables() + 3 + place;
            let weaker = changed_key(&fixture, &|body| {
                let stated = body.5.as_mut().unwrap();
                let all: Vec<usize> = (0..stated.roles.len()).filter(|place| stated.roles[*place]).collect();
                stated.roles[all[place]] = false;
                body.3.remove(column);
            });
            match weaker {
                Ok(other) => assert_is_another(&other, &fixture, &proven.proof),
                // H and G are copied in the shared relation alone.
                Err(KeyError::Columns { kind: "permutation", .. }) => assert_eq!(role, Role::SharedOutput),
                Err(error) => panic!("{role:?}: {error}"),
            }
        }
    }
}

#[test]
fn key_files_with_other_columns_are_refused_or_are_other_keys() {
    for fixture in [Fixture::small(), convolutions(), mixed(), weightless(), sequence()] {
        let bytes = fixture.verifying().to_bytes();
        let body: Body = Container::decode(Kind::VerifyingKey, &bytes).unwrap();
        let read = |change: &dyn Fn(&mut Body)| changed_key(&fixture, change);
        let permutation = body.4.len();
        // The instance, two columns of each lane, and where positions share a relation, H and G.
        let shared = if fixture.key.plan().features().shared { 2 } else { 0 };
        assert_eq!(permutation, 2 * fixture.key.plan().lanes() + 1 + shared);
        let refusal = |kind, expected, got| KeyError::Columns { kind, expected, got };
        let error = read(&|body| body.4.truncate(body.4.len() - 1)).unwrap_err();
        assert_eq!(error, refusal("permutation", permutation, permutation - 1));
        let error = read(&|body| body.4.push(body.4[0])).unwrap_err();
        assert_eq!(error, refusal("permutation", permutation, permutation + 1));
        let error = read(&|body| body.4[1] = [0xFF; 64]).unwrap_err();
        assert_eq!(error, refusal("permutation", permutation, 1));
        let fixed = body.3.len();
        let error = read(&|body| body.3.truncate(body.3.len() - 1)).unwrap_err();
        assert_eq!(error, refusal("fixed", fixed, fixed - 1));
        // Points in another order are a key, and another one: its digest says so, and no proof fits it.
        let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
        for swapped in [read(&|body| body.4.swap(0, 1)).unwrap(), read(&|body| body.3.swap(0, 1)).unwrap()] {
            assert_ne!(swapped.digest(), fixture.verifying().digest());
            let relabelled = Proof { key_digest: swapped.digest(), ..proven.proof.clone() };
            assert!(verify(&swapped, &fixture.statement, &relabelled).is_err());
        }
    }
}

/// A circuit of another size, or other lanes, is another key: a proof fits the one that it was made for.
#[test]
fn a_proof_fits_one_layout() {
    let fixture = mixed();
    let bundle = fixture.key.bundle();
    let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
    let Layout { k, rows, lanes } = bundle.graph().layout();
    let other_lanes = if lanes == 1 { 2 } else { 1 };
    for layout in [Layout { k: k + 1, rows, lanes }, Layout { k: k + 3, rows, lanes: other_lanes }] {
        let graph = bundle.graph().clone().with_layout(layout).unwrap();
        let other = Bundle::new(graph, bundle.weights().clone(), bundle.info().clone()).unwrap();
        let other = Fixture::new(Arc::new(other), fixture.statement.input.clone());
        assert_ne!(other.verifying().model_hash(), fixture.verifying().model_hash());
        let expected = ProofError::Key { expected: other.verifying().digest(), got: fixture.verifying().digest() };
        assert_eq!(verify(other.verifying(), &proven.statement, &proven.proof), Err(expected));
        let relabelled = Proof { key_digest: other.verifying().digest(), ..proven.proof.clone() };
        let error = verify(other.verifying(), &proven.statement, &relabelled).unwrap_err();
        // With other columns (lanes, or fewer for a table in more rows) scalars stand where points are read, or the other
        // way round, and bytes are left or missing.
        let columns = |fixture: &Fixture| fixture.verifying().halo2().cs().num_advice_columns();
        assert_ne!(columns(&other), columns(&fixture), "{layout:?}");
        assert!(matches!(error, ProofError::Read(_) | ProofError::Trailing { .. }), "{layout:?}: {error}");
    }
    let small = development(k - 1, &|_, _| {}).unwrap();
    let refused = ProvingKey::derive(Arc::clone(bundle), &small).unwrap_err();
    assert_eq!(refused, ProvingKeyError::SetupSize { expected: k, got: k - 1 });
}

/// Random graphs of all operators, proven; and with an output that is not theirs, refused.
#[test]
fn random_graphs_are_proven() {
    let limits = Limits { quotients_max: 200, shift_max: 6, ..Limits::circuit() };
    let mut proven_graphs = 0;
    for seed in 0.. {
        let model = Model::graph_from_seed(seed, &limits);
        let input = model.input(seed + 2);
        let fixture = fixture("random", model.graph, model.weights, input);
        let proven = prove(&fixture.key, [7; 32], &fixture.values).unwrap();
        let loaded = VerifyingKey::from_bytes(&fixture.verifying().to_bytes()).unwrap();
        verify(&loaded, &fixture.statement, &proven.proof).unwrap();
        let mut values = fixture.statement.output.values().to_vec();
        let range = fixture.key.bundle().graph().output().range;
        if range.count() > 1 {
            values[0] += if values[0] < range.max { 1 } else { -1 };
            let statement = Statement { output: Tensor::vector(values).unwrap(), ..fixture.statement.clone() };
            let mut cells = honest_cells(&fixture);
            cells.instance = statement.instance(fixture.key.bundle().graph()).unwrap();
            let key = fixture.verifying();
            let proof = forge(&cells, &statement, key.digest(), blinding(&cells), key);
            assert_eq!(verify(key, &statement, &proof), Err(ProofError::Constraints), "seed {seed}");
        }
        proven_graphs += 1;
        if proven_graphs == 5 {
            break;
        }
    }
}

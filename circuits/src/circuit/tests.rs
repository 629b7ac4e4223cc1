use std::collections::BTreeSet;

use halo2_proofs::dev::{FailureLocation, MockProver, VerifyFailure};
use halo2_proofs::halo2curves::ff::Field;
use proptest::prelude::*;

use super::*;
use crate::committed::CommittedMatrix;
use crate::layout::choose;
use crate::model::graph::{Activation, Graph, Operator};
use crate::model::random::{Limits, Model};
use crate::model::tensor::Tensor;
use crate::model::weights::Weights;
use crate::model::{fixture, reference};
use crate::statement::Statement;

/// An assignment that tests change cell by cell.
#[derive(Clone, Debug)]
struct Case {
    plan: Arc<Plan>,
    weights: Weights,
    witness: Witness,
    instance: Vec<Fr>,
    /// Added to V, as a prover would that ignores the commitments.
    weight_error: Option<(usize, Fr)>,
}

impl Assignment for Case {
    fn witness(&self) -> &Witness {
        &self.witness
    }

    fn instance(&self) -> &[Fr] {
        &self.instance
    }

    fn combine(&self, r: Fr) -> Vec<(usize, Fr)> {
        let mut column = CommittedMatrix::new(&self.plan, &self.weights).unwrap().combine(r);
        column.extend(self.weight_error);
        column
    }
}

impl Case {
    fn new(graph: Graph, weights: Weights, input: Tensor) -> Self {
        let layout = choose(&graph).unwrap();
        let graph = graph.with_layout(layout).unwrap();
        let plan = Arc::new(Plan::new(&graph).unwrap());
        let trace = reference::run(&graph, &weights, &input).unwrap();
        let output = Tensor::vector(trace.output().to_vec()).unwrap();
        let statement = Statement { context_digest: [0xA5; 32], input, output };
        let witness = Witness::new(&plan, &trace.values).unwrap();
        let instance = statement.instance(&graph).unwrap();
        Self { plan, weights, witness, instance, weight_error: None }
    }

    fn fixture() -> Self {
        Self::new(fixture::graph(), fixture::weights(), Tensor::new(vec![2, 2], vec![9, 3, 14, 1]).unwrap())
    }

    fn with_requantised_output() -> Self {
        let graph = fixture::graph();
        let mut nodes = graph.nodes().to_vec();
        let mut last = nodes[1].clone();
        last.inputs = vec![3];
        if let Operator::Requantise { activation, .. } = &mut last.operator {
            activation.clone_from(&Activation::Identity);
        }
        nodes.push(last);
        let graph = Graph::new(graph.input().clone(), nodes, graph.layout()).unwrap();
        let weights = Weights::new(&graph, fixture::nodes()).unwrap();
        Self::new(graph, weights, Tensor::new(vec![2, 2], vec![9, 3, 14, 1]).unwrap())
    }

    fn single_stage() -> Self {
        let graph = fixture::graph();
        let graph = Graph::new(graph.input().clone(), graph.nodes()[..1].to_vec(), graph.layout()).unwrap();
        let mut nodes = fixture::nodes();
        nodes.remove(&2);
        let weights = Weights::new(&graph, nodes).unwrap();
        Self::new(graph, weights, Tensor::new(vec![2, 2], vec![9, 3, 14, 1]).unwrap())
    }

    /// Names and rows of the constraints that fail.
    fn failures(&self) -> Vec<(String, usize)> {
        let circuit = InferenceCircuit::assigned(Arc::clone(&self.plan), Arc::new(self.clone()));
        let prover = MockProver::run(self.plan.k(), &circuit, vec![self.instance.clone()]).unwrap();
        let failures = prover.verify().err().unwrap_or_default();
        failures.into_iter().map(name_and_row).collect()
    }

    fn failing_names(&self) -> BTreeSet<String> {
        self.failures().into_iter().map(|(name, _)| name).collect()
    }
}

fn name_and_row(failure: VerifyFailure) -> (String, usize) {
    match failure {
        VerifyFailure::ConstraintNotSatisfied { constraint, location, .. } => {
            let row = match location {
                FailureLocation::InRegion { offset, .. } => offset,
                FailureLocation::OutsideRegion { row } => row,
            };
            let text = constraint.to_string();
            let name =
                text.split_once("('").and_then(|(_, rest)| rest.split_once("')")).map(|(name, _)| name.to_owned());
            (name.unwrap_or(text), row)
        }
        other => panic!("unexpected failure {other}"),
    }
}

fn names(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

const DISAGREE: &str = "all stages agree";
const LOOKUP: &str = "lookup sums agree";
const OUTPUT: &str = "output equals instance";

#[test]
fn honest_assignments_satisfy_every_constraint() {
    for case in [Case::fixture(), Case::with_requantised_output(), Case::single_stage()] {
        assert_eq!(case.failures(), [], "{:?}", case.plan.stages());
    }
}

#[test]
fn unusable_rows_are_counted_as_halo2_counts_them() {
    for case in [Case::fixture(), Case::with_requantised_output(), Case::single_stage()] {
        let mut meta = ConstraintSystem::default();
        InferenceCircuit::configure_with_params(&mut meta, Some(Arc::clone(&case.plan)));
        assert_eq!(meta.blinding_factors() as u64 + 1, crate::layout::plan::UNUSABLE_ROWS);
        assert_eq!(meta.degree(), DEGREE);
        let degrees = meta.gates().iter().flat_map(|gate| gate.polynomials().iter().map(|poly| poly.degree()));
        assert_eq!(degrees.max(), Some(DEGREE), "the degree must be reached, or a quotient piece is zero");
    }
}

#[test]
fn data_columns_are_first_phase_and_challenge_columns_second() {
    let mut meta = ConstraintSystem::default();
    let columns = InferenceCircuit::configure_with_params(&mut meta, Some(Case::fixture().plan));
    let phases = meta.advice_column_phase();
    for column in [columns.a, columns.y, columns.multiplicity] {
        assert_eq!(phases[column.index()], 0);
    }
    for column in [columns.weights, columns.chain, columns.horner, columns.sum] {
        assert_eq!(phases[column.index()], 1);
    }
    assert_eq!(phases.len(), 7);
    assert_eq!(meta.challenge_phase(), [0, 0, 0, 0], "every challenge is squeezed after the first phase");
    assert_eq!(columns.weights.index(), 3, "V is the first second-phase column");
}

#[test]
fn every_wrong_instance_value_is_caught() {
    for case in [Case::fixture(), Case::with_requantised_output(), Case::single_stage()] {
        for position in 2..case.instance.len() {
            let mut wrong = case.clone();
            wrong.instance[position] += Fr::ONE;
            let is_output = position >= case.plan.output_row();
            let expected = match (is_output, case.plan.stages().last().unwrap().requantisation.is_some()) {
                (true, true) => names(&[OUTPUT]),
                _ => names(&[DISAGREE]),
            };
            assert_eq!(wrong.failing_names(), expected, "instance {position}");
        }
    }
}

#[test]
fn every_wrong_cell_of_the_trace_is_caught() {
    for case in [Case::fixture(), Case::with_requantised_output()] {
        let contents = FixedContents::new(&case.plan);
        let last = case.plan.usable_rows() - 1;
        let (with_data, idle): (Vec<usize>, Vec<usize>) = (0..last).partition(|row| contents.row(*row).tag != 0);
        for row in with_data.into_iter().chain(idle.into_iter().step_by(191)) {
            for (column, change) in [(0, 1), (1, 1), (2, 1), (0, 1 << 40), (1, 1 << 40)] {
                let mut wrong = case.clone();
                let cells = match column {
                    0 => &mut wrong.witness.a,
                    1 => &mut wrong.witness.y,
                    _ => &mut wrong.witness.multiplicity,
                };
                cells[row] += change;
                let failures = wrong.failing_names();
                assert!(failures.contains(LOOKUP), "row {row}, column {column}: {failures:?}");
            }
        }
    }
}

/// Replaces the tuple of one row by another tuple of the table and keeps the multiplicities right.
fn replace(case: &mut Case, row: usize, a: u64, y: u64) {
    let tag = FixedContents::new(&case.plan).row(row).tag;
    let entry = |a, y| Entry { tag, a, y };
    let old = case.plan.table().position(&entry(case.witness.a[row], case.witness.y[row])).unwrap();
    let new = case.plan.table().position(&entry(a, y)).unwrap();
    case.witness.multiplicity[old] -= 1;
    case.witness.multiplicity[new] += 1;
    (case.witness.a[row], case.witness.y[row]) = (a, y);
}

#[test]
fn another_quotient_or_remainder_of_the_table_is_caught_by_the_linear_relation() {
    for case in [Case::fixture(), Case::with_requantised_output()] {
        let contents = FixedContents::new(&case.plan);
        let mut tried = 0;
        for row in 0..case.plan.usable_rows() {
            let tag = contents.row(row).tag;
            if tag == 0 {
                continue;
            }
            let old = (case.witness.a[row], case.witness.y[row]);
            for entry in case.plan.table().entries().filter(|entry| entry.tag == tag && (entry.a, entry.y) != old) {
                let mut wrong = case.clone();
                replace(&mut wrong, row, entry.a, entry.y);
                let mut expected = names(&[DISAGREE]);
                if contents.row(row).output && entry.y != old.1 {
                    expected.insert(OUTPUT.to_owned());
                }
                tried += 1;
                assert_eq!(wrong.failing_names(), expected, "row {row}: {entry:?}");
                if tried > 60 {
                    return;
                }
            }
        }
        assert!(tried > 0);
    }
}

#[test]
fn a_tuple_of_another_relation_is_caught() {
    let mut case = Case::fixture();
    let row = case.plan.stage_output_row(0);
    // The remainder (3, 0) in the place of a quotient, counted in the remainder's table.
    let remainder_tag = case.plan.table().remainder_tag(2).unwrap();
    let step_tag = FixedContents::new(&case.plan).row(row).tag;
    let old = Entry { tag: step_tag, a: case.witness.a[row], y: case.witness.y[row] };
    let borrowed = Entry { tag: remainder_tag, a: 3, y: 0 };
    let (old, new) = (case.plan.table().position(&old).unwrap(), case.plan.table().position(&borrowed).unwrap());
    case.witness.multiplicity[old] -= 1;
    case.witness.multiplicity[new] += 1;
    (case.witness.a[row], case.witness.y[row]) = (3, 0);
    assert_eq!(case.failing_names(), names(&[DISAGREE, LOOKUP]));
}

#[test]
fn a_wrong_weight_or_weight_column_is_caught() {
    let case = Case::fixture();
    for row in 1..case.plan.output_row() {
        let mut wrong = case.clone();
        wrong.weight_error = Some((row, Fr::from(12345)));
        assert_eq!(wrong.failing_names(), names(&[DISAGREE]), "row {row}");
    }
}

#[test]
fn weights_outside_the_stages_meet_a_zero_operand() {
    let case = Case::fixture();
    let contents = FixedContents::new(&case.plan);
    for row in 0..case.plan.usable_rows() {
        let fixed = contents.row(row);
        let reads = fixed.input || fixed.hidden || fixed.constant != 0;
        let mut wrong = case.clone();
        wrong.weight_error = Some((row, Fr::from(7)));
        if !reads {
            assert_eq!(wrong.failures(), [], "row {row}: V must be without effect there");
        }
    }
}

#[test]
fn exponents_of_all_scalar_equations_differ() {
    let mut depths = BTreeSet::new();
    for seed in 0..24 {
        let case = random_case(seed, 6);
        depths.insert(case.plan.stages().len());
        let mut seen = BTreeSet::new();
        for (stage, description) in case.plan.stages().iter().enumerate() {
            for output in 0..description.outputs {
                let monomial = (case.plan.sigma_exponent(stage), case.plan.committed_row(stage, output));
                assert!(seen.insert(monomial), "stage {stage} output {output} shares {monomial:?}");
            }
        }
        assert_eq!(case.failures(), []);
    }
    assert_eq!(depths, BTreeSet::from([1, 2, 3, 4, 5, 6]));
}

/// The exponents that [`Plan::sigma_exponent`] states are those of the circuit: an error of 1 in stage `l`'s accumulator
/// `i` moves the final sum by exactly `sigma^a r^b`.
#[test]
fn stated_exponents_are_the_circuits() {
    let case = (0..64).map(|seed| random_case(seed, 4)).find(|case| case.plan.stages().len() == 4).unwrap();
    let (r, sigma) = (Fr::from(1_000_003), Fr::from(777_777));
    let power = |base: Fr, exponent: usize| base.pow_vartime([exponent as u64]);
    let end = |case: &Case| {
        let circuit = InferenceCircuit::blank(Arc::clone(&case.plan));
        let weights = circuit.weights_column(case, r);
        let (chain, _) = circuit.chains(case, &weights, r, sigma);
        *chain.last().unwrap()
    };
    assert_eq!(end(&case), Fr::ZERO);
    for (stage, description) in case.plan.stages().iter().enumerate() {
        for output in 0..description.outputs {
            let mut wrong = case.clone();
            let row = case.plan.stage_output_row(stage) + output;
            if description.requantisation.is_some() {
                wrong.witness.a[row + case.plan.remainder_offset()] += 1;
            } else {
                wrong.instance[row] += Fr::ONE;
            }
            let expected =
                power(sigma, case.plan.sigma_exponent(stage)) * power(r, case.plan.committed_row(stage, output));
            assert_eq!(end(&wrong), -expected, "stage {stage}, output {output}");
        }
    }
}

/// Freivalds' check with a challenge known beforehand accepts a false output: errors `1` and `-r` in neighbouring outputs
/// cancel for that r, and for no other.
#[test]
fn a_frozen_challenge_lets_a_false_output_through() {
    let case = Case::fixture();
    let frozen = Fr::from(3);
    let mut wrong = case.clone();
    let outputs = case.plan.output_row();
    // The first output carries r, the second 1.
    wrong.instance[outputs] += Fr::ONE;
    wrong.instance[outputs + 1] -= frozen;
    let end = |r: Fr| {
        let circuit = InferenceCircuit::blank(Arc::clone(&wrong.plan));
        let weights = circuit.weights_column(&wrong, r);
        *circuit.chains(&wrong, &weights, r, Fr::from(11)).0.last().unwrap()
    };
    assert_eq!(end(frozen), Fr::ZERO);
    assert_ne!(end(Fr::from(4)), Fr::ZERO);
    assert_eq!(wrong.failing_names(), names(&[DISAGREE]), "the mock prover's challenges come after the instance");
}

fn random_case(seed: u64, layers_max: u64) -> Case {
    let limits = Limits { layers_max, ..Limits::circuit() };
    let model = Model::from_seed(seed, &limits);
    let input = model.input(2 + seed);
    Case::new(model.graph, model.weights, input)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn random_networks_satisfy_and_one_flipped_cell_does_not(seed in any::<u64>(), position in any::<u32>(), change in 1u64..1000) {
        let case = random_case(seed, 3);
        prop_assert_eq!(case.failures(), []);
        let outputs = case.plan.stages().last().unwrap().outputs;
        let mut wrong = case.clone();
        let cell = case.plan.output_row() + position as usize % outputs;
        wrong.instance[cell] += Fr::from(change);
        prop_assert!(!wrong.failures().is_empty());
    }

    #[test]
    fn the_combination_is_the_sum_of_the_rows(seed in any::<u64>(), r in any::<u64>()) {
        let case = random_case(seed, 3);
        let matrix = CommittedMatrix::new(&case.plan, &case.weights).unwrap();
        let r = Fr::from(r);
        let mut expected = vec![Fr::ZERO; case.plan.usable_rows()];
        for exponent in 0..matrix.rows() {
            for (row, value) in matrix.row(exponent) {
                expected[row] += signed(value) * r.pow_vartime([exponent as u64]);
            }
        }
        let mut got = vec![Fr::ZERO; case.plan.usable_rows()];
        for (row, value) in matrix.combine(r) {
            got[row] += value;
        }
        prop_assert_eq!(got, expected);
    }
}

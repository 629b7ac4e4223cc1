//! Sequences with positions side by side: an encoder's layer, whole and with every cell of it changed.

use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::case::{Case, names};
use crate::layout::choose;
use crate::layout::tape::{Chain, Guest, Power, WeightPlace};
use crate::model::formula::{Formula, Real, Step};
use crate::model::graph::{Activation, Graph, Input, Layout, Node, Operator};
use crate::model::range::Range;
use crate::model::tensor::Tensor;
use crate::model::weights::{LinearWeights, Weights};

/// What a false relation of accumulators and operands is called.
const SHARED: &str = "shared sums agree";

const HEADS: u32 = 2;
const WIDTH: u32 = 6;
const HEAD: u32 = WIDTH / HEADS;

fn range(min: i64, max: i64) -> Range {
    Range { min, max }
}

fn requantise(shift: u8, most: i64) -> Operator {
    Operator::Requantise { shift, clamp: range(-most, most), activation: Activation::Identity }
}

fn function(steps: Vec<Step>, exponents: [i8; 2], clamp: Range, most: i64) -> Operator {
    let [input_exponent, output_exponent] = exponents;
    let formula = Formula { steps, input_exponent, output_exponent, results: range(0, most) };
    Operator::Requantise { shift: 0, clamp, activation: Activation::Formula(formula) }
}

/// Nodes and the values they read, with the weights of those that have some.
#[derive(Default)]
struct Layer {
    nodes: Vec<Node>,
    weights: BTreeMap<usize, LinearWeights>,
}

impl Layer {
    fn push(&mut self, operator: Operator, inputs: &[u32]) -> u32 {
        self.nodes.push(Node { operator, inputs: inputs.to_vec() });
        self.nodes.len() as u32
    }

    fn dense(&mut self, input: u32, inputs: u32, outputs: u32) -> u32 {
        let seed = self.nodes.len() as i32;
        let matrix = (0..(outputs * inputs) as i32).map(|place| (place * (7 + seed) + 3) % 11 - 5).collect();
        let bias = (0..i64::from(outputs)).map(|output| output * 5 - 7).collect();
        self.weights.insert(self.nodes.len(), LinearWeights::new(outputs, inputs, matrix, bias).unwrap());
        let accumulator = range(-9000, 9000);
        let accumulated = self.push(Operator::Dense { inputs, outputs, accumulator }, &[input]);
        self.push(requantise(4, 40), &[accumulated])
    }

    fn strided(&mut self, input: u32, shape: &[u32], strides: &[i32]) -> u32 {
        self.push(Operator::Strided { offset: 0, shape: shape.to_vec(), strides: strides.to_vec() }, &[input])
    }

    /// Attention, its sum with what it read, and a norm without centring.
    fn encoder(&mut self, positions: u32) -> u32 {
        let (row, head) = (WIDTH as i32, HEAD as i32);
        let [q, k, v] = [0, 1, 2].map(|_| self.dense(0, WIDTH, WIDTH));
        let q = self.strided(q, &[HEADS, positions, HEAD], &[head, row, 1]);
        let k = self.strided(k, &[HEADS, HEAD, positions], &[head, 1, row]);
        let v = self.strided(v, &[HEADS, positions, HEAD], &[head, row, 1]);
        let scores = self.push(Operator::MatrixMultiply, &[q, k]);
        let scores = self.push(requantise(6, 100), &[scores]);
        let exponential = vec![Step::Variable, Step::Exponential];
        let weights = self.push(function(exponential, [5, 6], range(-100, 100), 1500), &[scores]);
        let sums = self.push(Operator::Sum, &[weights]);
        let reciprocal = vec![Step::Constant(Real::new(1.0).unwrap()), Step::Variable, Step::Divide];
        let shares = self.push(function(reciprocal, [6, 10], range(0, 4 * 1500), 4000), &[sums]);
        let shares = self.strided(shares, &[HEADS, positions, positions], &[positions as i32, 1, 0]);
        let shares = self.push(Operator::Multiply, &[weights, shares]);
        let shares = self.push(requantise(10, 64), &[shares]);
        let context = self.push(Operator::MatrixMultiply, &[shares, v]);
        let context = self.push(requantise(6, 40), &[context]);
        let context = self.strided(context, &[positions, HEADS, HEAD], &[head, positions as i32 * head, 1]);
        let context = self.push(Operator::Reshape { shape: vec![positions, WIDTH] }, &[context]);
        let both = self.push(Operator::Concatenate { axis: 1 }, &[context, 0]);
        let sum = self.dense(both, 2 * WIDTH, WIDTH);
        let across = self.push(Operator::Reshape { shape: vec![positions, 1, WIDTH] }, &[sum]);
        let along = self.push(Operator::Reshape { shape: vec![positions, WIDTH, 1] }, &[sum]);
        let squares = self.push(Operator::MatrixMultiply, &[across, along]);
        let root = vec![Step::Constant(Real::new(1.0).unwrap()), Step::Variable, Step::SquareRoot, Step::Divide];
        let scale = self.push(function(root, [0, 8], range(1, 9600), 256), &[squares]);
        let scale = self.strided(scale, &[positions, WIDTH], &[1, 0]);
        let scaled = self.push(Operator::Multiply, &[sum, scale]);
        self.push(requantise(4, 100), &[scaled])
    }
}

pub(super) fn case(positions: u32, lanes: u32, rows: Option<u32>) -> Case {
    let mut layer = Layer::default();
    layer.encoder(positions);
    let input = Input { shape: vec![positions, WIDTH], range: range(-40, 40) };
    let graph = Graph::new(input, layer.nodes, Layout { k: 10, rows: 0, lanes }).unwrap().with_positions(true);
    let weights = Weights::new(&graph, layer.weights).unwrap();
    let count = i64::from(positions * WIDTH);
    let values = (0..count).map(|value| (value * 29) % 79 - 39).collect();
    let input = Tensor::new(vec![positions, WIDTH], values).unwrap();
    let chosen = choose(&graph).unwrap();
    let layout = Layout { lanes, k: chosen.k.max(11), rows: rows.unwrap_or(chosen.rows) };
    Case::with_layout(graph, weights, input, layout)
}

#[test]
fn a_layer_is_admitted_whatever_the_lanes() {
    for (positions, lanes, rows) in
        [(4, 4, None), (4, 4, Some(4)), (4, 3, None), (4, 2, None), (4, 5, None), (3, 3, Some(1)), (5, 4, None)]
    {
        let case = case(positions, lanes, rows);
        assert_eq!(case.failures(), [], "{positions} positions, {lanes} lanes, {rows:?} rows");
    }
}

/// Channels of a full row are combined where they lie.
#[test]
fn full_rows_are_read_in_place() {
    let case = case(4, 4, None);
    let rows = case.plan.tape().rows();
    let formed = |wanted: fn(&Chain) -> bool| rows.iter().filter(|row| row.chain.as_ref().is_some_and(wanted)).count();
    // q, k, shares and context lie where they were computed: 4 * 6 rows; the sum's squares: 6.
    assert_eq!(formed(|chain| matches!(chain, Chain::Result(_))), 6 + 6 + 8 + 6);
    assert_eq!(formed(|chain| matches!(chain, Chain::Square(_))), 6);
    // The input, whose rows are copies; the ones of the biases; v along the other side.
    assert_eq!(formed(|chain| matches!(chain, Chain::Start(_))), 6 + 1 + 8);
    let guests = |wanted| rows.iter().filter(|row| row.guest == Some(wanted)).count();
    assert_eq!(guests(Guest::Weighted), 3 * 7 + 13);
    assert_eq!(guests(Guest::Pair), 2 * 3 + 2 * 4);
    assert_eq!(guests(Guest::Alone), 6);
    assert_eq!(case.plan.tape().chain_powers(), [Power::Position, Power::Row(1)]);
}

#[test]
fn every_cell_that_is_read_is_bound() {
    for (positions, lanes) in [(4, 4), (3, 2), (3, 4)] {
        let honest = case(positions, lanes, None);
        let mut changed = 0;
        // A prime step, so that all columns and kinds of rows have their turn.
        for (row, lane, slot) in honest.positions().step_by(7) {
            let Some(true) = honest.reads(row, lane, slot) else { continue };
            let mut other = honest.clone();
            *other.cell_mut(row, lane, slot) += 1;
            assert_ne!(other.failures(), [], "row {row}, lane {lane}, {slot:?}");
            changed += 1;
        }
        assert!(changed > 70, "{changed}");
    }
}

/// A neighbouring quotient or remainder is in the table as well; only the shared relation tells them apart.
#[test]
fn another_accumulator_is_caught_by_the_shared_relation() {
    use crate::layout::tape::Slot;
    let honest = case(4, 4, None);
    let rows = honest.plan.tape().rows().to_vec();
    let outputs = rows.iter().enumerate().filter(|(_, row)| row.shared_output && row.range != 0);
    let mut tried = 0;
    for (row, stated) in outputs {
        for lane in 0..4 {
            let mut other = honest.clone();
            let remainder = other.cell_mut(row, lane, Slot::C);
            let before = *remainder;
            *remainder = if before == 0 { 1 } else { before - 1 };
            let after = *remainder;
            let table = honest.plan.table();
            let [from, to] = [before, after].map(|value| table.position(stated.range, value).unwrap());
            other.witness.multiplicities[from] -= 1;
            other.witness.multiplicities[to] += 1;
            assert_eq!(other.failing_names(), names(&[SHARED]), "row {row}, lane {lane}");
            tried += 1;
        }
    }
    // q, k, v, scores, context and the sum; the squares are not divided.
    assert_eq!(tried, 4 * (3 * 6 + 8 + 6 + 6));
}

#[test]
fn a_wrong_weight_is_caught_and_other_weights_meet_nothing() {
    let honest = case(4, 4, Some(4));
    let met: BTreeSet<usize> = honest.plan.blocks().iter().flat_map(|block| &block.places).map(|place| place.row).collect();
    let biases: BTreeSet<usize> = honest.plan.blocks().iter().map(|block| block.bias_row).collect();
    assert_eq!(met.len() + biases.len(), 2 * (3 * 7 + 13), "no two weights share a row");
    let mut caught = 0;
    for row in 0..honest.plan.tape().rows().len() {
        let mut other = honest.clone();
        other.weight_error = Some((WeightPlace { column: 0, row }, Fr::ONE));
        let failing = other.failing_names();
        if met.contains(&row) || biases.contains(&row) {
            caught += usize::from(failing == names(&[SHARED]));
        } else {
            assert_eq!(failing, names(&[]), "row {row}");
        }
    }
    // A channel that is zero at every position meets any weight.
    assert!(caught > 60, "{caught}");
}

//! Sequences with positions side by side: an encoder's layer, whole and with every cell of it changed.

use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

use super::case::{Case, names};
use crate::layout::choose;
use crate::layout::share::shares;
use crate::layout::tape::{Chain, Guest, Power, Slot, WeightPlace};
use crate::model::graph::{Activation, Graph, Input, Layout, Node, Operator};
use crate::model::random::Encoder;
use crate::model::range::Range;
use crate::model::tensor::Tensor;
use crate::model::weights::{LinearWeights, Weights};

/// What a false relation of accumulators and operands is called.
const SHARED: &str = "shared sums agree";

pub(super) fn case(positions: u32, lanes: u32, rows: Option<u32>, vocabulary: u32) -> Case {
    let model = Encoder { vocabulary, ..Encoder::small(positions) }.model(1);
    let chosen = choose(&model.graph).unwrap();
    let layout = Layout { lanes, k: chosen.k.max(12), rows: rows.unwrap_or(chosen.rows) };
    let input = model.input(3);
    Case::with_layout(model.graph, model.weights, input, layout)
}

#[test]
fn a_layer_is_admitted_whatever_the_lanes() {
    for (positions, lanes, rows) in
        [(4, 4, None), (4, 4, Some(4)), (4, 3, None), (4, 2, None), (4, 5, None), (3, 3, Some(1)), (5, 4, None)]
    {
        for vocabulary in [0, 11] {
            let case = case(positions, lanes, rows, vocabulary);
            assert_eq!(case.failures(), [], "{positions} positions, {lanes} lanes, {rows:?} rows, {vocabulary} tokens");
        }
    }
}

/// Channels of a full row are combined where they lie.
#[test]
fn full_rows_are_read_in_place() {
    let case = case(4, 4, None, 0);
    let rows = case.plan.tape().rows();
    let formed = |wanted: fn(&Chain) -> bool| rows.iter().filter(|row| row.chain.as_ref().is_some_and(wanted)).count();
    // q, k, the heads' shares, context, the first norm and the hidden layer; and the squares of both norms.
    assert_eq!(formed(|chain| matches!(chain, Chain::Result(_))), 6 + 6 + 8 + 6 + 6 + 9);
    assert_eq!(formed(|chain| matches!(chain, Chain::Square(_))), 6 + 6);
    // The input, whose rows are copies; the ones of the biases; v along the other side.
    assert_eq!(formed(|chain| matches!(chain, Chain::Start(_))), 6 + 1 + 8);
    let guests = |wanted| rows.iter().filter(|row| row.guest == Some(wanted)).count();
    assert_eq!(guests(Guest::Weighted), 3 * 7 + 13 + 7 + 16);
    assert_eq!(guests(Guest::Pair), 2 * 3 + 2 * 4);
    assert_eq!(guests(Guest::Alone), 6 + 6);
    assert_eq!(case.plan.tape().chain_powers(), [Power::Position, Power::Row(1)]);
}

#[test]
fn every_cell_that_is_read_is_bound() {
    for (positions, lanes) in [(4, 4), (3, 2), (3, 4)] {
        let honest = case(positions, lanes, None, 11);
        let mut changed = 0;
        // A prime step, so that all columns and kinds of rows have their turn.
        for (row, lane, slot) in honest.positions().step_by(23) {
            let Some(true) = honest.reads(row, lane, slot) else { continue };
            let mut other = honest.clone();
            *other.cell_mut(row, lane, slot) += 1;
            assert_ne!(other.failures(), [], "row {row}, lane {lane}, {slot:?}");
            changed += 1;
        }
        assert!(changed > 20, "{changed}");
    }
}

/// What a column that no index chooses is called.
const ENTRY: &str = "entry sums agree";

/// A column of the table belongs to its index alone, and is counted once for each use.
#[test]
fn another_column_of_the_table_is_caught() {
    let honest = case(4, 4, Some(4), 11);
    let rows = honest.plan.tape().rows();
    let looks: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].look).collect();
    // Six channels in blocks of four.
    assert_eq!(looks.len(), 4 * 2);
    let entries: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].entry != 0).collect();
    assert_eq!(entries.len(), 11 * 2);
    let used: Vec<usize> = entries.iter().copied().filter(|row| honest.witness.uses[*row] != 0).collect();
    assert!(!used.is_empty() && used.len() < entries.len());
    for look in looks {
        let mut other = honest.clone();
        *other.cell_mut(look, 0, Slot::A) += 1;
        let failing = other.failing_names();
        assert!(failing.contains(ENTRY), "row {look}: {failing:?}");
        // A cell of the column.
        let mut other = honest.clone();
        *other.cell_mut(look - 1, 0, Slot::A) += 1;
        let failing = other.failing_names();
        assert!(failing.contains(ENTRY), "row {look}: {failing:?}");
    }
    for row in entries {
        let mut other = honest.clone();
        other.witness.uses[row] += 1;
        assert_eq!(other.failing_names(), names(&[ENTRY]), "row {row}");
        let mut other = honest.clone();
        other.weight_error = Some((WeightPlace { column: 0, row }, Fr::ONE));
        let expected = if used.contains(&row) { names(&[ENTRY]) } else { names(&[]) };
        assert_eq!(other.failing_names(), expected, "row {row}");
    }
    // Counting an entry that is none changes nothing.
    let mut other = honest.clone();
    let none = (0..rows.len()).find(|row| rows[*row].entry == 0).unwrap();
    other.witness.uses[none] += 1;
    assert_eq!(other.failures(), []);
}

/// A neighbouring quotient or remainder is in the table as well; only the shared relation tells them apart.
#[test]
fn another_accumulator_is_caught_by_the_shared_relation() {
    let honest = case(4, 4, None, 0);
    let rows = honest.plan.tape().rows().iter().copied().collect::<Vec<_>>();
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
    // q, k, v, scores, context, the first sum and its squares, the hidden layer, the second sum and its squares.
    assert_eq!(tried, 4 * (3 * 6 + 8 + 6 + 6 + 1 + 9 + 6 + 1));
}

#[test]
fn a_wrong_weight_is_caught_and_other_weights_meet_nothing() {
    let honest = case(4, 4, Some(4), 0);
    let met: BTreeSet<usize> =
        honest.plan.blocks().iter().flat_map(|block| &block.places).map(|place| place.row).collect();
    let biases: BTreeSet<usize> = honest.plan.blocks().iter().map(|block| block.bias_row).collect();
    assert_eq!(met.len() + biases.len(), 2 * (3 * 7 + 13 + 16) + 3 * 7, "no two weights share a row");
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
    assert!(caught > 105, "{caught}");
}

/// Requantisations of one kind share a table only if it takes the quotients of all of them.
#[test]
fn intervals_that_no_table_takes_together_keep_tables_of_their_own() {
    let range = |min, max| Range { min, max };
    let dense = |accumulator| Operator::Dense { inputs: 3, outputs: 2, accumulator };
    let narrow = Operator::Requantise { shift: 2, clamp: range(-40, 40), activation: Activation::Identity };
    let operators = [
        (dense(range(-60_000, 400)), 0),
        (narrow.clone(), 1),
        (dense(range(-400, 60_000)), 0),
        (narrow, 3),
        (Operator::Maximum, 2),
    ];
    let mut nodes: Vec<Node> =
        operators.into_iter().map(|(operator, input)| Node { operator, inputs: vec![input] }).collect();
    nodes[4].inputs = vec![2, 4];
    let input = Input { shape: vec![4, 3], range: range(-9, 9) };
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 0, lanes: 1 }).unwrap().with_positions(true);
    let weights = |sign: i32| LinearWeights::new(2, 3, vec![sign, 2, -3, 4, 1, sign], vec![7, -9]).unwrap();
    let weights = Weights::new(&graph, [(0, weights(1)), (2, weights(-1))].into()).unwrap();
    let layout = choose(&graph).unwrap();
    let input = Tensor::new(vec![4, 3], (0..12).map(|place| place * 7 % 19 - 9).collect()).unwrap();
    let case = Case::with_layout(graph, weights, input, layout);
    let functions = case.plan.table().relations().iter().filter(|relation| relation.length() > 10_000).count();
    assert_eq!((functions, case.failures()), (2, vec![]));
}

/// Rows of a round of a tournament among the eight channels of three positions, in four lanes.
fn round_rows(before_dense: bool) -> usize {
    let range = |min, max| Range { min, max };
    let half = |offset| Operator::Strided { offset, shape: vec![3, 4], strides: vec![8, 1] };
    let dense = |inputs, outputs, accumulator| Operator::Dense { inputs, outputs, accumulator };
    let mut nodes = vec![
        Node { operator: dense(2, 8, range(-90, 90)), inputs: vec![0] },
        Node { operator: half(0), inputs: vec![1] },
        Node { operator: half(4), inputs: vec![1] },
        Node { operator: Operator::Maximum, inputs: vec![2, 3] },
    ];
    let first = (0..16).map(|place| place * 5 % 11 - 5).collect();
    let mut weights = BTreeMap::from([(0, LinearWeights::new(8, 2, first, vec![0; 8]).unwrap())]);
    if before_dense {
        nodes.push(Node { operator: dense(4, 1, range(-360, 360)), inputs: vec![4] });
        weights.insert(4, LinearWeights::new(1, 4, vec![1, -1, 1, 1], vec![0]).unwrap());
    }
    let input = Input { shape: vec![3, 2], range: range(-9, 9) };
    let layout = Layout { k: 12, rows: 8, lanes: 4 };
    let graph = Graph::new(input, nodes, layout).unwrap().with_positions(true);
    let weights = Weights::new(&graph, weights).unwrap();
    let input = Tensor::new(vec![3, 2], vec![4, -7, 9, 0, -2, 5]).unwrap();
    let case = Case::with_layout(graph, weights, input, layout);
    assert_eq!(case.failures(), []);
    let shares = shares(case.plan.graph()).unwrap();
    shares.iter().find(|share| share.name == "maximum").unwrap().rows
}

/// Before a dense operator elements stay in their positions' lanes, which leaves every fourth lane empty here: it finds them there.
/// Behind the last one nothing looks for them, and they go into all lanes.
#[test]
fn elements_behind_the_last_dense_operator_fill_all_lanes() {
    // Twelve maxima of four rows each, three or four of them side by side.
    assert_eq!((round_rows(true), round_rows(false)), (4 * 4, 3 * 4));
}

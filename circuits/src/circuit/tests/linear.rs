//! The relation between accumulators, operands and committed weights.

use std::collections::{BTreeMap, BTreeSet};

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use proptest::prelude::*;

use super::case::{Case, STRETCH, names};
use crate::committed::CommittedMatrix;
use crate::layout::lower::row_degree;
use crate::layout::tape::{Power, Slot, WeightPlace};
use crate::layout::{Plan, choose};
use crate::model::graph::Layout;
use crate::model::random::{Limits, Model};
use crate::model::weights::{LinearWeights, Weights};
use crate::model::{fixture, tensor::Tensor};

fn case() -> Case {
    Case::new(fixture::graph(), fixture::weights(), Tensor::new(vec![2, 2], vec![9, 3, 14, 1]).unwrap())
}

/// A neighbouring quotient or remainder is in the table as well; only the product with the weights tells them apart.
#[test]
fn another_tuple_of_the_table_is_caught_by_the_weights() {
    let honest = case();
    let rows = honest.plan.tape().rows().iter().copied().collect::<Vec<_>>();
    for (row, stated) in rows.iter().enumerate().filter(|(_, row)| row.output && row.range != 0) {
        let mut other = honest.clone();
        let remainder = other.cell_mut(row, 0, Slot::C);
        let before = *remainder;
        *remainder = if before == 0 { 1 } else { before - 1 };
        let after = *remainder;
        let table = honest.plan.table();
        let [from, to] = [before, after].map(|value| table.position(stated.range, value).unwrap());
        other.witness.multiplicities[from] -= 1;
        other.witness.multiplicities[to] += 1;
        assert_eq!(other.failing_names(), names(&[STRETCH]), "row {row}");
    }
}

#[test]
fn a_wrong_weight_or_weight_column_is_caught() {
    let mut other = case();
    let mut nodes = fixture::nodes();
    let mut weights = nodes[&0].weights().to_vec();
    weights[1] += 1;
    nodes.insert(0, LinearWeights::new(3, 4, weights, nodes[&0].bias().to_vec()).unwrap());
    other.weights = Weights::new(other.plan.graph(), nodes).unwrap();
    assert_eq!(other.failing_names(), names(&[STRETCH]));
    let mut other = case();
    for place in other.plan.blocks()[0].places.clone() {
        other.weight_error = Some((place, Fr::one()));
        assert_eq!(other.failing_names(), names(&[STRETCH]), "{place:?}");
    }
}

/// An unaudited row of B may hold anything anywhere; off the operands it meets nothing.
#[test]
fn weights_outside_the_operands_meet_nothing() {
    let case = case();
    for (row, _) in case.plan.tape().rows().iter().enumerate().filter(|(_, row)| !row.operand && !row.chain_operand) {
        for column in 0..case.plan.weight_columns() {
            let mut other = case.clone();
            // V is overwritten in this place alone.
            other.weight_error = Some((WeightPlace { column, row }, Fr::from(77)));
            assert_eq!(other.failures(), [], "row {row}");
        }
    }
}

/// Two stretches never share an operand's row, and each accumulator of a stretch has its own power of r.
#[test]
fn exponents_of_all_scalar_equations_differ() {
    let (mut blocks, mut columns) = (0, 0);
    for seed in 0..60 {
        let model = Model::graph_from_seed(seed, &Limits::circuit());
        let Ok(layout) = choose(&model.graph) else { continue };
        for (rows, lanes) in [(layout.rows, layout.lanes), (layout.rows.min(2), layout.lanes), (layout.rows, 3)] {
            let graph = model.graph.clone().with_layout(Layout { rows, lanes, k: 14 }).unwrap();
            let Ok(plan) = Plan::new(&graph) else { continue };
            let mut places: BTreeMap<WeightPlace, usize> = BTreeMap::new();
            for block in plan.blocks() {
                blocks += 1;
                columns = columns.max(plan.weight_columns());
                for place in block.places.iter().chain([&WeightPlace { column: 0, row: block.bias_row }]) {
                    *places.entry(*place).or_default() += 1;
                    let stated = plan.tape().rows()[place.row];
                    let has_column = stated.operand && place.column < plan.weight_columns();
                    assert!(
                        has_column || (stated.chain_operand && place.column == 0),
                        "seed {seed}, {place:?}: {stated:?}"
                    );
                }
                assert!(block.outputs <= plan.rows());
            }
            assert!(places.values().all(|count| *count == 1), "seed {seed}");
            // Nothing else meets V.
            let meeting = plan.tape().rows().iter().enumerate();
            let meeting = meeting.filter(|(_, stated)| stated.operand || stated.chain_operand).map(|(row, _)| row);
            let rows: BTreeSet<usize> = places.into_keys().map(|place| place.row).collect();
            assert!(meeting.eq(rows), "seed {seed}");
            // Horner's rule: row i of a stretch's s output rows carries r^(lanes (s - 1 - i)) in lane 0, and the exponent's
            // remainder by n outputs is the output; n exceeds every exponent that the block's rows of weights carry.
            let mut run = 0;
            for stated in plan.tape().rows().iter() {
                run = if stated.bound { 0 } else { run } + usize::from(stated.output);
                assert!(run * plan.lanes() <= row_degree(plan.graph()) as usize);
            }
            let widths: Vec<usize> = plan.blocks().iter().map(|block| block.outputs).collect();
            let powers = plan.tape().chain_powers();
            let steps = plan.tape().slides().iter().map(|(step, _)| Power::Row(*step));
            let widths: Vec<Power> = widths.into_iter().map(Power::Row).collect();
            assert!(powers.iter().copied().chain(steps).all(|step| widths.contains(&step)), "seed {seed}");
        }
    }
    assert!(blocks > 60 && columns == 3, "{blocks} {columns}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_combination_is_the_sum_of_the_rows(seed in any::<u64>(), r in any::<u64>(), lanes in 1u32..5) {
        let model = Model::from_seed(seed, &Limits::circuit());
        let layout = Layout { lanes, ..choose(&model.graph).unwrap() };
        let Ok(plan) = Plan::new(&model.graph.clone().with_layout(Layout { k: 14, ..layout }).unwrap()) else {
            return Ok(());
        };
        let matrix = CommittedMatrix::new(&plan, &model.weights).unwrap();
        let (r, columns) = (Fr::from(r), plan.weight_columns());
        prop_assert_eq!(matrix.rows(), plan.committed_rows());
        let mut expected: BTreeMap<WeightPlace, Fr> = BTreeMap::new();
        for index in 0..matrix.rows() {
            for (row, weight) in matrix.row(index) {
                let term = crate::gadgets::columns::signed(weight) * r.pow_vartime([(index / columns) as u64]);
                *expected.entry(WeightPlace { column: index % columns, row }).or_default() += term;
            }
        }
        let mut combined = BTreeMap::new();
        for (place, value) in matrix.combine(r) {
            prop_assert!(combined.insert(place, value).is_none());
        }
        prop_assert_eq!(combined, expected);
    }
}

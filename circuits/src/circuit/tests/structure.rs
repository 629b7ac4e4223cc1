//! The shape of the constraint system.

use std::collections::BTreeSet;

use halo2_proofs::plonk::ConstraintSystem;

use super::case::Case;
use super::operators::cases;
use crate::circuit::{DEGREE, InferenceCircuit};
use crate::layout::choose;
use crate::layout::tape::Place;
use crate::model::random::{Limits, Model};
use crate::model::{fixture, tensor::Tensor};

fn fixture_case() -> Case {
    Case::new(fixture::graph(), fixture::weights(), Tensor::new(vec![2, 2], vec![9, 3, 14, 1]).unwrap())
}

#[test]
fn unusable_rows_are_counted_as_halo2_counts_them() {
    let case = fixture_case();
    let mut meta = ConstraintSystem::default();
    InferenceCircuit::configure_shape(&mut meta, case.plan.shape());
    assert_eq!(meta.blinding_factors() as u64 + 1, crate::layout::plan::UNUSABLE_ROWS);
    assert_eq!(meta.degree(), DEGREE);
    // The permutation's, if no gate's, is reached in every circuit: its products take in three columns.
    let degrees = meta.gates().iter().flat_map(|gate| gate.polynomials().iter().map(|poly| poly.degree()));
    assert!(degrees.max().is_some_and(|degree| degree <= DEGREE));
}

#[test]
fn data_columns_are_first_phase_and_challenge_columns_second() {
    let case = fixture_case();
    let mut meta = ConstraintSystem::default();
    let columns = InferenceCircuit::configure_shape(&mut meta, case.plan.shape());
    let phases = meta.advice_column_phase();
    let lookup = columns.lookup.unwrap();
    let linear = columns.linear.unwrap();
    let data = columns.lanes.iter().flatten().chain(&lookup.multiplicities).map(|column| column.index());
    let data: BTreeSet<usize> = data.collect();
    let first = linear.weights[0].index();
    let later = linear.weights.into_iter().chain([linear.sum]).chain(linear.chain).chain(lookup.sums);
    let later: BTreeSet<usize> = later.map(|column| column.index()).collect();
    assert!(data.iter().all(|column| phases[*column] == 0));
    assert!(later.iter().all(|column| phases[*column] == 1));
    assert_eq!(data.len() + later.len(), phases.len());
    assert_eq!(later.first(), Some(&first), "V is the first second-phase column");
}

/// No cell is the target of two copies, so that every copy constrains what it says.
#[test]
fn every_cell_has_one_origin() {
    for seed in 0..40 {
        let model = Model::graph_from_seed(seed, &Limits::circuit());
        let Ok(layout) = choose(&model.graph) else { continue };
        let plan = crate::layout::Plan::new(&model.graph.with_layout(layout).unwrap()).unwrap();
        let mut seen = BTreeSet::new();
        for (_, to) in plan.copies().unwrap() {
            assert!(matches!(to, Place::Instance(_)) || seen.insert(*to), "seed {seed}: {to:?}");
        }
        let last = plan.usable_rows() - 1;
        assert!(plan.tape().rows().len() <= last, "a rotation steps onto the last usable row at most");
    }
}

#[test]
fn tuples_by_position_are_the_tables() {
    for (name, case) in cases(2) {
        let table = case.plan.table();
        let entries: Vec<_> = table.entries().collect();
        let count = usize::try_from(table.length()).unwrap();
        assert_eq!(entries.len(), count, "{name}");
        assert!((0..count).map(|position| table.entry(position)).eq(entries.into_iter().map(Some)), "{name}");
        assert_eq!(table.entry(count), None, "{name}");
    }
}

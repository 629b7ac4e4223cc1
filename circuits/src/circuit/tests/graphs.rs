//! Random graphs of all operators: honest runs satisfy their circuits, and a changed cell does not.

use proptest::prelude::*;

use super::case::{ARITHMETIC, COPY, Case, LOOKUP, STRETCH, names};
use crate::layout::choose;
use crate::model::random::{Limits, Model};

/// A graph that has a layout, its weights, and an input.
fn case(seed: u64) -> Option<Case> {
    let model = Model::graph_from_seed(seed, &Limits::circuit());
    choose(&model.graph).ok()?;
    let input = model.input(seed);
    Some(Case::new(model.graph, model.weights, input))
}

#[test]
fn random_networks_satisfy_their_circuits() {
    for seed in 0..40 {
        let model = Model::from_seed(seed, &Limits::circuit());
        let input = model.input(seed);
        let case = Case::new(model.graph, model.weights, input);
        assert_eq!(case.failures(), [], "seed {seed}");
    }
}

#[test]
fn random_graphs_satisfy_their_circuits() {
    let cases: Vec<(u64, Case)> = (0..60).filter_map(|seed| Some((seed, case(seed)?))).collect();
    assert!(cases.len() > 50, "{}", cases.len());
    for (seed, case) in cases {
        assert_eq!(case.failures(), [], "seed {seed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_changed_cell_of_a_random_graph_is_caught(seed in any::<u64>(), position in any::<usize>(), change in 1i64..1000) {
        let case = case(seed);
        prop_assume!(case.is_some());
        let mut changed = case.unwrap();
        let read: Vec<_> =
            changed.positions().filter(|(row, lane, slot)| changed.reads(*row, *lane, *slot) == Some(true)).collect();
        prop_assume!(!read.is_empty());
        let (row, lane, slot) = read[position % read.len()];
        *changed.cell_mut(row, lane, slot) += change;
        let failing = changed.failing_names();
        prop_assert!(!failing.is_empty(), "row {row}, lane {lane}, {slot:?}: {:?}", changed.plan.tape().rows()[row]);
        prop_assert!(failing.is_subset(&names(&[ARITHMETIC, COPY, LOOKUP, STRETCH])), "{failing:?}");
    }
}

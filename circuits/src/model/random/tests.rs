use super::super::graph::{Activation, Operator, quotient, quotient_range};
use super::super::reference;
use super::*;

/// Quotients below, above and all of the clamps, and the shapes seen, over many models.
#[test]
fn models_saturate_on_both_sides_and_cover_every_kind() {
    let (mut below, mut above, mut total) = (0u32, 0u32, 0u32);
    let (mut raw, mut relu, mut identity) = (0, 0, 0);
    for seed in 0..200 {
        let model = Model::from_seed(seed, &Limits::default());
        let trace = reference::run(&model.graph, &model.weights, &model.input(seed)).unwrap();
        for (index, node) in model.graph.nodes().iter().enumerate() {
            let Operator::Requantise { shift, clamp, activation } = &node.operator else { continue };
            match activation {
                Activation::Relu => relu += 1,
                Activation::Identity => identity += 1,
                Activation::Formula(_) => {}
            }
            for value in &trace.values[index] {
                total += 1;
                below += u32::from(quotient(*value, *shift) < clamp.min);
                above += u32::from(quotient(*value, *shift) > clamp.max);
            }
        }
        raw += u32::from(matches!(model.graph.nodes().last().unwrap().operator, Operator::Dense { .. }));
    }
    assert!(below * 50 > total && above * 50 > total, "{below} below and {above} above of {total}");
    assert!(raw > 50 && raw < 150 && relu > 100 && identity > 100, "{raw} {relu} {identity}");
}

#[test]
fn circuit_limits_bound_the_tables() {
    let limits = Limits::circuit();
    for seed in 0..200 {
        let model = Model::from_seed(seed, &limits);
        let values = model.graph.values();
        for (index, node) in model.graph.nodes().iter().enumerate() {
            let Operator::Requantise { shift, .. } = node.operator else { continue };
            assert!(u64::from(shift) <= limits.shift_max);
            assert!(quotient_range(values[index].range, shift).count() <= limits.quotients_max, "seed {seed}");
        }
    }
}

#[test]
fn a_seed_names_one_model() {
    let limits = Limits::default();
    assert_eq!(Model::from_seed(7, &limits), Model::from_seed(7, &limits));
    assert_ne!(Model::from_seed(7, &limits), Model::from_seed(8, &limits));
    let model = Model::from_seed(7, &limits);
    assert_eq!(model.input(5), model.input(5));
    assert_ne!(model.input(5), model.input(6));
}

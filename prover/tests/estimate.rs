//! What is told before a proof is what the proof then is.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::sync::Arc;

use circuits::layout::choose;
use circuits::model::bundle::{Bundle, Info};
use circuits::model::graph::Layout;
use circuits::model::random::{Limits, Model};
use common::Fixture;
use prover::estimate::{Estimate, Rate, Rates, measure};
use prover::key_file::KeyFile;
use prover::prove::prove;

/// Sizes that are told, and sizes that are.
fn sizes(fixture: &Fixture) -> ([u64; 3], [u64; 3]) {
    let told = Estimate::new(fixture.key.bundle().graph()).unwrap().sizes;
    let proven = prove(&fixture.key, fixture.statement.context_digest, &fixture.values).unwrap();
    let mut file = vec![];
    KeyFile::new(Arc::clone(fixture.key.bundle()), fixture.key.setup())
        .unwrap()
        .write(&fixture.key, &mut file)
        .unwrap();
    let real = [proven.proof.bytes.len(), fixture.verifying().to_bytes().len(), file.len()];
    ([told.proof, told.verifying_key, told.proving_key], real.map(|bytes| bytes as u64))
}

fn digits() -> Fixture {
    let bundle = Bundle::from_bytes(include_bytes!("../../data/digits/digits.assay")).unwrap();
    let shape = bundle.graph().input().shape.clone();
    let elements = shape.iter().product::<u32>() as usize;
    let input = circuits::model::tensor::Tensor::new(shape, vec![3; elements]).unwrap();
    Fixture::new(Arc::new(bundle), input)
}

#[test]
fn sizes_of_proofs_and_keys_are_exact() {
    for fixture in [digits(), Fixture::small()] {
        let (told, real) = sizes(&fixture);
        assert_eq!(told, real);
    }
}

#[test]
fn sizes_are_exact_for_graphs_of_any_operators() {
    let limits = Limits { quotients_max: 60, shift_max: 4, nodes_max: 5, elements_max: 100, ..Limits::circuit() };
    let (mut distinct, mut columns) = (std::collections::BTreeSet::new(), 0);
    for seed in 0..6 {
        let model = Model::graph_from_seed(seed, &limits);
        let Ok(layout) = choose(&model.graph) else { continue };
        let input = model.input(2);
        let info = Info { name: "graph".into(), labels: vec![], input_scale: String::new(), quantisation: None };
        // With two lanes, operands meet weights in two columns.
        for layout in [layout, Layout { k: layout.k + 1, lanes: 2, ..layout }] {
            let graph = model.graph.clone().with_layout(layout).unwrap();
            let bundle = Bundle::new(graph, model.weights.clone(), info.clone()).unwrap();
            let fixture = Fixture::new(Arc::new(bundle), input.clone());
            let (told, real) = sizes(&fixture);
            assert_eq!(told, real, "seed {seed}");
            columns = columns.max(fixture.key.plan().weight_columns());
            distinct.insert(told);
        }
    }
    assert!(distinct.len() > 6 && columns == 2, "{distinct:?} {columns}");
}

#[test]
fn the_shape_is_the_circuits() {
    let fixture = digits();
    let shape = Estimate::new(fixture.key.bundle().graph()).unwrap().shape;
    let system = fixture.key.halo2().get_vk().cs();
    assert_eq!(shape.k, fixture.key.setup().k());
    assert_eq!(shape.fixed, system.num_fixed_columns() as u64);
    assert_eq!(shape.advice(), system.num_advice_columns() as u64);
    assert_eq!(shape.permutation, system.permutation().get_columns().len() as u64);
    assert_eq!(shape.parameters, 2410);
    assert!(shape.used_rows <= shape.rows() && shape.multiplications > shape.constraints);
}

#[test]
fn rates_grow_from_the_nearest_size_that_was_measured() {
    let rate = |k, ns| Rate { k, transform_ns: ns, small_ns: ns, full_ns: ns, multiply_ns: ns };
    let rates = Rates::new(vec![rate(4, 10), rate(8, 1000)]).unwrap();
    assert_eq!(rates.at(8), rate(8, 1000));
    assert_eq!(rates.at(10), Rate { k: 10, transform_ns: 5000, small_ns: 4000, full_ns: 4000, multiply_ns: 4000 });
    assert_eq!(rates.at(5), Rate { k: 5, transform_ns: 25, small_ns: 20, full_ns: 20, multiply_ns: 20 });
    assert_eq!(rates.at(3), Rate { k: 3, transform_ns: 3, small_ns: 5, full_ns: 5, multiply_ns: 5 });
    for refused in
        [vec![], vec![rate(8, 1), rate(8, 1)], vec![rate(9, 1), rate(8, 1)], vec![rate(0, 1)], vec![rate(23, 1)]]
    {
        assert_eq!(Rates::new(refused), None);
    }
}

#[test]
fn this_machine_is_slower_at_more() {
    let rates = measure();
    let (small, large) = (rates.at(8), rates.at(14));
    assert!(large.transform_ns > small.transform_ns && large.full_ns > small.full_ns);
    assert!(large.full_ns > large.small_ns && large.small_ns > 0 && large.multiply_ns > 0);
}

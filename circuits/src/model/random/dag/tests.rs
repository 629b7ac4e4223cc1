use std::collections::BTreeMap;

use super::*;
use crate::model::analysis;
use crate::model::formula::Step;
use crate::model::graph::{Activation, Geometry, quotient, quotient_range};

fn graphs(count: u64, limits: &Limits) -> impl Iterator<Item = Model> {
    (0..count).map(move |seed| Model::graph_from_seed(seed, limits))
}

/// How often each thing occurs in 300 graphs.
fn counts(limits: &Limits) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    let mut count = |name: &str, occurs: bool| *counts.entry(name.to_owned()).or_insert(0) += u32::from(occurs);
    for model in graphs(300, limits) {
        let trace = reference::run(&model.graph, &model.weights, &model.input(7)).unwrap();
        let mut readers = vec![0; model.graph.values().len()];
        for (node, result) in model.graph.nodes().iter().zip(&model.graph.values()[1..]) {
            node.inputs.iter().for_each(|value| readers[*value as usize] += 1);
            count(node.operator.name(), true);
            count("one value twice", node.inputs.len() == 2 && node.inputs[0] == node.inputs[1]);
            match &node.operator {
                Operator::Dense { outputs, .. } => count("dense rows", result.width() > *outputs),
                Operator::Convolution {
                    geometry: Geometry { groups, stride, dilation, before, after, .. }, ..
                } => {
                    count("groups", *groups > 1);
                    count("stride", stride[0] != stride[1]);
                    count("dilation", *dilation != [1, 1]);
                    count("asymmetric padding", before != after && before[0] != before[1]);
                }
                Operator::Strided { strides, .. } => {
                    count("reversed", strides.iter().any(|stride| *stride < 0));
                    count("broadcast", strides.contains(&0));
                }
                Operator::Pad { low, interior, .. } => {
                    count("cropped", low.iter().any(|low| *low < 0));
                    count("spread", interior.contains(&1));
                }
                Operator::Concatenate { axis } => count("inner axis", *axis > 0 && node.inputs.len() > 1),
                Operator::Requantise { shift, clamp, activation } => {
                    for value in &trace.values[node.inputs[0] as usize] {
                        count("quotient", true);
                        count("below", quotient(*value, *shift) < clamp.min);
                        count("above", quotient(*value, *shift) > clamp.max);
                    }
                    let Activation::Formula(formula) = activation else {
                        count(if *activation == Activation::Relu { "relu" } else { "identity" }, true);
                        continue;
                    };
                    count("formula", true);
                    count("formula with several results", result.range.count() > 1);
                    for step in &formula.steps {
                        let name = if let Step::Constant(_) = step { "Number".into() } else { format!("{step:?}") };
                        count(&name, true);
                    }
                }
                _ => {}
            }
        }
        let last = readers.len() - 1;
        count("several readers", readers.iter().any(|count| *count > 1));
        count("no reader", readers[..last].contains(&0));
        count("every value read", !readers[..last].contains(&0));
    }
    counts
}

#[test]
fn every_operator_and_every_trait_of_it_occurs() {
    for limits in [Limits::default(), Limits::circuit()] {
        let counts = counts(&limits);
        let named = |name: &str| counts.get(name).copied().unwrap_or(0);
        let operators = [
            "dense",
            "convolution",
            "requantise",
            "combine",
            "multiply",
            "maximum",
            "minimum",
            "sum",
            "matrix multiply",
            "constant",
            "reshape",
            "strided",
            "concatenate",
            "pad",
            "select",
        ];
        for name in operators {
            assert!(named(name) >= 60, "{name}: {counts:#?}");
        }
        assert_eq!(named("embedding") >= 60, limits.embeddings, "{counts:#?}");
        let traits = [
            "one value twice",
            "dense rows",
            "groups",
            "stride",
            "dilation",
            "asymmetric padding",
            "reversed",
            "broadcast",
            "cropped",
            "spread",
            "inner axis",
            "relu",
            "identity",
            "formula with several results",
            "several readers",
            "no reader",
            "every value read",
        ];
        for name in traits {
            assert!(named(name) >= 30, "{name}: {counts:#?}");
        }
        // 35 kinds of steps, told apart from operators by their capital.
        let steps: Vec<_> = counts.iter().filter(|(name, _)| name.starts_with(char::is_uppercase)).collect();
        assert_eq!(steps.len(), 35, "{steps:?}");
        assert!(steps.iter().all(|(_, count)| **count >= 3), "{steps:?}");
        let quotients = named("quotient");
        assert!(named("below") * 50 > quotients && named("above") * 50 > quotients, "{counts:#?}");
    }
}

#[test]
fn circuit_limits_bound_elements_tables_and_magnitudes() {
    let limits = Limits::circuit();
    for (seed, model) in graphs(300, &limits).enumerate() {
        let values = model.graph.values();
        let elements: u32 = values.iter().map(Value::width).sum();
        assert!(u64::from(elements) <= limits.elements_max, "seed {seed}: {elements}");
        assert!(values.iter().all(|value| magnitude(value.range) <= 299 << 8), "seed {seed}");
        for node in model.graph.nodes() {
            let Operator::Requantise { shift, activation, clamp } = &node.operator else { continue };
            assert!(u64::from(*shift) <= limits.shift_max);
            let quotients = quotient_range(values[node.inputs[0] as usize].range, *shift);
            assert!(quotients.count() <= limits.quotients_max, "seed {seed}");
            let formula = matches!(activation, Activation::Formula(_));
            assert!(!formula || clamp.count() <= 500, "seed {seed}");
        }
    }
}

#[test]
fn weights_are_analysed_and_a_seed_names_one_graph() {
    let limits = Limits::default();
    for model in graphs(50, &limits) {
        assert_eq!(analysis::check(&model.graph, &model.weights), Ok(()));
    }
    assert_eq!(Model::graph_from_seed(7, &limits), Model::graph_from_seed(7, &limits));
    assert_ne!(Model::graph_from_seed(7, &limits), Model::graph_from_seed(8, &limits));
}

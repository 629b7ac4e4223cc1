use std::collections::BTreeMap;

use circuits::model::bundle::Info;
use circuits::model::graph::{Input, Layout, Node, Operator};
use circuits::model::random::{Limits, Model};
use circuits::model::range::MAGNITUDE_MAX;
use circuits::model::weights::{LinearWeights, Weights};
use proptest::prelude::*;

use super::*;

fn info() -> Info {
    Info { name: "test".into(), labels: vec![], input_scale: String::new(), quantisation: None }
}

fn executor(model: &Model) -> Executor {
    let bundle = Bundle::new(model.graph.clone(), model.weights.clone(), info()).unwrap();
    Executor::new(&bundle, Device::Cpu).unwrap()
}

/// Traces and outputs, one by one and as a batch, are the reference's.
fn equals_the_reference(model: &Model) -> Result<(), TestCaseError> {
    let executor = executor(model);
    let inputs: Vec<Tensor> = (0..9).map(|draw| model.input(draw)).collect();
    let expected: Vec<Trace> =
        inputs.iter().map(|input| reference::run(&model.graph, &model.weights, input).unwrap()).collect();
    prop_assert_eq!(&executor.trace_batch(&inputs).unwrap(), &expected);
    for (input, expected) in inputs.iter().zip(&expected) {
        prop_assert_eq!(&executor.trace(input).unwrap(), expected);
        let output = executor.run(input).unwrap();
        prop_assert_eq!(output.values(), expected.output());
    }
    let outputs = executor.run_batch(&inputs).unwrap();
    prop_assert_eq!(outputs.len(), inputs.len());
    prop_assert!(outputs.iter().zip(&expected).all(|(output, expected)| output.values() == expected.output()));
    Ok(())
}

proptest! {
    #[test]
    fn every_value_of_a_chain_equals_the_reference(seed: u64) {
        equals_the_reference(&Model::from_seed(seed, &Limits::default()))?;
    }

    #[test]
    fn every_value_of_a_graph_equals_the_reference(seed: u64) {
        equals_the_reference(&Model::graph_from_seed(seed, &Limits::default()))?;
        equals_the_reference(&Model::graph_from_seed(seed, &Limits::circuit()))?;
    }
}

/// An encoder with padding, a decoder and a Llama-style block, on inputs that calibration saw and on others.
#[test]
fn every_value_of_a_transformer_equals_the_reference() {
    use prover::import::transformer::{Configuration, Parameters, Precision, Shape, import};
    for shape in [Shape::NanoGpt, Shape::Llama, Shape::MiniLm] {
        let heads = if shape == Shape::Llama { 4 } else { 2 };
        let small =
            Configuration { vocabulary: 50, width: 16, layers: 1, heads, feed_forward: 32, ..shape.configuration(6) };
        let small = Configuration { key_value_heads: 2, ..small };
        let parameters = Parameters::generated(&small, 5);
        let calibration = small.random_inputs(2, 6);
        let bundle =
            import("small", "generated", &small, &parameters, &calibration, Precision::default()).unwrap().bundle;
        let executor = Executor::new(&bundle, Device::Cpu).unwrap();
        let inputs: Vec<Tensor> = small
            .random_inputs(6, 7)
            .into_iter()
            .chain([vec![0; 6], vec![49; 6]])
            .map(|tokens| Tensor::vector(tokens.into_iter().map(i64::from).collect()).unwrap())
            .collect();
        let expected: Vec<Trace> =
            inputs.iter().map(|input| reference::run(bundle.graph(), bundle.weights(), input).unwrap()).collect();
        assert_eq!(executor.trace_batch(&inputs).unwrap(), expected);
    }
}

/// Computing each element once gives what the reference finds by running the whole network for each token.
#[test]
fn every_value_of_what_is_generated_equals_the_reference() {
    use prover::import::transformer::{Configuration, Parameters, Precision, Shape, import};
    for shape in [Shape::NanoGpt, Shape::Llama] {
        let small = Configuration {
            vocabulary: 50,
            width: 16,
            layers: 2,
            heads: 4,
            key_value_heads: 2,
            feed_forward: 32,
            ..shape.configuration(5)
        };
        let small = if shape == Shape::NanoGpt { Configuration { key_value_heads: 4, ..small } } else { small };
        for count in [2, 6] {
            let generating = small.clone().generating(count);
            let parameters = Parameters::generated(&generating, 5);
            let calibration = generating.random_inputs(2, 6);
            let imported =
                import("small", "generated", &generating, &parameters, &calibration, Precision::default()).unwrap();
            let bundle = imported.bundle;
            assert_eq!(bundle.graph().generated(), count);
            let executor = Executor::new(&bundle, Device::Cpu).unwrap();
            let asked = [vec![0; 5], vec![49; 5], vec![3, 1, 4, 1, 5]];
            let inputs: Vec<Tensor> = asked.into_iter().map(|tokens| Tensor::vector(tokens).unwrap()).collect();
            let expected: Vec<Trace> =
                inputs.iter().map(|input| reference::run(bundle.graph(), bundle.weights(), input).unwrap()).collect();
            assert_eq!(executor.trace_batch(&inputs).unwrap(), expected);
            let outputs = executor.run_batch(&inputs).unwrap();
            assert!(outputs.iter().zip(&expected).all(|(output, expected)| output.values() == expected.output()));
            let long = Tensor::vector(vec![0; 5 + count as usize - 1]).unwrap();
            let refused = executor.run(&long).unwrap_err().to_string();
            assert_eq!(refused, format!("batch item 0: input shape: expected [5], got [{}]", 4 + count));
        }
    }
}

/// Node 1 reads the input and node 0, node 2 reads node 0 twice, node 3 nothing, node 4 node 2 and node 1.
#[test]
fn values_are_dropped_after_their_last_reader_and_never_in_a_trace() {
    let input = Input { shape: vec![2], range: Range { min: 0, max: 9 } };
    let node = |operator, inputs: &[u32]| Node { operator, inputs: inputs.to_vec() };
    let negated = Operator::Combine { multipliers: vec![-1], constant: 1 };
    let nodes = vec![
        node(negated, &[0]),
        node(Operator::Maximum, &[0, 1]),
        node(Operator::Multiply, &[1, 1]),
        node(Operator::Constant { shape: vec![1], values: vec![5] }, &[]),
        node(Operator::Minimum, &[3, 2]),
    ];
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 1, lanes: 1 }).unwrap();
    assert_eq!(expired(&graph), [vec![], vec![0], vec![1], vec![4], vec![2, 3]]);
    let weights = Weights::new(&graph, BTreeMap::new()).unwrap();
    let executor = Executor::new(&Bundle::new(graph, weights, info()).unwrap(), Device::Cpu).unwrap();
    let inputs = [[0, 4], [9, 1]].map(|values| Tensor::vector(values.to_vec()).unwrap());
    let dropped = executor.values(&inputs, false).unwrap();
    assert_eq!(dropped[..5], vec![Vec::<i64>::new(); 5]);
    assert_eq!(dropped[5], [1, 4, 9, 0]);
    let kept = executor.values(&inputs, true).unwrap();
    let expected: [&[i64]; 6] = [&[0, 4, 9, 1], &[1, -3, -8, 0], &[1, 4, 9, 1], &[1, 9, 64, 0], &[5, 5], &[1, 4, 9, 0]];
    assert_eq!(kept, expected);
}

/// Sums at the very bound of 2^47, with terms that cancel: the worst case for a float accumulator.
#[test]
fn sums_at_the_bound_are_exact() {
    let count = 1u32 << 12;
    let x_max = (1i64 << 20) - 1;
    let weight = i32::try_from(((MAGNITUDE_MAX - 1000) / x_max) / i64::from(count)).unwrap();
    let alternating = |index: u32| if index.is_multiple_of(2) { weight } else { -weight };
    let matrix: Vec<i32> = (0..count).map(|_| weight).chain((0..count).map(alternating)).collect();
    let dense = LinearWeights::new(2, count, matrix, vec![999, -999]).unwrap();
    let input = Input { shape: vec![count], range: Range { min: 0, max: x_max } };
    let accumulator = circuits::model::analysis::tightest(0, &dense, input.range).unwrap();
    assert!(accumulator.max > MAGNITUDE_MAX - (1 << 34), "{accumulator:?}");
    let operator = Operator::Dense { inputs: count, outputs: 2, accumulator };
    let graph =
        Graph::new(input, vec![Node { operator, inputs: vec![0] }], Layout { k: 10, rows: 2, lanes: 1 }).unwrap();
    let weights = Weights::new(&graph, BTreeMap::from([(0, dense)])).unwrap();
    let bundle = Bundle::new(graph.clone(), weights.clone(), info()).unwrap();
    let executor = Executor::new(&bundle, Device::Cpu).unwrap();
    let odd: Vec<i64> = (0..i64::from(count)).map(|index| x_max - (index * 7919) % 1009).collect();
    for values in [vec![x_max; count as usize], odd] {
        let input = Tensor::vector(values).unwrap();
        assert_eq!(executor.trace(&input).unwrap(), reference::run(&graph, &weights, &input).unwrap());
    }
}

#[test]
fn inputs_are_checked_by_item() {
    let model = Model::from_seed(3, &Limits::default());
    let executor = executor(&model);
    let range = model.graph.input().range;
    let good = model.input(0);
    let mut values = good.values().to_vec();
    values[0] = range.max + 1;
    let outside = Tensor::new(good.shape().to_vec(), values).unwrap();
    let error = executor.run_batch(&[good.clone(), outside]).unwrap_err();
    let expected = ExecutionError::InputRange { index: 0, value: range.max + 1, range };
    assert!(matches!(&error, ExecutorError::Input { item: 1, source } if *source == expected), "{error}");
    let other = Tensor::new(vec![1, 1, 1], vec![0]).unwrap();
    let expected = ExecutionError::InputShape { expected: good.shape().to_vec(), got: vec![1, 1, 1] };
    let error = executor.run(&other).unwrap_err();
    assert!(matches!(&error, ExecutorError::Input { item: 0, source } if *source == expected), "{error}");
    assert_eq!(executor.run_batch(&[]).unwrap(), []);
}

#[test]
fn a_device_that_rounds_is_caught() {
    let sums = exact::Sums { node: 2, width: 2, range: Range { min: -100, max: 100 } };
    assert_eq!([sums.integer(0, 3.0, 4).unwrap(), sums.integer(1, -103.0, 5).unwrap()], [7, -98]);
    for (position, got) in [(0, 3.5), (1, f64::NAN), (1, f64::INFINITY), (2, 97.0), (5, -106.0)] {
        let bias = [4, 5][position % 2];
        let error = sums.integer(position, got, bias).unwrap_err();
        let ExecutorError::Inexact { item, node: 2, element, got: value, range } = error else {
            panic!("{error}");
        };
        assert_eq!((item, element, value.to_bits()), (position / 2, position % 2, got.to_bits()));
        assert_eq!(range, [Range { min: -104, max: 96 }, Range { min: -105, max: 95 }][position % 2]);
    }
}

//! Import of ONNX networks written by hand: what is refused and how, and that what is imported computes the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]
#![allow(unreachable_pub, missing_docs, reason = "test code")]

mod hostile;
mod network;

use circuits::model::bundle::Bundle;
use circuits::model::reference;
use prover::import::onnx::{Check, ImportError, Lists, Settings, check, import, integer_input};

use network::{FLOAT, INT64, Network, attribute, floats, integers, list, node, port};

fn inputs(values: &[f64]) -> Lists {
    let text = format!("{{\"input_data\": [{values:?}]}}");
    Lists::from_json(text.as_bytes()).unwrap()
}

fn checked(network: &Network) -> Check {
    check(&network.encode(), None, &Settings::default()).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    check(bytes, None, &Settings::default()).unwrap_err().to_string()
}

/// `y = relu(x w + b)` over two inputs and outputs.
fn layer(weights: &[f32]) -> Network {
    let nodes = vec![node("Gemm", &["x", "w", "b"], "h", &[]), node("Relu", &["h"], "y", &[])];
    Network::new(nodes, vec![floats("w", &[2, 2], weights), floats("b", &[2], &[0.25, -0.5])], &[1, 2], &[1, 2])
}

#[test]
fn an_imported_network_computes_what_its_floats_do() {
    let network = layer(&[1.0, -0.5, 0.75, 2.0]);
    let lists = inputs(&[0.5, 1.0, -1.0, 0.125]);
    let imported = import("layer", &network.encode(), &lists, &Settings::default()).unwrap();
    assert!(imported.report.within_target, "{:?}", imported.report);
    let bundle = Bundle::from_bytes(&imported.bundle.to_bytes().unwrap()).unwrap();
    assert_eq!(bundle, imported.bundle);
    let quantisation = bundle.info().quantisation.clone().unwrap();
    let input = integer_input(&quantisation, bundle.graph().input(), &lists, 0).unwrap();
    let output = reference::run(bundle.graph(), bundle.weights(), &input).unwrap().output().to_vec();
    let step = f64::from(-quantisation.outputs[0].exponent).exp2();
    // relu(0.5 + 0.75 + 0.25, -0.25 + 2 - 0.5)
    for (integer, expected) in output.iter().zip([1.5, 1.25]) {
        assert!((*integer as f64 * step - expected).abs() < 0.02, "{output:?} {step}");
    }
}

#[test]
fn files_that_are_no_networks_are_refused() {
    let whole = layer(&[1.0; 4]).encode();
    for length in 0..whole.len() {
        // A shorter file may still be a graph, but never the same one; it must not panic.
        let _ = check(&whole[..length], None, &Settings::default());
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x55;
        let _ = check(&changed, None, &Settings::default());
    }
    assert!(refusal(b"{}").starts_with("network: not an ONNX network that can be read ("), "{}", refusal(b"{}"));
    assert!(refusal(&[]).starts_with("network: "), "{}", refusal(&[]));
}

#[test]
fn weights_that_are_not_finite_are_named() {
    for (weight, expected) in [
        (f32::NAN, "a constant of the network is NaN: expected numbers"),
        (f32::INFINITY, "a weight or bias that is infinite or not a number: expected finite numbers"),
    ] {
        let found = checked(&layer(&[1.0, weight, 0.5, 2.0]));
        assert_eq!(found.unsupported.len(), 1, "{:?}", found.unsupported);
        assert_eq!(found.unsupported[0].why, expected);
    }
}

#[test]
fn every_unsupported_node_is_listed() {
    let kernel = floats("w", &[1, 1, 2, 2, 2], &[0.5; 8]);
    let nodes = vec![
        node("Conv", &["x", "w"], "a", &[]),
        node("MaxPool", &["x"], "b", &[list("kernel_shape", &[1, 1, 2])]),
        node("Add", &["a", "a"], "c", &[]),
        node("Relu", &["b"], "y", &[]),
    ];
    let mut network = Network::new(nodes, vec![kernel], &[1, 1, 2, 2, 2], &[1, 1, 2, 2, 1]);
    network.outputs.push(port("c", FLOAT, &[Some(1); 5]));
    let found = checked(&network);
    let mut listed: Vec<(&str, &str)> =
        found.unsupported.iter().map(|node| (node.operator.as_str(), node.why.as_str())).collect();
    listed.sort_unstable();
    let why = "convolution and pooling over 3 dimensions: expected 1 or 2";
    assert_eq!(listed, [("Conv", why), ("MaxPool", why)]);
    let error = import("two", &network.encode(), &inputs(&[0.0; 8]), &Settings::default()).unwrap_err();
    let ImportError::Unsupported { nodes } = &error else { panic!("{error}") };
    assert_eq!(nodes.len(), 2);
    assert!(error.to_string().starts_with("network: 2 nodes cannot be imported; "), "{error}");
}

#[test]
fn open_dimensions_become_one_sample() {
    let nodes = vec![node("Relu", &["x"], "y", &[])];
    let mut network = Network::new(nodes, vec![], &[2], &[2]);
    network.inputs = vec![port("x", FLOAT, &[None, Some(2)])];
    network.outputs = vec![port("y", FLOAT, &[None, Some(2)])];
    let found = check(&network.encode(), Some(&inputs(&[0.5, -1.0, 2.0, 1.0])), &Settings::default()).unwrap();
    assert_eq!(found.inputs[0].shape, [1, 2]);
    assert_eq!(found.report.unwrap().samples, 2);
}

#[test]
fn shapes_that_the_input_decides_are_refused() {
    let nodes = vec![node("NonZero", &["x"], "n", &[]), node("Cast", &["n"], "y", &[attribute("to", FLOAT)])];
    let mut network = Network::new(nodes, vec![], &[1, 2], &[2, 2]);
    network.outputs = vec![port("y", FLOAT, &[Some(2), None])];
    let text = refusal(&network.encode());
    assert!(text.contains("expected a shape of 1 to 1048576 elements"), "{text}");
}

#[test]
fn inputs_of_another_shape_are_refused() {
    let network = layer(&[1.0; 4]).encode();
    let error = import("layer", &network, &inputs(&[1.0, 2.0, 3.0]), &Settings::default()).unwrap_err();
    assert_eq!(error.to_string(), "inputs list 0: expected 2 numbers for shape [1, 2], or a multiple of it, got 3");
}

#[test]
fn settings_are_bounded() {
    let network = layer(&[1.0; 4]).encode();
    let refused = |settings: Settings| check(&network, None, &settings).unwrap_err().to_string();
    let settings = Settings::default();
    assert_eq!(refused(Settings { weight_bits: 40, ..settings }), "weight bits: expected 4 to 24, got 40");
    assert_eq!(refused(Settings { activation_bits: Some(1), ..settings }), "activation bits: expected 4 to 13, got 1");
    assert_eq!(
        refused(Settings { accuracy_target: f64::NAN, ..settings }),
        "accuracy target: expected a number between 0 and 1, got NaN"
    );
}

#[test]
fn a_target_out_of_reach_is_refused_with_what_was_reached() {
    let network = Network::new(vec![node("Sin", &["x"], "y", &[])], vec![], &[1, 3], &[1, 3]);
    let settings = Settings { accuracy_target: 1e-12, ..Settings::default() };
    let error = import("sine", &network.encode(), &inputs(&[0.3, -1.2, 0.77]), &settings).unwrap_err();
    let ImportError::Accuracy { best, target } = &error else { panic!("{error}") };
    assert_eq!(*target, 1e-12);
    assert!(best.error() > 0.0 && best.error() < 0.001, "{error}");
    assert!(error.to_string().starts_with("accuracy: the best precision found misses by 0.0"), "{error}");
}

#[test]
fn more_bits_are_used_only_where_they_are_needed() {
    let nodes = vec![node("Sin", &["x"], "y", &[])];
    let network = Network::new(nodes, vec![], &[1, 5], &[1, 5]).encode();
    let lists = inputs(&[0.1, 9.3, -14.0, 3.3, 20.0]);
    let bits = |target: f64| {
        let settings = Settings { accuracy_target: target, ..Settings::default() };
        import("sine", &network, &lists, &settings).unwrap().report.activation_bits
    };
    assert!(bits(0.05) < bits(0.002), "{} {}", bits(0.05), bits(0.002));
}

#[test]
fn a_bound_that_calibration_never_saw_still_runs() {
    let network = layer(&[1.0, -0.5, 0.75, 2.0]).encode();
    let imported = import("layer", &network, &inputs(&[0.5, 1.0]), &Settings::default()).unwrap();
    let graph = imported.bundle.graph();
    let range = graph.input().range;
    for values in [[range.min; 2], [range.max; 2], [range.min, range.max], [range.max, range.min]] {
        let input = circuits::model::tensor::Tensor::new(graph.input().shape.clone(), values.to_vec()).unwrap();
        assert!(reference::run(graph, imported.bundle.weights(), &input).is_ok());
    }
}

/// Operator, attributes, constants, and the output's shape.
type Case = (&'static str, Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<u64>);

/// Networks of one or two nodes against their float runs, and the same with every precision.
#[test]
fn single_operators_stay_within_tolerance() {
    let shape = [1, 2, 4, 4];
    let image: Vec<f64> = (0..32).map(|place| f64::from((place * 37) % 19) / 7.0 - 1.2).collect();
    let kernel: Vec<f32> = (0..36).map(|place| ((place * 11) % 7) as f32 / 5.0 - 0.6).collect();
    let kernels = |shape: &[u64]| vec![floats("w", shape, &kernel[..shape.iter().product::<u64>() as usize])];
    let pads = |sides: &[u64]| list("pads", sides);
    let window = list("kernel_shape", &[3, 3]);
    let cases: Vec<Case> = vec![
        ("Conv", vec![pads(&[1, 0, 0, 1])], kernels(&[2, 2, 3, 3]), vec![1, 2, 3, 3]),
        ("Conv", vec![attribute("group", 2), list("dilations", &[2, 1])], kernels(&[2, 1, 2, 2]), vec![1, 2, 2, 3]),
        ("ConvTranspose", vec![list("strides", &[2, 2])], kernels(&[2, 2, 3, 3]), vec![1, 2, 9, 9]),
        ("MaxPool", vec![window.clone(), pads(&[1, 1, 1, 1])], vec![], vec![1, 2, 4, 4]),
        ("AveragePool", vec![window.clone(), pads(&[1, 1, 1, 1])], vec![], vec![1, 2, 4, 4]),
        ("AveragePool", vec![window, pads(&[1, 1, 1, 1]), attribute("count_include_pad", 1)], vec![], vec![1, 2, 4, 4]),
        ("Softmax", vec![attribute("axis", 1)], vec![], vec![1, 2, 4, 4]),
        ("LogSoftmax", vec![attribute("axis", 3)], vec![], vec![1, 2, 4, 4]),
        ("ReduceMean", vec![list("axes", &[2, 3])], vec![], vec![1, 2, 1, 1]),
        ("ReduceMin", vec![list("axes", &[1])], vec![], vec![1, 1, 4, 4]),
        ("ReduceProd", vec![list("axes", &[3])], vec![], vec![1, 2, 4, 1]),
        ("Transpose", vec![list("perm", &[3, 1, 0, 2])], vec![], vec![4, 2, 1, 4]),
        ("DepthToSpace", vec![attribute("blocksize", 1)], vec![], vec![1, 2, 4, 4]),
    ];
    for (operator, attributes, constants, output) in cases {
        let names: &[&str] = if constants.is_empty() { &["x"] } else { &["x", "w"] };
        let network = Network::new(vec![node(operator, names, "y", &attributes)], constants, &shape, &output);
        let found = check(&network.encode(), Some(&inputs(&image)), &Settings::default()).unwrap();
        let report = found.report.unwrap_or_else(|| panic!("{operator}: {:?}", found.unsupported));
        assert!(report.within_target, "{operator}: {report:?}");
        assert_eq!(found.plan_refusal, None, "{operator}");
    }
}

#[test]
fn positions_from_the_input_pick_and_place() {
    let data: Vec<f32> = (0..12).map(|place| place as f32 / 4.0 - 1.0).collect();
    let network = |inputs: Vec<Vec<u8>>, nodes: Vec<Vec<u8>>, constants: Vec<Vec<u8>>, output: &[u64]| {
        let mut network = Network::new(nodes, constants, &[1], output);
        network.inputs = inputs;
        network.encode()
    };
    let embedding = network(
        vec![port("i", INT64, &[Some(3)])],
        vec![node("Gather", &["w", "i"], "y", &[])],
        vec![floats("w", &[4, 3], &data)],
        &[3, 3],
    );
    let report = check(&embedding, Some(&inputs(&[3.0, 0.0, 2.0])), &Settings::default()).unwrap().report.unwrap();
    assert!(report.within_target, "{report:?}");
    let both = Lists::from_json(br#"{"input_data": [[0.5, -1.0, 2.0, 0.25], [2], [7.5]]}"#).unwrap();
    let scatter = network(
        vec![port("x", FLOAT, &[Some(4)]), port("i", INT64, &[Some(1)]), port("u", FLOAT, &[Some(1)])],
        vec![node("ScatterElements", &["x", "i", "u"], "y", &[])],
        vec![],
        &[4],
    );
    let report = check(&scatter, Some(&both), &Settings::default()).unwrap().report.unwrap();
    assert!(report.within_target && report.outputs[0].range == 8.5, "{report:?}");
    let fixed = network(
        vec![port("x", FLOAT, &[Some(4)])],
        vec![node("Gather", &["x", "i"], "y", &[])],
        vec![integers("i", &[2], &[-1, 1])],
        &[2],
    );
    let report = check(&fixed, Some(&inputs(&[0.5, -1.0, 2.0, 0.25])), &Settings::default()).unwrap().report.unwrap();
    assert!(report.within_target && report.outputs[0].range == 1.25, "{report:?}");
}

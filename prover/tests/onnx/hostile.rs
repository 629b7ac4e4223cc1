//! Files that somebody broke, by accident or on purpose: every one ends in an error that says what is wrong.

use circuits::model::bundle::Bundle;
use circuits::model::reference;
use prover::import::onnx::{ImportError, Lists, Settings, TOLERANCE, check, import, integer_input};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::network::{FLOAT, Network, attribute, floats, integers, list, node, port, shapeless};
use crate::{checked, inputs, layer, refusal};

/// Operators of several kinds in few bytes.
fn small() -> Network {
    let nodes = vec![
        node("Conv", &["x", "k"], "c", &[list("pads", &[1, 1, 1, 1])]),
        node("Sigmoid", &["c"], "s", &[]),
        node("Reshape", &["s", "shape"], "r", &[]),
        node("Gemm", &["r", "w"], "g", &[attribute("transB", 1)]),
        node("Softmax", &["g"], "y", &[attribute("axis", 1)]),
    ];
    let weights: Vec<f32> = (0..18).map(|place| ((place * 7) % 11) as f32 / 4.0 - 1.2).collect();
    let constants = vec![
        floats("k", &[1, 1, 3, 3], &weights[..9]),
        integers("shape", &[2], &[1, 9]),
        floats("w", &[2, 9], &weights),
    ];
    Network::new(nodes, constants, &[1, 1, 3, 3], &[1, 2])
}

fn image() -> Lists {
    inputs(&[0.5, -1.0, 0.25, 0.0, 2.0, 1.5, -0.75, 0.125, 1.0])
}

fn damaged(bytes: &[u8], random: &mut ChaCha20Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut below = |limit: usize| random.next_u32() as usize % limit;
    for _ in 0..=below(3) {
        let place = below(bytes.len());
        match below(5) {
            0 => bytes[place] ^= 1 << below(8),
            1 => bytes[place] = below(256) as u8,
            2 => bytes.truncate(place.max(1)),
            3 => bytes.insert(place, below(256) as u8),
            _ => {
                let end = (place + below(40)).min(bytes.len());
                let target = below(bytes.len() - (end - place) + 1);
                bytes.copy_within(place..end, target);
            }
        }
    }
    bytes
}

#[test]
fn a_damaged_network_is_refused_or_is_another_network() {
    let (whole, lists) = (small().encode(), image());
    import("whole", &whole, &lists, &Settings::default()).unwrap();
    let (mut refused, mut accepted) = (0, 0);
    for seed in 0..400 {
        let bytes = damaged(&whole, &mut ChaCha20Rng::seed_from_u64(seed));
        match import("damaged", &bytes, &lists, &Settings::default()) {
            Err(error) => {
                assert!(!error.to_string().is_empty(), "seed {seed}");
                refused += 1;
            }
            Ok(imported) => {
                let bundle = Bundle::from_bytes(&imported.bundle.to_bytes().unwrap()).unwrap();
                assert!(bundle == imported.bundle && imported.report.error() <= TOLERANCE, "seed {seed}");
                accepted += 1;
            }
        }
    }
    // Names and weights may change without harm; most of the file may not.
    assert!(refused > 100 && accepted > 10, "{refused} {accepted}");
}

#[test]
fn random_bytes_are_refused() {
    for seed in 0..300 {
        let mut bytes = vec![0; 1 + seed as usize * 5];
        ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
        assert!(refusal(&bytes).starts_with("network: "), "seed {seed}: {}", refusal(&bytes));
    }
}

#[test]
fn operator_sets_are_bounded() {
    let with = |version: u64| Network { version, ..layer(&[1.0; 4]) }.encode();
    assert_eq!(refusal(&with(6)), "network: expected ONNX operator set 7 to 23, got 6");
    assert_eq!(refusal(&with(24)), "network: expected ONNX operator set 7 to 23, got 24");
    assert_eq!(refusal(&with(u64::MAX)), "network: expected ONNX operator set 7 to 23, got -1");
    for version in [7, 23] {
        import("layer", &with(version), &inputs(&[0.5, 1.0]), &Settings::default()).unwrap();
    }
}

#[test]
fn enormous_dimensions_allocate_nothing() {
    let shaped = |shape: &[u64]| Network::new(vec![node("Relu", &["x"], "y", &[])], vec![], shape, shape).encode();
    for shape in [&[1 << 40][..], &[1 << 33, 1 << 33], &[1, 1 << 20, 2]] {
        let text = refusal(&shaped(shape));
        assert!(text.starts_with("network input x: expected a shape of 1 to 1048576 elements, got "), "{text}");
    }
    let declared =
        Network::new(vec![node("Add", &["x", "w"], "y", &[])], vec![floats("w", &[1 << 40], &[1.0])], &[1], &[1 << 40]);
    assert!(refusal(&declared.encode()).contains("does not match shape [1099511627776]"));
    let far = 1 << 40;
    let one = || floats("w", &[1, 1], &[1.0]);
    let pair = |a: i64, b: i64| integers("n", &[2], &[a, b]);
    let number = |name: &str, value: i64| integers(name, &[], &[value]);
    let range = |to: i64| vec![number("from", 0), number("to", to), number("step", 1)];
    let depth =
        |depth: i64| vec![integers("i", &[1, 1], &[3]), number("depth", depth), floats("values", &[2], &[0.0, 1.0])];
    for (operator, names, constants) in [
        ("ConstantOfShape", vec!["n"], vec![pair(1 << 20, 1 << 20)]),
        ("ConstantOfShape", vec!["n"], vec![pair(far, 1)]),
        ("Expand", vec!["w", "n"], vec![one(), pair(1 << 20, 1 << 20)]),
        ("Expand", vec!["w", "n"], vec![one(), pair(far, 1)]),
        ("Tile", vec!["w", "n"], vec![one(), pair(1 << 12, 1 << 13)]),
        ("Tile", vec!["w", "n"], vec![one(), pair(far, 1)]),
        ("Range", vec!["from", "to", "step"], range(1 << 25)),
        ("Range", vec!["from", "to", "step"], range(far)),
        ("Range", vec!["from", "to", "back"], vec![number("from", 0), number("to", -far), number("back", -1)]),
        ("Pad", vec!["w", "n"], vec![one(), integers("n", &[4], &[0, 0, 1 << 20, 1 << 20])]),
        ("Pad", vec!["w", "n"], vec![one(), integers("n", &[4], &[0, 0, 0, far])]),
        ("OneHot", vec!["i", "depth", "values"], depth(1 << 25)),
        ("OneHot", vec!["i", "depth", "values"], depth(far)),
        ("Resize", vec!["w", "", "", "n"], vec![one(), pair(1 << 20, 1 << 20)]),
        ("Resize", vec!["w", "", "", "n"], vec![one(), pair(1, far)]),
        ("Resize", vec!["w", "", "s"], vec![one(), floats("s", &[2], &[1e6, 1e6])]),
    ] {
        let nodes = vec![
            node(operator, &names, "big", &[]),
            node("ReduceMax", &["big"], "most", &[attribute("keepdims", 0)]),
            node("Cast", &["most"], "m", &[attribute("to", FLOAT)]),
            node("Add", &["x", "m"], "y", &[]),
        ];
        let text = refusal(&Network::new(nodes, constants, &[1], &[1]).encode());
        let expected = format!("network node {operator} big: expected a value of at most 16777216 elements, got ");
        assert!(text.starts_with(&expected), "{operator}: {text}");
    }
}

#[test]
fn open_dimensions_are_filled_from_the_inputs_where_one_sample_does_not_fit() {
    let mut network = layer(&[1.0, -0.5, 0.75, 2.0]);
    network.inputs = vec![port("x", FLOAT, &[Some(1), None])];
    let found = check(&network.encode(), Some(&inputs(&[0.5, 1.0])), &Settings::default()).unwrap();
    assert_eq!((&found.inputs[0].shape[..], found.report.unwrap().samples), (&[1, 2][..], 1));
    assert!(refusal(&network.encode()).starts_with("network: not an ONNX network that can be read ("));
    network.inputs = vec![shapeless("x", FLOAT)];
    let text = refusal(&network.encode());
    assert!(text.starts_with("network input x: expected a shape of 1 to 1048576 elements, got "), "{text}");
}

#[test]
fn inputs_beyond_the_calibrated_range_are_clamped_as_the_model_says() {
    let network = layer(&[1.0, -0.5, 0.75, 2.0]).encode();
    let imported = import("layer", &network, &inputs(&[0.5, -1.0]), &Settings::default()).unwrap();
    let (graph, info) = (imported.bundle.graph(), imported.bundle.info());
    let range = graph.input().range;
    assert!(
        info.input_scale.ends_with(&format!("; clamped to {} to {}", range.min, range.max)),
        "{}",
        info.input_scale
    );
    let quantisation = info.quantisation.as_ref().unwrap();
    let output = |values: &[f64]| {
        let input = integer_input(quantisation, graph.input(), &inputs(values), 0).unwrap();
        let output = reference::run(graph, imported.bundle.weights(), &input).unwrap().output().to_vec();
        (input.values().to_vec(), output)
    };
    let beyond = output(&[1e9, -3e38]);
    assert_eq!(beyond.0, [range.max, range.min]);
    let step = f64::from(-quantisation.inputs[0].exponent).exp2();
    assert_eq!(output(&[range.max as f64 * step, range.min as f64 * step]), beyond);
}

#[test]
fn files_of_inputs_that_hold_no_inputs_are_refused() {
    let network = layer(&[1.0; 4]).encode();
    let refused = |text: &str| match Lists::from_json(text.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(lists) => import("layer", &network, &lists, &Settings::default()).unwrap_err().to_string(),
    };
    for (text, expected) in [
        ("", "inputs: expected JSON with "),
        (r#"{"input_data": [[NaN, 1.0]]}"#, "inputs: expected JSON with "),
        (r#"{"input_data": [[1.0, Infinity]]}"#, "inputs: expected JSON with "),
        (r#"{"input_data": 3}"#, "inputs: expected JSON with "),
        (r#"{"input_data": [["NaN", 1.0]]}"#, "inputs list 0: expected numbers or truth values, got \"NaN\""),
        (r#"{"input_data": [[null, 1.0]]}"#, "inputs list 0: expected numbers or truth values, got null"),
        (r#"{"input_data": [[1e39, 1.0]]}"#, "inputs list 0: expected numbers or truth values, got 1e"),
        (r#"{"input_data": [{"x": 1}]}"#, "inputs list 0: expected numbers or truth values, got {"),
        (r#"{"input_data": []}"#, "inputs: expected 1 lists, one for each input of the network, got 0"),
        (r#"{"input_data": [[]]}"#, "inputs list 0: expected 2 numbers for shape [1, 2], or a multiple of it, got 0"),
        (r#"{"samples": []}"#, "inputs: expected at least one sample"),
        (r#"{"samples": [{"x": []}]}"#, "inputs list 0: expected 2 numbers for shape [1, 2]"),
    ] {
        assert!(refused(text).starts_with(expected), "{text}: {}", refused(text));
    }
}

#[test]
fn samples_without_a_finite_float_run_are_named() {
    let network = Network::new(vec![node("Log", &["x"], "y", &[])], vec![], &[1, 2], &[1, 2]).encode();
    let error = import("log", &network, &inputs(&[1.0, 2.0, 3.0, -1.0]), &Settings::default()).unwrap_err();
    assert!(matches!(error, ImportError::NotFinite { sample: 1 }), "{error}");
}

#[test]
fn numbers_beyond_every_scale_are_refused_at_once() {
    let network = Network::new(vec![node("Sigmoid", &["x"], "y", &[])], vec![], &[1, 2], &[1, 2]).encode();
    let error = import("huge", &network, &inputs(&[9e29, -9e29]), &Settings::default()).unwrap_err().to_string();
    assert!(error.contains("formula: expected at most ") && error.ends_with("clamp to a narrower interval"), "{error}");
}

#[test]
fn weights_that_are_not_finite_are_named_in_any_operator() {
    for (operator, constant, shape) in [
        ("MatMul", floats("w", &[2, 2], &[1.0, f32::NEG_INFINITY, 0.0, 1.0]), [1, 2]),
        ("Mul", floats("w", &[1, 2], &[f32::NAN, 1.0]), [1, 2]),
    ] {
        let found = checked(&Network::new(vec![node(operator, &["x", "w"], "y", &[])], vec![constant], &shape, &shape));
        assert_eq!(found.unsupported.len(), 1, "{operator}: {found:?}");
    }
}

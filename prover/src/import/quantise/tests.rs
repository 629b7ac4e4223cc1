use super::super::seeded::Seeded;
use super::*;

fn layer(generator: &mut Seeded, inputs: u32, outputs: u32) -> Layer {
    let weights = (0..inputs * outputs).map(|_| generator.symmetric()).collect();
    let bias = (0..outputs).map(|_| generator.symmetric()).collect();
    Layer { inputs, outputs, weights, bias }
}

fn network(widths: &[u32]) -> Network {
    let mut generator = Seeded::new(7);
    Network::new(widths.windows(2).map(|pair| layer(&mut generator, pair[0], pair[1])).collect()).unwrap()
}

fn settings(shape: &[u32]) -> Settings {
    let input = Input { shape: shape.to_vec(), range: Range { min: -8, max: 7 } };
    Settings { input, input_step: 0.125, weight_bits: 12, table_rows_max: 1000 }
}

fn inputs(shape: &[u32], count: usize) -> Vec<Tensor> {
    let mut generator = Seeded::new(8);
    let elements = shape.iter().product::<u32>();
    let mut draw =
        || Tensor::new(shape.to_vec(), (0..elements).map(|_| generator.below(16) as i64 - 8).collect()).unwrap();
    (0..count).map(|_| draw()).collect()
}

/// The tables' rows of a graph: remainders and quotients of each requantisation.
fn table_rows(graph: &Graph) -> Vec<u64> {
    let values = graph.values();
    let rows = graph.nodes().iter().enumerate().filter_map(|(index, node)| match node.operator {
        Operator::Requantise { shift, .. } => Some((1 << shift) + quotient_range(values[index].range, shift).count()),
        _ => None,
    });
    rows.collect()
}

#[test]
fn integers_follow_the_float_network_within_the_table() {
    // Two hidden layers share the table, so each rounds more coarsely.
    for (widths, tolerance) in [(&[12, 3][..], 0.001), (&[12, 9, 4], 0.02), (&[12, 16, 8, 5], 0.04)] {
        let network = network(widths);
        let (settings, calibration) = (settings(&[3, 4]), inputs(&[3, 4], 200));
        let Quantised { graph, weights, output_step } = quantise(&network, &settings, &calibration).unwrap();
        let rows = table_rows(&graph);
        assert_eq!(rows.len(), widths.len() - 2);
        assert!(rows.iter().sum::<u64>() <= 1000, "{rows:?}");
        let largest = weights.iter().flat_map(|(_, dense)| dense.weights()).map(|weight| weight.abs()).max();
        assert!(largest.unwrap() <= 2047);
        let (mut worst, mut span) = (0.0f64, 0.0f64);
        for input in &calibration {
            let reals: Vec<f64> = input.values().iter().map(|value| *value as f64 * 0.125).collect();
            let floats = network.forward(&reals).pop().unwrap();
            let trace = reference::run(&graph, &weights, input).unwrap();
            for (float, integer) in floats.iter().zip(trace.output()) {
                worst = worst.max((float - *integer as f64 * output_step).abs());
                span = span.max(float.abs());
            }
        }
        assert!(worst < tolerance * span, "{widths:?}: error {worst} of {span}");
    }
}

#[test]
fn clamps_end_at_the_largest_calibrated_activation() {
    let network = network(&[12, 9, 4]);
    let calibration = inputs(&[12], 50);
    let quantised = quantise(&network, &settings(&[12]), &calibration).unwrap();
    let largest = calibration.iter().flat_map(|input| {
        let trace = reference::run(&quantised.graph, &quantised.weights, input).unwrap();
        trace.values[2].clone()
    });
    let Operator::Requantise { clamp, .. } = quantised.graph.nodes()[1].operator else { panic!("not requantised") };
    assert_eq!(clamp, Range { min: 0, max: largest.max().unwrap() });
}

#[test]
fn a_network_of_zeros_stays_zero() {
    let zero = |inputs: u32, outputs: u32| Layer {
        inputs,
        outputs,
        weights: vec![0.0; (inputs * outputs) as usize],
        bias: vec![0.0; outputs as usize],
    };
    let network = Network::new(vec![zero(4, 3), zero(3, 2)]).unwrap();
    let quantised = quantise(&network, &settings(&[4]), &inputs(&[4], 3)).unwrap();
    let trace = reference::run(&quantised.graph, &quantised.weights, &inputs(&[4], 1)[0]).unwrap();
    assert_eq!(trace.output(), [0, 0]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let network = network(&[12, 9, 4]);
    let (valid, calibration) = (settings(&[12]), inputs(&[12], 5));
    let refusal = |settings: Settings, calibration: &[Tensor]| quantise(&network, &settings, calibration).unwrap_err();
    assert_eq!(refusal(settings(&[5, 2]), &calibration), QuantiseError::InputWidth { shape: vec![5, 2], expected: 12 });
    for got in [0.0, -1.0, f64::INFINITY] {
        assert_eq!(
            refusal(Settings { input_step: got, ..valid.clone() }, &calibration),
            QuantiseError::InputStep { got }
        );
    }
    for got in [1, 25] {
        let wrong = Settings { weight_bits: got, ..valid.clone() };
        assert_eq!(refusal(wrong, &calibration), QuantiseError::WeightBits { got });
    }
    assert_eq!(refusal(valid.clone(), &[]), QuantiseError::NoCalibration);
    let small = Settings { table_rows_max: 2, ..valid.clone() };
    assert_eq!(refusal(small, &calibration), QuantiseError::Table { layer: 0, rows: 2 });
    let other = inputs(&[3, 4], 1);
    let expected = ExecutionError::InputShape { expected: vec![12], got: vec![3, 4] };
    assert_eq!(refusal(valid.clone(), &other), QuantiseError::Calibration(expected));
    let mut outside = vec![0; 12];
    outside[3] = 8;
    let expected = ExecutionError::InputRange { index: 3, value: 8, range: Range { min: -8, max: 7 } };
    let outside = Tensor::vector(outside).unwrap();
    assert_eq!(refusal(valid, &[outside]), QuantiseError::Calibration(expected));
}

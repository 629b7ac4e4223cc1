//! Tiny transformers of every kind: integers against floats, and inputs that no model takes.

use circuits::model::graph::{Activation, Operator, quotient_range};
use circuits::model::tensor::Tensor;
use circuits::model::weights::LinearWeights;

use super::writer::TABLE_BITS_MAX;
use super::*;

fn encoder() -> Configuration {
    Configuration {
        vocabulary: 40,
        width: 24,
        layers: 2,
        heads: 3,
        key_value_heads: 3,
        feed_forward: 48,
        window: 7,
        batch: 1,
        norm: Norm::Layer,
        placement: Placement::After,
        epsilon: 1e-12,
        nonlinearity: Nonlinearity::Gelu,
        positions: Positions::Learned,
        mask: Mask::Padding { token: 5 },
        head: Head::Embedding,
    }
}

fn decoder() -> Configuration {
    Configuration {
        placement: Placement::Before,
        epsilon: 1e-5,
        nonlinearity: Nonlinearity::GeluTanh,
        mask: Mask::Causal,
        head: Head::Logits { places: 2 },
        ..encoder()
    }
}

fn llama() -> Configuration {
    Configuration {
        heads: 4,
        key_value_heads: 2,
        norm: Norm::RootMeanSquare,
        nonlinearity: Nonlinearity::SwiGlu,
        positions: Positions::Rotary { base: 10_000.0 },
        ..decoder()
    }
}

fn imported(configuration: &Configuration) -> (Imported, Parameters) {
    let parameters = Parameters::generated(configuration, 1);
    let mut samples = configuration.random_inputs(24, 2);
    if let Mask::Padding { .. } = configuration.mask {
        samples.iter_mut().enumerate().for_each(|(index, sample)| sample.truncate(3 + index % 5));
    }
    let imported =
        import("tiny", "generated weights", configuration, &parameters, &samples, Precision::default()).unwrap();
    (imported, parameters)
}

#[test]
fn integers_follow_the_floats() {
    let plain = Configuration { mask: Mask::Nothing, placement: Placement::Before, ..encoder() };
    let silu = Configuration { nonlinearity: Nonlinearity::Silu, norm: Norm::RootMeanSquare, ..encoder() };
    let one = Configuration { window: 1, head: Head::Logits { places: 1 }, ..llama() };
    let square = Configuration { window: 8, ..encoder() };
    for configuration in [encoder(), decoder(), llama(), plain, silu, one, square] {
        let (imported, parameters) = imported(&configuration);
        let accuracy = imported.accuracy;
        assert!(accuracy.cosine_least > 0.995, "{configuration:?}: {accuracy:?}");
        let others = configuration.random_inputs(12, 3);
        let accuracy = measure(&imported.bundle, &configuration, &parameters, &others).unwrap();
        assert!(accuracy.cosine_least > 0.98 && accuracy.cosine_mean > 0.995, "{configuration:?}: {accuracy:?}");
    }
}

#[test]
fn roundings_of_layers_and_scores_take_one_table() {
    for configuration in [encoder(), decoder(), llama()] {
        let (imported, _) = imported(&configuration);
        let graph = imported.bundle.graph();
        for node in graph.nodes() {
            let Operator::Requantise { shift, clamp, activation } = &node.operator else { continue };
            let source = &graph.values()[node.inputs[0] as usize];
            let quotients = quotient_range(source.range, *shift).count();
            let arguments = clamp.count().min(quotients);
            assert!(arguments <= 1 << TABLE_BITS_MAX, "{node:?}");
            // Rows of one element for a token, and the pooled vector, may take the longer way.
            let is_scarce = source.width() <= configuration.window || source.shape[0] == 1;
            let is_function = matches!(activation, Activation::Formula(_));
            assert!(quotients <= 1 << TABLE_BITS_MAX || is_scarce, "{is_function}: {node:?} {source:?}");
        }
    }
}

/// With the largest tables this network would be a circuit of 2^15 rows, of which it uses a quarter.
#[test]
fn tables_do_not_lengthen_a_small_network() {
    let configuration = Shape::NanoGpt.configuration(16);
    let parameters = Parameters::generated(&configuration, 1);
    let samples = configuration.random_inputs(4, 2);
    let precision = Precision::default();
    let imported = import("small", "generated weights", &configuration, &parameters, &samples, precision).unwrap();
    assert_eq!(imported.bundle.graph().layout().k, 14);
    assert!(imported.accuracy.cosine_least > COSINE_MIN, "{:?}", imported.accuracy);
}

/// Whatever the tokens, also such as calibration never saw: clamps are a part of the meaning.
#[test]
fn every_input_runs() {
    for configuration in [encoder(), decoder(), llama()] {
        let parameters = Parameters::generated(&configuration, 4);
        let calibration = vec![vec![1; configuration.window as usize]];
        let imported =
            import("narrow", "generated", &configuration, &parameters, &calibration, Precision::default()).unwrap();
        for id in 0..configuration.vocabulary {
            let window = vec![id; configuration.window as usize];
            let output = integer_outputs(&imported.bundle, &configuration, &[window]).unwrap().concat();
            let range = imported.bundle.graph().output().range;
            assert!(output.iter().all(|value| range.contains(*value)));
        }
    }
}

/// Padding changes nothing: a text's embedding is that of a model whose window it fills.
#[test]
fn padding_is_not_seen() {
    let configuration = Configuration { window: 4, ..encoder() };
    let wide = Configuration { window: 9, ..configuration.clone() };
    let parameters = Parameters::generated(&wide, 6);
    let mut narrow = parameters.clone();
    narrow.positions.truncate(4 * 24);
    let text = [7, 8, 9, 10];
    let float = |configuration: &Configuration, parameters: &Parameters| {
        float::run(configuration, parameters, &configuration.window_of(&text).unwrap()).unwrap().output
    };
    let difference =
        float(&configuration, &narrow).into_iter().zip(float(&wide, &parameters)).map(|(a, b)| (a - b).abs());
    assert!(difference.fold(0.0, f32::max) < 1e-5);
}

/// What is generated is read again, and is at every place the largest logit's token, the first of several.
#[test]
fn generated_tokens_are_those_of_the_largest_logits() {
    for configuration in [decoder(), llama()] {
        let configuration = Configuration { window: 5, ..configuration }.generating(4);
        let (imported, _) = imported(&configuration);
        assert_eq!((configuration.asked(), imported.refusal), (5, None));
        assert!(imported.accuracy.cosine_least > COSINE_MIN, "{:?}", imported.accuracy);
        let graph = imported.bundle.graph();
        let last = graph.nodes().iter().rposition(|node| matches!(node.operator, Operator::Dense { .. })).unwrap();
        for asked in [[1, 2, 3, 4, 5], [39, 0, 7, 7, 20], [9; 5]] {
            let input = Tensor::vector(asked.to_vec()).unwrap();
            let trace = reference::run(graph, imported.bundle.weights(), &input).unwrap();
            assert_eq!(trace.values[0], graph.sequence(&asked, trace.output()));
            assert_eq!(trace.values[0][..5], asked);
            // Logits as coarse as one table takes them.
            for (row, token) in trace.values[last + 2].chunks(40).zip(trace.output()) {
                let largest = row.iter().max().unwrap();
                assert_eq!(row.iter().position(|logit| logit == largest), usize::try_from(*token).ok());
            }
        }
    }
}

/// Several texts in one pass give what each gives alone, whatever stands beside it.
#[test]
fn texts_of_a_batch_do_not_see_each_other() {
    let chooses = Configuration { head: Head::Tokens { count: 1 }, ..decoder() };
    for alone in [encoder(), decoder(), llama(), chooses] {
        let batched = alone.clone().batched(3);
        let parameters = Parameters::generated(&alone, 1);
        let mut texts = alone.random_inputs(7, 9);
        if let Mask::Padding { .. } = alone.mask {
            texts.iter_mut().enumerate().for_each(|(index, text)| text.truncate(1 + index));
        }
        let texts: Vec<Vec<u32>> = texts.iter().map(|text| alone.window_of(text).unwrap()).collect();
        let runs = texts.iter().map(|text| float::run(&alone, &parameters, text).unwrap().ranges);
        let ranges = runs.fold(Ranges::default(), Ranges::merge);
        let outputs = |configuration: &Configuration| {
            let built = build::build(configuration, &parameters, &ranges, Precision::default(), 14).unwrap();
            let shape = configuration.of_all(&[configuration.window]);
            assert_eq!(built.graph.input().shape, shape);
            let info = info("x", "", configuration, built.exponent);
            let bundle = Bundle::new(built.graph, built.weights, info).unwrap();
            integer_outputs(&bundle, configuration, &texts).unwrap()
        };
        assert_eq!(outputs(&batched), outputs(&alone), "{alone:?}");
    }
}

/// A text that is missing is nothing but padding, and has no direction.
#[test]
fn missing_texts_are_zero() {
    let configuration = encoder().batched(2);
    let (imported, _) = imported(&configuration);
    let tokens = configuration.texts().joined(&[vec![1, 2, 3]]).unwrap();
    assert_eq!(tokens, [[1, 2, 3, 5, 5, 5, 5], [5; 7]].concat());
    let input = Tensor::new(vec![2, 7], tokens.into_iter().map(i64::from).collect()).unwrap();
    let trace = reference::run(imported.bundle.graph(), imported.bundle.weights(), &input).unwrap();
    let (first, second) = trace.output().split_at(24);
    assert!(first.iter().any(|value| *value != 0) && second.iter().all(|value| *value == 0), "{second:?}");
}

#[test]
fn texts_that_fit_no_batch_say_why() {
    let of = |configuration: Configuration, texts: &[&[u32]]| {
        let texts: Vec<Vec<u32>> = texts.iter().map(|text| text.to_vec()).collect();
        configuration.batched(2).texts().joined(&texts)
    };
    assert_eq!(of(encoder(), &[&[1], &[2; 7]]), Ok([[1, 5, 5, 5, 5, 5, 5], [2; 7]].concat()));
    assert_eq!(of(encoder(), &[]), Err(TransformerError::Batch { batch: 2, got: 0 }));
    assert_eq!(of(encoder(), &[&[1], &[2], &[3]]), Err(TransformerError::Batch { batch: 2, got: 3 }));
    assert_eq!(of(decoder(), &[&[1; 7]]), Err(TransformerError::TooFew { batch: 2, got: 1 }));
    let source = Box::new(TransformerError::Empty { window: 7 });
    assert_eq!(of(encoder(), &[&[1], &[]]), Err(TransformerError::Text { number: 2, texts: 2, source }));
    let refused = of(decoder(), &[&[1; 6], &[1; 7]]).unwrap_err();
    let expected = "text 1 of 2: input: expected exactly 7 tokens (this model has no padding), got 6; \
                    lengthen the text, or make the model for 6 tokens";
    assert_eq!(refused.to_string(), expected);
    // A single text has no number.
    let alone = encoder().texts().joined(&[vec![1; 8]]);
    assert_eq!(alone, Err(TransformerError::TooLong { window: 7, got: 8 }));
}

#[test]
fn embeddings_are_of_length_one() {
    let (imported, _) = imported(&encoder());
    let exponent = imported.bundle.info().quantisation.clone().unwrap().outputs[0].exponent;
    for tokens in [vec![1, 2, 3], vec![4], (30..37).collect()] {
        let tokens = encoder().window_of(&tokens).unwrap();
        let output = integer_outputs(&imported.bundle, &encoder(), &[tokens]).unwrap().concat();
        let squares: f64 = output.iter().map(|value| (*value as f64 * f64::from(-exponent).exp2()).powi(2)).sum();
        assert!((squares - 1.0).abs() < 0.02, "{squares}");
    }
}

#[test]
fn inputs_that_are_none_say_why() {
    let window = 7;
    let of = |tokens: &[u32]| encoder().window_of(tokens);
    assert_eq!(of(&[1, 2]), Ok(vec![1, 2, 5, 5, 5, 5, 5]));
    assert_eq!(of(&[]), Err(TransformerError::Empty { window }));
    assert_eq!(of(&[5, 5]), Err(TransformerError::Empty { window }));
    assert_eq!(of(&[1; 8]), Err(TransformerError::TooLong { window, got: 8 }));
    assert_eq!(of(&[1, 40]), Err(TransformerError::Vocabulary { place: 1, vocabulary: 40, got: 40 }));
    assert_eq!(of(&[1, 5, 2]), Err(TransformerError::Padding { place: 1, token: 5 }));
    assert_eq!(decoder().window_of(&[1; 6]), Err(TransformerError::TooShort { window, got: 6 }));
    assert_eq!(decoder().window_of(&[]), Err(TransformerError::Empty { window }));
}

#[test]
fn configurations_that_fit_no_model_name_the_setting() {
    let refused = |configuration: Configuration| match configuration.check() {
        Err(TransformerError::Setting { setting, .. }) => setting,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(Configuration { heads: 5, ..encoder() }), "heads");
    assert_eq!(refused(Configuration { key_value_heads: 2, ..encoder() }), "key/value heads");
    assert_eq!(refused(Configuration { window: 0, ..encoder() }), "window");
    assert_eq!(refused(Configuration { epsilon: f64::NAN, ..encoder() }), "epsilon");
    assert_eq!(refused(Configuration { mask: Mask::Padding { token: 40 }, ..encoder() }), "padding token");
    assert_eq!(refused(Configuration { mask: Mask::Padding { token: 1 }, ..decoder() }), "mask");
    assert_eq!(refused(Configuration { head: Head::Logits { places: 8 }, ..decoder() }), "places with logits");
    assert_eq!(refused(Configuration { heads: 8, key_value_heads: 8, ..llama() }), "width of a head");
    let tokens = |count| Head::Tokens { count };
    assert_eq!(refused(Configuration { head: tokens(8), ..decoder() }), "generated tokens");
    assert_eq!(refused(Configuration { head: tokens(0), ..decoder() }), "generated tokens");
    assert_eq!(refused(Configuration { head: tokens(2), mask: Mask::Nothing, ..decoder() }), "mask");
    assert_eq!(refused(Configuration { head: tokens(2), ..encoder() }), "mask");
    assert_eq!(refused(encoder().batched(0)), "batch");
    assert_eq!(refused(encoder().batched(65)), "batch");
    assert_eq!(refused(Configuration { head: tokens(2), ..decoder() }.batched(2)), "batch");
    let many = Configuration { vocabulary: 65_537, head: tokens(2), ..decoder() };
    assert_eq!(refused(many), "vocabulary of a model that generates");
    let parameters = Parameters::generated(&encoder(), 1);
    let with = |parameters: &Parameters, samples: &[Vec<u32>], precision| {
        import("x", "", &encoder(), parameters, samples, precision).unwrap_err()
    };
    let precision = Precision::default();
    assert_eq!(with(&parameters, &[], precision), TransformerError::NoCalibration);
    let mut short = parameters.clone();
    short.blocks[1].up.bias.pop();
    let expected = TransformerError::Length { name: "block 1 up bias".into(), expected: 48, got: 47 };
    assert_eq!(with(&short, &[vec![1]], precision), expected);
    short.blocks.pop();
    assert_eq!(with(&short, &[vec![1]], precision), TransformerError::Blocks { expected: 2, got: 1 });
    let mut infinite = parameters.clone();
    infinite.blocks[0].down.bias[0] = f32::INFINITY;
    assert!(matches!(with(&infinite, &[vec![1]], precision), TransformerError::NotFinite { .. }));
    let precision = Precision { activation_bits: 14, ..precision };
    let refused = with(&parameters, &[vec![1]], precision);
    assert_eq!(refused.to_string(), "activation bits: expected 6 to 13, got 14");
}

#[test]
fn the_padding_column_is_not_a_weight_of_the_embedding() {
    let (imported, _) = imported(&encoder());
    let table: &LinearWeights = imported.bundle.weights().get(0).unwrap();
    assert_eq!([table.outputs(), table.inputs()], [25, 40]);
    let real = table.row(24).unwrap();
    assert!(real.iter().enumerate().all(|(id, value)| *value == i32::from(id != 5)));
}

#[test]
fn known_shapes_are_configurations() {
    for (shape, window) in [(Shape::Gpt2, 16), (Shape::NanoGpt, 64), (Shape::Llama, 16), (Shape::MiniLm, 16)] {
        assert_eq!(shape.configuration(window).check(), Ok(()));
    }
    let nano = Shape::NanoGpt.configuration(8);
    let (imported, _) = imported(&nano);
    assert!(imported.accuracy.cosine_mean > 0.99, "{:?}", imported.accuracy);
}

//! Files of each family, written under its names and read again.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::import::transformer::configuration::{Mask, Norm, Positions};
use crate::import::transformer::parameters::{Affine, Block, Linear};

/// Tensors by name: shape and elements.
type Named = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

const BERT: &str = r#"{"model_type":"bert","vocab_size":11,"hidden_size":4,"num_hidden_layers":2,"num_attention_heads":2,
    "intermediate_size":6,"hidden_act":"gelu","layer_norm_eps":1e-12,"max_position_embeddings":9,"pad_token_id":3}"#;
const GPT2: &str = r#"{"model_type":"gpt2","vocab_size":11,"n_embd":4,"n_layer":2,"n_head":2,"n_inner":null,
    "activation_function":"gelu_new","layer_norm_epsilon":1e-5,"n_positions":9}"#;
const LLAMA: &str = r#"{"model_type":"llama","vocab_size":11,"hidden_size":8,"num_hidden_layers":2,"num_attention_heads":4,
    "num_key_value_heads":2,"intermediate_size":6,"hidden_act":"silu","rms_norm_eps":1e-6,"rope_theta":5000.0,
    "max_position_embeddings":9,"rope_scaling":null}"#;

fn file(named: &Named) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        named.values().map(|(_, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views = named
        .iter()
        .zip(&bytes)
        .map(|((name, (shape, _)), bytes)| (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn transposed(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}

struct Writer(Named);

impl Writer {
    fn put(&mut self, name: &str, rows: usize, values: &[f32]) {
        let shape = if rows == 0 { vec![values.len()] } else { vec![rows, values.len() / rows] };
        self.0.insert(name.to_owned(), (shape, values.to_vec()));
    }

    fn linear(&mut self, name: &str, linear: &Linear) {
        self.put(&format!("{name}.weight"), linear.bias.len(), &linear.weights);
        self.put(&format!("{name}.bias"), 0, &linear.bias);
    }

    fn turned(&mut self, name: &str, linear: &Linear) {
        let outputs = linear.bias.len();
        let inputs = linear.weights.len() / outputs;
        self.put(&format!("{name}.weight"), inputs, &transposed(&linear.weights, outputs));
        self.put(&format!("{name}.bias"), 0, &linear.bias);
    }

    fn affine(&mut self, name: &str, affine: &Affine) {
        self.put(&format!("{name}.weight"), 0, &affine.gain);
        self.put(&format!("{name}.bias"), 0, &affine.bias);
    }
}

fn generated(config: &str, window: u32) -> (Configuration, Parameters) {
    let published: Published = serde_json::from_str(config).unwrap();
    let (_, configuration) = published.configuration(window, None).unwrap();
    let parameters = Parameters::generated(&configuration, 3);
    (configuration, parameters)
}

fn bert(parameters: &Parameters) -> Named {
    let mut writer = Writer(Named::new());
    writer.put("bert.embeddings.word_embeddings.weight", 11, &parameters.tokens);
    // The vector of the first type is split off the positions' vectors.
    let kind = [0.5f32, -0.25, 0.0, 1.0];
    let mut places: Vec<f32> = parameters.positions.iter().zip(kind.iter().cycle()).map(|(a, b)| a - b).collect();
    places.resize(9 * 4, 7.0);
    writer.put("bert.embeddings.position_embeddings.weight", 9, &places);
    writer.put("bert.embeddings.token_type_embeddings.weight", 2, &[kind, [9.0; 4]].concat());
    writer.affine("bert.embeddings.LayerNorm", &parameters.outer_norm);
    for (index, block) in parameters.blocks.iter().enumerate() {
        let Block { query, key, value, projection, attention_norm, up, down, feed_forward_norm, .. } = block;
        let name = |part: &str| format!("bert.encoder.layer.{index}.{part}");
        writer.linear(&name("attention.self.query"), query);
        writer.linear(&name("attention.self.key"), key);
        writer.linear(&name("attention.self.value"), value);
        writer.linear(&name("attention.output.dense"), projection);
        writer.affine(&name("attention.output.LayerNorm"), attention_norm);
        writer.linear(&name("intermediate.dense"), up);
        writer.linear(&name("output.dense"), down);
        writer.affine(&name("output.LayerNorm"), feed_forward_norm);
    }
    writer.0
}

fn gpt2(parameters: &Parameters) -> Named {
    let mut writer = Writer(Named::new());
    writer.put("wte.weight", 11, &parameters.tokens);
    let mut places = parameters.positions.clone();
    places.resize(9 * 4, 7.0);
    writer.put("wpe.weight", 9, &places);
    writer.affine("ln_f", &parameters.outer_norm);
    for (index, block) in parameters.blocks.iter().enumerate() {
        let name = |part: &str| format!("h.{index}.{part}");
        let joint = Linear {
            weights: [&block.query, &block.key, &block.value].map(|linear| linear.weights.clone()).concat(),
            bias: [&block.query, &block.key, &block.value].map(|linear| linear.bias.clone()).concat(),
        };
        writer.affine(&name("ln_1"), &block.attention_norm);
        writer.turned(&name("attn.c_attn"), &joint);
        writer.turned(&name("attn.c_proj"), &block.projection);
        writer.affine(&name("ln_2"), &block.feed_forward_norm);
        writer.turned(&name("mlp.c_fc"), &block.up);
        writer.turned(&name("mlp.c_proj"), &block.down);
    }
    writer.0
}

fn llama(parameters: &Parameters) -> Named {
    let mut writer = Writer(Named::new());
    writer.put("model.embed_tokens.weight", 11, &parameters.tokens);
    writer.put("model.norm.weight", 0, &parameters.outer_norm.gain);
    writer.put("lm_head.weight", 11, parameters.head.as_deref().unwrap());
    for (index, block) in parameters.blocks.iter().enumerate() {
        let gate = block.gate.as_ref().unwrap();
        let linears = [
            ("self_attn.q_proj", &block.query),
            ("self_attn.k_proj", &block.key),
            ("self_attn.v_proj", &block.value),
            ("self_attn.o_proj", &block.projection),
            ("mlp.gate_proj", gate),
            ("mlp.up_proj", &block.up),
            ("mlp.down_proj", &block.down),
        ];
        for (part, linear) in linears {
            writer.put(&format!("model.layers.{index}.{part}.weight"), linear.bias.len(), &linear.weights);
        }
        let norms =
            [("input_layernorm", &block.attention_norm), ("post_attention_layernorm", &block.feed_forward_norm)];
        for (part, norm) in norms {
            writer.put(&format!("model.layers.{index}.{part}.weight"), 0, &norm.gain);
        }
    }
    writer.0
}

#[test]
fn every_family_is_read_by_its_names() {
    let (configuration, parameters) = generated(BERT, 5);
    assert_eq!(configuration.mask, Mask::Padding { token: 3 });
    let (found, read_back) = read(BERT.as_bytes(), &file(&bert(&parameters)), 5, None).unwrap();
    assert_eq!((found, &read_back.blocks), (configuration, &parameters.blocks));
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
    assert!(read_back.positions.iter().zip(&parameters.positions).all(close));
    let (configuration, parameters) = generated(GPT2, 5);
    assert_eq!((configuration.feed_forward, configuration.mask), (16, Mask::Causal));
    assert_eq!(read(GPT2.as_bytes(), &file(&gpt2(&parameters)), 5, None), Ok((configuration, parameters)));
    let (configuration, mut parameters) = generated(LLAMA, 5);
    assert_eq!(configuration.norm, Norm::RootMeanSquare);
    assert_eq!(configuration.positions, Positions::Rotary { base: 5000.0 });
    parameters.head = Some(vec![0.125; 11 * 8]);
    for block in &mut parameters.blocks {
        let Block { query, key, value, projection, gate, up, down, .. } = block;
        for linear in [query, key, value, projection, up, down].into_iter().chain(gate) {
            linear.bias.fill(0.0);
        }
    }
    assert_eq!(read(LLAMA.as_bytes(), &file(&llama(&parameters)), 5, None), Ok((configuration, parameters)));
}

#[test]
fn files_that_do_not_fit_name_the_tensor_or_the_field() {
    let (_, parameters) = generated(GPT2, 5);
    let refused = |change: fn(&mut Named)| {
        let mut named = gpt2(&parameters);
        change(&mut named);
        read(GPT2.as_bytes(), &file(&named), 5, None).unwrap_err()
    };
    let missing = refused(|named| drop(named.remove("h.1.ln_2.bias")));
    assert_eq!(missing, FilesError::Missing { name: "h.1.ln_2.bias".into(), family: "GPT-2" });
    let other = refused(|named| drop(named.insert("h.0.mlp.c_fc.weight".into(), (vec![16, 4], vec![0.0; 64]))));
    let name = "h.0.mlp.c_fc.weight".to_owned();
    assert_eq!(other, FilesError::Shape { name, expected: vec![4, 16], got: vec![16, 4] });
    let short = refused(|named| drop(named.insert("wpe.weight".into(), (vec![4, 4], vec![0.0; 16]))));
    assert_eq!(short, FilesError::Shape { name: "wpe.weight".into(), expected: vec![5, 4], got: vec![4, 4] });
    let field = |config: String| match read(config.as_bytes(), &[], 5, None) {
        Err(FilesError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(BERT.replace("bert", "t5")), "model_type");
    // Encoders do not generate, and what is generated has places of its own.
    let generating = |config: &str, count| read(config.as_bytes(), &[], 5, Some(count)).unwrap_err().to_string();
    assert_eq!(
        generating(BERT, 2),
        "config.json model_type: expected gpt2 or llama for a model that generates, got bert"
    );
    let longer = "expected at least the window and what is generated in it, got 9";
    assert_eq!(generating(LLAMA, 6), format!("config.json max_position_embeddings: {longer}"));
    assert_eq!(generating(LLAMA, 0), "generated tokens: expected 1 to 5, got 0");
    assert_eq!(field(BERT.replace("\"gelu\"", "\"relu\"")), "hidden_act");
    assert_eq!(
        field(BERT.replace("\"max_position_embeddings\":9", "\"max_position_embeddings\":4")),
        "max_position_embeddings"
    );
    assert_eq!(field(LLAMA.replace("\"rope_scaling\":null", "\"rope_scaling\":{\"type\":\"linear\"}")), "rope_scaling");
    assert_eq!(field(GPT2.replace("\"n_embd\":4,", "")), "hidden_size");
    assert!(matches!(read(b"{", &[], 5, None), Err(FilesError::Json { .. })));
    assert!(matches!(read(GPT2.as_bytes(), b"no file", 5, None), Err(FilesError::Container(_))));
}

//! A language model's published files, from import to a proof of a text.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, names, put};

const WORDS: [&str; 10] = ["[PAD]", "[UNK]", "gold", "is", "tested", "before", "the", "coin", "struck", "silver"];
const WIDTH: usize = 8;
const HIDDEN: usize = 16;

/// A folder as encoders are published in: one layer, weights that nobody trained.
fn published(folder: &TempDir) {
    let config = json!({
        "model_type": "bert", "vocab_size": WORDS.len(), "hidden_size": WIDTH, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": HIDDEN, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "max_position_embeddings": 6, "pad_token_id": 0
    });
    put(folder, "config.json", config.to_string());
    let vocabulary: BTreeMap<&str, usize> = WORDS.into_iter().zip(0..).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "added_tokens": [], "normalizer": null,
        "padding": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}
    });
    put(folder, "tokenizer.json", tokenizer.to_string());
    std::fs::write(folder.path().join("model.safetensors"), safetensors(shapes())).unwrap();
    put(folder, "texts.txt", "gold is tested\nthe coin is struck\nsilver\nbefore the gold coin\n");
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    let layer = "encoder.layer.0";
    let linear = |name: &str, outputs: usize, inputs: usize| {
        let name = format!("{layer}.{name}");
        [(format!("{name}.weight"), vec![outputs, inputs]), (format!("{name}.bias"), vec![outputs])]
    };
    let norm = |name: &str| ["weight", "bias"].map(|part| (format!("{name}.LayerNorm.{part}"), vec![WIDTH]));
    let table = |name: &str, rows| (format!("embeddings.{name}_embeddings.weight"), vec![rows, WIDTH]);
    let mut shapes = vec![table("word", WORDS.len()), table("position", 6), table("token_type", 2)];
    shapes.extend(norm("embeddings"));
    for name in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"] {
        shapes.extend(linear(name, WIDTH, WIDTH));
    }
    shapes.extend(norm(&format!("{layer}.attention.output")));
    shapes.extend(linear("intermediate.dense", HIDDEN, WIDTH));
    shapes.extend(linear("output.dense", WIDTH, HIDDEN));
    shapes.extend(norm(&format!("{layer}.output")));
    shapes
}

/// The format of `safetensors`: the header's length, names with their places, numbers that nobody trained.
pub(crate) fn safetensors(shapes: Vec<(String, Vec<usize>)>) -> Vec<u8> {
    let (mut header, mut bytes) = (serde_json::Map::new(), Vec::new());
    for (name, shape) in shapes {
        let start = bytes.len();
        for place in 0..shape.iter().product::<usize>() {
            let drawn = (start / 4 + place + 1).wrapping_mul(2_654_435_761) % 1000;
            let weight = drawn as f32 / 1000.0 - 0.5;
            let is_gain = ["LayerNorm.weight", "ln_1.weight", "ln_2.weight", "ln_f.weight"]
                .iter()
                .any(|gain| name.ends_with(gain));
            bytes.extend(if is_gain { 1.0 + weight / 4.0 } else { weight }.to_le_bytes());
        }
        let place = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, bytes.len()]});
        header.insert(name, place);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes].concat()
}

#[test]
fn a_text_is_proven_by_an_imported_model() {
    let folder = TempDir::new().unwrap();
    published(&folder);
    let file = |name: &str| folder.path().join(name);
    let import = arguments![
        "model",
        "import",
        folder.path(),
        "--window",
        "4",
        "--calibrate-text",
        file("texts.txt"),
        "--out",
        file("small.assay")
    ];
    assay(import).ends(0).shows("cosine with the floats");
    assert!(names(folder.path()).contains(&"small.tokenizer.json".to_owned()));
    let run = |text: &str, more: &[&str]| {
        let rest =
            ["--out", "p.proof", "--out-statement", "s.json", "--overwrite", "--accept-insecure-setup", "--json"];
        let mut all = arguments!["prover", "run", "--model", file("small.assay"), "--text", text].to_vec();
        all.extend(rest.map(|argument| if argument.contains('.') { file(argument).into() } else { argument.into() }));
        all.extend(more.iter().map(Into::into));
        assay(all)
    };
    let tokens = |ran: Value| ran["data"]["input"]["values"].clone();
    assert_eq!(tokens(run("gold is tested", &[]).ends(0).envelope()), json!([2, 3, 4, 0]));
    let key = arguments![
        "prover",
        "setup",
        "--model",
        file("small.assay"),
        "--out-key",
        file("small.vk"),
        "--accept-insecure-setup"
    ];
    assay(key).ends(0);
    let judged = arguments![
        "verify",
        file("p.proof"),
        "--statement",
        file("s.json"),
        "--vk",
        file("small.vk"),
        "--accept-insecure-setup"
    ];
    assay(judged.to_vec()).ends(0).shows("ACCEPTED");
    // Another text's statement is not what the proof shows.
    let statement = std::fs::read_to_string(file("s.json")).unwrap();
    let other = statement.replace("[2,3,4,0]", "[2,3,7,0]").replace("2,\n      3,\n      4", "2,\n      3,\n      7");
    assert_ne!(other, statement);
    std::fs::write(file("s.json"), other).unwrap();
    assay(judged.to_vec()).ends(1).shows("REJECTED");

    // A word outside the vocabulary is the tokenizer's own token for such.
    assert_eq!(tokens(run("gold or coin", &[]).ends(0).envelope()), json!([2, 1, 7, 0]));
    let long = "gold is tested before the coin";
    let refused = run(long, &[]).ends(2);
    assert!(refused.stdout.contains("at most 4 tokens") && refused.stdout.contains("got 6"), "{}", refused.stdout);
    assert_eq!(tokens(run(long, &["--truncate"]).ends(0).envelope()), json!([2, 3, 4, 5]));
    let refused = run("", &[]).ends(2);
    assert!(refused.stdout.contains("got none"), "{}", refused.stdout);
}

/// Two texts in one pass: one proof, which shows both.
#[test]
fn a_batch_of_texts_is_proven_in_one_pass() {
    let folder = TempDir::new().unwrap();
    published(&folder);
    let file = |name: &str| folder.path().join(name);
    let import = |batch: &str| {
        let all = arguments!["model", "import", folder.path(), "--window", "4", "--overwrite", "--batch", batch];
        let rest = arguments!["--calibrate-text", file("texts.txt"), "--out", file("pair.assay")];
        assay(all.into_iter().chain(rest))
    };
    let refused = import("65").ends(2);
    assert!(refused.stderr.contains("batch: expected 1 to 64, got 65"), "{}", refused.stderr);
    import("2").ends(0).shows("2 texts, each of at most 4 token ids");
    let run = |texts: &[&str]| {
        let mut all = arguments!["prover", "run", "--model", file("pair.assay"), "--overwrite", "--json"].to_vec();
        all.extend(arguments!["--out", file("p.proof"), "--out-statement", file("s.json")]);
        all.push("--accept-insecure-setup".into());
        all.extend(texts.iter().flat_map(|text| ["--text".into(), text.into()]));
        assay(all)
    };
    let many = run(&["gold", "silver", "coin"]).ends(2);
    assert!(many.stdout.contains("texts: expected 1 to 2 (the model's batch), got 3"), "{}", many.stdout);
    let long = run(&["gold", "gold is tested before the coin"]).ends(2);
    assert!(long.stdout.contains("text 2 of 2: input: expected at most 4 tokens"), "{}", long.stdout);
    // What is missing is padding, and is not shown.
    let alone = run(&["gold is tested"]).ends(0).envelope();
    assert_eq!(alone["data"]["input"]["values"], json!([2, 3, 4, 0, 0, 0, 0, 0]));
    let embeddings = |ran: &Value| ran["data"]["embeddings"].as_array().unwrap().clone();
    assert_eq!(embeddings(&alone).len(), 1);
    let both = run(&["gold is tested", "the coin"]).ends(0).envelope();
    assert_eq!(both["data"]["input"], json!({"shape": [2, 4], "values": [2, 3, 4, 0, 6, 7, 0, 0]}));
    assert_eq!(embeddings(&both).len(), 2);
    assert_eq!(embeddings(&both)[0], embeddings(&alone)[0]);
    let texts = |ran: &Value| ran["data"]["texts"].clone();
    assert_eq!(texts(&alone), json!(["gold is tested [PAD]"]));
    assert_eq!(texts(&both), json!(["gold is tested [PAD]", "the coin [PAD] [PAD]"]));

    // A file of tokens shows the same as the texts, by the tokenizer beside the model or one that is given.
    put(&folder, "tokens.json", both["data"]["input"].to_string());
    let run_file = |more: &[std::ffi::OsString]| {
        let mut all =
            arguments!["prover", "run", "--model", file("pair.assay"), "--input", file("tokens.json")].to_vec();
        all.extend(arguments!["--overwrite", "--out", file("p.proof"), "--accept-insecure-setup"]);
        all.extend(more.iter().cloned());
        assay(all)
    };
    let json = [std::ffi::OsString::from("--json")];
    let from_file = run_file(&json).ends(0).envelope();
    assert_eq!((texts(&from_file), embeddings(&from_file)), (texts(&both), embeddings(&both)));
    run_file(&[])
        .ends(0)
        .shows("text 1")
        .shows("\"gold is tested [PAD]\"")
        .shows("text 2")
        .shows("\"the coin [PAD] [PAD]\"");
    std::fs::rename(file("pair.tokenizer.json"), file("kept.json")).unwrap();
    let unread = run_file(&json).ends(0).envelope();
    assert_eq!((texts(&unread), embeddings(&unread)), (Value::Null, embeddings(&both)));
    let given = arguments!["--tokenizer", file("kept.json"), "--json"];
    assert_eq!(texts(&run_file(&given).ends(0).envelope()), texts(&both));
    // One that only lies there is not needed, one that was named is.
    put(&folder, "pair.tokenizer.json", "{}");
    let warned = run_file(&json).ends(0).envelope();
    let warnings = warned["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().ends_with("what the tokens read is not shown")));
    assert_eq!(texts(&warned), Value::Null);
    run_file(&arguments!["--tokenizer", file("pair.tokenizer.json")]).ends(2).says("not a tokenizer");
    std::fs::rename(file("kept.json"), file("pair.tokenizer.json")).unwrap();
    run(&["gold is tested", "the coin"]).ends(0);
    let key = arguments!["prover", "setup", "--model", file("pair.assay"), "--out-key", file("pair.vk")];
    assay(key.into_iter().chain(["--accept-insecure-setup".into()])).ends(0);
    let judged = || {
        let all = arguments!["verify", file("p.proof"), "--statement", file("s.json"), "--vk", file("pair.vk")];
        let rest = arguments!["--tokenizer", file("pair.tokenizer.json"), "--accept-insecure-setup"];
        assay(all.into_iter().chain(rest))
    };
    judged().ends(0).shows("ACCEPTED").shows("1: \"gold is tested").shows("2: \"the coin");
    // The texts in the other order are another statement, though their embeddings are shown in the order of the proof.
    let mut statement: Value = serde_json::from_slice(&std::fs::read(file("s.json")).unwrap()).unwrap();
    statement["input"]["values"] = json!([6, 7, 0, 0, 2, 3, 4, 0]);
    std::fs::write(file("s.json"), statement.to_string()).unwrap();
    judged().ends(1).shows("REJECTED");
}

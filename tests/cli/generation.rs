//! A decoder's published files, from import to a proof of what it answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;
use verifier::receipt::ReceiptFile;

use crate::arguments;
use crate::common::{assay, put};
use crate::text::safetensors;

const WORDS: [&str; 9] = ["[UNK]", "gold", "is", "tested", "before", "the", "coin", "struck", "silver"];
const WIDTH: usize = 8;

/// A folder as GPT-2 is published in, with one layer.
fn published(folder: &TempDir) {
    let config = json!({
        "model_type": "gpt2", "vocab_size": WORDS.len(), "n_embd": WIDTH, "n_layer": 1, "n_head": 2, "n_positions": 8,
        "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5
    });
    put(folder, "config.json", config.to_string());
    let vocabulary: BTreeMap<&str, usize> = WORDS.into_iter().zip(0..).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "added_tokens": [], "normalizer": null, "padding": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}
    });
    put(folder, "tokenizer.json", tokenizer.to_string());
    let mut shapes =
        vec![("wte.weight".to_owned(), vec![WORDS.len(), WIDTH]), ("wpe.weight".to_owned(), vec![8, WIDTH])];
    for norm in ["h.0.ln_1", "h.0.ln_2", "ln_f"] {
        shapes.extend(["weight", "bias"].map(|part| (format!("{norm}.{part}"), vec![WIDTH])));
    }
    for (name, inputs, outputs) in [
        ("attn.c_attn", WIDTH, 3 * WIDTH),
        ("attn.c_proj", WIDTH, WIDTH),
        ("mlp.c_fc", WIDTH, 4 * WIDTH),
        ("mlp.c_proj", 4 * WIDTH, WIDTH),
    ] {
        shapes.push((format!("h.0.{name}.weight"), vec![inputs, outputs]));
        shapes.push((format!("h.0.{name}.bias"), vec![outputs]));
    }
    std::fs::write(folder.path().join("model.safetensors"), safetensors(shapes)).unwrap();
    put(folder, "texts.txt", "gold is tested before the coin is struck\nsilver is gold\nthe coin is silver\n");
}

fn word(token: &Value) -> &'static str {
    WORDS[usize::try_from(token.as_u64().unwrap()).unwrap()]
}

#[test]
fn an_answer_is_proven_token_by_token_and_no_other_is() {
    let folder = TempDir::new().unwrap();
    published(&folder);
    let file = |name: &str| folder.path().join(name);
    let import = |new_tokens: &str| {
        let mut all =
            arguments!["model", "import", folder.path(), "--window", "3", "--new-tokens", new_tokens].to_vec();
        all.extend(arguments!["--calibrate-text", file("texts.txt"), "--out", file("small.assay"), "--overwrite"]);
        assay(all)
    };
    import("7").ends(2).says("max_position_embeddings: expected at least the window and what is generated in it");
    import("4").ends(0).shows("cosine with the floats");
    let run = |text: &str| {
        let mut all = arguments!["prover", "run", "--model", file("small.assay"), "--text", text].to_vec();
        all.extend(arguments!["--out", file("p.proof"), "--out-statement", file("s.json"), "--overwrite"]);
        all.extend(arguments!["--accept-insecure-setup", "--json"]);
        assay(all)
    };
    let ran = run("gold is tested").ends(0).envelope();
    assert_eq!(ran["data"]["input"]["values"], json!([1, 2, 3]));
    let tokens = ran["data"]["output"]["values"].as_array().unwrap().clone();
    assert_eq!(tokens.len(), 4);
    let words: Vec<&str> = tokens.iter().map(word).collect();
    let answer = words.join(" ");
    assert_eq!(ran["data"]["generated"], json!(answer));
    let mut setup =
        arguments!["prover", "setup", "--model", file("small.assay"), "--out-key", file("small.vk")].to_vec();
    setup.extend(arguments!["--accept-insecure-setup"]);
    assay(setup).ends(0);
    let judged = |more: &[&str]| {
        let mut all = arguments!["verify", file("p.proof"), "--statement", file("s.json")].to_vec();
        all.extend(arguments!["--vk", file("small.vk"), "--tokenizer", file("small.tokenizer.json")]);
        all.extend(arguments!["--accept-insecure-setup"]);
        all.extend(more.iter().map(Into::into));
        assay(all)
    };
    let accepted = judged(&[]).ends(0).shows("ACCEPTED");
    accepted.shows("gold is tested").shows(&answer).shows("to the 4 tokens");
    let accepted = judged(&["--json"]).ends(0).envelope();
    let verdict = accepted.pointer("/data/verdicts/0").or(accepted.pointer("/data/files/0")).unwrap();
    assert_eq!((&verdict["text"], &verdict["output_text"]), (&json!("gold is tested"), &json!(answer)));

    // Another word anywhere in the answer is another statement.
    let statement: Value = serde_json::from_slice(&std::fs::read(file("s.json")).unwrap()).unwrap();
    for place in 0..4 {
        let mut other = statement.clone();
        let token = &mut other["output"]["values"][place];
        *token = json!((token.as_u64().unwrap() + 1) % 9);
        put(&folder, "s.json", other.to_string());
        judged(&[]).ends(1).shows("REJECTED");
    }
    // The same tokens from a file read the same.
    put(&folder, "prompt.json", "[1, 2, 3]");
    let mut from_file =
        arguments!["prover", "run", "--model", file("small.assay"), "--input", file("prompt.json")].to_vec();
    from_file.extend(arguments!["--out", file("p.proof"), "--overwrite", "--accept-insecure-setup", "--json"]);
    let from_file = assay(from_file).ends(0).envelope();
    assert_eq!(from_file["data"]["texts"], json!(["gold is tested"]));
    assert_eq!(from_file["data"]["generated"], json!(answer));

    for short in ["[1, 2]", r#"{"shape": [2], "values": [1, 2]}"#] {
        put(&folder, "prompt.json", short);
        let mut refused = arguments!["prover", "run", "--model", file("small.assay")].to_vec();
        refused.extend(arguments!["--input", file("prompt.json"), "--out", file("q.proof"), "--accept-insecure-setup"]);
        let ran = assay(refused).ends(2).says("error[ASSAY-F003]");
        ran.says("prompt: expected exactly 3 tokens, got 2; give 3, or make the model for 2");
        assert!(!file("q.proof").exists());
    }

    // A receipt states what a chain would bill: the tokens of the prompt and those of the answer.
    let mut receipted =
        arguments!["prover", "run", "--model", file("small.assay"), "--text", "gold is tested"].to_vec();
    receipted.extend(arguments!["--out", file("p.proof"), "--overwrite", "--receipt", file("r.receipt")]);
    receipted.extend(arguments!["--as-worker", "worker-1", "--accept-insecure-setup"]);
    assay(receipted).ends(0);
    let receipt = ReceiptFile::from_bytes(&std::fs::read(file("r.receipt")).unwrap()).unwrap();
    let metadata = &receipt.signed.receipt.metadata;
    assert_eq!((metadata.tokens_in, metadata.tokens_out), (3, 4));
    assay(arguments!["inspect", file("r.receipt")]).ends(0).shows("3 in, 4 out");

    let short = "expected exactly 3 tokens (this model has no padding), got 2; lengthen the text, or make the model for 2 tokens";
    run("gold is").ends(2).shows(short);
    run("gold is tested before").ends(2).shows("at most 3 tokens");
}

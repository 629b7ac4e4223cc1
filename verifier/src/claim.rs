//! What a file claims, in words: a sentence in several lines.

use attestation::context::WorkContext;
use attestation::evidence::Evidence;
use attestation::hex;
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;

use crate::inclusion::{Inclusion, Shown};
use crate::key::VerifyingKey;
use crate::receipt::ReceiptFile;
use crate::words::{printable, shape, values};

/// What the model of a claim says of its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meaning<'a> {
    /// What the tokens read.
    pub(crate) text: Option<&'a Text>,
    /// Names of the outputs, if the model gave them.
    pub(crate) labels: &'a [String],
    /// Whether the output is tokens that continue the input.
    pub(crate) generates: bool,
}

/// Texts of an input that are shown.
const TEXTS_SHOWN: usize = 16;

/// What tokens read, by a tokenizer that was given.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Of each text, if the model reads several.
    pub(crate) input: Vec<String>,
    /// Of a model that generates.
    pub(crate) output: Option<String>,
}

/// What a receipt claims.
pub(crate) fn receipt_claim(file: &ReceiptFile, meaning: Meaning<'_>) -> Vec<String> {
    let context = &file.signed.receipt.context;
    let notes = &file.unauthenticated;
    let (labels, source) = match meaning.labels {
        [] => (notes.labels.as_slice(), "label by the unsigned notes:"),
        own => (own, "label"),
    };
    let mut lines = vec![
        format!("under work context {}", hex::encode(&context.digest())),
        of_chain(context),
        format!("model {}", hex::encode(&context.model_hash)),
    ];
    if !notes.model_name.is_empty() {
        lines.push(format!("(\"{}\" by the unsigned notes)", printable(&notes.model_name)));
    }
    lines.push(format!("maps the {} input {}", shape(file.input.shape()), hex::encode(&context.input_hash)));
    lines.extend(meaning.text.into_iter().flat_map(|text| inputs_read(&text.input)));
    lines.extend(output_lines(&file.output, Meaning { labels, ..meaning }, source));
    lines
}

/// What a proof outside a receipt claims.
pub(crate) fn proof_claim(statement: &Statement, key: Option<&VerifyingKey>, meaning: Meaning<'_>) -> Vec<String> {
    let model = key.map_or("the key's model".to_owned(), |key| format!("model {}", hex::encode(&key.model_hash())));
    let (dimensions, hash) = (shape(statement.input.shape()), hex::encode(&statement.input.hash()));
    let mut lines = vec![
        format!("under the work context of digest {}", hex::encode(&statement.context_digest)),
        model,
        format!("maps the {dimensions} input {hash}"),
    ];
    lines.extend(meaning.text.into_iter().flat_map(|text| inputs_read(&text.input)));
    lines.extend(output_lines(&statement.output, meaning, "label"));
    lines
}

fn inputs_read(texts: &[String]) -> Vec<String> {
    match texts {
        [text] => vec![reads(text)],
        _ => {
            let first = "whose tokens read, by the tokenizer that you gave,".to_owned();
            let text = |(number, text): (usize, &String)| format!("  {number}: {}", printable(&format!("{text:?}")));
            let more = texts.len().saturating_sub(TEXTS_SHOWN);
            let more = (more > 0).then(|| format!("  and {more} more"));
            let shown = (1..).zip(texts).take(TEXTS_SHOWN).map(text);
            std::iter::once(first).chain(shown).chain(more).collect()
        }
    }
}

fn reads(text: &str) -> String {
    format!("whose tokens read {} by the tokenizer that you gave", printable(&format!("{text:?}")))
}

fn output_lines(output: &Tensor, meaning: Meaning<'_>, source: &str) -> Vec<String> {
    let Meaning { text, labels, generates } = meaning;
    if generates {
        let mut lines = vec![
            format!("to the {} tokens {}", output.values().len(), values(output)),
            "each of them the model's choice after all tokens before it".to_owned(),
        ];
        lines.extend(text.and_then(|text| text.output.as_deref()).map(reads));
        return lines;
    }
    let mut lines = vec![format!("to the output {}", values(output))];
    if let Some(index) = output.argmax() {
        let label = labels.get(index).map(|label| format!(" ({source} {})", printable(label)));
        lines.push(format!("whose element {index} is the largest{}", label.unwrap_or_default()));
    }
    lines
}

fn of_chain(context: &WorkContext) -> String {
    if context.names_chain() {
        format!("of chain {} (genesis {})", context.chain_id, hex::encode(&context.genesis))
    } else {
        "of no chain: the worker made it by itself".to_owned()
    }
}

/// What evidence outside a receipt claims.
pub(crate) fn evidence_claim(evidence: &Evidence, context: &WorkContext) -> Vec<String> {
    let device = hex::encode(&evidence.nullifier().device_identity);
    vec![
        format!("{} evidence of device {device}", evidence.kind()),
        format!("was made for work context {}", hex::encode(&context.digest())),
        of_chain(context),
    ]
}

/// What an inclusion claims.
pub(crate) fn inclusion_claim(inclusion: &Inclusion) -> Vec<String> {
    let header = &inclusion.header;
    let block = format!("block {} ({})", header.height, hex::encode(&header.hash()));
    match &inclusion.shown {
        Shown::State { key, value, .. } => vec![
            format!("after {block} the chain's state holds"),
            match value {
                Some(value) => format!("these {} bytes: {}", value.0.len(), head(&value.0)),
                None => "nothing".to_owned(),
            },
            format!("under the key {}", head(key)),
        ],
        Shown::Transaction { leaf, proof } => vec![
            format!("{block} holds as transaction {} of {}", proof.index, proof.count),
            format!("these {} bytes: {}", leaf.len(), head(leaf)),
        ],
        Shown::ComputeResult { leaf, proof } => vec![
            format!("{block} minted for compute result {} of {}", proof.index, proof.count),
            format!("these {} bytes: {}", leaf.len(), head(leaf)),
        ],
    }
}

/// The first bytes.
fn head(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    match bytes.split_at_checked(SHOWN) {
        Some((head, rest)) if !rest.is_empty() => format!("{}...", hex::encode(head)),
        _ => hex::encode(bytes),
    }
}

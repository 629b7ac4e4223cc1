//! What the integers of a run mean to people: texts, embeddings, an answer.

use circuits::model::bundle::Bundle;
use circuits::model::tensor::Tensor;
use verifier::tokens::Vocabulary;

use crate::output::{Output, printable};

/// What a language model's numbers stand for.
pub(super) struct Meaning {
    /// What the tokens of each text read, if the model's tokenizer is known.
    pub(super) texts: Option<Vec<String>>,
    /// The embedding of each text, of a model that gives them.
    pub(super) embeddings: Vec<Vec<f64>>,
    /// The answer, of a model that generates, if its tokenizer is known.
    pub(super) generated: Option<String>,
}

impl Meaning {
    /// That of a run. Of the model's texts the first `came` did, or all.
    pub(super) fn of(
        bundle: &Bundle,
        vocabulary: Option<&Vocabulary>,
        [input, output]: [&Tensor; 2],
        came: Option<usize>,
    ) -> Self {
        let came = came.unwrap_or(usize::MAX);
        let texts = |vocabulary: &Vocabulary| input.rows().take(came).map(|row| vocabulary.text(row)).collect();
        let generates = bundle.graph().generated() > 0;
        Self {
            texts: vocabulary.map(texts),
            embeddings: embeddings(bundle, output, came),
            generated: vocabulary.filter(|_| generates).map(|vocabulary| vocabulary.text(output.values())),
        }
    }

    /// Each text with what it became.
    pub(super) fn print(&self, output: &Output) {
        let Self { texts, embeddings, generated } = self;
        let texts = texts.as_deref().unwrap_or_default();
        let several = texts.len().max(embeddings.len()) > 1;
        let numbered =
            |what: &str, place: usize| if several { format!("{what} {}", place + 1) } else { what.to_owned() };
        for place in 0..texts.len().max(embeddings.len()) {
            if let Some(text) = texts.get(place) {
                output.field(&numbered("text", place), printable(&format!("{text:?}")));
            }
            if let Some(elements) = embeddings.get(place) {
                let first: Vec<String> = elements.iter().take(8).map(|element| format!("{element:.4}")).collect();
                let shown = format!("{} .., {} numbers", first.join(" "), elements.len());
                output.field(&numbered("embedding", place), shown);
            }
        }
        if let Some(text) = generated {
            output.field("generated", printable(&format!("{text:?}")));
        }
    }
}

/// The real numbers that embeddings' integers stand for, of each text of the first `count`. Other outputs have none.
fn embeddings(bundle: &Bundle, output: &Tensor, count: usize) -> Vec<Vec<f64>> {
    let scales = bundle.info().quantisation.as_ref().and_then(|quantisation| quantisation.outputs.first());
    let Some(scale) = scales.filter(|output| output.name == "embedding") else { return Vec::new() };
    let step = f64::from(-scale.exponent).exp2();
    let width = bundle.graph().output().shape.last().map_or(1, |width| (*width as usize).max(1));
    let rows = output.values().chunks(width).take(count);
    rows.map(|row| row.iter().map(|value| *value as f64 * step).collect()).collect()
}

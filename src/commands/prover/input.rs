//! What a model is run on: a file of integers, or text by the model's tokenizer.

use std::path::{Path, PathBuf};

use circuits::model::bundle::Bundle;
use circuits::model::tensor::Tensor;
use clap::Args;
use prover::import::transformer::{Mask, Texts};
use verifier::cli::read_tokenizer;
use verifier::tokens::Vocabulary;

use crate::commands::model::transformer::{TOKENIZER_BYTES_MAX, text_encoder, tokenizer_path};
use crate::error::{CliError, FormatError, ImportProblem};
use crate::files;
use crate::output::Output;

/// The input of a run.
#[derive(Clone, Debug, Args)]
pub(crate) struct InputOptions {
    /// Input, JSON
    #[arg(long, value_name = "FILE", required_unless_present = "text")]
    input: Option<PathBuf>,
    /// Input of a language model, as text; again for every further text of a model that takes several
    #[arg(long, value_name = "TEXT", conflicts_with = "input")]
    text: Vec<String>,
    /// Tokenizer of the model, for texts and for what a file's tokens read; the one beside the model without it
    /// (MODEL.tokenizer.json)
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// Cut off what of a text does not fit the model's window
    #[arg(long, requires = "text")]
    truncate: bool,
}

impl InputOptions {
    /// What a model's tokens read, if its tokenizer was given or lies beside it. One that only lies there is not needed.
    pub(super) fn vocabulary(&self, model: &Path, output: &Output) -> Result<Option<Vocabulary>, CliError> {
        let path = self.tokenizer_path(model);
        if self.tokenizer.is_none() && !path.exists() {
            return Ok(None);
        }
        match read_tokenizer(&path) {
            Err(error) if self.tokenizer.is_none() && self.text.is_empty() => {
                output.warn(format!("{error}; what the tokens read is not shown"));
                Ok(None)
            }
            read => Ok(Some(read?)),
        }
    }

    /// Texts that came, unless the input came as a file.
    pub(super) fn texts(&self) -> Option<usize> {
        Some(self.text.len()).filter(|texts| *texts > 0)
    }

    fn tokenizer_path(&self, model: &Path) -> PathBuf {
        self.tokenizer.clone().unwrap_or_else(|| tokenizer_path(model))
    }

    /// Reads the input of a model.
    pub(super) fn read(&self, model: &Path, bundle: &Bundle) -> Result<Tensor, CliError> {
        let input = bundle.graph().input();
        if self.text.is_empty() {
            let read = if bundle.graph().generated() > 0 { files::read_prompt } else { files::read_input };
            return read(self.input.as_deref().unwrap_or(Path::new("")), &input.shape);
        }
        let path = self.tokenizer_path(model);
        let encoder = text_encoder(&path, &files::read(&path, "tokenizer", TOKENIZER_BYTES_MAX)?)?;
        let problem = |problem| CliError::Import(Box::new(problem));
        let (window, batch) = match input.shape.split_last() {
            Some((window, outer)) => (*window, outer.iter().product()),
            None => (1, 1),
        };
        let encode = |text: &String| match self.truncate {
            true => encoder.encode_truncated(text, window),
            false => encoder.encode(text),
        };
        let texts: Result<Vec<Vec<u32>>, _> = self.text.iter().map(encode).collect();
        let texts = texts.map_err(|source| problem(ImportProblem::Text { path: path.clone(), source }))?;
        let vocabulary = u32::try_from(input.range.max.saturating_add(1)).unwrap_or(u32::MAX);
        let mask = encoder.padding().map_or(Mask::Nothing, |token| Mask::Padding { token });
        let tokens = Texts { batch, window, vocabulary, mask }
            .joined(&texts)
            .map_err(|source| problem(ImportProblem::Transformer { path: model.to_owned(), source }))?;
        Tensor::new(input.shape.clone(), tokens.into_iter().map(i64::from).collect())
            .map_err(|error| CliError::format(model, FormatError::from(error)))
    }
}

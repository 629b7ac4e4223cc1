//! What a language model reads: the tokens of as many texts as it takes at once, each filled up to its window.

use super::TransformerError;
use super::configuration::{Configuration, Mask};

/// The input of a model; only padding matters of the mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts {
    /// How many texts are read in one pass.
    pub batch: u32,
    /// Tokens of each.
    pub window: u32,
    /// Number of token ids.
    pub vocabulary: u32,
    /// Whether some token is padding.
    pub mask: Mask,
}

impl Texts {
    /// The tokens of all texts one after the other, `[batch, window]`. Of a model with padding, texts that are missing at
    /// the end are nothing but padding.
    ///
    /// # Errors
    /// No text or more than the batch; fewer without padding; [`Texts::window_of`] of each.
    pub fn joined(&self, texts: &[Vec<u32>]) -> Result<Vec<u32>, TransformerError> {
        let Self { batch, window, mask, .. } = *self;
        let got = texts.len();
        if got == 0 || got > batch as usize {
            return Err(TransformerError::Batch { batch, got });
        }
        let of = |(place, text): (usize, &Vec<u32>)| {
            let named = |source| match batch {
                1 => source,
                _ => TransformerError::Text { number: place + 1, texts: got, source: Box::new(source) },
            };
            self.window_of(text).map_err(named)
        };
        let mut joined = texts.iter().enumerate().map(of).collect::<Result<Vec<_>, _>>()?.concat();
        match mask {
            Mask::Padding { token } => joined.resize(batch as usize * window as usize, token),
            Mask::Causal | Mask::Nothing if got < batch as usize => {
                return Err(TransformerError::TooFew { batch, got });
            }
            Mask::Causal | Mask::Nothing => {}
        }
        Ok(joined)
    }

    /// A text's tokens, padded to the window, or refused.
    ///
    /// # Errors
    /// No tokens, too many, too few without padding, an id outside the vocabulary, padding before a real token.
    pub fn window_of(&self, tokens: &[u32]) -> Result<Vec<u32>, TransformerError> {
        let Self { window, vocabulary, mask, .. } = *self;
        let got = tokens.len();
        if let Some((place, id)) = tokens.iter().enumerate().find(|(_, id)| **id >= vocabulary) {
            return Err(TransformerError::Vocabulary { place, vocabulary, got: *id });
        }
        let padding = if let Mask::Padding { token } = mask { Some(token) } else { None };
        let real = tokens.iter().rposition(|id| Some(*id) != padding).map_or(0, |last| last + 1);
        if real == 0 {
            return Err(TransformerError::Empty { window });
        }
        if got > window as usize {
            return Err(TransformerError::TooLong { window, got });
        }
        let mut filled = tokens.to_vec();
        match padding {
            Some(token) => {
                if let Some(place) = tokens.iter().take(real).position(|id| *id == token) {
                    return Err(TransformerError::Padding { place, token });
                }
                filled.resize(window as usize, token);
            }
            None if got < window as usize => return Err(TransformerError::TooShort { window, got }),
            None => {}
        }
        Ok(filled)
    }
}

impl Configuration {
    /// What the model reads in one pass, what it generates included.
    #[must_use]
    pub fn texts(&self) -> Texts {
        let Self { batch, window, vocabulary, mask, .. } = *self;
        Texts { batch, window, vocabulary, mask }
    }

    /// A text's tokens, padded to the window, or refused.
    ///
    /// # Errors
    /// As [`Texts::window_of`].
    pub fn window_of(&self, tokens: &[u32]) -> Result<Vec<u32>, TransformerError> {
        self.texts().window_of(tokens)
    }
}

//! From text to token ids, by the tokenizer file that a model was published with.

use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

/// Why text has no token ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Not a tokenizer file.
    #[error("tokenizer: not a tokenizer.json ({detail})")]
    Tokenizer {
        /// What the decoder saw.
        detail: String,
    },
    /// The file fills texts up with another token than the model.
    #[error("tokenizer: expected padding with token {expected} (the configuration's pad_token_id), got token {got}")]
    Padding {
        /// The model's.
        expected: u32,
        /// The file's.
        got: u32,
    },
    /// The window leaves no room beside the tokens that begin and end a text.
    #[error("window: a text of this tokenizer begins and ends with {special} tokens, got a window of {window}")]
    Window {
        /// Tokens around every text.
        special: usize,
        /// The window.
        window: u32,
    },
    /// The tokenizer fails on a text.
    #[error("text: {detail}")]
    Text {
        /// What it says.
        detail: String,
    },
}

/// A tokenizer.
#[derive(Debug)]
pub struct TextEncoder {
    tokenizer: Tokenizer,
    padding: Option<u32>,
}

impl TextEncoder {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TextError::Tokenizer`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, TextError> {
        let mut tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|error| TextError::Tokenizer { detail: error.to_string() })?;
        let padding = tokenizer.get_padding().map(|padding| padding.pad_id);
        tokenizer.with_padding(None);
        // What the file says about length is about training; the window is the model's.
        let truncation = tokenizer.with_truncation(None).map(|_| ());
        truncation.map_err(|error| TextError::Tokenizer { detail: error.to_string() })?;
        Ok(Self { tokenizer, padding })
    }

    /// The token that fills what a text leaves of the window, if the file names one.
    #[must_use]
    pub fn padding(&self) -> Option<u32> {
        self.padding
    }

    /// A text's token ids, special ones included: none for an empty text, and as many as the text has.
    ///
    /// # Errors
    /// [`TextError::Text`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        ids(&self.tokenizer, text)
    }

    /// The same of as much of the text as fits a window.
    ///
    /// # Errors
    /// [`TextError::Text`], [`TextError::Window`].
    pub fn encode_truncated(&self, text: &str, window: u32) -> Result<Vec<u32>, TextError> {
        let special = ids(&self.tokenizer, "")?.len();
        if special >= window as usize {
            return Err(TextError::Window { special, window });
        }
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let mut tokenizer = self.tokenizer.clone();
        let truncation = TruncationParams { max_length: window as usize, ..TruncationParams::default() };
        let refused = |detail: String| TextError::Text { detail };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| refused(error.to_string()))?;
        ids(&tokenizer, text)
    }
}

/// A `tokenizer.json` that names the token by which a model's texts are filled up: the same file if it does already.
///
/// # Errors
/// [`TextError::Tokenizer`], [`TextError::Padding`].
pub fn padded(bytes: Vec<u8>, token: u32) -> Result<Vec<u8>, TextError> {
    let refused = |error: tokenizers::Error| TextError::Tokenizer { detail: error.to_string() };
    let mut tokenizer = Tokenizer::from_bytes(&bytes).map_err(refused)?;
    match tokenizer.get_padding() {
        Some(padding) if padding.pad_id == token => return Ok(bytes),
        Some(padding) => return Err(TextError::Padding { expected: token, got: padding.pad_id }),
        None => {}
    }
    let pad_token = tokenizer.id_to_token(token).unwrap_or_default();
    tokenizer.with_padding(Some(PaddingParams { pad_id: token, pad_token, ..PaddingParams::default() }));
    tokenizer.to_string(false).map(String::into_bytes).map_err(refused)
}

fn ids(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, TextError> {
    let encoding = tokenizer.encode(text, true).map_err(|error| TextError::Text { detail: error.to_string() })?;
    Ok(encoding.get_ids().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = r#"{"version":"1.0","truncation":null,
        "padding":{"strategy":{"Fixed":8},"direction":"Right","pad_to_multiple_of":null,"pad_id":3,"pad_type_id":0,"pad_token":"[PAD]"},
        "added_tokens":[],"normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"Whitespace"},
        "post_processor":{"type":"TemplateProcessing",
            "single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],
            "special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]}}},
        "decoder":null,
        "model":{"type":"WordLevel","vocab":{"blue":0,"sky":1,"[CLS]":2,"[PAD]":3,"[UNK]":4},"unk_token":"[UNK]"}}"#;

    #[test]
    fn texts_become_ids_of_their_own_length() {
        let encoder = TextEncoder::from_json(WORDS.as_bytes()).unwrap();
        assert_eq!(encoder.padding(), Some(3));
        assert_eq!(encoder.encode("Blue sky, blue"), Ok(vec![2, 0, 1, 4, 0]));
        assert_eq!(encoder.encode(" \n"), Ok(vec![]));
        assert_eq!(encoder.encode_truncated("blue sky blue", 3), Ok(vec![2, 0, 1]));
        assert_eq!(encoder.encode_truncated("sky", 1), Err(TextError::Window { special: 1, window: 1 }));
        let error = TextEncoder::from_json(b"{}").unwrap_err();
        assert!(matches!(error, TextError::Tokenizer { .. }), "{error}");
    }

    #[test]
    fn a_file_without_padding_gets_the_models() {
        let file = WORDS.as_bytes().to_vec();
        assert_eq!(padded(file.clone(), 3), Ok(file.clone()));
        assert_eq!(padded(file, 4), Err(TextError::Padding { expected: 4, got: 3 }));
        let mut value: serde_json::Value = serde_json::from_str(WORDS).unwrap();
        value["padding"] = serde_json::Value::Null;
        let written = padded(value.to_string().into_bytes(), 3).unwrap();
        let encoder = TextEncoder::from_json(&written).unwrap();
        assert_eq!(encoder.padding(), Some(3));
        assert_eq!(encoder.encode("Blue sky, blue"), Ok(vec![2, 0, 1, 4, 0]));
    }
}

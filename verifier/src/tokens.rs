//! What tokens read, by a tokenizer's published file (`tokenizer.json`).
//!
//! A proof binds token numbers, not text. Whoever has the model's tokenizer turns the numbers that were proven back into
//! text here, so that no text has to be believed. Only the way back is needed: no text is ever taken apart.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Largest tokenizer file, bytes.
pub const TOKENIZER_BYTES_MAX: usize = 16 << 20;

/// Why a tokenizer was refused.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// More bytes than [`TOKENIZER_BYTES_MAX`].
    #[error("tokenizer: expected at most {TOKENIZER_BYTES_MAX} bytes, got {got}")]
    TooLarge {
        /// Bytes that came.
        got: usize,
    },
    /// Not the JSON of a tokenizer.
    #[error("not a tokenizer (tokenizer.json with model.vocab): {0}")]
    Json(#[from] serde_json::Error),
    /// No token at all.
    #[error("tokenizer: expected tokens in model.vocab, got none")]
    Empty,
}

/// A tokenizer's tokens by their numbers, and how they join to text.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    tokens: BTreeMap<u32, Token>,
    joining: Joining,
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    /// Stands for no text of its own, like padding.
    is_special: bool,
}

/// How tokens join.
#[derive(Clone, Debug)]
enum Joining {
    /// Words, but a token with this prefix goes on with the word before (WordPiece).
    Words { prefix: Option<String> },
    /// Each character stands for a byte (byte-level BPE).
    Bytes,
    /// A low line block stands for a space, `<0x0A>` for a byte (SentencePiece).
    Blocks,
}

#[derive(Deserialize)]
struct TokenizerFile {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    decoder: Option<Decoder>,
}

#[derive(Deserialize)]
struct Model {
    vocab: Tokens,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tokens {
    Numbered(BTreeMap<String, u32>),
    /// By place, each with a score.
    Listed(Vec<(String, IgnoredAny)>),
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Decoder {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    decoders: Vec<Decoder>,
}

impl Decoder {
    fn joining(&self) -> Option<Joining> {
        match self.kind.as_str() {
            "WordPiece" => Some(Joining::Words { prefix: self.prefix.clone() }),
            "ByteLevel" => Some(Joining::Bytes),
            "Metaspace" | "ByteFallback" => Some(Joining::Blocks),
            _ => self.decoders.iter().find_map(Self::joining),
        }
    }
}

impl Vocabulary {
    /// Reads a tokenizer's file.
    pub fn from_json(bytes: &[u8]) -> Result<Self, VocabularyError> {
        if bytes.len() > TOKENIZER_BYTES_MAX {
            return Err(VocabularyError::TooLarge { got: bytes.len() });
        }
        let TokenizerFile { model, added_tokens, decoder } = serde_json::from_slice(bytes)?;
        let plain = |text| Token { text, is_special: false };
        let mut tokens: BTreeMap<u32, Token> = match model.vocab {
            Tokens::Numbered(tokens) => tokens.into_iter().map(|(text, number)| (number, plain(text))).collect(),
            Tokens::Listed(tokens) => (0..).zip(tokens).map(|(number, (text, _))| (number, plain(text))).collect(),
        };
        let added = added_tokens.into_iter();
        tokens.extend(added.map(|Added { id, content, special }| (id, Token { text: content, is_special: special })));
        if tokens.is_empty() {
            return Err(VocabularyError::Empty);
        }
        let joining = decoder.and_then(|decoder| decoder.joining()).unwrap_or(Joining::Words { prefix: None });
        Ok(Self { tokens, joining })
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token; never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// What tokens read. Tokens that stand for no text are named, a run of one of them once, with its length; so are
    /// numbers of no token.
    #[must_use]
    pub fn text(&self, numbers: &[i64]) -> String {
        let mut bytes = Vec::new();
        let mut is_apart = false;
        for run in numbers.chunk_by(|first, second| first == second) {
            let Some(number) = run.first() else { continue };
            let token = u32::try_from(*number).ok().and_then(|number| self.tokens.get(&number));
            let named = match token {
                None => Some(format!("<token {number}>")),
                Some(token) => token.is_special.then(|| token.text.clone()),
            };
            if let Some(name) = named {
                space(&mut bytes);
                bytes.extend(name.bytes());
                if run.len() > 1 {
                    bytes.extend(format!(" ({} times)", run.len()).bytes());
                }
                is_apart = true;
                continue;
            }
            let Some(token) = token else { continue };
            for _ in run {
                let start = bytes.len();
                self.join(&mut bytes, &token.text);
                // Nothing of a text runs into the name of a token without one.
                if std::mem::take(&mut is_apart) && bytes.get(start) != Some(&b' ') {
                    bytes.insert(start, b' ');
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.strip_prefix(' ').map(str::to_owned).unwrap_or(text)
    }

    fn join(&self, bytes: &mut Vec<u8>, token: &str) {
        match &self.joining {
            Joining::Words { prefix } => {
                match prefix
                    .as_deref()
                    .filter(|prefix| !prefix.is_empty())
                    .and_then(|prefix| token.strip_prefix(prefix))
                {
                    Some(rest) => bytes.extend(rest.bytes()),
                    None => {
                        space(bytes);
                        bytes.extend(token.bytes());
                    }
                }
            }
            Joining::Bytes => bytes.extend(token.chars().filter_map(byte)),
            Joining::Blocks => match hexadecimal(token) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend(token.replace('\u{2581}', " ").bytes()),
            },
        }
    }
}

/// A space, but not at the start and not after another.
fn space(bytes: &mut Vec<u8>) {
    if bytes.last().is_some_and(|last| *last != b' ') {
        bytes.push(b' ');
    }
}

/// The byte that a character of byte-level tokens stands for: itself if it is printable Latin-1, and from U+0100 on the
/// others in order.
fn byte(character: char) -> Option<u8> {
    let code = u32::from(character);
    let byte = match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => Some(code),
        // 0x00 to 0x20, 0x7f to 0xa0, and the soft hyphen.
        0x100..=0x120 => code.checked_sub(0x100),
        0x121..=0x142 => code.checked_sub(0x121 - 0x7f),
        0x143 => Some(0xad),
        _ => None,
    };
    byte.and_then(|byte| u8::try_from(byte).ok())
}

/// `<0x0A>`
fn hexadecimal(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(decoder: &str, tokens: &[&str], special: &[(u32, &str)]) -> Vocabulary {
        let vocab: BTreeMap<&str, usize> = tokens.iter().enumerate().map(|(number, token)| (*token, number)).collect();
        let added: Vec<serde_json::Value> = special
            .iter()
            .map(|(id, content)| serde_json::json!({ "id": id, "content": content, "special": true, "lstrip": false }))
            .collect();
        let decoder: serde_json::Value = serde_json::from_str(decoder).unwrap();
        let file = serde_json::json!({
            "version": "1.0", "added_tokens": added, "decoder": decoder, "model": { "type": "BPE", "vocab": vocab, "merges": [] },
        });
        Vocabulary::from_json(file.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn word_pieces_join_and_padding_is_counted() {
        let decoder = r###"{"type":"WordPiece","prefix":"##","cleanup":true}"###;
        let words = ["[PAD]", "[CLS]", "[SEP]", "play", "##ing", "chess"];
        let vocabulary = vocabulary(decoder, &words, &[(0, "[PAD]"), (1, "[CLS]"), (2, "[SEP]")]);
        assert_eq!(vocabulary.text(&[1, 3, 4, 5, 2, 0, 0, 0]), "[CLS] playing chess [SEP] [PAD] (3 times)");
        assert_eq!(vocabulary.text(&[3, 0, 4, 5, 5]), "play [PAD] ing chess chess");
        assert_eq!(
            vocabulary.text(&[-1, 6, 6, i64::MAX]),
            "<token -1> <token 6> (2 times) <token 9223372036854775807>"
        );
        assert_eq!(vocabulary.text(&[]), "");
        assert_eq!(vocabulary.len(), 6);
    }

    #[test]
    fn byte_level_tokens_are_bytes() {
        let decoder = r#"{"type":"Sequence","decoders":[{"type":"ByteLevel","add_prefix_space":true}]}"#;
        let vocabulary =
            vocabulary(decoder, &["\u{120}caf", "\u{c3}", "\u{a9}", "\u{10a}", "\u{120}"], &[(9, "<|end|>")]);
        assert_eq!(vocabulary.text(&[0, 1, 2, 3, 0]), "caf\u{e9}\n caf");
        // Half a character is none.
        assert_eq!(vocabulary.text(&[0, 1]), "caf\u{fffd}");
        assert_eq!(vocabulary.text(&[9, 1, 2, 9]), "<|end|> \u{e9} <|end|>");
        for value in 0..=255u8 {
            let characters: Vec<char> =
                (0..0x200).filter_map(char::from_u32).filter(|c| byte(*c) == Some(value)).collect();
            assert_eq!(characters.len(), 1, "byte {value}");
        }
    }

    #[test]
    fn blocks_are_spaces() {
        let decoder = r#"{"type":"Sequence","decoders":[{"type":"Replace"},{"type":"ByteFallback"},{"type":"Fuse"}]}"#;
        let vocabulary = vocabulary(decoder, &["\u{2581}Hello", "\u{2581}world", "<0x0A>", "!", "<0xZZ>"], &[]);
        assert_eq!(vocabulary.text(&[0, 1, 3, 2, 4]), "Hello world!\n<0xZZ>");
    }

    #[test]
    fn listed_tokens_have_their_places_as_numbers_and_others_are_refused() {
        let listed = br#"{"model":{"type":"Unigram","vocab":[["a",-1.5],["b",0]]},"decoder":null}"#;
        assert_eq!(Vocabulary::from_json(listed).unwrap().text(&[1, 0]), "b a");
        let refused = |bytes: &[u8]| Vocabulary::from_json(bytes).unwrap_err().to_string();
        assert!(refused(b"{}").starts_with("not a tokenizer"));
        assert!(refused(br#"{"model":{"vocab":{"a":-1}}}"#).starts_with("not a tokenizer"));
        assert_eq!(refused(br#"{"model":{"vocab":{}}}"#), "tokenizer: expected tokens in model.vocab, got none");
        assert!(refused(&vec![b' '; TOKENIZER_BYTES_MAX + 1]).starts_with("tokenizer: expected at most"));
    }
}

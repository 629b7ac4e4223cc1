//! Short texts that arrive from other machines and end up on somebody's terminal.

use std::{fmt, io};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::codec::FieldError;

/// Why a text is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// Longer than the field allows.
    #[error("text: expected at most {max} bytes, got {got}")]
    TooLong {
        /// Most bytes of UTF-8 the field takes.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// Not UTF-8.
    #[error("text is not UTF-8: the first bad byte is at {position}")]
    NotUtf8 {
        /// Bytes before it that are valid.
        position: usize,
    },
    /// A control character, with which a stranger could steer the reader's terminal.
    #[error("text holds the control character U+{code:04X}; remove it")]
    ControlCharacter {
        /// Its code point.
        code: u32,
    },
}

/// UTF-8 text of at most `MAX` bytes without control characters (invariant). Borsh: `u32` length, bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Checks and keeps a text.
    ///
    /// # Errors
    /// [`TextError`] if it is too long or holds a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.len() > MAX {
            return Err(TextError::TooLong { max: MAX, got: text.len() });
        }
        match text.chars().find(|character| character.is_control()) {
            Some(character) => Err(TextError::ControlCharacter { code: u32::from(character) }),
            None => Ok(Self(text)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<const MAX: usize> BorshSerialize for Text<MAX> {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        BorshSerialize::serialize(&self.0, writer)
    }
}

impl<const MAX: usize> BorshDeserialize for Text<MAX> {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let got = usize::try_from(u32::deserialize_reader(reader)?).unwrap_or(usize::MAX);
        if got > MAX {
            return Err(FieldError::from(TextError::TooLong { max: MAX, got }).into());
        }
        let mut bytes = vec![0; got];
        reader.read_exact(&mut bytes)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| FieldError::from(TextError::NotUtf8 { position: error.utf8_error().valid_up_to() }))?;
        Self::new(text).map_err(|error| FieldError::from(error).into())
    }
}

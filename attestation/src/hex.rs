//! Hexadecimal for people: `0x` and lower case, one spelling per byte string.
//!
//! Use `#[serde(with = "attestation::hex")]` on a field of type `[u8; N]`. Only the canonical spelling is read back, so
//! a JSON twin names the same bytes in one way only.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use thiserror::Error;

/// Why a text is not the canonical hexadecimal of `N` bytes.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HexError {
    /// No `0x` in front.
    #[error("hexadecimal text must start with 0x")]
    MissingPrefix,
    /// Another length than the type has.
    #[error("hexadecimal text: expected {expected} digits after 0x, got {got}")]
    WrongLength {
        /// Digits the type needs.
        expected: usize,
        /// Digits given.
        got: usize,
    },
    /// Half a byte at the end.
    #[error("hexadecimal text: expected an even number of digits after 0x, got {got}")]
    OddLength {
        /// Digits given.
        got: usize,
    },
    /// A character outside `0-9a-f`.
    #[error("hexadecimal text: character {position} after 0x is not one of 0-9 and a-f (lower case)")]
    InvalidDigit {
        /// Index of the first such byte, counted after the prefix.
        position: usize,
    },
}

/// `0x` followed by two lower-case digits per byte.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    const_hex::encode_prefixed(bytes)
}

/// Reads exactly `N` bytes.
///
/// # Errors
/// [`HexError`] for every spelling that [`encode`] would not have written.
pub fn decode<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let digits = canonical_digits(text)?;
    let wrong_length = HexError::WrongLength { expected: N.saturating_mul(2), got: digits.len() };
    const_hex::decode_to_array(digits).map_err(|_| wrong_length)
}

/// Reads any whole number of bytes.
///
/// # Errors
/// [`HexError`] for every spelling that [`encode`] would not have written.
pub fn decode_vec(text: &str) -> Result<Vec<u8>, HexError> {
    let digits = canonical_digits(text)?;
    const_hex::decode(digits).map_err(|_| HexError::OddLength { got: digits.len() })
}

fn canonical_digits(text: &str) -> Result<&str, HexError> {
    let digits = text.strip_prefix("0x").ok_or(HexError::MissingPrefix)?;
    match digits.bytes().position(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        Some(position) => Err(HexError::InvalidDigit { position }),
        None => Ok(digits),
    }
}

/// Writes a byte array as canonical hexadecimal text.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}

/// Reads a byte array from canonical hexadecimal text.
///
/// # Errors
/// The deserializer's own, or [`HexError`] as its message.
pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
    let text = String::deserialize(deserializer)?;
    decode(&text).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_read() {
        assert_eq!(encode(&[0xab, 0x01]), "0xab01");
        assert_eq!(decode::<2>("0xab01"), Ok([0xab, 0x01]));
        assert_eq!(decode::<2>("ab01"), Err(HexError::MissingPrefix));
        assert_eq!(decode::<2>("0XAB01"), Err(HexError::MissingPrefix));
        assert_eq!(decode::<2>("0xAb01"), Err(HexError::InvalidDigit { position: 0 }));
        assert_eq!(decode::<2>("0xab0g"), Err(HexError::InvalidDigit { position: 3 }));
        assert_eq!(decode::<2>("0xab0"), Err(HexError::WrongLength { expected: 4, got: 3 }));
        assert_eq!(decode::<2>("0xab0102"), Err(HexError::WrongLength { expected: 4, got: 6 }));
        assert_eq!(decode::<2>("0xab\u{e9}1"), Err(HexError::InvalidDigit { position: 2 }));
        assert_eq!(decode_vec("0x"), Ok(vec![]));
        assert_eq!(decode_vec("0xab01"), Ok(vec![0xab, 0x01]));
        assert_eq!(decode_vec("0xab0"), Err(HexError::OddLength { got: 3 }));
        assert_eq!(decode_vec("0xAB"), Err(HexError::InvalidDigit { position: 0 }));
    }
}

//! Strict borsh: one place where bytes from outside become values.
//!
//! Borsh alone reports every fault as an I/O error with a sentence in it. [`decode`] tells truncated, oversized,
//! trailing and malformed input apart by type, and lifts the typed faults that this crate's own field decoders raise.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use crate::{identity::IdentityError, receipt::UtilisationError, text::TextError};

/// Why bytes are not the encoding of a value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// More bytes than any value of the type can take.
    #[error("{what}: expected at most {max} bytes, got {got}")]
    TooLong {
        /// The type being read.
        what: &'static str,
        /// Cap of the type.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// The bytes end inside a field.
    #[error("{what}: truncated, the {got} bytes given end inside a field")]
    Truncated {
        /// The type being read.
        what: &'static str,
        /// Bytes given.
        got: usize,
    },
    /// Bytes remain after the value.
    #[error("{what}: {extra} trailing bytes after the value")]
    TrailingBytes {
        /// The type being read.
        what: &'static str,
        /// How many remain.
        extra: usize,
    },
    /// A presence flag or a tag byte outside its range.
    #[error("{what}: a flag or tag byte is outside its range")]
    InvalidTag {
        /// The type being read.
        what: &'static str,
    },
    /// A field that has rules of its own breaks one.
    #[error("{what}: {source}")]
    Field {
        /// The type being read.
        what: &'static str,
        /// The rule.
        source: FieldError,
    },
}

/// A fault inside one field, carried through borsh's I/O errors.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FieldError {
    /// A tag that this version does not know; a newer version may.
    #[error("unknown {field} tag {got}, this version reads {expected}; a newer version may read it")]
    UnknownTag {
        /// The enumeration.
        field: &'static str,
        /// Tags this version reads.
        expected: &'static str,
        /// Tag found.
        got: u8,
    },
    /// A key or signature.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A utilisation profile.
    #[error(transparent)]
    Utilisation(#[from] UtilisationError),
    /// A list, set or byte string.
    #[error(transparent)]
    Bound(#[from] crate::bounded::BoundError),
    /// Parts of hardware evidence.
    #[error(transparent)]
    Hardware(#[from] crate::evidence::hardware::HardwareError),
    /// A policy.
    #[error(transparent)]
    Policy(#[from] crate::policy::PolicyError),
}

impl From<FieldError> for io::Error {
    fn from(error: FieldError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// Reader that remembers whether more was asked of it than it had.
struct Input<'a> {
    rest: &'a [u8],
    exhausted: bool,
}

impl io::Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.exhausted |= buffer.len() > self.rest.len();
        io::Read::read(&mut self.rest, buffer)
    }
}

/// Reads exactly one value from `bytes`. `what` names the type in errors, `max` caps its length in bytes.
///
/// For types of this crate: an error that another crate's decoder raises shows as [`DecodeError::InvalidTag`].
///
/// # Errors
/// [`DecodeError`]: too long, truncated, trailing bytes, a bad tag, or a field that breaks its own rule.
pub fn decode<T: BorshDeserialize>(what: &'static str, bytes: &[u8], max: usize) -> Result<T, DecodeError> {
    let got = bytes.len();
    if got > max {
        return Err(DecodeError::TooLong { what, max, got });
    }
    let mut input = Input { rest: bytes, exhausted: false };
    match T::deserialize_reader(&mut input) {
        Ok(value) if input.rest.is_empty() => Ok(value),
        Ok(_) => Err(DecodeError::TrailingBytes { what, extra: input.rest.len() }),
        Err(error) => Err(match error.downcast::<FieldError>() {
            Ok(source) => DecodeError::Field { what, source },
            Err(_) if input.exhausted => DecodeError::Truncated { what, got },
            Err(_) => DecodeError::InvalidTag { what },
        }),
    }
}

/// Canonical bytes of one of this crate's own types.
pub(crate) fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    #[expect(clippy::expect_used, reason = "writing to a Vec cannot fail and every length of our types is capped")]
    value.serialize(&mut bytes).expect("serialising into memory");
    bytes
}

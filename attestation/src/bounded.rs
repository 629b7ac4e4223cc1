//! Values of bounded size with exactly one encoding: byte strings, fixed arrays, lists and sets.
//!
//! Evidence, collateral and policies are full of them. Borsh of a [`Bytes`], [`List`] or [`Set`] is a `u32` count and
//! the elements; a set's must ascend strictly, so that nothing has a second spelling. Text form: canonical hexadecimal
//! ([`crate::hex`]) and arrays.

use std::{collections::BTreeSet, fmt, io};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

use crate::{codec::FieldError, hex};

/// Why a bounded value is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BoundError {
    /// More elements, or bytes, than the field takes.
    #[error("expected at most {max} elements, got {got}")]
    TooMany {
        /// Most that the field takes.
        max: usize,
        /// How many were given.
        got: usize,
    },
    /// A set whose elements do not ascend strictly.
    #[error("element {position} of a set is not greater than the one before it; sort them and remove duplicates")]
    Unsorted {
        /// Index of the first such element.
        position: usize,
    },
}

fn check(max: usize, got: usize) -> Result<(), BoundError> {
    if got > max { Err(BoundError::TooMany { max, got }) } else { Ok(()) }
}

fn read_count<R: io::Read>(reader: &mut R, max: usize) -> io::Result<usize> {
    let got = usize::try_from(u32::deserialize_reader(reader)?).unwrap_or(usize::MAX);
    check(max, got).map_err(FieldError::from)?;
    Ok(got)
}

/// At most `MAX` bytes (invariant).
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Bytes<MAX> {
    /// Checks and keeps bytes.
    ///
    /// # Errors
    /// [`BoundError::TooMany`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, BoundError> {
        let bytes = bytes.into();
        check(MAX, bytes.len())?;
        Ok(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Bytes<MAX> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Bytes({})", self.0.len())
    }
}

impl<const MAX: usize> BorshSerialize for Bytes<MAX> {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        BorshSerialize::serialize(&self.0, writer)
    }
}

impl<const MAX: usize> BorshDeserialize for Bytes<MAX> {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let mut bytes = vec![0; read_count(reader, MAX)?];
        reader.read_exact(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl<const MAX: usize> Serialize for Bytes<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Bytes<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = hex::decode_vec(&<String as Deserialize>::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Self::new(bytes).map_err(D::Error::custom)
    }
}

/// Exactly `N` bytes that print as hexadecimal: a digest, measurement or identifier.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Fixed<const N: usize>(#[serde(with = "crate::hex")] pub [u8; N]);

impl<const N: usize> fmt::Display for Fixed<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Fixed<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// At most `MAX` elements in order (invariant).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// Checks and keeps elements.
    ///
    /// # Errors
    /// [`BoundError::TooMany`].
    pub fn new(elements: Vec<T>) -> Result<Self, BoundError> {
        check(MAX, elements.len())?;
        Ok(Self(elements))
    }

    /// The elements.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: BorshSerialize, const MAX: usize> BorshSerialize for List<T, MAX> {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        BorshSerialize::serialize(&self.0, writer)
    }
}

impl<T: BorshDeserialize, const MAX: usize> BorshDeserialize for List<T, MAX> {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let count = read_count(reader, MAX)?;
        // Collected one by one: a count alone reserves no memory.
        Ok(Self((0..count).map(|_| T::deserialize_reader(reader)).collect::<io::Result<_>>()?))
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(<Vec<T> as Deserialize>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// At most `MAX` distinct elements in ascending order (invariant).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Set<T, const MAX: usize>(BTreeSet<T>);

impl<T: Ord, const MAX: usize> Set<T, MAX> {
    /// Checks and keeps elements, in whatever order they come.
    ///
    /// # Errors
    /// [`BoundError::TooMany`].
    pub fn new(elements: impl IntoIterator<Item = T>) -> Result<Self, BoundError> {
        let elements: BTreeSet<T> = elements.into_iter().collect();
        check(MAX, elements.len())?;
        Ok(Self(elements))
    }

    /// Whether this element is in it.
    #[must_use]
    pub fn contains(&self, element: &T) -> bool {
        self.0.contains(element)
    }

    /// The elements, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T, const MAX: usize> Default for Set<T, MAX> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: BorshSerialize + Ord, const MAX: usize> BorshSerialize for Set<T, MAX> {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        BorshSerialize::serialize(&self.0, writer)
    }
}

impl<T: BorshDeserialize + Ord, const MAX: usize> BorshDeserialize for Set<T, MAX> {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let count = read_count(reader, MAX)?;
        let mut elements = BTreeSet::new();
        for position in 0..count {
            let element = T::deserialize_reader(reader)?;
            if elements.last().is_some_and(|last| element <= *last) {
                return Err(FieldError::from(BoundError::Unsorted { position }).into());
            }
            elements.insert(element);
        }
        Ok(Self(elements))
    }
}

impl<'de, T: Deserialize<'de> + Ord, const MAX: usize> Deserialize<'de> for Set<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(<Vec<T> as Deserialize>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{self, DecodeError};

    #[test]
    fn sets_have_one_encoding_and_bounds_hold() {
        let set = Set::<u8, 3>::new([3, 1, 1]).unwrap();
        assert_eq!(codec::encode(&set), [2, 0, 0, 0, 1, 3]);
        assert_eq!(codec::decode("set", &codec::encode(&set), 64), Ok(set));
        for (bytes, error) in [
            (vec![2, 0, 0, 0, 3, 1], BoundError::Unsorted { position: 1 }),
            (vec![2, 0, 0, 0, 1, 1], BoundError::Unsorted { position: 1 }),
            (vec![4, 0, 0, 0, 1, 2, 3, 4], BoundError::TooMany { max: 3, got: 4 }),
        ] {
            let refused = DecodeError::Field { what: "set", source: FieldError::Bound(error) };
            assert_eq!(codec::decode::<Set<u8, 3>>("set", &bytes, 64), Err(refused));
        }
        assert_eq!(Set::<u8, 1>::new([1, 2]), Err(BoundError::TooMany { max: 1, got: 2 }));
        assert_eq!(Bytes::<1>::new([1, 2]), Err(BoundError::TooMany { max: 1, got: 2 }));
        assert_eq!(List::<u8, 1>::new(vec![1, 2]), Err(BoundError::TooMany { max: 1, got: 2 }));
        let long = DecodeError::Field { what: "b", source: BoundError::TooMany { max: 1, got: 2 }.into() };
        assert_eq!(codec::decode::<Bytes<1>>("b", &[2, 0, 0, 0, 1, 2], 64), Err(long.clone()));
        assert_eq!(codec::decode::<List<u8, 1>>("b", &[2, 0, 0, 0, 1, 2], 64), Err(long));
        assert_eq!(serde_json::to_string(&Fixed([0xab, 1])).unwrap(), "\"0xab01\"");
        assert_eq!(serde_json::from_str::<Bytes<2>>("\"0xab01\"").unwrap(), Bytes::new([0xab, 1]).unwrap());
        assert!(serde_json::from_str::<Bytes<1>>("\"0xab01\"").is_err());
    }
}

//! What every fixed-length public value shares: hexadecimal, borsh and serde, all through one checked constructor.

/// Implements `Display`, `Debug`, `FromStr`, borsh (the bare bytes) and serde (hexadecimal text) for a type that has
/// `from_bytes(&[u8]) -> Result<Self, IdentityError>` and `as_bytes(&self) -> &[u8; $length]`.
macro_rules! fixed_bytes {
    ($type:ty, $length:expr) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&$crate::hex::encode(self.as_bytes()))
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, concat!(stringify!($type), "({})"), self)
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::identity::IdentityError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::from_bytes(&$crate::hex::decode::<{ $length }>(text)?)
            }
        }

        impl borsh::BorshSerialize for $type {
            fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
                writer.write_all(self.as_bytes())
            }
        }

        impl borsh::BorshDeserialize for $type {
            fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
                let mut bytes = [0; $length];
                reader.read_exact(&mut bytes)?;
                Self::from_bytes(&bytes).map_err(|error| $crate::codec::FieldError::from(error).into())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use fixed_bytes;

use crate::identity::IdentityError;

/// Exactly `N` bytes, or an error that names `what` they should have been.
pub(crate) fn exact<const N: usize>(what: &'static str, bytes: &[u8]) -> Result<[u8; N], IdentityError> {
    bytes.try_into().map_err(|_| IdentityError::WrongLength { what, expected: N, got: bytes.len() })
}

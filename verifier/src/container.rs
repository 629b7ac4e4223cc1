//! The envelope of every binary file: what it is, which version, how long, and a checksum.
//!
//! ```text
//! offset  size  field
//! 0       8     magic: 0x89 "ASSAY" 0x0D 0x0A (a byte with the high bit and a line end, so that text transfers show)
//! 8       2     kind: 1 verifying key, 2 proof, 3 receipt (little-endian, like all integers)
//! 10      2     format version of that kind
//! 12      4     length of the body
//! 16      ..    body: borsh, canonical
//! end-8   8     first 8 bytes of BLAKE3 derive_key over everything before: damage, not forgery, is what it finds
//! ```
//!
//! The length is checked against a limit per kind before anything is allocated, nothing may follow, and an unknown kind
//! or version is reported with both numbers: a reader that does not know a format must not guess.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

/// First bytes of every file.
pub const MAGIC: [u8; 8] = [0x89, b'A', b'S', b'S', b'A', b'Y', 0x0d, 0x0a];

const CHECKSUM_CONTEXT: &str = "assay 2026 file-checksum v1";
const HEADER_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 8;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `.vk`
    VerifyingKey,
    /// `.proof`
    Proof,
    /// `.receipt`
    Receipt,
}

impl Kind {
    /// The kind's number in the header.
    #[must_use]
    pub fn id(self) -> u16 {
        match self {
            Self::VerifyingKey => 1,
            Self::Proof => 2,
            Self::Receipt => 3,
        }
    }

    /// The format version that this release writes.
    #[must_use]
    pub fn version(self) -> u16 {
        match self {
            // 2: the commitments of the copied columns. 3: the circuit's shape.
            Self::VerifyingKey => 3,
            Self::Proof | Self::Receipt => 1,
        }
    }

    /// The format versions that this release reads.
    #[must_use]
    pub fn versions(self) -> Versions {
        let oldest = match self {
            Self::VerifyingKey => 2,
            Self::Proof | Self::Receipt => 1,
        };
        Versions { oldest, newest: self.version() }
    }

    /// Refuses a version that this release does not read.
    ///
    /// # Errors
    /// [`ContainerError::Version`].
    pub fn check_version(self, got: u16) -> Result<(), ContainerError> {
        let versions = self.versions();
        let is_read = (versions.oldest..=versions.newest).contains(&got);
        if is_read { Ok(()) } else { Err(ContainerError::Version { kind: self.name(), expected: versions, got }) }
    }

    /// Largest body, bytes.
    #[must_use]
    pub fn body_bytes_max(self) -> usize {
        match self {
            Self::VerifyingKey => 1 << 20,
            Self::Proof => 256 << 10,
            Self::Receipt => 8 << 20,
        }
    }

    /// Name for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VerifyingKey => "verifying key",
            Self::Proof => "proof",
            Self::Receipt => "receipt",
        }
    }

    fn from_id(id: u16) -> Option<Self> {
        [Self::VerifyingKey, Self::Proof, Self::Receipt].into_iter().find(|kind| kind.id() == id)
    }
}

/// Versions of a format, from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The first.
    pub oldest: u16,
    /// The last; not before the first.
    pub newest: u16,
}

impl fmt::Display for Versions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oldest, newest } = self;
        if oldest == newest { write!(formatter, "{newest}") } else { write!(formatter, "{oldest} to {newest}") }
    }
}

/// Why a file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// The first bytes are not ours.
    #[error("not an assay file: expected the magic bytes 89 41 53 53 41 59 0d 0a")]
    Magic,
    /// Another kind of file.
    #[error("expected a {expected} file, got {got}")]
    Kind {
        /// Kind that was wanted.
        expected: &'static str,
        /// Kind that came.
        got: String,
    },
    /// Another version of the format.
    #[error("{kind} format version: expected {expected}, got {got}; use a release that knows version {got}")]
    Version {
        /// Kind of file.
        kind: &'static str,
        /// Versions that can be read.
        expected: Versions,
        /// Version that came.
        got: u16,
    },
    /// The file is shorter or longer than its header says.
    #[error("{kind} file: expected {expected} bytes, got {got}")]
    Length {
        /// Kind of file.
        kind: &'static str,
        /// Bytes that the header calls for.
        expected: usize,
        /// Bytes that came.
        got: usize,
    },
    /// The header is incomplete.
    #[error("file: expected at least 24 bytes, got {got}")]
    Truncated {
        /// Bytes that came.
        got: usize,
    },
    /// The body is larger than its kind allows.
    #[error("{kind} file: expected a body of at most {expected} bytes, got {got}")]
    TooLarge {
        /// Kind of file.
        kind: &'static str,
        /// Largest body.
        expected: usize,
        /// Body that the header announces.
        got: usize,
    },
    /// The checksum does not match: the file is damaged.
    #[error("{kind} file: the checksum does not match; the file was damaged or changed")]
    Checksum {
        /// Kind of file.
        kind: &'static str,
    },
    /// The body is not the canonical encoding.
    #[error("{kind} file: {detail}")]
    Body {
        /// Kind of file.
        kind: &'static str,
        /// What the decoder saw.
        detail: String,
    },
}

/// Reads and writes the envelope.
#[derive(Debug)]
pub struct Container;

impl Container {
    /// The kind that a file's header announces, whatever its version.
    pub fn kind(bytes: &[u8]) -> Result<(Kind, u16), ContainerError> {
        let Header { kind, version, .. } = Header::read(bytes)?;
        let known = Kind::from_id(kind).ok_or_else(|| unknown("verifying key, proof or receipt", kind))?;
        Ok((known, version))
    }

    /// Decodes a file of `kind` and of the version that this release writes; the encoding must be canonical.
    pub fn decode<T: BorshDeserialize + BorshSerialize>(kind: Kind, bytes: &[u8]) -> Result<T, ContainerError> {
        match Self::open(kind, bytes)? {
            (version, body) if version == kind.version() => Self::body(kind, body),
            (got, _) => {
                let newest = kind.version();
                Err(ContainerError::Version { kind: kind.name(), expected: Versions { oldest: newest, newest }, got })
            }
        }
    }

    /// The version and the body of a file of `kind`, undamaged.
    // spec: verifier#file
    pub fn open(kind: Kind, bytes: &[u8]) -> Result<(u16, &[u8]), ContainerError> {
        let name = kind.name();
        let header = Header::read(bytes)?;
        if header.kind != kind.id() {
            return Err(unknown(name, header.kind));
        }
        kind.check_version(header.version)?;
        if header.length > kind.body_bytes_max() {
            return Err(ContainerError::TooLarge { kind: name, expected: kind.body_bytes_max(), got: header.length });
        }
        let expected = header.length.saturating_add(HEADER_BYTES).saturating_add(CHECKSUM_BYTES);
        if bytes.len() != expected {
            return Err(ContainerError::Length { kind: name, expected, got: bytes.len() });
        }
        let split = bytes.split_last_chunk::<CHECKSUM_BYTES>();
        let (content, stored) = split.ok_or(ContainerError::Truncated { got: bytes.len() })?;
        if checksum(content) != *stored {
            return Err(ContainerError::Checksum { kind: name });
        }
        Ok((header.version, content.get(HEADER_BYTES..).unwrap_or_default()))
    }

    /// Decodes the body of a file of `kind`; the encoding must be canonical.
    pub fn body<T: BorshDeserialize + BorshSerialize>(kind: Kind, body: &[u8]) -> Result<T, ContainerError> {
        let detail = |detail: String| ContainerError::Body { kind: kind.name(), detail };
        let value: T = borsh::from_slice(body).map_err(|error| detail(error.to_string()))?;
        let canonical = borsh::to_vec(&value).map_err(|error| detail(error.to_string()))?;
        if canonical != body {
            return Err(detail("not the canonical encoding".to_owned()));
        }
        Ok(value)
    }

    /// Encodes a file of `kind`.
    #[must_use]
    pub fn encode<T: BorshSerialize>(kind: Kind, value: &T) -> Vec<u8> {
        // Writing to a vector cannot fail; bodies are bounded far below u32::MAX by the types that are stored.
        let body = borsh::to_vec(value).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(kind.id().to_le_bytes());
        bytes.extend(kind.version().to_le_bytes());
        bytes.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(body);
        let checksum = checksum(&bytes);
        bytes.extend(checksum);
        bytes
    }
}

struct Header {
    kind: u16,
    version: u16,
    length: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, ContainerError> {
        let head = bytes.get(..bytes.len().min(MAGIC.len())).unwrap_or_default();
        if !MAGIC.starts_with(head) || head.is_empty() {
            return Err(ContainerError::Magic);
        }
        if bytes.len() < HEADER_BYTES.saturating_add(CHECKSUM_BYTES) {
            return Err(ContainerError::Truncated { got: bytes.len() });
        }
        let field = |at: usize, size: usize| {
            let bytes = bytes.get(at..at.saturating_add(size)).unwrap_or_default();
            bytes.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte))
        };
        let short = |value: u64| u16::try_from(value).unwrap_or(u16::MAX);
        Ok(Self {
            kind: short(field(8, 2)),
            version: short(field(10, 2)),
            length: usize::try_from(field(12, 4)).unwrap_or(usize::MAX),
        })
    }
}

fn unknown(expected: &'static str, got: u16) -> ContainerError {
    let got =
        Kind::from_id(got).map_or_else(|| format!("unknown kind {got}"), |kind| format!("a {} file", kind.name()));
    ContainerError::Kind { expected, got }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let digest = blake3::derive_key(CHECKSUM_CONTEXT, bytes);
    let mut checksum = [0; CHECKSUM_BYTES];
    checksum.copy_from_slice(digest.first_chunk::<CHECKSUM_BYTES>().unwrap_or(&[0; CHECKSUM_BYTES]));
    checksum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        Container::encode(Kind::Proof, &vec![1u8, 2, 3])
    }

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, ContainerError> {
        Container::decode(Kind::Proof, bytes)
    }

    #[test]
    fn round_trips() {
        assert_eq!(decode(&file()), Ok(vec![1, 2, 3]));
        assert_eq!(Container::kind(&file()), Ok((Kind::Proof, 1)));
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let bytes = file();
        for length in 0..bytes.len() {
            let error = decode(&bytes[..length]).unwrap_err();
            let expected = match length {
                0 => ContainerError::Magic,
                1..24 => ContainerError::Truncated { got: length },
                _ => ContainerError::Length { kind: "proof", expected: bytes.len(), got: length },
            };
            assert_eq!(error, expected, "length {length}");
        }
        for position in 0..bytes.len() {
            for bit in 0..8 {
                let mut wrong = bytes.clone();
                wrong[position] ^= 1 << bit;
                assert!(decode(&wrong).is_err(), "byte {position} bit {bit}");
            }
        }
        let mut longer = bytes;
        longer.push(0);
        let expected = ContainerError::Length { kind: "proof", expected: longer.len() - 1, got: longer.len() };
        assert_eq!(decode(&longer), Err(expected));
    }

    #[test]
    fn each_rule_has_its_own_refusal() {
        let rewritten = |position: usize, value: u8| {
            let mut bytes = file();
            bytes[position] = value;
            decode(&bytes).unwrap_err()
        };
        assert_eq!(rewritten(0, 0), ContainerError::Magic);
        assert_eq!(rewritten(8, 3), ContainerError::Kind { expected: "proof", got: "a receipt file".into() });
        assert_eq!(rewritten(8, 9), ContainerError::Kind { expected: "proof", got: "unknown kind 9".into() });
        let expected = Versions { oldest: 1, newest: 1 };
        assert_eq!(rewritten(10, 2), ContainerError::Version { kind: "proof", expected, got: 2 });
        let too_large = ContainerError::TooLarge { kind: "proof", expected: 256 << 10, got: (7 << 24) + 7 };
        assert_eq!(rewritten(15, 7), too_large);
        assert_eq!(rewritten(18, 9), ContainerError::Checksum { kind: "proof" });
        let longer_body = Container::encode(Kind::Proof, &(vec![1u8], 0u8));
        assert!(matches!(decode(&longer_body), Err(ContainerError::Body { kind: "proof", .. })));
    }

    #[test]
    fn another_version_is_refused_with_every_version_that_is_read() {
        let words = |kind: Kind, got| kind.check_version(got).unwrap_err().to_string();
        assert_eq!(
            words(Kind::VerifyingKey, 4),
            "verifying key format version: expected 2 to 3, got 4; use a release that knows version 4"
        );
        assert_eq!(
            words(Kind::Receipt, 0),
            "receipt format version: expected 1, got 0; use a release that knows version 0"
        );
        for version in [2, 3] {
            assert_eq!(Kind::VerifyingKey.check_version(version), Ok(()));
        }
    }
}

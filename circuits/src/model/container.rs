//! Opens a safetensors file from an untrusted source.
//!
//! The library adds up offsets that the header chooses, and a hostile header makes that sum overflow. So the header is
//! decoded here first, its end compared with the file's length in checked arithmetic, and only then does the library
//! see the file.

use safetensors::tensor::{Metadata, SafeTensorError, SafeTensors};

/// Largest safetensors file, bytes.
pub const CONTAINER_BYTES_MAX: usize = 1 << 30;
/// Largest safetensors header, bytes.
pub const HEADER_BYTES_MAX: usize = 1 << 20;

pub(super) const LENGTH_BYTES: usize = size_of::<u64>();

/// Why a file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// More bytes than [`CONTAINER_BYTES_MAX`].
    #[error("safetensors file: expected at most {CONTAINER_BYTES_MAX} bytes, got {got}")]
    TooLarge {
        /// Bytes of the file.
        got: usize,
    },
    /// The file ends before its header or its data does, or goes on after them.
    #[error("safetensors file: expected {expected} bytes by its header, got {got}")]
    Length {
        /// Bytes that length field and header announce.
        expected: u64,
        /// Bytes of the file.
        got: usize,
    },
    /// The header is larger than [`HEADER_BYTES_MAX`].
    #[error("safetensors header: expected at most {HEADER_BYTES_MAX} bytes, got {got}")]
    HeaderTooLarge {
        /// Bytes that the length field announces.
        got: u64,
    },
    /// The header is not a safetensors header.
    #[error("safetensors header: {detail}")]
    Header {
        /// What the decoder saw.
        detail: String,
    },
}

impl From<SafeTensorError> for ContainerError {
    fn from(error: SafeTensorError) -> Self {
        Self::Header { detail: error.to_string() }
    }
}

/// A safetensors file whose header is consistent with its length.
#[derive(Debug)]
pub struct Container<'a> {
    metadata: Metadata,
    tensors: SafeTensors<'a>,
}

impl<'a> Container<'a> {
    /// Decodes the header, with every length checked before it is used.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ContainerError> {
        let got = bytes.len();
        if got > CONTAINER_BYTES_MAX {
            return Err(ContainerError::TooLarge { got });
        }
        let truncated = |expected: u64| ContainerError::Length { expected, got };
        let announced = bytes.first_chunk::<LENGTH_BYTES>().map(|head| u64::from_le_bytes(*head));
        let announced = announced.ok_or_else(|| truncated(wide(LENGTH_BYTES)))?;
        let header_bytes = usize::try_from(announced).ok().filter(|length| *length <= HEADER_BYTES_MAX);
        let header_bytes = header_bytes.ok_or(ContainerError::HeaderTooLarge { got: announced })?;
        let data_start = LENGTH_BYTES.saturating_add(header_bytes);
        let header = bytes.get(LENGTH_BYTES..data_start).ok_or_else(|| truncated(wide(data_start)))?;
        let metadata: Metadata =
            serde_json::from_slice(header).map_err(|error| ContainerError::Header { detail: error.to_string() })?;
        let expected = wide(data_start).saturating_add(wide(metadata.data_len()));
        if expected != wide(got) {
            return Err(truncated(expected));
        }
        Ok(Self { tensors: SafeTensors::deserialize(bytes)?, metadata })
    }

    /// The tensors.
    #[must_use]
    pub fn tensors(&self) -> &SafeTensors<'a> {
        &self.tensors
    }

    /// The metadata entry of `key`.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.metadata().as_ref()?.get(key).map(String::as_str)
    }
}

pub(super) fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file from a header and data, without the library.
    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn refusal(bytes: &[u8]) -> ContainerError {
        Container::open(bytes).unwrap_err()
    }

    #[test]
    fn sizes_are_capped_before_anything_is_decoded() {
        let got = CONTAINER_BYTES_MAX + 1;
        assert_eq!(refusal(&vec![0; got]), ContainerError::TooLarge { got });
        let mut bytes = vec![0; 64];
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(refusal(&bytes), ContainerError::HeaderTooLarge { got: u64::MAX });
        let limit = HEADER_BYTES_MAX as u64;
        bytes[..8].copy_from_slice(&(limit + 1).to_le_bytes());
        assert_eq!(refusal(&bytes), ContainerError::HeaderTooLarge { got: limit + 1 });
        bytes[..8].copy_from_slice(&limit.to_le_bytes());
        assert_eq!(refusal(&bytes), ContainerError::Length { expected: limit + 8, got: 64 });
    }

    #[test]
    fn headers_that_are_not_safetensors_are_refused() {
        for header in ["", "{", "[]", "{\"a\":1}", "\u{7f}"] {
            assert!(matches!(refusal(&file(header, &[])), ContainerError::Header { .. }), "{header}");
        }
        let gap = file("{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[8,16]}}", &[0; 16]);
        assert_eq!(refusal(&gap), ContainerError::Header { detail: "invalid offset for tensor `a`".into() });
        let longer = file("{}", &[0]);
        assert_eq!(refusal(&longer), ContainerError::Length { expected: 10, got: 11 });
    }

    #[test]
    fn offsets_that_would_overflow_the_library_are_refused() {
        // Sixteen tensors of just under 2^60 bytes and one of 15: the end is 2^64 - 1, and adding the header wraps.
        let size = (1u64 << 60) - 1;
        let entry = |index: u64| {
            let (start, end) = (index * size, (index + 1) * size);
            format!("\"t{index:02}\":{{\"dtype\":\"U8\",\"shape\":[{size}],\"data_offsets\":[{start},{end}]}}")
        };
        let mut entries: Vec<String> = (0..16).map(entry).collect();
        let start = 16 * size;
        entries.push(format!("\"t16\":{{\"dtype\":\"U8\",\"shape\":[15],\"data_offsets\":[{start},{}]}}", u64::MAX));
        let bytes = file(&format!("{{{}}}", entries.join(",")), &[]);
        assert_eq!(refusal(&bytes), ContainerError::Length { expected: u64::MAX, got: bytes.len() });
    }
}

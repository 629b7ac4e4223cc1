//! The vendor's evidence container: a JSON array of `{ arch, nonce, evidence, certificate }`.
//!
//! `arch` and `nonce` are the prover's words and authenticate nothing; they are kept so that a lie in them is refused
//! ([`ContainerError::Architecture`]) instead of being ignored.

use base64ct::{Base64, Encoding};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;
use thiserror::Error;

use super::device_chain::Family;

/// Most devices of one machine: eight GPUs, four switches, and room.
pub const DEVICES_MAX: usize = 16;
/// Most bytes of a container.
pub const CONTAINER_BYTES_MAX: usize = 512 * 1024;

/// What one device answers: its report, and the PEM chain of the key that signed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DeviceEvidence {
    /// Request and response, see [`report`](super::report).
    pub report: Vec<u8>,
    /// Five certificates in PEM, leaf first, see [`device_chain`](super::device_chain).
    pub chain: Vec<u8>,
}

/// One entry of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEntry {
    /// Architecture, in the prover's words.
    pub architecture: String,
    /// Request nonce, in the prover's words.
    pub nonce: [u8; 32],
    /// The evidence.
    pub evidence: DeviceEvidence,
}

impl ContainerEntry {
    /// Checks the architecture stated against the family that the device's chain shows.
    ///
    /// # Errors
    /// [`ContainerError::Architecture`].
    pub fn check_architecture(&self, family: Family) -> Result<(), ContainerError> {
        let (expected, got) = (family.architecture(), self.architecture.clone());
        if expected == got { Ok(()) } else { Err(ContainerError::Architecture { expected, got }) }
    }
}

/// Why bytes are not a container.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ContainerError {
    /// Too large.
    #[error("evidence container: expected at most {max} bytes, got {got}")]
    TooLong {
        /// The cap.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// Not a JSON array of entries.
    #[error(
        "evidence container: not a JSON array of entries with arch, nonce, evidence and certificate (line {line}, column {column})"
    )]
    Json {
        /// Line of the fault.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// None, or more devices than a machine has.
    #[error("evidence container: expected 1 to {DEVICES_MAX} entries, got {got}")]
    Count {
        /// Entries given.
        got: usize,
    },
    /// A field that is not base64 or hexadecimal.
    #[error("evidence container: entry {index}: {field} is not {encoding}")]
    Field {
        /// Position of the entry.
        index: usize,
        /// The field.
        field: &'static str,
        /// Encoding expected.
        encoding: &'static str,
    },
    /// The device is something else than the container says.
    #[error("evidence container: arch {got}, the device's chain says {expected}")]
    Architecture {
        /// By the chain.
        expected: &'static str,
        /// By the container.
        got: String,
    },
}

#[derive(Deserialize)]
struct RawEntry {
    arch: String,
    nonce: String,
    evidence: String,
    certificate: String,
}

/// Reads a container. Fields beside the four are ignored.
///
/// # Errors
/// [`ContainerError`].
pub fn parse(json: &[u8]) -> Result<Vec<ContainerEntry>, ContainerError> {
    if json.len() > CONTAINER_BYTES_MAX {
        return Err(ContainerError::TooLong { max: CONTAINER_BYTES_MAX, got: json.len() });
    }
    let entries: Vec<RawEntry> = serde_json::from_slice(json)
        .map_err(|error| ContainerError::Json { line: error.line(), column: error.column() })?;
    if !(1..=DEVICES_MAX).contains(&entries.len()) {
        return Err(ContainerError::Count { got: entries.len() });
    }
    let read = |(index, entry): (usize, RawEntry)| {
        let base64 = |field, text: &str| {
            Base64::decode_vec(text).map_err(|_| ContainerError::Field { index, field, encoding: "base64" })
        };
        let nonce = const_hex::decode_to_array(entry.nonce.as_bytes());
        Ok(ContainerEntry {
            nonce: nonce.map_err(|_| ContainerError::Field {
                index,
                field: "nonce",
                encoding: "64 hexadecimal digits",
            })?,
            evidence: DeviceEvidence {
                report: base64("evidence", &entry.evidence)?,
                chain: base64("certificate", &entry.certificate)?,
            },
            architecture: entry.arch,
        })
    };
    entries.into_iter().enumerate().map(read).collect()
}

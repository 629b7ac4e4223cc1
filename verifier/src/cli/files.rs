//! Files, read within a limit of their kind.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use attestation::appraisal::{COLLATERAL_BYTES_MAX, Collateral};
use attestation::context::WorkContext;
use circuits::model::bundle::Bundle;
use circuits::model::container::CONTAINER_BYTES_MAX;

use super::error::{CheckError, TextError};
use crate::container::Kind;
use crate::key::VerifyingKey;
use crate::proof::Proof;
use crate::receipt::ReceiptFile;
use crate::tokens::{TOKENIZER_BYTES_MAX, Vocabulary};

/// Bytes of a container around its body.
const ENVELOPE_BYTES: u64 = 24;
/// Most bytes of a work context in JSON.
const CONTEXT_BYTES_MAX: u64 = 64 << 10;

/// A size as file systems count.
pub(super) fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Largest file of a kind.
#[must_use]
pub fn container_bytes_max(kind: Kind) -> u64 {
    wide(kind.body_bytes_max()).saturating_add(ENVELOPE_BYTES)
}

/// Largest model file.
#[must_use]
pub fn model_bytes_max() -> u64 {
    wide(CONTAINER_BYTES_MAX)
}

/// Opens a file, refusing folders.
///
/// # Errors
/// [`CheckError::Read`].
pub fn open(path: &Path) -> Result<File, CheckError> {
    let failed = |source| CheckError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    Ok(file)
}

/// Reads a whole file of at most `max` bytes; a larger one is refused before it is read.
///
/// # Errors
/// [`CheckError::Read`], [`CheckError::TooLarge`].
pub fn read(path: &Path, what: &'static str, max: u64) -> Result<Vec<u8>, CheckError> {
    read_rest(open(path)?, Vec::new(), path, what, max)
}

/// Reads the rest of a file whose first bytes are `head`; the whole may have `max` bytes.
///
/// # Errors
/// [`CheckError::Read`], [`CheckError::TooLarge`].
pub fn read_rest(file: File, head: Vec<u8>, path: &Path, what: &'static str, max: u64) -> Result<Vec<u8>, CheckError> {
    let failed = |source| CheckError::Read { path: path.to_owned(), source };
    let refused = |got: String| CheckError::TooLarge { path: path.to_owned(), what, max, got };
    let length = file.metadata().map_err(failed)?.len();
    if length > max {
        return Err(refused(length.to_string()));
    }
    // A pipe has no length, and a file may grow.
    let mut bytes = head;
    let left = max.saturating_sub(wide(bytes.len())).saturating_add(1);
    file.take(left).read_to_end(&mut bytes).map_err(failed)?;
    if wide(bytes.len()) > max {
        return Err(refused("more".to_owned()));
    }
    Ok(bytes)
}

/// A `.receipt` file.
///
/// # Errors
/// [`CheckError`] of reading and of its format.
pub fn read_receipt(path: &Path) -> Result<ReceiptFile, CheckError> {
    let bytes = read(path, "receipt", container_bytes_max(Kind::Receipt))?;
    ReceiptFile::from_bytes(&bytes).map_err(|error| CheckError::format(path, error))
}

/// A `.proof` file.
///
/// # Errors
/// [`CheckError`] of reading and of its format.
pub fn read_proof(path: &Path) -> Result<Proof, CheckError> {
    let bytes = read(path, "proof", container_bytes_max(Kind::Proof))?;
    Proof::from_bytes(&bytes).map_err(|error| CheckError::format(path, error))
}

/// A `.vk` file.
///
/// # Errors
/// [`CheckError`] of reading and of its format.
pub fn read_key(path: &Path) -> Result<VerifyingKey, CheckError> {
    let bytes = read(path, "verifying key", container_bytes_max(Kind::VerifyingKey))?;
    VerifyingKey::from_bytes(&bytes).map_err(|error| CheckError::format(path, error))
}

/// A `.assay` file.
///
/// # Errors
/// [`CheckError`] of reading and of its format.
pub fn read_model(path: &Path) -> Result<Bundle, CheckError> {
    let bytes = read(path, "model", model_bytes_max())?;
    Bundle::from_bytes(&bytes).map_err(|error| CheckError::format(path, error))
}

/// A work context in JSON.
///
/// # Errors
/// [`CheckError`] of reading and of its format.
pub fn read_context(path: &Path) -> Result<WorkContext, CheckError> {
    let bytes = read(path, "work context", CONTEXT_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|error| CheckError::format(path, TextError::WorkContext(error)))
}

/// Vendors' documents.
///
/// # Errors
/// [`CheckError`] of reading and of its format.
pub fn read_collateral(path: &Path) -> Result<Collateral, CheckError> {
    let bytes = read(path, "collateral", wide(COLLATERAL_BYTES_MAX))?;
    Collateral::from_bytes(&bytes).map_err(|error| CheckError::format(path, error))
}

/// A tokenizer, for what tokens read.
///
/// # Errors
/// [`CheckError`] of reading and of its format.
pub fn read_tokenizer(path: &Path) -> Result<Vocabulary, CheckError> {
    let bytes = read(path, "tokenizer", wide(TOKENIZER_BYTES_MAX))?;
    Vocabulary::from_json(&bytes).map_err(|error| CheckError::format(path, error))
}

//! What can go wrong with a key file.

use std::path::Path;

use attestation::identity::keystore::KeystoreError;

use super::{Exit, write_exit};

/// Names the file, unless the error does.
pub(super) fn message(path: &Path, error: &KeystoreError) -> String {
    match error {
        KeystoreError::NotAFile { .. }
        | KeystoreError::ReadableByOthers { .. }
        | KeystoreError::PublicPath { .. }
        | KeystoreError::PublicMismatch { .. } => error.to_string(),
        _ => format!("{}: {error}", path.display()),
    }
}

/// Stable code.
pub(super) fn code(error: &KeystoreError) -> &'static str {
    match error {
        KeystoreError::WrongPassword => "ASSAY-K006",
        KeystoreError::AlreadyExists { .. } => "ASSAY-K007",
        KeystoreError::ReadableByOthers { .. } => "ASSAY-K008",
        KeystoreError::PublicMismatch { .. } => "ASSAY-K009",
        KeystoreError::Io { .. } | KeystoreError::NotAFile { .. } => "ASSAY-K010",
        _ => "ASSAY-K011",
    }
}

/// Exit code that follows.
pub(super) fn exit(error: &KeystoreError) -> Exit {
    match error {
        KeystoreError::WrongPassword
        | KeystoreError::EmptyPassword
        | KeystoreError::ReadableByOthers { .. }
        | KeystoreError::PublicMismatch { .. }
        | KeystoreError::CostOutOfRange { .. }
        | KeystoreError::UnsupportedEncryption { .. }
        | KeystoreError::NotEncrypted { .. } => Exit::Configuration,
        KeystoreError::Entropy(_) => Exit::Resource,
        KeystoreError::Io { source, .. } => write_exit(source),
        _ => Exit::Unreadable,
    }
}

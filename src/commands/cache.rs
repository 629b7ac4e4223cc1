//! Where what can be made again is kept.

use std::path::PathBuf;

/// The folder `name` below `assay` in the user's folder for such things; `None` where the environment names none.
pub(super) fn folder(name: &str) -> Option<PathBuf> {
    Some(verifier::cli::cache_folder()?.join(name))
}

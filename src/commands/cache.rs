//! Where what can be made again is kept.

use std::path::PathBuf;

/// The folder `name` below `assay` in the user's folder for such things; `None` where the environment names none.
pub(super) fn folder(name: &str) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
    Some(cache.join("assay").join(name))
}

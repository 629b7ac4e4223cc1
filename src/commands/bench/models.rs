//! The models that are measured, read before anything is, so that no late mistake costs hours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use circuits::model::bundle::Bundle;
use tempfile::TempDir;

use crate::bench::error::BenchError;
use crate::commands::demo::DIGITS;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::printable;

/// A model and the name that a record knows it by.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bundle: Arc<Bundle>,
}

/// Models with different names.
pub(super) struct Models {
    list: Vec<Named>,
    /// Where the carried model lies, as long as this lasts.
    _carried: Option<TempDir>,
}

impl Models {
    /// Reads these files; without any, the network that this program carries. An option of `alone` is about one model.
    pub(super) fn read(files: &[PathBuf], alone: &[(&'static str, &Option<PathBuf>)]) -> Result<Self, CliError> {
        let given = alone.iter().find(|(_, given)| given.is_some());
        if let Some((option, _)) = given.filter(|_| files.len() > 1) {
            return Err(BenchError::OneModel { option, got: files.len() }.into());
        }
        if files.is_empty() {
            let folder = TempDir::new().map_err(BenchError::Start)?;
            let path = folder.path().join("digits.assay");
            files::write(&path, DIGITS, Existing::Keep)?;
            return Ok(Self { list: Self::named(&[path])?, _carried: Some(folder) });
        }
        Ok(Self { list: Self::named(files)?, _carried: None })
    }

    /// Adds others, of other names.
    #[cfg(feature = "synthetic")]
    pub(super) fn extend(&mut self, more: Vec<Named>) {
        self.list.extend(more);
    }

    pub(super) fn list(&self) -> &[Named] {
        &self.list
    }

    fn named(paths: &[PathBuf]) -> Result<Vec<Named>, CliError> {
        let mut names: BTreeMap<String, &Path> = BTreeMap::new();
        let mut list = Vec::new();
        for path in paths {
            let bundle = Arc::new(files::read_model(path)?);
            let name = path.file_stem().map(|stem| printable(&stem.to_string_lossy())).unwrap_or_default();
            if let Some(first) = names.insert(name.clone(), path) {
                return Err(BenchError::SameName { name, first: first.to_owned(), second: path.clone() }.into());
            }
            list.push(Named { name, path: path.clone(), bundle });
        }
        Ok(list)
    }
}

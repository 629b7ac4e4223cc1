//! Files: read within a limit of their kind, written whole or not at all.

use std::fs::Permissions;
use std::io::Write;
use std::path::{Path, PathBuf};

use circuits::model::structure::count;
use circuits::model::tensor::Tensor;
use serde::Deserialize;
use tempfile::{Builder, TempDir};
pub(crate) use verifier::cli::{
    container_bytes_max, model_bytes_max, open, read, read_key, read_model, read_proof, read_receipt, read_rest,
    read_statement,
};

use crate::error::{CliError, FormatError};

/// Largest JSON file with a model's input.
const INPUT_BYTES_MAX: u64 = 16 << 20;

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Values(Vec<i64>),
    Tensor(Tensor),
}

impl Input {
    fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = read(path, "input", INPUT_BYTES_MAX)?;
        serde_json::from_slice(&bytes).map_err(|error| CliError::format(path, FormatError::Input(error)))
    }

    fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Tensor(tensor) => tensor.values().len(),
        }
    }

    fn into_tensor(self, path: &Path, shape: &[u32]) -> Result<Tensor, CliError> {
        match self {
            Self::Values(values) => {
                Tensor::new(shape.to_vec(), values).map_err(|error| CliError::format(path, FormatError::from(error)))
            }
            Self::Tensor(tensor) => Ok(tensor),
        }
    }
}

/// A model's input in JSON: a plain array takes the shape that the model wants.
pub(crate) fn read_input(path: &Path, shape: &[u32]) -> Result<Tensor, CliError> {
    Input::read(path)?.into_tensor(path, shape)
}

/// The same of a model that answers prompts of one length, which says so of others.
pub(crate) fn read_prompt(path: &Path, shape: &[u32]) -> Result<Tensor, CliError> {
    let input = Input::read(path)?;
    let (expected, got) = (count(shape), input.len());
    if expected != got {
        return Err(CliError::format(path, FormatError::Prompt { expected, got }));
    }
    input.into_tensor(path, shape)
}

/// What to do with a file of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Refuse to write.
    Keep,
    /// Put the new content in its place.
    Replace,
}

/// Refuses a path that [`write`] would refuse, before the work that the file is to hold.
pub(crate) fn check_writable(path: &Path, existing: Existing) -> Result<(), CliError> {
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(CliError::Exists { path: path.to_owned() });
    }
    let folder = folder(path);
    let is_folder = folder.metadata().map_err(|source| CliError::Write { path: path.to_owned(), source })?.is_dir();
    let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
    if is_folder { Ok(()) } else { Err(CliError::Write { path: path.to_owned(), source }) }
}

/// Writes a file, durably: under a temporary name in the same folder, to the disk, then to its name.
pub(crate) fn write(path: &Path, content: &[u8], existing: Existing) -> Result<(), CliError> {
    write_with(path, existing, |file| file.write_all(content))
}

/// The same for content that is made while it is written.
pub(crate) fn write_with(
    path: &Path,
    existing: Existing,
    content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    let mut builder = Builder::new();
    builder.prefix(".assay-");
    if let Some(permissions) = permissions(0o666) {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder(path)).map_err(failed)?;
    content(file.as_file_mut()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let persisted = match existing {
        Existing::Keep => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    };
    match persisted {
        Ok(_) => sync_folder(folder(path)).map_err(failed),
        Err(error) if existing == Existing::Keep && error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(CliError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// A folder whose files appear all together at the end, or not at all.
///
/// One that does not exist appears with everything in it. One that exists is filled from a hidden folder inside it,
/// because replacing it would take it away under whoever stands in it.
pub(crate) struct NewFolder {
    staged: TempDir,
    target: PathBuf,
    exists: bool,
}

impl NewFolder {
    /// Starts a folder at `target`, which must be empty or absent.
    pub(crate) fn stage(target: &Path) -> Result<Self, CliError> {
        let failed = |source| CliError::Write { path: target.to_owned(), source };
        let exists = target.symlink_metadata().is_ok();
        if exists && !target.read_dir().is_ok_and(|mut entries| entries.next().is_none()) {
            return Err(CliError::NotEmpty { path: target.to_owned() });
        }
        let mut builder = Builder::new();
        builder.prefix(".assay-");
        if let Some(permissions) = permissions(0o777) {
            builder.permissions(permissions);
        }
        let staged = builder.tempdir_in(if exists { target } else { folder(target) }).map_err(failed)?;
        Ok(Self { staged, target: target.to_owned(), exists })
    }

    /// Where its files are written.
    pub(crate) fn path(&self) -> &Path {
        self.staged.path()
    }

    /// Gives the files their place.
    pub(crate) fn publish(self) -> Result<PathBuf, CliError> {
        let Self { staged, target, exists } = self;
        let moved = if exists {
            move_files(staged.path(), &target).and_then(|()| staged.close())
        } else {
            // The folder is where it belongs; nothing is left to clean up.
            std::fs::rename(staged.path(), &target).map(|()| drop(staged.keep()))
        };
        match moved {
            Ok(()) => Ok(target),
            Err(source) => Err(CliError::Write { path: target, source }),
        }
    }
}

fn move_files(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in from.read_dir()? {
        let entry = entry?;
        std::fs::rename(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Makes the names in a folder durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Windows opens no folder for it.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Permissions before the process's mask.
#[cfg(unix)]
fn permissions(mode: u32) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions(_mode: u32) -> Option<Permissions> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    /// Names the folder in which a process of its own writes, and is ended halfway.
    const FOLDER: &str = "ASSAY_FILES_TEST";

    #[test]
    #[ignore = "what the next test runs in a process of its own; by itself it does nothing"]
    fn child() {
        let Ok(folder) = std::env::var(FOLDER) else { return };
        let _ = write_with(&Path::new(&folder).join("file"), Existing::Replace, |file| {
            file.write_all(b"ha")?;
            std::process::abort()
        });
    }

    #[test]
    fn a_file_that_was_not_written_whole_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for old in [None, Some("old")] {
            if let Some(old) = old {
                write(&path, old.as_bytes(), Existing::Keep).unwrap();
            }
            let full = |file: &mut dyn Write| {
                file.write_all(b"ha")?;
                Err(std::io::ErrorKind::StorageFull.into())
            };
            let refused = write_with(&path, Existing::Replace, full).unwrap_err();
            assert!(refused.to_string().contains("file"), "{refused}");
            let test = format!("{}::child", module_path!().split_once("::").unwrap().1);
            let ended = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", &test, "--ignored"])
                .env(FOLDER, folder.path())
                .output()
                .unwrap();
            assert_eq!(ended.status.code(), None, "{ended:?}");
            assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), old);
        }
        write(&path, b"new", Existing::Replace).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(matches!(write(&path, b"newer", Existing::Keep), Err(CliError::Exists { .. })));
    }
}

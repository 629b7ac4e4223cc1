//! Key files on disk: written whole and once, read only when nobody else can.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};
use zeroize::Zeroizing;

use crate::identity::keystore::{Cost, KEY_FILE_BYTES_MAX, KeystoreError, PublicKey, SecretKey, decrypt, encrypt};

const PUBLIC_EXTENSION: &str = "pub";

/// Where the public record of a key file lies: same name, extension `pub`.
#[must_use]
pub fn public_path(path: &Path) -> PathBuf {
    path.with_extension(PUBLIC_EXTENSION)
}

/// Encrypts a key into a new file of mode 0600, and writes its public record beside it.
///
/// Each file appears whole or not at all, and none is overwritten: content goes to a temporary file in the same folder,
/// reaches the disk, and is then given its name if that is free.
///
/// # Errors
/// [`KeystoreError`], and then neither file is left behind.
pub fn write_new(path: &Path, key: &SecretKey, password: &[u8], cost: Cost) -> Result<(), KeystoreError> {
    let record_path = public_path(path);
    if record_path == path {
        return Err(KeystoreError::PublicPath { path: path.to_owned() });
    }
    for taken in [path, &record_path] {
        if fs::symlink_metadata(taken).is_ok() {
            return Err(KeystoreError::AlreadyExists { path: taken.to_owned() });
        }
    }
    let mut record = serde_json::to_string_pretty(&key.public_key())
        .map_err(|source| KeystoreError::Record { path: record_path.clone(), source })?;
    record.push('\n');
    let secret = encrypt(key, password, cost)?;
    let secret_file = stage(path, secret.as_bytes(), 0o600)?;
    let record_file = stage(&record_path, record.as_bytes(), 0o644)?;
    publish(secret_file, path)?;
    if let Err(error) = publish(record_file, &record_path) {
        // The key file was ours a moment ago and nobody was told of it: taking it back leaves nothing half written.
        fs::remove_file(path).map_err(|source| io_error("remove", path, source))?;
        return Err(error);
    }
    Ok(())
}

/// Reads and decrypts a key file that only its owner can read; if there is a public record, it must match.
///
/// # Errors
/// [`KeystoreError`].
pub fn read(path: &Path, password: &[u8]) -> Result<SecretKey, KeystoreError> {
    let text = Zeroizing::new(read_capped(path, check_owner_only)?);
    let key = decrypt(&text, password)?;
    let record_path = public_path(path);
    match read_public(path) {
        Err(KeystoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(key),
        Err(error) => Err(error),
        Ok(record) if record == key.public_key() => Ok(key),
        Ok(record) => Err(KeystoreError::PublicMismatch {
            path: record_path,
            expected: crate::hex::encode(&key.public_key().id()),
            got: crate::hex::encode(&record.id()),
        }),
    }
}

/// Reads the public record of a key file. `path` names the key file.
///
/// # Errors
/// [`KeystoreError::Record`], [`KeystoreError::TooLarge`], [`KeystoreError::Io`].
pub fn read_public(path: &Path) -> Result<PublicKey, KeystoreError> {
    let path = public_path(path);
    let text = read_capped(&path, |_, _| Ok(()))?;
    serde_json::from_slice(&text).map_err(|source| KeystoreError::Record { path, source })
}

/// Every public record of a folder with its path, sorted by path, readable or not.
///
/// # Errors
/// [`KeystoreError::Io`] if the folder cannot be listed.
#[expect(clippy::type_complexity, reason = "a pair of path and outcome needs no name of its own")]
pub fn list(folder: &Path) -> Result<Vec<(PathBuf, Result<PublicKey, KeystoreError>)>, KeystoreError> {
    let entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<io::Result<Vec<_>>>())
        .map_err(|source| io_error("list", folder, source))?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == PUBLIC_EXTENSION));
    paths.sort();
    Ok(paths.into_iter().map(|path| (path.clone(), read_public(&path))).collect())
}

fn stage(path: &Path, content: &[u8], mode: u32) -> Result<NamedTempFile, KeystoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = Builder::new();
    builder.prefix(".assay-key-");
    if let Some(permissions) = permissions(mode) {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder).map_err(|source| io_error("write in", folder, source))?;
    file.write_all(content)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|source| io_error("write", path, source))?;
    Ok(file)
}

fn publish(file: NamedTempFile, path: &Path) -> Result<(), KeystoreError> {
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(KeystoreError::AlreadyExists { path: path.to_owned() })
        }
        Err(error) => Err(io_error("write", path, error.error)),
    }
}

fn read_capped(
    path: &Path,
    check: impl Fn(&Path, &fs::Metadata) -> Result<(), KeystoreError>,
) -> Result<Vec<u8>, KeystoreError> {
    let failed = |source| io_error("read", path, source);
    // Looked at before opening, because opening a named pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(KeystoreError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(failed)?;
    check(path, &file.metadata().map_err(failed)?)?;
    let max = KEY_FILE_BYTES_MAX;
    let mut content = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut content).map_err(failed)?;
    if content.len() > max {
        return Err(KeystoreError::TooLarge { max, got: content.len() });
    }
    Ok(content)
}

#[cfg(unix)]
fn permissions(mode: u32) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions(_mode: u32) -> Option<Permissions> {
    None
}

#[cfg(unix)]
fn check_owner_only(path: &Path, metadata: &fs::Metadata) -> Result<(), KeystoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeystoreError::ReadableByOthers { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_owner_only(_path: &Path, _metadata: &fs::Metadata) -> Result<(), KeystoreError> {
    Ok(())
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> KeystoreError {
    KeystoreError::Io { action, path: path.to_owned(), source }
}

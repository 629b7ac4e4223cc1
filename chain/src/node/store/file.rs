//! Files and folders that appear, change and go as a whole, durably; every such call of the node is here or in `rocks`.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::node::failpoint::{Step, Write, reach, write_all};

/// Writes `bytes` beside `path`, syncs, and renames over `path`: a crash leaves the old file or the new one.
pub(super) fn replace(write: Write, path: &Path, bytes: &[u8]) -> io::Result<()> {
    reach(write, Step::Before)?;
    let beside = path.with_extension("tmp");
    let mut file = File::create(&beside)?;
    write_all(write, &mut file, bytes)?;
    file.sync_all()?;
    place(write, &beside, path)
}

/// Moves what is written and synced to its place.
pub(in crate::node) fn place(write: Write, from: &Path, to: &Path) -> io::Result<()> {
    reach(write, Step::Unplaced)?;
    fs::rename(from, to)?;
    sync_above(to)?;
    reach(write, Step::After)
}

/// Starts a file that must not be there.
pub(in crate::node) fn begin(write: Write, path: &Path) -> io::Result<File> {
    reach(write, Step::Before)?;
    File::options().write(true).create_new(true).open(path)
}

/// Makes a file's content durable.
pub(in crate::node) fn finish(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Opens a file that holds nothing, and makes it if it is missing.
pub(super) fn touch(write: Write, path: &Path) -> io::Result<File> {
    reach(write, Step::Before)?;
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    reach(write, Step::After)?;
    Ok(file)
}

/// Makes a folder, and those above it that are missing; nothing if it is there.
pub(super) fn make_folder(write: Write, path: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && folder.symlink_metadata().is_err();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    if missing.is_empty() {
        return fs::create_dir_all(path);
    }
    reach(write, Step::Before)?;
    fs::create_dir_all(path)?;
    // Without this a power cut takes the folder with everything that was synced in it.
    missing.into_iter().rev().try_for_each(sync_above)?;
    reach(write, Step::After)
}

/// Makes the folder for notes that nobody reads again.
pub(super) fn make_notes(path: &Path) -> io::Result<()> {
    reach(Write::Notes, Step::Before)?;
    fs::create_dir(path)?;
    reach(Write::Notes, Step::After)
}

/// Removes the file or folder that an interrupted attempt left at `path`, if there is one.
pub(in crate::node) fn clear(path: &Path) -> io::Result<()> {
    let is_folder = match path.symlink_metadata() {
        Ok(found) => found.is_dir(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    reach(Write::Leftover, Step::Before)?;
    if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }?;
    reach(Write::Leftover, Step::After)
}

/// Makes the entry of `path` in the folder above it durable.
fn sync_above(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

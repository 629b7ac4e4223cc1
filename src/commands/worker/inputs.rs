//! A folder of inputs that jobs name by hash.

use std::error::Error;
use std::path::{Path, PathBuf};

use ::chain::types::Hash;
use ::worker::Inputs;
use attestation::hex;
use circuits::model::tensor::Tensor;

use crate::error::CliError;
use crate::files;
use crate::output::name;

/// Files named after the hash of the input in them; nothing where no folder was named.
#[derive(Debug)]
pub(super) struct InputFolder {
    path: Option<PathBuf>,
}

impl InputFolder {
    /// The folder at `path`, which must be there.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CliError> {
        if let Some(path) = path {
            path.read_dir().map_err(|source| CliError::read(path, source))?;
        }
        Ok(Self { path: path.map(Path::to_owned) })
    }
}

fn file_name(hash: &Hash) -> String {
    format!("{}.json", hex::encode(hash))
}

impl Inputs for InputFolder {
    fn find(&self, hash: &Hash, shape: &[u32]) -> Result<Option<Tensor>, Box<dyn Error + Send + Sync>> {
        let Some(folder) = &self.path else { return Ok(None) };
        let path = folder.join(file_name(hash));
        match path.symlink_metadata() {
            Ok(_) => Ok(Some(files::read_input(&path, shape)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CliError::read(&path, source).into()),
        }
    }

    fn place(&self, hash: &Hash) -> String {
        let file = file_name(hash);
        match &self.path {
            Some(folder) => format!("put it into {}", name(&folder.join(file))),
            None => format!("put it into a folder as {file} and start the worker with --inputs DIR"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    #[test]
    fn a_folder_gives_what_is_named_after_its_hash_and_says_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = InputFolder::open(Some(folder.path())).unwrap();
        let tensor = Tensor::new(vec![1, 2], vec![3, 4]).unwrap();
        let (hash, path) = (tensor.hash(), folder.path().join(format!("{}.json", hex::encode(&tensor.hash()))));
        assert!(inputs.find(&hash, &[1, 2]).unwrap().is_none());
        assert!(inputs.place(&hash).ends_with(&format!("{}.json", hex::encode(&hash))));
        std::fs::write(&path, "[3, 4]").unwrap();
        assert_eq!(inputs.find(&hash, &[1, 2]).unwrap(), Some(tensor));
        std::fs::write(&path, "[3, 4, 5]").unwrap();
        let wrong = inputs.find(&hash, &[1, 2]).unwrap_err().to_string();
        assert!(wrong.contains("3") && wrong.contains(".json"), "{wrong}");
        std::fs::write(&path, "three").unwrap();
        let wrong = inputs.find(&hash, &[1, 2]).unwrap_err().to_string();
        assert!(wrong.contains("not a model input: expected a JSON array of integers"), "{wrong}");
        let missing = folder.path().join("missing");
        assert!(InputFolder::open(Some(&missing)).unwrap_err().to_string().contains("missing"));
        let none = InputFolder::open(None).unwrap();
        assert!(none.find(&hash, &[1, 2]).unwrap().is_none());
        assert!(none.place(&hash).ends_with("start the worker with --inputs DIR"));
    }
}

//! Proving keys that are kept, so that a model's key is derived once.
//!
//! Only commands that prove read them: whoever verifies or publishes derives. Nothing depends on a kept key being there
//! or being whole: one that is refused is named in a warning, derived again and replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use circuits::model::bundle::Bundle;
use clap::Args;
use prover::key_file::{KeyFile, KeyFileError};
use prover::proving_key::ProvingKey;
use verifier::setup::Setup;

use crate::commands::cache;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Output, name};

/// Where a proving key comes from.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Proving key")]
pub(super) struct KeyOptions {
    /// Folder of proving keys that were derived before [default: assay/keys in $XDG_CACHE_HOME or ~/.cache]
    #[arg(long, value_name = "DIR")]
    key_dir: Option<PathBuf>,
    /// Derive the proving key from the model, and keep none
    #[arg(long, conflicts_with = "key_dir")]
    derive_key: bool,
}

/// A proving key, and whether it was kept from before.
pub(super) struct Obtained {
    pub(super) key: ProvingKey,
    pub(super) was_kept: bool,
}

impl KeyOptions {
    /// The proving key of a model under a setup.
    pub(super) fn obtain(&self, bundle: &Arc<Bundle>, setup: &Setup, output: &Output) -> Result<Obtained, CliError> {
        let folder = self.key_dir.clone().or_else(|| cache::folder("keys")).filter(|_| !self.derive_key);
        let Some(folder) = folder else { return derive(bundle, setup, output) };
        let Ok(file) = KeyFile::new(Arc::clone(bundle), setup) else {
            // What is wrong with the model or the setup is derivation's to say.
            return derive(bundle, setup, output);
        };
        let path = folder.join(file.name());
        if path.exists() {
            let progress = output.progress("reading the proving key");
            let read = files::open(&path).map(|mut opened| file.read(&mut opened));
            progress.finish();
            match read {
                Ok(Ok(key)) => return Ok(Obtained { key, was_kept: true }),
                Ok(Err(error)) => again(&path, &error, output),
                Err(error) => output.warn(format!("kept proving key: {error}; it is derived again")),
            }
        }
        let obtained = derive(bundle, setup, output)?;
        let kept = std::fs::create_dir_all(&folder)
            .map_err(|source| CliError::Write { path: folder.clone(), source })
            .and_then(|()| files::write_with(&path, Existing::Replace, |out| file.write(&obtained.key, out)));
        if let Err(error) = kept {
            output.warn(format!("the proving key is not kept: {error}"));
        }
        Ok(obtained)
    }
}

fn again(path: &Path, error: &KeyFileError, output: &Output) {
    output.warn(format!("kept proving key {}: {error}; it is derived again", name(path)));
}

fn derive(bundle: &Arc<Bundle>, setup: &Setup, output: &Output) -> Result<Obtained, CliError> {
    let progress = output.progress("committing to the weights and deriving the proving key");
    let key = ProvingKey::derive(Arc::clone(bundle), setup).map_err(CliError::ProvingKey)?;
    progress.finish();
    Ok(Obtained { key, was_kept: false })
}

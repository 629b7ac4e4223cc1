//! The models that a worker runs, by the hash under which the chain knows them.
//!
//! The hash follows from the verifying key, which follows from bundle and setup, so a worker derives it and asks nobody
//! which of its files is which model. Keys are derived once and kept: a proof, and a proof in a dispute all the more,
//! must not wait for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chain::types::Hash;
use circuits::model::bundle::Bundle;
use prover::proving_key::{ProvingKey, ProvingKeyError};
use verifier::setup::Setup;

/// Why a model cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("model {name:?}: {source}")]
pub struct ModelError {
    /// Name that its bundle gives it.
    pub name: String,
    /// What is wrong.
    pub source: ProvingKeyError,
}

/// One model with everything that running and proving it needs.
#[derive(Debug)]
pub struct ServedModel {
    hash: Hash,
    key: ProvingKey,
}

impl ServedModel {
    /// Derives the keys of a bundle. Slow: it belongs on a blocking thread.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn derive(bundle: Arc<Bundle>, setup: &Setup) -> Result<Self, ModelError> {
        let name = bundle.info().name.clone();
        let key = ProvingKey::derive(bundle, setup).map_err(|source| ModelError { name, source })?;
        Ok(Self::new(key))
    }

    /// The model of a key.
    #[must_use]
    pub fn new(key: ProvingKey) -> Self {
        Self { hash: key.verifying().model_hash(), key }
    }

    /// Hash under which the chain knows the model.
    #[must_use]
    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// Graph, weights and name.
    #[must_use]
    pub fn bundle(&self) -> &Arc<Bundle> {
        self.key.bundle()
    }

    /// What it is proven with.
    #[must_use]
    pub fn key(&self) -> &ProvingKey {
        &self.key
    }
}

/// The models that a worker runs; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Models(Arc<BTreeMap<Hash, Arc<ServedModel>>>);

impl Models {
    /// Derives the keys of every bundle. Slow: it belongs on a blocking thread.
    ///
    /// # Errors
    /// [`ModelError`], naming the bundle.
    pub fn derive(bundles: impl IntoIterator<Item = Arc<Bundle>>, setup: &Setup) -> Result<Self, ModelError> {
        bundles.into_iter().map(|bundle| Ok(Arc::new(ServedModel::derive(bundle, setup)?))).collect()
    }

    /// The model with a hash.
    #[must_use]
    pub fn get(&self, model: &Hash) -> Option<&Arc<ServedModel>> {
        self.0.get(model)
    }

    /// All of them, by ascending hash.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ServedModel>> {
        self.0.values()
    }

    /// Their hashes, ascending.
    pub fn hashes(&self) -> impl Iterator<Item = &Hash> {
        self.0.keys()
    }
}

impl FromIterator<Arc<ServedModel>> for Models {
    fn from_iter<I: IntoIterator<Item = Arc<ServedModel>>>(models: I) -> Self {
        Self(Arc::new(models.into_iter().map(|model| (model.hash, model)).collect()))
    }
}

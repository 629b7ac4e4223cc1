//! What rules need that is expensive and pure: deriving verifying keys and verifying proofs.
//!
//! Results are cached outside the state, in caches of fixed size. All are functions of bytes alone, so a cache changes
//! how long an answer takes and never what it is; only successes are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use attestation::codec;
use attestation::hash::derive;
use attestation::policy::Policy;
use circuits::model::graph::Graph;
use circuits::statement::Statement;
use verifier::key::{ModelCommitment, VerifyingKey};
use verifier::proof::{self, Proof, Shown};
use verifier::row_opening::{self, ModelFault, OpeningError, RowOpening};
use verifier::setup::Setup;

use super::{Failure, Reject};
use crate::bounded::Bounded;
use crate::state::keys::Key;
use crate::state::overlay::StateError;
use crate::types::ids::Hash;
use crate::types::job::PROOF_BYTES_MAX;
use crate::types::model::{MODEL_BYTES_MAX, Model};
use crate::types::transaction::encode;

/// Verifying keys kept ready.
const KEYS_MAX: usize = 32;
/// Verified proofs remembered.
const PROOFS_MAX: usize = 4096;

/// Judged openings remembered.
const JUDGED_MAX: usize = 256;

const DERIVED_CONTEXT: &str = "assay 2026 derived-key v1";
const JUDGED_CONTEXT: &str = "assay 2026 judged-rows v1";
const PROOF_CONTEXT: &str = "assay 2026 verified-proof v1";

/// A proof that a transaction will ask for.
pub(crate) struct Asked<'a> {
    pub(crate) model_hash: Hash,
    pub(crate) model: Model,
    pub(crate) statement: Statement,
    pub(crate) proof: &'a [u8],
}

/// See the module.
pub(crate) struct Services {
    setups: BTreeMap<Hash, Setup>,
    policy: Policy,
    keys: Mutex<Bounded<Arc<VerifyingKey>>>,
    /// Which key a graph, a commitment and a setup give; a registration is judged before the pool and in a block alike.
    derived: Mutex<Bounded<Arc<VerifyingKey>>>,
    /// What opened rows show about a model.
    rows: Mutex<Bounded<Option<ModelFault>>>,
    proofs: Mutex<Bounded<()>>,
    /// Proofs judged, right or wrong; for whoever watches the node.
    judged: AtomicU64,
}

impl Services {
    /// Services over the setups this node holds.
    pub(crate) fn new(setups: Vec<Setup>, policy: Policy) -> Self {
        Self {
            setups: setups.into_iter().map(|setup| (setup.id(), setup)).collect(),
            policy,
            keys: Mutex::new(Bounded::new(KEYS_MAX)),
            derived: Mutex::new(Bounded::new(KEYS_MAX)),
            rows: Mutex::new(Bounded::new(JUDGED_MAX)),
            proofs: Mutex::new(Bounded::new(PROOFS_MAX)),
            judged: AtomicU64::new(0),
        }
    }

    /// How evidence is judged.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Setups held that are not among `allowed`, or allowed ones that are missing or smaller than 2^`k_max`.
    pub(crate) fn first_unfit_setup(&self, allowed: &BTreeSet<Hash>, k_max: u32) -> Option<Hash> {
        let unfit = |id: &&Hash| self.setups.get(*id).is_none_or(|setup| setup.k() < k_max);
        let strange = |id: &&Hash| !allowed.contains(*id);
        allowed.iter().find(unfit).or_else(|| self.setups.keys().find(strange)).copied()
    }

    /// Derives the verifying key of a model that asks to be registered.
    pub(crate) fn derive(&self, graph: Graph, commitment: &[u8], setup: &Hash) -> Result<Arc<VerifyingKey>, Reject> {
        // The hash of the graph has a fixed length, so that no two triples are the same bytes.
        let entry = derive(DERIVED_CONTEXT, &[setup, &derive(DERIVED_CONTEXT, &[&graph.encode()]), commitment]);
        if let Some(key) = lock(&self.derived).get(&entry) {
            return Ok(key);
        }
        // spec: chain#setup-not-allowed
        let setup = self.setups.get(setup).ok_or(Reject::SetupNotAllowed { setup: *setup })?;
        // spec: chain#commitment-malformed
        let commitment: ModelCommitment =
            codec::decode("model commitment", commitment, MODEL_BYTES_MAX).map_err(Reject::CommitmentMalformed)?;
        // spec: chain#key-underivable
        let key = Arc::new(VerifyingKey::derive(graph, commitment, setup).map_err(Reject::KeyUnderivable)?);
        lock(&self.keys).insert(key.model_hash(), Arc::clone(&key));
        lock(&self.derived).insert(entry, Arc::clone(&key));
        Ok(key)
    }

    /// Decides whether `proof` shows `statement` for a registered model.
    pub(crate) fn verify(
        &self,
        model_hash: &Hash,
        model: &Model,
        statement: &Statement,
        proof: &[u8],
    ) -> Result<(), Failure> {
        let entry = proof_entry(&model.key_digest, statement, proof);
        if lock(&self.proofs).get(&entry).is_some() {
            return Ok(());
        }
        let key = self.key(model_hash, model)?;
        self.judged.fetch_add(1, Ordering::Relaxed);
        // spec: chain#proof-rejected
        let proof = Proof::from_bytes(proof).map_err(Reject::ProofRejected)?;
        proof::verify(&key, statement, &proof).map_err(Reject::ProofRejected)?;
        lock(&self.proofs).insert(entry, ());
        Ok(())
    }

    /// Judges rows that were opened under a registered model's root; what is wrong with it, if anything.
    pub(crate) fn judge_rows(
        &self,
        model_hash: &Hash,
        model: &Model,
        openings: &[RowOpening],
    ) -> Result<Option<ModelFault>, Failure> {
        let entry = derive(JUDGED_CONTEXT, &[model_hash, &encode(&openings)]);
        if let Some(judged) = lock(&self.rows).get(&entry) {
            return Ok(judged);
        }
        let damaged = || StateError::Object { key: Key::Model(*model_hash) };
        let graph = Graph::decode(&model.graph).map_err(|_| damaged())?;
        let commitment: ModelCommitment =
            codec::decode("model commitment", &model.commitment, MODEL_BYTES_MAX).map_err(|_| damaged())?;
        let setup = self.setups.get(&model.setup).ok_or_else(damaged)?;
        // spec: chain#row-opening-invalid
        match row_opening::judge(&graph, &commitment, setup, openings) {
            Ok(fault) => {
                lock(&self.rows).insert(entry, fault.clone());
                Ok(fault)
            }
            Err(OpeningError::Model(_)) => Err(damaged().into()),
            Err(error) => Err(Reject::RowOpeningInvalid(error).into()),
        }
    }

    /// Verifies proofs together and remembers those that hold; nothing is said of the others, which are judged when they are
    /// asked for.
    pub(crate) fn verify_together(&self, asked: &[Asked<'_>]) {
        let mut ready = Vec::new();
        for Asked { model_hash, model, statement, proof } in asked {
            let entry = proof_entry(&model.key_digest, statement, proof);
            if proof.len() > PROOF_BYTES_MAX || lock(&self.proofs).get(&entry).is_some() {
                continue;
            }
            if let (Ok(key), Ok(proof)) = (self.key(model_hash, model), Proof::from_bytes(proof)) {
                ready.push((entry, key, statement, proof));
            }
        }
        // One proof costs the same by itself, where its refusal is told too.
        if ready.len() < 2 {
            return;
        }
        let shown: Vec<Shown<'_>> =
            ready.iter().map(|(_, key, statement, proof)| Shown { key, statement, proof }).collect();
        let held = proof::verify_batch(&shown);
        let mut proofs = lock(&self.proofs);
        for ((entry, ..), verified) in ready.iter().zip(held) {
            if verified.is_ok() {
                self.judged.fetch_add(1, Ordering::Relaxed);
                proofs.insert(*entry, ());
            }
        }
    }

    /// Proofs judged so far; those remembered are not judged again.
    pub(crate) fn proofs_judged(&self) -> u64 {
        self.judged.load(Ordering::Relaxed)
    }

    /// The key of a registered model; that it can be derived was checked at registration.
    fn key(&self, model_hash: &Hash, model: &Model) -> Result<Arc<VerifyingKey>, Failure> {
        if let Some(key) = lock(&self.keys).get(model_hash) {
            return Ok(key);
        }
        let damaged = || StateError::Object { key: Key::Model(*model_hash) };
        let graph = Graph::decode(&model.graph).map_err(|_| damaged())?;
        let key = self.derive(graph, &model.commitment, &model.setup).map_err(|_| damaged())?;
        if key.model_hash() != *model_hash {
            return Err(damaged().into());
        }
        Ok(key)
    }
}

/// Cache key of one verified proof.
fn proof_entry(key_digest: &Hash, statement: &Statement, proof: &[u8]) -> Hash {
    derive(PROOF_CONTEXT, &[key_digest, &statement.digest(), proof])
}

/// A poisoned lock is taken as it is: the caches hold complete entries or none.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
impl Services {
    /// Remembers bytes as a proof that was verified, so that this crate, which cannot make proofs, can test what
    /// follows from one. The whole path with real proofs is tested where the prover is.
    pub(crate) fn vouch(&self, key_digest: &Hash, statement: &Statement, proof: &[u8]) {
        lock(&self.proofs).insert(proof_entry(key_digest, statement, proof), ());
    }
}

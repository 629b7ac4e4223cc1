//! One worker and the account that operates it.
//!
//! Registering and staking are idempotent against the chain's state: what is there already is read and kept, so that a
//! worker can be started the same way every time, and an answer that was lost does no harm.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attestation::appraisal::{self, Collateral};
use attestation::context::WorkContext;
use attestation::evidence::software;
use attestation::identity::ml_dsa;
use chain::client::{Account, Client, ClientError};
use chain::state::{Key, Stored};
use chain::types::ids::{POSSESSION_DOMAIN, possession_message};
use chain::types::transaction::{Action, AddStake, RegisterWorker};
use chain::types::{DeviceBinding, Hash, Params, Stake, WorkerRegistration};
use circuits::model::reference::Trace;
use circuits::model::tensor::Tensor;
use prover::prove::{Proven, prove};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::engine::{Engine, Run};
use crate::error::WorkerError;
use crate::hardware::{Hardware, now};
use crate::inputs::Inputs;
use crate::models::{Models, ServedModel};
use crate::report::{Reports, WorkerReport};

/// Pause before a node that does not answer is asked again; the client has its own patience beside it.
const PAUSE: Duration = Duration::from_millis(500);
/// Refusal of a key that is registered.
const WORKER_DUPLICATE: u16 = 301;

/// A worker and its operator's account; clones are the same worker.
#[derive(Clone)]
pub struct Operator(Arc<Inner>);

struct Inner {
    account: Account,
    key: ml_dsa::SigningKey,
    worker: Hash,
    models: Models,
    hardware: Hardware,
    engine: Arc<dyn Engine>,
    inputs: Arc<dyn Inputs>,
    reports: Reports,
    /// Whether the node was last seen not to answer.
    away: AtomicBool,
}

/// What registering found or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The worker.
    pub worker: Hash,
    /// Whether it was registered before.
    pub before: bool,
    /// Models that it is registered for and has no bundle of. It can be drawn to check them, and is slashed for its
    /// silence then.
    pub missing: Vec<Hash>,
    /// Models that it has and is not registered for, until its operator updates the registration.
    pub unregistered: Vec<Hash>,
}

impl Operator {
    /// A worker with its key, operated by `account`.
    #[must_use]
    pub fn new(
        account: Account,
        key: ml_dsa::SigningKey,
        models: Models,
        hardware: Hardware,
        engine: Arc<dyn Engine>,
        inputs: Arc<dyn Inputs>,
        reports: Reports,
    ) -> Self {
        let worker = key.public_key().id();
        let away = AtomicBool::new(false);
        Self(Arc::new(Inner { account, key, worker, models, hardware, engine, inputs, reports, away }))
    }

    /// The account that pays and is paid.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.0.account
    }

    /// The client it acts through.
    #[must_use]
    pub fn client(&self) -> &Client {
        self.0.account.client()
    }

    /// The worker's identifier.
    #[must_use]
    pub fn worker(&self) -> &Hash {
        &self.0.worker
    }

    /// The models it can run.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.0.models
    }

    /// Its machine.
    #[must_use]
    pub fn hardware(&self) -> &Hardware {
        &self.0.hardware
    }

    pub(crate) fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::clone(&self.0.inputs)
    }

    pub(crate) fn key(&self) -> &ml_dsa::SigningKey {
        &self.0.key
    }

    /// Registers the worker with every model it has; finds out if it is registered already.
    ///
    /// # Errors
    /// [`WorkerError::KeyBound`] and [`WorkerError::DeviceBound`] for what belongs to others, [`WorkerError::Banned`],
    /// and the refusals of the chain, for example of a model that nobody registered.
    pub async fn register(&self) -> Result<Registered, WorkerError> {
        if let Some(registration) = self.registration().await? {
            return Ok(self.registered(&registration, true));
        }
        let Inner { account, key, worker, models, hardware, .. } = &*self.0;
        let device = software::device_id(worker);
        if let Some(DeviceBinding { worker, .. }) = self.client().get(&Key::Device(device)).await? {
            return Err(WorkerError::DeviceBound { device, worker });
        }
        let message = possession_message(account.chain_id(), account.genesis(), &account.address());
        let action = RegisterWorker {
            public_key: key.public_key().clone(),
            possession: key.sign(POSSESSION_DOMAIN, &message)?,
            profile: hardware.profile(),
            models: models.hashes().copied().collect(),
            device,
        };
        let before = match account.act(Action::RegisterWorker(Box::new(action))).await {
            Ok(_) => false,
            // Registered between the question and the answer, perhaps by ourselves.
            Err(error) if error.refusal() == Some(WORKER_DUPLICATE) => true,
            Err(error) => return Err(error.into()),
        };
        let registration = self.registration().await?.ok_or(WorkerError::NotRegistered { worker: *worker })?;
        Ok(self.registered(&registration, before))
    }

    /// Stakes what is missing up to `target` micro-tokens, bonds included; returns what it added, perhaps nothing.
    ///
    /// # Errors
    /// [`WorkerError::NotRegistered`]; the refusals of the chain, for example of a short balance.
    pub async fn stake(&self, target: u128) -> Result<u128, WorkerError> {
        let worker = *self.worker();
        self.registration().await?.ok_or(WorkerError::NotRegistered { worker })?;
        let stake: Stake = self.object(Key::Stake(worker), "stake", &worker).await?;
        let amount = target.saturating_sub(stake.amount.saturating_add(stake.bonded));
        if amount > 0 {
            self.account().act(Action::Stake(AddStake { worker, amount })).await?;
        }
        Ok(amount)
    }

    /// What the chain has registered, if it is this account's and not banned.
    ///
    /// # Errors
    /// [`WorkerError`] where the node cannot be asked.
    pub async fn registration(&self) -> Result<Option<WorkerRegistration>, WorkerError> {
        let Inner { account, worker, .. } = &*self.0;
        let Some(registration) = self.client().get::<WorkerRegistration>(&Key::Worker(*worker)).await? else {
            return Ok(None);
        };
        let (expected, got) = (registration.operator, account.address());
        if expected != got {
            return Err(WorkerError::KeyBound { worker: *worker, expected, got });
        }
        if registration.is_banned() {
            return Err(WorkerError::Banned { worker: *worker, convictions: registration.convictions });
        }
        Ok(Some(registration))
    }

    fn registered(&self, registration: &WorkerRegistration, before: bool) -> Registered {
        let chain: BTreeSet<&Hash> = registration.models.iter().collect();
        let ours: BTreeSet<&Hash> = self.models().hashes().collect();
        Registered {
            worker: *self.worker(),
            before,
            missing: chain.difference(&ours).map(|model| **model).collect(),
            unregistered: ours.difference(&chain).map(|model| **model).collect(),
        }
    }

    /// The registration that a loop starts from: there must be one, and a model to run.
    pub(crate) async fn ready(&self) -> Result<WorkerRegistration, WorkerError> {
        let worker = *self.worker();
        let registration = self.patiently(|| self.registration()).await?;
        let registration = registration.ok_or(WorkerError::NotRegistered { worker })?;
        if !registration.models.iter().any(|model| self.models().get(model).is_some()) {
            return Err(WorkerError::NoModels { worker });
        }
        Ok(registration)
    }

    /// Trust, bps, that the chain's policy gives to this worker's evidence.
    pub(crate) async fn trust_bps(&self) -> Result<u32, WorkerError> {
        let genesis = self.client().genesis().await?;
        let Inner { key, worker, hardware, .. } = &*self.0;
        let software = software::device_id(worker);
        let device_id = self.registration().await?.map_or(software, |registration| registration.device);
        // Documents of vendors are fresh now, and the policy's other rules do not depend on the time.
        let at = if device_id == software { genesis.time() } else { now() };
        // Trust depends on what is shown and not on the work, so any context of this worker will do.
        let context = WorkContext {
            chain_id: genesis.chain_id(),
            genesis: genesis.hash(),
            job_id: [0; 32],
            model_hash: [0; 32],
            input_hash: [0; 32],
            worker: *worker,
            device_id,
            nonce: [0; 32],
            timestamp: at,
        };
        let evidence = hardware.attest(key.public_key(), &context)?;
        let collateral = match hardware.collateral(&evidence).as_slice() {
            [] => Collateral::default(),
            bytes => Collateral::from_bytes(bytes)?,
        };
        Ok(appraisal::verify(&evidence, &collateral, genesis.policy(), &context, at)?.trust_bps)
    }

    /// Height and parameters of the chain.
    pub(crate) async fn standing(&self) -> Result<(u64, Params), WorkerError> {
        let height = self.client().status().await?.height;
        let params = self.object(Key::Params, "parameters of chain", self.account().genesis()).await?;
        Ok((height, params))
    }

    /// An object that must be there.
    pub(crate) async fn object<T: Stored>(&self, key: Key, what: &'static str, id: &Hash) -> Result<T, WorkerError> {
        self.client().get(&key).await?.ok_or(WorkerError::ObjectMissing { what, id: *id })
    }

    /// The bundle of a model.
    pub(crate) fn model(&self, model: &Hash) -> Result<Arc<ServedModel>, WorkerError> {
        self.models().get(model).cloned().ok_or(WorkerError::ModelMissing { model: *model })
    }

    /// Runs a model on a blocking thread.
    pub(crate) async fn run(&self, model: &Arc<ServedModel>, input: &Tensor) -> Result<Run, WorkerError> {
        let (engine, model, input) = (Arc::clone(&self.0.engine), Arc::clone(model), input.clone());
        Ok(spawn_blocking(move || engine.run(&model, &input)).await??)
    }

    /// Proves a run on a blocking thread.
    pub(crate) async fn prove(
        &self,
        model: &Arc<ServedModel>,
        context_digest: Hash,
        trace: Trace,
    ) -> Result<Proven, WorkerError> {
        let model = Arc::clone(model);
        Ok(spawn_blocking(move || prove(model.key(), context_digest, &trace.values)).await??)
    }

    /// Tries until the node answers; says once that it does not, and once that it does again.
    pub(crate) async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, WorkerError>
    where
        F: Future<Output = Result<T, WorkerError>>,
    {
        loop {
            let outcome = attempt().await;
            match &outcome {
                Err(error) if error.is_transient() => {
                    if !self.0.away.swap(true, Ordering::Relaxed) {
                        self.report(WorkerReport::Disconnected { reason: error.to_string() });
                    }
                    sleep(PAUSE).await;
                    continue;
                }
                Ok(_) => {
                    if self.0.away.swap(false, Ordering::Relaxed) {
                        self.report(WorkerReport::Reconnected);
                    }
                }
                Err(_) => {}
            }
            return outcome;
        }
    }

    pub(crate) fn report(&self, report: WorkerReport) {
        self.0.reports.send(report);
    }

    /// Reports a refusal; other errors are the caller's.
    pub(crate) fn report_refusal(&self, action: &'static str, about: &Hash, error: &WorkerError) {
        if let WorkerError::Client(ClientError::Refused(refusal)) = error {
            let (code, rule, message) = (refusal.code, refusal.rule.clone(), refusal.message.clone());
            self.report(WorkerReport::Refused { action, about: *about, code, rule, message });
        }
    }
}

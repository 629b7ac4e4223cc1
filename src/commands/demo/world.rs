//! A development chain in this process, and what its people do on it.

use std::time::{SystemTime, UNIX_EPOCH};

use attestation::context::WorkContext;
use attestation::evidence::software;
use attestation::identity::ed25519::SigningKey;
use attestation::receipt::HardwareTier;
use attestation::text::Text;
use chain::economics::gas;
use chain::rules::Reject;
use chain::state::{Key, LocalChain, LocalError, Machine, MemoryStore, StateMachine as _};
use chain::types::ids::{POSSESSION_DOMAIN, possession_message};
use chain::types::transaction::{
    Action, AddStake, LeaseJob, PostJob, RegisterModel, RegisterWorker, SubmitResult, Transaction,
};
use chain::types::{
    Event, Genesis, HardwareProfile, Hash, InferenceJob, JobClass, JobInput, JobPolicy, LeaseKind, ModelParams,
    ObjectRef, Params, UnitsFormula, WorkLease,
};
use circuits::model::tensor::Tensor;
use verifier::key::VerifyingKey;
use verifier::setup::Setup;

use super::cast::Cast;
use super::error::StepError;
use super::work::Work;

/// Stake behind the worker, micro-tokens.
const STAKE: u128 = 60_000_000;
/// What a requester pays per unit, micro-tokens.
const PRICE_PER_UNIT: u128 = 10_000;
/// What a requester locks for a job, micro-tokens.
const ESCROW: u128 = 30_000_000;
/// How far away a job's deadline is, blocks.
const DEADLINE_BLOCKS: u64 = 10_000;
/// One hundred percent, basis points.
const FULL_BPS: u32 = 10_000;

/// A leased job.
#[derive(Clone, Debug)]
pub(super) struct Leased {
    pub(super) lease: Hash,
    pub(super) context: WorkContext,
}

/// What settling a result moved, micro-tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub(super) height: u64,
    pub(super) reward: u128,
    pub(super) paid: u128,
    pub(super) burned: u128,
    pub(super) returned: u128,
}

/// The chain.
pub(super) struct World {
    pub(super) chain: LocalChain<MemoryStore>,
}

impl World {
    /// A development chain with this number: everybody funded, circuits as large as `setup` admitted.
    pub(super) fn open(chain_id: u32, cast: &Cast, setup: &Setup) -> Result<Self, StepError> {
        let setups = [setup.id()].into_iter().collect();
        let standard = Genesis::development(now(), cast.validator.public_key(), cast.funds(), setups)?;
        // Every node holds bases of the largest size, so a chain for one small model admits nothing larger.
        let params = Params { model: ModelParams { k_max: setup.k() }, ..*standard.params() };
        let genesis = Genesis::new(
            chain_id,
            standard.time(),
            params,
            standard.accounts().to_vec(),
            standard.validators().clone(),
            standard.setups().clone(),
            standard.policy().clone(),
        )?;
        let machine = Machine::open(MemoryStore::new(), genesis, vec![setup.clone()])?;
        Ok(Self { chain: LocalChain::new(machine, cast.validator.clone())? })
    }

    /// Number of the chain.
    pub(super) fn chain_id(&self) -> u32 {
        self.chain.machine().genesis().chain_id()
    }

    /// State root of the last block.
    pub(super) fn root(&self) -> Hash {
        self.chain.machine().root()
    }

    /// Height of the last block.
    pub(super) fn height(&self) -> u64 {
        self.chain.machine().height()
    }

    /// Publishes a model; returns its hash and the units of a run.
    pub(super) fn register_model(
        &mut self,
        owner: &SigningKey,
        key: &VerifyingKey,
        units: u64,
    ) -> Result<(Hash, u64), StepError> {
        let commitment = borsh::to_vec(key.commitment()).map_err(StepError::Encoding)?;
        let action = Action::RegisterModel(RegisterModel {
            graph: key.graph().encode(),
            commitment,
            setup: key.setup_id(),
            formula: UnitsFormula { base: units, per_token_in: 0, per_token_out: 0 },
            bond: self.chain.machine().genesis().params().bond.model_min,
        });
        let events = self.act(owner, action)?;
        let found = events.iter().find_map(|event| match event {
            Event::ModelRegistered { model, units } => Some((*model, *units)),
            _ => None,
        });
        found.ok_or(StepError::NoEvent { what: "registered model" })
    }

    /// Registers the worker for its operator; returns its id.
    pub(super) fn register_worker(&mut self, cast: &Cast, model: &Hash, hardware: &str) -> Result<Hash, StepError> {
        let machine = self.chain.machine();
        let operator = cast.operator.public_key().address();
        let message = possession_message(self.chain_id(), machine.genesis_hash(), &operator);
        let public_key = cast.worker.public_key().clone();
        let worker = public_key.id();
        let action = Action::RegisterWorker(Box::new(RegisterWorker {
            possession: cast.worker.sign(POSSESSION_DOMAIN, &message)?,
            profile: HardwareProfile { tier: HardwareTier::Entry, hardware: Text::new(hardware)?, video_memory_mib: 0 },
            models: vec![*model],
            device: software::device_id(&worker),
            public_key,
        }));
        self.act(&cast.operator, action)?;
        Ok(worker)
    }

    /// Puts stake behind the worker; returns how much.
    pub(super) fn stake(&mut self, cast: &Cast) -> Result<u128, StepError> {
        let worker = cast.worker.public_key().id();
        self.act(&cast.operator, Action::Stake(AddStake { worker, amount: STAKE }))?;
        Ok(STAKE)
    }

    /// Posts a job for one input; returns its id and the escrow.
    pub(super) fn post(&mut self, cast: &Cast, model: &Hash, input: &Tensor) -> Result<(Hash, u128), StepError> {
        let action = Action::PostJob(PostJob {
            model: *model,
            input: JobInput::Inline(input.clone()),
            policy: JobPolicy { proof_required: true, trust_bps_min: 0, spot_rate_bps_min: FULL_BPS },
            class: JobClass::Standard,
            price_per_unit: PRICE_PER_UNIT,
            escrow: ESCROW,
            deadline: self.height().saturating_add(DEADLINE_BLOCKS),
        });
        let events = self.act(&cast.requester, action)?;
        let job = events.iter().find_map(|event| match event {
            Event::JobPosted { job, .. } => Some(*job),
            _ => None,
        });
        Ok((job.ok_or(StepError::NoEvent { what: "posted job" })?, ESCROW))
    }

    /// Leases a job to the worker: its context is fixed from here on.
    pub(super) fn lease(&mut self, cast: &Cast, job: &Hash) -> Result<Leased, StepError> {
        let record: Option<InferenceJob> = self.chain.machine().get(&Key::Job(*job))?;
        let version = record.ok_or(StepError::NoEvent { what: "job" })?.version;
        let worker = cast.worker.public_key().id();
        let action =
            Action::LeaseJob(LeaseJob { job: ObjectRef { id: *job, version }, worker, kind: LeaseKind::Proof });
        let events = self.act(&cast.operator, action)?;
        let leased = events.into_iter().find_map(|event| match event {
            Event::Leased { lease, context, .. } => Some(Leased { lease, context }),
            _ => None,
        });
        leased.ok_or(StepError::NoEvent { what: "lease" })
    }

    /// Hands in work for a lease: the node verifies all of it before it takes it.
    pub(super) fn hand_in(&mut self, cast: &Cast, lease: &Hash, work: &Work) -> Result<Hash, StepError> {
        let action = self.submission(lease, work)?;
        let transaction = self.sign(&cast.operator, action)?;
        Ok(self.chain.submit(&transaction)?)
    }

    /// Makes the block that settles what was handed in.
    pub(super) fn mint(&mut self, transaction: &Hash) -> Result<Settled, StepError> {
        let events = self.produce(transaction)?;
        let height = self.height();
        let settled = events.into_iter().find_map(|event| match event {
            Event::Settled { reward, paid, burned, returned, .. } => {
                Some(Settled { height, reward, paid, burned, returned })
            }
            _ => None,
        });
        settled.ok_or(StepError::NoEvent { what: "settlement" })
    }

    /// Hands in work that must be refused with `expected`; returns the refusal. Nothing may change.
    pub(super) fn refuse(
        &mut self,
        cast: &Cast,
        lease: &Hash,
        work: &Work,
        expected: u16,
    ) -> Result<Reject, StepError> {
        let before = self.root();
        let action = self.submission(lease, work)?;
        let transaction = self.sign(&cast.operator, action)?;
        let got = match self.chain.submit(&transaction) {
            Ok(_) => return Err(StepError::Accepted { expected }),
            Err(LocalError::Refused(got)) => got,
            Err(other) => return Err(other.into()),
        };
        if got.code() != expected {
            return Err(StepError::OtherRefusal { expected, got });
        }
        if self.root() != before || self.chain.waiting() != 0 {
            return Err(StepError::StateMoved);
        }
        Ok(*got)
    }

    fn submission(&self, lease: &Hash, work: &Work) -> Result<Action, StepError> {
        let record: Option<WorkLease> = self.chain.machine().get(&Key::Lease(*lease))?;
        let version = record.map_or(1, |record| record.version);
        Ok(Action::SubmitResult(Box::new(SubmitResult {
            lease: ObjectRef { id: *lease, version },
            signed: work.signed.clone(),
            input: None,
            output: work.output.clone(),
            evidence: work.evidence.clone(),
            proofs: vec![work.proof.to_bytes()],
        })))
    }

    /// Sends a transaction and makes the block that holds it.
    fn act(&mut self, key: &SigningKey, action: Action) -> Result<Vec<Event>, StepError> {
        let transaction = self.sign(key, action)?;
        let id = self.chain.submit(&transaction)?;
        self.produce(&id)
    }

    /// Makes a block; returns what happened to one of its transactions.
    fn produce(&mut self, transaction: &Hash) -> Result<Vec<Event>, StepError> {
        let produced = self.chain.produce(now())?;
        if let Some((_, reject)) = produced.refused.into_iter().next() {
            return Err(LocalError::Refused(Box::new(reject)).into());
        }
        let outcome = produced.commit.outcomes.into_iter().find(|outcome| outcome.transaction == *transaction);
        Ok(outcome.ok_or(StepError::NoEvent { what: "transaction" })?.events)
    }

    fn sign(&self, key: &SigningKey, action: Action) -> Result<Vec<u8>, StepError> {
        let machine = self.chain.machine();
        let nonce = machine.account(&key.public_key().address())?.nonce;
        let mut transaction = Transaction {
            chain_id: self.chain_id(),
            genesis: *machine.genesis_hash(),
            nonce,
            gas_limit: 0,
            gas_price: machine.params()?.fee.gas_price_min,
            action,
        };
        // Every field has a fixed width, so the limit does not change the size that it depends on.
        let size = transaction.clone().sign(key).to_bytes().len();
        transaction.gas_limit = gas::used(&transaction.action, size).ok_or(StepError::Overflow)?;
        Ok(transaction.sign(key).to_bytes())
    }
}

/// Milliseconds since the epoch by this machine's clock.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

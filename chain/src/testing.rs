//! A small chain with a real model, workers and jobs, for the tests of this crate.

mod exchange;
mod keys;
mod model;
mod review;
mod setup;

use std::collections::BTreeSet;

use attestation::context::WorkContext;
use attestation::evidence::{Attester, Evidence, SoftwareAttester};
use attestation::policy::Policy;
use attestation::receipt::{DeviceKind, HardwareTier, Metadata, SignedReceipt, UtilisationProfile, WorkReceipt};
use attestation::text::Text;
use circuits::model::graph::{Activation, Graph, Input, Layout, Node, Operator};
use circuits::model::range::Range;
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;

use crate::rules::Reject;
use crate::state::tree::{self, Write};
use crate::state::{
    Batch, Head, Key, LocalChain, LocalError, Machine, MemoryStore, Produced, StateMachine, Store, Stored,
};
use crate::types::event::{Event, Outcome};
use crate::types::genesis::{DEVELOPMENT_CHAIN_ID, Genesis, GenesisAccount};
use crate::types::ids::{Hash, ObjectRef, POSSESSION_DOMAIN, possession_message};
use crate::types::job::{InferenceJob, JobClass, JobInput, JobPolicy, LeaseKind, Placement};
use crate::types::model::{Model, UnitsFormula};
use crate::types::params::{ModelParams, Params};
use crate::types::transaction::{
    Action, AddStake, LeaseJob, PostJob, RegisterModel, RegisterWorker, SignedTransaction, SubmitResult, Transaction,
    encode,
};
use crate::types::worker::HardwareProfile;

pub(crate) use exchange::{AUTHORITY, CAP, authority, quick};
pub(crate) use keys::{account, validator, worker_id, worker_key};
pub(crate) use model::{opening, true_commitment};
pub(crate) use review::wrong_output;
pub(crate) use setup::{K, commitment, setup};

/// Time of the test genesis.
pub(crate) const START: u64 = 1_700_000_000_000;
/// What every test account starts with.
pub(crate) const FUNDS: u128 = 10_000_000_000;
/// Bytes that [`World::submission`] vouches for as a proof.
pub(crate) const PROOF: &[u8] = b"vouched";

/// The test genesis: accounts 1 to 5 funded.
pub(crate) fn genesis(change: impl FnOnce(&mut Params)) -> Genesis {
    let mut params = Params { model: ModelParams { k_max: K }, ..Params::development() };
    change(&mut params);
    // Worlds that unbond sooner vote as fast.
    params.governance.voting = params.governance.voting.min(params.window.unbonding);
    genesis_at(START, DEVELOPMENT_CHAIN_ID, params, None)
}

/// A genesis at another time, and under another policy than the development's.
fn genesis_at(time: u64, chain_id: u32, params: Params, policy: Option<Policy>) -> Genesis {
    let accounts = (1..=5)
        .map(|number| GenesisAccount { address: account(number).public_key().address(), balance: FUNDS })
        .collect();
    let development =
        Genesis::development(time, validator().public_key(), accounts, BTreeSet::from([setup().id()])).unwrap();
    Genesis::new(
        chain_id,
        development.time(),
        params,
        development.accounts().to_vec(),
        development.validators().clone(),
        development.setups().clone(),
        policy.unwrap_or_else(|| development.policy().clone()),
    )
    .unwrap()
}

/// Input in [0, 16], dense 4 -> 3, requantise, dense 3 -> 2: 18 multiply-accumulates.
pub(crate) fn graph() -> Graph {
    let wide = Range { min: -200, max: 200 };
    let dense = |inputs, outputs, source| Node {
        operator: Operator::Dense { inputs, outputs, accumulator: wide },
        inputs: vec![source],
    };
    let clamp = Range { min: -20, max: 20 };
    let requantise =
        Node { operator: Operator::Requantise { shift: 2, clamp, activation: Activation::Relu }, inputs: vec![1] };
    let input = Input { shape: vec![2, 2], range: Range { min: 0, max: 16 } };
    Graph::new(input, vec![dense(4, 3, 0), requantise, dense(3, 2, 2)], Layout { k: K, rows: 3, lanes: 1 }).unwrap()
}

/// A registration of the test model.
pub(crate) fn register_model() -> RegisterModel {
    RegisterModel {
        graph: graph().encode(),
        commitment: borsh::to_vec(&commitment(3)).unwrap(),
        setup: setup().id(),
        formula: UnitsFormula { base: 18, per_token_in: 0, per_token_out: 0 },
        bond: 100_000_000,
    }
}

/// An input of the test model.
pub(crate) fn input() -> Tensor {
    Tensor::new(vec![2, 2], vec![1, 2, 3, 4]).unwrap()
}

/// A lease in a [`World`].
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    pub(crate) number: u8,
    pub(crate) job: Hash,
    pub(crate) lease: ObjectRef,
    pub(crate) context: WorkContext,
}

/// A chain with its engine and clock.
pub(crate) struct World {
    pub(crate) chain: LocalChain<MemoryStore>,
    pub(crate) now: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Params)) -> Self {
        Self::of(genesis(change))
    }

    /// A chain with a number of its own.
    pub(crate) fn numbered(chain_id: u32, change: impl FnOnce(&mut Params)) -> Self {
        let params = *genesis(change).params();
        Self::of(genesis_at(START, chain_id, params, None))
    }

    /// A chain with the test authority.
    pub(crate) fn issuing() -> Self {
        Self::of(genesis(|_| {}).with_authority(authority()).unwrap())
    }

    pub(crate) fn of(genesis: Genesis) -> Self {
        Self::resumed(MemoryStore::new(), genesis, START)
    }

    /// The chain that a store holds.
    pub(crate) fn resumed(store: MemoryStore, genesis: Genesis, now: u64) -> Self {
        let machine = Machine::open(store, genesis, vec![setup().clone()]).unwrap();
        Self { chain: LocalChain::new(machine, validator()).unwrap(), now }
    }

    /// A chain that begins at this time and appraises evidence under this policy.
    pub(crate) fn attesting(time: u64, policy: Policy) -> Self {
        let params = Params { model: ModelParams { k_max: K }, ..Params::development() };
        let genesis = genesis_at(time, DEVELOPMENT_CHAIN_ID, params, Some(policy));
        let machine = Machine::open(MemoryStore::new(), genesis, vec![setup().clone()]).unwrap();
        Self { chain: LocalChain::new(machine, validator()).unwrap(), now: time }
    }

    pub(crate) fn machine(&self) -> &Machine<MemoryStore> {
        self.chain.machine()
    }

    /// A transaction with the sender's next nonce and enough gas.
    pub(crate) fn transaction(&self, sender: u8, action: Action) -> Transaction {
        let address = account(sender).public_key().address();
        Transaction {
            chain_id: self.machine().genesis().chain_id(),
            genesis: *self.machine().genesis_hash(),
            nonce: self.machine().account(&address).unwrap().nonce,
            gas_limit: 25_000_000,
            gas_price: 1,
            action,
        }
    }

    pub(crate) fn signed(&self, sender: u8, action: Action) -> SignedTransaction {
        self.transaction(sender, action).sign(&account(sender))
    }

    /// Submits a transaction and makes a block with it.
    pub(crate) fn send(&mut self, sender: u8, action: Action) -> Outcome {
        let bytes = self.signed(sender, action).to_bytes();
        self.chain.submit(&bytes).unwrap();
        let produced = self.block();
        assert_eq!(produced.refused, vec![]);
        produced.commit.outcomes.into_iter().next().unwrap()
    }

    /// Makes the next block and audits the state after it.
    pub(crate) fn block(&mut self) -> Produced {
        let produced = self.block_unaudited();
        self.machine().audit().unwrap();
        produced
    }

    /// Makes the next block.
    pub(crate) fn block_unaudited(&mut self) -> Produced {
        self.now += 250;
        self.chain.produce(self.now).unwrap()
    }

    /// Makes blocks up to a height, without audits.
    pub(crate) fn reach(&mut self, height: u64) -> Produced {
        loop {
            self.now += 250;
            let produced = self.chain.produce(self.now).unwrap();
            if produced.commit.height >= height {
                self.machine().audit().unwrap();
                return produced;
            }
        }
    }

    /// Why an action is refused.
    pub(crate) fn refusal(&mut self, sender: u8, action: Action) -> Reject {
        let transaction = self.transaction(sender, action);
        self.refusal_of(transaction.sign(&account(sender)))
    }

    /// Why a transaction is refused: by the check before the pool, and by a block alike.
    pub(crate) fn refusal_of(&mut self, signed: SignedTransaction) -> Reject {
        let bytes = signed.to_bytes();
        let Err(LocalError::Refused(early)) = self.chain.submit(&bytes) else {
            panic!("the transaction was taken");
        };
        let Ok(checked) = crate::types::CheckedTransaction::parse(&bytes) else { return *early };
        let proposer = validator().public_key().address();
        let proposal = self.machine().propose(&proposer, self.now + 250, &[checked], u64::MAX).unwrap();
        assert!(proposal.block.transactions.is_empty());
        assert_eq!(proposal.refused.iter().map(|(_, reject)| reject.code()).collect::<Vec<_>>(), [early.code()]);
        *early
    }

    pub(crate) fn model(&self) -> (Hash, Model) {
        let keys = self.machine().store().keys(b"obj/model/", None, 1).unwrap();
        let hash: Hash = keys[0][b"obj/model/".len()..].try_into().unwrap();
        (hash, self.machine().get(&Key::Model(hash)).unwrap().unwrap())
    }

    /// Registers the test model by account 1.
    pub(crate) fn register_model(&mut self) -> Hash {
        match self.send(1, Action::RegisterModel(register_model())).events.as_slice() {
            [Event::ModelRegistered { model, .. }] => *model,
            events => panic!("unexpected events {events:?}"),
        }
    }

    /// The registration of worker `number`, operated by the account of that number, for `models`.
    pub(crate) fn worker_registration(&self, number: u8, models: Vec<Hash>) -> RegisterWorker {
        let key = worker_key(number);
        let genesis = self.machine().genesis();
        let operator = account(number).public_key().address();
        let message = possession_message(genesis.chain_id(), self.machine().genesis_hash(), &operator);
        RegisterWorker {
            public_key: key.public_key().clone(),
            possession: key.sign(POSSESSION_DOMAIN, &message).unwrap(),
            profile: HardwareProfile {
                tier: HardwareTier::Standard,
                hardware: Text::new("test").unwrap(),
                video_memory_mib: 0,
            },
            models,
            device: attester(number).device_id(),
        }
    }

    /// Registers worker `number` for the test model and stakes 100 tokens on it.
    pub(crate) fn register_worker(&mut self, number: u8) -> Hash {
        let (model, _) = self.model();
        let registration = self.worker_registration(number, vec![model]);
        self.send(number, Action::RegisterWorker(Box::new(registration)));
        let worker = worker_id(number);
        self.send(number, Action::Stake(AddStake { worker, amount: 100_000_000 }));
        worker
    }

    /// A job on the test model: 18 units at 10 000, escrow 300 000.
    pub(crate) fn job(&self) -> PostJob {
        PostJob {
            model: self.model().0,
            input: JobInput::Inline(input()),
            policy: JobPolicy { proof_required: true, trust_bps_min: 6_000, spot_rate_bps_min: 10_000 },
            class: JobClass::Standard,
            price_per_unit: 10_000,
            escrow: 300_000,
            deadline: self.machine().height() + 1_000,
            placement: Placement::default(),
        }
    }

    /// Posts a job by account 1.
    pub(crate) fn post(&mut self, job: PostJob) -> Hash {
        match self.send(1, Action::PostJob(job)).events.as_slice() {
            [Event::JobPosted { job, .. }] => *job,
            events => panic!("unexpected events {events:?}"),
        }
    }

    /// A lease of `job` for worker `number`.
    pub(crate) fn lease_action(&self, job: Hash, number: u8) -> LeaseJob {
        let record: InferenceJob = self.machine().get(&Key::Job(job)).unwrap().unwrap();
        LeaseJob {
            job: ObjectRef { id: job, version: record.version },
            worker: worker_id(number),
            kind: LeaseKind::Proof,
        }
    }

    /// Leases `job` to worker `number`.
    pub(crate) fn lease(&mut self, job: Hash, number: u8) -> Leased {
        let action = Action::LeaseJob(self.lease_action(job, number));
        match self.send(number, action).events.as_slice() {
            [Event::Leased { lease, context, .. }] => {
                Leased { number, job, lease: ObjectRef { id: *lease, version: 1 }, context: *context }
            }
            events => panic!("unexpected events {events:?}"),
        }
    }

    /// A world with model, worker 2, a job and a lease on it.
    pub(crate) fn leased() -> (Self, Leased) {
        let mut world = Self::new();
        world.register_model();
        world.register_worker(2);
        let job = world.post(world.job());
        let leased = world.lease(job, 2);
        (world, leased)
    }

    /// The receipt of a lease, completed when the lease's block was made.
    pub(crate) fn receipt(&self, leased: &Leased) -> WorkReceipt {
        WorkReceipt {
            context: leased.context,
            output_hash: output().hash(),
            compute_units: 18,
            metadata: Metadata {
                tokens_in: 0,
                tokens_out: 0,
                elapsed_ms: 1,
                device: DeviceKind::Cpu,
                tier: HardwareTier::Standard,
                hardware: Text::new("test").unwrap(),
                utilisation: UtilisationProfile::default(),
            },
            completed_at: leased.context.timestamp + 100,
            evidence_digest: evidence(leased).digest(),
            session: None,
        }
    }

    /// A submission with a changed receipt, signed by the leased worker.
    pub(crate) fn submission_with(&self, leased: &Leased, change: impl FnOnce(&mut WorkReceipt)) -> SubmitResult {
        let mut receipt = self.receipt(leased);
        change(&mut receipt);
        SubmitResult {
            lease: leased.lease,
            signed: sign_unchecked(receipt, leased.number),
            input: None,
            output: output(),
            evidence: evidence(leased),
            collateral: vec![],
            proofs: vec![PROOF.to_vec()],
        }
    }

    /// A submission that every rule accepts; the node is told that its proof was verified before.
    pub(crate) fn submission(&self, leased: &Leased) -> SubmitResult {
        let statement = Statement { context_digest: leased.context.digest(), input: input(), output: output() };
        self.vouch(&leased.context.model_hash, &statement);
        self.submission_with(leased, |_| {})
    }

    /// Lets [`PROOF`] pass as a proof of a statement that was verified before.
    pub(crate) fn vouch(&self, model: &Hash, statement: &Statement) {
        let model: Model = self.machine().get(&Key::Model(*model)).unwrap().unwrap();
        self.machine().services().vouch(&model.key_digest, statement, PROOF);
    }

    /// Submits the result of a lease.
    pub(crate) fn settle(&mut self, leased: &Leased) -> Outcome {
        let submission = self.submission(leased);
        self.send(leased.number, Action::SubmitResult(Box::new(submission)))
    }

    pub(crate) fn balance(&self, number: u8) -> u128 {
        self.machine().account(&account(number).public_key().address()).unwrap().balance
    }
}

/// The output that test receipts state.
pub(crate) fn output() -> Tensor {
    Tensor::vector(vec![5, 6]).unwrap()
}

/// The software attester of worker `number`.
pub(crate) fn attester(number: u8) -> SoftwareAttester {
    SoftwareAttester::new(worker_key(number).public_key(), [7; 32], Text::new("host").unwrap())
}

/// Evidence for a lease.
pub(crate) fn evidence(leased: &Leased) -> Evidence {
    attester(leased.number).attest(&leased.context).unwrap()
}

/// A receipt signed by worker `number`, also one that an honest worker would not sign.
pub(crate) fn sign_unchecked(receipt: WorkReceipt, number: u8) -> SignedReceipt {
    let key = worker_key(number);
    let domain = attestation::hash::purpose::RECEIPT_SIGNATURE;
    let signature = key.sign(domain, &receipt.to_bytes()).unwrap();
    SignedReceipt { receipt, worker_key: key.public_key().clone(), signature }
}

/// A chain like `machine`'s whose state was changed past all rules, in a block of its own.
pub(crate) fn tampered<T: Stored + Clone>(
    machine: &Machine<MemoryStore>,
    writes: &[(Key, T)],
) -> LocalChain<MemoryStore> {
    let mut store = machine.store().clone();
    let height = machine.height() + 1;
    let writes: Vec<Write> =
        writes.iter().map(|(key, value)| (key.to_bytes(), Some(encode(&value.clone().into_object())))).collect();
    let (root, tree) = tree::update(&store, height, &writes).unwrap();
    let keys = writes.into_iter().map(|(key, _)| key).collect();
    let head = Head { height, root, ..*machine.head() };
    store.apply(Batch { head, tree, keys, block: None }).unwrap();
    let machine = Machine::open(store, machine.genesis().clone(), vec![setup().clone()]).unwrap();
    LocalChain::new(machine, validator()).unwrap()
}

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]
//! The whole way with real proofs: lease, run, prove, sign, submit, mint; and each forgery, refused with its reason.
//!
//! `BLESS=1` also writes `chain/tests/vectors/story.bin`, a chain with a real proof in it, which the chain's own tests
//! replay without a prover.

mod batch;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use attestation::evidence::{Attester as _, SoftwareAttester, software};
use attestation::identity::{ed25519, ml_dsa};
use attestation::receipt::{DeviceKind, HardwareTier, Metadata, SignedReceipt, UtilisationProfile, WorkReceipt};
use attestation::text::Text;
use chain::economics::gas;
use chain::inclusion::List;
use chain::rules::Reject;
use chain::state::{Key, LocalChain, LocalError, Machine, MemoryStore, StateMachine as _};
use chain::types::block::prove_result;
use chain::types::ids::{POSSESSION_DOMAIN, possession_message, work_nullifier};
use chain::types::transaction::{
    AddStake, LeaseJob, PostJob, RegisterModel, RegisterWorker, SubmitResult, Transaction,
};
use chain::types::{
    Action, Event, Genesis, GenesisAccount, HardwareProfile, JobClass, JobInput, JobPolicy, LeaseKind, ObjectRef,
    UnitsFormula, WorkLease, encode,
};
use circuits::model::bundle::Bundle;
use circuits::model::reference;
use circuits::model::tensor::Tensor;
use circuits::model::weights::{LinearWeights, Weights};
use prover::prove::{Proven, prove};
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use verifier::proof::ProofError;
use verifier::setup::Setup;

const DIGITS: &[u8] = include_bytes!("../../data/digits/digits.assay");
const START: u64 = 1_700_000_000_000;
const UNITS: u64 = 64 * 32 + 32 * 10;

struct Fixture {
    setup: Setup,
    key: ProvingKey,
    other: ProvingKey,
}

/// Setup and keys are made once.
fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let setup = development(12, &|_, _| {}).unwrap();
        let bundle = Bundle::from_bytes(DIGITS).unwrap();
        let other = other_weights(&bundle);
        let key = ProvingKey::derive(Arc::new(bundle), &setup).unwrap();
        let other = ProvingKey::derive(Arc::new(other), &setup).unwrap();
        Fixture { setup, key, other }
    })
}

/// The same graph over other weights: every row of the first layer reversed, so that all intervals still hold.
fn other_weights(bundle: &Bundle) -> Bundle {
    let mut nodes: BTreeMap<usize, LinearWeights> = bundle.weights().clone().into_nodes();
    let first = nodes.get_mut(&0).unwrap();
    let reversed = first.rows().flat_map(|(row, _)| row.iter().rev().copied()).collect();
    *first = LinearWeights::new(first.outputs(), first.inputs(), reversed, first.bias().to_vec()).unwrap();
    let weights = Weights::new(bundle.graph(), nodes).unwrap();
    Bundle::new(bundle.graph().clone(), weights, bundle.info().clone()).unwrap()
}

fn validator() -> ed25519::SigningKey {
    ed25519::SigningKey::from_seed(&[1; 32])
}

fn requester() -> ed25519::SigningKey {
    ed25519::SigningKey::from_seed(&[2; 32])
}

/// Operator of worker `number`; the first is funded at genesis.
fn operator(number: u8) -> ed25519::SigningKey {
    ed25519::SigningKey::from_seed(&[3 + 10 * number; 32])
}

fn worker(number: u8) -> ml_dsa::SigningKey {
    ml_dsa::SigningKey::from_seed(&[4 + 10 * number; 32])
}

struct World {
    chain: LocalChain<MemoryStore>,
    now: u64,
}

#[derive(Clone)]
struct Leased {
    number: u8,
    id: [u8; 32],
    record: WorkLease,
}

impl World {
    /// A chain with model, worker, stake, job; and the lease on it.
    fn leased(chain_id: u32) -> (Self, Leased) {
        let fixture = fixture();
        let accounts = [requester(), operator(0)]
            .map(|key| GenesisAccount { address: key.public_key().address(), balance: 1_000_000_000 });
        let setups = [fixture.setup.id()].into();
        let base = Genesis::development(START, validator().public_key(), accounts.to_vec(), setups).unwrap();
        let genesis = Genesis::new(
            chain_id,
            base.time(),
            *base.params(),
            base.accounts().to_vec(),
            base.validators().clone(),
            base.setups().clone(),
            base.policy().clone(),
        );
        let machine = Machine::open(MemoryStore::new(), genesis.unwrap(), vec![fixture.setup.clone()]).unwrap();
        let mut world = Self { chain: LocalChain::new(machine, validator()).unwrap(), now: START };
        let model = world.register();
        world.register_worker(0);
        let job = world.post(model);
        let leased = world.lease(job, 0);
        (world, leased)
    }

    fn register(&mut self) -> [u8; 32] {
        let key = fixture().key.verifying();
        let action = Action::RegisterModel(RegisterModel {
            graph: key.graph().encode(),
            commitment: encode(key.commitment()),
            setup: key.setup_id(),
            formula: UnitsFormula { base: UNITS, per_token_in: 0, per_token_out: 0 },
            bond: 100_000_000,
        });
        let events = self.act(&requester(), action);
        assert_eq!(events, [Event::ModelRegistered { model: key.model_hash(), units: UNITS }]);
        key.model_hash()
    }

    fn register_worker(&mut self, number: u8) {
        let (operator, worker) = (operator(number), worker(number));
        let machine = self.chain.machine();
        let message =
            possession_message(machine.genesis().chain_id(), machine.genesis_hash(), &operator.public_key().address());
        let id = worker.public_key().id();
        let registration = RegisterWorker {
            public_key: worker.public_key().clone(),
            possession: worker.sign(POSSESSION_DOMAIN, &message).unwrap(),
            profile: HardwareProfile {
                tier: HardwareTier::Entry,
                hardware: Text::new("processor").unwrap(),
                video_memory_mib: 0,
            },
            models: vec![fixture().key.verifying().model_hash()],
            device: software::device_id(&id),
        };
        self.act(&operator, Action::RegisterWorker(Box::new(registration)));
        self.act(&operator, Action::Stake(AddStake { worker: id, amount: 60_000_000 }));
    }

    fn post(&mut self, model: [u8; 32]) -> [u8; 32] {
        let action = Action::PostJob(PostJob {
            model,
            input: JobInput::Inline(image()),
            policy: JobPolicy { proof_required: true, trust_bps_min: 6_000, spot_rate_bps_min: 10_000 },
            class: JobClass::Standard,
            price_per_unit: 10_000,
            escrow: 30_000_000,
            deadline: 10_000,
            placement: chain::types::Placement::default(),
        });
        match self.act(&requester(), action).as_slice() {
            [Event::JobPosted { job, units: UNITS }] => *job,
            events => panic!("unexpected {events:?}"),
        }
    }

    fn lease(&mut self, job: [u8; 32], number: u8) -> Leased {
        let action = Action::LeaseJob(LeaseJob {
            job: ObjectRef { id: job, version: 1 },
            worker: worker(number).public_key().id(),
            kind: LeaseKind::Proof,
        });
        match self.act(&operator(number), action).as_slice() {
            [Event::Leased { lease, .. }] => {
                Leased { number, id: *lease, record: self.chain.machine().get(&Key::Lease(*lease)).unwrap().unwrap() }
            }
            events => panic!("unexpected {events:?}"),
        }
    }

    fn act(&mut self, key: &ed25519::SigningKey, action: Action) -> Vec<Event> {
        self.chain.submit(&self.signed(key, action)).unwrap();
        self.now += 250;
        let produced = self.chain.produce(self.now).unwrap();
        assert_eq!(produced.refused, []);
        self.chain.machine().audit().unwrap();
        produced.commit.outcomes.into_iter().next().unwrap().events
    }

    fn signed(&self, key: &ed25519::SigningKey, action: Action) -> Vec<u8> {
        let machine = self.chain.machine();
        let mut transaction = Transaction {
            chain_id: machine.genesis().chain_id(),
            genesis: *machine.genesis_hash(),
            nonce: machine.account(&key.public_key().address()).unwrap().nonce,
            gas_limit: 0,
            gas_price: 1,
            action,
        };
        let bytes = transaction.clone().sign(key).to_bytes().len();
        transaction.gas_limit = gas::used(&transaction.action, bytes).unwrap();
        transaction.sign(key).to_bytes()
    }

    fn refusal(&mut self, submission: SubmitResult) -> Reject {
        let root = self.chain.machine().root();
        let bytes = self.signed(&operator(0), Action::SubmitResult(Box::new(submission)));
        let Err(LocalError::Refused(reject)) = self.chain.submit(&bytes) else { panic!("taken") };
        assert_eq!((self.chain.machine().root(), self.chain.waiting()), (root, 0));
        *reject
    }
}

/// A handwritten seven.
fn image() -> Tensor {
    let mut pixels = vec![0i64; 64];
    for column in 1..7 {
        pixels[8 + column] = 16;
    }
    for row in 2..8 {
        pixels[8 * row + 8 - row] = 14;
    }
    Tensor::new(Bundle::from_bytes(DIGITS).unwrap().graph().input().shape.clone(), pixels).unwrap()
}

/// Runs and proves for a context under a key.
fn proven(key: &ProvingKey, context_digest: [u8; 32]) -> Proven {
    let trace = reference::run(key.bundle().graph(), key.bundle().weights(), &image()).unwrap();
    prove(key, context_digest, &trace.values).unwrap()
}

/// A submission for a lease: the worker's receipt over `output`, with these proof bytes.
fn submission(leased: &Leased, output: &Tensor, proof: Vec<u8>) -> SubmitResult {
    let context = leased.record.context;
    let attester = SoftwareAttester::new(worker(leased.number).public_key(), [7; 32], Text::new("host").unwrap());
    let evidence = attester.attest(&context).unwrap();
    let receipt = WorkReceipt {
        context,
        output_hash: output.hash(),
        compute_units: UNITS,
        metadata: Metadata {
            tokens_in: 0,
            tokens_out: 0,
            elapsed_ms: 1,
            device: DeviceKind::Cpu,
            tier: HardwareTier::Entry,
            hardware: Text::new("processor").unwrap(),
            utilisation: UtilisationProfile::default(),
        },
        completed_at: context.timestamp + 1,
        evidence_digest: evidence.digest(),
        session: None,
    };
    SubmitResult {
        lease: ObjectRef { id: leased.id, version: leased.record.version },
        signed: SignedReceipt::sign(receipt, &worker(leased.number)).unwrap(),
        input: None,
        output: output.clone(),
        evidence,
        collateral: vec![],
        proofs: vec![proof],
    }
}

fn honest(leased: &Leased) -> SubmitResult {
    let proven = proven(&fixture().key, leased.record.context.digest());
    submission(leased, &proven.statement.output, proven.proof.to_bytes())
}

#[test]
fn a_proven_result_is_minted_once_and_provable_to_a_light_client() {
    let (mut world, leased) = World::leased(1337);
    let honest = honest(&leased);
    let events = world.act(&operator(0), Action::SubmitResult(Box::new(honest.clone())));
    // 2368 units: 23.68 paid, a fifth burned; 5 000 a unit, capped by 4.736 + 3 000 a unit.
    assert!(matches!(
        events.as_slice(),
        [Event::Settled { reward: 11_840_000, paid: 18_944_000, burned: 4_736_000, returned: 6_320_000, .. }]
    ));
    let context = leased.record.context;
    let nullifier =
        work_nullifier(context.chain_id, &context.job_id, &context.model_hash, &context.input_hash, &context.worker);
    assert_eq!(world.refusal(honest), Reject::WorkSpent { nullifier });

    let machine = world.chain.machine();
    let block = machine.block(machine.height()).unwrap().unwrap();
    let proof = prove_result(&block.results, 0).unwrap();
    let leaf = block.results[0].to_bytes();
    assert_eq!(proof.verify(List::ComputeResults, &block.block.header.compute_root, &leaf), Ok(()));
    let (value, proof) = machine.prove(&Key::SpentWork(nullifier)).unwrap();
    let key = Key::SpentWork(nullifier).to_bytes();
    assert_eq!(proof.verify_inclusion(&block.block.header.state_root, &key, &value.unwrap()), Ok(()));
    if std::env::var_os("BLESS").is_some() {
        bless(machine);
    }
}

#[test]
fn a_receipt_is_good_on_one_chain_only() {
    let (_, leased) = World::leased(1337);
    let (mut second, _) = World::leased(96_369);
    assert_eq!(second.refusal(honest(&leased)), Reject::ReceiptChainMismatch { expected: 96_369, got: 1337 });
}

#[test]
fn a_proof_with_one_byte_changed_is_rejected() {
    let (mut world, leased) = World::leased(1337);
    let honest = honest(&leased);
    let proof = honest.proofs[0].clone();
    for position in [0, proof.len() / 2, proof.len() - 1] {
        let mut changed = proof.clone();
        changed[position] ^= 1;
        let refused = world.refusal(SubmitResult { proofs: vec![changed], ..honest.clone() });
        assert!(matches!(refused, Reject::ProofRejected(_)), "{refused:?}");
    }
    world.act(&operator(0), Action::SubmitResult(Box::new(honest)));
}

#[test]
fn a_proof_of_other_weights_under_this_models_label_is_rejected() {
    let (mut world, leased) = World::leased(1337);
    let fixture = fixture();
    let mut forged = proven(&fixture.other, leased.record.context.digest());
    assert_ne!(fixture.other.verifying().model_hash(), fixture.key.verifying().model_hash());
    let honestly = submission(&leased, &forged.statement.output, forged.proof.to_bytes());
    assert_eq!(
        world.refusal(honestly),
        Reject::ProofRejected(ProofError::Key {
            expected: fixture.key.verifying().digest(),
            got: fixture.other.verifying().digest()
        })
    );
    forged.proof.key_digest = fixture.key.verifying().digest();
    let relabelled = submission(&leased, &forged.statement.output, forged.proof.to_bytes());
    let refused = world.refusal(relabelled);
    assert_eq!(refused, Reject::ProofRejected(ProofError::Weights));
}

#[test]
fn a_context_that_was_never_leased_is_refused() {
    let (mut world, leased) = World::leased(1337);
    let mut invented = leased.clone();
    invented.record.context.nonce = [9; 32];
    assert_eq!(world.refusal(honest(&invented)), Reject::ContextMismatch { field: "nonce" });
}

#[test]
fn a_false_output_with_the_true_proof_is_rejected() {
    let (mut world, leased) = World::leased(1337);
    let Proven { statement, mut proof } = proven(&fixture().key, leased.record.context.digest());
    let mut values = statement.output.values().to_vec();
    values.swap(0, 1);
    let output = Tensor::new(statement.output.shape().to_vec(), values).unwrap();
    let mut said = statement.clone();
    said.output = output.clone();
    let (expected, got) = (said.digest(), proof.statement_digest);
    assert_eq!(
        world.refusal(submission(&leased, &output, proof.to_bytes())),
        Reject::ProofRejected(ProofError::StatementDigest { expected, got })
    );
    proof.statement_digest = expected;
    let refused = world.refusal(submission(&leased, &output, proof.to_bytes()));
    // Every challenge follows from the statement, so the first equation read, the weight link, fails already.
    assert_eq!(refused, Reject::ProofRejected(ProofError::Weights));
}

/// Writes genesis and the certified blocks of a chain.
fn bless(machine: &Machine<MemoryStore>) {
    let blocks: Vec<_> = (1..=machine.height())
        .map(|height| machine.block(height).unwrap().unwrap())
        .map(|committed| (committed.block, committed.certificate))
        .collect();
    let bytes = encode(&(machine.genesis().to_bytes(), blocks));
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/chain/tests/vectors/story.bin"), bytes).unwrap();
}

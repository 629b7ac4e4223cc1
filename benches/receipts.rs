//! Results with proofs, from signed bytes to minted: by the node that takes each of them in and makes the block, and by
//! one that gets the block from another and verifies its proofs together.
//!
//! `cargo bench --bench receipts` prints the time of a batch by criterion, then receipts per second; under `taskset -c 0`
//! they are those of one core. Every result has its own worker, job, context and proof; making them is not measured.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark stops loudly and prints its figures"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use attestation::evidence::software;
use attestation::identity::{ed25519, ml_dsa};
use attestation::receipt::HardwareTier;
use chain::economics::gas;
use chain::node::{Directory, RocksStore, start};
use chain::state::{Key, LocalChain, Machine, StateMachine};
use chain::types::genesis::GenesisAccount;
use chain::types::ids::{POSSESSION_DOMAIN, possession_message};
use chain::types::params::Params;
use chain::types::transaction::{
    Action, AddStake, LeaseJob, PostJob, RegisterModel, RegisterWorker, SubmitResult, Transaction,
};
use chain::types::{
    Event, Genesis, JobClass, JobInput, JobPolicy, LeaseKind, ObjectRef, UnitsFormula, WorkLease, encode,
};
use circuits::model::bundle::Bundle;
use circuits::model::reference;
use circuits::model::tensor::Tensor;
use criterion::Criterion;
use prover::import::digits;
use prover::prove::prove;
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use worker::Hardware;
use worker::executor::Device;
use worker::hardware::RunFigures;

const BUNDLE: &[u8] = include_bytes!("../data/digits/digits.assay");
const IMAGES: &str = include_str!("../data/digits/digits.csv");
const START: u64 = 1_700_000_000_000;
/// Results of one block.
const BATCH: u8 = 8;

struct Member {
    operator: ed25519::SigningKey,
    worker: ml_dsa::SigningKey,
}

impl Member {
    fn new(number: u8) -> Self {
        let (operator, worker) = ([number + 1; 32], [number + 101; 32]);
        Self { operator: ed25519::SigningKey::from_seed(&operator), worker: ml_dsa::SigningKey::from_seed(&worker) }
    }
}

struct World {
    chain: LocalChain<RocksStore>,
    /// Another node, which gets the blocks.
    follower: Machine<RocksStore>,
    key: ProvingKey,
    images: Vec<Tensor>,
    hardware: Hardware,
    requester: ed25519::SigningKey,
    members: Vec<Member>,
    now: u64,
    posted: usize,
}

impl World {
    fn open(path: &std::path::Path) -> Self {
        let bundle = Arc::new(Bundle::from_bytes(BUNDLE).unwrap());
        let setup = development(Params::development().model.k_max, &|_, _| {}).unwrap();
        let key = ProvingKey::derive(bundle, &setup).unwrap();
        let validator = ed25519::SigningKey::from_seed(&[250; 32]);
        let requester = ed25519::SigningKey::from_seed(&[251; 32]);
        let members: Vec<Member> = (0..BATCH).map(Member::new).collect();
        let account =
            |key: &ed25519::SigningKey| GenesisAccount { address: key.public_key().address(), balance: 1 << 90 };
        let accounts = members.iter().map(|member| account(&member.operator)).chain([account(&requester)]).collect();
        let setups = [setup.id()].into();
        let genesis = Genesis::development(START, validator.public_key(), accounts, setups).unwrap();
        let chain = start(&path.join("maker"), genesis.clone(), vec![setup.clone()], validator).unwrap();
        let directory = Directory::open(&path.join("follower"), &genesis).unwrap();
        let follower = Machine::open(RocksStore::open(&directory).unwrap(), genesis, vec![setup]).unwrap();
        let images = digits::parse(IMAGES).unwrap().into_iter().map(|digit| digit.image).collect();
        let hardware = Hardware::this_machine(Device::Cpu, "bench").unwrap();
        let mut world = Self { chain, follower, key, images, hardware, requester, members, now: START, posted: 0 };
        world.register();
        world
    }

    fn units(&self) -> u64 {
        self.key.bundle().graph().multiply_accumulates()
    }

    fn register(&mut self) {
        let key = self.key.verifying();
        let model = RegisterModel {
            graph: key.graph().encode(),
            commitment: encode(key.commitment()),
            setup: key.setup_id(),
            formula: UnitsFormula { base: self.units(), per_token_in: 0, per_token_out: 0 },
            bond: self.chain.machine().genesis().params().bond.model_min,
        };
        let model_hash = key.model_hash();
        let requester = self.requester.clone();
        self.act([(requester, Action::RegisterModel(model))]);
        let genesis = *self.chain.machine().genesis_hash();
        let registration = |member: &Member| {
            let address = member.operator.public_key().address();
            let message = possession_message(1337, &genesis, &address);
            let registration = RegisterWorker {
                public_key: member.worker.public_key().clone(),
                possession: member.worker.sign(POSSESSION_DOMAIN, &message).unwrap(),
                profile: self.hardware.profile(),
                models: vec![model_hash],
                device: software::device_id(&member.worker.public_key().id()),
            };
            (member.operator.clone(), Action::RegisterWorker(Box::new(registration)))
        };
        let registrations: Vec<_> = self.members.iter().map(registration).collect();
        self.act(registrations);
        let stake = |member: &Member| {
            let stake = AddStake { worker: member.worker.public_key().id(), amount: 60_000_000 };
            (member.operator.clone(), Action::Stake(stake))
        };
        let stakes: Vec<_> = self.members.iter().map(stake).collect();
        self.act(stakes);
    }

    fn sign(&self, key: &ed25519::SigningKey, nonce: u64, action: Action) -> Vec<u8> {
        let machine = self.chain.machine();
        let (chain_id, genesis) = (machine.genesis().chain_id(), *machine.genesis_hash());
        let mut transaction = Transaction { chain_id, genesis, nonce, gas_limit: 0, gas_price: 1, action };
        let size = transaction.clone().sign(key).to_bytes().len();
        transaction.gas_limit = gas::used(&transaction.action, size).unwrap();
        transaction.sign(key).to_bytes()
    }

    fn next_nonce(&self, key: &ed25519::SigningKey) -> u64 {
        self.chain.machine().account(&key.public_key().address()).unwrap().nonce
    }

    /// One block of actions, each by another account.
    fn act(&mut self, actions: impl IntoIterator<Item = (ed25519::SigningKey, Action)>) -> Vec<Event> {
        let signed: Vec<Vec<u8>> =
            actions.into_iter().map(|(key, action)| self.sign(&key, self.next_nonce(&key), action)).collect();
        self.block(&signed)
    }

    fn block(&mut self, transactions: &[Vec<u8>]) -> Vec<Event> {
        for bytes in transactions {
            self.chain.submit(bytes).unwrap();
        }
        self.now += 250;
        let produced = self.chain.produce(self.now).unwrap();
        assert_eq!((produced.refused.len(), produced.commit.outcomes.len()), (0, transactions.len()));
        produced.commit.outcomes.into_iter().flat_map(|outcome| outcome.events).collect()
    }

    /// Lets the other node take what it does not have; how long it took for the last block.
    fn follow(&mut self) -> Duration {
        let mut taken = Duration::ZERO;
        for height in self.follower.height() + 1..=self.chain.machine().height() {
            let committed = self.chain.machine().block(height).unwrap().unwrap();
            let certificate = encode(&committed.certificate);
            let started = Instant::now();
            self.follower.commit(&committed.block, &certificate, &[]).unwrap();
            taken = started.elapsed();
        }
        taken
    }

    /// A leased job for every member, with its result, ready to be handed in.
    fn results(&mut self) -> Vec<Vec<u8>> {
        let mut results = Vec::new();
        for number in 0..self.members.len() {
            let input = self.images.get(self.posted % self.images.len()).unwrap().clone();
            self.posted += 1;
            let job = PostJob {
                model: self.key.verifying().model_hash(),
                input: JobInput::Inline(input.clone()),
                policy: JobPolicy { proof_required: true, trust_bps_min: 0, spot_rate_bps_min: 0 },
                class: JobClass::Standard,
                price_per_unit: 10_000,
                escrow: 30_000_000,
                deadline: self.chain.machine().head().height + 10_000,
                placement: chain::types::Placement::default(),
            };
            let requester = self.requester.clone();
            let job = match self.act([(requester, Action::PostJob(job))]).as_slice() {
                [Event::JobPosted { job, .. }] => *job,
                events => panic!("unexpected {events:?}"),
            };
            let member = self.members.get(number).unwrap();
            let (operator, worker) = (member.operator.clone(), member.worker.clone());
            let job = ObjectRef { id: job, version: 1 };
            let lease = LeaseJob { job, worker: worker.public_key().id(), kind: LeaseKind::Proof };
            let lease = match self.act([(operator.clone(), Action::LeaseJob(lease))]).as_slice() {
                [Event::Leased { lease, .. }] => *lease,
                events => panic!("unexpected {events:?}"),
            };
            let submission = self.submission(&worker, lease, &input);
            let action = Action::SubmitResult(Box::new(submission));
            results.push(self.sign(&operator, self.next_nonce(&operator), action));
        }
        results
    }

    fn submission(&self, worker: &ml_dsa::SigningKey, lease: [u8; 32], input: &Tensor) -> SubmitResult {
        let record: WorkLease = self.chain.machine().get(&Key::Lease(lease)).unwrap().unwrap();
        let bundle = self.key.bundle();
        let trace = reference::run(bundle.graph(), bundle.weights(), input).unwrap();
        let proven = prove(&self.key, record.context.digest(), &trace.values).unwrap();
        let output = proven.statement.output;
        let figures = RunFigures {
            output_hash: output.hash(),
            units: self.units(),
            tokens: (0, 0),
            tier: HardwareTier::Entry,
            elapsed_ms: 1,
            completed_at: record.context.timestamp + 1,
        };
        let (signed, evidence) = self.hardware.sign(worker, &record.context, &figures).unwrap();
        SubmitResult {
            lease: ObjectRef { id: lease, version: record.version },
            signed,
            input: None,
            output,
            evidence,
            collateral: vec![],
            proofs: vec![proven.proof.to_bytes()],
        }
    }
}

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut world = World::open(folder.path());
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let (mut made, mut followed) = (Vec::new(), Vec::new());
    criterion.bench_function(&format!("receipts::submit_and_mint/receipts={BATCH}"), |bencher| {
        bencher.iter_custom(|rounds| {
            let batches = (0..rounds).map(|_| {
                let results = world.results();
                world.follow();
                let started = Instant::now();
                let events = world.block(&results);
                let taken = started.elapsed();
                assert!(events.iter().all(|event| matches!(event, Event::Settled { .. })));
                let verified = world.follower.proofs_verified();
                followed.push(world.follow());
                assert_eq!(world.follower.proofs_verified() - verified, u64::from(BATCH));
                made.push(taken);
                taken
            });
            batches.sum()
        });
    });
    criterion.final_summary();
    print("receipts::submit_and_mint", made);
    print("receipts::follow, proofs verified together", followed);
}

fn print(name: &str, mut taken: Vec<Duration>) {
    taken.sort_unstable();
    let median: Duration = taken.get(taken.len() / 2).copied().unwrap_or_default();
    let rate = f64::from(BATCH) / median.as_secs_f64();
    println!(
        "{name}: median {:.2} ms for {BATCH}, {rate:.0} receipts with proofs per second ({} blocks)",
        median.as_secs_f64() * 1e3,
        taken.len()
    );
}

//! A node, its people, and the digits model.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use attestation::hash::derive;
use attestation::identity::{ed25519, ml_dsa};
use chain::client::{Account, Client};
use chain::node::{Node, NodeOptions, serve};
use chain::state::Key;
use chain::types::transaction::{Action, PostJob, RegisterModel};
use chain::types::{
    BlockParams, Event, Genesis, GenesisAccount, Hash, InferenceJob, JobClass, JobInput, JobPolicy, JobResult,
    JobStatus, ModelParams, Outcome, UnitsFormula, WindowParams, encode,
};
use circuits::model::bundle::Bundle;
use circuits::model::tensor::Tensor;
use circuits::model::weights::{LinearWeights, Weights};
use prover::import::digits;
use prover::srs::generate::development;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use verifier::setup::Setup;
use worker::engine::{CandleEngine, Engine};
use worker::executor::Device;
use worker::hardware::now;
use worker::stop::{self, Stop, Stopper};
use worker::{
    CheckLoop, Hardware, Inputs, JobLoop, JobSettings, Models, NoInputs, Operator, PresenceLoop, Reports, ServedModel,
    WorkerError, WorkerReport,
};

const MODEL: &[u8] = include_bytes!("../../../data/digits/digits.assay");
const IMAGES: &str = include_str!("../../../data/digits/digits.csv");
/// Longest wait for anything; the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Multiply-accumulates of one run.
const UNITS: u64 = 64 * 32 + 32 * 10;
pub(crate) const STAKE: u128 = 60_000_000;
pub(crate) const FUNDS: u128 = 1_000_000_000;

/// Setup and keys, made once.
pub(crate) struct Fixture {
    pub(crate) setup: Setup,
    pub(crate) models: Models,
}

pub(crate) fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let bundle = Arc::new(Bundle::from_bytes(MODEL).unwrap());
        let setup = development(bundle.graph().layout().k, &|_, _| {}).unwrap();
        let models = Models::derive([bundle], &setup).unwrap();
        Fixture { setup, models }
    })
}

/// The digits model.
pub(crate) fn model() -> &'static ServedModel {
    let models = &fixture().models;
    models.get(models.hashes().next().unwrap()).unwrap()
}

/// Another model of the same graph: every first-layer neuron reads its inputs in reverse, which keeps the intervals of
/// its sums.
pub(crate) fn other_model() -> &'static Arc<ServedModel> {
    static OTHER: OnceLock<Arc<ServedModel>> = OnceLock::new();
    OTHER.get_or_init(|| {
        let bundle = model().bundle();
        let mut nodes = bundle.weights().clone().into_nodes();
        let first = nodes.get_mut(&0).unwrap();
        let reversed = first.rows().flat_map(|(row, _)| row.iter().rev().copied()).collect();
        *first = LinearWeights::new(first.outputs(), first.inputs(), reversed, first.bias().to_vec()).unwrap();
        let weights = Weights::new(bundle.graph(), nodes).unwrap();
        let bundle = Bundle::new(bundle.graph().clone(), weights, bundle.info().clone()).unwrap();
        Arc::new(ServedModel::derive(Arc::new(bundle), &fixture().setup).unwrap())
    })
}

/// Held-back image number `number`.
pub(crate) fn image(number: usize) -> Tensor {
    digits::split(digits::parse(IMAGES).unwrap()).test[number].image.clone()
}

fn seed(name: &str) -> Hash {
    derive("assay 2026 worker-test-key v1", &[name.as_bytes()])
}

pub(crate) fn account_key(name: &str) -> ed25519::SigningKey {
    ed25519::SigningKey::from_seed(&seed(name))
}

pub(crate) fn worker_key(name: &str) -> ml_dsa::SigningKey {
    ml_dsa::SigningKey::from_seed(&seed(&format!("{name}, worker")))
}

/// Everybody with an account.
const PEOPLE: [&str; 9] = ["validator", "owner", "requester", "a", "b", "c", "d", "e", "f"];

/// A node with its data directory.
pub(crate) struct World {
    node: Option<Node>,
    folder: TempDir,
    genesis: Genesis,
    address: SocketAddr,
}

impl World {
    /// A node with quick blocks and the digits model registered.
    pub(crate) async fn start(change: impl FnOnce(&mut WindowParams)) -> Self {
        let setup = &fixture().setup;
        let accounts = PEOPLE
            .map(|name| GenesisAccount { address: account_key(name).public_key().address(), balance: FUNDS })
            .to_vec();
        let setups = [setup.id()].into_iter().collect();
        let validator = account_key("validator").public_key();
        let standard = Genesis::development(now(), validator, accounts, setups).unwrap();
        let mut params = *standard.params();
        // A quick chain, whose reviews last as long as a busy machine takes to prove.
        params.block = BlockParams { interval_ms: 50, ..params.block };
        params.model = ModelParams { k_max: setup.k() };
        params.window = WindowParams { lease_standard: 1_200, review: 100, unbonding: 5_000, ..params.window };
        change(&mut params.window);
        let genesis = Genesis::new(
            standard.chain_id(),
            standard.time(),
            params,
            standard.accounts().to_vec(),
            standard.validators().clone(),
            standard.setups().clone(),
            standard.policy().clone(),
        )
        .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut world = Self { node: None, folder: TempDir::new().unwrap(), genesis, address };
        world.serve().await;
        world.register_model(model()).await;
        world
    }

    /// Starts the node, or starts it again at the same address.
    pub(crate) async fn serve(&mut self) {
        let path = self.folder.path().join("node");
        let setups = vec![fixture().setup.clone()];
        let options = NodeOptions::new(self.address);
        let node = serve(&path, self.genesis.clone(), setups, account_key("validator"), options).await.unwrap();
        self.address = node.address();
        self.node = Some(node);
    }

    /// Stops the node.
    pub(crate) async fn stop(&mut self) {
        self.node.take().unwrap().stop().await.unwrap();
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address)).unwrap()
    }

    pub(crate) async fn account(&self, name: &str) -> Account {
        Account::open(self.client(), account_key(name)).await.unwrap()
    }

    /// What became of everything that a person sent.
    pub(crate) async fn outcomes(&self, person: &Person) -> Vec<Outcome> {
        let (mut next, mut outcomes) = (1, Vec::new());
        loop {
            let page = self.client().events(next, Duration::ZERO).await.unwrap();
            outcomes.extend(page.blocks.into_iter().flat_map(|block| block.outcomes));
            next = page.next;
            if next > page.head {
                break;
            }
        }
        outcomes.retain(|outcome| outcome.sender == person.operator.account().address());
        outcomes
    }

    pub(crate) async fn register_model(&self, model: &ServedModel) {
        self.register_model_at(model, UnitsFormula { base: UNITS, per_token_in: 0, per_token_out: 0 }).await;
    }

    /// The same with ten of its units billed by the token, of which it gives ten.
    pub(crate) async fn register_token_model(&self, model: &ServedModel) {
        self.register_model_at(model, UnitsFormula { base: UNITS - 10, per_token_in: 0, per_token_out: 1 }).await;
    }

    pub(crate) async fn register_model_at(&self, model: &ServedModel, formula: UnitsFormula) {
        let key = model.key().verifying();
        let action = Action::RegisterModel(RegisterModel {
            graph: key.graph().encode(),
            commitment: encode(key.commitment()),
            setup: key.setup_id(),
            formula,
            bond: self.genesis.params().bond.model_min,
        });
        let committed = self.account("owner").await.act(action).await.unwrap();
        assert!(
            matches!(committed.outcome.events[..], [Event::ModelRegistered { model: hash, .. }] if hash == *model.hash())
        );
    }

    /// A job that allows a result without a proof and has it checked.
    pub(crate) fn job(&self, model: &ServedModel, input: Tensor) -> PostJob {
        PostJob {
            model: *model.hash(),
            input: JobInput::Inline(input),
            policy: JobPolicy { proof_required: false, trust_bps_min: 6_000, spot_rate_bps_min: 10_000 },
            class: JobClass::Standard,
            price_per_unit: 10_000,
            escrow: 30_000_000,
            deadline: 90_000,
            placement: chain::types::Placement::default(),
        }
    }

    pub(crate) async fn post(&self, job: PostJob) -> Hash {
        let committed = self.account("requester").await.act(Action::PostJob(job)).await.unwrap();
        match committed.outcome.events[..] {
            [Event::JobPosted { job, .. }] => job,
            ref events => panic!("unexpected events {events:?}"),
        }
    }

    /// Posts such a job for image number `number`.
    pub(crate) async fn post_image(&self, number: usize) -> Hash {
        self.post(self.job(model(), image(number))).await
    }

    pub(crate) async fn job_record(&self, job: &Hash) -> InferenceJob {
        self.client().get(&Key::Job(*job)).await.unwrap().unwrap()
    }

    pub(crate) async fn result(&self, result: &Hash) -> JobResult {
        self.client().get(&Key::Result(*result)).await.unwrap().unwrap()
    }

    /// The result that settled a job.
    pub(crate) async fn settled(&self, job: &Hash) -> JobResult {
        match self.job_record(job).await.status {
            JobStatus::Settled(result) => self.result(&result).await,
            status => panic!("expected a settled job, got {status:?}"),
        }
    }

    /// A worker that is registered and staked.
    pub(crate) async fn worker(&self, name: &'static str) -> Person {
        self.worker_with(name, Arc::new(CandleEngine::new(Device::Cpu)), fixture().models.clone()).await
    }

    pub(crate) async fn worker_with(&self, name: &'static str, engine: Arc<dyn Engine>, models: Models) -> Person {
        let person = self.person(name, engine, models).await;
        person.operator.register().await.unwrap();
        assert_eq!(person.operator.stake(STAKE).await.unwrap(), STAKE);
        person
    }

    /// The same with inputs that were handed to it.
    pub(crate) async fn worker_given(&self, name: &'static str, inputs: Arc<dyn Inputs>) -> Person {
        let engine = Arc::new(CandleEngine::new(Device::Cpu));
        let person = self.person_given(name, engine, fixture().models.clone(), inputs).await;
        person.operator.register().await.unwrap();
        assert_eq!(person.operator.stake(STAKE).await.unwrap(), STAKE);
        person
    }

    /// A worker of which the chain knows nothing yet.
    pub(crate) async fn person(&self, name: &'static str, engine: Arc<dyn Engine>, models: Models) -> Person {
        self.person_given(name, engine, models, Arc::new(NoInputs)).await
    }

    async fn person_given(
        &self,
        name: &'static str,
        engine: Arc<dyn Engine>,
        models: Models,
        inputs: Arc<dyn Inputs>,
    ) -> Person {
        // Impatient, so that a node that is away shows in the reports.
        let client = self.client().with_patience(Duration::from_millis(200));
        let account = Account::open(client, account_key(name)).await.unwrap();
        let journal = Journal::default();
        let reports = journal.reports();
        let hardware = Hardware::this_machine(Device::Cpu, "test").unwrap();
        let operator = Operator::new(account, worker_key(name), models, hardware, engine, inputs, reports);
        Person { name, operator, journal }
    }
}

/// Inputs that are handed in one by one, under the hash that they are given for.
#[derive(Default)]
pub(crate) struct Handed(Mutex<BTreeMap<Hash, Result<Tensor, &'static str>>>);

impl Handed {
    pub(crate) fn hand(&self, hash: Hash, input: Result<Tensor, &'static str>) {
        self.0.lock().unwrap().insert(hash, input);
    }
}

impl Inputs for Handed {
    fn find(&self, hash: &Hash, shape: &[u32]) -> Result<Option<Tensor>, Box<dyn Error + Send + Sync>> {
        assert_eq!(shape, model().bundle().graph().input().shape);
        self.0.lock().unwrap().get(hash).cloned().transpose().map_err(Into::into)
    }

    fn place(&self, _: &Hash) -> String {
        "hand it in".to_owned()
    }
}

/// A worker and what its loops reported.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) operator: Operator,
    pub(crate) journal: Journal,
}

impl Person {
    pub(crate) fn work(&self, settings: JobSettings) -> Running {
        Running::start(|stop| tokio::spawn(JobLoop::new(self.operator.clone(), settings).run(stop)))
    }

    pub(crate) fn answer_tasks(&self) -> Running {
        Running::start(|stop| tokio::spawn(PresenceLoop::new(self.operator.clone(), Device::Cpu).run(stop)))
    }

    pub(crate) fn check(&self) -> Running {
        Running::start(|stop| tokio::spawn(CheckLoop::new(self.operator.clone()).run(stop)))
    }

    pub(crate) async fn balance(&self) -> u128 {
        self.operator.account().balance().await.unwrap()
    }
}

/// A loop that runs.
pub(crate) struct Running {
    stopper: Stopper,
    task: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    fn start(spawn: impl FnOnce(Stop) -> JoinHandle<Result<(), WorkerError>>) -> Self {
        let (stopper, stop) = stop::signal();
        Self { stopper, task: spawn(stop) }
    }

    /// Lets it finish.
    pub(crate) async fn drain(self) {
        self.stopper.drain();
        timeout(PATIENCE, self.task).await.expect("the loop drains").unwrap().unwrap();
    }

    /// Ends it at once.
    pub(crate) async fn halt(self) {
        self.stopper.halt();
        timeout(Duration::from_secs(5), self.task).await.expect("the loop halts").unwrap().unwrap();
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(self) -> WorkerError {
        timeout(PATIENCE, self.task).await.expect("the loop ends").unwrap().unwrap_err()
    }
}

/// Reports in their order.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Mutex<Vec<WorkerReport>>>, watch::Sender<usize>);

impl Default for Journal {
    fn default() -> Self {
        Self(Arc::default(), watch::Sender::new(0))
    }
}

impl Journal {
    fn reports(&self) -> Reports {
        let journal = self.clone();
        Reports::new(move |report| {
            let mut reports = journal.0.lock().unwrap();
            reports.push(report);
            journal.1.send_replace(reports.len());
        })
    }

    pub(crate) fn all(&self) -> Vec<WorkerReport> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&WorkerReport) -> bool) -> usize {
        self.all().iter().filter(|report| wanted(report)).count()
    }

    /// Waits for the first report that `wanted` knows, and returns what it makes of it.
    pub(crate) async fn wait<T>(&self, what: &str, wanted: impl Fn(&WorkerReport) -> Option<T>) -> T {
        let mut length = self.1.subscribe();
        let found = async {
            loop {
                if let Some(found) = self.all().iter().find_map(&wanted) {
                    return found;
                }
                length.changed().await.unwrap();
            }
        };
        match timeout(PATIENCE, found).await {
            Ok(found) => found,
            Err(_) => panic!("no {what} among {:#?}", self.all()),
        }
    }
}

//! The five workers: each with its operator's account, its stake and a loop that does the checks it is drawn for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use attestation::identity::ml_dsa;
use chain::client::{Account, Client};
use chain::types::Hash;
use circuits::model::tensor::Tensor;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use worker::engine::{CandleEngine, Engine, EngineError, Run};
use worker::executor::Device;
use worker::stop::{self, Stopper};
use worker::{
    CheckLoop, Hardware, JobLoop, JobSettings, Models, NoInputs, Operator, Reports, ServedModel, WorkerError,
    WorkerReport,
};

use super::error::StepError;
use crate::development;
use crate::forgery::swap_extremes;

/// Stake behind each worker, micro-tokens.
pub(super) const STAKE: u128 = 120_000_000;
/// What evidence and receipts say about this machine; a published receipt should not name it.
pub(super) const HOST: &str = "demonstration";

/// One worker.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) operator: Operator,
    pub(super) key: ml_dsa::SigningKey,
    reports: Arc<Mutex<Vec<WorkerReport>>>,
    liar: Arc<Liar>,
    runtime: Handle,
    checks: Option<(Stopper, JoinHandle<Result<(), WorkerError>>)>,
}

impl Member {
    /// Registers and stakes worker number `number`, from 1, and lets it do checks from now on.
    pub(super) async fn enlist(
        number: usize,
        client: &Client,
        models: &Models,
        device: Device,
        runtime: &Handle,
    ) -> Result<Self, StepError> {
        let index = number.saturating_sub(1);
        let worker = development::WORKERS.get(index).ok_or(StepError::NoSuchMember)?;
        let person = development::OPERATORS.get(index).ok_or(StepError::NoSuchMember)?;
        let (name, key) = (worker.name(), worker.key());
        let account = Account::open(client.clone(), person.key()).await?;
        let hardware = Hardware::this_machine(device, HOST)?;
        let reports = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&reports);
        let listener = Reports::new(move |report| written.lock().unwrap_or_else(PoisonError::into_inner).push(report));
        let liar = Arc::new(Liar { honest: CandleEngine::new(device), lies: AtomicBool::new(false) });
        let engine: Arc<dyn Engine> = Arc::<Liar>::clone(&liar);
        let operator =
            Operator::new(account, key.clone(), models.clone(), hardware, engine, Arc::new(NoInputs), listener);
        operator.register().await?;
        operator.stake(STAKE).await?;
        let (stopper, stopped) = stop::signal();
        let checks = runtime.spawn(CheckLoop::new(operator.clone()).run(stopped));
        let checks = Some((stopper, checks));
        Ok(Self { name, operator, key, reports, liar, runtime: runtime.clone(), checks })
    }

    /// Lets it take jobs, until the shift ends.
    pub(super) fn begin_shift(&self, settings: JobSettings) -> Shift {
        let (stopper, stopped) = stop::signal();
        let task = self.runtime.spawn(JobLoop::new(self.operator.clone(), settings).run(stopped));
        Shift { stopper, task }
    }

    /// Makes it return another label than the model's from now on, or tell the truth again.
    pub(super) fn lie(&self, lies: bool) {
        self.liar.lies.store(lies, Ordering::Relaxed);
    }

    /// What its reports say about something.
    pub(super) fn report<T>(&self, pick: impl Fn(&WorkerReport) -> Option<T>) -> Option<T> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().find_map(pick)
    }

    /// Ends its checks.
    pub(super) async fn dismiss(mut self) -> Result<(), StepError> {
        let Some((stopper, task)) = self.checks.take() else { return Ok(()) };
        stopper.drain();
        Ok(task.await.map_err(WorkerError::from)??)
    }
}

/// A time in which a worker takes jobs.
pub(super) struct Shift {
    stopper: Stopper,
    task: JoinHandle<Result<(), WorkerError>>,
}

impl Shift {
    /// Lets the worker finish what it has.
    pub(super) async fn end(self) -> Result<(), StepError> {
        self.stopper.drain();
        Ok(self.task.await.map_err(WorkerError::from)??)
    }
}

/// The engine of every worker here: candle, and for the cheater at the right moment something else.
struct Liar {
    honest: CandleEngine,
    lies: AtomicBool,
}

impl Engine for Liar {
    fn run(&self, model: &ServedModel, input: &Tensor) -> Result<Run, EngineError> {
        let mut run = self.honest.run(model, input)?;
        if self.lies.load(Ordering::Relaxed)
            && let Some(output) = run.trace.values.last_mut()
        {
            swap_extremes(output);
        }
        Ok(run)
    }
}

/// The member with an identifier.
pub(super) fn member_name(worker: &Hash) -> &'static str {
    development::Worker::of(worker).map_or("a stranger", development::Worker::name)
}

//! Presence: answering the synthetic task of every epoch, so that the worker's uptime is on record.
//!
//! What the chain says decides: a commitment found there is opened, whoever made it, and its product is computed again
//! if this process does not have it. Uptime is a bonus and no duty, so a refusal is reported and the next epoch tried.

use chain::state::Key;
use chain::synthetic::{Row, prove_row, root, task};
use chain::types::ids::genesis_beacon;
use chain::types::transaction::{Action, OpenSynthetic, OpenedRow, SyntheticResult};
use chain::types::{Hash, Params, ResourceSnapshot, RunningEpoch, SyntheticClaim};
use tokio::task::spawn_blocking;

use crate::error::WorkerError;
use crate::executor::{Device, synthetic};
use crate::feed::Feed;
use crate::operator::Operator;
use crate::report::{Activity, WorkerReport};
use crate::stop::Stop;

/// Answers synthetic tasks, one an epoch.
pub struct PresenceLoop {
    operator: Operator,
    device: Device,
    /// The latest product, with its task.
    product: Option<(Hash, Vec<Row<i32>>)>,
    /// Epochs before this one need no attempt any more.
    next: u64,
}

impl PresenceLoop {
    /// A loop for a worker that computes on `device`.
    #[must_use]
    pub fn new(operator: Operator, device: Device) -> Self {
        Self { operator, device, product: None, next: 0 }
    }

    /// Answers until it is told to stop, drained or halted; a commitment that is not opened then loses its bond.
    ///
    /// # Errors
    /// When going on is pointless: [`WorkerError::NotRegistered`], [`WorkerError::Banned`], [`WorkerError::KeyBound`],
    /// [`WorkerError::NoModels`], [`WorkerError::WentBack`], a device that is not usable.
    pub async fn run(mut self, mut stop: Stop) -> Result<(), WorkerError> {
        let operator = self.operator.clone();
        let mut draining = stop.clone();
        let answering = self.answer(&mut draining);
        tokio::select! {
            biased;
            () = stop.halted() => {}
            outcome = answering => outcome?,
        }
        operator.report(WorkerReport::Stopped { activity: Activity::Presence });
        Ok(())
    }

    async fn answer(&mut self, stop: &mut Stop) -> Result<(), WorkerError> {
        let operator = self.operator.clone();
        operator.ready().await?;
        let (started, params) = operator.patiently(|| operator.standing()).await?;
        operator.report(WorkerReport::Started { activity: Activity::Presence, height: started });
        let mut feed = Feed::open(operator.clone(), started.max(1));
        let mut height = started;
        loop {
            let waits = self.step(&params, height, stop.is_draining()).await?;
            // Drained, it opens what it committed to and begins nothing.
            if stop.is_draining() && !waits {
                return Ok(());
            }
            let draining = stop.is_draining();
            tokio::select! {
                () = stop.draining(), if !draining => {}
                page = feed.page() => {
                    height = page?.blocks.last().map_or(height, |block| block.height);
                }
            }
        }
    }

    /// Does what is to be done at `height`; returns whether a commitment waits to be opened.
    async fn step(&mut self, params: &Params, height: u64, draining: bool) -> Result<bool, WorkerError> {
        let operator = self.operator.clone();
        let worker = *operator.worker();
        let get_claim = || async { Ok(operator.client().get::<SyntheticClaim>(&Key::Synthetic(worker)).await?) };
        let claim = operator.patiently(get_claim).await?;
        let running = operator
            .patiently(|| async { Ok(operator.client().get::<RunningEpoch>(&Key::RunningEpoch).await?) })
            .await?;
        let genesis = operator.account().genesis();
        let (epoch, seed) =
            running.map_or_else(|| (0, genesis_beacon(genesis)), |running| (running.epoch, running.seed));
        let id = task(&seed, epoch, &worker);
        if let Some(claim) = claim {
            if claim.rows.is_empty() {
                return Ok(true);
            }
            let product = self.computed(id).await?;
            let open = |row: &u32| {
                let row = *row as usize;
                Some(OpenedRow { values: product.get(row)?.clone(), path: prove_row(product, row)? })
            };
            let rows = claim.rows.iter().filter_map(open).collect();
            let action = Action::OpenSynthetic(Box::new(OpenSynthetic { worker, rows }));
            if self.act("open a synthetic task", action).await? {
                operator.report(WorkerReport::Present { epoch });
            }
            return Ok(false);
        }
        let until = height.saturating_add(2).saturating_add(params.window.draw).saturating_add(params.window.review);
        let late = until.checked_div(params.block.epoch_blocks).is_none_or(|ends| ends > epoch);
        if draining || late || epoch < self.next {
            return Ok(false);
        }
        self.next = epoch.saturating_add(1);
        let get_snapshot = || async { Ok(operator.client().get::<ResourceSnapshot>(&Key::Snapshot(worker)).await?) };
        let snapshot = operator.patiently(get_snapshot).await?;
        if snapshot.is_some_and(|snapshot| snapshot.epoch == epoch) {
            return Ok(false);
        }
        let root = root(self.computed(id).await?);
        let action = Action::SyntheticResult(SyntheticResult { worker, epoch, root });
        self.act("commit to a synthetic task", action).await
    }

    /// Sends an action; a refusal is reported, and false.
    async fn act(&self, what: &'static str, action: Action) -> Result<bool, WorkerError> {
        match self.operator.account().act(action).await.map_err(WorkerError::from) {
            Ok(_) => Ok(true),
            Err(error) if error.refusal().is_some() => {
                self.operator.report_refusal(what, self.operator.worker(), &error);
                Ok(false)
            }
            // Whether it was taken is not known: the chain's state will show it.
            Err(error) if error.is_transient() => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn computed(&mut self, id: Hash) -> Result<&[Row<i32>], WorkerError> {
        if self.product.as_ref().is_none_or(|(known, _)| *known != id) {
            let device = self.device;
            let product = spawn_blocking(move || synthetic::product(&id, device)).await??;
            self.product = Some((id, product));
        }
        Ok(self.product.as_ref().map(|(_, product)| product.as_slice()).unwrap_or_default())
    }
}

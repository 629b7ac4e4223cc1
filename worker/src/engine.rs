//! What runs a model. Jobs and checks know the trait only, so that another backend, or in a test a lying one, can be
//! put in its place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chain::types::Hash;
use circuits::model::reference::{self, Trace};
use circuits::model::tensor::{Tensor, TensorError};

use crate::executor::{Device, Executor, ExecutorError};
use crate::models::{Models, ServedModel};

/// Why a model did not run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The executor failed.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// The device and the reference executor give different values.
    #[error("the executors disagree: candle on {device} gives other values than the reference; use another device")]
    Disagreement {
        /// The device.
        device: Device,
    },
    /// Another backend failed.
    #[error("engine: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One run of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Every intermediate value.
    pub trace: Trace,
    /// How long the device took.
    pub elapsed: Duration,
}

impl Run {
    /// The output tensor.
    ///
    /// # Errors
    /// [`TensorError`] if the trace ends in nothing.
    pub fn output(&self) -> Result<Tensor, TensorError> {
        Tensor::vector(self.trace.output().to_vec())
    }
}

/// Runs models. Called on blocking threads, several at a time.
pub trait Engine: Send + Sync {
    /// Runs `model` on `input`.
    ///
    /// # Errors
    /// [`EngineError`]. Whoever cannot run a model says so; it never guesses an output.
    fn run(&self, model: &ServedModel, input: &Tensor) -> Result<Run, EngineError>;
}

/// Candle on one device, compared with the reference executor in every value.
///
/// The comparison costs a second run on the processor, and a worker that signs a wrong output loses far more than that.
pub struct CandleEngine {
    device: Device,
    /// Models whose weights are on the device, by their hash.
    loaded: Mutex<BTreeMap<Hash, Arc<Executor>>>,
}

impl CandleEngine {
    /// An engine for a device, which is opened with the first run or by [`Self::load`].
    #[must_use]
    pub fn new(device: Device) -> Self {
        Self { device, loaded: Mutex::new(BTreeMap::new()) }
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// Puts models on the device now, so that a device that is not there, or too small, is missed before a job is leased
    /// that nobody could do.
    ///
    /// # Errors
    /// [`ExecutorError`].
    pub fn load(&self, models: &Models) -> Result<(), ExecutorError> {
        models.iter().try_for_each(|model| self.executor(model).map(drop))
    }

    fn executor(&self, model: &ServedModel) -> Result<Arc<Executor>, ExecutorError> {
        // A poisoned lock only means that another run panicked; what is in the map is whole.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(executor) = loaded.get(model.hash()) {
            return Ok(Arc::clone(executor));
        }
        let executor = Arc::new(Executor::new(model.bundle(), self.device)?);
        loaded.insert(*model.hash(), Arc::clone(&executor));
        Ok(executor)
    }
}

impl Engine for CandleEngine {
    fn run(&self, model: &ServedModel, input: &Tensor) -> Result<Run, EngineError> {
        let executor = self.executor(model)?;
        let start = Instant::now();
        let trace = executor.trace(input)?;
        let elapsed = start.elapsed();
        if reference::is_run(model.bundle().graph(), model.bundle().weights(), input, &trace) != Ok(true) {
            return Err(EngineError::Disagreement { device: self.device });
        }
        Ok(Run { trace, elapsed })
    }
}

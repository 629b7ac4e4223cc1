//! Engines that are not as they should be.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use circuits::model::tensor::Tensor;
use worker::ServedModel;
use worker::engine::{CandleEngine, Engine, EngineError, Run};
use worker::executor::Device;

/// Saves the work: it answers with the honest output, two elements swapped.
pub(crate) struct LyingEngine(CandleEngine);

impl LyingEngine {
    pub(crate) fn new() -> Self {
        Self(CandleEngine::new(Device::Cpu))
    }
}

impl Engine for LyingEngine {
    fn run(&self, model: &ServedModel, input: &Tensor) -> Result<Run, EngineError> {
        let mut run = self.0.run(model, input)?;
        let output = run.trace.values.last_mut().unwrap();
        let position = output.iter().position(|value| *value != output[0]).unwrap();
        output.swap(0, position);
        Ok(run)
    }
}

/// Gives the right output and another way to it, so that nothing can be proven.
pub(crate) struct UnprovableEngine(CandleEngine);

impl UnprovableEngine {
    pub(crate) fn new() -> Self {
        Self(CandleEngine::new(Device::Cpu))
    }
}

impl Engine for UnprovableEngine {
    fn run(&self, model: &ServedModel, input: &Tensor) -> Result<Run, EngineError> {
        let mut run = self.0.run(model, input)?;
        let [.., before, _] = run.trace.values.as_mut_slice() else { panic!("a run of one step") };
        before[0] += 1;
        Ok(run)
    }
}

/// Runs only when it is let.
pub(crate) struct GatedEngine {
    engine: CandleEngine,
    begun: Mutex<Sender<()>>,
    gate: Mutex<Receiver<()>>,
}

impl GatedEngine {
    /// The engine, what it says when a run begins, and what lets one run go on.
    pub(crate) fn new() -> (Self, Receiver<()>, Sender<()>) {
        let (begun, beginnings) = channel();
        let (open, gate) = channel();
        let engine = CandleEngine::new(Device::Cpu);
        (Self { engine, begun: Mutex::new(begun), gate: Mutex::new(gate) }, beginnings, open)
    }
}

impl Engine for GatedEngine {
    fn run(&self, model: &ServedModel, input: &Tensor) -> Result<Run, EngineError> {
        // Nobody may listen any more.
        self.begun.lock().unwrap().send(()).ok();
        self.gate.lock().unwrap().recv().map_err(|closed| EngineError::Other(Box::new(closed)))?;
        self.engine.run(model, input)
    }
}

/// Is broken.
pub(crate) struct BrokenEngine;

impl Engine for BrokenEngine {
    fn run(&self, _: &ServedModel, _: &Tensor) -> Result<Run, EngineError> {
        Err(EngineError::Other("the machine is on fire".into()))
    }
}

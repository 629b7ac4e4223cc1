//! Registering workers, and changing what they declare.
//!
//! A worker begins on the device that follows from its key, which is a machine without hardware to attest; hardware is
//! bound afterwards, on evidence ([`super::device`]).

use attestation::evidence::software;

use super::{Call, Execution, Failure, Reject, stake, standing};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::genesis::first_disorder;
use crate::types::ids::{Hash, POSSESSION_DOMAIN, possession_message};
use crate::types::ledger::Stake;
use crate::types::review::{ROSTER_MAX, Roster};
use crate::types::transaction::{RegisterWorker, UpdateWorker};
use crate::types::worker::{
    DeviceBinding, HardwareProfile, VIDEO_MEMORY_MIB_MAX, WORKER_MODELS_MAX, WorkerRegistration,
};

/// Admits a worker key for the sender, and binds a device to it.
// spec: chain#register-worker
pub(crate) fn register(execution: &mut Execution<'_>, call: Call<'_>, action: &RegisterWorker) -> Result<(), Failure> {
    let environment = execution.environment;
    check_declared(execution, &action.profile, &action.models)?;
    let worker = action.public_key.id();
    // spec: chain#worker-duplicate
    if execution.state.contains(&Key::Worker(worker))? {
        return Err(Reject::WorkerDuplicate { worker }.into());
    }
    // spec: chain#device-bound
    if let Some(binding) = execution.state.get::<DeviceBinding>(&Key::Device(action.device))? {
        return Err(Reject::DeviceBound { device: action.device, worker: binding.worker }.into());
    }
    // spec: chain#device-unproven
    let expected = software::device_id(&worker);
    if action.device != expected {
        return Err(Reject::DeviceUnproven { expected, got: action.device }.into());
    }
    // spec: chain#possession-invalid
    let message = possession_message(environment.chain_id, environment.genesis, call.sender);
    let possession = action.public_key.verify(POSSESSION_DOMAIN, &message, &action.possession);
    possession.map_err(Reject::PossessionInvalid)?;

    for model in &action.models {
        enlist(execution, model, worker)?;
    }
    let registration = WorkerRegistration {
        version: 1,
        operator: *call.sender,
        public_key: action.public_key.clone(),
        profile: action.profile.clone(),
        models: action.models.clone(),
        device: action.device,
        identities: Vec::new(),
        request: None,
        completed: 0,
        timeouts: 0,
        convictions: 0,
        registered_height: environment.height,
    };
    execution.state.put(&Key::Worker(worker), registration)?;
    execution.state.put(&Key::Stake(worker), Stake::default())?;
    execution.state.put(&Key::Device(action.device), DeviceBinding { worker, lease: None })?;
    execution.events.push(Event::WorkerRegistered { worker, operator: *call.sender });
    Ok(())
}

/// Adds a worker to those that can be drawn to review results of a model.
fn enlist(execution: &mut Execution<'_>, model: &Hash, worker: Hash) -> Result<(), Failure> {
    let key = Key::Roster(*model);
    let mut roster: Roster = execution.state.get(&key)?.unwrap_or_default();
    // spec: chain#roster-full
    if roster.workers.len() >= ROSTER_MAX {
        return Err(Reject::RosterFull { model: *model, max: ROSTER_MAX }.into());
    }
    roster.workers.push(worker);
    Ok(execution.state.put(&key, roster)?)
}

/// Takes a worker from those that can be drawn to review results of a model.
fn delist(execution: &mut Execution<'_>, model: &Hash, worker: &Hash) -> Result<(), Failure> {
    let key = Key::Roster(*model);
    let mut roster: Roster = execution.state.get(&key)?.unwrap_or_default();
    roster.workers.retain(|listed| listed != worker);
    Ok(execution.state.put(&key, roster)?)
}

/// Changes what a worker declares: its profile, the models it serves, where it stands.
// spec: chain#update-worker
pub(crate) fn update(execution: &mut Execution<'_>, call: Call<'_>, action: &UpdateWorker) -> Result<(), Failure> {
    let mut registration = stake::operated(execution, &action.worker, call.sender)?;
    check_declared(execution, &action.profile, &action.models)?;
    // What is leased was leased on what was declared then.
    let binding: DeviceBinding = execution.state.expect(&Key::Device(registration.device))?;
    if let Some(lease) = binding.lease {
        return Err(Reject::DeviceBusy { device: registration.device, lease }.into());
    }
    for model in registration.models.iter().filter(|model| !action.models.contains(model)) {
        delist(execution, model, &action.worker)?;
    }
    for model in action.models.iter().filter(|model| !registration.models.contains(model)) {
        enlist(execution, model, action.worker)?;
    }
    registration.profile = action.profile.clone();
    registration.models = action.models.clone();
    registration.version = registration.version.saturating_add(1);
    execution.state.put(&Key::Worker(action.worker), registration)?;
    standing::change(execution, &action.worker, |standing| {
        standing.region = action.region;
        standing.rates = action.rates;
    })?;
    execution.events.push(Event::WorkerUpdated { worker: action.worker });
    Ok(())
}

fn check_declared(execution: &mut Execution<'_>, profile: &HardwareProfile, models: &[Hash]) -> Result<(), Failure> {
    // spec: chain#profile-invalid
    let got = profile.video_memory_mib;
    if got > VIDEO_MEMORY_MIB_MAX {
        return Err(Reject::ProfileInvalid { max: VIDEO_MEMORY_MIB_MAX, got }.into());
    }
    // spec: chain#model-list-invalid
    let max = WORKER_MODELS_MAX;
    if models.len() > max {
        return Err(Reject::ModelListInvalid { max, position: max }.into());
    }
    if let Some(position) = first_disorder(models, |left, right| left < right) {
        return Err(Reject::ModelListInvalid { max, position }.into());
    }
    // spec: chain#model-unknown
    for model in models {
        if !execution.state.contains(&Key::Model(*model))? {
            return Err(Reject::ModelUnknown { model: *model }.into());
        }
    }
    Ok(())
}

//! Registering workers.
//!
//! A worker begins on the device that follows from its key, which is a machine without hardware to attest; hardware is
//! bound afterwards, on evidence ([`super::device`]).

use attestation::evidence::software;

use super::{Call, Execution, Failure, Reject};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::genesis::first_disorder;
use crate::types::ids::{Hash, POSSESSION_DOMAIN, possession_message};
use crate::types::ledger::Stake;
use crate::types::review::{ROSTER_MAX, Roster};
use crate::types::transaction::RegisterWorker;
use crate::types::worker::{DeviceBinding, VIDEO_MEMORY_MIB_MAX, WORKER_MODELS_MAX, WorkerRegistration};

/// Admits a worker key for the sender, and binds a device to it.
// spec: chain#register-worker
pub(crate) fn register(execution: &mut Execution<'_>, call: Call<'_>, action: &RegisterWorker) -> Result<(), Failure> {
    let environment = execution.environment;
    check_profile(action)?;
    // spec: chain#model-unknown
    for model in &action.models {
        if !execution.state.contains(&Key::Model(*model))? {
            return Err(Reject::ModelUnknown { model: *model }.into());
        }
    }
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

fn check_profile(action: &RegisterWorker) -> Result<(), Reject> {
    // spec: chain#profile-invalid
    let got = action.profile.video_memory_mib;
    if got > VIDEO_MEMORY_MIB_MAX {
        return Err(Reject::ProfileInvalid { max: VIDEO_MEMORY_MIB_MAX, got });
    }
    // spec: chain#model-list-invalid
    let max = WORKER_MODELS_MAX;
    if action.models.len() > max {
        return Err(Reject::ModelListInvalid { max, position: max });
    }
    if let Some(position) = first_disorder(&action.models, |left, right| left < right) {
        return Err(Reject::ModelListInvalid { max, position });
    }
    Ok(())
}

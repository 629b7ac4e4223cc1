//! Attested hardware of a worker.
//!
//! A device is taken on evidence or not at all: whoever could name any device could bind somebody else's and lock its
//! owner out. So it takes two steps. The worker asks, and the chain fixes a context with that block's randomness, which
//! nobody could attest before; then it shows evidence for that context. Every GPU, switch and processor that the evidence
//! identifies is bound to the one worker, so that no device can attest for two, alone or in another set.

use attestation::appraisal::{self, Appraisal, Claims, Collateral};
use attestation::context::WorkContext;
use attestation::evidence::nvidia::device_chain::Family;
use attestation::evidence::{Evidence, software};

use super::{Call, Execution, Failure, Reject, stake, standing};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::ids::{Hash, device_job, lease_nonce};
use crate::types::transaction::{BindDevice, DeviceStep};
use crate::types::worker::{DeviceBinding, WorkerRegistration};

/// One step of putting a worker on hardware, or off it.
// spec: chain#bind-device
pub(crate) fn bind(execution: &mut Execution<'_>, call: Call<'_>, action: &BindDevice) -> Result<(), Failure> {
    let registration = stake::operated(execution, &action.worker, call.sender)?;
    match &action.step {
        DeviceStep::Request { device } => request(execution, &action.worker, registration, device),
        DeviceStep::Show { evidence, collateral } => {
            show(execution, &action.worker, registration, evidence, collateral)
        }
        DeviceStep::Release => release(execution, &action.worker, registration),
    }
}

/// Fixes the context that the hardware has to attest; a later request takes the place of an earlier one.
// spec: chain#device-context
fn request(
    execution: &mut Execution<'_>,
    worker: &Hash,
    mut registration: WorkerRegistration,
    device: &Hash,
) -> Result<(), Failure> {
    let environment = execution.environment;
    let job = device_job(worker);
    registration.request = Some(WorkContext {
        chain_id: environment.chain_id,
        genesis: *environment.genesis,
        job_id: job,
        model_hash: [0; 32],
        input_hash: [0; 32],
        worker: *worker,
        device_id: *device,
        nonce: lease_nonce(&environment.beacon, &job, worker),
        timestamp: environment.time,
    });
    store(execution, worker, registration)?;
    execution.events.push(Event::DeviceRequested { worker: *worker, device: *device });
    Ok(())
}

fn show(
    execution: &mut Execution<'_>,
    worker: &Hash,
    mut registration: WorkerRegistration,
    evidence: &Evidence,
    collateral: &[u8],
) -> Result<(), Failure> {
    // spec: chain#device-not-requested
    let context = registration.request.take().ok_or(Reject::DeviceNotRequested { worker: *worker })?;
    let appraisal = appraise(execution, evidence, collateral, &context, execution.environment.time)?;
    let identities = identities(&appraisal, &context, worker)?;
    give_up(execution, worker, &registration)?;
    for identity in &identities {
        let key = Key::Device(*identity);
        // spec: chain#device-bound
        if let Some(binding) = execution.state.get::<DeviceBinding>(&key)? {
            return Err(Reject::DeviceBound { device: *identity, worker: binding.worker }.into());
        }
        execution.state.put(&key, DeviceBinding { worker: *worker, lease: None })?;
    }
    registration.device = context.device_id;
    registration.identities = identities;
    let attested_mib = memory_mib(&appraisal);
    standing::change(execution, worker, |standing| standing.attested_mib = attested_mib)?;
    store(execution, worker, registration)?;
    execution.events.push(Event::DeviceBound { worker: *worker, device: context.device_id });
    Ok(())
}

fn release(execution: &mut Execution<'_>, worker: &Hash, mut registration: WorkerRegistration) -> Result<(), Failure> {
    give_up(execution, worker, &registration)?;
    registration.device = software::device_id(worker);
    registration.identities = Vec::new();
    registration.request = None;
    standing::change(execution, worker, |standing| standing.attested_mib = 0)?;
    let device = registration.device;
    store(execution, worker, registration)?;
    execution.events.push(Event::DeviceBound { worker: *worker, device });
    Ok(())
}

/// Appraises evidence under the chain's policy at the time `now`, milliseconds.
// spec: chain#evidence-rejected
pub(crate) fn appraise(
    execution: &Execution<'_>,
    evidence: &Evidence,
    collateral: &[u8],
    context: &WorkContext,
    now: u64,
) -> Result<Appraisal, Reject> {
    // spec: chain#collateral-malformed
    let collateral = match collateral {
        [] => Collateral::default(),
        bytes => Collateral::from_bytes(bytes).map_err(Reject::CollateralMalformed)?,
    };
    let policy = execution.environment.services.policy();
    appraisal::verify(evidence, &collateral, policy, context, now).map_err(Reject::EvidenceRejected)
}

/// What the evidence binds: the device that work is leased to, and every identity in it, ascending and distinct.
fn identities(appraisal: &Appraisal, context: &WorkContext, worker: &Hash) -> Result<Vec<Hash>, Reject> {
    // spec: chain#device-unproven
    let Claims::Hardware(claims) = &appraisal.claims else {
        return Err(Reject::DeviceUnproven { expected: software::device_id(worker), got: context.device_id });
    };
    let mut identities: Vec<Hash> = claims.identities.iter().map(|identity| identity.0).collect();
    identities.push(context.device_id);
    identities.sort_unstable();
    identities.dedup();
    Ok(identities)
}

/// Video memory of the GPUs in the evidence, MiB: the least that a GPU of the attested family is sold with.
// spec: chain#capacity-pool
fn memory_mib(appraisal: &Appraisal) -> u64 {
    let Claims::Hardware(claims) = &appraisal.claims else { return 0 };
    let memory = claims.devices.iter().map(|device| match device.family {
        // H100 PCIe, B100, RTX PRO 6000.
        Family::Gh100 => 80 << 10,
        Family::Gb100 => 180 << 10,
        Family::Gb20x => 96 << 10,
        Family::Ls10 => 0,
    });
    memory.fold(0u64, u64::saturating_add)
}

/// Unbinds what the worker is on, unless it works there. The device that follows from its key stays its own.
fn give_up(execution: &mut Execution<'_>, worker: &Hash, registration: &WorkerRegistration) -> Result<(), Failure> {
    let binding: DeviceBinding = execution.state.expect(&Key::Device(registration.device))?;
    // spec: chain#device-busy
    if let Some(lease) = binding.lease {
        return Err(Reject::DeviceBusy { device: registration.device, lease }.into());
    }
    let own = software::device_id(worker);
    for identity in registration.identities.iter().filter(|identity| **identity != own) {
        execution.state.delete(&Key::Device(*identity))?;
    }
    Ok(())
}

fn store(execution: &mut Execution<'_>, worker: &Hash, mut registration: WorkerRegistration) -> Result<(), Failure> {
    registration.version = registration.version.saturating_add(1);
    Ok(execution.state.put(&Key::Worker(*worker), registration)?)
}

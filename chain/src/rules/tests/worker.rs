use attestation::identity::IdentityError;

use crate::rules::Reject;
use crate::state::Key;
use crate::testing::{World, account, worker_key};
use crate::types::transaction::{Action, RegisterWorker};
use crate::types::worker::{DeviceBinding, VIDEO_MEMORY_MIB_MAX, WORKER_MODELS_MAX, WorkerRegistration};

fn register(action: RegisterWorker) -> Action {
    Action::RegisterWorker(Box::new(action))
}

#[test]
fn a_worker_is_named_by_its_key_and_operated_by_the_sender() {
    let mut world = World::new();
    let model = world.register_model();
    let worker = world.register_worker(2);
    let record: WorkerRegistration = world.machine().get(&Key::Worker(worker)).unwrap().unwrap();
    assert_eq!(worker, worker_key(2).public_key().id());
    assert_eq!((record.operator, record.models), (account(2).public_key().address(), vec![model]));
    let binding: DeviceBinding = world.machine().get(&Key::Device(record.device)).unwrap().unwrap();
    assert_eq!(binding, DeviceBinding { worker, lease: None });
}

#[test]
fn a_key_is_registered_once() {
    let mut world = World::new();
    world.register_model();
    let worker = world.register_worker(2);
    let again = world.worker_registration(2, vec![]);
    assert_eq!(world.refusal(2, register(again)), Reject::WorkerDuplicate { worker });
}

#[test]
fn a_device_belongs_to_one_worker() {
    let mut world = World::new();
    world.register_model();
    let worker = world.register_worker(2);
    let mut other = world.worker_registration(3, vec![]);
    other.device = world.worker_registration(2, vec![]).device;
    let device = other.device;
    assert_eq!(world.refusal(3, register(other)), Reject::DeviceBound { device, worker });
}

#[test]
fn a_device_that_is_not_the_workers_is_refused() {
    let mut world = World::new();
    let mut action = world.worker_registration(2, vec![]);
    let expected = std::mem::replace(&mut action.device, [1; 32]);
    assert_eq!(world.refusal(2, register(action)), Reject::DeviceUnproven { expected, got: [1; 32] });
}

#[test]
fn possession_is_for_one_operator() {
    let mut world = World::new();
    let stolen = world.worker_registration(2, vec![]);
    assert_eq!(
        world.refusal(3, register(stolen)),
        Reject::PossessionInvalid(IdentityError::SignatureMismatch { what: "ml-dsa-65 signature" })
    );
}

#[test]
fn the_model_list_is_short_ascending_and_known() {
    let mut world = World::new();
    let max = WORKER_MODELS_MAX;
    let long = world.worker_registration(2, vec![[1; 32]; WORKER_MODELS_MAX + 1]);
    assert_eq!(world.refusal(2, register(long)), Reject::ModelListInvalid { max, position: max });
    let twice = world.worker_registration(2, vec![[1; 32], [1; 32]]);
    assert_eq!(world.refusal(2, register(twice)), Reject::ModelListInvalid { max, position: 1 });
    let unknown = world.worker_registration(2, vec![[1; 32]]);
    assert_eq!(world.refusal(2, register(unknown)), Reject::ModelUnknown { model: [1; 32] });
}

#[test]
fn declared_memory_is_bounded() {
    let mut world = World::new();
    let mut action = world.worker_registration(2, vec![]);
    action.profile.video_memory_mib = VIDEO_MEMORY_MIB_MAX + 1;
    assert_eq!(
        world.refusal(2, register(action)),
        Reject::ProfileInvalid { max: VIDEO_MEMORY_MIB_MAX, got: VIDEO_MEMORY_MIB_MAX + 1 }
    );
}

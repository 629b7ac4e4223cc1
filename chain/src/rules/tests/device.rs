use attestation::appraisal::{AttestationError, Collateral};
use attestation::bounded::{Bytes, Fixed, List, Set};
use attestation::context::WorkContext;
use attestation::evidence::hardware::{self, GpuDevice, Parts};
use attestation::evidence::nvidia::device_chain::Family;
use attestation::evidence::nvidia::synthetic::{World as Vendor, device::Device, world::NOW};
use attestation::evidence::{Evidence, HardwareEvidence, software};
use attestation::policy::{ManifestPin, Policy, PolicyTable};
use attestation::text::Text;

use crate::rules::Reject;
use crate::state::Key;
use crate::testing::{Leased, World, worker_key};
use crate::types::event::Event;
use crate::types::ids::{Hash, device_job};
use crate::types::transaction::{Action, BindDevice, DeviceStep, SubmitResult};
use crate::types::worker::{DeviceBinding, WorkerRegistration};

/// A chain that trusts one synthetic vendor, whose documents are fresh.
struct Attested {
    world: World,
    vendor: Vendor,
    collateral: Vec<u8>,
}

impl Attested {
    fn new() -> Self {
        let vendor = Vendor::new([3; 32]);
        let mut collateral = Collateral::default();
        collateral.nvidia = vendor.collateral(&[0, 1, 2].map(|number| vendor.device(Family::Gh100, number)));
        let requirements = vendor.requirements(&collateral.nvidia);
        let mut table = PolicyTable::standard();
        table.nvidia.device_root = Fixed(requirements.device_root);
        table.nvidia.rim_root = Fixed(requirements.rim_root);
        let pins = requirements.manifests.iter().map(|(id, documents)| ManifestPin {
            id: Text::new(id.clone()).unwrap(),
            sha256: Set::new(documents.iter().map(|document| Fixed(*document))).unwrap(),
        });
        table.nvidia.manifests = List::new(pins.collect()).unwrap();
        let world = World::attesting(NOW, Policy::new(table).unwrap());
        Self { world, vendor, collateral: collateral.to_bytes() }
    }

    fn devices(&self, numbers: &[u64]) -> Vec<Device> {
        numbers.iter().map(|number| self.vendor.device(Family::Gh100, *number)).collect()
    }

    fn id(&self, numbers: &[u64]) -> Hash {
        let identities: Vec<Hash> = self.devices(numbers).iter().map(Device::identity).collect();
        hardware::device_id(&identities)
    }

    fn evidence(&self, numbers: &[u64], context: &WorkContext) -> Evidence {
        let answer = |(index, device): (u32, Device)| {
            let evidence = device.evidence(&context.gpu_nonce(index));
            GpuDevice { report: Bytes::new(evidence.report).unwrap(), chain: Bytes::new(evidence.chain).unwrap() }
        };
        let parts = Parts {
            context_digest: Fixed(context.digest()),
            device_id: Fixed(context.device_id),
            devices: List::new((0..).zip(self.devices(numbers)).map(answer).collect()).unwrap(),
            cpu: None,
        };
        Evidence::Hardware(HardwareEvidence::new(parts).unwrap())
    }

    fn registration(&self, number: u8) -> WorkerRegistration {
        self.world.machine().get(&Key::Worker(worker(number))).unwrap().unwrap()
    }

    /// Asks for a context for these devices.
    fn request(&mut self, number: u8, devices: &[u64]) -> WorkContext {
        let device = self.id(devices);
        let outcome = self.world.send(number, step(number, DeviceStep::Request { device }));
        assert_eq!(outcome.events, [Event::DeviceRequested { worker: worker(number), device }]);
        self.registration(number).request.unwrap()
    }

    fn shown(&self, number: u8, devices: &[u64], context: &WorkContext) -> Action {
        let evidence = self.evidence(devices, context);
        step(number, DeviceStep::Show { evidence, collateral: self.collateral.clone() })
    }

    fn bind(&mut self, number: u8, devices: &[u64]) {
        let context = self.request(number, devices);
        let action = self.shown(number, devices, &context);
        self.world.send(number, action);
    }

    fn binding(&self, device: &Hash) -> Option<DeviceBinding> {
        self.world.machine().get(&Key::Device(*device)).unwrap()
    }

    fn lease(&mut self, number: u8) -> Leased {
        let job = self.world.post(self.world.job());
        self.world.lease(job, number)
    }

    fn submission(&self, leased: &Leased, devices: &[u64]) -> SubmitResult {
        let evidence = self.evidence(devices, &leased.context);
        // The receipt of the same work without hardware, and then of the lease.
        let context = WorkContext { device_id: software::device_id(&worker(leased.number)), ..leased.context };
        let plain = Leased { context, ..leased.clone() };
        let mut submission = self.world.submission_with(&plain, |receipt| {
            receipt.context = leased.context;
            receipt.evidence_digest = evidence.digest();
        });
        submission.evidence = evidence;
        submission.collateral = self.collateral.clone();
        submission
    }
}

fn worker(number: u8) -> Hash {
    worker_key(number).public_key().id()
}

fn step(number: u8, step: DeviceStep) -> Action {
    Action::BindDevice(Box::new(BindDevice { worker: worker(number), step }))
}

/// A chain with the test model and workers 2 and 3.
fn two_workers() -> Attested {
    let mut attested = Attested::new();
    attested.world.register_model();
    attested.world.register_worker(2);
    attested.world.register_worker(3);
    attested
}

#[test]
fn hardware_is_bound_on_evidence_for_a_context_of_the_chain() {
    let mut attested = two_workers();
    let context = attested.request(2, &[0, 1]);
    let machine = attested.world.machine();
    assert_eq!((context.chain_id, context.genesis), (machine.genesis().chain_id(), *machine.genesis_hash()));
    assert_eq!((context.worker, context.job_id), (worker(2), device_job(&worker(2))));
    assert_eq!(context.device_id, attested.id(&[0, 1]));
    let action = attested.shown(2, &[0, 1], &context);
    let outcome = attested.world.send(2, action);
    assert_eq!(outcome.events, [Event::DeviceBound { worker: worker(2), device: context.device_id }]);
    let registration = attested.registration(2);
    assert_eq!((registration.device, registration.request), (context.device_id, None));
    let mut bound: Vec<Hash> = attested.devices(&[0, 1]).iter().map(Device::identity).collect();
    bound.push(context.device_id);
    bound.sort_unstable();
    assert_eq!(registration.identities, bound);
    for identity in &bound {
        assert_eq!(attested.binding(identity), Some(DeviceBinding { worker: worker(2), lease: None }));
    }
}

#[test]
fn evidence_is_shown_once_for_what_was_asked() {
    let mut attested = two_workers();
    let context = attested.request(2, &[0]);
    let action = attested.shown(2, &[0], &context);
    assert!(matches!(attested.world.refusal(3, action.clone()), Reject::OperatorMismatch { .. }));
    attested.world.send(2, action.clone());
    assert_eq!(attested.world.refusal(2, action), Reject::DeviceNotRequested { worker: worker(2) });
}

#[test]
fn an_earlier_request_is_worth_nothing() {
    let mut attested = two_workers();
    let earlier = attested.request(2, &[0]);
    let later = attested.request(2, &[0]);
    assert_ne!(earlier.nonce, later.nonce);
    let stale = attested.shown(2, &[0], &earlier);
    let refused = attested.world.refusal(2, stale);
    let (expected, got) = (later.digest(), earlier.digest());
    assert_eq!(refused, Reject::EvidenceRejected(AttestationError::AnotherContext { expected, got }));
}

#[test]
fn a_device_attests_for_one_worker_alone_or_in_a_set() {
    let mut attested = two_workers();
    attested.bind(2, &[0, 1]);
    for devices in [&[0][..], &[1, 2], &[0, 1]] {
        let context = attested.request(3, devices);
        let action = attested.shown(3, devices, &context);
        let Reject::DeviceBound { worker: owner, .. } = attested.world.refusal(3, action) else {
            panic!("bound to another");
        };
        assert_eq!(owner, worker(2));
    }
    // What is given up can be bound by others, and only that.
    attested.bind(2, &[0]);
    attested.bind(3, &[1, 2]);
    attested.world.send(2, step(2, DeviceStep::Release));
    let registration = attested.registration(2);
    assert_eq!((registration.device, registration.identities), (software::device_id(&worker(2)), vec![]));
    attested.bind(3, &[0, 1, 2]);
    assert_eq!(attested.binding(&attested.id(&[1, 2])), None);
}

#[test]
fn software_evidence_binds_no_hardware() {
    let mut attested = two_workers();
    let own = software::device_id(&worker(2));
    attested.world.send(2, step(2, DeviceStep::Request { device: own }));
    let context = attested.registration(2).request.unwrap();
    let leased =
        Leased { number: 2, job: [0; 32], lease: crate::types::ids::ObjectRef { id: [0; 32], version: 1 }, context };
    let evidence = crate::testing::evidence(&leased);
    let action = step(2, DeviceStep::Show { evidence, collateral: vec![] });
    assert_eq!(attested.world.refusal(2, action), Reject::DeviceUnproven { expected: own, got: own });
}

#[test]
fn documents_are_canonical() {
    let mut attested = two_workers();
    let context = attested.request(2, &[0]);
    let evidence = attested.evidence(&[0], &context);
    let mut collateral = attested.collateral.clone();
    collateral.push(0);
    let refused = attested.world.refusal(2, step(2, DeviceStep::Show { evidence, collateral }));
    assert!(matches!(refused, Reject::CollateralMalformed(_)), "{refused:?}");
}

#[test]
fn devices_stay_while_they_work() {
    let mut attested = two_workers();
    attested.bind(2, &[0]);
    let context = attested.request(2, &[1]);
    let leased = attested.lease(2);
    assert_eq!(leased.context.device_id, attested.id(&[0]));
    let action = attested.shown(2, &[1], &context);
    for action in [action, step(2, DeviceStep::Release)] {
        let refused = attested.world.refusal(2, action);
        assert_eq!(refused, Reject::DeviceBusy { device: attested.id(&[0]), lease: leased.lease.id });
    }
}

#[test]
fn results_are_appraised_with_the_documents_beside_them() {
    let mut attested = two_workers();
    attested.bind(2, &[0]);
    let leased = attested.lease(2);
    let honest = attested.submission(&leased, &[0]);
    let bare = SubmitResult { collateral: vec![], ..honest.clone() };
    let refused = attested.world.refusal(2, Action::SubmitResult(Box::new(bare)));
    assert!(matches!(refused, Reject::EvidenceRejected(_)), "{refused:?}");
    let other = attested.submission(&leased, &[1]);
    let refused = attested.world.refusal(2, Action::SubmitResult(Box::new(other)));
    assert!(matches!(refused, Reject::EvidenceRejected(AttestationError::AnotherDevice { .. })), "{refused:?}");
    let statement = circuits::statement::Statement {
        context_digest: leased.context.digest(),
        input: crate::testing::input(),
        output: crate::testing::output(),
    };
    let key = attested.world.model().1.key_digest;
    attested.world.machine().services().vouch(&key, &statement, crate::testing::PROOF);
    attested.world.send(2, Action::SubmitResult(Box::new(honest)));
}

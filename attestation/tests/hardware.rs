//! Hardware evidence for a work context: layers that belong together are accepted at the trust of the table, and every
//! splice is refused (negatives 42 to 52 and 71 of the table in `negatives.rs`). Devices are synthetic.
#![cfg(feature = "synthetic")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use attestation::{
    appraisal::{Appraisal, AttestationError, Claims, Collateral, Reason, verify},
    bounded::{Bytes, Fixed, List, Set},
    codec::{DecodeError, FieldError},
    context::WorkContext,
    evidence::{
        Evidence, EvidenceKind, HardwareEvidence,
        composite::HardwareClaims,
        hardware::{self, CpuEvidence, CpuQuote, GpuDevice, HardwareError, Parts},
        nvidia::{
            device_chain::Family,
            error::NvidiaError,
            synthetic::{World, device::Device, world},
            topology::TopologyError,
        },
        sev_snp::SnpError,
        tdx::TdxError,
    },
    identity::ed25519,
    policy::{HardwareClass, ManifestPin, Policy, PolicyTable, RequiredLayers, VersionFloor},
    receipt::{ReceiptError, Session, SignedReceipt},
    synthetic::{SyntheticSnp, SyntheticTdx},
    text::Text,
    trust_vector::Tier,
};
use common::{context_for, receipt_for, session_key, worker};

/// When the synthetic world's documents are fresh, milliseconds.
const NOW: u64 = world::NOW;
const DAY_MS: u64 = 86_400_000;

#[derive(Clone, Copy, PartialEq)]
enum Cpu {
    None,
    Tdx,
    SevSnp,
}

/// A machine, and everything a verifier needs.
struct Machine {
    devices: Vec<Device>,
    cpu: Cpu,
    tdx: SyntheticTdx,
    snp: SyntheticSnp,
    context: WorkContext,
    policy: PolicyTable,
    collateral: Collateral,
}

/// A GPU and a TDX processor, attested for a context that was leased a second ago.
fn machine(devices: Vec<Device>, cpu: Cpu) -> Machine {
    let world = World::new([3; 32]);
    let mut tdx = SyntheticTdx::new([4; 32], NOW / 1000 - 86_400);
    let mut snp = SyntheticSnp::new([5; 32], NOW / 1000 - 86_400);
    snp.crl_window = Some((NOW / 1000 - 86_400, NOW / 1000 + 86_400));
    tdx.advisories = vec![];
    let mut policy = PolicyTable::standard();
    let mut collateral = Collateral::default();
    collateral.nvidia = world.collateral(&devices);
    let requirements = world.requirements(&collateral.nvidia);
    policy.nvidia.device_root = Fixed(requirements.device_root);
    policy.nvidia.rim_root = Fixed(requirements.rim_root);
    let pins = requirements.manifests.iter().map(|(id, documents)| ManifestPin {
        id: Text::new(id.clone()).unwrap(),
        sha256: Set::new(documents.iter().map(|document| Fixed(*document))).unwrap(),
    });
    policy.nvidia.manifests = List::new(pins.collect()).unwrap();
    policy.tdx.roots = Set::new([tdx.root()]).unwrap();
    policy.tdx.launches = Set::new([tdx.launch]).unwrap();
    policy.sev_snp.roots = Set::new([snp.root()]).unwrap();
    policy.sev_snp.launches = Set::new([Fixed(snp.measurement)]).unwrap();
    collateral.tdx = Some(tdx.collateral().unwrap());
    collateral.sev_snp = Some(snp.collateral().unwrap());
    let context = WorkContext { timestamp: NOW - 1000, ..context_for(&worker()) };
    let mut machine = Machine { devices, cpu, tdx, snp, context, policy, collateral };
    machine.context.device_id = machine.device_id();
    machine
}

fn gpu(number: u64) -> Device {
    World::new([3; 32]).device(Family::Gh100, number)
}

impl Machine {
    fn identities(&self) -> Vec<[u8; 32]> {
        let mut identities: Vec<[u8; 32]> = self.devices.iter().map(Device::identity).collect();
        // Identities of processors are what verification finds in their certificates.
        match self.cpu {
            Cpu::None => {}
            Cpu::Tdx => {
                let data = self.tdx.report_data;
                let (evidence, collateral) = (self.tdx.evidence().unwrap(), self.tdx.collateral().unwrap());
                let claims = attestation::evidence::tdx::verify(&evidence, &collateral, &self.policy.tdx, &data, NOW);
                identities.push(claims.unwrap().identity.0);
            }
            Cpu::SevSnp => {
                let data = self.snp.report_data;
                let (evidence, collateral) = (self.snp.evidence().unwrap(), self.snp.collateral().unwrap());
                let rules = &self.policy.sev_snp;
                let claims = attestation::evidence::sev_snp::verify(&evidence, &collateral, rules, &data, NOW);
                identities.push(claims.unwrap().identity.unwrap().0);
            }
        }
        identities
    }

    fn device_id(&self) -> [u8; 32] {
        hardware::device_id(&self.identities())
    }

    fn answers(&self, context: &WorkContext) -> List<GpuDevice, 16> {
        let answer = |(index, device): (u32, &Device)| {
            let evidence = device.evidence(&context.gpu_nonce(index));
            GpuDevice { report: Bytes::new(evidence.report).unwrap(), chain: Bytes::new(evidence.chain).unwrap() }
        };
        List::new((0..).zip(&self.devices).map(answer).collect()).unwrap()
    }

    fn quote(&self, context: &WorkContext, devices: &List<GpuDevice, 16>) -> Option<CpuEvidence> {
        let session_key = session_key().public_key();
        let report_data = hardware::report_data(context, &session_key, devices);
        let quote = match self.cpu {
            Cpu::None => return None,
            Cpu::Tdx => CpuQuote::Tdx(SyntheticTdx { report_data, ..self.tdx.clone() }.evidence().unwrap()),
            Cpu::SevSnp => CpuQuote::SevSnp(SyntheticSnp { report_data, ..self.snp.clone() }.evidence().unwrap()),
        };
        Some(CpuEvidence { session_key, quote })
    }

    fn parts(&self) -> Parts {
        let devices = self.answers(&self.context);
        Parts {
            context_digest: Fixed(self.context.digest()),
            device_id: Fixed(self.context.device_id),
            cpu: self.quote(&self.context, &devices),
            devices,
        }
    }

    fn evidence(&self) -> Evidence {
        Evidence::Hardware(HardwareEvidence::new(self.parts()).unwrap())
    }

    fn judge(&self, parts: Parts) -> Result<Appraisal, AttestationError> {
        let evidence = Evidence::Hardware(HardwareEvidence::new(parts).unwrap());
        verify(&evidence, &self.collateral, &Policy::new(self.policy.clone()).unwrap(), &self.context, NOW)
    }

    fn verify(&self) -> Result<Appraisal, AttestationError> {
        self.judge(self.parts())
    }

    fn refused(&self) -> AttestationError {
        self.verify().unwrap_err()
    }
}

fn claims(appraisal: &Appraisal) -> &HardwareClaims {
    let Claims::Hardware(claims) = &appraisal.claims else { panic!("{appraisal:?}") };
    claims
}

#[test]
fn a_gpu_and_a_quote_that_commits_to_it_earn_the_cap_of_the_hardware() {
    for (cpu, kind) in [(Cpu::Tdx, EvidenceKind::Composite), (Cpu::SevSnp, EvidenceKind::Composite)] {
        let machine = machine(vec![gpu(0)], cpu);
        let appraisal = machine.verify().unwrap();
        let cap = Reason::HardwareCap { row_bps: 10_000, class: HardwareClass::H100H200, cap_bps: 9500 };
        assert_eq!((appraisal.trust_bps, appraisal.reasons.clone()), (9500, vec![Reason::Verified, cap]));
        assert_eq!(appraisal.vector.tier(), Tier::Affirming);
        assert_eq!(machine.evidence().kind(), kind);
        let claims = claims(&appraisal);
        assert_eq!((claims.identities.len(), claims.devices.len()), (2, 1));
        assert_eq!(claims.session_key, Some(session_key().public_key()));
        assert!(appraisal.expires_at >= NOW && appraisal.expires_at <= NOW - 1000 + 3_600_000);
        let bytes = machine.evidence().to_bytes();
        assert_eq!(bytes[0], 4);
        assert_eq!(Evidence::from_bytes(&bytes).unwrap(), machine.evidence());
        let json = serde_json::to_string(&machine.evidence()).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&json).unwrap(), machine.evidence());
        assert_eq!(Collateral::from_bytes(&machine.collateral.to_bytes()).unwrap(), machine.collateral);
    }
}

#[test]
fn every_row_and_cap_of_the_table() {
    let trust = |machine: &Machine| machine.verify().unwrap().trust_bps;
    let world = World::new([3; 32]);
    assert_eq!(trust(&machine(vec![world.device(Family::Gb100, 0)], Cpu::Tdx)), 10_000);
    assert_eq!(trust(&machine(vec![gpu(0)], Cpu::Tdx)), 9500);
    assert_eq!(trust(&machine(vec![world.device(Family::Gb20x, 0)], Cpu::Tdx)), 9000);
    // No quote; no GPU.
    let alone = machine(vec![world.device(Family::Gb100, 0)], Cpu::None);
    let appraisal = alone.verify().unwrap();
    assert_eq!(appraisal.reasons, [Reason::NoCpuQuote, Reason::EvidenceRow { row_bps: 8000 }]);
    assert_eq!(alone.evidence().to_bytes()[0], 1);
    for (cpu, tag) in [(Cpu::Tdx, 2), (Cpu::SevSnp, 3)] {
        let processor = machine(vec![], cpu);
        let cap = Reason::HardwareCap { row_bps: 10_000, class: HardwareClass::Other, cap_bps: 6000 };
        assert_eq!(processor.verify().unwrap().reasons, [Reason::NoGpu, cap]);
        assert_eq!(processor.evidence().to_bytes()[0], tag);
    }
    // Software hardening needed.
    let mut hardening = machine(vec![gpu(0)], Cpu::Tdx);
    hardening.tdx.tcb_status = "SWHardeningNeeded";
    hardening.collateral.tdx = Some(hardening.tdx.collateral().unwrap());
    let appraisal = hardening.verify().unwrap();
    assert_eq!(appraisal.reasons, [Reason::SoftwareHardeningNeeded, Reason::EvidenceRow { row_bps: 9000 }]);
    assert_eq!(appraisal.vector.tier(), Tier::Warning);
    // An AMD chain that no list speaks for.
    let mut unlisted = machine(vec![gpu(0)], Cpu::SevSnp);
    unlisted.collateral.sev_snp.as_mut().unwrap().crl = None;
    assert_eq!(trust(&unlisted), 9000);
    // Reference values that nobody pinned.
    let mut unknown = machine(vec![gpu(0)], Cpu::Tdx);
    unknown.policy.nvidia.manifests = List::default();
    let appraisal = unknown.verify().unwrap();
    let missing = Reason::ReferenceValuesMissing { manifests: 2 };
    assert_eq!(appraisal.reasons, [missing, Reason::EvidenceRow { row_bps: 6000 }]);
    // Grace: of a driver floor, and of a processor.
    let mut grace = machine(vec![gpu(0)], Cpu::Tdx);
    let floor =
        VersionFloor { activates_at: NOW - 10, grace_ms: 10, driver: Some(Text::new("999.0.0").unwrap()), vbios: None };
    let mut families = grace.policy.nvidia.families.as_slice().to_vec();
    families[0].floors = List::new(vec![floor]).unwrap();
    grace.policy.nvidia.families = List::new(families).unwrap();
    let appraisal = grace.verify().unwrap();
    assert_eq!(appraisal.reasons, [Reason::Grace { until: NOW }, Reason::EvidenceRow { row_bps: 7000 }]);
    assert_eq!(appraisal.expires_at, NOW);
    let evidence = grace.evidence();
    let policy = Policy::new(grace.policy.clone()).unwrap();
    let late = verify(&evidence, &grace.collateral, &policy, &grace.context, NOW + 1).unwrap_err();
    let AttestationError::Nvidia(error) = late else { panic!("{late:?}") };
    assert!(matches!(*error, NvidiaError::DriverFloor { .. }), "{error:?}");
    let mut grace = machine(vec![gpu(0)], Cpu::Tdx);
    grace.tdx.tcb_status = "OutOfDate";
    grace.collateral.tdx = Some(grace.tdx.collateral().unwrap());
    grace.policy.tdx.out_of_date_grace_ms = 100 * DAY_MS;
    assert_eq!(trust(&grace), 7000);
}

#[test]
fn required_layers_are_refused_and_not_discounted() {
    let layer = |layer| AttestationError::LayerMissing { layer };
    let mut alone = machine(vec![gpu(0)], Cpu::None);
    alone.policy.required = RequiredLayers { cpu: true, ..RequiredLayers::default() };
    assert_eq!(alone.refused(), layer("a CPU quote"));
    let mut processor = machine(vec![], Cpu::Tdx);
    processor.policy.required = RequiredLayers { gpu: true, ..RequiredLayers::default() };
    assert_eq!(processor.refused(), layer("a GPU"));
    let mut unknown = machine(vec![gpu(0)], Cpu::Tdx);
    unknown.policy.required = RequiredLayers { reference_values: true, ..RequiredLayers::default() };
    assert!(unknown.verify().is_ok());
    unknown.policy.nvidia.manifests = List::default();
    assert_eq!(unknown.refused(), layer("reference values for every measurement"));
    let mut kind = machine(vec![gpu(0)], Cpu::Tdx);
    kind.policy.allowed.remove(&EvidenceKind::Composite);
    assert_eq!(kind.refused(), AttestationError::KindNotAllowed { kind: EvidenceKind::Composite });
    let mut bare = machine(vec![gpu(0)], Cpu::Tdx);
    bare.collateral.tdx = None;
    assert_eq!(bare.refused(), AttestationError::CollateralMissing { layer: "Intel TDX" });
    let mut bare = machine(vec![gpu(0)], Cpu::SevSnp);
    bare.collateral.sev_snp = None;
    assert_eq!(bare.refused(), AttestationError::CollateralMissing { layer: "AMD SEV-SNP" });
    // Without documents evidence is neither right nor wrong.
    assert!(bare.refused().is_undecided() && !kind.refused().is_undecided());
    bare.collateral = Collateral::default();
    assert!(bare.refused().is_undecided(), "{:?}", bare.refused());
}

#[test]
fn revoked_identities_are_refused_whatever_they_are() {
    for cpu in [Cpu::Tdx, Cpu::SevSnp] {
        let machine = machine(vec![gpu(0)], cpu);
        for identity in machine.identities() {
            let mut policy = machine.policy.clone();
            policy.revoked = Set::new([Fixed(identity)]).unwrap();
            let policy = Policy::new(policy).unwrap();
            let refused = verify(&machine.evidence(), &machine.collateral, &policy, &machine.context, NOW);
            assert_eq!(refused.unwrap_err(), AttestationError::RevokedIdentity { identity });
        }
    }
}

/// Every field of the context but the device, which has a test of its own.
fn other_contexts(context: &WorkContext) -> Vec<(&'static str, WorkContext)> {
    let context = *context;
    vec![
        ("chain_id", WorkContext { chain_id: 1, ..context }),
        ("genesis", WorkContext { genesis: [0xee; 32], ..context }),
        ("job_id", WorkContext { job_id: [0xee; 32], ..context }),
        ("model_hash", WorkContext { model_hash: [0xee; 32], ..context }),
        ("input_hash", WorkContext { input_hash: [0xee; 32], ..context }),
        ("worker", WorkContext { worker: [0xee; 32], ..context }),
        ("nonce", WorkContext { nonce: [0xee; 32], ..context }),
        ("timestamp", WorkContext { timestamp: context.timestamp + 1, ..context }),
    ]
}

#[test]
fn negatives_42_to_48_another_context() {
    for cpu in [Cpu::None, Cpu::Tdx, Cpu::SevSnp] {
        let machine = machine(vec![gpu(0)], cpu);
        let policy = Policy::new(machine.policy.clone()).unwrap();
        for (field, other) in other_contexts(&machine.context) {
            // As it stands.
            let refused = verify(&machine.evidence(), &machine.collateral, &policy, &other, NOW).unwrap_err();
            let expected = AttestationError::AnotherContext { expected: other.digest(), got: machine.context.digest() };
            assert_eq!(refused, expected, "{field}");
            // Relabelled: the device answered another nonce.
            let mut parts = machine.parts();
            parts.context_digest = Fixed(other.digest());
            let relabelled = Evidence::Hardware(HardwareEvidence::new(parts.clone()).unwrap());
            let refused = verify(&relabelled, &machine.collateral, &policy, &other, NOW).unwrap_err();
            let AttestationError::Nvidia(error) = refused else { panic!("{field}: {refused:?}") };
            assert!(matches!(*error, NvidiaError::Nonce { .. }), "{field}: {error:?}");
            // The GPU answers again, but the quote is the old one.
            if cpu != Cpu::None {
                parts.devices = machine.answers(&other);
                let spliced = Evidence::Hardware(HardwareEvidence::new(parts).unwrap());
                let refused = verify(&spliced, &machine.collateral, &policy, &other, NOW).unwrap_err();
                assert_eq!(refused, AttestationError::SessionNotCommitted, "{field}");
            }
        }
    }
}

#[test]
fn negative_46_another_device() {
    for cpu in [Cpu::None, Cpu::Tdx, Cpu::SevSnp] {
        let mut machine = machine(vec![gpu(0)], cpu);
        let got = machine.context.device_id;
        machine.context.device_id = [0xee; 32];
        let expected = [0xee; 32];
        assert_eq!(machine.refused(), AttestationError::AnotherDevice { expected, got });
        let mut parts = machine.parts();
        parts.device_id = Fixed(got);
        assert_eq!(machine.judge(parts).unwrap_err(), AttestationError::AnotherDevice { expected, got });
    }
    // The identity of a set does not depend on the order of its members, but on each of them.
    let ids = [[1; 32], [2; 32]];
    assert_eq!(hardware::device_id(&ids), hardware::device_id(&[ids[1], ids[0]]));
    assert_ne!(hardware::device_id(&ids), hardware::device_id(&ids[..1]));
}

#[test]
fn negative_48_another_output_or_payee() {
    let machine = machine(vec![gpu(0)], Cpu::Tdx);
    let mut receipt = receipt_for(&worker());
    receipt.context = machine.context;
    receipt.completed_at = NOW;
    receipt.evidence_digest = machine.evidence().digest();
    let expected = *session_key().public_key().as_bytes();
    // Without a session, the output is tied to nothing that was measured.
    let signed = SignedReceipt::sign(receipt.clone(), &worker()).unwrap();
    let refused = ReceiptError::SessionKeyMismatch { expected, got: None };
    assert_eq!(signed.check_evidence(&machine.evidence()), Err(refused));
    let other = ed25519::SigningKey::from_seed(&[0xee; 32]);
    receipt.session = Some(Session::sign(&other, &machine.context.digest(), &receipt.output_hash));
    let signed = SignedReceipt::sign(receipt.clone(), &worker()).unwrap();
    let refused = ReceiptError::SessionKeyMismatch { expected, got: Some(*other.public_key().as_bytes()) };
    assert_eq!(signed.check_evidence(&machine.evidence()), Err(refused));
    receipt.session = Some(Session::sign(&session_key(), &machine.context.digest(), &receipt.output_hash));
    let signed = SignedReceipt::sign(receipt.clone(), &worker()).unwrap();
    assert_eq!(signed.check_evidence(&machine.evidence()), Ok(()));
    receipt.output_hash = [0xee; 32];
    assert!(matches!(SignedReceipt::sign(receipt, &worker()), Err(ReceiptError::SessionSignature(_))));
}

#[test]
fn negative_49_fields_do_not_run_into_each_other() {
    let machine = machine(vec![gpu(0)], Cpu::Tdx);
    let key = session_key().public_key();
    let data = |context: &WorkContext, devices: &List<GpuDevice, 16>| hardware::report_data(context, &key, devices);
    let device = |report: &[u8], chain: &[u8]| GpuDevice {
        report: Bytes::new(report).unwrap(),
        chain: Bytes::new(chain).unwrap(),
    };
    let list = |devices: Vec<GpuDevice>| List::new(devices).unwrap();
    let split = [
        list(vec![device(b"a", b"bc")]),
        list(vec![device(b"ab", b"c")]),
        list(vec![device(b"abc", b"")]),
        list(vec![device(b"a", b"b"), device(b"", b"c")]),
        list(vec![]),
    ];
    let distinct: std::collections::BTreeSet<[u8; 64]> =
        split.iter().map(|devices| data(&machine.context, devices)).collect();
    assert_eq!(distinct.len(), split.len());
    let moved =
        WorkContext { job_id: machine.context.model_hash, model_hash: machine.context.job_id, ..machine.context };
    assert_ne!(data(&moved, &split[0])[..32], data(&machine.context, &split[0])[..32]);
    assert_eq!(data(&moved, &split[0])[32..], data(&machine.context, &split[0])[32..]);
}

#[test]
fn negative_50_replays_and_duplicates() {
    // One device twice in one bundle: both its answers carry the right nonces.
    let twice = machine(vec![gpu(0), gpu(0)], Cpu::None);
    let AttestationError::Nvidia(error) = twice.refused() else { panic!("{:?}", twice.refused()) };
    let duplicate = TopologyError::DuplicateDevice { identity: gpu(0).identity() };
    assert_eq!(*error, NvidiaError::Topology(duplicate));
    // Answers in another order than asked.
    let pair = machine(vec![gpu(0), gpu(1)], Cpu::None);
    assert!(pair.verify().is_ok());
    let mut parts = pair.parts();
    parts.devices = List::new(parts.devices.as_slice().iter().rev().cloned().collect()).unwrap();
    let AttestationError::Nvidia(error) = pair.judge(parts).unwrap_err() else { panic!() };
    assert!(matches!(*error, NvidiaError::Nonce { .. }), "{error:?}");
    // The same evidence has one nullifier, whatever is done to its signatures; another job has another.
    let nullifier = pair.evidence().nullifier();
    let mut parts = pair.parts();
    let mut report = parts.devices.as_slice()[0].report.as_slice().to_vec();
    *report.last_mut().unwrap() ^= 1;
    let mut devices = parts.devices.as_slice().to_vec();
    devices[0].report = Bytes::new(report).unwrap();
    parts.devices = List::new(devices).unwrap();
    assert_eq!(Evidence::Hardware(HardwareEvidence::new(parts).unwrap()).nullifier(), nullifier);
    assert_eq!(nullifier.device_identity, pair.context.device_id);
    let mut other = machine(vec![gpu(0), gpu(1)], Cpu::None);
    other.context.job_id = [0xee; 32];
    assert_ne!(other.evidence().nullifier(), nullifier);
    // The chain keeps one live context for each of these, in whatever set they come.
    let set = machine(vec![gpu(1), gpu(0)], Cpu::Tdx);
    let (first, second) = (pair.verify().unwrap(), set.verify().unwrap());
    let shared = claims(&second).identities.iter().filter(|identity| claims(&first).identities.contains(identity));
    assert_eq!(shared.count(), 2);
}

#[test]
fn negative_51_outside_the_window() {
    let machine = machine(vec![gpu(0)], Cpu::Tdx);
    let policy = Policy::new(machine.policy.clone()).unwrap();
    let judge = |at| verify(&machine.evidence(), &machine.collateral, &policy, &machine.context, at).unwrap_err();
    let timestamp = machine.context.timestamp;
    let at = timestamp - 1;
    assert_eq!(judge(at), AttestationError::BeforeLease { timestamp, at });
    let expires_at = timestamp + 3_600_000;
    assert_eq!(judge(expires_at + 1), AttestationError::Stale { expires_at, at: expires_at + 1 });
}

#[test]
fn negative_52_a_quote_commits_to_exactly_these_devices() {
    for cpu in [Cpu::Tdx, Cpu::SevSnp] {
        let mut ours = machine(vec![gpu(0)], cpu);
        ours.collateral.nvidia = World::new([3; 32]).collateral(&[gpu(0), gpu(1), gpu(7)]);
        // Another genuine GPU's fresh answer beside our quote: a borrowed GPU.
        let mut borrowed = machine(vec![gpu(7)], cpu);
        borrowed.context = ours.context;
        let mut parts = ours.parts();
        parts.devices = borrowed.answers(&ours.context);
        assert_eq!(ours.judge(parts).unwrap_err(), AttestationError::GpuEvidenceNotCommitted);
        // A GPU less, a GPU more.
        let pair = machine(vec![gpu(0), gpu(1)], cpu);
        let mut parts = pair.parts();
        parts.devices = List::new(parts.devices.as_slice()[..1].to_vec()).unwrap();
        assert_eq!(pair.judge(parts).unwrap_err(), AttestationError::GpuEvidenceNotCommitted);
        let mut parts = ours.parts();
        parts.devices = pair.answers(&ours.context);
        assert_eq!(ours.judge(parts).unwrap_err(), AttestationError::GpuEvidenceNotCommitted);
        // No GPU beside a quote that commits to one.
        let mut parts = ours.parts();
        parts.devices = List::default();
        assert_eq!(ours.judge(parts).unwrap_err(), AttestationError::GpuEvidenceNotCommitted);
        // Another session key.
        let mut parts = ours.parts();
        let quote = parts.cpu.clone().unwrap().quote;
        let session_key = ed25519::SigningKey::from_seed(&[0xee; 32]).public_key();
        parts.cpu = Some(CpuEvidence { session_key, quote });
        assert_eq!(ours.judge(parts).unwrap_err(), AttestationError::SessionNotCommitted);
    }
}

#[test]
fn refusals_of_a_layer_keep_their_variant() {
    let mut debug = machine(vec![gpu(0)], Cpu::Tdx);
    debug.tdx.attributes |= 1;
    let error = TdxError::DebugTd { attributes: 0x1000_0001 };
    assert_eq!(debug.refused(), AttestationError::Tdx(Box::new(error)));
    let mut debug = machine(vec![gpu(0)], Cpu::SevSnp);
    debug.snp.policy |= 1 << 19;
    let error = SnpError::DebugPolicy { policy: 0xb_0000 };
    assert_eq!(debug.refused(), AttestationError::SevSnp(Box::new(error)));
    // A lent key that shows no chip cannot be held to one context.
    let mut lent = machine(vec![gpu(0)], Cpu::SevSnp);
    lent.policy.sev_snp.allow_vlek = true;
    lent.snp.key_kind = attestation::evidence::sev_snp::SigningKeyKind::Vlek;
    lent.snp.certificate_kind = lent.snp.key_kind;
    lent.snp.chip_id = [0; 64];
    assert_eq!(lent.refused(), AttestationError::NoIdentity);
}

#[test]
fn tags_and_parts_must_agree() {
    let machine = machine(vec![gpu(0)], Cpu::Tdx);
    let mut bytes = machine.evidence().to_bytes();
    for (tag, expected) in [(1, EvidenceKind::Nvidia), (2, EvidenceKind::Tdx), (3, EvidenceKind::SevSnp)] {
        bytes[0] = tag;
        let source = FieldError::Hardware(HardwareError::Tag { tag, expected });
        assert_eq!(Evidence::from_bytes(&bytes), Err(DecodeError::Field { what: "evidence", source }));
    }
    let empty =
        Parts { context_digest: Fixed([0; 32]), device_id: Fixed([0; 32]), devices: List::default(), cpu: None };
    assert_eq!(HardwareEvidence::new(empty).unwrap_err(), HardwareError::Empty);
    let mut bytes = vec![4; 1 + 64 + 4 + 1];
    bytes[65..].fill(0);
    let source = FieldError::Hardware(HardwareError::Empty);
    assert_eq!(Evidence::from_bytes(&bytes), Err(DecodeError::Field { what: "evidence", source }));
}

#[test]
fn negative_71_synthetic_evidence_is_never_hardware() {
    let machine = machine(vec![gpu(0)], Cpu::Tdx);
    // With its own tag, a policy must name it, and it earns what software earns.
    let hardware = HardwareEvidence::new(machine.parts()).unwrap();
    let labelled = Evidence::Synthetic(hardware);
    assert_eq!((labelled.kind().tag(), labelled.kind().is_hardware()), (128, false));
    let judge = |policy: &PolicyTable| {
        let policy = Policy::new(policy.clone()).unwrap();
        verify(&labelled, &machine.collateral, &policy, &machine.context, NOW)
    };
    let kind = EvidenceKind::Synthetic;
    assert_eq!(judge(&machine.policy).unwrap_err(), AttestationError::KindNotAllowed { kind });
    let mut allowing = machine.policy.clone();
    allowing.allowed.insert(kind);
    let appraisal = judge(&allowing).unwrap();
    assert_eq!((appraisal.trust_bps, appraisal.reasons[0]), (6000, Reason::SyntheticOnly));
    let bytes = labelled.to_bytes();
    assert_eq!(bytes[..2], [128, 4]);
    assert_eq!(Evidence::from_bytes(&bytes).unwrap(), labelled);
    // With a hardware tag, a production policy refuses its roots.
    let production = Policy::new(PolicyTable::standard()).unwrap();
    let refused = verify(&machine.evidence(), &machine.collateral, &production, &machine.context, NOW);
    let AttestationError::Nvidia(error) = refused.unwrap_err() else { panic!() };
    assert!(matches!(*error, NvidiaError::DeviceChain(_)), "{error:?}");
    for cpu in [Cpu::Tdx, Cpu::SevSnp] {
        let alone = self::machine(vec![], cpu);
        match verify(&alone.evidence(), &alone.collateral, &production, &alone.context, NOW).unwrap_err() {
            AttestationError::Tdx(error) => assert!(matches!(*error, TdxError::RootNotPinned { .. }), "{error:?}"),
            AttestationError::SevSnp(error) => assert!(matches!(*error, SnpError::RootNotPinned { .. }), "{error:?}"),
            error => panic!("{error:?}"),
        }
    }
}

#[test]
fn protected_machines_are_one_device() {
    let (gpus, switches) = World::new([3; 32]).protected_machine();
    let machine = machine(gpus.into_iter().chain(switches).collect(), Cpu::Tdx);
    let appraisal = machine.verify().unwrap();
    assert_eq!((appraisal.trust_bps, claims(&appraisal).identities.len()), (9500, 13));
    assert!(machine.evidence().to_bytes().len() < attestation::evidence::EVIDENCE_BYTES_MAX);
}

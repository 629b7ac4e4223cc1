//! Hardware evidence for a work context: layers that belong together are accepted at the trust of the table, and every
//! splice is refused (negatives 42 to 52 and 71 of the table in `negatives.rs`). Devices are synthetic.
#![cfg(feature = "synthetic")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod binding;
#[path = "../common/mod.rs"]
mod common;

use attestation::{
    appraisal::{Appraisal, AttestationError, Claims, Collateral, Reason, verify},
    bounded::{Bytes, Fixed, List, Set},
    codec::{DecodeError, FieldError},
    context::WorkContext,
    evidence::{
        Evidence, EvidenceKind, HardwareEvidence,
        composite::HardwareClaims,
        hardware::{self, CpuEvidence, GpuDevice, HardwareError, Parts},
        nvidia::{
            device_chain::{DeviceChain, Family},
            error::NvidiaError,
            report::Report,
            signature::Verified,
            synthetic::{
                World,
                device::Device,
                token::{TokenSpec, intermediate_pin},
            },
            topology::TopologyError,
        },
        sev_snp::SnpError,
        tdx::TdxError,
    },
    identity::ed25519,
    policy::{HardwareClass, Policy, PolicyTable, RequiredLayers, VersionFloor},
    receipt::{ReceiptError, Session, SignedReceipt},
    synthetic::{
        SyntheticMachine,
        machine::{NOW, Processor, WORLD_SEED},
    },
    text::Text,
    trust_vector::Tier,
};
use common::{context_for, receipt_for, session_key, worker};

const DAY_MS: u64 = 86_400_000;

/// A machine attested for a context that was leased a second ago.
struct Machine(SyntheticMachine);

impl std::ops::Deref for Machine {
    type Target = SyntheticMachine;

    fn deref(&self) -> &SyntheticMachine {
        &self.0
    }
}

impl std::ops::DerefMut for Machine {
    fn deref_mut(&mut self) -> &mut SyntheticMachine {
        &mut self.0
    }
}

fn machine(devices: Vec<Device>, cpu: Processor) -> Machine {
    Machine(SyntheticMachine::new(devices, cpu, session_key().public_key(), context_for(&worker())))
}

fn gpu(number: u64) -> Device {
    World::new(WORLD_SEED).device(Family::Gh100, number)
}

impl Machine {
    fn evidence(&self) -> Evidence {
        Evidence::Hardware(self.0.evidence().unwrap())
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
    for (cpu, kind) in [(Processor::Tdx, EvidenceKind::Composite), (Processor::SevSnp, EvidenceKind::Composite)] {
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
    assert_eq!(trust(&machine(vec![world.device(Family::Gb100, 0)], Processor::Tdx)), 10_000);
    assert_eq!(trust(&machine(vec![gpu(0)], Processor::Tdx)), 9500);
    assert_eq!(trust(&machine(vec![world.device(Family::Gb20x, 0)], Processor::Tdx)), 9000);
    // No quote; no GPU.
    let alone = machine(vec![world.device(Family::Gb100, 0)], Processor::None);
    let appraisal = alone.verify().unwrap();
    assert_eq!(appraisal.reasons, [Reason::NoCpuQuote, Reason::EvidenceRow { row_bps: 8000 }]);
    assert_eq!(alone.evidence().to_bytes()[0], 1);
    for (cpu, tag) in [(Processor::Tdx, 2), (Processor::SevSnp, 3)] {
        let processor = machine(vec![], cpu);
        let cap = Reason::HardwareCap { row_bps: 10_000, class: HardwareClass::Other, cap_bps: 6000 };
        assert_eq!(processor.verify().unwrap().reasons, [Reason::NoGpu, cap]);
        assert_eq!(processor.evidence().to_bytes()[0], tag);
    }
    // Software hardening needed.
    let mut hardening = machine(vec![gpu(0)], Processor::Tdx);
    hardening.tdx.tcb_status = "SWHardeningNeeded";
    hardening.collateral.tdx = Some(hardening.tdx.collateral().unwrap());
    let appraisal = hardening.verify().unwrap();
    assert_eq!(appraisal.reasons, [Reason::SoftwareHardeningNeeded, Reason::EvidenceRow { row_bps: 9000 }]);
    assert_eq!(appraisal.vector.tier(), Tier::Warning);
    // An AMD chain that no list speaks for.
    let mut unlisted = machine(vec![gpu(0)], Processor::SevSnp);
    unlisted.collateral.sev_snp.as_mut().unwrap().crl = None;
    assert_eq!(trust(&unlisted), 9000);
    // Reference values that nobody pinned.
    let mut unknown = machine(vec![gpu(0)], Processor::Tdx);
    unknown.policy.nvidia.manifests = List::default();
    let appraisal = unknown.verify().unwrap();
    let missing = Reason::ReferenceValuesMissing { manifests: 2 };
    assert_eq!(appraisal.reasons, [missing, Reason::EvidenceRow { row_bps: 6000 }]);
    // The vendor's word in their place.
    let parts = unknown.parts();
    let shown = &parts.devices.as_slice()[0];
    let (report, chain) = (Report::parse(shown.report.as_slice()).unwrap(), shown.chain.as_slice());
    let root = unknown.policy.nvidia.device_root.0;
    let chain = DeviceChain::verify(chain, &root, NOW, &mut Verified::default()).unwrap();
    unknown.collateral.nvidia.tokens = vec![TokenSpec::about(&[3; 32], &chain, &report).evidence(|_, _| {})];
    unknown.policy.nvidia.token_intermediates = Set::new([Fixed(intermediate_pin())]).unwrap();
    let appraisal = unknown.verify().unwrap();
    let vouched = Reason::VendorToken { manifests: 2 };
    assert_eq!(appraisal.reasons, [vouched, Reason::EvidenceRow { row_bps: 8500 }]);
    assert_eq!(Collateral::from_bytes(&unknown.collateral.to_bytes()).unwrap(), unknown.collateral);
    // Which is no comparison here.
    unknown.policy.required.reference_values = true;
    let layer = "reference values for every measurement";
    assert_eq!(unknown.refused(), AttestationError::LayerMissing { layer });
    // Grace: of a driver floor, and of a processor.
    let mut grace = machine(vec![gpu(0)], Processor::Tdx);
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
    let mut grace = machine(vec![gpu(0)], Processor::Tdx);
    grace.tdx.tcb_status = "OutOfDate";
    grace.collateral.tdx = Some(grace.tdx.collateral().unwrap());
    grace.policy.tdx.out_of_date_grace_ms = 100 * DAY_MS;
    assert_eq!(trust(&grace), 7000);
}

#[test]
fn required_layers_are_refused_and_not_discounted() {
    let layer = |layer| AttestationError::LayerMissing { layer };
    let mut alone = machine(vec![gpu(0)], Processor::None);
    alone.policy.required = RequiredLayers { cpu: true, ..RequiredLayers::default() };
    assert_eq!(alone.refused(), layer("a CPU quote"));
    let mut processor = machine(vec![], Processor::Tdx);
    processor.policy.required = RequiredLayers { gpu: true, ..RequiredLayers::default() };
    assert_eq!(processor.refused(), layer("a GPU"));
    let mut unknown = machine(vec![gpu(0)], Processor::Tdx);
    unknown.policy.required = RequiredLayers { reference_values: true, ..RequiredLayers::default() };
    assert!(unknown.verify().is_ok());
    unknown.policy.nvidia.manifests = List::default();
    assert_eq!(unknown.refused(), layer("reference values for every measurement"));
    let mut kind = machine(vec![gpu(0)], Processor::Tdx);
    kind.policy.allowed.remove(&EvidenceKind::Composite);
    assert_eq!(kind.refused(), AttestationError::KindNotAllowed { kind: EvidenceKind::Composite });
    let mut bare = machine(vec![gpu(0)], Processor::Tdx);
    bare.collateral.tdx = None;
    assert_eq!(bare.refused(), AttestationError::CollateralMissing { layer: "Intel TDX" });
    let mut bare = machine(vec![gpu(0)], Processor::SevSnp);
    bare.collateral.sev_snp = None;
    assert_eq!(bare.refused(), AttestationError::CollateralMissing { layer: "AMD SEV-SNP" });
    // Without documents evidence is neither right nor wrong.
    assert!(bare.refused().is_undecided() && !kind.refused().is_undecided());
    bare.collateral = Collateral::default();
    assert!(bare.refused().is_undecided(), "{:?}", bare.refused());
}

#[test]
fn revoked_identities_are_refused_whatever_they_are() {
    for cpu in [Processor::Tdx, Processor::SevSnp] {
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

#[test]
fn refusals_of_a_layer_keep_their_variant() {
    let mut debug = machine(vec![gpu(0)], Processor::Tdx);
    debug.tdx.attributes |= 1;
    let error = TdxError::DebugTd { attributes: 0x1000_0001 };
    assert_eq!(debug.refused(), AttestationError::Tdx(Box::new(error)));
    let mut debug = machine(vec![gpu(0)], Processor::SevSnp);
    debug.sev_snp.policy |= 1 << 19;
    let error = SnpError::DebugPolicy { policy: 0xb_0000 };
    assert_eq!(debug.refused(), AttestationError::SevSnp(Box::new(error)));
    // A lent key that shows no chip cannot be held to one context.
    let mut lent = machine(vec![gpu(0)], Processor::SevSnp);
    lent.policy.sev_snp.allow_vlek = true;
    lent.sev_snp.key_kind = attestation::evidence::sev_snp::SigningKeyKind::Vlek;
    lent.sev_snp.certificate_kind = lent.sev_snp.key_kind;
    lent.sev_snp.chip_id = [0; 64];
    assert_eq!(lent.refused(), AttestationError::NoIdentity);
}

#[test]
fn tags_and_parts_must_agree() {
    let machine = machine(vec![gpu(0)], Processor::Tdx);
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
    let machine = machine(vec![gpu(0)], Processor::Tdx);
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
    for cpu in [Processor::Tdx, Processor::SevSnp] {
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
    let machine = machine(gpus.into_iter().chain(switches).collect(), Processor::Tdx);
    let appraisal = machine.verify().unwrap();
    assert_eq!((appraisal.trust_bps, claims(&appraisal).identities.len()), (9500, 13));
    assert!(machine.evidence().to_bytes().len() < attestation::evidence::EVIDENCE_BYTES_MAX);
}

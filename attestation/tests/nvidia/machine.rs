//! Nonces, policy floors, duplicates and machines.

use attestation::evidence::nvidia::{
    appraise::{verify_device, verify_machine},
    claims::DeviceClaims,
    container::DeviceEvidence,
    device_chain::{DeviceChainError, Family, NVIDIA_DEVICE_ROOT},
    error::NvidiaError,
    opaque::Feature,
    requirements::{Floor, ManifestDocument, NvidiaCollateral, Requirements},
    revocation::{RevocationError, RevocationSource},
    rim::{NVIDIA_RIM_ROOT, Rim},
    synthetic::{
        device::Device,
        world::{NOW, link_gpu, link_switch},
    },
    topology::{self, Topology, TopologyError},
    version::{DriverVersion, VbiosVersion},
};

use crate::{
    honest::{NONCE, world},
    vectors::{AUGUST_2025, SAMPLE_NONCE, base64_text, bytes, container, hex_text},
};

fn appraise(device: &Device, change: impl FnOnce(&mut Requirements)) -> Result<DeviceClaims, NvidiaError> {
    let collateral = world().collateral(std::slice::from_ref(device));
    let mut requirements = world().requirements(&collateral);
    change(&mut requirements);
    verify_device(&device.evidence(&NONCE), &collateral, &requirements, &NONCE, NOW)
}

fn machine(devices: &[Device]) -> Result<Topology, NvidiaError> {
    let collateral = world().collateral(devices);
    let requirements = world().requirements(&collateral);
    let asked: Vec<_> = devices.iter().map(|device| (device.evidence(&NONCE), NONCE)).collect();
    verify_machine(&asked, &collateral, &requirements, NOW).map(|(_, topology)| topology)
}

fn refused(devices: &[Device]) -> TopologyError {
    match machine(devices).unwrap_err() {
        NvidiaError::Topology(error) => error,
        other => panic!("{other}"),
    }
}

// negative 50
#[test]
fn an_old_answer_is_not_an_answer() {
    let device = world().device(Family::Gh100, 0);
    let collateral = world().collateral(std::slice::from_ref(&device));
    let requirements = world().requirements(&collateral);
    let asked = [0x22; 32];
    let error = verify_device(&device.evidence(&NONCE), &collateral, &requirements, &asked, NOW).unwrap_err();
    assert_eq!(error, NvidiaError::Nonce { expected: asked, got: NONCE });
}

// negative 12
#[test]
fn report_and_chain_of_two_devices() {
    let (one, two) = (world().device(Family::Gh100, 0), world().device(Family::Gh100, 1));
    let devices = [one, two];
    let collateral = world().collateral(&devices);
    let requirements = world().requirements(&collateral);
    let mut spliced = devices[0].evidence(&NONCE);
    spliced.chain = devices[1].evidence(&NONCE).chain;
    let error = verify_device(&spliced, &collateral, &requirements, &NONCE, NOW).unwrap_err();
    let NvidiaError::DeviceChain(DeviceChainError::ReportSignature(_)) = error else { panic!("{error}") };
}

#[test]
fn policy_refuses_devices_families_and_old_versions() {
    let device = world().device(Family::Gh100, 0);
    let identity = device.identity();
    let revoked = appraise(&device, |requirements| requirements.revoked = [identity].into());
    assert_eq!(revoked.unwrap_err(), NvidiaError::RevokedIdentity { identity });
    let family = Family::Gh100;
    let not_allowed = appraise(&device, |requirements| drop(requirements.families.remove(&family)));
    assert_eq!(not_allowed.unwrap_err(), NvidiaError::FamilyNotAllowed { family });
    let driver = |text: &str| DriverVersion::parse(text).unwrap();
    let floor = |floor: Floor| appraise(&device, |requirements| drop(requirements.families.insert(family, floor)));
    let too_old = floor(Floor { driver: Some(driver("590.100")), vbios: None });
    let expected = NvidiaError::DriverFloor { expected: driver("590.100"), got: driver("590.48.01") };
    assert_eq!(too_old.unwrap_err(), expected);
    let vbios = |text: &str| VbiosVersion::parse(text).unwrap();
    let too_old = floor(Floor { driver: None, vbios: Some(vbios("96.00.A0.00.00")) });
    let expected = NvidiaError::VbiosFloor { expected: vbios("96.00.A0.00.00"), got: vbios("96.00.9F.00.01") };
    assert_eq!(too_old.unwrap_err(), expected);
    let met = floor(Floor { driver: Some(driver("590.48.01")), vbios: Some(vbios("96.00.9f.00.01")) });
    assert!(met.is_ok());
}

#[test]
fn versions_are_ordered_by_number() {
    let driver = |text: &str| DriverVersion::parse(text);
    assert!(driver("550.90.07").unwrap() < driver("550.144.03").unwrap());
    assert!(driver("9.0").unwrap() < driver("10.0").unwrap());
    for text in ["", "550", "550.", ".1", "1.2.3.4.5", "550.9a", "1234567.0", "550.90.07 "] {
        assert!(driver(text).is_err(), "{text}");
    }
    for text in ["", "96.00.9F.00", "96.00.9F.00.01.02", "960.0.9F.00.01", "96.00.9G.00.01", "+6.00.9F.00.01"] {
        assert!(VbiosVersion::parse(text).is_err(), "{text}");
    }
}

#[test]
fn collateral_is_capped() {
    let collateral = NvidiaCollateral { ocsp_responses: vec![vec![]; 129], ..NvidiaCollateral::default() };
    let error = verify_machine(&[], &collateral, &Requirements::strict(), NOW).unwrap_err();
    assert_eq!(error, NvidiaError::TooMany { field: "ocsp_responses", max: 128, got: 129 });
    let collateral = NvidiaCollateral { revocation_lists: vec![vec![]; 17], ..NvidiaCollateral::default() };
    let error = verify_machine(&[], &collateral, &Requirements::strict(), NOW).unwrap_err();
    assert_eq!(error, NvidiaError::TooMany { field: "revocation_lists", max: 16, got: 17 });
    let devices = vec![Default::default(); 17];
    let error = verify_machine(&devices, &NvidiaCollateral::default(), &Requirements::strict(), NOW).unwrap_err();
    assert_eq!(error, NvidiaError::TooMany { field: "devices", max: 16, got: 17 });
}

/// A policy of the vendor's roots refuses everything synthetic, and one of synthetic roots everything genuine.
// negative 71
#[test]
fn synthetic_devices_are_not_the_vendors() {
    let device = world().device(Family::Gh100, 0);
    let got = world().device_root.key.fingerprint();
    let error = appraise(&device, |requirements| requirements.device_root = NVIDIA_DEVICE_ROOT).unwrap_err();
    let root = attestation::evidence::nvidia::chain::ChainError::Root { expected: NVIDIA_DEVICE_ROOT, got };
    assert_eq!(error, NvidiaError::DeviceChain(DeviceChainError::Chain(root)));
    let error = appraise(&device, |requirements| requirements.rim_root = NVIDIA_RIM_ROOT).unwrap_err();
    assert!(matches!(error, NvidiaError::Manifest { .. }), "{error}");
}

// negative 50
#[test]
fn one_device_twice() {
    let device = world().device(Family::Gh100, 0);
    let error = refused(&[device.clone(), device.clone()]);
    assert_eq!(error, TopologyError::DuplicateDevice { identity: device.identity() });
    let (gpus, switches) = world().protected_machine();
    let four_times: Vec<_> = gpus.into_iter().chain(vec![switches[0].clone(); 4]).collect();
    assert_eq!(refused(&four_times), TopologyError::DuplicateDevice { identity: switches[0].identity() });
}

// negative 50
#[test]
fn one_genuine_switch_four_times() {
    let file = "attestation-sdk/common-test-data/serialized_test_evidence/multi_switch_ls10.json";
    let Some(entries) = container(file) else { return };
    let error = genuine(entries).unwrap_err();
    assert!(matches!(error, TopologyError::DuplicateDevice { .. }), "{error}");
    let Some(gpus) = container("nvtrust-ppcie/gpu_evidence.json") else { return };
    let switches = container(file).unwrap();
    let error = genuine(gpus.into_iter().chain(switches).collect()).unwrap_err();
    assert!(matches!(error, TopologyError::DuplicateDevice { .. }), "{error}");
}

/// Topology of genuine devices, without reference values and revocation, which the samples lack.
fn genuine(entries: Vec<crate::vectors::Entry>) -> Result<Topology, TopologyError> {
    let mut requirements = Requirements::strict();
    requirements.revocation_required = false;
    let collateral = NvidiaCollateral::default();
    let mut claims = Vec::new();
    for (_, nonce, report, chain) in entries {
        let nonce: [u8; 32] = attestation::hex::decode(&format!("0x{nonce}")).unwrap();
        let evidence = DeviceEvidence { report, chain };
        claims.push(verify_device(&evidence, &collateral, &requirements, &nonce, AUGUST_2025).unwrap());
    }
    topology::check(&claims)
}

#[test]
fn genuine_machine_under_protected_pcie_closes() {
    let Some(mut entries) = container("nvtrust-ppcie/gpu_evidence.json") else { return };
    entries.extend(container("nvtrust-ppcie/switch_evidence.json").unwrap());
    let expected = Topology { gpus: 8, switches: 4, feature: Feature::ProtectedPcie };
    assert_eq!(genuine(entries.clone()), Ok(expected));
    // negative 53
    assert_eq!(genuine(entries[1..].to_vec()), Err(TopologyError::GpuCount { got: 7 }));
    assert_eq!(genuine(entries[..11].to_vec()), Err(TopologyError::SwitchCount { got: 3 }));
}

// negative 53
#[test]
fn machines_that_do_not_close() {
    let (gpus, switches) = world().protected_machine();
    let all = |gpus: &[Device], switches: &[Device]| [gpus, switches].concat();
    assert!(machine(&all(&gpus, &switches)).is_ok());
    assert_eq!(refused(&all(&gpus[..7], &switches)), TopologyError::GpuCount { got: 7 });
    assert_eq!(refused(&all(&gpus, &switches[..3])), TopologyError::SwitchCount { got: 3 });
    assert_eq!(refused(&switches), TopologyError::NoGpu);
    // A GPU of another machine in the place of one of this.
    let mut swapped = gpus.clone();
    let pdis = |devices: &[Device]| devices.iter().map(|device| device.pdi).collect::<Vec<_>>();
    swapped[0] = world().device(Family::Gh100, 99);
    link_gpu(&mut swapped[0].report, &pdis(&switches));
    assert_eq!(refused(&all(&swapped, &switches)), TopologyError::SwitchLinks { switch: switches[0].pdi });
    // A GPU that sees one switch less, or a stranger.
    let mut fewer = gpus.clone();
    link_gpu(&mut fewer[2].report, &pdis(&switches)[..3]);
    assert_eq!(refused(&all(&fewer, &switches)), TopologyError::GpuLinks { gpu: gpus[2].pdi });
    let mut stranger = switches.clone();
    let mut linked = pdis(&gpus);
    linked[7] = [1; 8];
    link_switch(&mut stranger[1].report, &linked);
    assert_eq!(refused(&all(&gpus, &stranger)), TopologyError::SwitchLinks { switch: switches[1].pdi });
}

// negative 53
#[test]
fn mixed_machines() {
    let single = world().device(Family::Gb100, 0);
    let mut multi = world().device(Family::Gb100, 1);
    *multi.report.field(36) = vec![1, 0];
    let (first, second) = (Feature::SinglePassThrough, Feature::MultiPassThrough);
    assert_eq!(refused(&[single.clone(), multi.clone()]), TopologyError::MixedFeatures { first, second });
    assert_eq!(machine(&[multi]).unwrap().feature, Feature::MultiPassThrough);
    let hopper = world().device(Family::Gh100, 0);
    let (first, second) = (Family::Gh100, Family::Gb20x);
    let other = world().device(Family::Gb20x, 0);
    // Two families share the id of their VBIOS manifests here, so each is appraised on its own.
    let claims = [&hopper, &other].map(|device| appraise(device, |_| {}).unwrap());
    assert_eq!(topology::check(&claims), Err(TopologyError::MixedFamilies { first, second }));
    let switch = world().device(Family::Ls10, 0);
    assert_eq!(refused(&[hopper, switch]), TopologyError::UnexpectedSwitches { got: 1 });
    // Two identity keys with one identifier.
    let mut claims = [0, 1].map(|number| appraise(&world().device(Family::Gh100, number), |_| {}).unwrap());
    claims[1].pdi = claims[0].pdi;
    let pdi = claims[0].pdi;
    assert_eq!(topology::check(&claims), Err(TopologyError::DuplicateIdentifier { pdi }));
}

/// The complete genuine Hopper vector through the whole appraisal. No single instant has all seven OCSP responses fresh,
/// so those of the device chain are given and revocation is not required of the manifests' signers.
#[test]
fn genuine_hopper_in_full() {
    let local = "nvtrust-local-verifier/samples";
    let Some(report) = hex_text(&format!("{local}/hopperAttestationReport.txt")) else { return };
    let chain = bytes(&format!("{local}/hopperCertChain.txt")).unwrap();
    let manifests = ["NV_GPU_DRIVER_GH100_550.90.07", "NV_GPU_VBIOS_1010_0200_882_96009F0001"].map(|id| {
        let document = bytes(&format!("go-nvattest-tools/testdata/rim/{id}.xml")).unwrap();
        ManifestDocument { id: id.to_owned(), document }
    });
    let response = |level| {
        let name = format!("test_gpu_certificate_{level}_base64encoded_ocsp_response.dat");
        base64_text(&format!("go-nvattest-tools/testdata/ocsp/{name}")).unwrap()
    };
    let collateral = NvidiaCollateral {
        ocsp_responses: ["l2", "l3", "l4"].map(response).to_vec(),
        manifests: manifests.to_vec(),
        revocation_lists: vec![],
        tokens: vec![],
    };
    let mut requirements = Requirements::strict();
    for ManifestDocument { id, document } in &collateral.manifests {
        requirements.manifests.insert(id.clone(), [Rim::sha256_of(document)].into());
    }
    let evidence = DeviceEvidence { report, chain };
    let nonce = attestation::hex::decode(SAMPLE_NONCE).unwrap();
    let verify = |requirements: &Requirements, at| verify_device(&evidence, &collateral, requirements, &nonce, at);
    let missing = NvidiaError::ManifestRevocation {
        id: "NV_GPU_DRIVER_GH100_550.90.07".to_owned(),
        source: RevocationError::Missing { index: 2 },
    };
    assert_eq!(verify(&requirements, AUGUST_2025).unwrap_err(), missing);
    requirements.revocation_required = false;
    let claims = verify(&requirements, AUGUST_2025).unwrap();
    assert_eq!((claims.family, claims.revocation), (Family::Gh100, RevocationSource::NotChecked));
    let matched = claims.reference_values.matched.iter().map(|manifest| manifest.compared.matched.len());
    assert_eq!(matched.collect::<Vec<_>>(), [20, 12]);
    assert!(claims.reference_values.complete());
    // Without the manifests the same device is genuine, and its firmware unknown.
    requirements.manifests.clear();
    assert!(!verify(&requirements, AUGUST_2025).unwrap().reference_values.complete());
    // A day later the responses have lapsed, and nothing forgives that.
    let expired = verify(&requirements, AUGUST_2025 + 86_400_000).unwrap_err();
    assert!(matches!(expired, NvidiaError::DeviceRevocation(RevocationError::Ocsp { index: 1, .. })), "{expired}");
}

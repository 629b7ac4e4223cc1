//! Synthetic devices pass, with the claims that they should.

use std::sync::LazyLock;

use attestation::evidence::nvidia::{
    appraise::{verify_device, verify_machine},
    claims::{CheckResult, ManifestKind, Unavailable},
    compare::Compared,
    device_chain::Family,
    opaque::Feature,
    revocation::RevocationSource,
    synthetic::{
        World,
        world::{NOW, driver_indices, vbios_indices},
    },
};

pub(crate) const NONCE: [u8; 32] = [0x11; 32];

pub(crate) fn world() -> World {
    static WORLD: LazyLock<World> = LazyLock::new(|| World::new([3; 32]));
    WORLD.clone()
}

#[test]
fn every_family_is_appraised_in_full() {
    let world = world();
    for family in [Family::Gh100, Family::Gb100, Family::Gb20x, Family::Ls10] {
        let device = world.device(family, 0);
        let collateral = world.collateral(std::slice::from_ref(&device));
        let requirements = world.requirements(&collateral);
        let claims = verify_device(&device.evidence(&NONCE), &collateral, &requirements, &NONCE, NOW)
            .unwrap_or_else(|error| panic!("{family:?}: {error}"));
        assert_eq!(claims.family, family);
        assert_eq!(claims.identity, device.identity());
        assert_eq!(claims.pdi, device.pdi);
        assert_eq!(claims.nonce, NONCE);
        assert_eq!(claims.revocation, RevocationSource::Ocsp);
        assert!(!claims.grace);
        assert!(claims.reference_values.complete());
        // The responses lapse first: a day after they were made, an hour ago.
        assert_eq!(claims.expires_at_ms, NOW + 23 * 3_600_000);
        assert!(claims.checks.iter().all(|check| check.result == CheckResult::Passed), "{family:?}");
        let matched: Vec<_> =
            claims.reference_values.matched.iter().map(|manifest| (manifest.kind, manifest.compared.clone())).collect();
        if family == Family::Ls10 {
            let all = Compared { matched: (0..31).collect(), skipped: vec![] };
            assert_eq!(matched, [(ManifestKind::Vbios, all)]);
        } else {
            let driver = driver_indices().into_iter().filter(|index| *index != 35).collect();
            assert_eq!(
                matched,
                [
                    (ManifestKind::Driver, Compared { matched: driver, skipped: vec![35] }),
                    (ManifestKind::Vbios, Compared { matched: vbios_indices(), skipped: vec![] }),
                ]
            );
        }
        let json = serde_json::to_value(&claims).unwrap();
        assert_eq!(json["pdi"], attestation::hex::encode(&device.pdi));
    }
}

#[test]
fn without_manifests_a_device_is_genuine_and_its_firmware_unknown() {
    let world = world();
    let device = world.device(Family::Gh100, 0);
    let mut collateral = world.collateral(std::slice::from_ref(&device));
    let mut requirements = world.requirements(&collateral);
    collateral.manifests.remove(0);
    requirements.manifests.remove("NV_GPU_VBIOS_1010_0200_882_96009F0001");
    let claims = verify_device(&device.evidence(&NONCE), &collateral, &requirements, &NONCE, NOW).unwrap();
    assert!(!claims.reference_values.complete());
    let missing: Vec<_> =
        claims.reference_values.missing.iter().map(|missing| (missing.kind, missing.reason)).collect();
    assert_eq!(
        missing,
        [(ManifestKind::Driver, Unavailable::NotSupplied), (ManifestKind::Vbios, Unavailable::NotPinned)]
    );
}

#[test]
fn lists_speak_for_upper_certificates_only() {
    let world = world();
    let device = world.device(Family::Gh100, 0);
    let mut collateral = world.collateral(std::slice::from_ref(&device));
    let requirements = world.requirements(&collateral);
    collateral.ocsp_responses.clear();
    collateral.revocation_lists = world.lists(Family::Gh100).iter().map(|list| list.to_der()).collect();
    let claims = verify_device(&device.evidence(&NONCE), &collateral, &requirements, &NONCE, NOW).unwrap();
    assert_eq!(claims.revocation, RevocationSource::Crl);
}

#[test]
fn eight_gpus_and_four_switches_are_one_machine() {
    let world = world();
    let (gpus, switches) = world.protected_machine();
    let devices: Vec<_> = gpus.into_iter().chain(switches).collect();
    let collateral = world.collateral(&devices);
    let requirements = world.requirements(&collateral);
    // Every device has a nonce of its own.
    let nonces = (0..).map(|number: u8| [number; 32]);
    let asked: Vec<_> = devices.iter().zip(nonces).map(|(device, nonce)| (device.evidence(&nonce), nonce)).collect();
    let (claims, topology) = verify_machine(&asked, &collateral, &requirements, NOW).unwrap();
    assert_eq!((topology.gpus, topology.switches, topology.feature), (8, 4, Feature::ProtectedPcie));
    assert_eq!(claims.len(), 12);
}

//! Policies: TOML for people, canonical bytes for a chain, the same policy in both, and each refusal.
#![cfg(feature = "toml")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use attestation::{
    bounded::{BoundError, Fixed, List, Set},
    codec::{DecodeError, FieldError},
    evidence::{
        floor::Floor,
        nvidia::{device_chain::Family, version::VersionError},
        sev_snp::{Product, SnpFloor, SnpTcb},
        tdx::TdxLaunch,
    },
    policy::{
        FamilyRule, ManifestPin, POLICY_BYTES_MAX, POLICY_TOML_BYTES_MAX, Policy, PolicyError, PolicyTable,
        VersionFloor,
    },
    text::Text,
};

/// A policy with every list filled.
fn full() -> PolicyTable {
    let mut table = PolicyTable::standard();
    table.revoked = Set::new([Fixed([1; 32]), Fixed([2; 32])]).unwrap();
    let floor = VersionFloor {
        activates_at: 1_800_000_000_000,
        grace_ms: 86_400_000,
        driver: Some(Text::new("590.48.01").unwrap()),
        vbios: Some(Text::new("96.00.9F.00.01").unwrap()),
    };
    let family = FamilyRule { family: Family::Gh100, floors: List::new(vec![floor]).unwrap() };
    table.nvidia.families = List::new(vec![family]).unwrap();
    let id = Text::new("NV_GPU_DRIVER_GH100_590.48.01").unwrap();
    let pin = ManifestPin { id, sha256: Set::new([Fixed([3; 32])]).unwrap() };
    table.nvidia.manifests = List::new(vec![pin]).unwrap();
    let launch = TdxLaunch { mrtd: Fixed([4; 48]), rtmr: [Fixed([5; 48]); 4] };
    table.tdx.launches = Set::new([launch]).unwrap();
    let floor = Floor { activates_at: 1, grace_ms: 2, minimum: 20 };
    table.tdx.evaluation_floors = List::new(vec![floor]).unwrap();
    table.tdx.advisories_refused = Set::new([Text::new("INTEL-SA-00837").unwrap()]).unwrap();
    table.sev_snp.launches = Set::new([Fixed([6; 48])]).unwrap();
    let minimum = SnpTcb { fmc: 0, bootloader: 3, tee: 0, snp: 8, microcode: 115 };
    let floor = SnpFloor { product: Product::Milan, activates_at: 1, grace_ms: 2, minimum };
    table.sev_snp.tcb_floors = List::new(vec![floor]).unwrap();
    table
}

#[test]
fn toml_and_canonical_bytes_are_the_same_policy() {
    for table in [PolicyTable::standard(), full()] {
        let policy = Policy::new(table).unwrap();
        let text = policy.to_toml().unwrap();
        let read = Policy::from_toml(&text).unwrap();
        assert_eq!(read, policy);
        assert_eq!((read.to_bytes(), read.id()), (policy.to_bytes(), policy.id()));
        assert_eq!(Policy::from_bytes(&policy.to_bytes()), Ok(policy));
    }
}

#[test]
fn a_policy_with_every_list_at_its_cap_reads_back() {
    let mut table = full();
    let hash = |index: u32| {
        let mut hash = [0xff; 32];
        hash[..4].copy_from_slice(&index.to_be_bytes());
        Fixed(hash)
    };
    table.revoked = Set::new((0..1024).map(hash)).unwrap();
    let floor = table.nvidia.families.as_slice()[0].floors.as_slice()[0].clone();
    let longest = VersionFloor {
        driver: Some(Text::new("590.48.010203").unwrap()),
        vbios: Some(Text::new("96.00.9F.00.01").unwrap()),
        ..floor
    };
    let family = |family| FamilyRule { family, floors: List::new(vec![longest.clone(); 4]).unwrap() };
    let families = [Family::Gh100, Family::Gb100, Family::Gb20x, Family::Ls10];
    table.nvidia.families = List::new(families.map(family).to_vec()).unwrap();
    let pin = |index: u32| ManifestPin {
        id: Text::new(format!("{index:064}")).unwrap(),
        sha256: Set::new((0..4).map(hash)).unwrap(),
    };
    table.nvidia.manifests = List::new((0..128).map(pin).collect()).unwrap();
    let launch = |index: u8| TdxLaunch { mrtd: Fixed([index; 48]), rtmr: [Fixed([5; 48]); 4] };
    table.tdx.roots = Set::new((0..4).map(hash)).unwrap();
    table.tdx.launches = Set::new((0..32).map(launch)).unwrap();
    let floor = table.tdx.evaluation_floors.as_slice()[0];
    table.tdx.evaluation_floors = List::new(vec![floor; 8]).unwrap();
    table.tdx.advisories_refused = Set::new((0..32).map(|index| Text::new(format!("{index:032}")).unwrap())).unwrap();
    table.sev_snp.launches = Set::new((0..32).map(|index| Fixed([index; 48]))).unwrap();
    table.sev_snp.tcb_floors = List::new(vec![table.sev_snp.tcb_floors.as_slice()[0]; 8]).unwrap();
    let policy = Policy::new(table).unwrap();
    assert!(policy.to_bytes().len() < POLICY_BYTES_MAX, "{}", policy.to_bytes().len());
    assert_eq!(Policy::from_bytes(&policy.to_bytes()), Ok(policy));
}

#[test]
fn toml_that_breaks_a_rule_is_refused_by_name() {
    let text = Policy::new(full()).unwrap().to_toml().unwrap();
    let refused = |text: &str, part: &str| {
        let Err(PolicyError::Toml { cause }) = Policy::from_toml(text) else { panic!("{part}") };
        assert!(cause.contains(part), "expected {part:?} in {cause:?}");
    };
    refused(&text.replace("trust_bps_min = 6000", "trust_bps_min = 10001"), "trust_bps_min");
    refused(&text.replace("trust_bps_min = 6000", "trust_min = 6000"), "unknown field");
    refused(&text.replace("0x0101", "0x01 01"), "hexadecimal");
    refused(&text.replace("590.48.01\"\nvbios", "590\"\nvbios"), "driver version");
    refused(&text.replace("\"software\"", "\"mock\""), "mock");
    refused(&" ".repeat(POLICY_TOML_BYTES_MAX + 1), "at most");
}

#[test]
fn every_canonical_encoding_is_bounded_and_unique() {
    let what = "attestation policy";
    let bytes = Policy::new(full()).unwrap().to_bytes();
    for got in 0..bytes.len() {
        assert_eq!(Policy::from_bytes(&bytes[..got]), Err(DecodeError::Truncated { what, got }));
    }
    let long = vec![0; POLICY_BYTES_MAX + 1];
    let refused = DecodeError::TooLong { what, max: POLICY_BYTES_MAX, got: POLICY_BYTES_MAX + 1 };
    assert_eq!(Policy::from_bytes(&long), Err(refused));
    // The revoked identities are the last field: two of 32 bytes, ascending.
    let mut swapped = bytes.clone();
    let start = bytes.len() - 64;
    swapped[start..start + 32].fill(2);
    swapped[start + 32..].fill(1);
    let source = FieldError::Bound(BoundError::Unsorted { position: 1 });
    assert_eq!(Policy::from_bytes(&swapped), Err(DecodeError::Field { what, source }));
    let mut many = bytes;
    many[start - 4..start].copy_from_slice(&1025_u32.to_le_bytes());
    let source = FieldError::Bound(BoundError::TooMany { max: 1024, got: 1025 });
    assert_eq!(Policy::from_bytes(&many), Err(DecodeError::Field { what, source }));
}

#[test]
fn rules_of_the_vendors_are_checked_when_a_policy_is_made() {
    let mut table = full();
    let rule = table.nvidia.families.as_slice()[0].clone();
    table.nvidia.families = List::new(vec![rule.clone(), rule]).unwrap();
    assert_eq!(Policy::new(table), Err(PolicyError::Duplicate { field: "nvidia.families" }));
    let mut table = full();
    let pin = table.nvidia.manifests.as_slice()[0].clone();
    table.nvidia.manifests = List::new(vec![pin.clone(), pin]).unwrap();
    assert_eq!(Policy::new(table), Err(PolicyError::Duplicate { field: "nvidia.manifests" }));
    let mut table = full();
    let mut rule = table.nvidia.families.as_slice()[0].clone();
    let floor = VersionFloor { vbios: Some(Text::new("96").unwrap()), ..rule.floors.as_slice()[0].clone() };
    rule.floors = List::new(vec![floor]).unwrap();
    table.nvidia.families = List::new(vec![rule]).unwrap();
    let error = PolicyError::Version { field: "nvidia.families.floors", source: VersionError::Vbios };
    assert_eq!(Policy::new(table), Err(error));
}

proptest::proptest! {
    #[test]
    fn the_decoder_is_total(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        if let Ok(policy) = Policy::from_bytes(&bytes) {
            proptest::prop_assert_eq!(policy.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_changed_encoding_is_another_policy_or_none(offset in 0_usize..600, mask in 1_u8..) {
        let mut bytes = Policy::new(full()).unwrap().to_bytes();
        let length = bytes.len();
        bytes[offset % length] ^= mask;
        if let Ok(policy) = Policy::from_bytes(&bytes) {
            proptest::prop_assert_eq!(policy.to_bytes(), bytes);
        }
    }
}

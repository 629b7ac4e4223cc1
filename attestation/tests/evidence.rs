//! Evidence, policy and appraisal: what is accepted, and each refusal.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use std::collections::BTreeSet;

use attestation::{
    appraisal::{Appraisal, AttestationError, Claims, Collateral, Reason, verify},
    codec::{DecodeError, FieldError},
    evidence::{Attester, AttesterError, Evidence, EvidenceKind, EvidenceNullifier, SoftwareEvidence, software},
    identity::ml_dsa,
    policy::{HardwareClass, Policy, PolicyError, PolicyTable},
    text::TextError,
};
use common::{LEASED_AT, attester, context_for, evidence_for, hex, worker};

const HOUR_MS: u64 = 3_600_000;
const KINDS: &str = "0 (software), 1 (nvidia), 2 (tdx), 3 (sev_snp), 4 (composite)";

fn standard() -> Policy {
    Policy::new(PolicyTable::standard()).unwrap()
}

fn changed(change: impl FnOnce(&mut PolicyTable)) -> Result<Policy, PolicyError> {
    let mut table = PolicyTable::standard();
    change(&mut table);
    Policy::new(table)
}

fn software(change: impl FnOnce(&mut SoftwareEvidence)) -> Evidence {
    let Evidence::Software(mut evidence) = evidence_for(&worker()) else { panic!("software evidence") };
    change(&mut evidence);
    Evidence::Software(evidence)
}

fn appraise(evidence: &Evidence, policy: &Policy, at: u64) -> Result<Appraisal, AttestationError> {
    verify(evidence, &Collateral::default(), policy, &context_for(&worker()), at)
}

#[test]
fn golden_digests_of_another_implementation() {
    let evidence = evidence_for(&worker());
    let device = "0x88a02ca41c6d2fb517fa25b27096a67d22e52560cf6491aa154456c461919ec7";
    assert_eq!(hex(&attester(&worker()).device_id()), device);
    assert_eq!(evidence.to_bytes().len(), 105);
    assert_eq!(hex(&evidence.digest()), "0xc68058af5ac49b7b354f6b9c4f47eef1cd7aeadb81f6da16c81cc1d77686f9cb");
    let key = "0xef27f0f5ec34b8b84e5632de7dd4221be1131873f66d2941beae40551df8823f";
    assert_eq!(hex(&evidence.nullifier().key()), key);
    assert_eq!(standard().to_bytes().len(), 374);
    assert_eq!(hex(&standard().id()), "0x9b77a1cfa4ae953aee70762fb5f066bd410ad93b212e3cedbfdc4f4d0303e5ce");
}

#[test]
fn software_evidence_earns_the_lowest_trust_and_says_that_it_shows_nothing() {
    let appraisal = appraise(&evidence_for(&worker()), &standard(), LEASED_AT + 1).unwrap();
    assert_eq!(appraisal.trust_bps, 6000);
    assert_eq!(appraisal.expires_at, LEASED_AT + HOUR_MS);
    let Evidence::Software(software) = evidence_for(&worker()) else { panic!("software evidence") };
    assert_eq!(appraisal.claims, Claims::Software(software));
    assert_eq!(appraisal.reasons, [Reason::SoftwareOnly, Reason::EvidenceRow { row_bps: 6000 }]);
    assert!(appraisal.reasons[0].to_string().contains("adds no security over the receipt signature"));
}

#[test]
fn trust_is_the_smaller_of_row_and_cap() {
    let evidence = evidence_for(&worker());
    let generous = changed(|table| table.rows.software = 9000).unwrap();
    let appraisal = appraise(&evidence, &generous, LEASED_AT).unwrap();
    assert_eq!(appraisal.trust_bps, 6000);
    let cap = Reason::HardwareCap { row_bps: 9000, class: HardwareClass::Other, cap_bps: 6000 };
    assert_eq!(appraisal.reasons, [Reason::SoftwareOnly, cap]);
    let caps = [HardwareClass::B100B200, HardwareClass::H100H200, HardwareClass::RtxPro6000, HardwareClass::Other];
    assert_eq!(caps.map(|class| standard().cap(class)), [10_000, 9500, 9000, 6000]);
}

#[test]
fn evidence_of_another_job_is_refused() {
    let mut other = context_for(&worker());
    other.job_id = [0; 32];
    let evidence = attester(&worker()).attest(&other).unwrap();
    let refused = AttestationError::AnotherContext { expected: context_for(&worker()).digest(), got: other.digest() };
    assert_eq!(appraise(&evidence, &standard(), LEASED_AT), Err(refused));
}

#[test]
fn evidence_of_another_worker_is_refused() {
    let thief = ml_dsa::SigningKey::from_seed(&[1; 32]);
    let refused = AttestationError::AnotherWorker {
        expected: software::device_id(&worker().public_key().id()),
        got: software::device_id(&thief.public_key().id()),
    };
    assert_eq!(appraise(&evidence_for(&thief), &standard(), LEASED_AT), Err(refused));
}

#[test]
fn a_device_that_the_work_was_not_leased_to_is_refused() {
    let mut context = context_for(&worker());
    let got = context.device_id;
    context.device_id = [0; 32];
    let evidence = software(|evidence| evidence.context_digest = context.digest());
    let refused = AttestationError::AnotherDevice { expected: [0; 32], got };
    assert_eq!(verify(&evidence, &Collateral::default(), &standard(), &context, LEASED_AT), Err(refused));
}

#[test]
fn a_made_up_device_id_is_refused() {
    let evidence = software(|evidence| evidence.device_id = [0; 32]);
    let refused = AttestationError::AnotherWorker { expected: context_for(&worker()).device_id, got: [0; 32] };
    assert_eq!(appraise(&evidence, &standard(), LEASED_AT), Err(refused));
}

#[test]
fn evidence_counts_from_the_lease_for_as_long_as_the_policy_says() {
    let evidence = evidence_for(&worker());
    let expires_at = LEASED_AT + HOUR_MS;
    assert!(appraise(&evidence, &standard(), LEASED_AT).is_ok());
    assert!(appraise(&evidence, &standard(), expires_at).is_ok());
    let stale = AttestationError::Stale { expires_at, at: expires_at + 1 };
    assert_eq!(appraise(&evidence, &standard(), expires_at + 1), Err(stale));
    let early = AttestationError::BeforeLease { timestamp: LEASED_AT, at: LEASED_AT - 1 };
    assert_eq!(appraise(&evidence, &standard(), LEASED_AT - 1), Err(early));
    let endless = changed(|table| table.evidence_age_ms_max = u64::MAX).unwrap();
    assert_eq!(appraise(&evidence, &endless, u64::MAX).unwrap().expires_at, u64::MAX);
}

#[test]
fn trust_under_the_minimum_is_refused() {
    let strict = changed(|table| table.trust_bps_min = 6001).unwrap();
    let refused = AttestationError::TrustTooLow { expected: 6001, got: 6000 };
    assert_eq!(appraise(&evidence_for(&worker()), &strict, LEASED_AT), Err(refused));
}

#[test]
fn a_policy_needs_kinds_an_age_and_honest_basis_points() {
    assert_eq!(changed(|table| table.allowed = BTreeSet::new()), Err(PolicyError::NothingAllowed));
    assert_eq!(changed(|table| table.evidence_age_ms_max = 0), Err(PolicyError::NoAge));
    type Field = (&'static str, fn(&mut PolicyTable) -> &mut u32);
    let fields: [Field; 12] = [
        ("rows.software", |table| &mut table.rows.software),
        ("rows.verified", |table| &mut table.rows.verified),
        ("rows.hardening", |table| &mut table.rows.hardening),
        ("rows.vendor_token", |table| &mut table.rows.vendor_token),
        ("rows.no_cpu", |table| &mut table.rows.no_cpu),
        ("rows.grace", |table| &mut table.rows.grace),
        ("rows.authentic", |table| &mut table.rows.authentic),
        ("caps.b100_b200", |table| &mut table.caps.b100_b200),
        ("caps.h100_h200", |table| &mut table.caps.h100_h200),
        ("caps.rtx_pro_6000", |table| &mut table.caps.rtx_pro_6000),
        ("caps.other", |table| &mut table.caps.other),
        ("trust_bps_min", |table| &mut table.trust_bps_min),
    ];
    for (field, select) in fields {
        assert_eq!(changed(|table| *select(table) = 10_001), Err(PolicyError::AboveFull { field, got: 10_001 }));
        assert!(changed(|table| *select(table) = 10_000).is_ok(), "{field}");
    }
}

#[test]
fn policies_read_back_and_broken_ones_do_not() {
    let (what, policy) = ("attestation policy", standard());
    let bytes = policy.to_bytes();
    assert_eq!(Policy::from_bytes(&bytes), Ok(policy.clone()));
    for got in 0..bytes.len() {
        assert_eq!(Policy::from_bytes(&bytes[..got]), Err(DecodeError::Truncated { what, got }));
    }
    let extra = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Policy::from_bytes(&extra), Err(DecodeError::TrailingBytes { what, extra: 1 }));
    let twice = [&2_u32.to_le_bytes(), [0_u8, 0].as_slice(), &bytes[9..]].concat();
    let refused = DecodeError::Field { what, source: FieldError::Policy(PolicyError::UnsortedKinds) };
    assert_eq!(Policy::from_bytes(&twice), Err(refused));
    let mut above = bytes;
    above[9..13].copy_from_slice(&10_001_u32.to_le_bytes());
    let error = PolicyError::AboveFull { field: "rows.software", got: 10_001 };
    assert_eq!(Policy::from_bytes(&above), Err(DecodeError::Field { what, source: error.into() }));

    let json = serde_json::to_value(&policy).unwrap();
    assert_eq!(serde_json::from_value::<Policy>(json.clone()).unwrap(), policy);
    let mut unknown = json.clone();
    unknown["mimimum"] = 1.into();
    let error = serde_json::from_value::<Policy>(unknown).unwrap_err().to_string();
    assert!(error.contains("unknown field `mimimum`"), "{error}");
    let mut above = json;
    above["caps"]["other"] = 10_001.into();
    let error = serde_json::from_value::<Policy>(above).unwrap_err().to_string();
    assert!(error.contains("caps.other: expected at most 10000 bps, got 10001"), "{error}");
}

#[test]
fn evidence_reads_back_and_an_unknown_tag_is_named() {
    let (what, evidence) = ("evidence", evidence_for(&worker()));
    let bytes = evidence.to_bytes();
    assert_eq!(bytes[0], EvidenceKind::Software.tag());
    assert_eq!(Evidence::from_bytes(&bytes), Ok(evidence.clone()));
    let json = serde_json::to_string(&evidence).unwrap();
    assert_eq!(serde_json::from_str::<Evidence>(&json).unwrap(), evidence);

    // Tag 128 is that of synthetic devices, which builds without that feature cannot read.
    let known = |tag: u8| tag <= 4 || (cfg!(feature = "synthetic") && tag == 128);
    for tag in (0..=u8::MAX).filter(|tag| !known(*tag)) {
        let mut unknown = bytes.clone();
        unknown[0] = tag;
        let source = FieldError::UnknownTag { field: "evidence", expected: KINDS, got: tag };
        assert_eq!(Evidence::from_bytes(&unknown), Err(DecodeError::Field { what, source }));
    }
    for got in 0..bytes.len() {
        assert_eq!(Evidence::from_bytes(&bytes[..got]), Err(DecodeError::Truncated { what, got }));
    }
    let extra = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Evidence::from_bytes(&extra), Err(DecodeError::TrailingBytes { what, extra: 1 }));
    let refused = DecodeError::TooLong { what, max: 262_144, got: 262_145 };
    assert_eq!(Evidence::from_bytes(&[0; 262_145]), Err(refused));
    let mut long_host = bytes;
    long_host[97..101].copy_from_slice(&129_u32.to_le_bytes());
    let source = FieldError::Text(TextError::TooLong { max: 128, got: 129 });
    assert_eq!(Evidence::from_bytes(&long_host), Err(DecodeError::Field { what, source }));
}

#[test]
fn evidence_is_spent_under_device_and_nonce_and_not_under_its_bytes() {
    let (evidence, reworded) = (evidence_for(&worker()), software(|evidence| evidence.executable_hash = [0; 32]));
    let context = context_for(&worker());
    let expected = EvidenceNullifier { device_identity: context.device_id, request_nonce: context.digest() };
    assert_eq!(evidence.nullifier(), expected);
    assert_eq!(reworded.nullifier(), expected);
    assert_ne!(evidence.digest(), reworded.digest());
}

#[test]
fn an_attester_serves_only_its_own_worker_and_device() {
    let (ours, thief) = (worker(), ml_dsa::SigningKey::from_seed(&[1; 32]));
    let refused = AttesterError::WrongWorker { expected: ours.public_key().id(), got: thief.public_key().id() };
    assert_eq!(attester(&ours).attest(&context_for(&thief)), Err(refused));
    let mut context = context_for(&ours);
    let expected = context.device_id;
    context.device_id = [0; 32];
    assert_eq!(attester(&ours).attest(&context), Err(AttesterError::WrongDevice { expected, got: [0; 32] }));
    assert_eq!(attester(&ours).kind(), EvidenceKind::Software);
}

#[test]
fn a_policy_with_an_unknown_kind_names_it() {
    let mut bytes = standard().to_bytes();
    bytes[8] = 9;
    let source = FieldError::UnknownTag { field: "evidence", expected: KINDS, got: 9 };
    assert_eq!(Policy::from_bytes(&bytes), Err(DecodeError::Field { what: "attestation policy", source }));
}

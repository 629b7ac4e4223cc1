//! Tokens of the vendor's service. No genuine signing keys are public, so tokens that verify are synthetic.

use attestation::evidence::nvidia::{
    appraise::verify_device,
    claims::{CheckKind, DeviceClaims},
    device_chain::{DeviceChain, Family},
    error::NvidiaError,
    report::Report,
    signature::{SignatureError, Verified},
    synthetic::{
        pki::Key,
        token::{TokenSpec, intermediate_pin},
        world::NOW,
    },
    token::{NVIDIA_ISSUER, TokenClaims, TokenError, TokenEvidence, TokenRequirements, verify},
    token_key::TokenKeyError,
};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    honest::{NONCE, world},
    vectors::{SAMPLE_NONCE, bytes},
};

const ISSUED: u64 = NOW - 60_000;

fn spec() -> TokenSpec {
    TokenSpec::new(&[3; 32], &NONCE, 2)
}

fn requirements() -> TokenRequirements {
    TokenRequirements {
        issuer: NVIDIA_ISSUER.to_owned(),
        intermediates: [intermediate_pin()].into(),
        age_ms_max: 2 * 3_600_000,
    }
}

fn check(evidence: &TokenEvidence) -> Result<TokenClaims, TokenError> {
    verify(evidence, &requirements(), &NONCE, NOW)
}

/// The error of tokens whose service stated something else before signing.
fn stated(change: impl FnOnce(&mut TokenSpec)) -> TokenError {
    let mut spec = spec();
    change(&mut spec);
    check(&spec.evidence(|_, _| {})).unwrap_err()
}

/// The error of tokens that were put together differently.
fn assembled(edit: impl FnOnce(&mut Value, &mut Map<String, Value>)) -> TokenError {
    check(&spec().evidence(edit)).unwrap_err()
}

fn overall() -> String {
    "overall".to_owned()
}

fn gpu(number: usize) -> String {
    format!("GPU-{number}")
}

#[test]
fn a_good_token() {
    let claims = check(&spec().evidence(|_, _| {})).unwrap();
    assert_eq!((claims.issued_at_ms, claims.expires_at_ms), (ISSUED, ISSUED + 3_600_000));
    assert_eq!(claims.devices.iter().map(|device| device.name.as_str()).collect::<Vec<_>>(), ["GPU-0", "GPU-1"]);
    assert_eq!(claims.devices[0].driver.as_deref(), Some("590.48.01"));
    // A verifier may let tokens age sooner than they say.
    let short = TokenRequirements { age_ms_max: 120_000, ..requirements() };
    assert_eq!(verify(&spec().evidence(|_, _| {}), &short, &NONCE, NOW).unwrap().expires_at_ms, ISSUED + 120_000);
}

// negative 66
#[test]
fn other_algorithms() {
    for alg in ["none", "HS256", "ES256", "RS256", "es384", "ES512"] {
        let error = stated(|spec| spec.header["alg"] = alg.into());
        assert_eq!(error, TokenError::Algorithm { token: overall(), got: alg.to_owned() });
    }
    // Without a signature at all, as the vendor's local verifier writes it.
    let unsigned = assembled(|_, detached| {
        let claims = detached["GPU-0"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        let header = Base64UrlUnpadded::encode_string(br#"{"alg":"none"}"#);
        detached.insert(gpu(0), format!("{header}.{claims}.").into());
    });
    assert_eq!(unsigned, TokenError::Digest { token: gpu(0) });
    assert_eq!(stated(|spec| spec.header["crit"] = json!(["b64"])), TokenError::Critical { token: overall() });
    let stranger = {
        let keys = spec().key_set();
        let mut spec = spec();
        spec.key = Key::derive(&[1; 32], "stranger");
        let mut evidence = spec.evidence(|_, _| {});
        evidence.key_set = keys.to_string().into_bytes();
        check(&evidence).unwrap_err()
    };
    assert_eq!(stranger, TokenError::Signature { token: overall(), source: SignatureError::Mismatch });
}

// negative 67
#[test]
fn keys_that_do_not_count() {
    let kid = "nv-eat-kid-prod-other".to_owned();
    let unknown = stated(|spec| spec.header["kid"] = kid.clone().into());
    assert_eq!(unknown, TokenError::UnknownKey { token: overall(), kid });
    let with_keys = |change: fn(&mut Value)| {
        let mut evidence = spec().evidence(|_, _| {});
        let mut keys = spec().key_set();
        change(&mut keys);
        evidence.key_set = keys.to_string().into_bytes();
        check(&evidence).unwrap_err()
    };
    let twice = with_keys(|keys| {
        let key = keys["keys"][0].clone();
        keys["keys"].as_array_mut().unwrap().push(key);
    });
    assert_eq!(twice, TokenError::UnknownKey { token: overall(), kid: spec().kid });
    let key = |source| TokenError::Key { token: overall(), source };
    let bare = with_keys(|keys| drop(keys["keys"][0].as_object_mut().unwrap().remove("x5c")));
    assert_eq!(bare, key(TokenKeyError::Malformed));
    // The leaf of another key under the intermediate's certificate, whose signature is then another's.
    let moved = with_keys(|keys| {
        let text = keys["keys"][0]["x5c"][0].as_str().unwrap().to_owned();
        let mut der = Base64::decode_vec(&text).unwrap();
        let last = der.len() - 1;
        der[last] ^= 1;
        keys["keys"][0]["x5c"][0] = Base64::encode_string(&der).into();
    });
    assert_eq!(moved, key(TokenKeyError::Signature));
    let swapped = with_keys(|keys| keys["keys"][0]["x5c"].as_array_mut().unwrap().swap(0, 1));
    assert!(matches!(swapped, TokenError::Key { source: TokenKeyError::IntermediateNotPinned { .. }, .. }));
    let other = TokenRequirements { intermediates: [[7; 32]].into(), ..requirements() };
    let error = verify(&spec().evidence(|_, _| {}), &other, &NONCE, NOW).unwrap_err();
    assert_eq!(error, key(TokenKeyError::IntermediateNotPinned { got: intermediate_pin() }));
    let (not_before, not_after) = (ISSUED - 10_000, ISSUED - 1000);
    let expired = stated(|spec| spec.validity = (not_before, not_after));
    assert_eq!(expired, key(TokenKeyError::Validity { index: 0, not_before, not_after, at: ISSUED }));
}

// negative 68
#[test]
fn times_and_issuers() {
    let seconds = NOW / 1000;
    let expired = stated(|spec| spec.overall["exp"] = seconds.into());
    assert_eq!(expired, TokenError::Expired { token: overall(), expires_at: NOW, at: NOW });
    let from = NOW + 1000;
    for claim in ["nbf", "iat"] {
        let early = stated(|spec| spec.overall[claim] = (seconds + 1).into());
        assert_eq!(early, TokenError::NotYetValid { token: overall(), from, at: NOW }, "{claim}");
    }
    let device = stated(|spec| spec.devices[1].1["exp"] = (seconds - 5).into());
    assert_eq!(device, TokenError::Expired { token: gpu(1), expires_at: NOW - 5000, at: NOW });
    let staging = "https://nras.attestation-stg.nvidia.com";
    let issuer = |token| TokenError::Issuer { token, expected: NVIDIA_ISSUER.to_owned(), got: staging.to_owned() };
    assert_eq!(stated(|spec| spec.overall["iss"] = staging.into()), issuer(overall()));
    assert_eq!(stated(|spec| spec.devices[0].1["iss"] = staging.into()), issuer(gpu(0)));
    let subject = TokenError::Subject { got: "other".to_owned() };
    assert_eq!(stated(|spec| spec.overall["sub"] = "other".into()), subject);
}

// negative 69
#[test]
fn parts_that_do_not_belong_together() {
    let digest = TokenError::Digest { token: gpu(0) };
    let swapped = assembled(|_, detached| {
        let other = detached["GPU-1"].clone();
        detached.insert(gpu(0), other);
    });
    assert_eq!(swapped, digest);
    assert_eq!(assembled(|overall, _| overall["submods"]["GPU-0"][1][0] = "SHA-1".into()), digest);
    assert_eq!(assembled(|overall, _| overall["submods"]["GPU-0"][0] = "JWT".into()), digest);
    let missing = assembled(|_, detached| drop(detached.remove("GPU-1")));
    assert_eq!(missing, TokenError::Devices);
    let extra = assembled(|_, detached| {
        let other = detached["GPU-1"].clone();
        detached.insert(gpu(2), other);
    });
    assert_eq!(extra, TokenError::Devices);
    assert_eq!(stated(|spec| spec.devices.clear()), TokenError::Count { got: 0 });
    // Another session's device token, committed to by an overall token of this one.
    let other = const_hex::encode([9; 32]);
    let session = stated(|spec| spec.devices[1].1["eat_nonce"] = other.clone().into());
    assert_eq!(session, TokenError::Nonce { token: gpu(1) });
    let replayed = stated(|spec| spec.overall["eat_nonce"] = other.into());
    assert_eq!(replayed, TokenError::Nonce { token: overall() });
}

// negative 70
#[test]
fn results_that_are_not_success() {
    for value in [json!(false), Value::Null] {
        let error = stated(|spec| spec.overall["x-nvidia-overall-att-result"] = value);
        assert_eq!(error, TokenError::OverallResult);
    }
    let claim = |claim, expected| TokenError::Claim { token: gpu(0), claim, expected };
    let device = |name: &str, value: Value| stated(|spec| spec.devices[0].1[name] = value);
    assert_eq!(device("measres", "fail".into()), claim("measres", "success"));
    assert_eq!(device("measres", "not-run".into()), claim("measres", "success"));
    assert_eq!(device("secboot", Value::Null), claim("secboot", "true"));
    assert_eq!(device("secboot", json!(false)), claim("secboot", "true"));
    assert_eq!(device("dbgstat", "enabled".into()), claim("dbgstat", "disabled"));
    assert_eq!(device("dbgstat", Value::Null), claim("dbgstat", "disabled"));
    let twice = stated(|spec| {
        let ueid = spec.devices[0].1["ueid"].clone();
        spec.devices[1].1["ueid"] = ueid;
    });
    let ueid = spec().devices[0].1["ueid"].as_str().unwrap().to_owned();
    assert_eq!(twice, TokenError::DuplicateDevice { token: gpu(1), ueid });
}

#[test]
fn bytes_that_are_no_token() {
    let evidence = |token: &[u8]| TokenEvidence { token: token.to_vec(), key_set: br#"{"keys":[]}"#.to_vec() };
    assert_eq!(check(&evidence(b"{}")).unwrap_err(), TokenError::Json { part: "token", line: 1, column: 0 });
    let long = TokenError::TooLong { part: "token", max: 131_072, got: 131_073 };
    assert_eq!(check(&evidence(&[b' '; 131_073])).unwrap_err(), long);
    for token in [r#"[["CWT","a.b.c"],{}]"#, r#"[["JWT","a.b"],{}]"#, r#"[["JWT","a.b.c"],{}]"#] {
        assert_eq!(check(&evidence(token.as_bytes())).unwrap_err(), TokenError::Compact { token: overall() });
    }
}

// negative 67, 68: the genuine samples, whose keys are not public.
#[test]
fn genuine_tokens_have_no_key() {
    let folder = "attestation-sdk/testdata/sample_attestation_data";
    for (file, kid, issued) in [
        (
            "hopperClaimsv3_detached_eat.json",
            "nv-eat-kid-prod-20250609211310110-93b13aa1-17e4-4c14-9d33-dba2323329f2",
            1_749_601_858_000,
        ),
        (
            "switch_detached_eat.json",
            "nv-eat-kid-stg-20250627231638491-8672ea89-c14a-4202-924a-4e4297b7c7f1",
            1_751_155_060_000_u64,
        ),
    ] {
        let Some(token) = bytes(&format!("{folder}/{file}")) else { return };
        let evidence = TokenEvidence { token: token.clone(), key_set: br#"{"keys":[]}"#.to_vec() };
        let nonce = attestation::hex::decode(SAMPLE_NONCE).unwrap();
        let error = verify(&evidence, &requirements(), &nonce, issued + 1000).unwrap_err();
        assert_eq!(error, TokenError::UnknownKey { token: overall(), kid: kid.to_owned() });
        // The overall token commits to the device token as it stands.
        let value: Value = serde_json::from_slice(&token).unwrap();
        let claims = value[0][1].as_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap();
        for (name, device) in value[1].as_object().unwrap() {
            let digest = <sha2::Sha256 as sha2::Digest>::digest(device.as_str().unwrap());
            assert_eq!(claims["submods"][name][1][1], const_hex::encode(digest));
        }
    }
}

proptest! {
    #[test]
    fn reading_is_total(token in proptest::collection::vec(any::<u8>(), 0..200), key_set in "\\PC{0,200}") {
        let _ = check(&TokenEvidence { token, key_set: key_set.into_bytes() });
    }
}

/// A device whose manifests nobody pinned, and its token after `change`.
fn vouched(change: impl FnOnce(&mut TokenSpec)) -> Result<DeviceClaims, NvidiaError> {
    let world = world();
    let device = world.device(Family::Gh100, 0);
    let mut collateral = world.collateral(std::slice::from_ref(&device));
    let mut requirements = world.requirements(&collateral);
    requirements.manifests.clear();
    requirements.tokens = self::requirements();
    let evidence = device.evidence(&NONCE);
    let report = Report::parse(&evidence.report).unwrap();
    let chain = DeviceChain::verify(&evidence.chain, &requirements.device_root, NOW, &mut Verified::default()).unwrap();
    let mut spec = TokenSpec::about(&[3; 32], &chain, &report);
    change(&mut spec);
    collateral.tokens = vec![spec.evidence(|_, _| {})];
    verify_device(&evidence, &collateral, &requirements, &NONCE, NOW)
}

#[test]
fn a_token_vouches_for_a_device_without_manifests() {
    let claims = vouched(|_| {}).unwrap();
    let values = &claims.reference_values;
    assert!(!values.complete());
    assert_eq!(values.token.as_ref().unwrap().devices.len(), 1);
    assert_eq!(claims.expires_at_ms, ISSUED + 3_600_000);
    assert!(claims.checks.iter().any(|check| check.kind == CheckKind::VendorToken));
    // A token for another nonce is another device's: it neither helps nor harms.
    let other = vouched(|spec| {
        let nonce = attestation::hex::encode(&[0x77; 32]);
        spec.overall["eat_nonce"] = nonce.trim_start_matches("0x").into();
    });
    assert_eq!(other.unwrap().reference_values.token, None);
}

#[test]
fn a_token_about_another_device_with_the_same_nonce() {
    let of = |claim: &'static str, value: Value| vouched(|spec| spec.devices[0].1[claim] = value).unwrap_err();
    for (claim, field) in [
        ("ueid", "ueid"),
        ("hwmodel", "hwmodel"),
        ("x-nvidia-gpu-vbios-version", "vbios version"),
        ("x-nvidia-gpu-driver-version", "driver version"),
    ] {
        let error = of(claim, "1".into());
        let NvidiaError::TokenDevice { position: 0, field: got, got: stated, .. } = error else { panic!("{error:?}") };
        assert_eq!((got, stated.as_str()), (field, "1"));
    }
    let error = of("x-nvidia-gpu-driver-version", Value::Null);
    assert!(matches!(error, NvidiaError::TokenDevice { field: "driver version", .. }), "{error:?}");
    let error = vouched(|spec| {
        let mut second = spec.devices[0].1.clone();
        second["ueid"] = "2".into();
        spec.devices.push((gpu(1), second));
    });
    let expected =
        NvidiaError::TokenDevice { position: 0, field: "devices", expected: "1".to_owned(), got: "2".to_owned() };
    assert_eq!(error.unwrap_err(), expected);
}

#[test]
fn a_bad_token_is_refused_and_one_that_nobody_asked_for_is_not_looked_at() {
    let error = vouched(|spec| spec.devices[0].1["measres"] = "fail".into()).unwrap_err();
    let source = TokenError::Claim { token: gpu(0), claim: "measres", expected: "success" };
    assert_eq!(error, NvidiaError::Token { position: 0, source });
    let world = world();
    let device = world.device(Family::Gh100, 0);
    let mut collateral = world.collateral(std::slice::from_ref(&device));
    let requirements = world.requirements(&collateral);
    let junk = TokenEvidence { token: b"junk".to_vec(), key_set: vec![] };
    collateral.tokens = vec![junk.clone()];
    // Neither a policy without intermediates nor a device with manifests needs it.
    assert!(verify_device(&device.evidence(&NONCE), &collateral, &requirements, &NONCE, NOW).is_ok());
    collateral.tokens = vec![junk; 17];
    let error = verify_device(&device.evidence(&NONCE), &collateral, &requirements, &NONCE, NOW).unwrap_err();
    assert_eq!(error, NvidiaError::TooMany { field: "tokens", max: 16, got: 17 });
}

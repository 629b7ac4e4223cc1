//! Revocation: responses and lists that must be refused, or that say so.

use attestation::evidence::nvidia::{
    appraise::verify_device,
    certificate::Certificate,
    crl::{Crl, CrlError},
    device_chain::Family,
    error::NvidiaError,
    ocsp::{OcspError, OcspResponse, ResponseStatus},
    revocation::{RevocationError, RevocationSource},
    signature::{SignatureError, Verified},
    synthetic::{
        device::Device,
        pki::{DIGITAL_SIGNATURE, Key},
        status::{ListSpec, ResponseSpec, StatusSpec},
        world::NOW,
    },
};
use proptest::prelude::*;

use crate::honest::{NONCE, world};

const DAY: u64 = 86_400_000;
const HOUR: u64 = 3_600_000;
/// When every synthetic response was made.
const MADE: u64 = NOW - HOUR;

/// The identity certificate and its issuer, about which all responses here speak.
struct Subject {
    device: Device,
    target: Certificate,
    issuer: Certificate,
}

fn subject() -> Subject {
    let device = world().device(Family::Gh100, 0);
    let ders = device.certificates();
    let read = |index: usize| Certificate::from_der(&ders[index]).unwrap();
    Subject { target: read(1), issuer: read(2), device }
}

fn response(subject: &Subject) -> ResponseSpec {
    world().responses(&subject.device.chain, 1).remove(0)
}

fn at(time: u64, change: impl FnOnce(&mut ResponseSpec)) -> Result<u64, OcspError> {
    let subject = subject();
    let mut spec = response(&subject);
    change(&mut spec);
    let parsed = OcspResponse::parse(&spec.to_der())?;
    parsed.verify(&subject.target, &subject.issuer, time, 7 * DAY, &mut Verified::default())
}

fn refused(change: impl FnOnce(&mut ResponseSpec)) -> OcspError {
    at(NOW, change).unwrap_err()
}

// negative 36
#[test]
fn certificates_that_are_not_good() {
    assert_eq!(at(NOW, |_| {}), Ok(MADE + DAY));
    let revoked_at = MADE - DAY;
    let revoked = OcspError::Revoked { revoked_at };
    assert_eq!(refused(|spec| spec.status = StatusSpec::Revoked(revoked_at, None)), revoked);
    assert_eq!(refused(|spec| spec.status = StatusSpec::Revoked(revoked_at, Some(1))), revoked);
    let hold = OcspError::Hold { since: revoked_at };
    assert_eq!(refused(|spec| spec.status = StatusSpec::Revoked(revoked_at, Some(6))), hold);
    assert_eq!(refused(|spec| spec.status = StatusSpec::Unknown), OcspError::Unknown);
    // A reason that does not exist is not read as none.
    assert_eq!(refused(|spec| spec.status = StatusSpec::Revoked(revoked_at, Some(99))), OcspError::Malformed);
}

// negative 37
#[test]
fn responses_out_of_time() {
    let time = |time| at(time, |_| {});
    assert_eq!(time(MADE - 1), Err(OcspError::Future { this_update: MADE, at: MADE - 1 }));
    assert_eq!(time(MADE), Ok(MADE + DAY));
    assert_eq!(time(MADE + DAY), Ok(MADE + DAY));
    let late = OcspError::Stale { expires_at: MADE + DAY, at: MADE + DAY + 1 };
    assert_eq!(time(MADE + DAY + 1), Err(late));
    assert_eq!(refused(|spec| spec.next_update = None), OcspError::NoNextUpdate);
    // A response good for a year lapses by the verifier's maximum age.
    let year = |spec: &mut ResponseSpec| spec.next_update = Some(MADE + 365 * DAY);
    assert_eq!(at(NOW, year), Ok(MADE + 7 * DAY));
    let stale = OcspError::Stale { expires_at: MADE + 7 * DAY, at: MADE + 8 * DAY };
    assert_eq!(at(MADE + 8 * DAY, year), Err(stale));
}

// negative 38
#[test]
fn responders_that_may_not_speak() {
    let subject = subject();
    // Certified by the root, which did not issue the target.
    let other = refused(|spec| {
        let responder = spec.responder.as_mut().unwrap();
        responder.spec.issuer = world().device_root.spec.subject.clone();
        responder.spec.authority_key = world().device_root.spec.subject_key.clone();
        spec.issuer = world().device_root.key.clone();
    });
    assert_eq!(other, OcspError::ResponderIssuer);
    let stranger = refused(|spec| spec.issuer = Key::derive(&[1; 32], "stranger"));
    assert_eq!(stranger, OcspError::ResponderIssuer);
    // The target speaks for itself: an end entity key that its issuer certified, but not for this.
    let own = refused(|spec| {
        let mut own = subject.device.chain[1].clone();
        own.spec.constraints = None;
        own.spec.key_usage = DIGITAL_SIGNATURE;
        spec.responder = Some(own);
    });
    assert_eq!(own, OcspError::ResponderUsage);
    let usage = |change: fn(&mut ResponseSpec)| assert_eq!(refused(change), OcspError::ResponderUsage);
    usage(|spec| spec.responder.as_mut().unwrap().spec.purposes.clear());
    usage(|spec| spec.responder.as_mut().unwrap().spec.extensions.clear());
    usage(|spec| spec.responder.as_mut().unwrap().spec.constraints = Some((true, None)));
    usage(|spec| spec.responder.as_mut().unwrap().spec.key_usage = 0x04);
    let not_after = NOW - 1000;
    let expired = refused(|spec| spec.responder.as_mut().unwrap().spec.not_after = not_after);
    let not_before = subject.device.chain[1].spec.not_before;
    assert_eq!(expired, OcspError::ResponderValidity { not_before, not_after, at: NOW });
    // The issuer itself may answer.
    assert_eq!(at(NOW, |spec| spec.responder = None), Ok(MADE + DAY));
}

// negative 39
#[test]
fn responses_about_something_else() {
    assert_eq!(refused(|spec| spec.serial[8] ^= 1), OcspError::OtherSerial);
    assert_eq!(refused(|spec| spec.issuer_name.push('2')), OcspError::OtherIssuer);
    assert_eq!(refused(|spec| spec.issuer_key[100] ^= 1), OcspError::OtherIssuer);
    // In an appraisal such a response speaks for nobody, so the certificate stays without one.
    let subject = subject();
    let mut collateral = world().collateral(std::slice::from_ref(&subject.device));
    let requirements = world().requirements(&collateral);
    let mut other = response(&subject);
    other.serial[8] ^= 1;
    let own = response(&subject).serial;
    collateral
        .ocsp_responses
        .retain(|der| OcspResponse::parse(der).unwrap().check_target(&subject.target, &subject.issuer).is_err());
    assert_ne!(own, other.serial);
    collateral.ocsp_responses.push(other.to_der());
    let verify = |requirements| verify_device(&subject.device.evidence(&NONCE), &collateral, requirements, &NONCE, NOW);
    let missing = NvidiaError::DeviceRevocation(RevocationError::Missing { index: 1 });
    assert_eq!(verify(&requirements).unwrap_err(), missing);
    let mut lenient = requirements.clone();
    lenient.revocation_required = false;
    assert_eq!(verify(&lenient).unwrap().revocation, RevocationSource::NotChecked);
}

// negative 40
#[test]
fn responses_that_are_not_signed_or_not_answers() {
    let subject = subject();
    let spec = response(&subject);
    let mut other = spec.clone();
    other.responder.as_mut().unwrap().key = Key::derive(&[1; 32], "stranger");
    let parsed = OcspResponse::parse(&other.to_der()).unwrap();
    let error = parsed.verify(&subject.target, &subject.issuer, NOW, DAY, &mut Verified::default()).unwrap_err();
    assert_eq!(error, OcspError::Signature(SignatureError::Mismatch));
    for (code, status) in [
        (1, ResponseStatus::MalformedRequest),
        (2, ResponseStatus::InternalError),
        (3, ResponseStatus::TryLater),
        (5, ResponseStatus::SigRequired),
        (6, ResponseStatus::Unauthorized),
    ] {
        assert_eq!(refused(|spec| spec.response_status = code), OcspError::Status { status });
    }
    assert_eq!(refused(|spec| spec.response_status = 4), OcspError::Malformed);
    let der = spec.to_der();
    assert_eq!(OcspResponse::parse(&der[..der.len() - 1]), Err(OcspError::Malformed));
    assert_eq!(OcspResponse::parse(&[&der[..], &[0]].concat()), Err(OcspError::Malformed));
    assert_eq!(OcspResponse::parse(&[0; 4097]), Err(OcspError::TooLong { max: 4096, got: 4097 }));
}

fn list(change: impl FnOnce(&mut ListSpec), time: u64) -> Result<u64, CrlError> {
    let subject = subject();
    // The family's list speaks about provisioners.
    let ders = subject.device.certificates();
    let (target, issuer) = (Certificate::from_der(&ders[2]).unwrap(), Certificate::from_der(&ders[3]).unwrap());
    let mut spec = ListSpec::new(&subject.device.chain[3], MADE);
    change(&mut spec);
    Crl::parse(&spec.to_der())?.verify(&target, &issuer, time, &mut Verified::default())
}

// negative 36, 37, 40, 41
#[test]
fn lists() {
    let expires_at = MADE + 60 * DAY;
    assert_eq!(list(|_| {}, NOW), Ok(expires_at));
    let serial = subject().device.chain[2].spec.serial.clone();
    let revoked = |reason| list(|spec| spec.revoked = vec![(vec![1], 0, None), (serial.clone(), MADE, reason)], NOW);
    assert_eq!(revoked(None), Err(CrlError::Revoked { revoked_at: MADE }));
    assert_eq!(revoked(Some(4)), Err(CrlError::Revoked { revoked_at: MADE }));
    assert_eq!(revoked(Some(6)), Err(CrlError::Hold { since: MADE }));
    assert_eq!(list(|spec| spec.revoked = vec![(vec![1], MADE, None)], NOW), Ok(expires_at));
    let future = CrlError::Future { this_update: MADE, at: MADE - 1 };
    assert_eq!(list(|_| {}, MADE - 1), Err(future));
    assert_eq!(list(|_| {}, expires_at + 1), Err(CrlError::Stale { expires_at, at: expires_at + 1 }));
    assert_eq!(list(|spec| spec.next_update = None, NOW), Err(CrlError::NoNextUpdate));
    let other_family = list(|spec| *spec = ListSpec::new(&world().upper(Family::Gb100)[1], MADE), NOW);
    assert_eq!(other_family, Err(CrlError::OtherIssuer));
    let stranger = list(|spec| spec.key = Key::derive(&[1; 32], "stranger"), NOW);
    assert_eq!(stranger, Err(CrlError::Signature(SignatureError::Mismatch)));
    let oid = der::oid::db::rfc5280::ID_CE_CRL_NUMBER;
    assert_eq!(list(|spec| spec.critical = true, NOW), Err(CrlError::UnknownCritical { oid }));
    let der = ListSpec::new(&subject().device.chain[3], MADE).to_der();
    assert_eq!(Crl::parse(&der[1..]), Err(CrlError::Malformed));
    assert_eq!(Crl::parse(&vec![0; 131_073]), Err(CrlError::TooLong { max: 131_072, got: 131_073 }));
    // A key that may not sign lists.
    let subject = subject();
    let spec = ListSpec::new(&subject.device.chain[1], MADE);
    let target = Certificate::from_der(&subject.device.certificates()[0]).unwrap();
    let parsed = Crl::parse(&spec.to_der()).unwrap();
    let error = parsed.verify(&target, &subject.target, NOW, &mut Verified::default()).unwrap_err();
    assert_eq!(error, CrlError::IssuerUsage);
}

// negative 36, 41
#[test]
fn one_bad_statement_outweighs_good_ones() {
    let subject = subject();
    let collateral = world().collateral(std::slice::from_ref(&subject.device));
    let requirements = world().requirements(&collateral);
    let mut bad = response(&subject);
    bad.status = StatusSpec::Revoked(MADE, Some(1));
    let mut with = collateral.clone();
    with.ocsp_responses.push(bad.to_der());
    let evidence = subject.device.evidence(&NONCE);
    let source = OcspError::Revoked { revoked_at: MADE };
    let error = NvidiaError::DeviceRevocation(RevocationError::Ocsp { index: 1, source });
    assert_eq!(verify_device(&evidence, &with, &requirements, &NONCE, NOW).unwrap_err(), error);
    let mut with = collateral.clone();
    let mut list = ListSpec::new(&subject.device.chain[4], MADE);
    list.revoked = vec![(subject.device.chain[3].spec.serial.clone(), MADE, None)];
    with.revocation_lists.push(list.to_der());
    let source = CrlError::Revoked { revoked_at: MADE };
    let error = NvidiaError::DeviceRevocation(RevocationError::Crl { index: 3, source });
    assert_eq!(verify_device(&evidence, &with, &requirements, &NONCE, NOW).unwrap_err(), error);
    // The signer of a manifest is on hold.
    let signer = world().responses(&world().manifest_chain, 0).remove(0);
    let mut hold = signer;
    hold.status = StatusSpec::Revoked(MADE, Some(6));
    let mut with = collateral.clone();
    with.ocsp_responses.push(hold.to_der());
    let source = RevocationError::Ocsp { index: 0, source: OcspError::Hold { since: MADE } };
    let id = collateral.manifests[0].id.clone();
    let error = verify_device(&evidence, &with, &requirements, &NONCE, NOW).unwrap_err();
    assert_eq!(error, NvidiaError::ManifestRevocation { id, source });
    // Lists of another family speak for nobody.
    let mut with = collateral.clone();
    with.ocsp_responses.clear();
    with.revocation_lists = world().lists(Family::Gb100)[..1].iter().map(ListSpec::to_der).collect();
    let error = verify_device(&evidence, &with, &requirements, &NONCE, NOW).unwrap_err();
    assert_eq!(error, NvidiaError::DeviceRevocation(RevocationError::Missing { index: 2 }));
}

proptest! {
    #[test]
    fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let _ = OcspResponse::parse(&bytes);
        let _ = Crl::parse(&bytes);
    }

    #[test]
    fn no_mutation_of_a_response_verifies(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        static CASE: std::sync::LazyLock<(Subject, Vec<u8>)> = std::sync::LazyLock::new(|| {
            let subject = subject();
            let der = response(&subject).to_der();
            (subject, der)
        });
        let (subject, der) = &*CASE;
        let mut der = der.clone();
        let length = der.len();
        let place = &mut der[position.index(length)];
        prop_assume!(*place != byte);
        *place = byte;
        if let Ok(parsed) = OcspResponse::parse(&der) {
            prop_assert!(parsed.verify(&subject.target, &subject.issuer, NOW, DAY, &mut Verified::default()).is_err());
        }
    }
}

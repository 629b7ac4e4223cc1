//! Manifests that must be refused, and measurements that differ.

use attestation::evidence::nvidia::{
    appraise::verify_device,
    chain::{ChainError, Clock},
    claims::{CheckKind, CheckResult},
    compare::{CompareError, compare},
    device_chain::Family,
    error::NvidiaError,
    report::Report,
    requirements::{NvidiaCollateral, Requirements},
    rim::{Rim, RimError},
    signature::{SignatureError, Verified},
    synthetic::{
        device::Device,
        manifest::{ManifestSpec, ROOT_END, ResourceSpec},
        pki::Key,
        world::{NOW, driver_indices, extend_counts, vbios_indices},
    },
    xml::XmlError,
    xml_signature::XmlSignatureError,
};
use base64ct::{Base64, Encoding};
use proptest::prelude::*;

use crate::honest::{NONCE, world};

fn spec() -> ManifestSpec {
    world().manifests(Family::Gh100).remove(0)
}

fn verify(document: &[u8]) -> Result<Rim, RimError> {
    let root = world().manifest_chain[3].key.fingerprint();
    Rim::verify(document, &root, Clock { at: NOW, grace: 0 }, &mut Verified::default())
}

fn refused(document: &str) -> RimError {
    verify(document.as_bytes()).unwrap_err()
}

fn signature(error: RimError) -> XmlSignatureError {
    match error {
        RimError::Signature(error) => error,
        other => panic!("{other}"),
    }
}

/// The error of a document that somebody edited after it was signed.
fn edited(from: &str, to: &str) -> RimError {
    let document = String::from_utf8(spec().document()).unwrap();
    assert!(document.contains(from), "{from}");
    refused(&document.replacen(from, to, 1))
}

/// The error of a document whose signer changed the body before signing.
fn authored(change: impl FnOnce(&mut ManifestSpec)) -> RimError {
    let mut spec = spec();
    change(&mut spec);
    verify(&spec.document()).unwrap_err()
}

/// The error of a document whose signer changed SignedInfo or KeyInfo before signing.
fn resigned(change: impl FnOnce(String, String) -> (String, String)) -> XmlSignatureError {
    let spec = spec();
    let body = spec.body();
    let (info, key_info) = change(ManifestSpec::signed_info(&body), spec.key_info());
    signature(refused(&format!("{body}{}{ROOT_END}", spec.signature(&info, &key_info))))
}

fn replaced(from: &'static str, to: &'static str) -> XmlSignatureError {
    resigned(|info, key_info| {
        assert!(info.contains(from), "{from}");
        (info.replacen(from, to, 1), key_info)
    })
}

// negative 24
#[test]
fn edits_of_what_is_signed() {
    let first = spec().resources[7].values[0].clone();
    let other = format!("{}{}", if first.starts_with('0') { '1' } else { '0' }, &first[1..]);
    for (from, to) in [
        (first.as_str(), other.as_str()),
        ("active=\"False\"", "active=\"True\""),
        ("colloquialVersion=\"590", "colloquialVersion=\"591"),
        ("name=\"Measurement_3\"", "name=\"Measurement_4\""),
        ("\n</ns0:Payload>", "</ns0:Payload>"),
    ] {
        assert_eq!(signature(edited(from, to)), XmlSignatureError::Digest, "{from}");
    }
}

// negative 25
#[test]
fn edits_of_signed_info() {
    let body = spec().body();
    let digest = |body: &str| {
        let info = ManifestSpec::signed_info(body);
        info.split("<ds:DigestValue>").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    // Body and digest changed together: only the signature over SignedInfo stands in the way.
    let other = body.replacen("active=\"False\"", "active=\"True\"", 1);
    let document = String::from_utf8(spec().document()).unwrap();
    let document = document.replacen(&body, &other, 1).replacen(&digest(&body), &digest(&other), 1);
    assert_eq!(signature(refused(&document)), XmlSignatureError::Signature(SignatureError::Mismatch));
    // White space inside SignedInfo is signed too.
    let spaced = signature(edited("<ds:SignedInfo>", "<ds:SignedInfo>\n"));
    assert_eq!(spaced, XmlSignatureError::Signature(SignatureError::Mismatch));
    let value = XmlSignatureError::Value { element: "SignatureValue", expected: 96 };
    assert_eq!(signature(edited("<ds:SignatureValue>", "<ds:SignatureValue>AAAA")), value);
    let value = XmlSignatureError::Value { element: "DigestValue", expected: 48 };
    assert_eq!(signature(edited("<ds:DigestValue>", "<ds:DigestValue>*")), value);
}

// negative 26
#[test]
fn keys_beside_the_chain() {
    let mut spec = spec();
    let body = spec.body();
    let key_info = spec.key_info();
    // A stranger signs and shows the vendor's certificates.
    spec.chain[0].key = Key::derive(&[8; 32], "stranger");
    let stranger = spec.signature(&ManifestSpec::signed_info(&body), &key_info);
    let error = signature(refused(&format!("{body}{stranger}{ROOT_END}")));
    assert_eq!(error, XmlSignatureError::Signature(SignatureError::Mismatch));
    let children = XmlSignatureError::Children { parent: "KeyInfo", expected: "X509Data" };
    for value in ["<ds:KeyInfo><ds:KeyValue></ds:KeyValue>", "<ds:KeyInfo><ds:KeyName></ds:KeyName>"] {
        assert_eq!(resigned(|info, key| (info, key.replacen("<ds:KeyInfo>", value, 1))), children);
    }
    let data = XmlSignatureError::Children { parent: "X509Data", expected: "X509Certificate, four times" };
    let subject = "<ds:X509Data><ds:X509SubjectName></ds:X509SubjectName>";
    assert_eq!(resigned(|info, key| (info, key.replacen("<ds:X509Data>", subject, 1))), data);
    let one = "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate>";
    let count = XmlSignatureError::Chain(ChainError::Count { expected: 4, got: 5 });
    assert_eq!(resigned(|info, key| (info, key.replacen("<ds:X509Data>", one, 1))), count);
    let text = "<ds:X509Data><ds:X509Certificate>*</ds:X509Certificate>";
    let text = resigned(|info, key| (info, key.replacen("<ds:X509Data>", text, 1)));
    assert_eq!(text, XmlSignatureError::CertificateText { index: 0 });
}

// negative 27
#[test]
fn wrapping_and_moving() {
    assert_eq!(replaced("URI=\"\"", "URI=\"#payload\""), XmlSignatureError::Reference);
    assert_eq!(replaced("<ds:Reference URI=\"\">", "<ds:Reference>"), XmlSignatureError::Reference);
    assert_eq!(replaced("URI=\"\"", "Id=\"a\" URI=\"\""), XmlSignatureError::Reference);
    let two = resigned(|info, key| {
        let reference = &info[info.find("<ds:Reference").unwrap()..info.find("</ds:SignedInfo>").unwrap()];
        (info.replacen("</ds:SignedInfo>", &format!("{reference}</ds:SignedInfo>"), 1), key)
    });
    let expected = "CanonicalizationMethod, SignatureMethod, Reference";
    assert_eq!(two, XmlSignatureError::Children { parent: "SignedInfo", expected });

    let spec = spec();
    let (body, info) = (spec.body(), ManifestSpec::signed_info(&spec.body()));
    let one = spec.signature(&info, &spec.key_info());
    let twice = refused(&format!("{body}{one}{one}{ROOT_END}"));
    assert_eq!(signature(twice), XmlSignatureError::Count { got: 2 });
    assert_eq!(signature(refused(&format!("{body}{ROOT_END}"))), XmlSignatureError::Count { got: 0 });
    // The signed document as a child of another one, with a payload of the attacker's beside it.
    let wrapped = format!("{}{}{ROOT_END}", &body[..body.find("<ns0:Payload").unwrap()], document_text(&spec));
    assert_eq!(signature(refused(&wrapped)), XmlSignatureError::Place);
    // The signature inside the payload, and the payload after the signature.
    let inside = body.replacen("\n</ns0:Payload>", &format!("{one}</ns0:Payload>"), 1);
    assert_eq!(signature(refused(&format!("{inside}{ROOT_END}"))), XmlSignatureError::Place);
    let (head, payload) = body.split_at(body.find("<ns0:Payload").unwrap());
    assert_eq!(refused(&format!("{head}{one}{payload}{ROOT_END}")), RimError::Structure);
    // A second payload, validly signed.
    let two = body.replacen("<ns0:Payload", "<ns0:Payload></ns0:Payload><ns0:Payload", 1);
    let one = spec.signature(&ManifestSpec::signed_info(&two), &spec.key_info());
    assert_eq!(refused(&format!("{two}{one}{ROOT_END}")), RimError::Structure);
}

fn document_text(spec: &ManifestSpec) -> String {
    String::from_utf8(spec.document()).unwrap()
}

// negative 28
#[test]
fn other_algorithms() {
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let c14n = "http://www.w3.org/2006/12/xml-c14n11";
    let algorithm = |element, expected| XmlSignatureError::Algorithm { element, expected };
    let canonicalisation = replaced("xml-c14n11", "xml-c14n11#WithComments");
    assert_eq!(canonicalisation, algorithm("CanonicalizationMethod", c14n));
    let method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
    assert_eq!(replaced("more#ecdsa-sha384", "more#ecdsa-sha256"), algorithm("SignatureMethod", method));
    assert_eq!(replaced("more#ecdsa-sha384", "more#hmac-sha384"), algorithm("SignatureMethod", method));
    let digest = "http://www.w3.org/2001/04/xmldsig-more#sha384";
    assert_eq!(replaced("more#sha384", "more#sha224"), algorithm("DigestMethod", digest));
    let enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
    assert_eq!(replaced("xmldsig#enveloped-signature", "xmldsig#base64"), algorithm("Transform", enveloped));
    let second = resigned(|info, key| {
        let (head, tail) = info.split_at(info.rfind(c14n).unwrap());
        (format!("{head}{}", tail.replacen(c14n, exclusive, 1)), key)
    });
    assert_eq!(second, algorithm("Transform", c14n));
    let expected = "Transform (enveloped-signature), Transform (xml-c14n11)";
    let xpath = replaced(
        "</ds:Transforms>",
        "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"></ds:Transform></ds:Transforms>",
    );
    assert_eq!(xpath, XmlSignatureError::Children { parent: "Transforms", expected });
}

// negative 29
#[test]
fn xml_that_could_be_read_in_two_ways() {
    let xml = |error| RimError::Xml(error);
    let document = document_text(&spec());
    let doctype = format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{document}");
    assert_eq!(refused(&doctype), xml(XmlError::DocumentType { position: 0 }));
    let declared = format!("<?xml version=\"1.0\"?>{document}");
    assert_eq!(refused(&declared), xml(XmlError::ProcessingInstruction { position: 0 }));
    let at = |needle: &str| document.find(needle).unwrap();
    let position = at("<ns0:Entity");
    let before = |insert: &str| refused(&format!("{}{insert}{}", &document[..position], &document[position..]));
    assert_eq!(before("<?a b?>"), xml(XmlError::ProcessingInstruction { position }));
    assert_eq!(before("<!-- -->"), xml(XmlError::Comment { position }));
    assert_eq!(before("<![CDATA[]]>"), xml(XmlError::CharacterData { position }));
    assert_eq!(before("&amp;"), xml(XmlError::Reference { position }));
    assert_eq!(before("\r\n"), xml(XmlError::Character { position }));
    assert_eq!(before("\t"), xml(XmlError::Character { position }));
    assert_eq!(before("\u{e9}"), xml(XmlError::Character { position }));
    let expected = "an element, text or an end tag";
    assert_eq!(before(">"), xml(XmlError::Expected { position, expected }));
    let position = at("<ds:DigestValue>") + "<ds:DigestValue>".len() + 4;
    let comment = format!("{}<!---->{}", &document[..position], &document[position..]);
    assert_eq!(refused(&comment), xml(XmlError::Comment { position }));
    let position = at("590.48.01");
    let reference = document.replacen("590.48.01", "&#53;90.48.01", 1);
    assert_eq!(refused(&reference), xml(XmlError::Reference { position }));
    let position = at("<ns0:Meta") + "<ns0:Meta ".len();
    let with = |insert: &str| refused(&document.replacen("<ns0:Meta ", &format!("<ns0:Meta {insert} "), 1));
    assert_eq!(with("xml:base=\"a\""), xml(XmlError::Reserved { position }));
    assert_eq!(with("xmlns:xml=\"a\""), xml(XmlError::Reserved { position }));
    assert_eq!(with("xmlns:a=\"\""), xml(XmlError::Reserved { position }));
    let position = at("<ns0:Meta");
    assert_eq!(with("edition=\"GPU\""), xml(XmlError::DuplicateAttribute { position }));
    assert_eq!(with("xmlns:ns1=\"a\""), xml(XmlError::DuplicateAttribute { position }));
    assert_eq!(with("a:b=\"c\""), xml(XmlError::UndeclaredPrefix { position }));
    assert_eq!(refused(&"<a>".repeat(20)), xml(XmlError::Depth { position: 36 }));
    let many: String = (0..40).map(|number| format!(" a{number}=\"\"")).collect();
    assert_eq!(refused(&format!("<a{many}/>")), xml(XmlError::TooManyAttributes { position: 0 }));
    assert_eq!(verify(&[b' '; 65_537]).unwrap_err(), xml(XmlError::TooLong { max: 65_536, got: 65_537 }));
}

fn appraised(
    device: &Device,
    change: impl FnOnce(&mut NvidiaCollateral, &mut Requirements),
) -> Result<attestation::evidence::nvidia::claims::DeviceClaims, NvidiaError> {
    let mut collateral = world().collateral(std::slice::from_ref(device));
    let mut requirements = world().requirements(&collateral);
    change(&mut collateral, &mut requirements);
    verify_device(&device.evidence(&NONCE), &collateral, &requirements, &NONCE, NOW)
}

fn gpu() -> Device {
    world().device(Family::Gh100, 0)
}

/// Appraises with the first manifest replaced, and pinned, by one whose author changed it.
fn with_manifest(change: impl FnOnce(&mut ManifestSpec)) -> NvidiaError {
    let mut spec = spec();
    let id = spec.id.clone();
    change(&mut spec);
    appraised(&gpu(), |collateral, requirements| {
        let document = spec.document();
        requirements.manifests.insert(id, [Rim::sha256_of(&document)].into());
        collateral.manifests[0].document = document;
    })
    .unwrap_err()
}

// negative 30
#[test]
fn manifests_of_something_else() {
    let id = spec().id;
    let meta = |field, expected: &str, got: &str| NvidiaError::ManifestMeta {
        id: id.clone(),
        field,
        expected: expected.to_owned(),
        got: got.to_owned(),
    };
    let version = with_manifest(|spec| spec.version = "590.48.02".to_owned());
    assert_eq!(version, meta("colloquialVersion", "590.48.01", "590.48.02"));
    let product = with_manifest(|spec| spec.product = "GB100".to_owned());
    assert_eq!(product, meta("product", "GH100", "GB100"));
    let edition = with_manifest(|spec| spec.edition = "SWITCH".to_owned());
    assert_eq!(edition, meta("edition", "GPU", "SWITCH"));
    // The VBIOS's manifest as the driver's, even if somebody pinned it there.
    let vbios = world().manifests(Family::Gh100).remove(1);
    let swapped = with_manifest(|spec| *spec = vbios);
    assert_eq!(swapped, meta("colloquialVersion", "590.48.01", "96.00.9f.00.01"));
    // Under its own id in the collateral, but not pinned under the id wanted.
    let renamed = appraised(&gpu(), |collateral, _| {
        collateral.manifests[0].document = collateral.manifests[1].document.clone();
    });
    let got = Rim::sha256_of(&world().manifests(Family::Gh100)[1].document());
    assert_eq!(renamed.unwrap_err(), NvidiaError::ManifestNotPinned { id: id.clone(), got });
    let twice = appraised(&gpu(), |collateral, _| collateral.manifests.push(collateral.manifests[0].clone()));
    assert_eq!(twice.unwrap_err(), NvidiaError::DuplicateManifest { id: id.clone() });
    let none = RimError::Meta { attribute: "product" };
    let body = spec().body().replacen("product=", "produce=", 1);
    let one = spec().signature(&ManifestSpec::signed_info(&body), &spec().key_info());
    assert_eq!(refused(&format!("{body}{one}{ROOT_END}")), none);
}

// negative 31
#[test]
fn measurements_that_are_not_well_formed() {
    let resource = |change: fn(&mut ResourceSpec)| authored(|spec| change(&mut spec.resources[7]));
    assert_eq!(resource(|resource| resource.index = "6".to_owned()), RimError::DuplicateIndex { index: 6 });
    for index in ["64", "07", "-1", "x", ""] {
        let error = authored(|spec| spec.resources[7].index = index.to_owned());
        assert_eq!(error, RimError::Index { position: 7 }, "{index}");
    }
    for alternatives in ["0", "2", "x"] {
        let error = authored(|spec| spec.resources[7].alternatives = alternatives.to_owned());
        assert_eq!(error, RimError::Alternatives { index: 7 }, "{alternatives}");
    }
    assert_eq!(resource(|resource| resource.values.clear()), RimError::Alternatives { index: 7 });
    assert_eq!(resource(|resource| resource.active = "true".to_owned()), RimError::Active { index: 7 });
    for size in ["47", "32", "048"] {
        let error = authored(|spec| spec.resources[7].size = size.to_owned());
        assert_eq!(error, RimError::Size { index: 7 }, "{size}");
    }
    let value = RimError::Value { index: 7, alternative: 0 };
    assert_eq!(resource(|resource| resource.values[0].replace_range(..1, "g")), value);
    assert_eq!(resource(|resource| resource.values[0].truncate(95)), value);
    assert_eq!(resource(|resource| resource.values[0].replace_range(..2, "0x")), value);
    assert_eq!(authored(|spec| spec.resources.clear()), RimError::Payload);
    assert_eq!(authored(|spec| spec.resources.extend(spec.resources.clone())), RimError::Payload);

    let conflict = with_manifest(|spec| spec.resources[5].active = "True".to_owned());
    assert_eq!(conflict, NvidiaError::Compare(CompareError::IndexConflict { index: 5 }));
}

// negative 32
#[test]
fn validly_signed_but_not_pinned() {
    let mut variant = spec();
    variant.resources[24].values = vec!["00".repeat(48)];
    let document = variant.document();
    assert!(verify(&document).is_ok());
    let got = Rim::sha256_of(&document);
    let error = appraised(&gpu(), |collateral, _| collateral.manifests[0].document = document).unwrap_err();
    assert_eq!(error, NvidiaError::ManifestNotPinned { id: variant.id, got });
}

// negative 33
#[test]
fn every_active_measurement_counts() {
    let manifests = world().manifests(Family::Gh100);
    let rims: Vec<_> = manifests.iter().map(|spec| verify(&spec.document()).unwrap()).collect();
    let golden: Vec<_> = rims.iter().map(|rim| rim.golden()).collect();
    for index in driver_indices().into_iter().chain(vbios_indices()) {
        let mut device = gpu();
        device.report.measurements[index] = [0xEE; 48];
        *device.report.field(12) = extend_counts(&device.report.measurements);
        let report = Report::parse(&device.evidence(&NONCE).report).unwrap();
        match compare(&report, &golden) {
            // The decoder is off.
            Ok(_) => assert_eq!(index, 35),
            Err(CompareError::Mismatch { mismatches }) => {
                assert_eq!(mismatches.iter().map(|mismatch| mismatch.index).collect::<Vec<_>>(), [index]);
                assert_eq!(mismatches[0].got, Some([0xEE; 48]));
            }
            Err(error) => panic!("{error}"),
        }
    }
    // With the decoder on, 35 counts as well.
    let mut device = gpu();
    *device.report.field(11) = vec![0xAA];
    let error = appraised(&device, |_, _| {}).unwrap_err();
    let NvidiaError::Compare(CompareError::Mismatch { mismatches }) = error else { panic!("{error}") };
    assert_eq!(mismatches.iter().map(|mismatch| mismatch.index).collect::<Vec<_>>(), [35]);
    let inactive = |spec: &mut ManifestSpec| {
        for resource in &mut spec.resources {
            resource.active = "False".to_owned();
        }
    };
    assert_eq!(authored(inactive), RimError::NothingActive);
}

// negative 34
#[test]
fn expired_signers_and_grace() {
    const DAY: u64 = 86_400_000;
    let expired = NOW - DAY;
    let mut spec = spec();
    spec.signer().not_after = expired;
    let document = spec.document();
    let check = |grace: u64| {
        appraised(&gpu(), |collateral, requirements| {
            requirements.manifests.insert(spec.id.clone(), [Rim::sha256_of(&document)].into());
            requirements.manifest_grace_ms = grace;
            collateral.manifests[0].document = document.clone();
        })
    };
    let chain = XmlSignatureError::Chain(ChainError::Expired { index: 0, not_after: expired, at: NOW });
    let source = RimError::Signature(chain);
    for grace in [0, DAY - 1] {
        let error = check(grace).unwrap_err();
        assert_eq!(error, NvidiaError::Manifest { id: spec.id.clone(), source: source.clone() });
    }
    let claims = check(DAY + 5000).unwrap();
    assert!(claims.grace);
    assert_eq!(claims.expires_at_ms, NOW + 5000);
    let graced = claims.checks.iter().filter(|check| check.result == CheckResult::Grace);
    assert_eq!(graced.map(|check| check.kind).collect::<Vec<_>>(), [CheckKind::Manifest]);
}

// negative 35
#[test]
fn another_manifest_root() {
    let mut spec = spec();
    let root = Key::derive(&[9; 32], "NVIDIA CoRIM L1 Root CA Debug");
    let got = root.fingerprint();
    spec.chain[3].spec.key_info.clone_from(&root.info);
    spec.chain[3].key = root;
    let expected = world().manifest_chain[3].key.fingerprint();
    let error = signature(verify(&spec.document()).unwrap_err());
    assert_eq!(error, XmlSignatureError::Chain(ChainError::Root { expected, got }));
}

proptest! {
    #[test]
    fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = verify(&bytes);
    }

    #[test]
    fn no_edit_verifies(position in any::<prop::sample::Index>(), byte in b' '..=b'~') {
        static DOCUMENT: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| spec().document());
        let mut document = DOCUMENT.clone();
        let place = &mut document[position.index(DOCUMENT.len())];
        prop_assume!(*place != byte);
        *place = byte;
        // The root certificate's own signature bytes are the one place where an edit could be harmless, and it is checked.
        prop_assert!(verify(&document).is_err());
    }
}

#[test]
fn base64_has_one_reading() {
    // Non-canonical trailing bits in base64 are refused, so a digest has one spelling apart from line ends.
    assert!(Base64::decode_vec("AB==").is_err());
}

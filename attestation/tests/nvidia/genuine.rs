//! Public samples verify exactly as their README says.

use attestation::evidence::nvidia::{
    chain::{ChainError, Clock},
    compare::{CompareError, Compared, compare},
    device_chain::{DeviceChain, DeviceChainError, Family, NVIDIA_DEVICE_ROOT},
    ocsp::{OcspError, OcspResponse},
    report::{DeviceKind, Report},
    report_error::ReportError,
    rim::{NVIDIA_RIM_ROOT, Rim, RimError},
    signature::{SignatureError, Verified},
    xml_signature::XmlSignatureError,
};

use crate::vectors::{AUGUST_2025, OCTOBER_2025, SAMPLE_NONCE, base64_text, bytes, container, hex_text, sample};

const LOCAL: &str = "nvtrust-local-verifier/samples";
const SDK: &str = "attestation-sdk/testdata";

fn check(report: &[u8], chain: &[u8]) -> Result<(Report, DeviceChain), DeviceChainError> {
    let report = Report::parse(report).unwrap();
    let chain = DeviceChain::verify(chain, &NVIDIA_DEVICE_ROOT, AUGUST_2025, &mut Verified::default()).unwrap();
    chain.check_report(&report).map(|()| (report, chain))
}

#[test]
fn hopper_chain_signature_and_firmware_identity() {
    let Some(report) = hex_text(&format!("{LOCAL}/hopperAttestationReport.txt")) else { return };
    let (report, chain) = check(&report, &bytes(&format!("{LOCAL}/hopperCertChain.txt")).unwrap()).unwrap();
    assert_eq!(chain.family(), Family::Gh100);
    assert_eq!(attestation::hex::encode(report.request_nonce()), SAMPLE_NONCE);
    assert_eq!(report.opaque().driver.as_ref().unwrap().as_str(), "550.90.07");
    assert_eq!(report.opaque().vbios.to_string(), "96.00.9F.00.01");
    assert_eq!(report.opaque().fwid.as_ref(), Some(chain.fwid()));
    assert_eq!(chain.pdi(), [0x43, 0x1D, 0x48, 0x0F, 0xE5, 0xE8, 0x72, 0x74]);
    assert_eq!(chain.model(), "GH100 A01 GSP BROM");
    // As the vendor's token for this report says.
    assert_eq!(chain.ueid(), "478176379286082186618948445787393647364802107249");
    let raw = bytes("go-nvattest-tools/testdata/test_raw_gpu_attestation_report.dat").unwrap();
    assert_eq!(Report::parse(&raw).unwrap(), report);
}

#[test]
fn every_other_single_report() {
    let gpu = format!("{SDK}/sample_attestation_data/gpu");
    for (report, chain, family) in [
        (format!("{SDK}/switchAttestationReport.txt"), format!("{SDK}/switchCertChain.txt"), Family::Ls10),
        (format!("{gpu}/hopperAttestationReport.txt"), format!("{gpu}/hopperCertChain.txt"), Family::Gh100),
        (
            format!("{gpu}/hopperAttestationReportExpired.txt"),
            format!("{gpu}/hopperCertChainExpired.txt"),
            Family::Gh100,
        ),
        (format!("{gpu}/blackwellAttestationReport.txt"), format!("{gpu}/blackwellCertChain.txt"), Family::Gb100),
        (format!("{SDK}/hopperAttestationReport.txt"), format!("{SDK}/hopperCertChain.txt"), Family::Gh100),
    ] {
        let Some(bytes_of_report) = hex_text(&report) else { return };
        let (_, chain) =
            check(&bytes_of_report, &bytes(&chain).unwrap()).unwrap_or_else(|error| panic!("{report}: {error}"));
        assert_eq!(chain.family(), family, "{report}");
    }
}

#[test]
fn deliberately_bad_signatures() {
    let gpu = format!("{SDK}/sample_attestation_data/gpu");
    let Some(report) = hex_text(&format!("{gpu}/hopperAttestationReportInvalidSignature.txt")) else { return };
    let chain = bytes(&format!("{gpu}/hopperCertChain.txt")).unwrap();
    assert_eq!(check(&report, &chain).unwrap_err(), DeviceChainError::ReportSignature(SignatureError::Mismatch));
    // This one was edited inside an opaque field's id, which the layout refuses before the signature.
    let switch = format!("{SDK}/sample_attestation_data/switch");
    let report = hex_text(&format!("{switch}/switchAttestationReportInvalidSignature.txt")).unwrap();
    assert_eq!(Report::parse(&report).unwrap_err(), ReportError::OpaqueSize { id: 4, name: "GPU_INFO", got: 128 });
}

#[test]
fn every_container_entry_is_what_it_says() {
    let common = "attestation-sdk/common-test-data/serialized_test_evidence";
    let mut entries = 0;
    for file in [
        format!("{common}/hopper_evidence.json"),
        format!("{common}/hopper_evidence_cert_hold.json"),
        format!("{common}/multi_gpu_hopper.json"),
        format!("{common}/multi_switch_ls10.json"),
        format!("{common}/switch_evidence_ls10.json"),
        format!("{SDK}/evidence_hopper_590_12.json"),
        "nvtrust-ppcie/gpu_evidence.json".to_owned(),
        "nvtrust-ppcie/switch_evidence.json".to_owned(),
    ] {
        let Some(container) = container(&file) else { return };
        for (architecture, nonce, report, chain) in container {
            let (report, chain) = check(&report, &chain).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_eq!(chain.family().architecture(), architecture);
            assert_eq!(attestation::hex::encode(report.request_nonce()), format!("0x{nonce}"));
            assert_eq!(report.kind() == DeviceKind::Switch, architecture == "LS10");
            entries += 1;
        }
    }
    assert_eq!(entries, 24);
}

/// 2025-01-15T12:00:00Z: every signer of the samples' manifests was valid then.
const JANUARY_2025: u64 = 1_736_942_400_000;

fn manifest(path: &str, at: u64) -> Option<Result<Rim, RimError>> {
    let clock = Clock { at, grace: 0 };
    Some(Rim::verify(&bytes(path)?, &NVIDIA_RIM_ROOT, clock, &mut Verified::default()))
}

/// Per manifest: how many measurements match, and how many are skipped.
fn counts(report: &Report, rims: &[&Rim]) -> Vec<(usize, usize)> {
    let golden: Vec<_> = rims.iter().map(|rim| rim.golden()).collect();
    let count = |compared: &Compared| (compared.matched.len(), compared.skipped.len());
    compare(report, &golden).unwrap().iter().map(count).collect()
}

#[test]
fn hopper_matches_20_driver_and_12_vbios_values() {
    let Some(report) = hex_text(&format!("{LOCAL}/hopperAttestationReport.txt")) else { return };
    let report = Report::parse(&report).unwrap();
    let rims = "go-nvattest-tools/testdata/rim";
    let driver = manifest(&format!("{rims}/NV_GPU_DRIVER_GH100_550.90.07.xml"), AUGUST_2025).unwrap().unwrap();
    let vbios = manifest(&format!("{rims}/NV_GPU_VBIOS_1010_0200_882_96009F0001.xml"), AUGUST_2025).unwrap().unwrap();
    assert_eq!((driver.version(), driver.product(), driver.edition()), ("550.90.07", "GH100", "GPU"));
    assert_eq!(counts(&report, &[&driver, &vbios]), [(20, 1), (12, 0)]);
}

#[test]
fn switch_matches_31_values() {
    let path = format!("{SDK}/switchVBIOSRim_NV_SWITCH_BIOS_5612_0002_890_9610550001.xml");
    // Its signer is valid from 2026-05-20 on.
    let Some(rim) = manifest(&path, 1_795_000_000_000) else { return };
    let report = Report::parse(&hex_text(&format!("{SDK}/switchAttestationReport.txt")).unwrap()).unwrap();
    assert_eq!(counts(&report, &[&rim.unwrap()]), [(31, 0)]);
}

#[test]
fn every_published_manifest_verifies() {
    let Some(folder) = sample(LOCAL) else { return };
    let mut verified = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".swidtag") {
            manifest(&format!("{LOCAL}/{name}"), JANUARY_2025)
                .unwrap()
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            verified += 1;
        }
    }
    assert_eq!(verified, 26);
    for path in [
        format!("{SDK}/NV_GPU_DRIVER_GH100_550.144.03.xml"),
        format!("{SDK}/sample_rims/NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml"),
        "go-nvattest-tools/testdata/rim/success_valid_rim.xml".to_owned(),
    ] {
        manifest(&path, JANUARY_2025).unwrap().unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

// negative 24, 25, 35
#[test]
fn edited_manifests() {
    let rims = format!("{SDK}/sample_rims");
    // 2025-01-01T12:00:00Z: one signer was valid on that day only.
    let new_year = 1_735_732_800_000;
    for (path, at, expected) in [
        (
            format!("{rims}/NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch.xml"),
            AUGUST_2025,
            XmlSignatureError::Digest,
        ),
        (format!("{rims}/NV_GPU_DRIVER_GH100_570.124.03_expired.xml"), new_year, XmlSignatureError::Digest),
        (
            format!("{rims}/NV_SWITCH_BIOS_5612_0002_890_9610550001_invalid_signature.xml"),
            AUGUST_2025,
            XmlSignatureError::Digest,
        ),
        (
            format!("{rims}/NV_SWITCH_BIOS_5612_0002_890_9610550001_measurement_mismatch.xml"),
            AUGUST_2025,
            XmlSignatureError::Digest,
        ),
        (
            format!("{SDK}/incorrect_signature_driver_rim.xml"),
            JANUARY_2025,
            XmlSignatureError::Signature(SignatureError::Mismatch),
        ),
        // Signed under the vendor's debug root, with a chain of its own length.
        (
            format!("{SDK}/incorrect_cert_chain_driver_rim.xml"),
            JANUARY_2025,
            XmlSignatureError::Chain(ChainError::Count { expected: 4, got: 2 }),
        ),
    ] {
        let Some(result) = manifest(&path, at) else { return };
        assert_eq!(result.unwrap_err(), RimError::Signature(expected), "{path}");
    }
}

#[test]
fn manifests_without_signature_or_schema() {
    let Some(folder) = sample("go-nvattest-tools/testdata/rim") else { return };
    let mut refused = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with("failure_") {
            let error = manifest(&format!("go-nvattest-tools/testdata/rim/{name}"), JANUARY_2025).unwrap().unwrap_err();
            let structure = "SignedInfo, SignatureValue, KeyInfo";
            let expected = [
                RimError::Signature(XmlSignatureError::Count { got: 0 }),
                // Some of them have a Signature without the namespace of signatures.
                RimError::Signature(XmlSignatureError::Place),
                RimError::Signature(XmlSignatureError::Children { parent: "Signature", expected: structure }),
            ];
            assert!(expected.contains(&error), "{name}: {error}");
            refused += 1;
        }
    }
    assert_eq!(refused, 18);
}

// negative 32, 33: three documents with one name and version, validly signed, with different values.
#[test]
fn one_version_names_three_documents() {
    let Some(report) = hex_text(&format!("{SDK}/sample_attestation_data/gpu/hopperAttestationReport.txt")) else {
        return;
    };
    let report = Report::parse(&report).unwrap();
    let version = "96.00.5E.00.01";
    let documents = [
        format!("{LOCAL}/1010_0200_882_96005E0001_PROD.swidtag"),
        format!("{SDK}/sample_rims/NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml"),
        format!("{LOCAL}/1010_0200_882_96005E0001_test_no_gpu.swidtag"),
    ];
    let rims = documents.map(|path| manifest(&path, JANUARY_2025).unwrap().unwrap());
    assert!(rims.iter().all(|rim| rim.version() == version));
    assert_ne!(rims[0].sha256(), rims[1].sha256());
    assert_ne!(rims[0].sha256(), rims[2].sha256());
    assert_eq!(counts(&report, &[&rims[0]]), [(12, 0)]);
    let differing = |rim: &Rim| match compare(&report, &[rim.golden()]).unwrap_err() {
        CompareError::Mismatch { mismatches } => mismatches.iter().map(|mismatch| mismatch.index).collect::<Vec<_>>(),
        error @ CompareError::IndexConflict { .. } => panic!("{error}"),
    };
    assert_eq!(differing(&rims[1]), [9]);
    assert_eq!(differing(&rims[2]), [1, 2, 3, 9]);
}

fn response(name: &str) -> Option<OcspResponse> {
    let file = format!("go-nvattest-tools/testdata/ocsp/test_{name}_base64encoded_ocsp_response.dat");
    Some(OcspResponse::parse(&base64_text(&file)?).unwrap())
}

#[test]
fn seven_responses_are_good_at_their_times() {
    const DAY: u64 = 86_400_000;
    let Some(pem) = bytes(&format!("{LOCAL}/hopperCertChain.txt")) else { return };
    let verified = &mut Verified::default();
    let device = DeviceChain::verify(&pem, &NVIDIA_DEVICE_ROOT, AUGUST_2025, verified).unwrap();
    let rims = "go-nvattest-tools/testdata/rim";
    let driver = manifest(&format!("{rims}/NV_GPU_DRIVER_GH100_550.90.07.xml"), OCTOBER_2025).unwrap().unwrap();
    let vbios = manifest(&format!("{rims}/NV_GPU_VBIOS_1010_0200_882_96009F0001.xml"), OCTOBER_2025).unwrap().unwrap();
    for (name, chain, index, at, lapses) in [
        ("gpu_certificate_l4", device.chain(), 1, AUGUST_2025, 1_755_845_227_000),
        ("gpu_certificate_l3", device.chain(), 2, AUGUST_2025, 1_755_845_227_000),
        ("gpu_certificate_l2", device.chain(), 3, AUGUST_2025, 1_755_845_228_000),
        ("gpu_driver_rim_l4", driver.chain(), 0, OCTOBER_2025, 1_761_391_941_000_u64),
        ("gpu_vbios_l4", vbios.chain(), 0, OCTOBER_2025, 1_761_391_942_000),
        ("gpu_driver_rim_l3", driver.chain(), 1, OCTOBER_2025, 1_761_391_941_000),
        ("gpu_rim_l2", driver.chain(), 2, OCTOBER_2025, 1_761_391_941_000),
    ] {
        let response = response(name).unwrap();
        let [target, issuer] = &chain.certificates()[index..=index + 1] else { panic!() };
        assert_eq!(response.verify(target, issuer, at, DAY, verified), Ok(lapses), "{name}");
        // One shorter maximum age ends it sooner than its own word.
        let short = response.verify(target, issuer, at, 1000, verified).unwrap_err();
        assert_eq!(short, OcspError::Stale { expires_at: lapses - DAY + 1000, at }, "{name}");
        let late = response.verify(target, issuer, lapses + 1, DAY, verified).unwrap_err();
        assert_eq!(late, OcspError::Stale { expires_at: lapses, at: lapses + 1 }, "{name}");
        let early = lapses - DAY - 1;
        let error = response.verify(target, issuer, early, DAY, verified).unwrap_err();
        assert_eq!(error, OcspError::Future { this_update: lapses - DAY, at: early }, "{name}");
        let other = &chain.certificates()[if index == 3 { 2 } else { 3 }];
        assert_eq!(response.verify(other, issuer, at, DAY, verified), Err(OcspError::OtherSerial), "{name}");
        assert_eq!(response.verify(target, target, at, DAY, verified), Err(OcspError::OtherIssuer), "{name}");
    }
}

//! Public samples verify exactly as their README says.

use attestation::evidence::nvidia::{
    device_chain::{DeviceChain, DeviceChainError, Family, NVIDIA_DEVICE_ROOT},
    report::{DeviceKind, Report},
    report_error::ReportError,
    signature::{SignatureError, Verified},
};

use crate::vectors::{AUGUST_2025, SAMPLE_NONCE, bytes, container, hex_text};

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

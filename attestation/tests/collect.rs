//! Collectors: what a machine without the hardware says, and that what they collect is bound to its context. No collector
//! has run on hardware in confidential mode: on such a machine the first test is skipped.
#![cfg(feature = "collect")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "test code")]

mod common;

use std::{fs, path::Path};

use attestation::{
    bounded::Bytes,
    collect::{CollectError, ConfigfsTsm, GpuSource, Nvml, QuoteSource, SevGuest, collect},
    evidence::{
        EvidenceKind,
        hardware::{self, CpuQuote, GpuDevice, HardwareError},
        tdx::TdxEvidence,
    },
};
use common::{context_for, session_key, worker};

#[test]
fn a_machine_without_the_hardware_says_what_is_missing() {
    match Nvml::open() {
        Err(CollectError::NvmlMissing { library, .. }) => assert_eq!(library, "libnvidia-ml.so.1"),
        // A machine with a GPU whose confidential mode is off, or whose driver is too old to have one.
        Err(CollectError::ConfidentialOff | CollectError::NvmlFunction { .. } | CollectError::NvmlStatus { .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => println!("skipped: this machine has a GPU in confidential mode"),
    }
    let path = Path::new("/nonexistent/tsm/report");
    let error = ConfigfsTsm::open(path).unwrap_err();
    assert!(matches!(&error, CollectError::TsmMissing { path: missing } if missing == path), "{error}");
    assert!(error.to_string().contains("CONFIG_TSM_REPORTS"), "{error}");
    let path = Path::new("/nonexistent/sev-guest");
    let error = SevGuest::open(path, vec![]).unwrap_err();
    assert!(matches!(&error, CollectError::SevGuestMissing { path: missing } if missing == path), "{error}");
}

#[test]
fn a_directory_that_is_not_the_kernels_is_refused_and_left_clean() {
    let directory = tempfile::tempdir().unwrap();
    let source = ConfigfsTsm::open(directory.path()).unwrap();
    // The kernel fills a new request with attributes; an ordinary file system does not.
    let error = source.quote(&[0; 64]).unwrap_err();
    assert!(matches!(&error, CollectError::File { path, .. } if path.ends_with("generation")), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_not_the_firmware_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = SevGuest::open(file.path(), vec![1]).unwrap();
    let error = source.quote(&[0; 64]).unwrap_err();
    assert!(matches!(error, CollectError::File { .. }), "{error}");
}

/// Stands for devices: repeats what it was asked.
struct Echo;

impl GpuSource for Echo {
    fn count(&self) -> Result<u32, CollectError> {
        Ok(2)
    }

    fn answer(&self, _: u32, nonce: &[u8; 32]) -> Result<GpuDevice, CollectError> {
        Ok(GpuDevice { report: Bytes::new(*nonce).unwrap(), chain: Bytes::default() })
    }
}

impl QuoteSource for Echo {
    fn quote(&self, report_data: &[u8; 64]) -> Result<CpuQuote, CollectError> {
        Ok(CpuQuote::Tdx(TdxEvidence { quote: Bytes::new(*report_data).unwrap() }))
    }
}

#[test]
fn every_device_is_asked_its_own_nonce_and_the_quote_covers_the_answers() {
    let (context, key) = (context_for(&worker()), session_key().public_key());
    let evidence = collect(&context, Some(&Echo), Some((&key, &Echo))).unwrap();
    assert_eq!(evidence.kind(), EvidenceKind::Composite);
    let parts = evidence.parts();
    assert_eq!((parts.context_digest.0, parts.device_id.0), (context.digest(), context.device_id));
    let asked: Vec<&[u8]> = parts.devices.as_slice().iter().map(|device| device.report.as_slice()).collect();
    assert_eq!(asked, [context.gpu_nonce(0), context.gpu_nonce(1)]);
    let expected = hardware::report_data(&context, &key, &parts.devices);
    let Some(CpuQuote::Tdx(tdx)) = parts.cpu.as_ref().map(|cpu| &cpu.quote) else { panic!("a quote") };
    assert_eq!(tdx.quote.as_slice(), expected);
    assert!(matches!(collect(&context, None, None), Err(CollectError::Hardware(HardwareError::Empty))));
}

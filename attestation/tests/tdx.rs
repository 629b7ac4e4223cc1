//! TDX quotes: the genuine vectors exactly as `../shared/data/cpu-tee/README.md` says, and every refusal (negatives 54
//! to 59 of the table in `negatives.rs`). Without `../shared` the same suite runs on the synthetic platform alone.
#![cfg(feature = "synthetic")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use attestation::{
    bounded::{Bytes, Fixed, List, Set},
    evidence::{
        floor::Floor,
        tdx::{
            self, Document, INTEL_ROOT, QuoteError, TcbStatus, TdxClaims, TdxCollateral, TdxError, TdxEvidence,
            TdxLaunch, TdxRules, quote,
        },
    },
    synthetic::{SyntheticTdx, tdx::Revoked},
    text::Text,
};
use common::shared;

const DAY_MS: u64 = 86_400_000;
/// README: `dcap-qvl/sample/tdx_quote` is UpToDate at this time.
const GENUINE_AT: u64 = 1_750_500_000_000;
/// 2026-11-20T00:00:00Z, when the data were collected and that quote's collateral had expired.
const COLLECTED_AT: u64 = 1_795_132_800_000;

/// 2025-06-20T00:00:00Z, seconds: the synthetic collateral is issued.
const ISSUED_AT: u64 = 1_750_377_600;

type Case = common::Case<TdxEvidence, TdxCollateral, TdxRules>;

impl Case {
    fn verify(&self) -> Result<TdxClaims, TdxError> {
        tdx::verify(&self.evidence, &self.collateral, &self.rules, &self.report_data, self.at)
    }

    fn quote(&self) -> Vec<u8> {
        self.evidence.quote.as_slice().to_vec()
    }

    fn with_quote(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut quote = self.quote();
        change(&mut quote);
        self.evidence.quote = Bytes::new(quote).unwrap();
        self
    }
}

/// Rules that allow exactly the launch in `quote`, and its report data.
fn rules_for(quote: &[u8]) -> (TdxRules, [u8; 64]) {
    let parsed = quote::parse(quote).unwrap();
    let launch = TdxLaunch { mrtd: Fixed(*parsed.body.mrtd), rtmr: parsed.body.rtmr.map(|value| Fixed(*value)) };
    let rules = TdxRules {
        roots: Set::new([Fixed(INTEL_ROOT)]).unwrap(),
        launches: Set::new([launch]).unwrap(),
        evaluation_floors: List::default(),
        out_of_date_grace_ms: 0,
        collateral_age_ms_max: 30 * DAY_MS,
        advisories_refused: Set::default(),
    };
    (rules, *parsed.body.report_data)
}

fn case(quote: &str, collateral: &str, at: u64) -> Option<Case> {
    let quote = shared("cpu-tee", quote)?;
    let collateral = TdxCollateral::from_pccs_json(&shared("cpu-tee", collateral)?).unwrap();
    let (rules, report_data) = rules_for(&quote);
    Some(Case { evidence: TdxEvidence { quote: Bytes::new(quote).unwrap() }, collateral, rules, report_data, at })
}

fn genuine() -> Option<Case> {
    case("dcap-qvl/sample/tdx_quote", "dcap-qvl/sample/tdx_quote_collateral.json", GENUINE_AT)
}

fn synthetic_with(change: impl FnOnce(&mut SyntheticTdx)) -> Case {
    let mut platform = SyntheticTdx::new([9; 32], ISSUED_AT);
    platform.report_data = [0xda; 64];
    let allowed = platform.launch;
    change(&mut platform);
    let rules = TdxRules {
        roots: Set::new([SyntheticTdx::new([9; 32], ISSUED_AT).root()]).unwrap(),
        launches: Set::new([allowed]).unwrap(),
        collateral_age_ms_max: 7 * DAY_MS,
        ..TdxRules::default()
    };
    Case {
        evidence: platform.evidence().unwrap(),
        collateral: platform.collateral().unwrap(),
        rules,
        report_data: [0xda; 64],
        at: ISSUED_AT * 1000 + DAY_MS,
    }
}

fn synthetic() -> Case {
    synthetic_with(|_| {})
}

/// The synthetic case, and the genuine one where its data are.
fn both() -> Vec<Case> {
    [Some(synthetic()), genuine()].into_iter().flatten().collect()
}

#[test]
fn the_genuine_quote_is_up_to_date_at_its_time_and_expired_when_collected() {
    let Some(mut case) = genuine() else { return };
    let claims = case.verify().unwrap();
    assert_eq!(claims.tcb_status, TcbStatus::UpToDate);
    assert!(!claims.in_grace);
    assert_eq!((claims.quote_version, claims.tcb_evaluation_number), (4, 17));
    assert_eq!(claims.fmspc.to_string(), "0xb0c06f000000");
    assert!(claims.expires_at > GENUINE_AT);
    // The first moment after the expiry it states is refused, the moment itself is not.
    case.at = claims.expires_at;
    assert_eq!(case.verify().unwrap().expires_at, claims.expires_at);
    case.at += 1;
    assert!(matches!(case.verify(), Err(TdxError::CollateralExpired { .. })), "{:?}", case.verify());
    case.at = COLLECTED_AT;
    let Err(TdxError::CollateralExpired { document, at, .. }) = case.verify() else { panic!("{:?}", case.verify()) };
    assert_eq!((document, at), (Document::RootCrl, COLLECTED_AT));
}

#[test]
fn genuine_quotes_of_version_5_verify() {
    let (quote, collateral) =
        ("dcap-qvl-crate-0.7.1/tdx_quote_td15ex", "dcap-qvl-crate-0.7.1/tdx_quote_td15ex_collateral.json");
    let Some(case) = case(quote, collateral, 1_791_500_000_000) else { return };
    let claims = case.verify().unwrap();
    assert_eq!((claims.quote_version, claims.tcb_status, claims.tcb_evaluation_number), (5, TcbStatus::UpToDate, 20));
}

#[test]
fn the_genuine_outdated_quote_is_below_every_level() {
    let collateral = "dcap-qvl/sample/tdx_quote_outdated_collateral.json";
    let Some(case) = case("dcap-qvl/sample/tdx_quote_outdated", collateral, 1_772_000_000_000) else { return };
    assert_eq!(case.verify(), Err(TdxError::NoTcbLevel));
    let case = case.with_rules(|rules| rules.out_of_date_grace_ms = u64::MAX);
    assert_eq!(case.verify(), Err(TdxError::NoTcbLevel));
}

#[test]
fn every_genuine_quote_has_the_shape_and_the_text_after_one_is_refused() {
    for (path, version) in [
        ("dcap-qvl/sample/tdx_quote", 4),
        ("dcap-qvl/sample/tdx_quote_outdated", 5),
        ("dcap-qvl-crate-0.7.1/tdx_quote_td15ex", 5),
        ("go-tdx-guest/testing/testdata/quote_v5_sample.dat", 5),
        ("trustee/deps/verifier/test_data/tdx_quote_4.dat", 4),
        ("trustee/deps/verifier/test_data/tdx_quote_5.dat", 5),
        ("trustee/deps/verifier/test_data/tdx_quote_6.dat", 4),
        ("trustee/deps/verifier/test_data/az-tdx-vtpm/td-quote.bin", 4),
    ] {
        let Some(bytes) = shared("cpu-tee", path) else { return };
        assert_eq!(quote::parse(&bytes).unwrap().version, version, "{path}");
    }
    // Google's sample ends in 39 bytes of text that a tool wrote after the quote.
    let path = "go-tdx-guest/testing/testdata/tdx_prod_quote_SPR_E4.dat";
    let Some(bytes) = shared("cpu-tee", path) else { return };
    let position = bytes.len() - 39;
    assert_eq!(quote::parse(&bytes).unwrap_err(), QuoteError::TrailingBytes { position });
    assert!(quote::parse(&bytes[..position]).is_ok());
}

#[test]
fn the_synthetic_platform_verifies_in_both_versions() {
    for version in [4, 5] {
        let claims = synthetic_with(|platform| platform.version = version).verify().unwrap();
        assert_eq!((claims.quote_version, claims.tcb_status, claims.in_grace), (version, TcbStatus::UpToDate, false));
        assert_eq!(claims.report_data, Fixed([0xda; 64]));
        assert_eq!(claims.expires_at, (ISSUED_AT * 1000) + 7 * DAY_MS);
    }
    let first = synthetic().verify().unwrap();
    assert_ne!(first.identity, synthetic_with(|platform| platform.ppid = [7; 16]).verify().unwrap().identity);
    assert_eq!(first.identity, synthetic_with(|platform| platform.evaluation_number = 18).verify().unwrap().identity);
    assert_eq!(synthetic_with(|platform| platform.ppid = [0; 16]).verify().unwrap_err(), TdxError::NoPlatformIdentity);
}

#[test]
fn negative_54_debug() {
    let case = synthetic_with(|platform| platform.attributes |= 1);
    assert_eq!(case.verify(), Err(TdxError::DebugTd { attributes: 0x1000_0001 }));
    let path = "trustee/deps/verifier/test_data/tdx_quote_4.dat";
    let Some(mut case) = genuine() else { return };
    case.evidence.quote = Bytes::new(shared("cpu-tee", path).unwrap()).unwrap();
    assert_eq!(case.verify(), Err(TdxError::DebugTd { attributes: 0x1000_0001 }));
    // Other bits that let the host in.
    for attributes in [0, 1 << 28 | 1 << 29, 1 << 28 | 1 << 4, 1 << 28 | 1 << 2] {
        let case = synthetic_with(|platform| platform.attributes = attributes);
        assert_eq!(case.verify(), Err(TdxError::Attributes { attributes }));
    }
}

#[test]
fn negative_55_flips() {
    for case in both() {
        let quote = case.quote();
        let qe = 48 + 584 + 4 + 128 + 6;
        let at = case.at;
        let flip = |offset: usize| {
            let mut changed = Case {
                evidence: case.evidence.clone(),
                collateral: case.collateral.clone(),
                rules: case.rules.clone(),
                ..case
            };
            let mut bytes = quote.clone();
            bytes[offset] ^= 1;
            changed.evidence.quote = Bytes::new(bytes).unwrap();
            changed.at = at;
            changed.verify().unwrap_err()
        };
        // User data of the header, TEE_TCB_SVN, MROWNER, MRTD, RTMR3, REPORTDATA, both ends of the signature.
        for offset in [30, 48, 48 + 240, 48 + 136, 48 + 328 + 144, 48 + 520, 636, 636 + 63] {
            assert_eq!(flip(offset), TdxError::QuoteSignature, "{offset}");
        }
        // The attestation key and what the quoting enclave hashed beside it.
        for offset in [636 + 64, 636 + 127, qe + 384 + 64 + 2] {
            assert_eq!(flip(offset), TdxError::AttestationKeyUnbound, "{offset}");
        }
        // The quoting enclave's report and its signature.
        for offset in [qe, qe + 128, qe + 320, qe + 384, qe + 384 + 63] {
            assert_eq!(flip(offset), TdxError::QeReportSignature, "{offset}");
        }
        // A certificate: its PEM no longer reads, or its signature no longer verifies.
        let chain = qe + 384 + 64 + 2 + 32 + 6;
        let error = flip(chain + 100);
        assert!(
            matches!(error, TdxError::PckChainMalformed | TdxError::Chain { .. } | TdxError::Other { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn negative_55_another_platforms_parts() {
    let (ours, other) = (synthetic(), synthetic_with(|platform| platform.seed = [8; 32]));
    // Another infrastructure altogether: its root is not pinned.
    let case = Case { evidence: other.evidence, ..synthetic() };
    assert!(matches!(case.verify(), Err(TdxError::RootNotPinned { .. })), "{:?}", case.verify());
    // Documents that another root signed.
    for (document, change) in [(Document::RootCrl, 0), (Document::TcbInfo, 1), (Document::QeIdentity, 2)] {
        let mut case = synthetic();
        match change {
            0 => case.collateral.root_crl = other.collateral.root_crl.clone(),
            1 => case.collateral.tcb_info_signature = other.collateral.tcb_info_signature.clone(),
            _ => case.collateral.qe_identity_signature = other.collateral.qe_identity_signature.clone(),
        }
        assert_eq!(case.verify(), Err(TdxError::CollateralSignature { document }));
    }
    let mut case = synthetic();
    case.collateral.tcb_info_chain = other.collateral.tcb_info_chain.clone();
    assert!(matches!(case.verify(), Err(TdxError::Chain { .. })), "{:?}", case.verify());
    let mut case = synthetic();
    case.collateral.pck_crl = other.collateral.pck_crl;
    assert!(matches!(case.verify(), Err(TdxError::Chain { .. })), "{:?}", case.verify());
    for document in [Document::RootCrl, Document::PckCrl, Document::TcbInfo, Document::QeIdentity] {
        let mut case = synthetic();
        let broken = Bytes::new([0x30]).unwrap();
        match document {
            Document::RootCrl => case.collateral.root_crl = broken,
            Document::PckCrl => case.collateral.pck_crl = broken,
            Document::TcbInfo => case.collateral.tcb_info = broken,
            Document::QeIdentity => case.collateral.qe_identity = broken,
        }
        assert_eq!(case.verify(), Err(TdxError::DocumentMalformed { document }));
    }
    assert!(ours.verify().is_ok());
}

#[test]
fn negative_56_quoting_enclave() {
    let case = synthetic_with(|platform| platform.vendor = [1; 16]);
    assert_eq!(case.verify(), Err(QuoteError::QeVendor { got: [1; 16] }.into()));
    for (field, case) in [
        ("MRSIGNER", synthetic_with(|platform| platform.qe_signer = [1; 32])),
        ("ISVPRODID", synthetic_with(|platform| platform.qe_product = 3)),
        ("ISVSVN", synthetic_with(|platform| platform.qe_version = 3)),
    ] {
        let Err(TdxError::QuotingEnclave { cause }) = case.verify() else { panic!("{field}: {:?}", case.verify()) };
        assert!(cause.contains(field), "{cause}");
    }
    assert_eq!(synthetic_with(|platform| platform.qe_status = "Revoked").verify(), Err(TdxError::TcbRevoked));
    let case = synthetic_with(|platform| platform.qe_status = "OutOfDate");
    assert!(matches!(case.verify(), Err(TdxError::TcbOutOfDate { .. })), "{:?}", case.verify());
}

#[test]
fn negative_57_collateral() {
    let mut case = synthetic();
    case.at = ISSUED_AT * 1000 - 1;
    let early =
        TdxError::CollateralNotYetValid { document: Document::RootCrl, issued_at: ISSUED_AT * 1000, at: case.at };
    assert_eq!(case.verify(), Err(early));
    case.at = ISSUED_AT * 1000 + 30 * DAY_MS;
    let late = TdxError::CollateralExpired { document: Document::RootCrl, expired_at: case.at, at: case.at };
    assert_eq!(case.verify(), Err(late));
    case.at = ISSUED_AT * 1000 + 7 * DAY_MS + 1;
    let old = TdxError::CollateralTooOld { document: Document::PckCrl, age_ms: 7 * DAY_MS + 1, max_ms: 7 * DAY_MS };
    assert_eq!(case.verify(), Err(old));

    let case = synthetic_with(|platform| platform.tcb_fmspc[0] ^= 1);
    assert_eq!(case.verify(), Err(TdxError::AnotherPlatformType));
    let case = synthetic_with(|platform| platform.pce_version_min = 12);
    assert_eq!(case.verify(), Err(TdxError::NoTcbLevel));

    let floor = |grace_ms| List::new(vec![Floor { activates_at: ISSUED_AT * 1000, grace_ms, minimum: 18 }]).unwrap();
    let case = synthetic().with_rules(|rules| rules.evaluation_floors = floor(DAY_MS - 1));
    assert_eq!(case.verify(), Err(TdxError::EvaluationNumber { minimum: 18, got: 17 }));
    let case = synthetic().with_rules(|rules| rules.evaluation_floors = floor(DAY_MS));
    let claims = case.verify().unwrap();
    assert_eq!((claims.in_grace, claims.expires_at), (true, case.at));

    for (status, expected) in [
        ("SWHardeningNeeded", Ok(TcbStatus::SoftwareHardeningNeeded)),
        ("Revoked", Err(TdxError::TcbRevoked)),
        ("ConfigurationNeeded", Err(TdxError::TcbStatus { status: TcbStatus::ConfigurationNeeded })),
        (
            "ConfigurationAndSWHardeningNeeded",
            Err(TdxError::TcbStatus { status: TcbStatus::ConfigurationAndSoftwareHardeningNeeded }),
        ),
        ("OutOfDateConfigurationNeeded", Err(TdxError::TcbStatus { status: TcbStatus::OutOfDateConfigurationNeeded })),
    ] {
        let case = synthetic_with(|platform| platform.tcb_status = status);
        assert_eq!(case.verify().map(|claims| claims.tcb_status), expected, "{status}");
        // Grace is for out-of-date platforms alone.
        let case = case.with_rules(|rules| rules.out_of_date_grace_ms = u64::MAX);
        assert_eq!(case.verify().map(|claims| claims.tcb_status), expected, "{status}");
    }
    let case = synthetic_with(|platform| platform.tcb_status = "OutOfDate");
    let grace_until = (ISSUED_AT - 86_400) * 1000;
    assert_eq!(case.verify(), Err(TdxError::TcbOutOfDate { grace_until, at: case.at }));
    let case = case.with_rules(|rules| rules.out_of_date_grace_ms = 2 * DAY_MS);
    assert_eq!(case.verify().map(|claims| (claims.in_grace, claims.expires_at)), Ok((true, case.at)));

    let case = synthetic_with(|platform| platform.advisories = vec!["INTEL-SA-00837".into()]);
    assert_eq!(case.verify().unwrap().advisories, ["INTEL-SA-00837"]);
    let case = case.with_rules(|rules| {
        rules.advisories_refused = Set::new([Text::new("INTEL-SA-00837").unwrap()]).unwrap();
    });
    assert_eq!(case.verify(), Err(TdxError::Advisory { advisory: "INTEL-SA-00837".into() }));

    for revoked in [Revoked::Pck, Revoked::PckAuthority, Revoked::TcbSigner] {
        let case = synthetic_with(|platform| platform.revoked = Some(revoked));
        assert_eq!(case.verify(), Err(TdxError::CertificateRevoked), "{revoked:?}");
    }
}

#[test]
fn negative_58_trailing_bytes_and_other_kinds_of_quote() {
    for case in both() {
        let padded = Case {
            rules: case.rules.clone(),
            collateral: case.collateral.clone(),
            evidence: case.evidence.clone(),
            ..case
        };
        let claims = padded.with_quote(|quote| quote.extend_from_slice(&[0; 70])).verify().unwrap();
        assert_eq!(claims, case.verify().unwrap(), "zero padding is no part of the quote");
        let end = quote::parse(case.evidence.quote.as_slice()).unwrap().bytes.len();
        let case = case.with_quote(|quote| {
            quote.truncate(end);
            quote.extend_from_slice(&[0, 0, 1]);
        });
        assert_eq!(case.verify(), Err(QuoteError::TrailingBytes { position: end + 2 }.into()));
    }
    let change = |offset: usize, bytes: &[u8]| {
        synthetic().with_quote(|quote| quote[offset..offset + bytes.len()].copy_from_slice(bytes)).verify().unwrap_err()
    };
    assert_eq!(change(4, &[0; 4]), QuoteError::SgxQuote { version: 4 }.into());
    assert_eq!(change(0, &[3, 0]), QuoteError::Version { got: 3 }.into());
    assert_eq!(change(2, &[3, 0]), QuoteError::KeyType { got: 3 }.into());
    assert_eq!(change(4, &[0x82, 0, 0, 0]), QuoteError::TeeType { got: 0x82 }.into());
    let expected = QuoteError::CertificationType { field: "quoting-enclave data", expected: 6, got: 5 };
    assert_eq!(change(632 + 4 + 128, &[5, 0]), expected.into());
    let inner = 632 + 4 + 128 + 6 + 384 + 64 + 2 + 32;
    let expected = QuoteError::CertificationType { field: "PCK certificate chain", expected: 5, got: 4 };
    assert_eq!(change(inner, &[4, 0]), expected.into());
    let version_5 = synthetic_with(|platform| platform.version = 5);
    let case = version_5.with_quote(|quote| quote[48..50].copy_from_slice(&[2, 0]));
    assert_eq!(case.verify(), Err(QuoteError::Body { body_type: 2, size: 648 }.into()));

    if let Some(sgx) = shared("cpu-tee", "dcap-qvl/sample/sgx_quote") {
        assert_eq!(quote::parse(&sgx).unwrap_err(), QuoteError::SgxQuote { version: 3 });
    }
    let long = vec![0; tdx::QUOTE_BYTES_MAX + 1];
    assert_eq!(quote::parse(&long).unwrap_err(), QuoteError::TooLong { got: long.len() });
    let bytes = synthetic().quote();
    for length in 0..bytes.len() {
        let error = quote::parse(&bytes[..length]).unwrap_err();
        assert!(matches!(error, QuoteError::Truncated { .. }), "{length}: {error:?}");
    }
}

#[test]
fn negative_59_launch_and_report_data() {
    let case = synthetic_with(|platform| platform.launch.mrtd = Fixed([1; 48]));
    let Err(TdxError::LaunchNotAllowed { launch }) = case.verify() else { panic!("{:?}", case.verify()) };
    assert_eq!(launch.mrtd, Fixed([1; 48]));
    for index in 0..4 {
        let case = synthetic_with(|platform| platform.launch.rtmr[index] = Fixed([1; 48]));
        let Err(TdxError::LaunchNotAllowed { launch }) = case.verify() else { panic!("{:?}", case.verify()) };
        assert_eq!(launch.rtmr[index], Fixed([1; 48]));
    }
    let case = synthetic().with_rules(|rules| rules.launches = Set::default());
    assert!(matches!(case.verify(), Err(TdxError::LaunchNotAllowed { .. })));
    for mut case in both() {
        let got = Box::new(Fixed(case.report_data));
        case.report_data[63] ^= 1;
        assert_eq!(case.verify(), Err(TdxError::ReportData { expected: Box::new(Fixed(case.report_data)), got }));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(32))]

    #[test]
    fn the_parser_is_total(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2048)) {
        let _ = quote::parse(&bytes);
    }

    #[test]
    fn any_change_of_a_quote_is_refused(offset in 0_usize..4000, mask in 1_u8..) {
        let case = synthetic();
        let chain = 48 + 584 + 4 + 128 + 6 + 384 + 64 + 2 + 32 + 6;
        proptest::prop_assume!(offset < chain);
        let case = case.with_quote(|quote| quote[offset] ^= mask);
        proptest::prop_assert!(case.verify().is_err());
    }
}

//! Reports with what decides about them: genuine and synthetic.

use attestation::{
    bounded::{Bytes, Fixed, Set},
    evidence::sev_snp::{self, AMD_ROOTS, SnpClaims, SnpCollateral, SnpError, SnpEvidence, SnpRules, SnpTcb, report},
    synthetic::SyntheticSnp,
};

use crate::common::{self, shared};

pub(crate) const DAY_MS: u64 = 86_400_000;
/// 2025-06-20T00:00:00Z: every genuine certificate is valid then, the VLEK's too.
pub(crate) const GENUINE_AT: u64 = 1_750_377_600_000;
/// 2026-11-20T00:00:00Z, when the data were collected and the VLEK had expired.
pub(crate) const COLLECTED_AT: u64 = 1_795_132_800_000;
pub(crate) const ISSUED_AT: u64 = 1_750_377_600;

pub(crate) type Case = common::Case<SnpEvidence, SnpCollateral, SnpRules>;

impl Case {
    pub(crate) fn verify(&self) -> Result<SnpClaims, SnpError> {
        sev_snp::verify(&self.evidence, &self.collateral, &self.rules, &self.report_data, self.at)
    }

    pub(crate) fn refused(&self) -> SnpError {
        self.verify().unwrap_err()
    }

    pub(crate) fn with_report(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = self.evidence.report.as_slice().to_vec();
        change(&mut bytes);
        self.evidence.report = Bytes::new(bytes).unwrap();
        self
    }

    pub(crate) fn with_certificate(mut self, certificate: &[u8]) -> Self {
        self.evidence.certificate = Bytes::new(certificate).unwrap();
        self
    }
}

pub(crate) fn pem(bytes: &[u8]) -> Vec<Vec<u8>> {
    use der::Encode as _;
    let chain = x509_cert::Certificate::load_pem_chain(bytes).unwrap();
    chain.into_iter().map(|certificate| certificate.to_der().unwrap()).collect()
}

/// `chain` is a PEM file of ASK, ARK and ASVK.
pub(crate) fn genuine(report: Vec<u8>, certificate: &[u8], chain: &str, vlek: bool) -> Option<Case> {
    let chain = pem(&shared("cpu-tee", chain)?);
    let read = report::parse(&report).unwrap();
    let rules = SnpRules {
        roots: Set::new(AMD_ROOTS).unwrap(),
        launches: Set::new([Fixed(*read.measurement)]).unwrap(),
        ..SnpRules::default()
    };
    let report_data = *read.report_data;
    let ask = if vlek { &chain[2] } else { &chain[0] };
    Some(Case {
        evidence: SnpEvidence { report: Bytes::new(report).unwrap(), certificate: Bytes::new(certificate).unwrap() },
        collateral: SnpCollateral {
            ask: Bytes::new(ask.clone()).unwrap(),
            ark: Bytes::new(chain[1].clone()).unwrap(),
            crl: None,
        },
        rules,
        report_data,
        at: GENUINE_AT,
    })
}

pub(crate) const TRUSTEE: &str = "trustee/deps/verifier/test_data/snp";
pub(crate) const MILAN: &str = "trustee/deps/verifier/src/snp/milan_ask_ark_asvk.pem";

pub(crate) fn trustee(report: &str, certificate: &str, vlek: bool) -> Option<Case> {
    let report = shared("cpu-tee", &format!("{TRUSTEE}/{report}"))?;
    let certificate = shared("cpu-tee", &format!("{TRUSTEE}/{certificate}"))?;
    genuine(report, &certificate, MILAN, vlek)
}

pub(crate) fn synthetic_with(change: impl FnOnce(&mut SyntheticSnp)) -> Case {
    let mut chip = SyntheticSnp::new([9; 32], ISSUED_AT);
    chip.report_data = [0xda; 64];
    let measurement = chip.measurement;
    change(&mut chip);
    Case {
        evidence: chip.evidence().unwrap(),
        collateral: chip.collateral().unwrap(),
        rules: SnpRules {
            roots: Set::new([chip.root()]).unwrap(),
            launches: Set::new([Fixed(measurement)]).unwrap(),
            ..SnpRules::default()
        },
        report_data: [0xda; 64],
        at: ISSUED_AT * 1000 + DAY_MS,
    }
}

pub(crate) fn synthetic() -> Case {
    synthetic_with(|_| {})
}

/// The synthetic case, and a genuine one where the data are.
pub(crate) fn both() -> Vec<Case> {
    [Some(synthetic()), trustee("test-report.bin", "test-vcek.der", false)].into_iter().flatten().collect()
}

pub(crate) const fn tcb(bootloader: u8, snp: u8, microcode: u8) -> SnpTcb {
    SnpTcb { fmc: 0, bootloader, tee: 0, snp, microcode }
}

//! Appraisal of NVIDIA devices: report, chain, revocation, reference values, versions, and the machine as a whole.
//!
//! Pure: evidence, collateral, requirements, nonce and time go in, claims or an error come out. Certificates, responses
//! and manifests that several devices share are checked once per [`Appraiser`].

use std::{collections::BTreeMap, sync::Arc};

use super::{
    certificate::Certificate,
    chain::Clock,
    claims::{
        Check, CheckKind, CheckResult, DeviceClaims, ManifestKind, MatchedManifest, MissingManifest, ReferenceValues,
        Unavailable,
    },
    compare::compare,
    container::{DEVICES_MAX, DeviceEvidence},
    crl::Crl,
    device_chain::{DeviceChain, Family},
    error::NvidiaError,
    ocsp::OcspResponse,
    report::{DeviceKind, Report},
    requirements::{DOCUMENTS_MAX, LISTS_MAX, ManifestDocument, NvidiaCollateral, Requirements},
    revocation::{self, Freshness, RevocationError, RevocationSource, Statements},
    rim::Rim,
    signature::Verified,
    token::{self, TokenClaims, TokenError, TokenEvidence},
    topology::{self, Topology},
};

/// Appraises one device. Several devices of one machine: [`verify_machine`].
///
/// # Errors
/// [`NvidiaError`].
pub fn verify_device(
    evidence: &DeviceEvidence,
    collateral: &NvidiaCollateral,
    requirements: &Requirements,
    nonce: &[u8; 32],
    at: u64,
) -> Result<DeviceClaims, NvidiaError> {
    Appraiser::new(collateral, requirements, at)?.device(evidence, nonce)
}

/// Appraises the devices of one machine, each with the nonce it was asked, and their topology.
///
/// # Errors
/// [`NvidiaError`].
pub fn verify_machine(
    devices: &[(DeviceEvidence, [u8; 32])],
    collateral: &NvidiaCollateral,
    requirements: &Requirements,
    at: u64,
) -> Result<(Vec<DeviceClaims>, Topology), NvidiaError> {
    if devices.len() > DEVICES_MAX {
        return Err(NvidiaError::TooMany { field: "devices", max: DEVICES_MAX, got: devices.len() });
    }
    let mut appraiser = Appraiser::new(collateral, requirements, at)?;
    let claims =
        devices.iter().map(|(evidence, nonce)| appraiser.device(evidence, nonce)).collect::<Result<Vec<_>, _>>()?;
    let topology = topology::check(&claims)?;
    Ok((claims, topology))
}

/// Appraises devices with one collateral at one time, checking shared documents once.
#[derive(Clone, Debug)]
pub struct Appraiser<'a> {
    requirements: &'a Requirements,
    manifests: BTreeMap<&'a str, &'a [u8]>,
    statements: Statements,
    tokens: &'a [TokenEvidence],
    at: u64,
    verified: Verified,
    read: BTreeMap<[u8; 32], Arc<Rim>>,
}

/// A manifest that a device should match.
struct Wanted {
    kind: ManifestKind,
    id: String,
    version: String,
    edition: &'static str,
    product: String,
}

/// What accumulates while a device is appraised.
struct Progress {
    checks: Vec<Check>,
    revocation: RevocationSource,
    expires_at_ms: u64,
    grace: bool,
}

impl Progress {
    fn note(&mut self, kind: CheckKind, result: CheckResult, detail: String) {
        self.checks.push(Check { kind, result, detail });
    }

    fn passed(&mut self, kind: CheckKind, detail: String) {
        self.note(kind, CheckResult::Passed, detail);
    }

    fn revocation(&mut self, kind: CheckKind, state: revocation::RevocationState, of: &str) {
        self.revocation = self.revocation.max(state.source);
        self.expires_at_ms = self.expires_at_ms.min(state.expires_at_ms);
        let (result, by) = match state.source {
            RevocationSource::Ocsp => (CheckResult::Passed, "OCSP"),
            RevocationSource::Crl => (CheckResult::Passed, "revocation lists"),
            RevocationSource::NotChecked => (CheckResult::NotChecked, "nothing"),
        };
        self.note(kind, result, format!("{of}: by {by}"));
    }
}

impl<'a> Appraiser<'a> {
    /// Reads the collateral. `at` is in milliseconds since the epoch.
    ///
    /// # Errors
    /// [`NvidiaError`]: too many documents, one that does not parse, two manifests under one id.
    pub fn new(collateral: &'a NvidiaCollateral, requirements: &'a Requirements, at: u64) -> Result<Self, NvidiaError> {
        for (field, max, got) in [
            ("manifests", DOCUMENTS_MAX, collateral.manifests.len()),
            ("ocsp_responses", DOCUMENTS_MAX, collateral.ocsp_responses.len()),
            ("revocation_lists", LISTS_MAX, collateral.revocation_lists.len()),
            ("tokens", DEVICES_MAX, collateral.tokens.len()),
        ] {
            if got > max {
                return Err(NvidiaError::TooMany { field, max, got });
            }
        }
        let mut manifests = BTreeMap::new();
        for ManifestDocument { id, document } in &collateral.manifests {
            if manifests.insert(id.as_str(), document.as_slice()).is_some() {
                return Err(NvidiaError::DuplicateManifest { id: id.clone() });
            }
        }
        let mut statements = Statements::default();
        for (position, der) in collateral.ocsp_responses.iter().enumerate() {
            let response = OcspResponse::parse(der);
            statements.responses.push(response.map_err(|source| NvidiaError::OcspResponse { position, source })?);
        }
        for (position, der) in collateral.revocation_lists.iter().enumerate() {
            let list = Crl::parse(der);
            statements.lists.push(list.map_err(|source| NvidiaError::RevocationList { position, source })?);
        }
        Ok(Self {
            requirements,
            manifests,
            statements,
            tokens: &collateral.tokens,
            at,
            verified: Verified::default(),
            read: BTreeMap::new(),
        })
    }

    /// Appraises one device.
    ///
    /// # Errors
    /// [`NvidiaError`].
    pub fn device(&mut self, evidence: &DeviceEvidence, nonce: &[u8; 32]) -> Result<DeviceClaims, NvidiaError> {
        let mut progress =
            Progress { checks: Vec::new(), revocation: RevocationSource::Ocsp, expires_at_ms: u64::MAX, grace: false };
        let report = Report::parse(&evidence.report)?;
        progress.passed(CheckKind::ReportLayout, format!("{} measurements", report.measurements().len()));
        if report.request_nonce() != nonce {
            return Err(NvidiaError::Nonce { expected: *nonce, got: *report.request_nonce() });
        }
        progress.passed(CheckKind::Nonce, crate::hex::encode(nonce));
        let chain = DeviceChain::verify(&evidence.chain, &self.requirements.device_root, self.at, &mut self.verified)?;
        progress.passed(CheckKind::DeviceChain, format!("{}, {:?}", chain.model(), chain.family()));
        chain.check_report(&report)?;
        progress.expires_at_ms = chain.expires_at_ms();
        progress.passed(CheckKind::ReportSignature, "by the leaf's key".to_owned());
        progress.passed(CheckKind::FirmwareIdentity, crate::hex::encode(chain.fwid()));
        self.check_allowed(&chain, &report, &mut progress)?;
        let state = self.revocation_of(chain.chain().certificates(), 1).map_err(NvidiaError::DeviceRevocation)?;
        progress.revocation(CheckKind::DeviceRevocation, state, "device chain");
        let reference_values = self.reference_values(&chain, &report, &mut progress)?;
        let opaque = report.opaque();
        Ok(DeviceClaims {
            kind: report.kind(),
            family: chain.family(),
            chip: chain.chip().to_owned(),
            model: chain.model().to_owned(),
            board: opaque.board.clone(),
            identity: chain.identity(),
            pdi: chain.pdi(),
            fwid: *chain.fwid(),
            nonce: *nonce,
            driver: opaque.driver.clone(),
            vbios: opaque.vbios,
            feature: opaque.feature,
            switches: opaque.switches.clone(),
            gpus: opaque.gpus.clone(),
            reference_values,
            revocation: progress.revocation,
            grace: progress.grace,
            expires_at_ms: progress.expires_at_ms,
            checks: progress.checks,
        })
    }

    fn check_allowed(&self, chain: &DeviceChain, report: &Report, progress: &mut Progress) -> Result<(), NvidiaError> {
        let (identity, family) = (chain.identity(), chain.family());
        if self.requirements.revoked.contains(&identity) {
            return Err(NvidiaError::RevokedIdentity { identity });
        }
        progress.passed(CheckKind::DeviceNotRevoked, crate::hex::encode(&identity));
        let floor = self.requirements.families.get(&family).ok_or(NvidiaError::FamilyNotAllowed { family })?;
        let opaque = report.opaque();
        if let (Some(expected), Some(got)) = (&floor.driver, &opaque.driver)
            && got < expected
        {
            return Err(NvidiaError::DriverFloor { expected: expected.clone(), got: got.clone() });
        }
        if let Some(expected) = floor.vbios.filter(|expected| opaque.vbios < *expected) {
            return Err(NvidiaError::VbiosFloor { expected, got: opaque.vbios });
        }
        let driver = opaque.driver.as_ref().map(|driver| format!("driver {driver}, ")).unwrap_or_default();
        progress.passed(CheckKind::Versions, format!("{driver}VBIOS {}", opaque.vbios));
        Ok(())
    }

    fn revocation_of(
        &mut self,
        certificates: &[Certificate],
        first: usize,
    ) -> Result<revocation::RevocationState, RevocationError> {
        let freshness = Freshness {
            at: self.at,
            age_max: self.requirements.ocsp_age_ms_max,
            required: self.requirements.revocation_required,
        };
        revocation::check(certificates, first, &self.statements, freshness, &mut self.verified)
    }

    fn reference_values(
        &mut self,
        chain: &DeviceChain,
        report: &Report,
        progress: &mut Progress,
    ) -> Result<ReferenceValues, NvidiaError> {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for wanted in wanted(chain, report) {
            match self.manifest(&wanted)? {
                Ok(rim) => {
                    self.check_manifest(&wanted, &rim, progress)?;
                    found.push((wanted, rim));
                }
                Err(reason) => {
                    progress.note(CheckKind::Manifest, CheckResult::NotChecked, format!("{}: {reason:?}", wanted.id));
                    missing.push(MissingManifest { kind: wanted.kind, id: wanted.id, reason });
                }
            }
        }
        let golden: Vec<_> = found.iter().map(|(_, rim)| rim.golden()).collect();
        let compared = compare(report, &golden)?;
        let matched: Vec<_> = found
            .iter()
            .zip(compared)
            .map(|((wanted, rim), compared)| MatchedManifest {
                kind: wanted.kind,
                id: wanted.id.clone(),
                sha256: *rim.sha256(),
                compared,
            })
            .collect();
        let count = matched.iter().map(|manifest| manifest.compared.matched.len()).fold(0, usize::saturating_add);
        let result = if missing.is_empty() { CheckResult::Passed } else { CheckResult::NotChecked };
        progress.note(CheckKind::ReferenceValues, result, format!("{count} measurements match"));
        let token = if missing.is_empty() { None } else { self.token(chain, report, progress)? };
        Ok(ReferenceValues { matched, missing, token })
    }

    /// The vendor's word for a device, if a token answers its nonce. The nonce is not enough, since whoever asks chooses
    /// it and can have the vendor appraise another device with it: the token must name this device's leaf certificate.
    fn token(
        &self,
        chain: &DeviceChain,
        report: &Report,
        progress: &mut Progress,
    ) -> Result<Option<TokenClaims>, NvidiaError> {
        let requirements = &self.requirements.tokens;
        if requirements.intermediates.is_empty() {
            return Ok(None);
        }
        for (position, evidence) in self.tokens.iter().enumerate() {
            let claims = match token::verify(evidence, requirements, report.request_nonce(), self.at) {
                // Another device's.
                Err(TokenError::Nonce { .. }) => continue,
                claims => claims.map_err(|source| NvidiaError::Token { position, source })?,
            };
            let ueid = chain.ueid();
            let differs = |field, expected: &str, got: &str| {
                let (expected, got) = (expected.to_owned(), got.to_owned());
                Err(NvidiaError::TokenDevice { position, field, expected, got })
            };
            let [device] = claims.devices.as_slice() else {
                return differs("devices", "1", &claims.devices.len().to_string());
            };
            let vbios = report.opaque().vbios.to_string();
            let stated_vbios = device.vbios.as_deref().unwrap_or("none");
            for (field, expected, got) in [
                ("ueid", ueid.as_str(), device.ueid.as_str()),
                ("hwmodel", chain.model(), device.model.as_str()),
                ("vbios version", vbios.as_str(), stated_vbios),
            ] {
                if !expected.eq_ignore_ascii_case(got) {
                    return differs(field, expected, got);
                }
            }
            if let Some(expected) = report.opaque().driver.as_ref().map(ToString::to_string) {
                let got = device.driver.as_deref().unwrap_or("none");
                if expected != got {
                    return differs("driver version", &expected, got);
                }
            }
            progress.expires_at_ms = progress.expires_at_ms.min(claims.expires_at_ms);
            progress.passed(CheckKind::VendorToken, format!("issued at {}", claims.issued_at_ms));
            return Ok(Some(claims));
        }
        Ok(None)
    }

    /// The pinned document for an id, read and verified, or why there is none.
    fn manifest(&mut self, wanted: &Wanted) -> Result<Result<Arc<Rim>, Unavailable>, NvidiaError> {
        let id = || wanted.id.clone();
        let Some(pins) = self.requirements.manifests.get(&wanted.id) else { return Ok(Err(Unavailable::NotPinned)) };
        let Some(document) = self.manifests.get(wanted.id.as_str()) else { return Ok(Err(Unavailable::NotSupplied)) };
        let got = Rim::sha256_of(document);
        if !pins.contains(&got) {
            return Err(NvidiaError::ManifestNotPinned { id: id(), got });
        }
        if let Some(rim) = self.read.get(&got) {
            return Ok(Ok(Arc::clone(rim)));
        }
        let clock = Clock { at: self.at, grace: self.requirements.manifest_grace_ms };
        let rim = Rim::verify(document, &self.requirements.rim_root, clock, &mut self.verified)
            .map_err(|source| NvidiaError::Manifest { id: id(), source })?;
        let rim = Arc::new(rim);
        self.read.insert(got, Arc::clone(&rim));
        Ok(Ok(rim))
    }

    fn check_manifest(&mut self, wanted: &Wanted, rim: &Rim, progress: &mut Progress) -> Result<(), NvidiaError> {
        for (field, expected, got) in [
            ("colloquialVersion", wanted.version.as_str(), rim.version()),
            ("product", wanted.product.as_str(), rim.product()),
            ("edition", wanted.edition, rim.edition()),
        ] {
            if !expected.eq_ignore_ascii_case(got) {
                let (expected, got) = (expected.to_owned(), got.to_owned());
                return Err(NvidiaError::ManifestMeta { id: wanted.id.clone(), field, expected, got });
            }
        }
        let expired = self.at > rim.expires_at_ms();
        progress.grace |= expired;
        let lapses = rim.expires_at_ms().saturating_add(if expired { self.requirements.manifest_grace_ms } else { 0 });
        progress.expires_at_ms = progress.expires_at_ms.min(lapses);
        let result = if expired { CheckResult::Grace } else { CheckResult::Passed };
        progress.note(CheckKind::Manifest, result, format!("{}, {}", wanted.id, crate::hex::encode(rim.sha256())));
        let state = self
            .revocation_of(rim.chain().certificates(), 0)
            .map_err(|source| NvidiaError::ManifestRevocation { id: wanted.id.clone(), source })?;
        progress.revocation(CheckKind::ManifestRevocation, state, &wanted.id);
        Ok(())
    }
}

/// The manifests that describe a device, by the ids that the vendor's registry uses.
fn wanted(chain: &DeviceChain, report: &Report) -> Vec<Wanted> {
    let opaque = report.opaque();
    let digits = opaque.vbios.digits();
    if report.kind() == DeviceKind::Switch {
        return vec![Wanted {
            kind: ManifestKind::Vbios,
            id: format!("NV_SWITCH_BIOS_5612_0002_890_{digits}"),
            version: opaque.vbios.to_string(),
            edition: "SWITCH",
            product: "LS10".to_owned(),
        }];
    }
    let product = chain.chip().to_owned();
    let driver = opaque.driver.as_ref().map(|driver| {
        // A Hopper-style id for a Blackwell driver resolves too, to a validly signed document for other chips.
        let prefix = if chain.family() == Family::Gh100 { "NV_GPU_DRIVER" } else { "NV_GPU_CC_DRIVER" };
        Wanted {
            kind: ManifestKind::Driver,
            id: format!("{prefix}_{product}_{driver}"),
            version: driver.to_string(),
            edition: "GPU",
            product: product.clone(),
        }
    });
    let vbios = opaque.board.as_ref().map(|board| Wanted {
        kind: ManifestKind::Vbios,
        id: format!("NV_GPU_VBIOS_{}_{}_{}_{digits}", board.project, board.project_sku, board.chip_sku),
        version: opaque.vbios.to_string(),
        edition: "GPU",
        product: product.clone(),
    });
    driver.into_iter().chain(vbios).collect()
}

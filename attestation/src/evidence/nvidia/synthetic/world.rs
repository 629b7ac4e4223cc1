//! Everything at once: hierarchies, devices, what they should measure, and a verifier's requirements for them.

use sha2::{Digest, Sha384};

use super::{
    super::{
        device_chain::Family,
        opaque::Pdi,
        requirements::{ManifestDocument, NvidiaCollateral, Requirements},
        rim::Rim,
    },
    device::{Device, chip, family_name},
    manifest::{ManifestSpec, ResourceSpec},
    pki::{CertificateSpec, Identity, Key},
    report::ReportSpec,
    status::{ListSpec, ResponseSpec},
};

/// 2026-11-20T12:00:00Z.
pub const NOW: u64 = 1_795_176_000_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
/// Driver of every synthetic GPU.
pub const DRIVER: &str = "590.48.01";
/// VBIOS of every synthetic GPU, as the report writes it: 96.00.9F.00.01.
const VBIOS: [u8; 8] = [0x00, 0x9F, 0x00, 0x96, 0x01, 0, 0, 0];
/// Firmware of every synthetic switch.
pub const SWITCH_FIRMWARE: &str = "96.10.55.00.01";

/// Indices that a driver's manifest describes.
#[must_use]
pub fn driver_indices() -> Vec<usize> {
    std::iter::once(7).chain(21..=40).collect()
}

/// Indices that a VBIOS's manifest describes.
#[must_use]
pub fn vbios_indices() -> Vec<usize> {
    (0..=6).chain(8..=12).collect()
}

/// A world from a seed.
#[derive(Clone, Debug)]
pub struct World {
    seed: [u8; 32],
    /// Root of all devices.
    pub device_root: Identity,
    /// Signer to root of all manifests.
    pub manifest_chain: [Identity; 4],
}

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        let root = |name: &str| {
            let key = Key::derive(&seed, name);
            Identity { spec: CertificateSpec::authority(name, name, &key, &key), key }
        };
        let under = |name: &str, issuer: &Identity| {
            let key = Key::derive(&seed, name);
            Identity { spec: CertificateSpec::authority(name, &issuer.spec.subject, &key, &issuer.key), key }
        };
        let manifest_root = root("NVIDIA CoRIM signing Root CA");
        let mut upper = under("NVIDIA Reference Value GH100 CA", &manifest_root);
        upper.spec.not_after = NOW + 3000 * DAY;
        let mut middle = under("NVIDIA Reference Value L3 GH100 002", &upper);
        middle.spec.names_list = false;
        middle.spec.constraints = Some((true, Some(0)));
        middle.spec.not_after = NOW + 400 * DAY;
        let key = Key::derive(&seed, "HCC RIM L4 Signer");
        let mut spec = CertificateSpec::leaf("HCC RIM L4 Signer", &middle.spec.subject, &key, &middle.key);
        spec.constraints = Some((false, None));
        spec.not_before = NOW - 300 * DAY;
        spec.not_after = NOW + 300 * DAY;
        let signer = Identity { key, spec };
        Self {
            seed,
            device_root: root("NVIDIA Device Identity CA"),
            manifest_chain: [signer, middle, upper, manifest_root],
        }
    }

    /// Provisioner, family and root of a family.
    #[must_use]
    pub fn upper(&self, family: Family) -> [Identity; 3] {
        let under = |name: &str, issuer: &Identity| {
            let key = Key::derive(&self.seed, name);
            Identity { spec: CertificateSpec::authority(name, &issuer.spec.subject, &key, &issuer.key), key }
        };
        let above = under(family_name(family), &self.device_root);
        let provisioner = under(&format!("NVIDIA {} Provisioner ICA 1", chip(family)), &above);
        [provisioner, above, self.device_root.clone()]
    }

    /// Golden value of a measurement.
    #[must_use]
    pub fn golden(&self, family: Family, index: usize) -> [u8; 48] {
        // As on real boards, the first measurement is never extended.
        if index == 0 && family != Family::Ls10 {
            return [0; 48];
        }
        Sha384::digest([&self.seed[..], chip(family).as_bytes(), &index.to_le_bytes()].concat()).into()
    }

    /// Device `number` of a family.
    #[must_use]
    pub fn device(&self, family: Family, number: u64) -> Device {
        let report = if family == Family::Ls10 { self.switch_report() } else { self.gpu_report(family) };
        Device::new(&self.seed, family, number, self.upper(family), report)
    }

    fn gpu_report(&self, family: Family) -> ReportSpec {
        let mut measurements = vec![[0; 48]; 64];
        for index in driver_indices().into_iter().chain(vbios_indices()) {
            measurements[index] = self.golden(family, index);
        }
        // The decoder is off, so this one is whatever it is.
        measurements[35] = [0x35; 48];
        let text = |text: &str| [text.as_bytes(), &[0]].concat();
        let mut opaque = vec![
            (6, VBIOS.to_vec()),
            (14, vec![0xB1, 3, 0, 0]),
            (15, text("882")),
            (17, text("1010")),
            (18, text("0200")),
            (3, text(DRIVER)),
            (4, vec![0x80, 1, 0, 0, 0, 0, 0, 0]),
            (12, extend_counts(&measurements)),
            (11, vec![0x55]),
            (20, vec![0; 48]),
            (34, vec![1, 0]),
            (36, vec![0, 0]),
        ];
        if family != Family::Gh100 {
            opaque.push((35, text(chip(family))));
        }
        ReportSpec { request: ReportSpec::request(&[0; 32]), measurements, responder_nonce: [0x5A; 32], opaque }
    }

    fn switch_report(&self) -> ReportSpec {
        let measurements: Vec<_> = (0..31).map(|index| self.golden(Family::Ls10, index)).collect();
        let counts = extend_counts(&measurements[..26]);
        let opaque = vec![
            (6, SWITCH_FIRMWARE.as_bytes().to_vec()),
            (22, vec![0; 8]),
            (12, counts),
            (26, vec![0xFF; 128]),
            (23, vec![0xEC, 0]),
            (24, vec![1, 0]),
            (25, vec![1, 0]),
        ];
        ReportSpec { request: ReportSpec::request(&[0; 32]), measurements, responder_nonce: [0x5B; 32], opaque }
    }

    /// Eight GPUs and four switches under protected PCIe, linked to each other.
    #[must_use]
    pub fn protected_machine(&self) -> (Vec<Device>, Vec<Device>) {
        let mut gpus: Vec<_> = (0..8).map(|number| self.device(Family::Gh100, number)).collect();
        let mut switches: Vec<_> = (0..4).map(|number| self.device(Family::Ls10, number)).collect();
        let switch_pdis: Vec<Pdi> = switches.iter().map(|switch| switch.pdi).collect();
        let gpu_pdis: Vec<Pdi> = gpus.iter().map(|gpu| gpu.pdi).collect();
        for gpu in &mut gpus {
            link_gpu(&mut gpu.report, &switch_pdis);
        }
        for switch in &mut switches {
            link_switch(&mut switch.report, &gpu_pdis);
        }
        (gpus, switches)
    }

    /// Manifests of a family: driver and VBIOS, or a switch's firmware.
    #[must_use]
    pub fn manifests(&self, family: Family) -> Vec<ManifestSpec> {
        let name = chip(family);
        let spec = |id: String, version: &str, product: &str, edition: &str, active: &[usize]| ManifestSpec {
            id,
            version: version.to_owned(),
            product: product.to_owned(),
            edition: edition.to_owned(),
            resources: (0..64)
                .map(|index| {
                    let on = active.contains(&index);
                    let value = if on { self.golden(family, index) } else { [0; 48] };
                    let other: [u8; 48] = Sha384::digest(value).into();
                    // Real manifests allow several values here and there.
                    let values = if on && matches!(index, 12 | 23) { vec![other, value] } else { vec![value] };
                    ResourceSpec::new(index, on, &values)
                })
                .collect(),
            chain: self.manifest_chain.clone(),
        };
        match family {
            Family::Ls10 => {
                let id = "NV_SWITCH_BIOS_5612_0002_890_9610550001".to_owned();
                vec![spec(id, SWITCH_FIRMWARE, "LS10", "SWITCH", &(0..31).collect::<Vec<_>>())]
            }
            _ => {
                let prefix = if family == Family::Gh100 { "NV_GPU_DRIVER" } else { "NV_GPU_CC_DRIVER" };
                let vbios = "NV_GPU_VBIOS_1010_0200_882_96009F0001".to_owned();
                vec![
                    spec(format!("{prefix}_{name}_{DRIVER}"), DRIVER, name, "GPU", &driver_indices()),
                    spec(vbios, "96.00.9f.00.01", name, "GPU", &vbios_indices()),
                ]
            }
        }
    }

    /// Good responses about certificates `first..` of a chain, all but the root, made an hour before [`NOW`].
    #[must_use]
    pub fn responses(&self, chain: &[Identity], first: usize) -> Vec<ResponseSpec> {
        let pairs = chain.iter().zip(chain.iter().skip(1)).skip(first);
        pairs.map(|(target, issuer)| ResponseSpec::new(&self.seed, &target.spec, issuer, NOW - HOUR)).collect()
    }

    /// Empty revocation lists of a family's authorities that have lists, and of the manifests'.
    #[must_use]
    pub fn lists(&self, family: Family) -> Vec<ListSpec> {
        let [_, above, root] = self.upper(family);
        [&above, &root, &self.manifest_chain[3]].map(|issuer| ListSpec::new(issuer, NOW - DAY)).to_vec()
    }

    /// Collateral for these devices: manifests and a response for every certificate.
    #[must_use]
    pub fn collateral(&self, devices: &[Device]) -> NvidiaCollateral {
        let mut collateral = NvidiaCollateral::default();
        let mut families: Vec<_> = devices.iter().map(|device| device.family).collect();
        families.sort_unstable();
        families.dedup();
        for spec in families.iter().flat_map(|family| self.manifests(*family)) {
            collateral.manifests.push(ManifestDocument { id: spec.id.clone(), document: spec.document() });
        }
        let chains = devices.iter().map(|device| (&device.chain[..], 1)).chain([(&self.manifest_chain[..], 0)]);
        for (chain, first) in chains {
            for response in self.responses(chain, first) {
                let der = response.to_der();
                if !collateral.ocsp_responses.contains(&der) {
                    collateral.ocsp_responses.push(der);
                }
            }
        }
        collateral
    }

    /// What a verifier of this world asks: its roots, and the manifests of a collateral pinned.
    #[must_use]
    pub fn requirements(&self, collateral: &NvidiaCollateral) -> Requirements {
        let mut requirements = Requirements::strict();
        requirements.device_root = self.device_root.key.fingerprint();
        requirements.rim_root = self.manifest_chain[3].key.fingerprint();
        for ManifestDocument { id, document } in &collateral.manifests {
            requirements.manifests.entry(id.clone()).or_default().insert(Rim::sha256_of(document));
        }
        requirements
    }
}

/// One little-endian count per measurement, zero exactly for zero values.
#[must_use]
pub fn extend_counts(measurements: &[[u8; 48]]) -> Vec<u8> {
    measurements.iter().flat_map(|value| u32::from(*value != [0; 48]).to_le_bytes()).collect()
}

/// Puts a GPU under protected PCIe, linked to these switches.
pub fn link_gpu(report: &mut ReportSpec, switches: &[Pdi]) {
    *report.field(36) = vec![2, 0];
    let mut ports = Vec::new();
    for port in 0..18 {
        let mut pdi = switches[port % switches.len()];
        pdi.reverse();
        ports.extend(pdi);
    }
    report.opaque.retain(|field| field.0 != 22);
    report.opaque.push((22, ports));
}

/// Links a switch to these GPUs.
pub fn link_switch(report: &mut ReportSpec, gpus: &[Pdi]) {
    let mut ports = vec![0xFF; 128];
    for (port, gpu) in gpus.iter().enumerate().take(8) {
        ports[port * 8..][..8].copy_from_slice(gpu);
    }
    *report.field(26) = ports;
}

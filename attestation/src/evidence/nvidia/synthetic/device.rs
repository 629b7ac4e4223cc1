//! A device: its chain of five, and the reports it makes.

use der::oid::db::rfc5912::ID_SHA_384;
use sha2::{Digest, Sha384};

use super::{
    super::{
        container::DeviceEvidence,
        device_chain::{FWID_OID, Family, TCB_INFO_OID},
        opaque::Pdi,
        report::DeviceKind,
    },
    encode::{integer, octets, oid, pem, sequence, tlv},
    pki::{CertificateSpec, Identity, Key},
    report::ReportSpec,
};

/// DICE flags of every public Blackwell device: notConfigured and fixedWidth.
pub const BLACKWELL_FLAGS: [u8; 4] = [0x80, 0, 0, 1];

/// A device that does not exist.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its family.
    pub family: Family,
    /// Leaf to root.
    pub chain: [Identity; 5],
    /// Physical identifier.
    pub pdi: Pdi,
    /// Firmware identity.
    pub fwid: [u8; 48],
    /// What it reports; the nonce is replaced by [`Device::evidence`].
    pub report: ReportSpec,
}

/// Chip name in certificates.
#[must_use]
pub const fn chip(family: Family) -> &'static str {
    match family {
        Family::Gh100 => "GH100",
        Family::Gb100 => "GB100",
        Family::Gb20x => "GB202",
        Family::Ls10 => "LS_10",
    }
}

/// Common name of a family's certificate.
#[must_use]
pub const fn family_name(family: Family) -> &'static str {
    match family {
        Family::Gh100 | Family::Ls10 => "NVIDIA GH100 Identity",
        Family::Gb100 => "NVIDIA GB100 Identity",
        Family::Gb20x => "NVIDIA GB20X Identity",
    }
}

/// TCG DICE firmware identity: algorithm and digest.
#[must_use]
pub fn fwid_value(fwid: &[u8; 48]) -> Vec<u8> {
    sequence(&[&oid(ID_SHA_384), &octets(fwid)])
}

/// The leaf's extension of Hopper devices and switches.
#[must_use]
pub fn hopper_extension(identity_key: &Key, fwid: &[u8; 48]) -> Vec<u8> {
    sequence(&[&integer(&[1]), &identity_key.info, &fwid_value(fwid)])
}

/// The leaf's extension of Blackwell devices.
#[must_use]
pub fn tcb_info_extension(chip: &str, fwid: &[u8; 48], flags: [u8; 4]) -> Vec<u8> {
    sequence(&[
        &tlv(0x80, &[b"NVIDIA"]),
        &tlv(0x81, &[format!("{chip} A01 GSP").as_bytes()]),
        &tlv(0x82, &[b"01"]),
        &tlv(0x83, &[&[1]]),
        &tlv(0x84, &[&[0]]),
        &tlv(0x85, &[&[0]]),
        &tlv(0xA6, &[&fwid_value(fwid), &fwid_value(&[0; 48])]),
        &tlv(0x87, &[&[0], &flags]),
        &tlv(0x88, &[&[0; 4]]),
        &tlv(0x89, &[&[0; 4]]),
    ])
}

impl Device {
    /// A device of `family` under the three upper identities (provisioner, family, root).
    #[must_use]
    pub fn new(seed: &[u8; 32], family: Family, number: u64, upper: [Identity; 3], report: ReportSpec) -> Self {
        let chip = chip(family);
        let label = |what: &str| format!("{chip} {number} {what}");
        let digest = |what: &str| -> [u8; 48] { Sha384::digest([&seed[..], label(what).as_bytes()].concat()).into() };
        let mut pdi = [0; 8];
        pdi.copy_from_slice(&digest("pdi")[..8]);
        let fwid = digest("firmware");
        let (attestation, identity) = (Key::derive(seed, &label("attestation")), Key::derive(seed, &label("identity")));
        let unit = if family == Family::Ls10 { "FSP" } else { "GSP" };
        let (leaf_name, identity_name) = (format!("{chip} A01 {unit} FMC LF"), format!("{chip} A01 {unit} BROM"));
        let mut leaf = CertificateSpec::leaf(&leaf_name, &identity_name, &attestation, &identity);
        leaf.serial = digest("leaf")[..20].to_vec();
        leaf.serial[0] &= 0x7F;
        let extension = match family {
            Family::Gh100 | Family::Ls10 => (FWID_OID, hopper_extension(&identity, &fwid)),
            Family::Gb100 | Family::Gb20x => (TCB_INFO_OID, tcb_info_extension(chip, &fwid, BLACKWELL_FLAGS)),
        };
        leaf.extensions.push((extension.0, false, extension.1));
        let provisioner = &upper[0];
        let mut middle =
            CertificateSpec::authority(&identity_name, &provisioner.spec.subject, &identity, &provisioner.key);
        let prefix = if family.kind() == DeviceKind::Switch { 0x50 } else { 0x41 };
        middle.serial = [&[prefix], &pdi[..]].concat();
        middle.names_list = false;
        middle.key_usage = super::pki::CERT_SIGN;
        let [provisioner, above, root] = upper;
        let chain = [
            Identity { key: attestation, spec: leaf },
            Identity { key: identity, spec: middle },
            provisioner,
            above,
            root,
        ];
        let mut device = Self { family, chain, pdi, fwid, report };
        if family != Family::Ls10 {
            device.report.field(20).copy_from_slice(&fwid);
        } else {
            device.report.field(22).copy_from_slice(&pdi);
        }
        device
    }

    /// Certificates in DER, leaf first, each signed by the next key.
    #[must_use]
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        let signers = self.chain.iter().skip(1).chain(self.chain.last());
        self.chain.iter().zip(signers).map(|(own, signer)| own.spec.sign(&signer.key)).collect()
    }

    /// The chain in PEM.
    #[must_use]
    pub fn chain_pem(&self) -> Vec<u8> {
        self.certificates().iter().map(|der| pem(der)).collect::<String>().into_bytes()
    }

    /// The device's answer to a nonce.
    #[must_use]
    pub fn evidence(&self, nonce: &[u8; 32]) -> DeviceEvidence {
        let mut report = self.report.clone();
        report.request = ReportSpec::request(nonce);
        DeviceEvidence { report: report.sign(&self.chain[0].key), chain: self.chain_pem() }
    }

    /// Stable identity.
    #[must_use]
    pub fn identity(&self) -> [u8; 32] {
        self.chain[1].key.fingerprint()
    }
}
